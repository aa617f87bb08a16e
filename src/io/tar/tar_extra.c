/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reference for the records of an extended header: POSIX.1-2017 "pax". Readers differ in the keys
 * that they know, so those that count are a list, and what could change a name, a size or what a
 * member is, is refused. */
#include "tar_extra.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "memory.h"
#include "name_key.h"
#include "text.h"

enum {
  EXTENDED_MAX = 64 * 1024, /* bytes of a pax header */
  LONG_NAME_MAX = 4096,     /* bytes of a GNU long name */
};

/* ---- keys ---- */

enum kind { PATH, SIZE, OWNER, TIME, TEXT, ANYTHING, MAJOR, MINOR, REAL_SIZE, REAL_NAME };

/* Exactly so; a "." at the end: and whatever follows. */
static const struct key {
  const char *text;
  enum kind kind;
} keys[] = {
    {"path", PATH},
    {"size", SIZE},
    {"uid", OWNER},
    {"gid", OWNER},
    {"mtime", TIME},
    {"atime", TIME},
    {"ctime", TIME},
    {"LIBARCHIVE.creationtime", TIME},
    {"uname", TEXT},
    {"gname", TEXT},
    {"comment", TEXT},
    {"SCHILY.dev", TEXT},
    {"SCHILY.ino", TEXT},
    {"SCHILY.nlink", TEXT},
    {"SCHILY.fflags", TEXT},
    {"SCHILY.acl.", ANYTHING},
    {"SCHILY.xattr.", ANYTHING},
    {"LIBARCHIVE.xattr.", ANYTHING},
    {"RHT.security.selinux", ANYTHING},
    {"GNU.sparse.major", MAJOR},
    {"GNU.sparse.minor", MINOR},
    {"GNU.sparse.realsize", REAL_SIZE},
    {"GNU.sparse.name", REAL_NAME},
};

enum { KEYS = sizeof keys / sizeof *keys };

/* Without regard to case: links, character sets, and the vendors whose keys can mean sparse files
 * or parts of one. */
static const char *const refused[] = {"linkpath", "hdrcharset", "charset",    "GNU.",
                                      "SCHILY.",  "SUN.",       "LIBARCHIVE."};

static bool fits(const char *key, const char *text,
                 int (*compare)(const char *, const char *, size_t))
{
  size_t length = strlen(text);
  bool open = text[length - 1] == '.';
  return compare(key, text, open ? length : length + 1) == 0;
}

/* The index in `keys`, KEYS: none. */
static size_t known_key(const char *key)
{
  size_t i = 0;
  while (i < KEYS && !fits(key, keys[i].text, strncmp))
    i++;
  return i;
}

static bool is_refused(const char *key)
{
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (fits(key, refused[i], strncasecmp))
      return true;
  for (size_t i = 0; i < KEYS; i++) /* "Path" */
    if (fits(key, keys[i].text, strncasecmp))
      return true;
  return false;
}

/* ---- records ---- */

/* A record of an extended header: key and value in place, both with a NUL behind. */
struct record {
  char *key, *value;
  size_t key_length, length; /* both may have NULs in them */
};

/* "LENGTH KEY=VALUE\n", LENGTH counting all of it. */
static bool take_record(char **at, const char *end, struct record *record)
{
  char *digits = *at;
  size_t length = 0, head;
  while (*at < end && **at >= '0' && **at <= '9' && length <= EXTENDED_MAX)
    length = length * 10 + (size_t)(*(*at)++ - '0');
  head = (size_t)(*at - digits);
  if (head == 0 || *digits == '0' || *at == end || **at != ' ' || length > (size_t)(end - digits) ||
      length < head + 2 || digits[length - 1] != '\n')
    return false;
  record->key = *at + 1;
  record->value = memchr(record->key, '=', length - head - 2);
  if (!record->value || record->value == record->key)
    return false;
  record->key_length = (size_t)(record->value - record->key);
  *record->value++ = '\0';
  *at = digits + length;
  (*at)[-1] = '\0';
  record->length = (size_t)(*at - record->value) - 1;
  return true;
}

/* Where the records of a header go. */
struct records {
  const char *archive;
  uint64_t at; /* of the header */
  bool global;
  bool sparse; /* is accepted */
  const struct vmf_log *log;
  bool *told;
  struct vmf_tar_extra *extra;
  char *real_name; /* of a sparse member, owned */
  bool seen[KEYS];
};

static enum vmf_code refuse_key(const struct records *records, const char *key, const char *why,
                                struct vmf_error *error)
{
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the extended header at byte %" PRIu64 " has the key \"%.64s\", %s",
                  records->archive, records->at, key, why);
}

/* ---- values ---- */

