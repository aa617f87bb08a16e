/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the partition table of a disk tells of how a machine starts from it. No file system is
 * looked at: what stands on an EFI system partition is the business of esp.h. */
#ifndef VMF_PARTITION_BOOTABLE_H
#define VMF_PARTITION_BOOTABLE_H

#include "image.h"

enum vmf_partition_table { VMF_TABLE_NONE, VMF_TABLE_MBR, VMF_TABLE_GPT };

struct vmf_bootable {
  enum vmf_partition_table table;
  uint32_t sector; /* bytes, of a GPT */
  bool efi;        /* an EFI system partition; in an MBR also one with FAT, where firmware looks */
  uint64_t esp;    /* where the first of these begins, bytes; 0: there is none */
  uint64_t end;    /* where the last partition ends, bytes; 0: there is none */
  bool bios;       /* what a BIOS starts: a partition for its loader, or one that is active */
  bool swap, lvm;  /* partitions of these types of Linux */
  bool tail;       /* the second GPT is at the end of the disk */
};

/* VMF_CORRUPT: there is a GPT, and it is wrong. */
VMF_MUST_CHECK enum vmf_code vmf_bootable_read(struct vmf_image *image,
                                               struct vmf_bootable *bootable,
                                               struct vmf_error *error);

/* Whether a machine starts from it by this firmware alone. Of a disk without partitions: neither.
 */
bool vmf_bootable_by_efi(const struct vmf_bootable *bootable);
bool vmf_bootable_by_bios(const struct vmf_bootable *bootable);

#endif
