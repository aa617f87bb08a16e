/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "json_name.h"

#include <stdio.h>
#include <string.h>

#ifdef VMF_HAVE_JANSSON
#include <jansson.h>
#endif

#include "memory.h"

static const char prefix[] = "json:";

bool vmf_json_name_is(const char *name)
{
  return strncmp(name, prefix, sizeof prefix - 1) == 0;
}

void vmf_json_name_free(struct vmf_json_name *read)
{
  vmf_free(read->path);
  vmf_free(read->format);
  vmf_free(read->options);
  *read = (struct vmf_json_name){.path = NULL};
}

#ifdef VMF_HAVE_JANSSON

/* Strings in single quotes become strings in double ones. `out` has room for twice the text. */
static void requote(const char *text, char *out)
{
  char quote = '\0'; /* inside of a string: what it began with */

  for (; *text; text++) {
    if (quote && text[0] == '\\' && text[1]) {
      if (text[1] != '\'')
        *out++ = '\\';
      *out++ = *++text;
    } else if (quote ? *text == quote : *text == '"' || *text == '\'') {
      quote = quote ? '\0' : *text;
      *out++ = '"';
    } else {
      if (*text == '"')
        *out++ = '\\';
      *out++ = *text;
    }
  }
  *out = '\0';
}

/* How qemu reads a file, and nothing of what is in it. */
static bool is_manner(const char *key)
{
  static const char *const keys[] = {"aio",     "auto-read-only", "detect-zeroes", "discard",
                                     "locking", "node-name",      "read-only"};

  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
    if (strcmp(key, keys[i]) == 0)
      return true;
  return strcmp(key, "cache") == 0 || strncmp(key, "cache.", 6) == 0;
}

/* What was found; strings of the tree. */
struct members {
  const char *driver, *filename; /* of the object itself */
  const char *file_driver, *file_filename;
  char **options; /* of the format: what is no member that is known here */
};

static enum vmf_code take_text(const char *name, const char *key, const json_t *value,
                               const char **text, struct vmf_error *error)
{
  if (!json_is_string(value) || *text)
    return vmf_fail(error, VMF_USAGE, "%s: \"%s\" is not one string", name, key);
  *text = json_string_value(value);
  return VMF_OK;
}

/* The members of "file", nested or with dots. */
static enum vmf_code take_file(const char *name, const char *key, const json_t *value,
                               struct members *members, struct vmf_error *error)
{
  if (strcmp(key, "driver") == 0)
    return take_text(name, key, value, &members->file_driver, error);
  if (strcmp(key, "filename") == 0)
    return take_text(name, key, value, &members->file_filename, error);
  if (is_manner(key))
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: \"file.%s\" is not understood, only \"driver\" and \"filename\" of a plain "
                  "file; qemu-img convert makes one of whatever it can open",
                  name, key);
}

/* "key=value", commas doubled, behind what is there. */
static enum vmf_code add_option(const char *key, const char *value, char **options,
                                struct vmf_error *error)
{
  char *before = *options, *out;
  void *longer;

  VMF_TRY(vmf_alloc((before ? strlen(before) + 1 : 0) + strlen(key) + 2 * strlen(value) + 2,
                    &longer, error));
  *options = out = longer;
  out += sprintf(out, "%s%s%s=", before ? before : "", before ? "," : "", key);
  for (; *value; value++) {
    if (*value == ',')
      *out++ = ',';
    *out++ = *value;
  }
  *out = '\0';
  vmf_free(before);
  return VMF_OK;
}

/* What only the format can understand. */
static enum vmf_code take_option(const char *name, const char *key, const json_t *value,
                                 struct members *members, struct vmf_error *error)
{
  char number[32];