/* Digits without a needless zero, at most `max`. */
static bool parse_decimal(const char *text, uint64_t max, uint64_t *value)
{
  if (text[0] == '0' && text[1] != '\0')
    return false;
  return vmf_decimal(text, value) && *value <= max;
}

/* Seconds, also before 1970, with or without a fraction. */
static bool is_time(const char *text)
{
  enum { SECONDS_DIGITS = 11 }; /* the year 5138 */
  text += *text == '-';
  size_t whole = strspn(text, "0123456789");
  if (whole == 0 || whole > SECONDS_DIGITS)
    return false;
  text += whole;
  if (*text != '.')
    return *text == '\0';
  size_t fraction = strspn(text + 1, "0123456789");
  return fraction > 0 && text[1 + fraction] == '\0';
}

static bool is_text(const char *text)
{
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f)
      return false;
  return true;
}

static bool is_name(enum kind kind)
{
  return kind == PATH || kind == REAL_NAME;
}

static enum vmf_code apply_value(struct records *records, const struct record *record,
                                 enum kind kind, struct vmf_error *error)
{
  struct vmf_tar_extra *extra = records->extra;
  uint64_t number;
  bool right = kind == ANYTHING || strlen(record->value) == record->length;
  if (right && kind == SIZE)
    right = extra->sized = parse_decimal(record->value, INT64_MAX, &extra->size);
  else if (right && kind == OWNER)
    right = parse_decimal(record->value, UINT32_MAX - 1, &number);
  else if (right && (kind == MAJOR || kind == MINOR))
    right = strcmp(record->value, kind == MAJOR ? "1" : "0") == 0;
  else if (right && kind == REAL_SIZE)
    right = parse_decimal(record->value, INT64_MAX, &extra->real);
  else if (right && kind == TIME)
    right = is_time(record->value);
  else if (right && kind == TEXT)
    right = is_text(record->value);
  else if (right && is_name(kind)) /* libarchive changes decomposed names here, not elsewhere */
    right = record->length > 0 && !vmf_name_needs_loose_key(record->value);
  if (right && is_name(kind))
    VMF_TRY(vmf_copy_text(record->value, kind == PATH ? &extra->name : &records->real_name, error));
  if (right)
    return VMF_OK;
  static const char *const expected[] = {
      [PATH] = "a name without NULs, in normal form C",
      [SIZE] = "a decimal number below 2^63",
      [OWNER] = "a decimal number below 2^32 - 1",
      [TIME] = "seconds, such as 1700000000.5",
      [TEXT] = "text without control characters",
      [MAJOR] = "1, the form of sparse members that is read",
      [MINOR] = "0, as the form is 1.0",
      [REAL_SIZE] = "a decimal number below 2^63",
      [REAL_NAME] = "a name without NULs, in normal form C",
  };
  return vmf_fail(
      error, VMF_CORRUPT,
      "%s: the %s in the extended header at byte %" PRIu64 " is \"%.32s\" (%zu bytes), expected %s",
      records->archive, record->key, records->at, record->value, record->length, expected[kind]);
}

static bool is_printable(const struct record *record)
{
  for (size_t i = 0; i < record->key_length; i++)
    if (record->key[i] <= ' ' || record->key[i] >= 0x7f)
      return false;
  return true;
}

static enum vmf_code apply_record(struct records *records, const struct record *record,
                                  struct vmf_error *error)
{
  if (!is_printable(record))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the extended header at byte %" PRIu64
                    " has a key with blanks, NULs or other bytes than printable ASCII in it",
                    records->archive, records->at);
  size_t index = known_key(record->key);
  enum kind kind = index < KEYS ? keys[index].kind : ANYTHING;
  bool sparse = kind >= MAJOR;
  if (sparse ? !records->sparse : index == KEYS && is_refused(record->key))
    return refuse_key(records, record->key,
                      records->sparse ? "which is not read (of sparse members the form 1.0 is)"
                                      : "which a package has no use for",
                      error);
  if (records->global && (kind == PATH || kind == SIZE || sparse))
    return refuse_key(records, record->key, "for all members that follow", error);
  if (index < KEYS && kind != ANYTHING && records->seen[index])
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the extended header at byte %" PRIu64 " has the key \"%s\" twice",
                    records->archive, records->at, record->key);
  if (index < KEYS)
    records->seen[index] = true;
  else if (!*records->told) {
    *records->told = true;
    vmf_warn(records->log,
             "%s: the extended header at byte %" PRIu64
             " has the key \"%.64s\", which nothing is known of: it is left aside",
             records->archive, records->at, record->key);
  }
  return apply_value(records, record, kind, error);
}

