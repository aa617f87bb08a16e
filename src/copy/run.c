/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What conversions, or a checksum, do with their jobs as they come back in guest order of each
 * disk. The only serial part is here: place, the checksum of checksums, and writing to a pipe. */
#include "run.h"

#include <inttypes.h>

#include "cancel.h"
#include "checked.h"
#include "data_sharing.h"
#include "effort.h"
#include "journal.h"
#include "log.h"
#include "loop.h"
#include "memory.h"

/* Of one disk. */
struct run {
  const struct vmf_copy *copy;
  struct vmf_places places;
  struct vmf_checksum *checksum; /* NULL: none is wanted */
  struct vmf_loss pending;       /* what is lost, as far as it is known how far it goes */
  bool share;                    /* with the target, until the file system refuses */
  uint64_t shared_bytes;
  uint64_t hole_digests; /* bytes of digests of holes, which a checksum is made of */
};

enum { TELL_DIGESTS_SHIFT = 36 /* of more bytes a person may wonder what it is at */ };

/* A disk may claim any size without a byte of data, and its checksum is made of a digest for every
 * 64 KiB of it, holes or not: they are work as data is. */
static enum vmf_code admit_digests(struct run *run, const struct vmf_job_options *options,
                                   uint64_t length, struct vmf_error *error)
{
  uint64_t before = run->hole_digests, most = options->max_bytes;
  const struct vmf_image *image = run->copy->source;

  run->hole_digests += length / VMF_CHECKSUM_BLOCK * vmf_digest_size(run->copy->digest_kind);
  if (most > 0 && run->hole_digests > most)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: has holes whose digests, which its checksum is made of, are more than the "
                    "%" PRIu64 " bytes that are allowed (--max-size)",
                    vmf_image_path(image), most);
  if (most == 0 && before >> TELL_DIGESTS_SHIFT == 0 && run->hole_digests >> TELL_DIGESTS_SHIFT > 0)
    vmf_warn(image->log,
             "%s: has %" PRIu64 " bytes, most of them in holes: its checksum takes minutes for "
             "each PiB; --max-size SIZE bounds that",
             vmf_image_path(image), run->copy->size);
  return VMF_OK;
}

/* A hole of petabytes has digests for minutes: one can stop between. */
static enum vmf_code push_zeros(struct run *run, const struct vmf_job_options *options,
                                uint64_t length, struct vmf_error *error)
{
  const uint64_t at_once = 64ull << 30; /* whole blocks of the checksum */

  for (uint64_t done = 0; done < length; done += vmf_min(at_once, length - done)) {
    uint64_t part = vmf_min(at_once, length - done);
    VMF_TRY(vmf_cancelled(options->cancel, error));
    VMF_TRY(admit_digests(run, options, part, error));
    VMF_TRY(vmf_checksum_push_zeros(run->checksum, part, error));
  }
  return VMF_OK;
}

static enum vmf_code push_digests(struct run *run, const struct vmf_copy_job *job,
                                  const struct vmf_job_options *options, struct vmf_error *error)
{
  if (!run->checksum)
    return VMF_OK;
  if (job->fed.hole)
    return push_zeros(run, options, job->fed.length, error);
  for (size_t i = 0, done = 0; done < job->fed.length; i++, done += VMF_CHECKSUM_BLOCK) {
    size_t length = (size_t)vmf_min(VMF_CHECKSUM_BLOCK, job->fed.length - done);
    if (job->zero_digest[i])
      VMF_TRY(vmf_checksum_push_zeros(run->checksum, length, error));
    else
      VMF_TRY(vmf_checksum_push(run->checksum, job->digests + i * VMF_DIGEST_MAX, length, error));
  }
  return VMF_OK;
}

/* The units of a job that has been placed; those of a FIXED target have their place in any case. */
static enum vmf_code note_units(const struct vmf_copy *copy, const struct vmf_copy_job *job,
                                struct vmf_error *error)
{
  struct vmf_target *target = copy->target;

