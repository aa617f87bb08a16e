/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "series.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "image.h"
#include "list.h"
#include "memory.h"
#include "opener.h"
#include "parked.h"
#include "path.h"
#include "size.h"
#include "view.h"

enum { SUFFIX_MAX = 10, PARTS_MAX = 10000 };

/* The name of a part, taken apart. */
struct part_name {
  const char *path;
  size_t folder, stem; /* lengths in path: up to the last slash, up to the dot; both with it */
  char low, high;      /* '0' and '9', or 'a' and 'z' */
  char suffix[SUFFIX_MAX + 1];
};

static bool is_suffix(const char *suffix, char low, char high)
{
  size_t length = strlen(suffix);
  for (size_t i = 0; i < length; i++)
    if (suffix[i] < low || suffix[i] > high)
      return false;
  return length >= 2 && length <= SUFFIX_MAX;
}

static bool take_apart(const char *path, struct part_name *name)
{
  const char *start = vmf_path_name(path);
  const char *dot = strrchr(start, '.');

  if (!dot || dot == start)
    return false;
  bool digits = is_suffix(dot + 1, '0', '9');
  if (!digits && !is_suffix(dot + 1, 'a', 'z'))
    return false;
  *name = (struct part_name){.path = path,
                             .folder = (size_t)(start - path),
                             .stem = (size_t)(dot + 1 - path),
                             .low = digits ? '0' : 'a',
                             .high = digits ? '9' : 'z'};
  memcpy(name->suffix, dot + 1, strlen(dot + 1));
  return true;
}

static enum vmf_code path_of(const struct part_name *name, const char *suffix, char **path,
                             struct vmf_error *error)
{
  return vmf_format(path, error, "%.*s%s", (int)name->stem, name->path, suffix);
}

static enum vmf_code exists(const struct part_name *name, const char *suffix, bool *found,
                            struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;
  struct stat status;
  VMF_TRY(path_of(name, suffix, &path, error));
  *found = lstat(path, &status) == 0;
  return VMF_OK;
}

/* ---- the order of suffixes ---- */

/* Counts on at the same width. Behind the last, numbers get a digit (7-Zip: 999, 1000); letters end
 * there. */
static bool count_on(const struct part_name *name, char next[SUFFIX_MAX + 1])
{
  size_t length = strlen(name->suffix), at = length;

  memcpy(next, name->suffix, length + 1);
  while (at > 0 && next[at - 1] == name->high)
    next[--at] = name->low;
  if (at > 0) {
    next[at - 1]++;
    return true;
  }
  if (name->low != '0' || length == SUFFIX_MAX)
    return false;
  next[0] = '1';
  memset(next + 1, '0', length);
  next[length + 1] = '\0';
  return true;
}

/* split(1) does not use up a width that it chose itself: behind "yz" comes "zaaa", behind "zyzz"
 * "zzaaaa"; behind "89" comes "9000". */
static bool widen(const struct part_name *name, char next[SUFFIX_MAX + 1])
{
  const char *suffix = name->suffix;
  size_t length = strlen(suffix), highs = 0;

  while (suffix[highs] == name->high)
    highs++;
  bool last = length == 2 + 2 * highs && suffix[highs] == name->high - 1;
  for (size_t i = highs + 1; i < length; i++)
    last &= suffix[i] == name->high;
  if (!last || length + 2 > SUFFIX_MAX)
    return false;
  memset(next, name->low, length + 2);
  memset(next, name->high, highs + 1);
  next[length + 2] = '\0';
  return true;
}

/* The opposite of count_on, at the same width; false before the first. */
static bool count_back(const struct part_name *name, char last[SUFFIX_MAX + 1])
{
  size_t length = strlen(name->suffix), at = length;

  memcpy(last, name->suffix, length + 1);
  while (at > 0 && last[at - 1] == name->low)
    last[--at] = name->high;
  if (at > 0)
    last[at - 1]--;
  return at > 0;
}

/* Letters may be what they are elsewhere, "dd" or "raw", unless a part before or behind is there.
 */
static enum vmf_code is_other_suffix(const struct part_name *name, bool *other,
                                     struct vmf_error *error)
{
  char next[SUFFIX_MAX + 1];
  VMF_AUTO_FREE char *path = NULL;
  bool found = false;

  *other = false;
  if (name->low != 'a')
    return VMF_OK;
  VMF_TRY(path_of(name, name->suffix, &path, error));
  if (!vmf_format_suffixed(path) && !vmf_suffix_meaning(path))
    return VMF_OK;
  if (count_back(name, next))
    VMF_TRY(exists(name, next, &found, error));
  if (!found && count_on(name, next))
    VMF_TRY(exists(name, next, &found, error));
  *other = !found;
  return VMF_OK;
}

