/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The temporary folder of an output, ".NAME.part-XXXXXX" beside the target, and the traces that
 * interrupted runs left of theirs. All by descriptors of folders: neither a change of the working
 * folder nor a long path matters. Private to this folder. */
#ifndef VMF_IO_TEMPORARY_H
#define VMF_IO_TEMPORARY_H

#include <sys/stat.h>

#include "error.h"
#include "output.h"
#include "vmferry.h"

struct vmf_temporary {
  int beside; /* the folder that it is in; not owned */
  int folder; /* -1: none */
  int mark;   /* holds the lock on the main file, which may be closed before; -1: none */
  char name[256];
};

/* Makes the folder for a target called `target`, and in it the main file of that name: *main_file
 * is open for reading and writing, and locked until the folder is removed, so that everybody sees
 * that it is in use. Where there are no locks, it is not locked. `path` is for messages. */
VMF_MUST_CHECK enum vmf_code vmf_temporary_make(struct vmf_temporary *temporary, int beside,
                                                const char *target, const char *path,
                                                int *main_file, struct vmf_error *error);

/* Closes and removes the folder, which is empty. VMF_WRITE: it stays. */
enum vmf_code vmf_temporary_remove(struct vmf_temporary *temporary, const char *path,
                                   struct vmf_error *error);

/* What a run notes there: the names begin so. */
#define VMF_TEMPORARY_NOTES ".vmferry-"

/* What an interrupted run had done, so that another can go on with it, stands there under this name
 * (copy/journal/journal.h). */
#define VMF_TEMPORARY_JOURNAL VMF_TEMPORARY_NOTES "journal"

struct vmf_clearing {
  bool allowed;              /* that a run is at work on the target */
  bool resumes;              /* what has a journal is taken up, and not told of */
  const struct vmf_log *log; /* or NULL */
};

/* Removes the temporaries of `target` in `beside` that no process holds, and tells of them; those
 * that it may not remove, and those with a journal, are only told of. VMF_IN_USE: a run is at work
 * on the target, unless that is allowed. */
VMF_MUST_CHECK enum vmf_code vmf_temporary_clear(int beside, const char *target, const char *path,
                                                 const struct vmf_clearing *how,
                                                 struct vmf_error *error);

/* VMF_IN_USE: a run is at work on the target, and replaces it in the end. Removes nothing. */
VMF_MUST_CHECK enum vmf_code vmf_temporary_check(int beside, const char *target, const char *path,
                                                 struct vmf_error *error);

/* As vmf_temporary_make, with the folder that an interrupted run left, and its journal; of several
 * that with the latest. *main_file < 0: there is none that can be had alone. */
void vmf_temporary_adopt(struct vmf_temporary *temporary, int beside, const char *target,
                         int *main_file);

/* Nobody else can have put there what stands in it. */
bool vmf_temporary_is_ours(const struct stat *status);

/* That journal, open for reading; -1: there is none. */
int vmf_temporary_peek(int beside, const char *target);

/* All temporaries in `folder`, of any target. remove: those that nobody holds, with a journal or
 * without. */
typedef void vmf_temporary_visitor(void *data, const char *name, uint64_t bytes,
                                   enum vmf_leftover_state state);
void vmf_temporary_each(int folder, bool remove, vmf_temporary_visitor *visit, void *data);

/* Closes the folder, and leaves it to another run. */
void vmf_temporary_leave(struct vmf_temporary *temporary);

/* A file in `folder` that has no name, open for reading and writing: it goes with its last
 * descriptor, however the process ends. */
VMF_MUST_CHECK enum vmf_code vmf_temporary_unnamed(const char *folder, int *number,
                                                   struct vmf_error *error);

#endif
