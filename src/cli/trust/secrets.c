/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "arguments.h"
#include "names.h"
#include "secret_object.h"

enum { SECRET_MAX = 512 << 10 }; /* bytes; a key file holds some hundred at most */

static enum vmf_code failed(const char *name, struct vmf_error *error)
{
  vmf_arguments_wrong(error, "%s: %s", name, strerror(errno));
  return error->code = VMF_SYSTEM;
}

static enum vmf_code fill(int descriptor, const char *name, char *bytes, size_t *length,
                          struct vmf_error *error)
{
  for (ssize_t got; *length <= SECRET_MAX; *length += (size_t)got) {
    got = read(descriptor, bytes + *length, SECRET_MAX + 1 - *length);
    if (got < 0 && errno != EINTR)
      return failed(name, error);
    if (got == 0)
      return *length > 0 ? VMF_OK
                         : vmf_arguments_wrong(error, "%s: holds no secret: no byte", name);
    if (got < 0)
      got = 0;
  }
  return vmf_arguments_wrong(error, "%s: holds more than %d bytes, which is no secret", name,
                             SECRET_MAX);
}

static enum vmf_code take(struct vmf_command *command, int descriptor, const char *name,
                          struct vmf_error *error)
{
  struct vmf_secret *longer =
      realloc(command->secrets, (command->secrets_held + 1) * sizeof *longer);
  char *bytes = malloc(SECRET_MAX + 1);
  size_t length = 0;

  command->secrets = longer ? longer : command->secrets;
  if (!longer || !bytes) {
    free(bytes);
    return vmf_arguments_no_memory(error);
  }
  enum vmf_code code = fill(descriptor, name, bytes, &length, error);
  longer[command->secrets_held++] = (struct vmf_secret){.bytes = bytes, .length = length};
  return code;
}

static enum vmf_code take_file(struct vmf_command *command, const char *path, const char *target,
                               struct vmf_error *error)
{
  if (target && vmf_names_same(path, target))
    return vmf_arguments_wrong(error, "%s: holds a secret, and is the target, too", path);
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);

  if (descriptor < 0)
    return failed(path, error);
  enum vmf_code code = take(command, descriptor, path, error);
  close(descriptor);
  return code;
}

static enum vmf_code take_descriptor(struct vmf_command *command, struct vmf_error *error)
{
  char *end, name[64];
  long number = strtol(command->secret_descriptor, &end, 10);

  if (*end || end == command->secret_descriptor || number < 0 || number > 65535)
    return vmf_arguments_wrong(error,
                               "--secret-fd: \"%.20s\": expected the number of a file "
                               "descriptor that is open for reading",
                               command->secret_descriptor);
  snprintf(name, sizeof name, "--secret-fd %ld", number);
  return take(command, (int)number, name, error);
}

static enum vmf_code take_object(struct vmf_command *command, const char *object,
                                 const char *target, struct vmf_error *error)
{
  char *id, *file;
  enum vmf_code code = vmf_secret_object(object, &id, &file, error);

  if (code == VMF_OK)
    code = take_file(command, file, target, error);
  free(id);
  free(file);
  return code;
}

enum vmf_code vmf_secrets_read(struct vmf_command *command, const char *target,
                               struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  if (!command->secret_files && !command->secret_descriptor && !command->objects &&
      !command->target_secret_file)
    return VMF_OK;
  if (prctl(PR_SET_DUMPABLE, 0) != 0)
    return failed("a secret: the process cannot be kept from leaving a core dump", error);
  for (const char **object = command->objects; object && *object && code == VMF_OK; object++)
    code = take_object(command, *object, target, error);
  for (const char **file = command->secret_files; file && *file && code == VMF_OK; file++)
    code = take_file(command, *file, target, error);
  if (command->secret_descriptor && code == VMF_OK)
    code = take_descriptor(command, error);
  command->secret_count = command->secrets_held;
  if (command->target_secret_file && code == VMF_OK) {
    code = take_file(command, command->target_secret_file, target, error);
    if (code == VMF_OK)
      command->target_secret = &command->secrets[command->secrets_held - 1];
  }
  return code;
}

enum vmf_code vmf_secrets_share(const struct vmf_command *from, struct vmf_command *to,
                                struct vmf_error *error)
{
  if (from->secret_count == 0)
    return VMF_OK;
  to->secrets = calloc(from->secret_count, sizeof *to->secrets);
  if (!to->secrets)
    return vmf_arguments_no_memory(error);
  for (; to->secrets_held < from->secret_count; to->secrets_held++) {
    const struct vmf_secret *secret = &from->secrets[to->secrets_held];
    char *bytes = malloc(secret->length);

    if (!bytes)
      return vmf_arguments_no_memory(error);
    memcpy(bytes, secret->bytes, secret->length);
    to->secrets[to->secrets_held] = (struct vmf_secret){.bytes = bytes, .length = secret->length};
  }
  to->secret_count = to->secrets_held;
  return VMF_OK;
}

enum vmf_code vmf_secrets_target(struct vmf_command *command, char *options,
                                 struct vmf_error *error)
{
  char *id;
  size_t index = 0;
  enum vmf_code code = vmf_arguments_take_option(options, "encrypt.key-secret", &id, error);

  if (code != VMF_OK || !id)
    return code;
  if (command->target_secret)
    code = vmf_arguments_wrong(error, "the secret of the target is told twice, by "
                                      "--target-secret-file and as -o encrypt.key-secret=");
  else
    code = vmf_secret_object_find(command, id, &index, error);
  if (code == VMF_OK)
    command->target_secret = &command->secrets[index]; /* those of objects are the first */
  free(id);
  return code;
}

void vmf_secrets_forget(struct vmf_command *command)
{
  for (size_t i = 0; i < command->secrets_held; i++) {
    explicit_bzero((void *)command->secrets[i].bytes, command->secrets[i].length);
    free((void *)command->secrets[i].bytes);
  }
  free(command->secrets);
}
