/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The work on one job, on any thread: guest bytes in, blocks out. */
#include "job.h"

#include <string.h>

#include "checked.h"
#include "journal.h"
#include "memory.h"
#include "zero.h"

/* How long a packed unit may be: where it need not be packed, it must be shorter than it was. */
static size_t packed_limit(const struct vmf_shape *shape)
{
  return shape->must_pack ? vmf_pack_bound(shape->codec, shape->unit) : shape->unit - 1;
}

static size_t packed_bytes(const struct vmf_copy *copy)
{
  const struct vmf_shape *shape = &copy->target->shape;
  return copy->job_bytes / shape->unit * packed_limit(shape);
}

static bool packs(const struct vmf_copy *copy)
{
  return copy->target && copy->target->shape.codec != VMF_CODEC_NONE;
}

static size_t block_limit(const struct vmf_copy *copy)
{
  if (copy->target->shape.layout == VMF_FIXED)
    return copy->job_bytes / vmf_min(copy->sparse_size, copy->target->shape.unit) + 1;
  return copy->job_bytes / copy->part;
}

struct vmf_copy_room vmf_copy_room(const struct vmf_copy *copy)
{
  struct vmf_copy_room room = {0};

  if (packs(copy)) {
    room.packed = packed_bytes(copy);
    room.units = copy->keep_packed ? copy->job_bytes / copy->target->shape.unit : 0;
  }
  if (copy->target) {
    room.blocks = block_limit(copy);
    room.framing = block_limit(copy) * vmf_copy_framing(&copy->target->shape);
  }
  return room;
}

/* Of a FIXED target they are others than its blocks. */
static size_t record_limit(const struct vmf_copy *copy)
{
  bool fixed = copy->target->shape.layout == VMF_FIXED;

  return fixed ? copy->job_bytes / copy->units->head.unit : copy->room.blocks;
}

void vmf_copy_widen(struct vmf_copy_room *room, const struct vmf_copy_room *other)
{
  room->packed = (size_t)vmf_max(room->packed, other->packed);
  room->framing = (size_t)vmf_max(room->framing, other->framing);
  room->units = (size_t)vmf_max(room->units, other->units);
  room->blocks = (size_t)vmf_max(room->blocks, other->blocks);
}

static size_t job_memory(const struct vmf_copy *copy)
{
  size_t bytes = copy->job_bytes + sizeof(struct vmf_copy_job);
  if (copy->backing)
    bytes += copy->job_bytes;
  if (copy->salvage)
    bytes += vmf_losses_memory(copy->job_bytes);
  if (copy->units)
    bytes += record_limit(copy) * sizeof(struct vmf_unit_record);
  return bytes + copy->room.packed + copy->room.blocks * sizeof(struct vmf_block) +
         copy->room.framing;
}

/* A packer of a whole disk takes what its level is known for; those of units keep to the promise.
 */
struct vmf_demand vmf_copy_demand(const struct vmf_copy *copy)
{
  struct vmf_demand demand = {.thread = vmf_loader_memory(copy->source), .job = job_memory(copy)};
  if (copy->backing)
    demand.thread += vmf_loader_memory(copy->backing);
  if (packs(copy)) {
    const struct vmf_shape *shape = &copy->target->shape;
    *(shape->outer ? &demand.stated : &demand.thread) +=
        vmf_packer_memory(shape->codec, shape->level);
  }
  demand.thread += vmf_reuse_memory(copy->units, copy->job_bytes);
  return demand;
}

/* Units that the source has packed as the target will are kept so. */
static void prepare_kept(const struct vmf_copy *copy, struct vmf_copy_job *job)
{
  const struct vmf_shape *shape = &copy->target->shape;

  job->kept.codec = shape->codec;
  job->kept.unit = shape->unit;
  job->kept.largest = packed_limit(shape);
  job->kept.limit = copy->job_bytes / shape->unit;
  job->kept.bytes = job->packed;
}

static enum vmf_code prepare_hashing(const struct vmf_copy *copy, struct vmf_copy_job *job,
                                     struct vmf_error *error)
{
  size_t digests = copy->job_bytes / VMF_CHECKSUM_BLOCK;
  void *memory;

  VMF_TRY(vmf_alloc(digests * VMF_DIGEST_MAX, &memory, error));
  job->digests = memory;
  VMF_TRY(vmf_alloc(digests * sizeof(bool), &memory, error));
  job->zero_digest = memory;
  VMF_TRY(vmf_alloc(digests * sizeof(struct vmf_message), &memory, error));
  job->messages = memory;
  return VMF_OK;
}

