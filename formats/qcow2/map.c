/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the guest bytes of a QCOW2 image are: the L1 and L2 tables, read in small pieces through
 * the page cache (spec: "Cluster mapping", "Extended L2 Entries"). No lock, any thread. */
#include <inttypes.h>

#include "bytes.h"
#include "qcow2_reader.h"

enum {
  WINDOW_BYTES = 4096, /* of a table, read at once */
  FIRST_ENTRIES = 32,  /* of an L2 table: most runs of a scattered disk are short */
  L1_SCAN = 4096,      /* unallocated L1 entries that make one run */
};

/* A piece of one L2 table. */
struct l2_window {
  uint64_t table;        /* host offset */
  uint64_t guest;        /* what the table's first entry describes */
  uint32_t first, count; /* entries in bytes[] */
  uint8_t bytes[WINDOW_BYTES];
};

/* One L2 entry and where it was found. */
struct l2_item {
  uint64_t at;    /* host offset of the entry */
  uint64_t guest; /* of its cluster */
  uint64_t entry;
  uint64_t bitmap; /* of subclusters; extended only */
};

/* ---- L1 ---- */

static enum vmf_code check_l1_entry(const struct vmf_image *image, uint64_t index, uint64_t entry,
                                    struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint64_t table = entry & QCOW2_OFFSET_MASK;
  if ((entry & QCOW2_L1_RESERVED) != 0 || table % state->cluster_size != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: L1 entry %" PRIu64 ": 0x%016" PRIx64
                    ": reserved bits are set or the L2 table is not at a cluster",
                    image->io->name, index, entry);
  if (table >= image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: L1 entry %" PRIu64 ": L2 table at byte %" PRIu64
                    ", beyond the end of the file (%" PRIu64 " bytes)",
                    image->io->name, index, table, image->io->size);
  return VMF_OK;
}

/* The first L1 entry at or behind `index` that is not 0, but no further than `end`. */
static enum vmf_code skip_unallocated(struct vmf_image *image, uint64_t index, uint64_t end,
                                      uint64_t *found, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  while (index < end) {
    uint8_t raw[WINDOW_BYTES];
    uint64_t count = vmf_min(end - index, sizeof raw / QCOW2_L1_ENTRY);
    VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, (size_t)count * QCOW2_L1_ENTRY,
                                 state->l1_offset + index * QCOW2_L1_ENTRY, error));
    for (uint64_t i = 0; i < count; i++, index++)
      if (get_be64(raw + i * QCOW2_L1_ENTRY) != 0) {
        *found = index;
        return VMF_OK;
      }
  }
  *found = index;
  return VMF_OK;
}

/* ---- L2 ---- */

static enum vmf_code bad_entry(const struct vmf_image *image, const struct l2_item *item,
                               const char *problem, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: L2 entry at byte %" PRIu64 " (guest byte %" PRIu64 "): 0x%016" PRIx64 ": %s",
                  image->io->name, item->at, item->guest, item->entry, problem);
}

/* Reads up to `count` entries from `index` on, fewer at the end of the table or of the file. */
static enum vmf_code fetch(struct vmf_image *image, struct l2_window *window, uint32_t index,
                           uint32_t count, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint32_t entries = UINT32_C(1) << state->l2_bits;
  uint64_t at = window->table + (uint64_t)index * state->l2_entry;
  uint64_t stored = at < image->io->size ? (image->io->size - at) / state->l2_entry : 0;
  window->first = index;
  window->count = (uint32_t)vmf_min(vmf_min(count, entries - index), stored);
  if (window->count == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: L2 table at byte %" PRIu64 ": entry %" PRIu32
                    " is beyond the end of the file (%" PRIu64 " bytes)",
                    image->io->name, window->table, index, image->io->size);
  return vmf_page_cache_pread(image->cache, image->io, window->bytes,
                              (size_t)window->count * state->l2_entry, at, error);
}

static struct l2_item item_at(const struct vmf_image *image, const struct l2_window *window,
                              uint32_t index)
{
  const struct qcow2_state *state = image->state;
  const uint8_t *raw = window->bytes + (size_t)(index - window->first) * state->l2_entry;
  return (struct l2_item){
      .at = window->table + (uint64_t)index * state->l2_entry,
      .guest = window->guest + (uint64_t)index * state->cluster_size,
      .entry = get_be64(raw),
      .bitmap = state->extended ? get_be64(raw + QCOW2_L2_ENTRY) : 0,
  };
}

