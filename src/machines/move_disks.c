/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The disks of a machine that is converted: which of them have content to take along. */
#include <stdint.h>
#include <string.h>

#include "caller.h"
#include "disk_format.h"
#include "machine_move.h"
#include "memory.h"
#include "replaced.h"

/* ---- opening ---- */

/* An image is never on two disks of one machine: each would write into the other. */
static enum vmf_code check_twice(const struct vmf_machine_move *move, size_t index,
                                 struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &move->machine->disks[index];
  const char *path = vmf_image_path(move->images[index]);

  for (size_t i = 0; !disk->in_container && i < index; i++)
    if (move->images[i] && vmf_image_file_at(move->images[i], path))
      return vmf_fail(error, VMF_REFUSED,
                      "%s:%u: disk %zu is in the file \"%.160s\", which disk %zu has already",
                      move->machines->path, disk->image.line, index, path, i);
  return VMF_OK;
}

static enum vmf_code open_disk(struct vmf_machine_move *move, size_t index, struct vmf_error *error)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&move->losses);

  if (vmf_machine_move_is_environment(move, index))
    return vmf_machine_move_open_environment(move, &move->images[index], error);
  if (vmf_machine_removable(&move->machine->disks[index]))
    return vmf_machine_move_open_medium(move, index, error);
  if (move->left_out[index]) {
    vmf_machine_lose(&losses, VMF_LOSS_DATA, "L-disk-without",
                     "left out, as was asked for (--without-disk)", "disks[%zu]", index);
    return VMF_OK;
  }
  if (move->machines->arriving)
    return vmf_machine_move_take(move, index, error);
  VMF_TRY(
      vmf_machines_open_image(move->machines, move->machine, index, &move->images[index], error));
  return check_twice(move, index, error);
}

static bool is_taken(const struct vmf_machines *machines, const char *id)
{
  for (size_t i = 0; i < machines->count; i++)
    for (size_t j = 0; j < machines->list[i]->disk_count; j++) {
      const struct vmf_machine_disk *disk = &machines->list[i]->disks[j];
      if (disk->in_container && disk->image.text && strcmp(disk->image.text, id) == 0)
        return true;
    }
  return false;
}

/* Disks that the file holds, and no machine of it has. */
static void tell_left(struct vmf_machine_move *move)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&move->losses);
  const struct vmf_image *container = move->machines->container;

  for (unsigned i = 0; container && i < container->contents->disk_count; i++) {
    const struct vmf_container_disk *disk = &container->contents->disks[i];
    if (disk->id && !disk->kind && !is_taken(move->machines, disk->id))
      vmf_machine_lose(&losses, VMF_LOSS_DATA, "L-disk-left",
                       "the file holds this disk, and the machine does not have it: it is not "
                       "taken along; FILE::DISK names it",
                       "disk-left.%.48s", disk->id);
  }
}

/* What comes is taken as it comes, or stored; of a file it becomes known where all disks are. */
static enum vmf_code open_container(struct vmf_machine_move *move, const char *path,
                                    struct vmf_error *error)
{
  struct vmf_machines *machines = move->machines;
  bool taken = false;

  if (machines->arriving)
    VMF_TRY(vmf_machine_move_may_take(move, path, &taken, error));
  if (!machines->container || taken)
    return VMF_OK;
  VMF_TRY(vmf_machines_store(machines, error));
  return vmf_image_index(machines->container, error);
}

enum vmf_code vmf_machine_move_open(struct vmf_machine_move *move, const char *path,
                                    struct vmf_error *error)
{
  size_t count = move->machine->disk_count;
  void *memory;

  if (move->machine->encrypted.value)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s:%u: the machine is encrypted: decrypt it with the program that runs it",
                    move->machines->path, move->machine->encrypted.line);
  VMF_TRY(vmf_alloc(count * sizeof *move->images, &memory, error));
  move->images = memory;
  VMF_TRY(vmf_machine_move_leave(move, error));
  VMF_TRY(open_container(move, path, error));
  for (size_t i = 0; i < count; i++)
    VMF_TRY(open_disk(move, i, error));
  tell_left(move);
  return VMF_OK;
}

