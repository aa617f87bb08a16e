/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "clone.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "descriptor.h"
#include "size.h"

bool vmf_io_clone(struct vmf_io *to, uint64_t to_offset, const struct vmf_io *from,
                  uint64_t from_offset, uint64_t length)
{
  struct vmf_descriptor *source = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(from);
  struct vmf_descriptor *target = (struct vmf_descriptor *)(uintptr_t)vmf_descriptor_of(to);
  int result;

  if (!source || !target || from->device || to->device || to->sequential ||
      vmf_descriptor_enter(source, NULL) != VMF_OK)
    return false;
  struct file_clone_range range = {.src_fd = source->number,
                                   .src_offset = from_offset,
                                   .src_length = length,
                                   .dest_offset = to_offset};
  vmf_descriptor_changed(target);
  do
    result = ioctl(target->number, FICLONERANGE, &range);
  while (result < 0 && errno == EINTR);
  vmf_descriptor_changed(target);
  vmf_descriptor_leave(source);
  if (result < 0)
    return false;
  vmf_size_grow(to, to_offset + length);
  return true;
}
