/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Disks that come on a stream, each as an image: what their driver says is checked once, here. */
#include "container.h"

#include <inttypes.h>

#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "checked.h"
#include "coverage.h"
#include "image.h"
#include "memory.h"
#include "opening.h"

enum {
  SECTOR = 512,
  UNIT_LEAST = SECTOR,
  FRAMING = 512, /* of a packed unit, at most */
  PASSED_OVER_AT_ONCE = 16 << 20
};

/* What comes, of all images of one stream. It belongs to the image that was opened first, and is
 * closed last. */
struct course {
  struct vmf_container container;
  const struct vmf_cancel *cancel;
  struct vmf_image **takers; /* of contents.disks: the image of each that is wanted; or NULL */
  bool looked;               /* `run` of `disk`, which is wanted, comes next */
  bool begun, ended;         /* runs have been asked for; nothing more comes */
  unsigned disk;
  struct vmf_run run;
};

/* The state of an image. */
struct passage {
  struct vmf_format format; /* the container's, with the reader below */
  struct course *course;
  bool owner;
  bool listed;                  /* is only asked what it is */
  uint64_t reached;             /* where the last run of the disk ended, guest bytes */
  struct vmf_coverage coverage; /* of a disk that comes in any order */
};

static struct vmf_container *container_of(const struct vmf_image *image)
{
  return &((const struct passage *)image->state)->course->container;
}

/* ---- as an image: what asks for any place is refused ---- */

static enum vmf_code passage_refuse(const struct vmf_image *image, struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: comes once, from its first byte to its last, so it cannot be looked into; "
                  "store it in a file first",
                  image->io->name);
}

static enum vmf_code passage_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                                 struct vmf_error *error)
{
  (void)guest;
  (void)run;
  return passage_refuse(image, error);
}

static enum vmf_code passage_info(struct vmf_image *image, struct vmf_value *summary,
                                  struct vmf_value *data, struct vmf_error *error)
{
  (void)summary;
  (void)data;
  return ((const struct passage *)image->state)->listed ? VMF_OK : passage_refuse(image, error);
}

static enum vmf_code passage_check(struct vmf_image *image, struct vmf_findings *findings,
                                   struct vmf_error *error)
{
  (void)findings;
  return passage_refuse(image, error);
}

static enum vmf_code passage_unwrap(const struct vmf_image *image, const struct vmf_run *run,
                                    const uint8_t *stored, size_t length,
                                    struct vmf_payload *payload, struct vmf_error *error)
{
  const struct vmf_container *container = container_of(image);
  const struct vmf_container_reader *reader = container->format->container;

  if (!reader->unwrap) {
    payload->length = (uint32_t)length;
    return VMF_OK;
  }
  VMF_TRY(reader->unwrap(container, run, stored, length, payload, error));
  if (payload->need == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: packed unit at byte %" PRIu64
                  ": %zu bytes came, its framing asks for %" PRIu32,
                  image->io->name, run->offset, length, payload->need);
}

static void close_course(struct course *course)
{
  struct vmf_container *container = &course->container;

  if (container->state)
    container->format->container->close(container);
  vmf_free(container->state);
  vmf_free((void *)container->wanted);
  vmf_free(course->takers);
  vmf_free(course);
}

static void passage_close(struct vmf_image *image)
{
  struct passage *passage = image->state;

  vmf_coverage_free(&passage->coverage);
  if (passage->owner) {
    close_course(passage->course);
    return;
  }
  passage->course->takers[vmf_node(image)->disk] = NULL;
  ((bool *)passage->course->container.wanted)[vmf_node(image)->disk] = false;
  image->io = NULL; /* the owner's */
}

static const struct vmf_reader passage_reader = {
    .packs = true,
    .close = passage_close,
    .map = passage_map,
    .unwrap = passage_unwrap,
    .info = passage_info,
    .check = passage_check,
};

bool vmf_image_streams(const struct vmf_image *image)
{
  return image && image->format->reader == &passage_reader;
}

enum vmf_code vmf_image_seekable(const struct vmf_image *image, struct vmf_error *error)
{
  return vmf_image_streams(image) ? passage_refuse(image, error) : VMF_OK;
}

/* ---- open ---- */

