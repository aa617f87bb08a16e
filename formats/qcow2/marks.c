/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What one of the persistent bitmaps marks: the stretches of the disk that have been written to
 * since it was made (spec: "Bitmaps"). */
#include <string.h>

#include "bytes.h"
#include "log.h"
#include "memory.h"
#include "page_cache.h"
#include "qcow2_reader.h"

enum { WINDOW = 512 /* bytes of bits that are read at once; no cluster is smaller */ };

struct choosing {
  struct vmf_image *image;
  const char *wanted;
};

static enum vmf_code choose(void *context, const struct qcow2_bitmap *bitmap,
                            struct vmf_error *error)
{
  const struct choosing *choosing = context;
  struct vmf_image *image = choosing->image;
  struct qcow2_marks *marks = &((struct qcow2_state *)image->state)->marks;

  if (marks->name || strcmp(bitmap->name, choosing->wanted) != 0)
    return VMF_OK;
  if (bitmap->flags & QCOW2_BITMAP_IN_USE)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmap \"%s\" is inconsistent: the program that had it in use did not "
                    "save it, so that it may not mark all that has changed; without it all of the "
                    "disk is looked at",
                    image->io->name, bitmap->name);
  VMF_TRY(qcow2_check_bitmap(image, bitmap, error));
  if (!(bitmap->flags & QCOW2_BITMAP_AUTO))
    vmf_warn(image->log,
             "%s: bitmap \"%s\" is disabled: what has changed since it was is not marked in it",
             image->io->name, bitmap->name);
  marks->table_offset = bitmap->table_offset;
  marks->granularity_bits = bitmap->granularity_bits;
  marks->bits = qcow2_bits(image, bitmap->granularity_bits);
  return vmf_copy_text(bitmap->name, &marks->name, error);
}

enum vmf_code qcow2_choose_bitmap(struct vmf_image *image, const char *name,
                                  struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  struct choosing choosing = {.image = image, .wanted = name};

  VMF_TRY(qcow2_walk_bitmaps(image, choose, &choosing, error));
  if (state->marks.name)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: has no bitmap \"%.60s\" that says what has changed%s; \"vmferry info\" "
                  "lists them",
                  image->io->name, name,
                  state->extensions.bitmap_count > 0 ? "" : ", nor any other that is kept up");
}

static bool is_set(const uint8_t *bytes, uint64_t bit)
{
  return bytes[bit / 8] >> bit % 8 & 1;
}

/* Whether all bits of the cluster that `bit` begins are the other ones: its table entry says so. */
static enum vmf_code is_all_other(struct vmf_image *image, uint64_t bit, bool wanted, bool *other,
                                  struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint64_t place = state->marks.table_offset + bit / 8 / state->cluster_size * QCOW2_BITMAP_ENTRY;
  uint8_t raw[QCOW2_BITMAP_ENTRY];

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, sizeof raw, place, error));
  *other = get_be64(raw) == (wanted ? 0 : QCOW2_BITMAP_ENTRY_ONES);
  return VMF_OK;
}

/* The first bit from `bit` on that is `wanted`; the number of bits: none is. What a table entry
 * tells of its cluster is not looked at bit by bit: a table may be of zeros, and long. */
static enum vmf_code seek(struct vmf_image *image, uint64_t bit, bool wanted, uint64_t *found,
                          struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  const struct qcow2_marks *marks = &state->marks;
  const uint64_t window = 8 * (uint64_t)WINDOW, cluster = 8 * (uint64_t)state->cluster_size;
  uint8_t bytes[WINDOW];

  for (uint64_t base = vmf_align_down(bit, window); base < marks->bits; base += window) {
    bool other = false;
    if (base % cluster == 0)
      VMF_TRY(is_all_other(image, base, wanted, &other, error));
    if (other) {
      base += cluster - window;
      continue;
    }
    uint64_t count = vmf_min(window, marks->bits - base);
    VMF_TRY(qcow2_read_bits(image, marks->name, marks->table_offset, base / 8, bytes,
                            (size_t)vmf_div_up(count, 8), error));
    for (uint64_t i = bit > base ? bit - base : 0; i < count; i++)
      if (is_set(bytes, i) == wanted) {
        *found = base + i;
        return VMF_OK;
      }
  }
  *found = marks->bits;
  return VMF_OK;
}

enum vmf_code qcow2_next_marked(struct vmf_image *image, uint64_t guest, uint64_t *start,
                                uint64_t *end, struct vmf_error *error)
{
  const struct qcow2_marks *marks = &((const struct qcow2_state *)image->state)->marks;
  uint64_t first, last;

  VMF_TRY(seek(image, guest >> marks->granularity_bits, true, &first, error));
  *start = vmf_min(vmf_max(guest, first << marks->granularity_bits), image->size);
  *end = image->size;
  if (first == marks->bits) {
    *start = image->size;
    return VMF_OK;
  }
  VMF_TRY(seek(image, first, false, &last, error));
  *end = vmf_min(last << marks->granularity_bits, image->size);
  return VMF_OK;
}
