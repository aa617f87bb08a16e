/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_package_sign and vmf_package_edit: what checking and making the texts and putting
 * them in place share. */
#ifndef VMF_PACKAGE_SIGN_SIGNING_H
#define VMF_PACKAGE_SIGN_SIGNING_H

#include "hash_stored.h"
#include "name_list.h"
#include "package.h"
#include "replacing.h"

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
  enum vmf_digest_kind kind; /* of the signature */
  bool descriptor_changed;   /* package->descriptor is not what is stored */
  void *old_descriptor;      /* then: that is; owned */
  size_t old_descriptor_length;
  struct vmf_replacing replacing; /* of the archive or the descriptor, while it is replaced */
  const char *output;             /* the archive is written there; NULL: it is replaced */
  struct vmf_names dropped;       /* files that are not passed on; sorted */
  uint64_t done, total;           /* bytes copied */
  struct vmf_renewal *renewal;    /* NULL: the manifest counts, and must be right */
};

/* Opens the package and names its texts; what cannot be replaced is refused. target and report are
 * set. Closed also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_signing_open(struct vmf_signing *signing, const char *path,
                                              struct vmf_error *error);
void vmf_signing_close(struct vmf_signing *signing);

/* Sets signing->files to what References says. */
VMF_MUST_CHECK enum vmf_code vmf_signing_collect(struct vmf_signing *signing,
                                                 struct vmf_error *error);

/* Lets the package through its gate. signed_: what is signed has all that its disks are read from
 * in References. */
VMF_MUST_CHECK enum vmf_code vmf_signing_check(struct vmf_signing *signing, bool signed_,
                                               struct vmf_error *error);

/* Sets the manifest to one of the descriptor and signing->files. */
VMF_MUST_CHECK enum vmf_code vmf_signing_list(struct vmf_signing *signing,
                                              enum vmf_digest_kind kind, struct vmf_error *error);

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
