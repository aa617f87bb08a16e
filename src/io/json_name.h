/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * "json:{...}": the name of a plain file together with its format, as qemu takes it and writes it
 * into its images. */
#ifndef VMF_IO_JSON_NAME_H
#define VMF_IO_JSON_NAME_H

#include <stdbool.h>

#include "error.h"

bool vmf_json_name_is(const char *name);

struct vmf_json_name {
  char *path;    /* of the file, as it is written */
  char *format;  /* NULL where none is told */
  char *options; /* for the format's reader, "name=value,..." with commas in values doubled; or NULL
                  */
};

/* The caller frees *read, also after a failure. VMF_UNSUPPORTED: it asks for more than a plain
 * file, or this build reads no JSON; VMF_USAGE: it is no such name. */
VMF_MUST_CHECK enum vmf_code vmf_json_name_read(const char *name, struct vmf_json_name *read,
                                                struct vmf_error *error);
void vmf_json_name_free(struct vmf_json_name *read);

#endif
