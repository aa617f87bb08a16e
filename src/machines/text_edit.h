/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine changed in the text that describes it, by its format. */
#ifndef VMF_MACHINES_TEXT_EDIT_H
#define VMF_MACHINES_TEXT_EDIT_H

#include "error.h"

/* As vmf_machine_edit, of a regular file that is no package; the values are checked, and no member
 * of target is NULL that may not be. */
VMF_MUST_CHECK enum vmf_code vmf_text_edit(const char *path, const struct vmf_machine_edits *edits,
                                           const struct vmf_edit_target *target,
                                           struct vmf_error *error);

#endif
