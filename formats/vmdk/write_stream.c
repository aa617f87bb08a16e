/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Stream-optimized extents (spec: "Stream-Optimized Compressed Sparse Extents"), written from front
 * to back as VMware's own tools do: version 3, each grain table behind its grains, the grain
 * directory and a footer at the end, the end-of-stream marker as the very last sector. ESXi's
 * importers read no byte behind that marker, so there must be none. */
#include "vmdk_write.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "codec.h"
#include "memory.h"

enum {
  STREAM_VERSION = 3, /* what ESXi takes */
  STREAM_GRAINS = 128 /* sector of the first grain, as in VMware's files */
};
#define STREAM_FLAGS (VMDK_FLAG_NEWLINES | VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS)
#define DIRECTORY_MAX (UINT64_C(16) << 20)

static uint64_t count_tables(uint64_t capacity)
{
  return vmf_div_up(capacity, VMDK_TABLE_SPAN);
}

static uint64_t directory_sectors(uint64_t capacity)
{
  return vmf_div_up(count_tables(capacity) * VMDK_GTE_SIZE, VMDK_SECTOR);
}

uint64_t vmdk_measure_stream(uint64_t capacity, uint64_t grains)
{
  uint64_t packed = vmf_pack_bound(VMF_CODEC_ZLIB, VMDK_GRAIN_BYTES) + VMDK_GRAIN_MARKER;
  uint64_t tables = vmf_min(count_tables(capacity), grains);
  uint64_t end = 1 + directory_sectors(capacity) + 3; /* directory, footer, end of stream */
  return grains * vmf_align_up(packed, VMDK_SECTOR) +
         (STREAM_GRAINS + tables * (1 + VMDK_TABLE_SECTORS) + end) * VMDK_SECTOR;
}

/* directory: its sector, or VMDK_GD_AT_END. */
static void encode_stream_header(uint8_t header[VMDK_SECTOR], const struct vmdk_write_state *state,
                                 uint64_t directory)
{
  vmdk_encode_header(header, STREAM_VERSION, STREAM_FLAGS, state->capacity);
  put_le64(header + VMDK_SPARSE_DESCRIPTOR_OFFSET_AT, 1);
  put_le64(header + VMDK_SPARSE_DESCRIPTOR_SIZE_AT, VMDK_DESCRIPTOR_SECTORS);
  put_le64(header + VMDK_SPARSE_GD_OFFSET_AT, directory);
  put_le64(header + VMDK_SPARSE_OVERHEAD_AT, STREAM_GRAINS);
  put_le16(header + VMDK_SPARSE_COMPRESSION_AT, VMDK_COMPRESSION_DEFLATE);
}

static void encode_marker(uint8_t marker[VMDK_SECTOR], uint64_t sectors, enum vmdk_marker_type type)
{
  memset(marker, 0, VMDK_SECTOR);
  put_le64(marker + VMDK_MARKER_VALUE_AT, sectors);
  put_le32(marker + VMDK_MARKER_TYPE_AT, type);
}

static enum vmf_code stream_begin(struct vmf_target *target, const struct vmf_plan *plan,
                                  struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  (void)plan;
  uint64_t bytes = directory_sectors(state->capacity) * VMDK_SECTOR;
  void *directory = NULL;
  VMF_TRY(vmf_alloc_table(bytes, 1, DIRECTORY_MAX, "grain directory", &directory, error));
  state->directory = directory;
  state->directory_bytes = bytes;
  state->next_sector = STREAM_GRAINS;

  uint8_t header[VMDK_SECTOR];
  encode_stream_header(header, state, VMDK_GD_AT_END);
  size_t written = sizeof header + state->descriptor_length;
  const struct vmf_piece pieces[] = {
      {.data = header, .length = sizeof header},
      {.data = state->descriptor, .length = state->descriptor_length},
      {.length = STREAM_GRAINS * VMDK_SECTOR - written},
  };
  return vmf_io_pwrite_pieces(target->io, pieces, 3, 0, error);
}

