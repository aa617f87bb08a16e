/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Lists the members of a tar archive. References: POSIX.1-2017 "pax", GNU tar manual "Basic Tar
 * Format". What readers understand in different ways (names, numbers, what stands behind the end)
 * is refused, so that everybody sees the same members. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "log.h"
#include "memory.h"
#include "size.h"
#include "tar_extra.h"
#include "tar_header.h"
#include "tar_names.h"
#include "tar_sparse.h"
#include "zero.h"

enum {
  MEMBERS_MAX = 65536,
  HEADERS_MAX = 4 * MEMBERS_MAX, /* with folders, long names and extended headers */
  BEHIND_MAX = 16 << 20,         /* bytes of zeros behind the end that are read, holes apart */
};

struct reader {
  struct vmf_io *io;
  const struct vmf_log *log;
  struct vmf_tar *tar;
  struct vmf_tar_name *names; /* of files and folders; a file's is the member's own */
  size_t name_count, name_room, member_room;
  uint64_t at; /* of the next header */
  bool sparse; /* such members are accepted */
  struct vmf_tar_header header;
  uint8_t block[VMF_TAR_BLOCK]; /* of the header */
  struct vmf_tar_map map;       /* of the member; zeros: it has none */
  size_t segments;              /* of all maps */
  struct vmf_tar_extra extra;
  bool told; /* of a key that is not known */
};

bool vmf_tar_is_archive(struct vmf_io *io)
{
  uint8_t block[VMF_TAR_BLOCK];
  if (vmf_size_get(io) < sizeof block || vmf_io_pread(io, block, sizeof block, 0, NULL) != VMF_OK)
    return false;
  return !vmf_is_zero(block, sizeof block) && vmf_tar_sum_is_right(block);
}

/* ---- members ---- */

/* Room for one more element behind `count`. */
static enum vmf_code reserve(void **array, size_t count, size_t *room, size_t size,
                             struct vmf_error *error)
{
  void *larger = NULL;
  if (count < *room)
    return VMF_OK;
  size_t more = *room ? 2 * *room : 16;
  VMF_TRY(vmf_alloc(more * size, &larger, error));
  if (count > 0)
    memcpy(larger, *array, count * size);
  vmf_free(*array);
  *array = larger;
  *room = more;
  return VMF_OK;
}

static uint64_t first_header(const struct reader *reader)
{
  return reader->extra.type ? reader->extra.header : reader->header.at;
}

/* Keeps the name, without the "/" at a folder's end; *kept is what is kept. */
static enum vmf_code add_name(struct reader *reader, const char *name, bool folder, char **kept,
                              struct vmf_error *error)
{
  uint64_t header = first_header(reader);
  void *names = reader->names;
  size_t length = strlen(name);
  VMF_AUTO_FREE char *copy = NULL;
  if (folder && length > 0 && name[length - 1] == '/')
    length--;
  VMF_TRY(vmf_copy_bytes(name, length, &copy, error));
  VMF_TRY(vmf_tar_check_name(reader->io->name, header, copy, error));
  enum vmf_code code =
      reserve(&names, reader->name_count, &reader->name_room, sizeof *reader->names, error);
  reader->names = names;
  VMF_TRY(code);
  reader->names[reader->name_count++] =
      (struct vmf_tar_name){.name = copy, .header = header, .folder = folder};
  *kept = copy;
  copy = NULL;
  return VMF_OK;
}

static enum vmf_code add_member(struct reader *reader, const char *name, uint64_t size,
                                bool extended, struct vmf_error *error)
{
  struct vmf_tar *tar = reader->tar;
  void *members = tar->members;
  char *kept;
  if (tar->count == MEMBERS_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: has more than %d members", reader->io->name,
                    MEMBERS_MAX);
  enum vmf_code code =
      reserve(&members, tar->count, &reader->member_room, sizeof *tar->members, error);
  tar->members = members;
  VMF_TRY(code);
  VMF_TRY(add_name(reader, name, false, &kept, error));
  tar->members[tar->count++] =
      (struct vmf_tar_member){.name = kept,
                              .header = first_header(reader),
                              .offset = reader->header.at + VMF_TAR_BLOCK + reader->map.bytes,
                              .size = size,
                              .sparse = reader->map.sparse,
                              .extended = extended};
  reader->segments += reader->map.sparse ? reader->map.sparse->count : 0;
  reader->map = (struct vmf_tar_map){.sparse = NULL};
  if (reader->segments > VMF_TAR_SEGMENTS)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the maps of its sparse members have more than %d stretches",
                    reader->io->name, VMF_TAR_SEGMENTS);
  return VMF_OK;
}

