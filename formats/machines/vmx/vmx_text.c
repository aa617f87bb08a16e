/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vmx_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "encoding.h"
#include "list.h"
#include "memory.h"
#include "text.h"
#include "utf8.h"
#include "vmware.h"

/* A stretch of the text; not NUL-terminated. */
struct vmx_span {
  const char *at;
  size_t length;
};

static bool vmx_blank(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct vmx_span vmx_trim(struct vmx_span span)
{
  while (span.length > 0 && vmx_blank(span.at[0])) {
    span.at++;
    span.length--;
  }
  while (span.length > 0 && vmx_blank(span.at[span.length - 1]))
    span.length--;
  return span;
}

/* Cuts the next line off the front of `rest`; false at the end. */
static bool vmx_next_line(struct vmx_span *rest, struct vmx_span *line)
{
  if (rest->length == 0)
    return false;
  const char *newline = memchr(rest->at, '\n', rest->length);
  size_t length = newline ? (size_t)(newline - rest->at) : rest->length;
  size_t taken = newline ? length + 1 : length;

  *line = vmx_trim((struct vmx_span){rest->at, length});
  rest->at += taken;
  rest->length -= taken;
  return true;
}

/* ---- key and value of a line ---- */

/* What a quote may have behind it. */
static bool is_comment(struct vmx_span rest)
{
  rest = vmx_trim(rest);
  return rest.length == 0 || rest.at[0] == '#';
}

/* Between quotes; clean: false when the quotes do not enclose all of it. Where a quote stands
 * inside, which should have been |22, the value ends at the last one. */
static struct vmx_span quoted(struct vmx_span text, bool *clean)
{
  char quote = text.at[0];
  const char *start = text.at + 1, *end = text.at + text.length;
  const char *close = memchr(start, quote, text.length - 1);

  if (!close) {
    *clean = false;
    return (struct vmx_span){start, text.length - 1};
  }
  if (is_comment((struct vmx_span){close + 1, (size_t)(end - close - 1)}))
    return (struct vmx_span){start, (size_t)(close - start)};
  *clean = false;
  for (const char *c = close + 1; c < end; c++)
    if (*c == quote)
      close = c;
  return (struct vmx_span){start, (size_t)(close - start)};
}

/* Up to a blank or '#'; clean: false when something else than a comment follows. */
static struct vmx_span bare(struct vmx_span text, bool *clean)
{
  size_t length = 0;

  while (length < text.length && !vmx_blank(text.at[length]) && text.at[length] != '#')
    length++;
  if (!is_comment((struct vmx_span){text.at + length, text.length - length})) {
    *clean = false;
    return text;
  }
  return (struct vmx_span){text.at, length};
}

/* False: the line is no setting. */
static bool vmx_split(struct vmx_span line, struct vmx_span *key, struct vmx_span *value,
                      bool *clean)
{
  size_t length = 0;

  while (length < line.length && !vmx_blank(line.at[length]) && line.at[length] != '=' &&
         line.at[length] != '"')
    length++;
  *key = (struct vmx_span){line.at, length};
  *value = vmx_trim((struct vmx_span){line.at + length, line.length - length});
  if (length == 0 || value->length == 0 || value->at[0] != '=')
    return false;
  *value = vmx_trim((struct vmx_span){value->at + 1, value->length - 1});
  *clean = true;
  if (value->length > 0)
    *value =
        value->at[0] == '"' || value->at[0] == '\'' ? quoted(*value, clean) : bare(*value, clean);
  return true;
}

bool vmx_value_place(const char *line, size_t length, size_t *from, size_t *to)
{
  size_t newline = length > 0 && line[length - 1] == '\n';
  struct vmx_span whole = vmx_trim((struct vmx_span){line, length - newline}), key, value;
  const char *end = whole.at + whole.length;
  bool clean;

  if (whole.length == 0 || whole.at[0] == '#' || !vmx_split(whole, &key, &value, &clean))
    return false;
  const char *equals = memchr(key.at + key.length, '=', (size_t)(end - key.at - key.length));
  struct vmx_span rest = vmx_trim((struct vmx_span){equals + 1, (size_t)(end - equals - 1)});
  bool quoted = rest.length > 0 && (rest.at[0] == '"' || rest.at[0] == '\'');
  *from = (size_t)(rest.at - line);
  *to = !clean   ? (size_t)(end - line)
        : quoted ? (size_t)(value.at + value.length + 1 - line)
                 : *from + value.length;
  return true;
}

/* ---- escapes ---- */

/* A quote would end the value, a pipe begins an escape, and a line ends at a control character. */
static bool must_escape(unsigned char c)
{
  return c < 0x20 || c == 0x7f || c == '"' || c == '|';
}

enum vmf_code vmx_escape(const char *value, char **escaped, struct vmf_error *error)
{
  static const char digits[] = "0123456789ABCDEF";
  void *memory;

  VMF_TRY(vmf_alloc(3 * strlen(value) + 1, &memory, error));
  *escaped = memory;
  char *out = memory;
  for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
    if (must_escape(*c)) {
      *out++ = '|';
      *out++ = digits[*c >> 4];
      *out++ = digits[*c & 15];
    } else {
      *out++ = (char)*c;
    }
  }
  return VMF_OK;
}

