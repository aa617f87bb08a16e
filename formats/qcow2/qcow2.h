/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the QCOW2 reader and writer share: the numbers of the format. All integers are big-endian.
 * "Spec": docs/interop/qcow2 of the QEMU project. */
#ifndef FORMATS_QCOW2_QCOW2_H
#define FORMATS_QCOW2_QCOW2_H

#include <stdint.h>

struct vmf_reader;
struct vmf_writer;
struct vmf_updater;
extern const struct vmf_reader qcow2_reader;
extern const struct vmf_writer qcow2_writer;
extern const struct vmf_updater qcow2_updater;

#define QCOW2_MAGIC UINT32_C(0x514649fb) /* "QFI\xfb" */

/* ---- header (spec: "Header"): offsets in the first cluster ---- */
enum qcow2_header_field {
  QCOW2_MAGIC_AT = 0,              /* u32 */
  QCOW2_VERSION_AT = 4,            /* u32: 2 or 3 */
  QCOW2_BACKING_OFFSET_AT = 8,     /* u64; 0: no backing file */
  QCOW2_BACKING_SIZE_AT = 16,      /* u32, bytes of the name */
  QCOW2_CLUSTER_BITS_AT = 20,      /* u32 */
  QCOW2_SIZE_AT = 24,              /* u64, bytes of the guest disk */
  QCOW2_CRYPT_METHOD_AT = 32,      /* u32: enum qcow2_crypt */
  QCOW2_L1_SIZE_AT = 36,           /* u32, entries */
  QCOW2_L1_OFFSET_AT = 40,         /* u64 */
  QCOW2_REFTABLE_OFFSET_AT = 48,   /* u64 */
  QCOW2_REFTABLE_CLUSTERS_AT = 56, /* u32 */
  QCOW2_SNAPSHOT_COUNT_AT = 60,    /* u32 */
  QCOW2_SNAPSHOTS_OFFSET_AT = 64,  /* u64 */
  /* version 3 */
  QCOW2_INCOMPATIBLE_AT = 72,      /* u64 */
  QCOW2_COMPATIBLE_AT = 80,        /* u64 */
  QCOW2_AUTOCLEAR_AT = 88,         /* u64 */
  QCOW2_REFCOUNT_ORDER_AT = 96,    /* u32; the width is 1 << order bits */
  QCOW2_HEADER_LENGTH_AT = 100,    /* u32, a multiple of 8 */
  QCOW2_COMPRESSION_TYPE_AT = 104, /* u8, when header_length says that it is there */
};
enum {
  QCOW2_HEADER_V2 = 72,       /* bytes */
  QCOW2_HEADER_V3 = 104,      /* bytes, at least */
  QCOW2_HEADER_WRITTEN = 112, /* bytes, with compression_type and its padding */
  QCOW2_V2_REFCOUNT_ORDER = 4,
};

enum qcow2_crypt { QCOW2_CRYPT_NONE = 0, QCOW2_CRYPT_AES = 1, QCOW2_CRYPT_LUKS = 2 };
enum qcow2_compression { QCOW2_COMPRESSION_ZLIB = 0, QCOW2_COMPRESSION_ZSTD = 1 };

#define QCOW2_INCOMPATIBLE_DIRTY (UINT64_C(1) << 0)
#define QCOW2_INCOMPATIBLE_CORRUPT (UINT64_C(1) << 1)
#define QCOW2_INCOMPATIBLE_DATA_FILE (UINT64_C(1) << 2)
#define QCOW2_INCOMPATIBLE_COMPRESSION (UINT64_C(1) << 3)
#define QCOW2_INCOMPATIBLE_EXTENDED_L2 (UINT64_C(1) << 4)
#define QCOW2_INCOMPATIBLE_KNOWN UINT64_C(0x1f)
#define QCOW2_COMPATIBLE_LAZY_REFCOUNTS (UINT64_C(1) << 0)
#define QCOW2_AUTOCLEAR_BITMAPS (UINT64_C(1) << 0)
#define QCOW2_AUTOCLEAR_DATA_FILE_RAW (UINT64_C(1) << 1)

