/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "memory_text.h"
#include "signals.h"
#include "status.h"

/* One write a line, so that lines of several programs do not mix. */
static void send_line(const struct vmf_batch *batch, const char *text, size_t length)
{
  const int descriptor = batch->settings->command.progress_descriptor;

  if (vmf_signals_wait_for_room(descriptor))
    (void)!write(descriptor, text, length);
}

static void print_job(FILE *out, const struct vmf_batch_job *job, const char *event)
{
  fputs(", \"job\": ", out);
  vmf_json_string(out, job->name);
  if (strcmp(event, "progress") == 0) {
    fprintf(out,
            ", \"phase\": \"%s\", \"percent\": %.2f, \"done\": %" PRIu64 ", \"total\": %" PRIu64,
            job->phase, job->percent, job->done, job->total);
    if (job->rate > 0)
      fprintf(out, ", \"rate\": %.0f, \"left\": %.0f", job->rate, job->left);
  }
  if (job->state == VMF_JOB_RUNNING)
    return;
  fprintf(out, ", \"status\": %d, \"seconds\": %.3f, \"attempts\": %u", job->status,
          (double)job->milliseconds / 1000, job->attempts);
  if (job->path)
    fprintf(out, ", \"written\": %" PRIu64, job->written);
}

void vmf_batch_event(struct vmf_batch *batch, const struct vmf_batch_job *job, const char *event,
                     const char *text)
{
  char *line = NULL;
  size_t length;

  if (batch->settings->command.progress_descriptor <= 0)
    return;
  FILE *out = open_memstream(&line, &length);
  if (!out)
    return;
  fprintf(out,
          "{\"event\": \"%s\", \"elapsed\": %.3f, \"percent\": %.2f, \"finished\": %zu, "
          "\"failed\": %zu, \"jobs\": %zu",
          event, (double)vmf_batch_elapsed(batch) / 1000, 100 * vmf_batch_share(batch),
          batch->finished, batch->failed, batch->count);
  if (job)
    print_job(out, job, event);
  if (text) {
    fputs(", \"text\": ", out);
    vmf_json_string(out, text);
  }
  fputs("}\n", out);
  if (vmf_memory_text_end(out, &line))
    send_line(batch, line, length);
  free(line);
}

void vmf_batch_event_progress(struct vmf_batch *batch)
{
  for (unsigned i = 0; i < batch->at_once; i++)
    if (batch->running[i] && batch->running[i]->state == VMF_JOB_RUNNING)
      vmf_batch_event(batch, batch->running[i], "progress", NULL);
}