  if (strcmp(key, "file") == 0 || key[strcspn(key, ".,=")] != '\0' ||
      !(json_is_string(value) || json_is_integer(value) || json_is_boolean(value)))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: \"%s\" is not understood, only \"driver\" and \"file\" of a plain file; "
                    "qemu-img convert makes one of whatever it can open",
                    name, key);
  snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
  return add_option(key,
                    json_is_string(value)    ? json_string_value(value)
                    : json_is_integer(value) ? number
                    : json_is_true(value)    ? "on"
                                             : "off",
                    members->options, error);
}

static enum vmf_code take_member(const char *name, const char *key, json_t *value,
                                 struct members *members, struct vmf_error *error)
{
  const char *inner;
  json_t *inner_value;

  if (strcmp(key, "driver") == 0)
    return take_text(name, key, value, &members->driver, error);
  if (strcmp(key, "filename") == 0)
    return take_text(name, key, value, &members->filename, error);
  if (is_manner(key))
    return VMF_OK;
  if (strncmp(key, "file.", 5) == 0)
    return take_file(name, key + 5, value, members, error);
  if (strcmp(key, "file") == 0 && json_is_object(value)) {
    json_object_foreach(value, inner, inner_value)
        VMF_TRY(take_file(name, inner, inner_value, members, error));
    return VMF_OK;
  }
  return take_option(name, key, value, members, error);
}

static bool is_plain(const char *driver)
{
  return strcmp(driver, "file") == 0 || strcmp(driver, "host_device") == 0;
}

/* A file without a format above it is what it is: raw. */
static enum vmf_code settle(const char *name, struct members *members, struct vmf_error *error)
{
  if (members->filename && !members->file_filename && members->driver &&
      is_plain(members->driver)) {
    members->file_driver = members->driver;
    members->file_filename = members->filename;
    members->driver = "raw";
    members->filename = NULL;
  }
  if (members->file_driver && !is_plain(members->file_driver))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: driver \"%s\" is not read, only \"file\"; qemu-img convert makes a file "
                    "of what it names",
                    name, members->file_driver);
  if (!members->file_filename || members->file_filename[0] == '\0' || members->filename)
    return vmf_fail(error, VMF_USAGE,
                    "%s: names no file; expected "
                    "json:{\"driver\":\"FORMAT\",\"file\":{\"driver\":\"file\",\"filename\":"
                    "\"PATH\"}}",
                    name);
  return VMF_OK;
}

static enum vmf_code read_tree(const char *name, json_t *tree, struct vmf_json_name *read,
                               struct vmf_error *error)
{
  struct members members = {.options = &read->options};
  const char *key;
  json_t *value;

  json_object_foreach(tree, key, value) VMF_TRY(take_member(name, key, value, &members, error));
  VMF_TRY(settle(name, &members, error));
  VMF_TRY(vmf_copy_text(members.file_filename, &read->path, error));
  return members.driver ? vmf_copy_text(members.driver, &read->format, error) : VMF_OK;
}

enum vmf_code vmf_json_name_read(const char *name, struct vmf_json_name *read,
                                 struct vmf_error *error)
{
  const char *text = name + sizeof prefix - 1;
  json_error_t why;
  void *quoted;

  *read = (struct vmf_json_name){.path = NULL};
  VMF_TRY(vmf_alloc(2 * strlen(text) + 1, &quoted, error));
  requote(text, quoted);
  json_t *tree = json_loads(quoted, JSON_REJECT_DUPLICATES, &why);
  vmf_free(quoted);
  if (!json_is_object(tree)) {
    json_decref(tree);
    return vmf_fail(error, VMF_USAGE, "%s: is no JSON object: %s", name,
                    tree ? "it is a list" : why.text);
  }
  enum vmf_code code = read_tree(name, tree, read, error);
  json_decref(tree);
  return code;
}

#else

enum vmf_code vmf_json_name_read(const char *name, struct vmf_json_name *read,
                                 struct vmf_error *error)
{
  *read = (struct vmf_json_name){.path = NULL};
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: this build reads no names in JSON (libjansson was not there)", name);
}

#endif
