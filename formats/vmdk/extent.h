/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An open VMDK disk: its extents one behind the other, and the two-level tables that all sparse
 * kinds share. */
#ifndef FORMATS_VMDK_EXTENT_H
#define FORMATS_VMDK_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "format.h"
#include "vmdk.h"
#include "vmdk_descriptor.h"

enum vmdk_entry_kind {
  VMDK_ENTRY_ABSENT, /* nothing here: the parent's bytes */
  VMDK_ENTRY_ZERO,
  VMDK_ENTRY_AT, /* a grain table, or a grain, at `host` */
};

struct vmdk_entry {
  enum vmdk_entry_kind kind;
  uint64_t host;
};

enum vmdk_level { VMDK_LEVEL_DIRECTORY, VMDK_LEVEL_TABLE };

/* Grain directory -> grain tables -> grains. All in bytes of the extent's file or of its part of
 * the guest disk. */
struct vmdk_grains {
  uint64_t capacity;   /* guest bytes that the tables cover, at least the extent's length */
  uint32_t grain;      /* guest bytes of a grain */
  uint32_t gtes;       /* entries of a grain table */
  uint32_t entry_size; /* 4 or 8, in both levels */
  uint64_t gd_offset, gd_entries;
  uint64_t rgd_offset;         /* the redundant grain directory; 0: none */
  bool packed;                 /* each grain stands packed behind a marker */
  bool zeroed;                 /* entry 1 is a grain of zeros */
  uint64_t gt_base, gt_length; /* seSparse: the area in which grain tables are numbered */
  uint64_t grain_base;         /* seSparse: grains are numbered from here */
  uint64_t least_host;         /* the end of the header: no table and no grain is before it */
  /* What an entry says; false: no such entry can be. Knows nothing of the file's size. */
  bool (*decode)(const struct vmdk_grains *grains, enum vmdk_level level, uint64_t raw,
                 struct vmdk_entry *entry);
};

enum vmdk_extent_kind { VMDK_EXTENT_ZERO, VMDK_EXTENT_FLAT, VMDK_EXTENT_GRAINS };

struct vmdk_extent {      /* of a row: see row.h */
  uint64_t guest, length; /* its part of the disk, bytes */
  enum vmdk_extent_kind kind;
  const char *type;  /* as the descriptor calls it; "" when the extent and its descriptor are one
                        file */
  struct vmf_io *io; /* NULL: ZERO */
  bool owns_io;
  bool trust_holes;          /* as the image's */
  bool unclean;              /* its header says that it was not closed */
  uint64_t host;             /* FLAT: where its bytes start in io */
  struct vmdk_grains grains; /* GRAINS */
};

/* The state of an open image. */
struct vmdk_disk {
  struct vmdk_descriptor descriptor; /* zeroed for an extent that was opened without one */
  struct vmdk_extent *extents;       /* in guest order, without gaps */
  unsigned extent_count;
  bool whole; /* all extents are open; false: only what the descriptor says is known of them */
};

/* The extent that holds `guest` < the disk's size. */
struct vmdk_extent *vmdk_extent_at(const struct vmdk_disk *disk, uint64_t guest);

/* extents.c: opens all extents of disk->descriptor through the image's opener. */
VMF_MUST_CHECK enum vmf_code vmdk_extents_open(struct vmf_image *image, struct vmf_error *error);
/* The image file itself is the only extent. `sectors`: what a descriptor says it has, or NULL. */
VMF_MUST_CHECK enum vmf_code vmdk_extents_single(struct vmf_image *image,
                                                 enum vmdk_extent_type type,
                                                 const struct vmdk_extent_line *line,
                                                 struct vmf_error *error);
void vmdk_extents_close(struct vmf_image *image);
/* VMF_UNSUPPORTED: data on a raw device, or that its owner does not let be read. */
VMF_MUST_CHECK enum vmf_code vmdk_refuse_line(const char *name, const struct vmdk_extent_line *line,
                                              struct vmf_error *error);
/* Sparse tables must cover what the descriptor gives the extent; the two should be equal. Bytes. */
VMF_MUST_CHECK enum vmf_code vmdk_check_length(const char *name, uint64_t length, uint64_t capacity,
                                               struct vmf_error *error);
void vmdk_warn_length(const struct vmf_log *log, const char *name, uint64_t length,
                      uint64_t capacity);

