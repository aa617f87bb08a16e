/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The file, of which no used block is read before it was held against its checksum. That is one of
 * many blocks (a strip), which are scattered over the disk: none of them is a unit of its own, so
 * this is done where they are read, once a strip. Any thread; no lock. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

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
  uint64_t strip;  /* bytes of blocks in one, at most */
  uint64_t blocks; /* bytes of all of them */
  uint64_t strips;
  _Atomic uint32_t *right; /* a bit a strip: it was found to be */
  _Atomic uint64_t wrong;  /* the first that is, of such that are judged all at once;
                              `strips`: none; UNKNOWN: they were not looked at */
};
#define UNKNOWN UINT64_MAX

static uint64_t strip_length(const struct data *data, uint64_t index)
{
  return vmf_min(data->strip, data->blocks - index * data->strip);
}

static const struct partclone_header *header_of(const struct data *data)
{
  return &((const struct partclone_state *)data->image->state)->header;
}

/* In the file. */
static uint64_t strip_place(const struct data *data, uint64_t index)
{
  return header_of(data)->data_at + index * (data->strip + header_of(data)->sum_bytes);
}

static enum vmf_code read_sum(const struct data *data, uint64_t index,
                              uint8_t sum[PARTCLONE_SUM_MAX], struct vmf_error *error)
{
  return vmf_io_pread(data->image->io, sum, header_of(data)->sum_bytes,
                      strip_place(data, index) + strip_length(data, index), error);
}

static enum vmf_code add_strip(const struct data *data, uint64_t index, struct partclone_sum *sum,
                               struct vmf_error *error)
{
  uint64_t at = strip_place(data, index), length = strip_length(data, index);
  uint8_t piece[PIECE];

  for (uint64_t left = length; left > 0;) {
    size_t part = (size_t)vmf_min(left, sizeof piece);
    VMF_TRY(vmf_io_pread(data->image->io, piece, part, at + (length - left), error));
    partclone_sum_add(sum, piece, part);
    left -= part;
  }
  return VMF_OK;
}

/* As a number. */
static void show(const uint8_t *sum, size_t bytes, char text[2 * PARTCLONE_SUM_MAX + 1])
{
  text[0] = '\0';
  for (size_t i = 0; i < bytes; i++)
    snprintf(text + 2 * i, 3, "%02x", sum[bytes - 1 - i]);
}

/* What has been added up is to be what stands behind strip `index`. */
static enum vmf_code compare(const struct data *data, uint64_t index,
                             const struct partclone_sum *sum, struct vmf_error *error)
{
  uint8_t made[PARTCLONE_SUM_MAX], stored[PARTCLONE_SUM_MAX] = {0};
  char made_text[2 * PARTCLONE_SUM_MAX + 1], stored_text[2 * PARTCLONE_SUM_MAX + 1];
  size_t bytes = header_of(data)->sum_bytes;
  uint64_t at = strip_place(data, index);

  VMF_TRY(read_sum(data, index, stored, error));
  partclone_sum_get(sum, made);
  if (memcmp(made, stored, bytes) == 0)
    return VMF_OK;
  show(made, bytes, made_text);
  show(stored, bytes, stored_text);
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the blocks from byte %" PRIu64 " to %" PRIu64
                  " are damaged: their checksum is 0x%s, the one that is stored behind them 0x%s",
                  data->io.name, at, at + strip_length(data, index), made_text, stored_text);
}

/* By itself: a CRC that runs on does so from the one in front. */
static enum vmf_code check_alone(const struct data *data, uint64_t index, struct partclone_sum *sum,
                                 struct vmf_error *error)
{
  uint8_t before[PARTCLONE_SUM_MAX];

  if (!header_of(data)->restarts && index > 0) {
    VMF_TRY(read_sum(data, index - 1, before, error));
    sum->crc = get_le32(before);
  }
  VMF_TRY(add_strip(data, index, sum, error));
  return compare(data, index, sum, error);
}

/* One of xxHash that runs on is that of all blocks from the first one on. */
static enum vmf_code check_together(struct data *data, struct partclone_sum *sum,
                                    struct vmf_error *error)
{
  for (uint64_t index = 0; index < data->strips; index++) {
    VMF_TRY(add_strip(data, index, sum, error));
    enum vmf_code code = compare(data, index, sum, error);
    if (code == VMF_CORRUPT)
      atomic_store(&data->wrong, index);
    VMF_TRY(code);
  }
  atomic_store(&data->wrong, data->strips);
  return VMF_OK;
}

static bool together(const struct data *data)
{
  return !header_of(data)->restarts && header_of(data)->sum != PARTCLONE_CRC32;
}

static enum vmf_code look(struct data *data, uint64_t index, struct vmf_error *error)
{
  struct partclone_sum sum;

  VMF_TRY(partclone_sum_begin(header_of(data)->sum, &sum, error));
  enum vmf_code code =
      together(data) ? check_together(data, &sum, error) : check_alone(data, index, &sum, error);
  partclone_sum_end(&sum);
  return code;
}

static enum vmf_code judge_together(struct data *data, uint64_t index, struct vmf_error *error)
{
  if (atomic_load(&data->wrong) == UNKNOWN) {
    enum vmf_code code = look(data, index, error);
    if (code != VMF_CORRUPT)
      VMF_TRY(code);
  }
  uint64_t wrong = atomic_load(&data->wrong);
  if (index < wrong)
    return VMF_OK;
  return vmf_fail(
      error, VMF_CORRUPT, "%s: the blocks from byte %" PRIu64 " to %" PRIu64 " are damaged%s",
      data->io.name, strip_place(data, index), strip_place(data, index) + strip_length(data, index),
      index == wrong ? ": their checksum is wrong"
                     : ", or not: their checksums run on, and one in front is wrong");
}

enum vmf_code partclone_check_strip(struct vmf_io *io, uint64_t index, struct vmf_error *error)
{
  struct data *data = (struct data *)io;

  return together(data) ? judge_together(data, index, error) : look(data, index, error);
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
  const struct partclone_header *header = header_of(data);
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
  data->strip = (uint64_t)header->blocks_per_sum * header->block_size;
  data->strips = partclone_strips(header);
  atomic_store(&data->wrong, UNKNOWN);
  *io = &data->io;
  VMF_TRY(vmf_copy_text(image->io->name, &data->io.name, error));
  return make_right(data, error);
}
