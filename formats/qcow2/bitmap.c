/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Persistent dirty bitmaps: their directory, whether one can be used, and its bits (spec:
 * "Bitmaps"). */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "memory.h"
#include "qcow2_reader.h"

enum {
  NAME_MAX_BYTES = 1023,
  GRANULARITY_BITS_MIN = 9,
  GRANULARITY_BITS_MAX = 31,
};

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
  if (bitmap->table_size > QCOW2_BITMAP_BYTES_MAX / state->cluster_size)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: bitmap directory: entry at byte %" PRIu64 ": table of %" PRIu32
                    " entries, at most %" PRIu32 " are accepted, as by QEMU",
                    name, at, bitmap->table_size, QCOW2_BITMAP_BYTES_MAX / state->cluster_size);
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

enum vmf_code qcow2_check_bitmap(const struct vmf_image *image, const struct qcow2_bitmap *bitmap,
                                 struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint64_t length = vmf_div_up(qcow2_bits(image, bitmap->granularity_bits), 8);

  if ((bitmap->flags & QCOW2_BITMAP_RESERVED) != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: bitmap \"%s\": flags 0x%08" PRIx32
                    ", bits 0 to 2 are known: what the others mean would be lost",
                    image->io->name, bitmap->name, bitmap->flags);
  if (bitmap->extra_length > 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: bitmap \"%s\": %" PRIu32
                    " bytes of extra data, of which nothing is known: they would be lost",
                    image->io->name, bitmap->name, bitmap->extra_length);
  if (bitmap->type != QCOW2_BITMAP_DIRTY || bitmap->table_size != qcow2_clusters(state, length))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmap \"%s\": type %u, table of %" PRIu32 " entries; expected type 1 and "
                    "%" PRIu64 " entries for a disk of %" PRIu64 " bytes",
                    image->io->name, bitmap->name, bitmap->type, bitmap->table_size,
                    qcow2_clusters(state, length), image->size);
  if (bitmap->name[0] == '\0')
    return vmf_fail(error, VMF_CORRUPT, "%s: a bitmap whose name is empty", image->io->name);
  return VMF_OK;
}

enum vmf_code qcow2_read_bits(struct vmf_image *image, const char *name, uint64_t table_offset,
                              uint64_t at, uint8_t *out, size_t length, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint64_t place = table_offset + at / state->cluster_size * QCOW2_BITMAP_ENTRY;
  uint8_t raw[QCOW2_BITMAP_ENTRY];

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, sizeof raw, place, error));
  uint64_t entry = get_be64(raw), host = entry & QCOW2_BITMAP_ENTRY_OFFSET;
  uint64_t within = host + at % state->cluster_size;
  if ((entry & ~(QCOW2_BITMAP_ENTRY_OFFSET | QCOW2_BITMAP_ENTRY_ONES)) != 0 ||
      host % state->cluster_size != 0 || (host != 0 && (entry & QCOW2_BITMAP_ENTRY_ONES) != 0) ||
      (host != 0 && !vmf_range_within(within, length, image->io->size)))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmap \"%s\": table entry at byte %" PRIu64 ": 0x%016" PRIx64
                    ", expected the place of a cluster in the file, 0 or 1",
                    image->io->name, name, place, entry);
  if (host != 0)
    return vmf_io_pread(image->io, out, length, within, error);
  memset(out, (entry & QCOW2_BITMAP_ENTRY_ONES) != 0 ? 0xff : 0, length);
  return VMF_OK;
}
