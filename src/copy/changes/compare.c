/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Comparing the guest content of two images; stretches that are zeros in both are not read. */
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "checksum.h"
#include "differences.h"
#include "loop.h"
#include "memory.h"
#include "zero.h"

struct compare_job {
  struct vmf_fed fed; /* of both disks: the shorter one is read as if zeros followed */
  uint8_t *bytes_a, *bytes_b;
  bool differs;
  uint64_t difference; /* guest offset */
  struct vmf_difference *list;
  size_t count;
};

struct compare_scratch {
  struct vmf_loader *loader_a, *loader_b;
};

/* What all jobs share. */
struct compare_pass {
  const struct vmf_differing *differing;
  uint32_t job_bytes;
  struct vmf_job_result *result; /* of the caller's thread */
};

static enum vmf_code prepare(const struct compare_pass *pass, struct compare_job *job,
                             struct compare_scratch *scratch, struct vmf_error *error)
{
  size_t blocks = pass->job_bytes / VMF_DIFFERENCE_BLOCK;
  void *memory;
  if (!job->bytes_a) {
    VMF_TRY(vmf_alloc_pages(pass->job_bytes, &memory, error));
    job->bytes_a = memory;
  }
  if (!job->bytes_b) {
    VMF_TRY(vmf_alloc_pages(pass->job_bytes, &memory, error));
    job->bytes_b = memory;
  }
  if (!job->list && pass->differing->visit) {
    VMF_TRY(vmf_alloc(blocks * sizeof(*job->list), &memory, error));
    job->list = memory;
  }
  if (!scratch->loader_a)
    VMF_TRY(vmf_loader_new(&scratch->loader_a, error));
  return scratch->loader_b ? VMF_OK : vmf_loader_new(&scratch->loader_b, error);
}

/* The block at `at` differs. */
static void add_block(struct compare_job *job, size_t at, size_t length)
{
  struct vmf_difference *last = job->count > 0 ? &job->list[job->count - 1] : NULL;
  uint64_t guest = job->fed.guest + at;
  bool zero = vmf_is_zero(job->bytes_b + at, length);

  if (last && last->guest + last->length == guest && last->zero == zero)
    last->length += length;
  else
    job->list[job->count++] = (struct vmf_difference){.guest = guest,
                                                      .length = length,
                                                      .zero = zero,
                                                      .bytes = job->bytes_b + at,
                                                      .were = job->bytes_a + at};
}

static void list_differences(struct compare_job *job)
{
  size_t end = (size_t)job->fed.length, length;

  for (size_t at = 0; at < end; at += length) {
    uint64_t guest = job->fed.guest + at;
    length = (size_t)vmf_min(VMF_DIFFERENCE_BLOCK - guest % VMF_DIFFERENCE_BLOCK, end - at);
    if (memcmp(job->bytes_a + at, job->bytes_b + at, length) != 0)
      add_block(job, at, length);
  }
}

static enum vmf_code compare_work(void *job_data, void *scratch_data, void *context,
                                  struct vmf_error *error)
{
  const struct compare_pass *pass = context;
  struct compare_job *job = job_data;
  struct compare_scratch *scratch = scratch_data;
  const struct vmf_fed *fed = &job->fed;
  size_t length = (size_t)fed->length, at = 0;

  VMF_TRY(prepare(pass, job, scratch, error));
  VMF_TRY(vmf_loader_read_spans(scratch->loader_a, &fed->spans[0], job->bytes_a, length, fed->guest,
                                error));
  VMF_TRY(vmf_loader_read_spans(scratch->loader_b, &fed->spans[1], job->bytes_b, length, fed->guest,
                                error));
  job->count = 0;
  job->differs = memcmp(job->bytes_a, job->bytes_b, length) != 0;
  if (job->differs)
    while (job->bytes_a[at] == job->bytes_b[at])
      at++;
  job->difference = fed->guest + at;
  if (job->differs && job->list)
    list_differences(job);
  return VMF_OK;
}

static void compare_free_job(void *data)
{
  struct compare_job *job = data;
  vmf_fed_free(&job->fed);
  vmf_free(job->bytes_a);
  vmf_free(job->bytes_b);
  vmf_free(job->list);
}

static void compare_free_scratch(void *data)
{
  struct compare_scratch *scratch = data;
  vmf_loader_free(scratch->loader_a);
  vmf_loader_free(scratch->loader_b);
}

