/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A job is the next piece of one file: any thread reads it, and in its turn among the pieces of
 * that file it is hashed. */
#include "hash_io.h"

#include <string.h>

#include "cancel.h"
#include "checked.h"
#include "memory.h"
#include "pipeline.h"

enum {
  PIECE_BYTES = 1 << 20,
  SMALL_BYTES = 16 << 10, /* to hand so little to a thread takes longer than to hash it */
};

/* A file that has been begun. Of the caller's thread alone, but for what the digests hold. */
struct running {
  struct vmf_hashed *file; /* NULL: none */
  struct vmf_io *io;
  struct vmf_digest *digests[VMF_DIGEST_KINDS];
  uint64_t begun; /* bytes that are in jobs, or done */
  unsigned jobs;  /* under way */
  bool failed;
};

struct piece {
  const struct running *running;
  uint8_t *buffer; /* PIECE_BYTES; made by the first thread that needs it */
  uint64_t offset;
  size_t length;
  struct vmf_error error; /* of reading */
};

struct run {
  const struct vmf_hashing *hashing;
  struct vmf_pipeline *pipeline;
  size_t next;              /* of the files: has not been begun */
  struct running *runnings; /* as many files as are read at once */
  unsigned slots, turn;     /* turn: whose piece is next */
  uint8_t small[SMALL_BYTES];
};

/* ---- a piece, on any thread ---- */

static enum vmf_code read_piece(void *job, void *scratch, void *context, struct vmf_error *error)
{
  struct piece *piece = job;
  void *memory;

  (void)scratch;
  (void)context;
  if (!piece->buffer) {
    VMF_TRY(vmf_alloc_pages(PIECE_BYTES, &memory, error));
    piece->buffer = memory;
  }
  piece->error.code =
      vmf_io_pread(piece->running->io, piece->buffer, piece->length, piece->offset, &piece->error);
  return VMF_OK;
}

static enum vmf_code hash_piece(void *job, void *context, struct vmf_error *error)
{
  const struct piece *piece = job;

  (void)context;
  for (size_t i = 0; i < VMF_DIGEST_KINDS && piece->error.code == VMF_OK; i++)
    if (piece->running->digests[i])
      VMF_TRY(vmf_digest_update(piece->running->digests[i], piece->buffer, piece->length, error));
  return VMF_OK;
}

static void free_piece(void *job)
{
  vmf_free(((struct piece *)job)->buffer);
}

/* ---- one file ---- */

/* What concerns one file is kept in it. */
static enum vmf_code keep_error(struct vmf_hashed *file, enum vmf_code code,
                                const struct vmf_error *found, struct vmf_error *error)
{
  if (code == VMF_NOMEM || code == VMF_CANCELLED) {
    if (error)
      *error = *found;
    return code;
  }
  if (code != VMF_OK && file->error.code == VMF_OK) {
    file->error = *found;
    file->error.code = code;
  }
  return VMF_OK;
}

static void give_up(const struct run *run, struct running *running)
{
  if (running->io)
    (void)!run->hashing->close(run->hashing->data, running->file, running->io, NULL);
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    vmf_digest_free(running->digests[i]);
  *running = (struct running){0};
}

static enum vmf_code finish_file(const struct run *run, struct running *running,
                                 struct vmf_error *error)
{
  const struct vmf_hashing *hashing = run->hashing;
  struct vmf_hashed *file = running->file;
  struct vmf_error found = {0};

  for (size_t i = 0; i < VMF_DIGEST_KINDS && !running->failed; i++)
    if (running->digests[i])
      VMF_TRY(vmf_digest_final(running->digests[i], file->digests[i], error));
  file->size = running->io->size;
  enum vmf_code code = hashing->close(hashing->data, file, running->io, &found);
  running->io = NULL;
  give_up(run, running);
  return keep_error(file, code, &found, error);
}

static enum vmf_code open_file(const struct run *run, struct running *running,
                               struct vmf_hashed *file, struct vmf_error *error)
{
  struct vmf_error found = {0};

  enum vmf_code code = run->hashing->open(run->hashing->data, file, &running->io, &found);
  if (code != VMF_OK)
    return keep_error(file, code, &found, error);
  running->file = file;
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    if (file->wanted[i])
      VMF_TRY(vmf_digest_new((enum vmf_digest_kind)i, &running->digests[i], error));
  return VMF_OK;
}

/* ---- all files, on the caller's thread ---- */

static enum vmf_code retire_piece(const struct run *run, const struct piece *piece,
                                  struct running *running, struct vmf_error *error)
{
  if (run->hashing->progress)
    run->hashing->progress(run->hashing->data, piece->length);
  if (piece->error.code != VMF_OK) {
    running->failed = true;
    VMF_TRY(keep_error(running->file, piece->error.code, &piece->error, error));
  }
  if (running->jobs > 0 || (!running->failed && running->begun < running->io->size))
    return VMF_OK;
  return finish_file(run, running, error);
}

/* A small file is hashed here and now. */
static enum vmf_code begin_file(struct run *run, struct running *running, struct vmf_error *error)
{
  struct piece piece = {.running = running, .buffer = run->small};

