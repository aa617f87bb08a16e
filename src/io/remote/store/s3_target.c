/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing an object. The caller's thread fills one part after the other; threads send those that
 * are full and that nobody holds, in any order. So memory is that of the part being filled, those
 * on their way, and those that are held: an archive's head and the header of one file in it. */
#include "s3_target.h"

#ifdef VMF_HAVE_CURL

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cancel.h"
#include "checked.h"
#include "list.h"
#include "log.h"
#include "memory.h"
#include "remote_settings.h"
#include "s3_call.h"
#include "sequential.h"
#include "thread.h"
#include "url.h"

enum {
  SENDERS = 8,
  PARTS_MOST = 10000,    /* of an upload */
  FIRST_PARTS = 1000,    /* so many of each size before the next one */
  EQUAL_LEAST = 8 << 20, /* bytes of parts that are equal, which are multiples of it */
  EQUAL_MOST = 1 << 30,
  ON_THE_WAY = 64 << 20,     /* bytes of full parts that are not held; one may have more */
  HELD_MOST = 64,            /* ranges */
  HELD_BYTES_MOST = 1 << 30, /* of the parts that they are in */
  LOOK_MS = 200,             /* between two looks at who wants it to end */
};

struct part {
  struct part *next;
  unsigned number; /* from 1 on */
  uint64_t offset; /* in the object */
  size_t size, used;
  uint8_t *bytes; /* owned */
};

struct range {
  uint64_t offset, end;
};

struct target {
  struct vmf_io io; /* size: bytes taken */
  struct vmf_s3_upload upload;
  struct part *filled; /* the caller's; NULL: none was begun */
  struct part *held;   /* full ones, of which a part is held */
  uint64_t held_bytes;
  struct range ranges[HELD_MOST];
  size_t range_count;
  unsigned parts;    /* begun */
  size_t equal_size; /* of all parts, where it is known how much comes; 0: they grow */
  bool completed;
  bool resume; /* what an interrupted run has sent is of use, and what this one sends, too */
  bool found;  /* an upload of such a run, whose parts these are: */
  struct vmf_s3_listed *there; /* owned; PARTS_MOST, by number - 1; NULL: none */
  struct vmf_web_line line;    /* the caller's */
  /* Guards all below. */
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  struct part *first, **last; /* to be sent */
  uint64_t on_the_way;        /* bytes: to be sent, or being sent */
  unsigned idle, count;       /* threads */
  pthread_t threads[SENDERS];
  struct vmf_s3_part *sent; /* owned; by number - 1 */
  size_t sent_count, sent_capacity;
  struct vmf_error error; /* the first; VMF_OK: none */
  bool stopping;
};

static void free_part(struct part *part)
{
  if (!part)
    return;
  vmf_free(part->bytes);
  vmf_free(part);
}

static void free_parts(struct part *part)
{
  while (part) {
    struct part *next = part->next;
    free_part(part);
    part = next;
  }
}

/* ---- sending ---- */

/* The lock is held. */
static struct part *take_first(struct target *target)
{
  struct part *part = target->first;

  target->first = part->next;
  if (!target->first)
    target->last = &target->first;
  part->next = NULL;
  return part;
}

/* The lock is held. */
static void settle(struct target *target, struct part *part, const struct vmf_s3_part *sent,
                   enum vmf_code code, const struct vmf_error *error)
{
  target->on_the_way -= part->size;
  if (code == VMF_OK)
    target->sent[part->number - 1] = *sent;
  else if (target->error.code == VMF_OK)
    target->error = *error;
  pthread_cond_broadcast(&target->done);
}

/* What is at the store already is not sent again. */
static enum vmf_code send_part(struct target *target, struct vmf_web_line *line,
                               const struct part *part, struct vmf_s3_part *sent,
                               struct vmf_error *error)
{
  bool there = false;