static enum vmf_code compare_retire(struct vmf_loop *loop, void *job_data, bool *stop,
                                    struct vmf_error *error)
{
  const struct compare_pass *pass = loop->run;
  const struct compare_job *job = job_data;

  pass->result->data_bytes += job->fed.length;
  if (job->differs && pass->result->identical) {
    pass->result->identical = false;
    pass->result->difference = job->difference;
    *stop = !pass->differing->visit;
  }
  for (size_t i = 0; i < job->count; i++)
    VMF_TRY(pass->differing->visit(pass->differing->data, &job->list[i], error));
  vmf_pipeline_retire(loop->pipeline);
  return VMF_OK;
}

static enum vmf_code run(struct compare_pass *pass, const struct vmf_job_options *options,
                         struct vmf_error *error)
{
  struct vmf_image *a = pass->differing->a, *b = pass->differing->b;
  struct vmf_feed feed = {.inputs = {a, b},
                          .marking = pass->differing->visit && b->marked ? b : NULL,
                          .size = pass->differing->size,
                          .unit = VMF_CHECKSUM_BLOCK,
                          .job_bytes = pass->job_bytes,
                          .unshared = pass->differing->visit ? VMF_DIFFERENCE_BLOCK : 0};
  struct vmf_loop loop = {.feeds = &feed,
                          .feed_count = 1,
                          .options = options,
                          .stage = {.job_size = sizeof(struct compare_job),
                                    .scratch_size = sizeof(struct compare_scratch),
                                    .work = compare_work,
                                    .free_job = compare_free_job,
                                    .free_scratch = compare_free_scratch},
                          .context = pass,
                          .demand = {.thread = vmf_loader_memory(a) + vmf_loader_memory(b),
                                     .job = 2 * (size_t)pass->job_bytes},
                          .skip_holes = true,
                          .retire = compare_retire,
                          .run = pass};

  return vmf_loop_run(&loop, error);
}

enum vmf_code vmf_differences(struct vmf_differing *differing,
                              const struct vmf_job_options *options, struct vmf_job_result *result,
                              struct vmf_error *error)
{
  struct vmf_image *a = differing->a, *b = differing->b;
  struct compare_pass pass = {.differing = differing, .result = result};

  VMF_TRY(vmf_image_seekable(a, error));
  VMF_TRY(vmf_image_seekable(b, error));
  pass.job_bytes = (uint32_t)vmf_max(vmf_feed_job_bytes(a, 1), vmf_feed_job_bytes(b, 1));
  result->identical = true;
  VMF_TRY(run(&pass, options, error));
  if (!differing->a_changes)
    VMF_TRY(vmf_image_unchanged(a, error));
  return vmf_image_unchanged(b, error);
}

/* ---- two disks that stay as they are ---- */

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

/* Neighbours are told as one. */
struct telling {
  const struct vmf_job_options *options;
  struct vmf_difference pending; /* length 0: none */
};

static void tell_pending(const struct telling *telling)
{
  const struct vmf_difference *pending = &telling->pending;

  if (pending->length > 0)
    telling->options->differs(telling->options->differs_data, pending->guest, pending->length,
                              pending->zero);
}

static enum vmf_code tell(void *data, const struct vmf_difference *difference,
                          struct vmf_error *error)
{
  struct telling *telling = data;
  struct vmf_difference *pending = &telling->pending;

  (void)error;
  if (pending->length > 0 && pending->guest + pending->length == difference->guest &&
      pending->zero == difference->zero) {
    pending->length += difference->length;
    return VMF_OK;
  }
  tell_pending(telling);
  *pending = *difference;
  return VMF_OK;
}

static enum vmf_code compare(struct vmf_image *a, struct vmf_image *b,
                             const struct vmf_job_options *options, struct vmf_job_result *result,
                             struct vmf_error *error)
{
  struct telling telling = {.options = options};
  struct vmf_differing differing = {.a = a,
                                    .b = b,
                                    .size = vmf_max(a->size, b->size),
                                    .visit = options->differs ? tell : NULL,
                                    .data = &telling};

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
  VMF_TRY(vmf_differences(&differing, options, result, error));
  tell_pending(&telling);
  return VMF_OK;
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
  VMF_TRY(vmf_image_seekable(a, error));
  VMF_TRY(vmf_image_seekable(b, error));
  VMF_TRY(vmf_take_job_options(options, &own, error));
  VMF_TRY(vmf_take_job_result(result, &found, error));
  enum vmf_code code = compare(a, b, &own, &found, error);
  vmf_give_job_result(&found, result);
  return code;
}
