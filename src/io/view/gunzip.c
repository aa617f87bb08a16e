/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A gzip file as an io that can be read anywhere. The first pass keeps points from which unpacking
 * can go on: copies of what unpacks the member. Reading unpacks from the nearest point, or goes on
 * where one of a few streams has come to, chunk by chunk. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "checked.h"
#include "gzip_member.h"
#include "memory.h"
#include "size.h"
#include "view.h"

/* Memory: points 7 MiB, chunks 8 MiB, streams less than 1 MiB. */
enum {
  POINTS_MAX = 80,
  CHUNK = 256 * 1024,
  CHUNKS = 32,
  STREAMS = 4,
  INPUT = 64 * 1024,
  AHEAD = 8, /* chunks before a wanted one that are kept when they are unpacked on the way to it */
  FIRST_SPACING = 1 << 20, /* unpacked bytes between two points, at first */
};

struct point {
  uint64_t packed, unpacked;      /* of the next byte */
  struct vmf_gzip_member *member; /* owned */
};

struct stream {
  struct vmf_gzip_member *member; /* owned; NULL: the stream is not in use */
  uint64_t packed, unpacked;      /* position */
  uint64_t used;                  /* the clock when it was last used */
  uint8_t *input;                 /* INPUT bytes, owned; NULL until they are needed */
  size_t start, end;              /* what of them is not taken yet, from `packed` on */
};

struct chunk {
  uint64_t index; /* of the chunk in the file; NONE: none */
  uint64_t used;
  uint8_t *bytes; /* CHUNK bytes, owned; NULL until it is needed */
};

#define NONE UINT64_MAX

struct gunzip {
  struct vmf_io io;
  struct vmf_io *packed;           /* owned */
  struct point points[POINTS_MAX]; /* in order, from the start; fixed after the first pass */
  unsigned point_count;
  uint64_t spacing;

  /* Guards all that follows, and is held while a chunk is read and unpacked: who waits for it most
   * often waits for that chunk. No other lock is taken under it but those of the packed io. */
  pthread_mutex_t lock;
  struct stream streams[STREAMS];
  struct chunk chunks[CHUNKS];
  uint64_t clock;
};

/* ---- streams ---- */

static size_t stream_left(const struct stream *stream)
{
  return stream->end - stream->start;
}

static void stream_close(struct stream *stream)
{
  vmf_gzip_free(stream->member);
  stream->member = NULL;
}

static void stream_take(struct stream *stream, size_t length)
{
  stream->start += length;
  stream->packed += length;
}

/* Something to take from the input, or nothing when the packed bytes are at their end. */
static enum vmf_code stream_fill(const struct gunzip *gunzip, struct stream *stream,
                                 struct vmf_error *error)
{
  uint64_t size = vmf_size_get(gunzip->packed);
  if (stream_left(stream) > 0 || stream->packed >= size)
    return VMF_OK;
  size_t length = (size_t)vmf_min(INPUT, size - stream->packed);
  stream->start = stream->end = 0;
  VMF_TRY(vmf_io_pread(gunzip->packed, stream->input, length, stream->packed, error));
  stream->end = length;
  return VMF_OK;
}

static enum vmf_code stream_failed(const struct gunzip *gunzip, const struct stream *stream,
                                   struct vmf_error *error)
{
  return vmf_while(error, "%s: the gzip data is damaged near byte %" PRIu64, gunzip->io.name,
                   stream->packed);
}

static enum vmf_code stream_cut(const struct gunzip *gunzip, const struct stream *stream,
                                struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the gzip data ends at byte %" PRIu64 ", in the middle of a member",
                  gunzip->io.name, stream->packed);
}

/* Starts the stream anew, at the point. */
static enum vmf_code stream_start(struct stream *stream, const struct point *point,
                                  struct vmf_error *error)
{
  void *input = NULL;
  stream_close(stream);
  if (!stream->input) {
    VMF_TRY(vmf_alloc_pages(INPUT, &input, error));
    stream->input = input;
  }
  stream->packed = point->packed;
  stream->unpacked = point->unpacked;
  stream->start = stream->end = 0;
  return vmf_gzip_copy(point->member, &stream->member, error);
}

