/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * QED, QEMU's enhanced disk (docs/interop/qed_spec). All numbers are little-endian. A header of
 * some clusters, an L1 table of offsets of L2 tables, and those of offsets of clusters; all tables
 * have the same size. */
#ifndef QED_QED_H
#define QED_QED_H

#include "format.h"

enum {
  QED_HEADER = 64,
  QED_CLUSTER_MIN = 1 << 12,
  QED_CLUSTER_MAX = 1 << 26,
  QED_TABLE_MAX = 16, /* clusters */
  QED_SECTOR = 512,
  QED_BACKING_MAX = 1023, /* bytes of the name */
  QED_ENTRY = 8,          /* bytes, of both tables */
  QED_ENTRIES = 512,      /* of a table, read at once */
};

#define QED_MAGIC 0x00444551u
#define QED_ZERO 1u /* an L2 entry: zeros, whatever the backing file holds */

enum qed_feature {
  QED_BACKING_FILE = 1,
  QED_NEEDS_CHECK = 2,
  QED_BACKING_RAW = 4, /* the backing file's format is not to be guessed */
  QED_FEATURES = 7,
};

struct qed_header {
  uint32_t cluster_size;
  uint32_t table_clusters, header_clusters;
  uint64_t features; /* enum qed_feature */
  uint64_t l1_offset, size;
  uint32_t backing_offset, backing_size;
};

struct qed_state {
  struct qed_header header;
  uint64_t table_entries, table_bytes; /* of each table */
  uint64_t header_bytes;
};

/* Reads and checks the header; fills image->size, unit, parent_link. */
enum vmf_code qed_load(struct vmf_image *image, struct vmf_error *error);

/* `count` entries, at most QED_ENTRIES, from byte `at` on. */
enum vmf_code qed_read_entries(struct vmf_image *image, uint64_t at, uint64_t *entries,
                               uint32_t count, struct vmf_error *error);

/* Whether an L1 entry that is not 0 leads to an L2 table. */
enum vmf_code qed_check_l1_entry(const struct vmf_image *image, uint64_t index, uint64_t entry,
                                 struct vmf_error *error);

/* What an L2 entry says of the cluster at `guest`. */
enum vmf_code qed_take_entry(const struct vmf_image *image, uint64_t guest, uint64_t entry,
                             struct vmf_run *run, struct vmf_error *error);

enum vmf_code qed_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error);
enum vmf_code qed_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error);

extern const struct vmf_format vmf_format_qed;

#endif
