/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the guest bytes are: the BAT ([MS-VHDX] 2.5), in which the entry of a bitmap of sectors
 * follows those of each chunk of blocks. Only a differencing disk has bitmaps; in another one their
 * entries mean nothing. */
#include "bytes.h"
#include "checked.h"
#include "vhdx.h"

enum { ENTRIES_AT_ONCE = 512, BITMAP_AT_ONCE = 512 /* bytes */ };

uint64_t vhdx_block_index(const struct vhdx_state *state, uint64_t block)
{
  return block + block / state->chunk_ratio;
}

uint64_t vhdx_bitmap_index(const struct vhdx_state *state, uint64_t block)
{
  return block / state->chunk_ratio * (state->chunk_ratio + 1) + state->chunk_ratio;
}

enum vmf_code vhdx_read_bat(struct vmf_image *image, uint64_t index, uint64_t *entries,
                            size_t count, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;

  VMF_TRY(vmf_page_cache_pread(image->cache, state->io, entries, VHDX_ENTRY_SIZE * count,
                               state->bat.offset + VHDX_ENTRY_SIZE * index, error));
  for (size_t i = 0; i < count; i++)
    entries[i] = get_le64((const uint8_t *)&entries[i]);
  return VMF_OK;
}

static bool in_structures(const struct vhdx_state *state, struct vhdx_range range)
{
  struct vhdx_range log = {state->header.log_offset, state->header.log_length};
  return range.offset < VHDX_MIB || vhdx_overlaps(range, log) || vhdx_overlaps(range, state->bat) ||
         vhdx_overlaps(range, state->metadata_region);
}

/* Of the last block only what the disk has of it need be there: qemu-img leaves out the rest of a
 * fixed one. */
static uint64_t needed(const struct vhdx_state *state, uint64_t index)
{
  uint64_t length = state->metadata.block_size;
  uint64_t start = (index - index / (state->chunk_ratio + 1)) * length;

  return start < state->metadata.size ? vmf_min(length, state->metadata.size - start) : length;
}

/* least: bytes of it that must be there. */
static enum vmf_code check_place(const struct vmf_image *image, uint64_t index, uint64_t host,
                                 uint64_t length, uint64_t least, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;

  if (!vmf_range_within(host, least, state->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block allocation table entry %llu: %llu bytes at byte %llu go beyond the "
                    "end of the file (%llu bytes)",
                    image->io->name, (unsigned long long)index, (unsigned long long)least,
                    (unsigned long long)host, (unsigned long long)state->io->size);
  if (in_structures(state, (struct vhdx_range){host, length}))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block allocation table entry %llu: %llu bytes at byte %llu lie over a "
                    "header, the log, the metadata, or the table itself",
                    image->io->name, (unsigned long long)index, (unsigned long long)length,
                    (unsigned long long)host);
  return VMF_OK;
}

enum vmf_code vhdx_check_entry(const struct vmf_image *image, uint64_t index, uint64_t entry,
                               bool bitmap, uint64_t *host, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  unsigned kind = (unsigned)(entry & VHDX_STATE_MASK);
  bool stored = kind == VHDX_PRESENT || kind == VHDX_PARTIAL;

  *host = entry >> 20 << 20;
  if (entry & VHDX_RESERVED_MASK)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block allocation table entry %llu: 0x%llx has bits of 3 to 19 set, which "
                    "are reserved",
                    image->io->name, (unsigned long long)index, (unsigned long long)entry);
  if (!stored && (bitmap ? kind != VHDX_NOT_PRESENT : kind > VHDX_UNMAPPED))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block allocation table entry %llu: %s in state %u, expected %s",
                    image->io->name, (unsigned long long)index, bitmap ? "a bitmap" : "a block",
                    kind, bitmap ? "0 or 6" : "0 to 3, 6 or 7");
  if (!stored)
    return VMF_OK;
  if (bitmap)
    return check_place(image, index, *host, VHDX_BITMAP_SIZE, VHDX_BITMAP_SIZE, error);
  return check_place(image, index, *host, state->metadata.block_size, needed(state, index), error);
}

/* ---- blocks that are partly the child's ---- */

static enum vmf_code find_bitmap(struct vmf_image *image, uint64_t block, uint64_t *host,
                                 struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  uint64_t index = vhdx_bitmap_index(state, block), entry;

  VMF_TRY(vhdx_read_bat(image, index, &entry, 1, error));
  VMF_TRY(vhdx_check_entry(image, index, entry, true, host, error));
  if ((entry & VHDX_STATE_MASK) == VHDX_NOT_PRESENT)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block allocation table entry %llu: block %llu is partly present, but the "
                    "bitmap that says which of its sectors are is not",
                    image->io->name, (unsigned long long)index, (unsigned long long)block);
  return VMF_OK;
}

static bool is_own(const uint8_t *bitmap, uint64_t sector)
{
  return bitmap[sector / 8] >> sector % 8 & 1;
}

