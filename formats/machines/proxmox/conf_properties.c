/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "conf_properties.h"

#include <string.h>

#include "checked.h"
#include "memory.h"
#include "text.h"

enum vmf_code conf_split(const char *value, const char *first, struct conf_properties *properties,
                         struct vmf_error *error)
{
  *properties = (struct conf_properties){0};
  VMF_TRY(vmf_copy_text(value, &properties->text, error));
  for (char *word = properties->text, *end; word; word = end) {
    end = strchr(word, ',');
    if (end)
      *end++ = '\0';
    if (*word == '\0')
      continue;
    if (properties->count == CONF_PROPERTIES)
      return vmf_fail(error, VMF_LIMIT, "\"%.60s\": more than %d properties", value,
                      CONF_PROPERTIES);
    char *equal = strchr(word, '=');
    if (equal)
      *equal = '\0';
    properties->list[properties->count++] = equal ? (struct conf_property){word, equal + 1, false}
                                                  : (struct conf_property){first, word, false};
  }
  return VMF_OK;
}

void conf_properties_clear(struct conf_properties *properties)
{
  vmf_free(properties->text);
}

const char *conf_take(struct conf_properties *properties, const char *name)
{
  const char *value = NULL;

  for (size_t i = 0; i < properties->count; i++)
    if (strcmp(properties->list[i].name, name) == 0) {
      value = properties->list[i].value;
      properties->list[i].taken = true;
    }
  return value;
}

bool conf_flag(const char *text, bool *flag)
{
  static const char *const words[] = {"0", "1", "off", "on", "no", "yes", "false", "true"};

  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (vmf_text_equal_nocase(text, words[i])) {
      *flag = i % 2 != 0;
      return true;
    }
  return false;
}

/* The digits at its beginning; NULL: there are none, or they count more than `most`. */
static const char *digits(const char *text, uint64_t most, uint64_t *number)
{
  const char *start = text;

  for (*number = 0; *text >= '0' && *text <= '9'; text++)
    if (!vmf_mul(*number, 10, number) || !vmf_add(*number, (uint64_t)(*text - '0'), number) ||
        *number > most)
      return NULL;
  return text == start ? NULL : text;
}

bool conf_number(const char *text, uint64_t most, uint64_t *number)
{
  const char *end = digits(text, most, number);
  return end && *end == '\0';
}

bool conf_size(const char *text, uint64_t *size)
{
  static const char units[] = "KMGT";
  const char *end = digits(text, INT64_MAX, size), *unit;

  if (!end || *end == '\0')
    return end != NULL;
  unit = strchr(units, *end);
  return unit && end[1] == '\0' && vmf_mul(*size, UINT64_C(1) << (10 * (unit - units + 1)), size) &&
         *size <= INT64_MAX;
}
