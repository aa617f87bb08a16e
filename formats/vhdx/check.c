/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What open and map leave unseen: copies that are damaged or differ, entries of the BAT that may
 * not be, blocks that share space. Blocks stand at whole MiB, so that a bit for each MiB of the
 * file tells what is taken. */
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "vhdx.h"

enum { ENTRIES_AT_ONCE = 512 };
#define FILE_MAX (128ull << 40) /* 16 MiB of bits */

struct check {
  struct vmf_image *image;
  struct vmf_findings *findings;
  uint8_t *taken; /* a bit for each MiB of the file */
};

static void check_copies(struct vmf_image *image, struct vmf_findings *findings)
{
  const struct vhdx_state *state = image->state;

  for (unsigned i = 0; i < 2; i++) {
    if (!state->headers_valid[i]) {
      findings->corruptions++;
      vmf_finding(findings, "%s: the VHDX header at byte %u is damaged", image->io->name,
                  VHDX_HEADERS_AT + i * VHDX_COPIES_APART);
    }
    if (!state->tables_valid[i]) {
      findings->corruptions++;
      vmf_finding(findings, "%s: the VHDX region table at byte %u is damaged", image->io->name,
                  VHDX_REGION_TABLES_AT + i * VHDX_COPIES_APART);
    }
  }
}

static enum vmf_code compare_tables(struct vmf_image *image, struct vmf_findings *findings,
                                    struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  VMF_AUTO_FREE void *block = NULL;

  if (!state->tables_valid[0] || !state->tables_valid[1])
    return VMF_OK;
  VMF_TRY(vmf_alloc(2 * (size_t)VHDX_TABLE_SIZE, &block, error));
  const uint8_t *tables = block;
  VMF_TRY(
      vmf_io_pread(state->io, block, 2 * (size_t)VHDX_TABLE_SIZE, VHDX_REGION_TABLES_AT, error));
  if (memcmp(tables, tables + VHDX_TABLE_SIZE, VHDX_TABLE_SIZE) == 0)
    return VMF_OK;
  findings->corruptions++;
  vmf_finding(findings, "%s: the two VHDX region tables differ; the first one is used",
              image->io->name);
  return VMF_OK;
}

/* Marks the MiB of a range, as far as the file goes; whether one of them was taken before. */
static bool take(struct check *check, uint64_t host, uint64_t length)
{
  const struct vhdx_state *state = check->image->state;
  uint64_t end = vmf_min(host + length, vmf_align_up(state->io->size, VHDX_MIB));
  bool before = false;

  for (uint64_t at = host / VHDX_MIB; at < end / VHDX_MIB; at++) {
    uint8_t bit = (uint8_t)(1u << at % 8);
    before |= check->taken[at / 8] & bit;
    check->taken[at / 8] |= bit;
  }
  return before;
}

static void check_stored(struct check *check, uint64_t index, uint64_t host, bool bitmap)
{
  const struct vhdx_state *state = check->image->state;
  uint64_t length = bitmap ? VHDX_BITMAP_SIZE : state->metadata.block_size;

  if (!bitmap)
    check->findings->allocated_clusters++;
  if (!take(check, host, length))
    return;
  check->findings->corruptions++;
  vmf_finding(check->findings,
              "%s: block allocation table entry %llu: the %s at byte %llu overlaps another one",
              check->image->io->name, (unsigned long long)index, bitmap ? "bitmap" : "block",
              (unsigned long long)host);
}

static void check_entry(struct check *check, uint64_t index, uint64_t entry)
{
  const struct vhdx_state *state = check->image->state;
  bool bitmap = index % (state->chunk_ratio + 1) == state->chunk_ratio;
  unsigned kind = (unsigned)(entry & VHDX_STATE_MASK);
  struct vmf_error why;
  uint64_t host;

  if (entry == 0 || (bitmap && !state->metadata.has_parent))
    return;
  enum vmf_code code = vhdx_check_entry(check->image, index, entry, bitmap, &host, &why);
  if (code != VMF_OK) {
    check->findings->corruptions++;
    vmf_finding(check->findings, "%s", why.text);
    return;
  }
  if (kind == VHDX_PARTIAL && !bitmap && !state->metadata.has_parent) {
    check->findings->corruptions++;
    vmf_finding(check->findings,
                "%s: block allocation table entry %llu: a block that is partly present, in a disk "
                "without a parent",
                check->image->io->name, (unsigned long long)index);
  }
  if (kind == VHDX_PRESENT || kind == VHDX_PARTIAL)
    check_stored(check, index, host, bitmap);
}

/* A block that is partly present needs the bitmap of its chunk. */
static enum vmf_code check_chunk(struct check *check, uint64_t index, uint64_t entry,
                                 struct vmf_error *error)
{
  const struct vhdx_state *state = check->image->state;
  uint64_t within = index % (state->chunk_ratio + 1), bitmap;

  if (!state->metadata.has_parent || (entry & VHDX_STATE_MASK) != VHDX_PARTIAL ||
      within == state->chunk_ratio)
    return VMF_OK;
  VMF_TRY(vhdx_read_bat(check->image, index - within + state->chunk_ratio, &bitmap, 1, error));
  if ((bitmap & VHDX_STATE_MASK) != VHDX_NOT_PRESENT)
    return VMF_OK;
  check->findings->corruptions++;
  vmf_finding(check->findings,
              "%s: block allocation table entry %llu: a block that is partly present, but the "
              "bitmap of its sectors is not",
              check->image->io->name, (unsigned long long)index);
  return VMF_OK;
}

static enum vmf_code check_bat(struct check *check, struct vmf_error *error)
{
  struct vmf_image *image = check->image;
  const struct vhdx_state *state = image->state;
  uint64_t entries[ENTRIES_AT_ONCE], last = state->blocks - 1;
  uint64_t limit = 1 + (state->metadata.has_parent ? vhdx_bitmap_index(state, last)
                                                   : vhdx_block_index(state, last));

  for (uint64_t index = 0; index < limit; index += ENTRIES_AT_ONCE) {
    uint64_t at = state->bat.offset + VHDX_ENTRY_SIZE * index;
    uint64_t absent = vmf_entries_in_hole(image, state->io, at, limit - index, VHDX_ENTRY_SIZE);
    index += vmf_align_down(absent, ENTRIES_AT_ONCE);
    if (index >= limit)
      return VMF_OK;
    size_t count = (size_t)vmf_min(ENTRIES_AT_ONCE, limit - index);
    VMF_TRY(vhdx_read_bat(image, index, entries, count, error));
    for (size_t i = 0; i < count; i++) {
      check_entry(check, index + i, entries[i]);
      VMF_TRY(check_chunk(check, index + i, entries[i], error));
      if (vmf_corruptions_suffice(image->io, check->findings, "block allocation table"))
        return VMF_OK;
    }
  }
  return VMF_OK;
}

enum vmf_code vhdx_check(struct vmf_image *image, struct vmf_findings *findings,
                         struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  VMF_AUTO_FREE void *taken = NULL;

  findings->image_end_offset = image->io->size;
  findings->total_clusters = state->blocks;
  check_copies(image, findings);
  VMF_TRY(compare_tables(image, findings, error));
  if (state->io->size > FILE_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: a file of %llu bytes: not examined for overlaps, which is done up to 128 "
                    "TiB",
                    image->io->name, (unsigned long long)state->io->size);
  VMF_TRY(vmf_alloc((size_t)(state->io->size / VHDX_MIB / 8 + 1), &taken, error));
  struct check check = {.image = image, .findings = findings, .taken = taken};
  return check_bat(&check, error);
}
