/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What format is it? Content decides; two answers are an error; no answer is raw only where that is
 * what the person plainly meant. */
#include <string.h>

#include "checked.h"
#include "foreign.h"
#include "image.h"

static enum vmf_code read_ends(struct vmf_io *io, uint8_t *head, uint8_t *tail,
                               struct vmf_probe *probe, struct vmf_error *error)
{
  size_t length = (size_t)vmf_min(io->size, VMF_PROBE_BYTES);
  VMF_TRY(vmf_io_pread(io, head, length, 0, error));
  VMF_TRY(vmf_io_pread(io, tail, length, io->size - length, error));
  *probe = (struct vmf_probe){
      .head = head, .tail = tail, .head_length = length, .tail_length = length, .size = io->size};
  return VMF_OK;
}

static enum vmf_code refuse_foreign(const struct vmf_io *io, const struct vmf_foreign *foreign,
                                    struct vmf_error *error)
{
  const char *slash = strrchr(io->name, '/');

  if (foreign->unpacks && io->ops->below && io->ops->below(io, 1))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is %s in several parts, which is not read: join the parts to "
                    "one file (cat) and unpack that first; if it is a raw disk all the same, say "
                    "-f raw and name all parts",
                    io->name, foreign->name);
  if (foreign->unpacks)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the content is %s, which is not read: unpack it first (%s %s > FILE); if "
                    "it is a raw disk all the same, say -f raw",
                    io->name, foreign->name, foreign->unpacks, slash ? slash + 1 : io->name);
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the content is %s, which is not read; if it is a raw disk all the same, say "
                  "-f raw",
                  io->name, foreign->name);
}

enum vmf_code vmf_probe_io(struct vmf_io *io, const struct vmf_format **found,
                           struct vmf_error *error)
{
  uint8_t head[VMF_PROBE_BYTES], tail[VMF_PROBE_BYTES];
  struct vmf_probe probe;

  *found = NULL;
  VMF_TRY(read_ends(io, head, tail, &probe, error));
  for (const struct vmf_format *const *format = vmf_formats; *format; format++) {
    if (!(*format)->reader || !(*format)->reader->probe || !(*format)->reader->probe(&probe))
      continue;
    if (*found)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: the content is both %s and %s; say which is meant with -f", io->name,
                      (*found)->name, (*format)->name);
    *found = *format;
  }
  const struct vmf_foreign *foreign = *found ? NULL : vmf_foreign_find(&probe);
  if (foreign)
    return refuse_foreign(io, foreign, error);
  return VMF_OK;
}

bool vmf_probe_raw_allowed(const struct vmf_io *io)
{
  return io->device || vmf_format_has_suffix(vmf_format_find("raw"), io->name);
}

bool vmf_probe_contradicted(const struct vmf_io *io, const struct vmf_format *format)
{
  const struct vmf_format *said = vmf_format_suffixed(io->name);
  return io->device || (said && said != format);
}
