/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "secret_object.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"

static enum vmf_code expected(struct vmf_error *error)
{
  return vmf_arguments_wrong(error, "--object: expected secret,id=ID,file=FILE");
}

/* "NAME=VALUE": into *id or *file. */
static enum vmf_code take_pair(char *pair, char **id, char **file, struct vmf_error *error)
{
  char *value = strchr(pair, '=');
  char **place = NULL;

  if (!value)
    return expected(error);
  *value++ = '\0';
  if (strcmp(pair, "data") == 0)
    return vmf_arguments_wrong(error, "--object: a secret on the command line (data=) is seen by "
                                      "every user of the machine: expected file=FILE");
  if (strcmp(pair, "format") == 0 && strcmp(value, "raw") == 0)
    return VMF_OK;
  if (strcmp(pair, "id") == 0)
    place = id;
  else if (strcmp(pair, "file") == 0)
    place = file;
  else
    return vmf_arguments_wrong(error,
                               "--object: a secret with \"%.20s\" is not read: its file holds the "
                               "bytes as they are (format=raw)",
                               pair);
  if (*place || !*value)
    return expected(error);
  *place = strdup(value);
  return *place ? VMF_OK : vmf_arguments_no_memory(error);
}

enum vmf_code vmf_secret_object(const char *text, char **id, char **file, struct vmf_error *error)
{
  static const char kinds[][16] = {"secret", "qom-type=secret"};
  size_t length = vmf_arguments_option_length(text);
  enum vmf_code code = VMF_OK;

  *id = *file = NULL;
  if ((length != strlen(kinds[0]) || strncmp(text, kinds[0], length) != 0) &&
      (length != strlen(kinds[1]) || strncmp(text, kinds[1], length) != 0))
    return expected(error);
  for (text += length; *text && code == VMF_OK; text += length) {
    length = vmf_arguments_option_length(++text);
    char *pair = vmf_arguments_option_copy(text, length);
    code = pair ? take_pair(pair, id, file, error) : vmf_arguments_no_memory(error);
    if (pair)
      explicit_bzero(pair, strlen(pair));
    free(pair);
  }
  return code == VMF_OK && (!*id || !*file) ? expected(error) : code;
}

enum vmf_code vmf_secret_object_find(const struct vmf_command *command, const char *id,
                                     size_t *index, struct vmf_error *error)
{
  for (size_t i = 0; command->objects && command->objects[i]; i++) {
    char *own, *file;
    enum vmf_code code = vmf_secret_object(command->objects[i], &own, &file, error);
    bool found = code == VMF_OK && strcmp(own, id) == 0;
    free(own);
    free(file);
    *index = i;
    if (code != VMF_OK || found)
      return code;
  }
  return vmf_arguments_wrong(error,
                             "key-secret: there is no secret \"%.60s\": expected --object "
                             "secret,id=%.60s,file=FILE",
                             id, id);
}
