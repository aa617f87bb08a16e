/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Checks its input as the certificate file of a manifest that nobody has signed: it is never
 * good. */
#include "certificate.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

void fuzz_certificate_begin(void)
{
  /* the system's certificates take most of the time */
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  setenv("SSL_CERT_DIR", "/dev/null", 1);
}

void fuzz_certificate(const char *unused, const uint8_t *data, size_t size)
{
  (void)unused;
  static const char manifest[] = "SHA256(never.ovf)= signed by nobody\n";
  const struct vmf_trust trust = {.strict = true};
  const struct vmf_trust pinned = {.signer = "00"};
  struct vmf_report report = {0};
  struct vmf_signature signature;

  enum vmf_code code =
      vmf_certificate_verify("fuzz.cert", data, size, "fuzz.mf", manifest, strlen(manifest),
                             size % 2 ? &trust : &pinned, &report, &signature, NULL);
  if (signature.good || signature.trusted ||
      (code == VMF_OK && report.counts[VMF_SEVERITY_FAILURE] == 0))
    abort();
  vmf_signature_clear(&signature);
}
