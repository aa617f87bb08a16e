/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_certificate_verify: what its files share. */
#ifndef VMF_OVF_CERTIFICATE_CHECK_H
#define VMF_OVF_CERTIFICATE_CHECK_H

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
  STACK_OF(X509) * others; /* those behind it */
  CMS_ContentInfo *cms;    /* NULL: none */
};

/* Severity of what is only a question of trust. */
enum vmf_severity vmf_trust_severity(const struct vmf_trust *trust);

/* Tells a failure. */
void vmf_certificate_fail(const struct vmf_certificate_check *check, const char *rule,
                          const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Verifies the CMS part: sets signature->cms, and check->signer where there was none. */
VMF_MUST_CHECK enum vmf_code vmf_certificate_check_cms(struct vmf_certificate_check *check,
                                                       struct vmf_error *error);

/* Chain, validity, fingerprint: sets signature->trusted. */
VMF_MUST_CHECK enum vmf_code vmf_certificate_check_trust(struct vmf_certificate_check *check,
                                                         struct vmf_error *error);

#endif
