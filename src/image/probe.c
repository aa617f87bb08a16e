/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What format is it? Content decides; two answers are an error; no answer is raw only where that is
 * what the person plainly meant. */
#include <string.h>

#include "checked.h"
#include "image.h"
#include "text.h"

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
  return VMF_OK;
}

bool vmf_probe_raw_allowed(const struct vmf_io *io)
{
  static const char *const suffixes[] = {"raw", "img", "iso", "bin"};
  const char *dot = strrchr(io->name, '.');
  if (io->device)
    return true;
  if (!dot)
    return false;
  for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
    if (vmf_text_equal_nocase(dot + 1, suffixes[i]))
      return true;
  return false;
}
