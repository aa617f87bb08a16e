/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The checksums of zlib, which formats have apart from its streams, too. */
#ifndef VMF_CODEC_SUMS_H
#define VMF_CODEC_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (of Ethernet, gzip), continued: 0 at first. */
uint32_t vmf_crc32(uint32_t crc, const void *bytes, size_t length);
/* The same over `length` zero bytes, in a time that hardly grows with them. length < 2^63. */
uint32_t vmf_crc32_zeros(uint32_t crc, uint64_t length);

/* Adler-32 (RFC 1950), continued: 1 at first. */
uint32_t vmf_adler32(uint32_t adler, const void *bytes, size_t length);

#endif
