/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "human.h"
#include "json.h"
#include "listener.h"
#include "memory_text.h"
#include "progress_bar.h"
#include "signals.h"
#include "ticker.h"

enum {
  BAR_INTERVAL = 100, /* milliseconds */
  LINE_INTERVAL = 1000,
  RATE_AFTER = 500 /* before, the rate is chance */
};

/* Guards struct vmf_progress: the ticker shows it while the main thread waits. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

uint64_t vmf_progress_now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct vmf_progress vmf_progress_begin(const struct vmf_command *command, const char *name,
                                       const char *work)
{
  const char *slash = strrchr(name, '/');
  struct vmf_progress progress = {.name = slash && slash[1] ? slash + 1 : name,
                                  .work = work,
                                  .phase = work,
                                  .passes = 1,
                                  .descriptor = command->progress_descriptor};

  progress.listener = command->listener;
  if (command->listener)
    progress.form = VMF_PROGRESS_TOLD;
  else if (command->progress_descriptor > 0)
    progress.form = VMF_PROGRESS_JSON;
  else if (command->quiet)
    progress.form = VMF_PROGRESS_NONE;
  else if (vmf_progress_bar_possible())
    progress.form = VMF_PROGRESS_BAR;
  else if (command->progress)
    progress.form = VMF_PROGRESS_LINES;
  progress.started_milliseconds = progress.pass_milliseconds = progress.phase_milliseconds =
      vmf_progress_now();
  return progress;
}

/* ---- what is shown ---- */

static void settle(const struct vmf_progress *progress, struct vmf_progress_state *state)
{
  uint64_t spent = vmf_progress_now() - progress->pass_milliseconds;
  double part = progress->total == 0 ? 0 : (double)progress->done / (double)progress->total;

  *state = (struct vmf_progress_state){
      .name = progress->name,
      .phase = progress->phase,
      .percent = 100 * (progress->pass + (part > 1 ? 1 : part)) / progress->passes,
      .done = progress->done,
      .total = progress->total,
  };
  if (progress->ahead &&
      (progress->form == VMF_PROGRESS_JSON || progress->form == VMF_PROGRESS_TOLD))
    state->percent = 0;
  if (progress->phase != progress->work)
    state->waited = (double)(vmf_progress_now() - progress->phase_milliseconds) / 1000;
  if (spent < RATE_AFTER || progress->done == 0 || progress->phase != progress->work)
    return;
  state->rate = (double)progress->done * 1000 / (double)spent;
  if (progress->total > 0)
    state->left = (double)(progress->total - progress->done) / state->rate;
}

static void print_line(const struct vmf_progress_state *state)
{
  char done[16], total[16], rate[16], left[16];

  vmf_human_size(state->done, done);
  vmf_human_size(state->total, total);
  vmf_human_size((uint64_t)state->rate, rate);
  vmf_human_seconds(state->left, left);
  flockfile(stderr);
  vmf_progress_hide();
  vmf_human_text(stderr, state->name);
  fprintf(stderr, ": %s", state->phase);
  if (state->total > 0)
    fprintf(stderr, ", %.1f %%, %s of %s", state->percent, done, total);
  else if (state->done > 0)
    fprintf(stderr, ", %s", done);
  else
    fprintf(stderr, ", %.1f %%", state->percent);
  if (state->rate > 0 && state->total == 0)
    fprintf(stderr, ", %s/s", rate);
  else if (state->rate > 0)
    fprintf(stderr, ", %s/s, %s left", rate, left);
  else if (state->waited >= 1) {
    vmf_human_seconds(state->waited, left);
    fprintf(stderr, ", for %s", left);
  }
  fputc('\n', stderr);
  fflush(stderr);
  funlockfile(stderr);
}

/* One write a line, so that lines of several programs do not mix. A reader that has gone ends it.
 */
static void print_json(struct vmf_progress *progress, const struct vmf_progress_state *state)
{
  char *text = NULL;
  size_t length;
  FILE *out = open_memstream(&text, &length);

  if (!out)
    return;
  fputs("{\"name\": ", out);
  vmf_json_string(out, state->name);
  fprintf(out,
          ", \"phase\": \"%s\", \"percent\": %.2f, \"done\": %" PRIu64 ", \"total\": %" PRIu64
          ", \"seconds\": %.1f",
          state->phase, state->percent, state->done, state->total,
          (double)(vmf_progress_now() - progress->started_milliseconds) / 1000);
  if (state->rate > 0)
    fprintf(out, ", \"rate\": %.0f", state->rate);
  if (state->rate > 0 && state->total > 0)
    fprintf(out, ", \"left\": %.0f", state->left);
  fputs("}\n", out);
  if (vmf_memory_text_end(out, &text) &&
      write(progress->descriptor, text, length) != (ssize_t)length)
    progress->form = VMF_PROGRESS_NONE;
  free(text);
}

