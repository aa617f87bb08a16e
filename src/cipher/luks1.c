/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of LUKS1 (LUKS1, "Partition header"): big-endian, one digest for all, eight slots. */
#include "luks_header.h"

#include <string.h>

#include "bytes.h"
#include "luks1.h"

static void decode_slot(const uint8_t raw[LUKS1_SLOT], struct vmf_luks_slot *slot)
{
  slot->active = get_be32(raw + LUKS1_SLOT_ACTIVE_AT) == LUKS1_SLOT_ENABLED;
  slot->derivation.iterations = get_be32(raw + LUKS1_SLOT_ITERATIONS_AT);
  memcpy(slot->derivation.salt, raw + LUKS1_SLOT_SALT_AT, LUKS1_SALT);
  slot->derivation.salt_length = LUKS1_SALT;
  slot->offset = LUKS1_SECTOR * (uint64_t)get_be32(raw + LUKS1_SLOT_OFFSET_AT);
  slot->stripes = get_be32(raw + LUKS1_SLOT_STRIPES_AT);
}

static enum vmf_code take_slot(struct vmf_luks *luks, const uint8_t *raw, unsigned number,
                               const char *hash, struct vmf_error *error)
{
  struct vmf_luks_slot *slot = &luks->slots[number];
  uint32_t state = get_be32(raw + LUKS1_SLOT_ACTIVE_AT);

  decode_slot(raw, slot);
  slot->number = number;
  slot->priority = 1;
  slot->cipher = luks->cipher;
  memcpy(slot->derivation.hash, hash, sizeof slot->derivation.hash);
  memcpy(slot->hash, hash, sizeof slot->hash);
  if (state != LUKS1_SLOT_ENABLED && state != LUKS1_SLOT_DISABLED)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: LUKS1 header: slot %u: state 0x%08x, expected 0x%08x (enabled) or 0x%08x "
                    "(disabled)",
                    luks->io->name, number, state, LUKS1_SLOT_ENABLED, LUKS1_SLOT_DISABLED);
  luks->digest_slots |= 1u << number;
  return VMF_OK;
}

static enum vmf_code take_names(struct vmf_luks *luks, const uint8_t *raw, char hash[33],
                                struct vmf_error *error)
{
  char name[33], mode[33];

  VMF_TRY(vmf_luks_text(luks, "cipher", raw + LUKS1_CIPHER_AT, 32, name, error));
  VMF_TRY(vmf_luks_text(luks, "cipher mode", raw + LUKS1_MODE_AT, 32, mode, error));
  VMF_TRY(vmf_luks_text(luks, "digest", raw + LUKS1_HASH_AT, 32, hash, error));
  VMF_TRY(vmf_luks_text(luks, "UUID", raw + LUKS1_UUID_AT, 40, luks->uuid, error));
  memcpy(luks->cipher.name, name, sizeof luks->cipher.name);
  memcpy(luks->cipher.mode, mode, sizeof luks->cipher.mode);
  return VMF_OK;
}

enum vmf_code vmf_luks1_read(struct vmf_luks *luks, uint64_t length, struct vmf_error *error)
{
  uint8_t raw[LUKS1_HEADER];
  char hash[33];

  if (length < LUKS1_HEADER)
    return vmf_fail(error, VMF_CORRUPT, "%s: %llu bytes, a LUKS1 header has %d", luks->io->name,
                    (unsigned long long)length, LUKS1_HEADER);
  VMF_TRY(vmf_io_pread(luks->io, raw, sizeof raw, luks->at, error));
  VMF_TRY(take_names(luks, raw, hash, error));
  luks->payload = LUKS1_SECTOR * (uint64_t)get_be32(raw + LUKS1_PAYLOAD_AT);
  luks->cipher.key_bytes = get_be32(raw + LUKS1_KEY_BYTES_AT);
  luks->expected_length = LUKS1_DIGEST;
  memcpy(luks->expected, raw + LUKS1_DIGEST_AT, LUKS1_DIGEST);
  luks->digest.iterations = get_be32(raw + LUKS1_DIGEST_ITERATIONS_AT);
  luks->digest.salt_length = LUKS1_SALT;
  memcpy(luks->digest.salt, raw + LUKS1_DIGEST_SALT_AT, LUKS1_SALT);
  memcpy(luks->digest.hash, hash, sizeof luks->digest.hash);
  luks->slot_count = LUKS1_SLOTS;
  for (unsigned i = 0; i < LUKS1_SLOTS; i++)
    VMF_TRY(take_slot(luks, raw + LUKS1_SLOTS_AT + (size_t)i * LUKS1_SLOT, i, hash, error));
  if (luks->payload == 0)
    return vmf_luks_detached(luks, error);
  return vmf_luks_check_areas(luks, LUKS1_HEADER, luks->payload, error);
}
