/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "survey.h"

#include "checked.h"
#include "loop.h"
#include "memory.h"
#include "zero.h"

enum { SURVEY_BYTES = 2 << 20 };
static const uint64_t units_max = 1ull << 29;

struct survey_job {
  struct vmf_fed fed;
  uint8_t *bytes;
  bool *holds_data;         /* of each unit, or part of one */
  struct vmf_losses losses; /* told when they are copied */
};

/* What all jobs share. */
struct surveyed {
  struct vmf_plan *exact;
  struct vmf_salvage *salvage; /* or NULL */
  uint64_t found, enough;      /* bytes of units with data; it ends where there are more */
};

/* A unit that is larger than a job is looked at in parts: one with data is enough. */
static uint32_t part_of(const struct vmf_plan *exact)
{
  return (uint32_t)vmf_min(exact->unit, SURVEY_BYTES);
}

static enum vmf_code prepare(const struct vmf_plan *exact, struct survey_job *job,
                             struct vmf_loader **loader, struct vmf_error *error)
{
  void *memory;
  if (!job->holds_data) {
    VMF_TRY(vmf_alloc(SURVEY_BYTES / part_of(exact) * sizeof(bool), &memory, error));
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
  const struct surveyed *surveyed = context;
  const struct vmf_plan *exact = surveyed->exact;
  struct survey_job *job = job_data;
  struct vmf_loader **loader = scratch;
  uint32_t part = part_of(exact);

  VMF_TRY(prepare(exact, job, loader, error));
  if (surveyed->salvage)
    VMF_TRY(vmf_salvage_read(*loader, &job->fed.spans[0], job->bytes, (size_t)job->fed.length,
                             job->fed.guest, NULL, &job->losses, error));
  else
    VMF_TRY(vmf_loader_read_spans(*loader, &job->fed.spans[0], job->bytes, (size_t)job->fed.length,
                                  job->fed.guest, error));
  for (size_t at = 0; at < job->fed.length; at += part)
    job->holds_data[at / part] =
        !vmf_is_zero(job->bytes + at, (size_t)vmf_min(part, job->fed.length - at));
  return VMF_OK;
}

static void survey_free_job(void *data)
{
  struct survey_job *job = data;
  vmf_fed_free(&job->fed);
  vmf_free(job->bytes);
  vmf_free(job->holds_data);
  vmf_losses_free(&job->losses);
}

static void survey_free_scratch(void *scratch)
{
  vmf_loader_free(*(struct vmf_loader **)scratch);
}

static enum vmf_code survey_retire(struct vmf_loop *loop, void *job_data, bool *stop,
                                   struct vmf_error *error)
{
  struct surveyed *surveyed = loop->context;
  const struct vmf_plan *exact = surveyed->exact;
  const struct survey_job *job = job_data;
  uint32_t part = part_of(exact);

  (void)error;
  for (uint64_t at = 0; at < job->fed.length; at += part) {
    uint64_t unit = (job->fed.guest + at) / exact->unit;
    if (!job->holds_data[at / part])
      continue;
    surveyed->found += vmf_min(part, job->fed.length - at);
    if (exact->data_units)
      exact->data_units[unit / 64] |= 1ull << unit % 64;
  }
  *stop = surveyed->found > surveyed->enough;
  vmf_pipeline_retire(loop->pipeline);
  return VMF_OK;
}

/* The conversion shows the progress; this pass goes before it. */
static enum vmf_code survey(const struct vmf_plan *plan, struct surveyed *surveyed,
                            const struct vmf_job_options *options, struct vmf_error *error)
{
  const struct vmf_job_options quiet = {
      .threads = options->threads, .crew = options->crew, .cancel = options->cancel};
  struct vmf_feed feed = {.inputs = {plan->image, plan->backing},
                          .salvage = surveyed->salvage,
                          .size = plan->size,
                          .unit = plan->unit,
                          .job_bytes = SURVEY_BYTES};
  struct vmf_loop loop = {.feeds = &feed,
                          .feed_count = 1,
                          .options = &quiet,
                          .stage = {.job_size = sizeof(struct survey_job),
                                    .scratch_size = sizeof(struct vmf_loader *),
                                    .work = survey_work,
                                    .free_job = survey_free_job,
                                    .free_scratch = survey_free_scratch},
                          .context = surveyed,
                          .demand = {.thread = vmf_loader_memory(plan->image), .job = SURVEY_BYTES},
                          .skip_holes = true,
                          .retire = survey_retire};

  return vmf_loop_run(&loop, error);
}

enum vmf_code vmf_survey(const struct vmf_plan *plan, struct vmf_salvage *salvage, uint32_t unit,
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
  struct surveyed surveyed = {.exact = exact, .salvage = salvage, .enough = UINT64_MAX};
  enum vmf_code code = survey(plan, &surveyed, options, error);
  if (code != VMF_OK) {
    vmf_free(memory);
    exact->data_units = NULL;
  }
  return code;
}

enum vmf_code vmf_survey_amount(const struct vmf_plan *plan, uint32_t unit, uint64_t enough,
                                const struct vmf_job_options *options, uint64_t *bytes,
                                struct vmf_error *error)
{
  struct vmf_plan exact = *plan;
  struct surveyed surveyed = {.exact = &exact, .enough = enough};

  exact.unit = unit;
  VMF_TRY(survey(plan, &surveyed, options, error));
  *bytes = surveyed.found;
  return VMF_OK;
}