static bool is_utf8(const char *text)
{
  uint32_t character;
  size_t left = strlen(text), step;

  for (; left > 0; text += step, left -= step) {
    step = vmf_utf8_get(text, left, &character);
    if (step == 0)
      return false;
  }
  return true;
}

/* |22 is the byte 0x22. clean: false where a pipe has no two digits behind it, which then stays.
 * VMF_CORRUPT: |00, which no text can hold. */
static bool undo_escapes(struct vmx_span value, char *out, bool *clean)
{
  size_t length = 0;

  for (size_t i = 0; i < value.length; i++) {
    int high = -1, low = -1;
    if (value.at[i] == '|' && i + 2 < value.length) {
      high = vmf_hex_digit(value.at[i + 1]);
      low = vmf_hex_digit(value.at[i + 2]);
    }
    if (value.at[i] == '|' && (high < 0 || low < 0))
      *clean = false;
    if (high < 0 || low < 0) {
      out[length++] = value.at[i];
      continue;
    }
    if (high == 0 && low == 0)
      return false;
    out[length++] = (char)(high << 4 | low);
    i += 2;
  }
  out[length] = 0;
  return true;
}

/* A value that is no text without its escapes keeps them. */
static enum vmf_code copy_value(const struct vmx_text *text, struct vmx_span value, unsigned line,
                                char **copy, struct vmf_error *error)
{
  bool clean = true;

  VMF_TRY(vmf_copy_bytes(value.at, value.length, copy, error));
  if (!undo_escapes(value, *copy, &clean))
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: the value holds |00, a NUL byte", text->name, line);
  if (!is_utf8(*copy)) {
    vmf_free(*copy);
    VMF_TRY(vmf_copy_bytes(value.at, value.length, copy, error));
    clean = false;
  }
  if (!clean)
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "vmx-escape", text->name, line,
                   "a '|' that begins no escape such as |22 is taken as it stands");
  return VMF_OK;
}

static enum vmf_code vmx_add(struct vmx_text *text, struct vmx_span key, struct vmx_span value,
                             unsigned line, struct vmf_error *error)
{
  if (text->count == VMX_SETTINGS)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: more than %d settings", text->name, line,
                    VMX_SETTINGS);
  VMF_TRY(VMF_LIST_ROOM(text->settings, text->count, text->room, "settings", error));
  struct vmx_setting *setting = &text->settings[text->count];
  *setting = (struct vmx_setting){.line = line};
  text->count++;
  VMF_TRY(vmf_copy_bytes(key.at, key.length, &setting->key, error));
  return copy_value(text, value, line, &setting->value, error);
}

/* Whether the value of that key is shown in no message. */
static bool is_secret(struct vmx_span key)
{
  char name[VMX_KEY];

  snprintf(name, sizeof name, "%.*s", (int)vmf_text_fit(key.at, key.length, VMX_KEY - 1), key.at);
  return vmf_vmware_secret(name);
}

static enum vmf_code vmx_lines(struct vmx_text *text, struct vmx_span rest, struct vmf_error *error)
{
  struct vmx_span line, key, value;
  bool clean;

  for (unsigned number = 1; vmx_next_line(&rest, &line); number++) {
    if (line.length == 0 || line.at[0] == '#')
      continue;
    if (line.length > VMX_LINE)
      return vmf_fail(error, VMF_LIMIT, "%s:%u: a line of %zu bytes: at most %d are accepted",
                      text->name, number, line.length, VMX_LINE);
    bool setting = vmx_split(line, &key, &value, &clean), secret = is_secret(key);
    if (!setting) {
      vmf_report_add(text->report, VMF_SEVERITY_WARNING, "vmx-line", text->name, number,
                     "\"%.*s\" is no setting (key = \"value\"), and not read",
                     (int)vmf_text_fit(line.at, secret ? key.length : line.length, 60), line.at);
      continue;
    }
    if (!clean)
      vmf_report_add(text->report, VMF_SEVERITY_WARNING, "vmx-quotes", text->name, number,
                     "the quotes of %.*s do not enclose its value, which is taken to be \"%.*s\"",
                     (int)vmf_text_fit(key.at, key.length, 60), key.at,
                     secret ? 3 : (int)vmf_text_fit(value.at, value.length, 60),
                     secret ? "***" : value.at);
    VMF_TRY(vmx_add(text, key, value, number, error));
  }
  return VMF_OK;
}

