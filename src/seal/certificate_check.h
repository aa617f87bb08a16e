/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_certificate_verify: what its files share. */
#ifndef VMF_SEAL_CERTIFICATE_CHECK_H
#define VMF_SEAL_CERTIFICATE_CHECK_H

#include "certificate.h"
#include "pem.h"

struct vmf_certificate_check {
  const char *name, *manifest_name;
  const void *manifest;
  size_t manifest_length;
  const struct vmf_trust *trust;
  struct vmf_report *report;
  struct vmf_signature *signature;
  OSSL_LIB_CTX *library;
  X509 *signer;            /* the first certificate; NULL: none */
  STACK_OF(X509) * others; /* those behind it, and those of CMS parts */
  bool unfit;              /* signature or certificate are too weak or made for something else */
};

/* Severity of what is only a question of trust. */
enum vmf_severity vmf_trust_severity(const struct vmf_trust *trust);

/* Tells a failure. */
void vmf_certificate_fail(const struct vmf_certificate_check *check, const char *rule,
                          const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Tells what makes a signer unfit: a failure where one is asked for, else a warning. */
void vmf_certificate_unfit(struct vmf_certificate_check *check, const char *rule, unsigned line,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Verifies a CMS part, whose signer must be check->signer; sets that where there was none. */
VMF_MUST_CHECK enum vmf_code vmf_certificate_check_cms(struct vmf_certificate_check *check,
                                                       CMS_ContentInfo *cms, bool *good,
                                                       struct vmf_error *error);

/* Whether the fingerprint that was asked for is the signer's. */
bool vmf_certificate_is_pinned(const struct vmf_certificate_check *check);

/* Key, usage and kind of the signer's certificate; after `signature` is filled. */
void vmf_certificate_check_signer(struct vmf_certificate_check *check);

/* The same for a certificate above it. */
void vmf_certificate_check_issuer(struct vmf_certificate_check *check, X509 *issuer);

/* Whether a digest is one for which no collisions can be made. */
bool vmf_certificate_digest_holds(int nid);

/* Chain, validity, fingerprint: sets signature->trusted. */
VMF_MUST_CHECK enum vmf_code vmf_certificate_check_trust(struct vmf_certificate_check *check,
                                                         struct vmf_error *error);

#endif
