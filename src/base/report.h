/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Findings on a package or an image: one line each, with a severity and the id of the rule, which
 * stays the same from release to release (lower case, words joined by "-":
 * "manifest-digest-wrong"). */
#ifndef VMF_BASE_REPORT_H
#define VMF_BASE_REPORT_H

#include "error.h"

/* Counts what goes through it. One thread at a time. */
struct vmf_report {
  void (*finding)(void *data, const struct vmf_package_finding *finding); /* NULL: only count */
  void *data;
  uint64_t counts[VMF_SEVERITIES]; /* by enum vmf_severity */
};

/* file: the member or file that is meant, NULL: the package; line: in that file, 0: none. The
 * format gives one sentence without a full stop: place, value found, what is expected. report ==
 * NULL: nothing happens. */
void vmf_report_add(struct vmf_report *report, enum vmf_severity severity, const char *rule,
                    const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif
