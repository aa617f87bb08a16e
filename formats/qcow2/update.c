/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing into a QCOW2 image that is there, of which nothing else is a part: clusters that it lacks
 * are made at the end of the file, tables changed where they stand (spec: "Cluster mapping",
 * "Reference count handling"). Tables are read and written entry by entry, past the page cache,
 * which shows what was there before. */
#include <inttypes.h>

#include "bytes.h"
#include "memory.h"
#include "qcow2_reader.h"

enum { REFCOUNT_BYTES = 2, ENTRY = 8 };

struct qcow2_update {
  uint64_t end; /* of the file: where the next cluster is made */
  uint8_t *zeros;
};

static const struct qcow2_state *state_of(const struct vmf_update *update)
{
  return update->image->state;
}

static enum vmf_code read_entry(const struct vmf_update *update, uint64_t at, uint64_t *entry,
                                struct vmf_error *error)
{
  uint8_t raw[ENTRY];

  VMF_TRY(vmf_io_pread(update->io, raw, sizeof raw, at, error));
  *entry = get_be64(raw);
  return VMF_OK;
}

static enum vmf_code write_entry(const struct vmf_update *update, uint64_t at, uint64_t entry,
                                 struct vmf_error *error)
{
  uint8_t raw[ENTRY];

  put_be64(raw, entry);
  return vmf_io_pwrite(update->io, raw, sizeof raw, at, error);
}

/* ---- reference counts ---- */

static enum vmf_code new_cluster(struct vmf_update *update, uint64_t *host, struct vmf_error *error)
{
  struct qcow2_update *own = update->state;
  uint32_t size = state_of(update)->cluster_size;

  if (own->end > QCOW2_OFFSET_MASK - size)
    return vmf_fail(error, VMF_LIMIT, "%s: has no room for another cluster", update->io->name);
  *host = own->end;
  own->end += size;
  return vmf_io_pwrite(update->io, own->zeros, size, *host, error);
}

/* Where the count of the cluster at `host` stands. Its block is made where there is none, which is
 * a cluster with a count of its own: told by *made, or 0. */
static enum vmf_code find_count(struct vmf_update *update, uint64_t host, uint64_t *at,
                                uint64_t *made, struct vmf_error *error)
{
  const struct qcow2_state *state = state_of(update);
  uint64_t cluster = host >> state->header.cluster_bits, block = 0;
  uint64_t in_block = state->cluster_size / REFCOUNT_BYTES, index = cluster / in_block;
  uint64_t slot = state->header.reftable_offset + index * QCOW2_REFTABLE_ENTRY;

  *made = 0;
  if (index >=
      (uint64_t)state->header.reftable_clusters * state->cluster_size / QCOW2_REFTABLE_ENTRY)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: its table of reference counts has no room for what is to be added; "
                    "\"vmferry convert\" makes it anew",
                    update->io->name);
  VMF_TRY(read_entry(update, slot, &block, error));
  block &= QCOW2_REFTABLE_OFFSET_MASK;
  if (block == 0) {
    VMF_TRY(new_cluster(update, &block, error));
    VMF_TRY(write_entry(update, slot, block, error));
    *made = block;
  }
  *at = block + cluster % in_block * REFCOUNT_BYTES;
  return VMF_OK;
}

static enum vmf_code change_count(struct vmf_update *update, uint64_t host, bool more,
                                  struct vmf_error *error)
{
  uint8_t raw[REFCOUNT_BYTES];
  uint64_t at = 0, made = 0;

  while (host != 0) {
    VMF_TRY(find_count(update, host, &at, &made, error));
    VMF_TRY(vmf_io_pread(update->io, raw, sizeof raw, at, error));
    uint16_t count = get_be16(raw);
    if (more ? count != 0 : count == 0)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: the cluster at byte %" PRIu64 " has the reference count %u",
                      update->io->name, host, count);
    put_be16(raw, (uint16_t)(more ? 1 : count - 1));
    VMF_TRY(vmf_io_pwrite(update->io, raw, sizeof raw, at, error));
    host = made;
    more = true;
  }
  return VMF_OK;
}

static enum vmf_code allocate(struct vmf_update *update, uint64_t *host, struct vmf_error *error)
{
  VMF_TRY(new_cluster(update, host, error));
  return change_count(update, *host, true, error);
}

