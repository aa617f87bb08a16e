/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A member of gzip (RFC 1952), unpacked step by step: its header, the CRC-32 and the length behind
 * the data are checked. What unpacks it can be copied at any byte, and then goes on from there once
 * more. ISA-L does that or, at half its speed, zlib. */
#ifndef VMF_IO_VIEW_GZIP_MEMBER_H
#define VMF_IO_VIEW_GZIP_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* What a step of unpacking is given, and what it leaves. */
struct vmf_unpack_step {
  const uint8_t *in; /* what stands in the member from here on */
  size_t in_length;
  uint8_t *out; /* room */
  size_t out_length;
  bool ended; /* set: the member is complete, and what is left of `in` stands behind it */
};

struct vmf_gzip_member; /* of a fixed size, less than 96 KiB */

/* At the first byte of a member. */
VMF_MUST_CHECK enum vmf_code vmf_gzip_new(struct vmf_gzip_member **member, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_gzip_begin(struct vmf_gzip_member *member,
                                            struct vmf_error *error);

/* One that stands where this one stands. */
VMF_MUST_CHECK enum vmf_code vmf_gzip_copy(const struct vmf_gzip_member *member,
                                           struct vmf_gzip_member **copy, struct vmf_error *error);
void vmf_gzip_free(struct vmf_gzip_member *member); /* NULL: nothing */

/* Takes bytes from `in` and puts bytes to `out`; neither moves only where `in` is empty. The text
 * of VMF_CORRUPT says what is wrong, not where. */
VMF_MUST_CHECK enum vmf_code vmf_gzip_step(struct vmf_gzip_member *member,
                                           struct vmf_unpack_step *step, struct vmf_error *error);

#endif
