/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reading guest bytes through the flattened map: plain data lands in the caller's buffer, packed
 * units are fetched, unwrapped by their driver, unpacked and checked. */
#include <string.h>

#include "checked.h"
#include "image.h"
#include "memory.h"

struct vmf_loader {
  struct vmf_unpacker *unpacker;
  uint8_t *stored; /* framing and packed bytes of one unit */
  size_t stored_capacity;
  uint8_t *unit; /* one unpacked unit, when it cannot go where it is wanted */
  size_t unit_capacity;
  const struct vmf_image *unit_owner; /* which unit that is; NULL: none */
  uint64_t unit_guest;
  struct vmf_kept *kept; /* not owned; NULL: nothing is kept */
};

void vmf_loader_keep(struct vmf_loader *loader, struct vmf_kept *kept)
{
  loader->kept = kept;
}

/* A packed form twice as long as the unit, plus framing, is damage. */
static uint64_t stored_limit(uint32_t unit)
{
  return 2 * (uint64_t)unit + 4096;
}

enum vmf_code vmf_loader_new(struct vmf_loader **loader, struct vmf_error *error)
{
  void *memory;
  *loader = NULL;
  VMF_TRY(vmf_alloc(sizeof(**loader), &memory, error));
  struct vmf_loader *made = memory;
  enum vmf_code code = vmf_unpacker_new(&made->unpacker, error);
  if (code != VMF_OK) {
    vmf_loader_free(made);
    return code;
  }
  *loader = made;
  return VMF_OK;
}

size_t vmf_loader_memory(const struct vmf_image *image)
{
  const struct vmf_node *node = image ? vmf_node(image) : NULL;
  size_t most = 0;
  for (size_t i = 0; node && i < node->part_count; i++)
    most = vmf_max(most, vmf_loader_memory(node->parts[i]));
  for (; image; image = image->parent)
    if (image->format && image->format->reader->packs)
      most = vmf_max(most, stored_limit(image->unit) + image->unit);
  return most;
}

void vmf_loader_free(struct vmf_loader *loader)
{
  if (!loader)
    return;
  vmf_unpacker_free(loader->unpacker);
  vmf_free(loader->stored);
  vmf_free(loader->unit);
  vmf_free(loader);
}

/* Grows a buffer, keeping its first `keep` bytes. */
static enum vmf_code reserve(uint8_t **buffer, size_t *capacity, size_t size, size_t keep,
                             struct vmf_error *error)
{
  void *memory;
  if (size <= *capacity)
    return VMF_OK;
  VMF_TRY(vmf_alloc_pages(size, &memory, error));
  if (keep > 0)
    memcpy(memory, *buffer, keep);
  vmf_free(*buffer);
  *buffer = memory;
  *capacity = size;
  return VMF_OK;
}

static enum vmf_code fetch(struct vmf_loader *loader, const struct vmf_run *run, size_t have,
                           size_t want, struct vmf_error *error)
{
  VMF_TRY(reserve(&loader->stored, &loader->stored_capacity, want, have, error));
  return vmf_io_pread(run->io, loader->stored + have, want - have, run->offset + have, error);
}

/* Fetches a unit and lets its driver strip the framing. What `need` may ask for is bounded: a
 * packed form twice as long as the unit, plus framing, is damage. */
static enum vmf_code fetch_unit(struct vmf_loader *loader, const struct vmf_span *span,
                                struct vmf_payload *payload, struct vmf_error *error)
{
  const struct vmf_run *run = &span->run;
  const struct vmf_reader *reader = span->owner->format->reader;
  uint64_t most = vmf_min(stored_limit(run->unit), run->io->size - run->offset);
  size_t have = (size_t)vmf_min(run->stored, most);

  VMF_TRY(fetch(loader, run, 0, have, error));
  *payload = (struct vmf_payload){.length = (uint32_t)have};
  if (!reader->unwrap)
    return VMF_OK;
  for (;;) {
    *payload = (struct vmf_payload){0};
    VMF_TRY(reader->unwrap(span->owner, run, loader->stored, have, payload, error));
    if (payload->need == 0)
      break;
    if (payload->need <= have || payload->need > most)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: packed unit at byte %llu: %u bytes long, at most %llu are possible",
                      run->io->name, (unsigned long long)run->offset, payload->need,
                      (unsigned long long)most);
    VMF_TRY(fetch(loader, run, have, payload->need, error));
    have = payload->need;
  }
  if (!vmf_range_within(payload->start, payload->length, have))
    return vmf_fail(error, VMF_CORRUPT, "%s: packed unit at byte %llu: the framing is damaged",
                    run->io->name, (unsigned long long)run->offset);
  return VMF_OK;
}

