/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One conversion, or several beside each other: begin, copy, see that the sources held still,
 * finish. And a checksum: the same without a target. */
#include "convert.h"

#include "caller.h"
#include "cancel.h"
#include "checked.h"
#include "data_sharing.h"
#include "file.h"
#include "journal.h"
#include "memory.h"
#include "need.h"
#include "run.h"
#include "survey.h"

/* What comes in any order is placed so; a checksum is of the disk from its first byte on, and so is
 * a map. */
static enum vmf_code check_order(const struct vmf_copy *copy, struct vmf_error *error)
{
  const struct vmf_target *target = copy->target;

  if (vmf_image_pieces(copy->source) == 0 ||
      (target && !target->io->sequential && !copy->backing && !copy->checksum && !copy->units &&
       (target->shape.layout == VMF_FIXED || target->shape.any_order)))
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: its data comes in any order, and %s needs it in the order of the disk: "
                  "store it in a file first",
                  vmf_image_path(copy->source),
                  target && !copy->checksum ? target->name : "a checksum");
}

static enum vmf_code settle_copy(struct vmf_image *source, struct vmf_target *target,
                                 const struct vmf_job_options *options, struct vmf_copy *copy,
                                 struct vmf_error *error)
{
  if (target && source && options->sparse_size == 0)
    target->shape.keep_zeros = true;
  *copy = (struct vmf_copy){.source = source,
                            .target = target,
                            /* an empty overlay shows all of its backing file */
                            .backing = target && source ? target->backing : NULL,
                            .units = target ? vmf_draft(target)->units : NULL,
                            .size = target ? target->guest_size : source->size,
                            .sparse_size = (uint32_t)options->sparse_size,
                            .checksum = options->checksum != NULL,
                            .reads_all = options->checksum || options->lost};
  /* a level that was asked for, or one that differs in the backing file, is packed anew */
  copy->keep_packed = target && source && !copy->backing && target->shape.codec != VMF_CODEC_NONE &&
                      target->shape.level == 0;
  copy->part = target ? vmf_copy_part(&target->shape) : VMF_CHECKSUM_BLOCK;
  VMF_TRY(check_order(copy, error));
  if (vmf_image_pieces(source) > 0)
    copy->part = (uint32_t)vmf_min(copy->part, vmf_image_pieces(source));
  copy->job_bytes = vmf_feed_job_bytes(source, copy->part);
  if (options->sparse_size == 0 || options->sparse_size > copy->job_bytes)
    copy->sparse_size = copy->job_bytes;
  if (options->sparse_size % 512 != 0)
    return vmf_fail(error, VMF_USAGE, "sparse size %llu: expected a multiple of 512",
                    (unsigned long long)options->sparse_size);
  if (!vmf_is_power_of_two(copy->sparse_size))
    copy->sparse_size = 1u << (31 - __builtin_clz(copy->sparse_size));
  if (copy->backing && copy->part < target->shape.unit)
    return vmf_fail(
        error, VMF_UNSUPPORTED,
        "%s: an overlay with blocks of %u bytes is not written; at most %u are possible",
        target->name, target->shape.unit, VMF_WHOLE_UNIT);
  copy->room = vmf_copy_room(copy);
  if (options->checksum)
    return vmf_digest_named(options->checksum, &copy->digest_kind, error);
  return VMF_OK;
}

uint32_t vmf_copy_part(const struct vmf_shape *shape)
{
  bool whole = shape->unit <= VMF_WHOLE_UNIT || shape->codec != VMF_CODEC_NONE;
  return whole ? shape->unit : VMF_FEED_JOB_BYTES;
}

uint32_t vmf_copy_feed_unit(const struct vmf_copy *copy)
{
  bool whole = copy->target && copy->target->shape.layout != VMF_FIXED;
  return whole ? (uint32_t)vmf_max(VMF_CHECKSUM_BLOCK, copy->part) : VMF_CHECKSUM_BLOCK;
}

