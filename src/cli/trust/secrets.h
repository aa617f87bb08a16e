/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The secrets of encrypted disks that a command line names. */
#ifndef VMF_CLI_SECRETS_H
#define VMF_CLI_SECRETS_H

#include "verb.h"

/* Reads what --secret-file and --secret-fd name into command->secrets, all of its bytes. From then
 * on the process leaves no core dump, and no other process of the user looks into it. target: what
 * is written, which none of these is; or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_secrets_read(struct vmf_command *command, const char *target,
                                              struct vmf_error *error);

/* Gives `to`, which has none yet, a copy of those that open what `from` reads. */
VMF_MUST_CHECK enum vmf_code vmf_secrets_share(const struct vmf_command *from,
                                               struct vmf_command *to, struct vmf_error *error);

/* "encrypt.key-secret=ID" of -o names the secret of the target; it is taken out of `options`. */
VMF_MUST_CHECK enum vmf_code vmf_secrets_target(struct vmf_command *command, char *options,
                                                struct vmf_error *error);

/* Nothing of them stays in memory. */
void vmf_secrets_forget(struct vmf_command *command);

#endif
