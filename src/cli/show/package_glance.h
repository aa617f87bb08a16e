/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package at a glance, for people. */
#ifndef VMF_CLI_PACKAGE_GLANCE_H
#define VMF_CLI_PACKAGE_GLANCE_H

#include "vmferry.h"

/* Prints the tree that vmf_package_info made. */
void vmf_package_glance(const struct vmf_value *info);

#endif
