/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Counts the references to each host cluster of one window. An L2 table that several L1 entries
 * (snapshots) share is read once and counts as often as they are, so the work grows with the tables
 * in the file and not with what a header claims. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "check.h"

/* All L1 tables together: a hostile snapshot table may name one large table 65536 times. Likewise
 * those of bitmaps. */
enum { L1_BYTES_MAX = 1024 * 1024 * 1024, BITMAP_BYTES_MAX = 256 * 1024 * 1024 };

struct area {
  uint64_t host, length;
  uint32_t role;
  const char *what;
  uint64_t where; /* host offset of the reference */
};

static void add_references(struct check *check, const struct area *area, uint32_t weight)
{
  const struct qcow2_state *state = check->image->state;
  if (area->length == 0)
    return;
  uint64_t first = area->host >> state->header.cluster_bits;
  uint64_t end = ((area->host + area->length - 1) >> state->header.cluster_bits) + 1;
  if (end > check->clusters) {
    if (check->first && check_corruption(check))
      vmf_finding(check->findings,
                  "%s at byte %" PRIu64 ": refers to %" PRIu64 " bytes at byte %" PRIu64
                  ", beyond the end of the file",
                  area->what, area->where, area->length, area->host);
    end = check->clusters;
  }
  first = vmf_max(first, check->start);
  end = vmf_min(end, check->start + check->count);
  for (uint64_t cluster = first; cluster < end; cluster++) {
    uint32_t *counter = &check->refs[cluster - check->start];
    uint32_t count = *counter & CHECK_COUNT_MAX;
    count = weight > CHECK_COUNT_MAX - count ? CHECK_COUNT_MAX : count + weight;
    *counter = (*counter & ~CHECK_COUNT_MAX) | area->role | count;
  }
}

static void broken(struct check *check, const char *what, uint64_t at, uint64_t entry,
                   const char *problem)
{
  if (check->first && check_corruption(check))
    vmf_finding(check->findings, "%s at byte %" PRIu64 ": 0x%016" PRIx64 ": %s", what, at, entry,
                problem);
}

/* ---- L2 tables ---- */

static void count_packed(struct check *check, uint64_t at, uint64_t entry, uint64_t bitmap,
                         uint32_t weight)
{
  const struct qcow2_state *state = check->image->state;
  unsigned shift = qcow2_compressed_shift(state->header.cluster_bits);
  uint64_t offset = entry & ((UINT64_C(1) << shift) - 1);
  uint64_t sectors = ((entry & (QCOW2_L2_COMPRESSED - 1)) >> shift) + 1;
  if ((entry & QCOW2_COPIED) != 0)
    broken(check, "L2 entry", at, entry, "the copied bit is set for a compressed cluster");
  if (state->data_io != NULL || offset >> 56 != 0 || bitmap != 0) {
    broken(check, "L2 entry", at, entry, "a compressed cluster that cannot be");
    return;
  }
  struct area area = {vmf_align_down(offset, QCOW2_SECTOR), sectors * QCOW2_SECTOR, CHECK_ROLE_DATA,
                      "L2 entry", at};
  add_references(check, &area, weight);
}

static void count_standard(struct check *check, uint64_t at, uint64_t entry, uint64_t bitmap,
                           uint32_t weight)
{
  const struct qcow2_state *state = check->image->state;
  uint64_t host = entry & QCOW2_OFFSET_MASK;
  bool zero_bit_known = state->header.version >= 3 && !state->extended;
  if ((entry & QCOW2_L2_RESERVED) != 0 || (!zero_bit_known && (entry & QCOW2_L2_ZERO) != 0))
    broken(check, "L2 entry", at, entry, "reserved bits are set");
  if (((bitmap >> 32) & bitmap & UINT32_MAX) != 0)
    broken(check, "L2 entry", at, bitmap, "subclusters are both allocated and zero");
  if (state->data_io != NULL || host == 0)
    return;
  if (host % state->cluster_size != 0) {
    broken(check, "L2 entry", at, entry, "the offset is not a multiple of the cluster size");
    return;
  }
  struct area area = {host, state->cluster_size, CHECK_ROLE_DATA, "L2 entry", at};
  add_references(check, &area, weight);
}

