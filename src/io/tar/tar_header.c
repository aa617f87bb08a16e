/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The fields of a header. References: POSIX.1-2017 "pax", ustar; GNU tar manual "Basic Tar Format".
 * What is accepted is what GNU tar, libarchive, 7-Zip, Python and Perl read alike. */
#include "tar_header.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "zero.h"

enum {
  NAME = 0,
  NAME_LENGTH = 100,
  SUM = 148,
  SUM_LENGTH = 8,
  TYPE = 156,
  TARGET = 157, /* of a link */
  MAGIC = 257,  /* with the version behind it */
  MAGIC_LENGTH = 8,
  PREFIX = 345,
  PREFIX_LENGTH = 155,
  REST = PREFIX + PREFIX_LENGTH,
};

/* Some readers stop at an archive whose owner or time is no number, so all fields count. */
static const struct field {
  const char *name;
  size_t offset, length;
  bool needed; /* empty is not 0 */
  bool blank;  /* may be nothing but blanks: 0 */
  bool binary; /* may be base-256 */
  uint64_t max;
} fields[] = {
    {"mode", 100, 8, false, true, false, 077777777},
    {"owner", 108, 8, false, true, true, UINT32_MAX - 1},
    {"group", 116, 8, false, true, true, UINT32_MAX - 1},
    {"size", 124, 12, true, false, true, INT64_MAX},
    {"time", 136, 12, false, true, true, 0777777777777},
    {"checksum", SUM, SUM_LENGTH, true, false, false, UINT16_MAX},
    {"device's major number", 329, 8, false, false, false, 077777777},
    {"device's minor number", 337, 8, false, false, false, 077777777},
};

/* ---- numbers ---- */

/* Blanks, digits, then blanks or NULs. */
static bool parse_octal(const uint8_t *field, size_t length, bool *blank, uint64_t *value)
{
  size_t i = 0, first;
  while (i < length && field[i] == ' ')
    i++;
  first = i;
  for (*value = 0; i < length && field[i] >= '0' && field[i] <= '7'; i++)
    *value = *value << 3 | (uint64_t)(field[i] - '0'); /* 12 digits at most: 36 bits */
  *blank = i == first;
  while (i < length && (field[i] == ' ' || field[i] == '\0'))
    i++;
  return i == length;
}

/* GNU: the first bit set, the rest a number in two's complement, big-endian. */
static bool parse_binary(const uint8_t *field, size_t length, uint64_t *value)
{
  *value = 0;
  for (size_t i = length < 8 + 1 ? 1 : length - 8; i < length; i++)
    *value = *value << 8 | field[i];
  return field[0] == 0x80 && (length < 8 + 1 || vmf_is_zero(field + 1, length - 8 - 1));
}

/* 7-Zip takes blanks for no number where it is a device's. */
static bool parse_number(const struct field *field, const uint8_t *bytes, uint64_t *value)
{
  bool blank = false;
  bool right = field->binary && (bytes[0] & 0x80)
                   ? parse_binary(bytes, field->length, value)
                   : parse_octal(bytes, field->length, &blank, value);
  if (blank && !(field->blank || vmf_is_zero(bytes, field->length)))
    return false;
  return right && !(blank && field->needed) && *value <= field->max;
}

bool vmf_tar_number(const uint8_t *field, size_t length, uint64_t *value)
{
  const struct field number = {"", 0, length, true, false, true, INT64_MAX};
  return parse_number(&number, field, value);
}

/* What the field holds, other bytes than printable ASCII as "\ooo"; for messages. */
static void show(const uint8_t *bytes, size_t length, char text[64])
{
  size_t used = 0;
  for (size_t i = 0; i < length; i++)
    if (bytes[i] >= ' ' && bytes[i] < 0x7f) {
      text[used++] = (char)bytes[i];
    } else {
      text[used++] = '\\';
      for (int shift = 6; shift >= 0; shift -= 3)
        text[used++] = (char)('0' + (bytes[i] >> shift & 7));
    }
  text[used] = '\0';
}

static enum vmf_code refuse(const char *archive, uint64_t at, const char *what,
                            const uint8_t *bytes, size_t length, const char *expected,
                            struct vmf_error *error)
{
  char text[64];
  show(bytes, length, text);
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the %s in the tar header at byte %" PRIu64 " is \"%s\", expected %s",
                  archive, what, at, text, expected);
}

static enum vmf_code check_numbers(const char *archive, uint64_t at, const uint8_t *block,
                                   uint64_t *size, struct vmf_error *error)
{
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const struct field *field = &fields[i];
    uint64_t value;
    if (!parse_number(field, block + field->offset, &value))
      return refuse(archive, at, field->name, block + field->offset, field->length,
                    field->binary ? "octal digits with blanks or NULs behind, or base-256"
                                  : "octal digits with blanks or NULs behind",
                    error);
    if (strcmp(field->name, "size") == 0)
      *size = value;
  }
  return VMF_OK;
}

/* ---- the sum ---- */

