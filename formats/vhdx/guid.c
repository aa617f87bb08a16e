/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * GUIDs in Microsoft's order: the first three fields are little-endian. */
#include <string.h>

#include "vhdx.h"

static void swap_bytes(uint8_t *a, uint8_t *b)
{
  uint8_t byte = *a;
  *a = *b;
  *b = byte;
}

void vhdx_guid_swap(uint8_t guid[VMF_GUID_SIZE])
{
  swap_bytes(guid, guid + 3);
  swap_bytes(guid + 1, guid + 2);
  swap_bytes(guid + 4, guid + 5);
  swap_bytes(guid + 6, guid + 7);
}

void vhdx_guid_text(const uint8_t guid[VMF_GUID_SIZE], char text[VMF_GUID_TEXT])
{
  uint8_t network[VMF_GUID_SIZE];

  memcpy(network, guid, sizeof(network));
  vhdx_guid_swap(network);
  vmf_guid_text(network, text);
}

bool vhdx_guid_is_zero(const uint8_t guid[VMF_GUID_SIZE])
{
  static const uint8_t zero[VMF_GUID_SIZE];
  return memcmp(guid, zero, sizeof(zero)) == 0;
}
