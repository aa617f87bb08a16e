/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of a disk: its form, its size, what its file says of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "file.h"
#include "lint_rules.h"
#include "tar_header.h"
#include "text.h"
#include "unpack.h"
#include "value.h"
#include "zero.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/* The footer of a VHD (Virtual Hard Disk Image Format Specification, "Hard Disk Footer Format"),
 * and the head of a sparse VMDK (Virtual Disk Format 1.1). */
enum { FOOTER = 512, FOOTER_DATA_AT = 16, FOOTER_ORIGINAL_AT = 40, FOOTER_CURRENT_AT = 48 };
enum { DYNAMIC_HEAD = 1024, DYNAMIC_ENTRIES_AT = 28, DYNAMIC_BLOCK_AT = 32 };
enum { SPARSE_HEAD = 512, SPARSE_VERSION_AT = 4, SPARSE_DIRECTORY_AT = 56, STREAM_VERSION = 3 };
enum { SPARSE_TEXT_AT = 28, USUAL_SECTOR = 512 };

struct disk_judged {
  struct vmf_linting *linting;
  const struct vmf_image *image;
  struct vmf_lint_place place;
  char form[80]; /* "vmdk streamOptimized" */
  bool data_file, dirty;
  uint64_t sector; /* bytes, as the format says it; 0: it does not */
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

/* As `info` tells it. */
static enum vmf_code read_form(struct disk_judged *disk, struct vmf_image *image,
                               struct vmf_error *error)
{
  struct vmf_value *info;

  VMF_TRY(vmf_image_info(image, &info, error));
  const struct vmf_value *data =
      vmf_value_member(vmf_value_member(info, "format-specific"), "data");
  const struct vmf_value *kind = vmf_value_member(data, "create-type");
  kind = kind ? kind : vmf_value_member(data, "subformat");
  disk->data_file = vmf_value_member(data, "data-file") != NULL;
  const struct vmf_value *dirty = vmf_value_member(info, "dirty-flag");
  disk->dirty = dirty && dirty->number != 0;
  const struct vmf_value *sector = vmf_value_member(data, "logical-sector-size");
  disk->sector = sector ? sector->number : 0;
  snprintf(disk->form, sizeof disk->form, "%s%s%s", image->format->name, kind ? " " : "",
           kind ? kind->text : "");
  vmf_value_free(info);
  return VMF_OK;
}

/* ---- VMware ---- */

/* A stream ends with its footer and a marker of zeros; a writer that was cut off leaves neither. */
static enum vmf_code check_end(const struct disk_judged *disk, struct vmf_error *error)
{
  struct vmf_io *io = disk->image->io;
  uint8_t end[2 * SPARSE_HEAD];

  if (io->size % SPARSE_HEAD != 0 || io->size < 3 * SPARSE_HEAD) {
    tell(disk, VMF_LINT_VMW_DIGEST, "whole sectors", "a stream that ends within a sector");
    return VMF_OK;
  }
  VMF_TRY(vmf_io_pread(io, end, sizeof end, io->size - sizeof end, error));
  if (memcmp(end, "KDMV", 4) != 0 || !vmf_is_zero(end + SPARSE_HEAD, SPARSE_HEAD))
    tell(disk, VMF_LINT_VMW_DIGEST, "a footer and an end marker as the last of it",
         "a stream with something else at its end");
  return VMF_OK;
}

/* VirtualBox looks for the first words of the descriptor just where it begins. */
static enum vmf_code check_text(const struct disk_judged *disk, uint64_t at,
                                struct vmf_error *error)
{
  static const char first[] = "# Disk DescriptorFile";
  uint8_t text[sizeof first - 1] = {0};
  struct vmf_io *io = disk->image->io;

  if (vmf_range_within(at, sizeof text, io->size))
    VMF_TRY(vmf_io_pread(io, text, sizeof text, at, error));
  if (memcmp(text, first, sizeof text) != 0)
    tell(disk, VMF_LINT_VBX_VMDK, "\"# Disk DescriptorFile\" as its first line",
         "a descriptor that begins otherwise");
  return VMF_OK;
}

/* What the head of a VMDK says, where it has one: some are a descriptor alone. */
static enum vmf_code check_vmdk(const struct disk_judged *disk, struct vmf_error *error)
{
  uint8_t head[SPARSE_HEAD];
  char found[48];

