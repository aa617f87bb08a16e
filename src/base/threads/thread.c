/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "thread.h"

#include <signal.h>
#include <time.h>

int vmf_thread_start(pthread_t *thread, void *(*run)(void *data), void *data)
{
  sigset_t all, before;

  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int result = pthread_create(thread, NULL, run, data);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

void vmf_steady_condition(pthread_cond_t *condition)
{
  pthread_condattr_t steady;

  pthread_condattr_init(&steady);
  pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &steady);
  pthread_condattr_destroy(&steady);
}

void vmf_wait_a_while(pthread_cond_t *condition, pthread_mutex_t *lock, unsigned milliseconds)
{
  struct timespec until;

  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)milliseconds * 1000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_cond_timedwait(condition, lock, &until);
}
