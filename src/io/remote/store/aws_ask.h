/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Keys that are given to what runs on a machine: by AWS's token service (STS) for the token of a
 * web identity (EKS, CI), by the agent of a container (ECS, EKS), or by the metadata service of an
 * instance (IMDSv2). Nobody is asked whom the environment does not name.
 * Private to this folder. */
#ifndef VMF_IO_REMOTE_AWS_ASK_H
#define VMF_IO_REMOTE_AWS_ASK_H

#include <stdbool.h>

#include "error.h"

/* The environment variables of files with tokens for that, which are to be readable. */
#define VMF_AWS_TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define VMF_AWS_IDENTITY_FILE "AWS_WEB_IDENTITY_TOKEN_FILE"

struct vmf_aws_keys {
  char *id, *secret, *token; /* owned; NULL: not given */
};

/* Whether the environment names a web identity, whose keys go before those of profiles; and whether
 * it names what is asked behind them. */
bool vmf_aws_has_identity(void);
bool vmf_aws_may_ask(void);
/* Asks the first of these that there is. name: of what is opened, for messages; region: whose token
 * service is asked. VMF_SYSTEM: no keys are given. */
VMF_MUST_CHECK enum vmf_code vmf_aws_ask(const char *name, const char *region,
                                         struct vmf_aws_keys *keys, struct vmf_error *error);

#endif
