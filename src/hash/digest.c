/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"
#include "checked.h"
#include "effort.h"
#include "memory.h"
#include "sha256_many.h"
#include "text.h"
#include "xxh3_method.h"

enum {
  KINDS = VMF_MD5 + 1,    /* of OpenSSL */
  NAMED = VMF_SHA512 + 1, /* that a person may ask for */
};

static const char *const names[KINDS] = {
    [VMF_SHA256] = "SHA256", [VMF_SHA1] = "SHA1", [VMF_SHA512] = "SHA512", [VMF_MD5] = "MD5"};

struct vmf_digest {
  const EVP_MD *method; /* of methods[] */
  EVP_MD_CTX *context;
  bool started;         /* the context; OpenSSL crashes on one that it had no memory to start */
  XXH64_state_t *xxh64; /* XXH64: instead of both */
  const struct vmf_xxh3_method *xxh3; /* XXH3: instead of all of these, with */
  void *xxh3_state;
  enum vmf_digest_kind kind;
};

/* Making a library context takes as long as hashing 1 MiB, so that there is one, of all digests. It
 * is not OpenSSL's default one, which crashes later where memory ran out while it was made, and
 * reads configuration files. */

/* Guards `methods` and `hmac` until they are all there; they then stay to the end of the process,
 * and may be read by any thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static EVP_MD *methods[KINDS];
static EVP_MAC *hmac;

size_t vmf_digest_size(enum vmf_digest_kind kind)
{
  static const size_t sizes[] = {[VMF_SHA256] = 32,
                                 [VMF_SHA1] = 20,
                                 [VMF_SHA512] = 64,
                                 [VMF_MD5] = 16,
                                 [VMF_XXH64] = sizeof(XXH64_canonical_t),
                                 [VMF_XXH3] = sizeof(XXH64_canonical_t)};

  return sizes[kind];
}

enum vmf_code vmf_digest_named(const char *name, enum vmf_digest_kind *kind,
                               struct vmf_error *error)
{
  for (unsigned i = 0; i < NAMED; i++)
    if (vmf_text_equal_nocase(name, names[i])) {
      *kind = (enum vmf_digest_kind)i;
      return VMF_OK;
    }
  return vmf_fail(error, VMF_USAGE, "checksum \"%s\": expected sha1, sha256 or sha512", name);
}

/* All of them or none: what ran out of memory halfway is not used again. */
static bool fetch_methods(void)
{
  OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
  bool fetched = library != NULL;

  for (unsigned i = 0; i < KINDS && fetched; i++) {
    methods[i] = EVP_MD_fetch(library, names[i], NULL);
    fetched = methods[i] != NULL;
  }
  hmac = fetched ? EVP_MAC_fetch(library, "HMAC", NULL) : NULL;
  fetched = hmac != NULL;
  for (unsigned i = 0; i < KINDS && !fetched; i++) {
    EVP_MD_free(methods[i]);
    methods[i] = NULL;
  }
  if (!fetched)
    OSSL_LIB_CTX_free(library);
  return fetched;
}

static bool have_methods(void)
{
  pthread_mutex_lock(&lock);
  bool there = hmac != NULL || fetch_methods();
  pthread_mutex_unlock(&lock);
  return there;
}

static const EVP_MD *find_method(enum vmf_digest_kind kind)
{
  return have_methods() ? methods[kind] : NULL;
}

static enum vmf_code start(struct vmf_digest *digest, struct vmf_error *error)
{
  if (digest->xxh64) {
    (void)!XXH64_reset(digest->xxh64, 0); /* fails where there is no state */
    return VMF_OK;
  }
  if (digest->xxh3) {
    digest->xxh3->start(digest->xxh3_state);
    return VMF_OK;
  }
  digest->started = EVP_DigestInit_ex2(digest->context, digest->method, NULL) == 1;
  return digest->started ? VMF_OK : vmf_fail(error, VMF_SYSTEM, "OpenSSL cannot start a digest");
}

static enum vmf_code prepare(struct vmf_digest *digest, struct vmf_error *error)
{
  if (digest->kind == VMF_XXH64) {
    digest->xxh64 = XXH64_createState();
    return digest->xxh64 ? start(digest, error)
                         : vmf_fail(error, VMF_NOMEM, "no memory for a digest (XXH64)");
  }
  if (digest->kind == VMF_XXH3) {
    digest->xxh3 = vmf_xxh3_choose();
    digest->xxh3_state = digest->xxh3->make();
    return digest->xxh3_state ? start(digest, error)
                              : vmf_fail(error, VMF_NOMEM, "no memory for a digest (XXH3)");
  }
  digest->method = find_method(digest->kind);
  digest->context = EVP_MD_CTX_new();
  if (digest->method && digest->context)
    return start(digest, error);
  return vmf_fail(error, VMF_SYSTEM, "OpenSSL cannot make a digest");
}

