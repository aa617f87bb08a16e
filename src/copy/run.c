/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion or a checksum does with its jobs as they come back in guest order. The only
 * serial part of it is here: place, the checksum of checksums, and writing to a pipe. */
#include "run.h"

#include <inttypes.h>

#include "cancel.h"
#include "checked.h"
#include "data_sharing.h"
#include "log.h"
#include "loop.h"

struct run {
  const struct vmf_copy *copy;
  struct vmf_job_result *result;
  struct vmf_places places;
  struct vmf_checksum *checksum; /* NULL: none is wanted */
  struct vmf_loss pending;       /* what is lost, as far as it is known how far it goes */
  bool share;                    /* with the target, until the file system refuses */
  uint64_t shared_bytes;
};

/* A hole of petabytes has digests for minutes: one can stop between. */
static enum vmf_code push_zeros(const struct run *run, const struct vmf_job_options *options,
                                uint64_t length, struct vmf_error *error)
{
  const uint64_t at_once = 64ull << 30; /* whole blocks of the checksum */

  for (uint64_t done = 0; done < length; done += vmf_min(at_once, length - done)) {
    VMF_TRY(vmf_cancelled(options->cancel, error));
    VMF_TRY(vmf_checksum_push_zeros(run->checksum, vmf_min(at_once, length - done), error));
  }
  return VMF_OK;
}

static enum vmf_code push_digests(const struct run *run, const struct vmf_copy_job *job,
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

/* A job on its way out, in guest order. */
static enum vmf_code retire(struct vmf_loop *loop, void *job_data, bool *stop,
                            struct vmf_error *error)
{
  struct run *run = loop->run;
  struct vmf_copy_job *job = job_data;
  const struct vmf_copy *copy = run->copy;
  const struct vmf_target *target = copy->target;

  (void)stop;
  if (copy->salvage)
    vmf_salvage_tell(&run->pending, &job->losses, loop->options, run->result);
  VMF_TRY(push_digests(run, job, loop->options, error));
  if (target && job->fed.hole && target->io->device && !target->io->reads_as_zero &&
      target->shape.layout == VMF_FIXED)
    VMF_TRY(vmf_io_zero(target->io, job->fed.guest, job->fed.length, false, error));
  if (target)
    VMF_TRY(vmf_copy_place(&run->places, job, error));
  run->result->data_bytes += job->data_bytes;
  run->result->zero_bytes += job->fed.length - job->data_bytes;
  if (target && !target->io->sequential && job->block_count > 0)
    vmf_pipeline_store(loop->pipeline);
  else
    vmf_pipeline_retire(loop->pipeline);
  return VMF_OK;
}

/* What comes next and can be shared with the target needs no job. */
static enum vmf_code share_next(struct vmf_loop *loop, struct vmf_error *error)
{
  struct run *run = loop->run;
  struct vmf_span span;
  uint64_t length = 1;
  bool data, refused;

  while (run->share && length > 0) {
    VMF_TRY(vmf_cancelled(loop->options->cancel, error));
    VMF_TRY(vmf_feed_peek(&loop->feed, &span, &data, error));
    if (!data)
      return VMF_OK;
    VMF_TRY(vmf_copy_share(run->copy, &span, &length, &refused, error));
    run->share = !refused;
    vmf_feed_skip(&loop->feed, length);
    run->result->data_bytes += length;
    run->places.host_bytes += length;
    run->shared_bytes += length;
    vmf_loop_count(loop, length);
    VMF_TRY(vmf_loop_admit(loop, length, error));
  }
  return VMF_OK;
}

static void tell_work(const struct run *run, const struct vmf_target *target, unsigned threads)
{
  unsigned shown = threads > 0 ? threads : 1;

  if (target && run->shared_bytes > 0)
    vmf_note(target->log, "%s: %u thread%s; %" PRIu64 " bytes are shared with the source",
             target->io->name, shown, shown > 1 ? "s" : "", run->shared_bytes);
  else if (target)
    vmf_note(target->log, "%s: %u thread%s", target->io->name, shown, shown > 1 ? "s" : "");
}

static enum vmf_code run_all(struct run *run, const struct vmf_job_options *options,
                             struct vmf_error *error)
{
  const struct vmf_copy *copy = run->copy;
  const struct vmf_target *target = copy->target;
  struct vmf_loop loop = {.feed = {.inputs = {copy->source, copy->backing},
                                   .salvage = copy->salvage,
                                   .size = copy->size,
                                   .unit = vmf_copy_feed_unit(copy),
                                   .job_bytes = copy->job_bytes,
                                   .packed_only = copy->packed_only,
                                   .everything = target && target->shape.keep_zeros},
                          .options = options,
                          .holes_count =
                              target && target->io->sequential && target->shape.layout == VMF_FIXED,
                          .stage = {.job_size = sizeof(struct vmf_copy_job),
                                    .scratch_size = sizeof(struct vmf_copy_scratch),
                                    .work = vmf_copy_work,
                                    .store = vmf_copy_store,
                                    .free_job = vmf_copy_free_job,
                                    .free_scratch = vmf_copy_free_scratch,
                                    .stores = target ? target->io->writers : 0},
                          .context = (void *)copy,
                          .demand = vmf_copy_demand(copy),
                          .before = share_next,
                          .retire = retire,
                          .run = run};

  if (loop.demand.stated > 0)
    vmf_note(target->log, "packing takes %zu MiB of memory a thread", loop.demand.stated >> 20);
  if (copy->checksum)
    VMF_TRY(vmf_checksum_new(copy->digest_kind, &run->checksum, error));
  VMF_TRY(vmf_loop_run(&loop, error));
  tell_work(run, target, loop.threads);
  vmf_salvage_tell_last(&run->pending, options, run->result);
  VMF_TRY(vmf_copy_place_end(&run->places, error));
  run->result->host_bytes = run->places.host_bytes;
  if (!run->checksum)
    return VMF_OK;
  run->result->checksum_length = vmf_digest_size(copy->digest_kind);
  return vmf_checksum_final(run->checksum, run->result->checksum, error);
}

enum vmf_code vmf_copy_run(const struct vmf_copy *copy, const struct vmf_job_options *options,
                           struct vmf_job_result *result, struct vmf_error *error)
{
  struct run run = {.copy = copy,
                    .result = result,
                    .places = {.copy = copy},
                    .share = !options->no_reflink && vmf_copy_may_share(copy)};

  *result = (struct vmf_job_result){.checksum_length = 0};
  enum vmf_code code = run_all(&run, options, error);
  vmf_checksum_free(run.checksum);
  return code;
}
