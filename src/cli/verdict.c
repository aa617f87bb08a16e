/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>

#include "status.h"

const int vmf_verdicts_worst_first[5] = {VMF_VERDICT_FAILED, VMF_VERDICT_NOT_JUDGED,
                                         VMF_EXIT_TEMPORARY, VMF_VERDICT_VIOLATIONS,
                                         VMF_VERDICT_CONFORMS};

int vmf_verdict_report(const struct vmf_error *error)
{
  int status = vmf_status_report(error);

  switch (error->code) {
  case VMF_CORRUPT:
  case VMF_REFUSED:
  case VMF_LIMIT:
  case VMF_READ:
    return VMF_VERDICT_FAILED;
  case VMF_CANCELLED:
  case VMF_TEMPORARY:
    return status;
  default:
    return VMF_VERDICT_NOT_JUDGED;
  }
}

const char *vmf_verdict_severity(enum vmf_severity severity)
{
  return severity >= VMF_SEVERITY_VIOLATION ? "violation"
         : severity >= VMF_SEVERITY_WARNING ? "warning"
                                            : "note";
}

void vmf_verdict_print_count(uint64_t count, const char *what)
{
  if (count > 0)
    printf(", %" PRIu64 " %s%s", count, what, count == 1 ? "" : "s");
}
