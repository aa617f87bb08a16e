/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sums.h"

#include <zlib.h>
#ifdef VMF_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

uint32_t vmf_crc32(uint32_t crc, const void *bytes, size_t length)
{
#ifdef VMF_HAVE_LIBDEFLATE
  return libdeflate_crc32(crc, bytes, length);
#else
  return (uint32_t)crc32_z(crc, bytes, length);
#endif
}

/* By doubling: the sum of 1, 2, 4, ... zeros. */
uint32_t vmf_crc32_zeros(uint32_t crc, uint64_t length)
{
  const uint8_t zero = 0;
  uint32_t sum = vmf_crc32(0, &zero, 1);

  for (uint64_t count = 1; length > 0; length >>= 1, count <<= 1) {
    if (length & 1)
      crc = (uint32_t)crc32_combine(crc, sum, (z_off_t)count);
    sum = (uint32_t)crc32_combine(sum, sum, (z_off_t)count);
  }
  return crc;
}

uint32_t vmf_adler32(uint32_t adler, const void *bytes, size_t length)
{
#ifdef VMF_HAVE_LIBDEFLATE
  return libdeflate_adler32(adler, bytes, length);
#else
  return (uint32_t)adler32_z(adler, bytes, length);
#endif
}
