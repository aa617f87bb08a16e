/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * From a secret to the key of the disk: it opens the area of a slot, which holds the key, spread;
 * a digest tells whether it is the right one (LUKS1, "Master key recovery"). */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "cancel.h"
#include "hash_name.h"
#include "luks_header.h"
#include "memory.h"

struct attempt {
  const struct vmf_luks *luks;
  const struct vmf_unlocking *unlocking;
  uint64_t iterations, argon2; /* that the slots have cost so far, each secret */
  uint8_t key[VMF_CIPHER_KEY_MAX];
  bool found;
};

/* Whether a secret ends in a newline, which counts. */
static bool ends_in_newline(const struct vmf_unlocking *unlocking)
{
  for (size_t i = 0; i < unlocking->count; i++) {
    const struct vmf_secret *secret = &unlocking->secrets[i];
    if (secret->length > 0 && ((const char *)secret->bytes)[secret->length - 1] == '\n')
      return true;
  }
  return false;
}

enum vmf_code vmf_secret_missing(const char *name, const char *kind, struct vmf_error *error)
{
  return vmf_fail(error, VMF_SECRET,
                  "%s: encrypted (%s): the file that holds its secret is expected in "
                  "--secret-file; -f raw takes a file as it is, encrypted",
                  name, kind);
}

/* `stored` becomes the key, if the secret opens the slot. */
static enum vmf_code open_area(const struct attempt *attempt, const struct vmf_luks_slot *slot,
                               const struct vmf_secret *secret, const char *what, uint8_t *stored,
                               uint8_t *key, struct vmf_error *error)
{
  const struct vmf_luks *luks = attempt->luks;
  size_t length = (size_t)vmf_luks_area(luks, slot);
  uint8_t derived[VMF_CIPHER_KEY_MAX];
  struct vmf_cipher *cipher = NULL;

  enum vmf_code code = vmf_derive(&slot->derivation, secret, derived, slot->cipher.key_bytes,
                                  attempt->unlocking->cancel, error);
  if (code == VMF_OK)
    code = vmf_io_pread(luks->io, stored, length, luks->at + slot->offset, error);
  if (code == VMF_OK)
    code = vmf_cipher_new(&slot->cipher, derived, what, &cipher, error);
  OPENSSL_cleanse(derived, sizeof derived);
  if (code == VMF_OK)
    code = vmf_cipher_decrypt(cipher, stored, length, 0, error);
  vmf_cipher_free(cipher);
  return code != VMF_OK ? code
                        : vmf_spread_merge(slot->hash, stored, luks->cipher.key_bytes,
                                           slot->stripes, key, error);
}

static enum vmf_code try_secret(struct attempt *attempt, const struct vmf_luks_slot *slot,
                                const struct vmf_secret *secret, const char *what,
                                struct vmf_error *error)
{
  const struct vmf_luks *luks = attempt->luks;
  size_t length = (size_t)vmf_luks_area(luks, slot);
  uint8_t digest[sizeof luks->expected];
  void *stored;

  VMF_TRY(vmf_cancelled(attempt->unlocking->cancel, error));
  VMF_TRY(vmf_alloc(length, &stored, error));
  enum vmf_code code = open_area(attempt, slot, secret, what, stored, attempt->key, error);
  vmf_wipe_free(stored, length);
  VMF_TRY(code);
  const struct vmf_secret key = {.bytes = attempt->key, .length = luks->cipher.key_bytes};
  VMF_TRY(vmf_derive(&luks->digest, &key, digest, luks->expected_length, attempt->unlocking->cancel,
                     error));
  attempt->found = CRYPTO_memcmp(digest, luks->expected, luks->expected_length) == 0;
  return VMF_OK;
}

/* A header has many slots, each within its own bounds. */
static enum vmf_code spend(struct attempt *attempt, const struct vmf_derivation *derivation,
                           const char *what, struct vmf_error *error)
{
  bool pbkdf2 = derivation->kind == VMF_PBKDF2;
  uint64_t most = attempt->unlocking->strict ? VMF_ITERATIONS_STRICT : VMF_ITERATIONS_MAX;
  uint64_t iterations = attempt->iterations + (pbkdf2 ? derivation->iterations : 0);
  uint64_t argon2 =
      attempt->argon2 + (pbkdf2 ? 0 : (uint64_t)derivation->memory_kib * derivation->iterations);

  if (iterations > most)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: %llu iterations of PBKDF2 with the slots in front of it, at most %llu are "
                    "done in all",
                    what, (unsigned long long)iterations, (unsigned long long)most);
  if (argon2 > VMF_ARGON2_COST_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: Argon2 over %llu KiB with the slots in front of it, at most %d are done "
                    "in all",
                    what, (unsigned long long)argon2, VMF_ARGON2_COST_MAX);
  attempt->iterations = iterations + attempt->luks->digest.iterations;
  attempt->argon2 = argon2;
  return VMF_OK;
}

