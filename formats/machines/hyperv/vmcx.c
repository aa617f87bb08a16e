/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Headers, log and tables of objects. */
#include "vmcx.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "bytes.h"
#include "checked.h"
#include "list.h"
#include "memory.h"

enum {
  HEADER_BYTES = 0x2e,
  HEADER_VERSION = 0x400,
  LOG_SIGNATURE = 0x01110003,
  LOG_BYTES = 0x22, /* of its header */
  LOG_ENTRY = 28,
  TABLE_SIGNATURE = 0x01110001,
  TABLE_BYTES = 8, /* of its header */
  TABLE_ENTRY = 18,
};

enum object_kind {
  OBJECT_NONE,
  OBJECT_TABLE,
  OBJECT_KEYS,
  OBJECT_FILE,
  OBJECT_FREE,
  OBJECT_LOG = 6,
  OBJECT_CHANGES,
};

bool vmcx_crc_right(const uint8_t *record, size_t length, size_t at)
{
  static const uint8_t zeros[4];
  uLong crc = crc32(crc32(0, record, (uInt)at), zeros, sizeof zeros);

  crc = crc32(crc, record + at + sizeof zeros, (uInt)(length - at - sizeof zeros));
  return crc == get_le32(record + at);
}

enum vmf_code vmcx_fail_at(const struct vmcx_file *file, uint64_t offset, struct vmf_error *error,
                           const char *format, ...)
{
  char text[200];
  va_list values;

  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return vmf_fail(error, VMF_CORRUPT, "%s: byte %" PRIu64 ": %s", file->name, offset, text);
}

/* ---- headers ---- */

/* NULL: none that is whole. */
static const uint8_t *header_at(const struct vmcx_file *file, size_t offset)
{
  const uint8_t *header = file->bytes + offset;

  if (!vmf_range_within(offset, HEADER_BYTES, file->length) || get_le32(header) != VMCX_SIGNATURE ||
      !vmcx_crc_right(header, HEADER_BYTES, 4))
    return NULL;
  return header;
}

/* The one that is in force: of two that are whole the later. */
static enum vmf_code choose_header(const struct vmcx_file *file, const uint8_t **header,
                                   struct vmf_error *error)
{
  const uint8_t *one = header_at(file, 0), *other = header_at(file, VMCX_HEADER_STEP);

  if (!one && !other)
    return vmcx_corrupt(file, 0,
                        "neither this header nor the one at byte %d is whole: the signature "
                        "01282014 and a checksum that is right are expected",
                        VMCX_HEADER_STEP);
  if (one && other && get_le16(one + 8) == get_le16(other + 8) &&
      memcmp(one, other, HEADER_BYTES) != 0)
    return vmcx_corrupt(file, 0, "both headers differ and have the sequence number %u",
                        get_le16(one + 8));
  if (!one || !other)
    vmf_report_add(file->report, VMF_SEVERITY_WARNING, "hyperv-header", file->name, 0,
                   "the header at byte %d is damaged; the other one is used",
                   one ? VMCX_HEADER_STEP : 0);
  *header = !one || (other && get_le16(other + 8) > get_le16(one + 8)) ? other : one;
  if (get_le32(*header + 10) != HEADER_VERSION)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: version %" PRIu32 " of a Hyper-V storage; read is version %d", file->name,
                    get_le32(*header + 10), HEADER_VERSION);
  return VMF_OK;
}

/* ---- the log: changes that were promised, and perhaps not made ---- */

struct vmcx_log {
  uint64_t offset, length;
  uint32_t count;
  uint64_t data_bytes; /* of the entries that were replayed */
};

/* The data of all entries together are in the log, so that none is copied many times. */
static enum vmf_code replay_entry(struct vmcx_file *file, struct vmcx_log *log, uint32_t index,
                                  struct vmf_error *error)
{
  uint64_t place = log->offset + LOG_BYTES + (uint64_t)index * LOG_ENTRY;
  const uint8_t *entry = file->bytes + place;
  uint64_t target = get_le64(entry);
  uint32_t length = get_le32(entry + 8), data = get_le32(entry + 12);

  if (!vmcx_crc_right(entry, LOG_ENTRY, 20))
    return vmcx_corrupt(file, place, "the checksum of this entry of the log is not right");
  if (get_le32(entry + 16) != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: byte %" PRIu64 ": an entry of the log with the flags %" PRIx32
                    ", which are not known",
                    file->name, place, get_le32(entry + 16));
  if (!vmf_range_within(data, length, log->length) ||
      data < LOG_BYTES + (uint64_t)log->count * LOG_ENTRY)
    return vmcx_corrupt(file, place, "the data of this entry is not in the log");
  log->data_bytes += length;
  if (log->data_bytes > log->length)
    return vmcx_corrupt(file, place, "the data of the log's entries overlap");
  if (!vmf_range_within(target, length, file->length) ||
      vmf_ranges_overlap(target, length, log->offset, log->length))
    return vmcx_corrupt(file, place,
                        "an entry of the log leads to byte %" PRIu64 ", length %" PRIu32, target,
                        length);
  if (crc32(0, file->bytes + log->offset + data, length) != get_le32(entry + 24))
    return vmcx_corrupt(file, log->offset + data,
                        "the checksum of this data of the log is not right");
  memcpy(file->bytes + target, file->bytes + log->offset + data, length);
  return VMF_OK;
}

static enum vmf_code replay_log(struct vmcx_file *file, const uint8_t *header,
                                struct vmf_error *error)
{
  struct vmcx_log log = {.offset = get_le64(header + 26), .length = get_le64(header + 34)};

