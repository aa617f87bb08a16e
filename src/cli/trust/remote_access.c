/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "remote_access.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "signals.h"

/* *files: the names without '@', a list that the caller frees. A header itself would be seen by
 * everybody who lists processes. */
static enum vmf_code take_files(const char **headers, const char ***files, struct vmf_error *error)
{
  size_t count = 0;

  while (headers && headers[count])
    count++;
  *files = calloc(count + 1, sizeof **files);
  if (!*files)
    return vmf_arguments_no_memory(error);
  for (size_t i = 0; i < count; i++) {
    if (headers[i][0] != '@' || headers[i][1] == '\0')
      return vmf_arguments_wrong(error, "--header: expected @FILE, a file that has the headers: on "
                                        "the command line everybody who lists processes sees them");
    (*files)[i] = headers[i] + 1;
  }
  return VMF_OK;
}

/* --spool, where the verb has it. */
static const char *spool_folder(const struct vmf_verb *verb, const struct vmf_command *command)
{
  for (const struct vmf_argument *row = verb->arguments; row->kind; row++)
    if (row->kind == VMF_ARGUMENT_TEXT && row->name && strcmp(row->name, "spool") == 0)
      return *(const char *const *)((const char *)command + row->field);
  return NULL;
}

enum vmf_code vmf_remote_access(const struct vmf_verb *verb, const struct vmf_command *command,
                                struct vmf_error *error)
{
  const char **files = NULL;
  enum vmf_code code = take_files(command->headers, &files, error);
  const struct vmf_remote_options options = {.size = sizeof options,
                                             .header_files = files,
                                             .netrc = command->netrc,
                                             .retry_seconds = command->retry_seconds,
                                             .cancel = vmf_signals_cancel(),
                                             .log = &command->log,
                                             .endpoint = command->endpoint,
                                             .region = command->region,
                                             .profile = command->profile,
                                             .unsigned_requests = command->unsigned_requests,
                                             .spool_folder = spool_folder(verb, command),
                                             .max_bytes = command->max_size};

  if (code == VMF_OK)
    code = vmf_remote_set(&options, error);
  free(files);
  return code;
}
