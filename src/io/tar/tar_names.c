/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "tar_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "name_key.h"
#include "utf8.h"

/* ---- one name ---- */

const char *vmf_tar_strip(const char *name)
{
  return name[0] == '.' && name[1] == '/' ? name + 2 : name;
}

/* Whether one of the steps between the "/" is `step`. */
static bool has_step(const char *name, const char *step)
{
  size_t expected = strlen(step);
  for (;;) {
    size_t length = strcspn(name, "/");
    if (length == expected && memcmp(name, step, length) == 0)
      return true;
    if (name[length] == '\0')
      return false;
    name += length + 1;
  }
}

static bool has_control(const char *name)
{
  for (; *name; name++)
    if ((unsigned char)*name < ' ' || *name == 0x7f)
      return true;
  return false;
}

/* C1 controls, and the private characters for which 7-Zip writes other bytes into a file's name. */
static bool has_odd_character(const char *name)
{
  uint32_t character;
  while (*name) {
    size_t length = vmf_utf8_get(name, strlen(name), &character);
    if (length == 0)
      return true;
    if ((character >= 0x80 && character < 0xa0) || (character >= 0xe000 && character <= 0xf8ff))
      return true;
    name += length;
  }
  return false;
}

const char *vmf_tar_name_fault(const char *name)
{
  if (name[0] == '/')
    return "is absolute";
  if (has_step(name, ".."))
    return "leads out of the archive by \"..\"";
  if (has_control(name))
    return "has control characters in it";
  if (has_step(name, "") || has_step(name, "."))
    return "is not in its shortest form (\"//\", \"/./\" or \"/\" at the end): readers take it for "
           "different files";
  if (((name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z') && name[1] == ':')
    return "starts like a drive (\"C:\"), which some readers cut off";
  if (strchr(name, '\\'))
    return "has a \"\\\" in it, which some readers take for \"/\"";
  if (has_odd_character(name))
    return "is not UTF-8, or has characters in it that some readers replace";
  if (strcmp(name, "pax_global_header") == 0)
    return "is one that some readers leave out";
  return NULL;
}

enum vmf_code vmf_tar_check_name(const char *archive, uint64_t header, const char *name,
                                 struct vmf_error *error)
{
  if (name[0] == '\0')
    return vmf_fail(error, VMF_CORRUPT, "%s: the member at byte %" PRIu64 " has no name", archive,
                    header);
  if (strlen(name) >= VMF_TAR_NAME)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the name of the member at byte %" PRIu64
                    " has %zu bytes, at most %d are accepted: \"%.64s...\"",
                    archive, header, strlen(name), VMF_TAR_NAME - 1, name);
  const char *fault = vmf_tar_name_fault(name);
  if (fault)
    return vmf_fail(error, VMF_REFUSED, "%s: the name of the member \"%s\" at byte %" PRIu64 " %s",
                    archive, name, header, fault);
  return VMF_OK;
}

/* ---- all names ---- */

struct keyed {
  char *key;
  const struct vmf_tar_name *name;
};

/* "/" before all others, so that a folder's content stands right behind it. */
static int rank(char c)
{
  return c == '/' ? 1 : (unsigned char)c;
}

static int compare_keyed(const void *a, const void *b)
{
  const struct keyed *left = a, *right = b;
  const char *x = left->key, *y = right->key;
  while (*x && *x == *y)
    x++, y++;
  if (*x || *y)
    return rank(*x) - rank(*y);
  return (left->name->header > right->name->header) - (left->name->header < right->name->header);
}

/* Neighbours in sorted order. */
static enum vmf_code check_pair(const char *archive, const struct keyed *first,
                                const struct keyed *second, struct vmf_error *error)
{
  const struct vmf_tar_name *a = first->name, *b = second->name;
  size_t length = strlen(first->key);
  const char *what = NULL;
  if (strcmp(first->key, second->key) == 0 &&
      !(a->folder && b->folder && strcmp(a->name, b->name) == 0))
    what = "has the name of";
  else if (!a->folder && strncmp(first->key, second->key, length) == 0 &&
           second->key[length] == '/')
    what = "needs a folder in the place of";
  if (!what)
    return VMF_OK;
  if (a->header == b->header) /* it is yet to be written */
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the file \"%s\" %s the file \"%s\" (case and form of characters set "
                    "aside), which no archive can hold",
                    archive, b->name, what, a->name);
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the member \"%s\" at byte %" PRIu64 " %s the member \"%s\" at byte %" PRIu64
                  " (case and form of characters set aside)",
                  archive, b->name, b->header, what, a->name, a->header);
}

static enum vmf_code make_keys(const struct vmf_tar_name *names, size_t count, struct keyed *keyed,
                               struct vmf_error *error)
{
  struct vmf_name_keys *keys;
  bool loose = false;
  for (size_t i = 0; i < count && !loose; i++)
    loose = vmf_name_needs_loose_key(names[i].name);
  VMF_TRY(vmf_name_keys_new(loose, &keys, error));
  enum vmf_code code = VMF_OK;
  for (size_t i = 0; i < count && code == VMF_OK; i++) {
    keyed[i].name = &names[i];
    code = vmf_name_key(keys, names[i].name, &keyed[i].key, error);
  }
  vmf_name_keys_free(keys);
  return code;
}

enum vmf_code vmf_tar_check_clashes(const char *archive, const struct vmf_tar_name *names,
                                    size_t count, struct vmf_error *error)
{
  void *block = NULL;
  VMF_TRY(vmf_alloc(count * sizeof(struct keyed), &block, error));
  struct keyed *keyed = block;
  enum vmf_code code = make_keys(names, count, keyed, error);
  if (code == VMF_OK)
    qsort(keyed, count, sizeof *keyed, compare_keyed);
  for (size_t i = 1; i < count && code == VMF_OK; i++)
    code = check_pair(archive, &keyed[i - 1], &keyed[i], error);
  for (size_t i = 0; i < count; i++)
    vmf_free(keyed[i].key);
  vmf_free(keyed);
  return code;
}