/* Whether a file of the folder is a part of the same width behind `suffix`. */
static enum vmf_code is_later(const struct part_name *name, const char *file, const char *suffix,
                              bool *later, struct vmf_error *error)
{
  size_t length = name->stem - name->folder;
  struct part_name found = *name;
  bool other;

  *later = strncmp(file, name->path + name->folder, length) == 0 &&
           is_suffix(file + length, name->low, name->high) &&
           strlen(file + length) == strlen(suffix) && strcmp(file + length, suffix) > 0;
  if (!*later)
    return VMF_OK;
  memcpy(found.suffix, file + length, strlen(suffix) + 1);
  VMF_TRY(is_other_suffix(&found, &other, error));
  *later = !other;
  return VMF_OK;
}

static enum vmf_code has_later(const struct part_name *name, const char *suffix, bool *found,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL;
  enum vmf_code code = VMF_OK;
  const struct dirent *entry;

  *found = false;
  VMF_TRY(vmf_format(&folder, error, "%.*s", (int)name->folder, name->path));
  DIR *stream = opendir(name->folder > 0 ? folder : ".");
  if (!stream) /* it may be opened, but not listed */
    return VMF_OK;
  while (code == VMF_OK && !*found && (entry = readdir(stream)) != NULL)
    code = is_later(name, entry->d_name, suffix, found, error);
  closedir(stream);
  return code;
}

/* Goes on to the next part; false behind the last one. A gap is VMF_CORRUPT. */
static enum vmf_code go_on(struct part_name *name, bool *there, struct vmf_error *error)
{
  bool (*const ways[])(const struct part_name *, char *) = {count_on, widen};
  char next[SUFFIX_MAX + 1];
  bool later;

  *there = false;
  for (size_t i = 0; i < 2 && !*there; i++)
    if (ways[i](name, next))
      VMF_TRY(exists(name, next, there, error));
  if (*there) {
    memcpy(name->suffix, next, sizeof next);
    return VMF_OK;
  }
  for (size_t i = 0; i < 2; i++) {
    if (!ways[i](name, next))
      continue;
    VMF_TRY(has_later(name, next, &later, error));
    if (later)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: is the first part of a split file, of which %.*s%s is missing: later "
                      "ones are there; to read just some parts, name them all",
                      name->path, (int)name->stem, name->path, next);
  }
  return VMF_OK;
}

/* ---- which part is it ---- */

/* All low, but for a 1 at the end of a number (001). */
static bool is_first(const struct part_name *name)
{
  size_t length = strlen(name->suffix);
  bool one = name->low == '0' && name->suffix[length - 1] == '1';
  return strspn(name->suffix, (char[]){name->low, '\0'}) == length - (one ? 1 : 0);
}

/* The path of a first part of this width, if one is there that is not `name` itself. */
static enum vmf_code find_first_of(const struct part_name *name, size_t length, char **path,
                                   struct vmf_error *error)
{
  char first[SUFFIX_MAX + 1] = "";
  bool found;

  for (int one = 0; one <= (name->low == '0'); one++) {
    memset(first, name->low, length);
    first[length - 1] = (char)(name->low + one);
    if (strcmp(first, name->suffix) == 0)
      return VMF_OK;
    VMF_TRY(exists(name, first, &found, error));
    if (found)
      return path_of(name, first, path, error);
  }
  return VMF_OK;
}

/* The path of the first part of which `name` is a later one, or NULL. A longer name than the first
 * one's starts with what no shorter one had room for: see count_on and widen. */
static enum vmf_code find_first(const struct part_name *name, char **path, struct vmf_error *error)
{
  bool other, longer = name->low == '0' ? name->suffix[0] != '0' : name->suffix[0] == 'z';
  size_t most = strlen(name->suffix), least = longer ? 2 : most;

  *path = NULL;
  VMF_TRY(is_other_suffix(name, &other, error));
  for (size_t length = most; length >= least && !other && !*path; length--)
    VMF_TRY(find_first_of(name, length, path, error));
  return VMF_OK;
}

enum vmf_code vmf_series_place(const char *path, enum vmf_series_place *place, char **first,
                               struct vmf_error *error)
{
  struct part_name name, next;
  bool there;

  *place = VMF_SERIES_NONE;
  *first = NULL;
  if (!take_apart(path, &name))
    return VMF_OK;
  VMF_TRY(find_first(&name, first, error));
  if (*first) {
    *place = VMF_SERIES_LATER;
    return VMF_OK;
  }
  next = name;
  if (!is_first(&name))
    return VMF_OK;
  VMF_TRY(go_on(&next, &there, error));
  if (there)
    *place = VMF_SERIES_FIRST;
  return VMF_OK;
}

bool vmf_series_is_first(const char *path)
{
  VMF_AUTO_FREE char *first = NULL;
  enum vmf_series_place place;
  enum vmf_code code = vmf_series_place(path, &place, &first, NULL);
  return code == VMF_CORRUPT || (code == VMF_OK && place == VMF_SERIES_FIRST);
}

