/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The maps of sparse members: GNU tar manual, "Storing Sparse Files". */
#include "tar_sparse.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "list.h"
#include "memory.h"
#include "size.h"
#include "zero.h"

enum {
  /* the old form: places in its header and in the blocks behind */
  ENTRIES = 386,
  ENTRIES_COUNT = 4,
  EXTENDED = 482,
  REAL_SIZE = 483,
  MORE_COUNT = 21,
  MORE_EXTENDED = 504,
  NUMBER = 12, /* bytes of one; an entry has two: place and length */
  ENTRY = 2 * NUMBER,
  /* form 1.0 */
  DIGITS_MAX = 19, /* of a number below 2^63 */
};

/* A map that is being read. */
struct reading {
  struct vmf_io *io;
  uint64_t at;     /* of the member's header */
  uint64_t stored; /* bytes of data that the stretches so far have */
  uint64_t entries;
  struct vmf_tar_sparse *sparse;
  size_t room;
};

static enum vmf_code begin(struct reading *reading, struct vmf_io *io, uint64_t at, uint64_t size,
                           struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_tar_sparse), &memory, error));
  *reading = (struct reading){.io = io, .at = at, .sparse = memory};
  reading->sparse->size = size;
  return VMF_OK;
}

void vmf_tar_sparse_free(struct vmf_tar_sparse *sparse)
{
  if (sparse)
    vmf_free(sparse->segments);
  vmf_free(sparse);
}

static enum vmf_code wrong(const struct reading *reading, enum vmf_code code, uint64_t start,
                           uint64_t length, const char *expected, uint64_t bound,
                           struct vmf_error *error)
{
  return vmf_fail(error, code,
                  "%s: the map of the sparse member at byte %" PRIu64 ": stretch %" PRIu64
                  " is %" PRIu64 " bytes at byte %" PRIu64 ", expected %s %" PRIu64,
                  reading->io->name, reading->at, reading->entries, length, start, expected, bound);
}

/* The last one is made longer where the stretch goes on behind it. */
static enum vmf_code add(struct reading *reading, uint64_t start, uint64_t length,
                         struct vmf_error *error)
{
  struct vmf_tar_sparse *sparse = reading->sparse;
  struct vmf_segment *last = sparse->count > 0 ? &sparse->segments[sparse->count - 1] : NULL;
  uint64_t end = last ? last->start + last->length : 0;
  reading->entries++;
  if (start < end)
    return wrong(reading, VMF_CORRUPT, start, length, "a place at or behind byte", end, error);
  if (!vmf_range_within(start, length, sparse->size))
    return wrong(reading, VMF_CORRUPT, start, length, "an end at or before byte", sparse->size,
                 error);
  if (length == 0)
    return VMF_OK;
  if (reading->stored % VMF_TAR_BLOCK != 0)
    return wrong(reading, VMF_REFUSED, start, length,
                 "the data before it, whose length some readers round up, to be a multiple of",
                 VMF_TAR_BLOCK, error);
  if (last && start == end) {
    last->length += length;
  } else {
    if (sparse->count == VMF_TAR_SEGMENTS)
      return vmf_fail(error, VMF_LIMIT,
                      "%s: the map of the sparse member at byte %" PRIu64
                      " has more than %d stretches",
                      reading->io->name, reading->at, VMF_TAR_SEGMENTS);
    VMF_TRY(VMF_LIST_ROOM(sparse->segments, sparse->count, reading->room, "stretches", error));
    sparse->segments[sparse->count++] =
        (struct vmf_segment){.start = start, .length = length, .stored = reading->stored};
  }
  reading->stored += length; /* at most sparse->size */
  return VMF_OK;
}

/* Hands over the map, whose data is `stored` bytes by the header. */
static enum vmf_code finish(struct reading *reading, uint64_t stored, enum vmf_code code,
                            struct vmf_tar_map *map, struct vmf_error *error)
{
  if (code == VMF_OK && reading->stored != stored)
    code = vmf_fail(error, VMF_CORRUPT,
                    "%s: the map of the sparse member at byte %" PRIu64 " has %" PRIu64
                    " bytes of data, but %" PRIu64 " are stored, expected the same",
                    reading->io->name, reading->at, reading->stored, stored);
  if (code == VMF_OK)
    map->sparse = reading->sparse;
  else
    vmf_tar_sparse_free(reading->sparse);
  return code;
}

/* ---- the old form ---- */

/* Takes entries up to the first that has no length, behind which there are none; *ended then. */
static enum vmf_code take_entries(struct reading *reading, const uint8_t *entries, size_t count,
                                  bool *ended, struct vmf_error *error)
{
  for (size_t i = 0; i < count; i++) {
    const uint8_t *entry = entries + i * ENTRY;
    uint64_t start, length;
    *ended = entry[NUMBER] == '\0';
    if (*ended && vmf_is_zero(entry, (count - i) * ENTRY))
      return VMF_OK;
    if (*ended || !vmf_tar_number(entry, NUMBER, &start) ||
        !vmf_tar_number(entry + NUMBER, NUMBER, &length))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: the map of the sparse member at byte %" PRIu64 ": entry %" PRIu64
                      " is not two numbers, octal or base-256, nor are all from it on empty",
                      reading->io->name, reading->at, reading->entries + 1);
    VMF_TRY(add(reading, start, length, error));
  }
  return VMF_OK;
}

