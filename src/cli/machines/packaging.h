/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the verbs that write packages share. */
#ifndef VMF_CLI_PACKAGING_H
#define VMF_CLI_PACKAGING_H

#include "progress.h"
#include "settings.h"
#include "transfer.h"
#include "verb.h"

/* Whether a path can name a package to be written: *.ova, *.ovf, a folder. */
bool vmf_packaging_is_target(const char *path);

/* What the command line says about a package to be written. */
struct vmf_packaging {
  const struct vmf_command *command;
  const struct vmf_source_settings *source;
  const struct vmf_target_settings *target;
  const struct vmf_signing_settings *signing;
  const struct vmf_transfer_settings *transfer; /* where a run can be gone on with; or NULL */
};

/* The same for the library; findings are said. VMF_USAGE: what is said of a journal is wrong. */
VMF_MUST_CHECK enum vmf_code vmf_packaging_target(const struct vmf_packaging *packaging,
                                                  struct vmf_progress *progress,
                                                  struct vmf_package_target *target,
                                                  struct vmf_error *error);

/* What was written, or would be, in the way that is asked for. */
void vmf_packaging_tell(const struct vmf_packaging *packaging, const char *path,
                        const struct vmf_progress *progress,
                        const struct vmf_package_result *result);

/* --cert and the like only make sense with a key. */
VMF_MUST_CHECK enum vmf_code vmf_packaging_check(const struct vmf_signing_settings *signing,
                                                 struct vmf_error *error);

/* Writes operand 0, a package, as `path`, its disks in the form that is asked for (`form` where
 * none is; NULL: as they are). */
VMF_MUST_CHECK enum vmf_code vmf_packaging_convert(const struct vmf_packaging *packaging,
                                                   const char *path, const char *form,
                                                   struct vmf_error *error);

/* For struct vmf_findings_sink; `data` is a struct vmf_command: with -q only failures are told. */
void vmf_packaging_finding(void *data, const struct vmf_package_finding *finding);

#endif
