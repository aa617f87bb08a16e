/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is noted of a conversion, and when it is made sure. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "journal_head.h"
#include "journal_inside.h"
#include "list.h"
#include "log.h"
#include "memory.h"

enum { CHUNK_BYTES = 256 << 20, PACE = 100 };

/* ---- opened ---- */

static struct vmf_output *output_of(const struct vmf_draft *draft)
{
  return draft->output ? draft->output : draft->beside;
}

static const char *obstacle(const struct vmf_copy *copy)
{
  const struct vmf_output *output = output_of(vmf_draft(copy->target));

  if (!output || !vmf_output_can_resume(output))
    return "it is a pipe, a device or an object whose journal was given no place "
           "(--journal-file), or a file that is written where it is";
  if (vmf_image_streams(copy->source))
    return "its source comes on a pipe";
  if (copy->target->shape.encrypts)
    return "each run encrypts it by another key";
  if (copy->units && copy->target->shape.layout == VMF_FIXED)
    return "a map of data that is not packed has to be made in one run";
  return copy->salvage ? "what can be read of a source that is salvaged may be less the next time"
                       : NULL;
}

enum vmf_code vmf_journal_fix_identity(struct vmf_identity *identity, struct vmf_error *error)
{
  if (identity->derived)
    return VMF_OK;
  VMF_TRY(vmf_identity_bytes(identity, "journal", identity->seed, sizeof identity->seed, error));
  identity->derived = true;
  return VMF_OK;
}

/* It was interrupted before anything was sure, or that is damaged. */
static enum vmf_code begin_again(struct vmf_journal *journal, struct vmf_error *error)
{
  journal->io = NULL;
  journal->end = 0;
  return vmf_output_begin_again(journal->output, journal->only, error);
}

static void swap(char **one, char **other)
{
  char *kept = *one;

  *one = *other;
  *other = kept;
}

/* The head of the file becomes that of the journal; the first chunk tells whether it is whole. */
static enum vmf_code go_on(struct vmf_journal *journal, struct vmf_identity *identity,
                           struct vmf_error *error)
{
  VMF_AUTO_FREE char *other = NULL;
  struct vmf_identity found;
  bool whole;

  VMF_TRY(vmf_output_journal(journal->output, journal->only, &journal->io, error));
  VMF_TRY(vmf_journal_load_head(journal->io, &other, error));
  if (!other)
    return begin_again(journal, error);
  VMF_TRY(vmf_journal_head_compare(other, journal->head, journal->io->name, &found, error));
  swap(&other, &journal->head);
  journal->end = journal->at = strlen(journal->head);
  VMF_TRY(vmf_journal_load(journal, journal->at, 0, &whole, error));
  if (!whole) {
    swap(&other, &journal->head);
    return begin_again(journal, error);
  }
  *identity = found;
  journal->taking = true;
  return VMF_OK;
}

static enum vmf_code fill(struct vmf_journal *journal, const struct vmf_copy *copy,
                          struct vmf_error *error)
{
  struct vmf_draft *draft = vmf_draft(copy->target);
  uint64_t chunk = draft->journal_chunk;

  journal->copy = copy;
  journal->output = output_of(draft);
  journal->only = draft->file;
  journal->pace = PACE * copy->beside;
  journal->paced = chunk == 0;
  journal->enough = chunk == 0 ? CHUNK_BYTES : chunk;
  VMF_TRY(vmf_journal_fix_identity(&draft->identity, error));
  VMF_TRY(vmf_journal_head(copy, &journal->head, error));
  VMF_TRY(vmf_digest_new(VMF_XXH3, &journal->digest, error));
  if (vmf_output_resumed(journal->output, journal->only))
    return go_on(journal, &draft->identity, error);
  return journal->only && vmf_output_resumed(journal->output, NULL) ? begin_again(journal, error)
                                                                    : VMF_OK;
}

/* What can have no journal cannot go on with what has one. */
static enum vmf_code do_without(const struct vmf_copy *copy, const char *why,
                                struct vmf_error *error)
{
  const struct vmf_draft *draft = vmf_draft(copy->target);
  struct vmf_output *output = output_of(draft);

  if (draft->journal == VMF_JOURNAL_WANTED && !(output && vmf_output_goes_on(output)))
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: cannot be resumed: %s", copy->target->io->name,
                    why);
  return output && vmf_output_resumed(output, NULL)
             ? vmf_output_begin_again(output, draft->file, error)
             : VMF_OK;
}

static enum vmf_code make(const struct vmf_copy *copy, struct vmf_journal **journal,
                          struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct vmf_journal), &memory, error));
  vmf_journal_sure_init(memory);
  enum vmf_code code = fill(memory, copy, error);
  if (code == VMF_OK)
    *journal = memory;
  else
    vmf_journal_free(memory);
  return code;
}

enum vmf_code vmf_journal_open(const struct vmf_copy *copy, struct vmf_journal **journal,
                               struct vmf_error *error)
{
  const struct vmf_draft *draft = vmf_draft(copy->target);
  const char *why = obstacle(copy);
  struct vmf_output_object object;
  struct vmf_error failure = {0};