/* The plan of the jobs. A target on a pipe is promised just this. */
static struct vmf_plan make_plan(const struct vmf_copy *copy)
{
  const struct vmf_target *target = copy->target;

  return (struct vmf_plan){.image = copy->source,
                           .backing = copy->backing,
                           .size = copy->size,
                           .unit = vmf_copy_feed_unit(copy),
                           .everything = target && target->shape.keep_zeros};
}

/* On a pipe the tables of a PLANNED target go out before the data, so the data is looked at once
 * before. */
static enum vmf_code survey_target(const struct vmf_copy *copy, const struct vmf_plan *plan,
                                   const struct vmf_job_options *options, struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(copy->target);

  if (draft->surveyed)
    return VMF_OK;
  VMF_TRY(vmf_survey(plan, copy->salvage, copy->target->shape.unit, options, &draft->exact, error));
  draft->surveyed = true;
  return VMF_OK;
}

/* What the tables tell before the data is a promise that holds until the end. */
static enum vmf_code begin(struct vmf_copy *copy, const struct vmf_plan *plan,
                           const struct vmf_job_options *options, struct vmf_error *error)
{
  struct vmf_target *target = copy->target;

  if (target->shape.layout == VMF_PLANNED && target->io->sequential) {
    VMF_TRY(survey_target(copy, plan, options, error));
    copy->promised = &vmf_draft(target)->exact;
  }
  return target->format->writer->begin(target, copy->promised, error);
}

/* A vmf_file_visitor. A file without a name is one that was stored first. */
static bool has_its_name(const struct vmf_io *io, void *data)
{
  const struct vmf_io *below;
  struct stat then, now;

  for (size_t i = 0; io->ops->below && (below = io->ops->below(io, i)) != NULL; i++)
    if (!has_its_name(below, data))
      return false;
  if (io->ops->below || !vmf_io_stat(io, &then) || !S_ISREG(then.st_mode) || then.st_nlink == 0 ||
      (stat(io->name, &now) == 0 && now.st_dev == then.st_dev && now.st_ino == then.st_ino))
    return true;
  *(const char **)data = io->name;
  return false;
}

/* An overlay names its backing file: it shows what stands there, not what was compared. */
static enum vmf_code backing_held_still(struct vmf_image *backing, struct vmf_error *error)
{
  const char *replaced = NULL;

  VMF_TRY(vmf_image_unchanged(backing, error));
  vmf_image_visit_files(backing, has_its_name, &replaced);
  if (!replaced)
    return VMF_OK;
  return vmf_fail(error, VMF_CHANGED,
                  "%s: another file took its place while an overlay on it was made", replaced);
}

/* Asked before, too: what cannot be told of a source is told before hours of work. */
static enum vmf_code held_still(const struct vmf_copy *copy, struct vmf_error *error)
{
  if (copy->source)
    VMF_TRY(vmf_image_unchanged(copy->source, error));
  return copy->backing ? backing_held_still(copy->backing, error) : VMF_OK;
}

/* What does not fit is told before the first byte. What an overlay stores is known only when it is
 * done; and a disk that is salvaged is read once. */
static enum vmf_code check_room(const struct vmf_copy *copy, const struct vmf_job_options *options,
                                struct vmf_error *error)
{
  struct vmf_target *target = copy->target;
  const struct vmf_need need = {.source = copy->source,
                                .size = copy->size,
                                .format = target->format,
                                .options = target->options,
                                .shape = &target->shape,
                                .sparse_size = copy->sparse_size};
  struct vmf_room room;
  struct vmf_amount amount;

  bool full = target->shape.reserves || target->shape.keep_zeros;
  if ((!copy->source && !full) || copy->backing || copy->salvage ||
      vmf_image_streams(copy->source) || !vmf_io_room(target->io, &room) ||
      (copy->source && room.shares && !options->no_reflink && vmf_copy_may_share(copy) &&
       vmf_copy_on_one_system(copy)))
    return VMF_OK;
  VMF_TRY(vmf_need_by_map(&need, room.bytes, &amount, error));
  if (amount.most > room.bytes && room.exact)
    VMF_TRY(vmf_need_by_data(&need, room.bytes, options, &amount, error));
  return vmf_need_judge(target->io->name, &room, &amount, target->log, error);
}

