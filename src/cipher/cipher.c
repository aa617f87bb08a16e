/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "cipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "crypto_library.h"
#include "hash_name.h"
#include "memory.h"

enum { IV_BYTES = 16 };

enum iv_kind { IV_NONE, IV_PLAIN, IV_PLAIN64, IV_PLAIN64BE, IV_ESSIV };

struct vmf_cipher {
  struct vmf_cipher_kind kind;
  enum iv_kind iv;
  EVP_CIPHER_CTX *decrypting, *encrypting; /* with their key, only copied from; NULL: no key */
  EVP_CIPHER_CTX *essiv;                   /* encrypts numbers of sectors; or NULL */
};

static enum vmf_code no_such(const struct vmf_cipher_kind *kind, const char *what,
                             struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: cipher %.32s-%.32s with a key of %u bits is not supported, only aes and "
                  "camellia as OpenSSL has them: xts, cbc, ctr and ecb, with plain, plain64, "
                  "plain64be or essiv",
                  what, kind->name, kind->mode, 8 * kind->key_bytes);
}

/* ---- names ---- */

/* What OpenSSL calls it: "AES-256-XTS". */
static bool openssl_name(const struct vmf_cipher_kind *kind, char name[64])
{
  static const struct {
    const char *name, *openssl;
  } ciphers[] = {{"aes", "AES"}, {"camellia", "CAMELLIA"}};
  static const char *const modes[] = {"xts", "cbc", "ctr", "ecb"};
  size_t length = strcspn(kind->mode, "-");
  bool xts = strcmp(kind->mode, "xts") == 0 || strncmp(kind->mode, "xts-", 4) == 0;
  unsigned bits = kind->key_bytes * 8 / (xts ? 2 : 1);
  const char *cipher = NULL, *mode = NULL;

  for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
    cipher = strcmp(kind->name, ciphers[i].name) == 0 ? ciphers[i].openssl : cipher;
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
    if (strlen(modes[i]) == length && strncmp(kind->mode, modes[i], length) == 0)
      mode = modes[i];
  if (!cipher || !mode || (bits != 128 && bits != 192 && bits != 256))
    return false;
  snprintf(name, 64, "%s-%u-%s", cipher, bits, mode);
  return true;
}

/* *hash: of essiv. */
static bool iv_named(const char *mode, enum iv_kind *kind, const char **hash)
{
  static const struct {
    const char *name;
    enum iv_kind kind;
  } rows[] = {{"plain", IV_PLAIN}, {"plain64", IV_PLAIN64}, {"plain64be", IV_PLAIN64BE}};
  const char *dash = strchr(mode, '-'), *name = dash ? dash + 1 : "";

  *hash = NULL;
  if (strncmp(mode, "ecb", 3) == 0) {
    *kind = IV_NONE;
    return true;
  }
  if (strncmp(name, "essiv:", 6) == 0) {
    *kind = IV_ESSIV;
    *hash = name + 6;
    return true;
  }
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(name, rows[i].name) == 0) {
      *kind = rows[i].kind;
      return true;
    }
  return false;
}

/* ---- contexts ---- */

static enum vmf_code failed(const char *what, struct vmf_error *error)
{
  return vmf_fail(error, VMF_NOMEM, "%s: OpenSSL cannot go on with its cipher", what);
}

