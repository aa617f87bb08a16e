/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine that comes on a stream with its disks: where the order of their data does not matter to
 * the files that are written, each is taken as it comes, and nothing is stored before. */
#include <string.h>

#include "machine_move.h"
#include "path.h"
#include "target.h"
#include "text.h"

/* The files go beside each other: none waits for the end of another one. */
static bool is_in_folder(const struct vmf_machine_move *move, const char *path)
{
  const char *asked = move->to->format, *dot = strrchr(vmf_path_name(path), '.');

  if (move->container || move->format)
    return !move->container;
  if (vmf_destination_is_folder(path))
    return !asked || !vmf_text_equal_nocase(asked, "ova");
  return dot && vmf_text_equal_nocase(dot, ".ovf");
}

/* The disk of that id; NULL: none. */
static const struct vmf_container_disk *find(const struct vmf_contents *contents, const char *id)
{
  for (unsigned i = 0; id && i < contents->disk_count; i++)
    if (contents->disks[i].id && strcmp(contents->disks[i].id, id) == 0)
      return &contents->disks[i];
  return NULL;
}

/* Of a disk that is taken: where the file holds it, and no other disk of the machine is it. */
static const struct vmf_container_disk *find_once(const struct vmf_machine_move *move, size_t index)
{
  const struct vmf_machine *machine = move->machine;
  const char *id = machine->disks[index].image.text;

  for (size_t i = 0; id && i < index; i++)
    if (machine->disks[i].in_container && machine->disks[i].image.text &&
        strcmp(machine->disks[i].image.text, id) == 0)
      return NULL;
  return machine->disks[index].in_container ? find(move->machines->container->contents, id) : NULL;
}

static enum vmf_code takes_order(const struct vmf_machine_move *move,
                                 const struct vmf_container_disk *disk, bool *takes,
                                 struct vmf_error *error)
{
  struct vmf_shape shape;

  *takes = disk->piece == 0;
  if (*takes)
    return VMF_OK;
  VMF_TRY(vmf_target_shape(move->form->format, move->options, disk->size, &shape, error));
  *takes = shape.layout == VMF_FIXED || shape.any_order;
  return VMF_OK;
}

enum vmf_code vmf_machine_move_may_take(const struct vmf_machine_move *move, const char *path,
                                        bool *may, struct vmf_error *error)
{
  const struct vmf_machine *machine = move->machine;

  *may = !move->to->dry_run && !move->fit.platform.profile && is_in_folder(move, path);
  for (size_t i = 0; *may && i < machine->disk_count; i++) {
    if (vmf_machine_removable(&machine->disks[i]) || move->left_out[i])
      continue;
    const struct vmf_container_disk *disk = find_once(move, i);
    *may = disk != NULL;
    if (disk)
      VMF_TRY(takes_order(move, disk, may, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_machine_move_take(struct vmf_machine_move *move, size_t index,
                                    struct vmf_error *error)
{
  const struct vmf_contents *contents = move->machines->container->contents;
  const struct vmf_container_disk *disk = find(contents, move->machine->disks[index].image.text);

  return vmf_container_take(move->machines->container, (unsigned)(disk - contents->disks),
                            &move->images[index], error);
}
