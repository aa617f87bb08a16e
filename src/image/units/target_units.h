/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Of a target whose units are packed: those of an older one, whose packed form is used again, and
 * the map of those that are made. Of a FIXED one: its stretches of VMF_PLAIN_UNIT, which are taken
 * from the older one where it is told that they are the same, and need not be read then. */
#ifndef VMF_IMAGE_TARGET_UNITS_H
#define VMF_IMAGE_TARGET_UNITS_H

#include <stdatomic.h>

#include "format.h"
#include "output.h"
#include "unit_map.h"

enum { VMF_PLAIN_UNIT = 64 << 10 };

struct vmf_units {
  struct vmf_unit_head head;      /* of the target */
  struct vmf_unit_map *old;       /* NULL: all units are packed */
  struct vmf_io *onto;            /* what it is the map of */
  struct vmf_image *source;       /* of the target */
  const struct vmf_image *same;   /* of its chain, what `old` was made of; NULL: it is not there */
  struct vmf_output *output;      /* of the new map; NULL: none is made */
  struct vmf_unit_writer *writer; /* likewise */
  atomic_ullong reused, unproven; /* units */
  atomic_ullong unread;           /* of those that were reused */
};

/* map, since, onto: paths, or NULL. VMF_UNSUPPORTED: the target is neither FIXED, in one file, nor
 * packs units by themselves. An older target that was made in another way, or whose file is not
 * that of the map, is told to the log and not used. */
VMF_MUST_CHECK enum vmf_code vmf_units_open(const struct vmf_target *target,
                                            const struct vmf_target_options *options,
                                            struct vmf_units **units, struct vmf_error *error);

/* Once the target is finished: the map is whole; and, once that has its name, has its own. */
VMF_MUST_CHECK enum vmf_code vmf_units_finish(struct vmf_units *units,
                                              const struct vmf_target *target,
                                              struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_units_commit(struct vmf_units *units, struct vmf_error *error);
void vmf_units_close(struct vmf_units *units); /* NULL is allowed */

#endif