/* At most `length` bytes, *got of them; *ended: the member is complete. */
static enum vmf_code stream_step(const struct gunzip *gunzip, struct stream *stream,
                                 uint8_t *buffer, size_t length, size_t *got, bool *ended,
                                 struct vmf_error *error)
{
  VMF_TRY(stream_fill(gunzip, stream, error));
  struct vmf_unpack_step step = {.in = stream->input + stream->start,
                                 .in_length = stream_left(stream),
                                 .out = buffer,
                                 .out_length = length};
  bool at_end = step.in_length == 0;
  if (vmf_gzip_step(stream->member, &step, error) != VMF_OK)
    return stream_failed(gunzip, stream, error);
  stream_take(stream, stream_left(stream) - step.in_length);
  *got = length - step.out_length;
  stream->unpacked += *got;
  *ended = step.ended;
  return at_end && *got == 0 && !step.ended ? stream_cut(gunzip, stream, error) : VMF_OK;
}

/* Exactly `length` bytes, of as many members as they stand in. */
static enum vmf_code stream_read(const struct gunzip *gunzip, struct stream *stream,
                                 uint8_t *buffer, size_t length, struct vmf_error *error)
{
  while (length > 0) {
    size_t got = 0;
    bool ended = false;
    VMF_TRY(stream_step(gunzip, stream, buffer, length, &got, &ended, error));
    buffer += got;
    length -= got;
    if (ended && length > 0)
      VMF_TRY(vmf_gzip_begin(stream->member, error));
  }
  return VMF_OK;
}

/* ---- the first pass ---- */

/* Every second point is given up, not the first. */
static void thin_points(struct gunzip *gunzip)
{
  unsigned kept = 0;
  for (unsigned i = 0; i < gunzip->point_count; i++)
    if (i % 2 == 0)
      gunzip->points[kept++] = gunzip->points[i];
    else
      vmf_gzip_free(gunzip->points[i].member);
  gunzip->point_count = kept;
  gunzip->spacing *= 2;
}

static enum vmf_code add_point(struct gunzip *gunzip, const struct stream *stream,
                               struct vmf_error *error)
{
  struct point point = {.packed = stream->packed, .unpacked = stream->unpacked};
  if (gunzip->point_count == POINTS_MAX)
    thin_points(gunzip);
  VMF_TRY(vmf_gzip_copy(stream->member, &point.member, error));
  gunzip->points[gunzip->point_count++] = point;
  return VMF_OK;
}

static bool is_point(const struct gunzip *gunzip, const struct stream *stream)
{
  return stream->unpacked - gunzip->points[gunzip->point_count - 1].unpacked >= gunzip->spacing;
}

static enum vmf_code check_cancelled(const struct gunzip *gunzip,
                                     const struct vmf_gunzip_options *options,
                                     struct vmf_error *error)
{
  if (vmf_cancel_requested(options->cancel))
    return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", gunzip->io.name);
  return VMF_OK;
}

/* Behind the last member only zeros are allowed (tapes and some uploads pad); those of a hole of
 * the file are passed over. */
static enum vmf_code scan_padding(const struct gunzip *gunzip, struct stream *stream,
                                  const struct vmf_gunzip_options *options, struct vmf_error *error)
{
  while (stream_left(stream) > 0) {
    VMF_TRY(check_cancelled(gunzip, options, error));
    for (; stream_left(stream) > 0; stream_take(stream, 1))
      if (stream->input[stream->start] != 0)
        return vmf_fail(error, VMF_CORRUPT,
                        "%s: 0x%02x at byte %" PRIu64
                        " behind the last gzip member, expected another member, zeros or the end",
                        gunzip->io.name, stream->input[stream->start], stream->packed);
    stream->packed = vmf_io_hole_end(gunzip->packed, stream->packed);
    VMF_TRY(stream_fill(gunzip, stream, error));
  }
  return VMF_OK;
}

static enum vmf_code scan_behind(const struct gunzip *gunzip, struct stream *stream,
                                 const struct vmf_gunzip_options *options, bool *all,
                                 struct vmf_error *error)
{
  VMF_TRY(stream_fill(gunzip, stream, error));
  if (stream_left(stream) > 0 && stream->input[stream->start] == 0x1f)
    return vmf_gzip_begin(stream->member, error);
  *all = true;
  return scan_padding(gunzip, stream, options, error);
}

