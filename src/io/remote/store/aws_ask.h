/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Keys that the machine gives to what runs on it: the agent of a container (ECS, EKS), or the
 * metadata service of an instance (IMDSv2). Nobody is asked whom the environment does not name.
 * Private to this folder. */
#ifndef VMF_IO_REMOTE_AWS_ASK_H
#define VMF_IO_REMOTE_AWS_ASK_H

#include <stdbool.h>

#include "error.h"

/* The environment variable of a file with a token for that, which is to be readable. */
#define VMF_AWS_TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

struct vmf_aws_keys {
  char *id, *secret, *token; /* owned; NULL: not given */
};

/* Whether the environment names somebody. */
bool vmf_aws_may_ask(void);
/* name: of what is opened, for messages. VMF_SYSTEM: no keys are given. */
VMF_MUST_CHECK enum vmf_code vmf_aws_ask(const char *name, struct vmf_aws_keys *keys,
                                         struct vmf_error *error);

#endif
