/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What VirtualBox's import of packages knows (ovfreader.cpp). */
#ifndef VMF_OVF_VIRTUALBOX_H
#define VMF_OVF_VIRTUALBOX_H

#include <stdbool.h>

/* Whether it takes devices of that enum vmf_resource; it stops at others that are required. */
bool vmf_virtualbox_imports(unsigned type);

/* Whether it takes memory in that unit: six words, and no other that means the same. */
bool vmf_virtualbox_counts_in(const char *units);

#endif
