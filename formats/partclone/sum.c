/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The checksums of all modes (Partclone's checksum.c), as they are stored: in the order of bytes of
 * the machine that wrote them, which is little-endian. */
#include <string.h>

#include "bytes.h"
#include "partclone.h"
#include "sums.h"

uint32_t partclone_crc(uint32_t sum, const void *bytes, size_t length)
{
  return ~vmf_crc32(~sum, bytes, length);
}

uint32_t partclone_sum_bytes(enum partclone_sum_mode mode)
{
  switch (mode) {
  case PARTCLONE_XXH64:
    return VMF_XXHASH_64;
  case PARTCLONE_XXH128:
    return VMF_XXHASH_128;
  case PARTCLONE_CRC32:
  case PARTCLONE_OLD_CRC:
    return PARTCLONE_CRC;
  case PARTCLONE_NONE:
    break;
  }
  return 0;
}

enum vmf_code partclone_sum_begin(enum partclone_sum_mode mode, struct partclone_sum *sum,
                                  struct vmf_error *error)
{
  *sum = (struct partclone_sum){.crc = UINT32_MAX};
  if (mode != PARTCLONE_XXH64 && mode != PARTCLONE_XXH128)
    return VMF_OK;
  return vmf_xxhash_new(mode == PARTCLONE_XXH64 ? VMF_XXHASH_64 : VMF_XXHASH_128, &sum->xxhash,
                        error);
}

void partclone_sum_add(struct partclone_sum *sum, const void *bytes, size_t length)
{
  if (sum->xxhash)
    vmf_xxhash_add(sum->xxhash, bytes, length);
  else
    sum->crc = partclone_crc(sum->crc, bytes, length);
}

void partclone_sum_get(const struct partclone_sum *sum, uint8_t out[PARTCLONE_SUM_MAX])
{
  memset(out, 0, PARTCLONE_SUM_MAX);
  if (sum->xxhash)
    vmf_xxhash_sum(sum->xxhash, out);
  else
    put_le32(out, sum->crc);
}

void partclone_sum_end(struct partclone_sum *sum)
{
  vmf_xxhash_free(sum->xxhash);
  sum->xxhash = NULL;
}
