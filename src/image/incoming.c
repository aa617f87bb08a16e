/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Standard input as a source: the file that it is, a disk that is read as it comes, or a copy of
 * what comes. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "archived.h"
#include "file.h"
#include "image.h"
#include "log.h"
#include "memory.h"
#include "remote_io.h"
#include "unpack.h"

/* Whether what comes begins like that container. */
static enum vmf_code begins_like(const struct vmf_container_reader *reader, struct vmf_io *io,
                                 bool *found, struct vmf_error *error)
{
  struct vmf_probe probe = {.size = UINT64_MAX};

  VMF_TRY(vmf_stream_peek(io, VMF_PROBE_BYTES, &probe.head, &probe.head_length, error));
  if (probe.head_length == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: is empty: the program that was to write the disk wrote nothing", io->name);
  *found = reader->probe && reader->probe(&probe) == 100;
  return VMF_OK;
}

/* The format whose container reads it as it comes, or NULL: it is stored first. */
static enum vmf_code choose_container(struct vmf_io *io, const struct vmf_image_options *options,
                                      const struct vmf_format **chosen, struct vmf_error *error)
{
  const struct vmf_format *named = options->format ? vmf_format_find(options->format) : NULL;

  *chosen = NULL;
  if (options->format && (!named || !named->reader))
    return vmf_fail(error, VMF_USAGE, "%s: format \"%s\" is not one that can be read", io->name,
                    options->format);
  for (const struct vmf_format *const *format = vmf_formats; *format; format++) {
    const struct vmf_container_reader *reader = (*format)->container;
    bool found = false;
    if (!reader || (named && *format != named))
      continue;
    VMF_TRY(begins_like(reader, io, &found, error));
    if (!reader->probe)
      found = named && (!reader->needs_size || options->source_size > 0);
    if (found)
      *chosen = *format;
  }
  bool listed = options->list_disks && *chosen && (*chosen)->container->several;
  if ((options->random_access && !listed) || options->snapshot || options->options)
    *chosen = NULL;
  return VMF_OK;
}

/* As many bytes as the person told. */
static enum vmf_code check_size(const struct vmf_io *io, uint64_t told, struct vmf_error *error)
{
  if (told == 0 || io->size == told)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: has %" PRIu64 " bytes, expected the %" PRIu64 " that were told", io->name,
                  io->size, told);
}

/* What came on a pipe has no folder whose files it could name. */
static enum vmf_code refuse_reference(struct vmf_opener *opener, const char *name,
                                      enum vmf_reference reference, struct vmf_io **io,
                                      struct vmf_error *error)
{
  (void)opener;
  (void)reference;
  *io = NULL;
  return vmf_fail(error, VMF_REFUSED,
                  "standard input: names the file \"%s\", and on a pipe there is none beside it: "
                  "store it in a file beside that one first",
                  name);
}

static struct vmf_opener no_files = {.open = refuse_reference};

/* Takes over io. members: opens what it names; NULL: by the usual policy. */
static enum vmf_code open_file(struct vmf_io *io, struct vmf_opener *members,
                               const struct vmf_image_options *options, struct vmf_image **image,
                               struct vmf_error *error)
{
  const struct vmf_image_origin origin = {.io = io, .members = members};
  enum vmf_code code = check_size(io, options->source_size, error);

  if (code == VMF_OK && (options->disk || !options->format) && vmf_probe_archive(io))
    return vmf_archive_open(io, options, image, error);
  if (code != VMF_OK) {
    vmf_io_close(io);
    return code;
  }
  return vmf_image_open_origin(&origin, options, image, error);
}

/* Takes over the stream. */
static enum vmf_code store(struct vmf_io *stream, const struct vmf_image_options *options,
                           struct vmf_io **io, struct vmf_error *error)
{
  const struct vmf_spool_options spool = {.folder = vmf_spool_folder(options->spool_folder),
                                          .expected = options->source_size,
                                          .max_bytes = options->max_bytes,
                                          .cancel = options->cancel,
                                          .progress = options->progress,
                                          .progress_data = options->progress_data};

  vmf_stream_settle(stream);
  vmf_note(options->log, "%s is stored in %s first", stream->name, spool.folder);
  return vmf_io_spool(stream, &spool, io, error);
}

