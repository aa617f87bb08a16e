/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Whether a package fits where it goes, asked before it is written. */
#include "assemble.h"
#include "checked.h"
#include "need.h"

/* options NULL: as the map tells. */
static enum vmf_code ask_image(const struct vmf_assembly_file *file, uint64_t enough,
                               const struct vmf_job_options *options, struct vmf_amount *amount,
                               struct vmf_error *error)
{
  struct vmf_shape shape;
  struct vmf_need need = {.source = file->image,
                          .size = vmf_image_size(file->image),
                          .shape = &shape,
                          .sparse_size = VMF_ASSEMBLY_HOLE};
  void *values;

  VMF_TRY(vmf_target_options_parse(file->format, file->options, &need.format, &values, error));
  need.options = values;
  enum vmf_code code = vmf_shape_of(need.format, values, need.size, false, false, &shape, error);
  if (code == VMF_OK)
    code = vmf_need_by_map(&need, enough, amount, error);
  if (code == VMF_OK && options)
    code = vmf_need_by_data(&need, enough, options, amount, error);
  vmf_options_free(&need.format->writer->options, values);
  return code;
}

/* What is copied takes the space of its data. */
static enum vmf_code ask_copy(struct vmf_io *io, struct vmf_amount *amount, struct vmf_error *error)
{
  uint64_t start, end = 0, bytes = 0;

  for (; end < io->size; bytes += end - start)
    VMF_TRY(vmf_io_next_data(io, end, &start, &end, error));
  *amount = (struct vmf_amount){bytes, bytes};
  return VMF_OK;
}

static void add(uint64_t *sum, uint64_t more)
{
  if (!vmf_add(*sum, more, sum))
    *sum = UINT64_MAX;
}

/* All files; no more of their data is read than shows that it is more than `enough`. */
static enum vmf_code ask_files(const struct vmf_assembly *assembly, uint64_t enough,
                               const struct vmf_job_options *options, struct vmf_amount *all,
                               struct vmf_error *error)
{
  for (size_t i = 0; i < assembly->count; i++) {
    const struct vmf_assembly_file *file = &assembly->files[i];
    struct vmf_amount one;
    uint64_t left = enough - vmf_min(all->least, enough);
    if (vmf_image_streams(file->image))
      continue; /* what comes is not known */
    VMF_TRY(file->image ? ask_image(file, left, options, &one, error)
                        : ask_copy(file->io, &one, error));
    add(&all->least, one.least);
    add(&all->most, one.most);
  }
  return VMF_OK;
}

static enum vmf_code ask(const struct vmf_assembly *assembly, uint64_t enough,
                         const struct vmf_job_options *options, struct vmf_amount *all,
                         struct vmf_error *error)
{
  *all = (struct vmf_amount){0};
  for (; assembly; assembly = assembly->next)
    VMF_TRY(ask_files(assembly, enough, options, all, error));
  return VMF_OK;
}

enum vmf_code vmf_assembly_foresee(const struct vmf_assembly *assembly, const struct vmf_io *io,
                                   struct vmf_package_result *result, struct vmf_error *error)
{
  struct vmf_amount amount;
  struct vmf_room room;

  VMF_TRY(ask(assembly, 0, NULL, &amount, error));
  add(&result->bytes, amount.most);
  result->room = vmf_io_room(io, &room) ? room.bytes : UINT64_MAX;
  return VMF_OK;
}

enum vmf_code vmf_assembly_fits(const struct vmf_assembly *assembly, const struct vmf_io *io,
                                uint64_t taken, const struct vmf_job_options *options,
                                const struct vmf_log *log, struct vmf_error *error)
{
  struct vmf_amount amount;
  struct vmf_room room;

  if (!vmf_io_room(io, &room))
    return VMF_OK;
  add(&room.bytes, taken);
  VMF_TRY(ask(assembly, room.bytes, NULL, &amount, error));
  if (amount.most > room.bytes && room.exact)
    VMF_TRY(ask(assembly, room.bytes, options, &amount, error));
  return vmf_need_judge(io->name, &room, &amount, log, error);
}
