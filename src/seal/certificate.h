/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The certificate file (.cert): one line with the signature of the manifest's bytes (hex; of RSA
 * keys RSASSA-PKCS1 v1.5, of others what they make), the signer's X.509 certificate in PEM, and,
 * from VirtualBox 7 on, a detached CMS signature of the same bytes. */
#ifndef VMF_SEAL_CERTIFICATE_H
#define VMF_SEAL_CERTIFICATE_H

#include "digest.h"
#include "report.h"

enum { VMF_CERTIFICATE_BYTES = 1 << 20 };

/* Whom to trust. */
struct vmf_trust {
  const char *ca_file; /* PEM: accept only chains that end in one of these; NULL: the system's */
  const char *signer;  /* hex SHA-256 fingerprint of the only certificate to accept (colons and case
                        * do not matter); or NULL */
  bool strict;         /* a self-signed, unknown, expired or weak certificate, and one that is not
                        * made for signing, is a failure, no warning; so it is with a ca_file or a
                        * signer */
};

struct vmf_signature {
  bool good;                    /* all signatures are right for the manifest and the certificate */
  bool trusted;                 /* and the certificate is to be trusted */
  bool self_signed, cms;        /* cms: a CMS part is there, too, and good */
  char *subject, *issuer;       /* RFC 2253 */
  char fingerprint[2 * 32 + 1]; /* SHA-256 of the certificate, lower hex */
  char not_before[32], not_after[32]; /* ISO 8601, UTC */
};

/* Checks a certificate file against the bytes of the manifest. What is wrong goes to `report`:
 * "signature-wrong", "signature-form", "certificate-expired", "certificate-self-signed",
 * "certificate-untrusted", "certificate-usage", "signer-unexpected", ... *signature is filled as
 * far as it could be read; freed with vmf_signature_clear. Only VMF_NOMEM and a CA file that cannot
 * be read (VMF_SYSTEM) are errors. */
VMF_MUST_CHECK enum vmf_code vmf_certificate_verify(
    const char *name, const void *bytes, size_t length, const char *manifest_name,
    const void *manifest, size_t manifest_length, const struct vmf_trust *trust,
    struct vmf_report *report, struct vmf_signature *signature, struct vmf_error *error);
void vmf_signature_clear(struct vmf_signature *signature);

/* A key and its certificate. */
struct vmf_signer;

/* Both PEM; they may be one file. The key may be encrypted: passphrase_file holds the passphrase in
 * its first line (NULL: none). All three NULL: *signer is, too. VMF_USAGE: they do not belong
 * together, the key is missing, none of RSA, RSA-PSS, EC, Ed25519 and Ed448, or is weaker than RSA
 * of 2048 bits; VMF_SYSTEM: cannot be read. A certificate that is not valid now, or a key that is
 * not RSA, is a warning in the log. */
VMF_MUST_CHECK enum vmf_code vmf_signer_new(const char *key_path, const char *cert_path,
                                            const char *passphrase_file, const struct vmf_log *log,
                                            struct vmf_signer **signer, struct vmf_error *error);
void vmf_signer_free(struct vmf_signer *signer); /* NULL is allowed */

/* The certificate file for a manifest; `kind` is the digest of the signature (SHA-1 is refused:
 * VMF_USAGE). cms: with the CMS part behind (chain included). Its length depends on the signer,
 * kind, cms and manifest_name only, so that room can be kept for it. A fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_signer_sign(const struct vmf_signer *signer,
                                             const char *manifest_name, const void *manifest,
                                             size_t manifest_length, enum vmf_digest_kind kind,
                                             bool cms, char **text, size_t *length,
                                             struct vmf_error *error);

#endif