  if (!vmf_range_within(log.offset, LOG_BYTES, file->length) || log.length < LOG_BYTES)
    return vmcx_corrupt(file, log.offset, "the log, of %" PRIu64 " bytes, is not in the file",
                        log.length);
  log.length = vmf_min(log.length, file->length - log.offset); /* what it never used may be cut */
  const uint8_t *start = file->bytes + log.offset;
  log.count = get_le32(start + 8);
  if (get_le32(start) != LOG_SIGNATURE || !vmcx_crc_right(start, LOG_BYTES, 4))
    return vmcx_corrupt(file, log.offset,
                        "the header of the log is damaged: the signature 01110003 and a checksum "
                        "that is right are expected");
  if ((uint64_t)log.count * LOG_ENTRY > log.length - LOG_BYTES)
    return vmcx_corrupt(file, log.offset, "the log has no room for its %" PRIu32 " entries",
                        log.count);
  for (uint32_t i = 0; i < log.count; i++)
    VMF_TRY(replay_entry(file, &log, i, error));
  if (log.count > 0)
    vmf_report_add(file->report, VMF_SEVERITY_NOTE, "hyperv-log", file->name, 0,
                   "%" PRIu32 " changes of the log were not made in the file; they are read from "
                   "the log",
                   log.count);
  return VMF_OK;
}

/* ---- objects ---- */

struct vmcx_walk {
  uint64_t tables[VMCX_TABLES]; /* offsets, of which `done` have been read */
  size_t count, done, entries;
  uint64_t key_bytes;
};

static enum vmf_code add_table(const struct vmcx_file *file, struct vmcx_walk *walk,
                               uint64_t offset, struct vmf_error *error)
{
  for (size_t i = 0; i < walk->count; i++)
    if (walk->tables[i] == offset)
      return vmcx_corrupt(file, offset, "this table of objects is named twice");
  if (walk->count == VMCX_TABLES)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %d tables of objects", file->name,
                    VMCX_TABLES);
  walk->tables[walk->count++] = offset;
  return VMF_OK;
}

/* All tables together are in the file, so that none is read many times. */
static enum vmf_code add_keys(struct vmcx_file *file, struct vmcx_walk *walk,
                              const struct vmcx_object *object, uint64_t place,
                              struct vmf_error *error)
{
  walk->key_bytes += object->length;
  if (walk->key_bytes > file->length)
    return vmcx_corrupt(file, place, "the tables of keys overlap");
  VMF_TRY(VMF_LIST_ROOM(file->tables, file->table_count, file->table_room, "tables", error));
  file->tables[file->table_count++] = *object;
  return VMF_OK;
}

static enum vmf_code take_object(struct vmcx_file *file, struct vmcx_walk *walk, uint64_t place,
                                 struct vmf_error *error)
{
  const uint8_t *entry = file->bytes + place;
  const struct vmcx_object object = {get_le64(entry + 5), get_le32(entry + 13)};
  bool used = entry[17] != 0;

  if (!vmcx_crc_right(entry, TABLE_ENTRY, 1))
    return vmcx_corrupt(file, place, "the checksum of this object's entry is not right");
  if (entry[0] == OBJECT_NONE || entry[0] == OBJECT_FREE || !used)
    return VMF_OK;
  if (entry[0] > OBJECT_CHANGES)
    vmf_report_add(file->report, VMF_SEVERITY_WARNING, "hyperv-object", file->name, 0,
                   "byte %" PRIu64 ": an object of the unknown kind %u is left out", place,
                   entry[0]);
  if (!vmf_range_within(object.offset, object.length, file->length))
    return vmcx_corrupt(file, place,
                        "the object at byte %" PRIu64 ", of %" PRIu32
                        " bytes, ends behind the file's %zu bytes",
                        object.offset, object.length, file->length);
  if (entry[0] == OBJECT_TABLE)
    return add_table(file, walk, object.offset, error);
  return entry[0] == OBJECT_KEYS ? add_keys(file, walk, &object, place, error) : VMF_OK;
}

static enum vmf_code read_objects(struct vmcx_file *file, struct vmcx_walk *walk, uint64_t table,
                                  struct vmf_error *error)
{
  if (!vmf_range_within(table, TABLE_BYTES, file->length) ||
      get_le32(file->bytes + table) != TABLE_SIGNATURE)
    return vmcx_corrupt(file, table, "no table of objects: the signature 01110001 is expected");
  uint32_t count = get_le32(file->bytes + table + 4);
  if (!vmf_range_within(table + TABLE_BYTES, (uint64_t)count * TABLE_ENTRY, file->length))
    return vmcx_corrupt(file, table, "the table of %" PRIu32 " objects ends behind the file",
                        count);
  walk->entries += count;
  if (walk->entries > VMCX_OBJECTS)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %d objects", file->name, VMCX_OBJECTS);
  for (uint32_t i = 0; i < count; i++)
    VMF_TRY(take_object(file, walk, table + TABLE_BYTES + (uint64_t)i * TABLE_ENTRY, error));
  return VMF_OK;
}

enum vmf_code vmcx_open(const void *bytes, size_t length, struct vmcx_file *file,
                        struct vmf_error *error)
{
  struct vmcx_walk walk = {.tables = {VMCX_OBJECT_TABLE}, .count = 1};
  const uint8_t *header = NULL;
  void *copy;

  VMF_TRY(vmf_alloc(length, &copy, error));
  file->bytes = copy;
  file->length = length;
  if (length > 0)
    memcpy(file->bytes, bytes, length);
  VMF_TRY(choose_header(file, &header, error));
  VMF_TRY(replay_log(file, header, error));
  while (walk.done < walk.count)
    VMF_TRY(read_objects(file, &walk, walk.tables[walk.done++], error));
  return VMF_OK;
}

void vmcx_clear(struct vmcx_file *file)
{
  vmf_free(file->bytes);
  vmf_free(file->tables);
}
