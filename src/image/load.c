/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reading guest bytes through the flattened map: plain data lands in the caller's buffer, packed
 * units are fetched, unwrapped by their driver, unpacked and checked. */
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "image.h"
#include "memory.h"

/* Packed units are fetched together over at most GATHER bytes, at most GAPS of them in vain. */
enum { GATHER = (1 << 20) + (64 << 10), GAPS = 128 << 10, READ_AT_ONCE = 1 << 20 };

struct vmf_loader {
  struct vmf_unpacker *unpacker;
  /* A stretch of a file that holds packed units with their framing. */
  struct fetched {
    struct vmf_io *io; /* NULL: none */
    uint64_t offset;
    size_t length, capacity; /* bytes */
    uint8_t *bytes;
  } fetched;
  struct vmf_spans spans; /* of vmf_loader_read */
  uint8_t *unit;          /* one unpacked unit, when it cannot go where it is wanted */
  size_t unit_capacity;
  const struct vmf_image *unit_owner; /* which unit that is; NULL: none */
  uint64_t unit_guest;
  struct vmf_kept *kept;     /* not owned; NULL: nothing is kept */
  struct vmf_digest *digest; /* of the kind that was wanted last; NULL: none was */
  enum vmf_block_digest digest_kind;
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
  const struct vmf_image *part;
  size_t most = 0;
  for (; image; image = image->parent) {
    if (image->format->reader->packs)
      most = vmf_max(most, vmf_max(stored_limit(image->unit), GATHER) + image->unit);
    for (size_t i = 0; (part = vmf_image_part(image, i)) != NULL; i++)
      most = vmf_max(most, vmf_loader_memory(part));
  }
  return most;
}

void vmf_loader_free(struct vmf_loader *loader)
{
  if (!loader)
    return;
  vmf_unpacker_free(loader->unpacker);
  vmf_digest_free(loader->digest);
  vmf_free(loader->fetched.bytes);
  vmf_spans_free(&loader->spans);
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

/* Bytes `offset` to `offset` + `length` of a file, *bytes; those that were fetched already are not
 * read again. */
static enum vmf_code fetch(struct vmf_loader *loader, struct vmf_io *io, uint64_t offset,
                           size_t length, const uint8_t **bytes, struct vmf_error *error)
{
  struct fetched *fetched = &loader->fetched;
  size_t have = 0;

  if (fetched->io == io && offset >= fetched->offset &&
      offset - fetched->offset < fetched->length) {
    size_t before = (size_t)(offset - fetched->offset);
    *bytes = fetched->bytes + before;
    have = fetched->length - before;
    if (length <= have)
      return VMF_OK;
    memmove(fetched->bytes, *bytes, have);
  }
  fetched->io = NULL; /* until it has been read */
  VMF_TRY(reserve(&fetched->bytes, &fetched->capacity, length, have, error));
  VMF_TRY(vmf_io_pread(io, fetched->bytes + have, length - have, offset + have, error));
  fetched->io = io;
  fetched->offset = offset;
  fetched->length = length;
  *bytes = fetched->bytes;
  return VMF_OK;
}

/* Fetches a unit and lets its driver strip the framing. What `need` may ask for is bounded: a
 * packed form twice as long as the unit, plus framing, is damage. */
static enum vmf_code fetch_unit(struct vmf_loader *loader, const struct vmf_span *span,
                                const uint8_t **stored, struct vmf_payload *payload,
                                struct vmf_error *error)
{
  const struct vmf_run *run = &span->run;
  const struct vmf_reader *reader = span->owner->format->reader;
  uint64_t most = vmf_min(stored_limit(run->unit), run->io->size - run->offset);
  size_t have = (size_t)vmf_min(run->stored, most);

  VMF_TRY(fetch(loader, run->io, run->offset, have, stored, error));
  *payload = (struct vmf_payload){.length = (uint32_t)have};
  if (!reader->unwrap)
    return VMF_OK;
  for (;;) {
    *payload = (struct vmf_payload){0};
    VMF_TRY(reader->unwrap(span->owner, run, *stored, have, payload, error));
    if (payload->need == 0)
      break;
    if (payload->need <= have || payload->need > most)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: packed unit at byte %llu: %u bytes long, at most %llu are possible",
                      run->io->name, (unsigned long long)run->offset, payload->need,
                      (unsigned long long)most);
    have = payload->need;
    VMF_TRY(fetch(loader, run->io, run->offset, have, stored, error));
  }
  if (!vmf_range_within(payload->start, payload->length, have))
    return vmf_fail(error, VMF_CORRUPT, "%s: packed unit at byte %llu: the framing is damaged",
                    run->io->name, (unsigned long long)run->offset);
  return VMF_OK;
}

