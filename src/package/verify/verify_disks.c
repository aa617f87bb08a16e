/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The images in a package against what the descriptor says of them. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "cancel.h"
#include "disk_format.h"
#include "memory.h"
#include "package_checks.h"
#include "value.h"

/* ESXi takes no other VMDK than the stream-optimised one. */
static void check_subformat(struct vmf_verification *verification, const struct vmf_ovf_disk *disk,
                            const struct vmf_disk_format *said, struct vmf_image *image)
{
  struct vmf_error untold;
  struct vmf_value *info = NULL;

  if (strcmp(said->name, "streamOptimized") != 0 || vmf_image_info(image, &info, &untold) != VMF_OK)
    return;
  const struct vmf_value *type = vmf_value_member(
      vmf_value_member(vmf_value_member(info, "format-specific"), "data"), "create-type");
  if (type && type->text && strcasecmp(type->text, "streamOptimized") != 0)
    vmf_report_add(verification->report, VMF_SEVERITY_WARNING, "disk-format-wrong",
                   verification->package->name, disk->line,
                   "the disk \"%s\" is a %s VMDK, the descriptor says streamOptimized",
                   disk->id ? disk->id : "", type->text);
  vmf_value_free(info);
}

static void check_format(struct vmf_verification *verification, const struct vmf_ovf_disk *disk,
                         struct vmf_image *image)
{
  const struct vmf_disk_format *said = disk->format ? vmf_disk_format_of_uri(disk->format) : NULL;

  if (!said)
    return; /* the rules tell it */
  if (strcmp(said->format, vmf_image_format(image)) != 0)
    vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "disk-format-wrong",
                   verification->package->name, disk->line,
                   "the disk \"%s\" is %s, the descriptor says %s", disk->id ? disk->id : "",
                   vmf_image_format(image), disk->format);
  else
    check_subformat(verification, disk, said, image);
}

static void check_capacity(struct vmf_verification *verification, const struct vmf_ovf_disk *disk,
                           struct vmf_image *image)
{
  uint64_t size = vmf_image_size(image);

  if (!disk->capacity_known || disk->capacity == size)
    return;
  vmf_report_add(verification->report,
                 size > disk->capacity ? VMF_SEVERITY_VIOLATION : VMF_SEVERITY_WARNING,
                 "disk-capacity-wrong", verification->package->name, disk->line,
                 "the disk \"%s\" has %" PRIu64 " bytes, the descriptor says %" PRIu64,
                 disk->id ? disk->id : "", size, disk->capacity);
}

/* A manifest that was made of a damaged disk is right, too. */
static enum vmf_code unpack(struct vmf_verification *verification, const struct vmf_ovf_disk *disk,
                            struct vmf_image *image, struct vmf_error *error)
{
  const struct vmf_job_options options = {.size = sizeof options,
                                          .threads = verification->check->threads,
                                          .crew = verification->check->crew,
                                          .cancel = verification->check->cancel,
                                          .max_bytes = verification->check->max_bytes};
  struct vmf_error found = {0};

  if (vmf_image_unpack(image, &options, &found) == VMF_OK)
    return VMF_OK;
  return vmf_verify_tell_error(verification, "disk-unreadable", verification->package->name,
                               disk->line, &found, error);
}

static bool is_disk(const struct vmf_ovf *ovf, const struct vmf_ovf_file *file)
{
  for (size_t i = 0; i < ovf->disk_count; i++)
    if (ovf->disks[i].file_ref && vmf_ovf_file(ovf, ovf->disks[i].file_ref) == file)
      return true;
  return false;
}

/* Files that are packed and no disks, which are unpacked when they are opened. */
static enum vmf_code unpack_files(struct vmf_verification *verification, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = verification->package->ovf;

  for (size_t i = 0; i < ovf->file_count; i++) {
    const struct vmf_ovf_file *file = &ovf->files[i];
    struct vmf_error found = {0};
    if (verification->files[i].found && file->compression && !is_disk(ovf, file) &&
        vmf_package_unpack_file(verification->package, file, &found) != VMF_OK)
      VMF_TRY(vmf_verify_tell_error(verification, "file-unreadable", verification->package->name,
                                    file->line, &found, error));
  }
  return VMF_OK;
}

static bool file_found(const struct vmf_verification *verification, const struct vmf_ovf_disk *disk)
{
  const struct vmf_ovf *ovf = verification->package->ovf;
  const struct vmf_ovf_file *file = vmf_ovf_file(ovf, disk->file_ref);
  return file && verification->files[file - ovf->files].found;
}

static enum vmf_code check_disk(struct vmf_verification *verification,
                                const struct vmf_ovf_disk *disk, struct vmf_error *error)
{
  struct vmf_package *package = verification->package;
  struct vmf_error found = {0};
  struct vmf_image *image;

  if (!disk->file_ref || !disk->file_ref[0] || !file_found(verification, disk))
    return VMF_OK; /* told already */
  VMF_TRY(vmf_cancelled(verification->check->cancel, error));
  if (vmf_package_open_locked(package, disk, &image, &found) != VMF_OK)
    return vmf_verify_tell_error(
        verification, found.code == VMF_UNSUPPORTED ? "disk-unsupported" : "disk-unreadable",
        package->name, disk->line, &found, error);
  check_format(verification, disk, image);
  check_capacity(verification, disk, image);
  enum vmf_code code = vmf_uses_add_image(&verification->uses, package, image, error);
  if (code == VMF_OK && !verification->check->quick)
    code = unpack(verification, disk, image, error);
  vmf_image_close(image);
  return code;
}

/* What a disk is read from must be said in References: whoever installs the package takes nothing
 * else along. */
static enum vmf_code check_uses(struct vmf_verification *verification, struct vmf_error *error)
{
  struct vmf_package *package = verification->package;
  struct vmf_uses stored = {0};
  enum vmf_code code = VMF_OK;

  vmf_uses_sort(&verification->uses);
  for (size_t i = 0; i < verification->stored.count && code == VMF_OK; i++)
    code = vmf_uses_add_stored(&stored, package, verification->stored.entries[i].text, NULL, error);
  vmf_uses_sort(&stored);
  for (size_t i = 0; i < verification->uses.count && code == VMF_OK; i++)
    if (!vmf_uses_have(&stored, &verification->uses.entries[i].key))
      vmf_report_add(verification->report, VMF_SEVERITY_VIOLATION, "file-unreferenced",
                     verification->uses.entries[i].name, 0,
                     "a disk is read from this file, which References does not have");
  vmf_uses_clear(&stored);
  return code;
}

enum vmf_code vmf_verify_disks(struct vmf_verification *verification, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = verification->package->ovf;

  for (size_t i = 0; i < ovf->disk_count; i++)
    VMF_TRY(check_disk(verification, &ovf->disks[i], error));
  if (!verification->check->quick)
    VMF_TRY(unpack_files(verification, error));
  return check_uses(verification, error);
}