enum vmf_code vmf_image_open_stored(struct vmf_io *io, const struct vmf_image_options *options,
                                    struct vmf_image **image, struct vmf_error *error)
{
  return open_file(io, &no_files, options, image, error);
}

static enum vmf_code open_stored(struct vmf_io *stream, const struct vmf_image_options *options,
                                 struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_io *io;

  VMF_TRY(store(stream, options, &io, error));
  return vmf_image_open_stored(io, options, image, error);
}

/* What `info` tells of a disk that is not stored for it. */
static enum vmf_code tell_found(const struct vmf_image_options *options, struct vmf_image **image,
                                struct vmf_error *error)
{
  enum vmf_code code = options->found && options->list_disks
                           ? vmf_found_chain(options->found, *image, VMF_OK, error)
                           : VMF_OK;

  if (code != VMF_OK) {
    vmf_image_close(*image);
    *image = NULL;
  }
  return code;
}

enum vmf_code vmf_image_open_arriving(struct vmf_io *stream,
                                      const struct vmf_image_options *options,
                                      struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_format *format;
  enum vmf_code code = choose_container(stream, options, &format, error);

  *image = NULL;
  if (code == VMF_OK && !format)
    return VMF_OK;
  if (code == VMF_OK) {
    VMF_TRY(vmf_container_open(format, stream, options, image, error));
    if (*image)
      return tell_found(options, image, error);
    code = vmf_stream_restart(stream, error);
  }
  if (code != VMF_OK)
    vmf_io_close(stream);
  return code;
}

/* As it comes, or stored. Takes over the stream. */
static enum vmf_code open_stream(struct vmf_io *io, const struct vmf_image_options *options,
                                 struct vmf_image **image, struct vmf_error *error)
{
  VMF_TRY(vmf_image_open_arriving(io, options, image, error));
  return *image ? VMF_OK : open_stored(io, options, image, error);
}

enum vmf_code vmf_image_open_input(const struct vmf_image_options *options,
                                   struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  VMF_AUTO_FREE char *inner = NULL;
  struct vmf_io *io;
  bool is_stream;

  VMF_TRY(vmf_io_input(STDIN_FILENO, !options->ignore_locks, &io, &is_stream, error));
  VMF_TRY(vmf_packed_open(&io, options, &inner, error));
  if (inner)
    own.format = inner;
  return is_stream ? open_stream(io, &own, image, error) : open_file(io, NULL, &own, image, error);
}

static enum vmf_code check_not_empty(struct vmf_io *stream, struct vmf_error *error)
{
  const uint8_t *bytes;
  size_t have;

  VMF_TRY(vmf_stream_peek(stream, 1, &bytes, &have, error));
  return have > 0 ? VMF_OK
                  : vmf_fail(error, VMF_CORRUPT,
                             "%s: is empty: the program that was to write the machine wrote "
                             "nothing",
                             stream->name);
}

/* ---- a machine with its disks ---- */

/* As a list of the disks that come. Takes over the stream, but where *list is NULL without an
 * error. */
static enum vmf_code list_stream(struct vmf_io *stream, const struct vmf_image_options *options,
                                 struct vmf_image **list, struct vmf_error *error)
{
  const struct vmf_format *format = NULL;
  struct vmf_image_options own = *options;

  *list = NULL;
  own.format = own.disk = NULL;
  own.list_disks = true;
  enum vmf_code code = check_not_empty(stream, error);
  if (code == VMF_OK)
    code = choose_container(stream, &own, &format, error);
  if (code != VMF_OK) {
    vmf_io_close(stream);
    return code;
  }
  if (!format || !format->container->several)
    return VMF_OK;
  VMF_TRY(vmf_container_open(format, stream, &own, list, error));
  return *list ? VMF_OK : vmf_stream_restart(stream, error);
}

/* *io: standard input, unpacked where it is packed. */
static enum vmf_code open_unpacked(const struct vmf_image_options *options, struct vmf_io **io,
                                   bool *is_stream, struct vmf_error *error)
{
  VMF_AUTO_FREE char *inner = NULL;

  VMF_TRY(vmf_io_input(STDIN_FILENO, !options->ignore_locks, io, is_stream, error));
  return vmf_packed_open(io, options, &inner, error);
}

