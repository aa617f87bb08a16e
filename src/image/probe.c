/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What format is it? Content decides; two answers are an error; no answer is raw only where that is
 * what the person plainly meant. */
#include <string.h>

#include "checked.h"
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

/* Formats that are known by their first or last bytes and not read: to take such a file as a raw
 * disk because of its name would be wrong without a word. */
static const struct foreign {
  const char *name, *magic;
  size_t length, offset; /* of the magic number in the file; from_end: before its end */
  bool from_end;
} foreign_formats[] = {
    {"QCOW version 1", "QFI\xfb\0\0\0\1", 8, 0, false},
    {"QED", "QED\0", 4, 0, false},
    {"VHDX", "vhdxfile", 8, 0, false},
    {"VDI", "\x7f\x10\xda\xbe", 4, 64, false},
    {"Parallels HDD", "WithoutFreeSpace", 16, 0, false},
    {"Parallels HDD", "WithouFreSpacExt", 16, 0, false},
    {"Bochs growing disk", "Bochs Virtual HD Image", 22, 0, false},
    {"Proxmox VMA", "VMA\0", 4, 0, false},
    {"Apple disk image (DMG)", "koly", 4, 512, true},
    {"OVA or tar archive", "ustar", 5, 257, false},
};

static const char *find_foreign(const struct vmf_probe *probe)
{
  for (size_t i = 0; i < sizeof(foreign_formats) / sizeof(foreign_formats[0]); i++) {
    const struct foreign *foreign = &foreign_formats[i];
    const uint8_t *end = probe->tail + probe->tail_length;
    const uint8_t *at = foreign->from_end ? end - foreign->offset : probe->head + foreign->offset;
    bool inside = foreign->from_end ? probe->tail_length >= foreign->offset
                                    : probe->head_length >= foreign->offset + foreign->length;
    if (inside && memcmp(at, foreign->magic, foreign->length) == 0)
      return foreign->name;
  }
  return NULL;
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
  const char *foreign = *found ? NULL : find_foreign(&probe);
  if (foreign)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the content is %s, which is not read; if it is a raw disk all the same, "
                    "say -f raw",
                    io->name, foreign);
  return VMF_OK;
}

bool vmf_probe_raw_allowed(const struct vmf_io *io)
{
  return io->device || vmf_format_has_suffix(vmf_format_find("raw"), io->name);
}
