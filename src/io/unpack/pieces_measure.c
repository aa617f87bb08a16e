/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How much the pieces hold that do not say it (frames that were written to a pipe). They are
 * unpacked by threads of their own, which are there for just that: who opens a file has no crew. */
#include <inttypes.h>

#include "cancel.h"
#include "checked.h"
#include "memory.h"
#include "packing.h"
#include "size.h"
#include "thread.h"

enum { THREADS_MAX = 16, MEMORY = 256 << 20 /* bytes of all threads */ };

struct measuring {
  struct vmf_io *packed; /* not owned */
  const struct vmf_packing *packing;
  const struct vmf_unpack_options *options;
  struct vmf_packed_pieces *pieces; /* length and sized of one are set by who took it */
  size_t longest, longest_stored;   /* bytes, of those that are measured */

  /* Guards all below. Not held while a piece is read or unpacked. */
  pthread_mutex_t lock;
  size_t next;        /* piece that nobody has taken */
  uint64_t found;     /* bytes, of those that have been measured */
  enum vmf_code code; /* of the first failure; then nothing more is taken */
  struct vmf_error error;
};

struct bench {
  void *stored, *out, *state; /* owned */
};

static enum vmf_code measure(struct measuring *all, const struct bench *bench,
                             struct vmf_packed_piece *piece, struct vmf_error *error)
{
  size_t made = 0;
  VMF_TRY(vmf_cancelled(all->options->cancel, error));
  VMF_TRY(vmf_io_pread(all->packed, bench->stored, piece->stored, piece->at, error));
  enum vmf_code code =
      all->packing->unpack(bench->state, piece, bench->stored, bench->out, &made, error);
  if (code != VMF_OK)
    return code == VMF_NOMEM ? code : VMF_UNSUPPORTED; /* said better from the start */
  piece->length = (uint32_t)made;
  piece->sized = true;
  return VMF_OK;
}

static void tell_progress(const struct measuring *all, uint64_t done)
{
  const struct vmf_unpack_options *options = all->options;
  if (options->progress)
    options->progress(options->progress_data, done, vmf_size_get(all->packed));
}

/* Under the lock. */
static void count(struct measuring *all, const struct vmf_packed_piece *piece)
{
  uint64_t most = all->options->max_bytes;
  all->found += piece->length;
  if (most > 0 && all->found > most && all->code == VMF_OK)
    all->code =
        vmf_fail(&all->error, VMF_LIMIT,
                 "%s: unpacks to more than the %" PRIu64 " bytes that are allowed (--max-size)",
                 all->packed->name, most);
}

/* One piece after the other. caller: on the caller's thread, which tells how far it is. */
static void take_pieces(struct measuring *all, const struct bench *bench, bool caller)
{
  pthread_mutex_lock(&all->lock);
  while (all->code == VMF_OK && all->next < all->pieces->count) {
    struct vmf_packed_piece *piece = &all->pieces->list[all->next++];
    if (piece->sized)
      continue;
    struct vmf_error error;
    pthread_mutex_unlock(&all->lock);
    enum vmf_code code = measure(all, bench, piece, &error);
    if (caller && code == VMF_OK)
      tell_progress(all, piece->at + piece->stored);
    pthread_mutex_lock(&all->lock);
    if (code == VMF_OK) {
      count(all, piece);
    } else if (all->code == VMF_OK) {
      all->code = code;
      all->error = error;
    }
  }
  pthread_mutex_unlock(&all->lock);
}

static enum vmf_code work(struct measuring *all, bool caller, struct vmf_error *error)
{
  struct bench bench = {.out = NULL};
  enum vmf_code code = vmf_alloc_pages(vmf_max(all->longest, 1), &bench.out, error);
  if (code == VMF_OK)
    code = vmf_alloc_pages(all->longest_stored, &bench.stored, error);
  if (code == VMF_OK)
    code = vmf_alloc(all->packing->state_size, &bench.state, error);
  if (code == VMF_OK) {
    take_pieces(all, &bench, caller);
    all->packing->end(bench.state);
  }
  vmf_free(bench.state);
  vmf_free(bench.stored);
  vmf_free(bench.out);
  return code;
}

/* One that has no memory leaves the pieces to the others. */
static void *thread_main(void *data)
{
  struct vmf_error ignored;
  return work(data, false, &ignored) == VMF_OK ? data : NULL;
}

/* Beside the caller's. */
static unsigned count_threads(const struct measuring *all, size_t unknown)
{
  uint64_t wanted = vmf_unpack_threads(all->options);
  uint64_t fitting = MEMORY / (all->longest + all->longest_stored);
  return (unsigned)vmf_min(vmf_min(vmf_min(wanted, fitting), unknown), THREADS_MAX) - 1;
}

/* Threads that the system does not give are done without. */
static enum vmf_code run(struct measuring *all, size_t unknown, struct vmf_error *error)
{
  pthread_t threads[THREADS_MAX];
  unsigned wanted = count_threads(all, unknown), started = 0;
  while (started < wanted && vmf_thread_start(&threads[started], thread_main, all) == 0)
    started++;
  enum vmf_code code = work(all, true, error);
  for (unsigned i = 0; i < started; i++)
    pthread_join(threads[i], NULL);
  if (code != VMF_OK)
    return code;
  if (all->code != VMF_OK && error)
    *error = all->error;
  if (all->code == VMF_OK)
    tell_progress(all, vmf_size_get(all->packed));
  return all->code;
}

static void settle(struct vmf_packed_pieces *pieces)
{
  size_t kept = 0;
  pieces->size = 0;
  for (size_t i = 0; i < pieces->count; i++) {
    struct vmf_packed_piece piece = pieces->list[i];
    piece.start = pieces->size;
    pieces->size += piece.length;
    if (piece.length > 0)
      pieces->list[kept++] = piece;
  }
  pieces->count = kept;
}

enum vmf_code vmf_pieces_measure(struct vmf_io *packed, const struct vmf_packing *packing,
                                 const struct vmf_unpack_options *options,
                                 struct vmf_packed_pieces *pieces, struct vmf_error *error)
{
  struct measuring all = {
      .packed = packed, .packing = packing, .options = options, .pieces = pieces};
  enum vmf_code code = VMF_OK;
  size_t unknown = 0;
  for (size_t i = 0; i < pieces->count; i++) {
    const struct vmf_packed_piece *piece = &pieces->list[i];
    if (piece->sized)
      continue;
    unknown++;
    all.longest = vmf_max(all.longest, piece->length);
    all.longest_stored = vmf_max(all.longest_stored, piece->stored);
  }
  if (unknown > 0) {
    pthread_mutex_init(&all.lock, NULL);
    code = run(&all, unknown, error);
    pthread_mutex_destroy(&all.lock);
  }
  settle(pieces);
  return code;
}