/* ---- header extensions: u32 type, u32 length, data padded to 8 bytes ---- */
#define QCOW2_EXTENSION_END UINT32_C(0)
#define QCOW2_EXTENSION_BACKING_FORMAT UINT32_C(0xe2792aca)
#define QCOW2_EXTENSION_FEATURE_NAMES UINT32_C(0x6803f857)
#define QCOW2_EXTENSION_BITMAPS UINT32_C(0x23852875)
#define QCOW2_EXTENSION_CRYPT_HEADER UINT32_C(0x0537be77)
#define QCOW2_EXTENSION_DATA_FILE UINT32_C(0x44415441)
enum { QCOW2_EXTENSION_HEADER = 8 /* bytes */ };

/* The encryption header's extension. */
enum qcow2_crypt_field {
  QCOW2_CRYPT_OFFSET_AT = 0, /* u64, of the LUKS header, at a cluster */
  QCOW2_CRYPT_LENGTH_AT = 8, /* u64, bytes, with the key material */
  QCOW2_CRYPT_EXTENSION = 16,
};

/* One entry of the feature name table. */
enum qcow2_feature_name {
  QCOW2_FEATURE_KIND_AT = 0, /* u8: enum qcow2_feature_kind */
  QCOW2_FEATURE_BIT_AT = 1,  /* u8 */
  QCOW2_FEATURE_NAME_AT = 2, /* 46 bytes, padded with zeros */
  QCOW2_FEATURE_NAME_LENGTH = 46,
  QCOW2_FEATURE_ENTRY = 48,
};
enum qcow2_feature_kind {
  QCOW2_FEATURE_INCOMPATIBLE = 0,
  QCOW2_FEATURE_COMPATIBLE = 1,
  QCOW2_FEATURE_AUTOCLEAR = 2,
};

/* ---- L1 and L2 tables ---- */
#define QCOW2_COPIED (UINT64_C(1) << 63)               /* the refcount is exactly one */
#define QCOW2_OFFSET_MASK UINT64_C(0x00fffffffffffe00) /* L1 entry, standard L2 entry */
#define QCOW2_L1_RESERVED UINT64_C(0x7f000000000001ff)
#define QCOW2_L2_COMPRESSED (UINT64_C(1) << 62)
#define QCOW2_L2_ZERO (UINT64_C(1) << 0) /* version 3 without extended entries */
#define QCOW2_L2_RESERVED                                                                          \
  UINT64_C(0x3f000000000001fe) /* standard descriptor, besides the zero bit */
enum {
  QCOW2_L1_ENTRY = 8,           /* bytes */
  QCOW2_L2_ENTRY = 8,           /* bytes */
  QCOW2_L2_EXTENDED_ENTRY = 16, /* bytes: descriptor, then the subcluster bitmap */
  QCOW2_SUBCLUSTERS = 32,       /* of a cluster, with extended entries: low 32 bits of the bitmap:
                                 * allocated, high 32: zero */
  QCOW2_SECTOR = 512,           /* unit of a compressed descriptor's length */
};

/* Compressed descriptor: bits 0..shift-1 are the byte offset, shift..61 the number of additional
 * sectors behind the one that the offset lies in. */
static inline unsigned qcow2_compressed_shift(unsigned cluster_bits)
{
  return 62 - (cluster_bits - 8);
}

/* ---- refcounts ---- */
#define QCOW2_REFTABLE_OFFSET_MASK UINT64_C(0xfffffffffffffe00)
enum { QCOW2_REFTABLE_ENTRY = 8 /* bytes */ };

