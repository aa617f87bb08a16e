/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The flattened map: walks down a chain of images until one stores what is asked for. */
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "image.h"
#include "list.h"

/* The last sector of a disk may be longer than what is left of the disk. */
static bool sectors_within(const struct vmf_run *run)
{
  uint32_t sector = run->cipher ? vmf_cipher_sector(run->cipher) : 1;

  return run->place % sector == 0 && run->length <= UINT64_MAX - sector &&
         vmf_range_within(run->offset, vmf_align_up(run->length, sector), run->io->size);
}

/* A driver's answer is checked once, here, so that nothing above has to. */
static enum vmf_code check_run(const struct vmf_image *image, uint64_t guest,
                               const struct vmf_run *run, struct vmf_error *error)
{
  if (run->guest > guest || !vmf_range_within(run->guest, run->length, image->size) ||
      run->guest + run->length <= guest)
    return vmf_fail(error, VMF_CORRUPT, "%s: the map at guest byte %llu does not hold that byte",
                    image->io->name, (unsigned long long)guest);
  if (run->kind == VMF_RUN_PLAIN && !sectors_within(run))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: data of guest byte %llu at byte %llu, %llu bytes: beyond the end of the "
                    "file (%llu bytes)",
                    run->io->name, (unsigned long long)run->guest, (unsigned long long)run->offset,
                    (unsigned long long)run->length, (unsigned long long)run->io->size);
  if (run->kind == VMF_RUN_IMAGE && !vmf_range_within(run->offset, run->length, run->image->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: guest byte %llu is byte %llu of %s, which has %llu bytes", image->io->name,
                    (unsigned long long)run->guest, (unsigned long long)run->offset,
                    run->image->io->name, (unsigned long long)run->image->size);
  uint32_t largest =
      (uint32_t)vmf_min(image->unit, run->codec == VMF_CODEC_NONE ? image->limits->framed_unit
                                                                  : image->limits->packed_unit);
  if (run->kind == VMF_RUN_PACKED && (!vmf_range_within(run->offset, run->stored, run->io->size) ||
                                      run->length > run->unit || run->unit > largest))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: packed unit of guest byte %llu at byte %llu: %u stored bytes, unit %u: "
                    "not within the file (%llu bytes) or larger than %u",
                    run->io->name, (unsigned long long)run->guest, (unsigned long long)run->offset,
                    run->stored, run->unit, (unsigned long long)run->io->size, largest);
  return VMF_OK;
}

enum vmf_code vmf_image_run(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                            struct vmf_error *error)
{
  *run = (struct vmf_run){0};
  VMF_TRY(image->format->reader->map(image, guest, run, error));
  return check_run(image, guest, run, error);
}

/* A hole in a file's data reads as zeros and need not be read; unless they would be decrypted. */
static enum vmf_code find_hole(struct vmf_span *span, struct vmf_error *error)
{
  uint64_t start, end;
  VMF_TRY(vmf_io_next_data(span->io, span->offset, &start, &end, error));
  if (start > span->offset) {
    span->kind = VMF_RUN_ZERO;
    span->stored = true;
    span->length = vmf_min(span->length, start - span->offset);
  } else if (end > span->offset) {
    span->length = vmf_min(span->length, end - span->offset);
  }
  return VMF_OK;
}

static enum vmf_code set_span(struct vmf_image *image, uint64_t guest, const struct vmf_run *run,
                              struct vmf_span *span, struct vmf_error *error)
{
  uint64_t inside = guest - run->guest;

  span->kind = run->kind;
  span->stored = true;
  span->run = *run;
  if (run->kind == VMF_RUN_PACKED)
    span->skip = (uint32_t)inside;
  if (run->kind == VMF_RUN_PACKED || !run->io)
    return VMF_OK;
  span->io = run->io;
  span->offset = run->offset + inside;
  bool holes = run->kind == VMF_RUN_PLAIN && !run->cipher && image->trust_holes;
  return holes ? find_hole(span, error) : VMF_OK;
}

