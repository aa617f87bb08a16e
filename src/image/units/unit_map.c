/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "unit_map.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "codec.h"
#include "digest.h"
#include "memory.h"

enum {
  HEAD = 256,
  SOURCE = 192,
  HEAD_DIGEST = 224, /* and what stands before it is hashed */
  RECORD = 64,
  AT_ONCE = 1024, /* records */
  UNIT_MOST = 1 << 30,
  PACKED = 1,
  KEPT = 2,
};

static const char magic[16] = "vmferry map 3\n";

/* ---- in bytes ---- */

static void encode_head(const struct vmf_unit_head *head, uint8_t raw[HEAD])
{
  memset(raw, 0, HEAD);
  memcpy(raw, magic, sizeof magic);
  put_le64(raw + 16, head->records);
  put_le64(raw + 24, head->guest_size);
  put_le64(raw + 32, head->output_size);
  put_le32(raw + 40, head->unit);
  put_le32(raw + 44, head->codec);
  put_le32(raw + 48, head->level);
  put_le32(raw + 52, head->flags);
  memcpy(raw + 56, head->format, strlen(head->format));
  memcpy(raw + 80, head->maker, strlen(head->maker));
  memcpy(raw + SOURCE, head->source, VMF_SOURCE_DIGEST);
}

static void decode_head(const uint8_t raw[HEAD], struct vmf_unit_head *head)
{
  *head = (struct vmf_unit_head){.records = get_le64(raw + 16),
                                 .guest_size = get_le64(raw + 24),
                                 .output_size = get_le64(raw + 32),
                                 .unit = get_le32(raw + 40),
                                 .codec = get_le32(raw + 44),
                                 .level = get_le32(raw + 48),
                                 .flags = get_le32(raw + 52)};
  memcpy(head->format, raw + 56, VMF_UNIT_FORMAT);
  memcpy(head->maker, raw + 80, VMF_UNIT_MAKER);
  memcpy(head->source, raw + SOURCE, VMF_SOURCE_DIGEST);
}

static void encode_record(const struct vmf_unit_record *record, uint8_t raw[RECORD])
{
  put_le64(raw, record->guest);
  put_le64(raw + 8, record->offset);
  put_le32(raw + 16, record->stored);
  put_le32(raw + 20, record->length);
  put_le32(raw + 24, record->neighbour);
  put_le32(raw + 28, (record->packed ? PACKED : 0) | (record->kept ? KEPT : 0));
  memcpy(raw + 32, record->digest, VMF_UNIT_DIGEST);
  memcpy(raw + 48, record->stored_sum, VMF_QUICK_SUM);
}

static void decode_record(const uint8_t raw[RECORD], struct vmf_unit_record *record)
{
  *record = (struct vmf_unit_record){.guest = get_le64(raw),
                                     .offset = get_le64(raw + 8),
                                     .stored = get_le32(raw + 16),
                                     .length = get_le32(raw + 20),
                                     .neighbour = get_le32(raw + 24),
                                     .packed = get_le32(raw + 28) & PACKED,
                                     .kept = get_le32(raw + 28) & KEPT};
  memcpy(record->digest, raw + 32, VMF_UNIT_DIGEST);
  memcpy(record->stored_sum, raw + 48, VMF_QUICK_SUM);
}

/* ---- writing ---- */

struct vmf_unit_writer {
  struct vmf_io *io; /* not owned */
  struct vmf_digest *digest;
  uint64_t records;
  size_t used; /* of bytes */
  uint8_t bytes[AT_ONCE * RECORD];
};

enum vmf_code vmf_unit_writer_new(struct vmf_io *io, struct vmf_unit_writer **writer,
                                  struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof **writer, &memory, error));
  struct vmf_unit_writer *made = memory;
  made->io = io;
  enum vmf_code code = vmf_digest_new(VMF_SHA256, &made->digest, error);
  if (code == VMF_OK)
    *writer = made;
  else
    vmf_free(made);
  return code;
}

static enum vmf_code write_out(struct vmf_unit_writer *writer, struct vmf_error *error)
{
  uint64_t offset = HEAD + writer->records * RECORD - writer->used;
  size_t length = writer->used;

