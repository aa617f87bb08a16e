/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "elsewhere.h"

#include "http_target.h"
#include "nbd_target.h"
#include "url.h"

enum vmf_code vmf_elsewhere_open(const char *path, const struct vmf_output_options *options,
                                 struct vmf_kept_upload *kept, struct vmf_io **io,
                                 struct vmf_error *error)
{
  if (options->in_place && !vmf_url_is_nbd(path))
    return vmf_fail(error, VMF_USAGE,
                    "%s: is written as a whole, and replaces what is there at the end: no "
                    "--in-place",
                    path);
  if (vmf_url_is_s3(path))
    return vmf_io_write_object(path, options->no_clobber, options->resume, kept, io, error);
  if (!vmf_url_is_nbd(path))
    return vmf_io_write_http(path, options->no_clobber, io, error);
  if (options->no_clobber)
    return vmf_fail(error, VMF_USAGE, "%s: exists, and --no-clobber forbids to replace it", path);
  return vmf_io_write_nbd(path, !options->no_sync, io, error);
}