/* Whether who is told takes it. The ticker holds the lock meanwhile, and no signal reaches it. */
static bool has_room(const struct vmf_progress *progress, bool asked)
{
  bool by_stderr =
      asked || progress->form == VMF_PROGRESS_LINES || progress->form == VMF_PROGRESS_BAR;

  return (!by_stderr || vmf_signals_wait_for_room(STDERR_FILENO)) &&
         (progress->form != VMF_PROGRESS_JSON || vmf_signals_wait_for_room(progress->descriptor));
}

static void show(struct vmf_progress *progress, bool at_once)
{
  uint64_t now = vmf_progress_now();
  unsigned interval = progress->form == VMF_PROGRESS_LINES || progress->form == VMF_PROGRESS_JSON
                          ? LINE_INTERVAL
                          : BAR_INTERVAL;
  struct vmf_progress_state state;
  bool asked = progress->form != VMF_PROGRESS_TOLD && vmf_signals_take_usr1();

  if (!asked &&
      (progress->form == VMF_PROGRESS_NONE ||
       (!at_once && progress->printed && now - progress->printed_milliseconds < interval)))
    return;
  if (!has_room(progress, asked))
    return;
  settle(progress, &state);
  if (asked || progress->form == VMF_PROGRESS_LINES)
    print_line(&state);
  if (progress->form == VMF_PROGRESS_TOLD)
    progress->listener->progress(progress->listener->data, &state);
  else if (progress->form == VMF_PROGRESS_BAR)
    vmf_progress_bar_show(&state);
  else if (progress->form == VMF_PROGRESS_JSON)
    print_json(progress, &state);
  progress->printed = true;
  progress->printed_milliseconds = now;
}

/* ---- what happens ---- */

static void tick(void *data)
{
  pthread_mutex_lock(&lock);
  show(data, false);
  pthread_mutex_unlock(&lock);
}

static void enter(struct vmf_progress *progress, const char *phase, bool at_once)
{
  if (phase != progress->phase)
    progress->phase_milliseconds = vmf_progress_now();
  progress->phase = phase;
  show(progress, at_once);
  if (progress->form != VMF_PROGRESS_TOLD)
    vmf_ticker_start(BAR_INTERVAL, tick, progress);
}

void vmf_progress_phase(struct vmf_progress *progress, const char *phase)
{
  pthread_mutex_lock(&lock);
  enter(progress, phase, true);
  pthread_mutex_unlock(&lock);
}

void vmf_progress_next(struct vmf_progress *progress, const char *work)
{
  pthread_mutex_lock(&lock);
  progress->pass++;
  progress->done = 0;
  progress->work = work;
  progress->behind = NULL;
  progress->pass_milliseconds = vmf_progress_now();
  enter(progress, work, true);
  pthread_mutex_unlock(&lock);
}

void vmf_progress_show(void *data, uint64_t done, uint64_t total)
{
  struct vmf_progress *progress = data;

  pthread_mutex_lock(&lock);
  const char *before = progress->phase;
  if (before != progress->work && before != progress->behind)
    progress->pass_milliseconds = vmf_progress_now();
  progress->done = done < total || total == 0 ? done : total;
  progress->total = total;
  const char *phase = progress->behind && done >= total ? progress->behind : progress->work;
  enter(progress, phase, phase != before);
  pthread_mutex_unlock(&lock);
}

void vmf_progress_end(struct vmf_progress *progress, bool finished)
{
  if (progress->form == VMF_PROGRESS_TOLD)
    return;
  vmf_ticker_stop();
  vmf_progress_hide();
  if (!finished || progress->form == VMF_PROGRESS_BAR || progress->form == VMF_PROGRESS_NONE)
    return;
  progress->pass = progress->passes - 1;
  progress->total = progress->total > 0 ? progress->total : 1;
  progress->done = progress->total;
  progress->phase = "done";
  show(progress, true);
}
