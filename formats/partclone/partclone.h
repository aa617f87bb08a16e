/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The image that Partclone makes of a file system (its IMAGE_FORMATS.md and partclone.h): a header,
 * a map of the blocks that are in use, and those blocks, with a checksum behind every so many of
 * them. All numbers are little-endian. */
#ifndef PARTCLONE_PARTCLONE_H
#define PARTCLONE_PARTCLONE_H

#include "format.h"

enum {
  PARTCLONE_HEADER_1 = 4160, /* bytes, of version 0001 */
  PARTCLONE_HEADER_2 = 110,  /* of version 0002, with the options that it has now */
  PARTCLONE_OPTIONS = 18,    /* bytes of these, in front of their checksum */
  PARTCLONE_OPTIONS_AT = 88,
  PARTCLONE_VERSION_AT = 30,
  PARTCLONE_NAME = 16, /* bytes of a file system's name */
  PARTCLONE_BLOCK_MAX = 64 << 20,
  PARTCLONE_CRC = 4,    /* bytes of a CRC-32 */
  PARTCLONE_CRC_64 = 8, /* the same, of old programs of 64 bits */
  PARTCLONE_SUM_MAX = 16,
};

#define PARTCLONE_MAGIC "partclone-image"

enum partclone_sum_mode {
  PARTCLONE_NONE = 0,
  PARTCLONE_CRC32 = 0x20,
  PARTCLONE_XXH64 = 0x30,
  PARTCLONE_XXH128 = 0x31, /* XXH3's */
  PARTCLONE_OLD_CRC = 0xff,
};
enum partclone_map { PARTCLONE_MAP_NONE = 0, PARTCLONE_MAP_BITS = 1, PARTCLONE_MAP_BYTES = 8 };

struct partclone_header {
  unsigned version;                /* 1, 2 */
  char system[PARTCLONE_NAME + 1]; /* the file system's name, as Partclone has it */
  uint64_t device_size;            /* bytes */
  uint64_t blocks, used;           /* used: by the map */
  uint32_t block_size;
  enum partclone_sum_mode sum;
  uint32_t sum_bytes, blocks_per_sum; /* both 0: there are none */
  bool restarts; /* each checksum begins anew; else it runs on from the one before */
  enum partclone_map map;
  uint64_t map_at, map_bytes; /* in the file */
  uint64_t data_at;           /* of the first used block */
};

struct partclone_state {
  struct partclone_header header;
  uint64_t *ranks;     /* used blocks in front of each piece of the map */
  struct vmf_io *data; /* the file, read as far as its checksums are right; NULL: it has none */
};

/* CRC-32 (reflected, polynomial 0xedb88320), whose bits are inverted neither before nor behind:
 * Partclone begins with ~0 and stores what comes out. */
uint32_t partclone_crc(uint32_t sum, const void *bytes, size_t length);

/* Bytes that a checksum of that mode takes; 0: there is none. */
uint32_t partclone_sum_bytes(enum partclone_sum_mode mode);

/* A checksum of blocks, over what comes in pieces. */
struct partclone_sum {
  uint32_t crc;
  struct vmf_xxhash *xxhash; /* instead, where it is one of xxHash's */
};
enum vmf_code partclone_sum_begin(enum partclone_sum_mode mode, struct partclone_sum *sum,
                                  struct vmf_error *error);
void partclone_sum_add(struct partclone_sum *sum, const void *bytes, size_t length);
/* Of all that came so far, as it is stored. */
void partclone_sum_get(const struct partclone_sum *sum, uint8_t out[PARTCLONE_SUM_MAX]);
void partclone_sum_end(struct partclone_sum *sum);

/* Reads and checks the header. */
enum vmf_code partclone_read_header(struct vmf_image *image, struct vmf_error *error);

/* Reads the map once: checks it, and makes state->ranks. Of version 0001 it tells how many blocks
 * are used; the header has what the file system itself counts. */
enum vmf_code partclone_read_map(struct vmf_image *image, struct vmf_error *error);

/* Whether the used blocks and their checksums are in the file. */
enum vmf_code partclone_check_data(struct vmf_image *image, struct vmf_error *error);

enum vmf_code partclone_map_blocks(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                   struct vmf_error *error);

/* The file again, where there are strips: one of used blocks is held against its checksum when a
 * byte of it is read for the first time. */
enum vmf_code partclone_data_open(const struct vmf_image *image, struct vmf_io **io,
                                  struct vmf_error *error);

/* Strips of used blocks whose checksums can be checked. */
uint64_t partclone_strips(const struct partclone_header *header);

/* Whether strip `index` of those is as its checksum says. */
enum vmf_code partclone_check_strip(struct vmf_io *data, uint64_t index, struct vmf_error *error);

extern const struct vmf_format vmf_format_partclone;

#endif
