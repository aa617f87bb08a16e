/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The Expert Witness format of EnCase (E01): segment files of sections, each with a descriptor of
 * 76 bytes. A "volume" tells of the disk, "sectors" hold its chunks, each packed by zlib or as it
 * is with its Adler-32, a "table" says where each of them starts. In images of SMART and of EnCase
 * 1 there are no "sectors": the chunks follow the entries in the table's section. All numbers are
 * little-endian. */
#ifndef VMF_FORMATS_EWF_H
#define VMF_FORMATS_EWF_H

#include "format.h"

enum {
  EWF_FILE_HEADER = 13,
  EWF_SECTION = 76, /* the descriptor; its data follows */
  EWF_VOLUME = 1052,
  EWF_VOLUME_SMART = 94,
  EWF_TABLE = 24, /* its header; the entries follow */
  EWF_ENTRY = 4,
  EWF_SUM = 4,
  EWF_TYPE = 16,
  EWF_GUID = 16,
  EWF_MD5 = 16,
  EWF_SHA1 = 20,
};
#define EWF_PACKED 0x80000000u /* of an entry; the other bits are the offset */

struct ewf_volume {
  uint8_t media;          /* at 0 */
  uint32_t chunks;        /* at 4 */
  uint32_t chunk_sectors; /* at 8 */
  uint32_t sector;        /* at 12: bytes */
  uint64_t sectors;       /* at 16 */
  uint8_t level;          /* at 52 */
  uint8_t guid[EWF_GUID]; /* at 64: of the set of segments */
};

/* The places of chunks that follow each other. */
struct ewf_table {
  uint64_t first;    /* the number of the first of them; struct row */
  uint64_t entries;  /* where they stand in the file */
  uint64_t base;     /* what their offsets start from */
  uint64_t data_end; /* of the sectors section that has the chunks */
  struct vmf_io *io;
  uint32_t count;
  uint32_t wide; /* from this entry on they are 32 bits and not packed: EnCase 6.7 */
};

struct ewf_section {
  char type[EWF_TYPE + 1];
  uint64_t at, next, size; /* of the descriptor; size: with it */
};

struct ewf_state {
  struct ewf_volume volume;
  bool has_volume, done;
  uint32_t chunk;           /* bytes */
  struct vmf_io **segments; /* but for the first, image->io */
  size_t segment_count, segment_room;
  struct ewf_table *tables;
  size_t table_count, table_room;
  uint64_t chunks; /* of all tables */
  uint64_t unread; /* ranges of sectors that could not be read when the image was made */
};

/* Where things stand while the sections of one segment are walked. */
struct ewf_walk {
  struct vmf_image *image;
  struct vmf_io *io;
  uint64_t data, data_end; /* of the last sectors section, or the table that has the chunks */
  bool sectors;            /* there are sectors sections */
  bool bad_table;          /* of the last table: its mirror has to do */
  uint32_t sections;
};

/* Reads all sections of one segment. *more: another one follows. */
enum vmf_code ewf_walk_segment(struct vmf_image *image, struct vmf_io *io, bool *more,
                               struct vmf_error *error);
/* A "table" or "table2". */
enum vmf_code ewf_take_table(struct ewf_walk *walk, const struct ewf_section *section,
                             struct vmf_error *error);

/* The name of segment `number` beside `first`, the name of the first one; a fresh string. NULL:
 * there can be none. */
enum vmf_code ewf_segment_name(const char *first, uint32_t number, char **name,
                               struct vmf_error *error);

enum vmf_code ewf_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error);
enum vmf_code ewf_unwrap(const struct vmf_image *image, const struct vmf_run *run,
                         const uint8_t *stored, size_t length, struct vmf_payload *payload,
                         struct vmf_error *error);
enum vmf_code ewf_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error);

#endif
