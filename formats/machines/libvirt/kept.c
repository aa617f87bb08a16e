/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Extras of libvirt's own go back to where they stood. Left out is what libvirt does not know, what
 * is secret, and what belongs to the host or to the old images. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "writing.h"

/* A further one of what a machine has once, "mac[1]": where the first is not written, it would take
 * its place. */
static bool is_repeated(const char *key)
{
  static const char *const single[] = {
      "name",   "description", "uuid",    "genid", "memory", "currentMemory", "vcpu", "os",
      "cpu",    "clock",       "devices", "mac",   "serial", "wwn",           "boot", "target",
      "driver", "address",     "model",   "link",  "mtu",    "metadata",
  };
  const char *slash = strrchr(key, '/'), *name = slash ? slash + 1 : key;
  size_t length = strcspn(name, "[");

  if (name[length] == '\0' || strchr(name, '@'))
    return false;
  for (size_t i = 0; i < sizeof single / sizeof *single; i++)
    if (strlen(single[i]) == length && memcmp(single[i], name, length) == 0)
      return true;
  return false;
}

/* Paths of the old host among them. */
static bool is_left_out(const struct vmf_machine_extra *extra)
{
  static const char *const paths[] = {"@id", "devices/emulator", "os/loader", "os/nvram"};

  if (!extra->known || extra->secret || strstr(extra->key, "//") || is_repeated(extra->key))
    return true;
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (strncmp(extra->key, paths[i], strlen(paths[i])) == 0)
      return true;
  return false;
}

/* ---- sorting ---- */

static struct libvirt_kept split_key(const struct vmf_machine_extra *extra)
{
  const char *key = extra->key, *at = key + strlen(key);
  bool bracket = false;

  while (at > key && (bracket || (at[-1] != '/' && at[-1] != '@'))) {
    at--;
    if (*at == ']' || *at == '[')
      bracket = *at == ']';
  }
  return (struct libvirt_kept){.extra = extra,
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
  const struct libvirt_kept *a = one, *b = other;
  int order = compare_paths(a->extra->key, a->parent, b->extra->key, b->parent);

  return order ? order : (a->extra > b->extra) - (a->extra < b->extra);
}

enum vmf_code libvirt_sort_kept(struct libvirt_writing *writing, struct vmf_error *error)
{
  const struct vmf_machine *machine = writing->machine;
  void *memory = NULL;

