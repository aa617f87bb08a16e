/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "salvage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "list.h"
#include "memory.h"

enum {
  SECTOR = 512,             /* less is not tried */
  MOST_AT_ONCE = 1 << 20,   /* a power of two, as SECTOR */
  UNMAPPED_STEP = 64 << 10, /* bytes that are lost with a place in the map, at most */
};

static bool is_damage(enum vmf_code code)
{
  return code == VMF_READ || code == VMF_CORRUPT;
}

/* ---- bytes that are not even tried ---- */

static enum vmf_code lost_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                struct vmf_error *error)
{
  (void)buffer;
  (void)length;
  (void)offset;
  return vmf_fail(error, VMF_READ, "%s", io->name);
}

static const struct vmf_io_ops lost_ops = {.kind = "lost", .pread = lost_pread};
static char excluded_name[] = "the map says that they are bad, so they were not read";
static char unmapped_name[] = "the tables of the image do not tell where they are";

static bool is_lost(const struct vmf_span *span)
{
  return span->kind == VMF_RUN_PLAIN && span->io->ops == &lost_ops;
}

static void set_lost(struct vmf_span *span, struct vmf_io *io, struct vmf_image *image,
                     uint64_t guest, uint64_t length)
{
  *span = (struct vmf_span){.guest = guest,
                            .length = length,
                            .kind = VMF_RUN_PLAIN,
                            .owner = image,
                            .io = io,
                            .offset = guest};
}

enum vmf_code vmf_salvage_init(struct vmf_salvage *salvage, const struct vmf_job_options *options,
                               struct vmf_error *error)
{
  const struct vmf_stretch *unread = options->unread;
  uint64_t end = 0;

  *salvage = (struct vmf_salvage){
      .unread = unread,
      .unread_count = options->unread_count,
      .excluded = {.ops = &lost_ops, .name = excluded_name, .size = UINT64_MAX},
      .unmapped = {.ops = &lost_ops, .name = unmapped_name, .size = UINT64_MAX},
  };
  if (options->unread_count > 0)
    VMF_REQUIRE(unread, error);
  for (size_t i = 0; i < options->unread_count; i++) {
    if (unread[i].length == 0 || unread[i].guest < end ||
        !vmf_range_within(unread[i].guest, unread[i].length, UINT64_MAX))
      return vmf_fail(error, VMF_USAGE,
                      "what is not to be read: guest bytes %" PRIu64 " + %" PRIu64
                      " are none, or not behind those before them",
                      unread[i].guest, unread[i].length);
    end = unread[i].guest + unread[i].length;
  }
  return VMF_OK;
}

/* The first stretch of `unread` that ends behind `guest`; NULL: there is none. */
static const struct vmf_stretch *next_unread(const struct vmf_salvage *salvage, uint64_t guest)
{
  size_t low = 0, high = salvage->unread_count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (salvage->unread[middle].guest + salvage->unread[middle].length > guest)
      high = middle;
    else
      low = middle + 1;
  }
  return low < salvage->unread_count ? &salvage->unread[low] : NULL;
}

enum vmf_code vmf_salvage_span(struct vmf_salvage *salvage, struct vmf_image *image, uint64_t guest,
                               struct vmf_span *span, struct vmf_error *error)
{
  const struct vmf_stretch *unread = next_unread(salvage, guest);
  uint64_t end = image->size, step = UNMAPPED_STEP;
  struct vmf_error why;

  if (unread && unread->guest <= guest) {
    end = vmf_min(end, unread->guest + unread->length);
    set_lost(span, &salvage->excluded, image, guest, end - guest);
    return VMF_OK;
  }
  if (unread)
    end = vmf_min(end, unread->guest);
  enum vmf_code code = vmf_image_span(image, guest, end - guest, span, &why);
  /* plain: where it stands is known, only its holes could not be asked for, and reading may do */
  if (code == VMF_OK || (is_damage(code) && span->kind == VMF_RUN_PLAIN))
    return VMF_OK;
  if (!is_damage(code))
    return vmf_fail(error, code, "%s", why.text);
  if (vmf_is_power_of_two(image->unit))
    step = vmf_min(step, image->unit);
  end = vmf_min(end, vmf_align_down(guest, step) + step);
  set_lost(span, &salvage->unmapped, image, guest, end - guest);
  return VMF_OK;
}

/* ---- reading ---- */

size_t vmf_losses_memory(uint32_t job_bytes)
{
  return job_bytes / (2 * SECTOR) * sizeof(struct vmf_loss);
}