bool vmf_tar_sum_is_right(const uint8_t block[VMF_TAR_BLOCK])
{
  uint64_t expected;
  bool blank;
  int64_t plain = 0, with_sign = 0;
  for (size_t i = 0; i < VMF_TAR_BLOCK; i++) {
    bool own = i >= SUM && i < SUM + SUM_LENGTH;
    plain += own ? ' ' : block[i];
    with_sign += own ? ' ' : (int8_t)block[i];
  }
  return parse_octal(block + SUM, SUM_LENGTH, &blank, &expected) && !blank &&
         ((int64_t)expected == plain || (int64_t)expected == with_sign);
}

static enum vmf_code check_sum(const char *archive, uint64_t at, const uint8_t *block,
                               struct vmf_error *error)
{
  if (vmf_tar_sum_is_right(block))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  at == 0 ? "%s: is no tar archive: the header at byte %" PRIu64
                            " has a wrong checksum"
                          : "%s: the tar header at byte %" PRIu64 " has a wrong checksum",
                  archive, at);
}

/* ---- the name ---- */

/* A field that may fill its place to the last byte. */
static size_t field_length(const uint8_t *field, size_t length)
{
  const uint8_t *end = memchr(field, '\0', length);
  return end ? (size_t)(end - field) : length;
}

static bool is_gnu(const uint8_t *magic)
{
  return memcmp(magic, "ustar  ", MAGIC_LENGTH) == 0;
}

/* "ustar" with a version of which writers make blanks and NULs, too. */
static bool is_posix(const uint8_t *magic)
{
  return memcmp(magic, "ustar", 6) == 0 &&
         (memcmp(magic + 6, "00", 2) == 0 || memcmp(magic + 6, "\0\0", 2) == 0);
}

/* POSIX has a prefix; GNU ("ustar  ") can keep times in its place, which some take for one. */
static enum vmf_code check_form(const char *archive, uint64_t at, const uint8_t *block,
                                size_t *prefix, struct vmf_error *error)
{
  const uint8_t *magic = block + MAGIC;
  bool posix = is_posix(magic);
  *prefix = posix ? field_length(block + PREFIX, PREFIX_LENGTH) : 0;
  if (!posix && !is_gnu(magic) && !vmf_is_zero(magic, MAGIC_LENGTH))
    return refuse(archive, at, "magic", magic, MAGIC_LENGTH,
                  "\"ustar\\00000\", \"ustar  \\000\" or NULs", error);
  if (!vmf_is_zero(block + PREFIX + *prefix, REST - PREFIX - *prefix))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the tar header at byte %" PRIu64 " has bytes in the place of the prefix "
                    "of the name, from byte %zu on, that are none to some readers, expected zeros",
                    archive, at, PREFIX + *prefix);
  if (!vmf_is_zero(block + REST, VMF_TAR_BLOCK - REST))
    return refuse(archive, at, "end", block + REST, VMF_TAR_BLOCK - REST, "zeros", error);
  return VMF_OK;
}

/* At the start of an archive these are, to some readers, another kind of file: bzip2, lzip, lrzip,
 * grzip, cabinet. */
static const char *const signatures[] = {"BZh", "LZIP", "LRZI", "GRZip", "MSCF"};

static enum vmf_code check_start(const char *archive, uint64_t at, const uint8_t *block,
                                 struct vmf_error *error)
{
  size_t length = field_length(block + NAME, NAME_LENGTH);
  if (!vmf_is_zero(block + NAME + length, NAME_LENGTH - length))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the tar header at byte %" PRIu64
                    " has bytes behind the end of the name, expected zeros",
                    archive, at);
  for (size_t i = 0; at == 0 && i < sizeof signatures / sizeof *signatures; i++)
    if (memcmp(block, signatures[i], strlen(signatures[i])) == 0)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: the first name in the archive starts with \"%s\", by which readers know "
                      "another kind of file",
                      archive, signatures[i]);
  return VMF_OK;
}

static void take_name(const uint8_t *block, size_t prefix, struct vmf_tar_header *header)
{
  size_t length = field_length(block + NAME, NAME_LENGTH), used = prefix;
  memcpy(header->name, block + PREFIX, prefix);
  if (prefix > 0)
    header->name[used++] = '/';
  memcpy(header->name + used, block + NAME, length);
  header->name[used + length] = '\0';
}

enum vmf_code vmf_tar_parse_header(const char *archive, uint64_t at,
                                   const uint8_t block[VMF_TAR_BLOCK],
                                   struct vmf_tar_header *header, struct vmf_error *error)
{
  size_t prefix;
  *header = (struct vmf_tar_header){.at = at, .type = block[TYPE]};
  VMF_TRY(check_sum(archive, at, block, error));
  VMF_TRY(check_numbers(archive, at, block, &header->size, error));
  VMF_TRY(check_start(archive, at, block, error));
  header->marked = !vmf_is_zero(block + MAGIC, MAGIC_LENGTH);
  header->gnu = is_gnu(block + MAGIC);
  if (!memchr("05Lxg", header->type,
              sizeof "05Lxg")) { /* with the NUL; the caller refuses others */
    take_name(block, 0, header);
    return VMF_OK;
  }
  VMF_TRY(check_form(archive, at, block, &prefix, error));
  header->prefixed = prefix > 0;
  take_name(block, prefix, header);
  if (block[TARGET] != '\0' && (header->type == '0' || header->type == '\0'))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the member \"%s\" at byte %" PRIu64
                    " is a file and has the target of a link in its header, expected none",
                    archive, header->name, at);
  return VMF_OK;
}
