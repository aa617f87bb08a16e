/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "packing.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "checked.h"
#include "list.h"
#include "size.h"

const struct vmf_packing *const vmf_packings[] = {&vmf_packing_gzip,  &vmf_packing_xz,
                                                  &vmf_packing_zstd,  &vmf_packing_lz4,
                                                  &vmf_packing_bzip2, NULL};

enum { SKIPPED_HEADER = 8 }; /* magic and length */

static bool is_skipped(const uint8_t *head, size_t length)
{
  return length >= SKIPPED_HEADER && (get_le32(head) & 0xfffffff0) == 0x184d2a50;
}

uint64_t vmf_frame_skipped(const uint8_t *head, size_t length)
{
  return is_skipped(head, length) ? SKIPPED_HEADER + (uint64_t)get_le32(head + 4) : 0;
}

bool vmf_frames_begin(const uint8_t *head, size_t length, uint32_t magic)
{
  uint64_t skip;
  while ((skip = vmf_frame_skipped(head, length)) > 0) {
    if (skip > length)
      return false;
    head += skip;
    length -= (size_t)skip;
  }
  return length >= 4 && get_le32(head) == magic;
}

bool vmf_frame_begins(const uint8_t *head, size_t length, uint32_t magic)
{
  return is_skipped(head, length) || (length >= 4 && get_le32(head) == magic);
}

/* ---- pieces ---- */

static void tell(struct vmf_packed_pieces *pieces, uint64_t length)
{
  if (!vmf_add(pieces->told, length, &pieces->told))
    pieces->told = UINT64_MAX;
}

enum vmf_code vmf_pieces_add(struct vmf_packed_pieces *pieces, uint64_t at, uint64_t stored,
                             uint64_t length, bool sized, struct vmf_error *error)
{
  if (sized)
    tell(pieces, length);
  pieces->untold |= !sized;
  pieces->unlisted |=
      length > VMF_PIECE_BYTES || stored > VMF_PIECE_BYTES || pieces->count == VMF_PIECES_MAX;
  if (pieces->unlisted && pieces->sum_only)
    return VMF_OK;
  if (pieces->unlisted)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%" PRIu64 " bytes that hold %" PRIu64 ", or more than %d pieces", stored,
                    length, VMF_PIECES_MAX);
  VMF_TRY(VMF_LIST_ROOM(pieces->list, pieces->count, pieces->capacity, "pieces", error));
  pieces->list[pieces->count++] = (struct vmf_packed_piece){.at = at,
                                                            .stored = (uint32_t)stored,
                                                            .length = (uint32_t)length,
                                                            .sized = sized && length > 0};
  return VMF_OK;
}

unsigned vmf_unpack_threads(const struct vmf_unpack_options *options)
{
  long processors = options->threads > 0 ? (long)options->threads : sysconf(_SC_NPROCESSORS_ONLN);
  return processors > 0 ? (unsigned)processors : 1;
}

/* ---- frames ---- */

/* Headers stand close to each other, or far: a page of the file serves those that are close. */
struct headers {
  struct vmf_io io;
  struct vmf_io *packed;
  uint64_t at;
  size_t have; /* bytes of the file from there on */
  uint8_t bytes[4096];
};

static enum vmf_code headers_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                   struct vmf_error *error)
{
  struct headers *headers = (struct headers *)io;
  if (length > sizeof headers->bytes)
    return vmf_io_pread(headers->packed, buffer, length, offset, error);
  if (offset < headers->at || offset + length > headers->at + headers->have) {
    headers->have = 0;
    size_t step = (size_t)vmf_min(sizeof headers->bytes, io->size - offset);
    VMF_TRY(vmf_io_pread(headers->packed, headers->bytes, step, offset, error));
    headers->at = offset;
    headers->have = step;
  }
  memcpy(buffer, headers->bytes + (offset - headers->at), length);
  return VMF_OK;
}

static const struct vmf_io_ops headers_ops = {.kind = "headers", .pread = headers_pread};

enum vmf_code vmf_frame_read(struct vmf_io *packed, uint64_t at, void *bytes, size_t length,
                             struct vmf_error *error)
{
  if (!vmf_range_within(at, length, vmf_size_get(packed)))
    return vmf_fail(error, VMF_UNSUPPORTED, "it ends before byte %" PRIu64, at + length);
  return vmf_io_pread(packed, bytes, length, at, error);
}

enum vmf_code vmf_frames_list(struct vmf_io *packed, uint32_t magic,
                              enum vmf_code (*read_frame)(struct vmf_io *packed, uint64_t at,
                                                          struct vmf_frame *frame,
                                                          struct vmf_error *error),
                              struct vmf_packed_pieces *pieces, struct vmf_error *error)
{
  uint64_t end = vmf_size_get(packed);
  struct headers headers = {.io = {.ops = &headers_ops, .name = packed->name, .size = end},
                            .packed = packed};
  struct vmf_frame frame;
  for (uint64_t at = 0; at < end; at += frame.stored) {
    uint8_t head[SKIPPED_HEADER];
    VMF_TRY(vmf_frame_read(&headers.io, at, head, sizeof head, error));
    uint64_t skipped = vmf_frame_skipped(head, sizeof head);
    if (!skipped && get_le32(head) != magic)
      return vmf_fail(error, VMF_UNSUPPORTED, "no frame starts at byte %" PRIu64, at);
    frame = (struct vmf_frame){.stored = skipped,
                               .most = pieces->sum_only ? UINT64_MAX : VMF_PIECE_BYTES};
    enum vmf_code code = skipped ? VMF_OK : read_frame(&headers.io, at, &frame, error);
    if (code != VMF_OK && frame.sized)
      tell(pieces, frame.length);
    VMF_TRY(code);
    if (!vmf_range_within(at, frame.stored, end))
      return vmf_fail(error, VMF_UNSUPPORTED, "it ends in the frame at byte %" PRIu64, at);
    if (!skipped)
      VMF_TRY(vmf_pieces_add(pieces, at, frame.stored, frame.length, frame.sized, error));
  }
  return VMF_OK;
}
