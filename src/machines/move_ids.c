/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The ids that a machine's text and its images have in common. The text is written before them, so
 * that they are chosen here; a run that goes on with another has the same. */
#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "machine_move.h"
#include "memory.h"
#include "options.h"
#include "target.h"

/* Whether the images of the form have an id that can be chosen. */
static bool has_uuid(const struct vmf_machine_move *move)
{
  const struct vmf_format *format = vmf_format_find(move->form->format);
  const struct vmf_options *options = format && format->writer ? &format->writer->options : NULL;

  for (unsigned i = 0; options && i < options->count; i++)
    if (strcmp(options->table[i].name, "uuid") == 0)
      return true;
  return false;
}

/* The person's own choice can be that of one disk only. */
static enum vmf_code check_options(const struct vmf_machine_move *move, struct vmf_error *error)
{
  const char *options = move->options ? move->options : "";

  if (strncmp(options, "uuid=", 5) != 0 && !strstr(options, ",uuid="))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: the UUIDs of the disks of a machine are chosen with it, so that its text "
                  "has the same: leave out the option uuid",
                  move->destination.path);
}

/* Where nothing derives ids from what is written: from what is kept for a run that goes on. */
static enum vmf_code settle(struct vmf_machine_move *move, struct vmf_identity *identity,
                            struct vmf_error *error)
{
  if (identity->derived || move->files->journal == VMF_JOURNAL_NONE)
    return VMF_OK;
  VMF_TRY(vmf_assembly_identify(&move->assembly, &move->destination, move->files, error));
  *identity = move->assembly.identity;
  return VMF_OK;
}

enum vmf_code vmf_machine_move_id(struct vmf_machine_move *move, struct vmf_error *error)
{
  struct vmf_identity identity;

  if (!move->format || !move->format->needs_ids)
    return VMF_OK;
  VMF_TRY(check_options(move, error));
  VMF_TRY(vmf_identity_make(move->format->name, "", 0, NULL,
                            move->machine->name.text ? move->machine->name.text : "", &identity,
                            error));
  VMF_TRY(settle(move, &identity, error));
  return vmf_identity_guid(&identity, "machine", move->id, error);
}

enum vmf_code vmf_machine_move_disk_id(struct vmf_machine_move *move, size_t index,
                                       struct vmf_error *error)
{
  struct vmf_image *image = move->images[index];
  struct vmf_told_id *uuid = &move->disks[index].uuid;
  char purpose[32], text[VMF_GUID_TEXT];
  struct vmf_identity identity;

  if (!move->format || !move->format->needs_ids || !has_uuid(move))
    return VMF_OK;
  VMF_TRY(vmf_identity_make(move->form->format, move->options, vmf_image_size(image), image,
                            vmf_image_path(image), &identity, error));
  VMF_TRY(settle(move, &identity, error));
  snprintf(purpose, sizeof purpose, "disk %zu", index); /* two may be alike */
  VMF_TRY(vmf_identity_guid(&identity, purpose, uuid->bytes, error));
  uuid->told = true;
  vmf_guid_text(uuid->bytes, text);
  return vmf_format(&move->disk_options[index], error, "%s%suuid=%s",
                    move->options ? move->options : "", move->options && *move->options ? "," : "",
                    text);
}
