/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The digests of whole files: each is read once, several beside each other, and any thread reads on
 * while another hashes what was read. */
#ifndef VMF_COPY_HASH_IO_H
#define VMF_COPY_HASH_IO_H

#include <stdbool.h>

#include "crew.h"
#include "digest.h"
#include "io.h"

enum { VMF_DIGEST_KINDS = 3 };

struct vmf_hashed {
  const char *name;              /* for the one who opens it; not owned */
  bool wanted[VMF_DIGEST_KINDS]; /* by enum vmf_digest_kind */
  /* once it is done */
  uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX];
  uint64_t size;          /* bytes hashed */
  struct vmf_error error; /* code not VMF_OK: it could not be opened or read */
};

/* All calls are made on the caller's thread. */
struct vmf_hashing {
  struct vmf_hashed *files;
  size_t count;
  /* open: an io to read from its first byte to its last, when its turn has come. close: that is
   * done; also where reading failed. */
  enum vmf_code (*open)(void *data, struct vmf_hashed *file, struct vmf_io **io,
                        struct vmf_error *error);
  enum vmf_code (*close)(void *data, struct vmf_hashed *file, struct vmf_io *io,
                         struct vmf_error *error);
  void (*progress)(void *data, uint64_t bytes); /* so many more are hashed; or NULL */
  void *data;
  const struct vmf_cancel *cancel; /* or NULL */
};

/* What is wrong with one file is kept in it; VMF_NOMEM and VMF_CANCELLED are errors. */
VMF_MUST_CHECK enum vmf_code vmf_hash_files(struct vmf_crew *crew,
                                            const struct vmf_hashing *hashing,
                                            struct vmf_error *error);

/* The digest of all of an io. cancel: or NULL. */
VMF_MUST_CHECK enum vmf_code vmf_hash_io(struct vmf_crew *crew, struct vmf_io *io,
                                         enum vmf_digest_kind kind, const struct vmf_cancel *cancel,
                                         uint8_t result[VMF_DIGEST_MAX], struct vmf_error *error);

#endif
