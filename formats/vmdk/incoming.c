/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reads a stream-optimized extent from front to back (spec: "Stream-Optimized Compressed Sparse
 * Extents"): header, descriptor, then one marker after the other up to the end of the stream. */
#include "incoming.h"

#include <inttypes.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "zero.h"

/* ---- header and descriptor ---- */

static int incoming_probe(const struct vmf_probe *probe)
{
  const uint32_t flags = VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS;
  struct vmdk_header header;
  if (probe->head_length < VMDK_SECTOR)
    return 0;
  vmdk_sparse_header_decode(probe->head, &header);
  if (header.magic != VMDK_SPARSE_MAGIC || (header.flags & flags) != flags)
    return 0;
  return header.gd_offset == VMDK_GD_AT_END || vmdk_front_fits(&header) ? 100 : 0;
}

static enum vmf_code incoming_header(struct vmf_container *container, struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  struct vmdk_grains *grains = &incoming->grains;
  const struct vmdk_header *header = &incoming->header;
  const char *name = container->io->name;
  uint8_t raw[VMDK_SECTOR];
  VMF_TRY(vmf_io_pread(container->io, raw, sizeof raw, 0, error));
  vmdk_sparse_header_decode(raw, &incoming->header);
  VMF_TRY(vmdk_sparse_header_check(name, header, error));
  if (header->unclean != 0)
    vmf_warn(container->log, "%s: was not closed cleanly: its last writes may be missing", name);
  grains->capacity = header->capacity * VMDK_SECTOR;
  grains->grain = (uint32_t)header->grain_size * VMDK_SECTOR;
  grains->gtes = header->gtes_per_gt;
  grains->zeroed = header->version >= 2 && (header->flags & VMDK_FLAG_ZEROED_GRAIN) != 0;
  grains->gd_entries = vmf_div_up(grains->capacity, vmdk_grains_coverage(grains));
  incoming->disk.unit = grains->grain;
  return VMF_OK;
}

/* Its bytes, and the way on to the first marker. */
static enum vmf_code incoming_text(struct vmf_container *container, uint8_t **bytes, size_t *length,
                                   struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  const struct vmdk_header *header = &incoming->header;
  const char *name = container->io->name;
  uint64_t offset = 0, size = 0;
  void *block;
  VMF_TRY(vmdk_embedded_place(name, header, &offset, &size, error));
  if (size > container->limits->descriptor)
    return vmf_fail(error, VMF_LIMIT, "%s: descriptor of %" PRIu64 " bytes, accepted are %" PRIu32,
                    name, size, container->limits->descriptor);
  if (offset == 0 || !vmf_mul(header->overhead, VMDK_SECTOR, &incoming->at) ||
      !vmf_range_within(offset, size, incoming->at))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: descriptor of %" PRIu64 " sectors at sector %" PRIu64
                    ", expected before the first grain, at sector %" PRIu64,
                    name, header->descriptor_size, header->descriptor_offset, header->overhead);
  VMF_TRY(vmf_alloc((size_t)size, &block, error));
  *bytes = block;
  *length = (size_t)size;
  return vmf_io_pread(container->io, block, (size_t)size, offset, error);
}

static enum vmf_code incoming_size(struct vmf_container *container,
                                   const struct vmdk_descriptor *descriptor,
                                   struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  const char *name = container->io->name;
  uint64_t capacity = incoming->grains.capacity;
  VMF_TRY(vmdk_embedded_check(name, descriptor, error));
  const struct vmdk_extent_line *line = &descriptor->extents[0];
  VMF_TRY(vmdk_refuse_line(name, line, error));
  if (descriptor->parent_cid != VMDK_CID_NONE ||
      (descriptor->parent_hint && *descriptor->parent_hint))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is a delta, whose parent (\"%s\") is a file beside it: store it in a file "
                    "there first",
                    name, descriptor->parent_hint ? descriptor->parent_hint : "");
  incoming->disk.size = line->sectors * VMDK_SECTOR;
  VMF_TRY(vmdk_check_length(name, incoming->disk.size, capacity, error));
  vmdk_warn_length(container->log, name, incoming->disk.size, capacity);
  container->contents.disks = &incoming->disk;
  container->contents.disk_count = 1;
  return VMF_OK;
}

