/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "bootable.h"

#include <string.h>

#include "bytes.h"
#include "caller.h"
#include "checked.h"
#include "gpt.h"
#include "mbr.h"

enum {
  /* types of partitions in an MBR */
  MBR_PROTECTIVE = 0xee,
  MBR_EFI = 0xef,
  MBR_SWAP = 0x82,
  MBR_LVM = 0x8e,
  ACTIVE = 0x80,
  LEGACY_BOOT = 1 << 2, /* attribute of an entry of a GPT: a BIOS may start it (UEFI 2.10, 5.3.3) */
};

/* Types as they are stored: the first three fields with the low byte first. */
static const uint8_t efi_system[] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                     0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
/* "Hah!IdontNeedEFI": where GRUB is */
static const uint8_t bios_boot[] = {0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e,
                                    0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49};
/* 83BD6B9D-7F41-11DC-BE0B-001560B84F0F: FreeBSD's loader */
static const uint8_t freebsd_boot[] = {0x9d, 0x6b, 0xbd, 0x83, 0x41, 0x7f, 0xdc, 0x11,
                                       0xbe, 0x0b, 0x00, 0x15, 0x60, 0xb8, 0x4f, 0x0f};
/* 0657FD6D-A4AB-43C4-84E5-0933C84B4F4F */
static const uint8_t linux_swap[] = {0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43,
                                     0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f};
/* E6D6D379-F507-44C2-A23C-238F2A3DF928 */
static const uint8_t linux_lvm[] = {0x79, 0xd3, 0xd6, 0xe6, 0x07, 0xf5, 0xc2, 0x44,
                                    0xa2, 0x3c, 0x23, 0x8f, 0x2a, 0x3d, 0xf9, 0x28};

static bool is_type(const uint8_t *entry, const uint8_t type[VMF_GPT_TYPE])
{
  return memcmp(entry, type, VMF_GPT_TYPE) == 0;
}

static void look_at_esp(uint64_t start, struct vmf_bootable *bootable)
{
  bootable->efi = true;
  bootable->esp = bootable->esp ? bootable->esp : start;
}

/* Of those beside a GPT only an active one counts, which a BIOS starts. */
static void look_at_mbr(const uint8_t *head, struct vmf_bootable *bootable)
{
  static const uint8_t fat[] = {0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e};

  for (unsigned at = VMF_MBR_ENTRIES; at < VMF_MBR_SIGNATURE; at += VMF_MBR_ENTRY) {
    uint8_t type = head[at + VMF_MBR_TYPE];
    bootable->bios |= type != 0 && type != MBR_PROTECTIVE && head[at] == ACTIVE;
    if (bootable->table == VMF_TABLE_GPT || type == 0)
      continue;
    uint64_t end =
        (uint64_t)get_le32(head + at + VMF_MBR_START) + get_le32(head + at + VMF_MBR_COUNT);
    bootable->end = vmf_max(bootable->end, end * VMF_MBR_SECTOR);
    if (type == MBR_EFI || (type != 0 && memchr(fat, type, sizeof fat)))
      look_at_esp((uint64_t)get_le32(head + at + VMF_MBR_START) * VMF_MBR_SECTOR, bootable);
    bootable->swap |= type == MBR_SWAP;
    bootable->lvm |= type == MBR_LVM;
  }
}

static void look_at_gpt(const struct vmf_image *image, const struct vmf_gpt *gpt,
                        struct vmf_bootable *bootable)
{
  uint64_t attributes;
  const uint8_t *entry;

  bootable->table = VMF_TABLE_GPT;
  bootable->sector = gpt->sector;
  if (gpt->last_used > 0 && !vmf_mul(gpt->last_used + 1, gpt->sector, &bootable->end))
    bootable->end = UINT64_MAX;
  bootable->tail = vmf_gpt_second(gpt) == image->size / gpt->sector - 1;
  for (size_t i = 0; (entry = vmf_gpt_entry(gpt, i, &attributes)) != NULL; i++) {
    if (is_type(entry, efi_system))
      look_at_esp(vmf_gpt_start(gpt, entry), bootable);
    bootable->bios |= is_type(entry, bios_boot) || is_type(entry, freebsd_boot) ||
                      (attributes & LEGACY_BOOT) != 0;
    bootable->swap |= is_type(entry, linux_swap);
    bootable->lvm |= is_type(entry, linux_lvm);
  }
}

enum vmf_code vmf_bootable_read(struct vmf_image *image, struct vmf_bootable *bootable,
                                struct vmf_error *error)
{
  uint8_t head[VMF_PARTITION_HEAD] = {0};
  struct vmf_gpt gpt;
  bool found;

  *bootable = (struct vmf_bootable){0};
  VMF_TRY(vmf_image_pread(image, head, (size_t)vmf_min(image->size, sizeof head), 0, error));
  VMF_TRY(vmf_gpt_read(image, &gpt, &found, error));
  if (found) {
    look_at_gpt(image, &gpt, bootable);
    vmf_gpt_free(&gpt);
  } else if (vmf_head_mbr(head)) {
    bootable->table = VMF_TABLE_MBR;
  }
  if (vmf_head_mbr(head))
    look_at_mbr(head, bootable);
  return VMF_OK;
}

bool vmf_bootable_by_efi(const struct vmf_bootable *bootable)
{
  return bootable->table == VMF_TABLE_GPT && bootable->efi && !bootable->bios;
}

/* A loader in the first sector starts any MBR, with or without an active partition. */
bool vmf_bootable_by_bios(const struct vmf_bootable *bootable)
{
  return bootable->table == VMF_TABLE_MBR && !bootable->efi;
}

enum vmf_code vmf_image_check_sectors(struct vmf_image *image, uint32_t bytes,
                                      struct vmf_error *error)
{
  struct vmf_bootable bootable;

  VMF_REQUIRE(image, error);
  if (vmf_image_streams(image))
    return VMF_OK;
  enum vmf_code code = vmf_bootable_read(image, &bootable, error);
  if (code == VMF_CORRUPT)
    return VMF_OK;
  VMF_TRY(code);
  if (bootable.table != VMF_TABLE_GPT || bootable.sector == bytes)
    return VMF_OK;
  return vmf_fail(
      error, VMF_REFUSED,
      "%s: its GUID partition table is made for sectors of %u bytes, and the target has "
      "such of %u, with which no partition would be found",
      image->io->name, bootable.sector, bytes);
}
