/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Numbers are the sections of ECMA-119 (December 1987); offsets count from 0. */
#include "iso_image.h"

#include <string.h>

#include "bytes.h"
#include "memory.h"

enum {
  SECTOR = 2048,
  /* sectors */
  PRIMARY = 16,
  JOLIET = 17,
  TERMINATOR = 18,
  TABLES = 19,  /* path tables: of the primary volume, little and big endian, then Joliet's */
  FOLDERS = 23, /* the root of the primary volume, then Joliet's */
  CONTENT = 25,
  /* bytes */
  TABLE_LENGTH = 10,
  ROOT_RECORD = 34,
};

/* ---- numbers, in both orders (7.2.3, 7.3.3) ---- */

static void put_both16(uint8_t *at, uint16_t value)
{
  put_le16(at, value);
  put_be16(at + 2, value);
}

static void put_both32(uint8_t *at, uint32_t value)
{
  put_le32(at, value);
  put_be32(at + 4, value);
}

/* ---- texts ---- */

/* Padded with blanks; in Joliet as UCS-2, big endian. */
static void put_text(uint8_t *at, size_t room, const char *text, bool joliet)
{
  size_t length = strlen(text), step = joliet ? 2 : 1;

  for (size_t i = 0; (i + 1) * step <= room; i++) {
    at[i * step] = 0;
    at[i * step + step - 1] = i < length ? (uint8_t)text[i] : ' ';
  }
}

/* ---- records ---- */

/* 9.1; its length. */
static size_t put_record(uint8_t *at, uint32_t sector, uint32_t length, bool folder,
                         const char *name, size_t name_length, bool joliet)
{
  size_t stored = joliet ? 2 * name_length : name_length;
  size_t whole = ROOT_RECORD - 1 + stored + (stored + 1) % 2;

  at[0] = (uint8_t)whole;
  put_both32(at + 2, sector);
  put_both32(at + 10, length);
  memcpy(at + 18, (const uint8_t[]){70, 1, 1}, 3); /* 1970-01-01: 9.1.5 has no other "not said" */
  at[25] = folder ? 2 : 0;
  put_both16(at + 28, 1);
  at[32] = (uint8_t)stored;
  if (joliet)
    put_text(at + 33, stored, name, true);
  else
    memcpy(at + 33, name, stored);
  return whole;
}

/* Itself and what it is in, both the root; then the file. */
static void put_folder(uint8_t *at, const struct vmf_iso *iso, bool joliet)
{
  uint32_t sector = FOLDERS + joliet;
  const char *name = joliet ? iso->name : iso->plain;

  at += put_record(at, sector, SECTOR, true, "\0", 1, false);
  at += put_record(at, sector, SECTOR, true, "\1", 1, false);
  put_record(at, CONTENT, (uint32_t)iso->length, false, name, strlen(name), joliet);
}

/* 9.4: the root. */
static void put_tables(uint8_t *bytes, bool joliet)
{
  uint8_t *little = bytes + (size_t)(TABLES + 2 * joliet) * SECTOR, *big = little + SECTOR;

  little[0] = big[0] = 1;
  put_le32(little + 2, FOLDERS + joliet);
  put_be32(big + 2, FOLDERS + joliet);
  put_le16(little + 6, 1);
  put_be16(big + 6, 1);
}

/* 8.4 and 8.5. */
static void put_volume(uint8_t *at, const struct vmf_iso *iso, uint32_t sectors, bool joliet)
{
  static const struct {
    size_t offset, room;
  } texts[] = {{8, 32},    {190, 128}, {318, 128}, {446, 128},
               {574, 128}, {702, 37},  {739, 37},  {776, 37}};
  static const size_t dates[] = {813, 830, 847, 864};
  uint32_t tables = TABLES + 2 * joliet;

  at[0] = joliet ? 2 : 1;
  memcpy(at + 1, "CD001\1", 6);
  put_text(at + 40, 32, iso->label, joliet);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    put_text(at + texts[i].offset, texts[i].room, "", joliet);
  put_both32(at + 80, sectors);
  if (joliet)
    memcpy(at + 88, "%/E", 3); /* UCS-2, level 3 */
  put_both16(at + 120, 1);
  put_both16(at + 124, 1);
  put_both16(at + 128, SECTOR);
  put_both32(at + 132, TABLE_LENGTH);
  put_le32(at + 140, tables);
  put_be32(at + 148, tables + 1);
  put_record(at + 156, FOLDERS + joliet, SECTOR, true, "\0", 1, false);
  for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
    memset(at + dates[i], '0', 16); /* not said; 8.4.26.1 */
  at[881] = 1;
}

enum vmf_code vmf_iso_image(const struct vmf_iso *iso, void **bytes, size_t *size,
                            struct vmf_error *error)
{
  size_t sectors = CONTENT + (iso->length + SECTOR - 1) / SECTOR;

  *size = sectors * SECTOR;
  VMF_TRY(vmf_alloc(*size, bytes, error));
  uint8_t *out = *bytes;
  for (int joliet = 0; joliet < 2; joliet++) {
    put_volume(out + (size_t)(PRIMARY + joliet) * SECTOR, iso, (uint32_t)sectors, joliet);
    put_tables(out, joliet);
    put_folder(out + (size_t)(FOLDERS + joliet) * SECTOR, iso, joliet);
  }
  memcpy(out + (size_t)TERMINATOR * SECTOR, "\377CD001\1", 7);
  if (iso->length > 0)
    memcpy(out + (size_t)CONTENT * SECTOR, iso->content, iso->length);
  return VMF_OK;
}
