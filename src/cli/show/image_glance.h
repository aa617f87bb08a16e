/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An image at a glance, for people: in the words and the order of qemu-img where both say it. */
#ifndef VMF_CLI_IMAGE_GLANCE_H
#define VMF_CLI_IMAGE_GLANCE_H

#include "vmferry.h"

/* Prints the tree that vmf_image_info made. */
void vmf_image_glance(const struct vmf_value *info);

#endif
