/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "rate.h"

#include <time.h>

#include "checked.h"

static const uint64_t second = 1000000000;       /* in nanoseconds, */
static const uint64_t at_once = 50000000;        /* as here: so long is slept at a time */
static const uint64_t for_ever = UINT64_MAX / 2; /* leaves room to add the clock */

static uint64_t now(void)
{
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * second + (uint64_t)time.tv_nsec;
}

uint64_t vmf_rate_due(uint64_t rate, uint64_t bytes)
{
  double due = (double)bytes / (double)rate * (double)second;

  return due < (double)for_ever ? (uint64_t)due : for_ever;
}

void vmf_rate_wait(uint64_t rate, uint64_t bytes, uint64_t *started,
                   const struct vmf_cancel *cancel)
{
  if (rate == 0)
    return;
  if (*started == 0)
    *started = now();
  uint64_t due = *started + vmf_rate_due(rate, bytes);
  for (uint64_t time = now(); time < due && !(cancel && vmf_cancel_requested(cancel));
       time = now()) {
    struct timespec pause = {.tv_nsec = (long)vmf_min(due - time, at_once)};

    nanosleep(&pause, NULL);
  }
}
