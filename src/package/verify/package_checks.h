/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The parts of the verification of a package. */
#ifndef VMF_PACKAGE_VERIFY_PACKAGE_CHECKS_H
#define VMF_PACKAGE_VERIFY_PACKAGE_CHECKS_H

#include "name_list.h"
#include "owed.h"
#include "package.h"
#include "uses.h"

/* A References/File as it is stored. */
struct vmf_checked_file {
  char **names; /* owned; NULL: it is not there, or may not be opened: has been told */
  size_t count;
  bool found;
};

struct vmf_verification {
  struct vmf_package *package;
  const struct vmf_package_check *check;
  struct vmf_package_verdict *verdict;
  struct vmf_report *report;
  struct vmf_checked_file *files; /* one for each of package->ovf->files */
  struct vmf_names stored;        /* sorted: every name that References leads to */
  struct vmf_uses uses;           /* what the disks that could be opened are read from */
  /* of a gate */
  bool whole;            /* what the manifest lists is hashed, whether it is used or not */
  bool first_only;       /* nothing is hashed any more once there is a failure */
  bool described;        /* the descriptor is used */
  struct vmf_owed *owed; /* what is hashed later: its digests are added; NULL: nothing is */
};

/* A finding about what went wrong with one file: a failure, or for a lack of ours a warning. Errors
 * that concern more than that file come back. */
VMF_MUST_CHECK enum vmf_code vmf_verify_tell_error(struct vmf_verification *verification,
                                                   const char *rule, const char *file,
                                                   unsigned line, const struct vmf_error *found,
                                                   struct vmf_error *error);

/* The same where the bytes of a stored file cannot be had: nothing is known of it then, so it is a
 * failure whatever the reason. */
VMF_MUST_CHECK enum vmf_code vmf_verify_tell_unread(struct vmf_verification *verification,
                                                    const char *rule, const char *file,
                                                    unsigned line, const struct vmf_error *found,
                                                    struct vmf_error *error);

/* Files: are they there, of the size that is said, in the order that is asked for? Fills `files`
 * and `stored`. */
VMF_MUST_CHECK enum vmf_code vmf_verify_files(struct vmf_verification *verification,
                                              struct vmf_error *error);
void vmf_verify_archive(struct vmf_verification *verification);

/* Disks: what their images say against what the descriptor says. */
VMF_MUST_CHECK enum vmf_code vmf_verify_disks(struct vmf_verification *verification,
                                              struct vmf_error *error);

/* Tells where a file has another digest than its entry in the manifest. */
void vmf_verify_digest(const struct vmf_manifest_entry *entry, const uint8_t *digest,
                       struct vmf_report *report);

/* Manifest and certificate. */
VMF_MUST_CHECK enum vmf_code vmf_verify_manifest(struct vmf_verification *verification,
                                                 struct vmf_error *error);

#endif
