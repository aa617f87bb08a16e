/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The manifest (.mf): a digest for every file of a package. Read in every form that is found in the
 * wild, written in the one that every consumer takes: "SHA256(name)= hex\n". */
#ifndef VMF_SEAL_MANIFEST_H
#define VMF_SEAL_MANIFEST_H

#include "digest.h"
#include "report.h"

enum { VMF_MANIFEST_BYTES = 4 << 20, VMF_MANIFEST_ENTRIES = 1 << 16 };

struct vmf_manifest_entry {
  char *name;
  enum vmf_digest_kind kind;
  uint8_t digest[VMF_DIGEST_MAX];
  unsigned line;
};

struct vmf_manifest {
  struct vmf_manifest_entry *entries;
  size_t count, capacity;
};

/* Reads a manifest. Odd forms are told as VMF_SEVERITY_WARNING ("manifest-form"), one line each
 * kind of oddity; a line that is none, an algorithm that is not known, a digest of the wrong
 * length: a VMF_SEVERITY_FAILURE of its line, and reading goes on. `name` is the manifest's, for
 * messages. */
VMF_MUST_CHECK enum vmf_code vmf_manifest_read(const char *name, const void *bytes, size_t length,
                                               struct vmf_report *report,
                                               struct vmf_manifest **manifest,
                                               struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_manifest_new(struct vmf_manifest **manifest,
                                              struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_manifest_add(struct vmf_manifest *manifest, const char *name,
                                              enum vmf_digest_kind kind, const uint8_t *digest,
                                              struct vmf_error *error);
void vmf_manifest_free(struct vmf_manifest *manifest); /* NULL is allowed */

/* The text of a manifest, in the order of its entries; its length depends on names and kinds only.
 * VMF_USAGE for a name that would break a line. A fresh string. */
VMF_MUST_CHECK enum vmf_code vmf_manifest_write(const struct vmf_manifest *manifest, char **text,
                                                size_t *length, struct vmf_error *error);

/* "sha256", "SHA-256", "SHA2-256" and the like; false: not known. */
bool vmf_manifest_kind(const char *text, size_t length, enum vmf_digest_kind *kind);
const char *vmf_manifest_kind_name(enum vmf_digest_kind kind); /* "SHA256" */

#endif