static enum vmf_code check_disk(const struct vmf_container *container,
                                const struct vmf_container_disk *disk, struct vmf_error *error)
{
  const char *name = container->io->name;

  if (disk->size > container->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: a disk of %" PRIu64 " bytes; at most %" PRIu64 " are possible", name,
                    disk->size, container->limits->guest_size);
  if (disk->unit != 0 && (!vmf_is_power_of_two(disk->unit) || disk->unit < UNIT_LEAST ||
                          disk->unit > container->limits->packed_unit))
    return vmf_fail(error, VMF_LIMIT,
                    "%s: packed units of %" PRIu32 " bytes, accepted are powers of two from %d to "
                    "%" PRIu32,
                    name, disk->unit, UNIT_LEAST, container->limits->packed_unit);
  if (disk->piece != 0 && (!vmf_is_power_of_two(disk->piece) || disk->piece < VMF_PIECE_LEAST ||
                           disk->piece > VMF_PIECE_MOST))
    return vmf_fail(error, VMF_LIMIT,
                    "%s: comes in pieces of %" PRIu32 " bytes, accepted are powers of two from %d "
                    "to %d",
                    name, disk->piece, VMF_PIECE_LEAST, VMF_PIECE_MOST);
  return VMF_OK;
}

/* The image is the disk of the stream that its node says. */
static enum vmf_code take_disk(struct vmf_image *image, bool any_order, struct vmf_error *error)
{
  unsigned index = vmf_node(image)->disk;
  struct passage *passage = image->state;
  struct course *course = passage->course;
  const struct vmf_container_disk *disk = &image->contents->disks[index];

  VMF_TRY(check_disk(&course->container, disk, error));
  image->size = disk->size;
  image->unit = disk->unit;
  course->takers[index] = image;
  ((bool *)course->container.wanted)[index] = true;
  if (disk->piece == 0 || !any_order)
    return VMF_OK;
  enum vmf_code code = vmf_coverage_init(&passage->coverage, disk->size, disk->piece, error);
  return code == VMF_OK ? VMF_OK : vmf_while(error, "%s", image->io->name);
}

/* What comes in any order is stored, unless it may come so. */
static enum vmf_code set_disk(struct vmf_image *image, const struct vmf_image_options *options,
                              struct vmf_error *error)
{
  struct vmf_container *container = container_of(image);
  struct vmf_node *node = vmf_node(image);

  image->contents = &container->contents;
  VMF_TRY(vmf_contents_pick(node, options, error));
  if (node->listed)
    return VMF_OK;
  container->stored =
      image->contents->disks[node->disk].piece > 0 && !options->any_order && !options->list_disks;
  return take_disk(image, options->any_order, error);
}

static enum vmf_code make_passage(struct vmf_image *image, const struct vmf_format *format,
                                  struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct passage), &memory, error));
  struct passage *passage = memory;
  passage->format = *format;
  passage->format.reader = &passage_reader;
  image->state = passage;
  image->format = &passage->format;
  return VMF_OK;
}

static enum vmf_code make_course(struct vmf_image *image, const struct vmf_format *format,
                                 const struct vmf_image_options *options, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct course), &memory, error));
  struct course *course = memory;
  course->cancel = options->cancel;
  course->container = (struct vmf_container){.format = format,
                                             .io = image->io,
                                             .source_size = options->source_size,
                                             .limits = image->limits,
                                             .log = options->log};
  enum vmf_code code = make_passage(image, format, error);
  if (code != VMF_OK) {
    vmf_free(course);
    return code;
  }
  struct passage *passage = image->state;
  passage->listed = options->list_disks;
  passage->owner = true;
  passage->course = course;
  return VMF_OK;
}