enum vmf_code vmf_convert_size(struct vmf_image *source, struct vmf_target *target,
                               const struct vmf_job_options *options, uint64_t *bytes,
                               struct vmf_error *error)
{
  const struct vmf_writer *writer = target->format->writer;
  struct vmf_copy copy;

  if (target->shape.layout == VMF_ORDERED)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: its size is known only when its data has been packed", target->name);
  VMF_TRY(settle_copy(source, target, options, &copy, error));
  const struct vmf_plan plan = make_plan(&copy);
  if (target->shape.layout == VMF_PLANNED)
    VMF_TRY(survey_target(&copy, &plan, options, error));
  return writer->measure(target->options, &target->shape, target->guest_size,
                         target->shape.layout == VMF_PLANNED ? &vmf_draft(target)->exact : NULL,
                         bytes, error);
}

/* ---- several beside each other ---- */

/* They share their jobs: these are cut alike, and as large as the largest. */
static void settle_jobs(struct vmf_copy *copies, size_t count)
{
  struct vmf_copy_room room = {0};
  uint32_t job_bytes = 0;

  for (size_t i = 0; i < count; i++)
    job_bytes = (uint32_t)vmf_max(job_bytes, copies[i].job_bytes);
  for (size_t i = 0; i < count; i++) {
    copies[i].job_bytes = job_bytes;
    copies[i].beside = (unsigned)count;
    const struct vmf_copy_room its = vmf_copy_room(&copies[i]);
    vmf_copy_widen(&room, &its);
  }
  for (size_t i = 0; i < count; i++)
    copies[i].room = room;
}

static enum vmf_code settle_all(struct vmf_copying *copyings, struct vmf_copy *copies, size_t count,
                                const struct vmf_job_options *options, struct vmf_error *error)
{
  for (size_t i = 0; i < count; i++) {
    struct vmf_copying *copying = &copyings[i];
    VMF_TRY(settle_copy(copying->source, copying->target, options, &copies[i], error));
    copies[i].result = &copying->result;
  }
  settle_jobs(copies, count);
  return VMF_OK;
}

static enum vmf_code begin_one(struct vmf_copy *copy, const struct vmf_job_options *options,
                               struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(copy->target);
  const struct vmf_plan plan = make_plan(copy);

  VMF_TRY(held_still(copy, error));
  VMF_TRY(check_room(copy, options, error));
  VMF_TRY(vmf_journal_open(copy, &copy->journal, error));
  draft->state = VMF_DRAFT_BEGUN;
  if (draft->output)
    VMF_TRY(vmf_output_begin(draft->output, error));
  VMF_TRY(begin(copy, &plan, options, error));
  return copy->journal ? vmf_journal_prove(copy->journal, options->cancel, error) : VMF_OK;
}

static enum vmf_code finish_one(const struct vmf_copy *copy, struct vmf_error *error)
{
  VMF_TRY(held_still(copy, error));
  VMF_TRY(copy->target->format->writer->finish(copy->target, error));
  vmf_draft(copy->target)->state = VMF_DRAFT_FINISHED;
  return VMF_OK;
}

static enum vmf_code convert_all(struct vmf_copy *copies, size_t count,
                                 const struct vmf_job_options *options, struct vmf_error *error)
{
  for (size_t i = 0; i < count; i++)
    VMF_TRY(begin_one(&copies[i], options, error));
  VMF_TRY(vmf_copy_run(copies, count, options, error));
  for (size_t i = 0; i < count; i++) {
    if (copies[i].journal)
      VMF_TRY(vmf_journal_end(copies[i].journal, error));
    VMF_TRY(finish_one(&copies[i], error));
  }
  return vmf_cancelled(options->cancel, error);
}

