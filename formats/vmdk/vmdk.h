/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the VMDK reader and writer share: the numbers of the format. Sectors are 512 bytes and all
 * integers little-endian. "Spec": VMware, Virtual Disk Format 5.0 (EN-000777). */
#ifndef FORMATS_VMDK_VMDK_H
#define FORMATS_VMDK_VMDK_H

#include <stdbool.h>
#include <stdint.h>

struct vmf_reader;
struct vmf_writer;
struct vmf_container_reader;
extern const struct vmf_reader vmdk_reader;

/* By which children know an open image. false: it is no VMDK, or has none. */
struct vmf_image;
bool vmdk_content_id(const struct vmf_image *image, uint32_t *cid);
extern const struct vmf_writer vmdk_writer;
extern const struct vmf_container_reader vmdk_container;

enum { VMDK_SECTOR = 512, VMDK_SECTOR_BITS = 9 };

/* Descriptor: text, at most this many bytes. */
#define VMDK_DESCRIPTOR_FIRST_LINE "# Disk DescriptorFile"
enum { VMDK_DESCRIPTOR_MAX = 1024 * 1024 };
#define VMDK_CID_NONE UINT32_C(0xffffffff) /* parentCID of a disk without a parent */

/* ---- hosted sparse extent (spec: "Hosted Sparse Extent Header"): offsets in its one sector ----
 */
enum vmdk_sparse_header {
  VMDK_SPARSE_MAGIC_AT = 0,              /* u32 */
  VMDK_SPARSE_VERSION_AT = 4,            /* u32 */
  VMDK_SPARSE_FLAGS_AT = 8,              /* u32 */
  VMDK_SPARSE_CAPACITY_AT = 12,          /* u64 sectors */
  VMDK_SPARSE_GRAIN_SIZE_AT = 20,        /* u64 sectors */
  VMDK_SPARSE_DESCRIPTOR_OFFSET_AT = 28, /* u64 sectors; 0: none embedded */
  VMDK_SPARSE_DESCRIPTOR_SIZE_AT = 36,   /* u64 sectors */
  VMDK_SPARSE_GTES_PER_GT_AT = 44,       /* u32 */
  VMDK_SPARSE_RGD_OFFSET_AT = 48,        /* u64 sectors: redundant grain directory */
  VMDK_SPARSE_GD_OFFSET_AT = 56,         /* u64 sectors, or VMDK_GD_AT_END */
  VMDK_SPARSE_OVERHEAD_AT = 64,          /* u64 sectors before the first grain */
  VMDK_SPARSE_UNCLEAN_AT = 72,           /* u8 */
  VMDK_SPARSE_NEWLINES_AT = 73,          /* 4 bytes: VMDK_SPARSE_NEWLINES */
  VMDK_SPARSE_COMPRESSION_AT = 77,       /* u16 */
};
#define VMDK_SPARSE_MAGIC UINT32_C(0x564d444b) /* "KDMV" */
#define VMDK_SPARSE_NEWLINES "\n \r\n"
#define VMDK_GD_AT_END UINT64_MAX
enum { VMDK_SPARSE_VERSION_MAX = 3 };

#define VMDK_FLAG_NEWLINES UINT32_C(0x00000001)     /* the newline bytes are to be tested */
#define VMDK_FLAG_REDUNDANT UINT32_C(0x00000002)    /* the redundant grain directory is in use */
#define VMDK_FLAG_ZEROED_GRAIN UINT32_C(0x00000004) /* grain table entry 1: a grain of zeros */
#define VMDK_FLAG_COMPRESSED UINT32_C(0x00010000)
#define VMDK_FLAG_MARKERS UINT32_C(0x00020000)

enum { VMDK_COMPRESSION_NONE = 0, VMDK_COMPRESSION_DEFLATE = 1 };

enum {
  VMDK_GTES_PER_GT = 512,
  VMDK_GTE_SIZE = 4,        /* bytes */
  VMDK_GTE_UNALLOCATED = 0, /* the parent's bytes, or zeros */
  VMDK_GTE_ZERO = 1,        /* only with VMDK_FLAG_ZEROED_GRAIN */
  VMDK_GRAIN_DEFAULT = 128, /* sectors */
  VMDK_GRAIN_MAX = 2048,    /* sectors; a power of two */
};

