/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The digest of all guest bytes, one behind the other: jobs are loaded beside each other and hashed
 * in their turn. */
#include "loop.h"
#include "memory.h"
#include "run.h"

struct plain_job {
  struct vmf_fed fed;
  uint8_t *bytes;
};

struct plain_scratch {
  struct vmf_loader *loader;
};

struct plain_pass {
  uint32_t job_bytes;
  struct vmf_digest *digest; /* used by the job whose turn it is */
};

static enum vmf_code plain_work(void *job_data, void *scratch_data, void *context,
                                struct vmf_error *error)
{
  const struct plain_pass *pass = context;
  struct plain_job *job = job_data;
  struct plain_scratch *scratch = scratch_data;
  void *memory;

  if (!job->bytes) {
    VMF_TRY(vmf_alloc_pages(pass->job_bytes, &memory, error));
    job->bytes = memory;
  }
  if (!scratch->loader)
    VMF_TRY(vmf_loader_new(&scratch->loader, error));
  return vmf_loader_read_spans(scratch->loader, &job->fed.spans[0], job->bytes,
                               (size_t)job->fed.length, job->fed.guest, error);
}

static enum vmf_code plain_in_turn(void *job_data, void *context, struct vmf_error *error)
{
  const struct plain_pass *pass = context;
  const struct plain_job *job = job_data;

  return vmf_digest_update(pass->digest, job->bytes, (size_t)job->fed.length, error);
}

static enum vmf_code plain_retire(struct vmf_loop *loop, void *job_data, bool *stop,
                                  struct vmf_error *error)
{
  const struct plain_job *job = job_data;
  struct vmf_job_result *result = loop->run;

  (void)stop;
  (void)error;
  result->data_bytes += job->fed.length;
  vmf_pipeline_retire(loop->pipeline);
  return VMF_OK;
}

static void plain_free_job(void *data)
{
  struct plain_job *job = data;
  vmf_fed_free(&job->fed);
  vmf_free(job->bytes);
}

static void plain_free_scratch(void *data)
{
  struct plain_scratch *scratch = data;
  vmf_loader_free(scratch->loader);
}

enum vmf_code vmf_copy_plain_digest(struct vmf_image *image, const struct vmf_job_options *options,
                                    struct vmf_job_result *result, struct vmf_error *error)
{
  struct plain_pass pass = {.job_bytes = vmf_feed_job_bytes(image, 1)};
  struct vmf_feed feed = {.inputs = {image},
                          .size = vmf_image_size(image),
                          .unit = VMF_CHECKSUM_BLOCK,
                          .job_bytes = pass.job_bytes,
                          .everything = true};
  struct vmf_loop loop = {.feeds = &feed,
                          .feed_count = 1,
                          .options = options,
                          .stage = {.job_size = sizeof(struct plain_job),
                                    .scratch_size = sizeof(struct plain_scratch),
                                    .work = plain_work,
                                    .in_turn = plain_in_turn,
                                    .free_job = plain_free_job,
                                    .free_scratch = plain_free_scratch,
                                    .series = 1},
                          .context = &pass,
                          .demand = {.thread = vmf_loader_memory(image), .job = pass.job_bytes},
                          .retire = plain_retire,
                          .run = result};
  enum vmf_digest_kind kind;

  *result = (struct vmf_job_result){.size = sizeof(*result)};
  VMF_TRY(vmf_digest_named(options->checksum ? options->checksum : "sha256", &kind, error));
  VMF_TRY(vmf_image_seekable(image, error));
  VMF_TRY(vmf_image_unchanged(image, error));
  VMF_TRY(vmf_digest_new(kind, &pass.digest, error));
  enum vmf_code code = vmf_loop_run(&loop, error);
  if (code == VMF_OK)
    code = vmf_digest_final(pass.digest, result->checksum, error);
  vmf_digest_free(pass.digest);
  result->checksum_length = vmf_digest_size(kind);
  return code == VMF_OK ? vmf_image_unchanged(image, error) : code;
}