/* ---- encodings ---- */

/* The name in the line `.encoding = "NAME"`, in a fresh string; NULL: there is no such line. */
static enum vmf_code find_encoding(struct vmx_span rest, char **name, struct vmf_error *error)
{
  static const char wanted[] = ".encoding";
  struct vmx_span line, key, value;
  bool clean;

  *name = NULL;
  while (vmx_next_line(&rest, &line)) {
    if (!vmx_split(line, &key, &value, &clean) || key.length != sizeof wanted - 1)
      continue;
    VMF_TRY(vmf_copy_bytes(key.at, key.length, name, error));
    bool found = vmf_text_equal_nocase(*name, wanted);
    vmf_free(*name);
    *name = NULL;
    if (found)
      return vmf_copy_bytes(value.at, value.length, name, error);
  }
  return VMF_OK;
}

/* Of an encoding that is not known or does not fit: Windows', then that which any bytes are. */
static enum vmf_code guess_encoding(struct vmx_span bytes, char **utf8, const char **guessed,
                                    struct vmf_error *error)
{
  static const char *const guesses[] = {"UTF-8", "CP1252", "ISO-8859-1"};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
    code = vmf_text_to_utf8(guesses[i], bytes.at, bytes.length, utf8, error);
    *guessed = guesses[i];
    if (code != VMF_CORRUPT)
      return code;
  }
  return code;
}

static enum vmf_code vmx_decode(struct vmx_text *text, struct vmx_span bytes, char **utf8,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  const char *converter, *guessed;

  VMF_TRY(find_encoding(bytes, &name, error));
  converter = name ? vmf_encoding_converter(name) : "UTF-8";
  text->encoding = converter;
  if (converter) {
    enum vmf_code code = vmf_text_to_utf8(converter, bytes.at, bytes.length, utf8, error);
    if (code != VMF_CORRUPT && code != VMF_UNSUPPORTED)
      return code;
  }
  VMF_TRY(guess_encoding(bytes, utf8, &guessed, error));
  text->encoding = guessed;
  if (!name || !vmf_encoding_is_ascii(name, bytes.at, bytes.length))
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "vmx-encoding", text->name, 0,
                   "the text is not %s%.40s%s; it is read as %s",
                   name ? "what .encoding says (" : "UTF-8", name ? name : "", name ? ")" : "",
                   guessed);
  return VMF_OK;
}

/* ---- the whole ---- */

/* Keys by their letters without case, then by line. */
int vmx_compare_keys(const char *a, const char *b)
{
  for (;; a++, b++) {
    int one = *a >= 'A' && *a <= 'Z' ? *a | 0x20 : *a;
    int other = *b >= 'A' && *b <= 'Z' ? *b | 0x20 : *b;
    if (one != other || !one)
      return one - other;
  }
}

static int compare_settings(const void *a, const void *b)
{
  const struct vmx_setting *one = *(struct vmx_setting *const *)a;
  const struct vmx_setting *other = *(struct vmx_setting *const *)b;
  int order = vmx_compare_keys(one->key, other->key);

  return order ? order : (one->line > other->line) - (one->line < other->line);
}

/* The first of each key counts. */
static enum vmf_code vmx_index(struct vmx_text *text, struct vmf_error *error)
{
  void *block = NULL;

  VMF_TRY(vmf_alloc(text->count * sizeof *text->by_key, &block, error));
  text->by_key = block;
  for (size_t i = 0; i < text->count; i++)
    text->by_key[i] = &text->settings[i];
  qsort(text->by_key, text->count, sizeof *text->by_key, compare_settings);
  for (size_t i = 0; i < text->count; i++) {
    struct vmx_setting *setting = text->by_key[i];
    const struct vmx_setting *before = text->keys > 0 ? text->by_key[text->keys - 1] : NULL;
    if (!before || vmx_compare_keys(before->key, setting->key) != 0) {
      text->by_key[text->keys++] = setting;
      continue;
    }
    setting->taken = true;
    bool secret = vmf_vmware_secret(setting->key);
    vmf_report_add(text->report, VMF_SEVERITY_WARNING, "vmx-duplicate", text->name, setting->line,
                   "%.60s = \"%.60s\" is not taken: line %u says \"%.60s\"", setting->key,
                   secret ? "***" : setting->value, before->line, secret ? "***" : before->value);
  }
  return VMF_OK;
}

static enum vmf_code refuse_others(const struct vmx_text *text, struct vmx_span bytes,
                                   struct vmf_error *error)
{
  static const char sparse[] = "KDMV", descriptor[] = "# Disk DescriptorFile";
  const unsigned char *head = (const unsigned char *)bytes.at;

