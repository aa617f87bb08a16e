/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A library that is loaded when it is needed: what reads other machines brings two dozen others
 * with it, which a command that names none would pay for at its start. Private to this folder. */
#ifndef VMF_IO_LIBRARY_H
#define VMF_IO_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* One function of it. */
struct vmf_library_call {
  const char *name;
  size_t offset; /* of its pointer in the struct that has all of them */
};

/* In a struct, and in the table of its calls. */
#define VMF_LIBRARY_POINTER(name) __typeof__(name) *name;
#define VMF_LIBRARY_ROW(type, name) {#name, offsetof(type, name)},

/* Loads `file` for the rest of the process, and fills the struct `calls`. False: *why it cannot be;
 * the text stays. */
bool vmf_library_load(const char *file, const struct vmf_library_call *rows, size_t count,
                      void *calls, const char **why);

#endif
