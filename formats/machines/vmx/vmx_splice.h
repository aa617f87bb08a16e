/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Changes of a .vmx: a value takes the place of another one in its line, a line goes, or one comes
 * at the end; all other bytes stay. */
#ifndef VMX_SPLICE_H
#define VMX_SPLICE_H

#include "vmx_text.h"

struct vmx_change {
  char *value;  /* in the encoding of the file, with quotes; owned; NULL: it stays */
  bool dropped; /* its line goes */
};

struct vmx_added {
  char *key, *value; /* owned */
};

struct vmx_splice {
  struct vmx_text text; /* as it was */
  const char *bytes;    /* not owned, as it was */
  size_t length;
  struct vmx_change *changes; /* of text.settings; owned */
  struct vmx_added *added;
  size_t added_count, added_room;
};

/* Fills *splice, which is all zeros; cleared by the caller, also after a failure. */
VMF_MUST_CHECK enum vmf_code vmx_splice_begin(struct vmx_splice *splice, const char *name,
                                              const void *bytes, size_t length,
                                              struct vmf_error *error);
void vmx_splice_clear(struct vmx_splice *splice);

/* The value of a key, printf: a later one counts. VMF_USAGE: the file's encoding does not have it.
 */
VMF_MUST_CHECK enum vmf_code vmx_splice_set(struct vmx_splice *splice, struct vmf_error *error,
                                            const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* All lines of a key, or of all keys that begin with DEVICE and a dot. */
void vmx_splice_drop(struct vmx_splice *splice, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void vmx_splice_drop_device(struct vmx_splice *splice, const char *device);

/* A fresh text with a NUL behind. */
VMF_MUST_CHECK enum vmf_code vmx_splice_apply(const struct vmx_splice *splice, char **text,
                                              size_t *length, struct vmf_error *error);

#endif
