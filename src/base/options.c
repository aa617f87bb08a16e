/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "text.h"

/* 1, 1024, 1024^2, ... for a suffix; 0: it is none. */
static uint64_t suffix_factor(const char *suffix)
{
  static const char letters[] = "kmgtpe";
  if (suffix[0] == '\0' || (vmf_text_equal_nocase(suffix, "b")))
    return 1;
  const char lower = (char)(suffix[0] | 0x20);
  const char *letter = strchr(letters, lower);
  if (!letter || suffix[1] != '\0')
    return 0;
  return 1024ull << 10 * (letter - letters);
}

enum vmf_code vmf_parse_size(const char *text, const char *what, uint64_t *size,
                             struct vmf_error *error)
{
  char *end;

  errno = 0;
  if (text[0] >= '0' && text[0] <= '9') {
    unsigned long long whole = strtoull(text, &end, 10);
    double fraction = *end == '.' ? strtod(end, &end) : 0;
    uint64_t factor = suffix_factor(end), product;
    if (errno == 0 && factor > 0 && (fraction == 0 || factor > 1) &&
        !__builtin_mul_overflow((uint64_t)whole, factor, &product) &&
        !__builtin_add_overflow(product, (uint64_t)(fraction * (double)factor), size))
      return VMF_OK;
  }
  return vmf_fail(error, VMF_USAGE,
                  "%s: \"%s\" is not a size; expected bytes, or a number with k, M, G, T, P or E",
                  what, text);
}

static bool parse_bool(const char *text, bool *value)
{
  static const char *const yes[] = {"on", "yes", "true", "1"};
  static const char *const no[] = {"off", "no", "false", "0"};
  for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
    *value = vmf_text_equal_nocase(text, yes[i]);
    if (*value || vmf_text_equal_nocase(text, no[i]))
      return true;
  }
  return false;
}

static enum vmf_code set_number(const struct vmf_option *option, const char *text, void *field,
                                struct vmf_error *error)
{
  uint64_t value;
  VMF_TRY(vmf_parse_size(text, option->name, &value, error));
  if (value < option->min || value > option->max)
    return vmf_fail(error, VMF_USAGE, "%s is %s, expected %llu to %llu", option->name, text,
                    (unsigned long long)option->min, (unsigned long long)option->max);
  memcpy(field, &value, sizeof(value));
  return VMF_OK;
}

static enum vmf_code set_choice(const struct vmf_option *option, const char *text, unsigned *field,
                                struct vmf_error *error)
{
  char list[256] = "";
  size_t used = 0;
  for (unsigned i = 0; option->choices[i]; i++) {
    if (vmf_text_equal_nocase(text, option->choices[i])) {
      *field = i;
      return VMF_OK;
    }
    if (used < sizeof(list))
      used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
                               option->choices[i]);
  }
  return vmf_fail(error, VMF_USAGE, "%s is \"%s\", expected one of: %s", option->name, text, list);
}

static enum vmf_code set_value(const struct vmf_option *option, const char *text, void *values,
                               struct vmf_error *error)
{
  void *field = (char *)values + option->offset;
  char **copy = field;

  switch (option->type) {
  case VMF_OPTION_BOOL:
    if (parse_bool(text, field))
      return VMF_OK;
    return vmf_fail(error, VMF_USAGE, "%s is \"%s\", expected on or off", option->name, text);
  case VMF_OPTION_TEXT:
    vmf_free(*copy);
    *copy = NULL;
    return vmf_copy_text(text, copy, error);
  case VMF_OPTION_CHOICE:
    return set_choice(option, text, field, error);
  default:
    return set_number(option, text, field, error);
  }
}

static const struct vmf_option *find_option(const struct vmf_options *options, const char *name)
{
  for (unsigned i = 0; i < options->count; i++)
    if (strcmp(options->table[i].name, name) == 0)
      return &options->table[i];
  return NULL;
}

static enum vmf_code fail_unknown(const struct vmf_options *options, const char *name,
                                  struct vmf_error *error)
{
  char list[384] = "";
  size_t used = 0;
  for (unsigned i = 0; i < options->count && used < sizeof(list); i++)
    used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
                             options->table[i].name);
  return vmf_fail(error, VMF_USAGE, "there is no option \"%s\"; options are: %s", name, list);
}

/* Cuts the first "name=value" off *text, undoubling commas, in place. */
static char *cut_item(char **text)
{
  char *item = *text, *in = item, *out = item;
  while (*in && !(in[0] == ',' && in[1] != ',')) {
    if (in[0] == ',')
      in++;
    *out++ = *in++;
  }
  *text = *in ? in + 1 : in;
  *out = '\0';
  return item;
}

static enum vmf_code parse_items(const struct vmf_options *options, char *text, void *values,
                                 struct vmf_error *error)
{
  while (*text) {
    char *name = cut_item(&text);
    char *equals = strchr(name, '=');
    if (equals)
      *equals = '\0';
    const struct vmf_option *option = find_option(options, name);
    if (!option)
      return fail_unknown(options, name, error);
    if (!equals && option->type != VMF_OPTION_BOOL)
      return vmf_fail(error, VMF_USAGE, "option %s needs a value", name);
    VMF_TRY(set_value(option, equals ? equals + 1 : "on", values, error));
  }
  return VMF_OK;
}

static enum vmf_code set_initial(const struct vmf_options *options, void *values,
                                 struct vmf_error *error)
{
  for (unsigned i = 0; i < options->count; i++)
    if (options->table[i].initial)
      VMF_TRY(set_value(&options->table[i], options->table[i].initial, values, error));
  return VMF_OK;
}

enum vmf_code vmf_options_parse(const struct vmf_options *options, const char *format,
                                const char *text, void **values, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;

  VMF_TRY(vmf_copy_text(text ? text : "", &copy, error));
  VMF_TRY(vmf_alloc(options->size, values, error));
  enum vmf_code code = set_initial(options, *values, error);
  if (code == VMF_OK)
    code = parse_items(options, copy, *values, error);
  if (code == VMF_OK)
    return VMF_OK;
  vmf_options_free(options, *values);
  *values = NULL;
  return vmf_while(error, "format %s", format);
}

void vmf_options_free(const struct vmf_options *options, void *values)
{
  for (unsigned i = 0; values && i < options->count; i++)
    if (options->table[i].type == VMF_OPTION_TEXT)
      vmf_free(*(char **)((char *)values + options->table[i].offset));
  vmf_free(values);
}
