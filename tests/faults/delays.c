/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Preloaded into vmferry: before a thread takes a lock, after it gives one back, and before and
 * after it wakes others, it often lets them run first, sometimes for a while. VMF_DELAYS: a number;
 * another one, another order of the threads. How often is written to VMF_DELAYS_COUNT at the end.
 */
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { PAUSES = 2000, PAUSE_MAX = 200000 /* ns: 0.4 s in all at most */ };

static _Atomic unsigned delay_threads, delay_pauses, delay_count;
static unsigned delay_seed;
static _Thread_local uint32_t delay_state;
static int (*real_lock)(pthread_mutex_t *), (*real_unlock)(pthread_mutex_t *);
static int (*real_signal)(pthread_cond_t *), (*real_broadcast)(pthread_cond_t *);

/* Before any thread is started. */
__attribute__((constructor)) static void delays_begin(void)
{
  const char *seed = getenv("VMF_DELAYS");

  delay_seed = seed ? (unsigned)atoi(seed) : 1;
  *(void **)&real_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
  *(void **)&real_unlock = dlsym(RTLD_NEXT, "pthread_mutex_unlock");
  *(void **)&real_signal = dlsym(RTLD_NEXT, "pthread_cond_signal");
  *(void **)&real_broadcast = dlsym(RTLD_NEXT, "pthread_cond_broadcast");
}

__attribute__((destructor)) static void delays_end(void)
{
  const char *path = getenv("VMF_DELAYS_COUNT");
  char text[32];
  int length = snprintf(text, sizeof text, "%u\n", atomic_load(&delay_count));
  int number = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;

  if (number >= 0 && write(number, text, (size_t)length) == length)
    close(number);
}

static void delay(void)
{
  if (delay_state == 0)
    delay_state = (delay_seed + 1) * 2654435761u + atomic_fetch_add(&delay_threads, 1) * 40503u + 1;
  delay_state = delay_state * 1664525u + 1013904223u;
  uint32_t chance = delay_state >> 16;

  if (chance % 4 != 0)
    return;
  atomic_fetch_add(&delay_count, 1);
  if (chance % 64 == 0 && atomic_fetch_add(&delay_pauses, 1) < PAUSES) {
    struct timespec pause = {.tv_nsec = (long)(chance % PAUSE_MAX)};
    nanosleep(&pause, NULL);
  } else {
    sched_yield();
  }
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
  if (!real_lock) /* called by what is loaded before */
    *(void **)&real_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
  delay();
  return real_lock(mutex);
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
  if (!real_unlock)
    *(void **)&real_unlock = dlsym(RTLD_NEXT, "pthread_mutex_unlock");
  int result = real_unlock(mutex);
  delay();
  return result;
}

EXPORT int pthread_cond_signal(pthread_cond_t *condition)
{
  delay();
  return real_signal(condition);
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *condition)
{
  delay();
  int result = real_broadcast(condition);
  delay();
  return result;
}
