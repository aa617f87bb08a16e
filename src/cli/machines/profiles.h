/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * --for PLATFORM: what a platform takes decides how the target is written. */
#ifndef VMF_CLI_PROFILES_H
#define VMF_CLI_PROFILES_H

#include "settings.h"
#include "verb.h"

/* Sets format, options and compression of a single disk. VMF_USAGE: -O names another format. */
VMF_MUST_CHECK enum vmf_code vmf_profile_apply(const struct vmf_profile_info *profile,
                                               struct vmf_target_settings *target,
                                               struct vmf_error *error);

/* Makes the disk as large as the platform asks for, which is told. VMF_USAGE: it is too large. */
VMF_MUST_CHECK enum vmf_code vmf_profile_round(const struct vmf_profile_info *profile,
                                               struct vmf_image **source,
                                               const struct vmf_command *command,
                                               struct vmf_error *error);

/* All of them, a line each, on standard output. */
void vmf_profiles_print(void);

/* One of them, "esxi@7.0": what is written for it, its rules, and sources. Returns the exit status.
 */
int vmf_profile_print(const char *name);

#endif
