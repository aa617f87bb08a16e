/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Virtual Disk Image, of VirtualBox; what it is stands in VirtualBox's VDICore.h alone. All numbers
 * are little-endian. A header, a table of one index a block, and the blocks, which stand in any
 * order: block i of the file is at data_offset + i * (block size + extra bytes), its extra bytes in
 * front. */
#ifndef VDI_VDI_H
#define VDI_VDI_H

#include "format.h"

enum {
  VDI_SIGNATURE_OFFSET = 64, /* behind 64 bytes of text, which differ from maker to maker */
  VDI_HEADER_OFFSET = 72,    /* where header_size counts from */
  VDI_HEADER_MIN = 384,      /* of version 1.1 */
  VDI_HEADER_SIZE = 400,     /* with a geometry at its end: what VirtualBox writes */
  VDI_BLOCK_MIN = 128 << 10, /* what VirtualBox opens */
  VDI_BLOCK_MAX = 128 << 20,
  VDI_SECTOR = 512,
};

#define VDI_SIGNATURE 0xbeda107fu
#define VDI_VERSION 0x00010001u
#define VDI_FREE UINT32_MAX       /* an entry: the parent's bytes, or zeros */
#define VDI_ZERO (UINT32_MAX - 1) /* an entry: zeros, whatever the parent holds */

enum vdi_type { VDI_NORMAL = 1, VDI_FIXED = 2, VDI_UNDO = 3, VDI_DIFFERENCING = 4 };

struct vdi_header {
  uint32_t version, header_size, type, flags;
  uint32_t table_offset, data_offset;
  uint64_t disk_size; /* bytes */
  uint32_t block_size, block_extra, blocks, blocks_allocated;
  /* In network order. `modified` changes with every write: a child tells by it whether its parent
   * is as it was. */
  uint8_t uuid[VMF_GUID_SIZE], modified[VMF_GUID_SIZE];
  uint8_t parent_uuid[VMF_GUID_SIZE], parent_modified[VMF_GUID_SIZE];
};

struct vdi_state {
  struct vdi_header header;
  bool has_parent;
};

/* Reads and checks the header; fills image->size, unit, parent_link. */
enum vmf_code vdi_load(struct vmf_image *image, struct vmf_error *error);

/* `count` entries (at most 1024) of the table, from `block` on. */
enum vmf_code vdi_read_table(struct vmf_image *image, uint32_t block, uint32_t *entries,
                             uint32_t count, struct vmf_error *error);

/* Host offset of the first guest byte of `block`, whose entry is an index; VMF_CORRUPT when it is
 * none of the file's blocks. */
enum vmf_code vdi_block_place(const struct vmf_image *image, uint32_t block, uint32_t entry,
                              uint64_t *host, struct vmf_error *error);

enum vmf_code vdi_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error);
enum vmf_code vdi_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error);

extern const struct vmf_writer vdi_writer;
extern const struct vmf_updater vdi_updater;
extern const struct vmf_format vmf_format_vdi;

#endif
