/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Units of an older target that are used again, as they are stored there, where the guest bytes are
 * the same: the work of one thread. And what the map of the new target says of each unit.
 *
 * Guest bytes that come from the files that the older target was made of, which are as they were,
 * or that a bitmap of the source does not mark, are told to be the same: they are not read. */
#ifndef VMF_COPY_REUSE_H
#define VMF_COPY_REUSE_H

#include "target_units.h"

struct vmf_reuse;

/* units: of the target, or NULL: *reuse stays NULL. job_bytes: what is looked at together. */
VMF_MUST_CHECK enum vmf_code vmf_reuse_new(struct vmf_units *units, uint32_t job_bytes,
                                           struct vmf_reuse **reuse, struct vmf_error *error);
void vmf_reuse_free(struct vmf_reuse *reuse); /* NULL is allowed */

/* What one takes, bytes; units: or NULL. */
size_t vmf_reuse_memory(const struct vmf_units *units, uint32_t job_bytes);

/* The guest bytes [guest, guest + length) are worked on next, which these spans hold. plain_only:
 * what the source has packed is read. largest: of a packed unit that can be used, bytes. */
struct vmf_reuse_stretch {
  const struct vmf_spans *spans; /* NULL: all is read */
  uint64_t guest;
  size_t length, largest;
  bool plain_only;
};
VMF_MUST_CHECK enum vmf_code vmf_reuse_begin(struct vmf_reuse *reuse,
                                             const struct vmf_reuse_stretch *stretch,
                                             struct vmf_error *error);

/* Whether the unit at `guest` need not be read, unless vmf_reuse_unit does without it. */
bool vmf_reuse_told(const struct vmf_reuse *reuse, uint64_t guest);

/* What need be has been read into `data`, with zeros up to the end of the last unit. */
VMF_MUST_CHECK enum vmf_code vmf_reuse_look(struct vmf_reuse *reuse, const uint8_t *data,
                                            struct vmf_error *error);

/* The packed form of the unit at `guest`, into packed; *length 0: it is not packed, and its bytes
 * are in data, if they were not read. False: it is to be made, of what is read. neighbour: as for
 * vmf_pack. Units are asked for in guest order. */
bool vmf_reuse_unit(struct vmf_reuse *reuse, uint64_t guest, size_t neighbour, uint8_t *data,
                    uint8_t *packed, size_t *length);

/* What the map says of a block that has been made of such a unit, but for its place. */
void vmf_reuse_note(const struct vmf_reuse *reuse, const struct vmf_block *block, size_t neighbour,
                    bool kept, struct vmf_unit_record *record);

/* And of a stretch of a FIXED target. False: of zeros, of which it says nothing. */
bool vmf_reuse_note_plain(uint64_t guest, const uint8_t *data, size_t length, bool lost,
                          struct vmf_unit_record *record);

#endif
