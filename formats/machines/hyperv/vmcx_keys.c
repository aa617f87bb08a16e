/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The tables of keys. A key names its parent by the number of a table and a place in it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "list.h"
#include "memory.h"
#include "text.h"
#include "vmcx.h"

enum {
  TABLE_SIGNATURE = 2,
  TABLE_BYTES = 10, /* of its header */
  KEY_BYTES = 21,   /* of its header */
  NUMBERS = 1 << 16 /* of tables */
};

enum key_kind {
  KEY_FREE = 1,
  KEY_SIGNED = 3,
  KEY_UNSIGNED,
  KEY_DOUBLE,
  KEY_TEXT,
  KEY_BYTES_OF,
  KEY_FLAG,
  KEY_NODE,
};
enum { KIND_IN_FILE = 0x100 }; /* the value is an object of its own */

struct vmcx_place { /* of a key */
  uint32_t table, offset;
  uint32_t parent_table, parent_offset;
};

struct vmcx_reader {
  const struct vmcx_file *file;
  struct hyperv_tree *tree;
  struct vmcx_object *by_number; /* the table of each number; length 0: none */
  struct vmcx_place *places;     /* of the tree's keys, in their order: by table and offset */
  size_t place_count, place_room;
  uint64_t file_bytes; /* of values that are objects of their own */
};

/* ---- values ---- */

struct vmcx_value {
  unsigned kind; /* enum key_kind */
  const uint8_t *bytes;
  uint32_t length;
};

static enum vmf_code hexadecimal(const struct vmcx_value *value, char **text,
                                 struct vmf_error *error)
{
  static const char digits[] = "0123456789abcdef";
  void *memory;

  VMF_TRY(vmf_alloc(2 * (size_t)value->length + 1, &memory, error));
  *text = memory;
  for (uint32_t i = 0; i < value->length; i++) {
    (*text)[2 * i] = digits[value->bytes[i] >> 4];
    (*text)[2 * i + 1] = digits[value->bytes[i] & 15];
  }
  return VMF_OK;
}

/* UTF-16; some end with a NUL. What is no text is shown as its bytes. */
static enum vmf_code text_of(const struct vmcx_reader *reader, const struct vmcx_value *value,
                             const char *name, char **text, struct vmf_error *error)
{
  struct vmf_error ignored = {0};
  uint32_t length = value->length;

  while (length >= 2 && value->bytes[length - 1] == 0 && value->bytes[length - 2] == 0)
    length -= 2;
  enum vmf_code code = vmf_text_to_utf8("UTF-16LE", value->bytes, length, text, &ignored);
  if (code == VMF_OK || code == VMF_NOMEM)
    return code;
  vmf_report_add(reader->file->report, VMF_SEVERITY_WARNING, "hyperv-text", reader->file->name, 0,
                 "the value of %s is no text in UTF-16: it is taken as bytes", name);
  return hexadecimal(value, text, error);
}

static enum vmf_code show_value(const struct vmcx_reader *reader, const struct vmcx_value *value,
                                const char *name, char **text, struct vmf_error *error)
{
  double real;

  switch (value->kind) {
  case KEY_SIGNED:
    return vmf_format(text, error, "%" PRId64, (int64_t)get_le64(value->bytes));
  case KEY_UNSIGNED:
    return vmf_format(text, error, "%" PRIu64, get_le64(value->bytes));
  case KEY_DOUBLE:
    memcpy(&real, value->bytes, sizeof real);
    return vmf_real_write(real, text, error);
  case KEY_FLAG:
    return vmf_copy_text(get_le32(value->bytes) ? "True" : "False", text, error);
  case KEY_TEXT:
    return text_of(reader, value, name, text, error);
  case KEY_BYTES_OF:
    return hexadecimal(value, text, error);
  default:
    return VMF_OK;
  }
}

/* The bytes that a value has in its entry; `rest` are there. UINT32_MAX: it does not fit. */
static uint32_t length_of(unsigned kind, const uint8_t *bytes, uint32_t rest)
{
  uint32_t length = kind == KEY_FLAG ? 4 : kind == KEY_NODE ? 12 : 8;

  if (kind == KEY_TEXT || kind == KEY_BYTES_OF) {
    if (rest < 4 || get_le32(bytes) > rest - 4)
      return UINT32_MAX;
    length = 4 + get_le32(bytes);
  }
  return length <= rest ? length : UINT32_MAX;
}

