/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a driver finds wrong with an image. */
#include <stdarg.h>
#include <stdio.h>

#include "caller.h"
#include "disk_digests.h"
#include "image.h"

void vmf_finding(struct vmf_findings *findings, const char *format, ...)
{
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (findings->report)
    findings->report(findings->data, text);
}

enum vmf_code vmf_image_check(struct vmf_image *image, struct vmf_findings *findings,
                              struct vmf_error *error)
{
  struct vmf_findings own;

  VMF_REQUIRE(image, error);
  VMF_REQUIRE(findings, error);
  VMF_TRY(vmf_take_findings(findings, &own, error));
  if (!image->format->reader->check)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: format %s has nothing that could be checked",
                    vmf_image_path(image), vmf_image_format(image));
  enum vmf_code code = image->format->reader->check(image, &own, error);
  if (code == VMF_OK)
    code = vmf_check_digests(image, &own, error);
  vmf_give_findings(&own, findings);
  return code;
}
