/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files that are hashed only while they are copied: what the manifest says of them is kept until
 * then. */
#ifndef VMF_PACKAGE_VERIFY_OWED_H
#define VMF_PACKAGE_VERIFY_OWED_H

#include "hash_io.h"
#include "manifest.h"
#include "uses.h"

struct vmf_owed_digest {
  struct vmf_stored_key key;
  struct vmf_manifest_entry entry; /* its name is owned */
};

struct vmf_owed {
  struct vmf_uses files; /* sorted before anything is asked */
  struct vmf_owed_digest *digests;
  size_t count, capacity;
};

VMF_MUST_CHECK enum vmf_code vmf_owed_add(struct vmf_owed *owed, const struct vmf_stored_key *key,
                                          const struct vmf_manifest_entry *entry,
                                          struct vmf_error *error);
void vmf_owed_clear(struct vmf_owed *owed);

/* Adds the kinds of digest that the manifest has of a file. */
void vmf_owed_wanted(const struct vmf_owed *owed, const struct vmf_stored_key *key,
                     bool wanted[VMF_DIGEST_KINDS]);

/* Tells which of them are wrong. */
void vmf_owed_check(const struct vmf_owed *owed, const struct vmf_stored_key *key,
                    uint8_t digests[VMF_DIGEST_KINDS][VMF_DIGEST_MAX], struct vmf_report *report);

#endif
