/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the functions answer is not believed: their ranges are checked, and an error without a text
 * gets one. */
#include "source_io.h"

#include <inttypes.h>

#include "memory.h"

struct source_io {
  struct vmf_io io;
  struct vmf_source source;
};

static enum vmf_code source_failed(const struct vmf_io *io, enum vmf_code code, uint64_t offset,
                                   const struct vmf_error *told, struct vmf_error *error)
{
  if (told->text[0])
    return vmf_fail(error, code, "%s: byte %" PRIu64 ": %s", io->name, offset, told->text);
  return vmf_fail(error, code, "%s: byte %" PRIu64 ": the source gives none: %s", io->name, offset,
                  vmf_code_text(code));
}

static enum vmf_code source_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  const struct vmf_source *source = &((struct source_io *)io)->source;
  struct vmf_error told = {0};

  if (length == 0)
    return VMF_OK;
  enum vmf_code code = source->read(source->data, buffer, length, offset, &told);
  return code == VMF_OK ? VMF_OK : source_failed(io, code, offset, &told, error);
}

static enum vmf_code source_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                      uint64_t *end, struct vmf_error *error)
{
  const struct vmf_source *source = &((struct source_io *)io)->source;
  struct vmf_error told = {0};

  *start = *end = 0;
  enum vmf_code code = source->next_data(source->data, offset, start, end, &told);
  if (code != VMF_OK)
    return source_failed(io, code, offset, &told, error);
  bool none = *start == io->size && *end == io->size;
  if (none || (*start >= offset && *start < *end && *end <= io->size))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: data behind byte %" PRIu64 " is said to be from %" PRIu64 " to %" PRIu64
                  ", which is not within its %" PRIu64 " bytes",
                  io->name, offset, *start, *end, io->size);
}

static void source_close(struct vmf_io *io)
{
  struct source_io *own = (struct source_io *)io;

  if (own->source.close)
    own->source.close(own->source.data);
  vmf_free(io->name);
  vmf_free(own);
}

static const struct vmf_io_ops source_ops = {
    .kind = "source",
    .pread = source_pread,
    .close = source_close,
};

static const struct vmf_io_ops source_with_holes_ops = {
    .kind = "source",
    .pread = source_pread,
    .next_data = source_next_data,
    .close = source_close,
};

static enum vmf_code make(const struct vmf_source *source, struct vmf_io **io,
                          struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  void *memory = NULL;

  VMF_TRY(vmf_copy_text(source->name, &name, error));
  VMF_TRY(vmf_alloc(sizeof(struct source_io), &memory, error));
  struct source_io *made = memory;
  made->source = *source;
  made->io.ops = source->next_data ? &source_with_holes_ops : &source_ops;
  made->io.name = name;
  made->io.size = source->bytes;
  name = NULL;
  *io = &made->io;
  return VMF_OK;
}

enum vmf_code vmf_io_source(const struct vmf_source *source, struct vmf_io **io,
                            struct vmf_error *error)
{
  enum vmf_code code = make(source, io, error);

  if (code != VMF_OK && source->close)
    source->close(source->data);
  return code;
}
