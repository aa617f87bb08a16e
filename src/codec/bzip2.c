/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Streams of bzip2, unpacked by libbz2. */
#ifdef VMF_HAVE_BZIP2
#include <bzlib.h>
#endif

#include "method.h"

enum vmf_code vmf_bzip2_unpack(const void *packed, size_t packed_length, void *data,
                               size_t capacity, size_t *length, struct vmf_error *error)
{
#ifdef VMF_HAVE_BZIP2
  unsigned used = (unsigned)capacity;
  int result = BZ2_bzBuffToBuffDecompress(data, &used, (char *)(uintptr_t)packed,
                                          (unsigned)packed_length, 0, 0);

  *length = used;
  if (result == BZ_OK)
    return VMF_OK;
  if (result == BZ_MEM_ERROR)
    return vmf_fail(error, VMF_NOMEM, "no memory for libbz2");
  return result == BZ_OUTBUFF_FULL
             ? vmf_fail(error, VMF_CORRUPT, "bzip2 data unpacks to more than %zu bytes", capacity)
             : vmf_fail(error, VMF_CORRUPT, "bzip2 data is damaged or incomplete");
#else
  (void)packed;
  (void)packed_length;
  (void)data;
  (void)capacity;
  *length = 0;
  return vmf_fail(error, VMF_UNSUPPORTED, "bzip2: this vmferry was built without libbz2");
#endif
}
