/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What files and block devices share: an io on a descriptor that can be read and written at any
 * position. Private to this folder, like the ways to make an io for writing. */
#ifndef VMF_IO_DESCRIPTOR_H
#define VMF_IO_DESCRIPTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "io.h"
#include "writeback.h"

/* What tells later whether a source was written to. */
struct vmf_witness {
  uint64_t surroundings;  /* of a file: a sum over its attributes, flags and path */
  uint64_t written;       /* of a device: sectors, as the kernel counts them */
  struct timespec behind; /* of a loop device: mtime of its file */
  bool blind;             /* of a device: its writes are not counted */
  bool fresh;             /* it was written to when this was taken: another write may not show */
};

struct vmf_parking;

struct vmf_descriptor {
  struct vmf_io io;
  int number;            /* owned; -1: ended, or closed while nobody uses it (parked.h) */
  bool sync;             /* flush makes durable */
  atomic_bool transient; /* what passes through is not kept in the page cache */
  atomic_bool kept;      /* what stands in it is not made zeros */
  /* Where what was written since then begins, and ends. */
  _Atomic uint64_t rewritten_start, rewritten_end;
  struct vmf_writeback writeback; /* of what is written, if it is to be durable or transient */
  /* How often it was changed, and how often when the last sync began that has ended: where both are
   * the same nothing is dirty, and the file system's answers about holes can be trusted. */
  _Atomic uint64_t changes, synced;
  /* errno of what the disk refused; 0: nothing. The kernel tells it once, to whichever thread waits
   * first: all that is made durable later is told by this. */
  atomic_int refused;
  struct stat status;         /* when it was opened */
  struct vmf_witness witness; /* likewise; of a source */
  bool trusted;               /* a device that is blind is read all the same */
  atomic_bool told;           /* a change that is no change of content */
  /* Guards the two below: the data that the file system told of last. Asking is not cheap: tmpfs
   * looks at every page up to the end of the data. */
  pthread_mutex_t lock;
  uint64_t data_start, data_end; /* equal: nothing is known */
  struct vmf_parking *parking;   /* NULL: it is open as long as the io is */
};

/* Takes `number` over, also on failure. The members that differ from zero are set by the caller. */
VMF_MUST_CHECK enum vmf_code vmf_descriptor_new(const struct vmf_io_ops *ops, int number,
                                                const char *name,
                                                struct vmf_descriptor **descriptor,
                                                struct vmf_error *error);

/* Around each change of what the file holds: before it, and when it is done. */
static inline void vmf_descriptor_changed(struct vmf_descriptor *file)
{
  atomic_fetch_add(&file->changes, 1);
}

/* The descriptor behind an io, or NULL when it is of another kind. */
const struct vmf_descriptor *vmf_descriptor_of(const struct vmf_io *io);

/* That of the io, or of the first file below a view; NULL: there is none. */
const struct vmf_descriptor *vmf_descriptor_below(const struct vmf_io *io);

/* parked.c. Between the two its number can be used; by any thread. Of a file that may be parked:
 * opens it where it is not open. */
VMF_MUST_CHECK enum vmf_code vmf_descriptor_enter(struct vmf_descriptor *file,
                                                  struct vmf_error *error);
void vmf_descriptor_leave(struct vmf_descriptor *file);

/* Nobody uses it any more; before its number is closed. */
void vmf_descriptor_unpark(struct vmf_descriptor *file);

/* Operations of struct vmf_io_ops. */
enum vmf_code vmf_descriptor_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                   struct vmf_error *error);
enum vmf_code vmf_descriptor_pwrite(struct vmf_io *io, const struct vmf_piece *pieces,
                                    unsigned count, uint64_t offset, struct vmf_error *error);
enum vmf_code vmf_descriptor_flush(struct vmf_io *io, struct vmf_error *error);
enum vmf_code vmf_descriptor_end(struct vmf_io *io, struct vmf_error *error);
void vmf_descriptor_close(struct vmf_io *io);

/* Closes *number, which becomes -1. VMF_WRITE when the file system says no. */
enum vmf_code vmf_end_number(int *number, const char *name, struct vmf_error *error);

/* Writes zeros as bytes. */
VMF_MUST_CHECK enum vmf_code vmf_descriptor_write_zeros(struct vmf_descriptor *descriptor,
                                                        uint64_t offset, uint64_t length,
                                                        struct vmf_error *error);

/* VMF_WRITE from errno; a full disk is told with the bytes that found no place. */
VMF_MUST_CHECK enum vmf_code vmf_write_failed(const char *name, uint64_t length, uint64_t offset,
                                              struct vmf_error *error);

/* VMF_ZEROS bytes of zeros, to write from. */
enum { VMF_ZEROS = 64 * 1024 };
extern const unsigned char vmf_zeros[VMF_ZEROS];

/* A regular file that is empty, open for reading and writing; a device open in the same way; a pipe
 * or whatever standard output is. All take `number` over, also on failure; sync: flush makes
 * durable. */
VMF_MUST_CHECK enum vmf_code vmf_io_write_file(int number, const char *name, bool sync,
                                               struct vmf_io **io, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_write_device(int number, const char *name, bool sync,
                                                 struct vmf_io **io, struct vmf_error *error);
VMF_MUST_CHECK enum vmf_code vmf_io_write_pipe(int number, const char *name, bool sync,
                                               struct vmf_io **io, struct vmf_error *error);

/* A device open for reading. Takes `number` over, also on failure. */
VMF_MUST_CHECK enum vmf_code vmf_io_read_device(int number, const char *name, struct vmf_io **io,
                                                struct vmf_error *error);

/* unchanged.c. Returns when a write to a file would give it another ctime than this one: at once,
 * but for one that was changed just now, after two seconds at most. */
void vmf_witness_wait(struct timespec changed);

/* unchanged.c. `status` is of `number`. */
void vmf_witness_take(int number, const struct stat *status, struct vmf_witness *witness);

/* BLKGETSIZE64. */
VMF_MUST_CHECK enum vmf_code vmf_device_size(int number, const char *name, uint64_t *size,
                                             struct vmf_error *error);

#endif
