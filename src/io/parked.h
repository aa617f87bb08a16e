/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files of which an image may have thousands (segments, extents, parts, bands): only so many of
 * them are open at any time (64, or half of what the process may have open; more only while more
 * are read). The others are opened again, where they lay, when they are read; and must be the file
 * that they were. */
#ifndef VMF_IO_PARKED_H
#define VMF_IO_PARKED_H

#include "io.h"

/* The io, a file that was opened for reading, may be closed from now on while nobody reads it. What
 * has no path that leads to it stays open, as does what is no file. */
VMF_MUST_CHECK enum vmf_code vmf_io_park(struct vmf_io *io, struct vmf_error *error);

#endif
