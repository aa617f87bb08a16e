/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry help` and --help. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format_options.h"
#include "help.h"
#include "paragraph.h"
#include "profiles.h"
#include "status.h"

enum {
  HELP_INDENT = 28,
  HELP_VERB_INDENT = 13,
  HELP_CHOICES_INDENT = 10,
  HELP_MACHINE_INDENT = 24
};

struct help_settings {
  struct vmf_command command;
};

#define VMF_SETTINGS struct help_settings

static const struct help_settings help_initial;

static const struct vmf_argument help_arguments[] = {{0}};

static void help_examples(const char *const *examples)
{
  fputs("\nExamples:\n", stdout);
  for (; *examples; examples++)
    printf("  %s\n", *examples);
}

static void help_verbs(FILE *out, const char *purpose)
{
  for (const struct vmf_verb *const *verb = vmf_verbs; *verb; verb++)
    if (strcmp((*verb)->purpose, purpose) == 0) {
      int column = fprintf(out, "  %-*s", HELP_VERB_INDENT - 2, (*verb)->name);

      vmf_paragraph_print(out, (*verb)->summary, (unsigned)column, HELP_VERB_INDENT);
    }
}

void vmf_help_print(FILE *out)
{
  const char *purpose = "";

  fputs("Usage: vmferry VERB [OPTIONS] OPERANDS...\n", out);
  vmf_paragraph_print(out, "Converts virtual-machine disk images and packages, and examines them.",
                      0, 0);
  for (const struct vmf_verb *const *verb = vmf_verbs; *verb; verb++)
    if (strcmp(purpose, (*verb)->purpose) != 0) {
      purpose = (*verb)->purpose;
      fprintf(out, "\n%s:\n", purpose);
      help_verbs(out, purpose);
    }
  fputs("\nFormats:\n", out);
  vmf_formats_print(out);
  fputc('\n', out);
  vmf_paragraph_print(out,
                      "\"vmferry help VERB\" shows the options of a verb with examples, \"vmferry "
                      "help FORMAT\" those of a format, \"vmferry help ova\" what packages are, "
                      "\"vmferry help machines\" whose machines are read and written, \"vmferry "
                      "help profiles\" the platforms of --for; \"vmferry --version\" the version. "
                      "The manual is vmferry(1), vmferry-formats(5), vmferry-machines(5), "
                      "vmferry-migration(7), which has whole ways from one vendor to another, and "
                      "vmferry-findings(7).",
                      0, 0);
}

static void help_argument(FILE *out, const struct vmf_argument *argument)
{
  unsigned indent = vmf_paragraph_indent(HELP_INDENT), column = 2;

  fputs("  ", out);
  if (argument->letter)
    column += (unsigned)fprintf(out, "-%c%s", argument->letter, argument->name ? ", " : "");
  else
    column += (unsigned)fprintf(out, "    ");
  if (argument->name)
    column += (unsigned)fprintf(out, "--%s", argument->name);
  if (argument->value) {
    column += (unsigned)fprintf(out, "%s",
                                argument->value_optional ? "[="
                                : argument->name         ? "="
                                                         : " ");
    column = vmf_paragraph_choices(out, argument->value, column, HELP_CHOICES_INDENT);
    column += (unsigned)fprintf(out, "%s", argument->value_optional ? "]" : "");
  }
  if (column >= indent - 1) {
    fputc('\n', out);
    column = 0;
  }
  vmf_paragraph_print(out, argument->help, column, indent);
}

static const struct vmf_argument help_itself = {
    .letter = 'h', .name = "help", .help = "show this text"};

void vmf_help_print_verb(FILE *out, const struct vmf_verb *verb)
{
  const char *title = "Options";

  fprintf(out, "Usage: vmferry %s [OPTIONS] %s\n%c%s.\n", verb->name, verb->operands,
          verb->summary[0] & ~0x20, verb->summary + 1);
  for (const struct vmf_argument *argument = verb->arguments; argument->kind; argument++) {
    if (argument->kind == VMF_ARGUMENT_GROUP)
      title = argument->help;
    if (argument->kind == VMF_ARGUMENT_GROUP || argument->kind == VMF_ARGUMENT_REFUSED)
      continue;
    if (title)
      fprintf(out, "\n%s:\n", title);
    title = NULL;
    help_argument(out, argument);
  }
  help_argument(out, &help_itself);
  help_examples(verb->examples);
}

static void help_packages(void)
{
  static const char *const examples[] = {
      "vmferry info appliance.ova",
      "vmferry convert appliance.ova::vmdisk1 disk.qcow2",
      "vmferry pack disk.qcow2 -o vm.ova",
      NULL,
  };
  struct vmf_disk_form_info info = {.size = sizeof info};

  vmf_paragraph_print(stdout,
                      "A package is a machine with its disks: an archive (.ova), a descriptor "
                      "(.ovf) with its files beside it, or a folder that holds one. All verbs read "
                      "it; PACKAGE::DISK is a disk in it, by its id or the name of its file. "
                      "\"vmferry convert\" makes another package of one, or an image of its disk.",
                      0, 0);
  printf("\n%s:\n", VMF_PURPOSE_PACKAGES);
  help_verbs(stdout, VMF_PURPOSE_PACKAGES);
  fputs("\nForms of its disks (--disk-format; the first by default):\n", stdout);
  for (size_t i = 0; vmf_disk_form_describe(i, &info); i++)
    printf("%s%s", i > 0 ? " " : "  ", info.name);
  putchar('\n');
  help_examples(examples);
}

static void help_formats(void)
{
  struct vmf_format_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_format_describe(i, &info); i++)
    vmf_format_print(&info);
  putchar('\n');
  vmf_paragraph_print(stdout,
                      "\"vmferry help FORMAT\" shows what -o takes, \"vmferry help ova\" what "
                      "packages are, vmferry-formats(5) all of it.",
                      0, 0);
}

static void help_machine(const char *name, bool readable, bool writable, const char *summary)
{
  int column = printf("  %-9s %-5s%-7s", name, readable ? "read" : "", writable ? "write" : "");

  vmf_paragraph_print(stdout, summary, (unsigned)column, HELP_MACHINE_INDENT);
}

static void help_machines(void)
{
  static const char *const examples[] = {
      "vmferry convert vm.ova vm.vmx",
      "vmferry convert vm.vmx vm.xml",
      "vmferry convert --for proxmox --machine qm vm.vmx pve/",
      NULL,
  };
  struct vmf_machine_format_info info = {.size = sizeof info};

  vmf_paragraph_print(stdout,
                      "A machine is a file that describes it, with its disks. \"vmferry convert\" "
                      "writes the one that the target's suffix means, or --machine says:",
                      0, 0);
  help_machine("ovf", true, true, "OVF packages: \"vmferry help ova\"");
  for (size_t i = 0; vmf_machine_format_describe(i, &info); i++)
    help_machine(info.name, info.readable, info.writable, info.summary);
  putchar('\n');
  vmf_paragraph_print(stdout,
                      "vmferry-machines(5) tells what becomes of each field, vmferry-migration(7) "
                      "whole ways from one vendor to another.",
                      0, 0);
  help_examples(examples);
}

static void help_profiles(void)
{
  vmf_paragraph_print(stdout, "What \"vmferry convert --for PLATFORM\" writes of a single disk:", 0,
                      0);
  vmf_profiles_print();
  putchar('\n');
  vmf_paragraph_print(stdout,
                      "\"vmferry help profile PLATFORM\" tells all of one, and its rules with "
                      "their sources.",
                      0, 0);
}

static bool is_machine(const char *word)
{
  struct vmf_machine_format_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_machine_format_describe(i, &info); i++)
    if (strcasecmp(info.name, word) == 0)
      return true;
  return false;
}

static const struct {
  const char *name;
  void (*print)(void);
} help_topics[] = {
    {"formats", help_formats}, {"machines", help_machines}, {"ova", help_packages},
    {"ovf", help_packages},    {"profile", help_profiles},  {"profiles", help_profiles},
};

static int help_run(void *given)
{
  const struct help_settings *settings = given;
  const char *word = settings->command.operands[0];
  const struct vmf_verb *verb;

  if (settings->command.operand_count == 0) {
    vmf_help_print(stdout);
    return VMF_EXIT_DONE;
  }
  if (strcasecmp(word, "profile") == 0 && settings->command.operand_count == 2)
    return vmf_profile_print(settings->command.operands[1]);
  if (settings->command.operand_count > 1) {
    vmf_status_print(
        "help: \"%s\" is followed by nothing; \"help profile PLATFORM\" takes two words", word);
    return VMF_EXIT_OTHER;
  }
  verb = vmf_verb_find(word);
  if (verb) {
    vmf_help_print_verb(stdout, verb);
    return VMF_EXIT_DONE;
  }
  for (size_t i = 0; i < sizeof help_topics / sizeof help_topics[0]; i++)
    if (strcasecmp(help_topics[i].name, word) == 0) {
      help_topics[i].print();
      return VMF_EXIT_DONE;
    }
  if (is_machine(word)) {
    help_machines();
    return VMF_EXIT_DONE;
  }
  return vmf_format_options_print(word);
}

static const char *const help_own_examples[] = {
    "vmferry help convert",
    "vmferry help qcow2",
    "vmferry help profile esxi",
    NULL,
};

const struct vmf_verb vmf_verb_help = {
    .name = "help",
    .purpose = VMF_PURPOSE_HELP,
    .operands = "[TOPIC | profile PLATFORM]",
    .summary = "show this text, or what a verb, format or topic is",
    .examples = help_own_examples,
    .arguments = help_arguments,
    VMF_STARTS_WITH(help_initial),
    .min_operands = 0,
    .max_operands = 2,
    .operands_are_words = true,
    .usage_status = VMF_EXIT_OTHER,
    .run = help_run,
};
