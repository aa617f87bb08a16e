/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The L2 tables, one at a time, and the L1 table of a QCOW2 file that is being written. */
#include "qcow2_write.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "zero.h"

enum { L1_CHUNK = 64 * 1024 }; /* bytes written at once */

#define SUBCLUSTERS_ALLOCATED UINT64_C(0x00000000ffffffff)
#define SUBCLUSTERS_ZERO UINT64_C(0xffffffff00000000)

static uint64_t table_host(const struct qcow2_build *build)
{
  return get_be64(build->l1 + build->l2_index * QCOW2_L1_ENTRY) & ~QCOW2_COPIED;
}

enum vmf_code qcow2_open_table(struct vmf_target *target, uint64_t unit, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  uint64_t index = unit / build->geometry.l2_entries;

  if (build->l2_open && build->l2_index == index)
    return VMF_OK;
  VMF_TRY(qcow2_close_table(target, error));
  build->l2_index = index;
  if (table_host(build) > 0)
    VMF_TRY(vmf_io_pread(target->io, build->l2, build->geometry.cluster_size, table_host(build),
                         error));
  build->l2_open = true;
  return VMF_OK;
}

uint64_t qcow2_mapped_data(const struct qcow2_build *build, uint64_t unit)
{
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t entry = g->extended ? QCOW2_L2_EXTENDED_ENTRY : QCOW2_L2_ENTRY;

  return get_be64(build->l2 + unit % g->l2_entries * entry) & ~QCOW2_COPIED;
}

static void put_entry(struct qcow2_build *build, uint64_t unit, uint64_t entry, uint64_t bitmap)
{
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t index = unit % g->l2_entries;

  if (g->extended) {
    put_be64(build->l2 + index * QCOW2_L2_EXTENDED_ENTRY, entry);
    put_be64(build->l2 + index * QCOW2_L2_EXTENDED_ENTRY + QCOW2_L2_ENTRY, bitmap);
  } else {
    put_be64(build->l2 + index * QCOW2_L2_ENTRY, entry);
  }
}

void qcow2_map_data(struct qcow2_build *build, uint64_t unit, uint64_t host)
{
  put_entry(build, unit, QCOW2_COPIED | host, SUBCLUSTERS_ALLOCATED);
}

void qcow2_map_zero(struct qcow2_build *build, uint64_t unit)
{
  put_entry(build, unit, build->geometry.extended ? 0 : QCOW2_L2_ZERO, SUBCLUSTERS_ZERO);
}

enum vmf_code qcow2_map_packed(struct vmf_target *target, uint64_t unit, uint64_t host,
                               uint64_t length, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  unsigned shift = qcow2_compressed_shift(build->geometry.cluster_bits);
  uint64_t sectors = (host + length - 1) / QCOW2_SECTOR - host / QCOW2_SECTOR;

  if (host >> shift != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: compressed cluster at byte %llu: with cluster_size=%u they stand below "
                    "byte %llu",
                    target->io->name, (unsigned long long)host, build->geometry.cluster_size,
                    1ULL << shift);
  put_entry(build, unit, QCOW2_L2_COMPRESSED | sectors << shift | host, 0);
  return VMF_OK;
}

enum vmf_code qcow2_close_table(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t host, cluster;

  if (!build->l2_open)
    return VMF_OK;
  host = table_host(build);
  if (host == 0) {
    VMF_TRY(qcow2_take_cluster(target, &cluster, error));
    host = cluster << g->cluster_bits;
  }
  VMF_TRY(vmf_io_pwrite(target->io, build->l2, g->cluster_size, host, error));
  put_be64(build->l1 + build->l2_index * QCOW2_L1_ENTRY, QCOW2_COPIED | host);
  memset(build->l2, 0, g->cluster_size);
  build->l2_open = false;
  return VMF_OK;
}

enum vmf_code qcow2_write_l1(struct vmf_target *target, struct vmf_error *error)
{
  const struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t bytes = g->l1_clusters << g->cluster_bits, host = build->tail.l1 << g->cluster_bits;
  bool skip = target->io->reads_as_zero && !target->io->sequential;
  uint64_t at;

  for (at = 0; at < bytes; at += L1_CHUNK) {
    size_t length = vmf_min(L1_CHUNK, bytes - at);

    if (!skip || !vmf_is_zero(build->l1 + at, length))
      VMF_TRY(vmf_io_pwrite(target->io, build->l1 + at, length, host + at, error));
  }
  return VMF_OK;
}
