/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Names in letters that every reader of packages takes. */
#ifndef VMF_BASE_PLAIN_NAME_H
#define VMF_BASE_PLAIN_NAME_H

#include "error.h"

/* A fresh copy of `name` (UTF-8), its Latin letters beyond ASCII written in ASCII ("Buero" for
 * "B\u00fcro"); all else stays. */
VMF_MUST_CHECK enum vmf_code vmf_plain_name(const char *name, char **plain,
                                            struct vmf_error *error);

#endif
