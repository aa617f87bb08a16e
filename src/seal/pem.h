/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What certificate.c and signer.c share of OpenSSL: a library context of their own, as in digest.c,
 * and certificates read from PEM. */
#ifndef VMF_SEAL_PEM_H
#define VMF_SEAL_PEM_H

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/types.h>
#include <openssl/x509.h>

#include "error.h"

enum { VMF_PEM_BLOCKS = 64 }; /* that are read */

/* One block "-----BEGIN LABEL-----". */
struct vmf_pem_block {
  char *label;
  unsigned char *bytes; /* DER */
  long length;
};

enum vmf_pem_result { VMF_PEM_BLOCK, VMF_PEM_END, VMF_PEM_DAMAGED };

/* The next block; text between blocks is skipped. Cleared by vmf_pem_clear. */
enum vmf_pem_result vmf_pem_next(BIO *bio, struct vmf_pem_block *block);
void vmf_pem_clear(struct vmf_pem_block *block);

bool vmf_pem_is_certificate(const struct vmf_pem_block *block);
bool vmf_pem_is_cms(const struct vmf_pem_block *block);

/* NULL: it is none, or no memory. The caller frees it. */
X509 *vmf_pem_certificate(OSSL_LIB_CTX *library, const struct vmf_pem_block *block);
CMS_ContentInfo *vmf_pem_cms(OSSL_LIB_CTX *library, const struct vmf_pem_block *block);

/* Of RSA keys (PKCS #1 v1.5); 0: another kind. */
int vmf_pem_rsa_bits(const EVP_PKEY *key);

/* "RSA", "RSA-PSS", "EC", "ED25519", ... */
const char *vmf_pem_key_name(const EVP_PKEY *key);

/* Whether it signs a digest; false: the bytes themselves (Ed25519, Ed448). */
bool vmf_pem_hashes(const EVP_PKEY *key);

/* Whether it is valid now: 0, -1: no more, 1: not yet. */
int vmf_pem_validity(const X509 *certificate);

/* "certificate has expired": what OpenSSL said last, in words; empties its queue. */
const char *vmf_pem_reason(void);

#endif