enum vmf_code vmf_digest_new(enum vmf_digest_kind kind, struct vmf_digest **digest,
                             struct vmf_error *error)
{
  void *memory;

  *digest = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_digest), &memory, error));
  struct vmf_digest *made = memory;
  made->kind = kind;
  enum vmf_code code = prepare(made, error);
  if (code != VMF_OK) {
    vmf_digest_free(made);
    return code;
  }
  *digest = made;
  return VMF_OK;
}

void vmf_digest_free(struct vmf_digest *digest)
{
  if (!digest)
    return;
  EVP_MD_CTX_free(digest->context);
  XXH64_freeState(digest->xxh64);
  if (digest->xxh3)
    digest->xxh3->release(digest->xxh3_state);
  vmf_free(digest);
}

static enum vmf_code update(struct vmf_digest *digest, const void *data, size_t length,
                            struct vmf_error *error)
{
  if (digest->xxh64) {
    (void)!XXH64_update(digest->xxh64, data, length);
    return VMF_OK;
  }
  if (digest->xxh3) {
    digest->xxh3->add(digest->xxh3_state, data, length);
    return VMF_OK;
  }
  if (!digest->started)
    VMF_TRY(start(digest, error));
  if (EVP_DigestUpdate(digest->context, data, length) != 1)
    return vmf_fail(error, VMF_SYSTEM, "OpenSSL cannot go on with a digest");
  return VMF_OK;
}

enum vmf_code vmf_digest_update(struct vmf_digest *digest, const void *data, size_t length,
                                struct vmf_error *error)
{
  enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_HASH);
  enum vmf_code code = update(digest, data, length, error);
  vmf_effort_end(before);
  return code;
}

enum vmf_code vmf_digest_final(struct vmf_digest *digest, uint8_t out[VMF_DIGEST_MAX],
                               struct vmf_error *error)
{
  if (digest->xxh64) {
    XXH64_canonical_t canonical;
    XXH64_canonicalFromHash(&canonical, XXH64_digest(digest->xxh64));
    memcpy(out, canonical.digest, sizeof canonical.digest);
    return start(digest, error);
  }
  if (digest->xxh3) {
    put_be64(out, digest->xxh3->end(digest->xxh3_state));
    return start(digest, error);
  }
  if (!digest->started)
    VMF_TRY(start(digest, error));
  if (EVP_DigestFinal_ex(digest->context, out, NULL) != 1)
    return vmf_fail(error, VMF_SYSTEM, "OpenSSL cannot end a digest");
  return start(digest, error);
}

enum vmf_code vmf_digest_each(struct vmf_digest *digest, const struct vmf_message *messages,
                              size_t count, struct vmf_error *error)
{
  while (count > 0) {
    const struct vmf_sha256_method *method =
        digest->kind == VMF_SHA256 ? vmf_sha256_choose(count) : NULL;
    size_t taken = method ? vmf_min(count, method->lanes) : 1;
    if (method) {
      enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_HASH);
      vmf_sha256_many(method, messages, taken);
      vmf_effort_end(before);
    } else {
      VMF_TRY(vmf_digest_update(digest, messages->data, messages->length, error));
      VMF_TRY(vmf_digest_final(digest, messages->out, error));
    }
    messages += taken;
    count -= taken;
  }
  return VMF_OK;
}

enum vmf_code vmf_digest_bytes(enum vmf_digest_kind kind, const void *data, size_t length,
                               uint8_t out[VMF_DIGEST_MAX], struct vmf_error *error)
{
  struct vmf_digest *digest;

  VMF_TRY(vmf_digest_new(kind, &digest, error));
  enum vmf_code code = vmf_digest_update(digest, data, length, error);
  if (code == VMF_OK)
    code = vmf_digest_final(digest, out, error);
  vmf_digest_free(digest);
  return code;
}

enum vmf_code vmf_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                              uint8_t out[VMF_SHA256_BYTES], struct vmf_error *error)
{
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_end()};
  EVP_MAC_CTX *context = have_methods() ? EVP_MAC_CTX_new(hmac) : NULL;
  size_t written;

  bool made = context && EVP_MAC_init(context, key, key_length, params) == 1 &&
              EVP_MAC_update(context, data, length) == 1 &&
              EVP_MAC_final(context, out, &written, VMF_SHA256_BYTES) == 1;
  EVP_MAC_CTX_free(context);
  return made ? VMF_OK : vmf_fail(error, VMF_SYSTEM, "OpenSSL makes no HMAC of SHA-256");
}

void vmf_quick_sum(const void *data, size_t length, uint8_t out[VMF_QUICK_SUM])
{
  vmf_xxh3_choose()->sum_128(data, length, out);
}

void vmf_digest_text(const uint8_t *digest, size_t size, char *text)
{
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < size; i++) {
    text[2 * i] = digits[digest[i] >> 4];
    text[2 * i + 1] = digits[digest[i] & 15];
  }
  text[2 * size] = '\0';
}
