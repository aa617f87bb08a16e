/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Positions and bytes: files, block devices, pipes, memory. Knows nothing of disks. */
#ifndef VMF_IO_IO_H
#define VMF_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct vmf_io;

struct vmf_piece {
  const void *data; /* NULL: `length` zero bytes */
  size_t length;
};

/* Optional members are NULL. */
struct vmf_io_ops {
  const char *kind;
  /* All `length` bytes or an error; any thread. Reading past the end is VMF_READ. */
  enum vmf_code (*pread)(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                         struct vmf_error *error);
  /* All pieces, one behind the other from `offset`; any thread unless io->sequential. NULL:
   * read-only. */
  enum vmf_code (*pwrite)(struct vmf_io *io, const struct vmf_piece *pieces, unsigned count,
                          uint64_t offset, struct vmf_error *error);
  /* The first range of data at or behind `offset`: [*start, *end); *start = *end = size when only a
   * hole follows. NULL: all is data. Any thread. */
  enum vmf_code (*next_data)(struct vmf_io *io, uint64_t offset, uint64_t *start, uint64_t *end,
                             struct vmf_error *error);
  /* A bitmap of changed blocks that a server offers, by its name; VMF_USAGE: it does not. NULL:
   * there are none. */
  enum vmf_code (*choose_bitmap)(struct vmf_io *io, const char *name, struct vmf_error *error);
  /* The first bytes at or behind `offset` that it marks; as next_data. */
  enum vmf_code (*next_marked)(struct vmf_io *io, uint64_t offset, uint64_t *start, uint64_t *end,
                               struct vmf_error *error);
  /* Does a part of what reading on would have to do first; false: there is nothing to do. Any
   * thread. NULL: what is below may have something (vmf_io_ahead). */
  bool (*ahead)(struct vmf_io *io);
  /* Makes a range read as zeros; allocate: keep or reserve its space. */
  enum vmf_code (*zero)(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                        struct vmf_error *error);
  /* Makes the first `length` bytes zeros at once, and says so in reads_as_zero, where that costs no
   * writing; else it leaves them. NULL: it cannot. */
  enum vmf_code (*clear)(struct vmf_io *io, uint64_t length, struct vmf_error *error);
  enum vmf_code (*resize)(struct vmf_io *io, uint64_t size, struct vmf_error *error);
  /* Of a sequential io: what is behind all that was written will be written once more, until it is
   * let go. NULL: it cannot go back. */
  enum vmf_code (*hold)(struct vmf_io *io, uint64_t offset, uint64_t length,
                        struct vmf_error *error);
  /* What was held from `offset` on. */
  enum vmf_code (*let_go)(struct vmf_io *io, uint64_t offset, struct vmf_error *error);
  /* Of a sequential io: what stands there in the file below it is as it is to be, and is passed
   * over instead of being written. NULL: nothing stands there. */
  enum vmf_code (*pass)(struct vmf_io *io, uint64_t offset, uint64_t length,
                        struct vmf_error *error);
  /* Of a sequential io: how long it will be, before its first byte. NULL: nobody wants to know. */
  void (*announce)(struct vmf_io *io, uint64_t size);
  /* Durable (unless told otherwise when it was made). Not yet visible under a final name: see
   * output.h. */
  enum vmf_code (*flush)(struct vmf_io *io, struct vmf_error *error);
  /* A view: the ios whose bytes it shows, by index; NULL behind the last. */
  struct vmf_io *(*below)(const struct vmf_io *io, size_t index);
  /* Closes what is below and tells what only that tells: some file systems write late. Only close
   * may follow. NULL: there is nothing to tell. */
  enum vmf_code (*end)(struct vmf_io *io, struct vmf_error *error);
  void (*close)(struct vmf_io *io);
};

struct vmf_io {
  const struct vmf_io_ops *ops;
  char *name;      /* for messages; owned by the io */
  uint64_t size;   /* bytes; of a file or pipe being written: as far as it reaches now. Read it only
                      when no other thread writes */
  bool sequential; /* a pipe: offsets only grow; gaps are written as zeros */
  bool reads_as_zero; /* ranges never written read as zeros: zero blocks may be skipped. Of a
                         device: in what was cleared */
  bool device;        /* a block device: its size is fixed */
  unsigned writers;   /* pwrites at once beyond which one more would only wait; 0: any number */
};

/* The calls below check the range against io->size (reads) and the ops for NULL, then forward. */
VMF_MUST_CHECK enum vmf_code vmf_io_pread(struct vmf_io *io, void *buffer, size_t length,
                                          uint64_t offset, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_pwrite(struct vmf_io *io, const void *buffer, size_t length,
                                           uint64_t offset, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_pwrite_pieces(struct vmf_io *io, const struct vmf_piece *pieces,
                                                  unsigned count, uint64_t offset,
                                                  struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                              uint64_t *end, struct vmf_error *error);
/* Where the hole ends that the byte is in; the byte itself: it is in none, or what lies below fails
 * to tell, so that it must be read. */
uint64_t vmf_io_hole_end(struct vmf_io *io, uint64_t offset);
VMF_MUST_CHECK enum vmf_code vmf_io_choose_bitmap(struct vmf_io *io, const char *name,
                                                  struct vmf_error *error);
/* Of an io of which one was chosen. */
VMF_MUST_CHECK enum vmf_code vmf_io_next_marked(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                                uint64_t *end, struct vmf_error *error);
bool vmf_io_ahead(struct vmf_io *io);
VMF_MUST_CHECK enum vmf_code vmf_io_zero(struct vmf_io *io, uint64_t offset, uint64_t length,
                                         bool allocate, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_clear(struct vmf_io *io, uint64_t length,
                                          struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_resize(struct vmf_io *io, uint64_t size,
                                           struct vmf_error *error);
/* Whether it can be written anywhere, or at least where it was told to hold. */
bool vmf_io_goes_back(const struct vmf_io *io);
VMF_MUST_CHECK enum vmf_code vmf_io_hold(struct vmf_io *io, uint64_t offset, uint64_t length,
                                         struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_let_go(struct vmf_io *io, uint64_t offset,
                                           struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_pass(struct vmf_io *io, uint64_t offset, uint64_t length,
                                         struct vmf_error *error);
void vmf_io_announce(struct vmf_io *io, uint64_t size);
VMF_MUST_CHECK enum vmf_code vmf_io_flush(struct vmf_io *io, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_end(struct vmf_io *io, struct vmf_error *error);
void vmf_io_close(struct vmf_io *io); /* NULL is allowed */

/* An io in memory: bytes are copied and then only read; bytes == NULL: `size` zeros that can be
 * written and grow. For descriptors and tests. */
VMF_MUST_CHECK enum vmf_code vmf_io_memory(const char *name, const void *bytes, size_t size,
                                           struct vmf_io **io, struct vmf_error *error);

/* Is told the name of a file in a folder; what fails ends the listing. */
typedef enum vmf_code vmf_name_visitor(void *data, const char *name, struct vmf_error *error);

#endif
