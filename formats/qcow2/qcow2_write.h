/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How the writer lays out a QCOW2 file. There is one layout, made by appending only, so that a file
 * and a pipe get the same bytes:
 *
 *   header | stream | L1 table | bitmaps | LUKS header | refcount table | late refcount blocks
 *
 * The stream holds guest clusters as they come; an L2 table takes its place when the next one is
 * opened, in guest order behind all clusters that it maps. Refcount block k is the first cluster of
 * the range that it counts (block 0: the second, behind the header) when that range begins in the
 * stream, and "late" when it begins behind it, since the L1 and the refcount table must be
 * contiguous. On a file the header is written last; on a pipe the plan tells the length of the
 * stream, and thereby all that the header says. */
#ifndef FORMATS_QCOW2_WRITE_H
#define FORMATS_QCOW2_WRITE_H

#include "format.h"
#include "qcow2.h"

enum qcow2_compat { QCOW2_COMPAT_0_10, QCOW2_COMPAT_1_1, QCOW2_COMPAT_V2, QCOW2_COMPAT_V3 };
enum qcow2_preallocation {
  QCOW2_PREALLOCATION_OFF,
  QCOW2_PREALLOCATION_METADATA,
  QCOW2_PREALLOCATION_FALLOC,
  QCOW2_PREALLOCATION_FULL,
};

struct qcow2_write_options {
  unsigned compat; /* enum qcow2_compat */
  uint64_t cluster_size;
  unsigned compression_type; /* enum qcow2_compression */
  uint64_t compression_level;
  uint64_t refcount_bits;
  bool extended_l2;
  unsigned preallocation; /* enum qcow2_preallocation */
  bool lazy_refcounts;
  /* indices into the lists of write_crypt.c */
  unsigned encrypt_format, encrypt_cipher, encrypt_mode, encrypt_iv, encrypt_iv_hash, encrypt_hash;
  uint64_t encrypt_time; /* milliseconds */
};

/* What follows from the options and the guest size alone. */
struct qcow2_geometry {
  unsigned version; /* 2 or 3 */
  unsigned cluster_bits;
  unsigned refcount_order;
  bool extended; /* extended L2 entries */
  bool fill;     /* every guest cluster is allocated: preallocation */
  uint32_t cluster_size;
  uint64_t l2_entries;     /* of one table */
  uint64_t range_clusters; /* that one refcount block counts */
  uint64_t cluster_limit;  /* host clusters that QEMU can address and count */
  uint64_t guest_clusters;
  uint64_t l1_entries, l1_clusters;
  uint64_t crypt_clusters;  /* behind those: the LUKS header */
  uint64_t bitmap_clusters; /* behind the L1 table: copied bitmaps, with directory and tables */
};

/* Where the tables behind the stream stand; host clusters. */
struct qcow2_tail {
  uint64_t l1; /* also the end of the stream */
  uint64_t reftable, reftable_clusters;
  uint64_t late_blocks;        /* where the first late refcount block stands */
  uint64_t first_late, blocks; /* blocks first_late .. blocks - 1 are late */
  uint64_t end;                /* of the file */
};

/* Copied bitmaps. */
struct qcow2_bitmap_copy;
struct qcow2_bitmaps {
  struct qcow2_bitmap_copy *list;
  size_t count;
  uint64_t directory; /* bytes */
  uint64_t stored;    /* clusters of bits that are neither all zeros nor all ones */
};

/* writer state */
struct qcow2_build {
  struct qcow2_geometry geometry;
  bool promised;          /* on a pipe: `tail` is known from the start, and written in the header */
  struct qcow2_tail tail; /* unless promised: filled by finish */
  uint64_t next;          /* the next host cluster to hand out */
  uint64_t range;         /* the range that `refcounts` counts */
  uint8_t *refcounts;     /* one refcount block, as stored */
  uint8_t *l1;            /* as stored; pages that are never touched take no memory */
  uint8_t *l2;            /* the open L2 table, as stored */
  uint64_t l2_index;      /* its place in L1 */
  bool l2_open;
  struct qcow2_bitmaps bitmaps;
  uint8_t *crypt_head;       /* what of the LUKS header is not zeros; or NULL */
  struct vmf_cipher *cipher; /* or NULL */
  uint64_t next_guest;       /* fill: the first guest cluster that is not mapped yet */
  uint64_t packed_end; /* byte behind the last packed unit, inside a cluster that has room behind
                        * it; 0: there is none. That cluster lies in `range`. */
};

/* write_layout.c: arithmetic only */
void qcow2_geometry_fill(const struct qcow2_write_options *options, uint64_t guest_size,
                         struct qcow2_geometry *geometry);
/* Clusters of the stream without its refcount blocks: the units in `plan` (every: all units) and
 * their L2 tables. */
VMF_MUST_CHECK enum vmf_code qcow2_count_stream(const struct qcow2_geometry *geometry, bool every,
                                                const struct vmf_plan *plan, uint64_t *clusters,
                                                struct vmf_error *error);
/* Where the stream ends when `clusters` of it have been handed out, refcount blocks between them.
 */
