/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file that is replaced by what was made of it: what another run made in the meantime is not
 * lost. The lock is on the file that was read; who gets it later finds another file in its place.
 */
#ifndef VMF_IO_REPLACING_H
#define VMF_IO_REPLACING_H

#include "io.h"

struct vmf_replacing {
  bool held, followed;
  int descriptor, follower; /* followed: the file that takes its place */
};

/* Held from here on until the end. io: what was read, or NULL. VMF_CHANGED: the file of that path
 * is another one by now; VMF_IN_USE: another run is about to replace it. A file system without
 * locks has none. */
VMF_MUST_CHECK enum vmf_code vmf_replacing_begin(struct vmf_replacing *replacing, const char *path,
                                                 const struct vmf_io *io, struct vmf_error *error);

/* io: what takes the place of the file, and does not have its name yet. It is held, too, until the
 * end: who opens it under that name changes nothing beside it before all is there. */
void vmf_replacing_follow(struct vmf_replacing *replacing, const struct vmf_io *io);
void vmf_replacing_end(struct vmf_replacing *replacing);

VMF_MUST_CHECK enum vmf_code vmf_replacing_changed(const char *path, struct vmf_error *error);

#endif