static enum vmf_code open_driver(struct vmf_image *image, const struct vmf_format *format,
                                 const struct vmf_image_options *options, struct vmf_error *error)
{
  void *memory;

  if (options->bitmap)
    return vmf_fail(error, VMF_USAGE, "%s: has no bitmap of changed blocks: it is read as it comes",
                    image->io->name);
  VMF_TRY(make_course(image, format, options, error));
  struct course *course = ((struct passage *)image->state)->course;
  struct vmf_container *container = &course->container;
  VMF_TRY(vmf_alloc(format->container->state_size, &container->state, error));
  VMF_TRY(format->container->open(container, error));
  if (container->stored)
    return VMF_OK;
  VMF_TRY(vmf_alloc(container->contents.disk_count * sizeof *course->takers, &memory, error));
  course->takers = memory;
  VMF_TRY(vmf_alloc(container->contents.disk_count * sizeof(bool), &memory, error));
  container->wanted = memory;
  VMF_TRY(set_disk(image, options, error));
  if (!container->stored && !options->list_disks)
    vmf_stream_settle(image->io);
  return VMF_OK;
}

enum vmf_code vmf_container_open(const struct vmf_format *format, struct vmf_io *io,
                                 const struct vmf_image_options *options, struct vmf_image **image,
                                 struct vmf_error *error)
{
  void *memory;

  *image = NULL;
  if (vmf_alloc(sizeof(struct vmf_node), &memory, error) != VMF_OK) {
    vmf_io_close(io);
    return VMF_NOMEM;
  }
  struct vmf_image *made = memory; /* of a struct vmf_node */
  *made = (struct vmf_image){.io = io, .limits = &vmf_default_limits, .log = options->log};
  enum vmf_code code = open_driver(made, format, options, error);
  if (code == VMF_OK && !container_of(made)->stored) {
    *image = made;
    return VMF_OK;
  }
  if (code == VMF_OK)
    made->io = NULL; /* stays with the caller */
  vmf_image_close(made);
  return code;
}

enum vmf_code vmf_container_take(struct vmf_image *list, unsigned disk, struct vmf_image **image,
                                 struct vmf_error *error)
{
  struct course *course = ((struct passage *)list->state)->course;
  void *memory;

  *image = NULL;
  if (course->begun)
    return vmf_fail(error, VMF_USAGE, "%s: comes once, and has been read already", list->io->name);
  VMF_TRY(vmf_alloc(sizeof(struct vmf_node), &memory, error));
  struct vmf_image *made = memory; /* of a struct vmf_node */
  enum vmf_code code = make_passage(made, course->container.format, error);
  if (code != VMF_OK) {
    vmf_free(made);
    return code;
  }
  made->io = list->io;
  made->limits = list->limits;
  made->log = list->log;
  made->contents = list->contents;
  ((struct passage *)made->state)->course = course;
  vmf_node(made)->disk = disk;
  code = take_disk(made, true, error);
  if (code == VMF_OK) {
    vmf_stream_settle(list->io);
    *image = made;
  } else {
    vmf_image_close(made);
  }
  return code;
}

enum vmf_code vmf_container_give_back(struct vmf_image *list, struct vmf_io **io,
                                      struct vmf_error *error)
{
  *io = list->io;
  list->io = NULL;
  vmf_image_close(list);
  enum vmf_code code = vmf_stream_restart(*io, error);
  if (code != VMF_OK)
    vmf_io_close(*io);
  return code;
}

/* ---- one run after the other ---- */

static enum vmf_code check_within(const struct vmf_image *image, const struct vmf_run *run,
                                  struct vmf_error *error)
{
  if (run->length == 0 || !vmf_range_within(run->guest, run->length, image->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: data of guest byte %" PRIu64 ", %" PRIu64
                    " bytes: not within the disk (%" PRIu64 " bytes)",
                    image->io->name, run->guest, run->length, image->size);
  return VMF_OK;
}

static enum vmf_code check_order(const struct vmf_image *image, const struct vmf_run *run,
                                 uint64_t guest, struct vmf_error *error)
{
  if (run->guest < guest)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: guest byte %" PRIu64 " comes behind guest byte %" PRIu64
                    ": from a pipe a disk is read in its order only; store it in a file first",
                    image->io->name, run->guest, guest);
  return VMF_OK;
}

static enum vmf_code check_run(const struct vmf_image *image, const struct vmf_run *run,
                               struct vmf_error *error)
{
  bool packed = run->kind == VMF_RUN_PACKED;
  uint64_t unit = run->unit, most = 2 * unit + FRAMING;

