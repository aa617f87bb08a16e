/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "format_options.h"
#include "status.h"

enum vmf_code vmf_names_resolve(struct vmf_command *command, const char **name, bool source,
                                struct vmf_error *error)
{
  size_t count = 0;
  char *plain;

  if (!*name)
    return VMF_OK;
  while (command->names && command->names[count])
    count++;
  char **longer = realloc(command->names, (count + 2) * sizeof *longer);
  if (!longer)
    return vmf_arguments_no_memory(error);
  command->names = longer;
  longer[count] = longer[count + 1] = NULL;
  enum vmf_code code = vmf_location_resolve(*name, source, &plain, error);
  longer[count] = plain;
  if (code == VMF_OK)
    *name = plain;
  return code;
}

enum vmf_code vmf_names_operands(struct vmf_command *command, int sources, int targets,
                                 struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  for (int i = 0; i < sources + targets && code == VMF_OK; i++)
    code = vmf_names_resolve(command, &command->operands[i], i < sources, error);
  return code;
}

/* "*.raw, *.qcow2": the first suffix of each format that is written. */
static void list_suffixes(char *text, size_t size)
{
  struct vmf_format_info info = {.size = sizeof info};
  size_t used = 0;

  text[0] = 0;
  for (size_t i = 0; vmf_format_describe(i, &info) && used < size; i++)
    if (info.writable)
      used +=
          (size_t)snprintf(text + used, size - used, "%s*.%s", used ? ", " : "", info.suffixes[0]);
}

enum vmf_code vmf_names_target_format(const char *asked, const char *path, const char *insist,
                                      const char **format, struct vmf_error *error)
{
  const char *by_suffix = path ? vmf_format_by_suffix(path) : NULL;
  const char *meaning = path ? vmf_suffix_meaning(path) : NULL;
  char written[200];

  *format = asked ? asked : by_suffix ? by_suffix : "raw";
  if (asked || by_suffix || !meaning)
    return VMF_OK;
  list_suffixes(written, sizeof written);
  return vmf_arguments_wrong(error,
                             "%s: the suffix %s is that of %s, which is not what would be written; "
                             "expected %s (of a package also *.ova, *.ovf), or %s FORMAT to write "
                             "it under this name",
                             path, strrchr(path, '.'), meaning, written, insist);
}

int vmf_names_option_help(const struct vmf_command *command, const char *asked, int target,
                          const char *insist)
{
  const char *path =
      target >= 0 && target < command->operand_count ? command->operands[target] : NULL;
  struct vmf_error error = {0};
  const char *format;

  if (vmf_names_target_format(asked, path, insist, &format, &error) != VMF_OK)
    return vmf_status_report(&error);
  return vmf_format_options_print(format);
}
