/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The derived ids need to be well mixed, not secret: the seed is a digest already. */
#include "guid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "bytes.h"
#include "text.h"

enum { IDENTITY_BYTES_MAX = 32 };

/* The finaliser of splitmix64: every input bit reaches every output bit. */
static uint64_t guid_mix(uint64_t word)
{
  word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
  return word ^ word >> 31;
}

/* FNV-1a. */
static uint64_t guid_hash_text(const char *text)
{
  uint64_t hash = UINT64_C(0xcbf29ce484222325);

  for (; *text != '\0'; text++)
    hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  return hash;
}

/* Two lanes take in seed and purpose; output word i is made of both. Fixed for ever: outputs of
 * one SOURCE_DATE_EPOCH must stay equal from version to version. */
static void guid_derive(const uint8_t seed[32], const char *purpose, uint8_t *bytes, size_t count)
{
  const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
  uint64_t left = guid_mix(guid_hash_text(purpose)), right = guid_mix(left + step);
  uint8_t words[IDENTITY_BYTES_MAX];

  for (unsigned i = 0; i < 4; i++) {
    uint64_t word = get_le64(seed + 8 * i);
    left = guid_mix((left ^ word) + step);
    right = guid_mix((right + word) ^ left);
  }
  for (unsigned i = 0; i < IDENTITY_BYTES_MAX / 8; i++)
    put_le64(words + 8 * i, guid_mix(left + i * step) ^ guid_mix(right ^ (i + 1) * step));
  memcpy(bytes, words, count);
}

enum vmf_code vmf_random(void *bytes, size_t count, struct vmf_error *error)
{
  for (size_t have = 0; have < count;) {
    ssize_t got = getrandom((uint8_t *)bytes + have, count - have, 0);
    if (got > 0)
      have += (size_t)got;
    else if (errno != EINTR)
      return vmf_fail_errno(error, VMF_SYSTEM, "getting random bytes");
  }
  return VMF_OK;
}

enum vmf_code vmf_identity_bytes(const struct vmf_identity *identity, const char *purpose,
                                 uint8_t *bytes, size_t count, struct vmf_error *error)
{
  if (count > IDENTITY_BYTES_MAX)
    return vmf_fail(error, VMF_USAGE, "%zu id bytes for \"%s\", at most %d are accepted", count,
                    purpose, IDENTITY_BYTES_MAX);
  if (!identity->derived)
    return vmf_random(bytes, count, error);
  guid_derive(identity->seed, purpose, bytes, count);
  return VMF_OK;
}

enum vmf_code vmf_identity_guid(const struct vmf_identity *identity, const char *purpose,
                                uint8_t guid[VMF_GUID_SIZE], struct vmf_error *error)
{
  VMF_TRY(vmf_identity_bytes(identity, purpose, guid, VMF_GUID_SIZE, error));
  guid[6] = (uint8_t)((guid[6] & 0x0f) | 0x40); /* version 4 */
  guid[8] = (uint8_t)((guid[8] & 0x3f) | 0x80); /* the variant of RFC 4122 */
  return VMF_OK;
}

void vmf_guid_text(const uint8_t guid[VMF_GUID_SIZE], char text[VMF_GUID_TEXT])
{
  static const char digits[] = "0123456789abcdef";

  for (unsigned i = 0; i < VMF_GUID_SIZE; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *text++ = '-';
    *text++ = digits[guid[i] >> 4];
    *text++ = digits[guid[i] & 15];
  }
  *text = '\0';
}

bool vmf_guid_parse(const char *text, uint8_t guid[VMF_GUID_SIZE])
{
  for (unsigned i = 0; i < VMF_GUID_SIZE; i++, text += 2) {
    if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
      return false;
    int high = vmf_hex_digit(text[0]), low = high < 0 ? -1 : vmf_hex_digit(text[1]);
    if (low < 0)
      return false;
    guid[i] = (uint8_t)(high << 4 | low);
  }
  return *text == '\0';
}

void vmf_guid_swap(const uint8_t from[VMF_GUID_SIZE], uint8_t to[VMF_GUID_SIZE])
{
  static const uint8_t order[VMF_GUID_SIZE] = {3, 2, 1,  0,  5,  4,  7,  6,
                                               8, 9, 10, 11, 12, 13, 14, 15};
  for (unsigned i = 0; i < VMF_GUID_SIZE; i++)
    to[i] = from[order[i]];
}
