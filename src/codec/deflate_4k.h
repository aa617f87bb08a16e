/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Deflate with a window of 4 KiB. */
#ifndef VMF_CODEC_DEFLATE_4K_H
#define VMF_CODEC_DEFLATE_4K_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { VMF_DEFLATE_4K_FIRST = 4, VMF_DEFLATE_4K_LAST = 12 }; /* levels that there are */

struct vmf_deflate_4k; /* vmf_free frees it */

VMF_MUST_CHECK enum vmf_code vmf_deflate_4k_new(int level, struct vmf_deflate_4k **packer,
                                                struct vmf_error *error);

/* The length of what was packed; 0: it does not fit. */
size_t vmf_deflate_4k_pack(struct vmf_deflate_4k *packer, const uint8_t *data, size_t length,
                           uint8_t *packed, size_t capacity);

#endif
