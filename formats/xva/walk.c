/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The members of the archive, one behind the other, in a file or as they come: which chunk of which
 * disk each is, and whether all that has to be there is. */
#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "log.h"
#include "memory.h"
#include "stream.h"
#include "tar_extra.h"
#include "xva.h"
#include "zero.h"

enum {
  OVA_MOST = 16 << 20,    /* bytes of ova.xml */
  BEHIND_MOST = 16 << 20, /* bytes of zeros behind the end */
  DIGITS = 8,             /* of a chunk's number, at least */
  DIGITS_MOST = 15,
};

static const char ova_name[] = "ova.xml";

/* ---- bytes ---- */

/* `length` bytes from `at` on, which grows; *have is less where the archive ends. */
static enum vmf_code look(struct xva_walk *walk, uint64_t at, size_t length, const uint8_t **bytes,
                          size_t *have, struct vmf_error *error)
{
  struct vmf_io *io = walk->io;

  if (vmf_io_is_stream(io)) {
    VMF_TRY(vmf_stream_skip(io, at, error));
    return vmf_stream_peek(io, length, bytes, have, error);
  }
  if (at < walk->window_at || at + length > walk->window_at + walk->window_length) {
    walk->window_at = vmf_min(at, io->size);
    walk->window_length = (size_t)vmf_min(sizeof walk->window, io->size - walk->window_at);
    if (walk->window_length > 0)
      VMF_TRY(vmf_io_pread(io, walk->window, walk->window_length, walk->window_at, error));
  }
  *bytes = walk->window + (at - walk->window_at);
  *have = (size_t)vmf_min(length, walk->window_at + walk->window_length - at);
  return VMF_OK;
}

static enum vmf_code ends_within(const struct xva_walk *walk, uint64_t at, const char *what,
                                 struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: ends at byte %" PRIu64 ", in %s: it is cut off",
                  walk->io->name, at, what);
}

/* Where the member behind the one of that header starts. */
static enum vmf_code pass(struct xva_walk *walk, const struct vmf_tar_header *header,
                          struct vmf_error *error)
{
  uint64_t end;

  if (!vmf_add(header->at + XVA_BLOCK, header->size, &end) || end > INT64_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the member \"%.80s\" at byte %" PRIu64 " has %" PRIu64
                    " bytes, which no archive can have",
                    walk->io->name, header->name, header->at, header->size);
  end = vmf_align_up(end, XVA_BLOCK);
  if (!vmf_io_is_stream(walk->io) && end > walk->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the member \"%.80s\" at byte %" PRIu64 " has %" PRIu64
                    " bytes, and the file ends at byte %" PRIu64 ": it is cut off",
                    walk->io->name, header->name, header->at, header->size, walk->io->size);
  walk->at = end;
  return VMF_OK;
}

/* A header that says more of the member behind it. No writer of an XVA needs one; what tar made
 * anew has times in them. */
static enum vmf_code pass_extra(struct xva_walk *walk, const struct vmf_tar_header *header,
                                struct vmf_error *error)
{
  struct vmf_tar_extra extra = {.type = 0};
  enum vmf_code code =
      vmf_tar_read_extra(walk->io, header, walk->log, false, &walk->told, &extra, error);
  bool changes = extra.name || extra.sized;

  walk->extended = true;
  vmf_tar_extra_forget(&extra);
  VMF_TRY(code);
  if (!changes)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the extended header at byte %" PRIu64
                  " gives the member behind it another name or size, which those of an XVA do not "
                  "need",
                  walk->io->name, header->at);
}

/* The next header; *end where there is none. walk->at is behind the member then. */
static enum vmf_code next_header(struct xva_walk *walk, struct vmf_tar_header *header, bool *end,
                                 struct vmf_error *error)
{
  const uint8_t *block;
  size_t have;

  for (;;) {
    VMF_TRY(look(walk, walk->at, XVA_BLOCK, &block, &have, error));
    *end = have == 0 || (have == XVA_BLOCK && vmf_is_zero(block, XVA_BLOCK));
    if (*end)
      return VMF_OK;
    if (have < XVA_BLOCK)
      return ends_within(walk, walk->at + have, "a tar header", error);
    VMF_TRY(vmf_tar_parse_header(walk->io->name, walk->at, block, header, error));
    VMF_TRY(pass(walk, header, error));
    if (!vmf_tar_is_extra(header->type))
      return VMF_OK;
    VMF_TRY(pass_extra(walk, header, error));
  }
}

