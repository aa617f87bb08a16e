/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A chunk with the member behind it that holds its checksum: XXH64, or SHA-1 of older writers. */
#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "log.h"
#include "tar_extra.h"
#include "text.h"
#include "xva.h"
#include "zero.h"

static const struct kind {
  const char *suffix;
  enum vmf_block_digest digest;
  size_t bytes;
  uint8_t of_nothing[20];
} kinds[] = {
    {".xxhash", VMF_BLOCK_XXH64, 8, {0xef, 0x46, 0xdb, 0x37, 0x51, 0xd8, 0xe9, 0x99}},
    {".checksum", VMF_BLOCK_SHA1, 20, {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
                                       0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09}},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* The kind of checksum that a member of that name is, of the chunk; NULL: another member. */
static const struct kind *kind_of(const char *member, const char *chunk)
{
  size_t length = strlen(chunk);

  if (strncmp(member, chunk, length) != 0)
    return NULL;
  for (size_t i = 0; i < KINDS; i++)
    if (strcmp(member + length, kinds[i].suffix) == 0)
      return &kinds[i];
  return NULL;
}

static bool parse_digits(const uint8_t *text, size_t bytes, uint8_t *out)
{
  for (size_t i = 0; i < bytes; i++) {
    int high = vmf_hex_digit((char)text[2 * i]), low = vmf_hex_digit((char)text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static enum vmf_code read_kind(const char *archive, uint64_t at, const char *chunk,
                               const uint8_t blocks[XVA_CHECKSUM_BYTES], const struct kind **kind,
                               uint8_t *digest, struct vmf_error *error)
{
  struct vmf_tar_header header;

  if (vmf_is_zero(blocks, XVA_BLOCK))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the archive ends at byte %" PRIu64 ", behind %s: expected is its checksum",
                    archive, at, chunk);
  VMF_TRY(vmf_tar_parse_header(archive, at, blocks, &header, error));
  if (vmf_tar_is_extra(header.type))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: an extended header stands at byte %" PRIu64
                    ", in front of the checksum of %s: from a pipe that is not read; store it in a "
                    "file first",
                    archive, at, chunk);
  *kind = kind_of(vmf_tar_strip(header.name), chunk);
  if (!*kind)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the member at byte %" PRIu64
                    " is \"%.80s\", expected %s.xxhash or %s.checksum: a chunk without its "
                    "checksum is not read",
                    archive, at, header.name, chunk, chunk);
  if (header.size != 2 * (*kind)->bytes)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %s%s at byte %" PRIu64 " has %" PRIu64 " bytes, expected %zu digits",
                    archive, chunk, (*kind)->suffix, at, header.size, 2 * (*kind)->bytes);
  if (!parse_digits(blocks + XVA_BLOCK, (*kind)->bytes, digest))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %s%s at byte %" PRIu64 " holds \"%.*s\", expected hexadecimal digits",
                    archive, chunk, (*kind)->suffix, at, (int)(2 * (*kind)->bytes),
                    (const char *)blocks + XVA_BLOCK);
  return VMF_OK;
}

enum vmf_code xva_checksum_read(const char *archive, uint64_t at, const char *chunk,
                                const uint8_t blocks[XVA_CHECKSUM_BYTES],
                                struct vmf_payload *payload, struct vmf_error *error)
{
  const struct kind *kind;

  VMF_TRY(read_kind(archive, at, chunk, blocks, &kind, payload->expected, error));
  payload->digest = kind->digest;
  return VMF_OK;
}

enum vmf_code xva_checksum_of_nothing(const char *archive, uint64_t at, const char *chunk,
                                      const uint8_t blocks[XVA_CHECKSUM_BYTES],
                                      struct vmf_error *error)
{
  uint8_t digest[VMF_BLOCK_DIGEST_BYTES];
  const struct kind *kind;

  VMF_TRY(read_kind(archive, at, chunk, blocks, &kind, digest, error));
  if (memcmp(digest, kind->of_nothing, kind->bytes) == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: %s has no data, and its checksum at byte %" PRIu64 " is not that of nothing",
                  archive, chunk, at);
}

/* ---- the chunk itself ---- */

void xva_chunk_run(const struct xva_walk *walk, const struct xva_chunk *chunk, uint32_t unit,
                   struct vmf_run *run)
{
  uint64_t left = walk->ova->disks[chunk->disk].size - chunk->guest;

  *run = (struct vmf_run){
      .guest = chunk->guest,
      .length = vmf_min(chunk->length, left),
      .kind = VMF_RUN_PACKED,
      .io = walk->io,
      .offset = chunk->header,
      .codec = VMF_CODEC_NONE,
      .unit = unit,
      .stored = (uint32_t)(XVA_BLOCK + vmf_align_up(chunk->length, XVA_BLOCK) + chunk->tail)};
}

/* What a writer has put behind the end of the disk is no data of it. */
static void look_behind(const char *archive, const struct vmf_log *log, const struct vmf_run *run,
                        const uint8_t *data, size_t length)
{
  if (length > run->length && !vmf_is_zero(data + run->length, length - run->length))
    vmf_warn(log,
             "%s: the last chunk of a disk, at byte %" PRIu64 ", has %" PRIu64
             " bytes behind the end of the disk that are not all zeros: they are left out",
             archive, run->offset, length - run->length);
}

enum vmf_code xva_chunk_unwrap(const char *archive, const struct vmf_log *log,
                               const struct vmf_run *run, const uint8_t *stored, size_t length,
                               struct vmf_payload *payload, struct vmf_error *error)
{
  struct vmf_tar_header header;
  uint64_t data;

  *payload = (struct vmf_payload){.need = length < XVA_BLOCK ? XVA_BLOCK : 0};
  if (payload->need > 0)
    return VMF_OK;
  VMF_TRY(vmf_tar_parse_header(archive, run->offset, stored, &header, error));
  data = header.size;
  if (data > run->unit || length < XVA_BLOCK + vmf_align_up(data, XVA_BLOCK) + XVA_CHECKSUM_BYTES)
    return vmf_fail(error, VMF_CHANGED,
                    "%s: the chunk at byte %" PRIu64 " has %" PRIu64
                    " bytes now: the archive was changed while it was read",
                    archive, run->offset, data);
  payload->start = XVA_BLOCK;
  payload->length = (uint32_t)data;
  uint64_t behind = length - XVA_CHECKSUM_BYTES; /* the run ends there */
  VMF_TRY(xva_checksum_read(archive, run->offset + behind, vmf_tar_strip(header.name),
                            stored + behind, payload, error));
  look_behind(archive, log, run, stored + XVA_BLOCK, (size_t)data);
  return VMF_OK;
}