static void keep_unit(struct vmf_kept *kept, const struct vmf_span *span, const uint8_t *packed,
                      size_t length)
{
  if (!span->owner->format->reader->unwrap || span->run.codec != kept->codec ||
      span->run.unit != kept->unit || span->guest % kept->unit != 0 || length > kept->largest ||
      kept->count == kept->limit)
    return;
  memcpy(kept->bytes + kept->used, packed, length);
  kept->units[kept->count++] =
      (struct vmf_kept_unit){.guest = span->guest, .start = kept->used, .length = length};
  kept->used += length;
}

static enum vmf_code unpack_unit(struct vmf_loader *loader, const struct vmf_span *span,
                                 uint8_t *buffer, struct vmf_error *error)
{
  const struct vmf_run *run = &span->run;
  struct vmf_payload payload;
  size_t length = 0;

  VMF_TRY(fetch_unit(loader, span, &payload, error));
  enum vmf_code code = vmf_unpack(loader->unpacker, run->codec, loader->stored + payload.start,
                                  payload.length, buffer, run->unit, &length, error);
  if (code != VMF_OK)
    return vmf_while(error, "%s: packed unit of guest byte %llu at byte %llu", run->io->name,
                     (unsigned long long)run->guest, (unsigned long long)run->offset);
  if (length < run->length || (length != run->unit && run->length == run->unit))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: packed unit of guest byte %llu at byte %llu: unpacks to %zu bytes, "
                    "expected %u",
                    run->io->name, (unsigned long long)run->guest, (unsigned long long)run->offset,
                    length, run->unit);
  memset(buffer + length, 0, run->unit - length);
  if (loader->kept && span->skip == 0 && span->length == run->unit && length == run->unit)
    keep_unit(loader->kept, span, loader->stored + payload.start, payload.length);
  return VMF_OK;
}

/* Part of a unit: unpacked aside, and kept for the next part of the same unit. */
static enum vmf_code read_packed(struct vmf_loader *loader, const struct vmf_span *span,
                                 uint8_t *buffer, struct vmf_error *error)
{
  const struct vmf_run *run = &span->run;

  if (span->skip == 0 && span->length == run->unit)
    return unpack_unit(loader, span, buffer, error);
  if (loader->unit_owner != span->owner || loader->unit_guest != run->guest) {
    loader->unit_owner = NULL;
    VMF_TRY(reserve(&loader->unit, &loader->unit_capacity, run->unit, 0, error));
    VMF_TRY(unpack_unit(loader, span, loader->unit, error));
    loader->unit_owner = span->owner;
    loader->unit_guest = run->guest;
  }
  memcpy(buffer, loader->unit + span->skip, span->length);
  return VMF_OK;
}

static enum vmf_code read_span(struct vmf_loader *loader, const struct vmf_span *span,
                               uint8_t *buffer, struct vmf_error *error)
{
  switch (span->kind) {
  case VMF_RUN_PLAIN:
    if (vmf_io_pread(span->io, buffer, span->length, span->offset, error) != VMF_OK)
      return vmf_while(error, "guest byte %llu", (unsigned long long)span->guest);
    return VMF_OK;
  case VMF_RUN_PACKED:
    return read_packed(loader, span, buffer, error);
  default:
    memset(buffer, 0, span->length);
    return VMF_OK;
  }
}

enum vmf_code vmf_loader_read(struct vmf_loader *loader, struct vmf_image *image, void *buffer,
                              size_t length, uint64_t guest, struct vmf_error *error)
{
  uint8_t *out = buffer;

  while (length > 0 && guest < image->size) {
    struct vmf_span span;
    VMF_TRY(vmf_image_span(image, guest, length, &span, error));
    VMF_TRY(read_span(loader, &span, out, error));
    out += span.length;
    guest += span.length;
    length -= span.length;
  }
  memset(out, 0, length);
  return VMF_OK;
}

enum vmf_code vmf_image_pread(struct vmf_image *image, void *buffer, size_t length, uint64_t guest,
                              struct vmf_error *error)
{
  struct vmf_loader *loader;
  if (!vmf_range_within(guest, length, image->size))
    return vmf_fail(error, VMF_USAGE,
                    "guest bytes %llu + %zu are behind the end of the disk (%llu)",
                    (unsigned long long)guest, length, (unsigned long long)image->size);
  enum vmf_code code = vmf_loader_new(&loader, error);
  if (code == VMF_OK)
    code = vmf_loader_read(loader, image, buffer, length, guest, error);
  vmf_loader_free(loader);
  return code;
}
