/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "legacy_aes.h"

#include <openssl/crypto.h>
#include <string.h>

#include "checked.h"

enum { KEY_BYTES = 16 };

enum vmf_code vmf_legacy_aes_unlock(const char *name, const struct vmf_unlocking *unlocking,
                                    const struct vmf_log *log, struct vmf_cipher **cipher,
                                    struct vmf_error *error)
{
  const struct vmf_cipher_kind kind = {
      .name = "aes", .mode = "cbc-plain64", .key_bytes = KEY_BYTES};
  uint8_t key[KEY_BYTES] = {0};

  *cipher = NULL;
  if (unlocking->count == 0)
    return unlocking->locked ? vmf_cipher_new(&kind, NULL, name, cipher, error)
                             : vmf_secret_missing(name, "AES", error);
  if (unlocking->count > 1)
    return vmf_fail(error, VMF_USAGE,
                    "%s: encrypted by AES, which does not tell which of %zu secrets is the right "
                    "one: give one",
                    name, unlocking->count);
  const struct vmf_secret *secret = &unlocking->secrets[0];
  memcpy(key, secret->bytes, vmf_min(secret->length, KEY_BYTES));
  vmf_warn(
      log,
      "%s: encrypted by AES, which does not tell whether the secret is right: with a wrong one "
      "all of the disk is noise",
      name);
  enum vmf_code code = vmf_cipher_new(&kind, key, name, cipher, error);
  OPENSSL_cleanse(key, sizeof key);
  return code;
}
