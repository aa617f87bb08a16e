/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "loop.h"

#include <inttypes.h>

#include "cancel.h"
#include "checked.h"
#include "file.h"
#include "log.h"
#include "rate.h"

/* ---- progress ---- */

/* The bytes of a file that are no holes, as far as it is known. */
static bool add_allocated(const struct vmf_io *io, void *total)
{
  struct stat status;
  bool sparse = vmf_io_stat(io, &status) && S_ISREG(status.st_mode);

  *(uint64_t *)total += sparse ? vmf_min(io->size, (uint64_t)status.st_blocks * 512) : io->size;
  return true;
}

void vmf_loop_count(struct vmf_loop *loop, uint64_t bytes)
{
  loop->done += bytes;
  if (loop->options->progress)
    loop->options->progress(loop->options->progress_data, vmf_min(loop->done, loop->total),
                            loop->total);
}

/* About how many bytes of its file a span is. */
static uint64_t host_bytes(const struct vmf_span *span)
{
  return span->kind == VMF_RUN_PACKED ? span->run.stored : span->length;
}

static void count_job(struct vmf_loop *loop, const struct vmf_fed *fed)
{
  bool streams = vmf_image_streams(loop->feed.inputs[0]);
  uint64_t bytes = streams ? fed->length : 0;

  if (!loop->options->progress || (fed->hole && !streams))
    return;
  for (size_t i = 0; i < VMF_FEED_INPUTS && !streams; i++)
    for (size_t k = 0; k < fed->spans[i].count; k++)
      bytes += host_bytes(&fed->spans[i].list[k]);
  vmf_loop_count(loop, bytes);
}

/* How many bytes come on a stream is not known: there it is guest bytes that are counted. */
static void find_total(struct vmf_loop *loop)
{
  struct vmf_image *const *inputs = loop->feed.inputs;

  if (vmf_image_streams(inputs[0])) {
    loop->total = loop->feed.size;
    return;
  }
  for (size_t i = 0; i < VMF_FEED_INPUTS; i++)
    if (inputs[i])
      vmf_image_visit_files(inputs[i], add_allocated, &loop->total);
}

/* ---- jobs ---- */

static enum vmf_code skip_hole(struct vmf_loop *loop, struct vmf_error *error)
{
  uint64_t length;

  if (!loop->skip_holes)
    return VMF_OK;
  do {
    VMF_TRY(vmf_cancelled(loop->options->cancel, error));
    VMF_TRY(vmf_feed_hole(&loop->feed, &length, error));
    vmf_feed_skip(&loop->feed, length);
  } while (length > 0);
  return VMF_OK;
}

enum {
  TELL_RATIO = 1000,  /* more bytes than are stored, above which */
  TELL_FROM = 1 << 30 /* so many are worth a word */
};

static void tell_much(struct vmf_loop *loop)
{
  const struct vmf_image *image = loop->feed.inputs[0];
  uint64_t stored;

  if (loop->options->max_bytes > 0 || loop->data < TELL_FROM || !image)
    return;
  if (loop->tell_at == 0) {
    stored = vmf_image_stored_bytes(image);
    loop->tell_at = stored < UINT64_MAX / TELL_RATIO ? vmf_max(stored * TELL_RATIO, 1) : UINT64_MAX;
  }
  if (loop->data < loop->tell_at)
    return;
  loop->tell_at = UINT64_MAX;
  vmf_warn(image->log,
           "%s: holds more than %d times as much data as is stored of it; --max-size SIZE bounds "
           "what is unpacked and written",
           vmf_image_path(image), TELL_RATIO);
}

enum vmf_code vmf_loop_admit(struct vmf_loop *loop, uint64_t length, struct vmf_error *error)
{
  const struct vmf_image *image = loop->feed.inputs[0];
  uint64_t most = loop->options->max_bytes;

  loop->data += length;
  tell_much(loop);
  if (most == 0 || loop->data <= most)
    return VMF_OK;
  return vmf_fail(error, VMF_LIMIT,
                  "%s: holds more data than the %" PRIu64 " bytes that are allowed (--max-size)",
                  image ? vmf_image_path(image) : "the disk", most);
}

