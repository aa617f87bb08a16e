/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Raw disks: the guest bytes as they are, to the byte. Content is never recognised as raw: see the
 * image layer. */
#include <stddef.h>

#include "checked.h"
#include "container.h"
#include "format.h"
#include "raw_archive.h"

enum { UNIT = 1 << 20, PACKED_UNIT = VMF_WHOLE_UNIT };

enum preallocation { PREALLOCATION_OFF, PREALLOCATION_FALLOC, PREALLOCATION_FULL };
enum compress { COMPRESS_OFF, COMPRESS_GZ, COMPRESS_XZ, COMPRESS_ZST, COMPRESS_LZ4 };

enum archive { ARCHIVE_OFF, ARCHIVE_GCE };

struct raw_options {
  unsigned preallocation, compress, archive;
  uint64_t compression_level; /* 0: the codec's own */
};

/* A part of the file that is the disk. */
struct raw_reading {
  uint64_t offset, size; /* size 0: up to the end */
};

struct raw_state {
  uint64_t offset;
};

static const struct vmf_option raw_reading_table[] = {
    {.name = "offset",
     .help = "the disk begins at this byte of the file",
     .type = VMF_OPTION_SIZE,
     .offset = offsetof(struct raw_reading, offset),
     .max = INT64_MAX},
    {.name = "size",
     .help = "and has so many bytes [up to the end]",
     .type = VMF_OPTION_SIZE,
     .offset = offsetof(struct raw_reading, size),
     .max = INT64_MAX},
};

static enum vmf_code raw_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  const struct raw_reading *options = args->options;
  struct raw_state *state = image->state;

  if (!vmf_range_within(options->offset, options->size, image->io->size))
    return vmf_fail(error, VMF_USAGE,
                    "%s: offset %llu, size %llu: beyond the end of the file (%llu bytes)",
                    image->io->name, (unsigned long long)options->offset,
                    (unsigned long long)options->size, (unsigned long long)image->io->size);
  state->offset = options->offset;
  image->size = options->size > 0 ? options->size : image->io->size - options->offset;
  return VMF_OK;
}

static void raw_close(struct vmf_image *image)
{
  (void)image;
}

static enum vmf_code raw_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                             struct vmf_error *error)
{
  const struct raw_state *state = image->state;

  (void)guest;
  (void)error;
  *run = (struct vmf_run){
      .length = image->size, .kind = VMF_RUN_PLAIN, .io = image->io, .offset = state->offset};
  return VMF_OK;
}

/* A file has none, an export of a server may. */
static enum vmf_code raw_choose_bitmap(struct vmf_image *image, const char *name,
                                       struct vmf_error *error)
{
  return vmf_io_choose_bitmap(image->io, name, error);
}

static enum vmf_code raw_next_marked(struct vmf_image *image, uint64_t guest, uint64_t *start,
                                     uint64_t *end, struct vmf_error *error)
{
  uint64_t offset = ((const struct raw_state *)image->state)->offset;

  VMF_TRY(vmf_io_next_marked(image->io, offset + guest, start, end, error));
  *start = vmf_min(*start - offset, image->size);
  *end = vmf_min(*end - offset, image->size);
  return VMF_OK;
}

static const struct vmf_reader raw_reader = {
    .options = {raw_reading_table, 2, sizeof(struct raw_reading)},
    .state_size = sizeof(struct raw_state),
    .open = raw_open,
    .close = raw_close,
    .map = raw_map,
    .choose_bitmap = raw_choose_bitmap,
    .next_marked = raw_next_marked,
};

/* ---- on a stream ---- */

struct raw_stream {
  struct vmf_container_disk disk;
  bool told; /* the only run */
};

static enum vmf_code raw_stream_open(struct vmf_container *container, struct vmf_error *error)
{
  struct raw_stream *stream = container->state;

  (void)error;
  stream->disk.size = container->source_size;
  container->contents.disks = &stream->disk;
  container->contents.disk_count = 1;
  return VMF_OK;
}

static void raw_stream_close(struct vmf_container *container)
{
  (void)container;
}