enum vmf_digest_kind vmf_block_digest_kind(enum vmf_block_digest digest)
{
  static const enum vmf_digest_kind kinds[] = {
      [VMF_BLOCK_SHA1] = VMF_SHA1, [VMF_BLOCK_SHA256] = VMF_SHA256, [VMF_BLOCK_XXH64] = VMF_XXH64};

  return kinds[digest];
}

enum vmf_code vmf_block_digest_of_zeros(enum vmf_block_digest kind, size_t length,
                                        uint8_t out[VMF_BLOCK_DIGEST_BYTES],
                                        struct vmf_error *error)
{
  static const uint8_t zeros[64 << 10];
  uint8_t result[VMF_DIGEST_MAX];
  struct vmf_digest *digest;

  VMF_TRY(vmf_digest_new(vmf_block_digest_kind(kind), &digest, error));
  enum vmf_code code = VMF_OK;
  for (size_t part; length > 0 && code == VMF_OK; length -= part) {
    part = (size_t)vmf_min(length, sizeof(zeros));
    code = vmf_digest_update(digest, zeros, part, error);
  }
  if (code == VMF_OK)
    code = vmf_digest_final(digest, result, error);
  vmf_digest_free(digest);
  if (code == VMF_OK)
    memcpy(out, result, VMF_BLOCK_DIGEST_BYTES);
  return code;
}

/* Holds the digest that is stored with a unit against its bytes. */
static enum vmf_code check_digest(struct vmf_loader *loader, const struct vmf_run *run,
                                  const uint8_t *bytes, const struct vmf_payload *payload,
                                  struct vmf_error *error)
{
  enum vmf_digest_kind kind = vmf_block_digest_kind(payload->digest);
  size_t size = vmf_digest_size(kind);
  char found[2 * VMF_DIGEST_MAX + 1], expected[2 * VMF_DIGEST_MAX + 1];
  uint8_t digest[VMF_DIGEST_MAX];

  if (loader->digest_kind != payload->digest) {
    vmf_digest_free(loader->digest);
    loader->digest = NULL;
    loader->digest_kind = VMF_BLOCK_DIGEST_NONE;
    VMF_TRY(vmf_digest_new(kind, &loader->digest, error));
    loader->digest_kind = payload->digest;
  }
  VMF_TRY(vmf_digest_update(loader->digest, bytes, payload->length, error));
  VMF_TRY(vmf_digest_final(loader->digest, digest, error));
  if (memcmp(digest, payload->expected, size) == 0)
    return VMF_OK;
  vmf_digest_text(digest, size, found);
  vmf_digest_text(payload->expected, size, expected);
  return vmf_fail(
      error, VMF_CORRUPT,
      "%s: data of guest byte %llu at byte %llu is damaged: its checksum is %s, the one "
      "that is stored with it %s",
      run->io->name, (unsigned long long)run->guest,
      (unsigned long long)run->offset + payload->start, found, expected);
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
  const uint8_t *stored;
  size_t length = 0;

