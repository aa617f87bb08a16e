/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmx_splice.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "line_splice.h"
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

static enum vmf_code change_line(struct vmf_line_splice *lines, const struct vmx_setting *setting,
                                 const struct vmx_change *change, struct vmf_error *error)
{
  size_t length = 0, from, to;

  if (change->dropped)
    return vmf_line_splice_drop(lines, setting->line, error);
  const char *line = change->value ? vmf_line_splice_line(lines, setting->line, &length) : NULL;
  if (!line || !vmx_value_place(line, length, &from, &to))
    return VMF_OK;
  return vmf_line_splice_replace(lines, setting->line, from, to, change->value, error);
}

/* The encoding stands first, behind the mark of UTF-8, all else that is new last. */
static enum vmf_code add_line(struct vmf_line_splice *lines, const struct vmx_added *added,
                              struct vmf_error *error)
{
  size_t mark = lines->length >= 3 && memcmp(lines->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  bool first = strcmp(added->key, ENCODING) == 0;
  VMF_AUTO_FREE char *line = NULL;

  VMF_TRY(vmf_format(&line, error, "%s = %s%s", added->key, added->value, first ? "\n" : ""));
  return first ? vmf_line_splice_replace(lines, 1, mark, mark, line, error)
               : vmf_line_splice_insert(lines, UINT_MAX, line, error);
}

enum vmf_code vmx_splice_apply(const struct vmx_splice *splice, char **text, size_t *length,
                               struct vmf_error *error)
{
  struct vmf_line_splice lines;
  enum vmf_code code = VMF_OK;

  vmf_line_splice_begin(&lines, splice->bytes, splice->length);
  for (size_t i = 0; i < splice->text.count && code == VMF_OK; i++)
    code = change_line(&lines, &splice->text.settings[i], &splice->changes[i], error);
  for (size_t i = 0; i < splice->added_count && code == VMF_OK; i++)
    code = add_line(&lines, &splice->added[i], error);
  if (code == VMF_OK)
    code = vmf_line_splice_apply(&lines, text, length, error);
  vmf_line_splice_clear(&lines);
  return code;
}
