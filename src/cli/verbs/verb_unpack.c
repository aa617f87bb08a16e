/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry unpack`: all of a package into a folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "common_arguments.h"
#include "names.h"
#include "packaging.h"
#include "status.h"

struct unpack_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  struct vmf_target_settings target;
  struct vmf_signing_settings signing;
};

#define VMF_SETTINGS struct unpack_settings

static const struct unpack_settings unpack_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument unpack_arguments[] = {
    VMF_GROUP_WRITING,
    {.letter = 'O',
     .name = "target-format",
     VMF_SETS_TEXT(target.format),
     .value = "FORMAT",
     .help = "convert the disks (default: leave them as they are)"},
    VMF_ARGUMENT_OPTIONS,
    VMF_ARGUMENT_NO_CLOBBER,
    VMF_ARGUMENT_FORCE,
    VMF_ARGUMENT_NO_SYNC,
    VMF_GROUP_READING,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SIGNING,
    VMF_ARGUMENT_DIGEST,
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

/* The package's name without folders and suffix: `*length` bytes, 0 where they are dots alone. */
static const char *unpack_stem(const char *package, size_t *length)
{
  const char *end = package + strlen(package), *base, *dot = NULL;

  while (end > package && end[-1] == '/')
    end--;
  for (base = end; base > package && base[-1] != '/'; base--)
    if (base[-1] == '.' && !dot)
      dot = base - 1;
  *length = (size_t)((dot && dot > base ? dot : end) - base);
  if (strspn(base, ".") >= *length)
    *length = 0;
  return base;
}

/* The folder to unpack into, its name ending in '/': what was asked for, or the package's name
 * without its suffix, here. *folder: a fresh string. */
static enum vmf_code unpack_folder(const struct unpack_settings *settings, char **folder,
                                   struct vmf_error *error)
{
  const char *package = settings->command.operands[0];
  const char *given = settings->command.operand_count > 1 ? settings->command.operands[1] : NULL;
  size_t length;
  const char *stem = unpack_stem(package, &length);
  int made;

  if (given)
    made = asprintf(folder, "%s%s", given, given[strlen(given) - 1] == '/' ? "" : "/");
  else if (length == 0)
    return vmf_arguments_wrong(error,
                               "%s: gives the folder to unpack into no name; name one: unpack "
                               "PACKAGE FOLDER",
                               package);
  else /* a colon in the file's name is no protocol */
    made = asprintf(folder, "%s%.*s/", memchr(stem, ':', length) ? "./" : "", (int)length, stem);
  return made < 0 ? vmf_arguments_no_memory(error) : VMF_OK;
}

static enum vmf_code unpack_check(struct unpack_settings *settings, struct vmf_error *error)
{
  struct vmf_command *command = &settings->command;
  enum vmf_code code = vmf_names_operands(command, 1, command->operand_count - 1, error);

  if (code != VMF_OK)
    return code;
  if (command->operand_count > 1 && command->operands[1][0] == '\0')
    return vmf_arguments_wrong(error, "the folder to unpack into has no name");
  if (command->operand_count > 1 && strcmp(command->operands[1], "-") == 0)
    return vmf_arguments_wrong(error,
                               "-: standard output takes no folder; one of that name is ./-");
  if (command->operand_count == 1 && strcmp(command->operands[0], "-") == 0)
    return vmf_arguments_wrong(error, "what comes on standard input gives the folder to unpack "
                                      "into no name; name one: unpack - FOLDER");
  return VMF_OK;
}

static int unpack_run(void *given)
{
  struct unpack_settings *settings = given;
  const struct vmf_packaging packaging = {&settings->command, &settings->source, &settings->target,
                                          &settings->signing, NULL};
  struct vmf_error error = {0};

  if (unpack_check(settings, &error) != VMF_OK)
    return vmf_status_report(&error);
  char *folder = NULL;
  enum vmf_code code = unpack_folder(settings, &folder, &error);
  if (code == VMF_OK)
    code = vmf_packaging_convert(&packaging, folder, NULL, &error);
  free(folder);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static const char *const unpack_examples[] = {
    "vmferry unpack appliance.ova",
    "vmferry unpack appliance.ova folder",
    "vmferry unpack -O qcow2 appliance.ova folder --force",
    NULL,
};

const struct vmf_verb vmf_verb_unpack = {
    .name = "unpack",
    .purpose = VMF_PURPOSE_PACKAGES,
    .operands = "PACKAGE [FOLDER]",
    .summary = "put the files of a package into a folder",
    .examples = unpack_examples,
    .arguments = unpack_arguments,
    VMF_STARTS_WITH(unpack_initial),
    .min_operands = 1,
    .max_operands = 2,
    .written = VMF_WRITTEN_LAST,
    .usage_status = VMF_EXIT_OTHER,
    .run = unpack_run,
};
