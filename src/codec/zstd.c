/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Zstandard frames by libzstd. */
#include <zstd.h>

#include "memory.h"
#include "method.h"

/* A window beyond 8 MiB is no unit of ours: refused before memory is taken for it. */
enum { WINDOW_LOG_MAX = 23 };

struct vmf_zstd_packer {
  ZSTD_CCtx *context;
  int level;
};

struct vmf_zstd_unpacker {
  ZSTD_DCtx *context;
};

static int zstd_level(int level)
{
  static const int levels[] = {[0] = 3, 1, 2, 3, 4, 5, 7, 9, 11, 13, 15, 17, 19};
  return levels[level];
}

enum vmf_code vmf_zstd_packer_new(int level, struct vmf_zstd_packer **packer,
                                  struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_zstd_packer), &memory, error));
  *packer = memory;
  (*packer)->level = zstd_level(level);
  (*packer)->context = ZSTD_createCCtx();
  return (*packer)->context ? VMF_OK : vmf_fail(error, VMF_NOMEM, "no memory for zstd");
}

void vmf_zstd_packer_free(struct vmf_zstd_packer *packer)
{
  if (packer)
    ZSTD_freeCCtx(packer->context);
  vmf_free(packer);
}

enum vmf_code vmf_zstd_pack(struct vmf_zstd_packer *packer, const void *data, size_t length,
                            void *packed, size_t capacity, size_t *packed_length,
                            struct vmf_error *error)
{
  size_t result = ZSTD_compressCCtx(packer->context, packed, capacity, data, length, packer->level);
  if (!ZSTD_isError(result)) {
    *packed_length = result;
    return VMF_OK;
  }
  /* The only thing that can go wrong with whole buffers is that the result does not fit. */
  return capacity < ZSTD_compressBound(length)
             ? VMF_OK
             : vmf_fail(error, VMF_SYSTEM, "zstd: %s", ZSTD_getErrorName(result));
}

enum vmf_code vmf_zstd_unpacker_new(struct vmf_zstd_unpacker **unpacker, struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_zstd_unpacker), &memory, error));
  *unpacker = memory;
  (*unpacker)->context = ZSTD_createDCtx();
  if (!(*unpacker)->context)
    return vmf_fail(error, VMF_NOMEM, "no memory for zstd");
  ZSTD_DCtx_setParameter((*unpacker)->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
  return VMF_OK;
}

void vmf_zstd_unpacker_free(struct vmf_zstd_unpacker *unpacker)
{
  if (unpacker)
    ZSTD_freeDCtx(unpacker->context);
  vmf_free(unpacker);
}

enum vmf_code vmf_zstd_unpack(struct vmf_zstd_unpacker *unpacker, const void *packed,
                              size_t packed_length, void *data, size_t capacity, size_t *length,
                              struct vmf_error *error)
{
  ZSTD_inBuffer in = {packed, packed_length, 0};
  ZSTD_outBuffer out = {data, capacity, 0};
  size_t left;

  ZSTD_DCtx_reset(unpacker->context, ZSTD_reset_session_only);
  do {
    size_t in_before = in.pos, out_before = out.pos;
    left = ZSTD_decompressStream(unpacker->context, &out, &in);
    if (ZSTD_isError(left))
      return vmf_fail(error, VMF_CORRUPT, "zstd data is damaged: %s", ZSTD_getErrorName(left));
    if (left > 0 && in.pos == in_before && out.pos == out_before)
      return vmf_fail(error, VMF_CORRUPT,
                      out.pos == capacity ? "zstd data unpacks to more than %zu bytes"
                                          : "zstd data ends before %zu bytes are unpacked",
                      capacity);
  } while (left > 0);
  *length = out.pos;
  return VMF_OK;
}
