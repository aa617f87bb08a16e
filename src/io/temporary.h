/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The temporary folder of an output, ".NAME.part-XXXXXX" beside the target, and the traces that
 * interrupted runs left of theirs. All by descriptors of folders: neither a change of the working
 * folder nor a long path matters. Private to this folder. */
#ifndef VMF_IO_TEMPORARY_H
#define VMF_IO_TEMPORARY_H

#include "error.h"

struct vmf_temporary {
  int beside; /* the folder that it is in; not owned */
  int folder; /* -1: none */
  int mark;   /* holds the lock on the main file, which may be closed before; -1: none */
  char name[256];
};

/* Makes the folder for a target called `target`; `path` is for messages. */
VMF_MUST_CHECK enum vmf_code vmf_temporary_make(struct vmf_temporary *temporary, int beside,
                                                const char *target, const char *path,
                                                struct vmf_error *error);

/* Closes and removes the folder, which is empty. VMF_WRITE: it stays. */
enum vmf_code vmf_temporary_remove(struct vmf_temporary *temporary, const char *path,
                                   struct vmf_error *error);

/* Marks the main file in the folder as being in use, until the folder is removed. Where there are
 * no locks, it is not marked. */
void vmf_temporary_hold(struct vmf_temporary *temporary, int main_file);

/* Tells of the temporaries of `target` in `beside` that no process holds. */
void vmf_temporary_report_stale(int beside, const char *target, const char *path,
                                const struct vmf_log *log);

/* VMF_WRITE when errno says that the disk is full or read-only, else VMF_SYSTEM. */
enum vmf_code vmf_creation_code(void);

#endif
