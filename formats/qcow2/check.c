/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The check of a QCOW2 image: stored reference counts against counted ones, the copied bits of the
 * active tables, and how its clusters are used. Counts as qemu-img check does. */
#include "check.h"

#include <inttypes.h>

#include "bytes.h"
#include "memory.h"

static bool may_tell(struct check *check)
{
  if (check->reports < CHECK_REPORTS_MAX) {
    check->reports++;
    return true;
  }
  if (check->reports == CHECK_REPORTS_MAX) {
    check->reports++;
    vmf_finding(check->findings, "further findings are counted, but not shown");
  }
  return false;
}

bool check_corruption(struct check *check)
{
  check->findings->corruptions++;
  return may_tell(check);
}

bool check_leak(struct check *check)
{
  check->findings->leaks++;
  return may_tell(check);
}

enum vmf_code check_load(struct check_table *table, uint64_t at, const uint8_t **raw,
                         struct vmf_error *error)
{
  if (at - table->at >= table->loaded || table->loaded == 0) {
    uint64_t host = table->offset + vmf_align_down(at, CHECK_PIECE);
    uint64_t stored = host < table->io->size ? table->io->size - host : 0;
    size_t present = (size_t)vmf_min(stored, CHECK_PIECE);
    table->loaded = 0;
    if (present > 0)
      VMF_TRY(vmf_io_pread(table->io, table->bytes, present, host, error));
    memset(table->bytes + present, 0, CHECK_PIECE - present);
    table->at = vmf_align_down(at, CHECK_PIECE);
    table->loaded = CHECK_PIECE;
  }
  *raw = table->bytes + (at - table->at);
  return VMF_OK;
}

enum vmf_code check_next(const struct check *check, struct check_table *table, uint64_t length,
                         uint64_t *at, const uint8_t **raw, struct vmf_error *error)
{
  uint64_t hole = 0;
  if (*at % CHECK_PIECE == 0)
    hole = vmf_entries_in_hole(check->image, table->io, table->offset + *at, length - *at, 1);
  *raw = NULL;
  if (*at + hole == length)
    return VMF_OK;
  *at += vmf_align_down(hole, CHECK_PIECE);
  return check_load(table, *at, raw, error);
}

/* ---- stored reference counts ---- */

struct stored_refcounts {
  const struct vmf_image *image;
  struct check_table table; /* the refcount table */
  struct check_table block;
  uint64_t index; /* of the block */
  bool usable;    /* false: no block, or a broken one: all its counts are 0 */
};

static void stored_begin(struct stored_refcounts *stored, const struct vmf_image *image)
{
  const struct qcow2_state *state = image->state;
  stored->image = image;
  stored->table.io = image->io;
  stored->table.offset = state->header.reftable_offset;
  stored->table.loaded = 0;
  stored->index = UINT64_MAX;
}

static enum vmf_code stored_find_block(struct stored_refcounts *stored, uint64_t index,
                                       struct vmf_error *error)
{
  const struct qcow2_state *state = stored->image->state;
  uint64_t entries = ((uint64_t)state->header.reftable_clusters << state->header.cluster_bits) /
                     QCOW2_REFTABLE_ENTRY;
  uint64_t host = 0;
  if (index < entries) {
    const uint8_t *raw;
    VMF_TRY(check_load(&stored->table, index * QCOW2_REFTABLE_ENTRY, &raw, error));
    host = get_be64(raw);
  }
  stored->usable = host != 0 && host % state->cluster_size == 0 && host < stored->image->io->size;
  stored->block.io = stored->image->io;
  stored->block.offset = host;
  stored->block.loaded = 0;
  stored->index = index;
  return VMF_OK;
}

