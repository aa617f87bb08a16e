/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a conversion did to a machine, for people. */
#ifndef VMF_CLI_LOSS_GLANCE_H
#define VMF_CLI_LOSS_GLANCE_H

#include "vmferry.h"

/* Prints the tree of vmf_machine_target_options.losses on standard error: a line for all that the
 * guest or its owner may notice, and how many fields there are beyond. listed: all are in a file.
 */
void vmf_loss_glance(const struct vmf_value *losses, bool listed);

#endif
