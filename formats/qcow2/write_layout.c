/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where everything stands in a QCOW2 file that is being written: arithmetic, no I/O. The layout is
 * described in write.h. */
#include "qcow2_write.h"

#include <inttypes.h>

#include "checked.h"

enum { FIRST_STREAM_CLUSTER = 2 }; /* behind the header and refcount block 0 */

void qcow2_geometry_fill(const struct qcow2_write_options *options, uint64_t guest_size,
                         struct qcow2_geometry *geometry)
{
  struct qcow2_geometry *g = geometry;
  uint64_t addressable;

  *g = (struct qcow2_geometry){0};
  g->version = options->compat == QCOW2_COMPAT_0_10 || options->compat == QCOW2_COMPAT_V2 ? 2 : 3;
  g->cluster_size = (uint32_t)options->cluster_size;
  g->cluster_bits = vmf_log2(options->cluster_size);
  g->refcount_order = vmf_log2(options->refcount_bits);
  g->extended = options->extended_l2;
  g->fill = options->preallocation != QCOW2_PREALLOCATION_OFF;
  g->l2_entries = g->cluster_size / (g->extended ? QCOW2_L2_EXTENDED_ENTRY : QCOW2_L2_ENTRY);
  g->range_clusters = g->cluster_size * UINT64_C(8) >> g->refcount_order;
  addressable = (QCOW2_OFFSET_MASK | (QCOW2_SECTOR - 1)) >> g->cluster_bits;
  g->cluster_limit =
      vmf_min(addressable + 1, QCOW2_REFTABLE_BYTES_MAX / QCOW2_REFTABLE_ENTRY * g->range_clusters);
  g->guest_clusters = vmf_div_up(guest_size, g->cluster_size);
  g->l1_entries = vmf_div_up(g->guest_clusters, g->l2_entries);
  g->crypt_clusters = vmf_div_up(qcow2_crypt_bytes(options), g->cluster_size);
  g->l1_clusters = vmf_div_up(g->l1_entries * QCOW2_L1_ENTRY, g->cluster_size);
}

enum vmf_code qcow2_count_stream(const struct qcow2_geometry *geometry, bool every,
                                 const struct vmf_plan *plan, uint64_t *clusters,
                                 struct vmf_error *error)
{
  const struct qcow2_geometry *g = geometry;
  uint64_t unit = 0, last_table = UINT64_MAX;

  *clusters = g->guest_clusters + g->l1_entries;
  if (every)
    return VMF_OK;
  *clusters = 0;
  while (unit < g->guest_clusters) {
    uint64_t start, end, first, table;

    VMF_TRY(vmf_plan_next(plan, unit << g->cluster_bits, &start, &end, error));
    first = start >> g->cluster_bits;
    if (end <= start || first >= g->guest_clusters)
      break;
    unit = vmf_min(vmf_div_up(end, g->cluster_size), g->guest_clusters);
    table = first / g->l2_entries;
    *clusters += unit - first + (unit - 1) / g->l2_entries - table + (table != last_table);
    last_table = (unit - 1) / g->l2_entries;
  }
  return VMF_OK;
}

uint64_t qcow2_stream_end(const struct qcow2_geometry *geometry, uint64_t clusters)
{
  uint64_t range = geometry->range_clusters, ranges;

  if (clusters <= range - FIRST_STREAM_CLUSTER)
    return FIRST_STREAM_CLUSTER + clusters;
  /* every range behind the first offers one cluster less than it has, to its refcount block */
  clusters -= range - FIRST_STREAM_CLUSTER;
  ranges = (clusters - 1) / (range - 1);
  return range + ranges * range + 1 + (clusters - ranges * (range - 1));
}

void qcow2_tail_fill(const struct qcow2_geometry *geometry, uint64_t stream_end,
                     struct qcow2_tail *tail)
{
  uint64_t blocks = 0;

  tail->l1 = stream_end;
  tail->reftable =
      stream_end + geometry->l1_clusters + geometry->bitmap_clusters + geometry->crypt_clusters;
  tail->first_late = vmf_div_up(stream_end, geometry->range_clusters);
  tail->blocks = tail->first_late;
  /* the tables must also count themselves; a block counts at least 64 clusters, so this ends soon
   */
  while (blocks != tail->blocks) {
    blocks = tail->blocks;
    tail->reftable_clusters = vmf_div_up(blocks * QCOW2_REFTABLE_ENTRY, geometry->cluster_size);
    tail->late_blocks = tail->reftable + tail->reftable_clusters;
    tail->end = tail->late_blocks + (blocks - tail->first_late);
    tail->blocks = vmf_div_up(tail->end, geometry->range_clusters);
  }
}

uint64_t qcow2_block_cluster(const struct qcow2_geometry *geometry, const struct qcow2_tail *tail,
                             uint64_t index)
{
  if (index >= tail->first_late)
    return tail->late_blocks + (index - tail->first_late);
  return index == 0 ? 1 : index * geometry->range_clusters;
}

enum vmf_code qcow2_check_clusters(const char *name, const struct qcow2_geometry *geometry,
                                   uint64_t clusters, struct vmf_error *error)
{
  if (clusters <= geometry->cluster_limit)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: %" PRIu64
                  " clusters with cluster_size=%u and refcount_bits=%u: at most %" PRIu64
                  " can be counted, a larger cluster_size is needed",
                  name, clusters, geometry->cluster_size, 1U << geometry->refcount_order,
                  geometry->cluster_limit);
}