static enum vmf_code incoming_open(struct vmf_container *container, struct vmf_error *error)
{
  const struct vmdk_incoming *incoming = container->state;
  struct vmdk_descriptor descriptor = {.cid = 0};
  VMF_AUTO_FREE uint8_t *bytes = NULL;
  size_t length = 0;
  VMF_TRY(incoming_header(container, error));
  VMF_TRY(incoming_text(container, &bytes, &length, error));
  enum vmf_code code = vmdk_descriptor_parse(container->io->name, bytes, length, container->limits,
                                             &descriptor, error);
  if (code == VMF_OK)
    code = incoming_size(container, &descriptor, error);
  vmdk_descriptor_release(&descriptor);
  if (code == VMF_OK && incoming->header.gd_offset != VMDK_GD_AT_END)
    code = vmdk_front_take(container, error);
  return code;
}

static void incoming_close(struct vmf_container *container)
{
  struct vmdk_incoming *incoming = container->state;
  vmdk_incoming_release(&incoming->tables);
  vmdk_front_release(&incoming->front);
}

/* ---- markers ---- */

/* The grain of guest byte `guest`, with its marker at incoming->at; length 0: it lies behind the
 * disk's end. */
static enum vmf_code incoming_run(struct vmf_container *container, const uint8_t *marker,
                                  uint64_t guest, struct vmf_run *run, struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  uint32_t size, grain = incoming->grains.grain;
  VMF_TRY(vmdk_stream_marker(container->io, incoming->at, marker, guest, grain, &size, error));
  if (guest < incoming->disk.size)
    *run = (struct vmf_run){.guest = guest,
                            .length = vmf_min(grain, incoming->disk.size - guest),
                            .kind = VMF_RUN_PACKED,
                            .offset = incoming->at,
                            .codec = VMF_CODEC_ZLIB,
                            .unit = grain,
                            .stored = VMDK_GRAIN_MARKER + size};
  incoming->at = vmf_align_up(incoming->at + VMDK_GRAIN_MARKER + size, VMDK_SECTOR);
  return VMF_OK;
}

static enum vmf_code incoming_grain(struct vmf_container *container, const uint8_t *marker,
                                    struct vmf_run *run, struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  const struct vmdk_grains *grains = &incoming->grains;
  uint64_t lba = get_le64(marker + VMDK_MARKER_VALUE_AT), guest, host = incoming->at;
  if (!vmf_mul(lba, VMDK_SECTOR, &guest) || guest % grains->grain != 0 || guest >= grains->capacity)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain marker at byte %" PRIu64 ": LBA %" PRIu64
                    ", expected a multiple of %" PRIu32 " below %" PRIu64,
                    container->io->name, host, lba, grains->grain / VMDK_SECTOR,
                    grains->capacity / VMDK_SECTOR);
  VMF_TRY(incoming_run(container, marker, guest, run, error));
  return vmdk_incoming_grain(container, guest / grains->grain, host, error);
}

static enum vmf_code incoming_footer(struct vmf_container *container, struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  struct vmdk_header footer;
  uint8_t raw[VMDK_SECTOR];
  VMF_TRY(vmf_io_pread(container->io, raw, sizeof raw, incoming->at, error));
  vmdk_sparse_header_decode(raw, &footer);
  VMF_TRY(vmdk_sparse_header_check(container->io->name, &footer, error));
  VMF_TRY(vmdk_check_footer(container->io, &footer, &incoming->header, error));
  if (incoming->directory_sector == 0 || footer.gd_offset != incoming->directory_sector)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: footer: grain directory at sector %" PRIu64 ", but it came at sector "
                    "%" PRIu64 " (0: did not come)",
                    container->io->name, footer.gd_offset, incoming->directory_sector);
  incoming->footer = true;
  incoming->at += VMDK_SECTOR;
  return VMF_OK;
}

