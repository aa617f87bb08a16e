/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The tables of runs: walked one run after the other, and made to an index of all. */
#include <inttypes.h>
#include <stdlib.h>

#include "bytes.h"
#include "checked.h"
#include "dmg.h"
#include "memory.h"
#include "row.h"
#include "sums.h"

enum run_type {
  TYPE_ZEROS = 0,
  TYPE_STORED = 1,
  TYPE_IGNORED = 2,
  TYPE_COMMENT = 0x7ffffffe,
};
#define TYPE_ADC 0x80000004u
#define TYPE_ZLIB 0x80000005u
#define TYPE_BZIP2 0x80000006u
#define TYPE_LZFSE 0x80000007u
#define TYPE_LZMA 0x80000008u
#define TYPE_END 0xffffffffu

void dmg_walk_begin(struct dmg_walk *walk, const struct vmf_image *image)
{
  *walk = (struct dmg_walk){0};
  dmg_plist_begin(&walk->plist, image);
}

static enum vmf_code cut(const struct dmg_walk *walk, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: table %" PRIu32 ": its data ends before its runs do",
                  walk->plist.image->io->name, walk->tables);
}

enum vmf_code dmg_walk_table(struct dmg_walk *walk, bool *found, struct vmf_error *error)
{
  const char *name = walk->plist.image->io->name;
  uint8_t raw[DMG_TABLE];
  size_t got;

  walk->left = 0;
  VMF_TRY(dmg_plist_next(&walk->plist, found, error));
  if (!*found)
    return VMF_OK;
  walk->tables++;
  VMF_TRY(dmg_plist_read(&walk->plist, raw, sizeof raw, &got, error));
  if (got < sizeof raw)
    return cut(walk, error);
  if (memcmp(raw, "mish", 4) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: table %" PRIu32 ": no \"mish\" at its start", name,
                    walk->tables);
  if (get_be32(raw + 4) != 1)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: table %" PRIu32 ": version %" PRIu32 ", expected 1", name, walk->tables,
                    get_be32(raw + 4));
  walk->first = get_be64(raw + 8);
  walk->sectors = get_be64(raw + 16);
  walk->data = get_be64(raw + 24);
  walk->sum_type = get_be32(raw + 64);
  walk->sum = get_be32(raw + 72);
  walk->left = get_be32(raw + 200);
  return VMF_OK;
}

/* ---- one run ---- */

static enum vmf_code set_kind(const struct dmg_walk *walk, uint32_t type, struct dmg_run *run,
                              struct vmf_error *error)
{
  run->kind = VMF_RUN_PACKED;
  switch (type) {
  case TYPE_IGNORED:
  case TYPE_ZEROS:
    run->unsummed = type == TYPE_IGNORED;
    run->kind = VMF_RUN_ZERO;
    return VMF_OK;
  case TYPE_STORED:
    run->kind = VMF_RUN_PLAIN;
    return VMF_OK;
  case TYPE_ADC:
    run->codec = VMF_CODEC_ADC;
    return VMF_OK;
  case TYPE_ZLIB:
    run->codec = VMF_CODEC_ZLIB;
    return VMF_OK;
  case TYPE_BZIP2:
    run->codec = VMF_CODEC_BZIP2;
    return VMF_OK;
  case TYPE_LZMA: /* a file of xz, in fact */
    run->codec = VMF_CODEC_XZ_STREAM;
    return VMF_OK;
  case TYPE_LZFSE:
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: table %" PRIu32 ": packed by LZFSE (ULFO), which is not read; \"7zz x\" "
                    "unpacks it, or \"hdiutil convert -format UDZO\" on macOS",
                    walk->plist.image->io->name, walk->tables);
  default:
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: table %" PRIu32 ": a run of the unknown type 0x%08" PRIx32,
                    walk->plist.image->io->name, walk->tables, type);
  }
}

/* Its place on the disk: at 8 and 16, from the table's first sector on. */
static enum vmf_code set_place(const struct dmg_walk *walk, const uint8_t raw[DMG_RUN],
                               struct dmg_run *run, struct vmf_error *error)
{
  const struct vmf_image *image = walk->plist.image;
  uint64_t from = get_be64(raw + 8), end;

  run->sectors = get_be64(raw + 16);
  if (!vmf_add(walk->first, from, &run->start) || !vmf_add(run->start, run->sectors, &end) ||
      end > image->limits->guest_size / DMG_SECTOR)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: table %" PRIu32 ": a run of %" PRIu64 " sectors at sector %" PRIu64
                    " of %" PRIu64 ": no disk is that large",
                    image->io->name, walk->tables, run->sectors, from, walk->first);
  return VMF_OK;
}