static enum vmf_code stored_get(struct stored_refcounts *stored, uint64_t cluster, uint64_t *count,
                                struct vmf_error *error)
{
  const struct qcow2_state *state = stored->image->state;
  unsigned order = state->header.refcount_order;
  unsigned block_bits = state->header.cluster_bits + 3 - order; /* log2 of its entries */
  if (cluster >> block_bits != stored->index)
    VMF_TRY(stored_find_block(stored, cluster >> block_bits, error));
  *count = 0;
  if (!stored->usable)
    return VMF_OK;
  uint64_t entry = cluster & ((UINT64_C(1) << block_bits) - 1);
  const uint8_t *raw;
  VMF_TRY(check_load(&stored->block, (entry << order) / 8, &raw, error));
  switch (order) {
  case 3:
    *count = raw[0];
    break;
  case 4:
    *count = get_be16(raw);
    break;
  case 5:
    *count = get_be32(raw);
    break;
  case 6:
    *count = get_be64(raw);
    break;
  default: /* 1, 2 or 4 bits, the first in the low bits */
    *count = (unsigned)raw[0] >> ((entry << order) % 8) & ((1U << (1U << order)) - 1);
    break;
  }
  return VMF_OK;
}

/* ---- comparing ---- */

/* Whether a cluster serves two purposes at once. */
static bool overlaps(uint32_t counter)
{
  uint32_t roles = counter & ~CHECK_COUNT_MAX;
  if ((roles & CHECK_ROLE_FIXED) != 0 && (counter & CHECK_COUNT_MAX) > 1)
    return true;
  return roles != 0 && !vmf_is_power_of_two(roles);
}

static enum vmf_code compare_window(struct check *check, struct stored_refcounts *stored,
                                    struct vmf_error *error)
{
  const struct qcow2_state *state = check->image->state;
  for (uint64_t i = 0; i < check->count; i++) {
    uint64_t cluster = check->start + i, count, found = check->refs[i] & CHECK_COUNT_MAX;
    VMF_TRY(stored_get(stored, cluster, &count, error));
    if (count != 0 || found != 0)
      check->findings->image_end_offset = (cluster + 1) * state->cluster_size;
    if (count < found || overlaps(check->refs[i])) {
      if (check_corruption(check))
        vmf_finding(
            check->findings,
            "cluster at byte %" PRIu64 ": %s: reference count %" PRIu64 ", %" PRIu64 " references",
            cluster * state->cluster_size,
            overlaps(check->refs[i]) ? "used for different things" : "reference count too low",
            count, found);
    } else if (count > found && check_leak(check)) {
      vmf_finding(check->findings,
                  "cluster at byte %" PRIu64 ": leaked: reference count %" PRIu64 ", %" PRIu64
                  " references",
                  cluster * state->cluster_size, count, found);
    }
  }
  return VMF_OK;
}

/* ---- the active state ---- */

struct active {
  struct check *check;
  struct stored_refcounts stored;
  uint64_t next;   /* host offset at which the next cluster would continue the last one; 0: none */
  uint64_t tables; /* L2 tables read */
};

/* The copied bit says that the reference count is exactly one. */
static enum vmf_code check_copied(struct active *active, const char *what, uint64_t at,
                                  uint64_t entry, struct vmf_error *error)
{
  struct check *check = active->check;
  const struct qcow2_state *state = check->image->state;
  uint64_t host = entry & QCOW2_OFFSET_MASK, count;
  VMF_TRY(stored_get(&active->stored, host >> state->header.cluster_bits, &count, error));
  bool copied = (entry & QCOW2_COPIED) != 0;
  if (copied != (count == 1) && check_corruption(check))
    vmf_finding(check->findings,
                "%s at byte %" PRIu64 ": 0x%016" PRIx64 ": copied bit %s, reference count %" PRIu64,
                what, at, entry, copied ? "set" : "clear", count);
  return VMF_OK;
}

static enum vmf_code check_active_entry(struct active *active, uint64_t at, uint64_t entry,
                                        struct vmf_error *error)
{
  struct check *check = active->check;
  const struct qcow2_state *state = check->image->state;
  struct vmf_findings *findings = check->findings;
  if ((entry & QCOW2_L2_COMPRESSED) != 0) {
    findings->allocated_clusters++;
    findings->compressed_clusters++;
    findings->fragmented_clusters++; /* by its nature */
    return VMF_OK;
  }
  uint64_t host = entry & QCOW2_OFFSET_MASK;
  bool data_file = state->data_io != NULL;
  if ((host == 0 && !(data_file && (entry & QCOW2_COPIED) != 0)) || host % state->cluster_size != 0)
    return VMF_OK;
  findings->allocated_clusters++;
  if (active->next != 0 && host != active->next)
    findings->fragmented_clusters++;
  active->next = host + state->cluster_size;
  return data_file ? VMF_OK : check_copied(active, "L2 entry", at, entry, error);
}

