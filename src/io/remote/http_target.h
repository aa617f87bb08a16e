/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file of a web server as a target: one PUT (RFC 9110, section 9.3.4), sent while it is written.
 * It is there when vmf_io_flush has come back; without that the connection is cut, and a server
 * keeps nothing that is not whole. */
#ifndef VMF_IO_REMOTE_HTTP_TARGET_H
#define VMF_IO_REMOTE_HTTP_TARGET_H

#include "io.h"

/* name: as vmf_url_resolve gives it. new_only: one that is there is VMF_USAGE. Nothing is sent
 * twice: what fails for a while is VMF_TEMPORARY at once. */
VMF_MUST_CHECK enum vmf_code vmf_io_write_http(const char *name, bool new_only, struct vmf_io **io,
                                               struct vmf_error *error);

#endif