  *journal = NULL;
  if (draft->journal == VMF_JOURNAL_NONE || why)
    return do_without(copy, why, error);
  enum vmf_code code = draft->output && vmf_output_uploads(draft->output, &object)
                           ? vmf_journal_upload(copy, &failure)
                           : make(copy, journal, &failure);
  if (code == VMF_OK)
    return VMF_OK;
  if (code == VMF_UNSUPPORTED && draft->journal != VMF_JOURNAL_WANTED)
    return do_without(copy, failure.text, error);
  if (error)
    *error = failure;
  return code;
}

void vmf_journal_free(struct vmf_journal *journal)
{
  if (!journal)
    return;
  vmf_journal_sure_destroy(journal);
  vmf_journal_free_taking(journal);
  vmf_digest_free(journal->digest);
  vmf_free(journal->growing.bytes);
  vmf_free(journal->head);
  vmf_free(journal);
}

/* ---- noted ---- */

static uint16_t file_of(const struct vmf_journal *journal, const struct vmf_block *block)
{
  const struct vmf_io *io = block->io ? block->io : journal->copy->target->io, *other;
  size_t index = 0;

  if (journal->only)
    return 0;
  while ((other = vmf_output_file(journal->output, index)) != NULL && other != io)
    index++;
  return (uint16_t)index;
}

/* Of a device, zeros are written where they are to be read; they are proven as such. */
static enum vmf_code note_block(struct vmf_journal *journal, const struct vmf_block *block,
                                struct vmf_error *error)
{
  uint8_t *at;

  VMF_TRY(vmf_journal_room(&journal->growing, JOURNAL_BLOCK, &at, error));
  put_le64(at, block->guest);
  put_le64(at + 8, block->host);
  put_le32(at + 16, block->length);
  put_le32(at + 20, block->data ? (uint32_t)block->data_length : 0);
  put_le32(at + 24, block->zeros + (block->data ? 0 : (uint32_t)block->data_length));
  put_le16(at + 28, (uint16_t)block->head_length);
  put_le16(at + 30, (uint16_t)block->tail_length);
  put_le16(at + 32, file_of(journal, block));
  put_le16(at + 34, (block->zero ? JOURNAL_ZERO : 0) | (block->packed ? JOURNAL_PACKED : 0));
  return VMF_OK;
}

/* Of the map that is made with the target; where it is follows from the block. */
static enum vmf_code note_unit(struct vmf_journal *journal, const struct vmf_unit_record *record,
                               struct vmf_error *error)
{
  uint8_t *at;

  VMF_TRY(vmf_journal_room(&journal->growing, JOURNAL_UNIT, &at, error));
  put_le32(at, record->stored);
  put_le32(at + 4, record->length);
  put_le32(at + 8, record->neighbour);
  put_le32(at + 12,
           (record->packed ? JOURNAL_UNIT_PACKED : 0) | (record->kept ? JOURNAL_UNIT_KEPT : 0));
  memcpy(at + 16, record->digest, VMF_UNIT_DIGEST);
  memcpy(at + 32, record->stored_sum, VMF_QUICK_SUM);
  return VMF_OK;
}

static enum vmf_code note_digests(struct vmf_journal *journal, const struct vmf_copy_job *job,
                                  struct vmf_error *error)
{
  size_t size = vmf_digest_size(journal->copy->digest_kind);

  for (size_t i = 0; i * VMF_CHECKSUM_BLOCK < job->fed.length; i++) {
    bool zero = job->zero_digest[i];
    uint8_t *at;
    VMF_TRY(vmf_journal_room(&journal->growing, zero ? 1 : 1 + size, &at, error));
    at[0] = zero;
    if (!zero)
      memcpy(at + 1, job->digests + i * VMF_DIGEST_MAX, size);
  }
  return VMF_OK;
}

enum vmf_code vmf_journal_note(struct vmf_journal *journal, const struct vmf_copy_job *job,
                               struct vmf_error *error)
{
  uint8_t *at;

  if (journal->growing.used == 0)
    VMF_TRY(vmf_journal_room(&journal->growing, JOURNAL_CHUNK_HEAD, &at, error));
  VMF_TRY(vmf_journal_room(&journal->growing, JOURNAL_JOB, &at, error));
  put_le64(at, job->fed.guest);
  put_le64(at + 8, job->fed.length);
  put_le64(at + 16, job->data_bytes);
  put_le64(at + 24, job->fed.hole ? 0 : job->proof);
  put_le32(at + 32, job->fed.hole);
  put_le32(at + 36, (uint32_t)job->block_count);
  for (size_t i = 0; i < job->block_count; i++)
    VMF_TRY(note_block(journal, &job->blocks[i], error));
  for (size_t i = 0; i < job->block_count && vmf_journal_has_units(journal); i++)
    VMF_TRY(note_unit(journal, &job->records[i], error));
  if (job->fed.hole)
    return VMF_OK;
  journal->data += job->fed.length;
  return journal->copy->checksum ? note_digests(journal, job, error) : VMF_OK;
}

