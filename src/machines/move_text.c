/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text of a machine in its new format. What it says is known by reading it again: no writer is
 * believed. */
#include <string.h>

#include "caller.h"
#include "machine_move.h"
#include "memory.h"
#include "ovf_machine.h"

/* The target's text has nothing beside it yet. */
static enum vmf_code nothing_beside(const struct vmf_machine_source *source, const char *name,
                                    size_t limit, char **bytes, size_t *length,
                                    struct vmf_error *error)
{
  (void)source, (void)name, (void)limit, (void)error;
  *bytes = NULL;
  *length = 0;
  return VMF_OK;
}

/* What is new because a copy was asked for is no mishap. */
static void tell_copy(const struct vmf_machine_move *move, const struct vmf_machine_losses *losses)
{
  static const char why[] = "a copy gets one of its own (--copy)";

  if (!move->to->copy)
    return;
  if (move->machine->uuid.told)
    vmf_machine_lose(losses, VMF_LOSS_COSMETIC, NULL, why, "uuid");
  if (move->machine->genid.told)
    vmf_machine_lose(losses, VMF_LOSS_COSMETIC, "L-genid-renewed", why, "genid");
  for (size_t i = 0; i < move->machine->nic_count; i++)
    if (move->machine->nics[i].mac.text)
      vmf_machine_lose(losses, VMF_LOSS_COSMETIC, NULL, why, "nics[%zu].mac", i);
}

/* What a text that nobody reads as a machine leaves of it: the disks. */
static enum vmf_code read_bare(const struct vmf_machine_move *move, struct vmf_machine *after,
                               struct vmf_error *error)
{
  struct vmf_machine_disk *disk;

  for (size_t i = 0; i < move->machine->disk_count; i++) {
    if (!move->disks[i].name)
      continue;
    VMF_TRY(vmf_machine_add_disk(after, &disk, error));
    disk->medium = move->machine->disks[i].medium;
    disk->bus = move->machine->disks[i].bus;
    disk->capacity = vmf_told(move->disks[i].capacity, 0);
    VMF_TRY(vmf_machine_text(after, move->disks[i].name, 0, &disk->image, error));
  }
  return VMF_OK;
}

static enum vmf_code read_again(struct vmf_machine_move *move, struct vmf_machine *after,
                                struct vmf_error *error)
{
  const struct vmf_machine_source source = {.name = move->destination.descriptor_name,
                                            .bytes = move->text,
                                            .length = move->text_length,
                                            .beside = nothing_beside};

  if (move->format && !move->format->read)
    return read_bare(move, after, error);
  enum vmf_code code = move->format ? vmf_machine_read(move->format, &source, after, NULL, error)
                                    : vmf_ovf_machine_read(&source, after, NULL, error);
  return code == VMF_OK ? VMF_OK : vmf_while(error, "what would be written cannot be read");
}

static enum vmf_code compare(struct vmf_machine_move *move, const struct vmf_machine_target *target,
                             struct vmf_error *error)
{
  struct vmf_machine *after;

  VMF_TRY(vmf_machine_new(&after, error));
  enum vmf_code code = read_again(move, after, error);
  if (code == VMF_OK)
    code = vmf_loss_compare(move->read, after, target, &move->losses, error);
  vmf_machine_free(after);
  return code;
}

static enum vmf_code write_text(struct vmf_machine_move *move,
                                const struct vmf_machine_target *target,
                                const struct vmf_machine_losses *losses, struct vmf_error *error)
{
  if (!move->format)
    return vmf_machine_move_compose(move, VMF_DESCRIBE_EARLY, losses, &move->text,
                                    &move->text_length, error);
  return move->format->write(move->machine, target, losses, &move->text, &move->text_length, error);
}

/* What the target's text does not name of the media is not written. */
static enum vmf_code leave_media(struct vmf_machine_move *move,
                                 const struct vmf_machine_target *target, struct vmf_error *error)
{
  struct vmf_machine *after;

  if (!vmf_machine_move_has_media(move))
    return VMF_OK;
  VMF_TRY(write_text(move, target, NULL, error));
  VMF_TRY(vmf_machine_new(&after, error));
  enum vmf_code code = read_again(move, after, error);
  if (code == VMF_OK)
    vmf_machine_move_leave_media(move, after);
  vmf_machine_free(after);
  vmf_free(move->text);
  move->text = NULL;
  return code;
}

enum vmf_code vmf_machine_move_describe(struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_machine_losses losses = vmf_loss_reasons(&move->losses);
  const char *inside = move->container ? move->format->text_name : NULL;
  struct vmf_machine_target target = {.name = inside ? inside : move->destination.descriptor_name,
                                      .folder = inside ? NULL : move->folder,
                                      .disks = move->disks,
                                      .platform = move->fit.platform.profile,
                                      .disk_count = move->machine->disk_count,
                                      .copy = move->to->copy};

  memcpy(target.id, move->id, sizeof target.id);
  VMF_TRY(leave_media(move, &target, error));
  VMF_TRY(write_text(move, &target, &losses, error));
  tell_copy(move, &losses);
  vmf_machine_move_neighbours(move, &losses);
  return compare(move, &target, error);
}