/* A set bit: this sector is the child's. */
static enum vmf_code map_sectors(struct vmf_image *image, uint64_t block, uint64_t host,
                                 uint64_t guest, struct vmf_run *run, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  const struct vhdx_metadata *metadata = &state->metadata;
  const uint64_t window = 8ull * BITMAP_AT_ONCE;
  uint64_t start = block * metadata->block_size, bitmap_host;
  uint64_t sectors = metadata->block_size / metadata->logical_sector;
  uint64_t before = block % state->chunk_ratio * sectors; /* of the chunk */
  uint64_t sector = (guest - start) / metadata->logical_sector, base = sector / window * window;
  uint64_t count = vmf_min(window, sectors - base), first = sector - base, last = first;
  uint8_t bitmap[BITMAP_AT_ONCE];

  VMF_TRY(find_bitmap(image, block, &bitmap_host, error));
  VMF_TRY(vmf_page_cache_pread(image->cache, state->io, bitmap, (size_t)(count / 8),
                               bitmap_host + (before + base) / 8, error));
  bool own = is_own(bitmap, first);
  while (first > 0 && is_own(bitmap, first - 1) == own)
    first--;
  while (last + 1 < count && is_own(bitmap, last + 1) == own)
    last++;
  run->guest = start + (base + first) * metadata->logical_sector;
  run->length = vmf_min((last - first + 1) * metadata->logical_sector, image->size - run->guest);
  run->kind = own ? VMF_RUN_PLAIN : VMF_RUN_PARENT;
  run->io = state->io;
  run->offset = host + (run->guest - start);
  return VMF_OK;
}

/* ---- runs of blocks ---- */

static void warn_partial(const struct vmf_image *image, uint64_t block)
{
  struct vhdx_state *state = image->state;

  if (!__atomic_exchange_n(&state->warned, true, __ATOMIC_RELAXED))
    vmf_warn(image->log,
             "%s: block %llu is marked as partly present, but the disk has no parent: it is read "
             "whole",
             image->io->name, (unsigned long long)block);
}

/* One block as a run; a partial one of a differencing disk looks like one of the child. */
static enum vmf_code block_run(const struct vmf_image *image, uint64_t block, uint64_t entry,
                               struct vmf_run *run, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  const struct vhdx_metadata *metadata = &state->metadata;
  unsigned kind = (unsigned)(entry & VHDX_STATE_MASK);
  uint64_t host, guest = block * metadata->block_size;

  VMF_TRY(vhdx_check_entry(image, vhdx_block_index(state, block), entry, false, &host, error));
  *run = (struct vmf_run){.guest = guest,
                          .length = vmf_min(metadata->block_size, image->size - guest),
                          .kind = VMF_RUN_ZERO};
  if (kind == VHDX_PARTIAL && !metadata->has_parent)
    warn_partial(image, block);
  if (kind == VHDX_PRESENT || kind == VHDX_PARTIAL) {
    run->kind = VMF_RUN_PLAIN;
    run->io = state->io;
    run->offset = host;
  } else if (kind == VHDX_NOT_PRESENT && metadata->has_parent) {
    run->kind = VMF_RUN_PARENT;
  }
  return VMF_OK;
}

static bool is_partial(const struct vhdx_state *state, uint64_t entry)
{
  return state->metadata.has_parent && (entry & VHDX_STATE_MASK) == VHDX_PARTIAL;
}

static bool continues(const struct vmf_run *run, const struct vmf_run *next)
{
  return next->kind == run->kind &&
         (run->kind != VMF_RUN_PLAIN || next->offset == run->offset + run->length);
}

/* Lengthens a run of absent blocks, behind which the entry at `index` comes next. */
static void add_hole(const struct vmf_image *image, uint64_t index, struct vmf_run *run)
{
  const struct vhdx_state *state = image->state;
  uint64_t rest = vhdx_block_index(state, state->blocks - 1) + 1 - index;
  uint64_t at = state->bat.offset + VHDX_ENTRY_SIZE * index;
  uint64_t next = index + vmf_entries_in_hole(image, state->io, at, rest, VHDX_ENTRY_SIZE);
  uint64_t chunk = next / (state->chunk_ratio + 1), within = next % (state->chunk_ratio + 1);
  uint64_t block = vmf_min(chunk * state->chunk_ratio + within, state->blocks);
  uint64_t end = vmf_min(block * state->metadata.block_size, image->size);
  if (end > run->guest + run->length)
    run->length = end - run->guest;
}

enum vmf_code vhdx_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                       struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  uint64_t entries[ENTRIES_AT_ONCE], block = guest / state->metadata.block_size;
  uint64_t index = vhdx_block_index(state, block);
  uint64_t limit = vhdx_block_index(state, state->blocks - 1) + 1;
  size_t count = (size_t)vmf_min(ENTRIES_AT_ONCE, limit - index);
  struct vmf_run next;
  struct vmf_error ignored; /* what is wrong with a later block is told when it is asked for */

  VMF_TRY(vhdx_read_bat(image, index, entries, count, error));
  VMF_TRY(block_run(image, block, entries[0], run, error));
  if (is_partial(state, entries[0]))
    return map_sectors(image, block, run->offset, guest, run, error);
  bool absent = entries[0] == 0;
  while (++block < state->blocks) {
    uint64_t at = vhdx_block_index(state, block) - index;
    if (at >= count && absent)
      add_hole(image, index + at, run);
    if (at >= count)
      return VMF_OK;
    if (is_partial(state, entries[at]) ||
        block_run(image, block, entries[at], &next, &ignored) != VMF_OK || !continues(run, &next))
      return VMF_OK;
    run->length += next.length;
    absent = entries[at] == 0;
  }
  return VMF_OK;
}
