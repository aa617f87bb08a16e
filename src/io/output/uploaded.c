/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "uploaded.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "checked.h"
#include "log.h"
#include "memory.h"

#define UPLOAD "upload\t"
#define OBJECT "object\t"

enum { LOOKED_AT = 2 << 20 /* bytes of a journal */ };

bool vmf_output_uploads(const struct vmf_output *output, struct vmf_output_object *object)
{
  *object = (struct vmf_output_object){.name = output->path,
                                       .store = output->upload.origin,
                                       .parts = output->upload.parts,
                                       .stored = output->pipe != NULL};
  return output->uploads;
}

/* ---- read ---- */

static enum vmf_code take(char **place, const char *text, struct vmf_error *error)
{
  vmf_free(*place);
  *place = NULL;
  return text ? vmf_copy_text(text, place, error) : VMF_OK;
}

static enum vmf_code take_line(struct vmf_kept_upload *upload, const char *line,
                               struct vmf_error *error)
{
  if (strncmp(line, OBJECT, strlen(OBJECT)) == 0)
    return take(&upload->tag, line + strlen(OBJECT), error);
  if (strncmp(line, UPLOAD, strlen(UPLOAD)) != 0)
    return VMF_OK;
  VMF_TRY(take(&upload->tag, NULL, error));
  return take(&upload->was, line + strlen(UPLOAD), error);
}

enum vmf_code vmf_uploaded_load(struct vmf_output *output, uint64_t size, struct vmf_error *error)
{
  size_t length = (size_t)vmf_min(size, LOOKED_AT);
  VMF_AUTO_FREE void *memory = NULL;
  char *newline;

  VMF_TRY(vmf_alloc(length + 1, &memory, error));
  char *text = memory;
  if (pread(output->journal_number, text, length, 0) != (ssize_t)length)
    return vmf_fail_errno(error, VMF_READ, "%s: cannot be read", output->journal_path);
  char *line = strstr(text, "\n\n");
  if (!line)
    return VMF_OK;
  for (line += 2; (newline = strchr(line, '\n')); line = newline + 1) {
    *newline = '\0';
    VMF_TRY(take_line(&output->upload, line, error));
  }
  output->journal_end = (uint64_t)(line - text);
  return VMF_OK;
}

/* ---- written ---- */

/* From `at` on; what stood there is gone. */
static enum vmf_code put(struct vmf_output *output, uint64_t at, const char *text,
                         struct vmf_error *error)
{
  struct vmf_io *io = output->journal;

  VMF_TRY(vmf_io_resize(io, at, error));
  VMF_TRY(vmf_io_pwrite(io, text, strlen(text), at, error));
  VMF_TRY(vmf_io_flush(io, error));
  output->journal_end = at + strlen(text);
  return VMF_OK;
}

static enum vmf_code note_tag(struct vmf_kept_upload *upload, const char *tag,
                              struct vmf_error *error)
{
  struct vmf_output *output = upload->data;
  VMF_AUTO_FREE char *line = NULL;

  VMF_TRY(vmf_format(&line, error, OBJECT "%s\n", tag));
  return put(output, output->journal_end, line, error);
}

enum vmf_code vmf_output_keep_upload(struct vmf_output *output, const char *head,
                                     struct vmf_error *error)
{
  struct vmf_kept_upload *upload = &output->upload;
  bool same = upload->was && strcmp(upload->was, upload->id) == 0;
  VMF_AUTO_FREE char *text = NULL;

  if (strpbrk(upload->id, "\r\n"))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: cannot be resumed: the store calls its upload by several lines",
                    output->path);
  VMF_TRY(vmf_format(&text, error, "%s" UPLOAD "%s\n", head ? head : "", upload->id));
  if (head || !same)
    VMF_TRY(put(output, head ? 0 : output->journal_end, text, error));
  upload->data = output;
  upload->note_tag = note_tag;
  upload->noted = true;
  output->left = false;
  return VMF_OK;
}

/* ---- the end ---- */

void vmf_uploaded_close(struct vmf_output *output)
{
  struct vmf_io **io = output->pipe             ? &output->pipe
                       : output->part_count > 0 ? &output->parts[0].io
                                                : NULL;

  if (!output->uploads)
    return;
  if (io) {
    vmf_io_close(*io);
    *io = NULL;
  }
  output->left |= output->upload.left;
  if (output->upload.left)
    vmf_warn(output->log,
             "%s: what was sent of it is kept at the store, and noted in %s; \"vmferry convert "
             "--resume\" with the same files and options goes on with it, and removes that file",
             output->path, output->journal_path);
  vmf_free(output->upload.was);
  vmf_free(output->upload.tag);
}
