/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The digests of the files of a package as they are stored. */
#ifndef VMF_PACKAGE_VERIFY_HASH_STORED_H
#define VMF_PACKAGE_VERIFY_HASH_STORED_H

#include "hash_io.h"
#include "uses.h"

struct vmf_hash_stored {
  struct vmf_package *package;
  struct vmf_hashed *files;    /* by their names; what is wrong with one is kept in it */
  struct vmf_stored_key *keys; /* of what was hashed, one for each file; NULL: not wanted */
  size_t count;
  bool unchanged; /* a file that was written to while it was hashed is an error of that file */
  unsigned threads;
  struct vmf_crew *crew; /* or NULL: so many threads of its own */
  const struct vmf_cancel *cancel;
  void (*progress)(void *data, uint64_t done, uint64_t total); /* bytes; or NULL */
  void *progress_data;
  const struct vmf_log *log;
};

VMF_MUST_CHECK enum vmf_code vmf_hash_stored(const struct vmf_hash_stored *stored,
                                             struct vmf_error *error);

#endif
