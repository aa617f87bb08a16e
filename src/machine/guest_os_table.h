/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The rows behind guest_os.h. */
#ifndef VMF_MACHINE_GUEST_OS_TABLE_H
#define VMF_MACHINE_GUEST_OS_TABLE_H

#include <stddef.h>

#include "guest_os.h"

extern const struct vmf_guest_os vmf_guest_os_table[];
extern const size_t vmf_guest_os_count;

#endif