  if (target->there)
    VMF_TRY(vmf_s3_is_there(&target->there[part->number - 1], part->bytes, part->used, &there, sent,
                            error));
  return there ? VMF_OK
               : vmf_s3_put_part(&target->upload, line, part->number, part->bytes, part->used, sent,
                                 error);
}

static void *carry(void *data)
{
  struct target *target = data;
  struct vmf_web_line line = {0};

  pthread_mutex_lock(&target->lock);
  while (!target->stopping) {
    if (!target->first) {
      pthread_cond_wait(&target->work, &target->lock);
      continue;
    }
    struct part *part = take_first(target);
    bool failed = target->error.code != VMF_OK;
    struct vmf_s3_part sent = {0};
    struct vmf_error error = target->error;
    target->idle--;
    pthread_mutex_unlock(&target->lock);
    enum vmf_code code = failed ? error.code : send_part(target, &line, part, &sent, &error);
    pthread_mutex_lock(&target->lock);
    target->idle++;
    settle(target, part, &sent, code, &error);
    free_part(part);
  }
  pthread_mutex_unlock(&target->lock);
  vmf_web_line_close(&line);
  return NULL;
}

/* The lock is held. */
static enum vmf_code call_sender(struct target *target, struct vmf_error *error)
{
  int result = 0;

  if (target->idle == 0 && target->count < SENDERS) {
    result = vmf_thread_start(&target->threads[target->count], carry, target);
    target->count += result == 0;
    target->idle += result == 0;
  }
  pthread_cond_signal(&target->work);
  errno = result;
  return target->count > 0
             ? VMF_OK
             : vmf_fail_errno(error, VMF_SYSTEM, "%s: no thread to send it", target->io.name);
}

/* Until no more than `most` bytes are on their way. The lock is held. */
static enum vmf_code wait_for(struct target *target, uint64_t most, struct vmf_error *error)
{
  while (target->on_the_way > most && target->error.code == VMF_OK) {
    VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
    vmf_wait_a_while(&target->done, &target->lock, LOOK_MS);
  }
  return target->error.code == VMF_OK ? VMF_OK : vmf_fail_again(&target->error, error);
}

static enum vmf_code enqueue(struct target *target, struct part *part, struct vmf_error *error)
{
  while (target->sent_count < part->number) {
    VMF_TRY(VMF_LIST_ROOM(target->sent, target->sent_count, target->sent_capacity, "parts", error));
    target->sent[target->sent_count++] = (struct vmf_s3_part){0};
  }
  VMF_TRY(call_sender(target, error));
  *target->last = part;
  target->last = &part->next;
  target->on_the_way += part->size;
  return VMF_OK;
}

/* Takes the part over, also on failure. */
static enum vmf_code ship(struct target *target, struct part *part, struct vmf_error *error)
{
  uint64_t before = part->size < ON_THE_WAY ? ON_THE_WAY - part->size : 0;

  part->next = NULL;
  pthread_mutex_lock(&target->lock);
  enum vmf_code code = wait_for(target, before, error);
  if (code == VMF_OK)
    code = enqueue(target, part, error);
  pthread_mutex_unlock(&target->lock);
  if (code != VMF_OK)
    free_part(part);
  return code;
}

/* ---- what is held ---- */

static bool is_held(const struct target *target, const struct part *part)
{
  for (size_t i = 0; i < target->range_count; i++)
    if (target->ranges[i].offset < part->offset + part->size &&
        target->ranges[i].end > part->offset)
      return true;
  return false;
}

static enum vmf_code target_hold(struct vmf_io *io, uint64_t offset, uint64_t length,
                                 struct vmf_error *error)
{
  struct target *target = (struct target *)io;

  if (offset < io->size || target->range_count == HELD_MOST || length > INT64_MAX - offset)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: %" PRIu64 " bytes at byte %" PRIu64 " cannot be held back", io->name,
                    length, offset);
  target->ranges[target->range_count++] = (struct range){offset, offset + length};
  return VMF_OK;
}

