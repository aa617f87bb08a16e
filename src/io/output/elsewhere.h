/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Targets on other machines, by URL. Private to this folder. */
#ifndef VMF_IO_ELSEWHERE_H
#define VMF_IO_ELSEWHERE_H

#include "output.h"
#include "s3_target.h"

/* path: as vmf_url_resolve gives it. An export of an NBD server is a device, an object of a store
 * and a file of a web server are sequential. kept: the object's, or NULL. VMF_USAGE: it is there,
 * and is not to be replaced. */
VMF_MUST_CHECK enum vmf_code vmf_elsewhere_open(const char *path,
                                                const struct vmf_output_options *options,
                                                struct vmf_kept_upload *kept, struct vmf_io **io,
                                                struct vmf_error *error);

#endif
