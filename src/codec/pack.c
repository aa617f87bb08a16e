/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One packer and one unpacker for every codec: which library does it is decided behind this. */
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "effort.h"
#include "memory.h"
#include "method.h"

enum { LEVEL_MAX = 12 };

/* The one whose member is set does the work. */
struct vmf_packer {
  enum vmf_codec codec;
  int level;
  struct vmf_deflate_packer *deflate;
  struct vmf_zstd_packer *zstd;
  struct vmf_xz_packer *xz;
};

struct vmf_unpacker {
  struct vmf_inflater *inflater;  /* made on first use */
  struct vmf_zstd_unpacker *zstd; /* likewise */
};

static enum vmf_code packer_start(struct vmf_packer *packer, struct vmf_error *error)
{
  switch (packer->codec) {
  case VMF_CODEC_ZLIB:
  case VMF_CODEC_DEFLATE_4K:
  case VMF_CODEC_GZIP_MEMBER:
    return vmf_deflate_packer_new(packer->codec, packer->level, &packer->deflate, error);
  case VMF_CODEC_ZSTD:
  case VMF_CODEC_ZSTD_FRAME:
    return vmf_zstd_packer_new(packer->codec, packer->level, &packer->zstd, error);
  case VMF_CODEC_XZ_STREAM:
    return vmf_xz_packer_new(packer->level, &packer->xz, error);
  case VMF_CODEC_LZ4_FRAME:
    return VMF_OK;
  case VMF_CODEC_NONE:
  case VMF_CODEC_BZIP2:
  case VMF_CODEC_ADC:
    break;
  }
  return vmf_fail(error, VMF_UNSUPPORTED, "codec %d does not pack", (int)packer->codec);
}

enum vmf_code vmf_packer_new(enum vmf_codec codec, int level, struct vmf_packer **packer,
                             struct vmf_error *error)
{
  void *memory;

  *packer = NULL;
  if (level < 0 || level > LEVEL_MAX)
    return vmf_fail(error, VMF_USAGE, "compression level %d: expected 1 (fastest) to 12 (smallest)",
                    level);
  VMF_TRY(vmf_alloc(sizeof(struct vmf_packer), &memory, error));
  struct vmf_packer *made = memory;
  made->codec = codec;
  made->level = level;
  enum vmf_code code = packer_start(made, error);
  if (code != VMF_OK) {
    vmf_packer_free(made);
    return code;
  }
  *packer = made;
  return VMF_OK;
}

void vmf_packer_free(struct vmf_packer *packer)
{
  if (!packer)
    return;
  vmf_deflate_packer_free(packer->deflate);
  vmf_zstd_packer_free(packer->zstd);
  vmf_xz_packer_free(packer->xz);
  vmf_free(packer);
}

/* The libraries count in 32 bits; units are far smaller. */
static enum vmf_code pack_check(size_t length, size_t capacity, struct vmf_error *error)
{
  if (length > INT32_MAX || capacity > INT32_MAX)
    return vmf_fail(error, VMF_USAGE, "a unit of %zu bytes in %zu: at most %d are accepted", length,
                    capacity, INT32_MAX);
  return VMF_OK;
}

static enum vmf_code pack(const struct vmf_packer *packer, const void *data, size_t length,
                          size_t neighbour, void *packed, size_t capacity, size_t *packed_length,
                          struct vmf_error *error)
{
  if (packer->zstd)
    return vmf_zstd_pack(packer->zstd, data, length, packed, capacity, packed_length, error);
  if (packer->xz)
    return vmf_xz_pack(packer->xz, data, length, packed, capacity, packed_length, error);
  if (packer->codec == VMF_CODEC_LZ4_FRAME)
    return vmf_lz4_pack(packer->level, data, length, packed, capacity, packed_length, error);
  return vmf_deflate_pack(packer->deflate, data, length, neighbour, packed, capacity, packed_length,
                          error);
}

enum vmf_code vmf_pack(struct vmf_packer *packer, const void *data, size_t length, size_t neighbour,
                       void *packed, size_t capacity, size_t *packed_length,
                       struct vmf_error *error)
{
  *packed_length = 0;
  VMF_TRY(pack_check(length, capacity, error));
  enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_PACK);
  enum vmf_code code =
      pack(packer, data, length, neighbour, packed, capacity, packed_length, error);
  vmf_effort_end(before);
  return code;
}

const char *vmf_codec_libraries(void)
{
  return VMF_PACKED_BY; /* meson knows them */
}

/* Measured with libdeflate 1.14 (its levels from 10 on keep every match of a block), ISA-L 2.30,
 * zlib 1.2.13 and libzstd 1.5.4 (whose levels of a frame are held by nothing but its size). */