/* ---- markers of a stream (spec: "Stream-Optimized Compressed Sparse Extents") ---- */
enum vmdk_marker {
  VMDK_MARKER_VALUE_AT = 0, /* u64: a grain's first sector in the disk; sectors that follow */
  VMDK_MARKER_SIZE_AT = 8,  /* u32: bytes of a packed grain, 0: another marker, with a type */
  VMDK_MARKER_TYPE_AT = 12, /* u32 */
  VMDK_GRAIN_MARKER = 12,   /* bytes; the packed grain follows, padded to a sector */
};
enum vmdk_marker_type {
  VMDK_MARKER_EOS = 0,
  VMDK_MARKER_GT = 1,
  VMDK_MARKER_GD = 2,
  VMDK_MARKER_FOOTER = 3,
  VMDK_MARKER_PROGRESS = 4, /* not in the spec; vSphere writes it */
};
/* The end of a stream is: footer marker, footer (a copy of the header with the true gdOffset), end
 * of stream. */
enum { VMDK_FOOTER_FROM_END = 2 * VMDK_SECTOR, VMDK_FOOTER_MARKER_FROM_END = 3 * VMDK_SECTOR };
enum { VMDK_PADDING = 64 * 1024 }; /* zeros behind that, at most: tar and some services pad */

/* ---- COWD, an ESX Server sparse extent (spec: "ESX Server Sparse Extents") ---- */
enum vmdk_cowd_header {
  VMDK_COWD_MAGIC_AT = 0,       /* u32 */
  VMDK_COWD_VERSION_AT = 4,     /* u32: 1 */
  VMDK_COWD_FLAGS_AT = 8,       /* u32 */
  VMDK_COWD_CAPACITY_AT = 12,   /* u32 sectors */
  VMDK_COWD_GRAIN_SIZE_AT = 16, /* u32 sectors */
  VMDK_COWD_GD_OFFSET_AT = 20,  /* u32 sectors */
  VMDK_COWD_GDES_AT = 24,       /* u32 */
  VMDK_COWD_FREE_AT = 28,       /* u32: the first sector behind all that is in use */
  VMDK_COWD_UNCLEAN_AT = 1648,  /* u32 */
};
#define VMDK_COWD_MAGIC UINT32_C(0x44574f43) /* "COWD" */
enum { VMDK_COWD_HEADER = 4 * VMDK_SECTOR, VMDK_COWD_GTES_PER_GT = 4096 };

/* ---- seSparse (no public spec): offsets in the constant header, one sector ---- */
enum vmdk_sesparse_header {
  VMDK_SESPARSE_MAGIC_AT = 0, /* all u64 */
  VMDK_SESPARSE_VERSION_AT = 8,
  VMDK_SESPARSE_CAPACITY_AT = 16,   /* sectors */
  VMDK_SESPARSE_GRAIN_SIZE_AT = 24, /* sectors */
  VMDK_SESPARSE_GT_SIZE_AT = 32,    /* sectors */
  VMDK_SESPARSE_FLAGS_AT = 40,
  VMDK_SESPARSE_VOLATILE_AT = 80, /* each: u64 offset in sectors, then u64 length in sectors */
  VMDK_SESPARSE_JOURNAL_HEADER_AT = 96,
  VMDK_SESPARSE_JOURNAL_AT = 112,
  VMDK_SESPARSE_GD_AT = 128,
  VMDK_SESPARSE_GT_AT = 144,
  VMDK_SESPARSE_FREE_BITMAP_AT = 160,
  VMDK_SESPARSE_BACKMAP_AT = 176,
  VMDK_SESPARSE_GRAINS_AT = 192,
  VMDK_SESPARSE_REPLAY_AT = 24, /* in the volatile header: the journal must be replayed */
};
#define VMDK_SESPARSE_MAGIC UINT64_C(0xcafebabe)
#define VMDK_SESPARSE_VERSION UINT64_C(0x200000001)
#define VMDK_SESPARSE_VOLATILE_MAGIC UINT64_C(0xcafecafe)
enum { VMDK_SESPARSE_GRAIN = 8 /* sectors */, VMDK_SESPARSE_GT = 64 /* sectors */ };

#endif