/* What archives have besides: folders, and the empty files that xva-img makes of them. */
static bool is_passed(const struct vmf_tar_header *header)
{
  return header->type == '5' || (header->size == 0 && !strchr(vmf_tar_strip(header->name), '/'));
}

static enum vmf_code check_file(const struct xva_walk *walk, const struct vmf_tar_header *header,
                                struct vmf_error *error)
{
  if (header->type == '0' || header->type == '\0')
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the member \"%.80s\" at byte %" PRIu64
                  " is of type 0x%02x; only regular files are accepted",
                  walk->io->name, header->name, header->at, header->type);
}

/* ---- ova.xml ---- */

static enum vmf_code read_ova(struct xva_walk *walk, const struct vmf_tar_header *header,
                              struct vmf_error *error)
{
  void *memory;

  if (header->size > OVA_MOST)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: ova.xml at byte %" PRIu64 " has %" PRIu64 " bytes, accepted are %d",
                    walk->io->name, header->at, header->size, OVA_MOST);
  VMF_TRY(vmf_alloc((size_t)header->size + 1, &memory, error));
  walk->ova->text = memory;
  walk->ova->length = (size_t)header->size;
  if (walk->ova->length > 0)
    VMF_TRY(
        vmf_io_pread(walk->io, walk->ova->text, walk->ova->length, header->at + XVA_BLOCK, error));
  return xva_ova_read(walk->io->name, walk->ova, error);
}

enum vmf_code xva_walk_start(struct xva_walk *walk, struct vmf_io *io, const struct vmf_log *log,
                             struct xva_ova *ova, struct vmf_error *error)
{
  struct vmf_tar_header header;
  void *memory;
  bool end;

  walk->io = io;
  walk->log = log;
  walk->ova = ova;
  do {
    VMF_TRY(next_header(walk, &header, &end, error));
    if (end)
      return vmf_fail(error, VMF_CORRUPT, "%s: has no ova.xml, so nothing is known of its disks",
                      io->name);
  } while (is_passed(&header));
  VMF_TRY(check_file(walk, &header, error));
  if (strcmp(vmf_tar_strip(header.name), ova_name) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the first member is \"%.80s\", expected ova.xml, which tells what the "
                    "others are",
                    io->name, header.name);
  VMF_TRY(read_ova(walk, &header, error));
  VMF_TRY(vmf_alloc(ova->count * sizeof *walk->progress, &memory, error));
  walk->progress = memory;
  return VMF_OK;
}

void xva_walk_stop(struct xva_walk *walk)
{
  vmf_free(walk->progress);
}

enum vmf_code xva_walk_look(struct xva_walk *walk, struct vmf_tar_header *header, bool *found,
                            struct vmf_error *error)
{
  bool end;

  do {
    VMF_TRY(next_header(walk, header, &end, error));
    *found = !end;
  } while (!end && is_passed(header));
  if (!end)
    walk->at = header->at;
  return VMF_OK;
}

/* ---- chunks ---- */

/* "Ref:11/00000042": the disk, and where in the name its number starts. */
static enum vmf_code split_name(const struct xva_walk *walk, const struct vmf_tar_header *header,
                                unsigned *disk, uint64_t *number, struct vmf_error *error)
{
  const char *name = vmf_tar_strip(header->name), *slash = strchr(name, '/');
  const char *digits = slash ? slash + 1 : "";
  size_t count = strspn(digits, "0123456789"), length = slash ? (size_t)(slash - name) : 0;

  if (vmf_io_is_stream(walk->io) && digits[count] == '.')
    return vmf_fail(
        error, VMF_UNSUPPORTED,
        "%s: the member \"%.80s\" at byte %" PRIu64
        " is a checksum that does not follow its chunk at once: from a pipe that is not "
        "read; store it in a file first",
        walk->io->name, header->name, header->at);
  if (!slash || digits[count] != '\0' || count < DIGITS || count > DIGITS_MOST ||
      (count > DIGITS && digits[0] == '0'))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the member \"%.80s\" at byte %" PRIu64
                    " is no chunk of a disk, which is called as in Ref:11/00000042",
                    walk->io->name, header->name, header->at);
  *number = 0;
  for (; *digits; digits++)
    *number = *number * 10 + (uint64_t)(*digits - '0');
  for (*disk = 0; *disk < walk->ova->count; ++*disk) {
    const char *id = walk->ova->disks[*disk].id;
    if (strlen(id) == length && memcmp(id, name, length) == 0)
      return VMF_OK;
  }
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the member \"%.80s\" at byte %" PRIu64
                  " is of a disk that ova.xml does not tell of",
                  walk->io->name, header->name, header->at);
}