  for (size_t i = 0; i < job->record_count; i++) {
    struct vmf_unit_record *record = &job->records[i];
    struct vmf_block block = {
        .guest = record->guest, .length = record->length, .data_length = record->length};
    if (target->shape.layout == VMF_FIXED)
      VMF_TRY(target->format->writer->place(target, &block, error));
    else
      block = job->blocks[i];
    record->offset = block.host + block.head_length;
    VMF_TRY(vmf_unit_writer_add(copy->units->writer, record, error));
  }
  return VMF_OK;
}

static enum vmf_code place(struct run *run, struct vmf_copy_job *job, struct vmf_error *error)
{
  enum vmf_effort before = vmf_effort_begin(VMF_EFFORT_PLACE);
  enum vmf_code code = vmf_copy_place(&run->places, job, error);

  vmf_effort_end(before);
  return code;
}

/* A job on its way out, in guest order. */
static enum vmf_code retire(struct vmf_loop *loop, void *job_data, bool *stop,
                            struct vmf_error *error)
{
  struct vmf_copy_job *job = job_data;
  struct run *run = (struct run *)loop->run + job->fed.disk;
  const struct vmf_copy *copy = run->copy;
  const struct vmf_target *target = copy->target;

  (void)stop;
  if (copy->salvage)
    vmf_salvage_tell(&run->pending, &job->losses, loop->options, copy->result);
  VMF_TRY(push_digests(run, job, loop->options, error));
  if (target && job->fed.hole && target->io->device && !target->io->reads_as_zero &&
      target->shape.layout == VMF_FIXED)
    VMF_TRY(vmf_io_zero(target->io, job->fed.guest, job->fed.length, false, error));
  if (target)
    VMF_TRY(place(run, job, error));
  if (copy->units && copy->units->writer)
    VMF_TRY(note_units(copy, job, error));
  run->copy->result->data_bytes += job->data_bytes;
  run->copy->result->zero_bytes += job->fed.length - job->data_bytes;
  if (copy->journal)
    VMF_TRY(vmf_journal_note(copy->journal, job, error));
  if (target && !target->io->sequential && job->block_count > 0)
    vmf_pipeline_store(loop->pipeline);
  else
    vmf_pipeline_retire(loop->pipeline);
  return copy->journal ? vmf_journal_mark(copy->journal, loop->pipeline, error) : VMF_OK;
}

/* A job that an interrupted run has done retires once more, without data. */
static enum vmf_code retire_again(struct vmf_loop *loop, struct run *run, struct vmf_copy_job *job,
                                  struct vmf_error *error)
{
  VMF_TRY(push_digests(run, job, loop->options, error));
  run->places.again = true;
  enum vmf_code code = vmf_copy_place(&run->places, job, error);
  run->places.again = false;
  VMF_TRY(code);
  VMF_TRY(vmf_journal_taken(run->copy->journal, job, error));
  if (run->copy->units && run->copy->units->writer)
    VMF_TRY(note_units(run->copy, job, error));
  run->copy->result->data_bytes += job->data_bytes;
  run->copy->result->zero_bytes += job->fed.length - job->data_bytes;
  vmf_feed_skip(&loop->feeds[loop->at], job->fed.length);
  if (job->fed.hole)
    return VMF_OK;
  vmf_loop_count(loop, job->fed.length);
  return vmf_loop_admit(loop, job->fed.length, error);
}

/* What comes next and has been done before. */
static enum vmf_code take_up(struct vmf_loop *loop, struct run *run, struct vmf_error *error)
{
  struct vmf_copy_job *job = NULL;

  if (!run->copy->journal)
    return VMF_OK;
  do {
    VMF_TRY(vmf_cancelled(loop->options->cancel, error));
    VMF_TRY(vmf_journal_next(run->copy->journal, loop->feeds[loop->at].guest, &job, error));
    if (job)
      VMF_TRY(retire_again(loop, run, job, error));
  } while (job);
  return VMF_OK;
}

