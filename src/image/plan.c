/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "plan.h"

#include "checked.h"

/* A range is cut after so much, so that its first part can be worked on while the rest of the map
 * is unread. */
static const uint64_t range_limit = 256u << 20;

/* The first byte of data at or behind `guest`; size when there is none. */
static enum vmf_code find_data(struct vmf_image *image, uint64_t guest, uint64_t size,
                               uint64_t *data, struct vmf_error *error)
{
  while (guest < size) {
    struct vmf_span span;
    VMF_TRY(vmf_image_span(image, guest, size - guest, &span, error));
    if (span.kind != VMF_RUN_ZERO)
      break;
    guest += span.length;
  }
  *data = vmf_min(guest, size);
  return VMF_OK;
}

/* From `start`, the end of the last unit that follows without a whole unit of zeros between. */
static enum vmf_code find_end(struct vmf_image *image, uint64_t start, uint64_t size, uint32_t unit,
                              uint64_t *end, struct vmf_error *error)
{
  uint64_t guest = start;

  *end = start;
  while (guest < size && guest <= *end && guest - start < range_limit) {
    struct vmf_span span;
    VMF_TRY(vmf_image_span(image, guest, size - guest, &span, error));
    guest += span.length;
    if (span.kind != VMF_RUN_ZERO)
      *end = vmf_align_up(guest, unit);
  }
  *end = vmf_min(*end, size);
  return VMF_OK;
}

static enum vmf_code next_of_image(struct vmf_image *image, uint64_t size, uint32_t unit,
                                   uint64_t guest, uint64_t *start, uint64_t *end,
                                   struct vmf_error *error)
{
  uint64_t data = size, within = image ? vmf_min(size, image->size) : 0;
  uint64_t first = guest;

  *start = *end = size;
  if (guest >= within)
    return VMF_OK;
  guest = vmf_align_down(guest, unit);
  VMF_TRY(find_data(image, guest, within, &data, error));
  if (data >= within)
    return VMF_OK;
  *start = vmf_max(vmf_align_down(data, unit), first);
  VMF_TRY(find_end(image, data, within, unit, end, error));
  if (*end == within)
    *end = vmf_min(vmf_align_up(*end, unit), size);
  return VMF_OK;
}

static bool unit_holds_data(const struct vmf_plan *plan, uint64_t unit)
{
  return plan->data_units[unit / 64] >> unit % 64 & 1;
}

static void next_of_units(const struct vmf_plan *plan, uint64_t guest, uint64_t *start,
                          uint64_t *end)
{
  uint64_t units = vmf_div_up(plan->size, plan->unit), unit = guest / plan->unit;

  while (unit < units && !unit_holds_data(plan, unit))
    unit = plan->data_units[unit / 64] >> unit % 64 == 0 ? (unit / 64 + 1) * 64 : unit + 1;
  *start = vmf_min(unit * plan->unit, plan->size);
  while (unit < units && unit_holds_data(plan, unit))
    unit++;
  *end = vmf_min(unit * plan->unit, plan->size);
}

enum vmf_code vmf_plan_next(const struct vmf_plan *plan, uint64_t guest, uint64_t *start,
                            uint64_t *end, struct vmf_error *error)
{
  uint64_t other_start, other_end;

  if (plan->everything) {
    *start = vmf_min(guest, plan->size);
    *end = plan->size;
    return VMF_OK;
  }
  if (plan->data_units) {
    next_of_units(plan, guest, start, end);
    return VMF_OK;
  }
  VMF_TRY(next_of_image(plan->image, plan->size, plan->unit, guest, start, end, error));
  if (!plan->backing)
    return VMF_OK;
  VMF_TRY(
      next_of_image(plan->backing, plan->size, plan->unit, guest, &other_start, &other_end, error));
  if (other_start < *start) {
    *start = other_start;
    *end = other_end;
  }
  return VMF_OK;
}

enum vmf_code vmf_walk_next(struct vmf_walk *walk, struct vmf_stretch *piece,
                            struct vmf_error *error)
{
  const struct vmf_plan *plan = walk->plan;

  *piece = (struct vmf_stretch){.guest = walk->guest};
  if (walk->guest >= plan->size)
    return VMF_OK;
  if (walk->guest >= walk->data_end)
    VMF_TRY(vmf_plan_next(plan, walk->guest, &walk->data_start, &walk->data_end, error));
  piece->hole = walk->guest < walk->data_start;
  uint64_t border = vmf_align_down(walk->guest, walk->piece_bytes) + walk->piece_bytes;
  walk->guest = piece->hole ? walk->data_start : vmf_min(walk->data_end, border);
  piece->length = walk->guest - piece->guest;
  return VMF_OK;
}

enum vmf_code vmf_walk_data(struct vmf_walk *walk, struct vmf_stretch *piece,
                            struct vmf_error *error)
{
  do
    VMF_TRY(vmf_walk_next(walk, piece, error));
  while (piece->hole);
  return VMF_OK;
}
