/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of vmf_package_sign: what checking and making the texts and putting them in place share.
 */
#ifndef VMF_PACKAGE_SIGN_SIGNING_H
#define VMF_PACKAGE_SIGN_SIGNING_H

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
  enum vmf_digest_kind kind; /* of the signature */
  uint64_t done, total;      /* bytes copied */
};

/* Counts bytes; VMF_CANCELLED. */
VMF_MUST_CHECK enum vmf_code vmf_signing_advance(struct vmf_signing *signing, uint64_t bytes,
                                                 struct vmf_error *error);

/* Puts the texts in their place, all or nothing. */
VMF_MUST_CHECK enum vmf_code vmf_signing_place(struct vmf_signing *signing,
                                               struct vmf_error *error);

#endif
