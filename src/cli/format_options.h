/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Prints what the library knows of its formats. */
#ifndef VMF_CLI_FORMAT_OPTIONS_H
#define VMF_CLI_FORMAT_OPTIONS_H

#include <stdio.h>

#include "vmferry.h"

/* The create options of a format, on standard output; returns an exit status. */
int vmf_format_options_print(const char *format);

/* The format whose create options a form of the disks in a package takes, which may also be the
 * name of a format; NULL: the default form. */
const char *vmf_format_of_form(const char *form);

/* One line a format: name, directions, summary. */
void vmf_formats_print(FILE *out);

/* Name, summary, other names, suffixes and directions of a format, on standard output. */
void vmf_format_print(const struct vmf_format_info *info);

#endif
