/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package whose machine is changed where it is. */
#ifndef VMF_PACKAGE_SIGN_PACKAGE_EDIT_H
#define VMF_PACKAGE_SIGN_PACKAGE_EDIT_H

#include "vmferry.h"

/* vmf_machine_edit of a package; the values of `edits` are checked, and target->files is not NULL.
 */
VMF_MUST_CHECK enum vmf_code vmf_package_edit(const char *path,
                                              const struct vmf_machine_edits *edits,
                                              const struct vmf_edit_target *target,
                                              struct vmf_error *error);

#endif
