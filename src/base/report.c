/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "report.h"

#include <stdio.h>

void vmf_report_add(struct vmf_report *report, enum vmf_severity severity, const char *rule,
                    const char *file, unsigned line, const char *format, ...)
{
  char text[1024];
  va_list values;

  if (!report)
    return;
  report->counts[severity]++;
  if (!report->finding)
    return;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  const struct vmf_package_finding finding = {
      .severity = severity, .rule = rule, .file = file, .line = line, .text = text};
  report->finding(report->data, &finding);
}
