/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Building the tree of named values (struct vmf_value) that `info` reports. Keys are qemu-img's
 * where it has one. */
#ifndef VMF_BASE_VALUE_H
#define VMF_BASE_VALUE_H

#include "error.h"

/* Each appends one child to `parent` (an OBJECT, or a LIST: then name is NULL) and copies its
 * strings. `child` receives the new node for OBJECT and LIST. The tree is owned by its root. */
VMF_MUST_CHECK enum vmf_code vmf_value_new(struct vmf_value **root,
                                           struct vmf_error *error); /* an OBJECT */
VMF_MUST_CHECK enum vmf_code vmf_value_add(struct vmf_value *parent, enum vmf_value_kind kind,
                                           const char *name, struct vmf_value **child,
                                           struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_value_text(struct vmf_value *parent, const char *name,
                                            const char *text, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_value_uint(struct vmf_value *parent, const char *name,
                                            uint64_t number, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_value_bool(struct vmf_value *parent, const char *name, bool value,
                                            struct vmf_error *error);
/* In place of a text that is a secret, NULL: of none: that it is hidden, and its length in bytes.
 */
VMF_MUST_CHECK enum vmf_code vmf_value_hidden(struct vmf_value *parent, const char *secret,
                                              struct vmf_error *error);
/* Why the parent cannot be told of, as "error". What says nothing of it (no memory, cancelled) is
 * returned instead. */
VMF_MUST_CHECK enum vmf_code vmf_value_failure(struct vmf_value *parent,
                                               const struct vmf_error *failure,
                                               struct vmf_error *error);

/* The child of that name; NULL: there is none, or no value. */
const struct vmf_value *vmf_value_member(const struct vmf_value *value, const char *name);

#endif
