/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of a disk: its form, its size, what its file says of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "lint_rules.h"
#include "text.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* The footer of a VHD (Virtual Hard Disk Image Format Specification, "Hard Disk Footer Format"),
 * and the head of a sparse VMDK (Virtual Disk Format 1.1). */
enum { FOOTER = 512, FOOTER_ORIGINAL_AT = 40, FOOTER_CURRENT_AT = 48 };
enum { SPARSE_HEAD = 8, SPARSE_VERSION_AT = 4, STREAM_VERSION = 3 };

struct disk_judged {
  struct vmf_linting *linting;
  const struct vmf_image *image;
  struct vmf_lint_place place;
  char form[80]; /* "vmdk streamOptimized" */
  bool data_file;
};

static void tell(const struct disk_judged *disk, enum vmf_lint_id id, const char *allowed,
                 const char *found)
{
  struct vmf_lint_place place = disk->place;

  place.allowed = allowed;
  vmf_lint_tell(disk->linting, id, &place, "%s", found);
}

static void tell_size(const struct disk_judged *disk, enum vmf_lint_id id, const char *allowed)
{
  char found[48];

  snprintf(found, sizeof found, "a disk of %" PRIu64 " bytes", disk->image->size);
  tell(disk, id, allowed, found);
}

static bool is(const struct disk_judged *disk, const char *form)
{
  return strcmp(disk->form, form) == 0;
}

static bool is_format(const struct disk_judged *disk, const char *format)
{
  return strcmp(disk->image->format->name, format) == 0;
}

/* ---- the form ---- */

static const struct vmf_value *member(const struct vmf_value *object, const char *name)
{
  const struct vmf_value *found = object ? object->first : NULL;

  while (found && strcmp(found->name, name) != 0)
    found = found->next;
  return found;
}

/* As `info` tells it. */
static enum vmf_code read_form(struct disk_judged *disk, struct vmf_image *image,
                               struct vmf_error *error)
{
  struct vmf_value *info;

  VMF_TRY(vmf_image_info(image, &info, error));
  const struct vmf_value *data = member(member(info, "format-specific"), "data");
  const struct vmf_value *kind = member(data, "create-type");
  kind = kind ? kind : member(data, "subformat");
  disk->data_file = member(data, "data-file") != NULL;
  snprintf(disk->form, sizeof disk->form, "%s%s%s", image->format->name, kind ? " " : "",
           kind ? kind->text : "");
  vmf_value_free(info);
  return VMF_OK;
}

/* ---- VMware ---- */

static enum vmf_code check_version(const struct disk_judged *disk, struct vmf_error *error)
{
  uint8_t head[SPARSE_HEAD];
  char found[48];

  if (!is(disk, "vmdk streamOptimized") || disk->image->io->size < sizeof head)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(disk->image->io, head, sizeof head, 0, error));
  uint32_t version = get_le32(head + SPARSE_VERSION_AT);
  snprintf(found, sizeof found, "streamOptimized of version %" PRIu32, version);
  if (memcmp(head, "KDMV", 4) == 0 && version < STREAM_VERSION)
    tell(disk, VMF_LINT_VMW_VMDKVER, "version 3", found);
  return VMF_OK;
}

/* Alone, a disk may have a form in which it lies on VMFS. */
static void check_vmware(const struct disk_judged *disk)
{
  static const char *const on_vmfs[] = {"vmdk vmfs", "vmdk vmfsSparse", "vmdk seSparse",
                                        "vmdk monolithicFlat"};
  bool taken = is(disk, "vmdk streamOptimized");

  for (size_t i = 0; i < sizeof on_vmfs / sizeof on_vmfs[0]; i++)
    taken |= disk->linting->about == VMF_LINT_DISK && is(disk, on_vmfs[i]);
  if (!taken)
    tell(disk, VMF_LINT_VMW_DISKTYPE, "vmdk streamOptimized", disk->form);
}

/* ---- Azure ---- */

/* image->size is by cylinders where the creator counts in these: then it is another one. */
static enum vmf_code check_footer(const struct disk_judged *disk, struct vmf_error *error)
{
  struct vmf_io *io = disk->image->io;
  uint8_t footer[FOOTER];
  char found[160];

  if (io->size < FOOTER)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(io, footer, sizeof footer, io->size - FOOTER, error));
  uint64_t original = get_be64(footer + FOOTER_ORIGINAL_AT);
  uint64_t current = get_be64(footer + FOOTER_CURRENT_AT), data = io->size - FOOTER;
  snprintf(found, sizeof found,
           "data of %" PRIu64 " bytes; the footer's original size %" PRIu64
           ", current size %" PRIu64 ", by its creator %" PRIu64,
           data, original, current, disk->image->size);
  if (original != data || current != data || disk->image->size != data)
    tell(disk, VMF_LINT_AZ_FOOTER, "the same size four times", found);
  return VMF_OK;
}