static enum vmf_code target_let_go(struct vmf_io *io, uint64_t offset, struct vmf_error *error)
{
  struct target *target = (struct target *)io;

  for (size_t i = 0; i < target->range_count; i++)
    if (target->ranges[i].offset == offset)
      target->ranges[i--] = target->ranges[--target->range_count];
  for (struct part **link = &target->held; *link;) {
    struct part *part = *link;
    if (is_held(target, part)) {
      link = &part->next;
      continue;
    }
    *link = part->next;
    target->held_bytes -= part->size;
    VMF_TRY(ship(target, part, error));
  }
  return VMF_OK;
}

/* The part that a byte is in, as long as it is here. */
static struct part *part_at(struct target *target, uint64_t offset)
{
  struct part *part = target->filled;

  if (part && offset >= part->offset && offset < part->offset + part->used)
    return part;
  for (part = target->held; part; part = part->next)
    if (offset >= part->offset && offset < part->offset + part->used)
      return part;
  return NULL;
}

static void rewrite(struct target *target, const struct vmf_piece *pieces, unsigned count,
                    uint64_t offset)
{
  for (unsigned i = 0; i < count; i++) {
    const uint8_t *data = pieces[i].data;
    for (size_t left = pieces[i].length, step; left > 0; left -= step) {
      const struct part *part = part_at(target, offset);
      step = (size_t)vmf_min(left, part->offset + part->used - offset);
      if (data)
        memcpy(part->bytes + (offset - part->offset), data, step);
      else
        memset(part->bytes + (offset - part->offset), 0, step);
      data = data ? data + step : NULL;
      offset += step;
    }
  }
}

/* Whether all of it was written before and is held. */
static bool is_rewritable(const struct target *target, uint64_t offset, uint64_t end)
{
  for (size_t i = 0; i < target->range_count; i++)
    if (offset >= target->ranges[i].offset && end <= target->ranges[i].end)
      return end <= target->io.size;
  return false;
}

/* ---- the io ---- */

/* Parts grow, so that what is small takes little memory and what is large has room: 2 TiB. */
static size_t size_of_part(unsigned number)
{
  return (size_t)(number <= FIRST_PARTS ? 8 : number <= 2 * FIRST_PARTS ? 64 : 256) << 20;
}

/* Some stores want all parts to be equal but the last one. */
static void target_announce(struct vmf_io *io, uint64_t size)
{
  struct target *target = (struct target *)io;
  uint64_t needed = vmf_div_up(size, PARTS_MOST);

  if (target->parts == 0 && needed <= EQUAL_MOST)
    target->equal_size =
        (size_t)vmf_div_up(vmf_max(needed, EQUAL_LEAST), EQUAL_LEAST) * EQUAL_LEAST;
}

static enum vmf_code begin_part(struct target *target, struct vmf_error *error)
{
  void *memory, *bytes;

  if (target->parts == PARTS_MOST)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: an object has at most %d parts, which reach to byte %" PRIu64,
                    target->io.name, PARTS_MOST, target->io.size);
  VMF_TRY(vmf_alloc(sizeof(struct part), &memory, error));
  struct part *part = memory;
  part->number = ++target->parts;
  part->offset = target->io.size;
  part->size = target->equal_size > 0 ? target->equal_size : size_of_part(part->number);
  enum vmf_code code = vmf_alloc_pages(part->size, &bytes, error);
  if (code != VMF_OK) {
    vmf_free(part);
    return code;
  }
  part->bytes = bytes;
  target->filled = part;
  return VMF_OK;
}

static enum vmf_code end_part(struct target *target, struct vmf_error *error)
{
  struct part *part = target->filled;

  target->filled = NULL;
  if (!is_held(target, part))
    return ship(target, part, error);
  part->next = target->held;
  target->held = part;
  target->held_bytes += part->size;
  if (target->held_bytes <= HELD_BYTES_MOST)
    return VMF_OK;
  return vmf_fail(error, VMF_LIMIT, "%s: more than %d bytes would have to be held back",
                  target->io.name, HELD_BYTES_MOST);
}

