/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The bytes of one stretch of a disk that comes on a stream. They are kept with the stretch, as an
 * io whose offsets are those of the stream: spans, unwrap and messages are the same as of a file.
 */
#ifndef VMF_COPY_ARRIVED_H
#define VMF_COPY_ARRIVED_H

#include "image.h"

/* Bytes that stood together in the stream. */
struct vmf_arrived_piece {
  uint64_t offset; /* in the stream */
  size_t start, length;
};

struct vmf_arrived {
  struct vmf_io io; /* its name is the stream's; read by one worker, after all has been taken */
  uint8_t *bytes;
  size_t used, capacity;
  struct vmf_arrived_piece *pieces; /* offset and start both grow */
  size_t count, room;
};

/* Empties it for the next stretch. */
void vmf_arrived_clear(struct vmf_arrived *arrived);

/* Takes the bytes of a span from its stream, and makes it point to them. Parts of a packed unit
 * come one behind the other: the first takes all of it. */
VMF_MUST_CHECK enum vmf_code vmf_arrived_take(struct vmf_arrived *arrived, struct vmf_span *span,
                                              struct vmf_error *error);

void vmf_arrived_free(struct vmf_arrived *arrived);

/* Memory that one takes at most, bytes. */
size_t vmf_arrived_memory(const struct vmf_image *image, uint32_t job_bytes);

#endif
