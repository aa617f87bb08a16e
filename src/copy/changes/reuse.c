/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A unit is used again when its guest bytes have the digest that the map has, it would be packed
 * with the same word about the unit before it, and what stands in the older file has the map's
 * sum, too: then packing would make the same bytes. What is not packed is only taken from there
 * where it is told, and so was not read. */
#include "reuse.h"

#include <string.h>

#include "checked.h"
#include "digest.h"
#include "memory.h"
#include "zero.h"

enum { GAP = 64 << 10 /* bytes that are read in vain, so that one read does for two units */ };

struct vmf_reuse {
  struct vmf_units *units;
  struct vmf_digest *digest;
  struct vmf_reuse_stretch stretch;
  size_t limit;     /* units of a job */
  uint8_t *digests; /* of the guest bytes of each unit; VMF_DIGEST_MAX bytes each */
  bool *hashed;     /* it is not zeros, and has one */
  bool *told;       /* it is what the older target was made of */
  struct vmf_message *messages;
  struct vmf_unit_record *old; /* those that can be used; by guest offset */
  const uint8_t **stored;      /* in bytes; NULL: what that unit is made of has been read */
  size_t old_count, old_next;
  const struct vmf_unit_record *taken; /* the one that the last unit was made of; or NULL */
  uint8_t *bytes;
  size_t capacity;
};

static size_t capacity_of(uint32_t job_bytes)
{
  return 2 * (size_t)job_bytes + 2 * (size_t)GAP;
}

static size_t unit_memory(void)
{
  return VMF_DIGEST_MAX + 2 * sizeof(bool) + sizeof(struct vmf_message) +
         sizeof(struct vmf_unit_record) + sizeof(uint8_t *);
}

size_t vmf_reuse_memory(const struct vmf_units *units, uint32_t job_bytes)
{
  if (!units)
    return 0;
  return job_bytes / units->head.unit * unit_memory() + (units->old ? capacity_of(job_bytes) : 0);
}

static enum vmf_code make(struct vmf_reuse *reuse, uint32_t job_bytes, struct vmf_error *error)
{
  size_t limit = reuse->limit;
  void *memory;

  VMF_TRY(vmf_digest_new(VMF_SHA256, &reuse->digest, error));
  VMF_TRY(vmf_alloc(limit * VMF_DIGEST_MAX, &memory, error));
  reuse->digests = memory;
  VMF_TRY(vmf_alloc(limit * sizeof(bool), &memory, error));
  reuse->hashed = memory;
  VMF_TRY(vmf_alloc(limit * sizeof(bool), &memory, error));
  reuse->told = memory;
  VMF_TRY(vmf_alloc(limit * sizeof(struct vmf_message), &memory, error));
  reuse->messages = memory;
  VMF_TRY(vmf_alloc(limit * sizeof(struct vmf_unit_record), &memory, error));
  reuse->old = memory;
  VMF_TRY(vmf_alloc(limit * sizeof(uint8_t *), &memory, error));
  reuse->stored = memory;
  if (!reuse->units->old)
    return VMF_OK;
  reuse->capacity = capacity_of(job_bytes);
  VMF_TRY(vmf_alloc_pages(reuse->capacity, &memory, error));
  reuse->bytes = memory;
  return VMF_OK;
}

enum vmf_code vmf_reuse_new(struct vmf_units *units, uint32_t job_bytes, struct vmf_reuse **reuse,
                            struct vmf_error *error)
{
  void *memory;

  if (!units)
    return VMF_OK;
  VMF_TRY(vmf_alloc(sizeof **reuse, &memory, error));
  struct vmf_reuse *made = memory;
  made->units = units;
  made->limit = job_bytes / units->head.unit;
  enum vmf_code code = make(made, job_bytes, error);
  if (code == VMF_OK)
    *reuse = made;
  else
    vmf_reuse_free(made);
  return code;
}

void vmf_reuse_free(struct vmf_reuse *reuse)
{
  if (!reuse)
    return;
  vmf_digest_free(reuse->digest);
  vmf_free(reuse->digests);
  vmf_free(reuse->hashed);
  vmf_free(reuse->told);
  vmf_free(reuse->messages);
  vmf_free(reuse->old);
  vmf_free(reuse->stored);
  vmf_free(reuse->bytes);
  vmf_free(reuse);
}

/* ---- the guest bytes ---- */

/* How many bytes are packed of a unit of which the disk has `left`. */
static size_t packed_of(const struct vmf_units *units, size_t left)
{
  bool cut = (units->head.flags & VMF_UNIT_OUTER) && left < units->head.unit;
  return cut ? left : units->head.unit;
}

static bool is_packing(const struct vmf_reuse *reuse)
{
  return reuse->units->head.codec != VMF_CODEC_NONE;
}

/* Of what has been read, and is to be packed. */
static enum vmf_code hash(struct vmf_reuse *reuse, const uint8_t *data, struct vmf_error *error)
{
  size_t unit = reuse->units->head.unit, length = reuse->stretch.length, count = 0;