static const char *kind_of(uint8_t type)
{
  switch (type) {
  case '1':
    return "a hard link";
  case '2':
  case 'K': /* the target of one that is long */
    return "a symbolic link";
  case '3':
  case '4':
    return "a device";
  case '6':
    return "a fifo";
  case '7':
    return "a contiguous file";
  case 'S':
    return "a sparse file";
  default:
    return "of a kind that no package has";
  }
}

static enum vmf_code refuse_kind(const struct reader *reader, const char *name,
                                 struct vmf_error *error)
{
  uint8_t type = reader->header.type;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: the member \"%.*s\" at byte %" PRIu64
                  " is %s (type 0x%02x); only regular files are accepted",
                  reader->io->name, VMF_TAR_NAME, name, first_header(reader), kind_of(type), type);
}

/* POSIX lets the size of a folder be a hint without content, GNU lists names there. */
static enum vmf_code take_folder(struct reader *reader, const char *name, uint64_t size,
                                 struct vmf_error *error)
{
  char *kept;
  if (size != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the folder \"%.*s\" at byte %" PRIu64 " has a size of %" PRIu64
                    " bytes, expected 0",
                    reader->io->name, VMF_TAR_NAME, name, first_header(reader), size);
  if (strcmp(name, ".") == 0 || strcmp(name, "./") == 0) /* the archive's own */
    return VMF_OK;
  return add_name(reader, vmf_tar_strip(name), true, &kept, error);
}

/* Whether so many bytes stand behind the header. */
static enum vmf_code check_room(const struct reader *reader, uint64_t size, struct vmf_error *error)
{
  uint64_t room, end = vmf_size_get(reader->io);
  if (vmf_add(size, VMF_TAR_BLOCK - 1, &room) &&
      vmf_range_within(reader->at + VMF_TAR_BLOCK, room / VMF_TAR_BLOCK * VMF_TAR_BLOCK, end))
    return VMF_OK;
  return vmf_fail(
      error, VMF_CORRUPT,
      "%s: the %" PRIu64 " bytes behind the tar header at byte %" PRIu64
      ", filled up to a multiple of %d, reach beyond the end, which is at byte %" PRIu64,
      reader->io->name, size, reader->at, VMF_TAR_BLOCK, end);
}

static enum vmf_code take_file(struct reader *reader, const char *name, uint64_t size,
                               struct vmf_error *error)
{
  const struct vmf_tar_extra *extra = &reader->extra;
  const char *stripped = vmf_tar_strip(name);
  bool renamed = extra->type == 'x' && strcmp(name, reader->header.name) != 0;
  bool extended = renamed || size != reader->header.size;
  reader->tar->dotted |= stripped != name;
  if (extra->sparse) {
    VMF_TRY(vmf_tar_map_pax(reader->io, &reader->header, size, extra->real, &reader->map, error));
    size -= reader->map.bytes;
  }
  return add_member(reader, stripped, size, extended, error);
}

/* The blocks of its map stand between its header and its data, and are not counted in the size. */
static enum vmf_code take_old_sparse(struct reader *reader, const char *name, uint64_t size,
                                     struct vmf_error *error)
{
  const char *stripped = vmf_tar_strip(name);
  if (reader->extra.type == 'x')
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the extended header at byte %" PRIu64
                    " is followed by a sparse member of the old form, which has none",
                    reader->io->name, reader->extra.header);
  reader->tar->dotted |= stripped != name;
  VMF_TRY(vmf_tar_map_old(reader->io, &reader->header, reader->block, &reader->map, error));
  reader->at += reader->map.bytes;
  VMF_TRY(check_room(reader, size, error));
  return add_member(reader, stripped, size, false, error);
}

/* The header's own name is for readers without long names and is not looked at by others, but for
 * its prefix. */
