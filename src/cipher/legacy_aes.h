/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The encryption that QCOW and QCOW2 had before LUKS: AES of 128 bits in CBC, whose key is the
 * first 16 bytes of the secret, with zeros behind a shorter one. Nothing tells whether it is the
 * right one. */
#ifndef VMF_CIPHER_LEGACY_AES_H
#define VMF_CIPHER_LEGACY_AES_H

#include "luks.h"

/* name: of the image. VMF_SECRET as vmf_luks_unlock; VMF_USAGE: there are several secrets, and
 * nothing tells which one it is. */
VMF_MUST_CHECK enum vmf_code vmf_legacy_aes_unlock(const char *name,
                                                   const struct vmf_unlocking *unlocking,
                                                   const struct vmf_log *log,
                                                   struct vmf_cipher **cipher,
                                                   struct vmf_error *error);

#endif
