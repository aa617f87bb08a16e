/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Units of an older target that are used again, in their packed form, where the guest bytes are the
 * same: the work of one thread. And what the map of the new target says of each unit. */
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

/* The guest bytes [guest, guest + length) that are worked on next, `data`, with zeros up to the end
 * of their last unit. largest: of a packed unit that can be used, bytes. */
VMF_MUST_CHECK enum vmf_code vmf_reuse_begin(struct vmf_reuse *reuse, const uint8_t *data,
                                             uint64_t guest, size_t length, size_t largest,
                                             struct vmf_error *error);

/* The packed form of the unit at `guest`, into packed; *length 0: packing it does not make it
 * smaller. False: it is to be packed. neighbour: as for vmf_pack. */
bool vmf_reuse_unit(struct vmf_reuse *reuse, uint64_t guest, size_t neighbour, uint8_t *packed,
                    size_t *length);

/* What the map says of a block that has been made of such a unit, but for its place. */
VMF_MUST_CHECK enum vmf_code vmf_reuse_note(struct vmf_reuse *reuse, const struct vmf_block *block,
                                            size_t neighbour, bool kept,
                                            struct vmf_unit_record *record,
                                            struct vmf_error *error);

#endif
