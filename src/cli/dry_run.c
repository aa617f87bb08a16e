/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "dry_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "arguments.h"
#include "human.h"
#include "json.h"

/* What the target's place answers. */
struct place {
  bool told;     /* `free` is known: a folder that is there */
  bool replaces; /* something is there already */
  uint64_t free; /* bytes */
};

static enum vmf_code look_at_place(const char *path, struct place *place, struct vmf_error *error)
{
  const char *slash = strrchr(path, '/');
  char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
  struct statvfs space;
  struct stat status;

  *place = (struct place){0};
  if (!folder)
    return vmf_arguments_no_memory(error);
  place->replaces = stat(path, &status) == 0;
  if (strcmp(path, "-") != 0 && (!place->replaces || S_ISREG(status.st_mode)) &&
      statvfs(folder, &space) == 0 && space.f_blocks > 0) {
    place->told = true;
    place->free = (geteuid() == 0 ? space.f_bfree : space.f_bavail) * (uint64_t)space.f_frsize;
  }
  free(folder);
  return VMF_OK;
}

static void print_json(const struct vmf_dry_run *run, const struct place *place, uint64_t required)
{
  fputs("{\n    \"filename\": ", stdout);
  vmf_json_string(stdout, run->path);
  fputs(",\n    \"format\": ", stdout);
  vmf_json_string(stdout, run->format);
  printf(",\n    \"virtual-size\": %" PRIu64 ",\n    \"required\": %" PRIu64,
         vmf_image_size(run->source), required);
  if (place->told)
    printf(",\n    \"free\": %" PRIu64 ",\n    \"fits\": %s", place->free,
           required <= place->free ? "true" : "false");
  printf(",\n    \"replaces\": %s\n}\n", place->replaces ? "true" : "false");
}

static void print_text(const struct vmf_dry_run *run, const struct place *place, uint64_t required)
{
  char size[16], bytes[16], room[16];

  vmf_human_size(vmf_image_size(run->source), size);
  vmf_human_size(required, bytes);
  vmf_human_size(place->free, room);
  vmf_human_text(stdout, run->path);
  printf(": would be %s as %s: a disk of %s, up to %s",
         place->replaces ? "replaced, and written" : "written", run->format, size, bytes);
  if (place->told)
    printf("; %s are free: it %s", room, required <= place->free ? "fits" : "may not fit");
  putchar('\n');
}

enum vmf_code vmf_dry_run(const struct vmf_dry_run *run, struct vmf_error *error)
{
  uint64_t required = 0, full = 0;
  struct place place;
  enum vmf_code code =
      vmf_measure(run->source, vmf_image_size(run->source), run->format, run->target->options,
                  run->target->compress, &required, &full, error);

  if (code == VMF_OK)
    code = look_at_place(run->path, &place, error);
  if (code != VMF_OK)
    return code;
  if (run->command->json)
    print_json(run, &place, required);
  else
    print_text(run, &place, required);
  return VMF_OK;
}