static enum vmf_code count_l2(struct check *check, uint64_t cluster, uint32_t weight,
                              struct vmf_error *error)
{
  const struct qcow2_state *state = check->image->state;
  struct check_table table = {.io = check->image->io,
                              .offset = cluster << state->header.cluster_bits};
  struct area area = {table.offset, state->cluster_size, CHECK_ROLE_L2, "L1 table", 0};
  add_references(check, &area, weight);
  for (uint64_t at = 0; at < state->cluster_size; at += state->l2_entry) {
    const uint8_t *raw;
    VMF_TRY(check_next(check, &table, state->cluster_size, &at, &raw, error));
    if (!raw)
      break;
    uint64_t entry = get_be64(raw);
    uint64_t bitmap = state->extended ? get_be64(raw + QCOW2_L2_ENTRY) : 0;
    if ((entry & QCOW2_L2_COMPRESSED) != 0)
      count_packed(check, table.offset + at, entry, bitmap, weight);
    else if (entry != 0)
      count_standard(check, table.offset + at, entry, bitmap, weight);
  }
  return VMF_OK;
}

/* ---- L1 tables ---- */

/* Adds the L2 tables of one L1 table to the weights of the present weight window. */
static enum vmf_code weigh_l1(struct check *check, uint64_t offset, uint32_t entries,
                              struct vmf_error *error)
{
  const struct qcow2_state *state = check->image->state;
  struct check_table table = {.io = check->image->io, .offset = offset};
  uint64_t bytes = (uint64_t)entries * QCOW2_L1_ENTRY;
  bool tell = check->weights_start == 0;
  check->l1_bytes += bytes;
  if (check->l1_bytes > L1_BYTES_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: the L1 tables of all snapshots have more than %d bytes",
                    check->image->io->name, L1_BYTES_MAX);
  for (uint64_t within = 0; within < bytes; within += QCOW2_L1_ENTRY) {
    const uint8_t *raw;
    VMF_TRY(check_next(check, &table, bytes, &within, &raw, error));
    if (!raw)
      break;
    uint64_t entry = get_be64(raw), at = offset + within, host = entry & QCOW2_OFFSET_MASK;
    if (tell && (entry & QCOW2_L1_RESERVED) != 0)
      broken(check, "L1 entry", at, entry, "reserved bits are set");
    if (host == 0)
      continue;
    uint64_t cluster = host >> state->header.cluster_bits;
    if (host % state->cluster_size != 0 || cluster >= check->clusters) {
      if (tell)
        broken(check, "L1 entry", at, entry, "L2 table not at a cluster of the file");
      continue;
    }
    if (cluster - check->weights_start < check->weights_count &&
        check->weights[cluster - check->weights_start] < UINT32_MAX)
      check->weights[cluster - check->weights_start]++;
  }
  return VMF_OK;
}

static enum vmf_code weigh_snapshot(void *context, const struct qcow2_snapshot *snapshot,
                                    bool *stop, struct vmf_error *error)
{
  (void)stop;
  struct check *check = context;
  struct vmf_error reason;
  if (qcow2_check_l1(check->image, "L1 table", snapshot->l1_offset, snapshot->l1_size, 0,
                     &reason) == VMF_OK)
    return weigh_l1(check, snapshot->l1_offset, snapshot->l1_size, error);
  if (check->weights_start == 0)
    broken(check, "snapshot", snapshot->at, snapshot->l1_offset, "a broken L1 table");
  return VMF_OK;
}

static enum vmf_code count_l2_tables(struct check *check, struct vmf_error *error)
{
  const struct qcow2_header *header = &((const struct qcow2_state *)check->image->state)->header;
  for (uint64_t start = 0; start < check->clusters; start += CHECK_WINDOW) {
    uint64_t end;
    check->weights_start = start;
    check->weights_count = vmf_min(check->clusters - start, CHECK_WINDOW);
    check->l1_bytes = 0;
    memset(check->weights, 0, (size_t)check->weights_count * sizeof *check->weights);
    VMF_TRY(weigh_l1(check, header->l1_offset, header->l1_size, error));
    VMF_TRY(qcow2_walk_snapshots(check->image, weigh_snapshot, check, &end, error));
    for (uint64_t i = 0; i < check->weights_count; i++)
      if (check->weights[i] != 0)
        VMF_TRY(count_l2(check, start + i, check->weights[i], error));
  }
  return VMF_OK;
}

/* ---- everything else ---- */

static enum vmf_code count_refcount_blocks(struct check *check, struct vmf_error *error)
{
  const struct qcow2_state *state = check->image->state;
  const struct qcow2_header *header = &state->header;
  struct check_table table = {.io = check->image->io, .offset = header->reftable_offset};
  uint64_t bytes = (uint64_t)header->reftable_clusters << header->cluster_bits;
  struct area whole = {header->reftable_offset, bytes, CHECK_ROLE_FIXED, "header", 0};
  add_references(check, &whole, 1);
  for (uint64_t at = 0; at < bytes; at += QCOW2_REFTABLE_ENTRY) {
    const uint8_t *raw;
    VMF_TRY(check_load(&table, at, &raw, error));
    uint64_t host = get_be64(raw);
    if (host == 0)
      continue;
    if (host % state->cluster_size != 0) {
      broken(check, "refcount table entry", table.offset + at, host,
             "not a multiple of the cluster size");
      continue;
    }
    if (host >= check->image->io->size) {
      broken(check, "refcount table entry", table.offset + at, host, "beyond the end of the file");
      continue;
    }
    struct area block = {host, state->cluster_size, CHECK_ROLE_FIXED, "refcount table entry",
                         table.offset + at};
    add_references(check, &block, 1);
  }
  return VMF_OK;
}

