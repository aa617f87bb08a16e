/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "image_opts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "json.h"

/* "NAME=VALUE" as a member of an object. */
static enum vmf_code write_member(FILE *out, char *pair, struct vmf_error *error)
{
  char *equals = strchr(pair, '=');

  if (!equals || equals == pair)
    return vmf_arguments_wrong(error,
                               "--image-opts: \"%s\": expected NAME=VALUE,..., as in "
                               "driver=qcow2,file.filename=disk.qcow2",
                               pair);
  *equals = '\0';
  vmf_json_string(out, pair);
  fputc(':', out);
  vmf_json_string(out, equals + 1);
  return VMF_OK;
}

static enum vmf_code write_object(FILE *out, const char *text, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  bool more = true;

  fputs("json:{", out);
  while (more && code == VMF_OK) {
    size_t length = vmf_arguments_option_length(text);
    char *pair = vmf_arguments_option_copy(text, length);

    code = pair ? write_member(out, pair, error) : vmf_arguments_no_memory(error);
    free(pair);
    more = text[length] == ',';
    if (more)
      fputc(',', out);
    text += length + more;
  }
  fputc('}', out);
  return code;
}

enum vmf_code vmf_image_opts_name(const char *text, char **name, struct vmf_error *error)
{
  size_t size;
  FILE *out = open_memstream(name, &size);

  if (!out)
    return vmf_arguments_no_memory(error);
  enum vmf_code code = write_object(out, text, error);
  if (fclose(out) != 0 && code == VMF_OK)
    code = vmf_arguments_no_memory(error);
  return code;
}