static enum vmf_code apply_records(struct records *records, char *content, size_t size,
                                   struct vmf_error *error)
{
  static const char charset[] = "hdrcharset="; /* looked for also inside of values: Python */
  char *at = content, *end = content + size;
  struct record record;
  if (memmem(content, size, charset, sizeof charset - 1))
    return refuse_key(records, "hdrcharset", "which a package has no use for", error);
  while (at < end) {
    uint64_t place = (uint64_t)(at - content);
    if (!take_record(&at, end, &record))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: the extended header at byte %" PRIu64 " has no record \"LENGTH "
                      "KEY=VALUE\" at its byte %" PRIu64,
                      records->archive, records->at, place);
    VMF_TRY(apply_record(records, &record, error));
  }
  return VMF_OK;
}

/* Either all that tells of a sparse member is there, or nothing. Its name is not that of its
 * header, which is for readers that know of no sparse members. */
static enum vmf_code apply_sparse(struct records *records, struct vmf_error *error)
{
  struct vmf_tar_extra *extra = records->extra;
  const char *missing = NULL, *there = NULL;
  for (size_t i = 0; i < KEYS; i++)
    if (keys[i].kind >= MAJOR)
      *(records->seen[i] ? &there : &missing) = keys[i].text;
  if (there && missing)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the extended header at byte %" PRIu64 " has the key \"%s\", but no \"%s\"",
                    records->archive, records->at, there, missing);
  if (!there)
    return VMF_OK;
  vmf_free(extra->name);
  extra->name = records->real_name;
  records->real_name = NULL;
  extra->sparse = true;
  return VMF_OK;
}

/* ---- the headers ---- */

/* With a NUL behind. */
static enum vmf_code read_content(struct vmf_io *io, const struct vmf_tar_header *header,
                                  uint64_t limit, const char *what, char **content,
                                  struct vmf_error *error)
{
  void *block = NULL;
  if (header->size == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: %s at byte %" PRIu64 " is empty", io->name, what,
                    header->at);
  if (header->size > limit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: %s at byte %" PRIu64 " has %" PRIu64 " bytes, at most %" PRIu64
                    " are accepted",
                    io->name, what, header->at, header->size, limit);
  VMF_TRY(vmf_alloc((size_t)header->size + 1, &block, error));
  *content = block;
  return vmf_io_pread(io, block, (size_t)header->size, header->at + VMF_TAR_BLOCK, error);
}

/* With or without one NUL at its end; more of them some readers count, others do not. */
static enum vmf_code read_long_name(struct vmf_io *io, const struct vmf_tar_header *header,
                                    struct vmf_tar_extra *extra, struct vmf_error *error)
{
  VMF_TRY(read_content(io, header, LONG_NAME_MAX, "the long name", &extra->name, error));
  size_t length = strlen(extra->name);
  if (length > 0 && length + 1 >= header->size)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the long name at byte %" PRIu64 " has a NUL at its byte %zu, expected one "
                  "at its end, byte %" PRIu64,
                  io->name, header->at, length, header->size - 1);
}

bool vmf_tar_is_extra(uint8_t type)
{
  return type == 'L' || type == 'x' || type == 'g';
}

enum vmf_code vmf_tar_read_extra(struct vmf_io *io, const struct vmf_tar_header *header,
                                 const struct vmf_log *log, bool sparse, bool *told,
                                 struct vmf_tar_extra *extra, struct vmf_error *error)
{
  VMF_AUTO_FREE char *content = NULL;
  const char *what = header->type == 'L'   ? "the long name"
                     : header->type == 'x' ? "the extended header"
                                           : "the global extended header";
  if (extra->type != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %s at byte %" PRIu64 " follows the %s at byte %" PRIu64
                    ", expected a member",
                    io->name, what, header->at,
                    extra->type == 'L' ? "long name" : "extended header", extra->header);
  if (header->type != 'g') {
    extra->type = header->type;
    extra->header = header->at;
  }
  if (header->type == 'L')
    return read_long_name(io, header, extra, error);
  struct records records = {.archive = io->name,
                            .at = header->at,
                            .global = header->type == 'g',
                            .sparse = sparse,
                            .log = log,
                            .told = told,
                            .extra = extra};
  VMF_TRY(read_content(io, header, EXTENDED_MAX, what, &content, error));
  enum vmf_code code = apply_records(&records, content, (size_t)header->size, error);
  if (code == VMF_OK)
    code = apply_sparse(&records, error);
  vmf_free(records.real_name);
  return code;
}

void vmf_tar_extra_forget(struct vmf_tar_extra *extra)
{
  vmf_free(extra->name);
  *extra = (struct vmf_tar_extra){.type = 0};
}
