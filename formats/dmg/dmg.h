/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Apple's disk image (UDIF): a trailer of 512 bytes ("koly") leads to a property list, which holds
 * a table ("mish") in base64 for each partition; its runs say what stands where. All numbers are
 * big-endian. */
#ifndef VMF_FORMATS_DMG_H
#define VMF_FORMATS_DMG_H

#include "format.h"

enum {
  DMG_TRAILER = 512,
  DMG_SECTOR = 512,
  DMG_TABLE = 204, /* its header; the runs follow */
  DMG_RUN = 40,
  DMG_SUM_NONE = 0,
  DMG_SUM_CRC32 = 2,
};

struct dmg_trailer {
  uint32_t version, length;   /* at 4, 8 */
  uint32_t flags;             /* at 12 */
  uint64_t fork, fork_length; /* at 24, 32: the data */
  uint64_t resources_length;  /* at 48: of images before 2001, in place of the property list */
  uint32_t segment, segments; /* at 56, 60 */
  uint32_t fork_sum_type, fork_sum; /* at 80, 88: of the packed data */
  uint64_t plist, plist_length;     /* at 216, 224 */
  uint32_t master_type, master;     /* at 352, 360: of the sums of all tables */
  uint32_t variant;                 /* at 488 */
  uint64_t sectors;                 /* at 492; may be 0 */
};

/* What stands at some sectors of the disk. */
struct dmg_run {
  uint64_t start, sectors; /* start: see row.h */
  uint64_t offset;         /* in the file */
  uint32_t stored;         /* bytes, of a packed one */
  uint8_t kind, codec;     /* enum vmf_run_kind, enum vmf_codec */
  bool unsummed;           /* ignored space: zeros that the sum of the table leaves out */
};

struct dmg_state {
  struct dmg_trailer trailer;
  struct dmg_run *runs; /* in the order of the disk, without overlaps */
  size_t count;
  uint32_t tables;
  struct vmf_io *data; /* the file, for runs without a checksum; NULL: image->io */
};

/* ---- property list ---- */

enum { DMG_PLIST_DEPTH = 32, DMG_PLIST_KEY = 16 };

struct dmg_element {
  char name[DMG_PLIST_KEY];
  char key[DMG_PLIST_KEY]; /* of a dict: the last that was read */
};

/* Read from front to back, a piece at a time: a list may be far larger than memory should be. */
struct dmg_plist {
  const struct vmf_image *image;
  uint64_t at, end; /* what has not been read yet */
  uint8_t buffer[4096];
  size_t used, filled;
  struct dmg_element open[DMG_PLIST_DEPTH];
  unsigned depth;
  uint32_t bits, bit_count; /* of base64 */
  bool in_data;
};

void dmg_plist_begin(struct dmg_plist *plist, const struct vmf_image *image);
/* Goes to the next data of resource-fork/blkx; *found is false where there is none. */
enum vmf_code dmg_plist_next(struct dmg_plist *plist, bool *found, struct vmf_error *error);
/* Its bytes; *got is less than length at their end. */
enum vmf_code dmg_plist_read(struct dmg_plist *plist, uint8_t *bytes, size_t length, size_t *got,
                             struct vmf_error *error);

/* ---- tables ---- */

/* All tables, in the order of the file. */
struct dmg_walk {
  struct dmg_plist plist;
  uint32_t tables;               /* that were begun */
  uint64_t first, sectors, data; /* of this one: at 8, 16, 24 */
  uint32_t sum_type, sum;        /* at 64, 72 */
  uint32_t left;                 /* of its runs */
};

void dmg_walk_begin(struct dmg_walk *walk, const struct vmf_image *image);
enum vmf_code dmg_walk_table(struct dmg_walk *walk, bool *found, struct vmf_error *error);
/* Its next run, checked; comments are left out. */
enum vmf_code dmg_walk_run(struct dmg_walk *walk, struct dmg_run *run, bool *found,
                           struct vmf_error *error);

/* Reads all of them: state->runs, image->size and unit. */
enum vmf_code dmg_load_runs(struct vmf_image *image, struct vmf_error *error);

enum vmf_code dmg_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error);

/* The file again: before it is read for the first time, the stored data is held against its sums.
 */
enum vmf_code dmg_data_open(struct vmf_image *image, struct vmf_io **io, struct vmf_error *error);

/* All sums over the data, or as many as it takes to know that all of it is as it was stored. */
enum vmf_code dmg_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error);
enum vmf_code dmg_check_data(struct vmf_image *image, struct vmf_findings *findings,
                             struct vmf_error *error);

#endif
