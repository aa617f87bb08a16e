/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reads its input as a manifest. What was read without a failure is written, and read again: the
 * same entries, and nothing to be told. */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "memory.h"

static void check_again(const struct vmf_manifest *manifest)
{
  struct vmf_report report = {0};
  struct vmf_manifest *again;
  char *text;
  size_t length;

  if (vmf_manifest_write(manifest, &text, &length, NULL) != VMF_OK ||
      vmf_manifest_read("fuzz.mf", text, length, &report, &again, NULL) != VMF_OK ||
      again->count != manifest->count || report.counts[VMF_SEVERITY_FAILURE] > 0 ||
      (report.counts[VMF_SEVERITY_WARNING] > 0) != (manifest->count == 0))
    abort();
  for (size_t i = 0; i < again->count; i++)
    if (strcmp(again->entries[i].name, manifest->entries[i].name) != 0 ||
        again->entries[i].kind != manifest->entries[i].kind)
      abort();
  vmf_manifest_free(again);
  vmf_free(text);
}

void fuzz_manifest(const char *unused, const uint8_t *data, size_t size)
{
  (void)unused;
  struct vmf_report report = {0};
  struct vmf_manifest *manifest;

  if (vmf_manifest_read("fuzz.mf", data, size, &report, &manifest, NULL) != VMF_OK)
    return;
  if (report.counts[VMF_SEVERITY_FAILURE] == 0)
    check_again(manifest);
  vmf_manifest_free(manifest);
}
