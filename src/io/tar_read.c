/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Lists the members of a tar archive. References: POSIX.1-2017 "pax", GNU tar manual "Basic Tar
 * Format". What readers understand in different ways (a folder with content, two long names in a
 * row, global paths) is refused, so that everybody sees the same members. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "log.h"
#include "memory.h"
#include "size.h"
#include "tar.h"
#include "tar_names.h"

enum {
  MEMBERS_MAX = 65536,
  HEADERS_MAX = 4 * MEMBERS_MAX, /* with folders, long names and extended headers */
  EXTENDED_MAX = 64 * 1024,      /* bytes of a pax header */
  LONG_NAME_MAX = 4096,          /* bytes of a GNU long name */
};

/* The fields of a header block. */
enum {
  NAME = 0,
  NAME_LENGTH = 100,
  SIZE = 124,
  SIZE_LENGTH = 12,
  SUM = 148,
  SUM_LENGTH = 8,
  TYPE = 156,
  MAGIC = 257,
  PREFIX = 345,
  PREFIX_LENGTH = 155,
};

/* What extra headers say of the member that follows them. */
struct extra {
  bool long_name, extended; /* such a header was there */
  bool sized;
  bool sparse;
  char *name;      /* of the long name, or NULL */
  char *path;      /* of the extended header, or NULL: goes before `name` */
  uint64_t size;   /* when sized */
  uint64_t header; /* where the first of them starts */
};

struct reader {
  struct vmf_io *io;
  struct vmf_tar *tar;
  size_t capacity;
  uint64_t at; /* of the header in `block` */
  uint8_t block[VMF_TAR_BLOCK];
  struct extra extra;
};

/* ---- fields ---- */

static bool is_zero_block(const uint8_t block[VMF_TAR_BLOCK])
{
  for (size_t i = 0; i < VMF_TAR_BLOCK; i++)
    if (block[i] != 0)
      return false;
  return true;
}

/* Spaces, digits, then spaces or NULs; a field without a digit is no number. */
static bool parse_octal(const uint8_t *field, size_t length, uint64_t *value)
{
  size_t i = 0, first;
  while (i < length && field[i] == ' ')
    i++;
  first = i;
  for (*value = 0; i < length && field[i] >= '0' && field[i] <= '7'; i++)
    *value = *value << 3 | (uint64_t)(field[i] - '0'); /* 12 digits at most: 36 bits */
  bool digits = i > first;
  while (i < length && (field[i] == ' ' || field[i] == '\0'))
    i++;
  return digits && i == length;
}

/* GNU: the first bit set, the rest a number in two's complement, big-endian. */
static bool parse_size(const uint8_t field[SIZE_LENGTH], uint64_t *size)
{
  if ((field[0] & 0x80) == 0)
    return parse_octal(field, SIZE_LENGTH, size);
  *size = get_be64(field + 4);
  return get_be32(field) == 0x80000000 && *size <= INT64_MAX;
}

/* Old writers add the bytes as signed characters. */
static bool has_right_sum(const uint8_t block[VMF_TAR_BLOCK])
{
  uint64_t expected;
  int64_t plain = 0, with_sign = 0;
  for (size_t i = 0; i < VMF_TAR_BLOCK; i++) {
    bool own = i >= SUM && i < SUM + SUM_LENGTH;
    plain += own ? ' ' : block[i];
    with_sign += own ? ' ' : (int8_t)block[i];
  }
  return parse_octal(block + SUM, SUM_LENGTH, &expected) &&
         ((int64_t)expected == plain || (int64_t)expected == with_sign);
}

bool vmf_tar_is_archive(struct vmf_io *io)
{
  uint8_t block[VMF_TAR_BLOCK];
  if (vmf_size_get(io) < sizeof block || vmf_io_pread(io, block, sizeof block, 0, NULL) != VMF_OK)
    return false;
  return !is_zero_block(block) && has_right_sum(block);
}

/* ---- names ---- */

