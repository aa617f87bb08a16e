/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * OpenSSL's library context that ciphers and keys are made by. It is not the default one, which
 * reads configuration files. */
#ifndef VMF_CIPHER_CRYPTO_LIBRARY_H
#define VMF_CIPHER_CRYPTO_LIBRARY_H

#include <openssl/types.h>

/* Made once, and never freed; NULL: no memory. Any thread. */
OSSL_LIB_CTX *vmf_crypto_library(void);

#endif