/* Its place in the file: at 24 and 32, from the data fork on. */
static enum vmf_code set_data(const struct dmg_walk *walk, const uint8_t raw[DMG_RUN],
                              struct dmg_run *run, struct vmf_error *error)
{
  const struct vmf_image *image = walk->plist.image;
  const struct dmg_trailer *trailer = &((const struct dmg_state *)image->state)->trailer;
  uint64_t offset = get_be64(raw + 24), stored = get_be64(raw + 32);
  uint64_t bytes = run->sectors * DMG_SECTOR;

  if (!vmf_add(walk->data, offset, &run->offset) ||
      !vmf_range_within(run->offset, stored, trailer->fork_length))
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: table %" PRIu32 ": the data of sector %" PRIu64 ", %" PRIu64 " bytes at byte %" PRIu64
        ", lies beyond the %" PRIu64 " bytes of the data fork",
        image->io->name, walk->tables, run->start, stored, offset, trailer->fork_length);
  run->offset += trailer->fork;
  if (run->kind == VMF_RUN_PLAIN)
    return stored == bytes
               ? VMF_OK
               : vmf_fail(error, VMF_CORRUPT,
                          "%s: table %" PRIu32 ": %" PRIu64 " bytes for the %" PRIu64
                          " sectors from %" PRIu64 " on, which are stored as they are",
                          image->io->name, walk->tables, stored, run->sectors, run->start);
  if (bytes > image->limits->packed_unit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: table %" PRIu32 ": %" PRIu64 " bytes are packed as one at sector %" PRIu64
                    ", at most %" PRIu32 " are accepted",
                    image->io->name, walk->tables, bytes, run->start, image->limits->packed_unit);
  if (stored == 0 || stored > 2 * bytes + 4096)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: table %" PRIu32 ": the packed data of sector %" PRIu64 " has %" PRIu64
                    " bytes, expected 1 to %" PRIu64,
                    image->io->name, walk->tables, run->start, stored, 2 * bytes + 4096);
  run->stored = (uint32_t)stored;
  return VMF_OK;
}

enum vmf_code dmg_walk_run(struct dmg_walk *walk, struct dmg_run *run, bool *found,
                           struct vmf_error *error)
{
  uint8_t raw[DMG_RUN];
  size_t got;

  for (*found = false; walk->left > 0 && !*found; walk->left--) {
    VMF_TRY(dmg_plist_read(&walk->plist, raw, sizeof raw, &got, error));
    if (got < sizeof raw)
      return cut(walk, error);
    uint32_t type = get_be32(raw);
    if (type == TYPE_END) {
      walk->left = 0;
      return VMF_OK;
    }
    if (type == TYPE_COMMENT)
      continue;
    *run = (struct dmg_run){0};
    VMF_TRY(set_kind(walk, type, run, error));
    VMF_TRY(set_place(walk, raw, run, error));
    if (run->sectors == 0)
      continue;
    if (run->kind != VMF_RUN_ZERO)
      VMF_TRY(set_data(walk, raw, run, error));
    *found = true;
  }
  return VMF_OK;
}

/* ---- all runs ---- */

/* What all tables together say. */
struct totals {
  uint64_t runs, sectors;
  uint32_t unit;   /* bytes of the largest packed run */
  uint32_t master; /* the sum of the tables' sums */
  bool summed;     /* all tables have one */
};

static void add_run(struct totals *totals, const struct dmg_run *run)
{
  totals->runs++;
  totals->sectors = vmf_max(totals->sectors, run->start + run->sectors);
  if (run->kind == VMF_RUN_PACKED)
    totals->unit = (uint32_t)vmf_max(totals->unit, run->sectors * DMG_SECTOR);
}

/* runs: where all runs go, or NULL: they are only counted. */
static enum vmf_code walk_all(struct vmf_image *image, struct dmg_run *runs, struct totals *totals,
                              struct vmf_error *error)
{
  struct dmg_state *state = image->state;
  struct dmg_walk walk;
  bool more, found;

  *totals = (struct totals){.summed = true};
  dmg_walk_begin(&walk, image);
  for (;;) {
    struct dmg_run run;
    uint8_t sum[4];
    VMF_TRY(dmg_walk_table(&walk, &more, error));
    if (!more)
      break;
    put_be32(sum, walk.sum);
    totals->master = vmf_crc32(totals->master, sum, sizeof sum);
    totals->summed = totals->summed && walk.sum_type == DMG_SUM_CRC32;
    for (;;) {
      VMF_TRY(dmg_walk_run(&walk, &run, &found, error));
      if (!found)
        break;
      if (runs && totals->runs == state->count)
        return vmf_fail(error, VMF_CHANGED, "%s: changes while it is read", image->io->name);
      if (runs)
        runs[totals->runs] = run;
      add_run(totals, &run);
    }
  }
  state->tables = walk.tables;
  return VMF_OK;
}

