/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "need.h"

#include <inttypes.h>

#include "checked.h"
#include "checksum.h"
#include "log.h"
#include "survey.h"

enum { BLOCK = 4096 /* of a file system, mostly */ };

static struct vmf_plan plan_of(const struct vmf_need *need, uint32_t unit)
{
  return (struct vmf_plan){.image = need->source,
                           .size = need->size,
                           .unit = unit,
                           .everything = need->shape->keep_zeros};
}

static enum vmf_code count_data(const struct vmf_need *need, uint64_t *bytes,
                                struct vmf_error *error)
{
  const struct vmf_plan plan = plan_of(need, BLOCK);
  uint64_t at = 0, start, end;

  for (*bytes = 0; at < plan.size; at = end) {
    VMF_TRY(vmf_plan_next(&plan, at, &start, &end, error));
    *bytes += end - start;
  }
  return VMF_OK;
}

/* Everything is written, zeros too. */
static bool is_full(const struct vmf_need *need)
{
  return need->shape->keep_zeros || need->shape->reserves;
}

enum vmf_code vmf_need_by_map(const struct vmf_need *need, uint64_t enough,
                              struct vmf_amount *amount, struct vmf_error *error)
{
  const struct vmf_writer *writer = need->format->writer;
  const struct vmf_plan plan = plan_of(need, need->shape->unit);
  uint64_t *most = &amount->most;

  amount->least = is_full(need) && need->shape->codec == VMF_CODEC_NONE ? need->size : 0;
  VMF_TRY(writer->measure(need->options, need->shape, need->size, NULL, most, error));
  if (*most <= enough || is_full(need))
    return VMF_OK;
  if (need->shape->layout == VMF_FIXED)
    return count_data(need, most, error);
  return writer->measure(need->options, need->shape, need->size, &plan, most, error);
}

enum vmf_code vmf_need_by_data(const struct vmf_need *need, uint64_t enough,
                               const struct vmf_job_options *options, struct vmf_amount *amount,
                               struct vmf_error *error)
{
  const struct vmf_plan plan = plan_of(need, VMF_CHECKSUM_BLOCK);
  uint32_t block = (uint32_t)vmf_min(BLOCK, need->sparse_size);

  if (is_full(need) || need->shape->codec != VMF_CODEC_NONE || vmf_image_streams(need->source))
    return VMF_OK;
  VMF_TRY(vmf_survey_amount(&plan, block, enough, options, &amount->least, error));
  if (amount->least <= enough)
    amount->most = amount->least;
  return VMF_OK;
}

enum vmf_code vmf_need_judge(const char *name, const struct vmf_room *room,
                             const struct vmf_amount *amount, const struct vmf_log *log,
                             struct vmf_error *error)
{
  const char *where = room->quota ? "the quota leaves" : "its file system has room for";

  if (room->exact && amount->least > room->bytes)
    return vmf_fail(error, VMF_WRITE,
                    "%s: at least %" PRIu64 " bytes are to be written, and %s %" PRIu64
                    ": make room, or choose another place",
                    name, amount->least, where, room->bytes);
  if (amount->most > room->bytes)
    vmf_warn(log, "%s: may not fit: up to %" PRIu64 " bytes are to be written, and %s %" PRIu64,
             name, amount->most, where, room->bytes);
  return VMF_OK;
}