static enum vmf_code map_packed(const struct vmf_image *image, const struct l2_item *item,
                                struct vmf_run *run, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  unsigned shift = qcow2_compressed_shift(state->header.cluster_bits);
  uint64_t offset = item->entry & ((UINT64_C(1) << shift) - 1);
  uint64_t sectors = ((item->entry & (QCOW2_L2_COMPRESSED - 1)) >> shift) + 1;
  if (state->data_io != NULL)
    return bad_entry(image, item, "a compressed cluster with an external data file", error);
  if (offset >> 56 != 0 || item->bitmap != 0)
    return bad_entry(image, item, "compressed, reserved bits are set", error);
  if (offset < state->cluster_size)
    return bad_entry(image, item, "compressed data inside the header", error);
  if (offset >= image->io->size)
    return bad_entry(image, item, "compressed data beyond the end of the file", error);
  if (state->cluster_size > image->limits->packed_unit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: compressed clusters of %" PRIu32 " bytes, at most %" PRIu32
                    " are accepted",
                    image->io->name, state->cluster_size, image->limits->packed_unit);
  uint64_t stored = sectors * QCOW2_SECTOR - offset % QCOW2_SECTOR;
  *run = (struct vmf_run){
      .guest = item->guest,
      .length = state->cluster_size,
      .kind = VMF_RUN_PACKED,
      .io = image->io,
      .offset = offset,
      .codec = state->codec,
      .unit = state->cluster_size,
      .stored = (uint32_t)vmf_min(stored, image->io->size - offset),
  };
  return VMF_OK;
}

/* The subclusters around `at` (an offset in the cluster) that are stored in one way. */
static enum vmf_code map_subclusters(const struct vmf_image *image, const struct l2_item *item,
                                     uint64_t at, struct vmf_run *run, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint32_t stored = (uint32_t)item->bitmap, zero = (uint32_t)(item->bitmap >> 32);
  uint32_t size = state->cluster_size / QCOW2_SUBCLUSTERS;
  if ((stored & zero) != 0)
    return bad_entry(image, item, "a subcluster is both allocated and zero", error);
  if ((item->entry & QCOW2_L2_ZERO) != 0)
    return bad_entry(image, item, "the zero bit is set in an extended entry", error);
  unsigned first = (unsigned)(at / size);
  uint32_t same_stored = (stored >> first & 1) != 0 ? stored : ~stored;
  uint32_t same_zero = (zero >> first & 1) != 0 ? zero : ~zero;
  uint32_t same = (same_stored & same_zero) >> first; /* bit 0 is set */
  unsigned count = ~same == 0 ? QCOW2_SUBCLUSTERS : (unsigned)__builtin_ctz(~same);
  run->guest = item->guest + (uint64_t)first * size;
  run->length = (uint64_t)count * size;
  run->kind = (stored >> first & 1) != 0 ? VMF_RUN_PLAIN
              : (zero >> first & 1) != 0 ? VMF_RUN_ZERO
                                         : VMF_RUN_PARENT;
  return VMF_OK;
}

/* Gives a PLAIN run its place. QEMU reads what a file lacks of a cluster as zeros, but no program
 * leaves it out, so it is taken for what it is: a file that was cut off. */
static enum vmf_code locate(const struct vmf_image *image, const struct l2_item *item,
                            struct vmf_run *run, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  struct vmf_io *io = state->data_io != NULL ? state->data_io : image->io;
  uint64_t host = item->entry & QCOW2_OFFSET_MASK;
  bool at_zero = state->data_io != NULL && (item->entry & QCOW2_COPIED) != 0;
  if (host == 0 && !at_zero)
    return bad_entry(image, item, "allocated, but without an offset", error);
  if (state->data_io != NULL && host != item->guest)
    return bad_entry(image, item, "the offset in the external data file is not the guest's", error);
  uint64_t length = vmf_min(run->length, image->size - run->guest); /* the disk may end inside */
  run->io = io;
  run->offset = host + (run->guest - item->guest);
  if (!vmf_range_within(run->offset, length, io->size))
    return bad_entry(image, item, "data beyond the end of the file", error);
  qcow2_encrypted_run(state, run);
  return VMF_OK;
}