/* Jobs wait for their turn, but their reads need not: that keeps a disk busy with as many as there
 * are jobs. Packed units are read by their driver's unwrap. */
static void expect(const struct vmf_fed *fed)
{
  for (size_t i = 0; i < VMF_FEED_INPUTS; i++)
    for (size_t k = 0; k < fed->spans[i].count; k++) {
      const struct vmf_span *span = &fed->spans[i].list[k];
      if (span->kind == VMF_RUN_PLAIN)
        vmf_io_expect(span->io, span->offset, span->length);
    }
}

/* Submits jobs until there is none to fill, or nothing to fill it with. */
static enum vmf_code submit_jobs(struct vmf_loop *loop, struct vmf_error *error)
{
  for (;;) {
    void *job;
    if (loop->before)
      VMF_TRY(loop->before(loop, error));
    VMF_TRY(skip_hole(loop, error));
    if (loop->feed.guest >= loop->feed.size || !(job = vmf_pipeline_claim(loop->pipeline)))
      return VMF_OK;
    VMF_TRY(vmf_feed_next(&loop->feed, job, error));
    const struct vmf_fed *fed = job;
    if (!fed->hole || loop->holes_count) {
      vmf_rate_wait(loop->options->rate, loop->data, &loop->started, loop->options->cancel);
      VMF_TRY(vmf_loop_admit(loop, fed->length, error));
    }
    expect(fed);
    vmf_pipeline_submit(loop->pipeline);
  }
}

static enum vmf_code run_jobs(struct vmf_loop *loop, struct vmf_error *error)
{
  bool stop = false;

  while (!stop) {
    void *oldest;
    VMF_TRY(vmf_cancelled(loop->options->cancel, error));
    VMF_TRY(submit_jobs(loop, error));
    VMF_TRY(vmf_pipeline_oldest(loop->pipeline, &oldest, error));
    if (!oldest) {
      VMF_TRY(vmf_feed_end(&loop->feed, error));
      vmf_loop_count(loop, loop->total - vmf_min(loop->done, loop->total));
      return vmf_pipeline_drain(loop->pipeline, error);
    }
    count_job(loop, oldest);
    VMF_TRY(loop->retire(loop, oldest, &stop, error));
  }
  return VMF_OK;
}

/* ---- ahead of the jobs ---- */

static bool no_work_in(const struct vmf_io *io, void *data)
{
  (void)data;
  return !vmf_io_ahead((struct vmf_io *)(uintptr_t)io);
}

/* A vmf_stage.ahead. The files of an image are fixed once it is open. */
static bool work_ahead(void *data)
{
  const struct vmf_feed *feed = data;

  for (size_t i = 0; i < VMF_FEED_INPUTS; i++)
    if (feed->inputs[i] && !vmf_image_visit_files(feed->inputs[i], no_work_in, NULL))
      return true;
  return false;
}

static enum vmf_code run_with(struct vmf_loop *loop, struct vmf_crew *crew, struct vmf_error *error)
{
  struct vmf_demand demand = loop->demand;
  demand.job += vmf_fed_memory(&loop->feed);
  struct vmf_share share = vmf_crew_take(crew, &demand);
  loop->threads = share.threads;
  loop->stage.ahead = work_ahead;
  loop->stage.ahead_data = &loop->feed;
  enum vmf_code code =
      vmf_pipeline_new(crew, &loop->stage, loop->context, &share, &loop->pipeline, error);

  if (code == VMF_OK)
    code = run_jobs(loop, error);
  vmf_pipeline_free(loop->pipeline);
  vmf_crew_give_back(crew, &share);
  return code;
}

enum vmf_code vmf_loop_run(struct vmf_loop *loop, struct vmf_error *error)
{
  struct vmf_crew *crew;

  if (loop->options->progress)
    find_total(loop);
  VMF_TRY(vmf_crew_take_on(loop->options->crew, loop->options->threads, &crew, error));
  enum vmf_code code = run_with(loop, crew, error);
  vmf_crew_leave_off(loop->options->crew, crew);
  return code;
}