  if (!is_format(disk, "vmdk") || disk->image->io->size < sizeof head)
    return is_format(disk, "vmdk") ? check_text(disk, 0, error) : VMF_OK;
  VMF_TRY(vmf_io_pread(disk->image->io, head, sizeof head, 0, error));
  if (memcmp(head, "KDMV", 4) != 0)
    return memcmp(head, "COWD", 4) == 0 ? VMF_OK : check_text(disk, 0, error);
  uint32_t version = get_le32(head + SPARSE_VERSION_AT);
  snprintf(found, sizeof found, "streamOptimized of version %" PRIu32, version);
  if (is(disk, "vmdk streamOptimized") && version < STREAM_VERSION)
    tell(disk, VMF_LINT_VMW_VMDKVER, "version 3", found);
  if (get_le64(head + SPARSE_DIRECTORY_AT) == UINT64_MAX)
    VMF_TRY(check_end(disk, error));
  uint64_t text_sector = get_le64(head + SPARSE_TEXT_AT);
  return text_sector > 0 && text_sector < disk->image->io->size / SPARSE_HEAD
             ? check_text(disk, text_sector * SPARSE_HEAD, error)
             : VMF_OK;
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

/* The head of a dynamic VHD (the same specification, "Dynamic Disk Header Format"): where the
 * footer's copy, the first thing in the file, says. */
static enum vmf_code check_block_table(const struct disk_judged *disk, struct vmf_error *error)
{
  struct vmf_io *io = disk->image->io;
  uint8_t head[DYNAMIC_HEAD];
  char found[80], allowed[48];

  VMF_TRY(vmf_io_pread(io, head, FOOTER, 0, error));
  uint64_t at = get_be64(head + FOOTER_DATA_AT);
  if (!vmf_range_within(at, sizeof head, io->size))
    return VMF_OK;
  VMF_TRY(vmf_io_pread(io, head, sizeof head, at, error));
  uint64_t entries = get_be32(head + DYNAMIC_ENTRIES_AT), block = get_be32(head + DYNAMIC_BLOCK_AT);
  if (block == 0 || entries <= vmf_div_up(disk->image->size, block))
    return VMF_OK;
  snprintf(found, sizeof found, "a block table of %" PRIu64 " entries", entries);
  snprintf(allowed, sizeof allowed, "%" PRIu64 ", for %" PRIu64 " bytes",
           vmf_div_up(disk->image->size, block), disk->image->size);
  tell(disk, VMF_LINT_AZ_BAT, allowed, found);
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
  return is(disk, "vpc dynamic") ? check_block_table(disk, error) : VMF_OK;
}

/* ---- Hyper-V ---- */

/* What Windows does not attach, where the file system here tells of it. */
static void check_windows(const struct disk_judged *disk)
{
  uint32_t attributes = vmf_io_windows_attributes(disk->image->io);

  if (attributes & (VMF_WINDOWS_SPARSE | VMF_WINDOWS_COMPRESSED | VMF_WINDOWS_ENCRYPTED))
    tell(disk, VMF_LINT_HV_SPARSE, "none of them",
         attributes & VMF_WINDOWS_SPARSE       ? "a file with the attribute sparse"
         : attributes & VMF_WINDOWS_COMPRESSED ? "a file with the attribute compressed"
                                               : "a file with the attribute encrypted");
}

/* ---- others ---- */

static void count_member(void *data, const struct vmf_package_finding *finding)
{
  (void)finding;
  ++*(unsigned *)data;
}

/* The first header of the archive, which is packed by gzip. */
static enum vmf_code check_archive(const struct disk_judged *disk, const char *path,
                                   struct vmf_error *error)
{
  const struct vmf_image_options *options = disk->linting->options.image;
  const struct vmf_unpack_options limits = {.max_bytes = options ? options->max_bytes : 0};
  const struct vmf_packing *packing;
  struct vmf_tar_header header = {0};
  uint8_t block[VMF_TAR_BLOCK];
  struct vmf_io *packed, *io;