  writer->used = 0;
  VMF_TRY(vmf_digest_update(writer->digest, writer->bytes, length, error));
  return vmf_io_pwrite(writer->io, writer->bytes, length, offset, error);
}

enum vmf_code vmf_unit_writer_add(struct vmf_unit_writer *writer,
                                  const struct vmf_unit_record *record, struct vmf_error *error)
{
  encode_record(record, writer->bytes + writer->used);
  writer->used += RECORD;
  writer->records++;
  return writer->used == sizeof writer->bytes ? write_out(writer, error) : VMF_OK;
}

enum vmf_code vmf_unit_writer_finish(struct vmf_unit_writer *writer, struct vmf_unit_head *head,
                                     struct vmf_error *error)
{
  uint8_t raw[HEAD], digest[VMF_DIGEST_MAX];

  head->records = writer->records;
  encode_head(head, raw);
  if (writer->used > 0)
    VMF_TRY(write_out(writer, error));
  VMF_TRY(vmf_digest_update(writer->digest, raw, HEAD_DIGEST, error));
  VMF_TRY(vmf_digest_final(writer->digest, digest, error));
  memcpy(raw + HEAD_DIGEST, digest, HEAD - HEAD_DIGEST);
  return vmf_io_pwrite(writer->io, raw, HEAD, 0, error);
}

void vmf_unit_writer_free(struct vmf_unit_writer *writer)
{
  if (writer)
    vmf_digest_free(writer->digest);
  vmf_free(writer);
}

/* ---- reading ---- */

struct vmf_unit_map {
  struct vmf_io *io;
  struct vmf_unit_head head;
  uint64_t *firsts; /* the guest offset of each AT_ONCE-th record */
  size_t first_count;
};

static enum vmf_code wrong(const struct vmf_unit_map *map, const char *what,
                           struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: is no map of \"convert --map\", or damaged: %s",
                  map->io->name, what);
}

static enum vmf_code check_head(const struct vmf_unit_map *map, const uint8_t raw[HEAD],
                                struct vmf_error *error)
{
  const struct vmf_unit_head *head = &map->head;
  uint64_t bytes;

  if (memcmp(raw, magic, sizeof magic) != 0)
    return wrong(map, "it does not begin as one of version 3 does", error);
  if (!vmf_mul(head->records, RECORD, &bytes) || !vmf_add(bytes, HEAD, &bytes) ||
      bytes != map->io->size)
    return wrong(map, "its length is not that of its records", error);
  if (head->unit < 512 || head->unit > UNIT_MOST || !vmf_is_power_of_two(head->unit))
    return wrong(map, "the size of a unit is none", error);
  return VMF_OK;
}

/* before: the guest offset behind the last record. */
static enum vmf_code check_record(const struct vmf_unit_map *map,
                                  const struct vmf_unit_record *record, uint64_t before,
                                  struct vmf_error *error)
{
  const struct vmf_unit_head *head = &map->head;

  if (record->guest < before || record->guest % head->unit != 0 ||
      record->guest >= head->guest_size || record->length == 0 || record->length > head->unit)
    return wrong(map, "a record is at no unit of the disk, or out of order", error);
  if (!vmf_range_within(record->offset, record->stored, head->output_size) || record->stored == 0 ||
      (!record->packed && record->stored > head->unit))
    return wrong(map, "a unit stands outside of the target's file", error);
  if (record->packed && head->codec == VMF_CODEC_NONE)
    return wrong(map, "a unit is packed, and the head says that none is", error);
  return VMF_OK;
}

/* The records from `first` on; bytes: AT_ONCE * RECORD. */
static enum vmf_code fetch(const struct vmf_unit_map *map, uint64_t first, uint8_t *bytes,
                           size_t *count, struct vmf_error *error)
{
  *count = (size_t)vmf_min(AT_ONCE, map->head.records - first);
  return vmf_io_pread(map->io, bytes, *count * RECORD, HEAD + first * RECORD, error);
}