enum vmf_code vmf_journal_digest(struct vmf_copy_job *job, struct vmf_digest *digest,
                                 struct vmf_error *error)
{
  uint8_t out[VMF_DIGEST_MAX];

  for (size_t i = 0; i < job->block_count; i++) {
    const struct vmf_block *block = &job->blocks[i];
    VMF_TRY(vmf_digest_update(digest, block->head, block->head_length, error));
    if (block->data)
      VMF_TRY(vmf_digest_update(digest, block->data, block->data_length, error));
    VMF_TRY(vmf_digest_update(digest, block->tail, block->tail_length, error));
  }
  VMF_TRY(vmf_digest_final(digest, out, error));
  job->proof = get_be64(out);
  return VMF_OK;
}

/* ---- made sure ---- */

/* The chunk that has grown is the next to be made sure, and another one grows. */
static void close_chunk(struct vmf_journal *journal)
{
  const struct vmf_journal_chunk empty = journal->sure;

  journal->sure = journal->growing;
  journal->growing = empty;
  journal->growing.used = 0;
  journal->data = 0;
}

/* What is sealed is made sure as soon as all that it tells of is written. wait: now. */
static enum vmf_code hand_over(struct vmf_journal *journal, struct vmf_pipeline *pipeline,
                               bool wait, struct vmf_error *error)
{
  if (!journal->sealed || (!wait && !vmf_pipeline_stored(pipeline, journal->jobs)))
    return VMF_OK;
  if (wait)
    VMF_TRY(vmf_pipeline_drain(pipeline, error));
  journal->sealed = false;
  return vmf_journal_make_sure(journal, error);
}

/* The conversion goes on while a chunk is made sure; only where the next one has become too large,
 * or is to have a certain size, it waits for the one before. While what an interrupted run has done
 * is taken up, nothing else is read of the journal, or written into it. */
enum vmf_code vmf_journal_mark(struct vmf_journal *journal, struct vmf_pipeline *pipeline,
                               struct vmf_error *error)
{
  bool full = journal->growing.used >= JOURNAL_JOBS_ENOUGH, sure;
  bool due = full || (journal->data >= journal->enough && journal->data > 0);
  bool wait = due && (full || !journal->paced);

  VMF_TRY(hand_over(journal, pipeline, wait, error));
  if (!due || journal->sealed)
    return VMF_OK;
  VMF_TRY(vmf_journal_is_sure(journal, wait, &sure, error));
  if (!sure || (!wait && !vmf_journal_is_time(journal)))
    return VMF_OK;
  close_chunk(journal);
  journal->jobs = vmf_pipeline_passed(pipeline);
  journal->sealed = true;
  wait = !journal->paced || journal->taking || vmf_journal_is_above(journal);
  VMF_TRY(hand_over(journal, pipeline, wait, error));
  return journal->taking ? vmf_journal_is_sure(journal, true, &sure, error) : VMF_OK;
}

enum vmf_code vmf_journal_end(struct vmf_journal *journal, struct vmf_error *error)
{
  bool sure;

  if (journal->only && journal->sealed) {
    journal->sealed = false;
    VMF_TRY(vmf_journal_make_sure(journal, error));
  }
  VMF_TRY(vmf_journal_is_sure(journal, true, &sure, error));
  if (!journal->only || journal->growing.used == 0)
    return VMF_OK;
  close_chunk(journal);
  VMF_TRY(vmf_journal_make_sure(journal, error));
  return vmf_journal_is_sure(journal, true, &sure, error);
}

/* ---- left ---- */

static void leave(const struct vmf_target *target, struct vmf_output *output)
{
  if (!vmf_output_leave(output))
    return;
  const char *path = vmf_output_journal_path(output);
  if (path)
    vmf_warn(target->log,
             "%s: what was done is noted in %s; \"vmferry convert --resume\" with the same files "
             "and options goes on with it, and removes that file",
             vmf_output_path(output), path);
  else
    vmf_warn(
        target->log,
        "%s: what was done is kept in %s; \"vmferry convert --resume\" with the same files and "
        "options goes on with it, \"vmferry clean\" removes it",
        vmf_output_path(output), vmf_output_temporary(output));
}

void vmf_journal_leave(struct vmf_journal *journal, enum vmf_code code)
{
  struct vmf_error ignored;
  bool sure;

  if (!journal)
    return;
  (void)!vmf_journal_is_sure(journal, true, &sure, &ignored);
  if (!journal->only && journal->chunks > 0 &&
      (code == VMF_CANCELLED || code == VMF_TEMPORARY || code == VMF_READ))
    leave(journal->copy->target, journal->output);
}

void vmf_journal_leave_finished(const struct vmf_target *target, enum vmf_code code)
{
  struct vmf_output *output = vmf_draft(target)->output;

  if (output && code == VMF_CANCELLED)
    leave(target, output);
}
