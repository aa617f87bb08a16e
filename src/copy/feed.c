/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "feed.h"

#include "checked.h"
#include "file.h"

enum {
  JOB_BYTES_MAX = 2 << 20,
  SMALLEST_SPAN = 512,     /* of any format; a list of them grows to what a job can hold */
  LOOKED_UP_AT_ONCE = 4096 /* spans of a hole: one can stop between */
};

uint32_t vmf_feed_job_bytes(const struct vmf_image *source, uint32_t target_unit)
{
  uint64_t source_unit = source ? vmf_image_largest_unit(source) : 0;
  uint64_t bytes = vmf_max(VMF_FEED_JOB_BYTES, target_unit);

  if (vmf_is_power_of_two(source_unit))
    bytes = vmf_max(bytes, vmf_min(source_unit, JOB_BYTES_MAX));
  return (uint32_t)bytes;
}

size_t vmf_fed_memory(const struct vmf_feed *feed)
{
  size_t lists = VMF_FEED_INPUTS * feed->job_bytes / SMALLEST_SPAN * sizeof(struct vmf_span);

  if (!vmf_image_streams(feed->inputs[0]))
    return lists;
  return lists + vmf_arrived_memory(feed->inputs[0], feed->job_bytes);
}

void vmf_fed_free(struct vmf_fed *fed)
{
  for (size_t i = 0; i < VMF_FEED_INPUTS; i++)
    vmf_spans_free(&fed->spans[i]);
  vmf_arrived_free(&fed->arrived);
}

/* ---- the map at one place ---- */

static uint64_t end_of(const struct vmf_span *span)
{
  return span->guest + span->length;
}

static enum vmf_code look_up(struct vmf_feed *feed, size_t input, uint64_t guest,
                             struct vmf_error *error)
{
  struct vmf_image *image = feed->inputs[input];

  if (input == 0 && vmf_image_streams(image))
    return vmf_container_span(image, guest, &feed->ahead[input], error);
  if (input == 0 && feed->salvage)
    return vmf_salvage_span(feed->salvage, image, guest, &feed->ahead[input], error);
  return vmf_image_span(image, guest, image->size - guest, &feed->ahead[input], error);
}

static bool holds(const struct vmf_span *span, uint64_t guest)
{
  return span->guest <= guest && guest < end_of(span);
}

/* Whether both inputs have the byte at `guest` from one place of one file. */
static bool is_shared(const struct vmf_feed *feed, uint64_t guest)
{
  const struct vmf_span *a = &feed->ahead[0], *b = &feed->ahead[1];

  if (!holds(a, guest) || !holds(b, guest) || a->kind != b->kind)
    return false;
  if (a->kind == VMF_RUN_PLAIN)
    return a->offset + (guest - a->guest) == b->offset + (guest - b->guest) &&
           vmf_io_same_file(a->io, b->io) && !a->run.cipher && !b->run.cipher;
  return a->kind == VMF_RUN_PACKED && a->run.offset == b->run.offset &&
         a->run.unit == b->run.unit && a->run.codec == b->run.codec &&
         a->skip + (guest - a->guest) == b->skip + (guest - b->guest) &&
         vmf_io_same_file(a->run.io, b->run.io);
}

/* What was looked over is not looked up again: one input may be further on by then. */
static void remember(struct vmf_feed *feed, uint64_t guest, uint64_t end)
{
  if (guest != feed->quiet_end)
    feed->quiet_start = guest;
  feed->quiet_end = end;
}

/* What is marked next; a server may tell of single bytes. */
static enum vmf_code find_mark(struct vmf_feed *feed, uint64_t guest, struct vmf_error *error)
{
  struct vmf_image *image = feed->marking;
  uint64_t end;

  VMF_TRY(image->format->reader->next_marked(image, guest, &feed->mark_start, &end, error));
  feed->mark_start = vmf_align_down(feed->mark_start, SMALLEST_SPAN);
  feed->mark_end = vmf_min(vmf_align_up(end, SMALLEST_SPAN), image->size);
  return VMF_OK;
}

