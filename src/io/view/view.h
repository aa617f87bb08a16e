/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Ios that show other ios in another way: a part of one, several one behind the other, what a gzip
 * file holds. What is behind a view (vmf_io_ops.below) is where vmf_io_stat and vmf_io_unchanged
 * look. */
#ifndef VMF_IO_VIEW_VIEW_H
#define VMF_IO_VIEW_VIEW_H

#include "io.h"

/* `length` bytes of `base` from `offset` on, read-only, called `name` in messages. Holes are passed
 * on. owns_base: the base is closed with the window, also when making it fails. VMF_CORRUPT when
 * the base is too short. */
VMF_MUST_CHECK enum vmf_code vmf_io_window(struct vmf_io *base, uint64_t offset, uint64_t length,
                                           const char *name, bool owns_base, struct vmf_io **io,
                                           struct vmf_error *error);

/* Whether the io is a window straight on `base`, and from which offset on. */
bool vmf_io_window_offset(const struct vmf_io *io, const struct vmf_io *base, uint64_t *offset);

/* An empty file inside `base`, from `offset` on, that is being written and may be read back: it
 * grows as it is written, and the base with it. Sequential, reads_as_zero, device and writers as
 * the base's; where reads_as_zero, the base has only zeros from `offset` on, if anything. Cutting
 * it cuts the base only where the inset was its end. The base is not owned and its bytes behind
 * `offset` are not written by anybody else meanwhile. */
VMF_MUST_CHECK enum vmf_code vmf_io_inset(struct vmf_io *base, uint64_t offset, const char *name,
                                          struct vmf_io **io, struct vmf_error *error);

/* `count` ios one behind the other as one, read-only. Takes over the ios (not the array), also on
 * failure. */
VMF_MUST_CHECK enum vmf_code vmf_io_joined(struct vmf_io **parts, size_t count, const char *name,
                                           struct vmf_io **io, struct vmf_error *error);

/* A stretch of data in a file with holes. */
struct vmf_segment {
  uint64_t start, length; /* bytes, length > 0 */
  uint64_t stored;        /* offset of its first byte in what is stored */
};

/* The file of `size` bytes of which `base` stores the segments and nothing else, read-only: zeros
 * are between them. They stand in order, do not overlap, and lie within both; the array lives as
 * long as the io. owns_base: as for vmf_io_window. */
VMF_MUST_CHECK enum vmf_code vmf_io_sparse(struct vmf_io *base, const struct vmf_segment *segments,
                                           size_t count, uint64_t size, const char *name,
                                           bool owns_base, struct vmf_io **io,
                                           struct vmf_error *error);

/* `size` zeros that are stored nowhere, read-only. */
VMF_MUST_CHECK enum vmf_code vmf_io_blank(const char *name, uint64_t size, struct vmf_io **io,
                                          struct vmf_error *error);

/* Whether the io starts as a gzip file does (RFC 1952). */
bool vmf_io_is_gzip(struct vmf_io *io);

/* Of the first pass over a gzip file. */
struct vmf_gunzip_options {
  uint64_t limit;                  /* VMF_LIMIT: it holds more bytes; 0: no bound */
  const struct vmf_cancel *cancel; /* or NULL */
  void (*progress)(void *data, uint64_t done, uint64_t total); /* packed bytes; or NULL */
  void *progress_data;
};

/* What a gzip file (RFC 1952; several members count as one) holds, read-only, at any position, from
 * any thread. Takes over `packed`, also on failure. All of it is unpacked once at the start, to
 * learn its size, check its checksums and keep points from which unpacking can go on (memory
 * bounded whatever the size: at most 16 MiB in all). VMF_CORRUPT names the place of damage. */
VMF_MUST_CHECK enum vmf_code vmf_io_gunzip(struct vmf_io *packed,
                                           const struct vmf_gunzip_options *options,
                                           struct vmf_io **io, struct vmf_error *error);

#endif
