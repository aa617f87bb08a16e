/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Prints what the library knows of its formats. */
#include "format_options.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "paragraph.h"
#include "status.h"
#include "verb.h"

enum { OPTION_INDENT = 24 };

const char *vmf_format_of_form(const char *form)
{
  struct vmf_disk_form_info info = {.size = sizeof info};

  for (size_t i = 0; form && vmf_disk_form_describe(i, &info); i++)
    if (strcasecmp(info.name, form) == 0)
      return info.format;
  return form ? form : "vmdk";
}

static bool format_find(const char *name, struct vmf_format_info *info)
{
  for (size_t i = 0; vmf_format_describe(i, info); i++) {
    if (strcmp(info->name, name) == 0)
      return true;
    for (const char *const *alias = info->aliases; alias && *alias; alias++)
      if (strcmp(*alias, name) == 0)
        return true;
  }
  return false;
}

/* What may stand behind the "=". */
static void option_values(const struct vmf_option_info *option, char *out, size_t size)
{
  size_t length = 0;

  out[0] = 0;
  if (option->choices) {
    for (size_t i = 0; option->choices[i] && length < size; i++)
      length +=
          (size_t)snprintf(out + length, size - length, "%s%s", i ? ", " : "", option->choices[i]);
  } else if (strcmp(option->type, "bool") == 0) {
    snprintf(out, size, "on|off");
  } else if (strcmp(option->type, "number") == 0) {
    snprintf(out, size, "%" PRIu64 "..%" PRIu64, option->min, option->max);
  } else {
    snprintf(out, size, "%s", strcmp(option->type, "size") == 0 ? "SIZE" : "TEXT");
  }
}

static void option_print(const struct vmf_option_info *option)
{
  char text[1024], values[512];
  unsigned indent = vmf_paragraph_indent(OPTION_INDENT);
  unsigned column = (unsigned)printf("  %s", option->name);

  option_values(option, values, sizeof values);
  snprintf(text, sizeof text, "%s (%s%s%s)", option->help ? option->help : "", values,
           option->initial ? "; default: " : "", option->initial ? option->initial : "");
  if (column >= indent - 1) {
    putchar('\n');
    column = 0;
  }
  vmf_paragraph_print(stdout, text, column, indent);
}

static void format_words(const char *title, const char *const *words)
{
  if (!words || !*words)
    return;
  printf("%s:", title);
  for (; *words; words++)
    printf(" %s", *words);
  putchar('\n');
}

void vmf_format_print(const struct vmf_format_info *info)
{
  printf("%s: ", info->name);
  vmf_paragraph_print(stdout, info->summary, (unsigned)strlen(info->name) + 2, 2);
  format_words("  Other names", info->aliases);
  format_words("  Suffixes", info->suffixes);
  printf("  Directions:%s%s\n", info->readable ? " read" : "", info->writable ? " write" : "");
}

static void format_unknown(const char *name)
{
  const struct vmf_verb *verb = vmf_verb_similar(name);
  struct vmf_format_info info = {.size = sizeof info};
  const char *meant = verb ? verb->name : NULL;

  for (size_t i = 0; !meant && vmf_format_describe(i, &info); i++)
    if (vmf_word_similar(name, info.name))
      meant = info.name;
  if (meant)
    vmf_status_print("\"%s\" is no verb and no format; did you mean %s?", name, meant);
  else
    vmf_status_print("\"%s\" is no verb and no format; \"vmferry help\" lists them", name);
}

int vmf_format_options_print(const char *format)
{
  struct vmf_format_info info = {.size = sizeof info};
  struct vmf_option_info option = {.size = sizeof option};

  if (!format_find(format, &info)) {
    format_unknown(format);
    return VMF_EXIT_OTHER;
  }
  vmf_format_print(&info);
  if (vmf_format_option(format, 0, &option))
    puts("\nOptions (-o NAME=VALUE,...):");
  for (size_t i = 0; vmf_format_option(format, i, &option); i++)
    option_print(&option);
  return VMF_EXIT_DONE;
}

void vmf_formats_print(FILE *out)
{
  struct vmf_format_info info = {.size = sizeof info};

  for (size_t i = 0; vmf_format_describe(i, &info); i++) {
    int column = fprintf(out, "  %-10s %-4s %-5s  ", info.name, info.readable ? "read" : "",
                         info.writable ? "write" : "");

    vmf_paragraph_print(out, info.summary, (unsigned)column, (unsigned)column);
  }
}