static enum vmf_code prepare_room(const struct vmf_copy_room *room, struct vmf_copy_job *job,
                                  struct vmf_error *error)
{
  void *memory;

  if (room->packed > 0) {
    VMF_TRY(vmf_alloc_pages(room->packed, &memory, error));
    job->packed = memory;
  }
  if (room->units > 0) {
    VMF_TRY(vmf_alloc(room->units * sizeof(struct vmf_kept_unit), &memory, error));
    job->kept.units = memory;
  }
  if (room->blocks > 0) {
    VMF_TRY(vmf_alloc(room->blocks * sizeof(struct vmf_block), &memory, error));
    job->blocks = memory;
  }
  if (room->framing > 0) {
    VMF_TRY(vmf_alloc(room->framing, &memory, error));
    job->framing = memory;
  }
  return VMF_OK;
}

/* A job's buffers are made at its first use and stay. */
static enum vmf_code prepare(const struct vmf_copy *copy, struct vmf_copy_job *job,
                             struct vmf_error *error)
{
  void *memory;

  if (job->data)
    return VMF_OK;
  if (copy->checksum)
    VMF_TRY(prepare_hashing(copy, job, error));
  if (copy->backing) {
    VMF_TRY(vmf_alloc_pages(copy->job_bytes, &memory, error));
    job->expected = memory;
  }
  VMF_TRY(prepare_room(&copy->room, job, error));
  if (copy->units) {
    VMF_TRY(vmf_alloc(record_limit(copy) * sizeof(struct vmf_unit_record), &memory, error));
    job->records = memory;
  }
  VMF_TRY(vmf_alloc_pages(copy->job_bytes, &memory, error));
  job->data = memory;
  return VMF_OK;
}

static enum vmf_code prepare_scratch(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                                     struct vmf_error *error)
{
  if (!scratch->loader)
    VMF_TRY(vmf_loader_new(&scratch->loader, error));
  if (copy->checksum && !scratch->digest)
    VMF_TRY(vmf_digest_new(copy->digest_kind, &scratch->digest, error));
  if (copy->target && !scratch->block_digest)
    VMF_TRY(vmf_copy_block_digest(&copy->target->shape, &scratch->block_digest, error));
  if (copy->journal && !scratch->proof)
    VMF_TRY(vmf_digest_new(VMF_XXH3, &scratch->proof, error));
  if (!scratch->reuse)
    VMF_TRY(vmf_reuse_new(copy->units, copy->job_bytes, &scratch->reuse, error));
  if (packs(copy) && !scratch->packer)
    VMF_TRY(vmf_packer_new(copy->target->shape.codec, copy->target->shape.level, &scratch->packer,
                           error));
  return VMF_OK;
}

/* The guest bytes of a part of the job. */
static enum vmf_code load_part(struct vmf_copy_scratch *scratch, const struct vmf_copy_job *job,
                               size_t at, size_t length, struct vmf_error *error)
{
  const struct vmf_spans *spans = &job->fed.spans[0];
  uint64_t start = job->fed.guest + at, end = start + length;

  scratch->part.count = 0;
  for (size_t i = 0; i < spans->count; i++) {
    struct vmf_span span = spans->list[i];
    if (span.guest >= end || span.guest + span.length <= start)
      continue;
    vmf_span_cut(&span, start, end);
    VMF_TRY(vmf_spans_add(&scratch->part, &span, error));
  }
  return vmf_loader_read_spans(scratch->loader, &scratch->part, job->data + at, length, start,
                               error);
}

/* All but what is told to be as it was. */
static enum vmf_code load_untold(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                                 const struct vmf_copy_job *job, size_t padded,
                                 struct vmf_error *error)
{
  size_t unit = copy->units->head.unit, end;

  for (size_t at = 0; at < padded; at = end) {
    end = at + unit;
    if (vmf_reuse_told(scratch->reuse, job->fed.guest + at))
      continue;
    while (end < padded && !vmf_reuse_told(scratch->reuse, job->fed.guest + end))
      end += unit;
    VMF_TRY(load_part(scratch, job, at, vmf_min(end, padded) - at, error));
  }
  return VMF_OK;
}

static enum vmf_code begin_reuse(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                                 const struct vmf_copy_job *job, struct vmf_error *error)
{
  bool all = copy->reads_all || copy->source != copy->units->source;
  const struct vmf_reuse_stretch stretch = {.spans = all ? NULL : &job->fed.spans[0],
                                            .guest = job->fed.guest,
                                            .length = (size_t)job->fed.length,
                                            .largest = packed_limit(&copy->target->shape),
                                            .plain_only = copy->keep_packed};