/* ---- snapshot table entry: a fixed part, extra data, id, name, padding to 8 ---- */
enum qcow2_snapshot_field {
  QCOW2_SNAPSHOT_L1_OFFSET_AT = 0,     /* u64 */
  QCOW2_SNAPSHOT_L1_SIZE_AT = 8,       /* u32, entries */
  QCOW2_SNAPSHOT_ID_LENGTH_AT = 12,    /* u16 */
  QCOW2_SNAPSHOT_NAME_LENGTH_AT = 14,  /* u16 */
  QCOW2_SNAPSHOT_DATE_SEC_AT = 16,     /* u32 */
  QCOW2_SNAPSHOT_DATE_NSEC_AT = 20,    /* u32 */
  QCOW2_SNAPSHOT_CLOCK_AT = 24,        /* u64, ns */
  QCOW2_SNAPSHOT_STATE_SIZE_AT = 32,   /* u32; replaced by the extra data's */
  QCOW2_SNAPSHOT_EXTRA_LENGTH_AT = 36, /* u32 */
  QCOW2_SNAPSHOT_FIXED = 40,           /* bytes; the extra data follows */
  QCOW2_SNAPSHOT_STATE_SIZE64_AT = 40, /* u64 */
  QCOW2_SNAPSHOT_DISK_SIZE_AT = 48,    /* u64 */
  QCOW2_SNAPSHOT_ICOUNT_AT = 56,       /* u64 */
};

/* ---- bitmaps extension and directory ---- */
enum qcow2_bitmaps_field {
  QCOW2_BITMAPS_COUNT_AT = 0,             /* u32 */
  QCOW2_BITMAPS_DIRECTORY_SIZE_AT = 8,    /* u64, bytes */
  QCOW2_BITMAPS_DIRECTORY_OFFSET_AT = 16, /* u64 */
  QCOW2_BITMAPS_EXTENSION = 24,           /* bytes */
};
enum qcow2_bitmap_field {
  QCOW2_BITMAP_TABLE_OFFSET_AT = 0,  /* u64 */
  QCOW2_BITMAP_TABLE_SIZE_AT = 8,    /* u32, entries of 8 bytes */
  QCOW2_BITMAP_FLAGS_AT = 12,        /* u32: bit 0 in use, 1 auto, 2 extra data */
  QCOW2_BITMAP_TYPE_AT = 16,         /* u8: QCOW2_BITMAP_DIRTY */
  QCOW2_BITMAP_GRANULARITY_AT = 17,  /* u8, bits */
  QCOW2_BITMAP_NAME_LENGTH_AT = 18,  /* u16 */
  QCOW2_BITMAP_EXTRA_LENGTH_AT = 20, /* u32 */
  QCOW2_BITMAP_FIXED = 24,           /* bytes; extra data, name and padding to 8 follow */
};

#define QCOW2_BITMAP_IN_USE (UINT32_C(1) << 0)
#define QCOW2_BITMAP_AUTO (UINT32_C(1) << 1)
#define QCOW2_BITMAP_RESERVED (~UINT32_C(7)) /* bit 2: a program may ignore the extra data */

/* Of a bitmap's table: where a cluster of its bits stands; 0: all of them are zeros. */
#define QCOW2_BITMAP_ENTRY_OFFSET UINT64_C(0x00fffffffffffe00)
#define QCOW2_BITMAP_ENTRY_ONES UINT64_C(1) /* where that is 0: all of them are ones */
enum { QCOW2_BITMAP_ENTRY = 8 /* bytes */, QCOW2_BITMAP_DIRTY = 1 };

/* ---- limits: QEMU's own, so that no image that it reads is refused ---- */
enum {
  QCOW2_CLUSTER_BITS_MIN = 9,
  QCOW2_CLUSTER_BITS_MAX = 21,
  QCOW2_CLUSTER_BITS_MIN_EXTENDED = 14,
  QCOW2_CLUSTER_BITS_DEFAULT = 16,
  QCOW2_REFCOUNT_ORDER_MAX = 6,
  QCOW2_BACKING_NAME_MAX = 1023, /* bytes */
  QCOW2_L1_BYTES_MAX = 32 * 1024 * 1024,
  QCOW2_REFTABLE_BYTES_MAX = 8 * 1024 * 1024,
  QCOW2_SNAPSHOT_EXTRA_MAX = 1024, /* bytes */
  QCOW2_BITMAPS_MAX = 65535,
  QCOW2_BITMAP_DIRECTORY_MAX = 64 * 1024 * 1024, /* bytes */
  QCOW2_BITMAP_BYTES_MAX = 512 * 1024 * 1024, /* of the clusters that a bitmap's table can name */
};

#endif
