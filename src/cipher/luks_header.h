/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the readers of both versions of LUKS share. */
#ifndef VMF_CIPHER_LUKS_HEADER_H
#define VMF_CIPHER_LUKS_HEADER_H

#include "luks.h"

/* luks1.c, luks2.c: fill *luks, whose io and at are set. */
VMF_MUST_CHECK enum vmf_code vmf_luks1_read(struct vmf_luks *luks, uint64_t length,
                                            struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_luks2_read(struct vmf_luks *luks, uint64_t length,
                                            const struct vmf_log *log, struct vmf_error *error);
/* luks2_json.c: what the JSON says that stands in one of two headers of `header` bytes each. */
VMF_MUST_CHECK enum vmf_code vmf_luks2_take(struct vmf_luks *luks, const char *text, size_t bytes,
                                            uint64_t header, struct vmf_error *error);

/* A text in a field of `size` bytes, which is filled up with zeros, of printable ASCII; *text has
 * room for one more. */
VMF_MUST_CHECK enum vmf_code vmf_luks_text(const struct vmf_luks *luks, const char *what,
                                           const uint8_t *field, size_t size, char *text,
                                           struct vmf_error *error);

/* The error for a header whose data is in a file of its own. */
VMF_MUST_CHECK enum vmf_code vmf_luks_detached(const struct vmf_luks *luks,
                                               struct vmf_error *error);

/* Whether areas of slots lie in [first, end), and none in another. */
VMF_MUST_CHECK enum vmf_code vmf_luks_check_areas(const struct vmf_luks *luks, uint64_t first,
                                                  uint64_t end, struct vmf_error *error);

/* Bytes of the area of a slot, whole sectors. */
uint64_t vmf_luks_area(const struct vmf_luks *luks, const struct vmf_luks_slot *slot);

#endif
