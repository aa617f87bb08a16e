/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The file, for runs that have no checksum of their own: bytes that are stored as they are, and
 * ADC. None of them is read before the sum over the whole data fork was found to be right, or those
 * of the tables where there is none over the fork. No lock, any thread: those that begin together
 * may all make it. */
#include <stdatomic.h>
#include <stdio.h>

#include "dmg.h"
#include "memory.h"

enum verdict { UNKNOWN, RIGHT, WRONG };

struct data {
  struct vmf_io io;
  struct vmf_image *image;
  _Atomic int verdict;    /* enum verdict */
  _Atomic bool told;      /* error is, or is being, filled in */
  struct vmf_error error; /* WRONG: the first finding */
};

static void keep_first(void *context, const char *text)
{
  struct vmf_error *error = context;

  if (error->text[0] == '\0')
    (void)snprintf(error->text, sizeof error->text, "%s", text);
}

/* The others learn it. */
static void keep_verdict(struct data *data, const struct vmf_error *damage)
{
  if (damage->text[0] == '\0') {
    atomic_store(&data->verdict, RIGHT);
  } else if (!atomic_exchange(&data->told, true)) {
    data->error = *damage;
    atomic_store(&data->verdict, WRONG);
  }
}

static enum vmf_code make_sure(struct data *data, struct vmf_error *error)
{
  struct vmf_error damage = {0};
  struct vmf_findings findings = {.report = keep_first, .data = &damage};
  int verdict = atomic_load(&data->verdict);

  if (verdict == RIGHT)
    return VMF_OK;
  if (verdict == WRONG) {
    damage = data->error;
  } else {
    VMF_TRY(dmg_check_data(data->image, &findings, error));
    keep_verdict(data, &damage);
  }
  return damage.text[0] == '\0'
             ? VMF_OK
             : vmf_fail(error, VMF_CORRUPT, "%s; -U reads it as it is", damage.text);
}

static enum vmf_code data_pread(struct vmf_io *io, void *buffer, size_t length, uint64_t offset,
                                struct vmf_error *error)
{
  struct data *data = (struct data *)io;

  VMF_TRY(make_sure(data, error));
  return vmf_io_pread(data->image->io, buffer, length, offset, error);
}

/* A hole is zeros of the disk where the sum is right; where it is not, reading tells. */
static enum vmf_code data_next_data(struct vmf_io *io, uint64_t offset, uint64_t *start,
                                    uint64_t *end, struct vmf_error *error)
{
  struct data *data = (struct data *)io;
  struct vmf_error told;

  VMF_TRY(vmf_io_next_data(data->image->io, offset, start, end, error));
  if (*start == offset || make_sure(data, &told) == VMF_OK)
    return VMF_OK;
  *start = offset;
  *end = io->size;
  return VMF_OK;
}

static struct vmf_io *data_below(const struct vmf_io *io, size_t index)
{
  return index == 0 ? ((const struct data *)io)->image->io : NULL;
}

static void data_close(struct vmf_io *io)
{
  struct data *data = (struct data *)io;

  vmf_free(data->io.name);
  vmf_free(data);
}

static const struct vmf_io_ops data_ops = {
    .kind = "data fork",
    .pread = data_pread,
    .next_data = data_next_data,
    .below = data_below,
    .close = data_close,
};

enum vmf_code dmg_data_open(struct vmf_image *image, struct vmf_io **io, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct data), &memory, error));
  struct data *data = memory;
  data->io.ops = &data_ops;
  data->io.size = image->io->size;
  data->image = image;
  *io = &data->io;
  return vmf_copy_text(image->io->name, &data->io.name, error);
}
