/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A gzip file as an io that can be read anywhere. The first pass keeps points from which unpacking
 * can go on: a place between two deflate blocks and the 32 KiB before it. Reading unpacks from the
 * nearest point, or goes on where one of a few streams has come to, chunk by chunk. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <zlib.h>

#include "checked.h"
#include "memory.h"
#include "size.h"
#include "view.h"

/* Memory: points 6 MiB, chunks 8 MiB, streams less than 1 MiB. */
enum {
  POINTS_MAX = 192,
  WINDOW = 32 * 1024,
  CHUNK = 256 * 1024,
  CHUNKS = 32,
  STREAMS = 4,
  INPUT = 64 * 1024,
  AHEAD = 8, /* chunks before a wanted one that are kept when they are unpacked on the way to it */
  FIRST_SPACING = 1 << 20, /* unpacked bytes between two points, at first */
  RAW = -15,
  GZIP = 15 + 16, /* zlib's windowBits: it checks the header and the sums behind the data */
  TRAILER = 8,    /* CRC-32 and size behind a member */
};

struct point {
  uint64_t packed, unpacked; /* of the next byte */
  unsigned bits;             /* of the byte before that belong to what comes next */
  uint8_t *window;           /* owned; NULL: the start of the file */
  unsigned length;           /* of the window */
};

struct stream {
  z_stream z;
  bool open;
  bool raw;          /* started at a point: zlib leaves the trailer of the member to us */
  uint64_t next;     /* packed byte behind those in `input` */
  uint64_t unpacked; /* position */
  uint64_t used;     /* the clock when it was last used */
  uint8_t *input;    /* INPUT bytes, owned */
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
  struct point points[POINTS_MAX]; /* in order; fixed after the first pass */
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

static uint64_t packed_position(const struct stream *stream)
{
  return stream->next - stream->z.avail_in;
}

static void stream_close(struct stream *stream)
{
  if (stream->open)
    inflateEnd(&stream->z);
  stream->open = false;
}

/* Something to read in z.avail_in, or nothing when the packed bytes are at their end. */
static enum vmf_code stream_fill(const struct gunzip *gunzip, struct stream *stream,
                                 struct vmf_error *error)
{
  uint64_t size = vmf_size_get(gunzip->packed);
  if (stream->z.avail_in > 0 || stream->next >= size)
    return VMF_OK;
  size_t length = (size_t)vmf_min(INPUT, size - stream->next);
  VMF_TRY(vmf_io_pread(gunzip->packed, stream->input, length, stream->next, error));
  stream->z.next_in = stream->input;
  stream->z.avail_in = (unsigned)length;
  stream->next += length;
  return VMF_OK;
}

static enum vmf_code stream_damaged(const struct gunzip *gunzip, const struct stream *stream,
                                    int result, struct vmf_error *error)
{
  if (result == Z_MEM_ERROR)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory to unpack gzip data", gunzip->io.name);
  return vmf_fail(error, VMF_CORRUPT, "%s: the gzip data is damaged near byte %" PRIu64 ": %s",
                  gunzip->io.name, packed_position(stream),
                  stream->z.msg ? stream->z.msg : "it cannot be unpacked");
}

static enum vmf_code stream_cut(const struct gunzip *gunzip, const struct stream *stream,
                                struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the gzip data ends at byte %" PRIu64 ", in the middle of a member",
                  gunzip->io.name, packed_position(stream));
}

static enum vmf_code stream_prime(const struct gunzip *gunzip, struct stream *stream,
                                  const struct point *point, struct vmf_error *error)
{
  uint8_t byte = 0;
  int result = Z_OK;
  if (point->bits > 0) {
    VMF_TRY(vmf_io_pread(gunzip->packed, &byte, 1, point->packed - 1, error));
    result = inflatePrime(&stream->z, (int)point->bits, byte >> (8 - point->bits));
  }
  if (result == Z_OK)
    result = inflateSetDictionary(&stream->z, point->window, point->length);
  return result == Z_OK ? VMF_OK : stream_damaged(gunzip, stream, result, error);
}

