/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The input is a packed file: unpacked from its start as a stream and at any place, of gzip from
 * points, of what has pieces piece by piece. Anything may fail; what both give must be the same,
 * as long as its headers tell where they do, and what the stream refuses must not be given whole
 * otherwise. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "memory.h"
#include "packing.h"
#include "unpack.h"
#include "view.h"

enum { UNPACKED_MAX = 3 << 20 /* some points of gzip */, STEP = 4096, PLACE = 300000 };

static struct vmf_io *open_input(const uint8_t *data, size_t size)
{
  struct vmf_error error;
  struct vmf_io *io;
  if (vmf_io_memory("fuzz/input", data, size, &io, &error) != VMF_OK)
    abort();
  return io;
}

/* All of it; SIZE_MAX: it cannot be unpacked, or is too long; *damaged: it is that. */
static size_t unpack_stream(struct vmf_io *file, const struct vmf_packing *packing, uint8_t *out,
                            bool *damaged)
{
  const struct vmf_unpack_options options = {.max_bytes = UNPACKED_MAX};
  struct vmf_error error;
  struct vmf_io *walk, *stream;
  const uint8_t *bytes;
  size_t have = 1, used = 0;
  if (vmf_io_stream_over(file, &walk, &error) != VMF_OK)
    abort();
  if (vmf_unpack_stream(walk, packing, &options, &stream, &error) != VMF_OK)
    return SIZE_MAX;
  while (have > 0) {
    enum vmf_code code = vmf_stream_peek(stream, STEP, &bytes, &have, &error);
    *damaged = code == VMF_CORRUPT;
    if (code != VMF_OK || used + have > UNPACKED_MAX) {
      used = SIZE_MAX;
      break;
    }
    memcpy(out + used, bytes, have);
    used += have;
    if (vmf_stream_skip(stream, used, &error) != VMF_OK)
      abort();
  }
  vmf_io_close(stream);
  return used;
}

static size_t unpack_pieces(struct vmf_io *file, const struct vmf_packing *packing, uint8_t *out)
{
  struct vmf_error error;
  struct vmf_io *io;
  const struct vmf_unpack_options options = {.max_bytes = UNPACKED_MAX, .threads = 1};
  uint64_t told;
  if (vmf_unpack_pieces(file, packing, &options, &told, &io, &error) != VMF_OK)
    return SIZE_MAX;
  size_t size = (size_t)io->size;
  if (vmf_io_pread(io, out, size, 0, &error) != VMF_OK)
    size = SIZE_MAX;
  vmf_io_close(io);
  return size;
}

/* What its headers alone tell; SIZE_MAX: they do not. */
static size_t told_size(struct vmf_io *file, const struct vmf_packing *packing)
{
  struct vmf_packed_pieces pieces = {.sum_only = true};
  struct vmf_error error;
  enum vmf_code code = packing->list ? packing->list(file, &pieces, &error) : VMF_UNSUPPORTED;
  vmf_free(pieces.list);
  return code == VMF_OK && !pieces.untold ? (size_t)pieces.told : SIZE_MAX;
}

/* From the end to the start: reading goes on at the points, and where a stream has come to. */
static size_t unpack_anywhere(const uint8_t *data, size_t length, uint8_t *out)
{
  const struct vmf_gunzip_options options = {.limit = UNPACKED_MAX};
  struct vmf_error error;
  struct vmf_io *io;
  if (vmf_io_gunzip(open_input(data, length), &options, &io, &error) != VMF_OK)
    return SIZE_MAX;
  size_t size = (size_t)io->size;
  for (size_t left = size; left > 0;) {
    size_t step = left < PLACE ? left : PLACE;
    left -= step;
    if (vmf_io_pread(io, out + left, step, left, &error) != VMF_OK)
      abort(); /* it was unpacked once, and nothing has changed */
  }
  vmf_io_close(io);
  return size;
}

void fuzz_unpack(const char *unused, const uint8_t *data, size_t size)
{
  (void)unused;
  static uint8_t whole[UNPACKED_MAX], pieces[UNPACKED_MAX];
  const struct vmf_packing *packing = vmf_packing_find(data, size);
  if (!packing || packing->library)
    return;
  struct vmf_io *file = open_input(data, size);
  size_t by_pieces = packing == &vmf_packing_gzip ? unpack_anywhere(data, size, pieces)
                                                  : unpack_pieces(file, packing, pieces);
  bool damaged = false;
  size_t by_stream = unpack_stream(file, packing, whole, &damaged);
  size_t told = told_size(file, packing);
  if (by_pieces != SIZE_MAX && damaged)
    abort();
  if (told != SIZE_MAX && by_stream != SIZE_MAX && told != by_stream)
    abort();
  if (by_pieces != SIZE_MAX && by_stream != SIZE_MAX &&
      (by_pieces != by_stream || memcmp(whole, pieces, by_stream) != 0))
    abort();
  vmf_io_close(file);
}
