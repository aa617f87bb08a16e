/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which version this is. The macros are those of the header that a program is compiled with, the
 * functions those of the library that it runs with. A part of <vmferry.h>. */
#ifndef VMFERRY_VERSION_H
#define VMFERRY_VERSION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define VMF_VERSION_MAJOR 0
#define VMF_VERSION_MINOR 2
#define VMF_VERSION_PATCH 0
#define VMF_VERSION "0.2.0"

/* For comparing: #if VMF_VERSION_NUMBER >= VMF_VERSION_MAKE(0, 2, 0). Each part below 1000. */
#define VMF_VERSION_MAKE(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define VMF_VERSION_NUMBER VMF_VERSION_MAKE(VMF_VERSION_MAJOR, VMF_VERSION_MINOR, VMF_VERSION_PATCH)

/* "1.2.3". Any thread. */
const char *vmf_version(void);

/* The same as VMF_VERSION_NUMBER makes one. Any thread. */
unsigned vmf_version_number(void);

/* A library that this one was built with, or can be, by index, for people; NULL behind the last.
 * *version: NULL where it was left out. *purpose: what is slower without it, or is not there. Both
 * may be NULL; the strings stay; any thread. */
const char *vmf_library_name(size_t index, const char **version, const char **purpose);

/* How this processor hashes the blocks of a checksum, for people: "AVX2, 8 blocks at once". Never
 * NULL, stays; any thread. */
const char *vmf_sha256_method_name(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
