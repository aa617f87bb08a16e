/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the guest bytes are: the L1 table and the L2 tables, read in pieces through the page cache.
 * No lock, any thread. */
#include <inttypes.h>

#include "bytes.h"
#include "checked.h"
#include "qcow.h"

enum { L1_PIECES = 8 }; /* of unallocated L1 entries that make one run */

enum vmf_code qcow_read_entries(struct vmf_image *image, uint64_t at, uint64_t *entries,
                                uint32_t count, struct vmf_error *error)
{
  uint8_t raw[QCOW_ENTRY * QCOW_ENTRIES];

  VMF_TRY(
      vmf_page_cache_pread(image->cache, image->io, raw, QCOW_ENTRY * (size_t)count, at, error));
  for (uint32_t i = 0; i < count; i++)
    entries[i] = get_be64(raw + QCOW_ENTRY * (size_t)i);
  return VMF_OK;
}

enum vmf_code qcow_check_l1_entry(const struct vmf_image *image, uint64_t index, uint64_t entry,
                                  struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  uint64_t length = (uint64_t)QCOW_ENTRY << state->header.l2_bits;

  if (entry < QCOW_HEADER || entry % state->cluster_size != 0 ||
      !vmf_range_within(entry, length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: L1 entry %" PRIu64 ": an L2 table of %" PRIu64 " bytes at byte %" PRIu64
                    ", expected a multiple of %" PRIu32
                    " behind the header, and the table before the end of the file (%" PRIu64
                    " bytes)",
                    image->io->name, index, length, entry, state->cluster_size, image->io->size);
  return VMF_OK;
}

static enum vmf_code bad_entry(const struct vmf_image *image, uint64_t guest, uint64_t entry,
                               const char *problem, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: L2 entry of guest byte %" PRIu64 ": 0x%016" PRIx64 ": %s", image->io->name,
                  guest, entry, problem);
}

static enum vmf_code take_packed(const struct vmf_image *image, uint64_t entry, struct vmf_run *run,
                                 struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  unsigned shift = 63 - state->header.cluster_bits;

  run->kind = VMF_RUN_PACKED;
  run->io = image->io;
  run->offset = entry & ((UINT64_C(1) << shift) - 1);
  run->stored = (uint32_t)(entry >> shift & (state->cluster_size - 1));
  run->codec = VMF_CODEC_DEFLATE_4K;
  run->unit = state->cluster_size;
  if (run->stored == 0)
    return bad_entry(image, run->guest, entry, "packed data of 0 bytes", error);
  if (run->offset < QCOW_HEADER)
    return bad_entry(image, run->guest, entry, "packed data inside the header", error);
  if (!vmf_range_within(run->offset, run->stored, image->io->size))
    return bad_entry(image, run->guest, entry, "packed data beyond the end of the file", error);
  return VMF_OK;
}

enum vmf_code qcow_take_entry(const struct vmf_image *image, uint64_t guest, uint64_t entry,
                              struct vmf_run *run, struct vmf_error *error)
{
  const struct qcow_state *state = image->state;

  *run = (struct vmf_run){.guest = guest,
                          .length = vmf_min(state->cluster_size, image->size - guest),
                          .kind = VMF_RUN_PARENT};
  if (entry == 0)
    return VMF_OK;
  if (entry & QCOW_PACKED)
    return take_packed(image, entry, run, error);
  run->kind = VMF_RUN_PLAIN;
  run->io = image->io;
  run->offset = entry;
  run->cipher = state->cipher;
  run->place = guest;
  if (entry < QCOW_HEADER || entry % state->cluster_size != 0)
    return bad_entry(image, guest, entry, "no place of a cluster behind the header", error);
  if (!vmf_range_within(entry, run->length, image->io->size))
    return bad_entry(image, guest, entry, "data beyond the end of the file", error);
  return VMF_OK;
}

/* No L2 table at `index`: a run as long as the entries behind it are 0, too. */
static enum vmf_code map_nothing(struct vmf_image *image, uint64_t index, struct vmf_run *run,
                                 struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  unsigned covered_bits = state->header.cluster_bits + state->header.l2_bits;
  uint64_t used = vmf_div_up(image->size, UINT64_C(1) << covered_bits);
  uint64_t stop, entries[QCOW_ENTRIES], end = index + 1;
  bool empty = true;

  end += vmf_entries_in_hole(image, image->io, state->header.l1_offset + QCOW_ENTRY * end,
                             used - end, QCOW_ENTRY);
  stop = vmf_min(used, end + (uint64_t)L1_PIECES * QCOW_ENTRIES);

  while (empty && end < stop) {
    uint32_t count = (uint32_t)vmf_min(QCOW_ENTRIES, stop - end), i = 0;
    VMF_TRY(qcow_read_entries(image, state->header.l1_offset + QCOW_ENTRY * end, entries, count,
                              error));
    while (i < count && entries[i] == 0)
      i++;
    end += i;
    empty = i == count;
  }
  *run = (struct vmf_run){.guest = index << covered_bits, .kind = VMF_RUN_PARENT};
  run->length = (end == used ? image->size : end << covered_bits) - run->guest;
  return VMF_OK;
}

static bool continues(const struct vmf_run *run, const struct vmf_run *next)
{
  return next->kind == run->kind && run->kind != VMF_RUN_PACKED &&
         (run->kind == VMF_RUN_PARENT || next->offset == run->offset + run->length);
}

enum vmf_code qcow_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                       struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  unsigned l2_bits = state->header.l2_bits;
  uint64_t cluster = guest >> state->header.cluster_bits, index = cluster >> l2_bits;
  uint32_t slot = (uint32_t)(cluster & ((UINT64_C(1) << l2_bits) - 1)), count, i = 1;
  uint64_t table, entries[QCOW_ENTRIES];
  struct vmf_error ignored;
  struct vmf_run next;

  VMF_TRY(qcow_read_entries(image, state->header.l1_offset + QCOW_ENTRY * index, &table, 1, error));
  if (table == 0)
    return map_nothing(image, index, run, error);
  VMF_TRY(qcow_check_l1_entry(image, index, table, error));
  count = (uint32_t)vmf_min(QCOW_ENTRIES, (UINT32_C(1) << l2_bits) - slot);
  VMF_TRY(qcow_read_entries(image, table + QCOW_ENTRY * (uint64_t)slot, entries, count, error));
  VMF_TRY(qcow_take_entry(image, cluster << state->header.cluster_bits, entries[0], run, error));
  for (uint64_t end; i < count && (end = run->guest + run->length) < image->size; i++) {
    if (qcow_take_entry(image, end, entries[i], &next, &ignored) != VMF_OK ||
        !continues(run, &next))
      break; /* a bad entry is told of when it is mapped itself */
    run->length += next.length;
  }
  if (i < count || run->kind != VMF_RUN_PARENT)
    return VMF_OK;
  uint64_t absent = vmf_entries_in_hole(image, image->io, table + QCOW_ENTRY * (slot + count),
                                        (UINT64_C(1) << l2_bits) - slot - count, QCOW_ENTRY);
  run->length =
      vmf_min(run->length + (absent << state->header.cluster_bits), image->size - run->guest);
  return VMF_OK;
}