static enum vmf_code take_blocks(struct reading *reading, const uint8_t *head, uint64_t *bytes,
                                 struct vmf_error *error)
{
  uint8_t block[VMF_TAR_BLOCK];
  bool ended = false, more = head[EXTENDED] != 0;
  VMF_TRY(take_entries(reading, head + ENTRIES, ENTRIES_COUNT, &ended, error));
  for (*bytes = 0; more; *bytes += VMF_TAR_BLOCK) {
    uint64_t at = reading->at + VMF_TAR_BLOCK + *bytes;
    if (ended || !vmf_range_within(at, VMF_TAR_BLOCK, vmf_size_get(reading->io)))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: the map of the sparse member at byte %" PRIu64
                      " goes on at byte %" PRIu64 ", where %s",
                      reading->io->name, reading->at, at,
                      ended ? "it is complete" : "the archive ends");
    VMF_TRY(vmf_io_pread(reading->io, block, sizeof block, at, error));
    VMF_TRY(take_entries(reading, block, MORE_COUNT, &ended, error));
    more = block[MORE_EXTENDED] != 0;
  }
  return VMF_OK;
}

enum vmf_code vmf_tar_map_old(struct vmf_io *io, const struct vmf_tar_header *header,
                              const uint8_t block[VMF_TAR_BLOCK], struct vmf_tar_map *map,
                              struct vmf_error *error)
{
  struct reading reading;
  uint64_t size;
  if (!header->gnu || !vmf_tar_number(block + REAL_SIZE, NUMBER, &size))
    return vmf_fail(error, VMF_CORRUPT, "%s: the member at byte %" PRIu64 " is sparse, but %s",
                    io->name, header->at,
                    header->gnu ? "its size is no number, octal or base-256"
                                : "its header is not GNU tar's (\"ustar  \")");
  VMF_TRY(begin(&reading, io, header->at, size, error));
  enum vmf_code code = take_blocks(&reading, block, &map->bytes, error);
  return finish(&reading, header->size, code, map, error);
}

/* ---- form 1.0 ---- */

/* The lines of a map, a block at a time. */
struct lines {
  struct reading *reading;
  uint64_t stored; /* bytes behind the header */
  uint64_t taken;  /* of them, whole blocks: the one in `block` is the last */
  size_t used;     /* of the block */
  uint8_t block[VMF_TAR_BLOCK];
};

static enum vmf_code next_byte(struct lines *lines, uint8_t *byte, struct vmf_error *error)
{
  const struct reading *reading = lines->reading;
  if (lines->taken == 0 || lines->used == VMF_TAR_BLOCK) {
    if (lines->stored - lines->taken < VMF_TAR_BLOCK)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: the map of the sparse member at byte %" PRIu64
                      " is longer than the %" PRIu64 " bytes that are stored",
                      reading->io->name, reading->at, lines->stored);
    VMF_TRY(vmf_io_pread(reading->io, lines->block, VMF_TAR_BLOCK,
                         reading->at + VMF_TAR_BLOCK + lines->taken, error));
    lines->taken += VMF_TAR_BLOCK;
    lines->used = 0;
  }
  *byte = lines->block[lines->used++];
  return VMF_OK;
}

static enum vmf_code next_number(struct lines *lines, uint64_t *number, struct vmf_error *error)
{
  uint8_t byte = 0;
  size_t digits = 0;
  for (*number = 0; digits <= DIGITS_MAX; digits++) {
    VMF_TRY(next_byte(lines, &byte, error));
    if (byte < '0' || byte > '9')
      break;
    *number = *number * 10 + (uint64_t)(byte - '0'); /* below 10^20, and checked below */
    if (digits == DIGITS_MAX - 1 && *number > INT64_MAX)
      break;
  }
  if (byte == '\n' && digits > 0)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the map of the sparse member at byte %" PRIu64 ": byte 0x%02x at its byte "
                  "%" PRIu64 ", expected lines with decimal numbers below 2^63",
                  lines->reading->io->name, lines->reading->at, byte,
                  lines->taken - VMF_TAR_BLOCK + lines->used - 1);
}

static enum vmf_code take_lines(struct lines *lines, struct vmf_error *error)
{
  uint64_t count, start, length;
  VMF_TRY(next_number(lines, &count, error));
  for (; count > 0; count--) {
    VMF_TRY(next_number(lines, &start, error));
    VMF_TRY(next_number(lines, &length, error));
    VMF_TRY(add(lines->reading, start, length, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_tar_map_pax(struct vmf_io *io, const struct vmf_tar_header *header,
                              uint64_t stored, uint64_t size, struct vmf_tar_map *map,
                              struct vmf_error *error)
{
  struct reading reading;
  VMF_TRY(begin(&reading, io, header->at, size, error));
  struct lines lines = {.reading = &reading, .stored = stored};
  enum vmf_code code = take_lines(&lines, error);
  map->bytes = lines.taken;
  return finish(&reading, stored - lines.taken, code, map, error);
}