static enum vmf_code raw_stream_next(struct vmf_container *container, unsigned *disk,
                                     struct vmf_run *run, bool *end, struct vmf_error *error)
{
  struct raw_stream *stream = container->state;

  (void)error;
  *end = stream->told;
  stream->told = true;
  *disk = 0;
  *run = (struct vmf_run){.length = stream->disk.size, .kind = VMF_RUN_PLAIN};
  return VMF_OK;
}

static const struct vmf_container_reader raw_container = {
    .needs_size = true,
    .state_size = sizeof(struct raw_stream),
    .open = raw_stream_open,
    .close = raw_stream_close,
    .next = raw_stream_next,
};

/* ---- writing ---- */

struct raw_writer {
  uint64_t end; /* packed: where the next gzip member, xz stream or frame goes */
};

/* A packed disk is one member after the other, which every tool unpacks as one stream. Zeros are
 * packed like any data: nothing else can stand for them. */
static enum vmf_code shape_packed(const struct raw_options *options, uint64_t guest_size,
                                  struct vmf_shape *shape, struct vmf_error *error)
{
  static const enum vmf_codec codecs[] = {[COMPRESS_GZ] = VMF_CODEC_GZIP_MEMBER,
                                          [COMPRESS_XZ] = VMF_CODEC_XZ_STREAM,
                                          [COMPRESS_ZST] = VMF_CODEC_ZSTD_FRAME,
                                          [COMPRESS_LZ4] = VMF_CODEC_LZ4_FRAME};

  unsigned compress = options->archive == ARCHIVE_OFF ? options->compress : COMPRESS_GZ;

  if (options->preallocation != PREALLOCATION_OFF)
    return vmf_fail(error, VMF_USAGE, "format raw: preallocation= excludes compress= and archive=");
  if (options->archive == ARCHIVE_GCE && options->compress > COMPRESS_GZ)
    return vmf_fail(error, VMF_USAGE, "format raw: archive=gce is packed by gzip (compress=gz)");
  if (guest_size == 0)
    return vmf_fail(
        error, VMF_UNSUPPORTED,
        "format raw: a disk of no bytes is not packed; write it as it is (compress=off)");
  *shape = (struct vmf_shape){.layout = VMF_ORDERED,
                              .unit = PACKED_UNIT,
                              .codec = codecs[compress],
                              .level = (int)options->compression_level,
                              .must_pack = true,
                              .outer = true,
                              .keep_zeros = true};
  if (options->archive == ARCHIVE_GCE)
    return raw_archive_shape(guest_size, shape, error);
  return VMF_OK;
}

static enum vmf_code raw_shape(const void *values, uint64_t guest_size, bool compress, bool backing,
                               struct vmf_shape *shape, struct vmf_error *error)
{
  const struct raw_options *options = values;

  if (compress)
    return vmf_fail(error, VMF_USAGE,
                    "format raw has no compression of its own; -o compress=zst packs all of it");
  if (backing)
    return vmf_fail(error, VMF_UNSUPPORTED, "format raw has no backing files");
  if (options->compress != COMPRESS_OFF || options->archive != ARCHIVE_OFF)
    return shape_packed(options, guest_size, shape, error);
  if (options->compression_level > 0)
    return vmf_fail(error, VMF_USAGE,
                    "format raw: compression_level= says nothing without compress= or archive=");
  *shape = (struct vmf_shape){.layout = VMF_FIXED,
                              .unit = UNIT,
                              .keep_zeros = options->preallocation == PREALLOCATION_FULL,
                              .reserves = options->preallocation == PREALLOCATION_FALLOC};
  return VMF_OK;
}

static enum vmf_code raw_measure(const void *options, const struct vmf_shape *shape,
                                 uint64_t guest_size, const struct vmf_plan *plan, uint64_t *bytes,
                                 struct vmf_error *error)
{
  uint64_t units = vmf_div_up(vmf_max(guest_size, shape->filled_to), PACKED_UNIT);

  (void)options;
  (void)plan;
  (void)error;
  if (shape->member)
    units += 3; /* what stands before and behind it, and a unit that is cut in two */
  *bytes = shape->outer ? units * vmf_pack_bound(shape->codec, PACKED_UNIT) : guest_size;
  return VMF_OK;
}

