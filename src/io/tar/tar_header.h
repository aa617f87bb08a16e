/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One header block of an archive. */
#ifndef VMF_IO_TAR_HEADER_H
#define VMF_IO_TAR_HEADER_H

#include "tar.h"

struct vmf_tar_header {
  uint64_t at; /* the block's place in the archive */
  uint64_t size;
  uint8_t type;                 /* '0', '5', 'x', ... */
  bool marked;                  /* has the "ustar" of POSIX or GNU, not of older tars */
  bool gnu;                     /* and it is GNU's */
  bool prefixed;                /* a part of the name is in the prefix field */
  char name[VMF_TAR_NAME + 64]; /* prefix and name, at most 256 bytes */
};

/* Whether the sum in the header is right: of unsigned bytes, or of signed ones as old writers add
 * them. */
bool vmf_tar_sum_is_right(const uint8_t block[VMF_TAR_BLOCK]);

/* The number in a field, octal or base-256 and at most INT64_MAX; false: there is none. */
bool vmf_tar_number(const uint8_t *field, size_t length, uint64_t *value);

/* VMF_CORRUPT: a wrong sum, a field that is no number or one that readers take for different ones,
 * a magic of no known form, bytes where all forms have zeros. VMF_REFUSED: the archive starts like
 * another kind of file. */
VMF_MUST_CHECK enum vmf_code vmf_tar_parse_header(const char *archive, uint64_t at,
                                                  const uint8_t block[VMF_TAR_BLOCK],
                                                  struct vmf_tar_header *header,
                                                  struct vmf_error *error);

#endif
