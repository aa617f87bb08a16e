/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which files of a folder make up the schema of a namespace. */
#ifndef VMF_OVF_RULES_SCHEMA_FILES_H
#define VMF_OVF_RULES_SCHEMA_FILES_H

#include "error.h"

struct vmf_schema_file {
  char *path, *uri; /* uri: what it is for; NULL: no namespace */
  bool visited;
};

struct vmf_schema_files {
  const char *folder;           /* not owned */
  struct vmf_schema_file *list; /* a file stands behind those that it imports */
  size_t count, capacity;
  /* all schemas of the folder and of the folders below it; made on the way */
  struct vmf_schema_file *found;
  size_t found_count, found_capacity;
};

/* The envelope schema for `uri`, and what it imports. Only files in the folder and the folders
 * below it are read. VMF_SYSTEM: there is none, one that it needs is not there, or it cannot be
 * read. Cleared by the caller, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_schema_files_find(struct vmf_schema_files *files, const char *uri,
                                                   struct vmf_error *error);
void vmf_schema_files_clear(struct vmf_schema_files *files);

#endif
