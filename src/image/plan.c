/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "plan.h"

#include "checked.h"

/* A range is cut at multiples of this, so that its first part can be worked on while the rest of
 * the map is unread. */
static const uint64_t range_limit = 256u << 20;

/* How the disk goes on at `guest`: *length bytes with data in one of the images, or in none. Both
 * are asked for the same stretch, so that going through the disk once reads each map once. */
static enum vmf_code look(const struct vmf_plan *plan, uint64_t guest, uint64_t *length, bool *data,
                          struct vmf_error *error)
{
  struct vmf_image *const images[] = {plan->image, plan->backing};

  *length = plan->size - guest;
  *data = false;
  for (int i = 0; i < 2 && !*data; i++) {
    struct vmf_span span;
    if (!images[i] || guest >= images[i]->size)
      continue;
    VMF_TRY(vmf_image_span(images[i], guest, *length, &span, error));
    *length = span.length;
    *data = span.kind != VMF_RUN_ZERO;
  }
  return VMF_OK;
}

/* The range ends where a whole unit of zeros follows. */
static enum vmf_code next_of_map(const struct vmf_plan *plan, uint64_t guest, uint64_t *start,
                                 uint64_t *end, struct vmf_error *error)
{
  uint64_t at_once = vmf_max(range_limit, plan->unit), length = 0, border;
  bool data = false;

  *start = *end = plan->size;
  while (guest < plan->size && !data) {
    VMF_TRY(look(plan, guest, &length, &data, error));
    guest += data ? 0 : length;
  }
  if (!data)
    return VMF_OK;
  border = vmf_align_down(guest, at_once) + at_once;
  *start = vmf_align_down(guest, plan->unit);
  *end = guest;
  for (; guest < plan->size && guest <= *end && guest < border; guest += length) {
    VMF_TRY(look(plan, guest, &length, &data, error));
    if (data)
      *end = vmf_align_up(guest + length, plan->unit);
  }
  *end = vmf_min(*end, vmf_min(plan->size, border));
  return VMF_OK;
}

static bool unit_holds_data(const struct vmf_plan *plan, uint64_t unit)
{
  return plan->data_units[unit / 64] >> unit % 64 & 1;
}

uint64_t vmf_plan_first(const struct vmf_plan *plan, uint64_t guest)
{
  uint64_t units = vmf_div_up(plan->size, plan->unit), unit = guest / plan->unit;

  while (plan->data_units && unit < units && !unit_holds_data(plan, unit))
    unit = plan->data_units[unit / 64] >> unit % 64 == 0 ? (unit / 64 + 1) * 64 : unit + 1;
  return vmf_min(unit * plan->unit, plan->size);
}

static void next_of_units(const struct vmf_plan *plan, uint64_t guest, uint64_t *start,
                          uint64_t *end)
{
  uint64_t units = vmf_div_up(plan->size, plan->unit);

  *start = vmf_plan_first(plan, guest);
  uint64_t unit = vmf_div_up(*start, plan->unit);
  while (unit < units && unit_holds_data(plan, unit))
    unit++;
  *end = vmf_min(unit * plan->unit, plan->size);
}

enum vmf_code vmf_plan_next(const struct vmf_plan *plan, uint64_t guest, uint64_t *start,
                            uint64_t *end, struct vmf_error *error)
{
  if (!plan->everything && !plan->data_units)
    return next_of_map(plan, guest, start, end, error);
  if (plan->data_units) {
    next_of_units(plan, guest, start, end);
    return VMF_OK;
  }
  *start = vmf_min(guest, plan->size);
  *end = plan->size;
  return VMF_OK;
}

enum vmf_code vmf_plan_count(const struct vmf_plan *plan, uint32_t unit, uint64_t *count,
                             struct vmf_error *error)
{
  uint64_t start, end;

  *count = 0;
  for (uint64_t guest = 0; guest < plan->size; guest = end) {
    VMF_TRY(vmf_plan_next(plan, guest, &start, &end, error));
    *count += vmf_div_up(end - start, unit);
  }
  return VMF_OK;
}
