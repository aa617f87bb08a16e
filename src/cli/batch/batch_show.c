/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch_events.h"
#include "batch_room.h"
#include "human.h"
#include "progress.h"
#include "progress_bar.h"
#include "signals.h"
#include "status.h"

enum { LINE_EVERY = 1000 /* milliseconds; of -p and SIGUSR1 without a terminal */ };

/* Main thread only. */
static uint64_t shown_milliseconds;

static bool is_quiet(const struct vmf_batch *batch)
{
  return batch->settings->command.quiet;
}

/* Lines that come and go, on a terminal. */
static bool has_block(const struct vmf_batch *batch)
{
  return !is_quiet(batch) && batch->settings->command.progress_descriptor <= 0 &&
         vmf_progress_block_possible();
}

/* ---- what happens ---- */

void vmf_batch_show_begun(struct vmf_batch *batch, const struct vmf_batch_job *job)
{
  vmf_batch_event(batch, job, "start", NULL);
  if (batch->settings->command.verbose)
    vmf_status_print("%s: begins", job->name);
}

void vmf_batch_show_said(struct vmf_batch *batch, const struct vmf_batch_job *job, const char *text)
{
  vmf_batch_event(batch, job, "message", text);
  if (!is_quiet(batch))
    vmf_status_print("%s: %s", job->name, text);
}

void vmf_batch_show_retry(struct vmf_batch *batch, const struct vmf_batch_job *job, const char *why)
{
  vmf_batch_event(batch, job, "retry", why);
  if (!is_quiet(batch))
    vmf_status_print("%s: is tried again: %s", job->name, why);
}

/* "3.1 GiB written, 12 s (265 MiB/s)" */
static void describe(const struct vmf_batch_job *job, char *text, size_t size)
{
  double seconds = (double)job->milliseconds / 1000;
  char written[16], rate[16];

  vmf_human_size(job->written, written);
  if (!job->format) {
    snprintf(text, size, "up to %s would be written", written);
    return;
  }
  vmf_human_size(seconds > 0 ? (uint64_t)((double)job->written / seconds) : 0, rate);
  snprintf(text, size, "%s written, %.*f s (%s/s)", written, seconds < 10 ? 1 : 0, seconds, rate);
}

void vmf_batch_show_ended(struct vmf_batch *batch, const struct vmf_batch_job *job)
{
  bool skipped = job->state == VMF_JOB_SKIPPED;
  bool good = skipped || job->state == VMF_JOB_DONE || job->state == VMF_JOB_SALVAGED ||
              job->state == VMF_JOB_PLANNED;
  char text[100];

  vmf_batch_event(batch, job,
                  skipped                         ? "unchanged"
                  : good                          ? "done"
                  : job->state == VMF_JOB_STOPPED ? "stopped"
                                                  : "failed",
                  job->error);
  if (!good) {
    vmf_status_print("%s: %s", job->name, job->error ? job->error : "failed");
    return;
  }
  if (is_quiet(batch) || (skipped && !batch->settings->command.verbose))
    return;
  if (skipped)
    snprintf(text, sizeof text, "done before, and unchanged");
  else
    describe(job, text, sizeof text);
  vmf_status_print("%zu of %zu: %s: %s", batch->finished, batch->count, job->name, text);
}

/* ---- how far it is ---- */

static void settle(const struct vmf_batch *batch, struct vmf_progress_state *state, char *name,
                   size_t size)
{
  double share = vmf_batch_share(batch), seconds = (double)vmf_batch_elapsed(batch) / 1000;
  char failed[40] = "";

  if (batch->failed > 0)
    snprintf(failed, sizeof failed, ", %zu failed", batch->failed);
  snprintf(name, size, "%zu of %zu%s", batch->finished, batch->count, failed);
  *state = (struct vmf_progress_state){.name = name, .phase = "in all", .percent = 100 * share};
  if (share > 0.02 && seconds > 2) {
    state->rate = 0;
    for (unsigned i = 0; i < batch->at_once; i++)
      if (batch->running[i])
        state->rate += batch->running[i]->rate;
    state->left = seconds * (1 - share) / share;
  }
}

