/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A disk in a file that can only be read from its first byte to its last, for one pass: as a
 * stream, of which nothing is stored. Such are a raw disk that can only be unpacked so, and what a
 * server does not send in parts, as far as it could come on a pipe as well. What the last bytes of
 * a raw disk would say of it (of a fixed VHD only they do) shows at the end, before anything that
 * was made of it has its name. */
#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "image.h"
#include "memory.h"
#include "remote_io.h"
#include "size.h"
#include "unpack.h"

struct passing {
  struct vmf_io *content; /* a stream, owned */
  struct vmf_io *file;    /* below it, owned once it is passed; NULL: the content has it */
  uint64_t size;          /* that the content has, as the file tells */
  bool named;             /* raw, by the person */
  const struct vmf_log *log;
  size_t ends; /* bytes of head and tail */
  uint8_t head[VMF_PROBE_BYTES], tail[VMF_PROBE_BYTES];
};

/* ---- the stream ---- */

static void note_head(struct passing *passing, const uint8_t *bytes, size_t length, uint64_t at)
{
  if (at < passing->ends)
    memcpy(passing->head + at, bytes, (size_t)vmf_min(length, passing->ends - at));
}

static void note_tail(struct passing *passing, const uint8_t *bytes, size_t length, uint64_t at)
{
  uint64_t tail = passing->size - passing->ends, from = vmf_max(at, tail);

  if (at + length > from)
    memcpy(passing->tail + (from - tail), bytes + (from - at), (size_t)(at + length - from));
}

static enum vmf_code check_ends(const struct passing *passing, struct vmf_error *error)
{
  const struct vmf_format *format;
  const struct vmf_probe probe = {.head = passing->head,
                                  .tail = passing->tail,
                                  .head_length = passing->ends,
                                  .tail_length = passing->ends,
                                  .size = passing->size};

  if (passing->named) {
    vmf_probe_warn_raw(passing->content, &probe, passing->log);
    return VMF_OK;
  }
  VMF_TRY(vmf_probe_ends(passing->content, &probe, &format, error));
  if (!format)
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: is called a raw disk, but its last bytes are those of format %s: say -f %s, "
                  "or -f raw, which takes them as a part of the disk",
                  passing->content->name, format->name, format->name);
}

static enum vmf_code passing_read(void *state, const char *name, uint64_t position, uint8_t *buffer,
                                  size_t length, size_t *got, struct vmf_error *error)
{
  struct passing *passing = state;
  const uint8_t *more;
  size_t have;

  *got = (size_t)vmf_min(length, passing->size - position);
  if (*got > 0) {
    VMF_TRY(vmf_io_pread(passing->content, buffer, *got, position, error));
    note_head(passing, buffer, *got, position);
    note_tail(passing, buffer, *got, position);
    return VMF_OK;
  }
  VMF_TRY(vmf_stream_peek(passing->content, 1, &more, &have, error));
  if (have > 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: %s more than the %" PRIu64 " bytes it tells", name,
                    passing->file ? "unpacks to" : "has", passing->size);
  return check_ends(passing, error);
}

static struct vmf_io *passing_below(const void *state)
{
  return ((const struct passing *)state)->content;
}

static void passing_close(void *state)
{
  struct passing *passing = state;

  vmf_io_close(passing->content);
  vmf_io_close(passing->file);
  vmf_free(passing);
}

static const struct vmf_stream_source passing_source = {
    .read = passing_read, .below = passing_below, .close = passing_close};

/* ---- whether it can be read so ---- */

static bool may_pass(const struct vmf_io *io, const struct vmf_image_options *options)
{
  uint64_t id;

  return io->size > 0 && options->in_order && !options->random_access && !options->snapshot &&
         !options->options && !options->disk && !options->list_disks && !options->salvage &&
         !options->found && !io->device && (!vmf_remote_id(io, &id) || vmf_remote_comes_whole(io));
}

