/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The directory of persistent dirty bitmaps: read for `info` and `check` alone, the bitmaps
 * themselves are not used (spec: "Bitmaps"). */
#include <inttypes.h>

#include "bytes.h"
#include "memory.h"
#include "qcow2_reader.h"

enum { NAME_MAX_BYTES = 1023, GRANULARITY_BITS_MIN = 9, GRANULARITY_BITS_MAX = 31 };

static enum vmf_code check_bitmap(const struct vmf_image *image, const struct qcow2_bitmap *bitmap,
                                  uint64_t at, size_t name_length, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const char *name = image->io->name;
  if (name_length == 0 || name_length > NAME_MAX_BYTES)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmap directory: entry at byte %" PRIu64
                    ": a name of %zu bytes, accepted are 1 to %d",
                    name, at, name_length, NAME_MAX_BYTES);
  if (bitmap->granularity_bits < GRANULARITY_BITS_MIN ||
      bitmap->granularity_bits > GRANULARITY_BITS_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmap directory: entry at byte %" PRIu64
                    ": granularity_bits %u, accepted are %d to %d",
                    name, at, bitmap->granularity_bits, GRANULARITY_BITS_MIN, GRANULARITY_BITS_MAX);
  if (bitmap->table_offset % state->cluster_size != 0 ||
      !vmf_range_within(bitmap->table_offset, (uint64_t)bitmap->table_size * 8, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmap directory: entry at byte %" PRIu64 ": table of %" PRIu32
                    " entries at byte %" PRIu64 ": not at a cluster or beyond the end of the file",
                    name, at, bitmap->table_size, bitmap->table_offset);
  return VMF_OK;
}

enum vmf_code qcow2_walk_bitmaps(struct vmf_image *image, qcow2_visit_bitmap *visit, void *context,
                                 struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const struct qcow2_extensions *extensions = &state->extensions;
  uint64_t at = extensions->bitmaps_offset, end = at + extensions->bitmaps_size;
  for (uint32_t i = 0; i < extensions->bitmap_count; i++) {
    uint8_t raw[QCOW2_BITMAP_FIXED];
    char text[NAME_MAX_BYTES + 1];
    if (at > end || end - at < sizeof raw)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: bitmap directory: entry %" PRIu32 " at byte %" PRIu64
                      ": beyond the end of the directory (byte %" PRIu64 ")",
                      image->io->name, i, at, end);
    VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, sizeof raw, at, error));
    size_t name_length = get_be16(raw + QCOW2_BITMAP_NAME_LENGTH_AT);
    uint32_t extra_length = get_be32(raw + QCOW2_BITMAP_EXTRA_LENGTH_AT);
    uint64_t name_at = at + sizeof raw + extra_length;
    struct qcow2_bitmap bitmap = {
        .at = at,
        .extra_length = extra_length,
        .table_offset = get_be64(raw + QCOW2_BITMAP_TABLE_OFFSET_AT),
        .table_size = get_be32(raw + QCOW2_BITMAP_TABLE_SIZE_AT),
        .flags = get_be32(raw + QCOW2_BITMAP_FLAGS_AT),
        .type = raw[QCOW2_BITMAP_TYPE_AT],
        .granularity_bits = raw[QCOW2_BITMAP_GRANULARITY_AT],
        .name = text,
    };
    VMF_TRY(check_bitmap(image, &bitmap, at, name_length, error));
    if (name_at > end || end - name_at < name_length)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: bitmap directory: entry %" PRIu32 " at byte %" PRIu64
                      ": its name is beyond the end of the directory (byte %" PRIu64 ")",
                      image->io->name, i, at, end);
    VMF_TRY(vmf_page_cache_pread(image->cache, image->io, text, name_length, name_at, error));
    text[name_length] = '\0';
    VMF_TRY(visit(context, &bitmap, error));
    at = vmf_align_up(name_at + name_length, 8);
  }
  return VMF_OK;
}
