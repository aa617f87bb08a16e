/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_room.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "human.h"
#include "status.h"

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
  const char *slash = strrchr(path, '/');
  struct stat there;

  if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
    return strdup(path);
  return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

/* Adds a job to its file system, or that to the list, which has room for it. */
static void add(struct room *rooms, size_t *count, const struct vmf_batch_job *job)
{
  char *folder = folder_of(job->path);
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
  rooms[i].required += job->written;
}

static void print(const struct room *room)
{
  char required[16], free_bytes[16];
  struct statvfs space;

  if (statvfs(room->folder, &space) != 0 || space.f_blocks == 0)
    return;
  uint64_t blocks = geteuid() == 0 ? space.f_bfree : space.f_bavail;
  uint64_t bytes = blocks * space.f_frsize;
  vmf_human_size(room->required, required);
  vmf_human_size(bytes, free_bytes);
  vmf_status_print("%s: %zu job%s, up to %s; %s are free: %s", room->folder, room->jobs,
                   room->jobs == 1 ? "" : "s", required, free_bytes,
                   room->required <= bytes ? "it fits" : "it may not fit");
}

void vmf_batch_show_room(const struct vmf_batch *batch)
{
  struct room *rooms = calloc(batch->count, sizeof *rooms);
  size_t count = 0;

  for (size_t i = 0; rooms && i < batch->count; i++)
    if (batch->jobs[i].path)
      add(rooms, &count, &batch->jobs[i]);
  for (size_t i = 0; i < count; i++) {
    print(&rooms[i]);
    free(rooms[i].folder);
  }
  free(rooms);
}
