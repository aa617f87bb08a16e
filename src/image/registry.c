/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Finding formats by name, alias and suffix; their options for help texts. */
#include <string.h>

#include "caller.h"
#include "image.h"
#include "text.h"

static bool list_has(const char *const *list, const char *name)
{
  for (; list && *list; list++)
    if (vmf_text_equal_nocase(*list, name))
      return true;
  return false;
}

const struct vmf_format *vmf_format_find(const char *name)
{
  for (const struct vmf_format *const *format = vmf_formats; *format; format++)
    if (vmf_text_equal_nocase((*format)->name, name) || list_has((*format)->aliases, name))
      return *format;
  return NULL;
}

const char *vmf_format_hint(const char *name)
{
  for (const struct vmf_format *const *format = vmf_formats; *format; format++) {
    if (vmf_word_similar(name, (*format)->name))
      return (*format)->name;
    for (const char *const *alias = (*format)->aliases; alias && *alias; alias++)
      if (vmf_word_similar(name, *alias))
        return *alias;
  }
  return NULL;
}

bool vmf_format_describe(size_t index, struct vmf_format_info *info)
{
  struct vmf_format_info own;
  if (!info || vmf_take_format_info(info, &own, NULL) != VMF_OK)
    return false;
  for (size_t i = 0; vmf_formats[i]; i++) {
    if (i != index)
      continue;
    own = (struct vmf_format_info){.name = vmf_formats[i]->name,
                                   .summary = vmf_formats[i]->summary,
                                   .aliases = vmf_formats[i]->aliases,
                                   .suffixes = vmf_formats[i]->suffixes,
                                   .readable = vmf_formats[i]->reader != NULL,
                                   .writable =
                                       vmf_formats[i]->writer && !vmf_formats[i]->writer->part};
    vmf_give_format_info(&own, info);
    return true;
  }
  return false;
}

static const char *option_type_name(enum vmf_option_type type)
{
  static const char *const names[] = {[VMF_OPTION_BOOL] = "bool",
                                      [VMF_OPTION_UINT] = "number",
                                      [VMF_OPTION_SIZE] = "size",
                                      [VMF_OPTION_TEXT] = "text",
                                      [VMF_OPTION_CHOICE] = "choice"};
  return names[type];
}

bool vmf_format_option(const char *name, size_t index, struct vmf_option_info *info)
{
  struct vmf_option_info own;
  const struct vmf_format *format = name ? vmf_format_find(name) : NULL;
  if (!info || vmf_take_option_info(info, &own, NULL) != VMF_OK)
    return false;
  if (!format || !format->writer || index >= format->writer->options.count)
    return false;
  const struct vmf_option *option = &format->writer->options.table[index];
  own = (struct vmf_option_info){.name = option->name,
                                 .help = option->help,
                                 .initial = option->initial,
                                 .type = option_type_name(option->type),
                                 .choices = option->choices,
                                 .min = option->min,
                                 .max = option->max};
  vmf_give_option_info(&own, info);
  return true;
}

bool vmf_format_has_suffix(const struct vmf_format *format, const char *path)
{
  const char *dot = strrchr(path, '.');
  return dot && !strchr(dot, '/') && list_has(format->suffixes, dot + 1);
}

const struct vmf_format *vmf_format_suffixed(const char *path)
{
  for (const struct vmf_format *const *format = vmf_formats; *format; format++)
    if (vmf_format_has_suffix(*format, path))
      return *format;
  return NULL;
}

const char *vmf_format_by_suffix(const char *path)
{
  const struct vmf_format *format = path ? vmf_format_suffixed(path) : NULL;

  return format && format->writer ? format->name : NULL;
}
