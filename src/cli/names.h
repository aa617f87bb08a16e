/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the names on a command line mean. */
#ifndef VMF_CLI_NAMES_H
#define VMF_CLI_NAMES_H

#include "verb.h"

/* *name becomes the plain path that it means (see vmf_location_resolve), a string that lives as
 * long as the settings. NULL stays. */
VMF_MUST_CHECK enum vmf_code vmf_names_resolve(struct vmf_settings *settings, const char **name,
                                               bool source, struct vmf_error *error);

/* The same for operands: the first `sources` as sources, `targets` behind them as targets. */
VMF_MUST_CHECK enum vmf_code vmf_names_operands(struct vmf_settings *settings, int sources,
                                                int targets, struct vmf_error *error);

#endif
