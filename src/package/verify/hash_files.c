/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A job is the next slice of one file; of each file one slice is under way at a time, so that its
 * digest takes the bytes in order while other files are hashed beside it. */
#include "hash_files.h"

#include "checked.h"
#include "memory.h"
#include "run.h"

enum {
  READ_BYTES = 1 << 20,
  SLICE_BYTES = 16 << 20,
  SMALL_BYTES = 16 << 10, /* to hand so little to a worker takes longer than to hash it */
};

/* A file that has been begun. */
struct running {
  struct vmf_hash_file *file;
  struct vmf_io *io;
  struct vmf_digest *digests[VMF_DIGEST_KINDS];
  uint64_t done;
};

struct slice {
  struct running *running; /* not owned */
  uint8_t *buffer;
  uint64_t hashed; /* of this slice */
  enum vmf_code code;
};

struct hashing {
  struct vmf_package *package;
  const struct vmf_package_check *check;
  struct vmf_pipeline *pipeline;
  struct vmf_hash_file *files;
  size_t count, next;       /* files; the next that has not been begun */
  struct running *runnings; /* as many files as are hashed at once */
  size_t slots;
  struct running *ready; /* begun, its next slice not submitted yet; NULL: none */
  uint64_t done, total;  /* bytes */
  uint8_t small[SMALL_BYTES];
};

/* ---- one file ---- */

static void end_file(struct running *running)
{
  vmf_io_close(running->io);
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    vmf_digest_free(running->digests[i]);
  *running = (struct running){0};
}

static enum vmf_code make_digests(struct running *running, struct vmf_error *error)
{
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    if (running->file->wanted[i])
      VMF_TRY(vmf_digest_new((enum vmf_digest_kind)i, &running->digests[i], error));
  return VMF_OK;
}

/* A file that cannot be opened keeps its error, and running->file is NULL then. */
static enum vmf_code open_file(struct hashing *hashing, struct running *running,
                               struct vmf_hash_file *file, struct vmf_error *error)
{
  *running = (struct running){.file = file};
  enum vmf_code code =
      vmf_package_open_stored(hashing->package, file->name, &running->io, &file->error);
  file->error.code = code;
  if (code != VMF_OK) {
    end_file(running);
    return code == VMF_NOMEM ? vmf_fail(error, VMF_NOMEM, "%s", file->error.text) : VMF_OK;
  }
  (void)vmf_stored_key(hashing->package, running->io, &file->key);
  return make_digests(running, error);
}

static enum vmf_code finish_digests(struct running *running, struct vmf_error *error)
{
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    if (running->digests[i])
      VMF_TRY(vmf_digest_final(running->digests[i], running->file->digests[i], error));
  running->file->size = running->done;
  return VMF_OK;
}

/* ---- a slice, on any thread ---- */

static enum vmf_code hash_some(struct running *running, uint8_t *buffer, size_t length,
                               struct vmf_error *error)
{
  for (size_t i = 0; i < VMF_DIGEST_KINDS; i++)
    if (running->digests[i])
      VMF_TRY(vmf_digest_update(running->digests[i], buffer, length, error));
  return VMF_OK;
}

static enum vmf_code slice_work(void *job, void *scratch, void *context, struct vmf_error *error)
{
  const struct hashing *hashing = context;
  struct slice *slice = job;
  struct running *running = slice->running;
  uint64_t end = vmf_min(running->io->size, running->done + SLICE_BYTES);
  void *memory;

  (void)scratch;
  slice->hashed = 0;
  slice->code = VMF_OK;
  if (!slice->buffer) {
    VMF_TRY(vmf_alloc_pages(READ_BYTES, &memory, error));
    slice->buffer = memory;
  }
  while (running->done < end) {
    size_t length = (size_t)vmf_min(READ_BYTES, end - running->done);
    if (vmf_cancel_requested(hashing->check->cancel))
      return VMF_OK; /* the caller's thread sees it, too */
    slice->code =
        vmf_io_pread(running->io, slice->buffer, length, running->done, &running->file->error);
    if (slice->code != VMF_OK)
      return VMF_OK;
    VMF_TRY(hash_some(running, slice->buffer, length, error));
    running->done += length;
    slice->hashed += length;
  }
  return VMF_OK;
}

static void slice_free(void *job)
{
  vmf_free(((struct slice *)job)->buffer);
}

/* ---- all files, on the caller's thread ---- */

static struct running *free_slot(struct hashing *hashing)
{
  for (size_t i = 0; i < hashing->slots; i++)
    if (!hashing->runnings[i].file)
      return &hashing->runnings[i];
  return NULL;
}

static enum vmf_code retire_slice(struct hashing *hashing, const struct slice *slice,
                                  struct vmf_error *error)
{
  struct running *running = slice->running;

