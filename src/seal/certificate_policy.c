/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a signature and the certificate behind it must be: of 112 bits of strength at least, which
 * is OpenSSL's security level 2 (RSA of 2048 bits, curves of 224 bits, no MD5 and SHA-1), and meant
 * for signing (RFC 5280, sections 4.2.1.3, 4.2.1.9 and 4.2.1.12). */
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "certificate_check.h"

enum { STRENGTH_BITS = 112 };

bool vmf_certificate_digest_holds(int nid)
{
  static const int good[] = {NID_sha224,     NID_sha256,     NID_sha384,   NID_sha512,
                             NID_sha512_224, NID_sha512_256, NID_sha3_224, NID_sha3_256,
                             NID_sha3_384,   NID_sha3_512};

  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (nid == good[i])
      return true;
  return false;
}

static void check_key(struct vmf_certificate_check *check)
{
  EVP_PKEY *key = X509_get0_pubkey(check->signer);

  if (!key) {
    vmf_certificate_fail(check, "certificate-damaged", "the certificate's key cannot be used: %s",
                         vmf_pem_reason());
    check->unfit = true;
    return;
  }
  if (vmf_pem_rsa_bits(key) == 0)
    vmf_report_add(check->report, VMF_SEVERITY_WARNING, "signature-form", check->name, 0,
                   "the certificate has a key of the kind %s; ovftool and VirtualBox take RSA only",
                   vmf_pem_key_name(key));
  if (EVP_PKEY_get_security_bits(key) < STRENGTH_BITS)
    vmf_certificate_unfit(check, "signature-weak", 0,
                          "the certificate's key (%s, %d bits) can be broken; RSA of at least 2048 "
                          "and curves of at least 224 bits are hard to",
                          vmf_pem_key_name(key), EVP_PKEY_get_bits(key));
}

/* Where nobody is asked for, no chain may be found that would tell it. */
static void check_issued(struct vmf_certificate_check *check)
{
  int bits = STRENGTH_BITS;

  if (check->signature->self_signed || vmf_trust_severity(check->trust) == VMF_SEVERITY_FAILURE ||
      X509_get_signature_info(check->signer, NULL, NULL, &bits, NULL) != 1 || bits >= STRENGTH_BITS)
    return;
  vmf_certificate_unfit(check, "signature-weak", 0,
                        "the certificate of %s is signed with a digest for which forgeries can be "
                        "made",
                        check->signature->subject);
}

/* anyExtendedKeyUsage does not count for a signer: RFC 5280 leaves it to the application, and who
 * restricts nothing can leave the extension out. */
static void check_usage(struct vmf_certificate_check *check)
{
  const char *subject = check->signature->subject;
  uint32_t extended = X509_get_extended_key_usage(check->signer);

  if (!(X509_get_key_usage(check->signer) & KU_DIGITAL_SIGNATURE)) /* without it all are set */
    vmf_certificate_unfit(check, "certificate-usage", 0,
                          "the certificate of %s is not made for signing: its key usage has no "
                          "digitalSignature",
                          subject);
  if (!(extended & (XKU_CODE_SIGN | XKU_SMIME)))
    vmf_certificate_unfit(check, "certificate-usage", 0,
                          "the certificate of %s is made for something else: its extended key "
                          "usage has neither codeSigning nor emailProtection",
                          subject);
}

void vmf_certificate_check_signer(struct vmf_certificate_check *check)
{
  check_key(check);
  check_issued(check);
  check_usage(check);
  if (X509_check_ca(check->signer) != 0 && !vmf_certificate_is_pinned(check))
    vmf_certificate_unfit(check, "certificate-authority", 0,
                          "the certificate of %s is that of an authority (CA), which is to sign "
                          "certificates only; by its fingerprint (--signer) it is accepted",
                          check->signature->subject);
}

/* An authority for TLS servers does not vouch for signers. */
void vmf_certificate_check_issuer(struct vmf_certificate_check *check, X509 *issuer)
{
  if (!(X509_get_extended_key_usage(issuer) & (XKU_CODE_SIGN | XKU_SMIME | XKU_ANYEKU)))
    vmf_certificate_unfit(check, "certificate-usage", 0,
                          "an authority above %s vouches for something else: its extended key "
                          "usage has neither codeSigning nor emailProtection",
                          check->signature->subject);
}