  VMF_TRY(fetch_unit(loader, span, &stored, &payload, error));
  if (payload.digest != VMF_BLOCK_DIGEST_NONE)
    VMF_TRY(check_digest(loader, run, stored + payload.start, &payload, error));
  enum vmf_code code = vmf_unpack(loader->unpacker, run->codec, stored + payload.start,
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
    keep_unit(loader->kept, span, stored + payload.start, payload.length);
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

/* Whole sectors are decrypted where they are wanted; of one that is wanted in part, a copy. */
static enum vmf_code read_sectors(const struct vmf_span *span, uint64_t done, uint8_t *buffer,
                                  size_t length, size_t *part, struct vmf_error *error)
{
  const struct vmf_cipher *cipher = span->run.cipher;
  uint64_t offset = span->offset + done, place = vmf_span_place(span) + done;
  uint32_t sector = vmf_cipher_sector(cipher), before = (uint32_t)(place % sector);
  uint8_t whole[VMF_CIPHER_SECTOR_MAX];

  if (before == 0 && length >= sector) {
    *part = length - length % sector;
    VMF_TRY(vmf_io_pread(span->io, buffer, *part, offset, error));
    return vmf_cipher_decrypt(cipher, buffer, *part, place, error);
  }
  *part = (size_t)vmf_min(length, sector - before);
  VMF_TRY(vmf_io_pread(span->io, whole, sector, offset - before, error));
  VMF_TRY(vmf_cipher_decrypt(cipher, whole, sector, place - before, error));
  memcpy(buffer, whole + before, *part);
  return VMF_OK;
}

static enum vmf_code read_plain(const struct vmf_span *span, uint8_t *buffer,
                                struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;

  if (!span->run.cipher)
    code = vmf_io_pread(span->io, buffer, span->length, span->offset, error);
  for (size_t done = 0, part; span->run.cipher && done < span->length && code == VMF_OK;
       done += part)
    code = read_sectors(span, done, buffer + done, span->length - done, &part, error);
  return code == VMF_OK ? VMF_OK
                        : vmf_while(error, "guest byte %llu", (unsigned long long)span->guest);
}

static enum vmf_code read_span(struct vmf_loader *loader, const struct vmf_span *span,
                               uint8_t *buffer, struct vmf_error *error)
{
  switch (span->kind) {
  case VMF_RUN_PLAIN:
    return read_plain(span, buffer, error);
  case VMF_RUN_PACKED:
    return read_packed(loader, span, buffer, error);
  default:
    memset(buffer, 0, span->length);
    return VMF_OK;
  }
}

/* Fetches the packed unit of the first of `count` spans together with those that stand around it in
 * the same file, in whatever order. */
static enum vmf_code gather(struct vmf_loader *loader, const struct vmf_span *spans, size_t count,
                            struct vmf_error *error)
{
  struct vmf_io *io = spans[0].run.io;
  uint64_t start = spans[0].run.offset, end = start + spans[0].run.stored;
  uint64_t wanted = spans[0].run.stored;
  const uint8_t *ignored;

  for (size_t i = 1; i < count && spans[i].kind == VMF_RUN_PACKED && spans[i].run.io == io; i++) {
    const struct vmf_run *run = &spans[i].run;
    uint64_t lower = vmf_min(start, run->offset);
    uint64_t upper = vmf_max(end, run->offset + run->stored);
    if (upper - lower > vmf_min(GATHER, wanted + run->stored + GAPS))
      continue; /* one that stands between may bring it near */
    wanted += run->stored;
    start = lower;
    end = upper;
  }
  return fetch(loader, io, start, (size_t)(end - start), &ignored, error);
}

static bool is_fetched(const struct vmf_loader *loader, const struct vmf_run *run)
{
  const struct fetched *fetched = &loader->fetched;
  return fetched->io == run->io && run->offset >= fetched->offset &&
         run->offset + run->stored <= fetched->offset + fetched->length;
}

enum vmf_code vmf_loader_read_spans(struct vmf_loader *loader, const struct vmf_spans *spans,
                                    void *buffer, size_t length, uint64_t guest,
                                    struct vmf_error *error)
{
  uint8_t *out = buffer;
  uint64_t at = guest;

  for (size_t i = 0; i < spans->count; i++) {
    const struct vmf_span *span = &spans->list[i];
    memset(out + (at - guest), 0, (size_t)(span->guest - at));
    if (span->kind == VMF_RUN_PACKED && !is_fetched(loader, &span->run))
      VMF_TRY(gather(loader, span, spans->count - i, error));
    VMF_TRY(read_span(loader, span, out + (span->guest - guest), error));
    at = span->guest + span->length;
  }
  memset(out + (at - guest), 0, (size_t)(guest + length - at));
  return VMF_OK;
}

/* The spans of one stretch into loader->spans. */
static enum vmf_code look_up(struct vmf_loader *loader, struct vmf_image *image, size_t length,
                             uint64_t guest, struct vmf_error *error)
{
  uint64_t end = vmf_min(guest + length, image->size);
  struct vmf_span span;

  loader->spans.count = 0;
  for (; guest < end; guest += span.length) {
    VMF_TRY(vmf_image_span(image, guest, end - guest, &span, error));
    if (span.kind != VMF_RUN_ZERO)
      VMF_TRY(vmf_spans_add(&loader->spans, &span, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_loader_read(struct vmf_loader *loader, struct vmf_image *image, void *buffer,
                              size_t length, uint64_t guest, struct vmf_error *error)
{
  uint8_t *out = buffer;

  while (length > 0) {
    size_t part = (size_t)vmf_min(length, READ_AT_ONCE);
    VMF_TRY(look_up(loader, image, part, guest, error));
    VMF_TRY(vmf_loader_read_spans(loader, &loader->spans, out, part, guest, error));
    out += part;
    guest += part;
    length -= part;
  }
  return VMF_OK;
}

enum vmf_code vmf_image_pread(struct vmf_image *image, void *buffer, size_t length, uint64_t guest,
                              struct vmf_error *error)
{
  struct vmf_loader *loader;

  VMF_REQUIRE(image, error);
  VMF_REQUIRE(buffer, error);
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
