/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * QCOW version 1, of QEMU until 2008. All numbers are big-endian. A header, the name of a backing
 * file, an L1 table of offsets of L2 tables, and those of offsets of clusters: there are neither
 * reference counts nor snapshots. */
#ifndef QCOW_QCOW_H
#define QCOW_QCOW_H

#include "format.h"
#include "legacy_aes.h"

enum {
  QCOW_HEADER = 48,
  QCOW_ENTRY = 8,            /* bytes, of both tables */
  QCOW_ENTRIES = 512,        /* of a table, read at once */
  QCOW_BACKING_MAX = 1023,   /* bytes of the name */
  QCOW_CLUSTER_BITS_MIN = 9, /* what QEMU opens */
  QCOW_CLUSTER_BITS_MAX = 16,
  QCOW_L2_BITS_MIN = 6,
  QCOW_L2_BITS_MAX = 13,
  QCOW_SECTOR = 512,
};

#define QCOW_MAGIC 0x514649fbu
#define QCOW_PACKED (UINT64_C(1) << 63)

struct qcow_header {
  uint32_t version;
  uint64_t backing_offset; /* 0: there is none */
  uint32_t backing_size;
  uint64_t size; /* bytes */
  uint32_t cluster_bits, l2_bits;
  uint32_t encryption; /* 0 none, 1 AES */
  uint64_t l1_offset;
};

struct qcow_state {
  struct qcow_header header;
  uint32_t cluster_size;
  uint64_t l1_entries;
  struct vmf_cipher *cipher; /* of plain clusters; NULL: they are not encrypted */
};

/* Reads and checks the header; fills image->size, unit, parent_link. */
enum vmf_code qcow_load(struct vmf_image *image, struct vmf_error *error);

/* `count` entries, at most QCOW_ENTRIES, from byte `at` on. */
enum vmf_code qcow_read_entries(struct vmf_image *image, uint64_t at, uint64_t *entries,
                                uint32_t count, struct vmf_error *error);

/* Whether an L1 entry that is not 0 leads to an L2 table. */
enum vmf_code qcow_check_l1_entry(const struct vmf_image *image, uint64_t index, uint64_t entry,
                                  struct vmf_error *error);

/* What an L2 entry says of the cluster at `guest`. */
enum vmf_code qcow_take_entry(const struct vmf_image *image, uint64_t guest, uint64_t entry,
                              struct vmf_run *run, struct vmf_error *error);

enum vmf_code qcow_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                       struct vmf_error *error);
enum vmf_code qcow_check(struct vmf_image *image, struct vmf_findings *findings,
                         struct vmf_error *error);

extern const struct vmf_format vmf_format_qcow;

#endif
