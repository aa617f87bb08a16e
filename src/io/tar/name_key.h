/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Names that file systems of Windows and macOS take for one: equal but for case, or for the Unicode
 * normal form. Two such names have one key. The key of names that may be in different normal forms
 * is loose: a few different names have one, too. */
#ifndef VMF_IO_TAR_NAME_KEY_H
#define VMF_IO_TAR_NAME_KEY_H

#include <stdbool.h>

#include "error.h"

struct vmf_name_keys;

/* Whether the name (UTF-8) has characters that another normal form would not have; where one of the
 * names that are compared has, all need loose keys. */
bool vmf_name_needs_loose_key(const char *name);

VMF_MUST_CHECK enum vmf_code vmf_name_keys_new(bool loose, struct vmf_name_keys **keys,
                                               struct vmf_error *error);
void vmf_name_keys_free(struct vmf_name_keys *keys); /* NULL is allowed */

/* The key of a name (UTF-8), a fresh string. A "/" stays one. */
VMF_MUST_CHECK enum vmf_code vmf_name_key(const struct vmf_name_keys *keys, const char *name,
                                          char **key, struct vmf_error *error);

#endif
