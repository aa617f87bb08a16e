/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the two halves of the QCOW2 check share: counting who refers to each host cluster, and
 * comparing that with the reference counts that the image stores. Memory is bounded: the file is
 * looked at in windows of clusters. */
#ifndef FORMATS_QCOW2_CHECK_H
#define FORMATS_QCOW2_CHECK_H

#include "qcow2_reader.h"

enum {
  CHECK_WINDOW = 4 * 1024 * 1024, /* clusters; 8 bytes of memory each */
  CHECK_WINDOWS_MAX = 64,
  CHECK_REPORTS_MAX = 1000, /* findings that are told; all are counted */
  CHECK_PIECE = 16 * 1024,  /* bytes of a table, read at once */
};

/* A counter: how often a cluster is referred to, and in which roles. */
#define CHECK_ROLE_FIXED (UINT32_C(1) << 31) /* header, tables that nothing else may share */
#define CHECK_ROLE_L2 (UINT32_C(1) << 30)
#define CHECK_ROLE_DATA (UINT32_C(1) << 29)
#define CHECK_COUNT_MAX (CHECK_ROLE_DATA - 1)

struct check {
  struct vmf_image *image;
  struct vmf_findings *findings;
  uint64_t clusters;     /* of the file, the last may be short */
  uint64_t start, count; /* the window that refs describes */
  uint32_t *refs;
  uint64_t weights_start, weights_count;
  uint32_t *weights; /* how many L1 entries refer to the L2 table in a cluster */
  bool first;        /* the first window: broken entries are told and counted only there */
  unsigned reports;
  uint64_t l1_bytes;     /* of all L1 tables met in this walk over them */
  uint64_t bitmap_bytes; /* the same of the tables of bitmaps */
};

/* A part of the file that is read front to back in pieces; zeros behind the end of the file. */
struct check_table {
  struct vmf_io *io;
  uint64_t offset; /* of the table in the file */
  uint64_t at;     /* of bytes[] in the table */
  size_t loaded;
  uint8_t bytes[CHECK_PIECE];
};

/* Counts a corruption or a leak; true when it may be told too. */
bool check_corruption(struct check *check);
bool check_leak(struct check *check);

/* Points *raw to the entry at `at` of the table; entries never cross a piece. */
VMF_MUST_CHECK enum vmf_code check_load(struct check_table *table, uint64_t at, const uint8_t **raw,
                                        struct vmf_error *error);

/* Moves *at over the pieces of a table of `length` bytes that lie in holes of the file, whose
 * entries are zero, and points *raw to the entry there; NULL: the table has ended. */
VMF_MUST_CHECK enum vmf_code check_next(const struct check *check, struct check_table *table,
                                        uint64_t length, uint64_t *at, const uint8_t **raw,
                                        struct vmf_error *error);

/* check_count.c: fills refs for the window. */
VMF_MUST_CHECK enum vmf_code check_count_window(struct check *check, struct vmf_error *error);

#endif
