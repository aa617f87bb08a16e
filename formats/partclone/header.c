/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of both versions: decoded, and checked whole. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "partclone.h"

enum {
  BYTE_ORDER = 0xc0de,
  MAP_MAX = 1 << 30, /* bytes */
};

/* Version 0001: each block has a CRC behind it, which programs of 64 bits made wrong. */
static void decode_1(const uint8_t raw[PARTCLONE_HEADER_1], struct partclone_header *header)
{
  memcpy(header->system, raw + 15, PARTCLONE_NAME - 1);
  header->block_size = get_le32(raw + 36);
  header->device_size = get_le64(raw + 40);
  header->blocks = get_le64(raw + 48);
  header->used = get_le64(raw + 56);
  header->sum = PARTCLONE_OLD_CRC;
  header->sum_bytes = PARTCLONE_CRC;
  header->blocks_per_sum = 1;
  header->map = PARTCLONE_MAP_BYTES;
  header->map_at = PARTCLONE_HEADER_1;
}

static void decode_2(const uint8_t raw[PARTCLONE_HEADER_2], struct partclone_header *header)
{
  memcpy(header->system, raw + 36, PARTCLONE_NAME);
  header->device_size = get_le64(raw + 52);
  header->blocks = get_le64(raw + 60);
  header->used = get_le64(raw + 76); /* byte 68: as the file system itself counts */
  header->block_size = get_le32(raw + 84);
  header->sum = get_le16(raw + 96);
  header->sum_bytes = get_le16(raw + 98);
  header->blocks_per_sum = get_le32(raw + 100);
  header->restarts = raw[104] != 0;
  header->map = raw[105];
  header->map_at = PARTCLONE_HEADER_2;
}

static enum vmf_code check_version_2(const struct vmf_image *image,
                                     const uint8_t raw[PARTCLONE_HEADER_2], struct vmf_error *error)
{
  uint16_t order = get_le16(raw + 34);
  uint32_t options = get_le32(raw + PARTCLONE_OPTIONS_AT), at = PARTCLONE_HEADER_2 - PARTCLONE_CRC;
  const char *name = image->io->name;

  if (order == (BYTE_ORDER >> 8 | (BYTE_ORDER & 0xff) << 8))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Partclone header: made by a machine of big-endian numbers, "
                    "whose maps lose blocks at their end: partclone reads it on such a one only",
                    name);
  if (order != BYTE_ORDER)
    return vmf_fail(error, VMF_CORRUPT, "%s: Partclone header: byte order 0x%04x, expected 0x%04x",
                    name, order, BYTE_ORDER);
  if (options != PARTCLONE_OPTIONS || get_le16(raw + 92) != 2)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Partclone header: options of %" PRIu32
                    " bytes and version %u, expected %d and 2",
                    name, options, get_le16(raw + 92), PARTCLONE_OPTIONS);
  uint32_t sum = partclone_crc(UINT32_MAX, raw, at);
  if (get_le32(raw + at) != sum)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Partclone header: its checksum is 0x%08" PRIx32
                    ", the one that is stored 0x%08" PRIx32,
                    name, sum, get_le32(raw + at));
  return VMF_OK;
}

static enum vmf_code check_sums(const struct vmf_image *image, struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;
  const char *name = image->io->name;
  unsigned sum = header->sum;

  if (sum != PARTCLONE_NONE && partclone_sum_bytes(sum) == 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Partclone header: checksum mode 0x%02x, expected 0 (none), 0x20 (CRC32), "
                    "0x30 (XXH64), 0x31 (XXH128) or 0xff (the old CRC)",
                    name, sum);
  if (sum == PARTCLONE_NONE)
    return VMF_OK;
  if (header->sum_bytes != partclone_sum_bytes(sum) || header->blocks_per_sum == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Partclone header: checksums of %" PRIu32 " bytes behind every %" PRIu32
                    " blocks, expected %" PRIu32 " bytes and one block at least",
                    name, header->sum_bytes, header->blocks_per_sum, partclone_sum_bytes(sum));
  return VMF_OK;
}

static enum vmf_code check_sizes(const struct vmf_image *image, struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;
  const char *name = image->io->name;
  uint64_t covered;

  if (header->block_size == 0 || header->block_size > PARTCLONE_BLOCK_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Partclone header: blocks of %" PRIu32 " bytes, expected 1 to %d", name,
                    header->block_size, PARTCLONE_BLOCK_MAX);
  if (!vmf_mul(header->blocks, header->block_size, &covered) || covered > header->device_size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Partclone header: %" PRIu64 " blocks of %" PRIu32
                    " bytes on a device of %" PRIu64 " bytes",
                    name, header->blocks, header->block_size, header->device_size);
  if (header->device_size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: Partclone header: a device of %" PRIu64 " bytes; at most %" PRIu64
                    " are possible",
                    name, header->device_size, image->limits->guest_size);
  if (header->version != 1 && header->used > header->blocks)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Partclone header: %" PRIu64 " blocks in use of %" PRIu64, name,
                    header->used, header->blocks);
  return VMF_OK;
}