/* By the format that is named, or by the name of the file. */
static enum vmf_code is_called_raw(const struct vmf_io *io, const char *named, bool *raw,
                                   struct vmf_error *error)
{
  VMF_AUTO_FREE char *inner = NULL;
  const struct vmf_format *format = vmf_format_find("raw");

  *raw = named && vmf_format_find(named) == format;
  if (named)
    return VMF_OK;
  VMF_TRY(vmf_packing_strip(io->name, &inner, error));
  *raw = vmf_format_has_suffix(format, inner);
  return VMF_OK;
}

/* Its first bytes ask for a closer look: they say what else it is, or have a GUID partition table
 * for sectors of 4 KiB, which not every target has. */
static enum vmf_code asks_for_a_look(struct vmf_io *content, uint64_t size, bool named, bool *asks,
                                     struct vmf_error *error)
{
  static const char gpt[] = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'};
  enum { GPT_LARGE = 4096 };
  const struct vmf_format *format = NULL;
  const uint8_t *head;
  size_t length;

  VMF_TRY(vmf_stream_peek(content, GPT_LARGE + sizeof gpt, &head, &length, error));
  const struct vmf_probe probe = {.head = head,
                                  .tail = head,
                                  .head_length = (size_t)vmf_min(length, VMF_PROBE_BYTES),
                                  .size = size};
  *asks = length == GPT_LARGE + sizeof gpt && memcmp(head + GPT_LARGE, gpt, sizeof gpt) == 0;
  if (!*asks && !named)
    *asks = vmf_packing_find(head, length) ||
            vmf_probe_ends(content, &probe, &format, NULL) != VMF_OK || format;
  return VMF_OK;
}

/* *stream: of the content, which it takes over, also on failure; NULL: it is opened in the other
 * way, which also says what is wrong. file: owned by the stream then; or NULL. */
static enum vmf_code make_stream(struct vmf_io *content, struct vmf_io *file,
                                 const struct vmf_image_options *options, bool named, uint64_t size,
                                 struct vmf_io **stream, struct vmf_error *error)
{
  bool asks = false;
  void *memory;

  enum vmf_code code = asks_for_a_look(content, size, named, &asks, error);
  if (code == VMF_OK && !asks)
    code = vmf_alloc(sizeof(struct passing), &memory, error);
  if (code != VMF_OK || asks) {
    vmf_io_close(content);
    return code == VMF_NOMEM ? code : VMF_OK;
  }
  vmf_stream_settle(content);
  struct passing *passing = memory;
  passing->content = content;
  passing->size = size;
  passing->named = named;
  passing->log = options->log;
  passing->ends = (size_t)vmf_min(size, VMF_PROBE_BYTES);
  VMF_TRY(vmf_stream_new(&passing_source, passing, content->name, stream, error));
  passing->file = file;
  return VMF_OK;
}

/* ---- a packed raw disk ---- */

static enum vmf_code unpack_walk(struct vmf_io *io, const struct vmf_packing *packing,
                                 const struct vmf_image_options *options, struct vmf_io **content,
                                 struct vmf_error *error)
{
  const struct vmf_unpack_options unpack = {
      .max_bytes = options->max_bytes, .cancel = options->cancel, .log = options->log};
  struct vmf_io *walk;

  *content = NULL;
  VMF_TRY(vmf_io_stream_over(io, &walk, error));
  return vmf_unpack_stream(walk, packing, &unpack, content, error);
}

/* *content: NULL, or a stream of *size bytes: one that it tells, or that can be assumed. */
static enum vmf_code unpack_pass(struct vmf_io *io, const struct vmf_packing *packing,
                                 const struct vmf_image_options *options, struct vmf_io **content,
                                 uint64_t *size, struct vmf_error *error)
{
  const struct vmf_unpack_options unpack = {.max_bytes = options->max_bytes,
                                            .threads = options->threads,
                                            .pass = true,
                                            .assumed = options->assumed,
                                            .cancel = options->cancel,
                                            .log = options->log,
                                            .progress = options->progress,
                                            .progress_data = options->progress_data};

  *content = NULL;
  VMF_TRY(vmf_unpack_once_size(io, packing, size, error));
  if (*size == 0 && options->assumed)
    return vmf_unpack_assumed(io, packing, &unpack, content, size, error);
  if (*size == 0 || (options->max_bytes > 0 && *size > options->max_bytes))
    return VMF_OK;
  return unpack_walk(io, packing, options, content, error);
}

