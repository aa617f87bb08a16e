/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The file that `convert --map` writes beside a target: what each of its units was made of, and
 * where it stands. Little-endian:
 *
 *      0  16  "vmferry map 3\n" and zeros
 *     16   8  records
 *     24   8  bytes of the guest disk
 *     32   8  bytes of the target's file
 *     40   4  bytes of a unit; 44 4 codec (0: nothing is packed); 48 4 level; 52 4 flags: 1 must
 *             pack, 2 outer
 *     56  24  format, zeros behind it
 *     80 112  what packed it, zeros behind it
 *    192  32  what it was made of (source_files.h); zeros: nobody could tell again
 *    224  32  SHA-256 of the records and of the 224 bytes before
 *    256      records of 64 bytes, by guest offset:
 *      0   8  guest offset; 8 8 offset of what is stored; 16 4 its length; 20 4 guest bytes
 *     24   4  packed length of the unit before, as vmf_pack was told
 *     28   4  flags: 1 packed, 2 not made of the guest bytes alone
 *     32  16  the first half of the SHA-256 of the guest bytes, which their guest may choose; zeros
 *             where nothing is packed
 *     48  16  XXH3 of what is stored, which nobody does */
#ifndef VMF_IMAGE_UNIT_MAP_H
#define VMF_IMAGE_UNIT_MAP_H

#include <stdbool.h>

#include "io.h"
#include "source_files.h"

enum {
  VMF_UNIT_DIGEST = 16,
  VMF_UNIT_FORMAT = 24,
  VMF_UNIT_MAKER = 112,
  VMF_UNIT_MUST_PACK = 1,
  VMF_UNIT_OUTER = 2,
};

struct vmf_unit_head {
  uint64_t records, guest_size, output_size;
  uint32_t unit, codec, level, flags;
  char format[VMF_UNIT_FORMAT + 1], maker[VMF_UNIT_MAKER + 1];
  uint8_t source[VMF_SOURCE_DIGEST];
};

struct vmf_unit_record {
  uint64_t guest, offset;
  uint32_t stored; /* bytes at offset */
  uint32_t length, neighbour;
  bool packed; /* else what is stored is the guest bytes as they are */
  bool kept;   /* not made of the guest bytes alone: packed as the source had it, or in part lost */
  uint8_t digest[VMF_UNIT_DIGEST], stored_sum[VMF_QUICK_SUM];
};

/* Into an empty file. */
struct vmf_unit_writer;
VMF_MUST_CHECK enum vmf_code vmf_unit_writer_new(struct vmf_io *io, struct vmf_unit_writer **writer,
                                                 struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_unit_writer_add(struct vmf_unit_writer *writer,
                                                 const struct vmf_unit_record *record,
                                                 struct vmf_error *error);
/* head->records is filled. */
VMF_MUST_CHECK enum vmf_code vmf_unit_writer_finish(struct vmf_unit_writer *writer,
                                                    struct vmf_unit_head *head,
                                                    struct vmf_error *error);
void vmf_unit_writer_free(struct vmf_unit_writer *writer); /* NULL is allowed */

/* Reads and checks all of it once; keeps one guest offset of each 1024 records. Takes io over, also
 * on failure. VMF_CORRUPT. */
struct vmf_unit_map;
VMF_MUST_CHECK enum vmf_code vmf_unit_map_open(struct vmf_io *io, struct vmf_unit_map **map,
                                               struct vmf_error *error);
const struct vmf_unit_head *vmf_unit_map_head(const struct vmf_unit_map *map);
const struct vmf_io *vmf_unit_map_io(const struct vmf_unit_map *map);

/* The records of guest bytes [guest, end), at most `capacity` of them. Any thread. */
VMF_MUST_CHECK enum vmf_code vmf_unit_map_find(const struct vmf_unit_map *map, uint64_t guest,
                                               uint64_t end, struct vmf_unit_record *records,
                                               size_t capacity, size_t *count,
                                               struct vmf_error *error);
void vmf_unit_map_close(struct vmf_unit_map *map); /* NULL is allowed */

#endif
