/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What format is it? Content decides; two answers are an error; no answer is raw only where that is
 * what the person plainly meant. */
#include <string.h>

#include "checked.h"
#include "foreign.h"
#include "image.h"
#include "log.h"
#include "tar.h"
#include "text.h"
#include "unpack.h"

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

enum vmf_code vmf_probe_ends(const struct vmf_io *io, const struct vmf_probe *probe,
                             const struct vmf_format **found, struct vmf_error *error)
{
  *found = NULL;
  for (const struct vmf_format *const *format = vmf_formats; *format; format++) {
    if (!(*format)->reader || !(*format)->reader->probe || !(*format)->reader->probe(probe))
      continue;
    if (*found)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: the content is both %s and %s; say which is meant with -f", io->name,
                      (*found)->name, (*format)->name);
    *found = *format;
  }
  const struct vmf_foreign *foreign = *found ? NULL : vmf_foreign_find(probe);
  return foreign ? vmf_foreign_refuse(io, foreign, error) : VMF_OK;
}

enum vmf_code vmf_probe_io(struct vmf_io *io, const struct vmf_format **found,
                           struct vmf_error *error)
{
  uint8_t head[VMF_PROBE_BYTES], tail[VMF_PROBE_BYTES];
  struct vmf_probe probe;

  *found = NULL;
  VMF_TRY(read_ends(io, head, tail, &probe, error));
  return vmf_probe_ends(io, &probe, found, error);
}

bool vmf_probe_archive(struct vmf_io *io)
{
  uint8_t head[VMF_PROBE_BYTES], tail[VMF_PROBE_BYTES];
  struct vmf_probe probe;

  if (io->device || vmf_format_suffixed(vmf_content_name(io)) || !vmf_tar_is_archive(io) ||
      read_ends(io, head, tail, &probe, NULL) != VMF_OK)
    return false;
  for (const struct vmf_format *const *format = vmf_formats; *format; format++)
    if ((*format)->reader && (*format)->reader->probe && (*format)->reader->probe(&probe))
      return false;
  const struct vmf_foreign *foreign = vmf_foreign_find(&probe);
  return !foreign || foreign->kind == VMF_FOREIGN_TAR;
}

static void warn_foreign(const struct vmf_io *io, const struct vmf_foreign *foreign,
                         const struct vmf_log *log)
{
  if (foreign->kind == VMF_FOREIGN_EMPTY)
    vmf_warn(log, "%s: the file is empty; with -f raw it is a disk of no bytes", io->name);
  else
    vmf_warn(log, "%s: the content is %s; with -f raw just these bytes are the disk", io->name,
             foreign->name);
}

void vmf_probe_warn_raw(const struct vmf_io *io, const struct vmf_probe *probe,
                        const struct vmf_log *log)
{
  const struct vmf_foreign *foreign = vmf_foreign_find(probe);

  if (foreign)
    warn_foreign(io, foreign, log);
}

enum vmf_code vmf_probe_taken_as_raw(struct vmf_io *io, const struct vmf_log *log,
                                     struct vmf_error *error)
{
  uint8_t head[VMF_PROBE_BYTES], tail[VMF_PROBE_BYTES];
  struct vmf_probe probe;

  VMF_TRY(read_ends(io, head, tail, &probe, error));
  const struct vmf_foreign *foreign = vmf_foreign_find(&probe);
  const struct vmf_packing *named = vmf_packing_suffixed(io->name);
  if (foreign)
    warn_foreign(io, foreign, log);
  else if (named && !vmf_unpacked_from(io))
    vmf_warn(log,
             "%s: is not packed by %s, as its name says; with -f raw just these bytes are the disk",
             io->name, vmf_packing_name(named));
  return VMF_OK;
}

enum vmf_code vmf_probe_guess(struct vmf_io *io, const char **guess, struct vmf_error *error)
{
  uint8_t head[VMF_PROBE_BYTES], tail[VMF_PROBE_BYTES];
  struct vmf_probe probe;

  VMF_TRY(read_ends(io, head, tail, &probe, error));
  *guess = vmf_foreign_guess(&probe);
  return VMF_OK;
}

/* Names that people give to disks of any format: they say nothing against another content. */
static bool named_disk(const char *path)
{
  static const char *const suffixes[] = {".disk", ".hdd", ".image", ".vol"};
  const char *dot = strrchr(path, '.');

  for (size_t i = 0; dot && i < sizeof suffixes / sizeof suffixes[0]; i++)
    if (vmf_text_equal_nocase(dot, suffixes[i]))
      return true;
  return false;
}

bool vmf_probe_raw_allowed(const struct vmf_io *io)
{
  return io->device || vmf_format_has_suffix(vmf_format_find("raw"), vmf_content_name(io)) ||
         named_disk(vmf_content_name(io));
}

bool vmf_probe_contradicted(const struct vmf_io *io, const struct vmf_format *format)
{
  const struct vmf_format *said = vmf_format_suffixed(vmf_content_name(io));
  return io->device || (said && !vmf_format_has_suffix(format, vmf_content_name(io)));
}