/* A sector of zeros, and at most some more of them. */
static enum vmf_code incoming_end(struct vmf_container *container, struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  const uint8_t *bytes;
  size_t have;
  if (!incoming->footer)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the end of the stream is at byte %" PRIu64
                    ", but no footer came before it",
                    container->io->name, incoming->at);
  VMF_TRY(vmf_stream_skip(container->io, incoming->at + VMDK_SECTOR, error));
  VMF_TRY(vmf_stream_peek(container->io, VMDK_PADDING, &bytes, &have, error));
  if (!vmf_is_zero(bytes, have))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: something comes behind the end of the stream, at byte %" PRIu64,
                    container->io->name, incoming->at);
  return vmf_stream_skip(container->io, incoming->at + VMDK_SECTOR + have, error);
}

/* A marker that is no grain's, with what belongs to it. */
static enum vmf_code incoming_other(struct vmf_container *container, const uint8_t *marker,
                                    bool *end, struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  uint64_t value = get_le64(marker + VMDK_MARKER_VALUE_AT), at = incoming->at;
  uint32_t type = get_le32(marker + VMDK_MARKER_TYPE_AT);
  *end = type == VMDK_MARKER_EOS;
  if (*end)
    return incoming_end(container, error);
  incoming->at += VMDK_SECTOR;
  switch (type) {
  case VMDK_MARKER_GT:
    return vmdk_incoming_take_table(container, value, error);
  case VMDK_MARKER_GD:
    return vmdk_incoming_take_directory(container, value, error);
  case VMDK_MARKER_FOOTER:
    return incoming_footer(container, error);
  case VMDK_MARKER_PROGRESS:
    return VMF_OK;
  default:
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: marker at byte %" PRIu64 ": type %" PRIu32 ", known are %d to %d",
                    container->io->name, at, type, VMDK_MARKER_EOS, VMDK_MARKER_PROGRESS);
  }
}

/* What stands at incoming->at, `length` bytes of it. */
static enum vmf_code incoming_marker(struct vmf_container *container, size_t length,
                                     const uint8_t **marker, struct vmf_error *error)
{
  const struct vmdk_incoming *incoming = container->state;
  size_t have;
  VMF_TRY(vmf_stream_skip(container->io, incoming->at, error));
  VMF_TRY(vmf_stream_peek(container->io, length, marker, &have, error));
  if (have == length)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s: ends at byte %" PRIu64 " without %s: it was cut short",
                  container->io->name, incoming->at + have,
                  incoming->front.bytes ? "a grain that its tables tell of"
                                        : "the marker of its end");
}

static enum vmf_code incoming_next(struct vmf_container *container, unsigned *disk,
                                   struct vmf_run *run, bool *end, struct vmf_error *error)
{
  const struct vmdk_incoming *incoming = container->state;
  const uint8_t *marker;
  uint64_t guest;
  *disk = 0;
  run->length = 0;
  *end = false;
  if (incoming->front.bytes) {
    VMF_TRY(vmdk_front_next(container, &guest, end, error));
    if (*end)
      return VMF_OK;
    VMF_TRY(incoming_marker(container, VMDK_GRAIN_MARKER, &marker, error));
    return incoming_run(container, marker, guest, run, error);
  }
  while (run->length == 0 && !*end) {
    VMF_TRY(incoming_marker(container, VMDK_SECTOR, &marker, error));
    if (get_le32(marker + VMDK_MARKER_SIZE_AT) != 0)
      VMF_TRY(incoming_grain(container, marker, run, error));
    else
      VMF_TRY(incoming_other(container, marker, end, error));
  }
  return VMF_OK;
}

static enum vmf_code incoming_unwrap(const struct vmf_container *container,
                                     const struct vmf_run *run, const uint8_t *stored,
                                     size_t length, struct vmf_payload *payload,
                                     struct vmf_error *error)
{
  (void)container;
  return vmdk_strip_marker(run, run->guest, stored, length, payload, error);
}

const struct vmf_container_reader vmdk_container = {
    .state_size = sizeof(struct vmdk_incoming),
    .probe = incoming_probe,
    .open = incoming_open,
    .close = incoming_close,
    .next = incoming_next,
    .unwrap = incoming_unwrap,
};
