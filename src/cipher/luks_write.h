/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A new header of LUKS1, with a new key, which one secret opens. */
#ifndef VMF_CIPHER_LUKS_WRITE_H
#define VMF_CIPHER_LUKS_WRITE_H

#include "cipher.h"
#include "vmferry.h"

struct vmf_luks_making {
  struct vmf_cipher_kind cipher; /* of the disk, and of the slot */
  const char *hash;
  uint32_t milliseconds; /* that deriving a key is to take */
};

/* Bytes that header and slots take, in front of the disk; and those of them that are not zeros. */
uint64_t vmf_luks_room(const struct vmf_luks_making *making);
uint64_t vmf_luks_used(const struct vmf_luks_making *making);

/* head: vmf_luks_used bytes, zeros before. */
VMF_MUST_CHECK enum vmf_code vmf_luks_make(const struct vmf_luks_making *making,
                                           const struct vmf_secret *secret, uint8_t *head,
                                           struct vmf_cipher **cipher, struct vmf_error *error);

#endif