static const char *strip(const char *name)
{
  while (name[0] == '.' && name[1] == '/')
    name += 2;
  return name;
}

/* A field that may fill its place to the last byte. */
static size_t field_length(const uint8_t *field, size_t length)
{
  const uint8_t *end = memchr(field, '\0', length);
  return end ? (size_t)(end - field) : length;
}

/* POSIX has a prefix; GNU ("ustar  ") keeps times in its place, v7 whatever. */
static enum vmf_code name_of_header(const uint8_t block[VMF_TAR_BLOCK], char **name,
                                    struct vmf_error *error)
{
  char text[PREFIX_LENGTH + 1 + NAME_LENGTH];
  size_t used = 0, length = field_length(block + NAME, NAME_LENGTH);
  if (memcmp(block + MAGIC, "ustar", 6) == 0)
    used = field_length(block + PREFIX, PREFIX_LENGTH);
  if (used > 0) {
    memcpy(text, block + PREFIX, used);
    text[used++] = '/';
  }
  memcpy(text + used, block + NAME, length);
  return vmf_copy_bytes(text, used + length, name, error);
}

static enum vmf_code name_of(const struct reader *reader, char **name, struct vmf_error *error)
{
  const struct extra *extra = &reader->extra;
  VMF_AUTO_FREE char *own = NULL;
  const char *found = extra->path ? extra->path : extra->name;
  if (!found) {
    VMF_TRY(name_of_header(reader->block, &own, error));
    found = own;
  }
  return vmf_copy_text(found, name, error);
}

/* ---- headers that say more of the next one ---- */

static void extra_forget(struct extra *extra)
{
  vmf_free(extra->name);
  vmf_free(extra->path);
  *extra = (struct extra){.header = 0};
}

static enum vmf_code extra_start(struct reader *reader, bool *seen, const char *what,
                                 struct vmf_error *error)
{
  if (*seen)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %s at byte %" PRIu64 " follows another one, expected a member",
                    reader->io->name, what, reader->at);
  if (!reader->extra.long_name && !reader->extra.extended)
    reader->extra.header = reader->at;
  *seen = true;
  return VMF_OK;
}

/* Reads the content of the header at reader->at, with a NUL behind. */
static enum vmf_code read_content(const struct reader *reader, uint64_t size, uint64_t limit,
                                  const char *what, char **content, struct vmf_error *error)
{
  void *block = NULL;
  if (size > limit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: %s at byte %" PRIu64 " has %" PRIu64 " bytes, at most %" PRIu64
                    " are accepted",
                    reader->io->name, what, reader->at, size, limit);
  VMF_TRY(vmf_alloc((size_t)size + 1, &block, error));
  *content = block;
  return vmf_io_pread(reader->io, block, (size_t)size, reader->at + VMF_TAR_BLOCK, error);
}

static enum vmf_code read_long_name(struct reader *reader, uint64_t size, struct vmf_error *error)
{
  VMF_TRY(extra_start(reader, &reader->extra.long_name, "the long name", error));
  return read_content(reader, size, LONG_NAME_MAX, "the long name", &reader->extra.name, error);
}

/* A record of an extended header: key and value in place, both with a NUL behind. */
struct record {
  char *key, *value;
  size_t length; /* of the value, which may have NULs in it */
};

/* "LENGTH KEY=VALUE\n", LENGTH counting all of it. */
static bool take_record(char **at, const char *end, struct record *record)
{
  char *digits = *at;
  size_t length = 0, head;
  while (*at < end && **at >= '0' && **at <= '9' && length <= EXTENDED_MAX)
    length = length * 10 + (size_t)(*(*at)++ - '0');
  head = (size_t)(*at - digits);
  if (head == 0 || *at == end || **at != ' ' || length > (size_t)(end - digits) ||
      length < head + 2 || digits[length - 1] != '\n')
    return false;
  record->key = *at + 1;
  record->value = memchr(record->key, '=', length - head - 2);
  if (!record->value || record->value == record->key)
    return false;
  *record->value++ = '\0';
  *at = digits + length;
  (*at)[-1] = '\0';
  record->length = (size_t)(*at - record->value) - 1;
  return true;
}

