/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "luks_write.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bytes.h"
#include "checked.h"
#include "derive.h"
#include "guid.h"
#include "luks.h"
#include "luks1.h"

enum {
  STRIPES = 4000,
  ALIGNED = 4096,          /* bytes: header and areas of slots */
  ITERATIONS_LEAST = 1000, /* LUKS1, "Reference" */
  DIGEST_PART = 8,         /* of the time that a slot takes */
  MEASURED_MS = 100,
};

static uint64_t area(const struct vmf_luks_making *making)
{
  return vmf_align_up((uint64_t)making->cipher.key_bytes * STRIPES, ALIGNED);
}

uint64_t vmf_luks_used(const struct vmf_luks_making *making)
{
  return ALIGNED + area(making);
}

uint64_t vmf_luks_room(const struct vmf_luks_making *making)
{
  return ALIGNED + LUKS1_SLOTS * area(making);
}

static double processor_ms(void)
{
  struct timespec now;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* How many iterations take so long here. */
static enum vmf_code measure(const struct vmf_luks_making *making,
                             struct vmf_derivation *derivation, struct vmf_error *error)
{
  const struct vmf_secret sample = {.bytes = "secret", .length = 6};
  uint8_t key[VMF_CIPHER_KEY_MAX];
  double took = 0;

  derivation->iterations = ITERATIONS_LEAST;
  for (;;) {
    double before = processor_ms();
    VMF_TRY(vmf_derive(derivation, &sample, key, making->cipher.key_bytes, NULL, error));
    took = processor_ms() - before;
    if (took >= MEASURED_MS || took >= making->milliseconds ||
        derivation->iterations > VMF_ITERATIONS_STRICT)
      break;
    derivation->iterations *= 2;
  }
  double wanted = derivation->iterations * ((double)making->milliseconds / (took < 1 ? 1 : took));
  derivation->iterations =
      wanted > VMF_ITERATIONS_STRICT ? VMF_ITERATIONS_STRICT : (uint32_t)wanted;
  if (derivation->iterations < ITERATIONS_LEAST)
    derivation->iterations = ITERATIONS_LEAST;
  return VMF_OK;
}

static enum vmf_code begin_derivation(const struct vmf_luks_making *making,
                                      struct vmf_derivation *derivation, struct vmf_error *error)
{
  *derivation = (struct vmf_derivation){.kind = VMF_PBKDF2, .salt_length = LUKS1_SALT};
  snprintf(derivation->hash, sizeof derivation->hash, "%s", making->hash);
  return vmf_random(derivation->salt, LUKS1_SALT, error);
}

/* ---- parts of the header ---- */

static enum vmf_code put_uuid(uint8_t *head, struct vmf_error *error)
{
  const struct vmf_identity random = {.derived = false};
  uint8_t id[VMF_GUID_SIZE];
  char text[VMF_GUID_TEXT];

  VMF_TRY(vmf_identity_guid(&random, "uuid", id, error));
  vmf_guid_text(id, text);
  memcpy(head + LUKS1_UUID_AT, text, strlen(text));
  return VMF_OK;
}

static void put_fixed(const struct vmf_luks_making *making, uint8_t *head)
{
  memcpy(head, vmf_luks_magic, VMF_LUKS_MAGIC);
  put_be16(head + LUKS1_VERSION_AT, 1);
  memcpy(head + LUKS1_CIPHER_AT, making->cipher.name, strlen(making->cipher.name));
  memcpy(head + LUKS1_MODE_AT, making->cipher.mode, strlen(making->cipher.mode));
  memcpy(head + LUKS1_HASH_AT, making->hash, strlen(making->hash));
  put_be32(head + LUKS1_PAYLOAD_AT, (uint32_t)(vmf_luks_room(making) / LUKS1_SECTOR));
  put_be32(head + LUKS1_KEY_BYTES_AT, making->cipher.key_bytes);
  for (unsigned i = 0; i < LUKS1_SLOTS; i++) {
    uint8_t *slot = head + LUKS1_SLOTS_AT + (size_t)i * LUKS1_SLOT;
    put_be32(slot + LUKS1_SLOT_ACTIVE_AT, i == 0 ? LUKS1_SLOT_ENABLED : LUKS1_SLOT_DISABLED);
    put_be32(slot + LUKS1_SLOT_OFFSET_AT, (uint32_t)((ALIGNED + i * area(making)) / LUKS1_SECTOR));
    put_be32(slot + LUKS1_SLOT_STRIPES_AT, STRIPES);
  }
}

static enum vmf_code put_digest(const struct vmf_luks_making *making, uint32_t iterations,
                                const uint8_t *key, uint8_t *head, struct vmf_error *error)
{
  const struct vmf_secret from = {.bytes = key, .length = making->cipher.key_bytes};
  struct vmf_derivation derivation;

  VMF_TRY(begin_derivation(making, &derivation, error));
  derivation.iterations = (uint32_t)vmf_max(iterations / DIGEST_PART, ITERATIONS_LEAST);
  VMF_TRY(vmf_derive(&derivation, &from, head + LUKS1_DIGEST_AT, LUKS1_DIGEST, NULL, error));
  memcpy(head + LUKS1_DIGEST_SALT_AT, derivation.salt, LUKS1_SALT);
  put_be32(head + LUKS1_DIGEST_ITERATIONS_AT, derivation.iterations);
  return VMF_OK;
}

/* The key, spread and encrypted by what the secret gives. */
static enum vmf_code fill_area(const struct vmf_luks_making *making, const uint8_t *key,
                               const uint8_t *derived, uint8_t *head, struct vmf_error *error)
{
  size_t length = (size_t)making->cipher.key_bytes * STRIPES;
  size_t sectors = (size_t)vmf_align_up(length, LUKS1_SECTOR);
  struct vmf_cipher *cipher;

  VMF_TRY(vmf_random(head + ALIGNED, length, error));
  VMF_TRY(vmf_spread_split(making->hash, key, making->cipher.key_bytes, STRIPES, head + ALIGNED,
                           error));
  VMF_TRY(vmf_cipher_new(&making->cipher, derived, "LUKS slot", &cipher, error));
  enum vmf_code code = vmf_cipher_encrypt(cipher, head + ALIGNED, sectors, 0, error);
  vmf_cipher_free(cipher);
  return code;
}

static enum vmf_code put_slot(const struct vmf_luks_making *making, const struct vmf_secret *secret,
                              const uint8_t *key, uint8_t *head, struct vmf_error *error)
{
  uint8_t *slot = head + LUKS1_SLOTS_AT, derived[VMF_CIPHER_KEY_MAX];
  struct vmf_derivation derivation;

  VMF_TRY(begin_derivation(making, &derivation, error));
  VMF_TRY(measure(making, &derivation, error));
  VMF_TRY(put_digest(making, derivation.iterations, key, head, error));
  put_be32(slot + LUKS1_SLOT_ITERATIONS_AT, derivation.iterations);
  memcpy(slot + LUKS1_SLOT_SALT_AT, derivation.salt, LUKS1_SALT);
  enum vmf_code code =
      vmf_derive(&derivation, secret, derived, making->cipher.key_bytes, NULL, error);
  if (code == VMF_OK)
    code = fill_area(making, key, derived, head, error);
  OPENSSL_cleanse(derived, sizeof derived);
  return code;
}

enum vmf_code vmf_luks_make(const struct vmf_luks_making *making, const struct vmf_secret *secret,
                            uint8_t *head, struct vmf_cipher **cipher, struct vmf_error *error)
{
  uint8_t key[VMF_CIPHER_KEY_MAX];

  *cipher = NULL;
  VMF_TRY(vmf_cipher_check(&making->cipher, "encryption", error));
  put_fixed(making, head);
  VMF_TRY(put_uuid(head, error));
  enum vmf_code code = vmf_random(key, making->cipher.key_bytes, error);
  if (code == VMF_OK)
    code = put_slot(making, secret, key, head, error);
  if (code == VMF_OK)
    code = vmf_cipher_new(&making->cipher, key, "encryption", cipher, error);
  OPENSSL_cleanse(key, sizeof key);
  return code;
}
