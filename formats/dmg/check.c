/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The checksums of what is stored (the data fork) and of what is unpacked (each table). */
#include <inttypes.h>
#include <stdio.h>

#include "checked.h"
#include "dmg.h"
#include "memory.h"
#include "sums.h"

enum { PIECE = 64 << 10 };

struct checking {
  struct vmf_image *image;
  struct vmf_findings *findings;
  struct vmf_unpacker *unpacker;
  uint8_t *stored, *data; /* room for one packed run, and for what it unpacks to */
  bool broken;            /* a run of this table cannot be unpacked */
  bool tells;             /* what nothing vouches for */
};

static bool sums_fork(const struct vmf_image *image)
{
  return ((const struct dmg_state *)image->state)->trailer.fork_sum_type == DMG_SUM_CRC32;
}

/* How many of `length` bytes at `offset` lie in a hole of the file; a few are read as fast. */
static uint64_t hole_at(const struct vmf_image *image, uint64_t offset, uint64_t length)
{
  if (length <= PIECE)
    return 0;
  return vmf_entries_in_hole(image, image->io, offset, length, 1);
}

/* Continues a sum over bytes of the file. */
static enum vmf_code sum_file(struct checking *checking, uint64_t offset, uint64_t length,
                              uint32_t *sum, struct vmf_error *error)
{
  struct vmf_io *io = checking->image->io;

  for (uint64_t part; length > 0; offset += part, length -= part) {
    part = hole_at(checking->image, offset, length);
    *sum = vmf_crc32_zeros(*sum, part);
    if (part > 0)
      continue;
    part = vmf_min(PIECE, length);
    VMF_TRY(vmf_io_pread(io, checking->stored, (size_t)part, offset, error));
    *sum = vmf_crc32(*sum, checking->stored, (size_t)part);
  }
  return VMF_OK;
}

static void find_other_sum(struct checking *checking, const char *what, uint32_t found,
                           uint32_t expected)
{
  checking->findings->corruptions++;
  vmf_finding(checking->findings,
              "%s: %s is damaged: its checksum is %08" PRIx32
              ", the one that is stored with it %08" PRIx32,
              checking->image->io->name, what, found, expected);
}

static enum vmf_code check_fork(struct checking *checking, struct vmf_error *error)
{
  const struct dmg_trailer *trailer = &((const struct dmg_state *)checking->image->state)->trailer;
  uint32_t sum = 0;

  if (trailer->fork_sum_type != DMG_SUM_CRC32)
    return VMF_OK;
  VMF_TRY(sum_file(checking, trailer->fork, trailer->fork_length, &sum, error));
  if (sum != trailer->fork_sum)
    find_other_sum(checking, "the data fork", sum, trailer->fork_sum);
  return VMF_OK;
}

static enum vmf_code sum_packed(struct checking *checking, const struct dmg_run *run, uint32_t *sum,
                                struct vmf_error *error)
{
  size_t bytes = (size_t)run->sectors * DMG_SECTOR, length = 0;
  struct vmf_error found = {0};

  VMF_TRY(vmf_io_pread(checking->image->io, checking->stored, run->stored, run->offset, error));
  enum vmf_code code = vmf_unpack(checking->unpacker, (enum vmf_codec)run->codec, checking->stored,
                                  run->stored, checking->data, bytes, &length, &found);
  if (code == VMF_OK && length == bytes) {
    *sum = vmf_crc32(*sum, checking->data, bytes);
    return VMF_OK;
  }
  if (code != VMF_OK && code != VMF_CORRUPT)
    return vmf_fail(error, code, "%s: sector %" PRIu64 ": %s", checking->image->io->name,
                    run->start, found.text);
  checking->broken = true;
  checking->findings->corruptions++;
  vmf_finding(checking->findings, "%s: the data of sector %" PRIu64 " at byte %" PRIu64 ": %s",
              checking->image->io->name, run->start, run->offset,
              code != VMF_OK ? found.text : "it unpacks to less than its sectors");
  return VMF_OK;
}

static enum vmf_code sum_run(struct checking *checking, const struct dmg_run *run, uint32_t *sum,
                             struct vmf_error *error)
{
  uint64_t bytes = run->sectors * DMG_SECTOR;

  if (run->kind == VMF_RUN_ZERO) {
    if (!run->unsummed)
      *sum = vmf_crc32_zeros(*sum, bytes);
    return VMF_OK;
  }
  checking->findings->allocated_clusters++;
  if (run->kind == VMF_RUN_PLAIN)
    return sum_file(checking, run->offset, bytes, sum, error);
  checking->findings->compressed_clusters++;
  return sum_packed(checking, run, sum, error);
}

static enum vmf_code check_table(struct checking *checking, struct dmg_walk *walk,
                                 struct vmf_error *error)
{
  struct dmg_run run;
  uint32_t sum = 0;
  char what[32];
  bool found;

  checking->broken = false;
  for (;;) {
    VMF_TRY(dmg_walk_run(walk, &run, &found, error));
    if (!found)
      break;
    checking->findings->total_clusters++;
    VMF_TRY(sum_run(checking, &run, &sum, error));
  }
  snprintf(what, sizeof what, "table %" PRIu32, walk->tables);
  if (checking->tells && walk->sum_type != DMG_SUM_CRC32)
    vmf_finding(checking->findings,
                "%s: %s has no checksum (or one of an unknown kind, %" PRIu32 "): %s",
                checking->image->io->name, what, walk->sum_type,
                sums_fork(checking->image) ? "only that of the packed data vouches for it"
                                           : "nothing vouches for its data");
  if (walk->sum_type == DMG_SUM_CRC32 && !checking->broken && sum != walk->sum)
    find_other_sum(checking, what, sum, walk->sum);
  return VMF_OK;
}

static enum vmf_code check_tables(struct checking *checking, struct vmf_error *error)
{
  struct dmg_walk walk;
  bool found;

  dmg_walk_begin(&walk, checking->image);
  for (;;) {
    VMF_TRY(dmg_walk_table(&walk, &found, error));
    if (!found)
      return VMF_OK;
    VMF_TRY(check_table(checking, &walk, error));
  }
}

/* all: tells also what has no checksums; else the tables are only looked at where the packed data
 * has none. */
static enum vmf_code check_sums(struct vmf_image *image, struct vmf_findings *findings, bool all,
                                struct vmf_error *error)
{
  struct checking checking = {.image = image, .findings = findings, .tells = all};
  VMF_AUTO_FREE void *stored = NULL, *data = NULL;

  VMF_TRY(vmf_alloc((size_t)vmf_max(PIECE, 2 * (uint64_t)image->unit + 4096), &stored, error));
  VMF_TRY(vmf_alloc(image->unit, &data, error));
  checking.stored = stored;
  checking.data = data;
  VMF_TRY(vmf_unpacker_new(&checking.unpacker, error));
  enum vmf_code code = check_fork(&checking, error);
  if (code == VMF_OK && (all || !sums_fork(image)))
    code = check_tables(&checking, error);
  vmf_unpacker_free(checking.unpacker);
  return code;
}

enum vmf_code dmg_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error)
{
  findings->image_end_offset = image->io->size;
  return check_sums(image, findings, true, error);
}

enum vmf_code dmg_check_data(struct vmf_image *image, struct vmf_findings *findings,
                             struct vmf_error *error)
{
  return check_sums(image, findings, false, error);
}
