/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine as a package: its descriptor tells how large the files have become. */
#include <stdint.h>
#include <string.h>

#include "compose.h"
#include "disk_format.h"
#include "machine_move.h"
#include "memory.h"

static struct vmf_compose_disk disk_of(const struct vmf_machine_move *move, size_t index,
                                       enum vmf_describe how)
{
  bool widest = how == VMF_DESCRIBE_WIDEST;

  if (move->file_of[index] == SIZE_MAX)
    return (struct vmf_compose_disk){0};
  const struct vmf_assembly_file *file = &move->assembly.files[move->file_of[index]];
  return (struct vmf_compose_disk){
      .file_name = file->name,
      .format_uri = move->form->uri,
      .capacity = move->disks[index].capacity,
      .populated_known = how != VMF_DESCRIBE_EARLY,
      .populated = widest ? UINT64_MAX : file->data_bytes,
      .file_size = widest ? UINT64_MAX : file->size,
  };
}

enum vmf_code vmf_machine_move_compose(const struct vmf_machine_move *move, enum vmf_describe how,
                                       const struct vmf_machine_losses *losses, char **text,
                                       size_t *length, struct vmf_error *error)
{
  const struct vmf_compose_settings settings = {
      .version = VMF_OVF_1, .copy = move->to->copy, .losses = losses};
  VMF_AUTO_FREE void *memory = NULL;

  VMF_TRY(vmf_alloc(move->machine->disk_count * sizeof(struct vmf_compose_disk), &memory, error));
  struct vmf_compose_disk *disks = memory;
  for (size_t i = 0; i < move->machine->disk_count; i++)
    disks[i] = disk_of(move, i, how);
  VMF_TRY(vmf_compose(move->machine, &settings, disks, text, error));
  *length = strlen(*text);
  return VMF_OK;
}
