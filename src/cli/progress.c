/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The progress line. */
#include "progress.h"

#include <time.h>

#include "signals.h"

enum { PROGRESS_INTERVAL = 100 /* milliseconds */ };

static uint64_t progress_now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void progress_print(FILE *out, double percent, char end)
{
  fprintf(out, "    (%3.2f/100%%)%c", percent, end);
  fflush(out);
}

void vmf_progress_show(void *data, uint64_t done, uint64_t total)
{
  struct vmf_progress *progress = data;
  double part = total == 0 ? 1 : (double)done / (double)total;
  double percent = 100 * (progress->phase + (part > 1 ? 1 : part)) / progress->phases;
  uint64_t now;

  if (vmf_signals_take_usr1() && !progress->out)
    progress_print(stderr, percent, '\n');
  if (!progress->out)
    return;
  now = progress_now();
  if (progress->started && now - progress->printed_milliseconds < PROGRESS_INTERVAL)
    return;
  progress->started = true;
  progress->printed_milliseconds = now;
  progress_print(progress->out, percent, '\r');
}

void vmf_progress_end(struct vmf_progress *progress, bool finished)
{
  if (!progress->out)
    return;
  if (finished)
    progress_print(progress->out, 100, '\r');
  if (finished || progress->started)
    fputc('\n', progress->out);
  fflush(progress->out);
}
