/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Between pack.c and the libraries behind it. */
#ifndef VMF_CODEC_METHOD_H
#define VMF_CODEC_METHOD_H

#include <stdbool.h>

#include "codec.h"

struct vmf_deflate_packer;
enum vmf_code vmf_deflate_packer_new(enum vmf_codec codec, int level,
                                     struct vmf_deflate_packer **packer, struct vmf_error *error);
void vmf_deflate_packer_free(struct vmf_deflate_packer *packer);
enum vmf_code vmf_deflate_pack(struct vmf_deflate_packer *packer, const void *data, size_t length,
                               size_t neighbour, void *packed, size_t capacity,
                               size_t *packed_length, struct vmf_error *error);

struct vmf_inflater;
enum vmf_code vmf_inflater_new(struct vmf_inflater **inflater, struct vmf_error *error);
void vmf_inflater_free(struct vmf_inflater *inflater);
/* wrapped: with zlib's header and checksum (RFC 1950). */
enum vmf_code vmf_inflate(struct vmf_inflater *inflater, bool wrapped, const void *packed,
                          size_t packed_length, void *data, size_t capacity, size_t *length,
                          struct vmf_error *error);

struct vmf_zstd_packer;
enum vmf_code vmf_zstd_packer_new(enum vmf_codec codec, int level, struct vmf_zstd_packer **packer,
                                  struct vmf_error *error);
void vmf_zstd_packer_free(struct vmf_zstd_packer *packer);
enum vmf_code vmf_zstd_pack(struct vmf_zstd_packer *packer, const void *data, size_t length,
                            void *packed, size_t capacity, size_t *packed_length,
                            struct vmf_error *error);

enum vmf_code vmf_adc_unpack(const void *packed, size_t packed_length, void *data, size_t capacity,
                             size_t *length, struct vmf_error *error);
enum vmf_code vmf_bzip2_unpack(const void *packed, size_t packed_length, void *data,
                               size_t capacity, size_t *length, struct vmf_error *error);

struct vmf_xz_packer;
enum vmf_code vmf_xz_packer_new(int level, struct vmf_xz_packer **packer, struct vmf_error *error);
void vmf_xz_packer_free(struct vmf_xz_packer *packer);
enum vmf_code vmf_xz_pack(struct vmf_xz_packer *packer, const void *data, size_t length,
                          void *packed, size_t capacity, size_t *packed_length,
                          struct vmf_error *error);
size_t vmf_xz_packer_memory(int level);
size_t vmf_xz_pack_bound(size_t length);
enum vmf_code vmf_xz_unpack(const void *packed, size_t packed_length, void *data, size_t capacity,
                            size_t *length, struct vmf_error *error);

/* There is nothing to keep from one frame to the next. */
enum vmf_code vmf_lz4_pack(int level, const void *data, size_t length, void *packed,
                           size_t capacity, size_t *packed_length, struct vmf_error *error);
size_t vmf_lz4_packer_memory(int level);
size_t vmf_lz4_pack_bound(size_t length);

struct vmf_zstd_unpacker;
enum vmf_code vmf_zstd_unpacker_new(struct vmf_zstd_unpacker **unpacker, struct vmf_error *error);
void vmf_zstd_unpacker_free(struct vmf_zstd_unpacker *unpacker);
enum vmf_code vmf_zstd_unpack(struct vmf_zstd_unpacker *unpacker, const void *packed,
                              size_t packed_length, void *data, size_t capacity, size_t *length,
                              struct vmf_error *error);

#endif
