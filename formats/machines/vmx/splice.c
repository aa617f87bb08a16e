/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmx_splice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "text.h"

#define ENCODING ".encoding"

enum vmf_code vmx_splice_begin(struct vmx_splice *splice, const char *name, const void *bytes,
                               size_t length, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmx_parse(name, bytes, length, NULL, &splice->text, error));
  splice->bytes = bytes;
  splice->length = length;
  VMF_TRY(vmf_alloc(splice->text.count * sizeof *splice->changes, &memory, error));
  splice->changes = memory;
  return VMF_OK;
}

void vmx_splice_clear(struct vmx_splice *splice)
{
  for (size_t i = 0; splice->changes && i < splice->text.count; i++)
    vmf_free(splice->changes[i].value);
  vmf_free(splice->changes);
  for (size_t i = 0; i < splice->added_count; i++) {
    vmf_free(splice->added[i].key);
    vmf_free(splice->added[i].value);
  }
  vmf_free(splice->added);
  vmx_clear(&splice->text);
}

/* ---- values ---- */

static bool is_ascii(const char *text)
{
  while (*text && (unsigned char)*text < 0x80)
    text++;
  return !*text;
}

/* As it stands in a line. */
static enum vmf_code encode(const struct vmx_splice *splice, const char *value, char **encoded,
                            struct vmf_error *error)
{
  const char *encoding = splice->text.encoding;
  VMF_AUTO_FREE char *escaped = NULL, *bytes = NULL;

  VMF_TRY(vmx_escape(value, &escaped, error));
  if (!is_ascii(escaped) && strcmp(encoding, "UTF-8") != 0) {
    enum vmf_code code = vmf_text_from_utf8(encoding, escaped, &bytes, error);
    if (code == VMF_CORRUPT)
      return vmf_fail(
          error, VMF_USAGE, "%s: \"%.*s\" cannot be written in %s, the encoding of the file",
          splice->text.name, (int)vmf_text_fit(value, strlen(value), 80), value, encoding);
    VMF_TRY(code);
  }
  return vmf_format(encoded, error, "\"%s\"", bytes ? bytes : escaped);
}

/* Takes value over, also on failure. */
static enum vmf_code add(struct vmx_splice *splice, const char *key, char *value,
                         struct vmf_error *error)
{
  struct vmx_added added = {.value = value};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < splice->added_count; i++)
    if (vmx_compare_keys(splice->added[i].key, key) == 0) {
      vmf_free(splice->added[i].value);
      splice->added[i].value = value;
      return VMF_OK;
    }
  code = VMF_LIST_ROOM(splice->added, splice->added_count, splice->added_room, "settings", error);
  if (code == VMF_OK)
    code = vmf_copy_text(key, &added.key, error);
  if (code == VMF_OK)
    splice->added[splice->added_count++] = added;
  else
    vmf_free(value);
  return code;
}

/* What is not ASCII is in an encoding that the file names. */
static enum vmf_code need_encoding(struct vmx_splice *splice, const char *value,
                                   struct vmf_error *error)
{
  char *encoded;

  if (is_ascii(value) || vmx_find(&splice->text, ENCODING) ||
      strcmp(splice->text.encoding, "UTF-8") != 0)
    return VMF_OK;
  VMF_TRY(vmf_copy_text("\"UTF-8\"", &encoded, error));
  return add(splice, ENCODING, encoded, error);
}

enum vmf_code vmx_splice_set(struct vmx_splice *splice, struct vmf_error *error, const char *value,
                             const char *format, ...)
{
  char key[VMX_KEY], *encoded;
  va_list values;

  va_start(values, format);
  vsnprintf(key, sizeof key, format, values);
  va_end(values);
  const struct vmx_setting *setting = vmx_find(&splice->text, "%s", key);
  struct vmx_change *change = setting ? &splice->changes[setting - splice->text.settings] : NULL;
  VMF_TRY(need_encoding(splice, value, error));
  VMF_TRY(encode(splice, value, &encoded, error));
  if (!change)
    return add(splice, key, encoded, error);
  vmf_free(change->value);
  change->value = encoded;
  change->dropped = false;
  if (strcmp(setting->value, value) == 0) {
    vmf_free(encoded);
    change->value = NULL;
  }
  return VMF_OK;
}

