/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Work that the caller may ask to stop. */
#ifndef VMF_BASE_CANCEL_H
#define VMF_BASE_CANCEL_H

#include "error.h"

/* VMF_CANCELLED once the caller asks for it. cancel: or NULL. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_cancelled(const struct vmf_cancel *cancel,
                                           struct vmf_error *error);

#endif
