/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a journal tells is read, proven, and done once more. */
#include <string.h>

#include "bytes.h"
#include "cancel.h"
#include "checked.h"
#include "file.h"
#include "journal_head.h"
#include "journal_inside.h"
#include "list.h"
#include "log.h"
#include "memory.h"

/* ---- the head ---- */

enum vmf_code vmf_journal_load_head(struct vmf_io *io, char **head, struct vmf_error *error)
{
  VMF_AUTO_FREE void *text = NULL;
  size_t length = (size_t)vmf_min(io->size, VMF_JOURNAL_HEAD_MOST);

  *head = NULL;
  VMF_TRY(vmf_alloc(length + 1, &text, error));
  VMF_TRY(vmf_io_pread(io, text, length, 0, error));
  const char *end = strstr(text, "\n\n");
  return end ? vmf_copy_bytes(text, (size_t)(end - (char *)text) + 2, head, error) : VMF_OK;
}

/* ---- chunks ---- */

enum vmf_code vmf_journal_sum(struct vmf_journal *journal, const uint8_t *chunk, size_t length,
                              uint64_t number, uint8_t sum[VMF_DIGEST_MAX], struct vmf_error *error)
{
  if (number == 0)
    VMF_TRY(vmf_digest_update(journal->digest, journal->head, strlen(journal->head), error));
  VMF_TRY(vmf_digest_update(journal->digest, chunk, length, error));
  return vmf_digest_final(journal->digest, sum, error);
}

enum vmf_code vmf_journal_load(struct vmf_journal *journal, uint64_t at, uint64_t number,
                               bool *whole, struct vmf_error *error)
{
  uint8_t head[JOURNAL_CHUNK_HEAD], sum[VMF_DIGEST_MAX];
  uint64_t left = journal->io->size - vmf_min(journal->io->size, at);

  *whole = false;
  journal->chunk_at = journal->chunk_length = 0;
  if (left < JOURNAL_CHUNK_HEAD + JOURNAL_SUM)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(journal->io, head, sizeof head, at, error));
  uint32_t length = get_le32(head + 4);
  if (memcmp(head, "CHNK", 4) != 0 || get_le64(head + 8) != number || length > JOURNAL_JOBS_MOST ||
      length > left - JOURNAL_CHUNK_HEAD - JOURNAL_SUM)
    return VMF_OK;
  size_t bytes = JOURNAL_CHUNK_HEAD + (size_t)length + JOURNAL_SUM;
  while (journal->chunk_capacity < bytes)
    VMF_TRY(vmf_list_grow(&journal->chunk, 1, &journal->chunk_capacity, "a journal", error));
  VMF_TRY(vmf_io_pread(journal->io, journal->chunk, bytes, at, error));
  VMF_TRY(vmf_journal_sum(journal, journal->chunk, bytes - JOURNAL_SUM, number, sum, error));
  *whole = get_be64(sum) == get_le64(journal->chunk + bytes - JOURNAL_SUM);
  journal->file_size = get_le64(head + 16);
  journal->chunk_at = JOURNAL_CHUNK_HEAD;
  journal->chunk_length = bytes - JOURNAL_SUM;
  return VMF_OK;
}

/* ---- the jobs of a chunk ---- */

static enum vmf_code wrong(const struct vmf_journal *journal, struct vmf_error *error)
{
  return vmf_fail(
      error, VMF_CORRUPT,
      "%s: is damaged; without --resume all is done again, \"vmferry clean\" removes it",
      journal->io->name);
}

static bool take(struct vmf_journal *journal, uint64_t length, const uint8_t **bytes)
{
  if (length > journal->chunk_length - journal->chunk_at)
    return false;
  *bytes = journal->chunk + journal->chunk_at;
  journal->chunk_at += (size_t)length;
  return true;
}

static bool read_block(struct vmf_journal *journal, struct vmf_block *block)
{
  const uint8_t *at;

  if (!take(journal, JOURNAL_BLOCK, &at))
    return false;
  uint16_t flags = get_le16(at + 34);
  *block = (struct vmf_block){.guest = get_le64(at),
                              .host = get_le64(at + 8),
                              .length = get_le32(at + 16),
                              .data_length = get_le32(at + 20),
                              .zeros = get_le32(at + 24),
                              .head_length = get_le16(at + 28),
                              .tail_length = get_le16(at + 30),
                              .io = vmf_journal_file(journal, get_le16(at + 32)),
                              .zero = (flags & JOURNAL_ZERO) != 0,
                              .packed = (flags & JOURNAL_PACKED) != 0};
  return block->io != NULL;
}

