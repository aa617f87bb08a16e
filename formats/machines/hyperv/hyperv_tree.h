/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a configuration of Hyper-V holds, whether it came as a VMCX or as XML: a tree of keys. Each
 * is found by its path below the root ("settings/memory/bank/size"), and marked when it has its
 * place in the machine, so that what is left can be told. */
#ifndef FORMATS_HYPERV_HYPERV_TREE_H
#define FORMATS_HYPERV_HYPERV_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
  HYPERV_KEYS = 1 << 16,
  HYPERV_DEPTH = 32,
  HYPERV_PATHS = 16 << 20, /* bytes of all paths together */
};

#define HYPERV_ROOT SIZE_MAX /* parent of the root element, whose name is in no path */

struct hyperv_key {
  size_t parent;  /* index in the tree */
  char *name;     /* owned */
  char *value;    /* owned; as text: "1024", "True"; bytes as hexadecimal digits; NULL: a node */
  uint32_t order; /* among keys of one parent */
  unsigned line;  /* of XML; 0: of a VMCX */
  char *path;     /* owned; of the second key of a name and parent: "a/name[1]"; "": the root */
  bool taken;     /* it has its place in the machine */
};

struct hyperv_tree {
  const char *file; /* name, for messages; not owned */
  struct hyperv_key *keys;
  size_t count, room;
  struct hyperv_key **sorted; /* by path; once it is finished */
};

/* Copies name and value. A name is text without control characters and "/"; VMF_CORRUPT: another
 * one. VMF_LIMIT: more than HYPERV_KEYS. */
VMF_MUST_CHECK enum vmf_code hyperv_tree_add(struct hyperv_tree *tree, const struct hyperv_key *key,
                                             size_t *index, struct vmf_error *error);

/* When all have been added and their parents are known. VMF_CORRUPT: a parent that is none, or is
 * below its child; VMF_LIMIT. */
VMF_MUST_CHECK enum vmf_code hyperv_tree_finish(struct hyperv_tree *tree, struct vmf_error *error);
void hyperv_tree_clear(struct hyperv_tree *tree);

/* ---- of one that is finished ---- */

/* The key of that path; NULL: none. */
struct hyperv_key *hyperv_find(const struct hyperv_tree *tree, const char *path);

/* The first in `sorted` whose path is not before `path`: those that begin with it follow. */
size_t hyperv_first(const struct hyperv_tree *tree, const char *path);

#endif