  if (run->kind != VMF_RUN_ZERO && run->offset < vmf_stream_position(image->io))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: data of guest byte %" PRIu64 " at byte %" PRIu64
                    ": the stream is at byte %" PRIu64 " already",
                    image->io->name, run->guest, run->offset, vmf_stream_position(image->io));
  if (packed && (!vmf_is_power_of_two(unit) || unit > image->unit || run->guest % unit != 0 ||
                 run->length != vmf_min(unit, image->size - run->guest) || run->stored > most))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: packed unit of guest byte %" PRIu64 " at byte %" PRIu64
                    ": %u stored bytes, unit %u: not a whole unit of at most %u, or more than "
                    "%" PRIu64 " bytes",
                    image->io->name, run->guest, run->offset, run->stored, run->unit, image->unit,
                    most);
  return VMF_OK;
}

/* Neither more nor fewer bytes than what was told. */
static enum vmf_code check_end(const struct vmf_container *container, struct vmf_error *error)
{
  uint64_t position = vmf_stream_position(container->io);
  const uint8_t *bytes;
  size_t have;

  VMF_TRY(vmf_stream_peek(container->io, 1, &bytes, &have, error));
  if (have > 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the disk ends at byte %" PRIu64 ", and more comes behind it",
                    container->io->name, position);
  if (container->source_size > 0 && container->source_size != position)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes came, expected the %" PRIu64 " that were told",
                    container->io->name, position, container->source_size);
  return VMF_OK;
}

/* A run of a disk whose bytes are not wanted. */
static enum vmf_code pass_over(const struct course *course, struct vmf_error *error)
{
  const struct vmf_container *container = &course->container;
  const struct vmf_run *run = &course->run;
  uint64_t at = vmf_stream_position(container->io), end;
  uint64_t stored = run->kind == VMF_RUN_PACKED  ? run->stored
                    : run->kind == VMF_RUN_PLAIN ? run->length
                                                 : 0;

  if (course->disk >= container->contents.disk_count ||
      !vmf_range_within(run->guest, run->length, container->contents.disks[course->disk].size) ||
      !vmf_add(run->offset, stored, &end))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: data of disk %u, guest byte %" PRIu64 ", %" PRIu64
                    " bytes: not within a disk of the %u that there are",
                    container->io->name, course->disk + 1, run->guest, run->length,
                    container->contents.disk_count);
  for (; stored > 0 && at < end; at = vmf_stream_position(container->io)) {
    VMF_TRY(vmf_cancelled(course->cancel, error));
    VMF_TRY(vmf_stream_skip(container->io, at + vmf_min(end - at, PASSED_OVER_AT_ONCE), error));
  }
  return VMF_OK;
}

/* Goes to the next run of a disk that is wanted, unless nothing more comes. The bytes of the last
 * one have been taken. */
static enum vmf_code look(struct course *course, struct vmf_error *error)
{
  struct vmf_container *container = &course->container;

  course->begun = true;
  while (!course->looked && !course->ended) {
    course->run = (struct vmf_run){0};
    VMF_TRY(container->format->container->next(container, &course->disk, &course->run,
                                               &course->ended, error));
    if (course->ended)
      return check_end(container, error);
    course->looked =
        course->disk < container->contents.disk_count && container->wanted[course->disk];
    if (course->looked)
      return VMF_OK;
    VMF_TRY(pass_over(course, error));
    VMF_TRY(vmf_cancelled(course->cancel, error));
  }
  return VMF_OK;
}

/* The run that comes next, if it is of this disk. */
static enum vmf_code next_run(struct vmf_image *image, struct vmf_run *run, bool *its,
                              struct vmf_error *error)
{
  struct course *course = ((struct passage *)image->state)->course;

  VMF_TRY(look(course, error));
  *its = course->looked && course->takers[course->disk] == image;
  if (!*its)
    return VMF_OK;
  *run = course->run;
  VMF_TRY(check_within(image, run, error));
  VMF_TRY(check_run(image, run, error));
  course->looked = false;
  run->io = image->io;
  return VMF_OK;
}

enum vmf_code vmf_container_whose(struct vmf_image *image, struct vmf_image **whose,
                                  struct vmf_error *error)
{
  struct course *course = ((struct passage *)image->state)->course;

  VMF_TRY(look(course, error));
  *whose = course->looked ? course->takers[course->disk] : NULL;
  return VMF_OK;
}