  VMF_TRY(vmf_io_open_file(path, false, &packed, error));
  enum vmf_code code = vmf_packing_of(packed, &packing, error);
  if (code != VMF_OK || !packing) {
    vmf_io_close(packed);
    return code;
  }
  VMF_TRY(vmf_unpack_file(packed, packing, &limits, &io, error));
  code = vmf_io_pread(io, block, sizeof block, 0, error);
  if (code == VMF_OK)
    code = vmf_tar_parse_header(path, 0, block, &header, error);
  vmf_io_close(io);
  if (code == VMF_OK && !header.gnu)
    tell(disk, VMF_LINT_GCE_TAR, "an archive of GNU tar (--format=oldgnu)",
         "an archive of another form");
  return code;
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
  if (path && vmf_text_ends_in(path, ".tar.gz"))
    VMF_TRY(check_archive(disk, path, error));
  else if (path && vmf_text_ends_in(path, ".gz") && !strstr(disk->image->io->name, "::"))
    tell(disk, VMF_LINT_GCE_GZ, "NAME.tar.gz for \"images create\", or the disk unpacked",
         "a disk that is packed alone");
  if (disk->image->size % GIB != 0)
    tell_size(disk, VMF_LINT_GCE_GIB, "a multiple of 1073741824");
  return VMF_OK;
}

static void check_aws(const struct disk_judged *disk)
{
  bool other = is_format(disk, "vmdk") && !is(disk, "vmdk streamOptimized");
  bool known = is_format(disk, "raw") || is_format(disk, "vmdk") || is_format(disk, "vpc") ||
               is_format(disk, "vhdx");

  if (is(disk, "vmdk seSparse"))
    tell(disk, VMF_LINT_AWS_SESPARSE, "vmdk streamOptimized", disk->form);
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
  if (!is_format(disk, "raw"))
    tell(disk, VMF_LINT_OS_RAW, "raw, where Ceph keeps the images", disk->form);
}

static void check_largest(const struct disk_judged *disk)
{
  enum { VHD_MOST_GIB = 2040 };

  if (disk->image->size > 2 * TIB)
    tell_size(disk, VMF_LINT_XEN_4TB, "at most 2 TiB");
  if (disk->image->size <= VHD_MOST_GIB * GIB)
    return;
  if (is_format(disk, "vpc"))
    tell_size(disk, VMF_LINT_HV_VHDMAX, "at most 2040 GiB in a VHD");
  tell_size(disk, VMF_LINT_XEN_VHDMAX, "at most 2040 GiB, since it becomes a VHD");
}

/* Whether a rule of the platform tells of a size that is to be rounded. */
static bool has_size_rule(const struct disk_judged *disk)
{
  return vmf_lint_asks(disk->linting, VMF_LINT_AZ_ALIGN) ||
         vmf_lint_asks(disk->linting, VMF_LINT_GCE_GIB);
}

static void check_all(const struct disk_judged *disk)
{
  const struct vmf_profile_info *info = &disk->linting->platform.profile->info;
  char allowed[80];

  snprintf(allowed, sizeof allowed, "a multiple of %" PRIu64 " bytes, at least %" PRIu64,
           info->round, info->least);
  if ((disk->image->size % info->round != 0 && !has_size_rule(disk)) ||
      disk->image->size < info->least)
    tell_size(disk, VMF_LINT_SIZE_ROUND, allowed);
  if (disk->sector > USUAL_SECTOR)
    tell(disk, VMF_LINT_DISK_4K, "sectors of 512 bytes", "sectors of 4096 bytes");
  if (is_format(disk, "vhdx") && disk->dirty)
    tell(disk, VMF_LINT_HV_LOG, "an empty log", "a log that was not written back");
  if (!is_format(disk, "raw"))
    tell(disk, VMF_LINT_CDI_SCRATCH, "raw, or scratch space as large as the disk", disk->form);
}

enum vmf_code vmf_lint_disk(struct vmf_linting *linting, struct vmf_image *image, const char *path,
                            const struct vmf_lint_place *place, struct vmf_error *error)
{
  struct disk_judged disk = {.linting = linting, .image = image, .place = *place};

  VMF_TRY(read_form(&disk, image, error));
  VMF_TRY(check_vmdk(&disk, error));
  VMF_TRY(check_azure(&disk, error));
  check_vmware(&disk);
  check_windows(&disk);
  VMF_TRY(check_gce(&disk, image, path, error));
  check_aws(&disk);
  check_openstack(&disk);
  check_largest(&disk);
  check_all(&disk);
  return VMF_OK;
}
