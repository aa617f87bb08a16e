/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "written.h"

#include "convert.h"
#include "log.h"
#include "scale.h"

enum vmf_code vmf_written_shape(const struct vmf_assembly_file *file, struct vmf_shape *shape,
                                struct vmf_error *error)
{
  *shape = (struct vmf_shape){.layout = VMF_FIXED};
  if (!file->image)
    return VMF_OK;
  return vmf_target_shape(file->format, file->options, vmf_image_size(file->image), shape, error);
}

enum vmf_code vmf_written_target(const struct vmf_assembly_file *file, struct vmf_io *io,
                                 const struct vmf_log *log, struct vmf_target **target,
                                 struct vmf_error *error)
{
  const struct vmf_target_options options = {.size = sizeof options,
                                             .format = file->format,
                                             .options = file->options,
                                             .source = file->image,
                                             .log = log};
  return vmf_target_create_in(io, file->name, NULL, vmf_image_size(file->image), &options, target,
                              error);
}

static enum vmf_code weigh(const struct vmf_assembly_file *file,
                           const struct vmf_job_options *options, uint64_t *bytes,
                           struct vmf_error *error)
{
  struct vmf_target *target = NULL;
  struct vmf_io *scale;

  VMF_TRY(vmf_io_scale(file->name, true, &scale, error));
  enum vmf_code code = vmf_written_target(file, scale, NULL, &target, error);
  if (code == VMF_OK)
    code = vmf_convert(file->image, target, options, NULL, error);
  *bytes = scale->size;
  vmf_target_close(target);
  vmf_io_close(scale);
  return code;
}

enum vmf_code vmf_written_size(const struct vmf_assembly_file *file, struct vmf_target *into,
                               struct vmf_crew *crew, const struct vmf_package_target *target,
                               uint64_t *bytes, struct vmf_error *error)
{
  const struct vmf_job_options options = {.size = sizeof options,
                                          .crew = crew,
                                          .sparse_size = VMF_ASSEMBLY_HOLE,
                                          .cancel = target->cancel};
  struct vmf_shape shape;

  VMF_TRY(vmf_written_shape(file, &shape, error));
  if (shape.layout != VMF_ORDERED)
    return vmf_convert_size(file->image, into, &options, bytes, error);
  vmf_warn(target->log,
           "%s is packed twice, since on a pipe its size goes ahead of it; with --spool DIR it is "
           "packed once, and stored there",
           file->name);
  return weigh(file, &options, bytes, error);
}
