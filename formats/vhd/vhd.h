/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Virtual Hard Disk, as of Microsoft's "Virtual Hard Disk Image Format Specification" 1.0 (2006).
 * All numbers are big-endian. A fixed disk is its bytes and a footer; a dynamic or differencing one
 * is a copy of the footer, a dynamic header, a block allocation table (BAT), and blocks, each
 * behind a bitmap of its sectors. */
#ifndef VHD_VHD_H
#define VHD_VHD_H

#include "format.h"

enum {
  VHD_SECTOR = 512,
  VHD_FOOTER_SIZE = 512,
  VHD_OLD_FOOTER_SIZE = 511, /* before Virtual PC 2004 */
  VHD_HEADER_SIZE = 1024,
  VHD_LOCATORS = 8,
  VHD_LOCATOR_MAX = 64 * 1024, /* bytes of a parent's path that are read */
  VHD_BLOCK_MAX = 256 << 20,
};

/* The largest dynamic disk. Fixed ones of any size are read, since the file has the bytes (Azure's
 * go beyond), but larger ones are not written: most readers refuse them. */
#define VHD_SIZE_MAX (2040ull << 30)
#define VHD_NO_HEADER UINT64_MAX /* data_offset of a fixed disk */
#define VHD_UNALLOCATED UINT32_MAX
#define VHD_VERSION 0x00010000u
#define VHD_EPOCH 946684800 /* 2000-01-01 UTC in Unix time: where timestamps start */

enum vhd_type { VHD_FIXED = 2, VHD_DYNAMIC = 3, VHD_DIFFERENCING = 4 };

struct vhd_footer {
  uint32_t features, version;
  uint64_t data_offset; /* of the dynamic header */
  uint32_t timestamp;
  char creator[4];
  uint64_t original_size, current_size;
  uint16_t cylinders;
  uint8_t heads, sectors_per_track;
  uint32_t type;
  uint8_t uuid[VMF_GUID_SIZE];
  bool saved_state;
};

struct vhd_locator {
  uint32_t code, length;
  uint64_t offset;
};

struct vhd_header {
  uint64_t table_offset;
  uint32_t version, table_entries, block_size;
  uint8_t parent_uuid[VMF_GUID_SIZE];
  uint32_t parent_timestamp;
  uint8_t parent_name[512]; /* UTF-16BE */
  struct vhd_locator locators[VHD_LOCATORS];
};

struct vhd_state {
  struct vhd_footer footer;
  struct vhd_header header; /* dynamic, differencing */
  uint64_t
      data_end; /* host: where the trailing footer starts, or the end of the file without one */
  uint32_t bitmap_size; /* bytes before each block */
};

/* Of the two sizes that a footer tells. */
enum vhd_size_calc { VHD_SIZE_AUTO, VHD_SIZE_GEOMETRY, VHD_SIZE_CURRENT };

struct vhd_reading {
  unsigned size_calc;
};

/* Reads and checks the footer copies and the dynamic header. */
enum vmf_code vhd_load(struct vmf_image *image, const struct vhd_reading *options,
                       struct vmf_error *error);

/* The one's complement of the sum of all bytes, those of the field itself (4 at `at`) left out. */
uint32_t vhd_sum(const uint8_t *bytes, size_t length, size_t at);

/* The bit of a sector in a bitmap: the first sector is the highest bit of the first byte. */
bool vhd_bit(const uint8_t *bitmap, uint32_t sector);

/* Cylinders, heads and sectors by the algorithm of the specification's appendix. */
void vhd_geometry(uint64_t sectors, uint16_t *cylinders, uint8_t *heads, uint8_t *per_track);

/* Fills image->parent_link from the locators and the parent's name. */
enum vmf_code vhd_find_parent(struct vmf_image *image, struct vmf_error *error);

enum vmf_code vhd_read_bat(struct vmf_image *image, uint32_t block, uint32_t *entries,
                           uint32_t count, struct vmf_error *error);
enum vmf_code vhd_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error);
enum vmf_code vhd_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error);

/* Host offset of a block's bitmap; VMF_CORRUPT when the block does not lie in the file beside the
 * tables. */
enum vmf_code vhd_block_place(const struct vmf_image *image, uint32_t block, uint32_t entry,
                              uint64_t *host, struct vmf_error *error);

extern const struct vmf_writer vhd_writer;
extern const struct vmf_updater vhd_updater;
extern const struct vmf_format vmf_format_vhd;

#endif