/* ---- lines that go ---- */

void vmx_splice_drop(struct vmx_splice *splice, const char *format, ...)
{
  char key[VMX_KEY];
  va_list values;

  va_start(values, format);
  vsnprintf(key, sizeof key, format, values);
  va_end(values);
  for (size_t i = 0; i < splice->text.count; i++)
    if (vmx_compare_keys(splice->text.settings[i].key, key) == 0)
      splice->changes[i].dropped = true;
}

void vmx_splice_drop_device(struct vmx_splice *splice, const char *device)
{
  size_t length = strlen(device);
  char start[VMX_KEY];

  for (size_t i = 0; i < splice->text.count; i++) {
    snprintf(start, sizeof start, "%.*s", (int)length, splice->text.settings[i].key);
    if (splice->text.settings[i].key[strlen(start)] == '.' && strlen(start) == length &&
        vmf_text_equal_nocase(start, device))
      splice->changes[i].dropped = true;
  }
}

/* ---- the whole ---- */

struct output {
  char *text; /* NULL: only counting */
  size_t length;
};

static void put(struct output *output, const char *text, size_t length)
{
  if (output->text && length > 0)
    memcpy(output->text + output->length, text, length);
  output->length += length;
}

static void put_line(struct output *output, const struct vmx_added *added, const char *end)
{
  put(output, added->key, strlen(added->key));
  put(output, " = ", 3);
  put(output, added->value, strlen(added->value));
  put(output, end, strlen(end));
}

/* The line of a setting that changes. */
static void put_changed(struct output *output, const char *line, size_t length,
                        const struct vmx_change *change)
{
  size_t from, to;

  if (change->dropped)
    return;
  if (!change->value || !vmx_value_place(line, length, &from, &to)) {
    put(output, line, length);
    return;
  }
  put(output, line, from);
  put(output, change->value, strlen(change->value));
  put(output, line + to, length - to);
}

/* The encoding stands first, all else that is new last. */
static void put_all(const struct vmx_splice *splice, struct output *output)
{
  const struct vmx_text *text = &splice->text;
  const char *at = splice->bytes, *stop = at + splice->length;
  const char *first = memchr(at, '\n', splice->length);
  const char *end = first && first > at && first[-1] == '\r' ? "\r\n" : "\n";
  size_t mark = splice->length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, setting = 0;

  put(output, at, mark);
  at += mark;
  for (size_t i = 0; i < splice->added_count; i++)
    if (strcmp(splice->added[i].key, ENCODING) == 0)
      put_line(output, &splice->added[i], end);
  for (unsigned number = 1; at < stop; number++) {
    const char *newline = memchr(at, '\n', (size_t)(stop - at));
    size_t length = newline ? (size_t)(newline + 1 - at) : (size_t)(stop - at);
    if (setting < text->count && text->settings[setting].line == number)
      put_changed(output, at, length, &splice->changes[setting++]);
    else
      put(output, at, length);
    at += length;
  }
  if (splice->added_count > 0 && splice->length > mark && stop[-1] != '\n')
    put(output, end, strlen(end));
  for (size_t i = 0; i < splice->added_count; i++)
    if (strcmp(splice->added[i].key, ENCODING) != 0)
      put_line(output, &splice->added[i], end);
}

enum vmf_code vmx_splice_apply(const struct vmx_splice *splice, char **text, size_t *length,
                               struct vmf_error *error)
{
  struct output output = {0};
  void *memory;

  put_all(splice, &output);
  VMF_TRY(vmf_alloc(output.length + 1, &memory, error));
  *length = output.length;
  output = (struct output){.text = memory};
  put_all(splice, &output);
  *text = output.text;
  return VMF_OK;
}
