/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the bytes of a stream come from: a descriptor, or a file read from its start. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "checked.h"
#include "memory.h"
#include "size.h"
#include "stream.h"

enum { PIPE_SIZE = 1 << 20 /* that is asked for: fewer turns between its two ends */ };

/* ---- a descriptor ---- */

struct incoming {
  int number; /* owned */
};

/* An interrupting signal ends the wait for a writer who may never come: the caller asked to stop.
 */
static enum vmf_code incoming_read(void *state, const char *name, uint64_t position,
                                   uint8_t *buffer, size_t length, size_t *got,
                                   struct vmf_error *error)
{
  const struct incoming *incoming = state;
  ssize_t result = read(incoming->number, buffer, length);
  while (result < 0 && errno == EAGAIN) {
    struct pollfd ready = {.fd = incoming->number, .events = POLLIN};
    if (poll(&ready, 1, -1) < 0)
      break;
    result = read(incoming->number, buffer, length);
  }
  if (result < 0 && errno == EINTR)
    return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", name);
  if (result < 0)
    return vmf_fail_errno(error, VMF_READ, "%s: reading behind byte %" PRIu64, name, position);
  *got = (size_t)result;
  return VMF_OK;
}

static void incoming_close(void *state)
{
  struct incoming *incoming = state;
  close(incoming->number);
  vmf_free(incoming);
}

enum vmf_code vmf_io_stream(int number, const char *name, struct vmf_io **io,
                            struct vmf_error *error)
{
  static const struct vmf_stream_source source = {.read = incoming_read, .close = incoming_close};
  void *state;
  enum vmf_code code = vmf_alloc(sizeof(struct incoming), &state, error);
  if (code != VMF_OK) {
    close(number);
    return code;
  }
  (void)fcntl(number, F_SETPIPE_SZ, PIPE_SIZE); /* where it is a pipe, and that is allowed */
  ((struct incoming *)state)->number = number;
  return vmf_stream_new(&source, state, name, io, error);
}

/* ---- a file ---- */

/* The state is its io. */
static enum vmf_code walk_read(void *state, const char *name, uint64_t position, uint8_t *buffer,
                               size_t length, size_t *got, struct vmf_error *error)
{
  struct vmf_io *file = state;

  (void)name;
  *got = (size_t)vmf_min(length, vmf_size_get(file) - position);
  return vmf_io_pread(file, buffer, *got, position, error);
}

static struct vmf_io *walk_below(const void *state)
{
  return (struct vmf_io *)state;
}

static uint64_t walk_hole_end(const void *state, uint64_t position)
{
  return vmf_io_hole_end((struct vmf_io *)(uintptr_t)state, position);
}

static void walk_leave(void *state)
{
  (void)state;
}

static void walk_close(void *state)
{
  vmf_io_close(state);
}

enum vmf_code vmf_io_stream_over(struct vmf_io *file, struct vmf_io **io, struct vmf_error *error)
{
  static const struct vmf_stream_source source = {
      .read = walk_read, .below = walk_below, .hole_end = walk_hole_end, .close = walk_leave};

  return vmf_stream_new(&source, file, file->name, io, error);
}

enum vmf_code vmf_io_stream_of(struct vmf_io *file, struct vmf_io **io, struct vmf_error *error)
{
  static const struct vmf_stream_source source = {
      .read = walk_read, .below = walk_below, .hole_end = walk_hole_end, .close = walk_close};

  return vmf_stream_new(&source, file, file->name, io, error);
}
