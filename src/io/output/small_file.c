/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file that is written at once, by the way of all outputs. */
#include "caller.h"
#include "output.h"

enum vmf_code vmf_file_write(const char *path, const void *bytes, size_t length, bool replace,
                             struct vmf_error *error)
{
  const struct vmf_output_options options = {.no_clobber = !replace};
  struct vmf_output *output;

  VMF_REQUIRE(path, error);
  if (length > 0)
    VMF_REQUIRE(bytes, error);
  VMF_TRY(vmf_output_new(path, &options, &output, error));
  enum vmf_code code = vmf_output_begin(output, error);
  if (code == VMF_OK && length > 0)
    code = vmf_io_pwrite(vmf_output_main(output), bytes, length, 0, error);
  if (code == VMF_OK)
    code = vmf_output_commit(output, error);
  vmf_output_close(output);
  return code;
}