/* Starts the stream anew, at the point. */
static enum vmf_code stream_start(const struct gunzip *gunzip, struct stream *stream,
                                  const struct point *point, struct vmf_error *error)
{
  void *input = NULL;
  stream_close(stream);
  if (!stream->input) {
    VMF_TRY(vmf_alloc_pages(INPUT, &input, error));
    stream->input = input;
  }
  stream->z = (z_stream){.next_in = Z_NULL};
  stream->raw = point->window != NULL;
  stream->next = point->packed;
  stream->unpacked = point->unpacked;
  int result = inflateInit2(&stream->z, stream->raw ? RAW : GZIP);
  if (result != Z_OK)
    return stream_damaged(gunzip, stream, result, error);
  stream->open = true;
  enum vmf_code code = stream->raw ? stream_prime(gunzip, stream, point, error) : VMF_OK;
  if (code != VMF_OK)
    stream_close(stream);
  return code;
}

/* One call of inflate: at most `length` bytes, *got of them. Z_BUF_ERROR, which says that a call
 * got nowhere, becomes Z_OK. */
static enum vmf_code stream_step(const struct gunzip *gunzip, struct stream *stream,
                                 uint8_t *buffer, size_t length, int flush, size_t *got,
                                 int *result, struct vmf_error *error)
{
  VMF_TRY(stream_fill(gunzip, stream, error));
  stream->z.next_out = buffer;
  stream->z.avail_out = (unsigned)length;
  *result = inflate(&stream->z, flush);
  *got = length - stream->z.avail_out;
  stream->unpacked += *got;
  if (*result == Z_BUF_ERROR)
    *result = Z_OK;
  if (*result != Z_OK && *result != Z_STREAM_END)
    return stream_damaged(gunzip, stream, *result, error);
  if (*result == Z_OK && *got == 0 && stream->z.avail_in == 0 &&
      stream->next >= vmf_size_get(gunzip->packed))
    return stream_cut(gunzip, stream, error);
  return VMF_OK;
}

/* Behind a member: goes on with the next one, which must be there. */
static enum vmf_code stream_next_member(const struct gunzip *gunzip, struct stream *stream,
                                        struct vmf_error *error)
{
  for (unsigned left = stream->raw ? TRAILER : 0; left > 0;) {
    VMF_TRY(stream_fill(gunzip, stream, error));
    unsigned step = (unsigned)vmf_min(left, stream->z.avail_in);
    if (step == 0)
      return stream_cut(gunzip, stream, error);
    stream->z.next_in += step;
    stream->z.avail_in -= step;
    left -= step;
  }
  stream->raw = false;
  int result = inflateReset2(&stream->z, GZIP);
  return result == Z_OK ? VMF_OK : stream_damaged(gunzip, stream, result, error);
}