/* data NULL: zeros. */
static enum vmf_code target_put(struct target *target, const uint8_t *data, uint64_t length,
                                struct vmf_error *error)
{
  while (length > 0) {
    if (!target->filled)
      VMF_TRY(begin_part(target, error));
    struct part *part = target->filled;
    size_t step = (size_t)vmf_min(length, part->size - part->used);
    if (data)
      memcpy(part->bytes + part->used, data, step);
    else
      memset(part->bytes + part->used, 0, step);
    part->used += step;
    target->io.size += step;
    data = data ? data + step : NULL;
    length -= step;
    if (part->used == part->size)
      VMF_TRY(end_part(target, error));
  }
  return VMF_OK;
}

static enum vmf_code target_append(struct vmf_io *io, const void *data, size_t length,
                                   struct vmf_error *error)
{
  return target_put((struct target *)io, data, length, error);
}

static enum vmf_code target_append_zeros(struct vmf_io *io, uint64_t length,
                                         struct vmf_error *error)
{
  return target_put((struct target *)io, NULL, length, error);
}

static enum vmf_code target_pwrite(struct vmf_io *io, const struct vmf_piece *pieces,
                                   unsigned count, uint64_t offset, struct vmf_error *error)
{
  struct target *target = (struct target *)io;
  uint64_t end = offset;

  for (unsigned i = 0; i < count; i++)
    end += pieces[i].length;
  if (!is_rewritable(target, offset, end))
    return vmf_sequential_pwrite(io, pieces, count, offset, error);
  rewrite(target, pieces, count, offset);
  return VMF_OK;
}

/* All parts are at the store; what was still held will not be written any more. */
static enum vmf_code target_flush(struct vmf_io *io, struct vmf_error *error)
{
  struct target *target = (struct target *)io;

  while (target->range_count > 0)
    VMF_TRY(target_let_go(io, target->ranges[0].offset, error));
  if (!target->filled && target->parts == 0)
    VMF_TRY(begin_part(target, error)); /* of an empty object, too */
  if (target->filled)
    VMF_TRY(end_part(target, error));
  pthread_mutex_lock(&target->lock);
  enum vmf_code code = wait_for(target, 0, error);
  pthread_mutex_unlock(&target->lock);
  return code;
}

static enum vmf_code target_end(struct vmf_io *io, struct vmf_error *error)
{
  struct target *target = (struct target *)io;

  VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
  VMF_TRY(vmf_s3_complete(&target->upload, &target->line, target->sent, target->parts, error));
  target->completed = true;
  return VMF_OK;
}

static void stop(struct target *target)
{
  pthread_mutex_lock(&target->lock);
  target->stopping = true;
  atomic_store(&target->upload.ended, true);
  pthread_cond_broadcast(&target->work);
  pthread_mutex_unlock(&target->lock);
  for (unsigned i = 0; i < target->count; i++)
    pthread_join(target->threads[i], NULL);
}

/* What was sent is of no use any more, and is paid for. */
static void give_up(struct target *target)
{
  struct vmf_error error = {0};

  if (target->resume && (target->found || target->sent_count > 0)) {
    vmf_note(vmf_remote_settings()->log,
             "%s: what was sent of it is kept at the store; \"vmferry convert --resume\" with the "
             "same files goes on with it",
             target->io.name);
    return;
  }
  if (vmf_s3_abort(&target->upload, &target->line, &error) != VMF_OK)
    vmf_warn(vmf_remote_settings()->log,
             "%s: what was sent of it stays at the store: aws s3api list-multipart-uploads "
             "--bucket %s shows it, and abort-multipart-upload removes it",
             error.text, target->upload.s3->bucket);
}