static enum vmf_code count_bitmap(void *context, const struct qcow2_bitmap *bitmap,
                                  struct vmf_error *error)
{
  struct check *check = context;
  const struct qcow2_state *state = check->image->state;
  struct check_table table = {.io = check->image->io, .offset = bitmap->table_offset};
  uint64_t bytes = (uint64_t)bitmap->table_size * 8;
  struct area whole = {table.offset, bytes, CHECK_ROLE_FIXED, "bitmap directory", 0};
  if ((bitmap->flags & QCOW2_BITMAP_RESERVED) != 0)
    broken(check, "flags of the bitmap", bitmap->at + QCOW2_BITMAP_FLAGS_AT, bitmap->flags,
           "reserved bits are set");
  check->bitmap_bytes += bytes;
  if (check->bitmap_bytes > BITMAP_BYTES_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: the tables of all bitmaps have more than %d bytes",
                    check->image->io->name, BITMAP_BYTES_MAX);
  add_references(check, &whole, 1);
  for (uint64_t at = 0; at < bytes; at += 8) {
    const uint8_t *raw;
    VMF_TRY(check_load(&table, at, &raw, error));
    uint64_t entry = get_be64(raw), host = entry & QCOW2_OFFSET_MASK;
    if ((entry & ~(QCOW2_OFFSET_MASK | 1)) != 0 || (host != 0 && (entry & 1) != 0) ||
        host % state->cluster_size != 0) {
      broken(check, "bitmap table entry", table.offset + at, entry,
             "reserved bits are set or it is not at a cluster");
      continue;
    }
    struct area data = {host, host != 0 ? state->cluster_size : 0, CHECK_ROLE_FIXED,
                        "bitmap table entry", table.offset + at};
    add_references(check, &data, 1);
  }
  return VMF_OK;
}

static enum vmf_code count_snapshot_l1(void *context, const struct qcow2_snapshot *snapshot,
                                       bool *stop, struct vmf_error *error)
{
  (void)stop;
  (void)error;
  struct check *check = context;
  struct vmf_error reason;
  if (qcow2_check_l1(check->image, "L1 table", snapshot->l1_offset, snapshot->l1_size, 0,
                     &reason) != VMF_OK)
    return VMF_OK; /* told where its L2 tables are weighed */
  struct area area = {snapshot->l1_offset, (uint64_t)snapshot->l1_size * QCOW2_L1_ENTRY,
                      CHECK_ROLE_FIXED, "snapshot", snapshot->at};
  add_references(check, &area, 1);
  return VMF_OK;
}

enum vmf_code check_count_window(struct check *check, struct vmf_error *error)
{
  struct vmf_image *image = check->image;
  const struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;
  uint64_t snapshots_end;
  check->bitmap_bytes = 0;
  memset(check->refs, 0, (size_t)check->count * sizeof *check->refs);
  struct area first = {0, state->cluster_size, CHECK_ROLE_FIXED, "header", 0};
  add_references(check, &first, 1);
  struct area l1 = {header->l1_offset, (uint64_t)header->l1_size * QCOW2_L1_ENTRY, CHECK_ROLE_FIXED,
                    "header", QCOW2_L1_OFFSET_AT};
  add_references(check, &l1, 1);
  VMF_TRY(qcow2_walk_snapshots(image, count_snapshot_l1, check, &snapshots_end, error));
  struct area snapshots = {header->snapshots_offset, snapshots_end - header->snapshots_offset,
                           CHECK_ROLE_FIXED, "header", QCOW2_SNAPSHOTS_OFFSET_AT};
  add_references(check, &snapshots, 1);
  VMF_TRY(count_refcount_blocks(check, error));
  struct area crypt = {state->extensions.crypt_offset, state->extensions.crypt_length,
                       CHECK_ROLE_FIXED, "encryption header extension", 0};
  if (crypt.length > 0)
    add_references(check, &crypt, 1);
  if (state->extensions.bitmap_count > 0) {
    struct area directory = {state->extensions.bitmaps_offset, state->extensions.bitmaps_size,
                             CHECK_ROLE_FIXED, "bitmaps extension", 0};
    add_references(check, &directory, 1);
    VMF_TRY(qcow2_walk_bitmaps(image, count_bitmap, check, error));
  }
  return count_l2_tables(check, error);
}
