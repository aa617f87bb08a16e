/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The places of a job's blocks. On a pipe the tables of a PLANNED target went out before: they
 * promise which units come, and here every unit is held against that. A unit that is larger than a
 * job, or than the pieces in which a disk comes in any order, gets its place with the first of its
 * parts; parts without data are zeros by themselves. */
#include "checked.h"
#include "job.h"

/* On a pipe a block is written before the next one is placed. */
static enum vmf_code store_now(const struct vmf_places *places, struct vmf_block *block,
                               struct vmf_error *error)
{
  struct vmf_copy_job one = {.blocks = block, .block_count = 1};
  struct vmf_io *io = places->copy->target->io;

  if (!io->sequential)
    return VMF_OK;
  return places->again ? vmf_io_pass(io, block->host, vmf_copy_stored_length(block), error)
                       : vmf_copy_store(&one, (void *)places->copy, error);
}

static enum vmf_code place_whole(struct vmf_places *places, struct vmf_block *block,
                                 struct vmf_error *error)
{
  const struct vmf_copy *copy = places->copy;

  VMF_TRY(copy->target->format->writer->place(copy->target, block, error));
  places->host_bytes += vmf_copy_stored_length(block);
  return store_now(places, block, error);
}

/* ---- units that come in parts ---- */

static bool comes_in_parts(const struct vmf_copy *copy)
{
  return copy->target->shape.layout != VMF_FIXED && copy->part < copy->target->shape.unit;
}

/* Its head is written now. All behind it reads as zeros: on a pipe as a gap, elsewhere by being
 * written so; where nothing was, that is the last byte alone. */
static enum vmf_code store_head(struct vmf_io *io, const struct vmf_block *unit,
                                struct vmf_error *error)
{
  const struct vmf_piece pieces[] = {{.data = unit->head, .length = unit->head_length},
                                     {.length = unit->data_length + unit->zeros}};

  return vmf_io_pwrite_pieces(io, pieces, io->sequential ? 1 : 2, unit->host, error);
}

/* Gives the unit at `guest` its place, unless it is the one that has it. */
static enum vmf_code go_to_unit(struct vmf_places *places, uint64_t guest, struct vmf_error *error)
{
  struct vmf_target *target = places->copy->target;
  uint32_t unit = target->shape.unit;
  struct vmf_block block = {.guest = guest, .data_length = unit};
  uint8_t framing[VMF_DIGEST_MAX + 2 * VMF_FRAMING_BYTES];

  if (places->length > 0 && places->guest == guest)
    return VMF_OK;
  block.length = (uint32_t)vmf_min(unit, places->copy->size - guest);
  VMF_TRY(vmf_copy_frame(target, NULL, framing, &block, error));
  VMF_TRY(target->format->writer->place(target, &block, error));
  places->io = block.io ? block.io : target->io;
  places->guest = guest;
  places->length = block.data_length + block.zeros;
  places->host = block.host + block.head_length;
  if (block.again)
    return VMF_OK;
  places->host_bytes += block.head_length + block.zeros;
  return store_head(places->io, &block, error);
}

static enum vmf_code place_part(struct vmf_places *places, struct vmf_block *block,
                                struct vmf_error *error)
{
  uint32_t unit = places->copy->target->shape.unit;

  VMF_TRY(go_to_unit(places, vmf_align_down(block->guest, unit), error));
  block->io = places->io;
  block->host = places->host + (block->guest - places->guest);
  places->host_bytes += block->data_length;
  return store_now(places, block, error);
}

/* What comes next on a pipe makes a gap, if anything does. */
enum vmf_code vmf_copy_place_end(const struct vmf_places *places, struct vmf_error *error)
{
  uint64_t end = places->host + places->length;

  if (places->length == 0 || !places->io->sequential || places->io->size >= end)
    return VMF_OK;
  return vmf_io_zero(places->io, places->io->size, end - places->io->size, false, error);
}

/* ---- what was promised ---- */

/* A unit that was promised and holds only zeros now takes its place as zeros. */
static enum vmf_code place_zeros(struct vmf_places *places, uint64_t guest, struct vmf_error *error)
{
  const struct vmf_target *target = places->copy->target;
  struct vmf_block block = {.guest = guest, .zero = true};
  uint8_t framing[VMF_DIGEST_MAX + 2 * VMF_FRAMING_BYTES];

  block.length = (uint32_t)vmf_min(target->shape.unit, places->copy->size - guest);
  VMF_TRY(vmf_copy_frame(target, NULL, framing, &block, error));
  return place_whole(places, &block, error);
}

static enum vmf_code not_promised(const struct vmf_copy *copy, uint64_t guest,
                                  struct vmf_error *error)
{
  return vmf_fail(error, VMF_CHANGED,
                  "%s: changed while it was read: guest byte %llu was zero when the tables were "
                  "written to %s, and holds data now; the output is not valid, start again",
                  vmf_image_path(copy->source), (unsigned long long)guest, copy->target->io->name);
}

/* The unit at `guest`, which was promised; the next block of the job is *next. */
static enum vmf_code keep_promise(struct vmf_places *places, uint64_t guest,
                                  struct vmf_copy_job *job, size_t *next, struct vmf_error *error)
{
  const struct vmf_copy *copy = places->copy;
  uint64_t end = guest + copy->promised->unit;

  if (comes_in_parts(copy)) {
    VMF_TRY(go_to_unit(places, guest, error));
    for (; *next < job->block_count && job->blocks[*next].guest < end; (*next)++)
      VMF_TRY(place_part(places, &job->blocks[*next], error));
    return VMF_OK;
  }
  if (*next < job->block_count && job->blocks[*next].guest == guest)
    return place_whole(places, &job->blocks[(*next)++], error);
  return place_zeros(places, guest, error);
}

static enum vmf_code place_promised(struct vmf_places *places, struct vmf_copy_job *job,
                                    struct vmf_error *error)
{
  const struct vmf_plan *promised = places->copy->promised;
  uint64_t guest = vmf_align_down(job->fed.guest, promised->unit);
  uint64_t end = job->fed.guest + job->fed.length;
  size_t next = 0;

  for (; guest < end; guest += promised->unit) {
    guest = vmf_plan_first(promised, guest);
    if (next < job->block_count && job->blocks[next].guest < guest)
      break;
    if (guest < end)
      VMF_TRY(keep_promise(places, guest, job, &next, error));
  }
  return next < job->block_count ? not_promised(places->copy, job->blocks[next].guest, error)
                                 : VMF_OK;
}

enum vmf_code vmf_copy_place(struct vmf_places *places, struct vmf_copy_job *job,
                             struct vmf_error *error)
{
  if (places->copy->promised)
    return place_promised(places, job, error);
  bool parts = comes_in_parts(places->copy);
  for (size_t i = 0; i < job->block_count; i++)
    VMF_TRY(parts ? place_part(places, &job->blocks[i], error)
                  : place_whole(places, &job->blocks[i], error));
  return VMF_OK;
}