static bool parse_decimal(const char *text, uint64_t *value)
{
  if (*text == '\0')
    return false;
  for (*value = 0; *text >= '0' && *text <= '9'; text++)
    if (!vmf_mul(*value, 10, value) || !vmf_add(*value, (uint64_t)(*text - '0'), value))
      return false;
  return *text == '\0' && *value <= INT64_MAX;
}

/* An empty value takes back what was said before. */
static enum vmf_code apply_path(struct reader *reader, const struct record *record,
                                struct vmf_error *error)
{
  if (strlen(record->value) != record->length)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the name in the extended header at byte %" PRIu64
                    " has control characters in it",
                    reader->io->name, reader->at);
  vmf_free(reader->extra.path);
  reader->extra.path = NULL;
  return record->length == 0 ? VMF_OK : vmf_copy_text(record->value, &reader->extra.path, error);
}

static enum vmf_code apply_size(struct reader *reader, const struct record *record,
                                struct vmf_error *error)
{
  reader->extra.sized = record->length > 0;
  if (record->length == 0)
    return VMF_OK;
  if (strlen(record->value) != record->length || !parse_decimal(record->value, &reader->extra.size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the size in the extended header at byte %" PRIu64
                    " is \"%.32s\", expected a decimal number below 2^63",
                    reader->io->name, reader->at, record->value);
  return VMF_OK;
}

static enum vmf_code apply_record(struct reader *reader, const struct record *record, bool global,
                                  struct vmf_error *error)
{
  bool path = strcmp(record->key, "path") == 0, size = strcmp(record->key, "size") == 0;
  bool sparse = strncmp(record->key, "GNU.sparse.", 11) == 0;
  if (global && (path || size || sparse))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the global extended header at byte %" PRIu64
                    " sets \"%.32s\" for all members that follow",
                    reader->io->name, reader->at, record->key);
  reader->extra.sparse |= sparse;
  if (path)
    return apply_path(reader, record, error);
  return size ? apply_size(reader, record, error) : VMF_OK;
}

static enum vmf_code read_extended(struct reader *reader, uint64_t size, bool global,
                                   struct vmf_error *error)
{
  VMF_AUTO_FREE char *content = NULL;
  struct record record;
  if (!global)
    VMF_TRY(extra_start(reader, &reader->extra.extended, "the extended header", error));
  VMF_TRY(read_content(reader, size, EXTENDED_MAX, "the extended header", &content, error));
  char *at = content, *end = content + size;
  while (at < end) {
    uint64_t place = (uint64_t)(at - content);
    if (!take_record(&at, end, &record))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: the extended header at byte %" PRIu64 " has no record \"LENGTH "
                      "KEY=VALUE\" at its byte %" PRIu64,
                      reader->io->name, reader->at, place);
    VMF_TRY(apply_record(reader, &record, global, error));
  }
  return VMF_OK;
}

/* ---- members ---- */

static enum vmf_code reserve_member(struct reader *reader, struct vmf_error *error)
{
  struct vmf_tar *tar = reader->tar;
  void *larger = NULL;
  if (tar->count < reader->capacity)
    return VMF_OK;
  if (tar->count == MEMBERS_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: has more than %d members", reader->io->name,
                    MEMBERS_MAX);
  size_t capacity = reader->capacity ? 2 * reader->capacity : 16;
  VMF_TRY(vmf_alloc(capacity * sizeof *tar->members, &larger, error));
  if (tar->count > 0)
    memcpy(larger, tar->members, tar->count * sizeof *tar->members);
  vmf_free(tar->members);
  tar->members = larger;
  reader->capacity = capacity;
  return VMF_OK;
}

