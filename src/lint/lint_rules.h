/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What platforms refuse, a row of data each: which group of platforms asks it (the `groups` of
 * src/machine/profile.h), what the vendor prints, what a conversion does about it, and where that
 * is written. The checkers beside it say where, what was found and what is accepted. */
#ifndef VMF_LINT_LINT_RULES_H
#define VMF_LINT_LINT_RULES_H

#include "image.h"
#include "package.h"
#include "profile.h"

enum vmf_lint_id {
  VMF_LINT_VMW_FAMILY,
  VMF_LINT_VMW_HWVER,
  VMF_LINT_VMW_HWOLD,
  VMF_LINT_VMW_OVF2,
  VMF_LINT_VMW_ORDER,
  VMF_LINT_VMW_TAR,
  VMF_LINT_VMW_MF,
  VMF_LINT_VMW_VMDKVER,
  VMF_LINT_VMW_DISKTYPE,
  VMF_LINT_VMW_COMPRESS,
  VMF_LINT_VMW_CAPACITY,
  VMF_LINT_VMW_CONN,
  VMF_LINT_VMW_SUBTYPE,
  VMF_LINT_VBX_UNITS,
  VMF_LINT_VBX_PARENT,
  VMF_LINT_VBX_CPU,
  VMF_LINT_VBX_EFI,
  VMF_LINT_HV_VHDMAX,
  VMF_LINT_AZ_FIXED,
  VMF_LINT_AZ_ALIGN,
  VMF_LINT_AZ_FOOTER,
  VMF_LINT_AZ_OSMAX,
  VMF_LINT_AWS_FORMAT,
  VMF_LINT_GCE_NAME,
  VMF_LINT_GCE_GIB,
  VMF_LINT_OS_SAFETY,
  VMF_LINT_XEN_VHDMAX,
  VMF_LINT_IDS,
};

/* What is judged. */
enum vmf_lint_about { VMF_LINT_PACKAGE = 1, VMF_LINT_DISK = 2 };

struct vmf_lint_rule {
  const char *id, *group;
  enum vmf_severity severity;
  unsigned about;     /* in which of enum vmf_lint_about it is asked: a disk also in a package */
  const char *prints; /* by the vendor's program; NULL: not known for sure */
  const char *remedy; /* what `convert --for` does */
  const char *source;
};

extern const struct vmf_lint_rule vmf_lint_rules[VMF_LINT_IDS];

/* One judgement of one file. */
struct vmf_linting {
  struct vmf_platform platform;
  enum vmf_lint_about about;
  struct vmf_lint_options options;
  struct vmf_lint_result *result;
};

/* Whether the platform asks that rule of what is judged. */
bool vmf_lint_asks(const struct vmf_linting *linting, enum vmf_lint_id id);

/* Where something is, and what is accepted there. */
struct vmf_lint_place {
  const char *file; /* of the package; NULL: the file that was named */
  unsigned line;    /* in it; 0: none */
  const char *allowed;
};

/* Tells a violated rule, where the platform asks it. The format gives what was found. */
void vmf_lint_tell(struct vmf_linting *linting, enum vmf_lint_id id,
                   const struct vmf_lint_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- the checkers ---- */

void vmf_lint_descriptor(struct vmf_linting *linting, const struct vmf_package *package);
VMF_MUST_CHECK enum vmf_code vmf_lint_archive(struct vmf_linting *linting,
                                              const struct vmf_package *package,
                                              struct vmf_error *error);
void vmf_lint_manifest(struct vmf_linting *linting, const struct vmf_package *package);

/* path: as it was named; NULL: a disk of a package. */
VMF_MUST_CHECK enum vmf_code vmf_lint_disk(struct vmf_linting *linting, struct vmf_image *image,
                                           const char *path, const struct vmf_lint_place *place,
                                           struct vmf_error *error);

#endif
