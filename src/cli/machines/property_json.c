/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "property_json.h"

#include <string.h>

#include "arguments.h"

bool vmf_property_json_is(const char *text)
{
  text += strspn(text, " \t\r\n");
  return *text == '{' || *text == '[';
}

#ifdef VMF_HAVE_JANSSON
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

struct values {
  const char *name; /* of the file */
  struct vmf_words *words;
  struct vmf_error *error;
};

static enum vmf_code add_word(const struct values *values, const char *text)
{
  return vmf_words_add(values->words, text, strlen(text), values->error);
}

/* A real number is not taken: its digits would not be those that stand there. */
static enum vmf_code add(const struct values *values, const char *key, const json_t *value)
{
  char number[24];
  const char *text = json_is_true(value)    ? "true"
                     : json_is_false(value) ? "false"
                                            : json_string_value(value);

  if (json_is_integer(value)) {
    snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    text = number;
  }
  if (!*key || strchr(key, '='))
    return vmf_arguments_wrong(values->error,
                               "--properties: %.200s: \"%.80s\" is no key of a property",
                               values->name, key);
  if (!text)
    return vmf_arguments_wrong(values->error,
                               "--properties: %.200s: the value of \"%.80s\" is none of: text, "
                               "whole number, true, false",
                               values->name, key);
  enum vmf_code code = add_word(values, key);
  return code == VMF_OK ? add_word(values, text) : code;
}

static enum vmf_code add_object(const struct values *values, json_t *object)
{
  enum vmf_code code = VMF_OK;
  const char *key;
  json_t *value;

  json_object_foreach(object, key, value) if (code == VMF_OK) code = add(values, key, value);
  return code;
}

/* [{"key": "ip", "value": "10.0.0.2", ...}, ...], as "properties" of a system. */
static enum vmf_code add_list(const struct values *values, const json_t *list)
{
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < json_array_size(list) && code == VMF_OK; i++) {
    const json_t *property = json_array_get(list, i), *value = json_object_get(property, "value");
    const char *key = json_string_value(json_object_get(property, "key"));
    if (!key)
      code = vmf_arguments_wrong(values->error,
                                 "--properties: %.200s: element %zu of the list has no \"key\"",
                                 values->name, i);
    else if (value)
      code = add(values, key, value);
  }
  return code;
}

/* All that `info` tells of a package. One key may be told of several systems. */
static enum vmf_code add_systems(const struct values *values, const json_t *systems)
{
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < json_array_size(systems) && code == VMF_OK; i++)
    code = add_list(values, json_object_get(json_array_get(systems, i), "properties"));
  return code;
}

enum vmf_code vmf_property_json_read(const char *name, const char *text, struct vmf_words *words,
                                     struct vmf_error *error)
{
  const struct values values = {.name = name, .words = words, .error = error};
  json_error_t wrong;
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &wrong);

  if (!root)
    return vmf_arguments_wrong(error, "--properties: %.200s:%d: %s at column %d", name, wrong.line,
                               json_error_code(&wrong) == json_error_duplicate_key
                                   ? "a key is there twice"
                                   : "is not JSON",
                               wrong.column);
  const json_t *systems = json_object_get(root, "systems");
  enum vmf_code code = json_is_array(root)      ? add_list(&values, root)
                       : json_is_array(systems) ? add_systems(&values, systems)
                                                : add_object(&values, root);
  json_decref(root);
  return code;
}

#else
enum vmf_code vmf_property_json_read(const char *name, const char *text, struct vmf_words *words,
                                     struct vmf_error *error)
{
  (void)text, (void)words;
  return vmf_arguments_wrong(error,
                             "--properties: %.200s: JSON is not read by this build (it has no "
                             "jansson); expected lines KEY=VALUE",
                             name);
}
#endif
