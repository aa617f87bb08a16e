/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A packed file in pieces whose sizes are assumed, as a stream: what is read in order is known to
 * stand where it is read, since all before it has been unpacked and was as long as assumed. */
#include "checked.h"
#include "memory.h"
#include "packing.h"

struct assumed {
  struct vmf_io *pieces; /* owned */
};

static enum vmf_code assumed_read(void *state, const char *name, uint64_t position, uint8_t *buffer,
                                  size_t length, size_t *got, struct vmf_error *error)
{
  struct vmf_io *pieces = ((struct assumed *)state)->pieces;

  (void)name;
  *got = (size_t)vmf_min(length, pieces->size - position);
  return vmf_io_pread(pieces, buffer, *got, position, error);
}

static struct vmf_io *assumed_below(const void *state)
{
  return ((const struct assumed *)state)->pieces;
}

static void assumed_close(void *state)
{
  vmf_io_close(((struct assumed *)state)->pieces);
  vmf_free(state);
}

static enum vmf_code stream_pieces(struct vmf_io *pieces, struct vmf_io **stream,
                                   struct vmf_error *error)
{
  static const struct vmf_stream_source source = {
      .read = assumed_read, .below = assumed_below, .close = assumed_close};
  void *state;
  enum vmf_code code = vmf_alloc(sizeof(struct assumed), &state, error);

  if (code != VMF_OK) {
    vmf_io_close(pieces);
    return code;
  }
  ((struct assumed *)state)->pieces = pieces;
  return vmf_stream_new(&source, state, pieces->name, stream, error);
}

enum vmf_code vmf_unpack_assumed(struct vmf_io *packed, const struct vmf_packing *packing,
                                 const struct vmf_unpack_options *options, struct vmf_io **stream,
                                 uint64_t *size, struct vmf_error *error)
{
  struct vmf_io *pieces;
  uint64_t told;

  *stream = NULL;
  enum vmf_code code = vmf_unpack_pieces(packed, packing, options, &told, &pieces, error);
  if (code != VMF_OK)
    return code == VMF_UNSUPPORTED || code == VMF_LIMIT ? VMF_OK : code;
  *options->assumed = true;
  *size = pieces->size;
  return stream_pieces(pieces, stream, error);
}