enum vmf_code vmf_image_span(struct vmf_image *image, uint64_t guest, uint64_t limit,
                             struct vmf_span *span, struct vmf_error *error)
{
  *span = (struct vmf_span){.guest = guest,
                            .length = vmf_min(limit, image->size - guest),
                            .kind = VMF_RUN_ZERO,
                            .owner = image};
  while (image && guest < image->size) {
    struct vmf_run run;
    VMF_TRY(vmf_image_run(image, guest, &run, error));
    span->owner = image;
    span->length = vmf_min(span->length, run.guest + run.length - guest);
    if (run.kind == VMF_RUN_IMAGE) {
      image = run.image;
      guest = run.offset + (guest - run.guest);
      continue;
    }
    if (run.kind != VMF_RUN_PARENT)
      return set_span(image, guest, &run, span, error);
    image = image->parent;
    span->depth++;
    if (image && guest < image->size)
      span->length = vmf_min(span->length, image->size - guest);
  }
  if (span->depth > 0)
    span->depth--; /* the last image that was asked */
  return VMF_OK;
}

void vmf_span_cut(struct vmf_span *span, uint64_t start, uint64_t end)
{
  uint64_t before = start > span->guest ? start - span->guest : 0;

  span->guest += before;
  span->length = vmf_min(span->length - before, end - span->guest);
  if (span->kind == VMF_RUN_PACKED)
    span->skip += (uint32_t)before;
  else if (span->io)
    span->offset += before;
}

uint64_t vmf_span_place(const struct vmf_span *span)
{
  return span->run.place + (span->offset - span->run.offset);
}

bool vmf_span_as_encrypted(const struct vmf_span *a, const struct vmf_span *b)
{
  return a->run.cipher == b->run.cipher &&
         (!a->run.cipher || vmf_span_place(a) - a->offset == vmf_span_place(b) - b->offset);
}

/* Whether `span` goes on where `last` ends, in the guest disk and in the file. */
static bool continues(const struct vmf_span *last, const struct vmf_span *span)
{
  if (span->guest != last->guest + last->length || span->kind != last->kind ||
      span->unmarked != last->unmarked)
    return false;
  if (span->kind == VMF_RUN_PACKED)
    return span->owner == last->owner && span->run.guest == last->run.guest;
  return span->kind == VMF_RUN_PLAIN && span->io == last->io &&
         span->offset == last->offset + last->length && vmf_span_as_encrypted(span, last);
}

enum vmf_code vmf_spans_add(struct vmf_spans *spans, const struct vmf_span *span,
                            struct vmf_error *error)
{
  struct vmf_span *last = spans->count > 0 ? &spans->list[spans->count - 1] : NULL;

  if (last && continues(last, span)) {
    last->length += span->length;
    return VMF_OK;
  }
  VMF_TRY(VMF_LIST_ROOM(spans->list, spans->count, spans->capacity, "stretches of a map", error));
  spans->list[spans->count++] = *span;
  return VMF_OK;
}

void vmf_spans_free(struct vmf_spans *spans)
{
  free(spans->list);
  *spans = (struct vmf_spans){.list = NULL};
}

/* Zeros for which an image keeps data that the file has a hole for; an image that is the file
 * itself, or a part of it, keeps none. */
static bool is_hole_of_data(const struct vmf_span *span)
{
  const struct vmf_run *run = &span->run;
  bool whole = run->io == span->owner->io && run->length == span->owner->size;
  bool bare = strcmp(span->owner->format->name, "raw") == 0;

  return run->kind == VMF_RUN_PLAIN && (!whole || (run->offset != run->guest && !bare));
}

enum vmf_code vmf_image_extent(struct vmf_image *image, uint64_t guest, uint64_t limit,
                               struct vmf_extent *extent, struct vmf_error *error)
{
  struct vmf_extent own;
  struct vmf_span span;

  VMF_REQUIRE(image, error);
  VMF_REQUIRE(extent, error);
  VMF_TRY(vmf_take_extent(extent, &own, error));
  if (guest >= image->size || limit == 0)
    return vmf_fail(error, VMF_USAGE, "guest byte %llu is behind the end of the disk (%llu bytes)",
                    (unsigned long long)guest, (unsigned long long)image->size);
  VMF_TRY(vmf_image_span(image, guest, limit, &span, error));
  own = (struct vmf_extent){
      .guest = guest,
      .length = span.length,
      .depth = span.depth,
      .present = span.kind != VMF_RUN_ZERO || span.stored,
      .zero = span.kind == VMF_RUN_ZERO,
      .data = span.kind != VMF_RUN_ZERO || is_hole_of_data(&span),
      .packed = span.kind == VMF_RUN_PACKED,
      .has_offset = span.io != NULL && !(span.kind == VMF_RUN_PLAIN && span.run.cipher),
      .offset = span.offset,
      .file = span.io                       ? span.io->name
              : span.kind == VMF_RUN_PACKED ? span.run.io->name
                                            : NULL,
  };
  vmf_give_extent(&own, extent);
  return VMF_OK;
}
