/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "derive.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "argon2_key.h"
#include "bytes.h"
#include "checked.h"
#include "hash_name.h"
#include "memory.h"
#include "pbkdf2.h"

void vmf_wipe_free(void *memory, size_t length)
{
  if (memory)
    OPENSSL_cleanse(memory, length);
  vmf_free(memory);
}

/* ---- bounds ---- */

static enum vmf_code check_pbkdf2(const struct vmf_derivation *derivation, bool strict,
                                  const char *what, struct vmf_error *error)
{
  unsigned most = strict ? VMF_ITERATIONS_STRICT : VMF_ITERATIONS_MAX;

  if (vmf_hash_size(derivation->hash) == 0)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: the digest \"%.32s\" is not supported", what,
                    derivation->hash);
  if (derivation->iterations == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: 0 iterations of PBKDF2, expected 1 at least", what);
  if (derivation->iterations > most)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: %u iterations of PBKDF2, at most %u are done; cryptsetup "
                    "luksConvertKey makes it fewer",
                    what, derivation->iterations, most);
  return VMF_OK;
}

static enum vmf_code check_argon2(const struct vmf_derivation *derivation, const char *what,
                                  struct vmf_error *error)
{
  uint32_t memory = derivation->memory_kib, lanes = derivation->lanes;

#ifndef VMF_HAVE_ARGON2
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: Argon2 is not in this build (libargon2 was not there); cryptsetup "
                  "luksConvertKey --pbkdf pbkdf2 makes a slot that can be read",
                  what);
#endif
  if (derivation->iterations == 0 || lanes == 0 || memory < 8 * (uint64_t)lanes ||
      derivation->salt_length < 8)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Argon2 with %u passes, %u lanes, %u KiB and %zu bytes of salt: expected 1 "
                    "at least, 8 KiB a lane and 8 bytes of salt",
                    what, derivation->iterations, lanes, memory, derivation->salt_length);
  if (memory > VMF_ARGON2_MEMORY_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: Argon2 with %u KiB of memory, at most %d are taken; cryptsetup "
                    "luksConvertKey --pbkdf-memory makes it less",
                    what, memory, VMF_ARGON2_MEMORY_MAX);
  if (lanes > VMF_ARGON2_LANES_MAX ||
      (uint64_t)memory * derivation->iterations > VMF_ARGON2_COST_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: Argon2 with %u passes over %u KiB in %u lanes, accepted are %d KiB in all "
                    "and %d lanes",
                    what, derivation->iterations, memory, lanes, VMF_ARGON2_COST_MAX,
                    VMF_ARGON2_LANES_MAX);
  return VMF_OK;
}

enum vmf_code vmf_derivation_check(const struct vmf_derivation *derivation, bool strict,
                                   const char *what, struct vmf_error *error)
{
  return derivation->kind == VMF_PBKDF2 ? check_pbkdf2(derivation, strict, what, error)
                                        : check_argon2(derivation, what, error);
}

/* ---- deriving ---- */

enum vmf_code vmf_derive(const struct vmf_derivation *derivation, const struct vmf_secret *secret,
                         uint8_t *key, size_t length, const struct vmf_cancel *cancel,
                         struct vmf_error *error)
{
  return derivation->kind == VMF_PBKDF2
             ? vmf_pbkdf2(derivation, secret, key, length, cancel, error)
             : vmf_argon2(derivation, secret, key, length, cancel, error);
}

/* ---- the anti-forensic splitter (LUKS1, "Anti-forensic splitter") ---- */

/* Each piece as long as a digest becomes that of its number and itself. */
static bool diffuse(EVP_MD_CTX *context, const EVP_MD *digest, uint8_t *block, size_t length)
{
  size_t size = (size_t)EVP_MD_get_size(digest);
  unsigned char made[EVP_MAX_MD_SIZE];
  uint8_t number[4];
  bool done = true;

  for (size_t at = 0, i = 0; at < length && done; at += size, i++) {
    size_t part = (size_t)vmf_min(size, length - at);
    put_be32(number, (uint32_t)i);
    done = EVP_DigestInit_ex2(context, digest, NULL) == 1 &&
           EVP_DigestUpdate(context, number, sizeof number) == 1 &&
           EVP_DigestUpdate(context, block + at, part) == 1 &&
           EVP_DigestFinal_ex(context, made, NULL) == 1;
    memcpy(block + at, made, part);
  }
  OPENSSL_cleanse(made, sizeof made);
  return done;
}

/* All stripes but the last, into `key`. */
static enum vmf_code gather(const char *hash, const uint8_t *spread, size_t length,
                            uint32_t stripes, uint8_t *key, struct vmf_error *error)
{
  EVP_MD *digest = vmf_hash_fetch(hash);
  EVP_MD_CTX *context = digest ? EVP_MD_CTX_new() : NULL;
  bool done = context != NULL;

  memset(key, 0, length);
  for (uint32_t i = 0; i + 1 < stripes && done; i++) {
    for (size_t k = 0; k < length; k++)
      key[k] ^= spread[(size_t)i * length + k];
    done = diffuse(context, digest, key, length);
  }
  EVP_MD_CTX_free(context);
  EVP_MD_free(digest);
  return done ? VMF_OK : vmf_fail(error, VMF_NOMEM, "OpenSSL has no memory for a digest");
}

enum vmf_code vmf_spread_merge(const char *hash, uint8_t *spread, size_t length, uint32_t stripes,
                               uint8_t *key, struct vmf_error *error)
{
  VMF_TRY(gather(hash, spread, length, stripes, key, error));
  for (size_t k = 0; k < length; k++)
    key[k] ^= spread[(size_t)(stripes - 1) * length + k];
  return VMF_OK;
}

enum vmf_code vmf_spread_split(const char *hash, const uint8_t *key, size_t length,
                               uint32_t stripes, uint8_t *spread, struct vmf_error *error)
{
  uint8_t *last = spread + (size_t)(stripes - 1) * length;

  VMF_TRY(gather(hash, spread, length, stripes, last, error));
  for (size_t k = 0; k < length; k++)
    last[k] ^= key[k];
  return VMF_OK;
}
