/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * --object secret,id=ID,file=FILE: a secret as qemu-img is told of it. Images name it by ID. */
#ifndef VMF_CLI_SECRET_OBJECT_H
#define VMF_CLI_SECRET_OBJECT_H

#include "verb.h"

/* What `text` says; *id and *file are fresh strings, which the caller frees, also after a failure.
 * VMF_USAGE never repeats a value: it may be the secret. */
VMF_MUST_CHECK enum vmf_code vmf_secret_object(const char *text, char **id, char **file,
                                               struct vmf_error *error);

/* *index: which of command->objects is the secret that "key-secret=ID" names. VMF_USAGE: none. */
VMF_MUST_CHECK enum vmf_code vmf_secret_object_find(const struct vmf_command *command,
                                                    const char *id, size_t *index,
                                                    struct vmf_error *error);

#endif
