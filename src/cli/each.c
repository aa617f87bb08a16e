/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "each.h"

#include <stdio.h>

#include "human.h"
#include "names.h"
#include "status.h"

void vmf_each_head(struct vmf_command *command)
{
  if (!command->listed || command->json || command->quiet)
    return;
  fputs(command->shown ? "\n==> " : "==> ", stdout);
  vmf_human_text(stdout, command->operands[0]);
  fputs(" <==\n", stdout);
  fflush(stdout); /* what is said of it on standard error comes behind */
  command->shown = true;
}

void vmf_each_item(struct vmf_command *command)
{
  if (command->listed)
    fputs(command->shown ? ",\n" : "[\n", stdout);
  command->shown = true;
}

int vmf_each_worse(int one, int other, const int *order)
{
  if (one >= VMF_EXIT_SIGNAL || other >= VMF_EXIT_SIGNAL)
    return one > other ? one : other;
  for (; order && *order; order++)
    if (*order == one || *order == other)
      return *order;
  return one > other ? one : other;
}

/* What may be a secret in a URL is not shown from here on. */
static int run_one(struct vmf_command *command, int (*one)(void *settings))
{
  struct vmf_error error = {0};

  if (vmf_names_is_url(command->operands[0]) &&
      vmf_names_resolve(command, &command->operands[0], true, &error) != VMF_OK)
    return vmf_status_report(&error);
  return one(command);
}

int vmf_each_operand(struct vmf_command *command, int (*one)(void *settings), const int *order)
{
  int count = command->operand_count, worst = VMF_EXIT_DONE;

  command->listed = count > 1;
  command->operand_count = 1;
  for (int i = 0; i < count && worst < VMF_EXIT_SIGNAL; i++, command->operands++) {
    worst = vmf_each_worse(run_one(command, one), worst, order);
  }
  if (command->listed && command->json)
    puts(command->shown ? "]" : "[]");
  return worst;
}
