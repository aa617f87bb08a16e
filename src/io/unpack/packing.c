/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "packing.h"

#include "bytes.h"

const struct vmf_packing *const vmf_packings[] = {&vmf_packing_gzip,  &vmf_packing_xz,
                                                  &vmf_packing_zstd,  &vmf_packing_lz4,
                                                  &vmf_packing_bzip2, NULL};

enum { SKIPPED_HEADER = 8 }; /* magic and length */

static bool is_skipped(const uint8_t *head, size_t length)
{
  return length >= SKIPPED_HEADER && (get_le32(head) & 0xfffffff0) == 0x184d2a50;
}

bool vmf_frames_begin(const uint8_t *head, size_t length, uint32_t magic)
{
  while (is_skipped(head, length)) {
    uint64_t skip = SKIPPED_HEADER + (uint64_t)get_le32(head + 4);
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
