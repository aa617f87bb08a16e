/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing into a file that is there, for want of a way to replace it or because its other names are
 * to see it: no all or nothing, but nobody finds half of an image. Private to this folder. */
#ifndef VMF_IO_IN_PLACE_H
#define VMF_IO_IN_PLACE_H

#include <sys/stat.h>

#include "io.h"

/* Why no other file can take the place of `name`, whose attributes are `status`; NULL: nothing is
 * known of that. */
const char *vmf_in_place_obstacle(int folder, const char *name, const struct stat *status);

/* An io on the file, as if it were empty: vmf_in_place_begin makes it so, before anything is
 * written. *held: another descriptor of it, which keeps a lock. Two runs that write into one file
 * would leave a mixture: VMF_IN_USE. */
VMF_MUST_CHECK enum vmf_code vmf_in_place_open(int folder, const char *name, const char *path,
                                               bool sync, struct vmf_io **io, int *held,
                                               struct vmf_error *error);

/* Two runs that write into one file would leave a mixture: VMF_IN_USE. The lock goes with the last
 * descriptor of the file that `number` is of. */
VMF_MUST_CHECK enum vmf_code vmf_in_place_lock(int number, const char *path,
                                               struct vmf_error *error);

/* VMF_IN_USE: a machine, another program or another run holds the file, which is to be replaced. */
VMF_MUST_CHECK enum vmf_code vmf_in_place_check(int folder, const char *name, const char *path,
                                                struct vmf_error *error);

/* From here on the old content is gone. */
VMF_MUST_CHECK enum vmf_code vmf_in_place_begin(int held, const char *path,
                                                struct vmf_error *error);

/* incomplete: what has been written is removed again. held == -1: there is no such file. */
void vmf_in_place_close(int held, bool incomplete);

#endif
