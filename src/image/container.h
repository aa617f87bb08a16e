/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * All that the author of a driver reads, besides format.h, whose disks come on a stream: from a
 * pipe, once, in the order in which they were written. Like a reader it only tells where guest
 * bytes are; the engine takes them. Everything happens on one thread, but for unwrap. */
#ifndef VMF_IMAGE_CONTAINER_H
#define VMF_IMAGE_CONTAINER_H

#include "format.h"
#include "stream.h"

/* The driver's open fills what stands below the line. */
struct vmf_container {
  const struct vmf_format *format;
  void *state;          /* reader->state_size zeroed bytes */
  struct vmf_io *io;    /* the stream; owned by the image layer */
  uint64_t source_size; /* bytes that come, as the person told; 0: not told. That so many come is
                         * looked at by the image layer */
  const struct vmf_limits *limits;
  const struct vmf_log *log;
  const bool *wanted; /* of contents.disks: which are; set behind open */
  /* ---- */
  struct vmf_contents contents;
  bool stored; /* what the headers tell cannot be read in this way: the image layer closes it, goes
                * back to the first byte and stores all in a file, for map. Only where open has
                * taken at most VMF_STREAM_KEPT bytes; disks need not be set */
};

struct vmf_container_reader {
  bool needs_size; /* open is only called when source_size was told */
  bool several;    /* there may be more than one disk: open alone tells which */
  size_t state_size;
  /* As a reader's, but the stream has no tail, and its size is not known: only head counts. What is
   * not 100 is stored in a file and read by map. NULL: only when the person names the format. */
  int (*probe)(const struct vmf_probe *probe);
  /* Reads the headers: vmf_io_pread(container->io, ...) takes bytes at offsets that only grow;
   * vmf_stream_peek looks at what comes. No unwinding on failure: close follows. */
  enum vmf_code (*open)(struct vmf_container *container, struct vmf_error *error);
  void (*close)(struct vmf_container *container); /* accepts a half-open, zeroed state */
  /* The next run, ZERO, PLAIN or PACKED, and the index of its disk; or *end. Runs of one disk come
   * in guest order, and those of a disk with pieces in any: one starts a piece, or where the last
   * one of its disk ended within a piece; whole sectors, none of them twice. What no run tells of
   * is zeros. Runs of several disks may take turns. A PLAIN run may have any length. It reads
   * framing only: run->offset is where the bytes of the run stand in the stream (PACKED: with the
   * framing that unwrap strips, `stored` exactly), not before the place where the stream is now;
   * the engine takes all of them before it calls again. What the stream tells behind its data
   * (tables, a footer, checksums) is held against what came, and anything that is missing is
   * VMF_CORRUPT, before *end is set. */
  enum vmf_code (*next)(struct vmf_container *container, unsigned *disk, struct vmf_run *run,
                        bool *end, struct vmf_error *error);
  /* As a reader's, but it cannot ask for more bytes. Any thread. NULL: there is no framing. */
  enum vmf_code (*unwrap)(const struct vmf_container *container, const struct vmf_run *run,
                          const uint8_t *stored, size_t length, struct vmf_payload *payload,
                          struct vmf_error *error);
};

/* ---- writing ---- */

/* Of a format whose file is a machine with its disks: they are written into one io from its first
 * byte on, which may be a pipe. First `begin`; then each disk behind the other, in the order of the
 * contents, by the format's writer with `options`, as a target that begins where the io is then;
 * then `finish`. */
struct vmf_container_writer {
  /* What stands before the disks. contents: names (or ids) and sizes of all, and the machine's
   * text. id: of the file, the same in all calls, random or derived (vmf_identity_guid); time:
   * seconds since 1970. */
  enum vmf_code (*begin)(struct vmf_io *io, const struct vmf_contents *contents,
                         const uint8_t id[VMF_GUID_SIZE], int64_t time, struct vmf_error *error);
  /* The create options of the disk's target, a fresh string. */
  enum vmf_code (*options)(const struct vmf_contents *contents, unsigned disk,
                           const uint8_t id[VMF_GUID_SIZE], char **options,
                           struct vmf_error *error);
  /* What stands behind the disks, at io->size. NULL: nothing does. */
  enum vmf_code (*finish)(struct vmf_io *io, struct vmf_error *error);
};

#endif
