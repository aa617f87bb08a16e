/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * How much the pieces hold that do not say it (frames that were written to a pipe). They are
 * unpacked by threads of their own, which are there for just that: who opens a file has no crew.
 * Programs that pack in parallel cut what they pack into parts of one length, but for the last: so
 * most of them need not be unpacked to know it, if it is held against what comes out later. */
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
  size_t unknown;                   /* pieces that are measured */
  size_t longest, longest_stored;   /* bytes, of those */

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
    if (piece->sized || piece->assumed)
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
static unsigned count_threads(const struct measuring *all)
{
  uint64_t wanted = vmf_unpack_threads(all->options);
  uint64_t fitting = MEMORY / (all->longest + all->longest_stored);
  return (unsigned)vmf_min(vmf_min(vmf_min(wanted, fitting), all->unknown), THREADS_MAX) - 1;
}

/* Threads that the system does not give are done without. */
static enum vmf_code run(struct measuring *all, struct vmf_error *error)
{
  pthread_t threads[THREADS_MAX];
  unsigned wanted = count_threads(all), started = 0;
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

static void note_unknown(struct measuring *all)
{
  all->unknown = all->longest = all->longest_stored = 0;
  for (size_t i = 0; i < all->pieces->count; i++) {
    const struct vmf_packed_piece *piece = &all->pieces->list[i];
    if (piece->sized || piece->assumed)
      continue;
    all->unknown++;
    all->longest = vmf_max(all->longest, piece->length);
    all->longest_stored = vmf_max(all->longest_stored, piece->stored);
  }
}

/* The pieces that could be as long as the first that is not sized: as many bytes at most, and not
 * the last of all. NULL: there are none. */
static const struct vmf_packed_piece *assume(struct vmf_packed_pieces *pieces)
{
  const struct vmf_packed_piece *first = NULL;
  size_t assumed = 0;

  for (size_t i = 0; i + 1 < pieces->count; i++) {
    struct vmf_packed_piece *piece = &pieces->list[i];
    if (piece->sized)
      continue;
    piece->assumed = first && piece->length == first->length;
    assumed += piece->assumed;
    if (!first)
      first = piece;
  }
  return assumed > 0 ? first : NULL;
}

/* A length of none would leave them out, unread. */
static enum vmf_code take_assumed(struct vmf_packed_pieces *pieces,
                                  const struct vmf_packed_piece *first, struct vmf_error *error)
{
  if (first->length == 0)
    return vmf_fail(error, VMF_UNSUPPORTED, "the first piece holds nothing");
  for (size_t i = 0; i < pieces->count; i++)
    if (pieces->list[i].assumed)
      pieces->list[i].length = first->length;
  return VMF_OK;
}

enum vmf_code vmf_pieces_measure(struct vmf_io *packed, const struct vmf_packing *packing,
                                 const struct vmf_unpack_options *options,
                                 struct vmf_packed_pieces *pieces, struct vmf_error *error)
{
  struct measuring all = {
      .packed = packed, .packing = packing, .options = options, .pieces = pieces};
  const struct vmf_packed_piece *first = options->assumed ? assume(pieces) : NULL;
  enum vmf_code code = VMF_OK;

  if (options->assumed && !first)
    return vmf_fail(error, VMF_UNSUPPORTED, "no sizes can be assumed");
  note_unknown(&all);
  if (all.unknown > 0) {
    pthread_mutex_init(&all.lock, NULL);
    code = run(&all, error);
    pthread_mutex_destroy(&all.lock);
  }
  if (code == VMF_OK && first)
    code = take_assumed(pieces, first, error);
  settle(pieces);
  return code;
}