/* The disk that came last: all of it. */
static enum vmf_code end_disk(struct xva_walk *walk, struct vmf_error *error)
{
  const struct vmf_container_disk *disk = &walk->ova->disks[walk->disk];

  if (walk->first == 0 || walk->progress[walk->disk] != XVA_COMING)
    return VMF_OK;
  walk->progress[walk->disk] = XVA_CAME;
  if (walk->filled >= disk->size)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: disk %s ends at its byte %" PRIu64 " of %" PRIu64
                  " (the last chunk is always written): the archive is cut off, or its chunks are "
                  "not all as long as the first one (%" PRIu32 " bytes)",
                  walk->io->name, disk->id, walk->filled, disk->size, walk->first);
}

static enum vmf_code begin_disk(struct xva_walk *walk, unsigned disk, uint64_t number,
                                const struct vmf_tar_header *header, struct vmf_error *error)
{
  VMF_TRY(end_disk(walk, error));
  if (walk->progress[disk] != XVA_AWAITED)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the member \"%.80s\" at byte %" PRIu64
                    " comes behind chunks of another disk, expected all of a disk together",
                    walk->io->name, header->name, header->at);
  if (number != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the first chunk of disk %s is \"%.80s\" at byte %" PRIu64
                    ", expected number 0, which is always written",
                    walk->io->name, walk->ova->disks[disk].id, header->name, header->at);
  walk->progress[disk] = XVA_COMING;
  walk->disk = disk;
  walk->number = walk->reached = walk->filled = 0;
  return VMF_OK;
}

static enum vmf_code check_length(struct xva_walk *walk, const struct vmf_tar_header *header,
                                  struct vmf_error *error)
{
  if (header->size > XVA_CHUNK_MOST)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the chunk \"%.80s\" at byte %" PRIu64 " has %" PRIu64
                    " bytes, accepted are %d (all known writers have %d)",
                    walk->io->name, header->name, header->at, header->size, XVA_CHUNK_MOST,
                    XVA_CHUNK);
  if (walk->first == 0 && header->size == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the first chunk, \"%.80s\" at byte %" PRIu64
                    ", has no data: its length is that of all which are left out",
                    walk->io->name, header->name, header->at);
  if (walk->first == 0)
    walk->first = (uint32_t)header->size;
  return VMF_OK;
}

/* Where in its disk the chunk is. */
static enum vmf_code place(struct xva_walk *walk, const struct vmf_tar_header *header,
                           struct xva_chunk *chunk, struct vmf_error *error)
{
  uint64_t number = 0, gap = 0;
  unsigned disk = 0;

  VMF_TRY(split_name(walk, header, &disk, &number, error));
  bool goes_on = walk->first > 0 && disk == walk->disk && walk->progress[disk] == XVA_COMING;
  if (!goes_on)
    VMF_TRY(begin_disk(walk, disk, number, header, error));
  VMF_TRY(check_length(walk, header, error));
  if (number < walk->number)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the chunk \"%.80s\" at byte %" PRIu64 " comes behind number %" PRIu64
                    ", expected are numbers that grow",
                    walk->io->name, header->name, header->at, walk->number - 1);
  if (!vmf_mul(number - walk->number, walk->first, &gap) ||
      !vmf_add(walk->reached, gap, &walk->reached) ||
      (header->size > 0 && walk->reached >= walk->ova->disks[disk].size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the chunk \"%.80s\" at byte %" PRIu64
                    " is behind the end of the disk (%" PRIu64 " bytes)",
                    walk->io->name, header->name, header->at, walk->ova->disks[disk].size);
  *chunk = (struct xva_chunk){
      .disk = disk, .guest = walk->reached, .header = header->at, .length = (uint32_t)header->size};
  walk->number = number + 1;
  walk->reached += header->size;
  if (header->size > 0)
    walk->filled = walk->reached;
  return VMF_OK;
}

/* Goes to the checksum behind a chunk, over extended headers in front of it. */
static enum vmf_code pass_to_checksum(struct xva_walk *walk, const char *chunk,
                                      struct vmf_error *error)
{
  uint64_t start = walk->at, at;
  struct vmf_tar_header header;
  const uint8_t *blocks;
  size_t have;

