/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A stream-optimized extent that comes on a pipe. Its grains say themselves where they belong; the
 * tables that come behind them are held against where they came, or they against tables that came
 * before them. */
#ifndef FORMATS_VMDK_INCOMING_H
#define FORMATS_VMDK_INCOMING_H

#include "container.h"
#include "extent.h"

struct vmdk_incoming_table; /* grains that came, whose grain table has not come yet */

/* A grain table that has come. */
struct vmdk_incoming_place {
  uint64_t index;  /* of its entry in the grain directory */
  uint32_t sector; /* where it stands */
};

/* The tables, in the order of the disk. */
struct vmdk_incoming_tables {
  struct vmdk_incoming_table *first, *last;
  unsigned waiting;                   /* so many are in that list */
  struct vmdk_incoming_place *places; /* grows as tables come */
  size_t count, room;
};

/* Tables that stand before all grains. */
struct vmdk_front {
  uint8_t *bytes; /* NULL: they stand behind them. `length` bytes of the stream from `start` on, up
                   * to the first grain */
  uint64_t start;
  size_t length;
  uint64_t grain; /* those before this one have come, or do not come */
};

struct vmdk_incoming {
  struct vmf_container_disk disk;
  struct vmdk_header header;
  struct vmdk_grains grains;
  uint64_t at; /* in the stream: where the next marker is */
  struct vmdk_incoming_tables tables;
  uint64_t directory_sector; /* of the grain directory that came; 0: none yet */
  bool footer;               /* has come */
  struct vmdk_front front;
};

/* A grain came: number `grain` of the disk, its marker at `host`. */
VMF_MUST_CHECK enum vmf_code vmdk_incoming_grain(struct vmf_container *container, uint64_t grain,
                                                 uint64_t host, struct vmf_error *error);

/* Take what stands behind a marker, `sectors` long at incoming->at, and look whether it tells of
 * just those grains, and tables, that came. */
VMF_MUST_CHECK enum vmf_code vmdk_incoming_take_table(struct vmf_container *container,
                                                      uint64_t sectors, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmdk_incoming_take_directory(struct vmf_container *container,
                                                          uint64_t sectors,
                                                          struct vmf_error *error);

void vmdk_incoming_release(struct vmdk_incoming_tables *tables);

/* incoming_front.c: whether tables that do not stand at the end can be kept; then takes them. What
 * they tell may have to be stored all the same. */
bool vmdk_front_fits(const struct vmdk_header *header);
VMF_MUST_CHECK enum vmf_code vmdk_front_take(struct vmf_container *container,
                                             struct vmf_error *error);
/* Guest offset of the grain that comes next, whose marker is then at incoming->at; or *end. */
VMF_MUST_CHECK enum vmf_code vmdk_front_next(struct vmf_container *container, uint64_t *guest,
                                             bool *end, struct vmf_error *error);
void vmdk_front_release(struct vmdk_front *front);

#endif