  hashing->done += slice->hashed;
  if (hashing->check->progress)
    hashing->check->progress(hashing->check->progress_data, vmf_min(hashing->done, hashing->total),
                             hashing->total);
  if (slice->code != VMF_OK) {
    running->file->error.code = slice->code;
    end_file(running);
  } else if (running->done < running->io->size) {
    hashing->ready = running; /* there is none: there are more jobs than slots */
  } else {
    enum vmf_code code = finish_digests(running, error);
    end_file(running);
    return code;
  }
  return VMF_OK;
}

/* A small file is hashed here and now: running->file is NULL then. */
static enum vmf_code begin_file(struct hashing *hashing, struct running *running,
                                struct vmf_hash_file *file, struct vmf_error *error)
{
  struct slice slice = {.running = running, .buffer = hashing->small};

  VMF_TRY(open_file(hashing, running, file, error));
  if (!running->file || running->io->size > SMALL_BYTES)
    return VMF_OK;
  VMF_TRY(slice_work(&slice, NULL, hashing, error));
  return retire_slice(hashing, &slice, error);
}

/* Begins the next file when there is room for one. */
static enum vmf_code make_ready(struct hashing *hashing, struct vmf_error *error)
{
  struct running *slot = free_slot(hashing);

  while (slot && hashing->next < hashing->count && !slot->file)
    VMF_TRY(begin_file(hashing, slot, &hashing->files[hashing->next++], error));
  hashing->ready = slot && slot->file ? slot : NULL;
  return VMF_OK;
}

static enum vmf_code submit_slices(struct hashing *hashing, struct vmf_error *error)
{
  for (;;) {
    struct slice *slice;
    if (!hashing->ready)
      VMF_TRY(make_ready(hashing, error));
    if (!hashing->ready || !(slice = vmf_pipeline_claim(hashing->pipeline)))
      return VMF_OK;
    slice->running = hashing->ready;
    hashing->ready = NULL;
    vmf_pipeline_submit(hashing->pipeline);
  }
}

static enum vmf_code hash_all(struct hashing *hashing, struct vmf_error *error)
{
  const struct vmf_job_options options = {.size = sizeof options, .cancel = hashing->check->cancel};

  for (;;) {
    void *oldest;
    VMF_TRY(vmf_copy_cancelled(&options, error));
    VMF_TRY(submit_slices(hashing, error));
    VMF_TRY(vmf_pipeline_oldest(hashing->pipeline, &oldest, error));
    if (!oldest)
      return VMF_OK;
    VMF_TRY(vmf_copy_cancelled(&options, error)); /* the slice may be cut short */
    VMF_TRY(retire_slice(hashing, oldest, error));
    vmf_pipeline_retire(hashing->pipeline);
  }
}

static void measure(struct hashing *hashing)
{
  for (size_t i = 0; i < hashing->count; i++) {
    struct vmf_io *io;
    if (vmf_package_open_stored(hashing->package, hashing->files[i].name, &io, NULL) != VMF_OK)
      continue;
    hashing->total += io->size;
    vmf_io_close(io);
  }
}

static enum vmf_code hash_with(struct hashing *hashing, struct vmf_crew *crew,
                               struct vmf_error *error)
{
  static const struct vmf_stage stage = {
      .job_size = sizeof(struct slice), .work = slice_work, .free_job = slice_free};
  struct vmf_share share = vmf_crew_take(crew, 0, READ_BYTES);
  VMF_AUTO_FREE void *runnings = NULL;

  hashing->slots = vmf_max(share.threads, 1);
  VMF_TRY(vmf_alloc(hashing->slots * sizeof(struct running), &runnings, error));
  hashing->runnings = runnings;
  VMF_TRY(vmf_pipeline_new(crew, &stage, hashing, &share, &hashing->pipeline, error));
  enum vmf_code code = hash_all(hashing, error);
  vmf_pipeline_free(hashing->pipeline); /* before the files that its threads may be reading */
  for (size_t i = 0; i < hashing->slots; i++)
    end_file(&hashing->runnings[i]);
  vmf_crew_give_back(crew, &share);
  return code;
}

enum vmf_code vmf_hash_files(struct vmf_package *package, struct vmf_hash_file *files, size_t count,
                             const struct vmf_package_check *check, struct vmf_error *error)
{
  struct hashing hashing = {.package = package, .check = check, .files = files, .count = count};
  struct vmf_crew *crew;

  measure(&hashing);
  VMF_TRY(vmf_crew_new(check->threads, &crew, error));
  enum vmf_code code = hash_with(&hashing, crew, error);
  vmf_crew_free(crew);
  return code;
}