static enum vmf_code check_records(struct vmf_unit_map *map, struct vmf_digest *digest,
                                   uint8_t *bytes, struct vmf_error *error)
{
  struct vmf_unit_record record;
  uint64_t before = 0;
  size_t count;

  for (uint64_t first = 0; first < map->head.records; first += count) {
    VMF_TRY(fetch(map, first, bytes, &count, error));
    VMF_TRY(vmf_digest_update(digest, bytes, count * RECORD, error));
    map->firsts[map->first_count++] = get_le64(bytes);
    for (size_t i = 0; i < count; i++) {
      decode_record(bytes + i * RECORD, &record);
      VMF_TRY(check_record(map, &record, before, error));
      before = record.guest + map->head.unit;
    }
  }
  return VMF_OK;
}

static enum vmf_code check_all(struct vmf_unit_map *map, struct vmf_digest *digest,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE void *bytes = NULL;
  uint8_t raw[HEAD], found[VMF_DIGEST_MAX];
  void *memory;

  if (map->io->size < HEAD)
    return wrong(map, "it is too short", error);
  VMF_TRY(vmf_io_pread(map->io, raw, HEAD, 0, error));
  decode_head(raw, &map->head);
  VMF_TRY(check_head(map, raw, error));
  VMF_TRY(vmf_alloc((size_t)AT_ONCE * RECORD, &bytes, error));
  VMF_TRY(vmf_alloc((size_t)(map->head.records / AT_ONCE + 1) * sizeof(uint64_t), &memory, error));
  map->firsts = memory;
  VMF_TRY(check_records(map, digest, bytes, error));
  VMF_TRY(vmf_digest_update(digest, raw, HEAD_DIGEST, error));
  VMF_TRY(vmf_digest_final(digest, found, error));
  return memcmp(found, raw + HEAD_DIGEST, HEAD - HEAD_DIGEST) == 0
             ? VMF_OK
             : wrong(map, "its checksum is not that of its content", error);
}

enum vmf_code vmf_unit_map_open(struct vmf_io *io, struct vmf_unit_map **map,
                                struct vmf_error *error)
{
  struct vmf_digest *digest = NULL;
  void *memory = NULL;
  enum vmf_code code = vmf_alloc(sizeof **map, &memory, error);

  if (code != VMF_OK) {
    vmf_io_close(io);
    return code;
  }
  struct vmf_unit_map *opened = memory;
  opened->io = io;
  code = vmf_digest_new(VMF_SHA256, &digest, error);
  if (code == VMF_OK)
    code = check_all(opened, digest, error);
  vmf_digest_free(digest);
  if (code == VMF_OK)
    *map = opened;
  else
    vmf_unit_map_close(opened);
  return code;
}

const struct vmf_unit_head *vmf_unit_map_head(const struct vmf_unit_map *map)
{
  return &map->head;
}

const struct vmf_io *vmf_unit_map_io(const struct vmf_unit_map *map)
{
  return map->io;
}

/* The stretch of AT_ONCE records in which those from `guest` on begin. */
static size_t stretch_of(const struct vmf_unit_map *map, uint64_t guest)
{
  size_t low = 0, high = map->first_count;

  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (map->firsts[middle] <= guest)
      low = middle;
    else
      high = middle;
  }
  return low;
}

enum vmf_code vmf_unit_map_find(const struct vmf_unit_map *map, uint64_t guest, uint64_t end,
                                struct vmf_unit_record *records, size_t capacity, size_t *count,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  struct vmf_unit_record record;
  size_t fetched;

  *count = 0;
  VMF_TRY(vmf_alloc((size_t)AT_ONCE * RECORD, &memory, error));
  for (size_t i = stretch_of(map, guest); i < map->first_count && map->firsts[i] < end; i++) {
    VMF_TRY(fetch(map, (uint64_t)i * AT_ONCE, memory, &fetched, error));
    for (size_t k = 0; k < fetched; k++) {
      decode_record((uint8_t *)memory + k * RECORD, &record);
      if (record.guest < guest)
        continue;
      if (record.guest >= end || *count == capacity)
        return VMF_OK;
      records[(*count)++] = record;
    }
  }
  return VMF_OK;
}

void vmf_unit_map_close(struct vmf_unit_map *map)
{
  if (!map)
    return;
  vmf_io_close(map->io);
  vmf_free(map->firsts);
  vmf_free(map);
}
