/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What open and map leave unseen: entries of both tables that share a place, and clusters of the
 * file that no entry uses. */
#include "checked.h"
#include "cluster_use.h"
#include "qed.h"

static void examine_entry(struct vmf_image *image, uint64_t guest, uint64_t entry,
                          struct vmf_cluster_use *use)
{
  struct vmf_error found;
  struct vmf_run run;

  if (qed_take_entry(image, guest, entry, &run, &found) != VMF_OK) {
    if (vmf_cluster_use_told(use))
      vmf_finding(use->findings, "%s", found.text);
  } else if (run.kind == VMF_RUN_PLAIN) {
    vmf_cluster_use_data(use, run.offset, "a data cluster");
  }
}

/* A table that is another entry's as well is not examined twice. */
static enum vmf_code examine_table(struct vmf_image *image, uint64_t index, uint64_t table,
                                   struct vmf_cluster_use *use, struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  uint64_t guest = index * state->table_entries * state->header.cluster_size;
  uint64_t entries[QED_ENTRIES];
  struct vmf_error found;
  uint32_t count;

  if (qed_check_l1_entry(image, index, table, &found) != VMF_OK) {
    if (vmf_cluster_use_told(use))
      vmf_finding(use->findings, "%s", found.text);
    return VMF_OK;
  }
  if (!vmf_cluster_use_take(use, table, state->table_bytes, "an L2 table"))
    return VMF_OK;
  use->last = 0;
  for (uint64_t slot = 0; slot < state->table_entries && guest < image->size; slot += count) {
    uint64_t absent = vmf_entries_in_hole(image, image->io, table + QED_ENTRY * slot,
                                          state->table_entries - slot, QED_ENTRY);
    if (absent > 0) {
      count = (uint32_t)absent;
      guest += absent * state->header.cluster_size;
      continue;
    }
    count = (uint32_t)vmf_min(QED_ENTRIES, state->table_entries - slot);
    VMF_TRY(qed_read_entries(image, table + QED_ENTRY * slot, entries, count, error));
    for (uint32_t i = 0; i < count && guest < image->size; i++, guest += state->header.cluster_size)
      examine_entry(image, guest, entries[i], use);
  }
  return VMF_OK;
}

static enum vmf_code examine(struct vmf_image *image, struct vmf_cluster_use *use,
                             struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  uint64_t covered = state->table_entries * state->header.cluster_size; /* by an L2 table */
  uint64_t tables = vmf_div_up(image->size, covered), entries[QED_ENTRIES];
  uint32_t count;

  vmf_cluster_use_take(use, 0, state->header_bytes, "the header");
  vmf_cluster_use_take(use, state->header.l1_offset, state->table_bytes, "the L1 table");
  for (uint64_t index = 0; index < tables; index += count) {
    index += vmf_entries_in_hole(image, image->io, state->header.l1_offset + QED_ENTRY * index,
                                 tables - index, QED_ENTRY);
    count = (uint32_t)vmf_min(QED_ENTRIES, tables - index);
    VMF_TRY(qed_read_entries(image, state->header.l1_offset + QED_ENTRY * index, entries, count,
                             error));
    for (uint32_t i = 0; i < count; i++)
      if (entries[i] != 0)
        VMF_TRY(examine_table(image, index + i, entries[i], use, error));
  }
  vmf_cluster_use_end(use);
  return VMF_OK;
}

enum vmf_code qed_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error)
{
  const struct qed_state *state = image->state;
  struct vmf_cluster_use use;

  findings->total_clusters = vmf_div_up(image->size, state->header.cluster_size);
  enum vmf_code code =
      vmf_cluster_use_begin(&use, image->io, 0, state->header.cluster_size, findings, error);
  if (code == VMF_OK)
    code = examine(image, &use, error);
  vmf_cluster_use_free(&use);
  return code;
}
