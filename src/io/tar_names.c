/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "tar_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static bool has_parent_step(const char *name)
{
  for (;;) {
    size_t length = strcspn(name, "/");
    if (length == 2 && name[0] == '.' && name[1] == '.')
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

enum vmf_code vmf_tar_check_name(const char *archive, uint64_t header, const char *name,
                                 struct vmf_error *error)
{
  const char *what = NULL;
  if (name[0] == '\0')
    return vmf_fail(error, VMF_CORRUPT, "%s: the member at byte %" PRIu64 " has no name", archive,
                    header);
  if (strlen(name) >= VMF_TAR_NAME)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the name of the member at byte %" PRIu64
                    " has %zu bytes, at most %d are accepted: \"%.64s...\"",
                    archive, header, strlen(name), VMF_TAR_NAME - 1, name);
  if (name[0] == '/')
    what = "is absolute";
  else if (has_parent_step(name))
    what = "leads out of the archive by \"..\"";
  else if (has_control(name))
    what = "has control characters in it";
  if (what)
    return vmf_fail(error, VMF_REFUSED, "%s: the name of the member \"%s\" at byte %" PRIu64 " %s",
                    archive, name, header, what);
  return VMF_OK;
}

/* ---- two members of one name ---- */

static int lower(char c)
{
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

static int compare_names(const char *a, const char *b)
{
  while (*a && lower(*a) == lower(*b))
    a++, b++;
  return lower(*a) - lower(*b);
}

/* By name without regard to case, then by place. */
static int compare_members(const void *a, const void *b)
{
  const struct vmf_tar_member *left = *(const struct vmf_tar_member *const *)a;
  const struct vmf_tar_member *right = *(const struct vmf_tar_member *const *)b;
  int order = compare_names(left->name, right->name);
  return order ? order : (left->header > right->header) - (left->header < right->header);
}

enum vmf_code vmf_tar_check_clashes(const char *archive, const struct vmf_tar *tar,
                                    struct vmf_error *error)
{
  VMF_AUTO_FREE void *block = NULL;
  VMF_TRY(vmf_alloc(tar->count * sizeof(struct vmf_tar_member *), &block, error));
  const struct vmf_tar_member **sorted = block;
  for (size_t i = 0; i < tar->count; i++)
    sorted[i] = &tar->members[i];
  qsort(sorted, tar->count, sizeof *sorted, compare_members);
  for (size_t i = 1; i < tar->count; i++)
    if (compare_names(sorted[i - 1]->name, sorted[i]->name) == 0)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: the member \"%s\" at byte %" PRIu64
                      " has the name of the member \"%s\" at byte %" PRIu64,
                      archive, sorted[i]->name, sorted[i]->header, sorted[i - 1]->name,
                      sorted[i - 1]->header);
  return VMF_OK;
}
