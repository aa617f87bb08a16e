/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package whose descriptor is changed before it is written. */
#include "memory.h"
#include "package.h"

enum vmf_code vmf_package_redescribe(struct vmf_package *package, char *text, size_t length,
                                     struct vmf_error *error)
{
  struct vmf_ovf *ovf;
  enum vmf_code code = vmf_ovf_read(package->name, text, length, NULL, &ovf, error);

  if (code != VMF_OK) {
    vmf_free(text);
    return vmf_while(error, "what would be written cannot be read");
  }
  if (package->descriptor != package->ovf->xml->text)
    vmf_free(package->descriptor);
  vmf_ovf_free(package->ovf);
  package->ovf = ovf;
  package->descriptor = text;
  package->descriptor_length = length;
  return VMF_OK;
}
