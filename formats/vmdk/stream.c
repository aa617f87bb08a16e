/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What only a stream-optimized extent has: the footer, and the marker before each packed grain. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "extent.h"
#include "memory.h"

/* A tail of zeros up to this length is looked through for the footer. */
enum { TAIL = VMDK_PADDING + VMDK_FOOTER_MARKER_FROM_END };

/* The last sector of `tail` that is not zero, or NULL. */
static const uint8_t *vmdk_last_sector(const uint8_t *tail, size_t length)
{
  size_t end = length;
  while (end > 0 && tail[end - 1] == 0)
    end--;
  return end == 0 ? NULL : tail + (end - 1) / VMDK_SECTOR * VMDK_SECTOR;
}

/* Finds the footer in the file's tail. The last sector with anything in it must be a footer, with
 * its marker before it and at least one sector of zeros, the end of the stream, behind it. */
static enum vmf_code vmdk_find_footer(struct vmf_io *io, const uint8_t *tail, size_t length,
                                      const uint8_t **found, struct vmf_error *error)
{
  const uint8_t *footer = vmdk_last_sector(tail, length);
  if (footer == NULL || (size_t)(footer - tail) < VMDK_SECTOR ||
      (size_t)(footer - tail) + VMDK_FOOTER_FROM_END > length ||
      get_le32(footer + VMDK_SPARSE_MAGIC_AT) != VMDK_SPARSE_MAGIC)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: no footer at the end of the stream (%" PRIu64
                    " bytes), but the header says that the grain directory is there: the file is "
                    "truncated",
                    io->name, io->size);
  const uint8_t *marker = footer - VMDK_SECTOR;
  uint32_t size = get_le32(marker + VMDK_MARKER_SIZE_AT);
  uint32_t type = get_le32(marker + VMDK_MARKER_TYPE_AT);
  if (size != 0 || type != VMDK_MARKER_FOOTER)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: footer marker: size %" PRIu32 " and type %" PRIu32 ", expected 0 and %d",
                    io->name, size, type, VMDK_MARKER_FOOTER);
  *found = footer;
  return VMF_OK;
}

static enum vmf_code vmdk_footer_differs(const struct vmf_io *io, const char *what, uint64_t footer,
                                         uint64_t header, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: footer: %s %" PRIu64 ", the header says %" PRIu64,
                  io->name, what, footer, header);
}

enum vmf_code vmdk_check_footer(const struct vmf_io *io, const struct vmdk_header *footer,
                                const struct vmdk_header *header, struct vmf_error *error)
{
  const uint32_t fixed = VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS | VMDK_FLAG_ZEROED_GRAIN;
  if (footer->gd_offset == VMDK_GD_AT_END)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: footer: says again that the grain directory is at the end", io->name);
  if (footer->version != header->version)
    return vmdk_footer_differs(io, "version", footer->version, header->version, error);
  if ((footer->flags & fixed) != (header->flags & fixed))
    return vmdk_footer_differs(io, "flags", footer->flags, header->flags, error);
  if (footer->capacity != header->capacity)
    return vmdk_footer_differs(io, "capacity", footer->capacity, header->capacity, error);
  if (footer->grain_size != header->grain_size)
    return vmdk_footer_differs(io, "grain size", footer->grain_size, header->grain_size, error);
  if (footer->gtes_per_gt != header->gtes_per_gt)
    return vmdk_footer_differs(io, "entries in a grain table", footer->gtes_per_gt,
                               header->gtes_per_gt, error);
  if (footer->compression != header->compression)
    return vmdk_footer_differs(io, "compression", footer->compression, header->compression, error);
  return VMF_OK;
}

enum vmf_code vmdk_stream_footer(struct vmf_io *io, const struct vmdk_header *header,
                                 struct vmdk_header *footer, struct vmf_error *error)
{
  VMF_AUTO_FREE void *tail = NULL;
  const uint8_t *found = NULL;
  uint64_t end = vmf_align_up(io->size, VMDK_SECTOR);
  uint64_t start = end > TAIL ? end - TAIL : 0;
  size_t length = (size_t)(io->size - start);
  VMF_TRY(vmf_alloc(length, &tail, error));
  VMF_TRY(vmf_io_pread(io, tail, length, start, error));
  VMF_TRY(vmdk_find_footer(io, tail, length, &found, error));
  vmdk_sparse_header_decode(found, footer);
  VMF_TRY(vmdk_sparse_header_check(io->name, footer, error));
  return vmdk_check_footer(io, footer, header, error);
}

/* ---- markers ---- */

enum vmf_code vmdk_stream_marker(const struct vmf_io *io, uint64_t host,
                                 const uint8_t marker[VMDK_GRAIN_MARKER], uint64_t guest,
                                 uint32_t grain, uint32_t *size, struct vmf_error *error)
{
  uint64_t lba = get_le64(marker + VMDK_MARKER_VALUE_AT), expected = guest / VMDK_SECTOR;
  *size = get_le32(marker + VMDK_MARKER_SIZE_AT);
  if (lba != expected)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain marker at byte %" PRIu64 ": LBA %" PRIu64 ", expected %" PRIu64,
                    io->name, host, lba, expected);
  if (*size == 0 || *size > 2 * grain)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain marker at byte %" PRIu64 ": size %" PRIu32
                    ", accepted are 1 to %" PRIu32,
                    io->name, host, *size, 2 * grain);
  if (!vmf_range_within(host + VMDK_GRAIN_MARKER, *size, io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain marker at byte %" PRIu64 ": size %" PRIu32
                    " reaches beyond the end of the file, %" PRIu64,
                    io->name, host, *size, io->size);
  return VMF_OK;
}

enum vmf_code vmdk_strip_marker(const struct vmf_run *run, uint64_t guest, const uint8_t *stored,
                                size_t length, struct vmf_payload *payload, struct vmf_error *error)
{
  uint32_t size;
  *payload = (struct vmf_payload){.start = VMDK_GRAIN_MARKER};
  if (length < VMDK_GRAIN_MARKER) {
    payload->need = VMDK_GRAIN_MARKER;
    return VMF_OK;
  }
  VMF_TRY(vmdk_stream_marker(run->io, run->offset, stored, guest, run->unit, &size, error));
  payload->length = size;
  if (length - VMDK_GRAIN_MARKER < size)
    payload->need = VMDK_GRAIN_MARKER + size;
  return VMF_OK;
}

enum vmf_code vmdk_stream_unwrap(const struct vmf_image *image, const struct vmf_run *run,
                                 const uint8_t *stored, size_t length, struct vmf_payload *payload,
                                 struct vmf_error *error)
{
  const struct vmdk_extent *extent = vmdk_extent_at(image->state, run->guest);
  return vmdk_strip_marker(run, run->guest - extent->guest, stored, length, payload, error);
}
