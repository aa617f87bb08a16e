/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "copy_io.h"

#include "cancel.h"
#include "checked.h"
#include "memory.h"

enum { COPY_BYTES = 1 << 20 };

static enum vmf_code copy_range(const struct vmf_copy_io *copy, uint64_t start, uint64_t end,
                                uint8_t *buffer, struct vmf_error *error)
{
  while (start < end) {
    size_t step = (size_t)vmf_min(COPY_BYTES, end - start);
    VMF_TRY(vmf_cancelled(copy->cancel, error));
    VMF_TRY(vmf_io_pread(copy->from, buffer, step, start, error));
    VMF_TRY(vmf_io_pwrite(copy->to, buffer, step, start, error));
    start += step;
    if (copy->progress)
      copy->progress(copy->progress_data, start, copy->from->size);
  }
  return VMF_OK;
}

enum vmf_code vmf_copy_io(const struct vmf_copy_io *copy, struct vmf_error *error)
{
  VMF_AUTO_FREE void *buffer = NULL;
  uint64_t size = copy->from->size, start = 0, end = 0;

  VMF_TRY(vmf_alloc_pages(COPY_BYTES, &buffer, error));
  while (end < size) {
    VMF_TRY(vmf_io_next_data(copy->from, end, &start, &end, error));
    if (start >= size)
      break;
    VMF_TRY(copy_range(copy, start, end, buffer, error));
  }
  return copy->to->size < size ? vmf_io_resize(copy->to, size, error) : VMF_OK;
}