static void target_close(struct vmf_io *io)
{
  struct target *target = (struct target *)io;

  stop(target);
  if (target->upload.id && !target->completed)
    give_up(target);
  vmf_web_line_close(&target->line);
  free_part(target->filled);
  free_parts(target->held);
  free_parts(target->first);
  for (size_t i = 0; i < target->sent_count; i++)
    vmf_free(target->sent[i].etag);
  vmf_free(target->sent);
  vmf_free(target->there);
  vmf_s3_free(target->upload.s3);
  vmf_free(target->upload.id);
  pthread_cond_destroy(&target->work);
  pthread_cond_destroy(&target->done);
  pthread_mutex_destroy(&target->lock);
  vmf_free(io->name);
  vmf_free(target);
}

static const struct vmf_sequential_ops target_ops = {
    .io = {.kind = "object",
           .pwrite = target_pwrite,
           .zero = vmf_sequential_zero,
           .resize = vmf_sequential_resize,
           .announce = target_announce,
           .hold = target_hold,
           .let_go = target_let_go,
           .flush = target_flush,
           .end = target_end,
           .close = target_close},
    .what = "an object",
    .append = target_append,
    .append_zeros = target_append_zeros,
};

/* ---- opening ---- */

static enum vmf_code take_up(struct target *target, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_s3_find(&target->upload, &target->line, error));
  if (!target->upload.id)
    return VMF_OK;
  VMF_TRY(vmf_alloc(PARTS_MOST * sizeof *target->there, &memory, error));
  target->there = memory;
  target->found = true;
  return vmf_s3_list(&target->upload, &target->line, target->there, PARTS_MOST, error);
}

static enum vmf_code begin(struct target *target, const char *name, bool new_only,
                           struct vmf_error *error)
{
  char etag[VMF_HTTP_VALUE];
  bool there = false;

  VMF_TRY(vmf_s3_new(name, name, &target->upload.s3, error));
  target->upload.name = target->io.name;
  target->upload.new_only = new_only;
  if (target->resume)
    VMF_TRY(take_up(target, error));
  if (!target->found)
    VMF_TRY(vmf_s3_create(&target->upload, &target->line, error));
  if (new_only)
    VMF_TRY(vmf_s3_look(&target->upload, &target->line, &there, etag, error));
  return there ? vmf_fail(error, VMF_USAGE, "%s: exists, and --no-clobber forbids to replace it",
                          name)
               : VMF_OK;
}

static enum vmf_code make(const char *name, struct target **made, struct vmf_error *error)
{
  char *copy;
  void *memory;

  VMF_TRY(vmf_copy_text(name, &copy, error));
  enum vmf_code code = vmf_alloc(sizeof(struct target), &memory, error);
  if (code != VMF_OK) {
    vmf_free(copy);
    return code;
  }
  struct target *target = memory;
  target->io =
      (struct vmf_io){.ops = &target_ops.io, .name = copy, .sequential = true, .writers = 1};
  target->last = &target->first;
  pthread_mutex_init(&target->lock, NULL);
  pthread_cond_init(&target->work, NULL);
  vmf_steady_condition(&target->done);
  *made = target;
  return VMF_OK;
}

enum vmf_code vmf_io_write_object(const char *name, bool new_only, bool resume, struct vmf_io **io,
                                  struct vmf_error *error)
{
  struct target *target;

  VMF_TRY(vmf_curl_load(name, error));
  VMF_TRY(make(name, &target, error));
  target->resume = resume;
  enum vmf_code code = begin(target, name, new_only, error);
  if (code == VMF_OK)
    *io = &target->io;
  else
    target_close(&target->io);
  return code;
}

#else

enum vmf_code vmf_io_write_object(const char *name, bool new_only, bool resume, struct vmf_io **io,
                                  struct vmf_error *error)
{
  (void)new_only, (void)resume, (void)io;
  return vmf_fail(
      error, VMF_UNSUPPORTED,
      "%s: this build is without libcurl, which writes objects; through a pipe: vmferry "
      "convert SOURCE - | aws s3 cp - URL",
      name);
}

#endif