/* Exactly `length` bytes. */
static enum vmf_code stream_read(const struct gunzip *gunzip, struct stream *stream,
                                 uint8_t *buffer, size_t length, struct vmf_error *error)
{
  while (length > 0) {
    size_t got;
    int result;
    VMF_TRY(stream_step(gunzip, stream, buffer, length, Z_NO_FLUSH, &got, &result, error));
    buffer += got;
    length -= got;
    if (result == Z_STREAM_END && length > 0)
      VMF_TRY(stream_next_member(gunzip, stream, error));
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
      vmf_free(gunzip->points[i].window);
  gunzip->point_count = kept;
  gunzip->spacing *= 2;
}

static enum vmf_code add_point(struct gunzip *gunzip, struct stream *stream,
                               struct vmf_error *error)
{
  uint8_t window[WINDOW];
  unsigned length = 0;
  void *copy = NULL;
  if (inflateGetDictionary(&stream->z, window, &length) != Z_OK)
    return stream_damaged(gunzip, stream, Z_STREAM_ERROR, error);
  if (gunzip->point_count == POINTS_MAX)
    thin_points(gunzip);
  VMF_TRY(vmf_alloc(length, &copy, error));
  memcpy(copy, window, length);
  gunzip->points[gunzip->point_count++] = (struct point){
      .packed = packed_position(stream),
      .unpacked = stream->unpacked,
      .bits = (unsigned)stream->z.data_type & 7,
      .window = copy,
      .length = length,
  };
  return VMF_OK;
}

static bool is_point(const struct gunzip *gunzip, const struct stream *stream)
{
  enum { LAST_BLOCK = 64, BETWEEN_BLOCKS = 128 };
  return (stream->z.data_type & (LAST_BLOCK | BETWEEN_BLOCKS)) == BETWEEN_BLOCKS &&
         stream->unpacked - gunzip->points[gunzip->point_count - 1].unpacked >= gunzip->spacing;
}

static enum vmf_code check_cancelled(const struct gunzip *gunzip, const struct vmf_cancel *cancel,
                                     struct vmf_error *error)
{
  if (vmf_cancel_requested(cancel))
    return vmf_fail(error, VMF_CANCELLED, "%s: interrupted", gunzip->io.name);
  return VMF_OK;
}

/* Behind the last member only zeros are allowed (tapes and some uploads pad). */
static enum vmf_code scan_padding(const struct gunzip *gunzip, struct stream *stream,
                                  const struct vmf_cancel *cancel, struct vmf_error *error)
{
  while (stream->z.avail_in > 0) {
    VMF_TRY(check_cancelled(gunzip, cancel, error));
    for (; stream->z.avail_in > 0; stream->z.next_in++, stream->z.avail_in--)
      if (*stream->z.next_in != 0)
        return vmf_fail(error, VMF_CORRUPT,
                        "%s: 0x%02x at byte %" PRIu64
                        " behind the last gzip member, expected another member, zeros or the end",
                        gunzip->io.name, *stream->z.next_in, packed_position(stream));
    VMF_TRY(stream_fill(gunzip, stream, error));
  }
  return VMF_OK;
}

static enum vmf_code scan_behind(const struct gunzip *gunzip, struct stream *stream,
                                 const struct vmf_cancel *cancel, bool *ended,
                                 struct vmf_error *error)
{
  VMF_TRY(stream_fill(gunzip, stream, error));
  if (stream->z.avail_in > 0 && *stream->z.next_in == 0x1f)
    return stream_next_member(gunzip, stream, error);
  *ended = true;
  return scan_padding(gunzip, stream, cancel, error);
}

static enum vmf_code scan_step(struct gunzip *gunzip, struct stream *stream, uint64_t limit,
                               const struct vmf_cancel *cancel, bool *ended,
                               struct vmf_error *error)
{
  uint8_t scratch[WINDOW];
  size_t got;
  int result;
  VMF_TRY(check_cancelled(gunzip, cancel, error));
  VMF_TRY(stream_step(gunzip, stream, scratch, sizeof scratch, Z_BLOCK, &got, &result, error));
  if (stream->unpacked > limit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the gzip data holds more than %" PRIu64 " bytes when it is unpacked",
                    gunzip->io.name, limit);
  if (result == Z_STREAM_END)
    return scan_behind(gunzip, stream, cancel, ended, error);
  return is_point(gunzip, stream) ? add_point(gunzip, stream, error) : VMF_OK;
}

static enum vmf_code scan(struct gunzip *gunzip, uint64_t limit, const struct vmf_cancel *cancel,
                          struct vmf_error *error)
{
  struct stream *stream = &gunzip->streams[0];
  bool ended = false;
  gunzip->point_count = 1; /* the start, all zeros */
  gunzip->spacing = FIRST_SPACING;
  VMF_TRY(stream_start(gunzip, stream, &gunzip->points[0], error));
  while (!ended)
    VMF_TRY(scan_step(gunzip, stream, limit, cancel, &ended, error));
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
    if (!gunzip->streams[i].open || (oldest->open && gunzip->streams[i].used < oldest->used))
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
    if (one->open && one->unpacked <= unpacked && one->unpacked >= point->unpacked &&
        (!best || one->unpacked > best->unpacked))
      best = one;
  }
  *stream = best ? best : oldest_stream(gunzip);
  return best ? VMF_OK : stream_start(gunzip, *stream, point, error);
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
    vmf_free(gunzip->points[i].window);
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
  uint8_t start[3];
  return vmf_size_get(io) >= sizeof start &&
         vmf_io_pread(io, start, sizeof start, 0, NULL) == VMF_OK && start[0] == 0x1f &&
         start[1] == 0x8b && start[2] == Z_DEFLATED;
}

enum vmf_code vmf_io_gunzip(struct vmf_io *packed, uint64_t limit, const struct vmf_cancel *cancel,
                            struct vmf_io **io, struct vmf_error *error)
{
  struct gunzip *gunzip;
  enum vmf_code code = gunzip_new(packed, &gunzip, error);
  if (code != VMF_OK) {
    vmf_io_close(packed);
    return code;
  }
  code = scan(gunzip, limit, cancel, error);
  if (code != VMF_OK) {
    gunzip_close(&gunzip->io);
    return code;
  }
  *io = &gunzip->io;
  return VMF_OK;
}
