/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "losses.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum vmf_code vmf_losses_check(const struct vmf_ovf *ovf, struct vmf_error *error)
{
  if (ovf->encrypted)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the package is encrypted (EncryptionSection); encrypted packages are not "
                    "converted",
                    ovf->name);
  for (size_t i = 0; i < ovf->unknown_count; i++) {
    const struct vmf_ovf_unknown *unknown = &ovf->unknown[i];
    if (unknown->refused)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "%s:%u: %s must be honoured, and it is not known here; give it "
                      "ovf:required=\"false\" if the package does without it",
                      ovf->name, unknown->line, unknown->name);
  }
  return VMF_OK;
}

static void look_at_item(const struct vmf_ovf *ovf, const struct vmf_ovf_item *item,
                         struct vmf_report *report)
{
  const char *subtype = item->subtype ? item->subtype : "";

  if (strcasecmp(subtype, "vmware.vtpm") == 0)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-tpm", ovf->name, item->line,
                   "the state of the virtual TPM is in no package: keys sealed by it are lost");
  if (strncasecmp(subtype, "vmware.pci.passthrough", 22) == 0)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-passthrough", ovf->name, item->line,
                   "a device of the host is passed through (%s): the new host has another one",
                   subtype);
}

/* Left out where the descriptor is written anew (convert_descriptor.c). */
static void look_at_disk(const struct vmf_ovf *ovf, const struct vmf_ovf_disk *disk,
                         struct vmf_report *report)
{
  if (disk->populated_known && disk->capacity_known && disk->populated > disk->capacity)
    vmf_report_add(report, VMF_SEVERITY_WARNING, "disk-populated", ovf->name, disk->line,
                   "disk \"%s\" has a populated size of %" PRIu64
                   " bytes, more than its capacity of %" PRIu64,
                   disk->id ? disk->id : "", disk->populated, disk->capacity);
}

void vmf_losses_of_machine(const struct vmf_ovf *ovf, struct vmf_report *report)
{
  for (size_t i = 0; i < ovf->system_count; i++) {
    const struct vmf_ovf_system *system = &ovf->systems[i];
    for (size_t j = 0; j < system->item_count; j++)
      look_at_item(ovf, &system->items[j], report);
  }
  for (size_t i = 0; i < ovf->disk_count; i++)
    look_at_disk(ovf, &ovf->disks[i], report);
  for (size_t i = 0; i < ovf->file_count; i++) {
    const char *href = ovf->files[i].href ? ovf->files[i].href : "";
    size_t length = strlen(href);
    if (length > 6 && strcasecmp(href + length - 6, ".nvram") == 0)
      vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-nvram", ovf->name, ovf->files[i].line,
                     "firmware variables (%s): only VMware's products read them", href);
  }
}
