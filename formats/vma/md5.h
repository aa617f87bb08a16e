/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * MD5 (RFC 1321), which VMA has over its headers, here because a library may be told to refuse it.
 * It tells damage, not intent. */
#ifndef FORMATS_VMA_MD5_H
#define FORMATS_VMA_MD5_H

#include <stddef.h>
#include <stdint.h>

enum { VMA_MD5_SIZE = 16 };

/* Of `length` bytes, of which those of the digest itself, at `digest_at`, count as zeros. */
void vma_md5(const uint8_t *bytes, size_t length, size_t digest_at, uint8_t digest[VMA_MD5_SIZE]);

#endif
