/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "memory.h"
#include "sha256_pair.h"

/* The library context is its own: OpenSSL's default one crashes later where memory ran out while it
 * was made, and reads configuration files. */
struct vmf_digest {
  OSSL_LIB_CTX *library;
  EVP_MD *method;
  EVP_MD_CTX *context;
  bool pairs; /* by vmf_sha256_pair */
};

size_t vmf_digest_size(enum vmf_digest_kind kind)
{
  return kind == VMF_SHA1 ? 20 : kind == VMF_SHA256 ? 32 : 64;
}

static enum vmf_code start(struct vmf_digest *digest, struct vmf_error *error)
{
  if (EVP_DigestInit_ex2(digest->context, digest->method, NULL) != 1)
    return vmf_fail(error, VMF_SYSTEM, "OpenSSL cannot start a digest");
  return VMF_OK;
}

enum vmf_code vmf_digest_new(enum vmf_digest_kind kind, struct vmf_digest **digest,
                             struct vmf_error *error)
{
  static const char *const names[] = {
      [VMF_SHA256] = "SHA256", [VMF_SHA1] = "SHA1", [VMF_SHA512] = "SHA512"};
  void *memory;

  *digest = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_digest), &memory, error));
  struct vmf_digest *made = memory;
  made->pairs = kind == VMF_SHA256 && vmf_sha256_pair_usable();
  made->library = OSSL_LIB_CTX_new();
  if (made->library)
    made->method = EVP_MD_fetch(made->library, names[kind], NULL);
  made->context = EVP_MD_CTX_new();
  enum vmf_code code = made->method && made->context
                           ? start(made, error)
                           : vmf_fail(error, VMF_SYSTEM, "OpenSSL has no %s", names[kind]);
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
  EVP_MD_free(digest->method);
  OSSL_LIB_CTX_free(digest->library);
  vmf_free(digest);
}

enum vmf_code vmf_digest_update(struct vmf_digest *digest, const void *data, size_t length,
                                struct vmf_error *error)
{
  if (EVP_DigestUpdate(digest->context, data, length) != 1)
    return vmf_fail(error, VMF_SYSTEM, "OpenSSL cannot go on with a digest");
  return VMF_OK;
}

enum vmf_code vmf_digest_final(struct vmf_digest *digest, uint8_t out[VMF_DIGEST_MAX],
                               struct vmf_error *error)
{
  if (EVP_DigestFinal_ex(digest->context, out, NULL) != 1)
    return vmf_fail(error, VMF_SYSTEM, "OpenSSL cannot end a digest");
  return start(digest, error);
}

enum vmf_code vmf_digest_pair(struct vmf_digest *digest, const uint8_t *const data[2],
                              size_t length, uint8_t *const out[2], struct vmf_error *error)
{
  if (digest->pairs) {
    vmf_sha256_pair(data, length, out);
    return VMF_OK;
  }
  for (unsigned i = 0; i < 2; i++) {
    VMF_TRY(vmf_digest_update(digest, data[i], length, error));
    VMF_TRY(vmf_digest_final(digest, out[i], error));
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

void vmf_digest_text(const uint8_t *digest, size_t size, char *text)
{
  text[0] = '\0';
  for (size_t i = 0; i < size; i++)
    snprintf(text + 2 * i, 3, "%02x", digest[i]);
}
