/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the guest bytes are: the L1 table and the L2 tables, read in pieces through the page cache.
 * No lock, any thread. */
#include <inttypes.h>

#include "bytes.h"
#include "checked.h"
#include "qed.h"

enum { L1_PIECES = 8 }; /* of unallocated L1 entries that make one run */

enum vmf_code qed_read_entries(struct vmf_image *image, uint64_t at, uint64_t *entries,
                               uint32_t count, struct vmf_error *error)
{
  uint8_t raw[QED_ENTRY * QED_ENTRIES];

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, QED_ENTRY * (size_t)count, at, error));
  for (uint32_t i = 0; i < count; i++)
    entries[i] = get_le64(raw + QED_ENTRY * (size_t)i);
  return VMF_OK;
}

enum vmf_code qed_check_l1_entry(const struct vmf_image *image, uint64_t index, uint64_t entry,
                                 struct vmf_error *error)
{
  const struct qed_state *state = image->state;

  if (entry % state->header.cluster_size != 0 || entry < state->header_bytes ||
      !vmf_range_within(entry, state->table_bytes, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: L1 entry %" PRIu64 ": an L2 table of %" PRIu64 " bytes at byte %" PRIu64
                    ", expected a multiple of the cluster size behind the header, and the table "
                    "before the end of the file (%" PRIu64 " bytes)",
                    image->io->name, index, state->table_bytes, entry, image->io->size);
  return VMF_OK;
}

enum vmf_code qed_take_entry(const struct vmf_image *image, uint64_t guest, uint64_t entry,
                             struct vmf_run *run, struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  uint32_t cluster_size = state->header.cluster_size;

  *run = (struct vmf_run){.guest = guest,
                          .length = vmf_min(cluster_size, image->size - guest),
                          .kind = entry == QED_ZERO ? VMF_RUN_ZERO : VMF_RUN_PARENT};
  if (entry <= QED_ZERO)
    return VMF_OK;
  run->kind = VMF_RUN_PLAIN;
  run->io = image->io;
  run->offset = entry;
  if (entry % cluster_size != 0 || entry < state->header_bytes ||
      !vmf_range_within(entry, run->length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: L2 entry of guest byte %" PRIu64 ": data at byte %" PRIu64
                    ", expected a multiple of the cluster size behind the header, and the data "
                    "before the end of the file (%" PRIu64 " bytes)",
                    image->io->name, guest, entry, image->io->size);
  return VMF_OK;
}

/* No L2 table at `index`: a run as long as the entries behind it are 0, too. */
static enum vmf_code map_nothing(struct vmf_image *image, uint64_t index, struct vmf_run *run,
                                 struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  uint64_t covered = state->table_entries * state->header.cluster_size; /* by an L2 table */
  uint64_t used = vmf_div_up(image->size, covered);
  uint64_t stop, entries[QED_ENTRIES], end = index + 1;
  bool empty = true;

  end += vmf_entries_in_hole(image, image->io, state->header.l1_offset + QED_ENTRY * end,
                             used - end, QED_ENTRY);
  stop = vmf_min(used, end + (uint64_t)L1_PIECES * QED_ENTRIES);

  while (empty && end < stop) {
    uint32_t count = (uint32_t)vmf_min(QED_ENTRIES, stop - end), i = 0;
    VMF_TRY(
        qed_read_entries(image, state->header.l1_offset + QED_ENTRY * end, entries, count, error));
    while (i < count && entries[i] == 0)
      i++;
    end += i;
    empty = i == count;
  }
  *run = (struct vmf_run){.guest = index * covered, .kind = VMF_RUN_PARENT};
  run->length = (end == used ? image->size : end * covered) - run->guest;
  return VMF_OK;
}

static bool continues(const struct vmf_run *run, const struct vmf_run *next)
{
  return next->kind == run->kind &&
         (run->kind != VMF_RUN_PLAIN || next->offset == run->offset + run->length);
}

enum vmf_code qed_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  uint64_t cluster = guest / state->header.cluster_size, index = cluster / state->table_entries;
  uint64_t slot = cluster % state->table_entries, table, entries[QED_ENTRIES];
  uint32_t count, i = 1;
  struct vmf_error ignored;
  struct vmf_run next;

  VMF_TRY(qed_read_entries(image, state->header.l1_offset + QED_ENTRY * index, &table, 1, error));
  if (table == 0)
    return map_nothing(image, index, run, error);
  VMF_TRY(qed_check_l1_entry(image, index, table, error));
  count = (uint32_t)vmf_min(QED_ENTRIES, state->table_entries - slot);
  VMF_TRY(qed_read_entries(image, table + QED_ENTRY * slot, entries, count, error));
  VMF_TRY(qed_take_entry(image, cluster * state->header.cluster_size, entries[0], run, error));
  for (uint64_t end; i < count && (end = run->guest + run->length) < image->size; i++) {
    if (qed_take_entry(image, end, entries[i], &next, &ignored) != VMF_OK || !continues(run, &next))
      break; /* a bad entry is told of when it is mapped itself */
    run->length += next.length;
  }
  if (i < count || run->kind != VMF_RUN_PARENT)
    return VMF_OK;
  uint64_t absent = vmf_entries_in_hole(image, image->io, table + QED_ENTRY * (slot + count),
                                        state->table_entries - slot - count, QED_ENTRY);
  run->length =
      vmf_min(run->length + (absent * state->header.cluster_size), image->size - run->guest);
  return VMF_OK;
}
