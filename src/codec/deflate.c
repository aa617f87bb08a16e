/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Deflate, raw and in the wrapping of zlib or gzip. libdeflate packs and unpacks whole units
 * fastest but always uses a 32 KiB window; ISA-L packs with the 4 KiB window that readers of QCOW2
 * allow for, and serves the fast levels; zlib does what is left, so that the default of QCOW2 is
 * not longer than what qemu-img makes. Every one of them gives the same bytes for the same input at
 * every call and on every processor: ISA-L's level 3 does not, and is not used. */
#include <zlib.h>
#ifdef VMF_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef VMF_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "memory.h"
#include "method.h"

enum {
  WINDOW_4K = 12,
  WINDOW_32K = 15,
  LEVEL_DEFAULT = 6,
  ZLIB_MEMORY = 8,
  ZLIB_MEMORY_4K = 9, /* as qemu-img has it: the same bytes at level 6 */
  LEVELS_ISAL_4K = 6, /* 1 to this one */
  ZLIB_GZIP = 16,
  ISAL_HEAD = 4
};

/* libdeflate's level 6 makes a unit that packs well smaller by 2 % than level 5, one that does not
 * by 0.5 %, and takes a fifth longer: where the neighbour keeps more than a quarter of its length,
 * the default is level 5. In all that stays below what zlib's level 6 makes (programs: 0.4 %). */
enum { LEVEL_QUICK = 5 };

/* The one library whose members are set does the work. */
struct vmf_deflate_packer {
  enum vmf_codec codec;
#ifdef VMF_HAVE_LIBDEFLATE
  struct libdeflate_compressor *libdeflate, *quick; /* quick: NULL where a level was asked for */
#endif
#ifdef VMF_HAVE_ISAL
  struct isal_zstream *isal;
  uint8_t *isal_level_buffer;
  uint32_t isal_level, isal_level_size;
#endif
  z_stream *zlib;
};

/* In zlib's or gzip's wrapping, with a window of 32 KiB. */
static bool is_wrapped(const struct vmf_deflate_packer *packer)
{
  return packer->codec != VMF_CODEC_DEFLATE_4K;
}

/* ---- ISA-L ---- */

#ifdef VMF_HAVE_ISAL
static enum vmf_code isal_new(struct vmf_deflate_packer *packer, unsigned level,
                              struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc_pages(sizeof(struct isal_zstream), &memory, error));
  packer->isal = memory;
  packer->isal_level = level;
  packer->isal_level_size = level == 1 ? ISAL_DEF_LVL1_DEFAULT : ISAL_DEF_LVL2_DEFAULT;
  VMF_TRY(vmf_alloc_pages(packer->isal_level_size, &memory, error));
  packer->isal_level_buffer = memory;
  return VMF_OK;
}

static void isal_start(struct vmf_deflate_packer *packer, const void *data, void *packed,
                       size_t capacity)
{
  struct isal_zstream *stream = packer->isal;

  isal_deflate_init(stream);
  stream->level = packer->isal_level;
  stream->level_buf = packer->isal_level_buffer;
  stream->level_buf_size = packer->isal_level_size;
  stream->gzip_flag = packer->codec == VMF_CODEC_GZIP_MEMBER ? IGZIP_GZIP
                      : is_wrapped(packer)                   ? IGZIP_ZLIB
                                                             : IGZIP_DEFLATE;
  stream->hist_bits = is_wrapped(packer) ? WINDOW_32K : WINDOW_4K;
  stream->next_in = (uint8_t *)data;
  stream->next_out = packed;
  stream->avail_out = (uint32_t)capacity;
}

/* ISA-L 2.30 starts its match finder with the address of the stream in place of data, so that what
 * it finds would depend on where its memory lies. ISAL_HEAD bytes that are flushed go through other
 * code and leave the match finder in a good state; they cost about ten bytes of output. */
static enum vmf_code isal_pack(struct vmf_deflate_packer *packer, const void *data, size_t length,
                               void *packed, size_t capacity, size_t *packed_length,
                               struct vmf_error *error)
{
  struct isal_zstream *stream = packer->isal;
  int result = COMP_OK;

