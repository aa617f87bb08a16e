/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A packed file in pieces as one that can be read anywhere. Unpacked pieces are kept in a few
 * slots. A thread that finds the piece that it wants being unpacked by another one unpacks the next
 * in the meantime, and so does one that has nothing to read while pieces are read one behind the
 * other: all threads of a pass are busy, however long the pieces are.
 * Whoever opens a disk looks at its first and its last bytes, and has one thread: meanwhile threads
 * of this file's own unpack the last piece, which stays, and before a pass in order those behind
 * the first. They end when the slots are full, or the pass has begun. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "packing.h"
#include "row.h"
#include "thread.h"

enum {
  SLOTS_MAX = 64,
  SLOT_BYTES = 256 << 20, /* of all of them, at most */
  SLOTS_BESIDE = 3,       /* the threads: one is read meanwhile, one is ready, the last piece */
  STARTERS_MAX = 16       /* threads of its own */
};

#define NONE SIZE_MAX

struct slot {
  size_t piece;   /* that it holds or will hold; NONE */
  bool ready;     /* it holds it */
  unsigned users; /* threads that copy from it, or unpack into it */
  uint64_t used;  /* the clock when it was last wanted */
  uint8_t *bytes; /* owned; as long as the longest piece; NULL until it is needed */
};

struct unpacked_pieces {
  struct vmf_io io;
  struct vmf_io *packed; /* not owned */
  const struct vmf_packing *packing;
  struct vmf_packed_pieces pieces;
  size_t longest; /* bytes of a piece */

  /* Of who opens and closes it. */
  pthread_t starters[STARTERS_MAX];
  unsigned starter_count;
  bool pass; /* it is opened for one in order */

  /* Guards all that follows. Not held while a piece is read, unpacked or copied. */
  pthread_mutex_t lock;
  pthread_cond_t done; /* a slot was filled, or is no longer in use */
  struct slot slots[SLOTS_MAX];
  size_t slot_count;      /* in use: grows with `most` */
  unsigned threads, most; /* that are in here, and how many have been at once */
  size_t furthest;        /* piece that reading in order has come to */
  bool in_order;          /* it has come there from the one before */
  uint64_t clock;
  bool closing; /* nothing more is unpacked before it is wanted */
};

/* ---- unpacking one; without the lock ---- */

static enum vmf_code unpack_into(struct unpacked_pieces *all, const struct vmf_packed_piece *piece,
                                 struct slot *slot, struct vmf_error *error)
{
  VMF_AUTO_FREE void *stored = NULL, *state = NULL;
  void *memory;
  if (!slot->bytes) {
    VMF_TRY(vmf_alloc_pages(all->longest, &memory, error));
    slot->bytes = memory;
  }
  VMF_TRY(vmf_alloc_pages(piece->stored, &stored, error));
  VMF_TRY(vmf_io_pread(all->packed, stored, piece->stored, piece->at, error));
  VMF_TRY(vmf_alloc(all->packing->state_size, &state, error));
  size_t made = 0;
  enum vmf_code code = all->packing->unpack(state, piece, stored, slot->bytes, &made, error);
  all->packing->end(state);
  if (code == VMF_OK && made != piece->length)
    code = vmf_fail(error, VMF_CORRUPT, "it has another size than is told of it");
  if (code == VMF_OK)
    return VMF_OK;
  return vmf_while(error, "%s: the %s data at byte %" PRIu64, all->io.name, all->packing->name,
                   piece->at);
}

/* ---- slots; under the lock ---- */

static struct slot *find_slot(struct unpacked_pieces *all, size_t piece)
{
  for (size_t i = 0; i < all->slot_count; i++)
    if (all->slots[i].piece == piece)
      return &all->slots[i];
  return NULL;
}

/* One that nobody uses, and that holds none of the pieces from `first` to `last`, nor the last of
 * all; NULL: none now. */
static struct slot *free_slot(struct unpacked_pieces *all, size_t first, size_t last)
{
  struct slot *oldest = NULL;
  for (size_t i = 0; i < all->slot_count; i++) {
    struct slot *slot = &all->slots[i];
    bool wanted = slot->piece != NONE && ((slot->piece >= first && slot->piece <= last) ||
                                          slot->piece == all->pieces.count - 1);
    if (slot->users == 0 && !wanted && (!oldest || slot->used < oldest->used))
      oldest = slot;
  }
  return oldest;
}

/* Gives the lock up while it unpacks. */
static enum vmf_code fill_slot(struct unpacked_pieces *all, struct slot *slot, size_t piece,
                               struct vmf_error *error)
{
  slot->piece = piece;
  slot->ready = false;
  slot->users = 1;
  slot->used = ++all->clock;
  pthread_mutex_unlock(&all->lock);
  enum vmf_code code = unpack_into(all, &all->pieces.list[piece], slot, error);
  pthread_mutex_lock(&all->lock);
  slot->users = 0;
  slot->ready = code == VMF_OK;
  if (code != VMF_OK) {
    slot->piece = NONE;
    slot->used = 0;
  }
  pthread_cond_broadcast(&all->done);
  return code;
}

