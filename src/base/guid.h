/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where an output's ids and times come from: random and the clock, or, with SOURCE_DATE_EPOCH set,
 * derived from a seed and that time, so that the same source and options give the same bytes. */
#ifndef VMF_BASE_GUID_H
#define VMF_BASE_GUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { VMF_GUID_SIZE = 16, VMF_GUID_TEXT = 37 };

struct vmf_identity {
  bool derived;     /* false: random ids */
  int64_t time;     /* seconds since 1970-01-01 UTC: now, or SOURCE_DATE_EPOCH */
  uint8_t seed[32]; /* derived only: a digest of source and options */
};

/* `count` bytes that nobody can foretell, for keys, too. */
VMF_MUST_CHECK enum vmf_code vmf_random(void *bytes, size_t count, struct vmf_error *error);

/* `count` id bytes for `purpose` ("cid", "uuid"): random, or a function of seed and purpose. count
 * <= 32. */
VMF_MUST_CHECK enum vmf_code vmf_identity_bytes(const struct vmf_identity *identity,
                                                const char *purpose, uint8_t *bytes, size_t count,
                                                struct vmf_error *error);

/* A version 4 (RFC 4122) UUID made of such bytes, in network byte order. */
VMF_MUST_CHECK enum vmf_code vmf_identity_guid(const struct vmf_identity *identity,
                                               const char *purpose, uint8_t guid[VMF_GUID_SIZE],
                                               struct vmf_error *error);

/* "6ba7b810-9dad-11d1-80b4-00c04fd430c8" and a NUL, from network byte order. */
void vmf_guid_text(const uint8_t guid[VMF_GUID_SIZE], char text[VMF_GUID_TEXT]);

/* That text, in either case, to network order; false: it is something else. */
bool vmf_guid_parse(const char *text, uint8_t guid[VMF_GUID_SIZE]);

/* Between network order and that of Microsoft and VirtualBox, whose first three fields are
 * little-endian. */
void vmf_guid_swap(const uint8_t from[VMF_GUID_SIZE], uint8_t to[VMF_GUID_SIZE]);

#endif