static enum vmf_code check_prefix(const struct reader *reader, struct vmf_error *error)
{
  if (reader->extra.type != 'L' || !reader->header.prefixed)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the tar header at byte %" PRIu64
                  " has a prefix of the name behind a long name, expected none",
                  reader->io->name, reader->header.at);
}

static enum vmf_code take_member(struct reader *reader, uint64_t size, struct vmf_error *error)
{
  uint8_t type = reader->header.type;
  const char *name = reader->extra.name ? reader->extra.name : reader->header.name;
  VMF_TRY(check_prefix(reader, error));
  if (type == '5')
    VMF_TRY(take_folder(reader, name, size, error));
  else if (type == '0' || type == '\0')
    VMF_TRY(take_file(reader, name, size, error));
  else if (type == 'S' && reader->sparse)
    VMF_TRY(take_old_sparse(reader, name, size, error));
  else
    return refuse_kind(reader, name, error);
  vmf_tar_extra_forget(&reader->extra);
  return VMF_OK;
}

/* ---- the walk ---- */

/* An extended header's size counts. Some readers know none: where the header has room for the size,
 * it is the same there. */
static enum vmf_code size_of(const struct reader *reader, uint64_t *size, struct vmf_error *error)
{
  const struct vmf_tar_extra *extra = &reader->extra;
  *size = extra->sized ? extra->size : reader->header.size;
  if (extra->sized && *size != reader->header.size &&
      (reader->header.size != 0 || *size < UINT64_C(1) << 33))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the size in the extended header at byte %" PRIu64 " is %" PRIu64
                    ", in the tar header at byte %" PRIu64 " it is %" PRIu64 ", expected the same",
                    reader->io->name, extra->header, *size, reader->header.at, reader->header.size);
  return check_room(reader, *size, error);
}

static enum vmf_code take_header(struct reader *reader, struct vmf_error *error)
{
  uint64_t size;
  reader->tar->old |= !reader->header.marked;
  VMF_TRY(size_of(reader, &size, error));
  if (vmf_tar_is_extra(reader->header.type))
    VMF_TRY(vmf_tar_read_extra(reader->io, &reader->header, reader->log, reader->sparse,
                               &reader->told, &reader->extra, error));
  else
    VMF_TRY(take_member(reader, size, error));
  reader->at += VMF_TAR_BLOCK + vmf_align_up(size, VMF_TAR_BLOCK);
  return VMF_OK;
}

/* ---- the end ---- */

static enum vmf_code check_zeros(struct reader *reader, uint64_t at, uint64_t end, uint64_t *budget,
                                 struct vmf_error *error)
{
  uint8_t buffer[8192];
  while (at < end) {
    size_t step = (size_t)vmf_min(end - at, sizeof buffer);
    if (step > *budget)
      return vmf_fail(error, VMF_LIMIT,
                      "%s: more than %d bytes of zeros follow the end of the archive, which is at "
                      "byte %" PRIu64,
                      reader->io->name, BEHIND_MAX, reader->at);
    *budget -= step;
    VMF_TRY(vmf_io_pread(reader->io, buffer, step, at, error));
    if (!vmf_is_zero(buffer, step))
      return vmf_fail(error, VMF_REFUSED,
                      "%s: the archive ends at byte %" PRIu64
                      ", and behind it, between byte %" PRIu64 " and %" PRIu64
                      ", are bytes that are not zero, which some readers read on",
                      reader->io->name, reader->at, at, at + step);
    at += step;
  }
  return VMF_OK;
}

/* Some readers go on behind the end and take what they find there. */
static enum vmf_code check_behind(struct reader *reader, struct vmf_error *error)
{
  uint64_t start, end, budget = BEHIND_MAX, size = vmf_size_get(reader->io);
  for (uint64_t at = reader->at; at < size; at = end) {
    VMF_TRY(vmf_io_next_data(reader->io, at, &start, &end, error));
    if (start >= end)
      break;
    VMF_TRY(check_zeros(reader, start, end, &budget, error));
  }
  return VMF_OK;
}

