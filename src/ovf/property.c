/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The values that a property takes: types as the standard and as VMware writes them, and what the
 * qualifiers of CIM and of vSphere ask for. */
#include "property.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"
#include "utf8.h"

/* ---- types of the standard ---- */

struct integer_type {
  const char *name;
  long long min;
  unsigned long long max;
};

static const struct integer_type integer_types[] = {
    {"uint8", 0, UINT8_MAX},          {"uint16", 0, UINT16_MAX},
    {"uint32", 0, UINT32_MAX},        {"uint64", 0, UINT64_MAX},
    {"sint8", INT8_MIN, INT8_MAX},    {"sint16", INT16_MIN, INT16_MAX},
    {"sint32", INT32_MIN, INT32_MAX}, {"sint64", INT64_MIN, INT64_MAX},
};

static bool integer_fits(const struct integer_type *type, const char *text)
{
  const char *digits = text + (*text == '-');
  char *end;

  if (digits[0] < '0' || digits[0] > '9')
    return false;
  errno = 0;
  if (*text == '-') {
    long long value = strtoll(text, &end, 10);

    return !*end && !errno && value >= type->min;
  }
  return strtoull(text, &end, 10) <= type->max && !*end && !errno;
}

static bool is_real(const char *text)
{
  char *end;

  if (text[strspn(text, "0123456789+-.eE")]) /* no "inf", no "0x1p3" */
    return false;
  (void)vmf_real_read(text, &end);
  return end != text && !*end;
}

bool vmf_property_is_typed(const char *type, const char *value, bool *exists)
{
  *exists = true;
  for (size_t i = 0; i < sizeof integer_types / sizeof integer_types[0]; i++)
    if (strcmp(type, integer_types[i].name) == 0)
      return integer_fits(&integer_types[i], value);
  if (strcmp(type, "boolean") == 0)
    return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
  if (strcmp(type, "real32") == 0 || strcmp(type, "real64") == 0)
    return is_real(value);
  *exists = strcmp(type, "string") == 0;
  return *exists;
}

/* ---- which one ---- */

enum vmf_code vmf_ovf_property_id(const struct vmf_ovf_product *product,
                                  const struct vmf_ovf_property *property, char **id,
                                  struct vmf_error *error)
{
  const char *class_id = product->class_id ? product->class_id : "";
  const char *instance = product->instance_id ? product->instance_id : "";

  return vmf_format(id, error, "%s%s%s%s%s", class_id, *class_id ? "." : "",
                    property->key ? property->key : "", *instance ? "." : "", instance);
}

/* Those whose key or id is `name`; the last of them. `names`: the ids of all, for a message. */
struct search {
  const char *name;
  const struct vmf_ovf_property *by_key, *by_id;
  size_t keys;
  char names[400];
  size_t used;
};

static enum vmf_code search_product(struct search *search, const struct vmf_ovf_product *product,
                                    struct vmf_error *error)
{
  for (size_t i = 0; i < product->property_count; i++) {
    const struct vmf_ovf_property *property = &product->properties[i];
    VMF_AUTO_FREE char *id = NULL;

    if (!property->key)
      continue;
    VMF_TRY(vmf_ovf_property_id(product, property, &id, error));
    if (strcmp(id, search->name) == 0)
      search->by_id = property;
    if (strcmp(property->key, search->name) == 0) {
      search->by_key = property;
      search->keys++;
    }
    if (search->used < sizeof search->names)
      search->used +=
          (size_t)snprintf(search->names + search->used, sizeof search->names - search->used,
                           "%s%.80s", search->used ? ", " : "", id);
  }
  return VMF_OK;
}

enum vmf_code vmf_ovf_property_find(const struct vmf_ovf *ovf, size_t system, const char *name,
                                    const struct vmf_ovf_property **property,
                                    struct vmf_error *error)
{
  struct search search = {.name = name};

