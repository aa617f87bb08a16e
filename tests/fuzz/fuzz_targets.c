/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * All targets: those of this table, then one a disk format, then one a machine
 * format that can be read. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "image.h"
#include "machine_format.h"
#include "package_maker.h"

static const struct fuzz_target targets[] = {
    {"certificate", fuzz_certificate, .begin = fuzz_certificate_begin, .seeds = FUZZ_SEEDS_NONE},
    {"changed_vhdx", fuzz_changed_vhdx, .begin = fuzz_changed_vhdx_begin,
     .seeds = FUZZ_SEEDS_RANDOM},
    {"changes", fuzz_changes, .seeds = FUZZ_SEEDS_RANDOM},
    {"conversion", fuzz_conversion, .seeds = FUZZ_SEEDS_RANDOM},
    {"descriptor", fuzz_descriptor, .seeds = FUZZ_SEEDS_NONE},
    {"edit", fuzz_edit, .begin = fuzz_package_begin, .seeds = FUZZ_SEEDS_RANDOM},
    {"files", fuzz_files, .begin = fuzz_certificate_begin, .seeds = FUZZ_SEEDS_NONE},
    {"manifest", fuzz_manifest, .seeds = FUZZ_SEEDS_NONE},
    {"model", fuzz_model, .seeds = FUZZ_SEEDS_RANDOM},
    {"options", fuzz_options, .seeds = FUZZ_SEEDS_NONE},
    {"package", fuzz_package, .begin = fuzz_package_begin, .seeds = FUZZ_SEEDS_RANDOM},
    {"partition", fuzz_partition, .seeds = FUZZ_SEEDS_IMAGES},
    {"server", fuzz_server, .begin = fuzz_server_begin, .seeds = FUZZ_SEEDS_RANDOM},
    {"tar", fuzz_tar, .seeds = FUZZ_SEEDS_IMAGES},
    {"unpack", fuzz_unpack, .seeds = FUZZ_SEEDS_IMAGES},
};
enum { TARGETS = sizeof targets / sizeof targets[0] };

bool fuzz_target_at(size_t index, struct fuzz_target *target)
{
  struct vmf_format_info format = {.size = sizeof format};
  size_t formats = 0;

  if (index < TARGETS) {
    *target = targets[index];
    return true;
  }
  index -= TARGETS;
  while (vmf_format_describe(formats, &format))
    if (formats++ == index) {
      *target =
          (struct fuzz_target){.run = fuzz_image, .what = format.name, .seeds = FUZZ_SEEDS_IMAGES};
      snprintf(target->name, sizeof target->name, "%s", format.name);
      return true;
    }
  index -= formats;
  const struct vmf_machine_format *const *machine = vmf_machine_formats;
  for (; *machine; machine++)
    if ((*machine)->read && index-- == 0)
      break;
  if (!*machine)
    return false;
  *target =
      (struct fuzz_target){.run = fuzz_machine, .what = (*machine)->name, .seeds = FUZZ_SEEDS_NONE};
  snprintf(target->name, sizeof target->name, "machine_%s", target->what);
  return true;
}

bool fuzz_target_find(const char *name, struct fuzz_target *target)
{
  for (size_t i = 0; fuzz_target_at(i, target); i++)
    if (strcmp(target->name, name) == 0)
      return true;
  return false;
}