/* What comes next and is done, or can be shared with the target, needs no job. */
static enum vmf_code go_ahead(struct vmf_loop *loop, struct vmf_error *error)
{
  struct run *run = (struct run *)loop->run + loop->at;
  struct vmf_feed *feed = &loop->feeds[loop->at];
  struct vmf_span span;
  uint64_t length = 1;
  bool data, refused;

  VMF_TRY(take_up(loop, run, error));
  while (run->share && length > 0) {
    VMF_TRY(vmf_cancelled(loop->options->cancel, error));
    VMF_TRY(vmf_feed_peek(feed, &span, &data, error));
    if (!data)
      return VMF_OK;
    VMF_TRY(vmf_copy_share(run->copy, &span, &length, &refused, error));
    run->share = !refused;
    vmf_feed_skip(feed, length);
    run->copy->result->data_bytes += length;
    run->places.host_bytes += length;
    run->shared_bytes += length;
    vmf_loop_count(loop, length);
    VMF_TRY(vmf_loop_admit(loop, length, error));
    VMF_TRY(take_up(loop, run, error));
  }
  return VMF_OK;
}

static void tell_work(const struct run *run, const struct vmf_target *target, unsigned threads)
{
  unsigned shown = threads > 0 ? threads : 1;

  if (target && run->shared_bytes > 0)
    vmf_detail(target->log, "%s: %u thread%s; %" PRIu64 " bytes are shared with the source",
               target->io->name, shown, shown > 1 ? "s" : "", run->shared_bytes);
  else if (target)
    vmf_detail(target->log, "%s: %u thread%s", target->io->name, shown, shown > 1 ? "s" : "");
}

/* Of what is used again: the source, where its bitmap was asked for. */
static struct vmf_image *marking_of(const struct vmf_copy *copy)
{
  return copy->units && copy->units->old && copy->source && copy->source->marked && !copy->reads_all
             ? copy->source
             : NULL;
}

static struct vmf_feed feed_of(const struct vmf_copy *copy)
{
  const struct vmf_target *target = copy->target;

  return (struct vmf_feed){.inputs = {copy->source, copy->backing},
                           .salvage = copy->salvage,
                           .marking = marking_of(copy),
                           .size = copy->size,
                           .unit = vmf_copy_feed_unit(copy),
                           .job_bytes = copy->job_bytes,
                           .packed_only = copy->packed_only,
                           .everything = target && target->shape.keep_zeros,
                           .holes_count = target && target->io->sequential &&
                                          target->shape.layout == VMF_FIXED};
}

static struct vmf_demand demand_of(const struct vmf_copy *copies, size_t count)
{
  struct vmf_demand most = {0};

  for (size_t i = 0; i < count; i++) {
    const struct vmf_demand one = vmf_copy_demand(&copies[i]);
    most.thread = (size_t)vmf_max(most.thread, one.thread);
    most.job = (size_t)vmf_max(most.job, one.job);
    most.stated = (size_t)vmf_max(most.stated, one.stated);
  }
  return most;
}

/* How many writes may be under way; 0: any number. */
static unsigned writers_of(const struct vmf_copy *copies, size_t count)
{
  unsigned writers = 0;

  for (size_t i = 0; i < count; i++) {
    if (!copies[i].target || copies[i].target->io->writers == 0 ||
        copies[i].target->shape.encrypts) /* which is done by who writes */
      return 0;
    writers += copies[i].target->io->writers;
  }
  return writers;
}

