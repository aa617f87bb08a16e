/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "image_opts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "json.h"
#include "memory_text.h"
#include "secret_object.h"

static bool is_secret(const char *name)
{
  return strcmp(name, "key-secret") == 0 || strcmp(name, "encrypt.key-secret") == 0;
}

/* An object of which one member after the other is written. */
struct writing {
  const struct vmf_command *command;
  FILE *out;
  bool any;
};

/* "NAME=VALUE" as a member of the object. */
static enum vmf_code write_member(struct writing *writing, char *pair, struct vmf_error *error)
{
  char *equals = strchr(pair, '=');
  size_t index;

  if (!equals || equals == pair)
    return vmf_arguments_wrong(error,
                               "--image-opts: \"%s\": expected NAME=VALUE,..., as in "
                               "driver=qcow2,file.filename=disk.qcow2",
                               pair);
  *equals = '\0';
  if (is_secret(pair))
    return vmf_secret_object_find(writing->command, equals + 1, &index, error);
  if (writing->any)
    fputc(',', writing->out);
  writing->any = true;
  vmf_json_string(writing->out, pair);
  fputc(':', writing->out);
  vmf_json_string(writing->out, equals + 1);
  return VMF_OK;
}

static enum vmf_code write_object(struct writing *writing, const char *text,
                                  struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  bool more = true;

  fputs("json:{", writing->out);
  while (more && code == VMF_OK) {
    size_t length = vmf_arguments_option_length(text);
    char *pair = vmf_arguments_option_copy(text, length);

    code = pair ? write_member(writing, pair, error) : vmf_arguments_no_memory(error);
    free(pair);
    more = text[length] == ',';
    text += length + more;
  }
  fputc('}', writing->out);
  return code;
}

enum vmf_code vmf_image_opts_name(const struct vmf_command *command, const char *text, char **name,
                                  struct vmf_error *error)
{
  size_t size;
  FILE *out = open_memstream(name, &size);

  if (!out)
    return vmf_arguments_no_memory(error);
  struct writing writing = {.command = command, .out = out};
  enum vmf_code code = write_object(&writing, text, error);
  if (!vmf_memory_text_end(out, name) && code == VMF_OK)
    code = vmf_arguments_no_memory(error);
  return code;
}