bool vmf_losses_touch(const struct vmf_losses *losses, uint64_t guest, uint64_t length)
{
  for (size_t i = 0; i < losses->count; i++)
    if (losses->list[i].guest < guest + length &&
        losses->list[i].guest + losses->list[i].length > guest)
      return true;
  return false;
}

void vmf_losses_free(struct vmf_losses *losses)
{
  vmf_free(losses->list);
}

static enum vmf_code add_loss(struct vmf_losses *losses, uint64_t guest, uint64_t length,
                              const char *why, struct vmf_error *error)
{
  struct vmf_loss *last = losses->count > 0 ? &losses->list[losses->count - 1] : NULL;

  if (last && last->guest + last->length == guest) {
    last->length += length;
    return VMF_OK;
  }
  VMF_TRY(VMF_LIST_ROOM(losses->list, losses->count, losses->capacity, "lost stretches", error));
  last = &losses->list[losses->count++];
  last->guest = guest;
  last->length = length;
  snprintf(last->why, sizeof last->why, "%.*s", VMF_LOSS_TEXT - 1, why);
  return VMF_OK;
}

/* From `at` on, up to the next multiple of `step` in the file; a packed span is one piece. */
static void cut_piece(struct vmf_span *piece, uint64_t at, uint64_t step)
{
  uint64_t end = piece->guest + piece->length, host = piece->offset + (at - piece->guest);

  if (piece->kind == VMF_RUN_PLAIN && !is_lost(piece))
    end = vmf_min(end, at + (step - host % step));
  vmf_span_cut(piece, at, end);
}

/* Large pieces where all is well, sectors where it is not. */
static enum vmf_code read_span(struct vmf_loader *loader, const struct vmf_span *span, uint8_t *out,
                               struct vmf_losses *losses, struct vmf_error *error)
{
  uint64_t done = 0, step = MOST_AT_ONCE;

  while (done < span->length) {
    struct vmf_span piece = *span;
    struct vmf_error why;
    cut_piece(&piece, span->guest + done, step);
    const struct vmf_spans one = {.list = &piece, .count = 1};
    enum vmf_code code =
        vmf_loader_read_spans(loader, &one, out + done, (size_t)piece.length, piece.guest, &why);
    bool divisible = piece.kind == VMF_RUN_PLAIN && !is_lost(&piece) && step > SECTOR;
    if (code != VMF_OK && !is_damage(code))
      return vmf_fail(error, code, "%s", why.text);
    if (code != VMF_OK && divisible) {
      step /= 2;
      continue;
    }
    if (code != VMF_OK) {
      memset(out + done, 0, (size_t)piece.length);
      VMF_TRY(add_loss(losses, piece.guest, piece.length, why.text, error));
    } else {
      step = vmf_min(2 * step, MOST_AT_ONCE);
    }
    done += piece.length;
  }
  return VMF_OK;
}

enum vmf_code vmf_salvage_read(struct vmf_loader *loader, const struct vmf_spans *spans,
                               void *buffer, size_t length, uint64_t guest, struct vmf_kept *kept,
                               struct vmf_losses *losses, struct vmf_error *error)
{
  uint8_t *out = buffer;

  struct vmf_error why;

  losses->count = 0;
  enum vmf_code code = vmf_loader_read_spans(loader, spans, buffer, length, guest, &why);
  if (code == VMF_OK)
    return VMF_OK;
  if (!is_damage(code))
    return vmf_fail(error, code, "%s", why.text);
  vmf_loader_keep(loader, NULL);
  if (kept)
    kept->used = kept->count = 0;
  memset(buffer, 0, length);
  for (size_t i = 0; i < spans->count; i++) {
    const struct vmf_span *span = &spans->list[i];
    VMF_TRY(read_span(loader, span, out + (span->guest - guest), losses, error));
  }
  return VMF_OK;
}

/* ---- telling ---- */

void vmf_salvage_tell_last(struct vmf_loss *pending, const struct vmf_job_options *options,
                           struct vmf_job_result *result)
{
  if (pending->length == 0)
    return;
  result->lost_bytes += pending->length;
  result->lost_stretches++;
  options->lost(options->lost_data, pending->guest, pending->length, pending->why);
  pending->length = 0;
}

void vmf_salvage_tell(struct vmf_loss *pending, const struct vmf_losses *losses,
                      const struct vmf_job_options *options, struct vmf_job_result *result)
{
  for (size_t i = 0; i < losses->count; i++) {
    const struct vmf_loss *loss = &losses->list[i];
    if (pending->length > 0 && pending->guest + pending->length == loss->guest) {
      pending->length += loss->length;
      continue;
    }
    vmf_salvage_tell_last(pending, options, result);
    *pending = *loss;
  }
}