/* ---- entries ---- */

/* A value of 2048 bytes or more. */
static enum vmf_code take_file(struct vmcx_reader *reader, uint64_t place, struct vmcx_value *value,
                               struct vmf_error *error)
{
  const struct vmcx_file *file = reader->file;
  uint32_t length = get_le32(value->bytes);
  uint64_t offset = get_le64(value->bytes + 4);
  bool fixed = value->kind != KEY_TEXT && value->kind != KEY_BYTES_OF;

  if (!vmf_range_within(offset, length, file->length))
    return vmcx_corrupt(file, place,
                        "the value, of %" PRIu32 " bytes at byte %" PRIu64
                        ", ends behind the file's %zu bytes",
                        length, offset, file->length);
  reader->file_bytes += length;
  if (reader->file_bytes > file->length)
    return vmcx_corrupt(file, place, "the values outside of the tables overlap");
  if (fixed && length < 8)
    return vmcx_corrupt(file, place, "a number of %" PRIu32 " bytes", length);
  value->bytes = file->bytes + offset;
  value->length = length;
  return VMF_OK;
}

static enum vmf_code find_value(struct vmcx_reader *reader, uint64_t place, const uint8_t *entry,
                                uint32_t length, struct vmcx_value *value, struct vmf_error *error)
{
  const struct vmcx_file *file = reader->file;
  uint32_t start = KEY_BYTES + entry[20];
  bool in_file = (get_le16(entry) & KIND_IN_FILE) != 0;

  value->kind = entry[0];
  if (value->kind < KEY_SIGNED || value->kind > KEY_NODE)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: byte %" PRIu64 ": a key of the kind %u, which is not known", file->name,
                    place, value->kind);
  value->bytes = entry + start;
  value->length = in_file ? (length - start >= 12 ? 12 : UINT32_MAX)
                          : length_of(value->kind, value->bytes, length - start);
  if (value->length == UINT32_MAX)
    return vmcx_corrupt(file, place, "the value of this key ends behind its entry");
  if (!vmcx_crc_right(entry, start + value->length, 12)) {
    if (!in_file)
      return vmcx_corrupt(file, place, "the checksum of this key is not right");
    vmf_report_add(file->report, VMF_SEVERITY_WARNING, "hyperv-checksum", file->name, 0,
                   "byte %" PRIu64 ": the checksum of a key whose value is outside of its table "
                   "is not right",
                   place);
  }
  if (in_file)
    return take_file(reader, place, value, error);
  if (value->kind == KEY_TEXT || value->kind == KEY_BYTES_OF) {
    value->bytes += 4;
    value->length -= 4;
  }
  return VMF_OK;
}

static enum vmf_code add_key(struct vmcx_reader *reader, const struct vmcx_place *where,
                             const uint8_t *entry, const struct vmcx_value *value,
                             struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *text = NULL;
  size_t index;

  VMF_TRY(vmf_copy_bytes(entry + KEY_BYTES, entry[20], &name, error));
  VMF_TRY(show_value(reader, value, name, &text, error));
  const struct hyperv_key key = {.name = name, .value = text, .order = get_le32(entry + 16)};
  VMF_TRY(hyperv_tree_add(reader->tree, &key, &index, error));
  VMF_TRY(VMF_LIST_ROOM(reader->places, reader->place_count, reader->place_room, "keys", error));
  reader->places[reader->place_count++] = *where;
  return VMF_OK;
}

/* *length: 0 at the end of the table. */
static enum vmf_code take_entry(struct vmcx_reader *reader, uint32_t table, uint32_t offset,
                                uint32_t *length, struct vmf_error *error)
{
  const struct vmcx_object *object = &reader->by_number[table];
  uint64_t place = object->offset + offset;
  const uint8_t *entry = reader->file->bytes + place;
  struct vmcx_value value = {0};

  *length = get_le32(entry + 2);
  if (*length == 0 || entry[0] == KEY_FREE) {
    if (*length != 0 && (*length < KEY_BYTES || *length > object->length - offset))
      return vmcx_corrupt(reader->file, place, "a free entry of %" PRIu32 " bytes", *length);
    return VMF_OK;
  }
  if (*length < KEY_BYTES || *length > object->length - offset)
    return vmcx_corrupt(reader->file, place,
                        "an entry of %" PRIu32 " bytes; from %d to the %" PRIu32
                        " that are left in its table are accepted",
                        *length, KEY_BYTES, object->length - offset);
  if (entry[20] < 2 || entry[20] > *length - KEY_BYTES || entry[KEY_BYTES + entry[20] - 1] != 0)
    return vmcx_corrupt(reader->file, place,
                        "the name of this key has %u bytes, which do not end with NUL in its entry",
                        entry[20]);
  VMF_TRY(find_value(reader, place, entry, *length, &value, error));
  const struct vmcx_place where = {table, offset, get_le16(entry + 6), get_le32(entry + 8)};
  return add_key(reader, &where, entry, &value, error);
}

