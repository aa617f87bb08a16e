/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#ifndef VMF_BASE_ZERO_H
#define VMF_BASE_ZERO_H

#include <stdbool.h>
#include <stddef.h>

/* Whether all `length` bytes are zero; stops at the first that is not. Any alignment, any thread.
 */
bool vmf_is_zero(const void *data, size_t length);

#endif
