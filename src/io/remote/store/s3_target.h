/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An object of a store as a target: sequential, sent in parts while it is written, several at a
 * time. Nobody sees it before vmf_io_end, and without that it never was. What is held (vmf_io_hold)
 * stays here until it is let go. */
#ifndef VMF_IO_REMOTE_S3_TARGET_H
#define VMF_IO_REMOTE_S3_TARGET_H

#include "io.h"

/* name: as vmf_url_resolve gives it. new_only: one that is there is VMF_USAGE. resume: parts that
 * an interrupted run has sent, and that are the same, are not sent again, and without vmf_io_end
 * those of this run stay for the next. VMF_TEMPORARY: see vmferry/remote.h. */
VMF_MUST_CHECK enum vmf_code vmf_io_write_object(const char *name, bool new_only, bool resume,
                                                 struct vmf_io **io, struct vmf_error *error);

#endif
