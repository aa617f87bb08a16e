/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * LZ4 frames by liblz4: independent blocks of up to 4 MiB, with the frame's size and checksum. */
#include <lz4frame.h>
#include <string.h>

#include "memory.h"
#include "method.h"

enum { LEVEL_SLOW = 3 /* from here on liblz4 keeps chains of matches */ };

static LZ4F_preferences_t preferences(int level, size_t length)
{
  return (LZ4F_preferences_t){.frameInfo = {.blockSizeID = LZ4F_max4MB,
                                            .blockMode = LZ4F_blockIndependent,
                                            .contentChecksumFlag = LZ4F_contentChecksumEnabled,
                                            .contentSize = length},
                              .compressionLevel = level};
}

enum vmf_code vmf_lz4_pack(int level, const void *data, size_t length, void *packed,
                           size_t capacity, size_t *packed_length, struct vmf_error *error)
{
  LZ4F_preferences_t settings = preferences(level, length);

  if (capacity < LZ4F_compressFrameBound(length, &settings))
    return VMF_OK; /* it may not fit */
  size_t result = LZ4F_compressFrame(packed, capacity, data, length, &settings);
  if (LZ4F_isError(result))
    return vmf_fail(error, VMF_NOMEM, "liblz4 cannot pack a unit: %s", LZ4F_getErrorName(result));
  *packed_length = result;
  return VMF_OK;
}

/* liblz4 1.9.4: 16 KiB for the fast levels, 256 KiB for the others; on the stack and freed after
 * every frame. */
size_t vmf_lz4_packer_memory(int level)
{
  return level >= LEVEL_SLOW ? 512 * 1024 : 64 * 1024;
}

size_t vmf_lz4_pack_bound(size_t length)
{
  LZ4F_preferences_t settings = preferences(0, length);
  return LZ4F_compressFrameBound(length, &settings);
}
