/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "install_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "human.h"
#include "property_json.h"

enum {
  FILE_BYTES = 4 << 20, /* of values: an environment has no more */
  PROPERTIES = 4096,
};

bool vmf_install_is_asked(const struct vmf_install_settings *settings)
{
  return settings->deployment || settings->properties || settings->properties_file ||
         settings->accept_eula;
}

/* The place of a key among the first `count`; `count`: it is not there. */
static size_t find_key(const struct vmf_parsed_install *parsed, const char *key, size_t count)
{
  size_t i = 0;

  while (i < count && strcmp(parsed->properties[i].key, key) != 0)
    i++;
  return i;
}

/* given: how many of the list are options, which count more than the file. */
static enum vmf_code take(struct vmf_parsed_install *parsed, const char *key, const char *value,
                          size_t given, const char *where, struct vmf_error *error)
{
  size_t count = parsed->options.property_count, there = find_key(parsed, key, count);

  if (there < given)
    return VMF_OK;
  if (there < count)
    return vmf_arguments_wrong(error, "%s: the property \"%s\" is given twice", where, key);
  if (count == PROPERTIES)
    return vmf_arguments_wrong(error, "%s: more than %d properties", where, PROPERTIES);
  parsed->properties[parsed->options.property_count++] = (struct vmf_property_options){key, value};
  return VMF_OK;
}

/* "KEY=VALUE", taken apart in place. `where` names its place for messages: a password may stand in
 * the text. */
static enum vmf_code add_property(struct vmf_parsed_install *parsed, char *text, size_t given,
                                  const char *where, struct vmf_error *error)
{
  char *equals = strchr(text, '=');

  if (!equals || equals == text)
    return vmf_arguments_wrong(error, "%s: is not KEY=VALUE", where);
  *equals = '\0';
  return take(parsed, text, equals + 1, given, where, error);
}

/* ---- the file ---- */

static enum vmf_code read_failed(const char *path, struct vmf_error *error)
{
  int cause = errno;

  vmf_arguments_wrong(error, "--properties: %s: %s", path, strerror(cause));
  error->sys_errno = cause;
  return error->code = VMF_SYSTEM;
}

static enum vmf_code read_file(const char *path, char **text, struct vmf_error *error)
{
  FILE *file = fopen(path, "rbe");

  if (!file)
    return read_failed(path, error);
  char *bytes = malloc(FILE_BYTES + 2);
  size_t length = bytes ? fread(bytes, 1, FILE_BYTES + 1, file) : 0;
  enum vmf_code code = !bytes              ? vmf_arguments_no_memory(error)
                       : ferror(file) != 0 ? read_failed(path, error)
                                           : VMF_OK;
  fclose(file);
  if (bytes)
    bytes[length] = '\0';
  if (code == VMF_OK && length > FILE_BYTES)
    code = vmf_arguments_wrong(error, "--properties: %s: is larger than 4 MiB", path);
  else if (code == VMF_OK && strlen(bytes) < length)
    code = vmf_arguments_wrong(error, "--properties: %s: is not text: it has a NUL byte at %zu",
                               path, strlen(bytes));
  *text = bytes;
  return code;
}

/* Cuts the next line off, without what ends it; NULL: there is none. */
static char *next_line(char **rest)
{
  char *line = *rest, *end = strchr(line, '\n');
  size_t length = end ? (size_t)(end - line) : strlen(line);

  if (!*line)
    return NULL;
  *rest = end ? end + 1 : line + length;
  line[length] = '\0';
  if (length > 0 && line[length - 1] == '\r')
    line[length - 1] = '\0';
  return line;
}

static enum vmf_code take_lines(const char *path, char *text, size_t given,
                                struct vmf_parsed_install *parsed, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  unsigned number = 0;
  char where[300], *line;

  while (code == VMF_OK && (line = next_line(&text)) != NULL) {
    snprintf(where, sizeof where, "--properties: %.200s:%u", path, ++number);
    if (line[0] != '#' && line[strspn(line, " \t")] != '\0')
      code = add_property(parsed, line, given, where, error);
  }
  return code;
}

/* What `info` tells of several systems may have one key more than once, with one value. */
static enum vmf_code take_json(const char *path, const char *text, size_t given,
                               struct vmf_parsed_install *parsed, struct vmf_error *error)
{
  const struct vmf_words *words = &parsed->words;
  char where[300];

  snprintf(where, sizeof where, "--properties: %.200s", path);
  enum vmf_code code = vmf_property_json_read(path, text, &parsed->words, error);
  for (size_t i = 0; i + 1 < words->count && code == VMF_OK; i += 2) {
    const char *key = words->list[i], *value = words->list[i + 1];
    size_t count = parsed->options.property_count, there = find_key(parsed, key, count);
    if (there == count || strcmp(parsed->properties[there].value, value) != 0)
      code = take(parsed, key, value, given, where, error);
  }
  return code;
}

static enum vmf_code take_file(const char *path, struct vmf_parsed_install *parsed,
                               struct vmf_error *error)
{
  size_t given = parsed->options.property_count;
  enum vmf_code code = read_file(path, &parsed->file, error);
  char *text = parsed->file;

  if (code != VMF_OK)
    return code;
  if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
    text += 3;
  return vmf_property_json_is(text) ? take_json(path, text, given, parsed, error)
                                    : take_lines(path, text, given, parsed, error);
}

/* ---- all of it ---- */

/* A text of the package's maker: what would move the cursor is no part of it. */
static void show_eula(void *data, const char *text)
{
  char *copy = strdup(text), *rest = copy, *line;

  (void)data;
  while (rest && (line = next_line(&rest)) != NULL) {
    vmf_human_text(stderr, line);
    fputc('\n', stderr);
  }
  free(copy);
}

enum vmf_code vmf_install_options_parse(const struct vmf_install_settings *settings,
                                        struct vmf_parsed_install *parsed, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  *parsed = (struct vmf_parsed_install){.options = {.size = sizeof parsed->options,
                                                    .deployment = settings->deployment,
                                                    .accept_eula = settings->accept_eula,
                                                    .eula = show_eula}};
  parsed->properties = calloc(PROPERTIES, sizeof *parsed->properties);
  if (!parsed->properties)
    return vmf_arguments_no_memory(error);
  parsed->options.properties = parsed->properties;
  for (const char **given = settings->properties; given && *given && code == VMF_OK; given++)
    code =
        add_property(parsed, (char *)*given, 0, "--property", error); /* argv may be written to */
  if (code == VMF_OK && settings->properties_file)
    code = take_file(settings->properties_file, parsed, error);
  return code;
}

void vmf_install_options_free(struct vmf_parsed_install *parsed)
{
  free(parsed->properties);
  free(parsed->file);
  vmf_words_free(&parsed->words);
  *parsed = (struct vmf_parsed_install){0};
}
