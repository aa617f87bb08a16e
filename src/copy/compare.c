/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Comparing the guest content of two images; stretches that are zeros in both are not read. */
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "memory.h"
#include "run.h"

enum { COMPARE_BYTES = 1 << 20 };

struct comparison {
  struct vmf_image *a, *b; /* the shorter one is read as if zeros followed */
};

struct compare_job {
  uint64_t guest, length;
  uint8_t *bytes_a, *bytes_b;
  bool differs;
  uint64_t difference; /* guest offset */
};

struct compare_scratch {
  struct vmf_loader *loader_a, *loader_b;
};

static enum vmf_code prepare(struct compare_job *job, struct compare_scratch *scratch,
                             struct vmf_error *error)
{
  void *memory;
  if (!job->bytes_a) {
    VMF_TRY(vmf_alloc_pages(COMPARE_BYTES, &memory, error));
    job->bytes_a = memory;
  }
  if (!job->bytes_b) {
    VMF_TRY(vmf_alloc_pages(COMPARE_BYTES, &memory, error));
    job->bytes_b = memory;
  }
  if (!scratch->loader_a)
    VMF_TRY(vmf_loader_new(&scratch->loader_a, error));
  return scratch->loader_b ? VMF_OK : vmf_loader_new(&scratch->loader_b, error);
}

static enum vmf_code compare_work(void *job_data, void *scratch_data, void *context,
                                  struct vmf_error *error)
{
  const struct comparison *comparison = context;
  struct compare_job *job = job_data;
  struct compare_scratch *scratch = scratch_data;
  size_t length = (size_t)job->length, at = 0;

  VMF_TRY(prepare(job, scratch, error));
  VMF_TRY(
      vmf_loader_read(scratch->loader_a, comparison->a, job->bytes_a, length, job->guest, error));
  VMF_TRY(
      vmf_loader_read(scratch->loader_b, comparison->b, job->bytes_b, length, job->guest, error));
  job->differs = memcmp(job->bytes_a, job->bytes_b, length) != 0;
  if (job->differs)
    while (job->bytes_a[at] == job->bytes_b[at])
      at++;
  job->difference = job->guest + at;
  return VMF_OK;
}

static void compare_free_job(void *data)
{
  struct compare_job *job = data;
  vmf_free(job->bytes_a);
  vmf_free(job->bytes_b);
}

static void compare_free_scratch(void *data)
{
  struct compare_scratch *scratch = data;
  vmf_loader_free(scratch->loader_a);
  vmf_loader_free(scratch->loader_b);
}

struct compare_run {
  const struct vmf_job_options *options;
  struct vmf_job_result *result;
  struct vmf_pipeline *pipeline;
  struct vmf_walk walk;
  struct vmf_stretch next; /* not yet submitted; length 0: none */
};

static enum vmf_code submit_jobs(struct compare_run *run, struct vmf_error *error)
{
  for (;;) {
    struct compare_job *job;
    if (run->next.length == 0)
      VMF_TRY(vmf_walk_data(&run->walk, &run->next, error));
    if (run->next.length == 0 || !(job = vmf_pipeline_claim(run->pipeline)))
      return VMF_OK;
    job->guest = run->next.guest;
    job->length = run->next.length;
    run->next.length = 0;
    vmf_pipeline_submit(run->pipeline);
  }
}

static enum vmf_code compare_jobs(struct compare_run *run, struct vmf_error *error)
{
  for (;;) {
    void *oldest;
    VMF_TRY(vmf_copy_cancelled(run->options, error));
    VMF_TRY(submit_jobs(run, error));
    VMF_TRY(vmf_pipeline_oldest(run->pipeline, &oldest, error));
    if (!oldest)
      return VMF_OK;
    const struct compare_job *job = oldest;
    run->result->data_bytes += job->length;
    if (job->differs) {
      run->result->identical = false;
      run->result->difference = job->difference;
      return VMF_OK;
    }
    if (run->options->progress)
      run->options->progress(run->options->progress_data, job->guest + job->length,
                             run->walk.plan->size);
    vmf_pipeline_retire(run->pipeline);
  }
}

/* Strict: what one disk stores the other stores too. */
static enum vmf_code compare_allocation(struct vmf_image *a, struct vmf_image *b,
                                        struct vmf_job_result *result, struct vmf_error *error)
{
  for (uint64_t guest = 0; guest < a->size;) {
    struct vmf_span span_a, span_b;
    VMF_TRY(vmf_image_span(a, guest, a->size, &span_a, error));
    VMF_TRY(vmf_image_span(b, guest, span_a.length, &span_b, error));
    if ((span_a.kind == VMF_RUN_ZERO) != (span_b.kind == VMF_RUN_ZERO)) {
      result->identical = false;
      result->difference = guest;
      return VMF_OK;
    }
    guest += span_b.length;
  }
  return VMF_OK;
}

static enum vmf_code compare(struct vmf_image *a, struct vmf_image *b,
                             const struct vmf_job_options *options, struct vmf_job_result *result,
                             struct vmf_error *error)
{
  static const struct vmf_stage stage = {.job_size = sizeof(struct compare_job),
                                         .scratch_size = sizeof(struct compare_scratch),
                                         .work = compare_work,
                                         .free_job = compare_free_job,
                                         .free_scratch = compare_free_scratch};
  struct comparison comparison = {.a = a, .b = b};
  const struct vmf_plan plan = {
      .image = a, .backing = b, .size = vmf_max(a->size, b->size), .unit = VMF_CHECKSUM_BLOCK};
  struct compare_run run = {
      .options = options, .result = result, .walk = {.plan = &plan, .piece_bytes = COMPARE_BYTES}};
  struct vmf_crew crew = vmf_copy_crew(
      options->threads, vmf_loader_memory(a) + vmf_loader_memory(b), 2 * (size_t)COMPARE_BYTES);

  *result = (struct vmf_job_result){.identical = true, .sizes_differ = a->size != b->size};
  if (options->strict && result->sizes_differ) {
    result->identical = false;
    result->difference = vmf_min(a->size, b->size);
    return VMF_OK;
  }
  if (options->strict)
    VMF_TRY(compare_allocation(a, b, result, error));
  if (!result->identical)
    return VMF_OK;
  VMF_TRY(vmf_pipeline_new(&stage, &comparison, crew.threads, crew.jobs, &run.pipeline, error));
  enum vmf_code code = compare_jobs(&run, error);
  vmf_pipeline_free(run.pipeline);
  if (code == VMF_OK)
    code = vmf_image_unchanged(a, error);
  return code == VMF_OK ? vmf_image_unchanged(b, error) : code;
}

enum vmf_code vmf_compare(struct vmf_image *a, struct vmf_image *b,
                          const struct vmf_job_options *options, struct vmf_job_result *result,
                          struct vmf_error *error)
{
  struct vmf_job_options own;
  struct vmf_job_result found;

  VMF_REQUIRE(a, error);
  VMF_REQUIRE(b, error);
  VMF_REQUIRE(result, error);
  VMF_TRY(vmf_take_job_options(options, &own, error));
  VMF_TRY(vmf_take_job_result(result, &found, error));
  enum vmf_code code = compare(a, b, &own, &found, error);
  vmf_give_job_result(&found, result);
  return code;
}
