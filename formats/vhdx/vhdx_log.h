/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The log ([MS-VHDX] 2.3): a ring of sectors of 4 KiB with entries, each of which is a header,
 * descriptors, and one sector of data for every data descriptor. */
#ifndef VHDX_VHDX_LOG_H
#define VHDX_VHDX_LOG_H

#include "vhdx.h"

enum {
  LOG_SECTOR = 4096,
  LOG_HEADER = 64,
  LOG_DESCRIPTOR = 32,
  LOG_LEADING = 8,  /* bytes of a page that stand in its descriptor, and not in its sector */
  LOG_TRAILING = 4, /* likewise, of its end */
};

struct vhdx_log_entry {
  uint32_t at;     /* in the ring, bytes */
  uint32_t length; /* bytes */
  uint32_t tail;   /* in the ring: the oldest entry that is still needed */
  uint32_t descriptors;
  uint64_t sequence;
  uint64_t flushed, last; /* bytes that the file had for sure, and has to have afterwards */
};

/* Sectors of an entry in front of those of data. */
static inline uint32_t vhdx_log_head_sectors(const struct vhdx_log_entry *entry)
{
  return (uint32_t)((LOG_HEADER + (uint64_t)LOG_DESCRIPTOR * entry->descriptors + LOG_SECTOR - 1) /
                    LOG_SECTOR);
}

/* Where in the file the sector of the ring stands, `sectors` behind the start of an entry. */
static inline uint64_t vhdx_log_place(const struct vhdx_header *header,
                                      const struct vhdx_log_entry *entry, uint32_t sectors)
{
  uint64_t at = entry->at + (uint64_t)LOG_SECTOR * sectors;
  return header->log_offset + at % header->log_length;
}

/* The entries to write back, the oldest first; the caller frees *entries. VMF_CORRUPT: there is no
 * valid sequence. */
enum vmf_code vhdx_log_find(struct vmf_image *image, struct vhdx_log_entry **entries, size_t *count,
                            struct vmf_error *error);

#endif