/* Unpacks the first piece behind `piece` that is not there; false: there is none, or no room. What
 * is wrong with it will be told to who reads it. */
static bool unpack_behind(struct unpacked_pieces *all, size_t piece)
{
  size_t last = vmf_min(piece + all->slot_count - 1, all->pieces.count - 1), next = piece + 1;
  struct vmf_error ignored;
  while (next <= last && find_slot(all, next))
    next++;
  struct slot *slot = next <= last ? free_slot(all, piece, last) : NULL;
  return slot && fill_slot(all, slot, next, &ignored) == VMF_OK;
}

/* Jobs of several threads come in order by and large. */
static void note_order(struct unpacked_pieces *all, size_t piece)
{
  bool near = piece + all->slot_count > all->furthest && piece < all->furthest + all->slot_count;
  all->in_order = near && (all->in_order || piece > all->furthest);
  if (!near || piece > all->furthest)
    all->furthest = piece;
}

/* The slot that holds the piece, in use by the caller. Before it waits it looks once more: what has
 * failed to unpack another piece has not held the lock meanwhile. */
static enum vmf_code take_slot(struct unpacked_pieces *all, size_t piece, struct slot **taken,
                               struct vmf_error *error)
{
  struct slot *slot;
  bool useful = true; /* to unpack another one in the meantime */
  while (!(slot = find_slot(all, piece)) || !slot->ready) {
    struct slot *empty = slot ? NULL : free_slot(all, piece, piece);
    if (empty) {
      VMF_TRY(fill_slot(all, empty, piece, error));
    } else if (slot && useful) {
      useful = unpack_behind(all, piece);
    } else {
      pthread_cond_wait(&all->done, &all->lock);
      useful = true;
    }
  }
  slot->users++;
  slot->used = ++all->clock;
  *taken = slot;
  return VMF_OK;
}

static void come_in(struct unpacked_pieces *all)
{
  if (++all->threads <= all->most)
    return;
  all->most = all->threads;
  all->slot_count = (size_t)vmf_min(vmf_min(all->most + SLOTS_BESIDE, SLOTS_MAX),
                                    vmf_max(SLOT_BYTES / all->longest, 2));
}

/* Gives the lock up while it copies. */
static enum vmf_code copy_from(struct unpacked_pieces *all, size_t piece, size_t within,
                               uint8_t *to, size_t length, struct vmf_error *error)
{
  struct slot *slot;
  note_order(all, piece);
  VMF_TRY(take_slot(all, piece, &slot, error));
  pthread_mutex_unlock(&all->lock);
  memcpy(to, slot->bytes + within, length);
  pthread_mutex_lock(&all->lock);
  if (--slot->users == 0)
    pthread_cond_broadcast(&all->done);
  return VMF_OK;
}

/* ---- the io ---- */

static enum vmf_code pieces_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  struct unpacked_pieces *all = (struct unpacked_pieces *)io;
  const struct vmf_packed_pieces *pieces = &all->pieces;
  uint8_t *to = buffer;
  if (length == 0)
    return VMF_OK;
  size_t index = vmf_row_find(pieces->list, pieces->count, sizeof *pieces->list, offset);
  pthread_mutex_lock(&all->lock);
  come_in(all);
  enum vmf_code code = VMF_OK;
  for (; code == VMF_OK && length > 0; index++) {
    size_t within = (size_t)(offset - pieces->list[index].start);
    size_t step = (size_t)vmf_min(length, pieces->list[index].length - within);
    code = copy_from(all, index, within, to, step, error);
    to += step;
    offset += step;
    length -= step;
  }
  all->threads--;
  pthread_mutex_unlock(&all->lock);
  return code;
}

static bool pieces_ahead(struct vmf_io *io)
{
  struct unpacked_pieces *all = (struct unpacked_pieces *)io;
  pthread_mutex_lock(&all->lock);
  come_in(all);
  bool worked = all->in_order && unpack_behind(all, all->furthest);
  all->threads--;
  pthread_mutex_unlock(&all->lock);
  return worked;
}

/* ---- while it is opened ---- */

/* The last piece, then those behind the first as far as they find an empty slot, and one more is
 * left for the first. With the lock held; SIZE_MAX: there is nothing to do. */
static size_t next_early(struct unpacked_pieces *all)
{
  size_t last = all->pieces.count - 1;
  size_t end = all->pass ? vmf_min(last, all->slot_count - 2) : 0;

  if (!find_slot(all, last))
    return last;
  for (size_t piece = 1; piece < end; piece++)
    if (!find_slot(all, piece))
      return piece;
  return SIZE_MAX;
}

