/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Disks of Parallels (docs/interop/parallels.txt of QEMU; libphdi's documentation). All numbers are
 * little-endian. A file is a header, a table (the BAT) of one entry a cluster, and the clusters. A
 * bundle is a folder of such files and of plain ones, each a range of the disk in one of its
 * snapshots, with a descriptor in XML. */
#ifndef PARALLELS_PARALLELS_H
#define PARALLELS_PARALLELS_H

#include "cluster_use.h"
#include "format.h"

enum {
  PARALLELS_HEADER = 64, /* bytes; the BAT follows */
  PARALLELS_MAGIC = 16,
  PARALLELS_SECTOR = 512,
  PARALLELS_ENTRY = 4,
  PARALLELS_ENTRIES = 1024,              /* of the BAT, read at once */
  PARALLELS_CLUSTER_MAX = (1 << 22) - 1, /* sectors: 2 GiB */
  PARALLELS_EXTENSION_MAX = 16 << 20,    /* bytes of it that are looked at */
};

#define PARALLELS_OLD "WithoutFreeSpace" /* entries of the BAT count sectors */
#define PARALLELS_EXT "WithouFreSpacExt" /* they count clusters */
#define PARALLELS_IN_USE 0x746f6e59u
#define PARALLELS_EMPTY 1u /* flag: the BAT holds nothing */

struct parallels_header {
  bool ext;
  uint32_t version, cluster_sectors, entries;
  uint64_t sectors;
  uint32_t in_use, data_start_sectors, flags;
  uint64_t extension_sectors; /* where it is; 0: there is none */
};

/* One file, a range of the disk. */
struct parallels_extent {
  struct vmf_io *io;
  bool plain;             /* its bytes are the disk's; there is no header */
  uint64_t start, length; /* bytes of the disk */
  struct parallels_header header;
  uint64_t cluster, data_start; /* bytes; the latter in the file */
};

/* The disk at one time: extents that follow each other. What they do not store is in the layer
 * before. */
struct parallels_layer {
  struct parallels_extent *extents;
  size_t count;
};

struct parallels_state {
  struct parallels_layer *layers; /* the newest first */
  size_t layer_count;
  bool in_use;
  struct vmf_io *descriptor; /* of a bundle beside the file, owned; NULL: there is none */
  bool bundle;               /* image->io is its descriptor, and the files are the driver's own */
  unsigned snapshots_left;   /* of a bundle: those that are not read */
};

/* Reads and checks the header of extent->io, and fills in what follows from it: all but start. */
enum vmf_code parallels_read_header(const struct vmf_image *image, struct parallels_extent *extent,
                                    struct vmf_error *error);

/* `count` entries, at most PARALLELS_ENTRIES, of the BAT from `first` on. */
enum vmf_code parallels_read_entries(struct vmf_image *image, const struct parallels_extent *extent,
                                     uint32_t first, uint32_t *entries, uint32_t count,
                                     struct vmf_error *error);

/* How many entries of the BAT, from `first` on, are 0 as a hole of the file, or as the header says
 * that all are. */
uint32_t parallels_entries_in_hole(const struct vmf_image *image,
                                   const struct parallels_extent *extent, uint32_t first);

/* Host offset of the cluster of an entry that is not 0; VMF_CORRUPT when it is no place for one. */
enum vmf_code parallels_place(const struct parallels_extent *extent, uint32_t number,
                              uint32_t entry, uint64_t *host, struct vmf_error *error);

enum vmf_code parallels_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                            struct vmf_error *error);
enum vmf_code parallels_check(struct vmf_image *image, struct vmf_findings *findings,
                              struct vmf_error *error);

/* What the extension of a file holds, which is never disk content. VMF_CORRUPT: it is damaged. use:
 * takes its clusters; or NULL. */
enum vmf_code parallels_read_extension(const struct parallels_extent *extent, unsigned *bitmaps,
                                       struct vmf_cluster_use *use, struct vmf_error *error);

extern const struct vmf_format vmf_format_parallels;

#endif