  return vmf_reuse_begin(scratch->reuse, &stretch, error);
}

static enum vmf_code load(const struct vmf_copy *copy, struct vmf_copy_job *job,
                          struct vmf_copy_scratch *scratch, struct vmf_error *error)
{
  struct vmf_loader *loader = scratch->loader;
  size_t padded = (size_t)vmf_align_up(job->fed.length, copy->target ? copy->part : 1);

  if (padded > copy->job_bytes)
    padded = copy->job_bytes;
  job->kept.used = job->kept.count = job->next_kept = 0;
  if (copy->keep_packed)
    prepare_kept(copy, job);
  vmf_loader_keep(loader, copy->keep_packed ? &job->kept : NULL);
  if (copy->salvage)
    VMF_TRY(vmf_salvage_read(loader, &job->fed.spans[0], job->data, padded, job->fed.guest,
                             &job->kept, &job->losses, error));
  else if (scratch->reuse)
    VMF_TRY(load_untold(copy, scratch, job, padded, error));
  else
    VMF_TRY(vmf_loader_read_spans(loader, &job->fed.spans[0], job->data, padded, job->fed.guest,
                                  error));
  if (!copy->backing)
    return VMF_OK;
  if (job->fed.guest + job->fed.length ==
      copy->size) /* what is behind the disk's end counts, too */
    return vmf_loader_read(loader, copy->backing, job->expected, padded, job->fed.guest, error);
  return vmf_loader_read_spans(loader, &job->fed.spans[1], job->expected, padded, job->fed.guest,
                               error);
}

/* All blocks that are not zero go at once; only a whole one can be zero. */
static enum vmf_code hash(struct vmf_copy_job *job, struct vmf_digest *digest,
                          struct vmf_error *error)
{
  size_t end = (size_t)job->fed.length, count = 0;

  for (size_t i = 0, at = 0; at < end; i++, at += VMF_CHECKSUM_BLOCK) {
    size_t length = (size_t)vmf_min(VMF_CHECKSUM_BLOCK, end - at);
    job->zero_digest[i] = length == VMF_CHECKSUM_BLOCK && vmf_is_zero(job->data + at, length);
    if (!job->zero_digest[i])
      job->messages[count++] = (struct vmf_message){
          .data = job->data + at, .length = length, .out = job->digests + i * VMF_DIGEST_MAX};
  }
  return vmf_digest_each(digest, job->messages, count, error);
}

/* ---- FIXED: stretches between holes ---- */

static void add_stretch(struct vmf_copy_job *job, size_t start, size_t end, bool zero)
{
  job->blocks[job->block_count++] = (struct vmf_block){.guest = job->fed.guest + start,
                                                       .length = (uint32_t)(end - start),
                                                       .zero = zero,
                                                       .data = zero ? NULL : job->data + start,
                                                       .data_length = end - start};
}

/* Cuts the job at unit borders and at zeros. Zeros are blocks only where the target does not read
 * as zeros. */
static void cut_stretches(const struct vmf_copy *copy, struct vmf_copy_job *job, bool write_zeros)
{
  uint32_t unit = copy->target->shape.unit;
  uint32_t step = (uint32_t)vmf_min(copy->sparse_size, unit);
  size_t start = 0, length;
  bool zero = false;

  for (size_t at = 0; at < job->fed.length; at += length) {
    length = (size_t)vmf_min(step - (job->fed.guest + at) % step, job->fed.length - at);
    bool this_zero = !copy->target->shape.keep_zeros && vmf_is_zero(job->data + at, length);
    bool border = (job->fed.guest + at) % unit == 0;
    if (at > start && (this_zero != zero || border)) {
      if (!zero || write_zeros)
        add_stretch(job, start, at, zero);
      start = at;
    }
    zero = this_zero;
    job->data_bytes += this_zero ? 0 : length;
  }
  if (!zero || write_zeros)
    add_stretch(job, start, (size_t)job->fed.length, zero);
}

/* Where an older target has them, what is told to be the same comes from there. */
static enum vmf_code take_again(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                                const struct vmf_copy_job *job, struct vmf_error *error)
{
  size_t unit = copy->units->head.unit, none;

  VMF_TRY(vmf_reuse_look(scratch->reuse, job->data, error));
  for (size_t at = 0; at < job->fed.length; at += unit) {
    uint64_t guest = job->fed.guest + at;
    if (vmf_reuse_told(scratch->reuse, guest) &&
        !vmf_reuse_unit(scratch->reuse, guest, 0, job->data + at, NULL, &none))
      VMF_TRY(load_part(scratch, job, at, unit, error));
  }
  return VMF_OK;
}