static void show_block(struct vmf_batch *batch)
{
  struct vmf_progress_state *states = calloc(batch->at_once, sizeof *states), all;
  size_t count = 0;
  char name[80];

  if (!states)
    return;
  for (unsigned i = 0; i < batch->at_once; i++) {
    const struct vmf_batch_job *job = batch->running[i];

    if (job && job->state == VMF_JOB_RUNNING)
      states[count++] = (struct vmf_progress_state){.name = job->name,
                                                    .phase = job->phase,
                                                    .percent = job->percent,
                                                    .done = job->done,
                                                    .total = job->total,
                                                    .rate = job->rate,
                                                    .left = job->left};
  }
  settle(batch, &all, name, sizeof name);
  vmf_progress_block_show(states, count, &all);
  free(states);
}

static void print_line(const struct vmf_batch *batch)
{
  struct vmf_progress_state all;
  char name[80], left[16] = "";

  settle(batch, &all, name, sizeof name);
  vmf_human_seconds(all.left, left);
  vmf_status_print("%s, %.1f %%%s%s%s", name, all.percent, all.left > 0 ? ", " : "",
                   all.left > 0 ? left : "", all.left > 0 ? " left" : "");
}

void vmf_batch_show_progress(struct vmf_batch *batch)
{
  uint64_t now = vmf_progress_now();
  bool due = now - shown_milliseconds >= LINE_EVERY;

  if (vmf_signals_take_usr1())
    print_line(batch);
  if (has_block(batch))
    show_block(batch);
  if (!due)
    return;
  shown_milliseconds = now;
  vmf_batch_event_progress(batch);
  if (batch->settings->command.progress && !has_block(batch) &&
      batch->settings->command.progress_descriptor <= 0)
    print_line(batch);
}

/* "200 jobs: 198 done, 2 failed, 3.1 TiB written, 1:02:03" */
void vmf_batch_show_summary(struct vmf_batch *batch)
{
  size_t done = 0, salvaged = 0, skipped = 0, stopped = 0, waiting = 0;
  uint64_t written = 0;
  bool plans = batch->settings->dry_run;
  char bytes[16], time[16], before[80] = "", text[120] = "";

  vmf_progress_hide();
  for (size_t i = 0; i < batch->count; i++) {
    const struct vmf_batch_job *job = &batch->jobs[i];

    done += job->state == VMF_JOB_DONE || job->state == VMF_JOB_PLANNED;
    salvaged += job->state == VMF_JOB_SALVAGED;
    skipped += job->state == VMF_JOB_SKIPPED;
    stopped += job->state == VMF_JOB_STOPPED;
    waiting += job->state == VMF_JOB_WAITING;
    written += job->written;
  }
  vmf_batch_event(batch, NULL, "end", NULL);
  if (is_quiet(batch))
    return;
  vmf_human_size(written, bytes);
  vmf_human_seconds((double)vmf_batch_elapsed(batch) / 1000, time);
  if (salvaged > 0)
    snprintf(before, sizeof before, ", %zu salvaged", salvaged);
  if (skipped > 0)
    snprintf(before + strlen(before), sizeof before - strlen(before), ", %zu unchanged", skipped);
  if (stopped + waiting > 0)
    snprintf(text, sizeof text, ", %zu stopped, %zu not begun", stopped, waiting);
  vmf_status_print("%zu job%s: %zu %s%s, %zu failed%s, %s%s, %s", batch->count,
                   batch->count == 1 ? "" : "s", done, plans ? "can be done" : "done", before,
                   batch->failed, text, bytes, plans ? " at most" : " written", time);
  if (plans)
    vmf_batch_show_room(batch);
}
