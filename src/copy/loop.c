/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "loop.h"

#include <inttypes.h>

#include "cancel.h"
#include "checked.h"
#include "file.h"
#include "log.h"
#include "rate.h"

enum {
  TURN = 16 /* stretches of a disk in a row, beside others: reading goes on as it was told */
};

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
  bool streams = vmf_image_streams(loop->feeds[fed->disk].inputs[0]);
  uint64_t bytes = streams ? fed->length : 0;

  if (!loop->options->progress || (fed->hole && !streams))
    return;
  for (size_t i = 0; i < VMF_FEED_INPUTS && !streams; i++)
    for (size_t k = 0; k < fed->spans[i].count; k++)
      bytes += host_bytes(&fed->spans[i].list[k]);
  vmf_loop_count(loop, bytes);
}

/* How many bytes come on a stream is not known: there it is guest bytes that are counted. */
static void add_total(struct vmf_loop *loop, const struct vmf_feed *feed)
{
  struct vmf_image *const *inputs = feed->inputs;

  if (vmf_image_streams(inputs[0])) {
    loop->total += feed->size;
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
    VMF_TRY(vmf_feed_hole(&loop->feeds[loop->at], &length, error));
    vmf_feed_skip(&loop->feeds[loop->at], length);
  } while (length > 0);
  return VMF_OK;
}

enum {
  TELL_RATIO = 1000,  /* more bytes than are stored, above which */
  TELL_FROM = 1 << 30 /* so many are worth a word */
};

/* Above so many bytes of data. */
static uint64_t much(const struct vmf_loop *loop)
{
  uint64_t stored = 0;

  for (size_t i = 0; i < loop->feed_count; i++)
    if (loop->feeds[i].inputs[0] &&
        !vmf_add(stored, vmf_image_stored_bytes(loop->feeds[i].inputs[0]), &stored))
      return UINT64_MAX;
  return stored < UINT64_MAX / TELL_RATIO ? vmf_max(stored * TELL_RATIO, 1) : UINT64_MAX;
}

