/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Typed option tables: one source for parsing, range checks, `vmferry help FORMAT` and the man page
 * check. */
#ifndef VMF_BASE_OPTIONS_H
#define VMF_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum vmf_option_type {
  VMF_OPTION_BOOL, /* bool field; on/off, yes/no, true/false */
  VMF_OPTION_UINT, /* uint64_t field; min <= value <= max */
  VMF_OPTION_SIZE, /* uint64_t field, bytes; suffixes k M G T P E (powers of 1024); min <= value <=
                      max */
  VMF_OPTION_TEXT, /* char * field, owned by the options struct; NULL when not given */
  VMF_OPTION_CHOICE, /* unsigned field: the index into choices[]; upper and lower case are one */
};

struct vmf_option {
  const char *name, *help;
  enum vmf_option_type type;
  size_t offset;              /* of the field in the driver's options struct */
  uint64_t min, max;          /* UINT, SIZE */
  const char *const *choices; /* CHOICE: NULL-terminated */
  const char *initial;        /* the default, as a user would type it; NULL: zero or NULL */
};

struct vmf_options {
  const struct vmf_option *table;
  unsigned count;
  size_t size; /* of the driver's options struct */
};

/* Parses "name=value,name=value" (a comma in a value is written twice; NULL or "" gives the
 * defaults; the bare name of a BOOL option means on) into a fresh zeroed struct of options->size
 * bytes. An unknown name or a value out of range is VMF_USAGE, naming what is accepted. `format`
 * names the driver in messages. Freed with vmf_options_free. */
VMF_MUST_CHECK enum vmf_code vmf_options_parse(const struct vmf_options *options,
                                               const char *format, const char *text, void **values,
                                               struct vmf_error *error);
void vmf_options_free(const struct vmf_options *options, void *values);

/* "64k", "1.5G", "4096": bytes. VMF_USAGE with `what` in the text when it is not a size. */
VMF_MUST_CHECK enum vmf_code vmf_parse_size(const char *text, const char *what, uint64_t *size,
                                            struct vmf_error *error);

#endif