static enum vmf_code check_end(struct reader *reader, struct vmf_error *error)
{
  const struct vmf_tar_extra *extra = &reader->extra;
  if (reader->at == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: is no tar archive: it starts without a header",
                    reader->io->name);
  if (extra->type)
    return vmf_fail(error, VMF_CORRUPT, "%s: the %s at byte %" PRIu64 " is followed by no member",
                    reader->io->name, extra->type == 'L' ? "long name" : "extended header",
                    extra->header);
  reader->tar->unended = !vmf_range_within(reader->at, 2 * VMF_TAR_BLOCK, vmf_size_get(reader->io));
  return check_behind(reader, error);
}

/* The block at reader->at, or *ended: a block of zeros, or less than a block. */
static enum vmf_code next_block(struct reader *reader, bool *ended, struct vmf_error *error)
{
  *ended = !vmf_range_within(reader->at, VMF_TAR_BLOCK, vmf_size_get(reader->io));
  if (*ended)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(reader->io, reader->block, VMF_TAR_BLOCK, reader->at, error));
  *ended = vmf_is_zero(reader->block, VMF_TAR_BLOCK);
  return VMF_OK;
}

static enum vmf_code walk(struct reader *reader, struct vmf_error *error)
{
  for (unsigned headers = 0; headers < HEADERS_MAX; headers++) {
    bool ended;
    VMF_TRY(next_block(reader, &ended, error));
    if (ended)
      return check_end(reader, error);
    VMF_TRY(
        vmf_tar_parse_header(reader->io->name, reader->at, reader->block, &reader->header, error));
    VMF_TRY(take_header(reader, error));
  }
  return vmf_fail(error, VMF_LIMIT, "%s: has more than %d headers", reader->io->name, HEADERS_MAX);
}

/* ---- the whole ---- */

void vmf_tar_free(struct vmf_tar *tar)
{
  if (!tar)
    return;
  for (size_t i = 0; i < tar->count; i++) {
    vmf_free(tar->members[i].name);
    vmf_tar_sparse_free(tar->members[i].sparse);
  }
  vmf_free(tar->members);
  vmf_free(tar);
}

static void tell(const struct reader *reader)
{
  if (reader->tar->unended)
    vmf_warn(reader->log,
             "%s: the two blocks of zeros that end an archive are missing at byte %" PRIu64
             ": it may be cut off",
             reader->io->name, reader->at);
  if (reader->tar->dotted)
    vmf_warn(reader->log, "%s: names in the archive start with \"./\": they are read without it",
             reader->io->name);
}

static enum vmf_code read_all(struct vmf_io *io, const struct vmf_log *log, bool sparse,
                              struct vmf_tar **tar, struct vmf_error *error)
{
  struct reader reader = {.io = io, .log = log, .sparse = sparse};
  void *block = NULL;
  VMF_TRY(vmf_alloc(sizeof **tar, &block, error));
  reader.tar = block;
  enum vmf_code code = walk(&reader, error);
  if (code == VMF_OK)
    code = vmf_tar_check_clashes(io->name, reader.names, reader.name_count, error);
  for (size_t i = 0; i < reader.name_count; i++)
    if (reader.names[i].folder)
      vmf_free(reader.names[i].name);
  vmf_free(reader.names);
  vmf_tar_extra_forget(&reader.extra);
  vmf_tar_sparse_free(reader.map.sparse);
  if (code != VMF_OK) {
    vmf_tar_free(reader.tar);
    return code;
  }
  tell(&reader);
  *tar = reader.tar;
  return VMF_OK;
}

enum vmf_code vmf_tar_read(struct vmf_io *io, const struct vmf_log *log, struct vmf_tar **tar,
                           struct vmf_error *error)
{
  return read_all(io, log, false, tar, error);
}

enum vmf_code vmf_tar_read_sparse(struct vmf_io *io, const struct vmf_log *log,
                                  struct vmf_tar **tar, struct vmf_error *error)
{
  return read_all(io, log, true, tar, error);
}

enum vmf_code vmf_tar_open(struct vmf_io *archive, const struct vmf_tar_member *member,
                           const char *name, struct vmf_io **io, struct vmf_error *error)
{
  const struct vmf_tar_sparse *sparse = member->sparse;
  struct vmf_io *window;
  VMF_TRY(vmf_io_window(archive, member->offset, member->size, name, false, &window, error));
  *io = window;
  return sparse ? vmf_io_sparse(window, sparse->segments, sparse->count, sparse->size, name, true,
                                io, error)
                : VMF_OK;
}
