/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "text.h"

enum { LIST_SIZE = 256 };

/* One assignment that is being carried out, for messages. */
struct option_given {
  const struct vmf_option *option;
  const char *format, *text;
};

static bool option_is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* "0x1f", without a fraction or a suffix, whose letters are digits here. */
static bool option_read_hex(const char *digits, uint64_t *number)
{
  *number = 0;
  if (digits[0] == '\0')
    return false;
  for (; *digits; digits++) {
    char letter = (char)(*digits | 0x20);
    bool decimal = option_is_digit(*digits);

    if ((!decimal && (letter < 'a' || letter > 'f')) || *number >> 60 != 0)
      return false;
    *number = *number << 4 | (uint64_t)(decimal ? *digits - '0' : letter - 'a' + 10);
  }
  return true;
}

/* The bytes that a suffix stands for: "" and "b" are 1, "k" and "KiB" 1024, "kB" 1000, and so on;
 * 0 when it is none. */
static uint64_t option_suffix(const char *suffix)
{
  static const char letters[] = "kmgtpe";
  char letter[2] = {suffix[0], '\0'};
  uint64_t unit = 1;

  if (suffix[0] == '\0' || vmf_text_equal_nocase(suffix, "b"))
    return 1;
  bool decimal = vmf_text_equal_nocase(suffix + 1, "b");
  if (suffix[1] != '\0' && !decimal && !vmf_text_equal_nocase(suffix + 1, "ib"))
    return 0;
  for (unsigned i = 0; letters[i] != '\0'; i++) {
    unit *= decimal ? 1000 : 1024;
    if (vmf_text_equal_nocase(letter, (char[2]){letters[i], '\0'}))
      return unit;
  }
  return 0;
}

/* `count` decimal digits behind the point, times unit, rounded down. From the last digit on,
 * rounding down each step gives the same as rounding down once. unit <= 2^60, so nothing overflows.
 */
static uint64_t option_fraction(const char *digits, size_t count, uint64_t unit)
{
  uint64_t value = 0;

  while (count-- > 0)
    value = ((uint64_t)(digits[count] - '0') * unit + value) / 10;
  return value;
}

static bool option_read_size(const char *text, uint64_t *size)
{
  uint64_t whole;
  size_t count = 0;

  if (text[0] == '0' && (text[1] | 0x20) == 'x')
    return option_read_hex(text + 2, size);
  if (!vmf_take_decimal(&text, &whole))
    return false;
  const char *digits = *text == '.' ? text + 1 : NULL;
  if (digits) {
    while (option_is_digit(digits[count]))
      count++;
    text = digits + count;
  }
  uint64_t unit = option_suffix(text);
  if (unit == 0 || (digits && (count == 0 || (unit == 1 && strspn(digits, "0") < count))))
    return false; /* no part of a byte */
  return vmf_mul(whole, unit, size) && vmf_add(*size, option_fraction(digits, count, unit), size);
}

enum vmf_code vmf_parse_size(const char *text, const char *what, uint64_t *size,
                             struct vmf_error *error)
{
  if (option_read_size(text, size))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: \"%.64s\" is not a size: expected a number of bytes below 2^64 (0x... too), "
                  "or one with k, M, G, T, P or E behind it (G, GiB: 2^30; GB: 10^9)",
                  what, text);
}

/* Appends to a list that ends in "..." when it is full. */
static void option_list(char list[LIST_SIZE], const char *entry)
{
  static const char more[] = ", ...";
  size_t used = strlen(list), length = strlen(entry);

  if (used >= sizeof(more) && strcmp(list + used - (sizeof(more) - 1), more) == 0)
    return;
  if (used + 2 + length + sizeof(more) > LIST_SIZE)
    memcpy(list + used, more, sizeof(more));
  else
    snprintf(list + used, LIST_SIZE - used, "%s%s", used != 0 ? ", " : "", entry);
}

static enum vmf_code option_refuse(const struct option_given *given, const char *accepted,
                                   struct vmf_error *error)
{
  return vmf_fail(error, VMF_USAGE, "%s: option %s: \"%.64s\" is not accepted: expected %s",
                  given->format, given->option->name, given->text, accepted);
}

static enum vmf_code option_set_bool(const struct option_given *given, bool *field,
                                     struct vmf_error *error)
{
  static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};

  for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (vmf_text_equal_nocase(given->text, words[i])) {
      *field = i % 2 != 0;
      return VMF_OK;
    }
  return option_refuse(given, "on or off", error);
}

static enum vmf_code option_set_number(const struct option_given *given, uint64_t *field,
                                       struct vmf_error *error)
{
  const struct vmf_option *option = given->option;
  const char *text = given->text;
  char accepted[LIST_SIZE];
  uint64_t value;

  bool valid = option->type == VMF_OPTION_SIZE ? option_read_size(text, &value)
                                               : vmf_take_decimal(&text, &value) && *text == '\0';
  if (valid && value >= option->min && value <= option->max) {
    *field = value;
    return VMF_OK;
  }
  snprintf(accepted, sizeof(accepted), "%s from %" PRIu64 " to %" PRIu64,
           option->type == VMF_OPTION_SIZE ? "a size" : "a number", option->min, option->max);
  return option_refuse(given, accepted, error);
}

static enum vmf_code option_set_choice(const struct option_given *given, unsigned *field,
                                       struct vmf_error *error)
{
  char list[LIST_SIZE] = "", accepted[LIST_SIZE + 8];

