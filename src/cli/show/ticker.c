/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "ticker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

static struct {
  pthread_mutex_t lock; /* of `stopped`; not held while it ticks */
  pthread_cond_t stop;
  bool stopped;
  bool runs; /* main thread only, like the rest */
  pthread_t thread;
  unsigned milliseconds;
  void (*tick)(void *data);
  void *data;
} ticker = {.lock = PTHREAD_MUTEX_INITIALIZER, .stop = PTHREAD_COND_INITIALIZER};

/* True at the end of the interval, false when it is to end. */
static bool wait_for_next(void)
{
  struct timespec until;

  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += ticker.milliseconds / 1000;
  until.tv_nsec += (long)(ticker.milliseconds % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock(&ticker.lock);
  while (!ticker.stopped && pthread_cond_timedwait(&ticker.stop, &ticker.lock, &until) == 0)
    ;
  bool goes_on = !ticker.stopped;
  pthread_mutex_unlock(&ticker.lock);
  return goes_on;
}

static void *run(void *unused)
{
  while (wait_for_next())
    ticker.tick(ticker.data);
  return unused;
}

void vmf_ticker_start(unsigned milliseconds, void (*tick)(void *data), void *data)
{
  sigset_t all, before;

  if (ticker.runs)
    return;
  ticker.stopped = false;
  ticker.milliseconds = milliseconds;
  ticker.tick = tick;
  ticker.data = data;
  /* signals are to interrupt what the other threads wait for */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  ticker.runs = pthread_create(&ticker.thread, NULL, run, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void vmf_ticker_stop(void)
{
  if (!ticker.runs)
    return;
  pthread_mutex_lock(&ticker.lock);
  ticker.stopped = true;
  pthread_cond_signal(&ticker.stop);
  pthread_mutex_unlock(&ticker.lock);
  pthread_join(ticker.thread, NULL);
  ticker.runs = false;
}