  VMF_TRY(open_file(run, running, &run->hashing->files[run->next++], error));
  if (!running->file || running->io->size > SMALL_BYTES)
    return VMF_OK;
  piece.length = (size_t)running->io->size;
  running->begun = piece.length;
  VMF_TRY(read_piece(&piece, NULL, NULL, error));
  VMF_TRY(hash_piece(&piece, NULL, error));
  return retire_piece(run, &piece, running, error);
}

static enum vmf_code begin_files(struct run *run, struct vmf_error *error)
{
  for (unsigned i = 0; i < run->slots; i++)
    while (!run->runnings[i].file && run->next < run->hashing->count) {
      VMF_TRY(vmf_cancelled(run->hashing->cancel, error));
      VMF_TRY(begin_file(run, &run->runnings[i], error));
    }
  return VMF_OK;
}

/* The files have their pieces one after the other. */
static struct running *next_running(struct run *run)
{
  for (unsigned left = run->slots; left > 0; left--) {
    struct running *running = &run->runnings[run->turn];
    if (running->file && !running->failed && running->begun < running->io->size)
      return running;
    run->turn = (run->turn + 1) % run->slots;
  }
  return NULL;
}

static enum vmf_code submit_pieces(struct run *run, struct vmf_error *error)
{
  struct running *running;
  struct piece *piece;

  VMF_TRY(begin_files(run, error));
  while ((running = next_running(run)) && (piece = vmf_pipeline_claim(run->pipeline))) {
    piece->running = running;
    piece->offset = running->begun;
    piece->length = (size_t)vmf_min(PIECE_BYTES, running->io->size - running->begun);
    running->begun += piece->length;
    running->jobs++;
    vmf_pipeline_submit_to(run->pipeline, run->turn);
    run->turn = (run->turn + 1) % run->slots;
  }
  return VMF_OK;
}

static enum vmf_code hash_all(struct run *run, struct vmf_error *error)
{
  for (;;) {
    void *oldest;
    VMF_TRY(vmf_cancelled(run->hashing->cancel, error));
    VMF_TRY(submit_pieces(run, error));
    VMF_TRY(vmf_pipeline_oldest(run->pipeline, &oldest, error));
    if (!oldest)
      return VMF_OK;
    struct running *running =
        &run->runnings[((const struct piece *)oldest)->running - run->runnings];
    running->jobs--;
    VMF_TRY(retire_piece(run, oldest, running, error));
    vmf_pipeline_retire(run->pipeline);
  }
}

static enum vmf_code run_with(struct run *run, struct vmf_crew *crew, const struct vmf_share *share,
                              struct vmf_error *error)
{
  const struct vmf_stage stage = {.job_size = sizeof(struct piece),
                                  .work = read_piece,
                                  .in_turn = hash_piece,
                                  .free_job = free_piece,
                                  .series = run->slots};
  VMF_AUTO_FREE void *runnings = NULL;

  VMF_TRY(vmf_alloc(run->slots * sizeof(struct running), &runnings, error));
  run->runnings = runnings;
  VMF_TRY(vmf_pipeline_new(crew, &stage, run, share, &run->pipeline, error));
  enum vmf_code code = hash_all(run, error);
  vmf_pipeline_free(run->pipeline); /* before the files that its threads may be reading */
  for (unsigned i = 0; i < run->slots; i++)
    give_up(run, &run->runnings[i]);
  return code;
}

enum vmf_code vmf_hash_files(struct vmf_crew *crew, const struct vmf_hashing *hashing,
                             struct vmf_error *error)
{
  struct vmf_share share = vmf_crew_take(crew, &(struct vmf_demand){.job = PIECE_BYTES});
  struct run run = {.hashing = hashing, .slots = (unsigned)vmf_max(share.threads, 1)};
  enum vmf_code code = run_with(&run, crew, &share, error);

  vmf_crew_give_back(crew, &share);
  return code;
}

/* ---- one file that is open ---- */

static enum vmf_code open_opened(void *io, struct vmf_hashed *file, struct vmf_io **opened,
                                 struct vmf_error *error)
{
  (void)file;
  (void)error;
  *opened = io;
  return VMF_OK;
}

static enum vmf_code leave_open(void *data, struct vmf_hashed *file, struct vmf_io *io,
                                struct vmf_error *error)
{
  (void)data;
  (void)file;
  (void)io;
  (void)error;
  return VMF_OK;
}

enum vmf_code vmf_hash_io(struct vmf_crew *crew, struct vmf_io *io, enum vmf_digest_kind kind,
                          const struct vmf_cancel *cancel, uint8_t result[VMF_DIGEST_MAX],
                          struct vmf_error *error)
{
  struct vmf_hashed file = {.name = io->name};
  const struct vmf_hashing hashing = {.files = &file,
                                      .count = 1,
                                      .open = open_opened,
                                      .close = leave_open,
                                      .data = io,
                                      .cancel = cancel};

  file.wanted[kind] = true;
  VMF_TRY(vmf_hash_files(crew, &hashing, error));
  memcpy(result, file.digests[kind], VMF_DIGEST_MAX);
  if (file.error.code != VMF_OK && error)
    *error = file.error;
  return file.error.code;
}
