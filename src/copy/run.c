/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The caller's side of the pipeline: cuts the plan into jobs, retires them in guest order. The only
 * serial part of a conversion is here: place, the checksum of checksums, and writing to a pipe. */
#include "run.h"

#include <sched.h>
#include <string.h>

#include "checked.h"
#include "data_sharing.h"
#include "text.h"

enum { JOB_BYTES_MAX = 2 << 20, MEMORY = 40 << 20, MEMORY_PER_THREAD = 4 << 20 };

struct run {
  const struct vmf_copy *copy;
  const struct vmf_plan *plan;
  const struct vmf_job_options *options;
  struct vmf_job_result *result;
  struct vmf_pipeline *pipeline;
  struct vmf_checksum *checksum;
  struct vmf_walk walk; /* to the next job */
  bool share;           /* with the target, until the file system refuses */
  uint64_t done, total; /* bytes of data, for progress */
};

static unsigned processors(void)
{
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* How many jobs fit beside so many threads. */
static uint64_t jobs_beside(unsigned threads, size_t thread_memory, size_t job_memory)
{
  uint64_t workers = vmf_max(threads, 1);
  uint64_t budget = MEMORY + MEMORY_PER_THREAD * workers, taken = workers * thread_memory;
  return taken < budget ? (budget - taken) / job_memory : 0;
}

struct vmf_crew vmf_copy_crew(unsigned asked, size_t thread_memory, size_t job_memory)
{
  unsigned threads = asked > 0 ? asked : processors();
  /* A job for each thread, and one that is on its way in or out. */
  while (threads > 1 && jobs_beside(threads, thread_memory, job_memory) < threads + 1)
    threads--;
  uint64_t jobs = jobs_beside(threads, thread_memory, job_memory);
  return (struct vmf_crew){.threads = threads > 1 ? threads : 0,
                           .jobs = (unsigned)vmf_max(vmf_min(jobs, 2 * threads + 4), 2)};
}

uint32_t vmf_copy_job_bytes(const struct vmf_image *source, uint32_t target_unit)
{
  uint64_t source_unit = source ? vmf_image_largest_unit(source) : 0;
  uint64_t bytes = vmf_max(VMF_COPY_JOB_BYTES, target_unit);
  if (vmf_is_power_of_two(source_unit))
    bytes = vmf_max(bytes, vmf_min(source_unit, JOB_BYTES_MAX));
  return (uint32_t)bytes;
}

enum vmf_code vmf_copy_cancelled(const struct vmf_job_options *options, struct vmf_error *error)
{
  if (vmf_cancel_requested(options->cancel))
    return vmf_fail(error, VMF_CANCELLED, "interrupted");
  return VMF_OK;
}

enum vmf_code vmf_copy_digest_kind(const char *name, enum vmf_digest_kind *kind,
                                   struct vmf_error *error)
{
  static const char *const names[] = {
      [VMF_SHA256] = "sha256", [VMF_SHA1] = "sha1", [VMF_SHA512] = "sha512"};
  for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (vmf_text_equal_nocase(name, names[i])) {
      *kind = (enum vmf_digest_kind)i;
      return VMF_OK;
    }
  return vmf_fail(error, VMF_USAGE, "checksum \"%s\": expected sha1, sha256 or sha512", name);
}

/* How much data the plan holds, for progress. */
static enum vmf_code count_data(struct run *run, struct vmf_error *error)
{
  uint64_t guest = 0, start, end;
  while (run->options->progress && guest < run->copy->size) {
    VMF_TRY(vmf_plan_next(run->plan, guest, &start, &end, error));
    run->total += end - start;
    guest = end;
    VMF_TRY(vmf_copy_cancelled(run->options, error));
  }
  return VMF_OK;
}

/* Sets a job to the next stretch of the plan. */
static enum vmf_code fill(struct run *run, struct vmf_copy_job *job, struct vmf_error *error)
{
  struct vmf_stretch stretch;
  VMF_TRY(vmf_walk_next(&run->walk, &stretch, error));
  job->guest = stretch.guest;
  job->length = stretch.length;
  job->hole = stretch.hole;
  return VMF_OK;
}

/* A hole of petabytes has digests for minutes: one can stop between. */
static enum vmf_code push_zeros(struct run *run, uint64_t length, struct vmf_error *error)
{
  const uint64_t at_once = 64ull << 30; /* whole blocks of the checksum */

  for (uint64_t done = 0; done < length; done += vmf_min(at_once, length - done)) {
    VMF_TRY(vmf_copy_cancelled(run->options, error));
    VMF_TRY(vmf_checksum_push_zeros(run->checksum, vmf_min(at_once, length - done), error));
  }
  return VMF_OK;
}

static enum vmf_code push_digests(struct run *run, const struct vmf_copy_job *job,
                                  struct vmf_error *error)
{
  if (!run->checksum)
    return VMF_OK;
  if (job->hole)
    return push_zeros(run, job->length, error);
  for (size_t i = 0, done = 0; done < job->length; i++, done += VMF_CHECKSUM_BLOCK) {
    size_t length = (size_t)vmf_min(VMF_CHECKSUM_BLOCK, job->length - done);
    if (job->zero_digest[i])
      VMF_TRY(vmf_checksum_push_zeros(run->checksum, length, error));
    else
      VMF_TRY(vmf_checksum_push(run->checksum, job->digests + i * VMF_DIGEST_MAX, length, error));
  }
  return VMF_OK;
}

static void count_progress(struct run *run, uint64_t length)
{
  run->done += length;
  if (run->options->progress)
    run->options->progress(run->options->progress_data, run->done, run->total);
}

static void count_job(struct run *run, const struct vmf_copy_job *job)
{
  run->result->data_bytes += job->data_bytes;
  run->result->zero_bytes += job->length - job->data_bytes;
  if (!job->hole)
    count_progress(run, job->length);
}

/* A job on its way out, in guest order. */
static enum vmf_code retire(struct run *run, struct vmf_copy_job *job, struct vmf_error *error)
{
  const struct vmf_copy *copy = run->copy;
  const struct vmf_target *target = copy->target;

  VMF_TRY(push_digests(run, job, error));
  if (target && job->hole && target->io->device)
    VMF_TRY(vmf_io_zero(target->io, job->guest, job->length, false, error));
  if (target)
    VMF_TRY(vmf_copy_place(copy, job, &run->result->host_bytes, error));
  count_job(run, job);
  if (target && !target->io->sequential && job->block_count > 0)
    vmf_pipeline_store(run->pipeline);
  else
    vmf_pipeline_retire(run->pipeline);
  return VMF_OK;
}

static void count_shared(struct run *run, uint64_t length)
{
  run->result->data_bytes += length;
  run->result->host_bytes += length;
  count_progress(run, length);
}

/* What comes next and can be shared with the target needs no job. */
static enum vmf_code share_next(struct run *run, struct vmf_error *error)
{
  uint64_t end, length = 1;
  bool refused;

  while (run->share && length > 0 && run->walk.guest < run->copy->size) {
    VMF_TRY(vmf_copy_cancelled(run->options, error));
    VMF_TRY(vmf_walk_look(&run->walk, &end, error));
    if (end == run->walk.guest)
      return VMF_OK;
    VMF_TRY(vmf_copy_share(run->copy, run->walk.guest, end - run->walk.guest, &length, &refused,
                           error));
    run->share = !refused;
    run->walk.guest += length;
    if (length > 0)
      count_shared(run, length);
  }
  return VMF_OK;
}

static enum vmf_code run_jobs(struct run *run, struct vmf_error *error)
{
  for (;;) {
    struct vmf_copy_job *job;
    void *oldest;

    VMF_TRY(vmf_copy_cancelled(run->options, error));
    for (;;) {
      VMF_TRY(share_next(run, error));
      if (run->walk.guest >= run->copy->size || !(job = vmf_pipeline_claim(run->pipeline)))
        break;
      VMF_TRY(fill(run, job, error));
      vmf_pipeline_submit(run->pipeline);
    }
    VMF_TRY(vmf_pipeline_oldest(run->pipeline, &oldest, error));
    if (!oldest)
      return vmf_pipeline_drain(run->pipeline, error);
    VMF_TRY(retire(run, oldest, error));
  }
}

static enum vmf_code run_all(struct run *run, struct vmf_error *error)
{
  const struct vmf_target *target = run->copy->target;
  /* The kernel lets one thread at a time write to a file; the next would wait and do nothing. */
  const struct vmf_stage stage = {.job_size = sizeof(struct vmf_copy_job),
                                  .scratch_size = sizeof(struct vmf_copy_scratch),
                                  .work = vmf_copy_work,
                                  .store = vmf_copy_store,
                                  .free_job = vmf_copy_free_job,
                                  .free_scratch = vmf_copy_free_scratch,
                                  .stores = target && target->io->device ? 0 : 1};
  struct vmf_crew crew = vmf_copy_crew(run->options->threads, vmf_copy_thread_memory(run->copy),
                                       vmf_copy_job_memory(run->copy));

  if (run->copy->checksum)
    VMF_TRY(vmf_checksum_new(run->copy->digest_kind, &run->checksum, error));
  VMF_TRY(count_data(run, error));
  VMF_TRY(
      vmf_pipeline_new(&stage, (void *)run->copy, crew.threads, crew.jobs, &run->pipeline, error));
  VMF_TRY(run_jobs(run, error));
  if (!run->checksum)
    return VMF_OK;
  run->result->checksum_length = vmf_digest_size(run->copy->digest_kind);
  return vmf_checksum_final(run->checksum, run->result->checksum, error);
}

enum vmf_code vmf_copy_run(const struct vmf_copy *copy, const struct vmf_plan *plan,
                           const struct vmf_job_options *options, struct vmf_job_result *result,
                           struct vmf_error *error)
{
  struct run run = {.copy = copy,
                    .plan = plan,
                    .options = options,
                    .result = result,
                    .walk = {.plan = plan, .piece_bytes = copy->job_bytes},
                    .share = !options->no_reflink && vmf_copy_may_share(copy)};

  *result = (struct vmf_job_result){.checksum_length = 0};
  enum vmf_code code = run_all(&run, error);
  vmf_pipeline_free(run.pipeline);
  vmf_checksum_free(run.checksum);
  return code;
}