/* ---- naming ---- */

/* A sector is 512 bytes to every machine. */
static uint64_t capacity_of(const struct vmf_machine_move *move, const struct vmf_image *image)
{
  uint64_t size = vmf_image_size(image);

  return move->container || strcmp(move->form->format, "raw") == 0 ? size
                                                                   : (size + 511) / 512 * 512;
}

/* In a container: no file, but one of its disks. */
static enum vmf_code name_contained(const struct vmf_machine_move *move, size_t index,
                                    struct vmf_assembly_file *file, struct vmf_error *error)
{
  file->format = move->container->name;
  file->weight = vmf_image_stored_bytes(file->image);
  if (move->format->disk_name)
    return move->format->disk_name(move->machine, index, &file->name, error);
  return vmf_format(&file->name, error, "disk%zu", move->assembly.count + 1);
}

/* Beside the text, by its number among the disks. */
static enum vmf_code name_beside(const struct vmf_machine_move *move, size_t index,
                                 struct vmf_assembly_file *file, struct vmf_error *error)
{
  size_t number = 0;

  for (size_t i = 0; i < index; i++)
    number += move->images[i] && !vmf_machine_removable(&move->machine->disks[i]);
  file->format = move->form->format;
  file->options = move->options;
  return vmf_assembly_disk(&move->destination, number, move->form->suffix, file, error);
}

static enum vmf_code name_disk(struct vmf_machine_move *move, size_t index,
                               struct vmf_report *report, struct vmf_error *error)
{
  struct vmf_assembly_file *file = &move->assembly.files[move->assembly.count];
  bool removable = vmf_machine_removable(&move->machine->disks[index]);

  move->file_of[index] = SIZE_MAX;
  move->disks[index].left_out = move->left_out[index] && !removable;
  if (!move->images[index])
    return VMF_OK;
  file->image = move->images[index];
  if (removable)
    VMF_TRY(vmf_machine_move_name_medium(move, index, file, error));
  else
    VMF_TRY(move->container ? name_contained(move, index, file, error)
                            : name_beside(move, index, file, error));
  if (vmf_image_streams(file->image))
    file->weight = vmf_image_size(file->image); /* what comes is not known */
  move->file_of[index] = move->assembly.count++;
  move->disks[index] = (struct vmf_machine_target_disk){
      .name = file->name,
      .format = move->container ? "raw" : file->format,
      .capacity = removable ? vmf_image_size(file->image) : capacity_of(move, file->image)};
  if (!move->container && !removable)
    VMF_TRY(vmf_machine_move_disk_id(move, index, error));
  if (move->disk_options[index])
    file->options = move->disk_options[index];
  return vmf_assembly_disk_losses(file->image, report, error);
}

enum vmf_code vmf_machine_move_name(struct vmf_machine_move *move, struct vmf_report *report,
                                    struct vmf_error *error)
{
  size_t count = move->machine->disk_count;
  void *memory;

  VMF_TRY(vmf_alloc(count * sizeof *move->assembly.files, &memory, error));
  move->assembly.files = memory;
  VMF_TRY(vmf_alloc(count * sizeof *move->disks, &memory, error));
  move->disks = memory;
  VMF_TRY(vmf_alloc(count * sizeof *move->file_of, &memory, error));
  move->file_of = memory;
  VMF_TRY(vmf_alloc(count * sizeof *move->disk_options, &memory, error));
  move->disk_options = memory;
  VMF_TRY(vmf_machine_move_id(move, error));
  for (size_t i = 0; i < count; i++)
    VMF_TRY(name_disk(move, i, report, error));
  return VMF_OK;
}
