/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>
#include <string.h>

enum vmf_pem_result vmf_pem_next(BIO *bio, struct vmf_pem_block *block)
{
  char *header = NULL;

  *block = (struct vmf_pem_block){0};
  ERR_clear_error();
  int read = PEM_read_bio(bio, &block->label, &header, &block->bytes, &block->length);
  OPENSSL_free(header);
  if (read == 1)
    return VMF_PEM_BLOCK;
  unsigned long code = ERR_peek_last_error();
  bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return end ? VMF_PEM_END : VMF_PEM_DAMAGED;
}

void vmf_pem_clear(struct vmf_pem_block *block)
{
  OPENSSL_free(block->label);
  OPENSSL_clear_free(block->bytes, (size_t)block->length);
  *block = (struct vmf_pem_block){0};
}

bool vmf_pem_is_certificate(const struct vmf_pem_block *block)
{
  return strcmp(block->label, PEM_STRING_X509) == 0 ||
         strcmp(block->label, PEM_STRING_X509_OLD) == 0;
}

bool vmf_pem_is_cms(const struct vmf_pem_block *block)
{
  return strcmp(block->label, PEM_STRING_CMS) == 0 || strcmp(block->label, PEM_STRING_PKCS7) == 0 ||
         strcmp(block->label, PEM_STRING_PKCS7_SIGNED) == 0;
}

X509 *vmf_pem_certificate(OSSL_LIB_CTX *library, const struct vmf_pem_block *block)
{
  const unsigned char *at = block->bytes;
  X509 *certificate = X509_new_ex(library, NULL);

  if (certificate && !d2i_X509(&certificate, &at, block->length))
    return NULL; /* freed by d2i */
  return certificate;
}

CMS_ContentInfo *vmf_pem_cms(OSSL_LIB_CTX *library, const struct vmf_pem_block *block)
{
  const unsigned char *at = block->bytes;
  CMS_ContentInfo *cms = CMS_ContentInfo_new_ex(library, NULL);

  if (cms && !d2i_CMS_ContentInfo(&cms, &at, block->length))
    return NULL;
  return cms;
}

int vmf_pem_rsa_bits(const EVP_PKEY *key)
{
  return EVP_PKEY_is_a(key, "RSA") ? EVP_PKEY_get_bits(key) : 0;
}

const char *vmf_pem_key_name(const EVP_PKEY *key)
{
  const char *name = EVP_PKEY_get0_type_name(key);
  return name ? name : "unknown";
}

bool vmf_pem_hashes(const EVP_PKEY *key)
{
  return !EVP_PKEY_is_a(key, "ED25519") && !EVP_PKEY_is_a(key, "ED448");
}

int vmf_pem_validity(const X509 *certificate)
{
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
    return 1;
  return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0 ? -1 : 0;
}

const char *vmf_pem_reason(void)
{
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());

  ERR_clear_error();
  return reason ? reason : "no reason is given";
}