/* sparse.c, cowd.c, sesparse.c: decode and check the header of extent->io, fill extent->grains. */
VMF_MUST_CHECK enum vmf_code vmdk_sparse_open(const struct vmf_image *image,
                                              struct vmdk_extent *extent, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmdk_cowd_open(const struct vmf_image *image,
                                            struct vmdk_extent *extent, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmdk_sesparse_open(const struct vmf_image *image,
                                                struct vmdk_extent *extent,
                                                struct vmf_error *error);

/* A hosted sparse header. Sizes and offsets in sectors, as they stand. */
struct vmdk_header {
  uint32_t magic, version, flags, gtes_per_gt;
  uint64_t capacity, grain_size, descriptor_offset, descriptor_size, rgd_offset, gd_offset,
      overhead;
  uint8_t unclean, newlines[4];
  uint16_t compression;
};

/* Decodes and checks the header of `io`; gd_offset may be VMDK_GD_AT_END. */
VMF_MUST_CHECK enum vmf_code vmdk_sparse_header_read(struct vmf_io *io, struct vmdk_header *header,
                                                     struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmdk_sparse_header_check(const char *name,
                                                      const struct vmdk_header *header,
                                                      struct vmf_error *error);
void vmdk_sparse_header_decode(const uint8_t raw[VMDK_SECTOR], struct vmdk_header *header);

/* vmdk.c: where the descriptor of a disk in one file stands, bytes; and what it has to say. */
VMF_MUST_CHECK enum vmf_code vmdk_embedded_place(const char *name, const struct vmdk_header *header,
                                                 uint64_t *offset, uint64_t *length,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmdk_embedded_check(const char *name,
                                                 const struct vmdk_descriptor *descriptor,
                                                 struct vmf_error *error);

/* stream.c: the footer of a stream whose header says VMDK_GD_AT_END; checked against the header. */
VMF_MUST_CHECK enum vmf_code vmdk_stream_footer(struct vmf_io *io, const struct vmdk_header *header,
                                                struct vmdk_header *footer,
                                                struct vmf_error *error);
/* What of the footer has to be as in the header. */
VMF_MUST_CHECK enum vmf_code vmdk_check_footer(const struct vmf_io *io,
                                               const struct vmdk_header *footer,
                                               const struct vmdk_header *header,
                                               struct vmf_error *error);
/* vmf_reader.unwrap: the marker before a packed grain; and the same for the grain at `guest` of the
 * extent. */
VMF_MUST_CHECK enum vmf_code vmdk_strip_marker(const struct vmf_run *run, uint64_t guest,
                                               const uint8_t *stored, size_t length,
                                               struct vmf_payload *payload,
                                               struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmdk_stream_unwrap(const struct vmf_image *image,
                                                const struct vmf_run *run, const uint8_t *stored,
                                                size_t length, struct vmf_payload *payload,
                                                struct vmf_error *error);
/* The marker's numbers; VMF_CORRUPT when they cannot be those of the grain at `guest` of the
 * extent. */
VMF_MUST_CHECK enum vmf_code vmdk_stream_marker(const struct vmf_io *io, uint64_t host,
                                                const uint8_t marker[VMDK_GRAIN_MARKER],
                                                uint64_t guest, uint32_t grain, uint32_t *size,
                                                struct vmf_error *error);

/* grains.c: the run that holds `guest`, an offset in the extent; run->guest is one, too. */
VMF_MUST_CHECK enum vmf_code vmdk_grains_map(const struct vmdk_extent *extent,
                                             struct vmf_page_cache *cache, uint64_t guest,
                                             struct vmf_run *run, struct vmf_error *error);
/* VMF_CORRUPT when the directory does not lie in the file or is too short for the capacity. */
VMF_MUST_CHECK enum vmf_code vmdk_grains_check(const struct vmdk_extent *extent,
                                               struct vmf_error *error);
/* Entry values 0, 1 (when grains->zeroed) and sector numbers: hosted sparse and COWD. */
bool vmdk_grains_decode_sectors(const struct vmdk_grains *grains, enum vmdk_level level,
                                uint64_t raw, struct vmdk_entry *entry);
/* `count` <= VMDK_ENTRIES_AT_ONCE entries of the table at `host`, from number `first` on. */
enum { VMDK_ENTRIES_AT_ONCE = 512 };
VMF_MUST_CHECK enum vmf_code vmdk_grains_load(const struct vmdk_extent *extent,
                                              struct vmf_page_cache *cache, uint64_t host,
                                              uint64_t first, unsigned count, uint64_t *entries,
                                              struct vmf_error *error);
/* How many of `count` entries of a directory at `directory`, from number `index` on, lie in a hole
 * of the file, so that they are zero; 0 where holes are not trusted. */
uint64_t vmdk_grains_hole(const struct vmdk_extent *extent, uint64_t directory, uint64_t index,
                          uint64_t count);
/* Guest bytes under one directory entry. */
static inline uint64_t vmdk_grains_coverage(const struct vmdk_grains *grains)
{
  return (uint64_t)grains->grain * grains->gtes;
}
/* Entries that the grain table `index` has: the last one may be shorter. */
uint32_t vmdk_grains_entries(const struct vmdk_grains *grains, uint64_t index);

/* audit.c: vmf_reader.check. */
VMF_MUST_CHECK enum vmf_code vmdk_audit(struct vmf_image *image, struct vmf_findings *findings,
                                        struct vmf_error *error);

#endif
