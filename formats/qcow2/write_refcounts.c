/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Hands out host clusters and counts their references. Only the block of the range that the stream
 * has reached is in memory; all counts are exact when the file is finished. */
#include "qcow2_write.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"

enum { WORD_BITS = 64 };

/* Widths below a byte are packed from the least significant bit on, wider ones are big-endian. */
static uint64_t get_count(const uint8_t *block, unsigned order, uint64_t index)
{
  switch (order) {
  case 3:
    return block[index];
  case 4:
    return get_be16(block + index * 2);
  case 5:
    return get_be32(block + index * 4);
  case 6:
    return get_be64(block + index * 8);
  default: {
    unsigned shift = (unsigned)(index << order & 7);

    return block[(index << order) / 8] >> shift & ((1U << (1U << order)) - 1);
  }
  }
}

static void put_count(uint8_t *block, unsigned order, uint64_t index, uint64_t count)
{
  switch (order) {
  case 3:
    block[index] = (uint8_t)count;
    break;
  case 4:
    put_be16(block + index * 2, (uint16_t)count);
    break;
  case 5:
    put_be32(block + index * 4, (uint32_t)count);
    break;
  case 6:
    put_be64(block + index * 8, count);
    break;
  default: {
    unsigned shift = (unsigned)(index << order & 7), mask = (1U << (1U << order)) - 1;
    uint8_t *byte = block + (index << order) / 8;

    *byte = (uint8_t)((*byte & ~(mask << shift)) | (unsigned)count << shift);
  }
  }
}

/* Entries first .. end - 1 become 1. */
static void put_ones(uint8_t *block, unsigned order, uint64_t first, uint64_t end)
{
  uint64_t per_word = WORD_BITS >> order;
  uint8_t word[WORD_BITS / 8] = {0};
  uint64_t i;

  for (i = 0; i < per_word; i++)
    put_count(word, order, i, 1);
  while (first < end) {
    if (first % per_word == 0 && end - first >= per_word) {
      memcpy(block + first / per_word * sizeof word, word, sizeof word);
      first += per_word;
    } else {
      put_count(block, order, first++, 1);
    }
  }
}

/* Counts all clusters from first to end - 1 once, as far as they lie in the current range. */
static void count_once(struct qcow2_build *build, uint64_t first, uint64_t end)
{
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t start = build->range * g->range_clusters;

  first = vmf_max(first, start);
  end = vmf_min(end, start + g->range_clusters);
  if (first < end)
    put_ones(build->refcounts, g->refcount_order, first - start, end - start);
}

static enum vmf_code write_block(struct vmf_target *target, uint64_t cluster,
                                 struct vmf_error *error)
{
  const struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;

  return vmf_io_pwrite(target->io, build->refcounts, g->cluster_size, cluster << g->cluster_bits,
                       error);
}

/* Makes `range` the current one. On a pipe its counts are known, and its block is written now. */
static enum vmf_code enter_range(struct vmf_target *target, uint64_t range, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t home = range == 0 ? 1 : range * g->range_clusters;

  if (range > 0 && !build->promised)
    VMF_TRY(write_block(target, build->range == 0 ? 1 : build->range * g->range_clusters, error));
  memset(build->refcounts, 0, g->cluster_size);
  build->range = range;
  build->packed_end = 0;
  build->next = home + 1;
  if (!build->promised) {
    count_once(build, range == 0 ? 0 : home, home + 1);
    return VMF_OK;
  }
  count_once(build, 0, build->tail.end);
  return write_block(target, home, error);
}

enum vmf_code qcow2_begin_refcounts(struct vmf_target *target, struct vmf_error *error)
{
  return enter_range(target, 0, error);
}

enum vmf_code qcow2_take_cluster(struct vmf_target *target, uint64_t *cluster,
                                 struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  uint64_t range = build->next / build->geometry.range_clusters;

  VMF_TRY(qcow2_check_clusters(target->io->name, &build->geometry, build->next + 1, error));
  if (range != build->range)
    VMF_TRY(enter_range(target, range, error));
  *cluster = build->next++;
  if (!build->promised)
    count_once(build, *cluster, *cluster + 1);
  return VMF_OK;
}

/* Whether `length` bytes may start at packed_end: in its cluster, or over the border when the next
 * cluster is the next to be handed out; and whether the cluster can be counted once more. */
static bool may_share(const struct qcow2_build *build, uint64_t length)
{
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t cluster = build->packed_end >> g->cluster_bits;
  uint64_t room = ((cluster + 1) << g->cluster_bits) - build->packed_end;
  uint64_t most = UINT64_MAX >> (WORD_BITS - (1U << g->refcount_order));

  if (build->packed_end == 0)
    return false;
  if (get_count(build->refcounts, g->refcount_order, cluster % g->range_clusters) >= most)
    return false;
  return length <= room || (build->next == cluster + 1 && build->next % g->range_clusters != 0);
}

enum vmf_code qcow2_take_bytes(struct vmf_target *target, uint64_t length, uint64_t *host,
                               struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t end, cluster;

  if (may_share(build, length)) {
    uint64_t index = (build->packed_end >> g->cluster_bits) % g->range_clusters;

    *host = build->packed_end;
    if ((*host + length - 1) >> g->cluster_bits != *host >> g->cluster_bits)
      VMF_TRY(qcow2_take_cluster(target, &cluster, error));
    put_count(build->refcounts, g->refcount_order, index,
              get_count(build->refcounts, g->refcount_order, index) + 1);
  } else {
    VMF_TRY(qcow2_take_cluster(target, &cluster, error));
    *host = cluster << g->cluster_bits;
  }
  end = *host + length;
  build->packed_end = end % g->cluster_size != 0 ? end : 0;
  return VMF_OK;
}

enum vmf_code qcow2_end_stream(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;

  if (build->promised)
    return VMF_OK;
  qcow2_tail_fill(g, build->next, &build->tail);
  VMF_TRY(qcow2_check_clusters(target->io->name, g, build->tail.end, error));
  count_once(build, build->tail.l1, build->tail.end);
  return write_block(target, qcow2_block_cluster(g, &build->tail, build->range), error);
}

enum vmf_code qcow2_write_refcounts(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  const struct qcow2_tail *tail = &build->tail;
  uint64_t entries = g->cluster_size / QCOW2_REFTABLE_ENTRY, done, i, index;

  for (done = 0; done < tail->reftable_clusters; done++) {
    memset(build->refcounts, 0, g->cluster_size);
    for (i = 0; i < entries && (index = done * entries + i) < tail->blocks; i++)
      put_be64(build->refcounts + i * QCOW2_REFTABLE_ENTRY, qcow2_block_cluster(g, tail, index)
                                                                << g->cluster_bits);
    VMF_TRY(write_block(target, tail->reftable + done, error));
  }
  for (index = tail->first_late; index < tail->blocks; index++) {
    memset(build->refcounts, 0, g->cluster_size);
    build->range = index;
    count_once(build, tail->l1, tail->end);
    VMF_TRY(write_block(target, qcow2_block_cluster(g, tail, index), error));
  }
  return VMF_OK;
}
