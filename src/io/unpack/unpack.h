/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a packed file holds: gzip, xz, zstd, lz4, bzip2. All its members up to the end of the file
 * count as one; what else stands behind them, and a file that ends in one, are VMF_CORRUPT. */
#ifndef VMF_IO_UNPACK_UNPACK_H
#define VMF_IO_UNPACK_UNPACK_H

#include "log.h"
#include "stream.h"

struct vmf_packing;

struct vmf_unpack_options {
  uint64_t max_bytes;              /* that may come out of it; 0: no bound */
  unsigned threads;                /* that unpack to open it; 0: one per processor */
  bool pass;                       /* all of it will be read in order */
  bool *assumed;                   /* for vmf_unpack_assumed: set where sizes are */
  const char *folder;              /* where it is stored when it must be */
  const struct vmf_cancel *cancel; /* or NULL */
  const struct vmf_log *log;       /* told of what is stored; or NULL */
  uint64_t packed_size; /* of the stream that is unpacked, for `progress`; 0: not known */
  void (*progress)(void *data, uint64_t done, uint64_t total); /* packed bytes; or NULL */
  void *progress_data;
};

/* How content is packed that starts so, or NULL. vmf_packing_of looks at a file, or at a stream
 * without taking anything. */
const struct vmf_packing *vmf_packing_find(const uint8_t *head, size_t length);
VMF_MUST_CHECK enum vmf_code vmf_packing_of(struct vmf_io *io, const struct vmf_packing **packing,
                                            struct vmf_error *error);

/* Whether a file ends within the first bytes of what is packed so. */
VMF_MUST_CHECK enum vmf_code vmf_packing_is_cut(struct vmf_io *io,
                                                const struct vmf_packing *packing, bool *cut,
                                                struct vmf_error *error);

const char *vmf_packing_name(const struct vmf_packing *packing);
const char *vmf_packing_command(const struct vmf_packing *packing); /* that unpacks to stdout */

/* By a name, its last suffix without the dot; or NULL. */
const struct vmf_packing *vmf_packing_suffixed(const char *path);

/* The name without that suffix, a fresh string: "x.xva.zstd" gives "x.xva", "x.tgz" "x.tar"; one
 * that says no packing stays. */
VMF_MUST_CHECK enum vmf_code vmf_packing_strip(const char *path, char **inner,
                                               struct vmf_error *error);

/* A stream of what a packed stream holds. Takes `packed` over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_unpack_stream(struct vmf_io *packed,
                                               const struct vmf_packing *packing,
                                               const struct vmf_unpack_options *options,
                                               struct vmf_io **io, struct vmf_error *error);

/* What a packed file holds, read-only, at any position, from any thread. Of gzip nothing is stored,
 * nor of what has pieces that can be unpacked alone (blocks of xz, frames of zstd and lz4, of at
 * most 32 MiB), which several threads do at once; frames that do not tell their size are unpacked
 * once more, before. All else is unpacked into a file without a name.
 * Called like the packed file, which is behind it (vmf_io_ops.below). Takes `packed` over, also on
 * failure. */
VMF_MUST_CHECK enum vmf_code vmf_unpack_file(struct vmf_io *packed,
                                             const struct vmf_packing *packing,
                                             const struct vmf_unpack_options *options,
                                             struct vmf_io **io, struct vmf_error *error);

/* Whether it would be unpacked into a file: it can only be read from its first byte to its last. */
VMF_MUST_CHECK enum vmf_code vmf_unpack_comes_once(struct vmf_io *packed,
                                                   const struct vmf_packing *packing, bool *once,
                                                   struct vmf_error *error);

/* How many bytes come out of a file that can only be unpacked so, where it tells them; 0: it does
 * not, or can be read in another way. Looks at the header of every block of it. */
VMF_MUST_CHECK enum vmf_code vmf_unpack_once_size(struct vmf_io *packed,
                                                  const struct vmf_packing *packing, uint64_t *size,
                                                  struct vmf_error *error);

/* A stream of a file in pieces that do not tell their sizes, and *size bytes that it holds if all
 * are as long as the first of them (as what packs in parallel makes them) but for the last: then
 * nothing is unpacked twice. It fails where a piece is longer or shorter. *stream NULL: nothing can
 * be assumed so. `packed` lives longer. */
VMF_MUST_CHECK enum vmf_code vmf_unpack_assumed(struct vmf_io *packed,
                                                const struct vmf_packing *packing,
                                                const struct vmf_unpack_options *options,
                                                struct vmf_io **stream, uint64_t *size,
                                                struct vmf_error *error);

/* How the file was packed that the io shows, or NULL. */
const struct vmf_packing *vmf_unpacked_from(const struct vmf_io *io);

/* What the content of the io is called: where it was packed, the name without the suffix for that.
 * It belongs to the io. */
const char *vmf_content_name(const struct vmf_io *io);

#endif
