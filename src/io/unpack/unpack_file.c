/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A packed file as one that can be read anywhere: through points of gzip, piece by piece, or a copy
 * of what it holds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "packing.h"
#include "path.h"
#include "size.h"
#include "text.h"
#include "unpack.h"
#include "view.h"

struct unpacked {
  struct vmf_io io;
  const struct vmf_packing *packing;
  struct vmf_io *packed;  /* owned; NULL: `content` owns it */
  struct vmf_io *content; /* owned */
  char *inner;            /* the name without the suffix */
};

/* ---- what it is packed by ---- */

enum { SKIPPED_MOST = 64 /* frames that nobody reads, at the start of a file */ };

const struct vmf_packing *vmf_packing_find(const uint8_t *head, size_t length)
{
  for (const struct vmf_packing *const *packing = vmf_packings; *packing; packing++)
    if ((*packing)->file_begins(head, length))
      return *packing;
  return NULL;
}

/* Behind frames that are skipped it looks as far as a stream shows. */
static enum vmf_code packing_of_stream(struct vmf_io *io, const struct vmf_packing **packing,
                                       struct vmf_error *error)
{
  const uint8_t *head;
  size_t length;

  VMF_TRY(vmf_stream_peek(io, VMF_PACKING_HEAD, &head, &length, error));
  if (vmf_frame_skipped(head, length) > 0)
    VMF_TRY(vmf_stream_peek(io, VMF_STREAM_AHEAD, &head, &length, error));
  *packing = vmf_packing_find(head, length);
  return VMF_OK;
}

enum vmf_code vmf_packing_of(struct vmf_io *io, const struct vmf_packing **packing,
                             struct vmf_error *error)
{
  uint8_t head[VMF_PACKING_HEAD];
  uint64_t at = 0, size = vmf_size_get(io), skip = 0;

  *packing = NULL;
  if (vmf_io_is_stream(io))
    return packing_of_stream(io, packing, error);
  for (unsigned frames = 0; frames < SKIPPED_MOST && at < size; frames++, at += skip) {
    size_t length = (size_t)vmf_min(sizeof head, size - at);
    VMF_TRY(vmf_io_pread(io, head, length, at, error));
    const struct vmf_packing *found = vmf_packing_find(head, length);
    if (found && (at == 0 || found == &vmf_packing_zstd || found == &vmf_packing_lz4))
      *packing = found;
    skip = vmf_frame_skipped(head, length);
    if (found || skip == 0 || skip > size - at)
      return VMF_OK;
  }
  return VMF_OK;
}

enum vmf_code vmf_packing_is_cut(struct vmf_io *io, const struct vmf_packing *packing, bool *cut,
                                 struct vmf_error *error)
{
  char head[16];
  uint64_t size = vmf_size_get(io);

  *cut = false;
  if (vmf_io_is_stream(io) || size >= packing->magic_length)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(io, head, (size_t)size, 0, error));
  *cut = memcmp(head, packing->magic, (size_t)size) == 0;
  return VMF_OK;
}

const char *vmf_packing_name(const struct vmf_packing *packing)
{
  return packing->name;
}

const char *vmf_packing_command(const struct vmf_packing *packing)
{
  return packing->command;
}

const struct vmf_packing *vmf_packing_suffixed(const char *path)
{
  const char *dot = strrchr(vmf_path_name(path), '.');
  for (const struct vmf_packing *const *packing = vmf_packings; dot && *packing; packing++)
    for (const char *const *suffix = (*packing)->suffixes; *suffix; suffix++)
      if (vmf_text_equal_nocase(*suffix, dot + 1))
        return *packing;
  return NULL;
}

/* A suffix for a packed archive begins with a "t": .tgz, .txz, .tbz2. */
enum vmf_code vmf_packing_strip(const char *path, char **inner, struct vmf_error *error)
{
  if (!vmf_packing_suffixed(path))
    return vmf_copy_text(path, inner, error);
  const char *dot = strrchr(path, '.');
  bool archive = dot[1] == 't' || dot[1] == 'T';
  return vmf_format(inner, error, "%.*s%s", (int)(dot - path), path, archive ? ".tar" : "");
}

/* ---- the io ---- */

static enum vmf_code unpacked_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                    struct vmf_error *error)
{
  return vmf_io_pread(((struct unpacked *)io)->content, buffer, length, offset, error);
}

static enum vmf_code unpacked_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                        uint64_t *end, struct vmf_error *error)
{
  return vmf_io_next_data(((struct unpacked *)io)->content, offset, start, end, error);
}

static bool unpacked_ahead(struct vmf_io *io)
{
  return vmf_io_ahead(((struct unpacked *)io)->content);
}

static struct vmf_io *unpacked_below(const struct vmf_io *io, size_t index)
{
  const struct unpacked *unpacked = (const struct unpacked *)io;
  if (index > 0)
    return NULL;
  return unpacked->packed ? unpacked->packed : unpacked->content;
}

static void unpacked_close(struct vmf_io *io)
{
  struct unpacked *unpacked = (struct unpacked *)io;
  vmf_io_close(unpacked->content);
  vmf_io_close(unpacked->packed);
  vmf_free(unpacked->inner);
  vmf_free(io->name);
  vmf_free(unpacked);
}

static const struct vmf_io_ops unpacked_ops = {
    .kind = "packed file",
    .pread = unpacked_pread,
    .next_data = unpacked_next_data,
    .ahead = unpacked_ahead,
    .below = unpacked_below,
    .close = unpacked_close,
};

