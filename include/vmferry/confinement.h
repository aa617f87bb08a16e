/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Giving up what a process does not need, before content that strangers made is looked
 * at. The library never does it by itself. Linux: Landlock for files, seccomp for system calls; a
 * kernel may have none, one or both.
 * A part of <vmferry.h>. */
#ifndef VMFERRY_CONFINEMENT_H
#define VMFERRY_CONFINEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* What the kernel has, or what is confined by now. */
struct vmf_confinement {
  size_t size;            /* sizeof of this struct, set by the caller */
  unsigned landlock;      /* the version of Landlock's interface (ABI); 0: none */
  bool reads, writes;     /* files are opened for it below the allowed places only */
  bool calls;             /* no program, no socket, no other process; no mode changed by name */
  const char *calls_miss; /* why `calls` is false, for people; NULL: it is true. Static */
};

struct vmf_confinement_options {
  size_t size; /* sizeof of this struct, set by the caller */
  /* Names of images, packages, files and folders as the other functions take them, each list
   * ending with NULL, or NULL for none. Of a file, also one that does not exist yet, its folder is
   * allowed with all below it (and that of what a symlink leads to); a folder with all below it; a
   * device by itself. "-" is nothing, or, of what is written, the file that standard output is.
   * Descriptors that are open stay as they are. */
  const char *const *read, *const *write;
  bool read_anything;    /* what is read is not confined */
  unsigned landlock_abi; /* use no more than this version of Landlock; 0: what the kernel has */
};

/* Fills *confinement with what this kernel and this build have. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_confinement_offered(struct vmf_confinement *confinement,
                                                     struct vmf_error *error);

/* Confines the calling thread, and the threads that it starts from now on, for good. Call it while
 * there is no other thread. What the system's own libraries load late (encodings, providers of
 * OpenSSL, time zones) stays readable, and the folder for temporary files ($TMPDIR or /tmp)
 * writable. With the first version of Landlock, which cannot tell, nothing that is to write is
 * confined. A kernel without Landlock or seccomp is no error: *done, which may be NULL, says what
 * came of it. VMF_UNSUPPORTED: the kernel has it and refuses, since what confines this process
 * already does not allow more; what can be confined all the same is. */
VMF_MUST_CHECK enum vmf_code vmf_confine(const struct vmf_confinement_options *options,
                                         struct vmf_confinement *done, struct vmf_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
