/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Values of options that are places in the file system. */
#ifndef VMF_CLI_ARGUMENT_PLACE_H
#define VMF_CLI_ARGUMENT_PLACE_H

#include "verb.h"

/* By what help calls the value: a FILE is no URL; a DIR is there; of a MAPFILE and a REPORT,
 * which are written when all is done, the folder is there. `what` names the option. */
VMF_MUST_CHECK enum vmf_code vmf_argument_place(const struct vmf_argument *argument,
                                                const char *what, const char *text,
                                                struct vmf_error *error);

#endif
