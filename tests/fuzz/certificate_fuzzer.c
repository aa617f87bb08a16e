/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Checks its input as the certificate file of a manifest that nobody has signed: it is never
 * good. */
#include "certificate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  /* the system's certificates take most of the time */
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  setenv("SSL_CERT_DIR", "/dev/null", 1);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
  return 0;
}