/* *all: nothing comes any more. */
static enum vmf_code scan_step(struct gunzip *gunzip, struct stream *stream, uint8_t *scratch,
                               const struct vmf_gunzip_options *options, bool *all,
                               struct vmf_error *error)
{
  size_t got = 0;
  bool ended = false;
  VMF_TRY(check_cancelled(gunzip, options, error));
  VMF_TRY(stream_step(gunzip, stream, scratch, CHUNK, &got, &ended, error));
  if (options->progress)
    options->progress(options->progress_data, stream->packed, vmf_size_get(gunzip->packed));
  if (options->limit > 0 && stream->unpacked > options->limit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the gzip data holds more than %" PRIu64 " bytes when it is unpacked",
                    gunzip->io.name, options->limit);
  if (ended)
    return scan_behind(gunzip, stream, options, all, error);
  return is_point(gunzip, stream) ? add_point(gunzip, stream, error) : VMF_OK;
}

static enum vmf_code scan(struct gunzip *gunzip, const struct vmf_gunzip_options *options,
                          struct vmf_error *error)
{
  struct stream *stream = &gunzip->streams[0];
  VMF_AUTO_FREE void *scratch = NULL;
  bool all = false;
  VMF_TRY(vmf_alloc_pages(CHUNK, &scratch, error));
  gunzip->spacing = FIRST_SPACING;
  VMF_TRY(vmf_gzip_new(&gunzip->points[0].member, error));
  gunzip->point_count = 1;
  VMF_TRY(stream_start(stream, &gunzip->points[0], error));
  while (!all)
    VMF_TRY(scan_step(gunzip, stream, scratch, options, &all, error));
  gunzip->io.size = stream->unpacked;
  stream_close(stream);
  return VMF_OK;
}

/* ---- reading; all under the lock ---- */

static struct chunk *find_chunk(struct gunzip *gunzip, uint64_t index)
{
  for (size_t i = 0; i < CHUNKS; i++)
    if (gunzip->chunks[i].index == index)
      return &gunzip->chunks[i];
  return NULL;
}

/* The chunk that was not used for longest, emptied. */
static enum vmf_code free_chunk(struct gunzip *gunzip, struct chunk **chunk,
                                struct vmf_error *error)
{
  void *bytes = NULL;
  struct chunk *oldest = &gunzip->chunks[0];
  for (size_t i = 1; i < CHUNKS; i++)
    if (gunzip->chunks[i].used < oldest->used)
      oldest = &gunzip->chunks[i];
  if (!oldest->bytes) {
    VMF_TRY(vmf_alloc_pages(CHUNK, &bytes, error));
    oldest->bytes = bytes;
  }
  oldest->index = NONE;
  oldest->used = 0;
  *chunk = oldest;
  return VMF_OK;
}

static const struct point *nearest_point(const struct gunzip *gunzip, uint64_t unpacked)
{
  unsigned low = 0, high = gunzip->point_count;
  while (high - low > 1) {
    unsigned middle = low + (high - low) / 2;
    if (gunzip->points[middle].unpacked <= unpacked)
      low = middle;
    else
      high = middle;
  }
  return &gunzip->points[low];
}

static struct stream *oldest_stream(struct gunzip *gunzip)
{
  struct stream *oldest = &gunzip->streams[0];
  for (size_t i = 1; i < STREAMS; i++)
    if (!gunzip->streams[i].member || (oldest->member && gunzip->streams[i].used < oldest->used))
      oldest = &gunzip->streams[i];
  return oldest;
}

/* A stream at or before `unpacked`, as near as can be had. */
static enum vmf_code pick_stream(struct gunzip *gunzip, uint64_t unpacked, struct stream **stream,
                                 struct vmf_error *error)
{
  const struct point *point = nearest_point(gunzip, unpacked);
  struct stream *best = NULL;
  for (size_t i = 0; i < STREAMS; i++) {
    struct stream *one = &gunzip->streams[i];
    if (one->member && one->unpacked <= unpacked && one->unpacked >= point->unpacked &&
        (!best || one->unpacked > best->unpacked))
      best = one;
  }
  *stream = best ? best : oldest_stream(gunzip);
  return best ? VMF_OK : stream_start(*stream, point, error);
}

/* Unpacks up to the next start of a chunk; the bytes are kept when they are a whole chunk that
 * somebody may want soon. */
static enum vmf_code unpack_chunk(struct gunzip *gunzip, struct stream *stream, uint64_t wanted,
                                  struct vmf_error *error)
{
  struct chunk *chunk;
  uint64_t start = stream->unpacked, index = start / CHUNK;
  bool keep = start % CHUNK == 0 && index + AHEAD >= wanted && !find_chunk(gunzip, index);
  VMF_TRY(free_chunk(gunzip, &chunk, error));
  size_t length = (size_t)(vmf_min((index + 1) * CHUNK, gunzip->io.size) - start);
  VMF_TRY(stream_read(gunzip, stream, chunk->bytes, length, error));
  if (keep) {
    chunk->index = index;
    chunk->used = ++gunzip->clock;
  }
  return VMF_OK;
}

