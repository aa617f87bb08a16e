/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines at a glance, and what a conversion did to one, for people. */
#ifndef VMF_CLI_MACHINE_GLANCE_H
#define VMF_CLI_MACHINE_GLANCE_H

#include "vmferry.h"

/* Prints the tree that vmf_machines_info made. */
void vmf_machine_glance(const struct vmf_value *info);

#endif
