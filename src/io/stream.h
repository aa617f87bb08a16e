/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Bytes that come once, from the first to the last: a pipe. An io of its own kind: vmf_io_pread
 * takes bytes, at offsets that only grow (what lies between is skipped), and io->size says nothing:
 * where the end is shows when it has been reached. One thread at a time. */
#ifndef VMF_IO_STREAM_H
#define VMF_IO_STREAM_H

#include "io.h"

enum {
  VMF_STREAM_AHEAD = 64 << 10, /* so many bytes can be looked at before they are taken */
  VMF_STREAM_KEPT = 18 << 20   /* so many can have been taken when it is to start again */
};

/* Where it stands: bytes that have been taken or skipped. */
uint64_t vmf_stream_position(const struct vmf_io *io);

/* Looks at the next `length` <= VMF_STREAM_AHEAD bytes, which stay: *bytes is valid until the next
 * call for this io. *have < length only where the stream ends. */
VMF_MUST_CHECK enum vmf_code vmf_stream_peek(struct vmf_io *io, size_t length,
                                             const uint8_t **bytes, size_t *have,
                                             struct vmf_error *error);

/* Goes forward to `offset`. VMF_CORRUPT: the stream ends before. */
VMF_MUST_CHECK enum vmf_code vmf_stream_skip(struct vmf_io *io, uint64_t offset,
                                             struct vmf_error *error);

/* Goes over the hole of a file that it stands at the start of, which are zeros, without reading
 * them; of what comes from elsewhere nothing is known. Only behind vmf_stream_settle. */
void vmf_stream_pass_hole(struct vmf_io *io);

/* Goes back to the first byte. Only before vmf_stream_settle: up to there what is read is kept,
 * which ends by itself behind VMF_STREAM_KEPT bytes; then it is VMF_UNSUPPORTED. */
VMF_MUST_CHECK enum vmf_code vmf_stream_restart(struct vmf_io *io, struct vmf_error *error);
void vmf_stream_settle(struct vmf_io *io);

/* ---- where streams come from ---- */

struct vmf_stream_source {
  /* Up to `length` bytes as they come; *got = 0 at the end, and then again. `position`: of the
   * first of them, for messages. */
  enum vmf_code (*read)(void *state, const char *name, uint64_t position, uint8_t *buffer,
                        size_t length, size_t *got, struct vmf_error *error);
  struct vmf_io *(*below)(const void *state); /* as vmf_io_ops.below at index 0; NULL: nothing */
  /* Where the hole ends that is at `position`, and read goes on when that is passed over; position:
   * there is none. NULL: none is known of. */
  uint64_t (*hole_end)(const void *state, uint64_t position);
  void (*close)(void *state); /* and frees it */
};

/* The stream of what the source gives. Takes over `state`, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_stream_new(const struct vmf_stream_source *source, void *state,
                                            const char *name, struct vmf_io **io,
                                            struct vmf_error *error);

bool vmf_io_is_stream(const struct vmf_io *io);

/* A file, from its first byte to its last. It stays with the caller, and open as long. */
VMF_MUST_CHECK enum vmf_code vmf_io_stream_over(struct vmf_io *file, struct vmf_io **io,
                                                struct vmf_error *error);
/* The same; takes it over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_io_stream_of(struct vmf_io *file, struct vmf_io **io,
                                              struct vmf_error *error);

/* The stream that `number` is; takes it over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_io_stream(int number, const char *name, struct vmf_io **io,
                                           struct vmf_error *error);

/* What a program was given as its input, by descriptor: *is_stream, or a file or device like any
 * other, called by its path where it still has one, if it was not read from before. The descriptor
 * stays open. VMF_USAGE: a terminal, a folder, or nothing at all. check_locks: as for
 * vmf_io_open_file. */
VMF_MUST_CHECK enum vmf_code vmf_io_input(int number, bool check_locks, struct vmf_io **io,
                                          bool *is_stream, struct vmf_error *error);

/* The folder for what is stored for a while: the named one, or $TMPDIR, or /tmp. named may be NULL.
 */
const char *vmf_spool_folder(const char *named);

/* Bytes that can be stored there; UINT64_MAX: that cannot be told. */
uint64_t vmf_spool_room(const char *folder);

struct vmf_spool_options {
  const char *folder;
  uint64_t expected;               /* bytes that come, for which there must be room; 0: not known */
  uint64_t max_bytes;              /* that may come; 0: no bound */
  const struct vmf_cancel *cancel; /* or NULL */
  void (*progress)(void *data, uint64_t done, uint64_t total); /* bytes; total 0: not known; or NULL
                                                                */
  void *progress_data;
};

/* Puts all that still comes into a file without a name, and shows that as *io, which is called like
 * the stream. Zeros take no space. Takes the stream over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_io_spool(struct vmf_io *stream,
                                          const struct vmf_spool_options *options,
                                          struct vmf_io **io, struct vmf_error *error);

#endif