bool vmf_series_named_first(const char *path)
{
  struct part_name name;

  return take_apart(path, &name) && is_first(&name);
}

/* However the two are spelt. */
static bool same_folder(const struct part_name *a, const struct part_name *b)
{
  VMF_AUTO_FREE char *first = NULL;
  VMF_AUTO_FREE char *second = NULL;
  struct stat here, there;

  if (a->folder == b->folder && strncmp(a->path, b->path, a->folder) == 0)
    return true;
  return vmf_format(&first, NULL, "%.*s.", (int)a->folder, a->path) == VMF_OK &&
         vmf_format(&second, NULL, "%.*s.", (int)b->folder, b->path) == VMF_OK &&
         stat(first, &here) == 0 && stat(second, &there) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

static bool same_file(const struct part_name *a, const struct part_name *b)
{
  size_t length = a->stem - a->folder;
  return a->low == b->low && b->stem - b->folder == length &&
         strncmp(a->path + a->folder, b->path + b->folder, length) == 0 && same_folder(a, b);
}

/* "disk.raw" and "disk.vdi" are the same disk twice rather than two parts of it. */
static bool is_part(const char *path, struct part_name *name)
{
  bool other;

  return take_apart(path, name) && is_other_suffix(name, &other, NULL) == VMF_OK && !other;
}

bool vmf_series_same(const char *const *paths, size_t count)
{
  struct part_name first, name;

  if (count == 0 || !is_part(paths[0], &first))
    return false;
  for (size_t i = 1; i < count; i++)
    if (!is_part(paths[i], &name) || !same_file(&first, &name))
      return false;
  return true;
}

/* ---- opening ---- */

struct parts {
  struct vmf_io **list;
  size_t count, capacity;
};

static enum vmf_code add_part(struct parts *parts, struct vmf_io *io, struct vmf_error *error)
{
  enum vmf_code code = vmf_io_park(io, error);

  if (code == VMF_OK)
    code = VMF_LIST_ROOM(parts->list, parts->count, parts->capacity, "parts of a file", error);
  if (code == VMF_OK)
    parts->list[parts->count++] = io;
  else
    vmf_io_close(io);
  return code;
}

/* A colon would make a protocol of the name. */
static enum vmf_code open_beside(const struct part_name *name, bool check_locks, struct vmf_io **io,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *file = NULL;
  VMF_TRY(vmf_format(&file, error, "%s%.*s%s", strchr(name->path + name->folder, ':') ? "./" : "",
                     (int)(name->stem - name->folder), name->path + name->folder, name->suffix));
  return vmf_open_reference(name->path, file, NULL, check_locks, io, error);
}

static enum vmf_code open_parts(const char *path, bool check_locks, struct parts *parts,
                                struct vmf_error *error)
{
  struct part_name name;
  struct vmf_io *io;
  bool there = take_apart(path, &name);

  VMF_TRY(vmf_io_open_file(path, check_locks, &io, error));
  VMF_TRY(add_part(parts, io, error));
  while (there) {
    VMF_TRY(go_on(&name, &there, error));
    if (!there)
      break;
    if (parts->count == PARTS_MAX)
      return vmf_fail(error, VMF_LIMIT, "%s: has more than %d parts", path, (int)PARTS_MAX);
    VMF_TRY(open_beside(&name, check_locks, &io, error));
    VMF_TRY(add_part(parts, io, error));
  }
  return VMF_OK;
}

/* Who splits a file makes all parts but the last of one size: another one was cut off. */
static enum vmf_code check_sizes(const struct parts *parts, struct vmf_error *error)
{
  uint64_t size = parts->list[0]->size;

  for (size_t i = 1; i < parts->count; i++) {
    uint64_t found = parts->list[i]->size;
    if (found == size || (i + 1 == parts->count && found < size))
      continue;
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: part %zu of a split file has %" PRIu64 " bytes, expected %s%" PRIu64
                    " as the first one has; to join the parts as they are, name them all",
                    parts->list[i]->name, i + 1, found, i + 1 == parts->count ? "at most " : "",
                    size);
  }
  return VMF_OK;
}

enum vmf_code vmf_series_open(const char *path, bool check_locks, struct vmf_io **io,
                              struct vmf_error *error)
{
  struct parts parts = {.count = 0};
  enum vmf_code code = open_parts(path, check_locks, &parts, error);

  if (code == VMF_OK)
    code = check_sizes(&parts, error);
  if (code == VMF_OK)
    code = vmf_io_joined(parts.list, parts.count, path, io, error);
  else
    while (parts.count > 0)
      vmf_io_close(parts.list[--parts.count]);
  free(parts.list);
  return code;
}