  if (bytes.length > VMX_FILE)
    return vmf_fail(error, VMF_LIMIT, "%s: a .vmx of %zu bytes: at most %d are accepted",
                    text->name, bytes.length, VMX_FILE);
  if ((bytes.length >= 4 && memcmp(head, sparse, 4) == 0) ||
      (bytes.length >= sizeof descriptor - 1 &&
       memcmp(head, descriptor, sizeof descriptor - 1) == 0))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: this is a VMDK disk, not the .vmx of a machine; convert it as a disk",
                    text->name);
  if (bytes.length >= 2 &&
      ((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff)))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the text is UTF-16, which VMware does not write; save it as UTF-8",
                    text->name);
  if (bytes.length > 0 && memchr(bytes.at, 0, bytes.length))
    return vmf_fail(error, VMF_CORRUPT, "%s: a NUL byte at byte %zu: this is no text", text->name,
                    (size_t)((const char *)memchr(bytes.at, 0, bytes.length) - bytes.at));
  return VMF_OK;
}

enum vmf_code vmx_parse(const char *name, const void *bytes, size_t length,
                        struct vmf_report *report, struct vmx_text *text, struct vmf_error *error)
{
  struct vmx_span rest = {bytes, length};
  VMF_AUTO_FREE char *utf8 = NULL;

  text->name = name;
  text->report = report;
  VMF_TRY(refuse_others(text, rest, error));
  if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
    rest.at += 3;
    rest.length -= 3;
  }
  VMF_TRY(vmx_decode(text, rest, &utf8, error));
  VMF_TRY(vmx_lines(text, (struct vmx_span){utf8, strlen(utf8)}, error));
  return vmx_index(text, error);
}

void vmx_clear(struct vmx_text *text)
{
  for (size_t i = 0; i < text->count; i++) {
    vmf_free(text->settings[i].key);
    vmf_free(text->settings[i].value);
  }
  vmf_free(text->settings);
  vmf_free(text->by_key);
  *text = (struct vmx_text){0};
}

/* ---- asking ---- */

static struct vmx_setting *find_key(const struct vmx_text *text, const char *key)
{
  size_t low = 0, high = text->keys;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = vmx_compare_keys(key, text->by_key[middle]->key);
    if (order == 0)
      return text->by_key[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

struct vmx_setting *vmx_find(const struct vmx_text *text, const char *format, ...)
{
  char key[VMX_KEY];
  va_list values;

  va_start(values, format);
  vsnprintf(key, sizeof key, format, values);
  va_end(values);
  return find_key(text, key);
}

const char *vmx_take(const struct vmx_text *text, const char *format, ...)
{
  char key[VMX_KEY];
  va_list values;
  struct vmx_setting *setting;

  va_start(values, format);
  vsnprintf(key, sizeof key, format, values);
  va_end(values);
  setting = find_key(text, key);
  if (!setting)
    return NULL;
  setting->taken = true;
  return setting->value;
}

enum vmf_code vmx_refuse(const struct vmx_text *text, const struct vmx_setting *setting,
                         const char *accepted, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s:%u: %.60s is \"%.60s\"; accepted: %s", text->name,
                  setting->line, setting->key, setting->value, accepted);
}

enum vmf_code vmx_flag(const struct vmx_text *text, const struct vmx_setting *setting, bool *flag,
                       struct vmf_error *error)
{
  *flag = vmf_text_equal_nocase(setting->value, "true");
  if (*flag || vmf_text_equal_nocase(setting->value, "false"))
    return VMF_OK;
  return vmx_refuse(text, setting, "TRUE, FALSE", error);
}

bool vmx_digits(const char *value, uint64_t most, uint64_t *number)
{
  *number = 0;
  for (const char *c = value; *c; c++) {
    unsigned digit = (unsigned)(*c - '0');
    if (digit > 9 || digit > most || *number > (most - digit) / 10)
      return false;
    *number = *number * 10 + digit;
  }
  return *value != 0;
}

bool vmx_signed(const char *value, int64_t *number)
{
  bool negative = *value == '-';
  uint64_t digits;

  if (!vmx_digits(value + negative, (uint64_t)INT64_MAX + negative, &digits))
    return false;
  *number = (int64_t)(negative ? 0 - digits : digits);
  return true;
}

enum vmf_code vmx_number(const struct vmx_text *text, const struct vmx_setting *setting,
                         uint64_t least, uint64_t most, uint64_t *number, struct vmf_error *error)
{
  char accepted[64];

  if (vmx_digits(setting->value, most, number) && *number >= least)
    return VMF_OK;
  snprintf(accepted, sizeof accepted, "%" PRIu64 " to %" PRIu64, least, most);
  return vmx_refuse(text, setting, accepted, error);
}