static uint64_t first_header(const struct reader *reader)
{
  const struct extra *extra = &reader->extra;
  return extra->long_name || extra->extended ? extra->header : reader->at;
}

static enum vmf_code add_member(struct reader *reader, const char *name, uint64_t size,
                                struct vmf_error *error)
{
  uint64_t header = first_header(reader);
  char *copy = NULL;
  VMF_TRY(vmf_tar_check_name(reader->io->name, header, name, error));
  VMF_TRY(reserve_member(reader, error));
  VMF_TRY(vmf_copy_text(name, &copy, error));
  reader->tar->members[reader->tar->count++] = (struct vmf_tar_member){
      .name = copy, .header = header, .offset = reader->at + VMF_TAR_BLOCK, .size = size};
  return VMF_OK;
}

static const char *kind_of(uint8_t type)
{
  switch (type) {
  case '1':
    return "a hard link";
  case '2':
    return "a symbolic link";
  case '3':
  case '4':
    return "a device";
  case '6':
    return "a fifo";
  case 'S':
    return "a sparse file";
  default:
    return "of a kind that no package has";
  }
}

static enum vmf_code refuse_kind(const struct reader *reader, const char *name, const char *kind,
                                 struct vmf_error *error)
{
  uint8_t type = reader->block[TYPE];
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the member \"%.*s\" at byte %" PRIu64
                  " is %s (type 0x%02x); only regular files are accepted",
                  reader->io->name, VMF_TAR_NAME, name, first_header(reader), kind, type);
}

/* POSIX lets the size of a folder be a hint without content, GNU lists names there. */
static enum vmf_code skip_folder(const struct reader *reader, const char *name, uint64_t size,
                                 struct vmf_error *error)
{
  if (size == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the folder \"%.*s\" at byte %" PRIu64 " has a size of %" PRIu64
                  " bytes, expected 0",
                  reader->io->name, VMF_TAR_NAME, name, first_header(reader), size);
}

static enum vmf_code take_member(struct reader *reader, uint64_t size, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  uint8_t type = reader->block[TYPE];
  bool regular = type == '0' || type == '\0' || type == '7';
  VMF_TRY(name_of(reader, &name, error));
  size_t length = strlen(name);
  if (type == '5' || (regular && length > 0 && name[length - 1] == '/'))
    VMF_TRY(skip_folder(reader, name, size, error));
  else if (!regular)
    return refuse_kind(reader, name, kind_of(type), error);
  else if (reader->extra.sparse)
    return refuse_kind(reader, name, "a sparse file", error);
  else
    VMF_TRY(add_member(reader, strip(name), size, error));
  extra_forget(&reader->extra);
  return VMF_OK;
}

/* ---- the walk ---- */

static enum vmf_code check_sum(const struct reader *reader, struct vmf_error *error)
{
  if (has_right_sum(reader->block))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  reader->at == 0 ? "%s: is no tar archive: the header at byte %" PRIu64
                                    " has a wrong checksum"
                                  : "%s: the tar header at byte %" PRIu64 " has a wrong checksum",
                  reader->io->name, reader->at);
}

static bool is_extra(uint8_t type)
{
  return type == 'L' || type == 'K' || type == 'x' || type == 'X' || type == 'g';
}

/* The bytes that follow the header at reader->at. */
static enum vmf_code size_of(const struct reader *reader, uint64_t *size, struct vmf_error *error)
{
  bool sized = reader->extra.sized && !is_extra(reader->block[TYPE]);
  *size = reader->extra.size;
  if (!sized && !parse_size(reader->block + SIZE, size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the size in the tar header at byte %" PRIu64
                    " is no number below 2^63, octal or base-256",
                    reader->io->name, reader->at);
  if (!vmf_range_within(reader->at + VMF_TAR_BLOCK, *size, vmf_size_get(reader->io)))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the %" PRIu64 " bytes behind the tar header at byte %" PRIu64
                    " reach beyond the end, which is at byte %" PRIu64,
                    reader->io->name, *size, reader->at, vmf_size_get(reader->io));
  return VMF_OK;
}

