/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "virtualbox.h"

#include <string.h>

#include "model.h"

bool vmf_virtualbox_imports(unsigned type)
{
  static const unsigned known[] = {VMF_RESOURCE_CPU,     VMF_RESOURCE_MEMORY, VMF_RESOURCE_IDE,
                                   VMF_RESOURCE_SCSI,    VMF_RESOURCE_NIC,    VMF_RESOURCE_FLOPPY,
                                   VMF_RESOURCE_CD,      VMF_RESOURCE_DVD,    VMF_RESOURCE_DISK,
                                   VMF_RESOURCE_STORAGE, VMF_RESOURCE_USB,    VMF_RESOURCE_SOUND};

  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i] == type)
      return true;
  return false;
}

bool vmf_virtualbox_counts_in(const char *units)
{
  static const char *const known[] = {"MegaBytes", "MB", "byte * 2^20",
                                      "GigaBytes", "GB", "byte * 2^30"};

  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(units, known[i]) == 0)
      return true;
  return false;
}
