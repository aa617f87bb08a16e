/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An image that is named in JSON: file and format. */
#ifndef VMF_IMAGE_JSON_SOURCE_H
#define VMF_IMAGE_JSON_SOURCE_H

#include "image.h"
#include "json_name.h"

/* What vmf_json_name_read gives, where `given` (or NULL) is what the format is said to be besides:
 * VMF_USAGE when they are two. *format: the one that was told, or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_json_source_read(const char *name, const char *given, char **path,
                                                  char **format, struct vmf_error *error);

#endif
