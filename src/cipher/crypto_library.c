/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "crypto_library.h"

#include <openssl/crypto.h>
#include <pthread.h>

/* Guards `library`, which then stays. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static OSSL_LIB_CTX *library;

OSSL_LIB_CTX *vmf_crypto_library(void)
{
  pthread_mutex_lock(&library_lock);
  if (!library)
    library = OSSL_LIB_CTX_new();
  OSSL_LIB_CTX *made = library;
  pthread_mutex_unlock(&library_lock);
  return made;
}
