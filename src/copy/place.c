/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The places of a job's blocks. On a pipe the tables of a PLANNED target went out before: they
 * promise which units come, and here every unit is held against that. */
#include "checked.h"
#include "job.h"

/* On a pipe a block is written before the next one is placed. */
static enum vmf_code place_one(const struct vmf_copy *copy, struct vmf_block *block,
                               uint64_t *host_bytes, struct vmf_error *error)
{
  struct vmf_copy_job one = {.blocks = block, .block_count = 1};

  VMF_TRY(copy->target->format->writer->place(copy->target, block, error));
  *host_bytes += vmf_copy_stored_length(block);
  return copy->target->io->sequential ? vmf_copy_store(&one, (void *)copy, error) : VMF_OK;
}

/* A unit that was promised and holds only zeros now takes its place as zeros. */
static enum vmf_code place_zeros(const struct vmf_copy *copy, uint64_t guest, uint64_t *host_bytes,
                                 struct vmf_error *error)
{
  const struct vmf_target *target = copy->target;
  struct vmf_block block = {.guest = guest, .zero = true};

  block.length = (uint32_t)vmf_min(target->shape.unit, copy->size - guest);
  if (target->format->writer->wrap)
    VMF_TRY(target->format->writer->wrap(target, &block, error));
  return place_one(copy, &block, host_bytes, error);
}

static enum vmf_code not_promised(const struct vmf_copy *copy, uint64_t guest,
                                  struct vmf_error *error)
{
  return vmf_fail(error, VMF_CHANGED,
                  "%s: changed while it was read: guest byte %llu was zero when the tables were "
                  "written to %s, and holds data now; the output is not valid, start again",
                  vmf_image_path(copy->source), (unsigned long long)guest, copy->target->io->name);
}

static enum vmf_code place_promised(const struct vmf_copy *copy, struct vmf_copy_job *job,
                                    uint64_t *host_bytes, struct vmf_error *error)
{
  uint64_t guest = job->fed.guest, end = job->fed.guest + job->fed.length;

  for (size_t i = 0; guest < end; guest += copy->promised->unit) {
    struct vmf_block *block = i < job->block_count ? &job->blocks[i] : NULL;
    guest = vmf_plan_first(copy->promised, guest);
    if (block && block->guest < guest)
      return not_promised(copy, block->guest, error);
    if (guest >= end)
      break;
    if (block && block->guest == guest) {
      VMF_TRY(place_one(copy, block, host_bytes, error));
      i++;
    } else {
      VMF_TRY(place_zeros(copy, guest, host_bytes, error));
    }
  }
  return VMF_OK;
}

enum vmf_code vmf_copy_place(const struct vmf_copy *copy, struct vmf_copy_job *job,
                             uint64_t *host_bytes, struct vmf_error *error)
{
  if (copy->promised)
    return place_promised(copy, job, host_bytes, error);
  for (size_t i = 0; i < job->block_count; i++)
    VMF_TRY(place_one(copy, &job->blocks[i], host_bytes, error));
  return VMF_OK;
}
