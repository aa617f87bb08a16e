/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The disks of a machine that is made anew: how their files are called, and what they had and will
 * not have. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "assemble.h"
#include "memory.h"
#include "path.h"
#include "plain_name.h"
#include "report.h"
#include "tar.h"
#include "text.h"

enum vmf_code vmf_assembly_file_name(const char *name, char **file_name, struct vmf_error *error)
{
  VMF_TRY(vmf_plain_name(name, file_name, error));
  char *out = *file_name;
  for (const char *in = *file_name; *in; in++) {
    bool letter = (*in >= 'a' && *in <= 'z') || (*in >= 'A' && *in <= 'Z');
    bool plain = letter || (*in >= '0' && *in <= '9') || *in == '-' || *in == '.' || *in == '_';

    if (plain || out == *file_name || out[-1] != '_')
      *out++ = plain ? *in : '_';
  }
  *out = 0;
  if ((*file_name)[0] == '.' || (*file_name)[0] == '-')
    (*file_name)[0] = '_';
  return VMF_OK;
}

enum vmf_code vmf_assembly_disk(const struct vmf_destination *destination, size_t index,
                                const char *suffix, struct vmf_assembly_file *file,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  const char *own = destination->descriptor_name;
  size_t limit = destination->archive ? VMF_TAR_NAME_WRITTEN : NAME_MAX;
  char end[64];

  file->weight = vmf_image_stored_bytes(file->image);
  snprintf(end, sizeof end, "-disk%zu.%s", index + 1, suffix);
  VMF_TRY(vmf_format(&name, error, "%.*s%s",
                     (int)vmf_text_fit(own, vmf_name_stem(own), limit - strlen(end)), own, end));
  return vmf_assembly_file_name(name, &file->name, error);
}

enum vmf_code vmf_assembly_disk_losses(struct vmf_image *disk, struct vmf_report *report,
                                       struct vmf_error *error)
{
  if (disk->parent)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-chain", vmf_image_path(disk), 0,
                   "the images that it stands on become one whole disk");
  return vmf_image_report_losses(disk, report, error);
}