  for (size_t at = system;; at = ovf->systems[at].parent) {
    for (size_t i = 0; i < ovf->systems[at].product_count; i++)
      VMF_TRY(search_product(&search, &ovf->systems[at].products[i], error));
    if (ovf->systems[at].parent == at)
      break;
  }
  *property = search.by_id ? search.by_id : search.by_key;
  if (search.by_id || search.keys == 1)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s: %s \"%s\"; there are: %s", ovf->name,
                  search.keys > 1 ? "several properties have the key" : "there is no property",
                  name, search.names[0] ? search.names : "none");
}

/* ---- types and qualifiers with arguments ---- */

/* "MaxLen(20)": a word, and what stands between its brackets. */
struct term {
  const char *word, *arguments;
  size_t length, arguments_length;
};

/* The end of what stands in brackets, which may be in quotes. */
static const char *closing(const char *at, char close)
{
  bool quoted = false;

  for (; *at && (quoted || *at != close); at++) {
    if (*at == '\\' && quoted && at[1])
      at++;
    else if (*at == '"')
      quoted = !quoted;
  }
  return at;
}

static bool next_term(const char **text, struct term *term)
{
  static const char open[] = "({[", close[] = ")}]";
  const char *at = *text + strspn(*text, " \t\r\n,;");

  *term = (struct term){.word = at, .length = strcspn(at, " \t\r\n,;({[")};
  at += term->length;
  const char *bracket = *at ? strchr(open, *at) : NULL;
  if (bracket) {
    const char *end = closing(at + 1, close[bracket - open]);
    term->arguments = at + 1;
    term->arguments_length = (size_t)(end - at - 1);
    at = *end ? end + 1 : end;
  }
  *text = at;
  return term->length > 0 || term->arguments;
}

static bool is_word(const struct term *term, const char *word)
{
  VMF_AUTO_FREE char *copy = NULL;

  return term->length == strlen(word) &&
         vmf_copy_bytes(term->word, term->length, &copy, NULL) == VMF_OK &&
         vmf_text_equal_nocase(copy, word);
}

/* The next argument of a list, its quotes and escapes undone, in `out`, which has room for all. */
static bool next_argument(const char **text, const char *end, char *out)
{
  const char *at = *text;
  bool quoted = false;

  while (at < end && strchr(" \t\r\n,", *at))
    at++;
  if (at >= end)
    return false;
  for (; at < end && (quoted || *at != ','); at++) {
    if (*at == '\\' && quoted && at + 1 < end)
      *out++ = *++at;
    else if (*at == '"')
      quoted = !quoted;
    else if (quoted || !strchr(" \t\r\n", *at))
      *out++ = *at;
  }
  *out = '\0';
  *text = at;
  return true;
}

/* ---- numbers and lengths ---- */

static bool as_number(const char *text, long double *number)
{
  char *end;

  *number = 0;
  if (!*text || text[strspn(text, "0123456789+-.eE")])
    return false;
  *number = vmf_real_read(text, &end);
  return !*end;
}

static size_t characters(const char *text)
{
  size_t count = 0, left = strlen(text), step;
  uint32_t character;

  for (; left > 0; text += step, left -= step, count++) {
    step = vmf_utf8_get(text, left, &character);
    step = step ? step : 1;
  }
  return count;
}

/* "1..5", "1..", "..5" around a number; false: it is no such range, or the number is outside. */
static bool in_range(const char *range, size_t length, long double number)
{
  VMF_AUTO_FREE char *copy = NULL;
  long double bound;

  if (vmf_copy_bytes(range, length, &copy, NULL) != VMF_OK)
    return false;
  char *dots = strstr(copy, "..");
  if (!dots)
    return as_number(copy, &bound) && number == bound;
  *dots = '\0';
  const char *least = copy + strspn(copy, " "), *most = dots + 2 + strspn(dots + 2, " ");
  return (!*least || (as_number(least, &bound) && number >= bound)) &&
         (!*most || (as_number(most, &bound) && number <= bound));
}

