/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_room.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "batch_files.h"
#include "dry_run.h"
#include "human.h"
#include "names.h"
#include "signals.h"
#include "status.h"
#include "verb_convert.h"

/* A file system that jobs write to. */
struct room {
  dev_t device;
  char *folder; /* the first that was found there; owned */
  size_t jobs;
  uint64_t required; /* bytes */
};

/* The folder of a path, or the path of one: a fresh string. */
static char *folder_of(const char *path)
{
  struct stat there;

  if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
    return strdup(path);
  return vmf_names_folder(path);
}

/* Adds bytes that go to `path` to its file system, or that to the list, which has room for it. */
static void add(struct room *rooms, size_t *count, const char *path, uint64_t bytes)
{
  char *folder = folder_of(path);
  struct stat there;
  size_t i = 0;

  if (!folder || stat(folder, &there) != 0) {
    free(folder);
    return;
  }
  while (i < *count && rooms[i].device != there.st_dev)
    i++;
  if (i == *count)
    rooms[(*count)++] = (struct room){.device = there.st_dev, .folder = folder};
  else
    free(folder);
  rooms[i].jobs++;
  rooms[i].required += bytes;
}

static void print(const struct room *room, const char *prefix, const char *verdict,
                  uint64_t free_bytes)
{
  char required[16], free_text[16];

  vmf_human_size(room->required, required);
  vmf_human_size(free_bytes, free_text);
  vmf_status_print("%s%s: %zu job%s, up to %s; %s are free: it %s", prefix, room->folder,
                   room->jobs, room->jobs == 1 ? "" : "s", required, free_text, verdict);
}

static void free_rooms(struct room *rooms, size_t count)
{
  for (size_t i = 0; i < count; i++)
    free(rooms[i].folder);
  free(rooms);
}

void vmf_batch_show_room(const struct vmf_batch *batch)
{
  struct room *rooms = calloc(batch->count, sizeof *rooms);
  size_t count = 0;
  uint64_t bytes;

  for (size_t i = 0; rooms && i < batch->count; i++)
    if (batch->jobs[i].path)
      add(rooms, &count, batch->jobs[i].path, batch->jobs[i].written);
  for (size_t i = 0; i < count; i++)
    if (vmf_dry_run_free(rooms[i].folder, &bytes))
      print(&rooms[i], "", rooms[i].required <= bytes ? "fits" : "may not fit", bytes);
  free_rooms(rooms, count);
}

/* ---- before they run ---- */

/* What a job would write. */
struct plan {
  char *path; /* owned; NULL: nothing is known */
  uint64_t bytes;
};

static void take_plan(void *data, const char *path, uint64_t required)
{
  struct plan *plan = data;

  free(plan->path);
  *plan = (struct plan){.path = strdup(path), .bytes = required};
}

/* A pipe comes once, what is far is asked once, and its room is not known. What is wrong with a job
 * is told when it is done, and what its package vouches for is asked for then. What can only be
 * measured by unpacking it is not. */
static struct plan plan_of(const struct vmf_batch *batch, const struct vmf_batch_job *job,
                           struct vmf_parsed_job *parsed)
{
  struct vmf_convert_settings *settings = (struct vmf_convert_settings *)parsed->command;
  struct plan plan = {0};
  struct vmf_listener listener = vmf_batch_deaf;
  struct vmf_error ignored;
  bool salvaged;

  if (!vmf_batch_only_files(&job->listed->operands, job->listed->operands.count) || job->recorded ||
      job->changed)
    return plan;
  listener.data = &plan;
  listener.planned = take_plan;
  settings->command.listener = &listener;
  settings->command.crew = batch->crew;
  settings->target.dry_run = true;
  settings->command.max_size = 1; /* byte to be unpacked */
  settings->source.trust.no_verify = true;
  (void)!vmf_convert_do(settings, &salvaged, &ignored);
  return plan;
}

enum vmf_code vmf_batch_check_room(const struct vmf_batch *batch, struct vmf_error *error)
{
  struct room *rooms = calloc(batch->count, sizeof *rooms);
  size_t count = 0, scarce = 0;
  bool fails = batch->settings->fail_fast;
  uint64_t bytes;

  if (!rooms)
    return vmf_arguments_no_memory(error);
  for (size_t i = 0; i < batch->count && !vmf_cancel_requested(vmf_signals_cancel()); i++) {
    struct vmf_parsed_job *parsed = &batch->settings->parsed[i];
    struct plan plan = plan_of(batch, &batch->jobs[i], parsed);

    vmf_batch_forget(parsed);
    if (plan.path)
      add(rooms, &count, plan.path, plan.bytes);
    free(plan.path);
  }
  for (size_t i = 0; i < count; i++)
    if (vmf_dry_run_free(rooms[i].folder, &bytes) && rooms[i].required > bytes) {
      if (fails || !batch->settings->command.quiet)
        print(&rooms[i], fails ? "" : "warning: ", "may not fit", bytes);
      scarce++;
    }
  free_rooms(rooms, count);
  return scarce == 0 || !fails
             ? VMF_OK
             : vmf_arguments_wrong(error, "with --fail-fast nothing is begun that may not fit");
}