/* Runs the feeds, one of each copy. */
static enum vmf_code run_feeds(const struct vmf_copy *copies, struct run *runs,
                               struct vmf_feed *feeds, size_t count,
                               const struct vmf_job_options *options, struct vmf_error *error)
{
  const struct vmf_target *target = copies->target;
  struct vmf_loop loop = {.feeds = feeds,
                          .feed_count = count,
                          .options = options,
                          .stage = {.job_size = sizeof(struct vmf_copy_job),
                                    .scratch_size = sizeof(struct vmf_copy_scratch),
                                    .work = vmf_copy_work,
                                    .store = vmf_copy_store,
                                    .free_job = vmf_copy_free_job,
                                    .free_scratch = vmf_copy_free_scratch,
                                    .stores = writers_of(copies, count)},
                          .context = (void *)copies,
                          .demand = demand_of(copies, count),
                          .before = go_ahead,
                          .retire = retire,
                          .run = runs};

  if (loop.demand.stated > 0)
    vmf_detail(target->log, "packing takes %zu MiB of memory a thread", loop.demand.stated >> 20);
  VMF_TRY(vmf_loop_run(&loop, error));
  for (size_t i = 0; i < count; i++)
    tell_work(&runs[i], copies[i].target, loop.threads);
  return VMF_OK;
}

/* The image of a chain, or a part of it, that is encrypted; or NULL. */
static const struct vmf_image *encrypted_in(const struct vmf_image *image)
{
  const struct vmf_image *found = NULL, *part;

  for (; image && !found; image = image->parent) {
    found = image->encrypted ? image : NULL;
    for (size_t i = 0; !found && (part = vmf_image_part(image, i)) != NULL; i++)
      found = encrypted_in(part);
  }
  return found;
}

static void tell_unencrypted(const struct vmf_copy *copy)
{
  const struct vmf_target *target = copy->target;
  const struct vmf_image *encrypted = target ? encrypted_in(copy->source) : NULL;

  if (encrypted && !target->shape.encrypts)
    vmf_note(target->log, "%s: the disk is stored unencrypted; in %s it is encrypted",
             target->io->name, encrypted->io->name);
}

static enum vmf_code begin(struct run *run, const struct vmf_copy *copy,
                           const struct vmf_job_options *options, struct vmf_error *error)
{
  *copy->result = (struct vmf_job_result){.checksum_length = 0};
  *run = (struct run){.copy = copy,
                      .places = {.copy = copy},
                      .share = !options->no_reflink && vmf_copy_may_share(copy)};
  tell_unencrypted(copy);
  return copy->checksum ? vmf_checksum_new(copy->digest_kind, &run->checksum, error) : VMF_OK;
}

static enum vmf_code end(struct run *run, const struct vmf_job_options *options,
                         struct vmf_error *error)
{
  const struct vmf_copy *copy = run->copy;

  vmf_salvage_tell_last(&run->pending, options, copy->result);
  VMF_TRY(vmf_copy_place_end(&run->places, error));
  copy->result->host_bytes = run->places.host_bytes;
  if (!run->checksum)
    return VMF_OK;
  copy->result->checksum_length = vmf_digest_size(copy->digest_kind);
  return vmf_checksum_final(run->checksum, copy->result->checksum, error);
}

static enum vmf_code run_all(const struct vmf_copy *copies, struct run *runs, size_t count,
                             const struct vmf_job_options *options, struct vmf_error *error)
{
  VMF_AUTO_FREE void *feeds = NULL;

  VMF_TRY(vmf_alloc(count * sizeof(struct vmf_feed), &feeds, error));
  for (size_t i = 0; i < count; i++) {
    ((struct vmf_feed *)feeds)[i] = feed_of(&copies[i]);
    VMF_TRY(begin(&runs[i], &copies[i], options, error));
  }
  VMF_TRY(run_feeds(copies, runs, feeds, count, options, error));
  for (size_t i = 0; i < count; i++)
    VMF_TRY(end(&runs[i], options, error));
  return VMF_OK;
}

enum vmf_code vmf_copy_run(const struct vmf_copy *copies, size_t count,
                           const struct vmf_job_options *options, struct vmf_error *error)
{
  VMF_AUTO_FREE void *runs = NULL;

  VMF_TRY(vmf_alloc(count * sizeof(struct run), &runs, error));
  enum vmf_code code = run_all(copies, runs, count, options, error);
  for (size_t i = 0; i < count; i++)
    vmf_checksum_free(((struct run *)runs)[i].checksum);
  return code;
}
