/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Bytes in memory as an io. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "checked.h"
#include "io.h"
#include "memory.h"
#include "size.h"

struct memory_io {
  struct vmf_io io;
  pthread_mutex_t lock; /* guards bytes, capacity, and changes of io.size */
  unsigned char *bytes; /* io.size of them hold content, the rest up to capacity are zeros */
  size_t capacity;
};

static enum vmf_code memory_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                  struct vmf_error *error)
{
  struct memory_io *memory = (struct memory_io *)io;
  (void)error;
  pthread_mutex_lock(&memory->lock);
  memcpy(buffer, memory->bytes + offset, length);
  pthread_mutex_unlock(&memory->lock);
  return VMF_OK;
}

/* Under the lock: room for `size` bytes, and io.size at least that. */
static enum vmf_code memory_grow(struct memory_io *memory, uint64_t size, struct vmf_error *error)
{
  void *larger = NULL;
  if (size > memory->capacity) {
    size_t capacity = (size_t)vmf_max(size, (uint64_t)memory->capacity * 2);
    VMF_TRY(vmf_alloc(capacity, &larger, error));
    memcpy(larger, memory->bytes, (size_t)memory->io.size);
    vmf_free(memory->bytes);
    memory->bytes = larger;
    memory->capacity = capacity;
  }
  vmf_size_grow(&memory->io, size);
  return VMF_OK;
}

static void memory_put(struct memory_io *memory, const struct vmf_piece *pieces, unsigned count,
                       uint64_t offset)
{
  for (; count > 0; offset += pieces->length, pieces++, count--)
    if (pieces->data && pieces->length > 0)
      memcpy(memory->bytes + offset, pieces->data, pieces->length);
    else
      memset(memory->bytes + offset, 0, pieces->length);
}

static enum vmf_code memory_pwrite(struct vmf_io *io, const struct vmf_piece *pieces,
                                   unsigned count, uint64_t offset, struct vmf_error *error)
{
  struct memory_io *memory = (struct memory_io *)io;
  uint64_t end = offset;
  for (unsigned i = 0; i < count; i++)
    end += pieces[i].length; /* vmf_io_pwrite_pieces has checked the sum */
  pthread_mutex_lock(&memory->lock);
  enum vmf_code code = memory_grow(memory, end, error);
  if (code == VMF_OK)
    memory_put(memory, pieces, count, offset);
  pthread_mutex_unlock(&memory->lock);
  return code;
}

static enum vmf_code memory_zero(struct vmf_io *io, uint64_t offset, uint64_t length, bool allocate,
                                 struct vmf_error *error)
{
  uint64_t size = vmf_size_get(io);
  if (!allocate && offset >= size)
    return VMF_OK;
  if (!allocate)
    length = vmf_min(length, size - offset);
  if (length > PTRDIFF_MAX)
    return vmf_fail(error, VMF_NOMEM, "%s: no memory for %" PRIu64 " bytes", io->name, length);
  struct vmf_piece piece = {.data = NULL, .length = (size_t)length};
  return memory_pwrite(io, &piece, 1, offset, error);
}

static enum vmf_code memory_resize(struct vmf_io *io, uint64_t size, struct vmf_error *error)
{
  struct memory_io *memory = (struct memory_io *)io;
  pthread_mutex_lock(&memory->lock);
  enum vmf_code code = memory_grow(memory, size, error);
  if (code == VMF_OK)
    memset(memory->bytes + size, 0, (size_t)(io->size - size));
  if (code == VMF_OK)
    vmf_size_set(io, size);
  pthread_mutex_unlock(&memory->lock);
  return code;
}

static void memory_close(struct vmf_io *io)
{
  struct memory_io *memory = (struct memory_io *)io;
  pthread_mutex_destroy(&memory->lock);
  vmf_free(memory->bytes);
  vmf_free(io->name);
  vmf_free(memory);
}

static const struct vmf_io_ops memory_fixed_ops = {
    .kind = "memory",
    .pread = memory_pread,
    .close = memory_close,
};

static const struct vmf_io_ops memory_growable_ops = {
    .kind = "memory",
    .pread = memory_pread,
    .pwrite = memory_pwrite,
    .zero = memory_zero,
    .resize = memory_resize,
    .close = memory_close,
};

enum vmf_code vmf_io_memory(const char *name, const void *bytes, size_t size, struct vmf_io **io,
                            struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  VMF_AUTO_FREE void *content = NULL;
  void *block = NULL;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(vmf_alloc(size, &content, error));
  VMF_TRY(vmf_alloc(sizeof(struct memory_io), &block, error));
  struct memory_io *memory = block;
  if (bytes)
    memcpy(content, bytes, size);
  pthread_mutex_init(&memory->lock, NULL);
  memory->bytes = content;
  memory->capacity = size;
  memory->io.ops = bytes ? &memory_fixed_ops : &memory_growable_ops;
  memory->io.name = copy;
  memory->io.size = size;
  memory->io.reads_as_zero = true;
  content = NULL;
  copy = NULL;
  *io = &memory->io;
  return VMF_OK;
}
