/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing: the text of the machine, then the chunks of one disk behind those of the other. The
 * first and the last chunk of a disk are always there, others where they are not zeros. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "tar.h"
#include "xva.h"

enum { DIGITS = 16 /* of XXH64 */ };

struct xva_options {
  char *ref; /* the disk's id, and its folder in the archive */
};

struct writer_state {
  uint64_t at;      /* in the file: where the next chunk goes */
  uint64_t reached; /* guest bytes: the end of the last chunk */
};

/* ---- one chunk ---- */

static void digits_of(const uint8_t *digest, uint8_t text[DIGITS])
{
  static const char digits[] = "0123456789ABCDEF";

  for (size_t i = 0; i < DIGITS / 2; i++) {
    text[2 * i] = (uint8_t)digits[digest[i] >> 4];
    text[2 * i + 1] = (uint8_t)digits[digest[i] & 15];
  }
}

/* The header before a chunk's data, and the member with its checksum behind it. */
static enum vmf_code frame(const struct vmf_target *target, uint64_t guest, size_t length,
                           const uint8_t *digest, uint8_t *head, uint8_t *tail,
                           struct vmf_error *error)
{
  const struct xva_options *options = target->options;
  uint64_t time = (uint64_t)target->identity->time;
  char name[VMF_TAR_NAME_WRITTEN + 1];

  snprintf(name, sizeof name, "%.64s/%08" PRIu64, options->ref, guest / XVA_CHUNK);
  VMF_TRY(vmf_tar_header(name, length, time, head, error));
  strcat(name, ".xxhash");
  VMF_TRY(vmf_tar_header(name, DIGITS, time, tail, error));
  memset(tail + XVA_BLOCK, 0, XVA_BLOCK);
  digits_of(digest, tail + XVA_BLOCK);
  return VMF_OK;
}

static enum vmf_code xva_wrap(const struct vmf_target *target, struct vmf_block *block,
                              struct vmf_error *error)
{
  block->head_length = XVA_BLOCK;
  block->tail_length = XVA_CHECKSUM_BYTES;
  block->zeros = (uint32_t)vmf_tar_padding(block->data_length);
  return frame(target, block->guest, block->data_length, block->digest, block->head, block->tail,
               error);
}

/* A chunk that is all zeros. */
static enum vmf_code write_zeros(struct vmf_target *target, uint64_t guest, size_t length,
                                 struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint8_t head[XVA_BLOCK], tail[XVA_CHECKSUM_BYTES], digest[VMF_BLOCK_DIGEST_BYTES];
  size_t padded = length + (size_t)vmf_tar_padding(length);

  VMF_TRY(vmf_block_digest_of_zeros(VMF_BLOCK_XXH64, length, digest, error));
  VMF_TRY(frame(target, guest, length, digest, head, tail, error));
  const struct vmf_piece pieces[] = {{.data = head, .length = sizeof head},
                                     {.length = padded},
                                     {.data = tail, .length = sizeof tail}};
  VMF_TRY(vmf_io_pwrite_pieces(target->io, pieces, 3, state->at, error));
  state->at += sizeof head + padded + sizeof tail;
  state->reached = guest + length;
  return VMF_OK;
}

/* ---- a disk ---- */

static enum vmf_code xva_shape(const void *values, uint64_t guest_size, bool compress, bool backing,
                               struct vmf_shape *shape, struct vmf_error *error)
{
  const struct xva_options *options = values;

  if (options->ref && !xva_is_id(options->ref))
    return vmf_fail(error, VMF_USAGE, "format xva: ref=%.80s: expected an id as in Ref:7",
                    options->ref);
  if (compress)
    return vmf_fail(error, VMF_USAGE, "format xva has no compression; zstd packs all of it");
  if (backing)
    return vmf_fail(error, VMF_UNSUPPORTED, "format xva has no backing files; qcow2 has overlays");
  if (guest_size == 0 || guest_size > INT64_MAX / 2)
    return vmf_fail(error, VMF_UNSUPPORTED, "format xva cannot hold a disk of %" PRIu64 " bytes",
                    guest_size);
  /* all disks of a file have gaps as long as the first chunk: a short one is filled up */
  *shape = (struct vmf_shape){.layout = VMF_ORDERED,
                              .unit = XVA_CHUNK,
                              .unpadded = guest_size > XVA_CHUNK,
                              .head_bytes = XVA_BLOCK,
                              .tail_bytes = XVA_CHECKSUM_BYTES,
                              .digest = VMF_BLOCK_XXH64};
  return VMF_OK;
}

