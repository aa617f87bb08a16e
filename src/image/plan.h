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

/* A walk over a plan from the first guest byte to the last, in pieces. Starts with .guest = 0. */
struct vmf_walk {
  const struct vmf_plan *plan;
  uint32_t piece_bytes;          /* data is cut at multiples of it */
  uint64_t guest;                /* of the next piece; the plan's size at the end */
  uint64_t data_start, data_end; /* the range of data that it is in or before */
};

struct vmf_stretch {
  uint64_t guest, length; /* length 0: the walk is over */
  bool hole;              /* of any length */
};

/* Where the data ends that the walk is at; walk->guest where a hole or the end comes first. */
VMF_MUST_CHECK enum vmf_code vmf_walk_look(struct vmf_walk *walk, uint64_t *data_end,
                                           struct vmf_error *error);

/* The next piece: a hole, or data. */
VMF_MUST_CHECK enum vmf_code vmf_walk_next(struct vmf_walk *walk, struct vmf_stretch *piece,
                                           struct vmf_error *error);

/* The next piece of data; holes are passed over. */
VMF_MUST_CHECK enum vmf_code vmf_walk_data(struct vmf_walk *walk, struct vmf_stretch *piece,
                                           struct vmf_error *error);

#endif