uint64_t qcow2_stream_end(const struct qcow2_geometry *geometry, uint64_t clusters);
void qcow2_tail_fill(const struct qcow2_geometry *geometry, uint64_t stream_end,
                     struct qcow2_tail *tail);
/* Host cluster of refcount block `index`. */
uint64_t qcow2_block_cluster(const struct qcow2_geometry *geometry, const struct qcow2_tail *tail,
                             uint64_t index);

/* VMF_UNSUPPORTED when a file of so many clusters is beyond cluster_limit; `name` opens the text.
 */
VMF_MUST_CHECK enum vmf_code qcow2_check_clusters(const char *name,
                                                  const struct qcow2_geometry *geometry,
                                                  uint64_t clusters, struct vmf_error *error);

/* write_header.c */
/* Builds the first cluster's used bytes in header[cluster_size], zeroed before; VMF_UNSUPPORTED
 * when the backing name does not fit. */
VMF_MUST_CHECK enum vmf_code qcow2_build_header(const struct vmf_target *target, uint8_t *header,
                                                struct vmf_error *error);

/* write_refcounts.c: host clusters are handed out and counted here */
VMF_MUST_CHECK enum vmf_code qcow2_begin_refcounts(struct vmf_target *target,
                                                   struct vmf_error *error);
/* The next cluster of the stream; its refcount becomes 1. */
VMF_MUST_CHECK enum vmf_code qcow2_take_cluster(struct vmf_target *target, uint64_t *cluster,
                                                struct vmf_error *error);
/* A place for `length` packed bytes, shorter than a cluster. */
VMF_MUST_CHECK enum vmf_code qcow2_take_bytes(struct vmf_target *target, uint64_t length,
                                              uint64_t *host, struct vmf_error *error);
/* Fixes the tail, unless it was promised, and completes the blocks of the stream. */
VMF_MUST_CHECK enum vmf_code qcow2_end_stream(struct vmf_target *target, struct vmf_error *error);
/* The refcount table and the late blocks. */
VMF_MUST_CHECK enum vmf_code qcow2_write_refcounts(struct vmf_target *target,
                                                   struct vmf_error *error);

/* write_bitmaps.c; a vmf_writer.measure_bitmaps */
VMF_MUST_CHECK enum vmf_code qcow2_measure_bitmaps(const void *options, struct vmf_image *source,
                                                   bool *told, uint64_t *bytes,
                                                   struct vmf_error *error);
/* In begin, before the tail is known; at its place behind the L1 table */
VMF_MUST_CHECK enum vmf_code qcow2_take_bitmaps(struct vmf_target *target, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_write_bitmaps(struct vmf_target *target,
                                                 struct vmf_error *error);
void qcow2_release_bitmaps(struct qcow2_bitmaps *bitmaps);
/* Host cluster of their directory, when the tail is known. */
uint64_t qcow2_bitmaps_cluster(const struct qcow2_build *build);

/* write_crypt.c */
extern const char *const qcow2_encrypt_choices[],
    *const qcow2_cipher_choices[],
        *const qcow2_mode_choices[], *const qcow2_iv_choices[], *const qcow2_hash_choices[],
                                                                    *const qcow2_iv_hash_choices[];
bool qcow2_encrypts(const struct qcow2_write_options *options);
/* Bytes of the LUKS header; 0: there is none. */
uint64_t qcow2_crypt_bytes(const struct qcow2_write_options *options);
VMF_MUST_CHECK enum vmf_code qcow2_check_encryption(const struct qcow2_write_options *options,
                                                    bool compress, struct vmf_error *error);
/* Makes key and header; the header's place, when the tail is known; writes it there. */
VMF_MUST_CHECK enum vmf_code qcow2_begin_encryption(struct vmf_target *target,
                                                    struct vmf_error *error);
uint64_t qcow2_crypt_offset(const struct qcow2_build *build);
VMF_MUST_CHECK enum vmf_code qcow2_write_encryption(struct vmf_target *target,
                                                    struct vmf_error *error);
void qcow2_release_encryption(struct qcow2_build *build);

/* write_tables.c */
/* Opens the L2 table that maps guest cluster `unit`, after the one before it was written. One that
 * was written is read again, and keeps its place. */
VMF_MUST_CHECK enum vmf_code qcow2_open_table(struct vmf_target *target, uint64_t unit,
                                              struct vmf_error *error);
/* Entries of the open table. Where the data of a unit stands; 0: it has none. */
uint64_t qcow2_mapped_data(const struct qcow2_build *build, uint64_t unit);
void qcow2_map_data(struct qcow2_build *build, uint64_t unit, uint64_t host);
void qcow2_map_zero(struct qcow2_build *build, uint64_t unit);
VMF_MUST_CHECK enum vmf_code qcow2_map_packed(struct vmf_target *target, uint64_t unit,
                                              uint64_t host, uint64_t length,
                                              struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_close_table(struct vmf_target *target, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code qcow2_write_l1(struct vmf_target *target, struct vmf_error *error);

#endif
