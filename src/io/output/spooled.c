/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "spooled.h"

#include "copy_io.h"
#include "descriptor.h"
#include "memory.h"
#include "temporary.h"

enum vmf_code vmf_spooled_open(const char *folder, const char *name, struct vmf_io **io,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *own_name = NULL;
  int number;

  VMF_TRY(vmf_format(&own_name, error, "%s, stored in %s", name, folder));
  VMF_TRY(vmf_temporary_unnamed(folder, &number, error));
  return vmf_io_write_file(number, own_name, false, io, error);
}

enum vmf_code vmf_spooled_send(struct vmf_io *io, struct vmf_io *pipe,
                               const struct vmf_cancel *cancel, struct vmf_error *error)
{
  const struct vmf_copy_io copy = {.from = io, .to = pipe, .cancel = cancel};

  vmf_io_announce(pipe, io->size);
  VMF_TRY(vmf_copy_io(&copy, error));
  VMF_TRY(vmf_io_flush(pipe, error));
  return vmf_io_end(pipe, error);
}
