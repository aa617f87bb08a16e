/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The file, of which no used block is read before it was held against its checksum. That is one of
 * many blocks (a strip), which are scattered over the disk: none of them is a unit of its own, so
 * this is done where they are read, once a strip. Any thread; no lock. */
#include <inttypes.h>
#include <stdatomic.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "partclone.h"

enum {
  PIECE = 64 << 10,       /* bytes read at once for a checksum */
  STRIPS_MAX = 256 << 20, /* 32 MiB of bits */
  BITS = 32,              /* of a word */
};

struct data {
  struct vmf_io io;
  const struct vmf_image *image;
  uint64_t strip;          /* bytes of blocks in one, at most; all in one where there are none */
  uint64_t blocks;         /* bytes of all of them */
  uint64_t strips;         /* 0: there are no checksums that can be checked */
  _Atomic uint32_t *right; /* a bit a strip: it was found to be */
};

static uint64_t strip_length(const struct data *data, uint64_t index)
{
  return vmf_min(data->strip, data->blocks - index * data->strip);
}

static const struct partclone_state *state_of(const struct data *data)
{
  return data->image->state;
}

/* In the file. */
static uint64_t strip_place(const struct data *data, uint64_t index)
{
  const struct partclone_header *header = &state_of(data)->header;

  return header->data_at + index * (data->strip + header->sum_bytes);
}

static enum vmf_code read_sum(const struct data *data, uint64_t index, uint32_t *sum,
                              struct vmf_error *error)
{
  uint8_t raw[PARTCLONE_SUM];

  VMF_TRY(vmf_io_pread(data->image->io, raw, sizeof raw,
                       strip_place(data, index) + strip_length(data, index), error));
  *sum = get_le32(raw);
  return VMF_OK;
}

enum vmf_code partclone_check_strip(struct vmf_io *io, uint64_t index, struct vmf_error *error)
{
  const struct data *data = (const struct data *)io;
  const struct partclone_state *state = state_of(data);
  uint64_t at = strip_place(data, index), length = strip_length(data, index);
  uint32_t sum = UINT32_MAX, stored;
  uint8_t piece[PIECE];

  if (!state->header.restarts && index > 0)
    VMF_TRY(read_sum(data, index - 1, &sum, error));
  VMF_TRY(read_sum(data, index, &stored, error));
  for (uint64_t left = length; left > 0;) {
    size_t part = (size_t)vmf_min(left, sizeof piece);
    VMF_TRY(vmf_io_pread(data->image->io, piece, part, at + (length - left), error));
    sum = partclone_crc(&state->crc, sum, piece, part);
    left -= part;
  }
  if (sum != stored)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the blocks from byte %" PRIu64 " to %" PRIu64
                    " are damaged: their checksum is 0x%08" PRIx32
                    ", the one that is stored behind them 0x%08" PRIx32,
                    data->io.name, at, at + length, sum, stored);
  return VMF_OK;
}

static enum vmf_code make_sure(struct data *data, uint64_t index, struct vmf_error *error)
{
  uint32_t bit = UINT32_C(1) << index % BITS;

  if (atomic_load(&data->right[index / BITS]) & bit)
    return VMF_OK;
  VMF_TRY(partclone_check_strip(&data->io, index, error));
  atomic_fetch_or(&data->right[index / BITS], bit);
  return VMF_OK;
}

/* What lies between the blocks is read as it is. */
static enum vmf_code data_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                struct vmf_error *error)
{
  struct data *data = (struct data *)io;
  const struct partclone_header *header = &state_of(data)->header;
  uint64_t stride = data->strip + header->sum_bytes, end = offset + length;
  uint64_t first = offset > header->data_at ? (offset - header->data_at) / stride : 0;

  for (uint64_t i = first; i < data->strips && strip_place(data, i) < end; i++)
    VMF_TRY(make_sure(data, i, error));
  return vmf_io_pread(data->image->io, buffer, length, offset, error);
}

static struct vmf_io *data_below(const struct vmf_io *io, size_t index)
{
  return index == 0 ? ((const struct data *)io)->image->io : NULL;
}

static void data_close(struct vmf_io *io)
{
  struct data *data = (struct data *)io;

  vmf_free(data->io.name);
  vmf_free((void *)data->right);
  vmf_free(data);
}

static const struct vmf_io_ops data_ops = {
    .kind = "blocks",
    .pread = data_pread,
    .below = data_below,
    .close = data_close,
};

static enum vmf_code make_right(struct data *data, struct vmf_error *error)
{
  void *memory;

  if (data->strips > STRIPS_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: %" PRIu64 " checksums; at most %d are possible",
                    data->io.name, data->strips, STRIPS_MAX);
  VMF_TRY(vmf_alloc((size_t)(data->strips / BITS + 1) * sizeof *data->right, &memory, error));
  data->right = memory;
  return VMF_OK;
}

enum vmf_code partclone_data_open(const struct vmf_image *image, struct vmf_io **io,
                                  struct vmf_error *error)
{
  const struct partclone_header *header = &((const struct partclone_state *)image->state)->header;
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct data), &memory, error));
  struct data *data = memory;
  data->io.ops = &data_ops;
  data->io.size = image->io->size;
  data->image = image;
  data->blocks = header->used * header->block_size;
  data->strip = header->sum == PARTCLONE_NONE
                    ? vmf_max(data->blocks, 1)
                    : (uint64_t)header->blocks_per_sum * header->block_size;
  if (header->sum == PARTCLONE_CRC32)
    data->strips = vmf_div_up(data->blocks, data->strip);
  *io = &data->io;
  VMF_TRY(vmf_copy_text(image->io->name, &data->io.name, error));
  return make_right(data, error);
}
