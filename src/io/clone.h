/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files that share their extents: bytes that get to another file without being moved. */
#ifndef VMF_IO_CLONE_H
#define VMF_IO_CLONE_H

#include "io.h"

/* What offsets and lengths are multiples of: file systems that share extents have blocks of this
 * size, or larger ones and then refuse. */
enum { VMF_CLONE_ALIGNMENT = 4096 };

/* Makes `length` bytes of `to`, a file being written, those of `from` (FICLONERANGE, see
 * ioctl_ficlonerange(2)): both share the blocks until one is written to. False when it cannot be,
 * for whatever reason (other kinds of io, another file system, one that does not share, an error):
 * then nothing has changed, and an ordinary copy does it or says what is wrong. Other threads may
 * read and write other ranges. */
bool vmf_io_clone(struct vmf_io *to, uint64_t to_offset, const struct vmf_io *from,
                  uint64_t from_offset, uint64_t length);

#endif
