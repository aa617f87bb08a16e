/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file on another machine as an io: read in blocks of a MiB, which are kept for a while, several
 * requests at a time, and ahead of who reads in order. */
#ifndef VMF_IO_REMOTE_REMOTE_IO_H
#define VMF_IO_REMOTE_REMOTE_IO_H

#include <sys/stat.h>

#include "io.h"

/* name: as vmf_url_resolve gives it. VMF_TEMPORARY, VMF_CHANGED: see vmferry/remote.h. The same
 * name, opened while it is open or just behind that, is the same file. */
VMF_MUST_CHECK enum vmf_code vmf_remote_open(const char *name, struct vmf_io **io,
                                             struct vmf_error *error);

/* Tells a remote file, and the version of it that was opened, from all others of this process.
 * False: it is none. */
bool vmf_remote_id(const struct vmf_io *io, uint64_t *id);

/* By which its server tells the version of a remote file that was opened from all others; NULL: it
 * is none, or nothing does. Lives as long as the io. */
const char *vmf_remote_version(const struct vmf_io *io);

/* Whether it is a remote file of which the server sends no parts: what is behind its first MiB is
 * stored as soon as it is read. */
bool vmf_remote_comes_whole(const struct vmf_io *io);
/* The same file as a stream, of which nothing is stored, and which has it open by itself. */
VMF_MUST_CHECK enum vmf_code vmf_remote_stream(const struct vmf_io *io, struct vmf_io **stream,
                                               struct vmf_error *error);

/* What a name leads to, as stat(2) tells; of a URL that was resolved: a file, without asking the
 * server, unless it is URL::DISK, which is none. */
int vmf_name_stat(const char *name, struct stat *status);

/* VMF_USAGE for a name on another machine, where only a file here will do. */
VMF_MUST_CHECK enum vmf_code vmf_name_check_here(const char *name, struct vmf_error *error);

/* Whether a file is there, or a link to one, where nobody said so: a URL is opened. What cannot be
 * told is there, so that opening it tells why. */
bool vmf_name_is_there(const char *name);

/* The same of what is called `beside` in the folder that `name` is in. */
bool vmf_name_has_beside(const char *name, const char *beside);

#endif
