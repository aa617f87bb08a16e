/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Text from anywhere inside of HTML and XML. */
#ifndef VMF_CLI_ESCAPE_H
#define VMF_CLI_ESCAPE_H

#include <stdio.h>

/* What has a meaning there is escaped; what is not visible (characters.h) comes out as for people,
 * \xNN or \u{NNNN}. Good inside of an attribute, too. */
void vmf_escape_markup(FILE *out, const char *text);

#endif
