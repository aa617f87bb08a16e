/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Chunks are made sure by a thread of their own, so that the conversion goes on meanwhile: a file
 * is synced while others write behind what is to be sure. That costs the disk time all the same, so
 * the next chunk waits until many times that has passed. */
#include <string.h>
#include <time.h>

#include "bytes.h"
#include "checked.h"
#include "journal_inside.h"
#include "list.h"
#include "memory.h"
#include "size.h"
#include "thread.h"

static uint64_t now(void)
{
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

enum vmf_code vmf_journal_room(struct vmf_journal_chunk *chunk, size_t length, uint8_t **at,
                               struct vmf_error *error)
{
  while (chunk->capacity - chunk->used < length)
    VMF_TRY(vmf_list_grow(&chunk->bytes, 1, &chunk->capacity, "a journal", error));
  *at = chunk->bytes + chunk->used;
  chunk->used += length;
  return VMF_OK;
}

/* ---- the work ---- */

/* The data first: a chunk that is there tells the truth. */
static enum vmf_code sync_files(const struct vmf_journal *journal, struct vmf_error *error)
{
  for (size_t i = 0; i < journal->file_count; i++)
    VMF_TRY(vmf_io_flush(journal->files[i], error));
  return VMF_OK;
}

static enum vmf_code begin_file(struct vmf_journal *journal, struct vmf_error *error)
{
  size_t length = strlen(journal->head);

  if (journal->end > 0)
    return VMF_OK;
  VMF_TRY(vmf_io_pwrite(journal->io, journal->head, length, 0, error));
  journal->end = length;
  return VMF_OK;
}

static enum vmf_code write_chunk(struct vmf_journal *journal, struct vmf_error *error)
{
  struct vmf_journal_chunk *chunk = &journal->sure;
  uint8_t sum[VMF_DIGEST_MAX], *tail;

  memcpy(chunk->bytes, "CHNK", 4);
  put_le32(chunk->bytes + 4, (uint32_t)(chunk->used - JOURNAL_CHUNK_HEAD));
  put_le64(chunk->bytes + 8, journal->chunks);
  VMF_TRY(vmf_journal_sum(journal, chunk->bytes, chunk->used, journal->chunks, sum, error));
  VMF_TRY(vmf_journal_room(chunk, JOURNAL_SUM, &tail, error));
  put_le64(tail, get_be64(sum));
  VMF_TRY(begin_file(journal, error));
  VMF_TRY(vmf_io_pwrite(journal->io, chunk->bytes, chunk->used, journal->end, error));
  VMF_TRY(vmf_io_flush(journal->io, error));
  journal->end += chunk->used;
  journal->chunks++;
  return VMF_OK;
}

/* The lock is held, but while the disk is waited for. */
static void work(struct vmf_journal *journal)
{
  struct vmf_error error = {0};

  pthread_mutex_unlock(&journal->lock);
  uint64_t begun = now();
  enum vmf_code code = sync_files(journal, &error);
  if (code == VMF_OK)
    code = write_chunk(journal, &error);
  uint64_t ended = now();
  pthread_mutex_lock(&journal->lock);
  journal->code = code;
  journal->error = error;
  journal->not_before = ended + journal->pace * (ended - begun);
  journal->busy = false;
  pthread_cond_broadcast(&journal->moved);
}

static void *keep(void *data)
{
  struct vmf_journal *journal = data;

  pthread_mutex_lock(&journal->lock);
  while (journal->busy || !journal->stopping)
    if (journal->busy)
      work(journal);
    else
      pthread_cond_wait(&journal->moved, &journal->lock);
  pthread_mutex_unlock(&journal->lock);
  return NULL;
}

/* ---- for the caller's thread ---- */

void vmf_journal_sure_init(struct vmf_journal *journal)
{
  pthread_mutex_init(&journal->lock, NULL);
  pthread_cond_init(&journal->moved, NULL);
}

void vmf_journal_sure_destroy(struct vmf_journal *journal)
{
  pthread_mutex_lock(&journal->lock);
  journal->stopping = true;
  pthread_cond_broadcast(&journal->moved);
  pthread_mutex_unlock(&journal->lock);
  if (journal->started)
    pthread_join(journal->thread, NULL);
  pthread_cond_destroy(&journal->moved);
  pthread_mutex_destroy(&journal->lock);
  vmf_free(journal->sure.bytes);
  vmf_free(journal->files);
}

enum vmf_code vmf_journal_is_sure(struct vmf_journal *journal, bool wait, bool *sure,
                                  struct vmf_error *error)
{
  pthread_mutex_lock(&journal->lock);
  while (wait && journal->busy)
    pthread_cond_wait(&journal->moved, &journal->lock);
  *sure = !journal->busy;
  enum vmf_code code = *sure ? journal->code : VMF_OK;
  if (code != VMF_OK && error)
    *error = journal->error;
  pthread_mutex_unlock(&journal->lock);
  return code;
}

bool vmf_journal_is_time(struct vmf_journal *journal)
{
  pthread_mutex_lock(&journal->lock);
  uint64_t not_before = journal->not_before;
  pthread_mutex_unlock(&journal->lock);
  return now() >= not_before;
}

/* What the output has now: more files may come. */
static enum vmf_code list_files(struct vmf_journal *journal, struct vmf_error *error)
{
  struct vmf_io *io;

  journal->file_count = 0;
  while ((io = vmf_journal_file(journal, journal->file_count)) != NULL) {
    VMF_TRY(
        VMF_LIST_ROOM(journal->files, journal->file_count, journal->file_capacity, "files", error));
    journal->files[journal->file_count++] = io;
  }
  return VMF_OK;
}

/* The output is the caller's thread's alone. Without a thread, all is done here. */
enum vmf_code vmf_journal_make_sure(struct vmf_journal *journal, struct vmf_error *error)
{
  VMF_TRY(vmf_journal_hand_down(journal, error));
  VMF_TRY(list_files(journal, error));
  if (!journal->io)
    VMF_TRY(vmf_output_journal(journal->output, journal->only, &journal->io, error));
  put_le64(journal->sure.bytes + 16, vmf_size_get(journal->files[0]));
  if (!journal->started)
    journal->started = vmf_thread_start(&journal->thread, keep, journal) == 0;
  pthread_mutex_lock(&journal->lock);
  journal->busy = true;
  pthread_cond_broadcast(&journal->moved);
  if (!journal->started)
    work(journal);
  pthread_mutex_unlock(&journal->lock);
  return VMF_OK;
}