static enum vmf_code get_chunk(struct gunzip *gunzip, uint64_t index, struct chunk **chunk,
                               struct vmf_error *error)
{
  struct stream *stream;
  enum vmf_code code = VMF_OK;
  *chunk = find_chunk(gunzip, index);
  if (!*chunk) {
    VMF_TRY(pick_stream(gunzip, index * CHUNK, &stream, error));
    stream->used = ++gunzip->clock;
    while (code == VMF_OK && stream->unpacked / CHUNK <= index &&
           stream->unpacked < gunzip->io.size)
      code = unpack_chunk(gunzip, stream, index, error);
    if (code != VMF_OK) {
      stream_close(stream);
      return code;
    }
    *chunk = find_chunk(gunzip, index);
  }
  (*chunk)->used = ++gunzip->clock;
  return VMF_OK;
}

static enum vmf_code gunzip_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  struct gunzip *gunzip = (struct gunzip *)io;
  uint8_t *to = buffer;
  while (length > 0) {
    struct chunk *chunk;
    size_t within = (size_t)(offset % CHUNK), step = (size_t)vmf_min(length, CHUNK - within);
    pthread_mutex_lock(&gunzip->lock);
    enum vmf_code code = get_chunk(gunzip, offset / CHUNK, &chunk, error);
    if (code == VMF_OK)
      memcpy(to, chunk->bytes + within, step);
    pthread_mutex_unlock(&gunzip->lock);
    VMF_TRY(code);
    to += step;
    offset += step;
    length -= step;
  }
  return VMF_OK;
}

/* ---- the io ---- */

static struct vmf_io *gunzip_below(const struct vmf_io *io, size_t index)
{
  return index == 0 ? ((const struct gunzip *)io)->packed : NULL;
}

static void gunzip_close(struct vmf_io *io)
{
  struct gunzip *gunzip = (struct gunzip *)io;
  for (unsigned i = 0; i < gunzip->point_count; i++)
    vmf_gzip_free(gunzip->points[i].member);
  for (size_t i = 0; i < STREAMS; i++) {
    stream_close(&gunzip->streams[i]);
    vmf_free(gunzip->streams[i].input);
  }
  for (size_t i = 0; i < CHUNKS; i++)
    vmf_free(gunzip->chunks[i].bytes);
  pthread_mutex_destroy(&gunzip->lock);
  vmf_io_close(gunzip->packed);
  vmf_free(io->name);
  vmf_free(gunzip);
}

static const struct vmf_io_ops gunzip_ops = {
    .kind = "gzip file",
    .pread = gunzip_pread,
    .below = gunzip_below,
    .close = gunzip_close,
};

static enum vmf_code gunzip_new(struct vmf_io *packed, struct gunzip **gunzip,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  void *block = NULL;
  VMF_TRY(vmf_copy_text(packed->name, &copy, error));
  VMF_TRY(vmf_alloc(sizeof **gunzip, &block, error));
  *gunzip = block;
  (*gunzip)->io.ops = &gunzip_ops;
  (*gunzip)->io.name = copy;
  (*gunzip)->packed = packed;
  for (size_t i = 0; i < CHUNKS; i++)
    (*gunzip)->chunks[i].index = NONE;
  pthread_mutex_init(&(*gunzip)->lock, NULL);
  copy = NULL;
  return VMF_OK;
}

bool vmf_io_is_gzip(struct vmf_io *io)
{
  enum { DEFLATE = 8 };
  uint8_t start[3];
  return vmf_size_get(io) >= sizeof start &&
         vmf_io_pread(io, start, sizeof start, 0, NULL) == VMF_OK && start[0] == 0x1f &&
         start[1] == 0x8b && start[2] == DEFLATE;
}

enum vmf_code vmf_io_gunzip(struct vmf_io *packed, const struct vmf_gunzip_options *options,
                            struct vmf_io **io, struct vmf_error *error)
{
  struct gunzip *gunzip;
  enum vmf_code code = gunzip_new(packed, &gunzip, error);
  if (code != VMF_OK) {
    vmf_io_close(packed);
    return code;
  }
  code = scan(gunzip, options, error);
  if (code != VMF_OK) {
    gunzip_close(&gunzip->io);
    return code;
  }
  *io = &gunzip->io;
  return VMF_OK;
}
