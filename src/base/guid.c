/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "guid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "bytes.h"

/* The finalizer of MurmurHash3's 64-bit variant: every input bit reaches every output bit. Ids need
 * to differ, not to be secret. */
static uint64_t mix(uint64_t value)
{
  value = (value ^ value >> 33) * 0xff51afd7ed558ccdull;
  value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53ull;
  return value ^ value >> 33;
}

static void derive(const struct vmf_identity *identity, const char *purpose, uint8_t *bytes,
                   size_t count)
{
  uint64_t state = 0;
  for (; *purpose; purpose++)
    state = mix(state ^ (unsigned char)*purpose);
  for (size_t i = 0; i < sizeof(identity->seed); i += 8)
    state = mix(state ^ get_le64(identity->seed + i));
  for (size_t i = 0; i < count; i++) {
    if (i % 8 == 0)
      state = mix(state + 0x9e3779b97f4a7c15ull);
    bytes[i] = (uint8_t)(state >> 8 * (i % 8));
  }
}

enum vmf_code vmf_identity_bytes(const struct vmf_identity *identity, const char *purpose,
                                 uint8_t *bytes, size_t count, struct vmf_error *error)
{
  if (identity->derived)
    derive(identity, purpose, bytes, count);
  else if (getrandom(bytes, count, 0) != (ssize_t)count)
    return vmf_fail_errno(error, VMF_SYSTEM, "no random bytes for an id");
  return VMF_OK;
}

enum vmf_code vmf_identity_guid(const struct vmf_identity *identity, const char *purpose,
                                uint8_t guid[VMF_GUID_SIZE], struct vmf_error *error)
{
  VMF_TRY(vmf_identity_bytes(identity, purpose, guid, VMF_GUID_SIZE, error));
  guid[6] = (uint8_t)((guid[6] & 0x0f) | 0x40);
  guid[8] = (uint8_t)((guid[8] & 0x3f) | 0x80);
  return VMF_OK;
}

void vmf_guid_text(const uint8_t guid[VMF_GUID_SIZE], char text[VMF_GUID_TEXT])
{
  char *out = text;
  for (int i = 0; i < VMF_GUID_SIZE; i++)
    out += sprintf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", guid[i]);
}