  for (unsigned i = 0; given->option->choices[i]; i++) {
    if (vmf_text_equal_nocase(given->text, given->option->choices[i])) {
      *field = i;
      return VMF_OK;
    }
    option_list(list, given->option->choices[i]);
  }
  snprintf(accepted, sizeof(accepted), "one of %s", list);
  return option_refuse(given, accepted, error);
}

static enum vmf_code option_set(const struct option_given *given, void *values,
                                struct vmf_error *error)
{
  void *field = (char *)values + given->option->offset;
  char **text = field;

  switch (given->option->type) {
  case VMF_OPTION_BOOL:
    return option_set_bool(given, field, error);
  case VMF_OPTION_UINT:
  case VMF_OPTION_SIZE:
    return option_set_number(given, field, error);
  case VMF_OPTION_CHOICE:
    return option_set_choice(given, field, error);
  case VMF_OPTION_TEXT:
    break;
  }
  vmf_free(*text); /* of an earlier assignment: the last one counts */
  *text = NULL;
  return vmf_copy_text(given->text, text, error);
}

static bool option_is_off(const char *text)
{
  return vmf_text_equal_nocase(text, "off") || vmf_text_equal_nocase(text, "no") ||
         vmf_text_equal_nocase(text, "false");
}

/* What is to be done where qemu-img has an option and no format here does; or NULL. */
static const char *option_instead(const char *name)
{
  static const char encrypt[] = "of what is written only QCOW2 is encrypted (encrypt.format=luks)";
  static const char data_file[] = "the data is in the image itself; qemu-img convert puts it into "
                                  "a file of its own";
  static const char *const others[][2] = {
      {"data_file", data_file},
      {"data_file_raw", data_file},
      {"encryption", encrypt},
      {"extent_size_hint", "xfs_io -c \"extsize SIZE\" sets it for the folder of the target"},
      {"nocow", "chattr +C sets it for the folder of the target"},
  };

  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (strcmp(others[i][0], name) == 0)
      return others[i][1];
  return strncmp(name, "encrypt.", 8) == 0 ? encrypt : NULL;
}

static enum vmf_code option_find(const struct vmf_options *options, const char *format,
                                 const char *name, const struct vmf_option **option,
                                 struct vmf_error *error)
{
  char known[LIST_SIZE] = "";
  const char *hint = NULL, *instead = option_instead(name);

  for (unsigned i = 0; i < options->count; i++) {
    *option = &options->table[i];
    if (strcmp((*option)->name, name) == 0)
      return VMF_OK;
    option_list(known, (*option)->name);
    if (vmf_word_similar(name, (*option)->name))
      hint = (*option)->name;
  }
  if (instead)
    return vmf_fail(error, VMF_USAGE,
                    "%s: option \"%.64s\" of qemu-img is not one of vmferry's: %s", format, name,
                    instead);
  if (options->count == 0)
    return vmf_fail(error, VMF_USAGE, "%s: option \"%.64s\" is not known: there are none", format,
                    name);
  if (hint)
    return vmf_fail(error, VMF_USAGE, "%s: option \"%.64s\" is not known; did you mean %s?", format,
                    name, hint);
  return vmf_fail(error, VMF_USAGE, "%s: option \"%.64s\" is not known: expected one of %s", format,
                  name, known);
}

/* Cuts the first item off *text in place, with its doubled commas made one; *text becomes NULL
 * behind the last. */
static char *option_cut(char **text)
{
  char *item = *text, *out = item;
  const char *in = item;

  for (; *in != '\0' && (in[0] != ',' || in[1] == ','); in++) {
    if (*in == ',')
      in++;
    *out++ = *in;
  }
  *text = *in != '\0' ? item + (in - item) + 1 : NULL;
  *out = '\0';
  return item;
}

static enum vmf_code option_assign(const struct vmf_options *options, const char *format,
                                   char *item, void *values, struct vmf_error *error)
{
  struct option_given given = {.format = format, .text = "on"};
  char *equals = strchr(item, '=');

  if (equals) {
    *equals = '\0';
    given.text = equals + 1;
  }
  if (equals && option_instead(item) && option_is_off(given.text))
    return VMF_OK; /* what is not there is off */
  VMF_TRY(option_find(options, format, item, &given.option, error));
  if (!equals && given.option->type != VMF_OPTION_BOOL)
    return vmf_fail(error, VMF_USAGE, "%s: option %s: a value is missing, as in %s=...", format,
                    item, item);
  return option_set(&given, values, error);
}

static enum vmf_code options_fill(const struct vmf_options *options, const char *format, char *text,
                                  void *values, struct vmf_error *error)
{
  for (unsigned i = 0; i < options->count; i++) {
    struct option_given given = {&options->table[i], format, options->table[i].initial};
    if (given.text)
      VMF_TRY(option_set(&given, values, error));
  }
  while (text && *text != '\0')
    VMF_TRY(option_assign(options, format, option_cut(&text), values, error));
  return VMF_OK;
}

enum vmf_code vmf_options_parse(const struct vmf_options *options, const char *format,
                                const char *text, void **values, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *filled = NULL;

  *values = NULL;
  VMF_TRY(vmf_copy_text(text ? text : "", &copy, error));
  VMF_TRY(vmf_alloc(options->size, &filled, error));
  enum vmf_code code = options_fill(options, format, copy, filled, error);
  if (code == VMF_OK)
    *values = filled;
  else
    vmf_options_free(options, filled);
  return code;
}

void vmf_options_free(const struct vmf_options *options, void *values)
{
  for (unsigned i = 0; values && i < options->count; i++)
    if (options->table[i].type == VMF_OPTION_TEXT)
      vmf_free(*(char **)((char *)values + options->table[i].offset));
  vmf_free(values);
}