/* Whether the byte at `guest` is marked, and all up to *end likewise. */
static enum vmf_code look_for_marks(struct vmf_feed *feed, uint64_t guest, uint64_t *end,
                                    bool *marked, struct vmf_error *error)
{
  *marked = !feed->marking || guest >= feed->marking->size;
  if (*marked)
    return VMF_OK;
  if (guest >= feed->mark_end)
    VMF_TRY(find_mark(feed, guest, error));
  *marked = guest >= feed->mark_start;
  *end = vmf_min(*end, *marked ? feed->mark_end : feed->mark_start);
  return VMF_OK;
}

/* Whether whole blocks begin at `guest` of what need not be read up to *end: then *end is where
 * they end. Else up to *end is a part of a block, which is read. */
static bool leave_out(const struct vmf_feed *feed, uint64_t guest, uint64_t *end)
{
  uint64_t next = vmf_align_up(guest + 1, feed->unshared);
  uint64_t whole = *end == feed->size ? *end : vmf_align_down(*end, feed->unshared);

  if (guest % feed->unshared == 0 && whole > guest) {
    *end = whole;
    return true;
  }
  *end = vmf_min(*end, next);
  return false;
}

/* How the inputs go on at `guest`, which is not behind the last place looked at but by what was
 * found there: up to *end they have data (one of them), or zeros. */
static enum vmf_code look(struct vmf_feed *feed, uint64_t guest, uint64_t *end, bool *data,
                          struct vmf_error *error)
{
  bool marked = true;

  *end = feed->size;
  *data = false;
  if (guest >= feed->quiet_start && guest < feed->quiet_end) {
    *end = feed->quiet_end;
    return VMF_OK;
  }
  if (feed->unshared)
    VMF_TRY(look_for_marks(feed, guest, end, &marked, error));
  if (!marked && leave_out(feed, guest, end)) {
    remember(feed, guest, *end);
    return VMF_OK;
  }
  for (size_t i = 0; i < VMF_FEED_INPUTS; i++) {
    struct vmf_image *image = feed->inputs[i];
    struct vmf_span *ahead = &feed->ahead[i];
    if (!image || guest >= image->size)
      continue;
    if (guest >= end_of(ahead))
      VMF_TRY(look_up(feed, i, guest, error));
    *end = vmf_min(*end, ahead->guest > guest ? ahead->guest : end_of(ahead));
    *data |= ahead->guest <= guest &&
             (feed->packed_only ? ahead->kind == VMF_RUN_PACKED : ahead->kind != VMF_RUN_ZERO);
  }
  if (feed->unshared && *data && is_shared(feed, guest))
    *data = !leave_out(feed, guest, end);
  if (feed->unshared && !*data)
    remember(feed, guest, *end);
  return VMF_OK;
}

/* The zeros from `guest` on: up to *end. Where they are many spans, only the first of them. */
static enum vmf_code look_over_zeros(struct vmf_feed *feed, uint64_t guest, uint64_t *end,
                                     struct vmf_error *error)
{
  uint64_t next;
  bool data;

  *end = guest;
  for (unsigned i = 0; *end < feed->size; i++) {
    if (i >= LOOKED_UP_AT_ONCE && *end - guest >= 2 * (uint64_t)feed->unit)
      return VMF_OK;
    VMF_TRY(look(feed, *end, &next, &data, error));
    if (data)
      return VMF_OK;
    *end = next;
  }
  return VMF_OK;
}

/* Where the hole ends that zeros up to `end` are, in whole units. */
static uint64_t hole_end(const struct vmf_feed *feed, uint64_t end)
{
  return end == feed->size ? end : vmf_align_down(end, feed->unit);
}

/* ---- a stretch with data ---- */

