/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which places of the file system the names that a person gives stand for. */
#ifndef VMF_CONFINE_ALLOWED_PLACES_H
#define VMF_CONFINE_ALLOWED_PLACES_H

#include "landlock.h"

/* Allows what names of images, packages, files or folders stand for, see vmf_confine. */
VMF_MUST_CHECK enum vmf_code vmf_allow_names(const struct vmf_landlock *landlock,
                                             const char *const *names, enum vmf_access access,
                                             struct vmf_error *error);

/* Allows to read what the system's libraries load late, and to write temporary files. */
VMF_MUST_CHECK enum vmf_code vmf_allow_system(const struct vmf_landlock *landlock,
                                              struct vmf_error *error);

/* Whether one of the names is on another machine. */
bool vmf_names_network(const char *const *names);

/* Allows to read what other machines are found and trusted by. */
VMF_MUST_CHECK enum vmf_code vmf_allow_network(const struct vmf_landlock *landlock,
                                               struct vmf_error *error);

#endif
