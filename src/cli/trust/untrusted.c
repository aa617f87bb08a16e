/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "untrusted.h"

#include <string.h>

#include "arguments.h"

/* Bytes of data that are unpacked and written: some times what disks that are sent around hold. */
static const uint64_t MOST = (uint64_t)256 << 30;

static const struct {
  const char *name, *why;
} contradictions[] = {
    {"allow-ref", "nothing is opened that an image refers to"},
    {"storage", "nothing is opened that a machine refers to"},
    {"no-verify", "what was altered would pass"},
    {"in-place", "what a broken image leaves half written would stay"},
    {"no-create", "what a broken image leaves half written would stay"},
    {"check", "a list names files anywhere"},
    {"force-share", "the image may change while it is read"},
};

static bool is_given(const struct vmf_argument *row, const struct vmf_command *command)
{
  const void *field = (const char *)command + row->field;

  if (row->kind == VMF_ARGUMENT_FLAG)
    return *(const bool *)field;
  return row->kind == VMF_ARGUMENT_LISTED && *(const char *const *const *)field;
}

static enum vmf_code check_row(const struct vmf_argument *row, const struct vmf_command *command,
                               struct vmf_error *error)
{
  for (size_t i = 0; row->name && i < sizeof contradictions / sizeof contradictions[0]; i++)
    if (strcmp(row->name, contradictions[i].name) == 0 && is_given(row, command))
      return vmf_arguments_wrong(error, "--%s: not with --untrusted: %s", row->name,
                                 contradictions[i].why);
  return VMF_OK;
}

enum vmf_code vmf_untrusted(const struct vmf_verb *verb, struct vmf_command *command,
                            struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  if (!command->untrusted)
    return VMF_OK;
  if (command->sandbox && strcmp(command->sandbox, "require") != 0)
    return vmf_arguments_wrong(error, "--sandbox=%s: not with --untrusted, which requires it",
                               command->sandbox);
  for (const struct vmf_argument *row = verb->arguments; row->kind && code == VMF_OK; row++)
    code = check_row(row, command, error);
  command->sandbox = "require";
  if (command->max_size == 0)
    command->max_size = MOST;
  return code;
}