static enum vmf_code read_table(struct vmcx_reader *reader, uint32_t number,
                                struct vmf_error *error)
{
  const struct vmcx_object *object = &reader->by_number[number];

  for (uint32_t at = TABLE_BYTES, length; object->length - at >= KEY_BYTES; at += length) {
    VMF_TRY(take_entry(reader, number, at, &length, error));
    if (length == 0)
      break;
  }
  return VMF_OK;
}

/* ---- tables ---- */

static enum vmf_code choose_table(struct vmcx_reader *reader, const struct vmcx_object *object,
                                  struct vmf_error *error)
{
  const struct vmcx_file *file = reader->file;
  const uint8_t *header = file->bytes + object->offset;

  if (object->length < TABLE_BYTES || get_le16(header) != TABLE_SIGNATURE)
    return vmcx_corrupt(file, object->offset, "no table of keys: the signature 2 is expected");
  if (!vmcx_crc_right(header, TABLE_BYTES, 6))
    return vmcx_corrupt(file, object->offset, "the checksum of this table of keys is not right");
  struct vmcx_object *there = &reader->by_number[get_le16(header + 2)];
  unsigned sequence = get_le16(header + 4);
  unsigned other = there->length > 0 ? get_le16(file->bytes + there->offset + 4) : 0;
  if (there->length > 0 && sequence == other)
    return vmcx_corrupt(file, object->offset,
                        "two tables of keys have the number %u and the sequence number %u",
                        get_le16(header + 2), sequence);
  if (there->length == 0 || sequence > other)
    *there = *object;
  return VMF_OK;
}

static int by_place(const void *a, const void *b)
{
  const struct vmcx_place *one = a, *other = b;

  if (one->table != other->table)
    return one->table < other->table ? -1 : 1;
  return one->offset == other->offset ? 0 : one->offset < other->offset ? -1 : 1;
}

static enum vmf_code find_parents(struct vmcx_reader *reader, struct vmf_error *error)
{
  for (size_t i = 0; i < reader->place_count; i++) {
    const struct vmcx_place *place = &reader->places[i];
    const struct vmcx_place wanted = {.table = place->parent_table, .offset = place->parent_offset};
    const struct vmcx_place *parent =
        bsearch(&wanted, reader->places, reader->place_count, sizeof wanted, by_place);
    struct hyperv_key *key = &reader->tree->keys[i];
    if (wanted.table == 0 && wanted.offset == 0) {
      key->parent = HYPERV_ROOT;
      continue;
    }
    key->parent = parent ? (size_t)(parent - reader->places) : 0;
    if (!parent || reader->tree->keys[key->parent].value)
      return vmcx_corrupt(reader->file, reader->by_number[place->table].offset + place->offset,
                          "the parent of the key %.60s is at byte %" PRIu32 " of table %" PRIu32
                          ", where there is none",
                          key->name, place->parent_offset, place->parent_table);
  }
  return VMF_OK;
}

static enum vmf_code read_keys(struct vmcx_reader *reader, struct vmf_error *error)
{
  for (size_t i = 0; i < reader->file->table_count; i++)
    VMF_TRY(choose_table(reader, &reader->file->tables[i], error));
  for (uint32_t number = 0; number < NUMBERS; number++)
    if (reader->by_number[number].length > 0)
      VMF_TRY(read_table(reader, number, error));
  return find_parents(reader, error);
}

enum vmf_code vmcx_keys(const struct vmcx_file *file, struct hyperv_tree *tree,
                        struct vmf_error *error)
{
  struct vmcx_reader reader = {.file = file, .tree = tree};
  VMF_AUTO_FREE void *numbers = NULL;

  VMF_TRY(vmf_alloc(NUMBERS * sizeof *reader.by_number, &numbers, error));
  reader.by_number = numbers;
  enum vmf_code code = read_keys(&reader, error);
  vmf_free(reader.places);
  return code;
}
