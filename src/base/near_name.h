/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which file is meant by a name that comes from another machine: by a path that does not exist
 * here, or in another case. */
#ifndef VMF_BASE_NEAR_NAME_H
#define VMF_BASE_NEAR_NAME_H

#include <stdbool.h>

#include "error.h"

/* What stands behind the last '/' or '\' of a path, behind "C:" or "[datastore] "; it points into
 * `path`. NULL: nothing that could be a file's name does, or `path` is no path ("nbd:host"). */
const char *vmf_last_part(const char *path);

/* The same name, but for the case of letters. What is not UTF-8 is compared as bytes. */
bool vmf_names_near(const char *a, const char *b);

/* Of many names the one that is `wanted`, or else those that only differ from it in case. */
struct vmf_near_name {
  const char *wanted; /* not owned; the rest is zeroed before the first name is offered */
  char *found;        /* the best so far, or NULL; owned */
  char *other;        /* a second one that is as near: then nobody knows; or NULL; owned */
};

VMF_MUST_CHECK enum vmf_code vmf_near_name_offer(struct vmf_near_name *near, const char *name,
                                                 struct vmf_error *error);
void vmf_near_name_clear(struct vmf_near_name *near);

#endif