static void note_stretches(const struct vmf_copy *copy, struct vmf_copy_job *job)
{
  size_t unit = copy->units->head.unit, length;

  for (size_t at = 0; at < job->fed.length; at += length) {
    uint64_t guest = job->fed.guest + at;
    length = vmf_min(unit, job->fed.length - at);
    bool lost = vmf_losses_touch(&job->losses, guest, length);
    job->record_count +=
        vmf_reuse_note_plain(guest, job->data + at, length, lost, &job->records[job->record_count]);
  }
}

static enum vmf_code make_stretches(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                                    struct vmf_copy_job *job, struct vmf_error *error)
{
  const struct vmf_io *io = copy->target->io;

  if (scratch->reuse)
    VMF_TRY(take_again(copy, scratch, job, error));
  if (scratch->reuse && copy->units->writer)
    note_stretches(copy, job);
  cut_stretches(copy, job, !io->reads_as_zero && !io->sequential);
  return VMF_OK;
}

/* ---- PLANNED, ORDERED: whole units ---- */

/* The packed form that the source has of the unit at `guest`; NULL: none was kept. Units are asked
 * for in guest order. */
static const struct vmf_kept_unit *find_kept(struct vmf_copy_job *job, uint64_t guest)
{
  const struct vmf_kept *kept = &job->kept;

  while (job->next_kept < kept->count && kept->units[job->next_kept].guest < guest)
    job->next_kept++;
  return job->next_kept < kept->count && kept->units[job->next_kept].guest == guest
             ? &kept->units[job->next_kept]
             : NULL;
}

/* The packed length of the unit before this one, see vmf_pack. None behind a hole, nor at multiples
 * of what every job's border is one of: the bytes do not show how the disk was cut into jobs. */
static size_t neighbour_of(const struct vmf_copy_job *job, const struct vmf_shape *shape,
                           uint64_t guest)
{
  const struct vmf_block *before = job->block_count > 0 ? &job->blocks[job->block_count - 1] : NULL;

  if (!before || before->guest + shape->unit != guest || guest % VMF_FEED_JOB_BYTES == 0)
    return 0;
  return before->data_length;
}

static void take_kept(const struct vmf_copy_job *job, const struct vmf_kept_unit *kept,
                      struct vmf_block *block)
{
  block->data = job->packed + kept->start;
  block->data_length = kept->length;
  block->packed = true;
  block->zero = false;
}

static enum vmf_code pack_unit(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                               struct vmf_copy_job *job, size_t neighbour, size_t *packed_used,
                               struct vmf_block *block, struct vmf_error *error)
{
  const struct vmf_shape *shape = &copy->target->shape;
  uint8_t *packed = job->packed + *packed_used;
  size_t at = (size_t)(block->guest - job->fed.guest), length = 0;

  if (!scratch->reuse ||
      !vmf_reuse_unit(scratch->reuse, block->guest, neighbour, job->data + at, packed, &length)) {
    if (scratch->reuse && vmf_reuse_told(scratch->reuse, block->guest))
      VMF_TRY(load_part(scratch, job, at, shape->unit, error));
    VMF_TRY(vmf_pack(scratch->packer, block->data, shape->outer ? block->length : shape->unit,
                     neighbour, packed, packed_limit(shape), &length, error));
  }
  if (length == 0)
    return VMF_OK;
  block->data = packed;
  block->data_length = length;
  block->packed = true;
  block->zero = false;
  *packed_used += length;
  return VMF_OK;
}

/* As the source has it, as an older target has it, or packed. */
static enum vmf_code make_packed(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                                 struct vmf_copy_job *job, size_t *packed_used,
                                 struct vmf_block *block, struct vmf_error *error)
{
  const struct vmf_kept_unit *kept = find_kept(job, block->guest);
  size_t neighbour = neighbour_of(job, &copy->target->shape, block->guest);

  if (kept)
    take_kept(job, kept, block);
  else
    VMF_TRY(pack_unit(copy, scratch, job, neighbour, packed_used, block, error));
  bool lost = vmf_losses_touch(&job->losses, block->guest, block->length);
  if (scratch->reuse && copy->units->writer)
    vmf_reuse_note(scratch->reuse, block, neighbour, kept || lost, &job->records[job->block_count]);
  return VMF_OK;
}

/* The framing of a unit that comes in parts is made when it is placed. */
static enum vmf_code frame_last(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                                struct vmf_copy_job *job, struct vmf_error *error)
{
  const struct vmf_shape *shape = &copy->target->shape;
  size_t last = job->block_count - 1;
  size_t room = vmf_copy_framing(shape);
  uint8_t *framing = room > 0 ? job->framing + last * room : NULL;

