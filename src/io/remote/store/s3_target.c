/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing an object. The caller's thread fills one part after the other; threads send those that
 * are full and that nobody holds, in any order. So memory is that of the part being filled, those
 * on their way, and those that are held: an archive's head and the header of one file in it. */
#include "s3_target.h"

#ifdef VMF_HAVE_CURL

#include <inttypes.h>
#include <string.h>

#include "cancel.h"
#include "checked.h"
#include "log.h"
#include "memory.h"
#include "remote_settings.h"
#include "s3_sender.h"
#include "sequential.h"
#include "url.h"

enum {
  PARTS_MOST = 10000,    /* of an upload */
  FIRST_PARTS = 1000,    /* so many of each size before the next one */
  EQUAL_LEAST = 8 << 20, /* bytes of parts that are equal, which are multiples of it */
  EQUAL_MOST = 1 << 30,
  HELD_MOST = 64,            /* ranges */
  HELD_BYTES_MOST = 1 << 30, /* of the parts that they are in */
};

struct range {
  uint64_t offset, end;
};

struct target {
  struct vmf_io io; /* size: bytes taken */
  struct vmf_s3_upload upload;
  struct vmf_s3_sender sender;
  struct vmf_s3_bytes *filled; /* the caller's; NULL: none was begun */
  struct vmf_s3_bytes *held;   /* full ones, of which a part is held */
  uint64_t held_bytes;
  struct range ranges[HELD_MOST];
  size_t range_count;
  unsigned parts;    /* begun */
  size_t equal_size; /* of all parts, where it is known how much comes; 0: they grow */
  bool completed;
  bool resume; /* what an interrupted run has sent is of use, and what this one sends, too */
  bool found;  /* an upload of such a run */
  struct vmf_s3_listed *there;  /* owned; its parts: PARTS_MOST, by number - 1; NULL: none */
  struct vmf_kept_upload *kept; /* the caller's; NULL: nobody notes which upload it is */
  struct vmf_web_line line;     /* the caller's */
};

/* ---- what is held ---- */

static bool is_held(const struct target *target, const struct vmf_s3_bytes *part)
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
  for (struct vmf_s3_bytes **link = &target->held; *link;) {
    struct vmf_s3_bytes *part = *link;
    if (is_held(target, part)) {
      link = &part->next;
      continue;
    }
    *link = part->next;
    target->held_bytes -= part->size;
    VMF_TRY(vmf_s3_sender_send(&target->sender, part, error));
  }
  return VMF_OK;
}

/* The part that a byte is in, as long as it is here. */
static struct vmf_s3_bytes *part_at(struct target *target, uint64_t offset)
{
  struct vmf_s3_bytes *part = target->filled;

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
      const struct vmf_s3_bytes *part = part_at(target, offset);
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

static const char parts_told[] = "8, 64 and 256 MiB"; /* or equal ones of 8, 16 ... MiB */

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
  VMF_TRY(vmf_alloc(sizeof(struct vmf_s3_bytes), &memory, error));
  struct vmf_s3_bytes *part = memory;
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
  struct vmf_s3_bytes *part = target->filled;

  target->filled = NULL;
  if (!is_held(target, part))
    return vmf_s3_sender_send(&target->sender, part, error);
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
    struct vmf_s3_bytes *part = target->filled;
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
  return vmf_s3_sender_wait(&target->sender, error);
}

/* An interrupted run had come to its end: it has made what this one would. */
static enum vmf_code be_made(const struct target *target, const char *tag, struct vmf_error *error)
{
  if (strcmp(tag, target->kept->tag) == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_DIFFERENT,
                  "%s: an interrupted run has made the object with the tag %s, and this one would "
                  "make %s: remove the journal, and all is sent again",
                  target->io.name, target->kept->tag, tag);
}

static enum vmf_code target_end(struct vmf_io *io, struct vmf_error *error)
{
  struct target *target = (struct target *)io;
  const struct vmf_s3_sender *sender = &target->sender;
  struct vmf_kept_upload *kept = target->kept;
  char tag[VMF_S3_TAG] = "";

  VMF_TRY(vmf_cancelled(vmf_remote_settings()->cancel, error));
  bool known = vmf_s3_tag(sender->sent, target->parts, tag);
  if (sender->silent)
    VMF_TRY(be_made(target, tag, error));
  if (!sender->silent && kept && kept->noted && known)
    VMF_TRY(kept->note_tag(kept, tag, error));
  if (!sender->silent)
    VMF_TRY(vmf_s3_complete(&target->upload, &target->line, sender->sent, target->parts, error));
  target->completed = true;
  return VMF_OK;
}

static void give_up(struct target *target)
{
  struct vmf_error error = {0};

  if (vmf_s3_abort(&target->upload, &target->line, &error) != VMF_OK)
    vmf_warn(vmf_remote_settings()->log,
             "%s: what was sent of it stays at the store: aws s3api list-multipart-uploads "
             "--bucket %s shows it, and abort-multipart-upload removes it",
             error.text, target->upload.s3->bucket);
}

/* What was sent is of no use any more, and is paid for; or another run goes on with it. */
static void leave(struct target *target)
{
  struct vmf_kept_upload *kept = target->kept;
  bool useful = target->found || vmf_s3_sender_has_sent(&target->sender);

  if (kept && kept->noted && useful)
    kept->left = true;
  else if (target->resume && useful)
    vmf_note(vmf_remote_settings()->log,
             "%s: what was sent of it is kept at the store; \"vmferry convert --resume\" with the "
             "same files goes on with it",
             target->io.name);
  else
    give_up(target);
}