  for (size_t at = 0; at < length; at += unit) {
    size_t i = at / unit;
    if (reuse->told[i])
      continue;
    reuse->hashed[i] = is_packing(reuse) && !vmf_is_zero(data + at, unit);
    if (reuse->hashed[i])
      reuse->messages[count++] =
          (struct vmf_message){.data = data + at,
                               .length = packed_of(reuse->units, length - at),
                               .out = reuse->digests + i * VMF_DIGEST_MAX};
  }
  return vmf_digest_each(reuse->digest, reuse->messages, count, error);
}

/* ---- what is told to be the same ---- */

static bool is_of_same(const struct vmf_reuse *reuse, const struct vmf_span *span)
{
  const struct vmf_image *image = reuse->units->same;

  /* nor what is encrypted, since another key may be given for the same files */
  if ((span->kind != VMF_RUN_PLAIN && reuse->stretch.plain_only) || span->run.cipher)
    return false;
  while (!span->unmarked && image && image != span->owner)
    image = image->parent;
  return span->unmarked || image;
}

/* How much of the unit at `guest`, from its first byte on, is told to be as it was;
 * *next: the first span that may go on behind it. */
static uint64_t same_bytes(const struct vmf_reuse *reuse, uint64_t guest, size_t *next)
{
  const struct vmf_spans *spans = reuse->stretch.spans;
  uint64_t at = guest, end = guest + reuse->units->head.unit;

  for (; *next < spans->count; (*next)++) {
    const struct vmf_span *span = &spans->list[*next];
    uint64_t span_end = span->guest + span->length;
    if (span_end <= at)
      continue;
    if (span->guest > at || !is_of_same(reuse, span))
      break;
    at = vmf_min(span_end, end);
    if (at == end)
      break;
  }
  return at - guest;
}

/* Those of the old records whose guest bytes need not be read. */
static void tell(struct vmf_reuse *reuse)
{
  const struct vmf_reuse_stretch *stretch = &reuse->stretch;
  size_t unit = reuse->units->head.unit, next = 0;

  for (size_t k = 0; k < reuse->old_count; k++) {
    const struct vmf_unit_record *record = &reuse->old[k];
    size_t i = (size_t)(record->guest - stretch->guest) / unit;
    if (record->kept || record->length != unit || stretch->length - i * unit < unit ||
        (!record->packed && record->stored != unit) ||
        same_bytes(reuse, record->guest, &next) < unit)
      continue;
    reuse->told[i] = reuse->hashed[i] = true;
    memcpy(reuse->digests + i * VMF_DIGEST_MAX, record->digest, VMF_UNIT_DIGEST);
  }
}

bool vmf_reuse_told(const struct vmf_reuse *reuse, uint64_t guest)
{
  return reuse->told[(guest - reuse->stretch.guest) / reuse->units->head.unit];
}

enum vmf_code vmf_reuse_begin(struct vmf_reuse *reuse, const struct vmf_reuse_stretch *stretch,
                              struct vmf_error *error)
{
  uint64_t guest = stretch->guest;

  reuse->stretch = *stretch;
  reuse->old_count = reuse->old_next = 0;
  memset(reuse->told, 0, reuse->limit * sizeof(bool));
  if (!reuse->units->old)
    return VMF_OK;
  VMF_TRY(vmf_unit_map_find(reuse->units->old, guest, guest + stretch->length, reuse->old,
                            reuse->limit, &reuse->old_count, error));
  if (stretch->spans)
    tell(reuse);
  return VMF_OK;
}

/* ---- the older file ---- */

/* Leaves those of the old records that are of the same guest bytes, and that fit. */
static void choose(struct vmf_reuse *reuse)
{
  const struct vmf_reuse_stretch *stretch = &reuse->stretch;
  size_t unit = reuse->units->head.unit, chosen = 0;

  for (size_t k = 0; k < reuse->old_count; k++) {
    const struct vmf_unit_record *record = &reuse->old[k];
    size_t i = (size_t)(record->guest - stretch->guest) / unit;
    if (!record->kept && reuse->hashed[i] &&
        (!record->packed || record->stored <= stretch->largest) &&
        record->length == packed_of(reuse->units, stretch->length - i * unit) &&
        memcmp(record->digest, reuse->digests + i * VMF_DIGEST_MAX, VMF_UNIT_DIGEST) == 0)
      reuse->old[chosen++] = *record;
  }
  reuse->old_count = chosen;
}

/* What has been read and is not packed, is at hand. */
static bool is_wanted(const struct vmf_reuse *reuse, const struct vmf_unit_record *record)
{
  return record->packed || vmf_reuse_told(reuse, record->guest);
}

/* Reads what stands near each other at once: the units from `first` on, into bytes at *used.
 * *next: the first that is not among them. */
static enum vmf_code read_run(struct vmf_reuse *reuse, size_t first, size_t *next, size_t *used,
                              struct vmf_error *error)
{
  const struct vmf_unit_record *old = reuse->old;
  uint64_t start = old[first].offset, end = start + old[first].stored;
  size_t k = first + 1;

