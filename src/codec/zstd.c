/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Zstandard frames by libzstd. Whole frames only: then the unpacked unit itself is the window, and
 * no frame makes the library take memory for a window that it claims. */
#include <zstd.h>
#include <zstd_errors.h>

#include "bytes.h"
#include "memory.h"
#include "method.h"

/* Level 1 for a unit of up to FAST_UNIT: a table of matches that stays in the first cache. Of
 * libzstd 1.5.4 on programs: 17 % faster than its level 1 and 3 % longer. */
enum { FAST_UNIT = 64 * 1024, FAST_HASH_LOG = 11 };

struct vmf_zstd_packer {
  ZSTD_CCtx *context;
  bool fast;
};

struct vmf_zstd_unpacker {
  ZSTD_DCtx *context;
};

/* The default of a unit is not longer than what qemu-img makes by libzstd's 3, whose tables are
 * those of longer data; that of a frame is libzstd's own. */
static int zstd_level(enum vmf_codec codec, int level)
{
  static const int levels[] = {[0] = 4, 1, 2, 3, 4, 5, 7, 9, 11, 13, 15, 17, 19};
  return level == 0 && codec == VMF_CODEC_ZSTD_FRAME ? ZSTD_CLEVEL_DEFAULT : levels[level];
}

/* The slow levels would take up to 34 MiB for a unit of 2 MiB: their tables are held to what a unit
 * of 64 KiB needs, which keeps a packer below vmf_packer_memory. */
static bool set_level(ZSTD_CCtx *context, int level)
{
  if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)))
    return false;
  return level < 4 || (!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, 17)) &&
                       !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_chainLog, 18)));
}

static bool set_up(ZSTD_CCtx *context, enum vmf_codec codec, int level)
{
  if (codec == VMF_CODEC_ZSTD)
    return set_level(context, zstd_level(codec, level));
  return !ZSTD_isError(
             ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, zstd_level(codec, level))) &&
         !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
}

enum vmf_code vmf_zstd_packer_new(enum vmf_codec codec, int level, struct vmf_zstd_packer **packer,
                                  struct vmf_error *error)
{
  void *memory;
  *packer = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_zstd_packer), &memory, error));
  struct vmf_zstd_packer *made = memory;
  made->context = ZSTD_createCCtx();
  if (!made->context || !set_up(made->context, codec, level)) {
    vmf_zstd_packer_free(made);
    return vmf_fail(error, VMF_NOMEM, "no memory for zstd");
  }
  made->fast = level == 1 && codec == VMF_CODEC_ZSTD;
  *packer = made;
  return VMF_OK;
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
  if (packer->fast) /* 0: the level's own; both are in range */
    (void)ZSTD_CCtx_setParameter(packer->context, ZSTD_c_hashLog,
                                 length <= FAST_UNIT ? FAST_HASH_LOG : 0);
  size_t result = ZSTD_compress2(packer->context, packed, capacity, data, length);
  if (!ZSTD_isError(result))
    *packed_length = result;
  else if (ZSTD_getErrorCode(result) != ZSTD_error_dstSize_tooSmall)
    return vmf_fail(error, VMF_NOMEM, "zstd cannot pack a unit: %s", ZSTD_getErrorName(result));
  return VMF_OK;
}

enum vmf_code vmf_zstd_unpacker_new(struct vmf_zstd_unpacker **unpacker, struct vmf_error *error)
{
  void *memory;
  *unpacker = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_zstd_unpacker), &memory, error));
  struct vmf_zstd_unpacker *made = memory;
  made->context = ZSTD_createDCtx();
  if (!made->context) {
    vmf_zstd_unpacker_free(made);
    return vmf_fail(error, VMF_NOMEM, "no memory for zstd");
  }
  *unpacker = made;
  return VMF_OK;
}

void vmf_zstd_unpacker_free(struct vmf_zstd_unpacker *unpacker)
{
  if (unpacker)
    ZSTD_freeDCtx(unpacker->context);
  vmf_free(unpacker);
}

static enum vmf_code zstd_damaged(size_t result, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "zstd data is damaged or incomplete: %s",
                  ZSTD_getErrorName(result));
}

enum vmf_code vmf_zstd_unpack(struct vmf_zstd_unpacker *unpacker, const void *packed,
                              size_t packed_length, void *data, size_t capacity, size_t *length,
                              struct vmf_error *error)
{
  if (packed_length < 4 || get_le32(packed) != ZSTD_MAGICNUMBER)
    return vmf_fail(error, VMF_CORRUPT, "zstd data does not start with a frame");
  size_t frame = ZSTD_findFrameCompressedSize(packed, packed_length);
  if (ZSTD_isError(frame))
    return zstd_damaged(frame, error);
  size_t result = ZSTD_decompressDCtx(unpacker->context, data, capacity, packed, frame);
  if (!ZSTD_isError(result)) {
    *length = result;
    return VMF_OK;
  }
  if (ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall)
    return vmf_fail(error, VMF_CORRUPT, "zstd data unpacks to more than %zu bytes", capacity);
  return zstd_damaged(result, error);
}
