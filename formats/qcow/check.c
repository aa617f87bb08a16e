/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What open and map leave unseen: entries of both tables that share a place, and clusters of the
 * file that no entry uses. */
#include "checked.h"
#include "cluster_use.h"
#include "qcow.h"

static void examine_entry(struct vmf_image *image, uint64_t guest, uint64_t entry,
                          struct vmf_cluster_use *use)
{
  struct vmf_error found;
  struct vmf_run run;

  if (qcow_take_entry(image, guest, entry, &run, &found) != VMF_OK) {
    if (vmf_cluster_use_told(use))
      vmf_finding(use->findings, "%s", found.text);
  } else if (run.kind == VMF_RUN_PACKED) {
    vmf_cluster_use_pack(use, run.offset, run.stored);
  } else if (run.kind == VMF_RUN_PLAIN) {
    vmf_cluster_use_data(use, run.offset, "a data cluster");
  }
}

/* A table that is another entry's as well is not examined twice. */
static enum vmf_code examine_table(struct vmf_image *image, uint64_t index, uint64_t table,
                                   struct vmf_cluster_use *use, struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  uint64_t guest = index << (state->header.cluster_bits + state->header.l2_bits);
  uint32_t length = UINT32_C(1) << state->header.l2_bits, count;
  uint64_t entries[QCOW_ENTRIES];
  struct vmf_error found;

  if (qcow_check_l1_entry(image, index, table, &found) != VMF_OK) {
    if (vmf_cluster_use_told(use))
      vmf_finding(use->findings, "%s", found.text);
    return VMF_OK;
  }
  if (!vmf_cluster_use_take(use, table, (uint64_t)QCOW_ENTRY * length, "an L2 table"))
    return VMF_OK;
  for (uint32_t slot = 0; slot < length && guest < image->size; slot += count) {
    uint64_t absent = vmf_entries_in_hole(image, image->io, table + QCOW_ENTRY * (uint64_t)slot,
                                          length - slot, QCOW_ENTRY);
    if (absent > 0) {
      count = (uint32_t)absent;
      guest += absent << state->header.cluster_bits;
      continue;
    }
    count = (uint32_t)vmf_min(QCOW_ENTRIES, length - slot);
    VMF_TRY(qcow_read_entries(image, table + QCOW_ENTRY * (uint64_t)slot, entries, count, error));
    for (uint32_t i = 0; i < count && guest < image->size; i++, guest += state->cluster_size)
      examine_entry(image, guest, entries[i], use);
  }
  return VMF_OK;
}

static enum vmf_code examine(struct vmf_image *image, struct vmf_cluster_use *use,
                             struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  const struct qcow_header *header = &state->header;
  uint64_t entries[QCOW_ENTRIES];
  uint32_t count;

  /* they share clusters as a rule, and open has looked at their places */
  uint64_t head = header->l1_offset + QCOW_ENTRY * state->l1_entries;
  if (header->backing_offset != 0)
    head = vmf_max(head, header->backing_offset + header->backing_size);
  vmf_cluster_use_take(use, 0, head, "the header");
  for (uint64_t index = 0; index < state->l1_entries; index += count) {
    index += vmf_entries_in_hole(image, image->io, header->l1_offset + QCOW_ENTRY * index,
                                 state->l1_entries - index, QCOW_ENTRY);
    count = (uint32_t)vmf_min(QCOW_ENTRIES, state->l1_entries - index);
    VMF_TRY(
        qcow_read_entries(image, header->l1_offset + QCOW_ENTRY * index, entries, count, error));
    for (uint32_t i = 0; i < count; i++)
      if (entries[i] != 0)
        VMF_TRY(examine_table(image, index + i, entries[i], use, error));
  }
  /* QEMU writes the L1 table in whole sectors */
  vmf_cluster_use_reserve(use, header->l1_offset,
                          vmf_align_up(QCOW_ENTRY * state->l1_entries, QCOW_SECTOR));
  vmf_cluster_use_end(use);
  return VMF_OK;
}

enum vmf_code qcow_check(struct vmf_image *image, struct vmf_findings *findings,
                         struct vmf_error *error)
{
  const struct qcow_state *state = image->state;
  struct vmf_cluster_use use;

  findings->image_end_offset = image->io->size;
  findings->total_clusters = vmf_div_up(image->size, state->cluster_size);
  enum vmf_code code =
      vmf_cluster_use_begin(&use, image->io, 0, state->cluster_size, findings, error);
  if (code == VMF_OK)
    code = examine(image, &use, error);
  vmf_cluster_use_free(&use);
  return code;
}
