/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What verify and lint answer: a verdict on each operand, which is the exit status. */
#ifndef VMF_CLI_VERDICT_H
#define VMF_CLI_VERDICT_H

#include <stdint.h>

#include "vmferry.h"

enum vmf_verdict_status {
  VMF_VERDICT_CONFORMS = 0,
  VMF_VERDICT_NOT_JUDGED = 1,
  VMF_VERDICT_FAILED = 2, /* altered, not trusted, or cannot be read */
  VMF_VERDICT_VIOLATIONS = 3,
};

/* For vmf_each_operand. */
extern const int vmf_verdicts_worst_first[5];

/* Prints the error. That the operand itself cannot be read is a verdict, unless it is the system
 * that refuses. */
int vmf_verdict_report(const struct vmf_error *error);

/* "violation", "warning" or "note". */
const char *vmf_verdict_severity(enum vmf_severity severity);

/* ", 2 warnings" on standard output; nothing of 0. */
void vmf_verdict_print_count(uint64_t count, const char *what);

#endif
