/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What drivers find wrong with an image, and what of their tables need not be looked at. */
#include <stdarg.h>
#include <stdio.h>

#include "caller.h"
#include "checked.h"
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

uint64_t vmf_entries_in_hole(const struct vmf_image *image, struct vmf_io *io, uint64_t at,
                             uint64_t count, uint32_t size)
{
  return image->trust_holes ? vmf_min((vmf_io_hole_end(io, at) - at) / size, count) : 0;
}

enum { CORRUPTIONS_TOLD = 1000 }; /* one by one */

bool vmf_corruption_told(const struct vmf_io *io, struct vmf_findings *findings)
{
  if (++findings->corruptions == CORRUPTIONS_TOLD + 1)
    vmf_finding(findings, "%s: further ones are counted, but not told", io->name);
  return findings->corruptions <= CORRUPTIONS_TOLD;
}

bool vmf_corruptions_suffice(const struct vmf_io *io, struct vmf_findings *findings,
                             const char *table)
{
  if (findings->corruptions < CORRUPTIONS_TOLD)
    return false;
  vmf_finding(findings, "%s: the rest of the %s is not examined", io->name, table);
  return true;
}

/* Where the driver has found nothing wrong: all of the disk can be looked up, too. What cannot is
 * told once. */
static enum vmf_code check_map(struct vmf_image *image, struct vmf_findings *findings,
                               struct vmf_error *error)
{
  struct vmf_error found;
  struct vmf_run run;

  for (uint64_t guest = 0; findings->corruptions == 0 && guest < image->size;
       guest = run.guest + run.length) {
    enum vmf_code code = vmf_image_run(image, guest, &run, &found);
    if (code != VMF_OK && code != VMF_CORRUPT)
      return vmf_fail(error, code, "%s", found.text);
    if (code == VMF_CORRUPT) {
      findings->corruptions++;
      vmf_finding(findings, "%s", found.text);
    }
  }
  return VMF_OK;
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
    code = check_map(image, &own, error);
  if (code == VMF_OK)
    code = vmf_check_digests(image, &own, error);
  vmf_give_findings(&own, findings);
  return code;
}