  for (; k < reuse->old_count; k++) {
    uint64_t from = old[k].offset, to = from + old[k].stored;
    if (!is_wanted(reuse, &old[k]))
      continue;
    if (from < end || from - end > GAP || to - start > reuse->capacity - *used)
      break;
    end = to;
  }
  *next = k;
  VMF_TRY(
      vmf_io_pread(reuse->units->onto, reuse->bytes + *used, (size_t)(end - start), start, error));
  for (size_t i = first; i < k; i++)
    if (is_wanted(reuse, &old[i]))
      reuse->stored[i] = reuse->bytes + *used + (old[i].offset - start);
  *used += (size_t)(end - start);
  return VMF_OK;
}

/* Reads what is wanted of all that were chosen, as far as there is room. */
static enum vmf_code read_stored(struct vmf_reuse *reuse, struct vmf_error *error)
{
  size_t used = 0, next;

  for (size_t k = 0; k < reuse->old_count; k++)
    reuse->stored[k] = NULL;
  for (size_t k = 0; k < reuse->old_count; k = next) {
    next = k + 1;
    if (!is_wanted(reuse, &reuse->old[k]))
      continue;
    if (reuse->old[k].stored > reuse->capacity - used)
      reuse->old_count = k;
    else
      VMF_TRY(read_run(reuse, k, &next, &used, error));
  }
  return VMF_OK;
}

/* Leaves those whose bytes are what the map says. */
static void prove(struct vmf_reuse *reuse)
{
  size_t proven = 0;

  for (size_t k = 0; k < reuse->old_count; k++) {
    const struct vmf_unit_record *record = &reuse->old[k];
    uint8_t sum[VMF_QUICK_SUM];
    if (reuse->stored[k]) {
      vmf_quick_sum(reuse->stored[k], record->stored, sum);
      if (memcmp(sum, record->stored_sum, sizeof sum) != 0) {
        atomic_fetch_add(&reuse->units->unproven, 1);
        continue;
      }
    }
    reuse->stored[proven] = reuse->stored[k];
    reuse->old[proven++] = *record;
  }
  reuse->old_count = proven;
}

enum vmf_code vmf_reuse_look(struct vmf_reuse *reuse, const uint8_t *data, struct vmf_error *error)
{
  VMF_TRY(hash(reuse, data, error));
  choose(reuse);
  VMF_TRY(read_stored(reuse, error));
  prove(reuse);
  return VMF_OK;
}

/* ---- one unit ---- */

/* Units are asked for in guest order. */
static const struct vmf_unit_record *find(struct vmf_reuse *reuse, uint64_t guest)
{
  while (reuse->old_next < reuse->old_count && reuse->old[reuse->old_next].guest < guest)
    reuse->old_next++;
  return reuse->old_next < reuse->old_count && reuse->old[reuse->old_next].guest == guest
             ? &reuse->old[reuse->old_next]
             : NULL;
}

bool vmf_reuse_unit(struct vmf_reuse *reuse, uint64_t guest, size_t neighbour, uint8_t *data,
                    uint8_t *packed, size_t *length)
{
  const struct vmf_unit_record *record = find(reuse, guest);

  reuse->taken = NULL;
  if (!record || record->neighbour != neighbour)
    return false;
  reuse->taken = record;
  if (reuse->stored[reuse->old_next])
    memcpy(record->packed ? packed : data, reuse->stored[reuse->old_next], record->stored);
  *length = record->packed ? record->stored : 0;
  atomic_fetch_add(&reuse->units->reused, 1);
  atomic_fetch_add(&reuse->units->unread, vmf_reuse_told(reuse, guest));
  return true;
}

void vmf_reuse_note(const struct vmf_reuse *reuse, const struct vmf_block *block, size_t neighbour,
                    bool kept, struct vmf_unit_record *record)
{
  size_t i = (size_t)((block->guest - reuse->stretch.guest) / reuse->units->head.unit);

  *record = (struct vmf_unit_record){.guest = block->guest,
                                     .length = (uint32_t)packed_of(reuse->units, block->length),
                                     .neighbour = (uint32_t)neighbour,
                                     .packed = block->packed,
                                     .kept = kept || !reuse->hashed[i]};
  if (reuse->hashed[i])
    memcpy(record->digest, reuse->digests + i * VMF_DIGEST_MAX, VMF_UNIT_DIGEST);
  record->stored = (uint32_t)block->data_length;
  if (block->packed && !kept && reuse->taken)
    memcpy(record->stored_sum, reuse->taken->stored_sum, VMF_QUICK_SUM);
  else
    vmf_quick_sum(block->data, block->data_length, record->stored_sum);
}

bool vmf_reuse_note_plain(uint64_t guest, const uint8_t *data, size_t length, bool lost,
                          struct vmf_unit_record *record)
{
  if (vmf_is_zero(data, length))
    return false;
  *record = (struct vmf_unit_record){
      .guest = guest, .length = (uint32_t)length, .stored = (uint32_t)length, .kept = lost};
  vmf_quick_sum(data, length, record->stored_sum);
  return true;
}
