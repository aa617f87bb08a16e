/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "dry_run.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "human.h"
#include "json.h"
#include "listener.h"
#include "names.h"

/* What the target's place answers, and what goes there, in bytes. */
struct place {
  bool told;     /* `free` is known */
  bool replaces; /* something is there already */
  uint64_t free, required;
};

static bool device_size(const char *path, uint64_t *size)
{
  int number = open(path, O_RDONLY | O_CLOEXEC);
  off_t end = number < 0 ? -1 : lseek(number, 0, SEEK_END);

  if (number >= 0)
    close(number);
  *size = end < 0 ? 0 : (uint64_t)end;
  return end >= 0;
}

bool vmf_dry_run_free(const char *folder, uint64_t *bytes)
{
  struct statvfs space;

  if (statvfs(folder, &space) != 0 || space.f_blocks == 0)
    return false;
  *bytes = (geteuid() == 0 ? space.f_bfree : space.f_bavail) * (uint64_t)space.f_frsize;
  return true;
}

/* Of a file that is there its own space is free, too, but only once the new one is in its place. */
static struct place place_of_disk(const struct vmf_dry_run *run)
{
  char *folder = vmf_names_folder(run->path);
  struct place place = {.required = run->required};
  struct stat status;

  place.replaces = stat(run->path, &status) == 0;
  if (folder && strcmp(run->path, "-") != 0 && (!place.replaces || S_ISREG(status.st_mode)))
    place.told = vmf_dry_run_free(folder, &place.free);
  if (place.replaces && S_ISBLK(status.st_mode))
    place.told = device_size(run->path, &place.free);
  free(folder);
  return place;
}

static struct place place_of_package(const char *path, const struct vmf_package_result *result)
{
  struct stat status;

  return (struct place){.told = result->room != UINT64_MAX,
                        .replaces = stat(path, &status) == 0 && S_ISREG(status.st_mode),
                        .free = result->room,
                        .required = result->bytes};
}

static void json_begin(const char *path)
{
  fputs("{\n    \"filename\": ", stdout);
  vmf_json_string(stdout, path);
}

static void json_end(const struct place *place)
{
  printf(",\n    \"required\": %" PRIu64, place->required);
  if (place->told)
    printf(",\n    \"free\": %" PRIu64 ",\n    \"fits\": %s", place->free,
           place->required <= place->free ? "true" : "false");
  printf(",\n    \"replaces\": %s\n}\n", place->replaces ? "true" : "false");
}

static void text_begin(const char *path, const struct place *place)
{
  vmf_human_text(stdout, path);
  printf(": would be %s", place->replaces ? "replaced, and written" : "written");
}

static void text_end(const struct place *place)
{
  char bytes[16], room[16];

  vmf_human_size(place->required, bytes);
  vmf_human_size(place->free, room);
  printf(", up to %s", bytes);
  if (place->told)
    printf("; %s are free: it %s", room, place->required <= place->free ? "fits" : "may not fit");
  putchar('\n');
}

void vmf_dry_run_disk(const struct vmf_dry_run *run)
{
  const struct place place = place_of_disk(run);
  const struct vmf_listener *listener = run->command->listener;
  char size[16];

  if (listener) {
    listener->planned(listener->data, run->path, run->required);
    return;
  }
  if (run->command->json) {
    json_begin(run->path);
    fputs(",\n    \"format\": ", stdout);
    vmf_json_string(stdout, run->format);
    printf(",\n    \"virtual-size\": %" PRIu64, run->guest_size);
    json_end(&place);
    return;
  }
  vmf_human_size(run->guest_size, size);
  text_begin(run->path, &place);
  printf(" as %s: a disk of %s", run->format, size);
  text_end(&place);
}

void vmf_dry_run_package(const struct vmf_command *command, const char *path,
                         const struct vmf_package_result *result)
{
  const struct place place = place_of_package(path, result);

  if (command->listener) {
    command->listener->planned(command->listener->data, path, result->bytes);
    return;
  }
  if (command->json) {
    json_begin(path);
    printf(",\n    \"files\": %" PRIu64, result->files);
    json_end(&place);
    return;
  }
  text_begin(path, &place);
  printf(": %" PRIu64 " file%s", result->files, result->files == 1 ? "" : "s");
  text_end(&place);
}