/* Puts them in order, which they mostly are in (the C library's sort takes as much memory again).
 */
static enum vmf_code sort_runs(struct vmf_image *image, struct vmf_error *error)
{
  struct dmg_state *state = image->state;
  bool sorted = true;

  for (size_t i = 1; i < state->count && sorted; i++)
    sorted = state->runs[i - 1].start < state->runs[i].start;
  if (!sorted)
    qsort(state->runs, state->count, sizeof *state->runs, vmf_row_compare);
  for (size_t i = 1; i < state->count; i++) {
    const struct dmg_run *before = &state->runs[i - 1];
    if (before->start + before->sectors > state->runs[i].start)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: two runs for sector %" PRIu64 ", one from sector %" PRIu64
                      " and one from there on",
                      image->io->name, state->runs[i].start, before->start);
  }
  return VMF_OK;
}

/* All known writers tell of every sector: what none of them tells of may be damage of the list,
 * which has no checksum of its own. */
static void tell_gaps(const struct vmf_image *image)
{
  const struct dmg_state *state = image->state;
  uint64_t left = image->size / DMG_SECTOR;

  for (size_t i = 0; i < state->count; i++)
    left -= state->runs[i].sectors;
  if (left > 0)
    vmf_warn(image->log,
             "%s: no run tells of %" PRIu64 " of its %" PRIu64
             " sectors: they are read as zeros; check compares the checksums of its tables",
             image->io->name, left, image->size / DMG_SECTOR);
}

enum vmf_code dmg_load_runs(struct vmf_image *image, struct vmf_error *error)
{
  struct dmg_state *state = image->state;
  const struct dmg_trailer *trailer = &state->trailer;
  struct totals totals;
  void *memory;

  VMF_TRY(walk_all(image, NULL, &totals, error));
  if (state->tables == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the property list has no table of runs (resource-fork, blkx)",
                    image->io->name);
  if (trailer->master_type == DMG_SUM_CRC32 && totals.summed && totals.master != trailer->master)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the checksum of its tables is %08" PRIx32 ", the one that is stored with "
                    "them %08" PRIx32 ": the image is damaged",
                    image->io->name, totals.master, trailer->master);
  VMF_TRY(vmf_alloc_table(totals.runs, sizeof *state->runs, image->limits->table_bytes,
                          "the index of the runs", &memory, error));
  state->runs = memory;
  state->count = (size_t)totals.runs;
  VMF_TRY(walk_all(image, state->runs, &totals, error));
  VMF_TRY(sort_runs(image, error));
  image->size = vmf_max(trailer->sectors, totals.sectors) * DMG_SECTOR;
  image->unit = totals.unit;
  tell_gaps(image);
  return VMF_OK;
}

enum vmf_code dmg_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error)
{
  const struct dmg_state *state = image->state;
  uint64_t sector = guest / DMG_SECTOR;
  size_t behind = vmf_row_from(state->runs, state->count, sizeof *state->runs, sector + 1);

  (void)error;
  const struct dmg_run *found = behind > 0 ? &state->runs[behind - 1] : NULL;
  if (!found || found->start + found->sectors <= sector) { /* nothing tells of it */
    uint64_t start = found ? (found->start + found->sectors) * DMG_SECTOR : 0;
    uint64_t end = behind < state->count ? state->runs[behind].start * DMG_SECTOR : image->size;
    *run = (struct vmf_run){.guest = start, .length = end - start, .kind = VMF_RUN_ZERO};
    return VMF_OK;
  }
  *run = (struct vmf_run){.guest = found->start * DMG_SECTOR,
                          .length = found->sectors * DMG_SECTOR,
                          .kind = (enum vmf_run_kind)found->kind};
  if (found->kind != VMF_RUN_ZERO) {
    bool summed = found->kind == VMF_RUN_PACKED && found->codec != VMF_CODEC_ADC; /* by itself */
    run->io = state->data && !summed ? state->data : image->io;
    run->offset = found->offset;
  }
  if (found->kind == VMF_RUN_PACKED) {
    run->codec = (enum vmf_codec)found->codec;
    run->unit = (uint32_t)run->length;
    run->stored = found->stored;
  }
  return VMF_OK;
}
