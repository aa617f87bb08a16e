/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "ticker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "steady.h"

static struct {
  pthread_mutex_t lock; /* of `stopped`; not held while it ticks */
  pthread_cond_t stop;  /* steady; while it runs */
  bool stopped;
  bool runs; /* main thread only, like the rest */
  pthread_t thread;
  unsigned milliseconds;
  void (*tick)(void *data);
  void *data;
} ticker = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* True at the end of the interval, false when it is to end. */
static bool wait_for_next(void)
{
  pthread_mutex_lock(&ticker.lock);
  while (!ticker.stopped && vmf_steady_wait(&ticker.stop, &ticker.lock, ticker.milliseconds))
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
  vmf_steady_begin(&ticker.stop);
  /* signals are to interrupt what the other threads wait for */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  ticker.runs = pthread_create(&ticker.thread, NULL, run, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!ticker.runs)
    pthread_cond_destroy(&ticker.stop);
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
  pthread_cond_destroy(&ticker.stop);
  ticker.runs = false;
}
