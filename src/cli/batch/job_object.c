/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A job as an object of JSON, read by jansson. */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "job_list.h"

#ifdef VMF_HAVE_JANSSON
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static enum vmf_code add_text(struct vmf_words *words, const json_t *value, const char *key,
                              struct vmf_error *error)
{
  if (!json_is_string(value) || json_string_length(value) == 0)
    return vmf_arguments_wrong(error, "\"%s\" is no text, or an empty one", key);
  return vmf_words_add(words, json_string_value(value), json_string_length(value), error);
}

/* A name, or a list of such. */
static enum vmf_code add_texts(struct vmf_words *words, const json_t *value, const char *key,
                               struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  if (!json_is_array(value))
    return add_text(words, value, key, error);
  for (size_t i = 0; i < json_array_size(value) && code == VMF_OK; i++)
    code = add_text(words, json_array_get(value, i), key, error);
  return code;
}

/* ---- options ---- */

/* "-O" and its value are two words, "--target-format=qcow2" is one. */
static enum vmf_code add_option(struct vmf_words *words, const char *name, const char *value,
                                struct vmf_error *error)
{
  bool letter = strlen(name) == 1;
  char *word = NULL;
  int length = asprintf(&word, "%s%s%s%s", letter ? "-" : "--", name, value && !letter ? "=" : "",
                        value && !letter ? value : "");
  if (length < 0)
    return vmf_arguments_no_memory(error);
  enum vmf_code code = vmf_words_add(words, word, (size_t)length, error);
  free(word);
  return code == VMF_OK && value && letter ? vmf_words_add(words, value, strlen(value), error)
                                           : code;
}

static enum vmf_code add_value(struct vmf_words *words, const char *name, const json_t *value,
                               struct vmf_error *error)
{
  char number[24];

  if (json_is_true(value))
    return add_option(words, name, NULL, error);
  if (json_is_string(value))
    return add_option(words, name, json_string_value(value), error);
  if (!json_is_integer(value))
    return vmf_arguments_wrong(error,
                               "the option \"%s\" is none of: text, number, true, a list of "
                               "texts",
                               name);
  snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
  return add_option(words, name, number, error);
}

static enum vmf_code add_options(struct vmf_words *words, json_t *options, struct vmf_error *error)
{
  const char *name;
  json_t *value;

  if (!json_is_object(options))
    return vmf_arguments_wrong(error, "\"options\" is no object");
  json_object_foreach(options, name, value)
  {
    bool several = json_is_array(value);
    enum vmf_code code = several ? VMF_OK : add_value(words, name, value, error);

    if (!*name || name[0] == '-')
      code = vmf_arguments_wrong(error,
                                 "\"%s\" is no name of an option; expected one without its "
                                 "dashes",
                                 name);
    for (size_t i = 0; several && i < json_array_size(value) && code == VMF_OK; i++)
      code = add_value(words, name, json_array_get(value, i), error);
    if (code != VMF_OK)
      return code;
  }
  return VMF_OK;
}

/* ---- the job ---- */

static enum vmf_code check_keys(json_t *object, struct vmf_error *error)
{
  static const char *const known[] = {"id", "src", "dst", "options", "expect"};
  const char *key;
  json_t *value;

  json_object_foreach(object, key, value)
  {
    bool found = false;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
      found = found || strcmp(known[i], key) == 0;
    if (!found)
      return vmf_arguments_wrong(error, "\"%s\" is none of: id, src, dst, options, expect", key);
  }
  return VMF_OK;
}

static enum vmf_code take_job(struct vmf_listed_job *job, json_t *object, struct vmf_error *error)
{
  const json_t *id = json_object_get(object, "id"), *source = json_object_get(object, "src");
  const json_t *expected = json_object_get(object, "expect");
  json_t *options = json_object_get(object, "options");
  enum vmf_code code = check_keys(object, error);

  if (code == VMF_OK && id && (!json_is_string(id) || json_string_length(id) == 0))
    code = vmf_arguments_wrong(error, "\"id\" is no text, or an empty one");
  if (code == VMF_OK)
    code = add_texts(&job->operands, source, "src", error);
  if (code == VMF_OK && job->operands.count == 0)
    code = vmf_arguments_wrong(error, "\"src\" is an empty list");
  if (code == VMF_OK)
    code = add_text(&job->operands, json_object_get(object, "dst"), "dst", error);
  if (code == VMF_OK && options)
    code = add_options(&job->options, options, error);
  if (code == VMF_OK && expected && !json_is_string(expected))
    code = vmf_arguments_wrong(error, "\"expect\" is no text");
  if (code == VMF_OK && expected)
    code = add_option(&job->options, "expect", json_string_value(expected), error);
  if (code == VMF_OK && id && !(job->id = strdup(json_string_value(id))))
    code = vmf_arguments_no_memory(error);
  return code;
}

enum vmf_code vmf_job_object(struct vmf_job_list *list, unsigned line, const char *text,
                             struct vmf_error *error)
{
  struct vmf_listed_job *job;
  json_error_t found;
  json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &found);

  if (!object)
    return vmf_arguments_wrong(error, "is no JSON: %s (column %d)", found.text, found.column);
  enum vmf_code code = json_is_object(object) ? vmf_job_list_add(list, line, &job, error)
                                              : vmf_arguments_wrong(error, "is no object of JSON");
  if (code == VMF_OK)
    code = take_job(job, object, error);
  json_decref(object);
  return code;
}

#else

enum vmf_code vmf_job_object(struct vmf_job_list *list, unsigned line, const char *text,
                             struct vmf_error *error)
{
  (void)list;
  (void)line;
  (void)text;
  return vmf_arguments_wrong(error, "is JSON, and vmferry was built without jansson: a list of "
                                    "lines is read without it");
}

#endif
