/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * --untrusted: the word of who reads what strangers sent. Images and packages are opened without
 * what they refer to, archives have one meaning (sources.c), the sandbox is required
 * (confining.c); the rest is here. */
#ifndef VMF_CLI_UNTRUSTED_H
#define VMF_CLI_UNTRUSTED_H

#include "verb.h"

/* With --untrusted: VMF_USAGE for what contradicts it, and a bound where --max-size gives none. */
VMF_MUST_CHECK enum vmf_code vmf_untrusted(const struct vmf_verb *verb, struct vmf_command *command,
                                           struct vmf_error *error);

#endif