/* Where the map ends, and so the data begins; all of it is in the file. */
static enum vmf_code place_map(const struct vmf_image *image, struct vmf_error *error)
{
  struct partclone_header *header = &((struct partclone_state *)image->state)->header;
  const char *name = image->io->name;
  unsigned map = header->map;
  uint64_t end = header->version == 1 ? 8 : PARTCLONE_CRC; /* "BiTmAgIc", or a CRC */

  if (map != PARTCLONE_MAP_NONE && map != PARTCLONE_MAP_BITS && map != PARTCLONE_MAP_BYTES)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Partclone header: map mode %u, expected 0 (none), 1 (bits) or 8 (bytes)",
                    name, map);
  header->map_bytes = map == PARTCLONE_MAP_NONE   ? 0
                      : map == PARTCLONE_MAP_BITS ? vmf_div_up(header->blocks, 8)
                                                  : header->blocks;
  if (header->map_bytes > MAP_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: Partclone header: a map of %" PRIu64 " bytes; at most %d are possible",
                    name, header->map_bytes, MAP_MAX);
  header->data_at = header->map_at + header->map_bytes + (map == PARTCLONE_MAP_NONE ? 0 : end);
  if (header->data_at > image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Partclone header: the map ends at byte %" PRIu64
                    ", beyond the end of the file (%" PRIu64 " bytes)",
                    name, header->data_at, image->io->size);
  if (map == PARTCLONE_MAP_NONE && header->used != header->blocks)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Partclone header: %" PRIu64 " blocks in use of %" PRIu64
                    ", and no map of them",
                    name, header->used, header->blocks);
  return VMF_OK;
}

enum vmf_code partclone_read_header(struct vmf_image *image, struct vmf_error *error)
{
  struct partclone_state *state = image->state;
  struct partclone_header *header = &state->header;
  uint8_t raw[PARTCLONE_HEADER_1] = {0};
  size_t have = (size_t)vmf_min(sizeof raw, image->io->size);

  VMF_TRY(vmf_io_pread(image->io, raw, have, 0, error));
  const uint8_t *version = raw + PARTCLONE_VERSION_AT;
  if (memcmp(raw, PARTCLONE_MAGIC, sizeof PARTCLONE_MAGIC - 1) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no \"" PARTCLONE_MAGIC "\" at byte 0",
                    image->io->name);
  header->version = memcmp(version, "0001", 4) == 0 ? 1 : memcmp(version, "0002", 4) == 0 ? 2 : 0;
  if (header->version == 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Partclone header: another version than 0001 and 0002", image->io->name);
  size_t needed = header->version == 1 ? PARTCLONE_HEADER_1 : PARTCLONE_HEADER_2;
  if (have < needed)
    return vmf_fail(error, VMF_CORRUPT, "%s: %zu bytes, a Partclone header has %zu",
                    image->io->name, have, needed);
  if (header->version == 1) {
    decode_1(raw, header);
  } else {
    VMF_TRY(check_version_2(image, raw, error));
    decode_2(raw, header);
  }
  VMF_TRY(check_sums(image, error));
  VMF_TRY(check_sizes(image, error));
  return place_map(image, error);
}

/* What the used blocks take, with checksums of `sum_bytes`; UINT64_MAX: more than any file. */
static uint64_t data_length(const struct vmf_image *image, uint32_t sum_bytes)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;
  uint64_t length = header->used * header->block_size; /* of the device's, so it fits */

  if (length > image->io->size || header->sum == PARTCLONE_NONE)
    return length;
  return length + vmf_div_up(header->used, header->blocks_per_sum) * sum_bytes;
}

/* Old programs of 64 bits wrote 8 bytes for a CRC. Nothing but the length of the file tells, which
 * so has to be just right. */
static enum vmf_code choose_sum_bytes(struct vmf_image *image, struct vmf_error *error)
{
  struct partclone_header *header = &((struct partclone_state *)image->state)->header;
  uint64_t there = image->io->size - header->data_at;

  header->sum_bytes = PARTCLONE_CRC;
  if (there == data_length(image, PARTCLONE_CRC))
    return VMF_OK;
  header->sum_bytes = PARTCLONE_CRC_64;
  if (there == data_length(image, PARTCLONE_CRC_64))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: %" PRIu64 " bytes behind the map, expected %" PRIu64 " of %" PRIu64
                  " blocks with checksums of %d bytes, or %" PRIu64 " with those of %d",
                  image->io->name, there, data_length(image, PARTCLONE_CRC), header->used,
                  PARTCLONE_CRC, data_length(image, PARTCLONE_CRC_64), PARTCLONE_CRC_64);
}

uint64_t partclone_strips(const struct partclone_header *header)
{
  bool none = header->sum == PARTCLONE_NONE || header->sum == PARTCLONE_OLD_CRC;

  return none ? 0 : vmf_div_up(header->used, header->blocks_per_sum);
}

enum vmf_code partclone_check_data(struct vmf_image *image, struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;

  if (header->version == 1)
    return choose_sum_bytes(image, error);
  uint64_t length = data_length(image, header->sum_bytes);
  if (!vmf_range_within(header->data_at, length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " blocks from byte %" PRIu64 " on, with their checksums %" PRIu64
                    " bytes, end beyond the end of the file (%" PRIu64 " bytes): it was cut off",
                    image->io->name, header->used, header->data_at, length, image->io->size);
  return VMF_OK;
}