/* *io, taken over on failure, becomes a file. */
static enum vmf_code make_file(const struct vmf_image_options *options, bool is_stream,
                               struct vmf_io **io, struct vmf_error *error)
{
  if (is_stream)
    return vmf_image_store_input(*io, options, io, error);
  enum vmf_code code = check_size(*io, options->source_size, error);
  if (code != VMF_OK)
    vmf_io_close(*io);
  return code;
}

enum vmf_code vmf_image_input_list(const struct vmf_image_options *options, struct vmf_image **list,
                                   struct vmf_io **io, struct vmf_error *error)
{
  bool is_stream;

  *list = NULL;
  VMF_TRY(open_unpacked(options, io, &is_stream, error));
  if (is_stream)
    VMF_TRY(list_stream(*io, options, list, error));
  if (!*list)
    return make_file(options, is_stream, io, error);
  *io = NULL;
  return VMF_OK;
}

enum vmf_code vmf_image_input_file(const struct vmf_image_options *options, struct vmf_io **io,
                                   struct vmf_error *error)
{
  bool is_stream;

  VMF_TRY(open_unpacked(options, io, &is_stream, error));
  enum vmf_code code = is_stream ? check_not_empty(*io, error) : VMF_OK;
  if (code == VMF_OK)
    return make_file(options, is_stream, io, error);
  vmf_io_close(*io);
  return code;
}

enum vmf_code vmf_image_store_input(struct vmf_io *stream, const struct vmf_image_options *options,
                                    struct vmf_io **io, struct vmf_error *error)
{
  VMF_TRY(store(stream, options, io, error));
  enum vmf_code code = check_size(*io, options->source_size, error);
  if (code != VMF_OK)
    vmf_io_close(*io);
  return code;
}

/* How the file is packed, where it can only be unpacked from its first byte to its last. */
static enum vmf_code comes_once(struct vmf_io *io, const struct vmf_packing **packing,
                                struct vmf_error *error)
{
  bool once = false;
  enum vmf_code code = vmf_packing_of(io, packing, error);

  if (code == VMF_OK && *packing)
    code = vmf_unpack_comes_once(io, *packing, &once, error);
  if (!once)
    *packing = NULL;
  return code;
}

/* *stream: of the file as it is unpacked; NULL: it need not be stored to be looked into. */
static enum vmf_code stream_packed(struct vmf_io *io, const char *path,
                                   const struct vmf_image_options *options, struct vmf_io **stream,
                                   struct vmf_error *error)
{
  const struct vmf_packing *packing = NULL;
  const struct vmf_unpack_options unpack = {
      .max_bytes = options->max_bytes, .cancel = options->cancel, .log = options->log};

  if (comes_once(io, &packing, NULL) != VMF_OK || !packing)
    return VMF_OK; /* what is wrong with it is told when it is opened */
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return vmf_fail_errno(error, VMF_READ, "%s: opening the file", path);
  VMF_TRY(vmf_io_stream(file, path, stream, error));
  return vmf_unpack_stream(*stream, packing, &unpack, stream, error);
}

static enum vmf_code stream_whole(const struct vmf_io *io, const struct vmf_image_options *options,
                                  struct vmf_io **stream, struct vmf_error *error)
{
  VMF_AUTO_FREE char *inner = NULL;

  VMF_TRY(vmf_remote_stream(io, stream, error));
  return vmf_packed_open(stream, options, &inner, error);
}

enum vmf_code vmf_image_once_list(const char *path, const struct vmf_image_options *options,
                                  struct vmf_image **list, struct vmf_error *error)
{
  struct vmf_io *io, *stream = NULL;

  *list = NULL;
  if (vmf_io_open_file(path, !options->ignore_locks, &io, NULL) != VMF_OK)
    return VMF_OK; /* told when it is opened */
  enum vmf_code code = vmf_remote_comes_whole(io)
                           ? stream_whole(io, options, &stream, error)
                           : stream_packed(io, path, options, &stream, error);
  vmf_io_close(io);
  if (code != VMF_OK || !stream)
    return code;
  VMF_TRY(list_stream(stream, options, list, error));
  if (!*list)
    vmf_io_close(stream);
  return VMF_OK;
}
