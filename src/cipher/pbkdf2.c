/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "pbkdf2.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "bytes.h"
#include "cancel.h"
#include "checked.h"
#include "hash_name.h"

enum {
  BLOCK_MAX = 256,   /* bytes that a digest takes at a time; the most is 144 */
  UNSTOPPED = 10000, /* iterations, milliseconds */
};

/* A digest that has taken the secret, as HMAC begins the inner and the outer one. */
struct hmac {
  EVP_MD *digest;
  EVP_MD_CTX *inner, *outer, *own;
  size_t size; /* of what it makes */
};

static bool take_padded(EVP_MD_CTX *context, const EVP_MD *digest, const uint8_t *key, size_t block,
                        uint8_t by)
{
  uint8_t padded[BLOCK_MAX];

  for (size_t i = 0; i < block; i++)
    padded[i] = key[i] ^ by;
  bool done = EVP_DigestInit_ex2(context, digest, NULL) == 1 &&
              EVP_DigestUpdate(context, padded, block) == 1;
  OPENSSL_cleanse(padded, sizeof padded);
  return done;
}

/* A secret that is longer than a block of the digest counts by its digest. */
static bool take_secret(struct hmac *hmac, const struct vmf_secret *secret)
{
  int block = EVP_MD_get_block_size(hmac->digest);
  uint8_t key[BLOCK_MAX] = {0};
  bool done = block > 0 && block <= BLOCK_MAX;

  if (done && secret->length > (size_t)block)
    done = EVP_Digest(secret->bytes, secret->length, key, NULL, hmac->digest, NULL) == 1;
  else if (done)
    memcpy(key, secret->bytes, secret->length);
  done = done && take_padded(hmac->inner, hmac->digest, key, (size_t)block, 0x36) &&
         take_padded(hmac->outer, hmac->digest, key, (size_t)block, 0x5c);
  OPENSSL_cleanse(key, sizeof key);
  return done;
}

/* `made` becomes the code of `data` and what is behind it. */
static bool code_of(const struct hmac *hmac, const uint8_t *data, size_t length,
                    const uint8_t *behind, size_t behind_length, uint8_t *made)
{
  return EVP_MD_CTX_copy_ex(hmac->own, hmac->inner) == 1 &&
         EVP_DigestUpdate(hmac->own, data, length) == 1 &&
         EVP_DigestUpdate(hmac->own, behind, behind_length) == 1 &&
         EVP_DigestFinal_ex(hmac->own, made, NULL) == 1 &&
         EVP_MD_CTX_copy_ex(hmac->own, hmac->outer) == 1 &&
         EVP_DigestUpdate(hmac->own, made, hmac->size) == 1 &&
         EVP_DigestFinal_ex(hmac->own, made, NULL) == 1;
}

/* One part of the key, as long as a digest. */
static enum vmf_code make_part(const struct hmac *hmac, const struct vmf_derivation *derivation,
                               uint32_t number, uint8_t *last, uint8_t *part,
                               const struct vmf_cancel *cancel, struct vmf_error *error)
{
  uint8_t counted[4];

  put_be32(counted, number);
  bool done =
      code_of(hmac, derivation->salt, derivation->salt_length, counted, sizeof counted, last);
  memcpy(part, last, hmac->size);
  for (uint32_t i = 1; i < derivation->iterations && done; i++) {
    if (i % UNSTOPPED == 0)
      VMF_TRY(vmf_cancelled(cancel, error));
    done = code_of(hmac, last, hmac->size, NULL, 0, last);
    for (size_t k = 0; k < hmac->size; k++)
      part[k] ^= last[k];
  }
  return done ? VMF_OK : vmf_fail(error, VMF_NOMEM, "OpenSSL makes no key by PBKDF2");
}

static enum vmf_code make_parts(const struct hmac *hmac, const struct vmf_derivation *derivation,
                                uint8_t *key, size_t length, const struct vmf_cancel *cancel,
                                struct vmf_error *error)
{
  uint8_t last[EVP_MAX_MD_SIZE] = {0}, part[EVP_MAX_MD_SIZE] = {0};
  enum vmf_code code = VMF_OK;
  uint32_t number = 1;

  for (size_t at = 0; at < length && code == VMF_OK; at += hmac->size, number++) {
    code = make_part(hmac, derivation, number, last, part, cancel, error);
    memcpy(key + at, part, (size_t)vmf_min(hmac->size, length - at));
  }
  OPENSSL_cleanse(last, sizeof last);
  OPENSSL_cleanse(part, sizeof part);
  return code;
}

enum vmf_code vmf_pbkdf2(const struct vmf_derivation *derivation, const struct vmf_secret *secret,
                         uint8_t *key, size_t length, const struct vmf_cancel *cancel,
                         struct vmf_error *error)
{
  struct hmac hmac = {.digest = vmf_hash_fetch(derivation->hash),
                      .inner = EVP_MD_CTX_new(),
                      .outer = EVP_MD_CTX_new(),
                      .own = EVP_MD_CTX_new()};
  int size = hmac.digest ? EVP_MD_get_size(hmac.digest) : 0;
  hmac.size = size > 0 ? (size_t)size : 0;
  bool begun = hmac.inner && hmac.outer && hmac.own && hmac.size > 0 && take_secret(&hmac, secret);
  enum vmf_code code = begun ? make_parts(&hmac, derivation, key, length, cancel, error)
                             : vmf_fail(error, VMF_NOMEM, "OpenSSL has no memory for PBKDF2");

  EVP_MD_CTX_free(hmac.inner); /* which wipes them */
  EVP_MD_CTX_free(hmac.outer);
  EVP_MD_CTX_free(hmac.own);
  EVP_MD_free(hmac.digest);
  return code;
}