/* One of a list: as it stands, or of numbers within a range. */
static bool is_listed(const struct term *term, const char *value)
{
  const char *at = term->arguments, *end = at + term->arguments_length;
  VMF_AUTO_FREE char *argument = NULL;
  long double number;
  bool is_number = as_number(value, &number);

  if (vmf_copy_bytes(at, term->arguments_length, &argument, NULL) != VMF_OK)
    return false;
  while (next_argument(&at, end, argument))
    if (strcmp(argument, value) == 0 ||
        (is_number && strstr(argument, "..") && in_range(argument, strlen(argument), number)))
      return true;
  return false;
}

static bool is_address(const char *value)
{
  uint8_t address[16];

  return inet_pton(AF_INET, value, address) == 1 || inet_pton(AF_INET6, value, address) == 1;
}

/* ---- the check ---- */

/* "uint8", "string(1..9)", "int(0..5)", "string[\"a\", \"b\"]", "boolean", "ip", "ip:Network". */
static bool fits_type(const char *type, const char *value)
{
  struct term term;
  VMF_AUTO_FREE char *word = NULL;
  long double number;
  bool exists;

  if (!next_term(&type, &term) || vmf_copy_bytes(term.word, term.length, &word, NULL) != VMF_OK)
    return true;
  for (char *c = word; *c; c++)
    *c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
  bool text = strcmp(word, "string") == 0 || strcmp(word, "password") == 0;
  if (strcmp(word, "boolean") == 0)
    return vmf_text_equal_nocase(value, "true") || vmf_text_equal_nocase(value, "false");
  if (strcmp(word, "ip") == 0)
    return !*value || is_address(value);
  const char *kind = strcmp(word, "int") == 0    ? "sint32"
                     : strcmp(word, "real") == 0 ? "real64"
                                                 : word;
  if (!text && !vmf_property_is_typed(kind, value, &exists) && exists)
    return false;
  if (!term.arguments)
    return true;
  if (term.arguments[-1] == '[')
    return is_listed(&term, value);
  if (text)
    return in_range(term.arguments, term.arguments_length, (long double)characters(value));
  return !as_number(value, &number) || in_range(term.arguments, term.arguments_length, number);
}

static bool fits_term(const struct term *term, const char *value)
{
  VMF_AUTO_FREE char *argument = NULL;
  long double bound = 0, number = 0;
  bool is_number = as_number(value, &number);

  if (!term->arguments)
    return true;
  if (is_word(term, "ValueMap"))
    return is_listed(term, value);
  if (is_word(term, "Ip") || is_word(term, "Gateway") || is_word(term, "Netmask"))
    return !*value || is_address(value);
  if (vmf_copy_bytes(term->arguments, term->arguments_length, &argument, NULL) != VMF_OK ||
      !as_number(argument, &bound))
    return true;
  if (is_word(term, "MinLen"))
    return (long double)characters(value) >= bound;
  if (is_word(term, "MaxLen"))
    return (long double)characters(value) <= bound;
  if (is_word(term, "MinValue"))
    return is_number && number >= bound;
  return !is_word(term, "MaxValue") || (is_number && number <= bound);
}

static bool fits_qualifiers(const char *qualifiers, const char *value)
{
  struct term term;

  while (qualifiers && next_term(&qualifiers, &term))
    if (!fits_term(&term, value))
      return false;
  return true;
}

enum vmf_code vmf_ovf_property_check(const struct vmf_ovf_property *property, const char *name,
                                     const char *value, struct vmf_error *error)
{
  const char *type = property->type ? property->type : "string";
  const char *qualifiers = property->qualifiers && *property->qualifiers ? property->qualifiers
                           : property->vmw_qualifiers                    ? property->vmw_qualifiers
                                                                         : "";

  if (fits_type(type, value) && fits_qualifiers(property->qualifiers, value) &&
      fits_qualifiers(property->vmw_qualifiers, value))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "property \"%s\": \"%.60s\" is not accepted: expected %.100s%s%.200s", name,
                  property->password ? "***" : value, type, *qualifiers ? ", " : "", qualifiers);
}