static void *starter_main(void *data)
{
  struct unpacked_pieces *all = data;
  struct vmf_error ignored;
  size_t piece;
  enum vmf_code code = VMF_OK;
  pthread_mutex_lock(&all->lock);
  come_in(all);
  while (code == VMF_OK && !all->closing && !all->in_order &&
         (piece = next_early(all)) != SIZE_MAX) {
    struct slot *slot = free_slot(all, 0, all->pieces.count - 1);
    code = slot ? fill_slot(all, slot, piece, &ignored) : VMF_CANCELLED;
  }
  all->threads--;
  pthread_mutex_unlock(&all->lock);
  return NULL;
}

/* Threads that the system does not give are done without. */
static void start(struct unpacked_pieces *all, const struct vmf_unpack_options *options)
{
  uint64_t beside = vmf_unpack_threads(options) - 1, pieces = all->pieces.count - 1;
  uint64_t wanted = vmf_min(vmf_min(beside, all->pass ? pieces : 1), STARTERS_MAX);
  if (pieces == 0)
    return;
  while (all->starter_count < wanted &&
         vmf_thread_start(&all->starters[all->starter_count], starter_main, all) == 0)
    all->starter_count++;
}

static void end_starters(struct unpacked_pieces *all)
{
  pthread_mutex_lock(&all->lock);
  all->closing = true;
  pthread_mutex_unlock(&all->lock);
  for (unsigned i = 0; i < all->starter_count; i++)
    pthread_join(all->starters[i], NULL);
}

static struct vmf_io *pieces_below(const struct vmf_io *io, size_t index)
{
  return index == 0 ? ((const struct unpacked_pieces *)io)->packed : NULL;
}

static void pieces_close(struct vmf_io *io)
{
  struct unpacked_pieces *all = (struct unpacked_pieces *)io;
  end_starters(all);
  for (size_t i = 0; i < SLOTS_MAX; i++)
    vmf_free(all->slots[i].bytes);
  pthread_cond_destroy(&all->done);
  pthread_mutex_destroy(&all->lock);
  vmf_free(all->pieces.list);
  vmf_free(io->name);
  vmf_free(all);
}

static const struct vmf_io_ops pieces_ops = {
    .kind = "packed file in pieces",
    .pread = pieces_pread,
    .ahead = pieces_ahead,
    .below = pieces_below,
    .close = pieces_close,
};

static enum vmf_code pieces_new(struct vmf_io *packed, const struct vmf_packing *packing,
                                struct unpacked_pieces **made, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  void *memory;
  VMF_TRY(vmf_copy_text(packed->name, &name, error));
  VMF_TRY(vmf_alloc(sizeof **made, &memory, error));
  struct unpacked_pieces *all = memory;
  all->io = (struct vmf_io){.ops = &pieces_ops, .name = name};
  name = NULL;
  all->packed = packed;
  all->packing = packing;
  for (size_t i = 0; i < SLOTS_MAX; i++)
    all->slots[i].piece = NONE;
  pthread_mutex_init(&all->lock, NULL);
  pthread_cond_init(&all->done, NULL);
  *made = all;
  return VMF_OK;
}

static enum vmf_code pieces_fill(struct unpacked_pieces *all,
                                 const struct vmf_unpack_options *options, struct vmf_error *error)
{
  const struct vmf_packed_pieces *pieces = &all->pieces;
  uint64_t max_bytes = options->max_bytes;
  VMF_TRY(all->packing->list(all->packed, &all->pieces, error));
  VMF_TRY(vmf_pieces_measure(all->packed, all->packing, options, &all->pieces, error));
  if (pieces->count == 0)
    return vmf_fail(error, VMF_UNSUPPORTED, "it holds nothing");
  if (max_bytes > 0 && pieces->size > max_bytes)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: unpacks to %" PRIu64 " bytes, more than the %" PRIu64
                    " bytes that are allowed (--max-size)",
                    all->io.name, pieces->size, max_bytes);
  for (size_t i = 0; i < pieces->count; i++)
    all->longest = vmf_max(all->longest, pieces->list[i].length);
  all->io.size = pieces->size;
  all->pass = options->pass;
  start(all, options);
  return VMF_OK;
}

enum vmf_code vmf_unpack_pieces(struct vmf_io *packed, const struct vmf_packing *packing,
                                const struct vmf_unpack_options *options, uint64_t *told,
                                struct vmf_io **io, struct vmf_error *error)
{
  struct unpacked_pieces *all;
  *told = 0;
  if (!packing->list)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s has no pieces", packing->name);
  VMF_TRY(pieces_new(packed, packing, &all, error));
  enum vmf_code code = pieces_fill(all, options, error);
  *told = all->pieces.told;
  if (code != VMF_OK) {
    pieces_close(&all->io);
    return code;
  }
  *io = &all->io;
  return VMF_OK;
}
