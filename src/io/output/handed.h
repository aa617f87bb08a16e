/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Descriptors that were open when the program was started, under the names that shells and scripts
 * have for them. Private to this folder. */
#ifndef VMF_IO_HANDED_H
#define VMF_IO_HANDED_H

#include "io.h"

/* 1 for "-" and "/dev/stdout", N for "/dev/fd/N" and "/proc/self/fd/N"; -1: the name of a file. */
int vmf_handed_output(const char *path);

/* Whether the name means standard input: "/dev/stdin" and the like, not "-". */
bool vmf_handed_is_input(const char *path);

/* An io that writes to `number`, which stays the caller's. What can only take bytes in order is
 * sequential; a regular file that is empty, at its start and not open for appending can be written
 * anywhere in it. */
VMF_MUST_CHECK enum vmf_code vmf_handed_open(int number, const char *name, bool sync,
                                             struct vmf_io **io, struct vmf_error *error);

/* Behind the `size` bytes that were written: whoever writes to `number` next goes on there. */
void vmf_handed_advance(int number, uint64_t size);

#endif