static struct vmf_span span_of(struct vmf_image *image, const struct vmf_run *run)
{
  return (struct vmf_span){.guest = run->guest,
                           .length = run->length,
                           .kind = run->kind,
                           .stored = true,
                           .owner = image,
                           .run = *run,
                           .io = run->kind == VMF_RUN_PLAIN ? run->io : NULL,
                           .offset = run->offset};
}

enum vmf_code vmf_container_span(struct vmf_image *image, uint64_t guest, struct vmf_span *span,
                                 struct vmf_error *error)
{
  struct passage *passage = image->state;
  struct vmf_run run;
  bool its;

  if (guest < passage->reached)
    return vmf_fail(error, VMF_USAGE, "%s: comes once, and has been read already", image->io->name);
  *span = (struct vmf_span){
      .guest = guest, .length = image->size - guest, .kind = VMF_RUN_ZERO, .owner = image};
  VMF_TRY(next_run(image, &run, &its, error));
  if (!its) {
    passage->reached = image->size;
    return VMF_OK;
  }
  VMF_TRY(check_order(image, &run, guest, error));
  passage->reached = run.guest + run.length;
  *span = span_of(image, &run);
  return VMF_OK;
}

/* ---- in any order ---- */

uint32_t vmf_image_pieces(const struct vmf_image *image)
{
  return vmf_image_streams(image) ? ((const struct passage *)image->state)->coverage.piece : 0;
}

/* Whether the last run ended within a piece, which then goes on with the next. */
static bool within_piece(const struct passage *passage, uint64_t size)
{
  return passage->reached % passage->coverage.piece != 0 && passage->reached < size;
}

static enum vmf_code check_start(const struct vmf_image *image, const struct vmf_run *run,
                                 struct vmf_error *error)
{
  const struct passage *passage = image->state;
  uint64_t end = run->guest + run->length;
  bool goes_on = within_piece(passage, image->size);

  if (goes_on ? run->guest != passage->reached : run->guest % passage->coverage.piece != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: data of guest byte %" PRIu64 " comes behind guest byte %" PRIu64
                    ": expected are whole pieces of %" PRIu32 " bytes",
                    image->io->name, run->guest, passage->reached, passage->coverage.piece);
  if (end % SECTOR != 0 && end != image->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: data of guest byte %" PRIu64 ", %" PRIu64
                    " bytes: expected are whole sectors of %d bytes",
                    image->io->name, run->guest, run->length, SECTOR);
  return VMF_OK;
}

/* The pieces that the run begins have come with it. */
static enum vmf_code note_pieces(struct vmf_image *image, const struct vmf_run *run,
                                 struct vmf_error *error)
{
  struct passage *passage = image->state;
  uint64_t start = vmf_div_up(run->guest, passage->coverage.piece) * passage->coverage.piece;
  uint64_t end = run->guest + run->length;
  bool twice = false;

  if (start < end &&
      vmf_coverage_add(&passage->coverage, start, end - start, &twice, error) != VMF_OK)
    return vmf_while(error, "%s", image->io->name);
  if (twice)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: data of guest byte %" PRIu64 ", %" PRIu64
                    " bytes: some of it has come before",
                    image->io->name, run->guest, run->length);
  return VMF_OK;
}

enum vmf_code vmf_container_arrival(struct vmf_image *image, struct vmf_span *span,
                                    struct vmf_error *error)
{
  struct passage *passage = image->state;
  struct vmf_run run;
  bool its;

  *span = (struct vmf_span){.owner = image};
  VMF_TRY(next_run(image, &run, &its, error));
  if (!its && within_piece(passage, image->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ends behind guest byte %" PRIu64 ": expected are whole pieces of %" PRIu32
                    " bytes",
                    image->io->name, passage->reached, passage->coverage.piece);
  if (!its)
    return VMF_OK;
  VMF_TRY(check_start(image, &run, error));
  VMF_TRY(note_pieces(image, &run, error));
  passage->reached = run.guest + run.length;
  *span = span_of(image, &run);
  return VMF_OK;
}

void vmf_container_missing(const struct vmf_image *image, uint64_t guest, uint64_t *start,
                           uint64_t *end)
{
  vmf_coverage_missing(&((const struct passage *)image->state)->coverage, guest, start, end);
}
