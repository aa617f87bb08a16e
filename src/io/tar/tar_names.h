/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which names the members of an archive may have: those that every reader makes the same file of.
 */
#ifndef VMF_IO_TAR_NAMES_H
#define VMF_IO_TAR_NAMES_H

#include "tar.h"

/* A file or folder of an archive. */
struct vmf_tar_name {
  char *name;      /* without a leading "./" and, of a folder, without the "/" at the end */
  uint64_t header; /* where its (first) header starts, for messages */
  bool folder;
};

/* A name without the leading "./", if it has one. */
const char *vmf_tar_strip(const char *name);

/* What is wrong with a name for some reader ("is absolute"), or NULL; it is not empty. */
const char *vmf_tar_name_fault(const char *name);

/* A name that is safe and the same to all readers, "./" and a folder's "/" taken off before;
 * header: the place of the member's header, for the message. */
VMF_MUST_CHECK enum vmf_code vmf_tar_check_name(const char *archive, uint64_t header,
                                                const char *name, struct vmf_error *error);

/* No two of one name, whatever the case of its letters and the normal form, and no file where
 * another one needs a folder. The headers of names that are yet to be written are 0. */
VMF_MUST_CHECK enum vmf_code vmf_tar_check_clashes(const char *archive,
                                                   const struct vmf_tar_name *names, size_t count,
                                                   struct vmf_error *error);

#endif
