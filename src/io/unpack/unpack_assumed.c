/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A packed file in pieces whose sizes are assumed, as a stream: what is read in order is known to
 * stand where it is read, since all before it has been unpacked and was as long as assumed. */
#include "packing.h"

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
  return vmf_io_stream_of(pieces, stream, error);
}
