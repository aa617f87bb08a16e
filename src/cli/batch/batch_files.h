/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The files that a job read and made, each as a field of text:
 *
 *   r SIZE MTIME CTIME INODE PATH    was read
 *   w SIZE MTIME 0 INODE PATH        was made
 *
 * with times in nanoseconds, and a path in which "\\", "\t" and "\n" stand for such characters. The
 * ctime of what was made may move: it gets another owner. */
#ifndef VMF_CLI_BATCH_FILES_H
#define VMF_CLI_BATCH_FILES_H

#include "batch.h"

/* Whether the first `count` operands name files and folders, or nothing yet: of what is none (a
 * device, a pipe, a URL) nothing tells that it has changed. */
bool vmf_batch_only_files(const struct vmf_words *operands, size_t count);

/* A file that the job read, with its status when it was opened; NULL: one that it made. */
void vmf_batch_file_add(struct vmf_batch_files *files, const char *path, const struct stat *status);

/* Any regular file with what is known of it. */
void vmf_batch_file_note(struct vmf_batch_files *files, const char *path, const struct stat *status,
                         bool made);

/* Those that the options of its command name. */
void vmf_batch_files_of_options(struct vmf_batch_files *files, const struct vmf_verb *verb,
                                const struct vmf_command *command);

/* Each of them once, in one order. */
void vmf_batch_files_sort(struct vmf_batch_files *files);

/* What a field tells. */
struct vmf_batch_file {
  char *path; /* the caller frees it */
  bool made;
  long long size, changed; /* bytes; nanoseconds */
};

/* False: the field is damaged, or there is no memory; the path is NULL. */
bool vmf_batch_file_parse(const char *field, size_t length, struct vmf_batch_file *file);

/* What has become of the file. */
enum vmf_file_found { VMF_FILE_SAME, VMF_FILE_CHANGED, VMF_FILE_MISSING };
enum vmf_file_found vmf_batch_file_look(const struct vmf_batch_file *file, const char *field,
                                        size_t length);

#endif
