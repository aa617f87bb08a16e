/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "steady.h"

#include <time.h>

void vmf_steady_begin(pthread_cond_t *condition)
{
  pthread_condattr_t steady;

  pthread_condattr_init(&steady);
  pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &steady);
  pthread_condattr_destroy(&steady);
}

bool vmf_steady_wait(pthread_cond_t *condition, pthread_mutex_t *lock, unsigned milliseconds)
{
  struct timespec until;

  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
  until.tv_sec += milliseconds / 1000 + (unsigned)(until.tv_nsec / 1000000000);
  until.tv_nsec %= 1000000000;
  return pthread_cond_timedwait(condition, lock, &until) == 0;
}
