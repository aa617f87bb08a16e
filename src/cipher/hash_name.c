/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "hash_name.h"

#include <openssl/evp.h>
#include <string.h>

#include "crypto_library.h"

const char *vmf_hash_name(const char *name)
{
  static const struct {
    const char *name, *openssl;
  } rows[] = {
      {"sha1", "SHA1"},         {"sha224", "SHA224"},          {"sha256", "SHA256"},
      {"sha384", "SHA384"},     {"sha512", "SHA512"},          {"ripemd160", "RIPEMD160"},
      {"md5", "MD5"},           {"sha3-256", "SHA3-256"},      {"sha3-384", "SHA3-384"},
      {"sha3-512", "SHA3-512"}, {"blake2b-512", "BLAKE2B512"}, {"blake2s-256", "BLAKE2S256"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i].name, name) == 0)
      return rows[i].openssl;
  return NULL;
}

EVP_MD *vmf_hash_fetch(const char *name)
{
  const char *openssl = vmf_hash_name(name);

  return openssl ? EVP_MD_fetch(vmf_crypto_library(), openssl, NULL) : NULL;
}

size_t vmf_hash_size(const char *name)
{
  EVP_MD *digest = vmf_hash_fetch(name);
  int size = digest ? EVP_MD_get_size(digest) : 0;

  EVP_MD_free(digest);
  return size > 0 ? (size_t)size : 0;
}
