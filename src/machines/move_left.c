/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Disks that a person leaves behind, and those that nobody could take along: their content is in a
 * network, a pool, a device of the host, or encrypted. That is data, so it is lost only when the
 * person says so. */
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "machine_move.h"
#include "memory.h"
#include "path.h"
#include "storages.h"

enum { LIST = 480 /* bytes of a list in a message */ };

/* What is told of where it is, for people and from them. */
static const char *content_of(const struct vmf_machine_disk *disk)
{
  return disk->image.text ? disk->image.text : disk->elsewhere.text;
}

/* "disk 1 (network rbd pool/image)" is appended; what does not fit becomes "...". */
static void append(const struct vmf_machine_disk *disk, size_t index, char list[LIST])
{
  const char *content = content_of(disk);
  size_t used = strlen(list), room = LIST - used;
  int length = snprintf(list + used, room, "%sdisk %zu (%.100s)", used > 0 ? ", " : "", index,
                        content ? content : "nothing is named");

  if (length < 0 || (size_t)length >= room - sizeof ", ...")
    snprintf(list + used, room, "%s", used > 0 && room > sizeof ", ..." ? ", ..." : "");
}

static bool is_named(const struct vmf_machine_disk *disk, size_t index, const char *wanted)
{
  const char *content = content_of(disk);
  char number[24];

  snprintf(number, sizeof number, "%zu", index);
  return strcmp(number, wanted) == 0 || (content && strcmp(content, wanted) == 0) ||
         (disk->image.text && strcmp(vmf_path_name(disk->image.text), wanted) == 0);
}

static bool is_left(const struct vmf_machine_target_options *to,
                    const struct vmf_machine_disk *disk, size_t index)
{
  for (const char *const *wanted = to->without_disks; wanted && *wanted; wanted++)
    if (is_named(disk, index, *wanted))
      return true;
  return false;
}

/* No file, and not zeros of which the size is all there is to tell. */
static bool is_out_of_reach(const struct vmf_machine_disk *disk)
{
  return (disk->medium.value == VMF_MEDIUM_DISK || disk->medium.value == VMF_MEDIUM_LUN) &&
         !disk->image.text && (disk->elsewhere.text || !disk->capacity.told);
}

enum vmf_code vmf_machine_move_leave(struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_machine *machine = move->machine;
  char list[LIST] = "", storages[200];
  unsigned line = 0;
  void *memory;

  VMF_TRY(vmf_alloc(machine->disk_count * sizeof *move->left_out, &memory, error));
  move->left_out = memory;
  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    move->left_out[i] = is_left(move->to, disk, i);
    if (move->left_out[i] || !is_out_of_reach(disk))
      continue;
    line = line == 0 ? disk->medium.line : line;
    append(disk, i, list);
  }
  if (list[0] == '\0')
    return VMF_OK;
  vmf_storages_missing(machine, storages, sizeof storages);
  if (storages[0])
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s:%u: these disks are on storages of the server: %s; --storage NAME=DIR says "
                    "in which folder the files of one are here, once for each of: %s; or leave a "
                    "disk out, and what it holds, with --without-disk (a number each)",
                    move->machines->path, line, list, storages);
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s:%u: what these disks hold is in no file that can be read here: %s; copy it "
                  "into files first, or leave a disk out, and what it holds, with --without-disk "
                  "(a number each)",
                  move->machines->path, line, list);
}

enum vmf_code vmf_machine_move_check_left(const struct vmf_machines *machines, size_t first,
                                          size_t count, const struct vmf_machine_target_options *to,
                                          struct vmf_error *error)
{
  for (const char *const *wanted = to->without_disks; wanted && *wanted; wanted++) {
    char list[LIST] = "";
    bool found = false;

    for (size_t i = first; i < first + count && !found; i++)
      for (size_t j = 0; j < machines->list[i]->disk_count; j++) {
        found |= is_named(&machines->list[i]->disks[j], j, *wanted);
        append(&machines->list[i]->disks[j], j, list);
      }
    if (!found)
      return vmf_fail(error, VMF_USAGE, "%s: has no disk \"%.100s\"; there are: %s", machines->path,
                      *wanted, list[0] ? list : "none");
  }
  return VMF_OK;
}
