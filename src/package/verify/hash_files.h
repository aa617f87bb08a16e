/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Digests of the files of a package, several files at a time. */
#ifndef VMF_PACKAGE_VERIFY_HASH_FILES_H
#define VMF_PACKAGE_VERIFY_HASH_FILES_H

#include "uses.h"

enum { VMF_DIGEST_KINDS = 3 };

struct vmf_hash_file {
  const char *name;              /* as it is stored; not owned */
  bool wanted[VMF_DIGEST_KINDS]; /* by enum vmf_digest_kind */
  /* once it is done */
  uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX];
  uint64_t size;             /* bytes hashed */
  struct vmf_stored_key key; /* of what was hashed */
  struct vmf_error error;    /* code not VMF_OK: it could not be read */
};

/* Reads every file once, to its end. What is wrong with one file is kept in it; VMF_NOMEM,
 * VMF_CANCELLED and threads that cannot be started are errors. Of `check` only threads, progress
 * and cancel count. */
VMF_MUST_CHECK enum vmf_code vmf_hash_files(struct vmf_package *package,
                                            struct vmf_hash_file *files, size_t count,
                                            const struct vmf_package_check *check,
                                            struct vmf_error *error);

#endif