  do {
    at = walk->at;
    VMF_TRY(look(walk, at, XVA_CHECKSUM_BYTES, &blocks, &have, error));
    if (have < XVA_CHECKSUM_BYTES)
      return ends_within(walk, at + have, "the checksum of a chunk", error);
    if (vmf_is_zero(blocks, XVA_BLOCK))
      return VMF_OK;
    VMF_TRY(vmf_tar_parse_header(walk->io->name, at, blocks, &header, error));
    if (vmf_tar_is_extra(header.type)) {
      VMF_TRY(pass(walk, &header, error));
      VMF_TRY(pass_extra(walk, &header, error));
    }
  } while (walk->at > at && walk->at - start <= XVA_TAIL_MOST - XVA_CHECKSUM_BYTES);
  if (walk->at == at)
    return VMF_OK;
  return vmf_fail(error, VMF_LIMIT,
                  "%s: extended headers of %" PRIu64 " bytes stand in front of the checksum of %s, "
                  "accepted are %d",
                  walk->io->name, walk->at - start, chunk, XVA_TAIL_MOST - XVA_CHECKSUM_BYTES);
}

/* The checksum behind the chunk. On a stream it comes with the chunk, and is looked at then. */
static enum vmf_code check_behind(struct xva_walk *walk, const char *name, struct xva_chunk *chunk,
                                  struct vmf_error *error)
{
  struct vmf_payload ignored;
  const uint8_t *blocks;
  uint64_t start = walk->at;
  size_t have;

  if (chunk->length == 0 || !vmf_io_is_stream(walk->io))
    VMF_TRY(pass_to_checksum(walk, name, error));
  uint64_t at = walk->at;
  walk->at += XVA_CHECKSUM_BYTES;
  chunk->tail = (uint32_t)(walk->at - start);
  if (chunk->length > 0 && vmf_io_is_stream(walk->io))
    return VMF_OK;
  VMF_TRY(look(walk, at, XVA_CHECKSUM_BYTES, &blocks, &have, error));
  return chunk->length == 0 ? xva_checksum_of_nothing(walk->io->name, at, name, blocks, error)
                            : xva_checksum_read(walk->io->name, at, name, blocks, &ignored, error);
}

/* ---- the end ---- */

static enum vmf_code look_behind(struct xva_walk *walk, struct vmf_error *error)
{
  uint64_t start = walk->at;
  const uint8_t *bytes;
  size_t have;

  VMF_TRY(look(walk, walk->at, 1, &bytes, &have, error));
  if (have == 0)
    vmf_warn(walk->log, "%s: the zeros are missing that end a tar archive; all of its disks came",
             walk->io->name);
  for (; walk->at - start <= BEHIND_MOST; walk->at += have) {
    VMF_TRY(look(walk, walk->at, XVA_BLOCK, &bytes, &have, error));
    if (have == 0)
      return VMF_OK;
    if (!vmf_is_zero(bytes, have))
      break;
  }
  if (walk->at - start > BEHIND_MOST)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the archive ends at byte %" PRIu64
                    ", and more than %d bytes of zeros come behind it",
                    walk->io->name, start, BEHIND_MOST);
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the archive ends at byte %" PRIu64 ", and at byte %" PRIu64
                  " something else than zeros comes behind it",
                  walk->io->name, start, walk->at);
}

enum vmf_code xva_walk_next(struct xva_walk *walk, struct xva_chunk *chunk, bool *end,
                            struct vmf_error *error)
{
  struct vmf_tar_header header;

  for (;;) {
    VMF_TRY(next_header(walk, &header, end, error));
    if (*end) {
      VMF_TRY(end_disk(walk, error));
      return look_behind(walk, error);
    }
    const char *name = vmf_tar_strip(header.name);
    /* what export_vsn 1 has behind the disks: their checksums once more */
    if (is_passed(&header) || strcmp(name, "checksum.xml") == 0)
      continue;
    VMF_TRY(check_file(walk, &header, error));
    VMF_TRY(place(walk, &header, chunk, error));
    VMF_TRY(check_behind(walk, name, chunk, error));
    if (chunk->length > 0)
      return VMF_OK;
  }
}

enum vmf_code xva_walk_came(const struct xva_walk *walk, unsigned disk, struct vmf_error *error)
{
  for (unsigned i = 0; i < walk->ova->count; i++)
    if (i != disk && walk->progress[i] == XVA_AWAITED)
      vmf_warn(walk->log, "%s: of disk %s there is no data in the archive", walk->io->name,
               walk->ova->disks[i].id);
  if (walk->progress[disk] == XVA_CAME)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: of disk %s there is no data in the archive, expected at least its first and "
                  "its last chunk",
                  walk->io->name, walk->ova->disks[disk].id);
}