static bool read_units(struct vmf_journal *journal)
{
  struct vmf_copy_job *job = &journal->job;
  const uint8_t *at;

  for (size_t i = 0; i < job->block_count && vmf_journal_has_units(journal); i++) {
    if (!take(journal, JOURNAL_UNIT, &at))
      return false;
    uint32_t flags = get_le32(at + 12);
    job->records[i] = (struct vmf_unit_record){.guest = job->blocks[i].guest,
                                               .stored = get_le32(at),
                                               .length = get_le32(at + 4),
                                               .neighbour = get_le32(at + 8),
                                               .packed = (flags & JOURNAL_UNIT_PACKED) != 0,
                                               .kept = (flags & JOURNAL_UNIT_KEPT) != 0};
    memcpy(job->records[i].digest, at + 16, VMF_UNIT_DIGEST);
    memcpy(job->records[i].stored_sum, at + 32, VMF_QUICK_SUM);
  }
  return true;
}

static bool read_digests(struct vmf_journal *journal)
{
  struct vmf_copy_job *job = &journal->job;
  size_t size = vmf_digest_size(journal->copy->digest_kind);
  const uint8_t *at;

  for (size_t i = 0; i * VMF_CHECKSUM_BLOCK < job->fed.length; i++) {
    if (!take(journal, 1, &at))
      return false;
    job->zero_digest[i] = at[0] != 0;
    if (!job->zero_digest[i] && !take(journal, size, &at))
      return false;
    if (!job->zero_digest[i])
      memcpy(job->digests + i * VMF_DIGEST_MAX, at, size);
  }
  return true;
}

static enum vmf_code make_room(struct vmf_journal *journal, size_t blocks, struct vmf_error *error)
{
  struct vmf_copy_job *job = &journal->job;
  size_t digests = journal->copy->job_bytes / VMF_CHECKSUM_BLOCK;
  void *memory;

  if (journal->copy->checksum && !job->digests) {
    VMF_TRY(vmf_alloc(digests * VMF_DIGEST_MAX, &memory, error));
    job->digests = memory;
    VMF_TRY(vmf_alloc(digests * sizeof(bool), &memory, error));
    job->zero_digest = memory;
  }
  if (blocks <= journal->block_capacity)
    return VMF_OK;
  VMF_TRY(vmf_alloc(2 * blocks * sizeof(struct vmf_block), &memory, error));
  vmf_free(job->blocks);
  job->blocks = memory;
  journal->blocks = job->blocks + blocks;
  if (vmf_journal_has_units(journal)) {
    VMF_TRY(vmf_alloc(blocks * sizeof(struct vmf_unit_record), &memory, error));
    vmf_free(job->records);
    job->records = memory;
  }
  journal->block_capacity = blocks;
  return VMF_OK;
}

/* The next job of the chunk that is loaded; there is one. */
static enum vmf_code read_job(struct vmf_journal *journal, struct vmf_error *error)
{
  struct vmf_copy_job *job = &journal->job;
  const uint8_t *at;

  if (!take(journal, JOURNAL_JOB, &at))
    return wrong(journal, error);
  job->fed.guest = get_le64(at);
  job->fed.length = get_le64(at + 8);
  job->data_bytes = get_le64(at + 16);
  job->proof = get_le64(at + 24);
  job->fed.hole = get_le32(at + 32) != 0;
  job->block_count = get_le32(at + 36);
  job->record_count = vmf_journal_has_units(journal) ? job->block_count : 0;
  if (!vmf_range_within(job->fed.guest, job->fed.length, journal->copy->size) ||
      (!job->fed.hole && job->fed.length > journal->copy->job_bytes) ||
      job->block_count > (journal->chunk_length - journal->chunk_at) / JOURNAL_BLOCK)
    return wrong(journal, error);
  VMF_TRY(make_room(journal, job->block_count, error));
  for (size_t i = 0; i < job->block_count; i++) {
    if (!read_block(journal, &job->blocks[i]))
      return wrong(journal, error);
    journal->blocks[i] = job->blocks[i]; /* what place has to answer */
  }
  bool whole =
      read_units(journal) && (!journal->copy->checksum || job->fed.hole || read_digests(journal));
  return whole ? VMF_OK : wrong(journal, error);
}

static bool is_read(const struct vmf_journal *journal)
{
  return journal->chunk_at == journal->chunk_length;
}

/* ---- proven ---- */

/* Adds what stands there. *there: false where the file ends before. */
static enum vmf_code add_stored(struct vmf_journal *journal, struct vmf_io *io, uint64_t host,
                                uint64_t length, uint8_t *buffer, bool *there,
                                struct vmf_error *error)
{
  size_t step;

  if (!vmf_range_within(host, length, io->size))
    *there = false;
  for (; *there && length > 0; host += step, length -= step) {
    step = (size_t)vmf_min(length, JOURNAL_STEP);
    VMF_TRY(vmf_io_pread(io, buffer, step, host, error));
    VMF_TRY(vmf_digest_update(journal->digest, buffer, step, error));
  }
  return VMF_OK;
}

static enum vmf_code prove_job(struct vmf_journal *journal, uint8_t *buffer, bool *proven,
                               struct vmf_error *error)
{
  const struct vmf_copy_job *job = &journal->job;
  uint8_t sum[VMF_DIGEST_MAX];