/* With its key, once for all that is copied from it. NULL: there is no such cipher. */
static EVP_CIPHER_CTX *keyed(const char *name, const uint8_t *key, size_t length, bool encrypts)
{
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(vmf_crypto_library(), name, NULL);
  EVP_CIPHER_CTX *made = cipher ? EVP_CIPHER_CTX_new() : NULL;
  bool fits = made && (size_t)EVP_CIPHER_get_key_length(cipher) == length &&
              EVP_CipherInit_ex2(made, cipher, key, NULL, encrypts, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(made, 0) == 1;

  EVP_CIPHER_free(cipher);
  if (fits)
    return made;
  EVP_CIPHER_CTX_free(made);
  return NULL;
}

/* Numbers of sectors are encrypted by a digest of the key, which is as long as one of AES. */
static enum vmf_code make_essiv(struct vmf_cipher *cipher, const char *hash, const uint8_t *key,
                                const char *what, struct vmf_error *error)
{
  const char *openssl = vmf_hash_name(hash);
  struct vmf_cipher_kind numbers = cipher->kind;
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t length = 0;
  char name[64];

  if (!openssl || EVP_Q_digest(vmf_crypto_library(), openssl, NULL, key, cipher->kind.key_bytes,
                               digest, &length) != 1)
    return no_such(&cipher->kind, what, error);
  strcpy(numbers.mode, "ecb");
  numbers.key_bytes = (uint32_t)length;
  if (openssl_name(&numbers, name))
    cipher->essiv = keyed(name, digest, length, true);
  OPENSSL_cleanse(digest, sizeof digest);
  return cipher->essiv ? VMF_OK : no_such(&cipher->kind, what, error);
}

static enum vmf_code fill(struct vmf_cipher *cipher, const uint8_t *key, const char *what,
                          struct vmf_error *error)
{
  const struct vmf_cipher_kind *kind = &cipher->kind;
  const char *hash;
  char name[64];

  if (!openssl_name(kind, name) || !iv_named(kind->mode, &cipher->iv, &hash))
    return no_such(kind, what, error);
  if (!key)
    return VMF_OK;
  cipher->decrypting = keyed(name, key, kind->key_bytes, false);
  cipher->encrypting = keyed(name, key, kind->key_bytes, true);
  if (!cipher->decrypting || !cipher->encrypting)
    return no_such(kind, what, error);
  return cipher->iv == IV_ESSIV ? make_essiv(cipher, hash, key, what, error) : VMF_OK;
}

enum vmf_code vmf_cipher_new(const struct vmf_cipher_kind *kind, const uint8_t *key,
                             const char *what, struct vmf_cipher **cipher, struct vmf_error *error)
{
  void *memory;

  *cipher = NULL;
  if (kind->key_bytes == 0 || kind->key_bytes > VMF_CIPHER_KEY_MAX)
    return no_such(kind, what, error);
  VMF_TRY(vmf_alloc(sizeof **cipher, &memory, error));
  struct vmf_cipher *made = memory;
  made->kind = *kind;
  if (made->kind.sector == 0)
    made->kind.sector = VMF_CIPHER_NUMBERED;
  enum vmf_code code = fill(made, key, what, error);
  if (code == VMF_OK)
    *cipher = made;
  else
    vmf_cipher_free(made);
  return code;
}

/* A key of which no two bytes are alike, since one with two equal halves is none of XTS. */
enum vmf_code vmf_cipher_check(const struct vmf_cipher_kind *kind, const char *what,
                               struct vmf_error *error)
{
  uint8_t key[VMF_CIPHER_KEY_MAX];
  struct vmf_cipher *cipher;

  for (unsigned i = 0; i < sizeof key; i++)
    key[i] = (uint8_t)i;
  VMF_TRY(vmf_cipher_new(kind, key, what, &cipher, error));
  vmf_cipher_free(cipher);
  return VMF_OK;
}

void vmf_cipher_free(struct vmf_cipher *cipher)
{
  if (!cipher)
    return;
  EVP_CIPHER_CTX_free(cipher->decrypting); /* which wipes it */
  EVP_CIPHER_CTX_free(cipher->encrypting);
  EVP_CIPHER_CTX_free(cipher->essiv);
  vmf_free(cipher);
}

uint32_t vmf_cipher_sector(const struct vmf_cipher *cipher)
{
  return cipher->kind.sector;
}

/* ---- sectors ---- */

static bool make_iv(const struct vmf_cipher *cipher, EVP_CIPHER_CTX *essiv, uint64_t number,
                    uint8_t iv[IV_BYTES])
{
  int length;

  memset(iv, 0, IV_BYTES);
  switch (cipher->iv) {
  case IV_NONE:
    return true;
  case IV_PLAIN:
    put_le32(iv, (uint32_t)number);
    return true;
  case IV_PLAIN64BE:
    put_be64(iv + 8, number);
    return true;
  case IV_PLAIN64:
  case IV_ESSIV:
    break;
  }
  put_le64(iv, number);
  return cipher->iv == IV_PLAIN64 || EVP_CipherUpdate(essiv, iv, &length, iv, IV_BYTES) == 1;
}

static bool run(const struct vmf_cipher *cipher, EVP_CIPHER_CTX *own, EVP_CIPHER_CTX *essiv,
                uint8_t *data, size_t length, uint64_t place)
{
  uint32_t sector = cipher->kind.sector;
  uint8_t iv[IV_BYTES];
  int done;

  for (size_t at = 0; at < length; at += sector) {
    uint64_t number = cipher->kind.iv_first + (place + at) / VMF_CIPHER_NUMBERED;
    if (!make_iv(cipher, essiv, number, iv) ||
        EVP_CipherInit_ex2(own, NULL, NULL, iv, -1, NULL) != 1 ||
        EVP_CipherUpdate(own, data + at, &done, data + at, (int)sector) != 1 ||
        (uint32_t)done != sector)
      return false;
  }
  return true;
}

static enum vmf_code run_all(const struct vmf_cipher *cipher, const EVP_CIPHER_CTX *keyed_context,
                             uint8_t *data, size_t length, uint64_t place, struct vmf_error *error)
{
  EVP_CIPHER_CTX *own = EVP_CIPHER_CTX_new(), *essiv = cipher->essiv ? EVP_CIPHER_CTX_new() : NULL;
  bool done = own && EVP_CIPHER_CTX_copy(own, keyed_context) == 1 &&
              (!cipher->essiv || (essiv && EVP_CIPHER_CTX_copy(essiv, cipher->essiv) == 1)) &&
              run(cipher, own, essiv, data, length, place);

  EVP_CIPHER_CTX_free(own);
  EVP_CIPHER_CTX_free(essiv);
  return done ? VMF_OK : failed(cipher->kind.name, error);
}

enum vmf_code vmf_cipher_decrypt(const struct vmf_cipher *cipher, uint8_t *data, size_t length,
                                 uint64_t place, struct vmf_error *error)
{
  if (!cipher->decrypting)
    return vmf_fail(error, VMF_SECRET, "the disk is encrypted, and was opened without a secret");
  return run_all(cipher, cipher->decrypting, data, length, place, error);
}

enum vmf_code vmf_cipher_encrypt(const struct vmf_cipher *cipher, uint8_t *data, size_t length,
                                 uint64_t place, struct vmf_error *error)
{
  return run_all(cipher, cipher->encrypting, data, length, place, error);
}
