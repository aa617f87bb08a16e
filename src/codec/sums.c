/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "sums.h"

#include <xxhash.h>
#include <zlib.h>
#ifdef VMF_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#include "bytes.h"
#include "memory.h"

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

struct vmf_xxhash {
  XXH64_state_t *sum_64; /* one of both */
  XXH3_state_t *sum_128;
};

enum vmf_code vmf_xxhash_new(enum vmf_xxhash_kind kind, struct vmf_xxhash **xxhash,
                             struct vmf_error *error)
{
  void *memory;

  *xxhash = NULL;
  VMF_TRY(vmf_alloc(sizeof **xxhash, &memory, error));
  struct vmf_xxhash *made = memory;
  if (kind == VMF_XXHASH_64)
    made->sum_64 = XXH64_createState();
  else
    made->sum_128 = XXH3_createState();
  if ((made->sum_64 && XXH64_reset(made->sum_64, 0) == XXH_OK) ||
      (made->sum_128 && XXH3_128bits_reset(made->sum_128) == XXH_OK)) {
    *xxhash = made;
    return VMF_OK;
  }
  vmf_xxhash_free(made);
  return vmf_fail(error, VMF_NOMEM, "no memory for a checksum of xxHash");
}

void vmf_xxhash_add(struct vmf_xxhash *xxhash, const void *bytes, size_t length)
{
  if (xxhash->sum_64)
    (void)!XXH64_update(xxhash->sum_64, bytes, length);
  else
    (void)!XXH3_128bits_update(xxhash->sum_128, bytes, length);
}

void vmf_xxhash_sum(const struct vmf_xxhash *xxhash, uint8_t *sum)
{
  if (xxhash->sum_64) {
    put_le64(sum, XXH64_digest(xxhash->sum_64));
  } else {
    XXH128_hash_t both = XXH3_128bits_digest(xxhash->sum_128);
    put_le64(sum, both.low64);
    put_le64(sum + 8, both.high64);
  }
}

void vmf_xxhash_free(struct vmf_xxhash *xxhash)
{
  if (!xxhash)
    return;
  XXH64_freeState(xxhash->sum_64);
  XXH3_freeState(xxhash->sum_128);
  vmf_free(xxhash);
}
