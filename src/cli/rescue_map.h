/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Mapfiles in the form that GNU ddrescue documents: lines of position, size and status in order,
 * behind one that says how far the run has come; "+" has been read, all else has not. */
#ifndef VMF_CLI_RESCUE_MAP_H
#define VMF_CLI_RESCUE_MAP_H

#include "salvaging.h"

/* VMF_USAGE: no memory. */
VMF_MUST_CHECK enum vmf_code vmf_stretches_add(struct vmf_stretches *stretches, uint64_t guest,
                                               uint64_t length, struct vmf_error *error);

/* What of the first `size` bytes has not been read, neighbours as one. *there: false when there is
 * no file of that name. VMF_CORRUPT: it is no mapfile. */
VMF_MUST_CHECK enum vmf_code vmf_rescue_map_read(const char *path, uint64_t size, bool *there,
                                                 struct vmf_stretches *unread,
                                                 struct vmf_error *error);

/* A map of a disk of `size` bytes, of which `lost` could not be read. replace: one that is there is
 * replaced when the new one is complete; otherwise it is an error. */
VMF_MUST_CHECK enum vmf_code vmf_rescue_map_write(const char *path, uint64_t size,
                                                  const struct vmf_stretches *lost, bool replace,
                                                  struct vmf_error *error);

#endif