const struct vmf_packing *vmf_unpacked_from(const struct vmf_io *io)
{
  return io->ops == &unpacked_ops ? ((const struct unpacked *)io)->packing : NULL;
}

const char *vmf_content_name(const struct vmf_io *io)
{
  return io->ops == &unpacked_ops ? ((const struct unpacked *)io)->inner : io->name;
}

/* ---- making it ---- */

static enum vmf_code unpacked_new(struct vmf_io *packed, const struct vmf_packing *packing,
                                  struct unpacked **unpacked, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *inner = NULL;
  void *memory;
  VMF_TRY(vmf_copy_text(packed->name, &name, error));
  VMF_TRY(vmf_copy_text(packed->name, &inner, error));
  if (vmf_packing_suffixed(inner) == packing)
    *strrchr(inner, '.') = '\0';
  VMF_TRY(vmf_alloc(sizeof **unpacked, &memory, error));
  *unpacked = memory;
  **unpacked = (struct unpacked){.io = {.ops = &unpacked_ops, .name = name},
                                 .packing = packing,
                                 .packed = packed,
                                 .inner = inner};
  name = inner = NULL;
  return VMF_OK;
}

/* Zeros take no room there: what will not fit by its size may. */
static void tell_room(const struct vmf_io *packed, uint64_t told, const char *folder,
                      const struct vmf_log *log)
{
  uint64_t room = vmf_spool_room(folder);
  if (told > room)
    vmf_warn(log,
             "%s: is unpacked into a file in %s first: it holds at least %" PRIu64
             " bytes, and there is room for %" PRIu64
             ", which is enough only where the others are zeros; --spool or $TMPDIR names another "
             "folder",
             packed->name, folder, told, room);
  else
    vmf_note(log, "%s is unpacked into a file in %s first", packed->name, folder);
}

/* What it holds into a file without a name; told: bytes, at least. */
static enum vmf_code spool(struct vmf_io *packed, const struct vmf_packing *packing, uint64_t told,
                           const struct vmf_unpack_options *options, struct vmf_io **io,
                           struct vmf_error *error)
{
  const struct vmf_spool_options spool = {.folder = vmf_spool_folder(options->folder),
                                          .max_bytes = options->max_bytes,
                                          .cancel = options->cancel};
  struct vmf_unpack_options of_file = *options;
  struct vmf_io *walk, *stream;
  of_file.packed_size = vmf_size_get(packed);
  VMF_TRY(vmf_io_stream_over(packed, &walk, error));
  VMF_TRY(vmf_unpack_stream(walk, packing, &of_file, &stream, error));
  vmf_stream_settle(stream);
  tell_room(packed, told, spool.folder, options->log);
  return vmf_io_spool(stream, &spool, io, error);
}

static enum vmf_code fill(struct unpacked *unpacked, const struct vmf_unpack_options *options,
                          struct vmf_error *error)
{
  struct vmf_io *packed = unpacked->packed;
  const struct vmf_gunzip_options gunzip = {.limit = options->max_bytes,
                                            .cancel = options->cancel,
                                            .progress = options->progress,
                                            .progress_data = options->progress_data};
  uint64_t told = 0;
  if (unpacked->packing != &vmf_packing_gzip) {
    enum vmf_code code =
        vmf_unpack_pieces(packed, unpacked->packing, options, &told, &unpacked->content, error);
    if (code == VMF_UNSUPPORTED)
      code = spool(packed, unpacked->packing, told, options, &unpacked->content, error);
    VMF_TRY(code);
  } else {
    unpacked->packed = NULL; /* taken over, also on failure */
    VMF_TRY(vmf_io_gunzip(packed, &gunzip, &unpacked->content, error));
  }
  unpacked->io.size = vmf_size_get(unpacked->content);
  return VMF_OK;
}

enum vmf_code vmf_unpack_comes_once(struct vmf_io *packed, const struct vmf_packing *packing,
                                    bool *once, struct vmf_error *error)
{
  struct vmf_packed_pieces pieces = {.count = 0};

  *once = false;
  if (packing == &vmf_packing_gzip)
    return VMF_OK;
  enum vmf_code code = packing->list ? packing->list(packed, &pieces, error) : VMF_UNSUPPORTED;
  *once = code == VMF_UNSUPPORTED || (code == VMF_OK && pieces.count == 0);
  vmf_free(pieces.list);
  return *once ? VMF_OK : code;
}

enum vmf_code vmf_unpack_once_size(struct vmf_io *packed, const struct vmf_packing *packing,
                                   uint64_t *size, struct vmf_error *error)
{
  struct vmf_packed_pieces pieces = {.sum_only = true};

  *size = 0;
  enum vmf_code code = packing->list ? packing->list(packed, &pieces, error) : VMF_UNSUPPORTED;
  if (code == VMF_OK && pieces.unlisted && !pieces.untold && pieces.told < UINT64_MAX)
    *size = pieces.told;
  vmf_free(pieces.list);
  return code == VMF_UNSUPPORTED ? VMF_OK : code;
}

enum vmf_code vmf_unpack_file(struct vmf_io *packed, const struct vmf_packing *packing,
                              const struct vmf_unpack_options *options, struct vmf_io **io,
                              struct vmf_error *error)
{
  struct unpacked *unpacked;
  enum vmf_code code = unpacked_new(packed, packing, &unpacked, error);
  if (code != VMF_OK) {
    vmf_io_close(packed);
    return code;
  }
  code = fill(unpacked, options, error);
  if (code != VMF_OK) {
    unpacked_close(&unpacked->io);
    return code;
  }
  *io = &unpacked->io;
  return VMF_OK;
}
