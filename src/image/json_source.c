/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An image that is named in JSON: file and format. */
#include "opening.h"

#include <string.h>

#include "memory.h"

static bool same_format(const char *one, const char *other)
{
  const struct vmf_format *format = vmf_format_find(one);
  return format ? format == vmf_format_find(other) : strcmp(one, other) == 0;
}

enum vmf_code vmf_json_source_read(const char *name, const char *given, char **path, char **format,
                                   struct vmf_error *error)
{
  VMF_TRY(vmf_json_name_read(name, path, format, error));
  if (given && *format && !same_format(given, *format))
    return vmf_fail(error, VMF_USAGE, "%s: has another driver than the format that is told (%s)",
                    name, given);
  return given && !*format ? vmf_copy_text(given, format, error) : VMF_OK;
}
