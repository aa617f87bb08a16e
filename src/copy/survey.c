/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "survey.h"

#include "checked.h"
#include "memory.h"
#include "zero.h"

enum { SURVEY_BYTES = 2 << 20 };
static const uint64_t units_max = 1ull << 29;

struct survey {
  struct vmf_image *image;
  uint32_t unit;
};

struct survey_job {
  uint64_t guest, length;
  uint8_t *bytes;
  bool *holds_data; /* of each unit */
};

static enum vmf_code prepare(const struct survey *survey, struct survey_job *job,
                             struct vmf_loader **loader, struct vmf_error *error)
{
  void *memory;
  if (!job->holds_data) {
    VMF_TRY(vmf_alloc(SURVEY_BYTES / survey->unit * sizeof(bool), &memory, error));
    job->holds_data = memory;
  }
  if (!job->bytes) {
    VMF_TRY(vmf_alloc_pages(SURVEY_BYTES, &memory, error));
    job->bytes = memory;
  }
  return *loader ? VMF_OK : vmf_loader_new(loader, error);
}

static enum vmf_code survey_work(void *job_data, void *scratch, void *context,
                                 struct vmf_error *error)
{
  const struct survey *survey = context;
  struct survey_job *job = job_data;
  struct vmf_loader **loader = scratch;

  VMF_TRY(prepare(survey, job, loader, error));
  VMF_TRY(
      vmf_loader_read(*loader, survey->image, job->bytes, (size_t)job->length, job->guest, error));
  for (size_t at = 0; at < job->length; at += survey->unit)
    job->holds_data[at / survey->unit] =
        !vmf_is_zero(job->bytes + at, (size_t)vmf_min(survey->unit, job->length - at));
  return VMF_OK;
}

static void survey_free_job(void *data)
{
  struct survey_job *job = data;
  vmf_free(job->bytes);
  vmf_free(job->holds_data);
}

static void survey_free_scratch(void *scratch)
{
  vmf_loader_free(*(struct vmf_loader **)scratch);
}

static void note(const struct survey_job *job, const struct vmf_plan *exact)
{
  uint64_t first = job->guest / exact->unit;
  for (uint64_t i = 0; i < vmf_div_up(job->length, exact->unit); i++)
    if (job->holds_data[i])
      exact->data_units[(first + i) / 64] |= 1ull << (first + i) % 64;
}

struct survey_run {
  const struct vmf_plan *exact;
  struct vmf_pipeline *pipeline;
  struct vmf_walk walk;
  struct vmf_stretch next; /* not yet submitted; length 0: none */
};

static enum vmf_code submit_jobs(struct survey_run *run, struct vmf_error *error)
{
  for (;;) {
    struct survey_job *job;
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

static enum vmf_code survey_jobs(struct survey_run *run, const struct vmf_job_options *options,
                                 struct vmf_error *error)
{
  for (;;) {
    void *oldest;
    VMF_TRY(vmf_copy_cancelled(options, error));
    VMF_TRY(submit_jobs(run, error));
    VMF_TRY(vmf_pipeline_oldest(run->pipeline, &oldest, error));
    if (!oldest)
      return VMF_OK;
    note(oldest, run->exact);
    vmf_pipeline_retire(run->pipeline);
  }
}

static enum vmf_code survey(const struct vmf_plan *plan, const struct vmf_plan *exact,
                            const struct vmf_job_options *options, struct vmf_error *error)
{
  static const struct vmf_stage stage = {.job_size = sizeof(struct survey_job),
                                         .scratch_size = sizeof(struct vmf_loader *),
                                         .work = survey_work,
                                         .free_job = survey_free_job,
                                         .free_scratch = survey_free_scratch};
  struct survey survey = {.image = plan->image, .unit = exact->unit};
  struct survey_run run = {.exact = exact, .walk = {.plan = plan, .piece_bytes = SURVEY_BYTES}};
  struct vmf_crew crew =
      vmf_copy_crew(options->threads, vmf_loader_memory(plan->image), SURVEY_BYTES);

  VMF_TRY(vmf_pipeline_new(&stage, &survey, crew.threads, crew.jobs, &run.pipeline, error));
  enum vmf_code code = survey_jobs(&run, options, error);
  vmf_pipeline_free(run.pipeline);
  return code;
}

enum vmf_code vmf_survey(const struct vmf_plan *plan, uint32_t unit,
                         const struct vmf_job_options *options, struct vmf_plan *exact,
                         struct vmf_error *error)
{
  uint64_t units = vmf_div_up(plan->size, unit);
  void *memory;

  *exact = *plan;
  exact->unit = unit;
  if (plan->everything)
    return VMF_OK;
  if (units > units_max)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "a disk of %llu units of %u bytes is too large to be laid out for a pipe; at "
                    "most %llu units are possible: choose larger ones, or write to a file",
                    (unsigned long long)units, unit, (unsigned long long)units_max);
  VMF_TRY(vmf_alloc((size_t)vmf_div_up(units, 64) * sizeof(uint64_t), &memory, error));
  exact->data_units = memory;
  enum vmf_code code = survey(plan, exact, options, error);
  if (code != VMF_OK) {
    vmf_free(memory);
    exact->data_units = NULL;
  }
  return code;
}
