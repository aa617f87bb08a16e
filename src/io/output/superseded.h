/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files of old beside a target that go when its new ones come: until all of those have their names,
 * they stand in the temporary folder, and can come back. */
#ifndef VMF_IO_SUPERSEDED_H
#define VMF_IO_SUPERSEDED_H

#include <stdbool.h>

#include "error.h"

struct vmf_temporary;

struct vmf_superseded {
  char **names; /* owned, without folder */
  size_t count, capacity;
  size_t moved; /* the first ones are in the temporary folder, under other names */
};

VMF_MUST_CHECK enum vmf_code vmf_superseded_add(struct vmf_superseded *old, const char *name,
                                                struct vmf_error *error);

/* That goes before all others. */
VMF_MUST_CHECK enum vmf_code vmf_superseded_add_first(struct vmf_superseded *old, const char *name,
                                                      struct vmf_error *error);

/* Moves all from `folder` into the folder `aside`, or none. A name that is not there any more is no
 * error. path: of the target, for messages. */
VMF_MUST_CHECK enum vmf_code vmf_superseded_move(struct vmf_superseded *old, int folder,
                                                 const struct vmf_temporary *aside,
                                                 const char *path, struct vmf_error *error);
/* Puts them back; where that fails, *error, which is why, tells it, too. */
void vmf_superseded_restore(struct vmf_superseded *old, int folder,
                            const struct vmf_temporary *aside, struct vmf_error *error);

/* Removes what was moved. */
void vmf_superseded_drop(struct vmf_superseded *old, int aside);
void vmf_superseded_clear(struct vmf_superseded *old);

/* Whether a temporary folder holds files of old: a run ended while it replaced them, and they may
 * be nowhere else. */
bool vmf_superseded_left(int folder);

/* renameat() that never replaces, also where the file system has no such call. */
int vmf_rename_new(int from, const char *name, int to, const char *new_name);

#endif
