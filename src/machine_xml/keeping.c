/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "keeping.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* A further one of what a machine has once: "mac[1]". */
static bool is_repeated(const struct vmf_keeping_rules *rules, const char *key)
{
  const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
  size_t length = strcspn(name, "[");

  if (name[length] == '\0' || strchr(name, '@'))
    return false;
  for (const char *const *single = rules->single; *single; single++)
    if (strlen(*single) == length && memcmp(*single, name, length) == 0)
      return true;
  return false;
}

static bool is_left_out(const struct vmf_keeping_rules *rules,
                        const struct vmf_machine_extra *extra)
{
  if (!extra->known || extra->secret || strstr(extra->key, "//") || is_repeated(rules, extra->key))
    return true;
  for (const char *const *path = rules->left_behind; *path; path++)
    if (strncmp(extra->key, *path, strlen(*path)) == 0)
      return true;
  return false;
}

/* ---- sorting ---- */

static struct vmf_kept_extra split_key(const struct vmf_machine_extra *extra)
{
  const char *key = extra->key, *at = key + strlen(key);
  bool bracket = false;

  while (at > key && (bracket || (at[-1] != '/' && at[-1] != '@'))) {
    at--;
    if (*at == ']' || *at == '[')
      bracket = *at == ']';
  }
  return (struct vmf_kept_extra){.extra = extra,
                                 .parent = at > key ? (size_t)(at - key) - 1 : 0,
                                 .name = at,
                                 .attribute = at > key && at[-1] == '@'};
}

