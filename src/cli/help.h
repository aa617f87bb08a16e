/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Help texts, made from the tables of the verbs and of the library. */
#ifndef VMF_CLI_HELP_H
#define VMF_CLI_HELP_H

#include <stdio.h>

#include "verb.h"

/* `vmferry --help`. */
void vmf_help_print(FILE *out);

/* `vmferry VERB --help`. */
void vmf_help_print_verb(FILE *out, const struct vmf_verb *verb);

#endif
