/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A stream whose bytes are wanted in another order is kept in a file that has no name: it goes with
 * the process, however that ends. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "descriptor.h"
#include "file.h"
#include "memory.h"
#include "stream.h"
#include "temporary.h"
#include "zero.h"

static enum vmf_code check_space(int number, const char *name,
                                 const struct vmf_spool_options *options, struct vmf_error *error)
{
  struct statvfs space;
  if (fstatvfs(number, &space) < 0 || space.f_bavail >= options->expected / space.f_frsize)
    return VMF_OK;
  return vmf_fail(
      error, VMF_WRITE,
      "%s: %s is to be stored there first: it has %" PRIu64 " bytes, and there is room for %" PRIu64
      " (zeros need none: to try all the same, do not tell the size)",
      options->folder, name, options->expected, (uint64_t)space.f_bavail * space.f_frsize);
}

static enum vmf_code check_amount(const struct vmf_io *stream, uint64_t amount,
                                  const struct vmf_spool_options *options, struct vmf_error *error)
{
  if (vmf_cancel_requested(options->cancel))
    return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", stream->name);
  if (options->max_bytes > 0 && amount > options->max_bytes)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: more comes than the %" PRIu64 " bytes that are allowed (--max-size)",
                    stream->name, options->max_bytes);
  return VMF_OK;
}

static enum vmf_code cannot_store(struct vmf_error *error)
{
  const struct vmf_error why = *error;
  return vmf_fail(error, why.code, "%s; $TMPDIR, or --spool, names another folder", why.text);
}

static enum vmf_code copy_all(struct vmf_io *stream, struct vmf_io *file,
                              const struct vmf_spool_options *options, struct vmf_error *error)
{
  uint64_t start = vmf_stream_position(stream), at = 0;
  const uint8_t *bytes;
  size_t have;
  for (;;) {
    VMF_TRY(vmf_stream_peek(stream, VMF_STREAM_AHEAD, &bytes, &have, error));
    VMF_TRY(check_amount(stream, at + have, options, error));
    if (have == 0)
      return vmf_io_resize(file, at, error);
    if (!vmf_is_zero(bytes, have) && vmf_io_pwrite(file, bytes, have, at, error) != VMF_OK)
      return cannot_store(error);
    at += have;
    VMF_TRY(vmf_stream_skip(stream, start + at, error));
    if (options->progress)
      options->progress(options->progress_data, at, options->expected);
  }
}

static enum vmf_code second_descriptor(int number, const char *folder, int *second,
                                       struct vmf_error *error)
{
  *second = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (*second >= 0)
    return VMF_OK;
  return vmf_fail_errno(error, VMF_SYSTEM, "%s: a second descriptor cannot be made", folder);
}

static enum vmf_code spool_write(struct vmf_io *stream, int number,
                                 const struct vmf_spool_options *options, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  struct vmf_io *file;
  int own;
  VMF_TRY(vmf_format(&name, error, "%s, stored in %s", stream->name, options->folder));
  VMF_TRY(second_descriptor(number, options->folder, &own, error));
  VMF_TRY(vmf_io_write_file(own, name, false, &file, error));
  enum vmf_code code = copy_all(stream, file, options, error);
  if (code == VMF_OK)
    code = vmf_io_end(file, error);
  vmf_io_close(file);
  return code;
}

/* Writes through one io and reads through another, which sees a file that no longer changes. */
static enum vmf_code spool_fill(struct vmf_io *stream, int number,
                                const struct vmf_spool_options *options, struct vmf_io **io,
                                struct vmf_error *error)
{
  int own;
  VMF_TRY(check_space(number, stream->name, options, error));
  VMF_TRY(spool_write(stream, number, options, error));
  VMF_TRY(second_descriptor(number, options->folder, &own, error));
  return vmf_io_from_descriptor(own, stream->name, false, io, error);
}

uint64_t vmf_spool_room(const char *folder)
{
  struct statvfs space;
  return statvfs(folder, &space) < 0 ? UINT64_MAX : (uint64_t)space.f_bavail * space.f_frsize;
}

const char *vmf_spool_folder(const char *named)
{
  const char *folder = named ? named : secure_getenv("TMPDIR");
  return folder && folder[0] ? folder : "/tmp";
}

enum vmf_code vmf_io_spool(struct vmf_io *stream, const struct vmf_spool_options *options,
                           struct vmf_io **io, struct vmf_error *error)
{
  int number;
  enum vmf_code code = vmf_temporary_unnamed(options->folder, &number, error);
  if (code == VMF_OK) {
    code = spool_fill(stream, number, options, io, error);
    close(number);
  }
  vmf_io_close(stream);
  return code;
}