static enum vmf_code check_active_l2(struct active *active, uint64_t offset,
                                     struct vmf_error *error)
{
  const struct qcow2_state *state = active->check->image->state;
  struct check_table table = {.io = active->check->image->io, .offset = offset};
  active->next = 0; /* fragments are counted inside one table, as qemu-img does */
  for (uint64_t at = 0; at < state->cluster_size; at += state->l2_entry) {
    const uint8_t *raw;
    VMF_TRY(check_next(active->check, &table, state->cluster_size, &at, &raw, error));
    if (!raw)
      break;
    uint64_t entry = get_be64(raw);
    if (entry != 0)
      VMF_TRY(check_active_entry(active, offset + at, entry, error));
  }
  return VMF_OK;
}

static enum vmf_code check_active(struct active *active, struct vmf_error *error)
{
  struct check *check = active->check;
  const struct qcow2_state *state = check->image->state;
  const struct qcow2_header *header = &state->header;
  struct check_table table = {.io = check->image->io, .offset = header->l1_offset};
  stored_begin(&active->stored, check->image);
  for (uint32_t i = 0; i < header->l1_size; i++) {
    const uint8_t *raw;
    VMF_TRY(check_load(&table, (uint64_t)i * QCOW2_L1_ENTRY, &raw, error));
    uint64_t entry = get_be64(raw), host = entry & QCOW2_OFFSET_MASK;
    if (host == 0 || host % state->cluster_size != 0 || host >= check->image->io->size)
      continue;
    if (active->tables++ >= check->clusters) {
      if (check_corruption(check))
        vmf_finding(check->findings, "L1 table: names more L2 tables than the file has clusters");
      return VMF_OK;
    }
    uint64_t at = table.offset + (uint64_t)i * QCOW2_L1_ENTRY;
    VMF_TRY(check_copied(active, "L1 entry", at, entry, error));
    VMF_TRY(check_active_l2(active, host, error));
  }
  return VMF_OK;
}

enum vmf_code qcow2_check(struct vmf_image *image, struct vmf_findings *findings,
                          struct vmf_error *error)
{
  const struct qcow2_state *state = image->state;
  struct check check = {.image = image, .findings = findings};
  check.clusters = qcow2_clusters(state, image->io->size);
  if (check.clusters > (uint64_t)CHECK_WINDOW * CHECK_WINDOWS_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: %" PRIu64 " clusters, at most %" PRIu64 " are checked",
                    image->io->name, check.clusters, (uint64_t)CHECK_WINDOW * CHECK_WINDOWS_MAX);
  findings->total_clusters = qcow2_clusters(state, state->header.size);

  uint64_t window = vmf_min(check.clusters, CHECK_WINDOW);
  VMF_AUTO_FREE void *refs = NULL;
  VMF_AUTO_FREE void *weights = NULL;
  VMF_AUTO_FREE void *memory = NULL; /* too large for the stack */
  VMF_TRY(vmf_alloc_table(window, sizeof(uint32_t), CHECK_WINDOW * sizeof(uint32_t),
                          "reference counters", &refs, error));
  VMF_TRY(vmf_alloc_table(window, sizeof(uint32_t), CHECK_WINDOW * sizeof(uint32_t),
                          "reference counters", &weights, error));
  VMF_TRY(vmf_alloc(sizeof(struct active), &memory, error));
  check.refs = refs;
  check.weights = weights;
  struct active *active = memory;
  active->check = &check;
  stored_begin(&active->stored, image);
  for (check.start = 0; check.start < check.clusters; check.start += CHECK_WINDOW) {
    check.first = check.start == 0;
    check.count = vmf_min(check.clusters - check.start, CHECK_WINDOW);
    VMF_TRY(check_count_window(&check, error));
    VMF_TRY(compare_window(&check, &active->stored, error));
  }
  return check_active(active, error);
}
