/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The master boot record, the first sector of a disk (UEFI 2.10, 5.2.1). */
#ifndef VMF_IMAGE_CONTENT_MBR_H
#define VMF_IMAGE_CONTENT_MBR_H

#include "image.h"

enum {
  VMF_MBR_SECTOR = 512, /* bytes, whatever the sectors of the disk are */
  VMF_MBR_ENTRIES = 446,
  VMF_MBR_ENTRY = 16, /* bytes of one; they end where the signature is */
  VMF_MBR_SIGNATURE = 510,
  /* in an entry */
  VMF_MBR_TYPE = 4,
  VMF_MBR_START = 8, /* sector */
  VMF_MBR_COUNT = 12 /* of sectors */
};

/* Whether it is an MBR with a partition. The boot sector of a file system has the same signature,
 * but text or code where the entries are. */
bool vmf_head_mbr(const uint8_t head[VMF_PARTITION_HEAD]);

#endif
