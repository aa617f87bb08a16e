/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file that was split into parts which stand beside each other: "disk.001", "disk.002", ... or
 * "disk.aa", "disk.ab", ..., as split(1), 7-Zip, FTK Imager and others call them. */
#ifndef VMF_IMAGE_SERIES_H
#define VMF_IMAGE_SERIES_H

#include "io.h"

enum vmf_series_place {
  VMF_SERIES_NONE,  /* no part by its name, or none of the others is there */
  VMF_SERIES_FIRST, /* there is a second part, or a later one */
  VMF_SERIES_LATER,
};

/* Which part `path` is, by its name and those beside it. LATER: *first is the path of the first
 * part, a fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_series_place(const char *path, enum vmf_series_place *place,
                                              char **first, struct vmf_error *error);

/* Whether `path` is by its name the first part of a split file, and others are beside it. */
bool vmf_series_is_first(const char *path);

/* The same by the name alone: the others may be missing. */
bool vmf_series_named_first(const char *path);

/* All parts of which `path` is the first, as one io called `path`. The others are references of the
 * first (see opener.h). VMF_CORRUPT: one is missing, or has not the size that it must have. */
VMF_MUST_CHECK enum vmf_code vmf_series_open(const char *path, bool check_locks, struct vmf_io **io,
                                             struct vmf_error *error);

/* Whether all names are those of parts of one file, in whatever order. */
bool vmf_series_same(const char *const *paths, size_t count);

#endif
