/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry completion`. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "completion.h"
#include "status.h"

struct completion_settings {
  struct vmf_command command;
  bool words;
};

#define VMF_SETTINGS struct completion_settings

static const struct completion_settings completion_initial;

static const struct vmf_argument completion_arguments[] = {
    {.name = "words",
     VMF_SETS_FLAG(words),
     .help = "for scripts: print what the last of the words behind -- may become"},
    {0},
};

static const struct {
  const char *shell, *script;
} completion_shells[] = {
    {"bash", vmf_completion_bash},
    {"zsh", vmf_completion_zsh},
    {"fish", vmf_completion_fish},
};

static int completion_run(void *given)
{
  const struct completion_settings *settings = given;
  const char *const *operands = settings->command.operands;
  struct vmf_error error = {0};

  if (settings->words) {
    vmf_completion_print(stdout, operands, (size_t)settings->command.operand_count);
    return VMF_EXIT_DONE;
  }
  if (settings->command.operand_count == 1)
    for (size_t i = 0; i < sizeof completion_shells / sizeof completion_shells[0]; i++)
      if (strcmp(operands[0], completion_shells[i].shell) == 0) {
        fputs(completion_shells[i].script, stdout);
        return VMF_EXIT_DONE;
      }
  vmf_arguments_wrong(&error, "completion: \"%s\": expected one of bash, zsh, fish",
                      operands[settings->command.operand_count - 1]);
  return vmf_status_report(&error);
}

static const char *const completion_examples[] = {
    "vmferry completion bash > vmferry.bash",
    "vmferry completion zsh > _vmferry",
    "vmferry completion fish > vmferry.fish",
    NULL,
};

const struct vmf_verb vmf_verb_completion = {
    .name = "completion",
    .purpose = VMF_PURPOSE_HELP,
    .operands = "bash|zsh|fish",
    .summary = "print what makes a shell complete these command lines",
    .examples = completion_examples,
    .arguments = completion_arguments,
    VMF_STARTS_WITH(completion_initial),
    .min_operands = 1,
    .max_operands = INT_MAX, /* of --words */
    .operands_are_words = true,
    .usage_status = VMF_EXIT_OTHER,
    .run = completion_run,
};
