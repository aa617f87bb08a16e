/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Headers that say more of the member behind them: GNU long names ('L'), extended headers of
 * POSIX.1-2001 ('x'), and those for all members ('g'). */
#ifndef VMF_IO_TAR_EXTRA_H
#define VMF_IO_TAR_EXTRA_H

#include "tar_header.h"

struct vmf_tar_extra {
  uint8_t type; /* 'L' or 'x'; 0: no such header was there */
  bool sized;
  char *name;      /* NULL: as the member's own header says */
  uint64_t size;   /* when sized */
  uint64_t header; /* where it starts */
  bool sparse;     /* the member is one, of GNU tar's form 1.0 */
  uint64_t real;   /* and the file has so many bytes */
};

/* Whether a header of that type is one of them. */
bool vmf_tar_is_extra(uint8_t type);

/* Reads the content of such a header. sparse: what tells of a sparse member is accepted. A key that
 * nobody needs is told in the log, when *told is not yet set. VMF_REFUSED: keys that change what a
 * member is (links, sparse files, other character sets), names and sizes for all members.
 * VMF_CORRUPT: no records, two headers of this kind in a row, a key twice, a value that is none.
 * VMF_LIMIT: larger than any writer makes it. */
VMF_MUST_CHECK enum vmf_code vmf_tar_read_extra(struct vmf_io *io,
                                                const struct vmf_tar_header *header,
                                                const struct vmf_log *log, bool sparse, bool *told,
                                                struct vmf_tar_extra *extra,
                                                struct vmf_error *error);

void vmf_tar_extra_forget(struct vmf_tar_extra *extra);

#endif
