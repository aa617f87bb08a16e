/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Who asks an object store, where it is, and in which region, as the AWS tools find it: what the
 * caller says, the environment, ~/.aws/credentials, ~/.aws/config, and what gives keys for
 * a web identity, to a container or an instance. Private to this folder, but
 * for the names of the files. */
#ifndef VMF_IO_REMOTE_AWS_CREDENTIALS_H
#define VMF_IO_REMOTE_AWS_CREDENTIALS_H

#include <stdbool.h>

#include "error.h"

struct vmf_aws_credentials {
  char *id, *secret; /* owned; NULL: nothing is signed */
  char *token;       /* owned; or NULL */
  char *region;      /* owned */
  char *endpoint;    /* owned, without '/' at its end; NULL: that of AWS */
};

/* name: of what is opened, for messages. VMF_SYSTEM: nobody says who asks. The files are read each
 * time. */
VMF_MUST_CHECK enum vmf_code vmf_aws_credentials_find(const char *name,
                                                      struct vmf_aws_credentials *found,
                                                      struct vmf_error *error);
void vmf_aws_credentials_clear(struct vmf_aws_credentials *credentials);

enum { VMF_AWS_FILES = 4 };

/* The files of credentials, of the configuration, and of tokens for keys that are given: fresh
 * strings, or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_aws_files(char *paths[VMF_AWS_FILES], struct vmf_error *error);

#endif
