/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How large an image of some format would be: from the source's map alone, or, of an overlay, as
 * the engine makes it, without its bytes. */
#include "caller.h"
#include "checked.h"
#include "scale.h"
#include "target.h"

/* Bytes of the whole units in `plan`. */
static enum vmf_code count_data(const struct vmf_plan *plan, uint64_t *bytes,
                                struct vmf_error *error)
{
  uint64_t at = 0, start, end;

  for (*bytes = 0; at < plan->size; at = end) {
    VMF_TRY(vmf_plan_next(plan, at, &start, &end, error));
    *bytes += vmf_align_up(end - start, plan->unit);
  }
  return VMF_OK;
}

/* A disk that fills up later gets all its tables: they are there for good, the missing data is
 * not. */
static enum vmf_code measure_growing(const struct vmf_plan *plan, uint64_t full, uint64_t *required,
                                     struct vmf_error *error)
{
  uint64_t data;

  VMF_TRY(count_data(plan, &data, error));
  *required = full - (vmf_align_up(plan->size, plan->unit) - data);
  return VMF_OK;
}

static enum vmf_code measure(const struct vmf_format *format, const void *options, bool compress,
                             const struct vmf_plan *disk, uint64_t *required,
                             uint64_t *fully_allocated, struct vmf_error *error)
{
  struct vmf_shape shape = {0};
  struct vmf_plan plan = *disk;

  VMF_TRY(vmf_shape_of(format, options, plan.size, compress, false, &shape, error));
  plan.unit = shape.unit;
  plan.everything |= shape.keep_zeros;
  VMF_TRY(format->writer->measure(options, &shape, plan.size, disk->everything ? NULL : &plan,
                                  required, error));
  VMF_TRY(format->writer->measure(options, &shape, plan.size, NULL, fully_allocated, error));
  return shape.tables_grow ? measure_growing(&plan, *fully_allocated, required, error) : VMF_OK;
}

enum vmf_code vmf_measure_bitmaps(struct vmf_image *source, const char *name, const char *text,
                                  bool *told, uint64_t *bytes, struct vmf_error *error)
{
  const struct vmf_format *format;
  void *options;

  VMF_REQUIRE(source, error);
  VMF_REQUIRE(told, error);
  VMF_REQUIRE(bytes, error);
  *told = false;
  *bytes = 0;
  VMF_TRY(vmf_target_options_parse(name, text, &format, &options, error));
  enum vmf_code code = format->writer->measure_bitmaps
                           ? format->writer->measure_bitmaps(options, source, told, bytes, error)
                           : VMF_OK;
  vmf_options_free(&format->writer->options, options);
  return code;
}

enum vmf_code vmf_measure(struct vmf_image *source, uint64_t guest_size, const char *name,
                          const char *text, bool compress, uint64_t *required,
                          uint64_t *fully_allocated, struct vmf_error *error)
{
  /* of a stream only the size is known before */
  const struct vmf_plan disk = {.image = vmf_image_streams(source) ? NULL : source,
                                .size = source ? source->size : guest_size,
                                .everything = vmf_image_streams(source)};
  const struct vmf_format *format;
  void *options;

  VMF_REQUIRE(required, error);
  VMF_REQUIRE(fully_allocated, error);
  VMF_TRY(vmf_target_options_parse(name, text, &format, &options, error));
  enum vmf_code code = measure(format, options, compress, &disk, required, fully_allocated, error);
  vmf_options_free(&format->writer->options, options);
  return code;
}

static enum vmf_code weigh(struct vmf_image *source, struct vmf_io *scale,
                           const struct vmf_target_options *options,
                           const struct vmf_job_options *job, uint64_t *bytes,
                           struct vmf_error *error)
{
  struct vmf_target_options quiet = *options;
  struct vmf_target *target;

  quiet.log = NULL;
  VMF_TRY(vmf_target_create_in(scale, scale->name, NULL, source->size, &quiet, &target, error));
  enum vmf_code code = vmf_convert(source, target, job, NULL, error);
  *bytes = scale->size;
  vmf_target_close(target);
  return code;
}

enum vmf_code vmf_measure_overlay(struct vmf_image *source, const char *name,
                                  const struct vmf_target_options *options,
                                  const struct vmf_job_options *job, uint64_t *bytes,
                                  struct vmf_error *error)
{
  struct vmf_target_options own;
  struct vmf_io *scale;

  VMF_REQUIRE(source, error);
  VMF_REQUIRE(name, error);
  VMF_REQUIRE(bytes, error);
  VMF_TRY(vmf_take_target_options(options, &own, error));
  VMF_TRY(vmf_io_scale(name, false, &scale, error));
  enum vmf_code code = weigh(source, scale, &own, job, bytes, error);
  vmf_io_close(scale);
  return code;
}