static enum vmf_code stream_wrap(const struct vmf_target *target, struct vmf_block *block,
                                 struct vmf_error *error)
{
  (void)target;
  (void)error;
  put_le64(block->head + VMDK_MARKER_VALUE_AT, block->guest / VMDK_SECTOR);
  put_le32(block->head + VMDK_MARKER_SIZE_AT, (uint32_t)block->data_length);
  block->head_length = VMDK_GRAIN_MARKER;
  uint64_t length = VMDK_GRAIN_MARKER + block->data_length;
  block->zeros = (uint32_t)(vmf_align_up(length, VMDK_SECTOR) - length);
  return VMF_OK;
}

static enum vmf_code check_room(const struct vmf_target *target, uint64_t sectors,
                                struct vmf_error *error)
{
  const struct vmdk_write_state *state = target->state;
  if (state->next_sector + sectors <= UINT32_MAX)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED, "%s: a streamOptimized VMDK ends at 2 TiB of packed data",
                  target->io->name);
}

/* The grain table behind its grains. */
static enum vmf_code write_table(struct vmf_target *target, struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  struct vmdk_grain_table *table = &state->table;
  if (!table->used)
    return VMF_OK;
  VMF_TRY(check_room(target, 1 + VMDK_TABLE_SECTORS, error));
  uint8_t marker[VMDK_SECTOR];
  encode_marker(marker, VMDK_TABLE_SECTORS, VMDK_MARKER_GT);
  const struct vmf_piece pieces[] = {
      {.data = marker, .length = sizeof marker},
      {.data = table->entries, .length = sizeof table->entries},
  };
  VMF_TRY(vmf_io_pwrite_pieces(target->io, pieces, 2, state->next_sector * VMDK_SECTOR, error));
  put_le32(state->directory + table->index * VMDK_GTE_SIZE, (uint32_t)(state->next_sector + 1));
  state->next_sector += 1 + VMDK_TABLE_SECTORS;
  memset(table->entries, 0, sizeof table->entries);
  table->used = false;
  return VMF_OK;
}

static enum vmf_code stream_place(struct vmf_target *target, struct vmf_block *block,
                                  struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  struct vmdk_grain_table *table = &state->table;
  uint64_t grain = block->guest / VMDK_GRAIN_BYTES;
  if (table->index != grain / VMDK_GTES_PER_GT) {
    VMF_TRY(write_table(target, error));
    table->index = grain / VMDK_GTES_PER_GT;
  }
  uint64_t sectors = vmf_div_up(VMDK_GRAIN_MARKER + block->data_length, VMDK_SECTOR);
  VMF_TRY(check_room(target, sectors, error));
  put_le32(table->entries + grain % VMDK_GTES_PER_GT * VMDK_GTE_SIZE, (uint32_t)state->next_sector);
  table->used = true;
  block->host = state->next_sector * VMDK_SECTOR;
  state->next_sector += sectors;
  return VMF_OK;
}

static enum vmf_code stream_finish(struct vmf_target *target, struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  VMF_TRY(write_table(target, error));
  uint8_t marker[VMDK_SECTOR], end[3 * VMDK_SECTOR];
  encode_marker(marker, state->directory_bytes / VMDK_SECTOR, VMDK_MARKER_GD);
  encode_marker(end, 1, VMDK_MARKER_FOOTER);
  encode_stream_header(end + VMDK_SECTOR, state, state->next_sector + 1);
  encode_marker(end + 2 * VMDK_SECTOR, 0, VMDK_MARKER_EOS);
  const struct vmf_piece pieces[] = {
      {.data = marker, .length = sizeof marker},
      {.data = state->directory, .length = state->directory_bytes},
      {.data = end, .length = sizeof end},
  };
  return vmf_io_pwrite_pieces(target->io, pieces, 3, state->next_sector * VMDK_SECTOR, error);
}

const struct vmdk_placer vmdk_stream_placer = {
    .begin = stream_begin,
    .wrap = stream_wrap,
    .place = stream_place,
    .finish = stream_finish,
};