/* Packed clusters share those of the file. */
static enum vmf_code let_go(struct vmf_update *update, uint64_t entry, struct vmf_error *error)
{
  const struct qcow2_state *state = state_of(update);
  unsigned shift = qcow2_compressed_shift(state->header.cluster_bits);
  uint64_t offset = entry & ((UINT64_C(1) << shift) - 1);
  uint64_t sectors = ((entry & (QCOW2_L2_COMPRESSED - 1)) >> shift) + 1;
  uint64_t end = vmf_align_down(offset, QCOW2_SECTOR) + sectors * QCOW2_SECTOR;

  for (uint64_t at = vmf_align_down(offset, state->cluster_size); at < end;
       at += state->cluster_size)
    VMF_TRY(change_count(update, at, false, error));
  return VMF_OK;
}

/* ---- tables ---- */

static enum vmf_code shared(const struct vmf_update *update, uint64_t guest,
                            struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: guest byte %" PRIu64 ": its cluster, or the table of it, is used more than "
                  "once",
                  update->io->name, guest);
}

/* The entry of the cluster at `guest`, whose table is made where there is none. */
static enum vmf_code find_entry(struct vmf_update *update, uint64_t guest, uint64_t *at,
                                struct vmf_error *error)
{
  const struct qcow2_state *state = state_of(update);
  uint64_t cluster = guest >> state->header.cluster_bits, entry, table;
  uint64_t slot = state->l1_offset + (cluster >> state->l2_bits) * QCOW2_L1_ENTRY;

  VMF_TRY(read_entry(update, slot, &entry, error));
  table = entry & QCOW2_OFFSET_MASK;
  if (table != 0 && !(entry & QCOW2_COPIED))
    return shared(update, guest, error);
  if (table == 0) {
    VMF_TRY(allocate(update, &table, error));
    VMF_TRY(write_entry(update, slot, table | QCOW2_COPIED, error));
  }
  *at = table + (cluster & ((UINT64_C(1) << state->l2_bits) - 1)) * QCOW2_L2_ENTRY;
  return VMF_OK;
}

/* A vmf_updater.place. */
static enum vmf_code place(struct vmf_update *update, uint64_t guest, uint64_t *host, bool *fresh,
                           struct vmf_error *error)
{
  uint64_t at = 0, entry = 0;

  VMF_TRY(find_entry(update, guest, &at, error));
  VMF_TRY(read_entry(update, at, &entry, error));
  bool packed = entry & QCOW2_L2_COMPRESSED;
  *host = packed ? 0 : entry & QCOW2_OFFSET_MASK;
  *fresh = *host == 0 || (entry & QCOW2_L2_ZERO);
  if (*host != 0 && !(entry & QCOW2_COPIED))
    return shared(update, guest, error);
  if (!*fresh)
    return VMF_OK;
  if (packed)
    VMF_TRY(let_go(update, entry, error));
  if (*host == 0)
    VMF_TRY(allocate(update, host, error));
  return write_entry(update, at, *host | QCOW2_COPIED, error);
}

/* ---- the image ---- */

/* A vmf_updater.obstacle. */
static const char *obstacle(const struct vmf_image *image)
{
  const struct qcow2_state *state = image->state;
  const struct qcow2_header *header = &state->header;

  if (header->crypt_method != QCOW2_CRYPT_NONE)
    return "encryption";
  if (header->backing_offset != 0)
    return "a backing file";
  if (header->snapshot_count > 0)
    return "internal snapshots";
  if (header->autoclear & QCOW2_AUTOCLEAR_BITMAPS || state->extensions.bitmap_count > 0)
    return "bitmaps of changed blocks";
  if (state->data_io)
    return "an external data file";
  if (state->extended)
    return "extended L2 entries";
  if (header->incompatible & (QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT))
    return "a mark that it was not closed, or is damaged";
  return header->refcount_order != QCOW2_V2_REFCOUNT_ORDER ? "reference counts of another width"
                                                           : NULL;
}

static enum vmf_code begin(struct vmf_update *update, struct vmf_error *error)
{
  const struct qcow2_state *state = state_of(update);
  struct qcow2_update *own = update->state;
  void *memory;

  own->end = vmf_align_up(update->io->size, state->cluster_size);
  VMF_TRY(vmf_alloc(state->cluster_size, &memory, error));
  own->zeros = memory;
  /* what is not known of is not kept up: its bits say so (spec: "autoclear_features") */
  return state->header.autoclear == 0 ? VMF_OK : write_entry(update, QCOW2_AUTOCLEAR_AT, 0, error);
}

static void release(struct vmf_update *update)
{
  vmf_free(((struct qcow2_update *)update->state)->zeros);
}

const struct vmf_updater qcow2_updater = {
    .state_size = sizeof(struct qcow2_update),
    .obstacle = obstacle,
    .begin = begin,
    .place = place,
    .release = release,
};