  isal_start(packer, data, packed, capacity);
  if (length > ISAL_HEAD) {
    stream->avail_in = ISAL_HEAD;
    stream->flush = SYNC_FLUSH;
    result = isal_deflate(stream);
    if (result == COMP_OK && stream->avail_in > 0)
      return VMF_OK; /* it does not fit */
  }
  if (result == COMP_OK) {
    stream->avail_in = (uint32_t)(length - stream->total_in);
    stream->flush = NO_FLUSH;
    stream->end_of_stream = 1;
    result = isal_deflate(stream);
  }
  if (result != COMP_OK)
    return vmf_fail(error, VMF_SYSTEM, "ISA-L cannot pack a unit: error %d", result);
  if (stream->internal_state.state == ZSTATE_END)
    *packed_length = stream->total_out;
  return VMF_OK;
}
#endif

/* ---- zlib ---- */

/* Of 1 to 12, the upper six are zlib's upper six. */
static int zlib_level(int level)
{
  if (level == 0)
    return LEVEL_DEFAULT;
  return level <= 6 ? (level + 1) / 2 : level - 3;
}

static int zlib_window(const struct vmf_deflate_packer *packer)
{
  if (packer->codec == VMF_CODEC_GZIP_MEMBER)
    return WINDOW_32K + ZLIB_GZIP;
  return is_wrapped(packer) ? WINDOW_32K : -WINDOW_4K;
}

static enum vmf_code zlib_new(struct vmf_deflate_packer *packer, int level, struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc(sizeof(z_stream), &memory, error));
  packer->zlib = memory;
  if (deflateInit2(packer->zlib, zlib_level(level), Z_DEFLATED, zlib_window(packer),
                   is_wrapped(packer) ? ZLIB_MEMORY : ZLIB_MEMORY_4K, Z_DEFAULT_STRATEGY) != Z_OK)
    return vmf_fail(error, VMF_NOMEM, "zlib cannot start");
  return VMF_OK;
}

static enum vmf_code zlib_pack(struct vmf_deflate_packer *packer, const void *data, size_t length,
                               void *packed, size_t capacity, size_t *packed_length,
                               struct vmf_error *error)
{
  z_stream *stream = packer->zlib;

  if (deflateReset(stream) != Z_OK)
    return vmf_fail(error, VMF_SYSTEM, "zlib cannot start anew");
  stream->next_in = (Bytef *)data;
  stream->avail_in = (uInt)length;
  stream->next_out = packed;
  stream->avail_out = (uInt)capacity;
  if (deflate(stream, Z_FINISH) == Z_STREAM_END)
    *packed_length = capacity - stream->avail_out;
  return VMF_OK;
}

/* ---- which one ---- */

static enum vmf_code deflate_choose(struct vmf_deflate_packer *packer, int level,
                                    struct vmf_error *error)
{
#ifdef VMF_HAVE_ISAL
  if (is_wrapped(packer) && level == 1)
    return isal_new(packer, 1, error);
  if (!is_wrapped(packer) && level > 0 && level <= LEVELS_ISAL_4K)
    return isal_new(packer, 2, error); /* 1 takes as long there, and makes more */
#endif
#ifdef VMF_HAVE_LIBDEFLATE
  if (is_wrapped(packer)) {
    packer->libdeflate = libdeflate_alloc_compressor(level > 0 ? level : LEVEL_DEFAULT);
    if (level == 0)
      packer->quick = libdeflate_alloc_compressor(LEVEL_QUICK);
    return packer->libdeflate && (packer->quick || level > 0)
               ? VMF_OK
               : vmf_fail(error, VMF_NOMEM, "no memory for libdeflate");
  }
#endif
  return zlib_new(packer, level, error);
}

enum vmf_code vmf_deflate_packer_new(enum vmf_codec codec, int level,
                                     struct vmf_deflate_packer **packer, struct vmf_error *error)
{
  void *memory;
  *packer = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_deflate_packer), &memory, error));
  struct vmf_deflate_packer *made = memory;
  made->codec = codec;
  enum vmf_code code = deflate_choose(made, level, error);
  if (code != VMF_OK)
    vmf_deflate_packer_free(made);
  else
    *packer = made;
  return code;
}

void vmf_deflate_packer_free(struct vmf_deflate_packer *packer)
{
  if (!packer)
    return;
#ifdef VMF_HAVE_LIBDEFLATE
  libdeflate_free_compressor(packer->libdeflate);
  libdeflate_free_compressor(packer->quick);
#endif
#ifdef VMF_HAVE_ISAL
  vmf_free(packer->isal);
  vmf_free(packer->isal_level_buffer);
#endif
  if (packer->zlib)
    deflateEnd(packer->zlib);
  vmf_free(packer->zlib);
  vmf_free(packer);
}

