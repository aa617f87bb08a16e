/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * GUIDs in Microsoft's order: the first three fields are little-endian. */
#include <string.h>

#include "vhdx.h"

void vhdx_guid_text(const uint8_t guid[VMF_GUID_SIZE], char text[VMF_GUID_TEXT])
{
  uint8_t network[VMF_GUID_SIZE];

  vmf_guid_swap(guid, network);
  vmf_guid_text(network, text);
}