static enum vmf_code add_spans(const struct vmf_feed *feed, struct vmf_fed *fed, uint64_t start,
                               uint64_t end, bool marked, struct vmf_error *error)
{
  for (size_t i = 0; i < VMF_FEED_INPUTS; i++) {
    struct vmf_span span = feed->ahead[i];
    if (!feed->inputs[i] || span.guest > start || end_of(&span) <= start ||
        span.kind == VMF_RUN_ZERO)
      continue;
    vmf_span_cut(&span, start, end);
    span.unmarked = !marked;
    if (i == 0 && vmf_image_streams(feed->inputs[i]))
      VMF_TRY(vmf_arrived_take(&fed->arrived, &span, error));
    VMF_TRY(vmf_spans_add(&fed->spans[i], &span, error));
  }
  return VMF_OK;
}

/* As far as the bitmap says one thing of it, where it is asked: *end is where that ends. */
static enum vmf_code add_data(struct vmf_feed *feed, struct vmf_fed *fed, uint64_t start,
                              uint64_t *end, struct vmf_error *error)
{
  bool marked = true;

  if (!feed->unshared)
    VMF_TRY(look_for_marks(feed, start, end, &marked, error));
  return add_spans(feed, fed, start, *end, marked, error);
}

/* Goes on to the border of the job, or to the next hole. */
static enum vmf_code fill(struct vmf_feed *feed, struct vmf_fed *fed, struct vmf_error *error)
{
  uint64_t border = vmf_align_down(feed->guest, feed->job_bytes) + feed->job_bytes;
  uint64_t at = feed->guest, end;
  bool data;

  border = vmf_min(border, feed->size);
  for (; at < border; at = end) {
    VMF_TRY(look(feed, at, &end, &data, error));
    if (data) {
      end = vmf_min(end, border);
      VMF_TRY(add_data(feed, fed, at, &end, error));
    } else if (!feed->everything) {
      uint64_t unit = vmf_align_up(at, feed->unit);
      VMF_TRY(look_over_zeros(feed, at, &end, error));
      if (hole_end(feed, end) > unit)
        border = vmf_min(border, unit);
    }
  }
  fed->length = border - feed->guest;
  return VMF_OK;
}

/* Where the hole ends that starts where the feed is; feed->guest: none does. */
static enum vmf_code find_hole(struct vmf_feed *feed, uint64_t *end, struct vmf_error *error)
{
  *end = feed->guest;
  if (feed->everything)
    return VMF_OK;
  VMF_TRY(look_over_zeros(feed, feed->guest, end, error));
  *end = vmf_max(feed->guest, hole_end(feed, *end));
  return VMF_OK;
}

/* ---- data that comes in any order: stretches of whole pieces ---- */

static enum vmf_code await(struct vmf_feed *feed, struct vmf_error *error)
{
  struct vmf_span *ahead = &feed->ahead[0];

  return ahead->length > 0 ? VMF_OK : vmf_container_arrival(feed->inputs[0], ahead, error);
}

/* What comes next has been handed out up to `end`. */
static void drop_ahead(struct vmf_feed *feed, uint64_t end)
{
  struct vmf_span *ahead = &feed->ahead[0];

  if (end < end_of(ahead))
    vmf_span_cut(ahead, end, end_of(ahead));
  else
    ahead->length = 0;
}

/* Where the hole ends that comes next, in whole pieces; the guest byte that comes next: none does.
 */
static uint64_t hole_ahead(const struct vmf_feed *feed)
{
  const struct vmf_span *ahead = &feed->ahead[0];
  uint64_t piece = vmf_image_pieces(feed->inputs[0]);
  uint64_t end = end_of(ahead) == feed->size ? feed->size : vmf_align_down(end_of(ahead), piece);
  bool hole = ahead->kind == VMF_RUN_ZERO && ahead->guest % piece == 0 && !feed->everything;

  return hole && end > ahead->guest && end - ahead->guest >= feed->unit ? end : ahead->guest;
}

/* What comes one behind the other, up to the border of the job. */
static enum vmf_code fill_arrived(struct vmf_feed *feed, struct vmf_fed *fed,
                                  struct vmf_error *error)
{
  struct vmf_span *ahead = &feed->ahead[0];
  uint64_t border = vmf_align_down(fed->guest, feed->job_bytes) + feed->job_bytes;
  uint64_t at = fed->guest;