  if (copy->part < shape->unit)
    return VMF_OK;
  if (shape->hole > 0)
    vmf_copy_leave_out(shape, framing, job->data + (job->blocks[last].guest - job->fed.guest),
                       &job->blocks[last]);
  return vmf_copy_frame(copy->target, scratch->block_digest, framing, &job->blocks[last], error);
}

static enum vmf_code add_unit(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                              struct vmf_copy_job *job, size_t at, size_t *packed_used,
                              struct vmf_error *error)
{
  const struct vmf_shape *shape = &copy->target->shape;
  const uint8_t *data = job->data + at;
  bool told = scratch->reuse && vmf_reuse_told(scratch->reuse, job->fed.guest + at);
  bool zero = !told && vmf_is_zero(data, copy->part);
  struct vmf_block *block = &job->blocks[job->block_count];

  if (!zero)
    job->data_bytes += vmf_min(copy->part, job->fed.length - at);
  if (copy->backing ? memcmp(data, job->expected + at, copy->part) == 0
                    : zero && !shape->keep_zeros)
    return VMF_OK;
  *block = (struct vmf_block){.guest = job->fed.guest + at,
                              .length = (uint32_t)vmf_min(copy->part, job->fed.length - at),
                              .zero = zero,
                              .data = data,
                              .data_length = copy->part};
  if (shape->unpadded)
    block->data_length = block->length;
  if (packs(copy) && !(zero && copy->backing))
    VMF_TRY(make_packed(copy, scratch, job, packed_used, block, error));
  if (block->zero && !shape->keep_zeros) {
    block->data = NULL;
    block->data_length = 0;
  }
  job->block_count++;
  job->record_count = job->block_count;
  return frame_last(copy, scratch, job, error);
}

static enum vmf_code cut_units(const struct vmf_copy *copy, struct vmf_copy_scratch *scratch,
                               struct vmf_copy_job *job, struct vmf_error *error)
{
  size_t packed_used = job->kept.used;

  if (scratch->reuse)
    VMF_TRY(vmf_reuse_look(scratch->reuse, job->data, error));
  for (size_t at = 0; at < job->fed.length; at += copy->part)
    VMF_TRY(add_unit(copy, scratch, job, at, &packed_used, error));
  return VMF_OK;
}

enum vmf_code vmf_copy_work(void *job_data, void *scratch_data, void *context,
                            struct vmf_error *error)
{
  struct vmf_copy_job *job = job_data;
  const struct vmf_copy *copy = (const struct vmf_copy *)context + job->fed.disk;
  struct vmf_copy_scratch *scratch = scratch_data;
  const struct vmf_target *target = copy->target;

  job->block_count = job->record_count = 0;
  job->data_bytes = 0;
  job->losses.count = 0;
  if (job->fed.hole)
    return VMF_OK;
  VMF_TRY(prepare(copy, job, error));
  VMF_TRY(prepare_scratch(copy, scratch, error));
  if (scratch->reuse)
    VMF_TRY(begin_reuse(copy, scratch, job, error));
  VMF_TRY(load(copy, job, scratch, error));
  if (copy->checksum)
    VMF_TRY(hash(job, scratch->digest, error));
  if (!target)
    return VMF_OK;
  VMF_TRY(target->shape.layout == VMF_FIXED ? make_stretches(copy, scratch, job, error)
                                            : cut_units(copy, scratch, job, error));
  return copy->journal ? vmf_journal_digest(job, scratch->proof, error) : VMF_OK;
}

void vmf_copy_free_job(void *job_data)
{
  struct vmf_copy_job *job = job_data;
  vmf_fed_free(&job->fed);
  vmf_free(job->data);
  vmf_free(job->expected);
  vmf_free(job->packed);
  vmf_free(job->kept.units);
  vmf_losses_free(&job->losses);
  vmf_free(job->blocks);
  vmf_free(job->records);
  vmf_free(job->framing);
  vmf_free(job->digests);
  vmf_free(job->zero_digest);
  vmf_free(job->messages);
}

void vmf_copy_free_scratch(void *scratch_data)
{
  struct vmf_copy_scratch *scratch = scratch_data;
  vmf_loader_free(scratch->loader);
  vmf_packer_free(scratch->packer);
  vmf_reuse_free(scratch->reuse);
  vmf_spans_free(&scratch->part);
  vmf_digest_free(scratch->digest);
  vmf_digest_free(scratch->block_digest);
  vmf_digest_free(scratch->proof);
}