/* The run inside one cluster that holds the guest byte `guest`. */
static enum vmf_code map_item(const struct vmf_image *image, const struct l2_item *item,
                              uint64_t guest, struct vmf_run *run, struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  uint64_t at = guest - item->guest;
  if ((item->entry & QCOW2_L2_COMPRESSED) != 0)
    return map_packed(image, item, run, error);
  if ((item->entry & QCOW2_L2_RESERVED) != 0)
    return bad_entry(image, item, "reserved bits are set", error);
  if ((item->entry & QCOW2_OFFSET_MASK) % state->cluster_size != 0)
    return bad_entry(image, item, "the offset is not a multiple of the cluster size", error);
  *run = (struct vmf_run){.guest = item->guest, .length = state->cluster_size};
  if (state->extended) {
    VMF_TRY(map_subclusters(image, item, at, run, error));
  } else if ((item->entry & QCOW2_L2_ZERO) != 0) {
    if (state->header.version < 3)
      return bad_entry(image, item, "the zero bit is set in a version 2 image", error);
    run->kind = VMF_RUN_ZERO;
  } else {
    run->kind = item->entry != 0 ? VMF_RUN_PLAIN : VMF_RUN_PARENT;
  }
  if (run->kind == VMF_RUN_PLAIN)
    return locate(image, item, run, error);
  uint64_t reserved = item->entry & QCOW2_OFFSET_MASK;
  if (run->kind == VMF_RUN_ZERO && reserved != 0) {
    run->io = state->data_io != NULL ? state->data_io : image->io;
    run->offset = reserved + (run->guest - item->guest);
  }
  return VMF_OK;
}

/* Whether `next`, which starts where `run` ends, is stored in the same way. */
static bool continues(const struct vmf_run *run, const struct vmf_run *next)
{
  if (next->kind != run->kind || run->kind == VMF_RUN_PACKED || next->io != run->io)
    return false;
  return run->io == NULL || next->offset == run->offset + run->length;
}

/* Prolongs *run to the end of the table, as far as its entries continue it. A bad entry ends the
 * run; it is reported when it is mapped itself. */
static void prolong(struct vmf_image *image, struct l2_window *window, struct vmf_run *run)
{
  const struct qcow2_state *state = image->state;
  uint64_t covered = (uint64_t)state->cluster_size << state->l2_bits;
  uint64_t end = vmf_min(window->guest + covered, image->size);
  struct vmf_error ignored;
  for (uint64_t at = run->guest + run->length; at < end; at = run->guest + run->length) {
    uint32_t index = (uint32_t)((at - window->guest) >> state->header.cluster_bits);
    if (index - window->first >= window->count &&
        fetch(image, window, index, WINDOW_BYTES / state->l2_entry, &ignored) != VMF_OK)
      return;
    struct l2_item item = item_at(image, window, index);
    struct vmf_run next;
    if (map_item(image, &item, at, &next, &ignored) != VMF_OK || !continues(run, &next))
      return;
    run->length += next.length;
  }
}

enum vmf_code qcow2_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                        struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  unsigned covered_bits = state->header.cluster_bits + state->l2_bits; /* by an L2 table */
  uint64_t index = guest >> covered_bits;
  uint8_t raw[QCOW2_L1_ENTRY];
  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, sizeof raw,
                               state->l1_offset + index * QCOW2_L1_ENTRY, error));
  uint64_t entry = get_be64(raw);
  VMF_TRY(check_l1_entry(image, index, entry, error));
  if ((entry & QCOW2_OFFSET_MASK) == 0) {
    uint64_t used = vmf_div_up(image->size, UINT64_C(1) << covered_bits); /* at most l1_size */
    uint64_t end = index + 1;
    VMF_TRY(skip_unallocated(image, index + 1, vmf_min(index + L1_SCAN, used), &end, error));
    *run = (struct vmf_run){.guest = index << covered_bits, .kind = VMF_RUN_PARENT};
    run->length = vmf_min(end << covered_bits, image->size) - run->guest;
    return VMF_OK;
  }
  struct l2_window window = {.table = entry & QCOW2_OFFSET_MASK, .guest = index << covered_bits};
  uint32_t l2_index = (uint32_t)((guest - window.guest) >> state->header.cluster_bits);
  uint64_t absent = 0;
  if (l2_index == 0)
    absent = vmf_entries_in_hole(image, image->io, window.table, UINT64_C(1) << state->l2_bits,
                                 state->l2_entry);
  if (absent > 0) {
    *run = (struct vmf_run){.guest = window.guest, .kind = VMF_RUN_PARENT};
    run->length = vmf_min(absent << state->header.cluster_bits, image->size - run->guest);
    return VMF_OK;
  }
  VMF_TRY(fetch(image, &window, l2_index, FIRST_ENTRIES, error));
  struct l2_item item = item_at(image, &window, l2_index);
  VMF_TRY(map_item(image, &item, guest, run, error));
  prolong(image, &window, run);
  run->length = vmf_min(run->length, image->size - run->guest);
  return VMF_OK;
}
