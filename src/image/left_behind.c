/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What an image has, or what stands beside it, that a conversion does not carry over. */
#include "caller.h"
#include "image.h"

enum vmf_code vmf_image_report_losses(struct vmf_image *image, struct vmf_report *report,
                                      struct vmf_error *error)
{
  const struct vmf_node *node = vmf_node(image);
  struct vmf_image *part;

  for (size_t i = 0; (part = vmf_image_part(image, i)) != NULL; i++)
    VMF_TRY(vmf_image_report_losses(part, report, error));
  if (node->losses)
    node->losses(node->owner, report);
  for (; image; image = image->parent)
    if (image->format->reader->losses)
      VMF_TRY(image->format->reader->losses(image, report, error));
  return VMF_OK;
}

enum vmf_code vmf_image_losses(struct vmf_image *image, const struct vmf_findings_sink *findings,
                               struct vmf_error *error)
{
  VMF_REQUIRE(image, error);
  VMF_REQUIRE(findings, error);
  struct vmf_report report = {.finding = findings->finding, .data = findings->data};
  return vmf_image_report_losses(image, &report, error);
}