static enum vmf_code try_slot(struct attempt *attempt, const struct vmf_luks_slot *slot,
                              struct vmf_error *error)
{
  const struct vmf_unlocking *unlocking = attempt->unlocking;
  char what[256];

  snprintf(what, sizeof what, "%.200s: LUKS slot %u", attempt->luks->io->name, slot->number);
  VMF_TRY(vmf_derivation_check(&slot->derivation, unlocking->strict, what, error));
  VMF_TRY(vmf_cipher_check(&slot->cipher, what, error));
  if (vmf_hash_size(slot->hash) == 0)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: the digest \"%.32s\" is not supported", what,
                    slot->hash);
  VMF_TRY(spend(attempt, &slot->derivation, what, error));
  for (size_t i = 0; i < unlocking->count && !attempt->found; i++)
    VMF_TRY(try_secret(attempt, slot, &unlocking->secrets[i], what, error));
  return VMF_OK;
}

/* Slots that come first come first; those that programs ignore come last. What cannot be done of
 * one slot is told only where no other opens. */
static enum vmf_code try_slots(struct attempt *attempt, unsigned *tried, struct vmf_error *error)
{
  const struct vmf_luks *luks = attempt->luks;
  struct vmf_error first = {0}, why = {0};

  for (unsigned priority = 3; priority-- > 0;)
    for (unsigned i = 0; i < luks->slot_count && !attempt->found; i++) {
      const struct vmf_luks_slot *slot = &luks->slots[i];
      if (!slot->active || slot->priority != priority || !(luks->digest_slots >> i & 1))
        continue;
      ++*tried;
      enum vmf_code code = try_slot(attempt, slot, &why);
      if (code == VMF_CANCELLED || code == VMF_READ || code == VMF_NOMEM)
        return vmf_fail_again(&why, error);
      if (code != VMF_OK && first.code == VMF_OK)
        first = why;
    }
  return attempt->found || first.code == VMF_OK ? VMF_OK : vmf_fail_again(&first, error);
}

static enum vmf_code find_key(struct attempt *attempt, struct vmf_error *error)
{
  const struct vmf_luks *luks = attempt->luks;
  const char *name = luks->io->name;
  unsigned tried = 0;

  VMF_TRY(try_slots(attempt, &tried, error));
  if (attempt->found)
    return VMF_OK;
  if (tried == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: LUKS header: no slot is in use, so nothing opens it",
                    name);
  return vmf_fail(error, VMF_SECRET, "%s: the secret is wrong: it opens none of %u key slots%s",
                  name, tried,
                  ends_in_newline(attempt->unlocking)
                      ? " (it ends in a newline, which counts: printf '%s' writes none)"
                      : "");
}

enum vmf_code vmf_luks_unlock(const struct vmf_luks *luks, const struct vmf_unlocking *unlocking,
                              struct vmf_cipher **cipher, struct vmf_error *error)
{
  struct attempt attempt = {.luks = luks, .unlocking = unlocking};
  char what[256];

  *cipher = NULL;
  snprintf(what, sizeof what, "%.200s: LUKS%u header", luks->io->name, luks->version);
  VMF_TRY(vmf_cipher_check(&luks->cipher, what, error));
  if (unlocking->count == 0)
    return unlocking->locked
               ? vmf_cipher_new(&luks->cipher, NULL, what, cipher, error)
               : vmf_secret_missing(luks->io->name, luks->version == 1 ? "LUKS1" : "LUKS2", error);
  VMF_TRY(vmf_derivation_check(&luks->digest, unlocking->strict, what, error));
  enum vmf_code code = find_key(&attempt, error);
  if (code == VMF_OK)
    code = vmf_cipher_new(&luks->cipher, attempt.key, what, cipher, error);
  OPENSSL_cleanse(attempt.key, sizeof attempt.key);
  return code;
}
