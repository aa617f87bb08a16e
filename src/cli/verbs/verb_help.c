/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry help` and --help. */
#include <stdio.h>
#include <string.h>

#include "format_options.h"
#include "help.h"
#include "status.h"

enum { HELP_INDENT = 28 };

struct help_settings {
  struct vmf_command command;
};

#define VMF_SETTINGS struct help_settings

static const struct help_settings help_initial;

static const struct vmf_argument help_arguments[] = {{0}};

void vmf_help_print(FILE *out)
{
  fputs("Usage: vmferry VERB [OPTIONS] OPERANDS...\n"
        "Converts virtual-machine disk images, and examines them.\n\nVerbs:\n",
        out);
  for (const struct vmf_verb *const *verb = vmf_verbs; *verb; verb++)
    fprintf(out, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
  fputs("\nFormats:\n", out);
  vmf_formats_print(out);
  fputs("\n\"vmferry VERB --help\" shows the options of a verb, \"vmferry help FORMAT\" those\n"
        "of a format; \"vmferry --version\" the version. The manual is vmferry(1),\n"
        "vmferry-formats(5) and vmferry-findings(7).\n",
        out);
}

static void help_argument(FILE *out, const struct vmf_argument *argument)
{
  int column = 2;

  if (!argument->help || argument->kind == VMF_ARGUMENT_REFUSED)
    return;
  fputs("  ", out);
  if (argument->letter)
    column += fprintf(out, "-%c%s", argument->letter, argument->name ? ", " : "");
  else
    column += fprintf(out, "    ");
  if (argument->name)
    column += fprintf(out, "--%s", argument->name);
  if (argument->value && argument->value_optional)
    column += fprintf(out, "[=%s]", argument->value);
  else if (argument->value)
    column += fprintf(out, "%c%s", argument->name ? '=' : ' ', argument->value);
  if (column >= HELP_INDENT - 1) {
    fputc('\n', out);
    column = 0;
  }
  vmf_format_paragraph(out, argument->help, (unsigned)column, HELP_INDENT);
}

void vmf_help_print_verb(FILE *out, const struct vmf_verb *verb)
{
  fprintf(out, "Usage: vmferry %s [OPTIONS] %s\n%c%s.\n\nOptions:\n", verb->name, verb->operands,
          verb->summary[0] & ~0x20, verb->summary + 1);
  for (const struct vmf_argument *argument = verb->arguments; argument->kind; argument++)
    help_argument(out, argument);
  fputs("  -h, --help                show this text\n", out);
}

static int help_run(void *given)
{
  const struct help_settings *settings = given;
  const struct vmf_verb *verb;

  if (settings->command.operand_count == 0) {
    vmf_help_print(stdout);
    return VMF_EXIT_DONE;
  }
  verb = vmf_verb_find(settings->command.operands[0]);
  if (verb) {
    vmf_help_print_verb(stdout, verb);
    return VMF_EXIT_DONE;
  }
  return vmf_format_options_print(settings->command.operands[0]);
}

const struct vmf_verb vmf_verb_help = {
    .name = "help",
    .operands = "[VERB|FORMAT]",
    .summary = "show this text, the options of a verb or of a format",
    .arguments = help_arguments,
    VMF_STARTS_WITH(help_initial),
    .min_operands = 0,
    .max_operands = 1,
    .usage_status = VMF_EXIT_OTHER,
    .run = help_run,
};
