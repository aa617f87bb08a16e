/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What open and map leave unseen: entries of a BAT that share a place, or are at none, and clusters
 * of the file that no entry uses. */
#include <inttypes.h>

#include "checked.h"
#include "parallels.h"

static void examine_entry(const struct parallels_extent *extent, uint32_t number, uint32_t entry,
                          struct vmf_cluster_use *use)
{
  struct vmf_error found;
  uint64_t host;

  if (parallels_place(extent, number, entry, &host, &found) != VMF_OK) {
    if (vmf_cluster_use_told(use))
      vmf_finding(use->findings, "%s", found.text);
    return;
  }
  if ((host - extent->data_start) % extent->cluster != 0) {
    if (vmf_cluster_use_told(use))
      vmf_finding(use->findings,
                  "%s: BAT entry %" PRIu32 ": a cluster at byte %" PRIu64
                  ", which is no whole number of clusters behind the first (byte %" PRIu64 ")",
                  extent->io->name, number, host, extent->data_start);
    return;
  }
  vmf_cluster_use_data(use, host, "a cluster");
  use->findings->image_end_offset =
      vmf_max(use->findings->image_end_offset, host + extent->cluster);
}

static enum vmf_code examine(struct vmf_image *image, const struct parallels_extent *extent,
                             struct vmf_cluster_use *use, struct vmf_error *error)
{
  uint32_t entries[PARALLELS_ENTRIES], count;
  struct vmf_error found;
  unsigned bitmaps;

  for (uint32_t first = 0; first < extent->header.entries; first += count) {
    count = parallels_entries_in_hole(image, extent, first);
    if (count > 0)
      continue;
    count = (uint32_t)vmf_min(PARALLELS_ENTRIES, extent->header.entries - first);
    VMF_TRY(parallels_read_entries(image, extent, first, entries, count, error));
    for (uint32_t i = 0; i < count; i++)
      if (entries[i] != 0)
        examine_entry(extent, first + i, entries[i], use);
  }
  if (parallels_read_extension(extent, &bitmaps, use, &found) != VMF_OK &&
      vmf_cluster_use_told(use))
    vmf_finding(use->findings, "%s", found.text);
  vmf_cluster_use_end(use);
  return VMF_OK;
}

static enum vmf_code examine_extent(struct vmf_image *image, const struct parallels_extent *extent,
                                    struct vmf_findings *findings, struct vmf_error *error)
{
  struct vmf_cluster_use use;

  if (extent->plain)
    return VMF_OK;
  findings->total_clusters += extent->header.entries;
  enum vmf_code code =
      vmf_cluster_use_begin(&use, extent->io, extent->data_start, extent->cluster, findings, error);
  if (code == VMF_OK)
    code = examine(image, extent, &use, error);
  vmf_cluster_use_free(&use);
  return code;
}

enum vmf_code parallels_check(struct vmf_image *image, struct vmf_findings *findings,
                              struct vmf_error *error)
{
  const struct parallels_state *state = image->state;

  for (size_t i = 0; i < state->layer_count; i++)
    for (size_t k = 0; k < state->layers[i].count; k++)
      VMF_TRY(examine_extent(image, &state->layers[i].extents[k], findings, error));
  return VMF_OK;
}