static enum vmf_code raw_begin(struct vmf_target *target, const struct vmf_plan *plan,
                               struct vmf_error *error)
{
  const struct raw_options *options = target->options;
  struct raw_writer *writer = target->state;
  struct vmf_io *io = target->io;

  (void)plan;
  if (io->device && target->shape.outer)
    return vmf_fail(error, VMF_USAGE, "%s: a device; a packed disk is a file or goes to a pipe",
                    io->name);
  if (target->shape.member)
    return raw_archive_begin(target, &writer->end, error);
  if (io->sequential || target->shape.outer)
    return VMF_OK;
  if (io->device && io->size < target->guest_size)
    return vmf_fail(error, VMF_USAGE, "%s: the device has %llu bytes, the disk %llu", io->name,
                    (unsigned long long)io->size, (unsigned long long)target->guest_size);
  if (io->device)
    return target->shape.keep_zeros ? VMF_OK : vmf_io_clear(io, target->guest_size, error);
  VMF_TRY(vmf_io_resize(io, target->guest_size, error));
  return options->preallocation == PREALLOCATION_FALLOC
             ? vmf_io_zero(io, 0, target->guest_size, true, error)
             : VMF_OK;
}

static enum vmf_code raw_place(struct vmf_target *target, struct vmf_block *block,
                               struct vmf_error *error)
{
  struct raw_writer *writer = target->state;

  (void)error;
  block->host = target->shape.outer ? writer->end : block->guest;
  writer->end += block->data_length;
  return VMF_OK;
}

/* On a pipe zeros at the end of the disk have not been written yet. */
static enum vmf_code raw_finish(struct vmf_target *target, struct vmf_error *error)
{
  struct raw_writer *writer = target->state;
  struct vmf_io *io = target->io;

  if (target->shape.member)
    return raw_archive_finish(target, &writer->end, error);
  if (target->shape.outer || !io->sequential || io->size >= target->guest_size)
    return VMF_OK;
  return vmf_io_zero(io, io->size, target->guest_size - io->size, false, error);
}

static void raw_release(struct vmf_target *target)
{
  (void)target;
}

static const char *const preallocations[] = {"off", "falloc", "full", NULL};
static const char *const archives[] = {"off", "gce", NULL};
static const char *const compressions[] = {"off", "gz", "xz", "zst", "lz4", NULL};

static const struct vmf_option raw_option_table[] = {
    {.name = "preallocation",
     .help = "off: sparse; falloc: space reserved; full: zeros written too",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct raw_options, preallocation),
     .choices = preallocations,
     .initial = "off"},
    {.name = "compress",
     .help = "packs the whole disk, in pieces that every tool reads as one [by the name: x.raw.xz]",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct raw_options, compress),
     .choices = compressions,
     .initial = "off"},
    {.name = "archive",
     .help = "gce: disk.raw in a tar.gz, as Google Compute Engine imports it [by the name: "
             "x.tar.gz]",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct raw_options, archive),
     .choices = archives,
     .initial = "off"},
    {.name = "compression_level",
     .help = "1 fastest to 12 smallest; 0: as the packing program chooses",
     .type = VMF_OPTION_UINT,
     .offset = offsetof(struct raw_options, compression_level),
     .max = 12,
     .initial = "0"},
};

static const struct vmf_writer raw_writer = {
    .options = {raw_option_table, 4, sizeof(struct raw_options)},
    .state_size = sizeof(struct raw_writer),
    .shape = raw_shape,
    .measure = raw_measure,
    .begin = raw_begin,
    .place = raw_place,
    .finish = raw_finish,
    .on_devices = true,
    .release = raw_release,
};

static const char *const raw_suffixes[] = {"raw", "img", "dd", "iso", "bin", NULL};

extern const struct vmf_format vmf_format_raw;
const struct vmf_format vmf_format_raw = {
    .name = "raw",
    .summary = "the bytes of the disk as they are",
    .suffixes = raw_suffixes,
    .reader = &raw_reader,
    .writer = &raw_writer,
    .container = &raw_container,
};
