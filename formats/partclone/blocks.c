/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The map of used blocks: read once for its checksum and an index of ranks, then in pieces through
 * the page cache. No lock, any thread. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "partclone.h"

enum {
  PIECE = 8192,      /* bytes of the map, read at once */
  RUN_BLOCKS = 8192, /* looked at for one run */
};

/* Blocks of the map that one piece tells of. */
static uint64_t blocks_a_piece(const struct partclone_header *header)
{
  return header->map == PARTCLONE_MAP_BITS ? (uint64_t)PIECE * 8 : PIECE;
}

static bool is_used(const struct partclone_header *header, const uint8_t *piece, uint64_t block)
{
  uint64_t at = block % blocks_a_piece(header);

  return header->map == PARTCLONE_MAP_BITS ? piece[at / 8] >> at % 8 & 1 : piece[at] == 1;
}

/* The piece that block `block` is in; zeros behind its end. */
static enum vmf_code read_piece(struct vmf_image *image, uint64_t block, uint8_t piece[PIECE],
                                size_t *length, struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;
  uint64_t at = block / blocks_a_piece(header) * PIECE;

  *length = (size_t)vmf_min(PIECE, header->map_bytes - at);
  memset(piece + *length, 0, PIECE - *length);
  return vmf_page_cache_pread(image->cache, image->io, piece, *length, header->map_at + at, error);
}

/* Sums of ever more neighbouring bits, side by side in the word. */
static uint64_t count_ones(uint64_t bits)
{
  const uint64_t ones = UINT64_C(0x5555555555555555), twos = UINT64_C(0x3333333333333333);

  bits = (bits & ones) + (bits >> 1 & ones);
  bits = (bits & twos) + (bits >> 2 & twos);
  bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return bits * UINT64_C(0x0101010101010101) >> 56;
}

/* Used blocks among [first, first + count) of one piece. */
static uint64_t count_used(const struct partclone_header *header, const uint8_t piece[PIECE],
                           uint64_t first, uint64_t count)
{
  uint64_t used = 0, at = first, end = first + count;

  for (; header->map == PARTCLONE_MAP_BITS && at % 64 == 0 && end - at >= 64; at += 64)
    used += count_ones(get_le64(piece + at % blocks_a_piece(header) / 8));
  for (; header->map == PARTCLONE_MAP_BYTES && at % 8 == 0 && end - at >= 8; at += 8)
    used += count_ones(get_le64(piece + at % blocks_a_piece(header))); /* each is 0 or 1 */
  for (; at < end; at++)
    used += is_used(header, piece, at);
  return used;
}

/* A byte that is neither 0 nor 1 would be a block of which nobody knows whether it is there. */
static enum vmf_code check_bytes(const struct vmf_image *image, const uint8_t *piece, size_t length,
                                 uint64_t first, struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;

  for (size_t i = 0; header->map == PARTCLONE_MAP_BYTES && i < length; i++)
    if (piece[i] > 1)
      return vmf_fail(error, VMF_CORRUPT, "%s: map: block %" PRIu64 " is %u, expected 0 or 1",
                      image->io->name, first + i, piece[i]);
  return VMF_OK;
}

/* What stands behind the map. */
static enum vmf_code check_end(struct vmf_image *image, uint32_t sum, struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;
  uint64_t at = header->map_at + header->map_bytes;
  uint8_t raw[8];

  VMF_TRY(vmf_io_pread(image->io, raw, (size_t)(header->data_at - at), at, error));
  if (header->version == 1 && memcmp(raw, "BiTmAgIc", 8) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no \"BiTmAgIc\" at byte %" PRIu64 ", behind the map",
                    image->io->name, at);
  if (header->version != 1 && get_le32(raw) != sum)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: map: its checksum is 0x%08" PRIx32 ", the one that is stored 0x%08" PRIx32,
                    image->io->name, sum, get_le32(raw));
  return VMF_OK;
}

enum vmf_code partclone_read_map(struct vmf_image *image, struct vmf_error *error)
{
  struct partclone_state *state = image->state;
  const struct partclone_header *header = &state->header;
  uint64_t step = blocks_a_piece(header), used = 0;
  uint32_t sum = UINT32_MAX;
  uint8_t piece[PIECE];
  void *memory;
  size_t length;

  if (header->map == PARTCLONE_MAP_NONE)
    return VMF_OK;
  VMF_TRY(
      vmf_alloc((size_t)vmf_div_up(header->blocks, step) * sizeof *state->ranks, &memory, error));
  state->ranks = memory;
  for (uint64_t block = 0; block < header->blocks; block += step) {
    VMF_TRY(read_piece(image, block, piece, &length, error));
    VMF_TRY(check_bytes(image, piece, length, block, error));
    state->ranks[block / step] = used;
    sum = partclone_crc(sum, piece, length);
    used += count_used(header, piece, block, vmf_min(step, header->blocks - block));
  }
  VMF_TRY(check_end(image, sum, error));
  if (header->version == 1)
    state->header.used = used;
  if (used != header->used)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: map: %" PRIu64 " blocks in use, the header says %" PRIu64, image->io->name,
                    used, header->used);
  return VMF_OK;
}

/* `count` used blocks from `first` on, in front of which there are `used`: up to the next checksum
 * behind them. */
static void set_data(const struct vmf_image *image, uint64_t first, uint64_t count, uint64_t used,
                     struct vmf_run *run)
{
  const struct partclone_state *state = image->state;
  const struct partclone_header *header = &state->header;
  uint64_t size = header->block_size, sums = 0;

  if (header->sum != PARTCLONE_NONE) {
    sums = used / header->blocks_per_sum;
    count = vmf_min(count, header->blocks_per_sum - used % header->blocks_per_sum);
  }
  *run = (struct vmf_run){.guest = first * size,
                          .length = count * size,
                          .kind = VMF_RUN_PLAIN,
                          .io = state->data ? state->data : image->io,
                          .offset = header->data_at + used * size + sums * header->sum_bytes};
}

enum vmf_code partclone_map_blocks(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                   struct vmf_error *error)
{
  const struct partclone_state *state = image->state;
  const struct partclone_header *header = &state->header;
  uint64_t block = guest / header->block_size, count = 1;
  uint8_t piece[PIECE];
  size_t ignored;

  if (block >= header->blocks) { /* behind the last whole block of the device */
    uint64_t end = header->blocks * header->block_size;
    *run = (struct vmf_run){.guest = end, .length = image->size - end, .kind = VMF_RUN_ZERO};
    return VMF_OK;
  }
  if (header->map == PARTCLONE_MAP_NONE) {
    set_data(image, block, header->blocks - block, block, run);
    return VMF_OK;
  }
  VMF_TRY(read_piece(image, block, piece, &ignored, error));
  uint64_t step = blocks_a_piece(header);
  uint64_t end = vmf_min(vmf_min((block / step + 1) * step, header->blocks), block + RUN_BLOCKS);
  bool is = is_used(header, piece, block);
  while (block + count < end && is_used(header, piece, block + count) == is)
    count++;
  if (is) {
    uint64_t before = state->ranks[block / step];
    set_data(image, block, count,
             before + count_used(header, piece, block - block % step, block % step), run);
    return VMF_OK;
  }
  *run = (struct vmf_run){.guest = block * header->block_size,
                          .length = count * header->block_size,
                          .kind = VMF_RUN_ZERO};
  return VMF_OK;
}