static enum vmf_code take_header(struct reader *reader, uint64_t size, struct vmf_error *error)
{
  switch (reader->block[TYPE]) {
  case 'L':
    return read_long_name(reader, size, error);
  case 'K': /* the target of a link, which is refused where it comes */
    return VMF_OK;
  case 'x':
  case 'X':
    return read_extended(reader, size, false, error);
  case 'g':
    return read_extended(reader, size, true, error);
  default:
    return take_member(reader, size, error);
  }
}

/* The block at reader->at, or *ended: the archive ends before it or with it. A block of zeros ends
 * it, whatever comes behind. */
static enum vmf_code next_block(struct reader *reader, bool *ended, struct vmf_error *error)
{
  uint8_t second[VMF_TAR_BLOCK] = {1};
  uint64_t size = vmf_size_get(reader->io);
  *ended = reader->tar->unended = !vmf_range_within(reader->at, VMF_TAR_BLOCK, size);
  if (*ended)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(reader->io, reader->block, VMF_TAR_BLOCK, reader->at, error));
  *ended = is_zero_block(reader->block);
  if (!*ended)
    return VMF_OK;
  if (vmf_range_within(reader->at + VMF_TAR_BLOCK, VMF_TAR_BLOCK, size))
    VMF_TRY(vmf_io_pread(reader->io, second, sizeof second, reader->at + VMF_TAR_BLOCK, error));
  reader->tar->unended = !is_zero_block(second);
  return VMF_OK;
}

static enum vmf_code check_end(const struct reader *reader, struct vmf_error *error)
{
  const struct extra *extra = &reader->extra;
  if (reader->at == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: is no tar archive: it starts without a header",
                    reader->io->name);
  if (extra->long_name || extra->extended)
    return vmf_fail(error, VMF_CORRUPT, "%s: the %s at byte %" PRIu64 " is followed by no member",
                    reader->io->name, extra->long_name ? "long name" : "extended header",
                    extra->header);
  return VMF_OK;
}

static enum vmf_code walk(struct reader *reader, struct vmf_error *error)
{
  bool ended;
  for (unsigned headers = 0; headers < HEADERS_MAX; headers++) {
    uint64_t size;
    VMF_TRY(next_block(reader, &ended, error));
    if (ended)
      return check_end(reader, error);
    VMF_TRY(check_sum(reader, error));
    VMF_TRY(size_of(reader, &size, error));
    VMF_TRY(take_header(reader, size, error));
    reader->at += VMF_TAR_BLOCK + vmf_align_up(size, VMF_TAR_BLOCK);
  }
  return vmf_fail(error, VMF_LIMIT, "%s: has more than %d headers", reader->io->name, HEADERS_MAX);
}

/* ---- the whole ---- */

void vmf_tar_free(struct vmf_tar *tar)
{
  if (!tar)
    return;
  for (size_t i = 0; i < tar->count; i++)
    vmf_free(tar->members[i].name);
  vmf_free(tar->members);
  vmf_free(tar);
}

enum vmf_code vmf_tar_read(struct vmf_io *io, const struct vmf_log *log, struct vmf_tar **tar,
                           struct vmf_error *error)
{
  struct reader reader = {.io = io};
  void *block = NULL;
  VMF_TRY(vmf_alloc(sizeof **tar, &block, error));
  reader.tar = block;
  enum vmf_code code = walk(&reader, error);
  if (code == VMF_OK)
    code = vmf_tar_check_clashes(io->name, reader.tar, error);
  extra_forget(&reader.extra);
  if (code != VMF_OK) {
    vmf_tar_free(reader.tar);
    return code;
  }
  if (reader.tar->unended)
    vmf_warn(log,
             "%s: the two blocks of zeros that end an archive are missing at byte %" PRIu64
             ": it may be cut off",
             io->name, reader.at);
  *tar = reader.tar;
  return VMF_OK;
}