static void tell_much(struct vmf_loop *loop)
{
  const struct vmf_image *image = loop->feeds[loop->at].inputs[0];

  if (loop->options->max_bytes > 0 || loop->data < TELL_FROM || !image)
    return;
  if (loop->tell_at == 0)
    loop->tell_at = much(loop);
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
  const struct vmf_image *image = loop->feeds[loop->at].inputs[0];
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

/* ---- several disks ---- */

/* Whether what comes on the stream next is still of this disk: in any order the rest of a run, in
 * guest order all of it. */
static bool goes_on(const struct vmf_feed *feed)
{
  if (vmf_image_pieces(feed->inputs[0]) > 0)
    return feed->ahead[0].length > 0;
  return feed->guest > 0 && !vmf_feed_ended(feed);
}

/* Of disks on one stream: goes to the one whose data comes next; behind the last to one that is not
 * complete yet. */
static enum vmf_code choose_arriving(struct vmf_loop *loop, struct vmf_error *error)
{
  struct vmf_image *whose;

  if (goes_on(&loop->feeds[loop->at]))
    return VMF_OK;
  VMF_TRY(vmf_container_whose(loop->feeds->inputs[0], &whose, error));
  for (size_t i = 0; i < loop->feed_count; i++) {
    const struct vmf_feed *feed = &loop->feeds[i];
    if (whose ? feed->inputs[0] != whose : vmf_feed_ended(feed))
      continue;
    loop->at = i;
    if (!vmf_feed_ended(feed))
      return VMF_OK;
    return vmf_fail(error, VMF_CORRUPT, "%s: of disk %zu data comes behind that of another disk",
                    vmf_image_path(whose), i + 1);
  }
  return VMF_OK;
}

/* Goes to the feed whose turn it is. It has ended only where all have. */
static enum vmf_code choose_feed(struct vmf_loop *loop, struct vmf_error *error)
{
  if (loop->feed_count > 1 && vmf_image_streams(loop->feeds->inputs[0]))
    return choose_arriving(loop, error);
  if (loop->turn++ < TURN && !vmf_feed_ended(&loop->feeds[loop->at]))
    return VMF_OK;
  loop->turn = 1;
  for (size_t left = loop->feed_count; left > 0; left--) {
    loop->at = (loop->at + 1) % loop->feed_count;
    if (!vmf_feed_ended(&loop->feeds[loop->at]))
      return VMF_OK;
  }
  return VMF_OK;
}

static bool all_ended(const struct vmf_loop *loop)
{
  for (size_t i = 0; i < loop->feed_count; i++)
    if (!vmf_feed_ended(&loop->feeds[i]))
      return false;
  return true;
}

/* All has been handed out. */
static enum vmf_code end_feeds(struct vmf_loop *loop, struct vmf_error *error)
{
  for (size_t i = 0; i < loop->feed_count; i++)
    VMF_TRY(vmf_feed_end(&loop->feeds[i], error));
  return VMF_OK;
}

/* ---- */

/* Submits jobs until there is none to fill, or nothing to fill it with. */
static enum vmf_code submit_jobs(struct vmf_loop *loop, struct vmf_error *error)
{
  for (;;) {
    struct vmf_fed *fed;
    VMF_TRY(choose_feed(loop, error));
    struct vmf_feed *feed = &loop->feeds[loop->at];
    if (loop->before)
      VMF_TRY(loop->before(loop, error));
    VMF_TRY(skip_hole(loop, error));
    if (vmf_feed_ended(feed)) {
      if (all_ended(loop))
        return VMF_OK;
      continue;
    }
    if (!(fed = vmf_pipeline_claim(loop->pipeline)))
      return VMF_OK;
    fed->disk = loop->at;
    VMF_TRY(vmf_feed_next(feed, fed, error));
    if (!fed->hole || feed->holes_count) {
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
      VMF_TRY(end_feeds(loop, error));
      vmf_loop_count(loop, loop->total - vmf_min(loop->done, loop->total));
      return vmf_pipeline_drain(loop->pipeline, error);
    }
    count_job(loop, oldest);
    VMF_TRY(loop->retire(loop, oldest, &stop, error));
  }
  return VMF_OK;
}

/* What any of the feeds keeps in a job, at most; bytes. */
static size_t job_memory(const struct vmf_loop *loop)
{
  size_t most = 0;

  for (size_t i = 0; i < loop->feed_count; i++)
    most = (size_t)vmf_max(most, vmf_fed_memory(&loop->feeds[i]));
  return most;
}

/* ---- ahead of the jobs ---- */

static bool no_work_in(const struct vmf_io *io, void *data)
{
  (void)data;
  return !vmf_io_ahead((struct vmf_io *)(uintptr_t)io);
}

static bool has_worked_ahead(const struct vmf_feed *feed)
{
  for (size_t i = 0; i < VMF_FEED_INPUTS; i++)
    if (feed->inputs[i] && !vmf_image_visit_files(feed->inputs[i], no_work_in, NULL))
      return true;
  return false;
}

/* A vmf_stage.ahead. The files of an image are fixed once it is open. */
static bool work_ahead(void *data)
{
  const struct vmf_loop *loop = data;

  for (size_t i = 0; i < loop->feed_count; i++)
    if (has_worked_ahead(&loop->feeds[i]))
      return true;
  return false;
}

static enum vmf_code run_with(struct vmf_loop *loop, struct vmf_crew *crew, struct vmf_error *error)
{
  struct vmf_demand demand = loop->demand;
  demand.job += job_memory(loop);
  struct vmf_share share = vmf_crew_take(crew, &demand);
  loop->threads = share.threads;
  loop->stage.ahead = work_ahead;
  loop->stage.ahead_data = loop;
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

  for (size_t i = 0; loop->options->progress && i < loop->feed_count; i++)
    add_total(loop, &loop->feeds[i]);
  VMF_TRY(vmf_crew_take_on(loop->options->crew, loop->options->threads, &crew, error));
  enum vmf_code code = run_with(loop, crew, error);
  vmf_crew_leave_off(loop->options->crew, crew);
  return code;
}
