/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * --sandbox: before a verb looks at foreign content, the process gives up what the command line
 * does not ask for. */
#ifndef VMF_CLI_CONFINING_H
#define VMF_CLI_CONFINING_H

#include "verb.h"

/* By the verb's table: what its options and operands name may be read, and what it writes be
 * written. VMF_USAGE: no such word; VMF_UNSUPPORTED: "require", and the kernel or this build cannot
 * do all of it. */
VMF_MUST_CHECK enum vmf_code vmf_confining(const struct vmf_verb *verb, struct vmf_command *command,
                                           struct vmf_error *error);

/* What the kernel and this build have, a line each, on standard output. */
void vmf_confining_print(void);

#endif