  border = vmf_min(border, feed->size);
  while (at < border && ahead->length > 0 && ahead->guest == at && hole_ahead(feed) == at) {
    uint64_t end = vmf_min(end_of(ahead), border);
    VMF_TRY(add_spans(feed, fed, at, end, true, error));
    drop_ahead(feed, end);
    VMF_TRY(await(feed, error));
    at = end;
  }
  fed->length = at - fed->guest;
  return VMF_OK;
}

/* All has come. At the end: a hole without a length. */
static void hand_out_missing(struct vmf_feed *feed, struct vmf_fed *fed)
{
  uint64_t end;

  vmf_container_missing(feed->inputs[0], feed->guest, &fed->guest, &end);
  fed->hole = !feed->everything || fed->guest == end;
  if (!fed->hole)
    end = vmf_min(end, vmf_align_down(fed->guest, feed->job_bytes) + feed->job_bytes);
  fed->length = end - fed->guest;
  feed->guest = end;
}

static enum vmf_code next_arrived(struct vmf_feed *feed, struct vmf_fed *fed,
                                  struct vmf_error *error)
{
  VMF_TRY(await(feed, error));
  if (feed->ahead[0].length == 0) {
    hand_out_missing(feed, fed);
    return VMF_OK;
  }
  fed->guest = feed->ahead[0].guest;
  fed->length = hole_ahead(feed) - fed->guest;
  fed->hole = fed->length > 0;
  if (!fed->hole)
    return fill_arrived(feed, fed, error);
  drop_ahead(feed, fed->guest + fed->length);
  return VMF_OK;
}

enum vmf_code vmf_feed_next(struct vmf_feed *feed, struct vmf_fed *fed, struct vmf_error *error)
{
  uint64_t end;

  for (size_t i = 0; i < VMF_FEED_INPUTS; i++)
    fed->spans[i].count = 0;
  vmf_arrived_clear(&fed->arrived);
  if (vmf_image_pieces(feed->inputs[0]) > 0)
    return next_arrived(feed, fed, error);
  VMF_TRY(find_hole(feed, &end, error));
  fed->guest = feed->guest;
  fed->length = end - feed->guest;
  fed->hole = fed->length > 0;
  if (!fed->hole && feed->guest < feed->size)
    VMF_TRY(fill(feed, fed, error));
  feed->guest += fed->length;
  return VMF_OK;
}

enum vmf_code vmf_feed_end(struct vmf_feed *feed, struct vmf_error *error)
{
  struct vmf_image *image = feed->inputs[0];

  if (!vmf_image_streams(image))
    return VMF_OK;
  if (vmf_image_pieces(image) > 0)
    return vmf_container_arrival(image, &feed->ahead[0], error);
  return vmf_container_span(image, image->size, &feed->ahead[0], error);
}

/* ---- stretches that need no job ---- */

enum vmf_code vmf_feed_hole(struct vmf_feed *feed, uint64_t *length, struct vmf_error *error)
{
  uint64_t end;

  VMF_TRY(find_hole(feed, &end, error));
  *length = end - feed->guest;
  return VMF_OK;
}

enum vmf_code vmf_feed_peek(struct vmf_feed *feed, struct vmf_span *span, bool *data,
                            struct vmf_error *error)
{
  const struct vmf_span *ahead = &feed->ahead[0];
  uint64_t end;

  *data = false;
  VMF_TRY(find_hole(feed, &end, error));
  if (end > feed->guest || feed->guest >= feed->size)
    return VMF_OK;
  VMF_TRY(look(feed, feed->guest, &end, data, error));
  *data &= ahead->guest <= feed->guest && ahead->kind != VMF_RUN_ZERO;
  if (!*data)
    return VMF_OK;
  *span = *ahead;
  vmf_span_cut(span, feed->guest, end);
  return VMF_OK;
}

void vmf_feed_skip(struct vmf_feed *feed, uint64_t length)
{
  feed->guest += length;
}
