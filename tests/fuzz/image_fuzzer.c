/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One target a format: the input is an image. */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../formats/partclone/partclone.h"
#include "bytes.h"
#include "checked.h"
#include "examine.h"
#include "fuzz.h"
#include "sums.h"

/* A mutated header almost never has a right checksum: those of VHD and VMA are made right, so that
 * what lies behind them is reached; LUKS 2 is as VMA. Of VHD half of the inputs (by size) keep
 * their wrong ones. */
static void mend_vhd_sum(uint8_t *bytes, size_t length, size_t at)
{
  uint32_t sum = 0;
  memset(bytes + at, 0, 4);
  for (size_t i = 0; i < length; i++)
    sum += bytes[i];
  put_be32(bytes + at, ~sum);
}

/* The MD5 of the header, and of each extent's. */
static void mend_vma(uint8_t *bytes, size_t size)
{
  uint64_t at = size < 60 ? size : get_be32(bytes + 56);

  if (at < size)
    vmf_md5(bytes, at, 32, bytes + 32);
  for (; vmf_range_within(at, 512, size) && memcmp(bytes + at, "VMAE", 4) == 0;
       at += 512 + 4096 * (uint64_t)get_be16(bytes + at + 6))
    vmf_md5(bytes + at, 512, 24, bytes + at + 24);
}

/* The checksum of the header, and of the map. */
static void mend_partclone(uint8_t *bytes, size_t size)
{

  if (size < 110 || memcmp(bytes + 30, "0002", 4) != 0)
    return;
  put_le32(bytes + 106, partclone_crc(UINT32_MAX, bytes, 106));
  uint64_t length = get_le64(bytes + 60);
  length = bytes[105] == 1 ? vmf_div_up(length, 8) : length;
  if (length < size && vmf_range_within(110, length + 4, size))
    put_le32(bytes + 110 + length, partclone_crc(UINT32_MAX, bytes + 110, (size_t)length));
}

/* ---- LUKS, as a file or within one ---- */

enum { LUKS_UNIT = 512, LUKS1_LENGTH = 592, LUKS2_HEAD = 4096, LUKS2_SUM_AT = 448, LUKS2_SUM = 64 };

/* Few iterations: what many cost is known. */
static void hasten_luks1(uint8_t *header)
{
  enum { DIGEST_AT = 164, FIRST_AT = 212, SLOT = 48, SLOTS = 8, MOST = 2047 };

  for (unsigned i = 0; i <= SLOTS; i++) {
    uint8_t *iterations = header + (i == 0 ? DIGEST_AT : FIRST_AT + SLOT * (i - 1));
    put_be32(iterations, get_be32(iterations) & MOST);
  }
}

/* The digits of a cost in the text, but for the first few, become blanks. */
static void hasten_luks2(uint8_t *text, size_t length)
{
  static const struct {
    const char *name;
    size_t digits;
  } costs[] = {{"\"iterations\":", 4}, {"\"time\":", 1}, {"\"memory\":", 4}, {"\"cpus\":", 1}};

  for (size_t kind = 0; kind < sizeof costs / sizeof costs[0]; kind++) {
    size_t name = strlen(costs[kind].name);
    for (size_t at = 0; at + name < length; at++) {
      if (memcmp(text + at, costs[kind].name, name) != 0)
        continue;
      for (size_t i = at + name, digits = 0; i < length && isdigit(text[i]); i++)
        if (digits++ >= costs[kind].digits)
          text[i] = ' ';
    }
  }
}

static void mend_luks2(uint8_t *header, size_t room)
{
  uint64_t length = get_be64(header + 8);

  if (length < LUKS2_HEAD || length > room || memcmp(header + 72, "sha256", 7) != 0)
    return;
  hasten_luks2(header + LUKS2_HEAD, (size_t)length - LUKS2_HEAD);
  memset(header + LUKS2_SUM_AT, 0, LUKS2_SUM);
  EVP_Digest(header, (size_t)length, header + LUKS2_SUM_AT, NULL, EVP_sha256(), NULL);
}

static void mend_luks(uint8_t *bytes, size_t size)
{
  for (size_t at = 0; at + LUKS1_LENGTH <= size; at += LUKS_UNIT) {
    if (memcmp(bytes + at + 2, "KS\xba\xbe", 4) != 0 &&
        memcmp(bytes + at + 2, "UL\xba\xbe", 4) != 0)
      continue;
    if (get_be16(bytes + at + 6) == 1)
      hasten_luks1(bytes + at);
    else if (size - at > LUKS2_HEAD)
      mend_luks2(bytes + at, size - at);
  }
}

static void mend(const char *format, uint8_t *bytes, size_t size)
{
  if (strcmp(format, "luks") == 0 || strcmp(format, "qcow2") == 0)
    mend_luks(bytes, size);
  if (strcmp(format, "vma") == 0)
    mend_vma(bytes, size);
  if (strcmp(format, "partclone") == 0)
    mend_partclone(bytes, size);
  if (strcmp(format, "vpc") != 0 || size < 512 || size % 2)
    return;
  mend_vhd_sum(bytes + size - 512, 512, 64);
  if (size < 2048)
    return;
  uint64_t header = get_be64(bytes + 16);
  if (vmf_range_within(header, 1024, size))
    mend_vhd_sum(bytes + header, 1024, 36);
  mend_vhd_sum(bytes, 512, 64);
}

void fuzz_image(const char *format, const uint8_t *data, size_t size)
{
  struct vmf_error error;
  struct vmf_io *io;
  uint8_t *copy = malloc(size + 1);

  memcpy(copy, data, size);
  mend(format, copy, size);
  if (vmf_io_memory("fuzz/input", copy, size, &io, &error) != VMF_OK)
    abort();
  free(copy);
  examine_io(io, format);
}
