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

/* Options that no reader would be asked for. */
static enum vmf_code check_options(const char *name, const struct vmf_json_name *read,
                                   struct vmf_error *error)
{
  const struct vmf_format *format = read->format ? vmf_format_find(read->format) : NULL;

  if (!read->options || (format && format->reader && format->reader->options.count > 0))
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: \"%.*s\" is not understood, only \"driver\" and \"file\" of a plain file; "
                  "qemu-img convert makes one of whatever it can open",
                  name, (int)strcspn(read->options, "="), read->options);
}

enum vmf_code vmf_json_source_read(const char *name, const char *given, struct vmf_json_name *read,
                                   struct vmf_error *error)
{
  VMF_TRY(vmf_json_name_read(name, read, error));
  if (given && read->format && !same_format(given, read->format))
    return vmf_fail(error, VMF_USAGE, "%s: has another driver than the format that is told (%s)",
                    name, given);
  if (given && !read->format)
    VMF_TRY(vmf_copy_text(given, &read->format, error));
  return check_options(name, read, error);
}
