/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One call packs or unpacks one whole unit (grain, cluster). The fastest library that was built in
 * does the work. */
#ifndef VMF_CODEC_CODEC_H
#define VMF_CODEC_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* One value per byte-compatible stream. */
enum vmf_codec {
  VMF_CODEC_NONE,
  VMF_CODEC_ZLIB,       /* RFC 1950, 32 KiB window: VMDK grains */
  VMF_CODEC_DEFLATE_4K, /* RFC 1951, written with a 4 KiB window (QCOW2 "zlib"); read with any
                           window */
  VMF_CODEC_ZSTD,       /* frames of RFC 8878: QCOW2 "zstd" */
  /* Of these a file of several is one stream for every tool. But for xz they are only packed here.
   */
  VMF_CODEC_GZIP_MEMBER, /* RFC 1952, without a name or time */
  VMF_CODEC_XZ_STREAM,   /* one block of LZMA2, CRC-64; read with any filters and a small window */
  VMF_CODEC_ZSTD_FRAME,  /* with its size and a checksum, and larger tables */
  VMF_CODEC_LZ4_FRAME,   /* with its size and a checksum */
  /* These are only unpacked here. */
  VMF_CODEC_BZIP2, /* one stream */
  VMF_CODEC_ADC,   /* Apple Data Compression: DMG */
};

/* Contexts are made on first use and kept: one packer or unpacker per thread. */
struct vmf_packer;
struct vmf_unpacker;

/* level: 1 fastest .. 12 smallest, for every codec; 0: the codec's default. */
VMF_MUST_CHECK enum vmf_code vmf_packer_new(enum vmf_codec codec, int level,
                                            struct vmf_packer **packer, struct vmf_error *error);
void vmf_packer_free(struct vmf_packer *packer);

/* Packs data into packed[capacity]; *packed_length = 0 when it does not fit (that is no error).
 * neighbour: packed length of the unit before, of the same length, 0 when there is none: a default
 * level may try less hard where that was long. The bytes depend on nothing but data and it. */
VMF_MUST_CHECK enum vmf_code vmf_pack(struct vmf_packer *packer, const void *data, size_t length,
                                      size_t neighbour, void *packed, size_t capacity,
                                      size_t *packed_length, struct vmf_error *error);

/* The libraries that pack, with their versions: where they differ, so may the bytes. */
const char *vmf_codec_libraries(void);

/* Memory that one packer takes, bytes; an upper bound for any unit up to 2 MiB. */
size_t vmf_packer_memory(enum vmf_codec codec, int level);

/* A capacity into which `length` bytes always fit. */
size_t vmf_pack_bound(enum vmf_codec codec, size_t length);

VMF_MUST_CHECK enum vmf_code vmf_unpacker_new(struct vmf_unpacker **unpacker,
                                              struct vmf_error *error);
void vmf_unpacker_free(struct vmf_unpacker *unpacker);

/* Unpacks one stream at the start of packed[packed_length] (bytes behind its end are ignored) into
 * data[capacity]. *length: bytes produced. VMF_CORRUPT when the stream is damaged, incomplete, or
 * longer than `capacity`. The text says only what is wrong with the stream; the caller adds which
 * unit of which file it was. */
VMF_MUST_CHECK enum vmf_code vmf_unpack(struct vmf_unpacker *unpacker, enum vmf_codec codec,
                                        const void *packed, size_t packed_length, void *data,
                                        size_t capacity, size_t *length, struct vmf_error *error);

#endif