enum vmf_code vmf_deflate_pack(struct vmf_deflate_packer *packer, const void *data, size_t length,
                               size_t neighbour, void *packed, size_t capacity,
                               size_t *packed_length, struct vmf_error *error)
{
  (void)neighbour; /* of no use to the other libraries */
#ifdef VMF_HAVE_ISAL
  if (packer->isal)
    return isal_pack(packer, data, length, packed, capacity, packed_length, error);
#endif
#ifdef VMF_HAVE_LIBDEFLATE
  if (packer->libdeflate) {
    struct libdeflate_compressor *compressor =
        packer->quick && neighbour > length / 4 ? packer->quick : packer->libdeflate;
    *packed_length = packer->codec == VMF_CODEC_GZIP_MEMBER
                         ? libdeflate_gzip_compress(compressor, data, length, packed, capacity)
                         : libdeflate_zlib_compress(compressor, data, length, packed, capacity);
    return VMF_OK;
  }
#endif
  return zlib_pack(packer, data, length, packed, capacity, packed_length, error);
}

/* ---- unpacking ---- */

static enum vmf_code inflate_damaged(struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "deflate data is damaged or incomplete");
}

static enum vmf_code inflate_long(size_t capacity, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "deflate data unpacks to more than %zu bytes", capacity);
}

#ifdef VMF_HAVE_LIBDEFLATE
struct vmf_inflater {
  struct libdeflate_decompressor *libdeflate;
};

enum vmf_code vmf_inflater_new(struct vmf_inflater **inflater, struct vmf_error *error)
{
  void *memory;
  *inflater = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_inflater), &memory, error));
  struct vmf_inflater *made = memory;
  made->libdeflate = libdeflate_alloc_decompressor();
  if (!made->libdeflate) {
    vmf_inflater_free(made);
    return vmf_fail(error, VMF_NOMEM, "no memory for libdeflate");
  }
  *inflater = made;
  return VMF_OK;
}

void vmf_inflater_free(struct vmf_inflater *inflater)
{
  if (inflater)
    libdeflate_free_decompressor(inflater->libdeflate);
  vmf_free(inflater);
}

enum vmf_code vmf_inflate(struct vmf_inflater *inflater, bool wrapped, const void *packed,
                          size_t packed_length, void *data, size_t capacity, size_t *length,
                          struct vmf_error *error)
{
  size_t used;
  enum libdeflate_result result =
      wrapped ? libdeflate_zlib_decompress_ex(inflater->libdeflate, packed, packed_length, data,
                                              capacity, &used, length)
              : libdeflate_deflate_decompress_ex(inflater->libdeflate, packed, packed_length, data,
                                                 capacity, &used, length);
  if (result == LIBDEFLATE_SUCCESS)
    return VMF_OK;
  return result == LIBDEFLATE_INSUFFICIENT_SPACE ? inflate_long(capacity, error)
                                                 : inflate_damaged(error);
}
#else
struct vmf_inflater {
  z_stream wrapped, raw;
};

enum vmf_code vmf_inflater_new(struct vmf_inflater **inflater, struct vmf_error *error)
{
  void *memory;
  *inflater = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_inflater), &memory, error));
  struct vmf_inflater *made = memory;
  if (inflateInit2(&made->wrapped, WINDOW_32K) != Z_OK ||
      inflateInit2(&made->raw, -WINDOW_32K) != Z_OK) {
    vmf_inflater_free(made);
    return vmf_fail(error, VMF_NOMEM, "zlib cannot start");
  }
  *inflater = made;
  return VMF_OK;
}

void vmf_inflater_free(struct vmf_inflater *inflater)
{
  if (!inflater)
    return;
  inflateEnd(&inflater->wrapped);
  inflateEnd(&inflater->raw);
  vmf_free(inflater);
}

enum vmf_code vmf_inflate(struct vmf_inflater *inflater, bool wrapped, const void *packed,
                          size_t packed_length, void *data, size_t capacity, size_t *length,
                          struct vmf_error *error)
{
  z_stream *stream = wrapped ? &inflater->wrapped : &inflater->raw;

  if (inflateReset(stream) != Z_OK)
    return vmf_fail(error, VMF_SYSTEM, "zlib cannot start anew");
  stream->next_in = (Bytef *)packed;
  stream->avail_in = (uInt)packed_length;
  stream->next_out = data;
  stream->avail_out = (uInt)capacity;
  int result = inflate(stream, Z_FINISH);
  *length = capacity - stream->avail_out;
  if (result == Z_STREAM_END)
    return VMF_OK;
  return result == Z_BUF_ERROR && stream->avail_out == 0 ? inflate_long(capacity, error)
                                                         : inflate_damaged(error);
}
#endif
