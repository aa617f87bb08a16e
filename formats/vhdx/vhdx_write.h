/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Inside of the VHDX writer. */
#ifndef VHDX_VHDX_WRITE_H
#define VHDX_VHDX_WRITE_H

#include "vhdx.h"

enum {
  VHDX_LOG_AT = 1 << 20, /* 1 MiB of zeros */
  VHDX_METADATA_AT = 2 << 20,
  VHDX_BAT_AT = 3 << 20,
  VHDX_BAT_WINDOW = 64 << 10, /* bytes of the BAT that are kept */
};

enum vhdx_subformat { VHDX_DYNAMIC, VHDX_FIXED };
enum vhdx_sector { VHDX_SECTOR_512, VHDX_SECTOR_4096 };

struct vhdx_options {
  unsigned subformat, logical_sector; /* choices */
  uint64_t block_size;                /* bytes */
};

struct vhdx_layout {
  uint64_t size; /* of the guest disk, whole sectors */
  uint32_t block_size, logical_sector;
  uint64_t chunk_ratio, blocks;
  uint64_t entries, bat_length; /* of the BAT; bytes of its region */
  uint64_t data;                /* host: where the first block stands */
  bool fixed;
};

struct vhdx_build {
  struct vhdx_layout layout;
  uint64_t end;    /* where the next block goes; on a pipe, the end of all that were promised */
  uint64_t next;   /* on a pipe: where the next one that was promised goes */
  bool promised;   /* the BAT went out before the blocks */
  uint8_t *window; /* VHDX_BAT_WINDOW bytes of the BAT, from entry window_first on */
  uint64_t window_first;
  bool window_used;     /* it has an entry that is not written yet */
  uint64_t windows_end; /* entry behind the last window that was written: before it the file has the
                           BAT, zeros where no window was written */
  uint8_t file_guid[VMF_GUID_SIZE], data_guid[VMF_GUID_SIZE], page83[VMF_GUID_SIZE];
  uint8_t parent_guid[VMF_GUID_SIZE]; /* of an overlay: its backing file's data_guid */
};

void vhdx_layout_fill(const struct vhdx_options *options, uint64_t guest_size, bool backing,
                      struct vhdx_layout *layout);

/* The ids of the new disk; of an overlay also what it takes from its backing file, which has to be
 * a VHDX with the same logical sectors. */
enum vmf_code vhdx_make_ids(struct vmf_target *target, struct vmf_error *error);

/* Identifier, headers, region tables and metadata: all in front of the BAT. */
enum vmf_code vhdx_write_head(struct vmf_target *target, struct vmf_error *error);

/* The parent locator of an overlay, of at most VHDX_LOCATOR_MAX bytes. */
enum { VHDX_LOCATOR_MAX = 64 << 10 };
enum vmf_code vhdx_build_locator(const struct vmf_target *target, uint8_t *raw, size_t *length,
                                 struct vmf_error *error);

#endif
