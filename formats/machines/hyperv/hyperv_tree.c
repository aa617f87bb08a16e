/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "hyperv_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "utf8.h"

static bool is_name(const char *name)
{
  for (size_t left = strlen(name), length; left > 0; name += length, left -= length) {
    uint32_t character;
    length = vmf_utf8_get(name, left, &character);
    if (length == 0 || character < 32 || character == 127 || character == '/')
      return false;
  }
  return true;
}

enum vmf_code hyperv_tree_add(struct hyperv_tree *tree, const struct hyperv_key *key, size_t *index,
                              struct vmf_error *error)
{
  if (tree->count == HYPERV_KEYS)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %d keys", tree->file, HYPERV_KEYS);
  if (!*key->name || !is_name(key->name))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: key %zu has a name that is empty, has control characters or \"/\", or is "
                    "no UTF-8",
                    tree->file, tree->count);
  VMF_TRY(VMF_LIST_ROOM(tree->keys, tree->count, tree->room, "keys", error));
  struct hyperv_key *added = &tree->keys[ *index = tree->count++];
  *added = *key;
  added->name = added->value = added->path = NULL;
  VMF_TRY(vmf_copy_text(key->name, &added->name, error));
  return key->value ? vmf_copy_text(key->value, &added->value, error) : VMF_OK;
}

/* ---- paths ---- */

/* How deep a key is; -1: its parents are a ring, or too many. */
static int depth_of(const struct hyperv_tree *tree, size_t index)
{
  int depth = 0;

  for (; index != HYPERV_ROOT; index = tree->keys[index].parent)
    if (index >= tree->count || ++depth > HYPERV_DEPTH)
      return -1;
  return depth;
}

static int by_family(const void *a, const void *b)
{
  const struct hyperv_key *one = *(struct hyperv_key *const *)a;
  const struct hyperv_key *other = *(struct hyperv_key *const *)b;
  int names = strcmp(one->name, other->name);

  if (one->parent != other->parent)
    return one->parent < other->parent ? -1 : 1;
  if (names != 0)
    return names;
  return one->order == other->order ? 0 : one->order < other->order ? -1 : 1;
}

static int by_path(const void *a, const void *b)
{
  return strcmp((*(struct hyperv_key *const *)a)->path, (*(struct hyperv_key *const *)b)->path);
}

/* "parent/name", of a twin "parent/name[1]". The parent's path is there. */
static enum vmf_code make_path(struct hyperv_tree *tree, struct hyperv_key *key, unsigned twin,
                               size_t *bytes, struct vmf_error *error)
{
  const char *above = key->parent == HYPERV_ROOT ? NULL : tree->keys[key->parent].path;
  char number[16] = "";

  if (!above && twin == 0)
    return vmf_copy_text("", &key->path, error);
  if (twin > 0)
    snprintf(number, sizeof number, "[%u]", twin);
  VMF_TRY(vmf_format(&key->path, error, "%s%s%s%s", above ? above : "", above && *above ? "/" : "",
                     key->name, number));
  *bytes += strlen(key->path) + 1;
  return *bytes > HYPERV_PATHS
             ? vmf_fail(error, VMF_LIMIT, "%s: the names of its keys are too long", tree->file)
             : VMF_OK;
}

/* Those of one depth; their parents have been named. */
static enum vmf_code name_level(struct hyperv_tree *tree, const uint8_t *depths, int level,
                                size_t *bytes, struct vmf_error *error)
{
  const struct hyperv_key *before = NULL;
  unsigned twin = 0;

  for (size_t i = 0; i < tree->count; i++) {
    struct hyperv_key *key = tree->sorted[i];
    bool same = before && before->parent == key->parent && strcmp(before->name, key->name) == 0;
    twin = same ? twin + 1 : 0;
    before = key;
    if (depths[key - tree->keys] == level)
      VMF_TRY(make_path(tree, key, twin, bytes, error));
  }
  return VMF_OK;
}

enum vmf_code hyperv_tree_finish(struct hyperv_tree *tree, struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  void *sorted;
  size_t bytes = 0;

  VMF_TRY(vmf_alloc(tree->count + 1, &memory, error));
  VMF_TRY(vmf_alloc(tree->count * sizeof(struct hyperv_key *), &sorted, error));
  uint8_t *depths = memory;
  tree->sorted = sorted;
  for (size_t i = 0; i < tree->count; i++) {
    int depth = depth_of(tree, i);
    if (depth < 0)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: the key %s is below itself, or more than %d keys deep", tree->file,
                      tree->keys[i].name, HYPERV_DEPTH);
    depths[i] = (uint8_t)depth;
    tree->sorted[i] = &tree->keys[i];
  }
  qsort(tree->sorted, tree->count, sizeof(struct hyperv_key *), by_family);
  for (int level = 1; level <= HYPERV_DEPTH; level++)
    VMF_TRY(name_level(tree, depths, level, &bytes, error));
  qsort(tree->sorted, tree->count, sizeof(struct hyperv_key *), by_path);
  return VMF_OK;
}

void hyperv_tree_clear(struct hyperv_tree *tree)
{
  for (size_t i = 0; i < tree->count; i++) {
    vmf_free(tree->keys[i].name);
    vmf_free(tree->keys[i].value);
    vmf_free(tree->keys[i].path);
  }
  vmf_free(tree->keys);
  vmf_free(tree->sorted);
  *tree = (struct hyperv_tree){0};
}

/* ---- looking ---- */

size_t hyperv_first(const struct hyperv_tree *tree, const char *path)
{
  size_t from = 0, to = tree->count;

  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (strcmp(tree->sorted[middle]->path, path) < 0)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

struct hyperv_key *hyperv_find(const struct hyperv_tree *tree, const char *path)
{
  size_t at = hyperv_first(tree, path);

  return at < tree->count && strcmp(tree->sorted[at]->path, path) == 0 ? tree->sorted[at] : NULL;
}