  for (size_t i = 0; i < job->block_count && *proven; i++) {
    const struct vmf_block *block = &job->blocks[i];
    uint64_t front = block->head_length + block->data_length;
    VMF_TRY(vmf_journal_clear_gap(journal, block, job->fed.hole, buffer, error));
    VMF_TRY(add_stored(journal, block->io, block->host, front, buffer, proven, error));
    VMF_TRY(add_stored(journal, block->io, block->host + front + block->zeros, block->tail_length,
                       buffer, proven, error));
  }
  VMF_TRY(vmf_digest_final(journal->digest, sum, error));
  *proven = *proven && (job->fed.hole || get_be64(sum) == job->proof);
  return VMF_OK;
}

static enum vmf_code prove_chunk(struct vmf_journal *journal, const struct vmf_cancel *cancel,
                                 uint8_t *buffer, bool *proven, struct vmf_error *error)
{
  VMF_TRY(vmf_journal_load(journal, journal->end, journal->chunks, proven, error));
  while (*proven && !is_read(journal)) {
    VMF_TRY(vmf_cancelled(cancel, error));
    VMF_TRY(read_job(journal, error));
    VMF_TRY(prove_job(journal, buffer, proven, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_journal_prove(struct vmf_journal *journal, const struct vmf_cancel *cancel,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE void *buffer = NULL;
  uint64_t done = 0;
  bool proven = true;

  if (!journal->taking)
    return VMF_OK;
  VMF_TRY(vmf_journal_hand_down(journal, error)); /* what begin has written */
  VMF_TRY(vmf_alloc_pages(JOURNAL_STEP, &buffer, error));
  VMF_TRY(vmf_journal_gaps_begin(journal, buffer, error));
  for (;;) {
    VMF_TRY(prove_chunk(journal, cancel, buffer, &proven, error));
    if (!proven)
      break;
    journal->end += journal->chunk_length + JOURNAL_SUM;
    journal->chunks++;
    vmf_journal_gaps_settle(journal);
    done = journal->job.fed.guest + journal->job.fed.length;
  }
  journal->chunk_at = journal->chunk_length = 0;
  VMF_TRY(vmf_journal_clear_rest(journal, done, buffer, error));
  VMF_TRY(vmf_io_resize(journal->io, journal->end, error));
  vmf_note(journal->copy->target->log, "%s: goes on with an interrupted run, at guest byte %llu",
           vmf_journal_path(journal), (unsigned long long)done);
  return VMF_OK;
}

/* ---- taken up ---- */

/* All that is proven has been done once more. What stands behind it is done again. */
static enum vmf_code end_taking(struct vmf_journal *journal, struct vmf_error *error)
{
  struct vmf_io *io, *first = vmf_journal_file(journal, 0);

  journal->taking = false;
  for (size_t i = 0; (io = vmf_journal_file(journal, i)) != NULL; i++)
    vmf_io_keep(io, false);
  return first->size <= journal->file_size ? VMF_OK
                                           : vmf_io_resize(first, journal->file_size, error);
}

static enum vmf_code next_chunk(struct vmf_journal *journal, struct vmf_error *error)
{
  bool whole;

  if (journal->at >= journal->end)
    return end_taking(journal, error);
  VMF_TRY(vmf_journal_load(journal, journal->at, journal->taken, &whole, error));
  journal->taken++;
  journal->at += journal->chunk_length + JOURNAL_SUM;
  return whole ? VMF_OK : wrong(journal, error);
}

enum vmf_code vmf_journal_next(struct vmf_journal *journal, uint64_t guest,
                               struct vmf_copy_job **job, struct vmf_error *error)
{
  *job = NULL;
  while (journal->taking && (!journal->ready || journal->job.fed.guest < guest)) {
    journal->ready = false;
    if (is_read(journal)) {
      VMF_TRY(next_chunk(journal, error));
      continue;
    }
    VMF_TRY(read_job(journal, error));
    journal->ready = true;
  }
  if (journal->taking && journal->job.fed.guest == guest)
    *job = &journal->job;
  return VMF_OK;
}

enum vmf_code vmf_journal_taken(struct vmf_journal *journal, const struct vmf_copy_job *job,
                                struct vmf_error *error)
{
  journal->ready = false;
  for (size_t i = 0; i < job->block_count; i++) {
    const struct vmf_io *io = job->blocks[i].io ? job->blocks[i].io : journal->copy->target->io;
    if (job->blocks[i].host != journal->blocks[i].host ||
        (!journal->only && io != journal->blocks[i].io))
      return vmf_fail(error, VMF_CHANGED,
                      "%s: the block of guest byte %llu was written at byte %llu, and would now be "
                      "at byte %llu; without --resume all is done again",
                      journal->copy->target->io->name, (unsigned long long)job->blocks[i].guest,
                      (unsigned long long)journal->blocks[i].host,
                      (unsigned long long)job->blocks[i].host);
  }
  return VMF_OK;
}

void vmf_journal_free_taking(struct vmf_journal *journal)
{
  vmf_free(journal->chunk);
  vmf_free(journal->reached);
  vmf_free(journal->job.blocks);
  vmf_free(journal->job.records);
  vmf_free(journal->job.digests);
  vmf_free(journal->job.zero_digest);
}