static int compare_paths(const char *a, size_t a_length, const char *b, size_t b_length)
{
  size_t length = a_length < b_length ? a_length : b_length;
  int order = memcmp(a, b, length);

  return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_path(const void *one, const void *other)
{
  const struct vmf_kept_extra *a = one, *b = other;
  int order = compare_paths(a->extra->key, a->parent, b->extra->key, b->parent);

  return order ? order : (a->extra > b->extra) - (a->extra < b->extra);
}

enum vmf_code vmf_keeping_begin(struct vmf_keeping *keeping, struct vmf_error *error)
{
  const struct vmf_machine *machine = keeping->machine;
  void *memory = NULL;

  VMF_TRY(vmf_alloc(machine->extra_count * sizeof *keeping->kept, &memory, error));
  keeping->kept = memory;
  for (size_t i = 0; i < machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &machine->extras[i];
    if (strcmp(extra->vendor, keeping->rules->vendor) != 0)
      continue;
    keeping->native = true;
    if (!is_left_out(keeping->rules, extra))
      keeping->kept[keeping->kept_count++] = split_key(extra);
  }
  qsort(keeping->kept, keeping->kept_count, sizeof *keeping->kept, by_path);
  return VMF_OK;
}

void vmf_keeping_clear(struct vmf_keeping *keeping)
{
  vmf_markup_clear(&keeping->markup);
  vmf_free(keeping->kept);
}

/* ---- finding ---- */

/* The first one of an element. */
static struct vmf_kept_extra *first_of(const struct vmf_keeping *keeping, const char *path,
                                       size_t length)
{
  size_t first = 0, count = keeping->kept_count;

  while (first < count) {
    size_t middle = first + (count - first) / 2;
    const struct vmf_kept_extra *kept = &keeping->kept[middle];
    if (compare_paths(kept->extra->key, kept->parent, path, length) < 0)
      first = middle + 1;
    else
      count = middle;
  }
  return keeping->kept + first;
}

static bool is_of(const struct vmf_keeping *keeping, const struct vmf_kept_extra *kept,
                  const char *path, size_t length)
{
  return kept < keeping->kept + keeping->kept_count &&
         compare_paths(kept->extra->key, kept->parent, path, length) == 0;
}

bool vmf_keeping_keeps(const struct vmf_keeping *keeping, const char *path)
{
  return is_of(keeping, first_of(keeping, path, strlen(path)), path, strlen(path));
}

static struct vmf_kept_extra *find(const struct vmf_keeping *keeping, const char *path,
                                   const char *name, bool attribute)
{
  size_t length = strlen(path);

  for (struct vmf_kept_extra *kept = first_of(keeping, path, length);
       is_of(keeping, kept, path, length); kept++)
    if (kept->attribute == attribute && strcmp(kept->name, name) == 0)
      return kept;
  return NULL;
}

const char *vmf_keeping_value(const struct vmf_keeping *keeping, const char *key)
{
  const struct vmf_machine_extra extra = {.key = key};
  const struct vmf_kept_extra split = split_key(&extra);

  for (struct vmf_kept_extra *kept = first_of(keeping, key, split.parent);
       is_of(keeping, kept, key, split.parent); kept++)
    if (strcmp(kept->extra->key, key) == 0)
      return kept->extra->value;
  return NULL;
}

void vmf_keeping_forget(struct vmf_keeping *keeping, const char *path, const char *child)
{
  struct vmf_kept_extra *kept = find(keeping, path, child, false);

  if (kept)
    kept->done = true;
}

/* ---- elements ---- */

/* "disk" of "devices/disk[0]". */
static void name_of(const char *path, char name[VMF_KEEPING_PATH])
{
  const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;

  snprintf(name, VMF_KEEPING_PATH, "%.*s", (int)strcspn(start, "["), start);
}

void vmf_keeping_start(struct vmf_keeping *keeping, const char *path)
{
  char name[VMF_KEEPING_PATH];

  name_of(path, name);
  vmf_markup_start(&keeping->markup, path[0] ? name : keeping->rules->root);
}

static void put_attribute(struct vmf_keeping *keeping, const char *path, const char *name,
                          bool kept_wins, const char *value)
{
  struct vmf_kept_extra *kept = find(keeping, path, name, true);
  bool wins = kept && kept_wins;

  if (kept)
    kept->done = true;
  vmf_markup_attribute(&keeping->markup, name, "%s", wins ? kept->extra->value : value);
}

/* A fresh string; NULL, and the failure is noted: no memory. */
static char *__attribute__((format(printf, 2, 0)))
print(struct vmf_keeping *keeping, const char *format, va_list values)
{
  char *value = NULL;

  if (vasprintf(&value, format, values) < 0) {
    keeping->markup.failed = true;
    return NULL;
  }
  return value;
}

static void __attribute__((format(printf, 5, 0)))
print_attribute(struct vmf_keeping *keeping, const char *path, const char *name, bool kept,
                const char *format, va_list values)
{
  VMF_AUTO_FREE char *value = print(keeping, format, values);

  if (value)
    put_attribute(keeping, path, name, kept, value);
}

void vmf_keeping_set(struct vmf_keeping *keeping, const char *path, const char *name,
                     const char *format, ...)
{
  va_list values;

  va_start(values, format);
  print_attribute(keeping, path, name, true, format, values);
  va_end(values);
}

void vmf_keeping_fix(struct vmf_keeping *keeping, const char *path, const char *name,
                     const char *format, ...)
{
  va_list values;

  va_start(values, format);
  print_attribute(keeping, path, name, false, format, values);
  va_end(values);
}

static void put_kept_attributes(struct vmf_keeping *keeping, const char *path)
{
  size_t length = strlen(path);

  for (struct vmf_kept_extra *kept = first_of(keeping, path, length);
       is_of(keeping, kept, path, length); kept++)
    if (kept->attribute && !kept->done && !strchr(kept->name, ':')) {
      vmf_markup_attribute(&keeping->markup, kept->name, "%s", kept->extra->value);
      kept->done = true;
    }
}

static void put_kept_children(struct vmf_keeping *keeping, const char *path)
{
  size_t length = strlen(path);

  for (struct vmf_kept_extra *kept = first_of(keeping, path, length);
       is_of(keeping, kept, path, length); kept++)
    if (!kept->attribute && !kept->done && kept->extra->value[0] == '<') {
      vmf_markup_insert(&keeping->markup, kept->extra->value);
      kept->done = true;
    }
}

void vmf_keeping_enter(struct vmf_keeping *keeping, const char *path)
{
  put_kept_attributes(keeping, path);
  vmf_markup_enter(&keeping->markup);
}

void vmf_keeping_leave(struct vmf_keeping *keeping, const char *path)
{
  char name[VMF_KEEPING_PATH];

  put_kept_children(keeping, path);
  name_of(path, name);
  vmf_markup_leave(&keeping->markup, path[0] ? name : keeping->rules->root);
}

void vmf_keeping_end(struct vmf_keeping *keeping, const char *path)
{
  size_t length = strlen(path);
  bool children = false;

  for (struct vmf_kept_extra *kept = first_of(keeping, path, length);
       is_of(keeping, kept, path, length); kept++)
    children |= !kept->attribute && kept->extra->value[0] == '<';
  if (!children) {
    put_kept_attributes(keeping, path);
    vmf_markup_end(&keeping->markup);
    return;
  }
  vmf_keeping_enter(keeping, path);
  vmf_keeping_leave(keeping, path);
}

void vmf_keeping_simple(struct vmf_keeping *keeping, const char *path, const char *name,
                        const char *value)
{
  vmf_keeping_start(keeping, path);
  vmf_keeping_set(keeping, path, name, "%s", value);
  vmf_keeping_end(keeping, path);
}

static void __attribute__((format(printf, 3, 0)))
put_content(struct vmf_keeping *keeping, const char *path, const char *format, va_list values)
{
  char name[VMF_KEEPING_PATH];
  VMF_AUTO_FREE char *value = print(keeping, format, values);

  put_kept_attributes(keeping, path);
  name_of(path, name);
  vmf_markup_content(&keeping->markup, name, "%s", value ? value : "");
}

void vmf_keeping_content(struct vmf_keeping *keeping, const char *path, const char *format, ...)
{
  va_list values;

  va_start(values, format);
  put_content(keeping, path, format, values);
  va_end(values);
}

void vmf_keeping_leaf(struct vmf_keeping *keeping, const char *path, const char *format, ...)
{
  va_list values;

  vmf_keeping_start(keeping, path);
  va_start(values, format);
  put_content(keeping, path, format, values);
  va_end(values);
}