static enum vmf_code xva_measure(const void *values, const struct vmf_shape *shape,
                                 uint64_t guest_size, const struct vmf_plan *plan, uint64_t *bytes,
                                 struct vmf_error *error)
{
  uint64_t all = vmf_div_up(guest_size, XVA_CHUNK), chunks = all;

  (void)values;
  (void)shape;
  if (plan) /* the first and the last are always there */
    VMF_TRY(vmf_plan_count(plan, XVA_CHUNK, &chunks, error));
  chunks = plan ? vmf_min(chunks + 2, all) : all;
  *bytes = chunks * (XVA_CHUNK + XVA_BLOCK + XVA_CHECKSUM_BYTES);
  return VMF_OK;
}

static enum vmf_code xva_begin(struct vmf_target *target, const struct vmf_plan *plan,
                               struct vmf_error *error)
{
  const struct xva_options *options = target->options;

  (void)plan;
  if (!options->ref)
    return vmf_fail(error, VMF_USAGE,
                    "format xva: a disk alone is no machine; pack it (vmferry pack DISK -o vm.ova) "
                    "and convert that (vmferry convert vm.ova vm.xva)");
  return VMF_OK;
}

static enum vmf_code xva_place(struct vmf_target *target, struct vmf_block *block,
                               struct vmf_error *error)
{
  struct writer_state *state = target->state;

  if (state->reached == 0 && block->guest > 0)
    VMF_TRY(write_zeros(target, 0, XVA_CHUNK, error));
  block->host = state->at;
  state->at += block->head_length + block->data_length + block->zeros + block->tail_length;
  state->reached = block->guest + block->length;
  return VMF_OK;
}

static enum vmf_code xva_finish(struct vmf_target *target, struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint64_t last = vmf_align_down(target->guest_size - 1, XVA_CHUNK);

  if (state->reached == 0)
    VMF_TRY(write_zeros(target, 0, XVA_CHUNK, error));
  if (last < state->reached)
    return VMF_OK;
  return write_zeros(target, last, (size_t)(target->guest_size - last), error);
}

static void xva_release(struct vmf_target *target)
{
  (void)target;
}

static const struct vmf_option xva_option_table[] = {
    {.name = "ref",
     .help = "its id, where ova.xml was written before: only the chunks of the disk are written",
     .type = VMF_OPTION_TEXT,
     .offset = offsetof(struct xva_options, ref)},
};

const struct vmf_writer xva_writer = {
    .options = {xva_option_table, 1, sizeof(struct xva_options)},
    .state_size = sizeof(struct writer_state),
    .part = true,
    .shape = xva_shape,
    .measure = xva_measure,
    .begin = xva_begin,
    .wrap = xva_wrap,
    .place = xva_place,
    .finish = xva_finish,
    .release = xva_release,
};

/* ---- the archive ---- */

/* xapi takes the disks in the order of their ids as text. */
static enum vmf_code archive_begin(struct vmf_io *io, const struct vmf_contents *contents,
                                   const uint8_t id[VMF_GUID_SIZE], int64_t time,
                                   struct vmf_error *error)
{
  (void)id;
  for (unsigned i = 0; i < contents->disk_count; i++) {
    const char *ref = contents->disks[i].id;
    if (!ref || !xva_is_id(ref) || (i > 0 && strcmp(contents->disks[i - 1].id, ref) >= 0))
      return vmf_fail(
          error, VMF_USAGE,
          "%s: the disk \"%.64s\" is in the wrong order for an XVA, or has no id for it", io->name,
          ref ? ref : "");
  }
  return vmf_tar_put(io, 0, "ova.xml", contents->text, contents->text_length, (uint64_t)time,
                     error);
}

static enum vmf_code archive_options(const struct vmf_contents *contents, unsigned disk,
                                     const uint8_t id[VMF_GUID_SIZE], char **options,
                                     struct vmf_error *error)
{
  (void)id;
  return vmf_format(options, error, "ref=%s", contents->disks[disk].id);
}

static enum vmf_code archive_finish(struct vmf_io *io, struct vmf_error *error)
{
  return vmf_tar_finish(io, io->size, error);
}

const struct vmf_container_writer xva_container_writer = {
    .begin = archive_begin, .options = archive_options, .finish = archive_finish};