size_t vmf_packer_memory(enum vmf_codec codec, int level)
{
  const size_t mebibyte = 1 << 20;

  switch (codec) {
  case VMF_CODEC_NONE:
  case VMF_CODEC_BZIP2:
  case VMF_CODEC_ADC:
    break;
  case VMF_CODEC_ZSTD:
    return 3 * mebibyte;
  case VMF_CODEC_ZSTD_FRAME:
    return (level >= 7 ? 36 : 8) * mebibyte;
  case VMF_CODEC_XZ_STREAM:
    return vmf_xz_packer_memory(level);
  case VMF_CODEC_LZ4_FRAME:
    return vmf_lz4_packer_memory(level);
  case VMF_CODEC_DEFLATE_4K:
    return mebibyte;
  case VMF_CODEC_ZLIB:
  case VMF_CODEC_GZIP_MEMBER:
    return (level >= 10 ? 9 : level == 0 ? 2 : 1) * mebibyte;
  }
  return 0;
}

size_t vmf_pack_bound(enum vmf_codec codec, size_t length)
{
  switch (codec) {
  case VMF_CODEC_NONE:
  case VMF_CODEC_BZIP2:
  case VMF_CODEC_ADC:
    return length;
  case VMF_CODEC_ZSTD:
  case VMF_CODEC_ZSTD_FRAME:
    return ZSTD_compressBound(length);
  case VMF_CODEC_XZ_STREAM:
    return vmf_xz_pack_bound(length);
  case VMF_CODEC_LZ4_FRAME:
    return vmf_lz4_pack_bound(length);
  case VMF_CODEC_ZLIB: /* libdeflate's and ISA-L's stored blocks need a little more than zlib's */
  case VMF_CODEC_GZIP_MEMBER:
    return compressBound((uLong)length) + length / 1024 + 512;
  case VMF_CODEC_DEFLATE_4K: /* zlib's own bound where stored blocks do not reach beyond a window */
    break;
  }
  return length + length / 8 + length / 256 + length / 512 + 512;
}

enum vmf_code vmf_unpacker_new(struct vmf_unpacker **unpacker, struct vmf_error *error)
{
  void *memory;
  *unpacker = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_unpacker), &memory, error));
  *unpacker = memory;
  return VMF_OK;
}

void vmf_unpacker_free(struct vmf_unpacker *unpacker)
{
  if (!unpacker)
    return;
  vmf_inflater_free(unpacker->inflater);
  vmf_zstd_unpacker_free(unpacker->zstd);
  vmf_free(unpacker);
}

/* Stored as it is. */
static enum vmf_code copy_unit(const void *stored, size_t stored_length, void *data,
                               size_t capacity, size_t *length, struct vmf_error *error)
{
  if (stored_length > capacity)
    return vmf_fail(error, VMF_CORRUPT, "has %zu bytes, at most %zu are possible", stored_length,
                    capacity);
  memcpy(data, stored, stored_length);
  *length = stored_length;
  return VMF_OK;
}

static enum vmf_code unpack(struct vmf_unpacker *unpacker, enum vmf_codec codec, const void *packed,
                            size_t packed_length, void *data, size_t capacity, size_t *length,
                            struct vmf_error *error)
{
  if (codec == VMF_CODEC_ZSTD) {
    if (!unpacker->zstd)
      VMF_TRY(vmf_zstd_unpacker_new(&unpacker->zstd, error));
    return vmf_zstd_unpack(unpacker->zstd, packed, packed_length, data, capacity, length, error);
  }
  if (codec == VMF_CODEC_NONE)
    return copy_unit(packed, packed_length, data, capacity, length, error);
  if (codec == VMF_CODEC_XZ_STREAM)
    return vmf_xz_unpack(packed, packed_length, data, capacity, length, error);
  if (codec == VMF_CODEC_BZIP2)
    return vmf_bzip2_unpack(packed, packed_length, data, capacity, length, error);
  if (codec == VMF_CODEC_ADC)
    return vmf_adc_unpack(packed, packed_length, data, capacity, length, error);
  if (codec != VMF_CODEC_ZLIB && codec != VMF_CODEC_DEFLATE_4K)
    return vmf_fail(error, VMF_UNSUPPORTED, "codec %d does not unpack", (int)codec);
  if (!unpacker->inflater)
    VMF_TRY(vmf_inflater_new(&unpacker->inflater, error));
  return vmf_inflate(unpacker->inflater, codec == VMF_CODEC_ZLIB, packed, packed_length, data,
                     capacity, length, error);
}

enum vmf_code vmf_unpack(struct vmf_unpacker *unpacker, enum vmf_codec codec, const void *packed,
                         size_t packed_length, void *data, size_t capacity, size_t *length,
                         struct vmf_error *error)
{
  *length = 0;
  VMF_TRY(pack_check(packed_length, capacity, error));
  enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_UNPACK);
  enum vmf_code code =
      unpack(unpacker, codec, packed, packed_length, data, capacity, length, error);
  vmf_effort_end(before);
  return code;
}
