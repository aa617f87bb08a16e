/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which units hold data, read from the map as it is needed: nothing is kept, so memory does not
 * grow with a disk. */
#ifndef VMF_IMAGE_PLAN_H
#define VMF_IMAGE_PLAN_H

#include "image.h"

struct vmf_plan {
  struct vmf_image *image;   /* NULL: an empty disk */
  struct vmf_image *backing; /* units where this one has data count too; or NULL */
  uint64_t size;             /* of the guest disk */
  uint32_t unit;             /* a power of two */
  bool everything;           /* every unit counts as data */
  uint64_t *data_units; /* a bit for each unit that holds data, found by reading it; or NULL: the
                         * map alone says */
};

/* Of a plan that a survey made: the first unit with data at or behind `guest` (a multiple of the
 * unit); plan->size: there is none. */
uint64_t vmf_plan_first(const struct vmf_plan *plan, uint64_t guest);

#endif
