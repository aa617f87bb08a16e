/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * --image-opts: an image is named as qemu's options do, "driver=qcow2,file.filename=disk.qcow2". It
 * is another way to write a name in JSON. */
#ifndef VMF_CLI_IMAGE_OPTS_H
#define VMF_CLI_IMAGE_OPTS_H

#include "verb.h"

/* "key-secret=ID" has to name one of command->objects, each of which is tried on every image.
 * *name: a fresh string, "json:{...}"; the caller frees it, also after a failure. */
VMF_MUST_CHECK enum vmf_code vmf_image_opts_name(const struct vmf_command *command,
                                                 const char *text, char **name,
                                                 struct vmf_error *error);

#endif
