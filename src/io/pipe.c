/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A sink that cannot go back: standard output, whatever stands behind it. Small writes are gathered
 * in a buffer, gaps are written as zeros. One thread at a time. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "checked.h"
#include "descriptor.h"
#include "memory.h"
#include "sequential.h"

enum { PIPE_BUFFER = 1 << 20 };

/* io.size is the position: all bytes that were taken, written or still in the buffer. */
struct pipe {
  struct vmf_io io;
  int number; /* owned; -1: ended */
  bool sync;
  unsigned char *buffer; /* PIPE_BUFFER bytes */
  size_t used;
};

/* An interrupting signal ends the wait for a reader who may never come: the caller asked to stop.
 */
static enum vmf_code pipe_put(struct pipe *pipe, const unsigned char *data, size_t length,
                              struct vmf_error *error)
{
  while (length > 0) {
    ssize_t put = write(pipe->number, data, length);
    struct pollfd ready = {.fd = pipe->number, .events = POLLOUT};
    if (put < 0 && errno == EAGAIN && poll(&ready, 1, -1) >= 0)
      continue;
    if (put < 0 && errno == EINTR)
      return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", pipe->io.name);
    if (put < 0)
      return vmf_write_failed(pipe->io.name, length, pipe->io.size - length, error);
    data += put;
    length -= (size_t)put;
  }
  return VMF_OK;
}

static enum vmf_code pipe_drain(struct pipe *pipe, struct vmf_error *error)
{
  size_t used = pipe->used;
  pipe->used = 0;
  return pipe_put(pipe, pipe->buffer, used, error);
}

static enum vmf_code pipe_append(struct vmf_io *io, const void *data, size_t length,
                                 struct vmf_error *error)
{
  struct pipe *pipe = (struct pipe *)io;

  if (pipe->used + length > PIPE_BUFFER)
    VMF_TRY(pipe_drain(pipe, error));
  pipe->io.size += length;
  if (length >= PIPE_BUFFER)
    return pipe_put(pipe, data, length, error);
  memcpy(pipe->buffer + pipe->used, data, length);
  pipe->used += length;
  return VMF_OK;
}

static enum vmf_code pipe_zeros(struct vmf_io *io, uint64_t length, struct vmf_error *error)
{
  while (length > 0) {
    size_t step = (size_t)vmf_min(length, VMF_ZEROS);
    VMF_TRY(pipe_append(io, vmf_zeros, step, error));
    length -= step;
  }
  return VMF_OK;
}

static enum vmf_code pipe_flush(struct vmf_io *io, struct vmf_error *error)
{
  struct pipe *pipe = (struct pipe *)io;
  VMF_TRY(pipe_drain(pipe, error));
  if (pipe->sync && fsync(pipe->number) < 0 && errno != EINVAL && errno != EROFS &&
      errno != EOPNOTSUPP)
    return vmf_fail_errno(error, VMF_WRITE, "%s: syncing to the disk", io->name);
  return VMF_OK;
}

static enum vmf_code pipe_end(struct vmf_io *io, struct vmf_error *error)
{
  struct pipe *pipe = (struct pipe *)io;
  return vmf_end_number(&pipe->number, io->name, error);
}

static void pipe_close(struct vmf_io *io)
{
  struct pipe *pipe = (struct pipe *)io;
  (void)pipe_end(io, NULL);
  vmf_free(pipe->buffer);
  vmf_free(io->name);
  vmf_free(pipe);
}

static const struct vmf_sequential_ops pipe_ops = {
    .io = {.kind = "pipe",
           .pwrite = vmf_sequential_pwrite,
           .zero = vmf_sequential_zero,
           .resize = vmf_sequential_resize,
           .flush = pipe_flush,
           .end = pipe_end,
           .close = pipe_close},
    .what = "a pipe",
    .append = pipe_append,
    .append_zeros = pipe_zeros,
};

static enum vmf_code pipe_make(const char *name, struct pipe **pipe, struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  VMF_AUTO_FREE void *buffer = NULL;
  void *block = NULL;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc_pages(PIPE_BUFFER, &buffer, error));
  VMF_TRY(vmf_alloc(sizeof **pipe, &block, error));
  *pipe = block;
  (*pipe)->io.ops = &pipe_ops.io;
  (*pipe)->io.name = copy;
  (*pipe)->io.sequential = true;
  (*pipe)->io.writers = 1;
  (*pipe)->buffer = buffer;
  copy = NULL;
  buffer = NULL;
  return VMF_OK;
}

enum vmf_code vmf_io_write_pipe(int number, const char *name, bool sync, struct vmf_io **io,
                                struct vmf_error *error)
{
  struct pipe *pipe;
  enum vmf_code code = pipe_make(name, &pipe, error);
  if (code != VMF_OK) {
    close(number);
    return code;
  }
  pipe->number = number;
  pipe->sync = sync;
  *io = &pipe->io;
  return VMF_OK;
}