  VMF_TRY(vmf_alloc(machine->extra_count * sizeof *writing->kept, &memory, error));
  writing->kept = memory;
  for (size_t i = 0; i < machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &machine->extras[i];
    if (strcmp(extra->vendor, "libvirt") != 0)
      continue;
    writing->native = true;
    if (!is_left_out(extra))
      writing->kept[writing->kept_count++] = split_key(extra);
  }
  qsort(writing->kept, writing->kept_count, sizeof *writing->kept, by_path);
  return VMF_OK;
}

/* ---- finding ---- */

/* The first one of an element. */
static struct libvirt_kept *first_of(const struct libvirt_writing *writing, const char *path,
                                     size_t length)
{
  size_t first = 0, count = writing->kept_count;

  while (first < count) {
    size_t middle = first + (count - first) / 2;
    const struct libvirt_kept *kept = &writing->kept[middle];
    if (compare_paths(kept->extra->key, kept->parent, path, length) < 0)
      first = middle + 1;
    else
      count = middle;
  }
  return writing->kept + first;
}

static bool is_of(const struct libvirt_writing *writing, const struct libvirt_kept *kept,
                  const char *path, size_t length)
{
  return kept < writing->kept + writing->kept_count &&
         compare_paths(kept->extra->key, kept->parent, path, length) == 0;
}

bool libvirt_keeps(const struct libvirt_writing *writing, const char *path)
{
  return is_of(writing, first_of(writing, path, strlen(path)), path, strlen(path));
}

static struct libvirt_kept *find(const struct libvirt_writing *writing, const char *path,
                                 const char *name, bool attribute)
{
  size_t length = strlen(path);

  for (struct libvirt_kept *kept = first_of(writing, path, length);
       is_of(writing, kept, path, length); kept++)
    if (kept->attribute == attribute && strcmp(kept->name, name) == 0)
      return kept;
  return NULL;
}

const char *libvirt_kept(const struct libvirt_writing *writing, const char *key)
{
  const struct vmf_machine_extra extra = {.key = key};
  const struct libvirt_kept split = split_key(&extra);

  for (struct libvirt_kept *kept = first_of(writing, key, split.parent);
       is_of(writing, kept, key, split.parent); kept++)
    if (strcmp(kept->extra->key, key) == 0)
      return kept->extra->value;
  return NULL;
}

void libvirt_forget(struct libvirt_writing *writing, const char *path, const char *child)
{
  struct libvirt_kept *kept = find(writing, path, child, false);

  if (kept)
    kept->done = true;
}

/* ---- elements ---- */

/* "disk" of "devices/disk[0]". */
static void name_of(const char *path, char name[LIBVIRT_PATH])
{
  const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;

  snprintf(name, LIBVIRT_PATH, "%.*s", (int)strcspn(start, "["), start);
}

void libvirt_start(struct libvirt_writing *writing, const char *path)
{
  char name[LIBVIRT_PATH];

  name_of(path, name);
  vmf_markup_start(&writing->markup, path[0] ? name : "domain");
}

static void put_attribute(struct libvirt_writing *writing, const char *path, const char *name,
                          bool kept_wins, const char *value)
{
  struct libvirt_kept *kept = find(writing, path, name, true);
  bool wins = kept && kept_wins;

  if (kept)
    kept->done = true;
  vmf_markup_attribute(&writing->markup, name, "%s", wins ? kept->extra->value : value);
}

/* What XML cannot hold is a question mark: control characters, and two code points that are none.
 */
static void clean(char *text)
{
  for (; *text; text++) {
    bool control = (unsigned char)*text < ' ' && !strchr("\t\n\r", *text);
    bool none = strncmp(text, "\xef\xbf", 2) == 0 && (text[2] & '\xfe') == '\xbe';
    if (control || none)
      *text = '?';
    if (none)
      text[1] = text[2] = '?';
  }
}

/* A fresh string; NULL, and the failure is noted: no memory. */
static char *__attribute__((format(printf, 2, 0)))
print(struct libvirt_writing *writing, const char *format, va_list values)
{
  char *value = NULL;

  if (vasprintf(&value, format, values) < 0) {
    writing->markup.failed = true;
    return NULL;
  }
  clean(value);
  return value;
}

void libvirt_set(struct libvirt_writing *writing, const char *path, const char *name,
                 const char *format, ...)
{
  va_list values;

  va_start(values, format);
  VMF_AUTO_FREE char *value = print(writing, format, values);
  va_end(values);
  if (value)
    put_attribute(writing, path, name, true, value);
}

void libvirt_fix(struct libvirt_writing *writing, const char *path, const char *name,
                 const char *format, ...)
{
  va_list values;

  va_start(values, format);
  VMF_AUTO_FREE char *value = print(writing, format, values);
  va_end(values);
  if (value)
    put_attribute(writing, path, name, false, value);
}

static void put_kept_attributes(struct libvirt_writing *writing, const char *path)
{
  size_t length = strlen(path);

  for (struct libvirt_kept *kept = first_of(writing, path, length);
       is_of(writing, kept, path, length); kept++)
    if (kept->attribute && !kept->done && !strchr(kept->name, ':')) {
      vmf_markup_attribute(&writing->markup, kept->name, "%s", kept->extra->value);
      kept->done = true;
    }
}

static void put_kept_children(struct libvirt_writing *writing, const char *path)
{
  size_t length = strlen(path);

  for (struct libvirt_kept *kept = first_of(writing, path, length);
       is_of(writing, kept, path, length); kept++)
    if (!kept->attribute && !kept->done && kept->extra->value[0] == '<') {
      vmf_markup_insert(&writing->markup, kept->extra->value);
      kept->done = true;
    }
}

void libvirt_enter(struct libvirt_writing *writing, const char *path)
{
  put_kept_attributes(writing, path);
  vmf_markup_enter(&writing->markup);
}

void libvirt_leave(struct libvirt_writing *writing, const char *path)
{
  char name[LIBVIRT_PATH];

  put_kept_children(writing, path);
  name_of(path, name);
  vmf_markup_leave(&writing->markup, path[0] ? name : "domain");
}

void libvirt_end(struct libvirt_writing *writing, const char *path)
{
  size_t length = strlen(path);
  bool children = false;

  for (struct libvirt_kept *kept = first_of(writing, path, length);
       is_of(writing, kept, path, length); kept++)
    children |= !kept->attribute && kept->extra->value[0] == '<';
  if (!children) {
    put_kept_attributes(writing, path);
    vmf_markup_end(&writing->markup);
    return;
  }
  libvirt_enter(writing, path);
  libvirt_leave(writing, path);
}

void libvirt_simple(struct libvirt_writing *writing, const char *path, const char *name,
                    const char *value)
{
  libvirt_start(writing, path);
  libvirt_set(writing, path, name, "%s", value);
  libvirt_end(writing, path);
}

static void __attribute__((format(printf, 3, 0)))
put_content(struct libvirt_writing *writing, const char *path, const char *format, va_list values)
{
  char name[LIBVIRT_PATH];
  VMF_AUTO_FREE char *value = print(writing, format, values);

  put_kept_attributes(writing, path);
  name_of(path, name);
  vmf_markup_content(&writing->markup, name, "%s", value ? value : "");
}

void libvirt_content(struct libvirt_writing *writing, const char *path, const char *format, ...)
{
  va_list values;

  va_start(values, format);
  put_content(writing, path, format, values);
  va_end(values);
}

void libvirt_leaf(struct libvirt_writing *writing, const char *path, const char *format, ...)
{
  va_list values;

  libvirt_start(writing, path);
  va_start(values, format);
  put_content(writing, path, format, values);
  va_end(values);
}
