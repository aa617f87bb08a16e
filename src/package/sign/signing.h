/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_package_sign: what checking and making the texts and putting them in place share.
 */
#ifndef VMF_PACKAGE_SIGN_SIGNING_H
#define VMF_PACKAGE_SIGN_SIGNING_H

#include "hash_stored.h"
#include "package.h"

/* Names in the order of their files. */
struct vmf_signing_names {
  char **names;
  size_t count, capacity;
};

struct vmf_signing {
  const struct vmf_package_target *target;
  struct vmf_report report;
  struct vmf_package *package;
  struct vmf_signing_names files; /* of References, each once; without descriptor */
  char *manifest_name, *manifest_text;
  size_t manifest_length;
  bool manifest_changed;                     /* it is new, or written anew */
  char *certificate_name, *certificate_text; /* text NULL: takes the certificate away */
  size_t certificate_length;
  enum vmf_digest_kind kind;   /* of the signature */
  uint64_t done, total;        /* bytes copied */
  struct vmf_renewal *renewal; /* NULL: the manifest counts, and must be right */
};

/* Adds a copy to signing->files. VMF_LIMIT: there are too many. */
VMF_MUST_CHECK enum vmf_code vmf_signing_add_name(struct vmf_signing *signing, const char *name,
                                                  struct vmf_error *error);

/* Keeps the first of several equal names, and none of descriptor, manifest and certificate. */
VMF_MUST_CHECK enum vmf_code vmf_signing_drop_repeated(struct vmf_signing *signing,
                                                       struct vmf_error *error);

/* The wanted digests of signing->files, which are named. What is wrong with one is kept in it. */
VMF_MUST_CHECK enum vmf_code vmf_signing_hash(struct vmf_signing *signing, struct vmf_hashed *files,
                                              struct vmf_error *error);

/* begin: reads the old manifest, and adds what it lists to signing->files. renew: sets the manifest
 * to one of what the files are now; kind: its digest, where neither the target nor the old one
 * says. keep_certificate: sets the certificate to the old one if it is right for the manifest.
 * tell: what was changed, as notes. end: frees; without begin nothing. */
VMF_MUST_CHECK enum vmf_code vmf_signing_begin_renewal(struct vmf_signing *signing,
                                                       struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_signing_renew(struct vmf_signing *signing,
                                               enum vmf_digest_kind kind, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_signing_keep_certificate(struct vmf_signing *signing,
                                                          struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_signing_tell_renewal(struct vmf_signing *signing,
                                                      struct vmf_error *error);
void vmf_signing_end_renewal(struct vmf_signing *signing);

/* Counts bytes; VMF_CANCELLED. */
VMF_MUST_CHECK enum vmf_code vmf_signing_advance(struct vmf_signing *signing, uint64_t bytes,
                                                 struct vmf_error *error);

/* Puts the texts in their place, all or nothing. */
VMF_MUST_CHECK enum vmf_code vmf_signing_place(struct vmf_signing *signing,
                                               struct vmf_error *error);

#endif