static enum vmf_code convert(struct vmf_copy *copies, size_t count,
                             const struct vmf_job_options *options, struct vmf_error *error)
{
  enum vmf_code code = convert_all(copies, count, options, error);

  for (size_t i = 0; i < count; i++) {
    if (code != VMF_OK)
      vmf_journal_leave(copies[i].journal, code);
    vmf_journal_free(copies[i].journal);
  }
  return code;
}

enum vmf_code vmf_convert_together(struct vmf_copying *copyings, size_t count,
                                   const struct vmf_job_options *options, struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;

  VMF_TRY(vmf_alloc(count * sizeof(struct vmf_copy), &memory, error));
  struct vmf_copy *copies = memory;
  VMF_TRY(settle_all(copyings, copies, count, options, error));
  return convert(copies, count, options, error);
}

/* ---- one ---- */

static enum vmf_code convert_one(struct vmf_copying *copying, const struct vmf_job_options *options,
                                 struct vmf_error *error)
{
  struct vmf_salvage salvage;
  struct vmf_copy copy;

  VMF_TRY(settle_all(copying, &copy, 1, options, error));
  if (options->lost && copying->source) {
    VMF_TRY(vmf_salvage_init(&salvage, options, error));
    VMF_TRY(vmf_image_seekable(copying->source, error));
    copy.salvage = &salvage;
  }
  return convert(&copy, 1, options, error);
}

enum vmf_code vmf_convert(struct vmf_image *source, struct vmf_target *target,
                          const struct vmf_job_options *options, struct vmf_job_result *result,
                          struct vmf_error *error)
{
  struct vmf_copying copying = {.source = source, .target = target};
  struct vmf_job_options own;

  VMF_REQUIRE(target, error);
  VMF_TRY(vmf_take_job_options(options, &own, error));
  VMF_TRY(vmf_take_job_result(result, &copying.result, error));
  if (vmf_draft(target)->state != VMF_DRAFT_EMPTY)
    return vmf_fail(error, VMF_USAGE, "%s: has been written to already; make another target",
                    target->name);
  enum vmf_code code = convert_one(&copying, &own, error);
  vmf_give_job_result(&copying.result, result);
  return code;
}

enum vmf_code vmf_image_unpack(struct vmf_image *image, const struct vmf_job_options *options,
                               struct vmf_error *error)
{
  struct vmf_job_options own;
  struct vmf_job_result ignored;
  struct vmf_copy copy;

  VMF_REQUIRE(image, error);
  VMF_TRY(vmf_take_job_options(options, &own, error));
  own.checksum = NULL;
  VMF_TRY(settle_copy(image, NULL, &own, &copy, error));
  copy.packed_only = true;
  copy.result = &ignored;
  VMF_TRY(vmf_copy_run(&copy, 1, &own, error));
  return vmf_image_unchanged(image, error);
}

enum vmf_code vmf_copy_checksum(struct vmf_image *image, uint64_t size,
                                const struct vmf_job_options *options,
                                struct vmf_job_result *result, struct vmf_error *error)
{
  struct vmf_copy copy;

  VMF_TRY(settle_copy(image, NULL, options, &copy, error));
  copy.size = size;
  copy.result = result;
  VMF_TRY(held_still(&copy, error));
  VMF_TRY(vmf_copy_run(&copy, 1, options, error));
  return held_still(&copy, error);
}

enum vmf_code vmf_checksum(struct vmf_image *image, const struct vmf_job_options *options,
                           struct vmf_job_result *result, struct vmf_error *error)
{
  struct vmf_job_options own;
  struct vmf_job_result found;

  VMF_REQUIRE(image, error);
  VMF_REQUIRE(result, error);
  VMF_TRY(vmf_take_job_options(options, &own, error));
  VMF_TRY(vmf_take_job_result(result, &found, error));
  enum vmf_code code = own.plain_checksum
                           ? vmf_copy_plain_digest(image, &own, &found, error)
                           : vmf_copy_checksum(image, image->size, &own, &found, error);
  vmf_give_job_result(&found, result);
  return code;
}
