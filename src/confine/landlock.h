/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Landlock, Linux 5.13: a process says below which places it will open files. The C library has no
 * functions for it and the headers of a distribution know the version of their kernel only, so
 * that numbers stand in landlock.c, with the version that brought them. */
#ifndef VMF_CONFINE_LANDLOCK_H
#define VMF_CONFINE_LANDLOCK_H

#include <stdbool.h>

#include "error.h"

enum vmf_access { VMF_ACCESS_READ, VMF_ACCESS_WRITE };

/* Places under which files may be opened; the descriptor is closed with it. */
struct vmf_landlock {
  int ruleset;
  unsigned abi;
  bool reads, writes; /* are confined */
};

/* The code of an errno by which the kernel does not confine: VMF_SYSTEM, it has no memory or no
 * descriptors; VMF_UNSUPPORTED, it refuses: an older sandbox around this process does not let it be
 * made, or there are as many as can be. */
enum vmf_code vmf_refusal(int number);

/* The version that the kernel has; 0: none. */
unsigned vmf_landlock_abi(void);

/* A version that can confine what writes. Of the first one every rule, whatever it is about, keeps
 * files from being renamed into another folder, as every output is. */
enum { VMF_LANDLOCK_WRITES = 2 };

/* abi: at least 1. reads: is confined, too. network: other machines may be asked. */
VMF_MUST_CHECK enum vmf_code vmf_landlock_start(unsigned abi, bool reads, bool network,
                                                struct vmf_landlock *landlock,
                                                struct vmf_error *error);

/* Allows a file, or a folder with all below it. A path that is not there, or not
 * to be reached, is passed over. */
VMF_MUST_CHECK enum vmf_code vmf_landlock_allow(const struct vmf_landlock *landlock,
                                                const char *path, enum vmf_access access,
                                                struct vmf_error *error);

/* Closes the door. */
VMF_MUST_CHECK enum vmf_code vmf_landlock_close(struct vmf_landlock *landlock,
                                                struct vmf_error *error);
void vmf_landlock_clear(struct vmf_landlock *landlock);

#endif
