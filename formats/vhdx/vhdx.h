/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Virtual Hard Disk v2, as of Microsoft's [MS-VHDX]. All numbers are little-endian, ids are GUIDs
 * in Microsoft's mixed order. In the first MiB: an identifier, two headers, two region tables.
 * Behind it, at multiples of 1 MiB: a log, which has to be written back before anything behind the
 * headers is believed; a region of metadata; a block allocation table (BAT); blocks. */
#ifndef VHDX_VHDX_H
#define VHDX_VHDX_H

#include "format.h"

enum {
  VHDX_MIB = 1 << 20, /* everything behind the headers is aligned to it */
  VHDX_SUM = 4,       /* where a CRC stands in a header, table or log entry */
  VHDX_HEADER_SIZE = 4096,
  VHDX_TABLE_SIZE = 64 << 10,        /* a region table, the table of metadata */
  VHDX_HEADERS_AT = 64 << 10,        /* and 64 KiB behind it the second one */
  VHDX_REGION_TABLES_AT = 192 << 10, /* likewise */
  VHDX_COPIES_APART = 64 << 10,
  VHDX_REGIONS_MAX = 2047,
  VHDX_ITEMS_MAX = 2047,
  VHDX_ITEM_MAX = VHDX_MIB, /* bytes of an item of metadata */
  VHDX_BLOCK_MIN = 1 << 20,
  VHDX_BLOCK_MAX = 256 << 20,
  VHDX_BITMAP_SIZE = VHDX_MIB, /* the sectors of one chunk, a bit each */
  VHDX_ENTRY_SIZE = 8,         /* of the BAT */
};

#define VHDX_CHUNK_SECTORS (8ull * VHDX_BITMAP_SIZE) /* that one bitmap describes */
#define VHDX_SIZE_MAX (64ull << 40)
#define VHDX_LOG_MAX (1ull << 30)

/* An entry of the BAT: the state in its lowest bits, from bit 20 on the place in MiB. */
enum vhdx_block_state {
  VHDX_NOT_PRESENT = 0, /* the parent's, or zeros */
  VHDX_UNDEFINED = 1,   /* zeros here */
  VHDX_ZERO = 2,
  VHDX_UNMAPPED = 3, /* zeros here */
  VHDX_PRESENT = 6,
  VHDX_PARTIAL = 7, /* the bitmap of the chunk says which sectors are the child's */
};
#define VHDX_STATE_MASK 7ull
#define VHDX_RESERVED_MASK 0xffff8ull

struct vhdx_header {
  uint64_t sequence;
  uint8_t file_write_guid[VMF_GUID_SIZE], data_write_guid[VMF_GUID_SIZE], log_guid[VMF_GUID_SIZE];
  uint16_t log_version, version;
  uint32_t log_length; /* bytes */
  uint64_t log_offset;
};

struct vhdx_range {
  uint64_t offset, length; /* bytes of the file */
};

struct vhdx_metadata {
  uint32_t block_size; /* bytes */
  bool fixed, has_parent;
  uint64_t size; /* bytes of the guest disk */
  uint32_t logical_sector, physical_sector;
  uint8_t page83[VMF_GUID_SIZE];
  struct vhdx_range locator; /* of the parent; length 0: none */
};

struct vhdx_state {
  struct vmf_io *io;      /* the file with its log written back: image->io, or `patched` */
  struct vmf_io *patched; /* owned; NULL: the log is empty */
  struct vhdx_header header;
  bool headers_valid[2], tables_valid[2];
  struct vhdx_range bat, metadata_region;
  struct vhdx_metadata metadata;
  uint64_t chunk_ratio; /* blocks that one bitmap describes */
  uint64_t blocks;      /* of the disk */
  bool log_dirty;
  size_t log_entries;                                      /* that were written back, in memory */
  uint8_t linkage[VMF_GUID_SIZE], linkage2[VMF_GUID_SIZE]; /* the parent's data_write_guid, zero:
                                                               none */
  bool warned; /* of a state that a disk without a parent should not have; atomic */
};

/* CRC-32C of more bytes, from 0 on. */
uint32_t vhdx_crc32c(uint32_t crc, const void *bytes, size_t length);
/* That of a structure whose own field at VHDX_SUM counts as zero. */
uint32_t vhdx_sum(const uint8_t *bytes, size_t length);

/* From Microsoft's order. */
void vhdx_guid_text(const uint8_t guid[VMF_GUID_SIZE], char text[VMF_GUID_TEXT]);

/* Of two ranges that end below 2^64. */
bool vhdx_overlaps(struct vhdx_range a, struct vhdx_range b);

/* Each reads its part into the state and checks it whole; in this order. */
enum vmf_code vhdx_load_headers(struct vmf_image *image, struct vmf_error *error);
enum vmf_code vhdx_replay(struct vmf_image *image, struct vmf_error *error);
enum vmf_code vhdx_load_regions(struct vmf_image *image, struct vmf_error *error);
enum vmf_code vhdx_load_metadata(struct vmf_image *image, struct vmf_error *error);
enum vmf_code vhdx_find_parent(struct vmf_image *image, struct vmf_error *error);

/* The index in the BAT of a block, and of the bitmap of its chunk. */
uint64_t vhdx_block_index(const struct vhdx_state *state, uint64_t block);
uint64_t vhdx_bitmap_index(const struct vhdx_state *state, uint64_t block);
/* Reads `count` entries of the BAT, as they are stored. */
enum vmf_code vhdx_read_bat(struct vmf_image *image, uint64_t index, uint64_t *entries,
                            size_t count, struct vmf_error *error);
/* VMF_CORRUPT where the entry of a block, or of a bitmap, is none that may be; *host is the place
 * of what it stores. */
enum vmf_code vhdx_check_entry(const struct vmf_image *image, uint64_t index, uint64_t entry,
                               bool bitmap, uint64_t *host, struct vmf_error *error);
enum vmf_code vhdx_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                       struct vmf_error *error);
enum vmf_code vhdx_check(struct vmf_image *image, struct vmf_findings *findings,
                         struct vmf_error *error);

extern const uint8_t vhdx_bat_guid[VMF_GUID_SIZE], vhdx_metadata_guid[VMF_GUID_SIZE];
extern const struct vmf_writer vhdx_writer;
extern const struct vmf_updater vhdx_updater;
extern const struct vmf_format vmf_format_vhdx;

#endif