static void target_close(struct vmf_io *io)
{
  struct target *target = (struct target *)io;

  vmf_s3_sender_stop(&target->sender);
  if (target->upload.id && !target->completed)
    leave(target);
  vmf_web_line_close(&target->line);
  vmf_s3_bytes_free(target->filled);
  vmf_s3_bytes_free(target->held);
  vmf_s3_sender_clear(&target->sender);
  vmf_free(target->there);
  vmf_s3_free(target->upload.s3);
  vmf_free(target->upload.id);
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

/* *gone: the store does not know the upload. */
static enum vmf_code take_parts(struct target *target, bool *gone, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(PARTS_MOST * sizeof *target->there, &memory, error));
  target->there = memory;
  target->found = true;
  VMF_TRY(vmf_s3_list(&target->upload, &target->line, target->there, PARTS_MOST, gone, error));
  target->sender.there = target->there;
  return VMF_OK;
}

static void forget_upload(struct target *target)
{
  vmf_free(target->upload.id);
  target->upload.id = NULL;
  target->found = false;
  target->sender.there = NULL;
}

/* Nobody has noted which one it is. */
static enum vmf_code look_for_upload(struct target *target, struct vmf_error *error)
{
  bool gone = false;

  VMF_TRY(vmf_s3_find(&target->upload, &target->line, error));
  if (target->upload.id)
    VMF_TRY(take_parts(target, &gone, error));
  if (gone)
    forget_upload(target);
  return VMF_OK;
}

/* It is not there any more: it was finished, or somebody or a rule of the bucket has removed it. */
static enum vmf_code look_for_object(struct target *target, struct vmf_error *error)
{
  struct vmf_kept_upload *kept = target->kept;
  char etag[VMF_HTTP_VALUE];
  bool there = false;

  if (kept->tag)
    VMF_TRY(vmf_s3_look(&target->upload, &target->line, &there, etag, error));
  if (there && strcmp(etag, kept->tag) == 0) {
    vmf_note(vmf_remote_settings()->log,
             "%s: is there already: an interrupted run had finished it; nothing is sent",
             target->io.name);
    target->sender.there = NULL;
    target->sender.silent = true;
    return VMF_OK;
  }
  vmf_warn(vmf_remote_settings()->log,
           "%s: the store does not have what an interrupted run has sent any more: all is sent "
           "again",
           target->io.name);
  forget_upload(target);
  kept->noted = false;
  return VMF_OK;
}

static enum vmf_code take_up(struct target *target, struct vmf_error *error)
{
  bool gone = false;

  VMF_TRY(vmf_copy_text(target->kept->was, &target->upload.id, error));
  target->kept->noted = target->found = true;
  VMF_TRY(take_parts(target, &gone, error));
  return gone ? look_for_object(target, error) : VMF_OK;
}

static enum vmf_code check_new(struct target *target, struct vmf_error *error)
{
  char etag[VMF_HTTP_VALUE];
  bool there = false;

  if (target->upload.new_only && !target->sender.silent)
    VMF_TRY(vmf_s3_look(&target->upload, &target->line, &there, etag, error));
  return there ? vmf_fail(error, VMF_USAGE, "%s: exists, and --no-clobber forbids to replace it",
                          target->io.name)
               : VMF_OK;
}

static enum vmf_code begin(struct target *target, const char *name, struct vmf_error *error)
{
  struct vmf_kept_upload *kept = target->kept;

  VMF_TRY(vmf_s3_new(name, name, &target->upload.s3, error));
  if (kept && kept->was)
    VMF_TRY(take_up(target, error));
  else if (target->resume)
    VMF_TRY(look_for_upload(target, error));
  if (!target->found)
    VMF_TRY(vmf_s3_create(&target->upload, &target->line, error));
  if (kept) {
    kept->id = target->upload.id;
    kept->origin = target->upload.s3->origin;
    kept->parts = parts_told;
  }
  return check_new(target, error);
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
  target->upload.name = copy;
  vmf_s3_sender_begin(&target->sender, &target->upload);
  *made = target;
  return VMF_OK;
}

enum vmf_code vmf_io_write_object(const char *name, bool new_only, bool resume,
                                  struct vmf_kept_upload *kept, struct vmf_io **io,
                                  struct vmf_error *error)
{
  struct target *target;

  VMF_TRY(vmf_curl_load(name, error));
  VMF_TRY(make(name, &target, error));
  target->upload.new_only = new_only;
  target->resume = resume && !kept;
  target->kept = kept;
  enum vmf_code code = begin(target, name, error);
  if (code == VMF_OK)
    *io = &target->io;
  else
    target_close(&target->io);
  return code;
}

#else

enum vmf_code vmf_io_write_object(const char *name, bool new_only, bool resume,
                                  struct vmf_kept_upload *kept, struct vmf_io **io,
                                  struct vmf_error *error)
{
  (void)new_only, (void)resume, (void)kept, (void)io;
  return vmf_fail(
      error, VMF_UNSUPPORTED,
      "%s: this build is without libcurl, which writes objects; through a pipe: vmferry "
      "convert SOURCE - | aws s3 cp - URL",
      name);
}

#endif
