/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How much a file that is being written can still take. */
#ifndef VMF_IO_ROOM_H
#define VMF_IO_ROOM_H

#include "io.h"

struct vmf_room {
  uint64_t bytes; /* free in the file system, or left of the user's or group's quota, and what the
                     file itself had when it was opened */
  bool quota;     /* it is that */
  bool exact;     /* so many bytes of data fit, and no more; else the file system may pack, share or
                   * not tell */
  bool shares;    /* files of it may share their data */
};

/* False: nothing is known, or it is no regular file. */
bool vmf_io_room(const struct vmf_io *io, struct vmf_room *room);

#endif