static enum vmf_code check_azure(const struct disk_judged *disk, struct vmf_error *error)
{
  if (!vmf_lint_asks(disk->linting, VMF_LINT_AZ_FIXED))
    return VMF_OK;
  if (disk->image->size % MIB != 0)
    tell_size(disk, VMF_LINT_AZ_ALIGN, "a multiple of 1048576");
  if (disk->image->size > 1023 * GIB)
    tell_size(disk, VMF_LINT_AZ_OSMAX, "at most 1023 GiB where a system starts from it");
  if (is(disk, "vpc fixed"))
    return check_footer(disk, error);
  tell(disk, VMF_LINT_AZ_FIXED, "vpc fixed", disk->form);
  return VMF_OK;
}

/* ---- others ---- */

static void count_member(void *data, const struct vmf_package_finding *finding)
{
  (void)finding;
  ++*(unsigned *)data;
}

/* Of an archive what is not the disk is told as a loss. */
static enum vmf_code check_gce(const struct disk_judged *disk, struct vmf_image *image,
                               const char *path, struct vmf_error *error)
{
  char found[300];
  unsigned others = 0;

  if (!vmf_lint_asks(disk->linting, VMF_LINT_GCE_NAME))
    return VMF_OK;
  VMF_TRY(vmf_image_losses(
      image, &(const struct vmf_findings_sink){.finding = count_member, .data = &others}, error));
  if (!path || !vmf_text_ends_in(path, ".tar.gz") ||
      !vmf_text_ends_in(disk->image->io->name, "::disk.raw") || !is(disk, "raw")) {
    snprintf(found, sizeof found, "%s: %s", disk->form, disk->image->io->name);
    tell(disk, VMF_LINT_GCE_NAME, "NAME.tar.gz, in which there is disk.raw", found);
  } else if (others > 0) {
    snprintf(found, sizeof found, "%u other member%s", others, others > 1 ? "s" : "");
    tell(disk, VMF_LINT_GCE_NAME, "disk.raw alone", found);
  }
  if (disk->image->size % GIB != 0)
    tell_size(disk, VMF_LINT_GCE_GIB, "a multiple of 1073741824");
  return VMF_OK;
}

static void check_aws(const struct disk_judged *disk)
{
  bool other = is_format(disk, "vmdk") && !is(disk, "vmdk streamOptimized");
  bool known = is_format(disk, "raw") || is_format(disk, "vmdk") || is_format(disk, "vpc") ||
               is_format(disk, "vhdx");

  if (other || !known)
    tell(disk, VMF_LINT_AWS_FORMAT, "raw, vmdk streamOptimized, vpc, vhdx", disk->form);
  else if (vmf_image_is_child(disk->image))
    tell(disk, VMF_LINT_AWS_FORMAT, "a disk without a parent", "a disk with a parent");
}

static void check_openstack(const struct disk_judged *disk)
{
  if (vmf_image_is_child(disk->image))
    tell(disk, VMF_LINT_OS_SAFETY, "a disk without a parent", "a disk with a parent");
  if (disk->data_file)
    tell(disk, VMF_LINT_OS_SAFETY, "data in the file itself", "a data file beside it");
  if (is_format(disk, "vmdk") && !is(disk, "vmdk streamOptimized") &&
      !is(disk, "vmdk monolithicSparse"))
    tell(disk, VMF_LINT_OS_SAFETY, "vmdk streamOptimized, vmdk monolithicSparse", disk->form);
}

static void check_largest(const struct disk_judged *disk)
{
  enum { VHD_MOST_GIB = 2040 };

  if (disk->image->size <= VHD_MOST_GIB * GIB)
    return;
  if (is_format(disk, "vpc"))
    tell_size(disk, VMF_LINT_HV_VHDMAX, "at most 2040 GiB in a VHD");
  tell_size(disk, VMF_LINT_XEN_VHDMAX, "at most 2040 GiB, since it becomes a VHD");
}

enum vmf_code vmf_lint_disk(struct vmf_linting *linting, struct vmf_image *image, const char *path,
                            const struct vmf_lint_place *place, struct vmf_error *error)
{
  struct disk_judged disk = {.linting = linting, .image = image, .place = *place};

  VMF_TRY(read_form(&disk, image, error));
  VMF_TRY(check_version(&disk, error));
  VMF_TRY(check_azure(&disk, error));
  check_vmware(&disk);
  VMF_TRY(check_gce(&disk, image, path, error));
  check_aws(&disk);
  check_openstack(&disk);
  check_largest(&disk);
  return VMF_OK;
}