/* *stream: NULL, or what owns io from then on. */
static enum vmf_code pass_packed(struct vmf_io *io, const struct vmf_image_options *options,
                                 struct vmf_io **stream, uint64_t *size, struct vmf_error *error)
{
  VMF_AUTO_FREE char *inner = NULL;
  const struct vmf_packing *packing;
  struct vmf_io *content = NULL;
  bool raw = false;

  VMF_TRY(vmf_packed_find(io, options->format, &packing, &inner, error));
  if (packing)
    VMF_TRY(is_called_raw(io, inner, &raw, error));
  if (raw)
    VMF_TRY(unpack_pass(io, packing, options, &content, size, error));
  return content ? make_stream(content, io, options, inner != NULL, *size, stream, error) : VMF_OK;
}

static enum vmf_code open_packed(struct vmf_io *io, const struct vmf_image_options *options,
                                 struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  struct vmf_io *stream = NULL;
  enum vmf_code code = pass_packed(io, options, &stream, &own.source_size, error);

  if (code != VMF_OK)
    vmf_io_close(io);
  if (!stream)
    return code;
  return vmf_container_open(vmf_format_find("raw"), stream, &own, image, error);
}

/* ---- what a server does not send in parts ---- */

/* Of what is packed nobody knows how long it will be. */
static enum vmf_code is_plain_raw(struct vmf_io *stream, const struct vmf_image_options *options,
                                  bool *raw, struct vmf_error *error)
{
  VMF_AUTO_FREE char *inner = NULL;
  const struct vmf_packing *packing;

  *raw = false;
  VMF_TRY(vmf_packed_find(stream, options->format, &packing, &inner, error));
  return packing ? VMF_OK : is_called_raw(stream, options->format, raw, error);
}

/* Takes the stream over. */
static enum vmf_code open_arriving(struct vmf_io *stream, uint64_t size,
                                   const struct vmf_image_options *options,
                                   struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  VMF_AUTO_FREE char *inner = NULL;
  bool raw = false;
  enum vmf_code code = is_plain_raw(stream, options, &raw, error);

  if (code != VMF_OK) {
    vmf_io_close(stream);
    return code;
  }
  if (raw) {
    struct vmf_io *passed = NULL;
    own.source_size = size;
    VMF_TRY(make_stream(stream, NULL, options, options->format != NULL, size, &passed, error));
    return passed ? vmf_container_open(vmf_format_find("raw"), passed, &own, image, error) : VMF_OK;
  }
  VMF_TRY(vmf_packed_open(&stream, options, &inner, error));
  if (inner)
    own.format = inner;
  VMF_TRY(vmf_image_open_arriving(stream, &own, image, error));
  if (!*image)
    vmf_io_close(stream);
  return VMF_OK;
}

static enum vmf_code open_whole(struct vmf_io *io, const struct vmf_image_options *options,
                                struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_io *stream;
  enum vmf_code code = vmf_remote_stream(io, &stream, error);

  if (code == VMF_OK)
    code = open_arriving(stream, io->size, options, image, error);
  if (code != VMF_OK || *image)
    vmf_io_close(io);
  return code;
}

enum vmf_code vmf_image_open_once(struct vmf_io *io, const struct vmf_image_options *options,
                                  struct vmf_image **image, struct vmf_error *error)
{
  *image = NULL;
  if (!may_pass(io, options))
    return VMF_OK;
  return vmf_remote_comes_whole(io) ? open_whole(io, options, image, error)
                                    : open_packed(io, options, image, error);
}
