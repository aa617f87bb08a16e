/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a commit of several files is about to place: noted in the temporary folder before the first
 * of them gets its name, so that those of a run that ended before the main file had its own are
 * found again. Private to this folder. */
#ifndef VMF_IO_PLACING_H
#define VMF_IO_PLACING_H

#include "output_inside.h"

#define VMF_PLACING_NAME ".vmferry-placing"

/* Nothing, where the main file is the only one. */
VMF_MUST_CHECK enum vmf_code vmf_placing_note(const struct vmf_output *output,
                                              struct vmf_error *error);

/* All are placed, or none. Not an error: there is no note. */
enum vmf_code vmf_placing_drop(const struct vmf_output *output, struct vmf_error *error);

/* What a run that has ended placed in `beside` goes back into its temporary folder, which we hold,
 * unless its main file `target` was placed, too. */
void vmf_placing_undo(int beside, int folder, const char *target);

#endif
