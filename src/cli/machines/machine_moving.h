/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines that go from one format into another, and what is told of it. */
#ifndef VMF_CLI_MACHINE_MOVING_H
#define VMF_CLI_MACHINE_MOVING_H

#include "packaging.h"

/* Whether operand 0 is a machine, and operand 1 one in another format: by its suffix, by
 * settings->format, or by "-O ova". A package that becomes a package is none. */
bool vmf_moving_is_wanted(const struct vmf_packaging *packaging,
                          const struct vmf_move_settings *settings);

/* Whether -O or --machine names a package or a machine as what is written. */
bool vmf_moving_is_named(const char *format, const struct vmf_move_settings *settings);

/* Writes operand 0 as operand 1. */
VMF_MUST_CHECK enum vmf_code vmf_moving_run(const struct vmf_packaging *packaging,
                                            const struct vmf_move_settings *settings,
                                            struct vmf_error *error);

#endif
