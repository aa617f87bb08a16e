/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Sectors of a disk, en- and decrypted by OpenSSL: a cipher, a mode, and how a sector's number
 * becomes its initialisation vector, by the names that dm-crypt has for them ("aes",
 * "xts-plain64"). */
#ifndef VMF_CIPHER_CIPHER_H
#define VMF_CIPHER_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
  VMF_CIPHER_NUMBERED = 512, /* bytes that sectors are numbered by, whatever their size */
  VMF_CIPHER_SECTOR_MAX = 4096,
  VMF_CIPHER_KEY_MAX = 64, /* bytes */
};

/* How; all but the key. */
struct vmf_cipher_kind {
  char name[32], mode[32];
  uint32_t key_bytes;
  uint32_t sector;   /* bytes that are encrypted together; 0: 512 */
  uint64_t iv_first; /* the number of the sector at place 0 */
};

/* A key and what is done with it: nothing of it changes, any thread. */
struct vmf_cipher;

/* Whether OpenSSL can do it: VMF_UNSUPPORTED names what it cannot. `what` begins the message. */
VMF_MUST_CHECK enum vmf_code vmf_cipher_check(const struct vmf_cipher_kind *kind, const char *what,
                                              struct vmf_error *error);

/* key: kind->key_bytes. NULL: it is not known; then nothing can be read (VMF_SECRET), but where
 * sectors stand can be told. */
VMF_MUST_CHECK enum vmf_code vmf_cipher_new(const struct vmf_cipher_kind *kind, const uint8_t *key,
                                            const char *what, struct vmf_cipher **cipher,
                                            struct vmf_error *error);
void vmf_cipher_free(struct vmf_cipher *cipher); /* its key is wiped; NULL is allowed */

/* Bytes that are encrypted together: place and length below are multiples. */
uint32_t vmf_cipher_sector(const struct vmf_cipher *cipher);

/* What stands at `place`, in place. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_cipher_decrypt(const struct vmf_cipher *cipher, uint8_t *data,
                                                size_t length, uint64_t place,
                                                struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_cipher_encrypt(const struct vmf_cipher *cipher, uint8_t *data,
                                                size_t length, uint64_t place,
                                                struct vmf_error *error);

#endif
