/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "each.h"

#include <stdio.h>

#include "human.h"
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

static int worse(int one, int other, const int *order)
{
  if (!order)
    return one > other ? one : other;
  while (*order && *order != one && *order != other)
    order++;
  return *order;
}

int vmf_each_operand(struct vmf_command *command, int (*one)(void *settings), const int *order)
{
  int count = command->operand_count, worst = VMF_EXIT_DONE;

  command->listed = count > 1;
  command->operand_count = 1;
  for (int i = 0; i < count && worst < VMF_EXIT_SIGNAL; i++, command->operands++) {
    int status = one(command);

    worst = status >= VMF_EXIT_SIGNAL ? status : worse(status, worst, order);
  }
  if (command->listed && command->json)
    puts(command->shown ? "]" : "[]");
  return worst;
}
