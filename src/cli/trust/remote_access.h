/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the command line says about URLs. */
#ifndef VMF_CLI_REMOTE_ACCESS_H
#define VMF_CLI_REMOTE_ACCESS_H

#include "verb.h"

/* Tells the library, before the command gives up what it could read the headers by. */
VMF_MUST_CHECK enum vmf_code vmf_remote_access(const struct vmf_verb *verb,
                                               const struct vmf_command *command,
                                               struct vmf_error *error);

#endif
