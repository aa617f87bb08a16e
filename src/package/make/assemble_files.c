/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One file of a package: copied, or converted from an image, and hashed as it is written. */
#include <inttypes.h>

#include "assembling.h"
#include "cancel.h"
#include "checked.h"
#include "convert.h"
#include "copy_io.h"
#include "file.h"
#include "memory.h"
#include "sink.h"
#include "tar.h"
#include "view.h"
#include "written.h"

/* ---- progress ---- */

static void show_progress(void *data, uint64_t done, uint64_t total)
{
  struct vmf_assembling *work = data;
  uint64_t part = total == 0 ? 0 : (uint64_t)((double)work->weight * (double)done / (double)total);

  if (work->target->progress)
    work->target->progress(work->target->progress_data, work->done + vmf_min(part, work->weight),
                           work->total);
}

/* What is left of target->max_bytes once `more` bytes are written; *left == 0: no bound. */
static enum vmf_code check_amount(struct vmf_assembling *work, uint64_t more, uint64_t *left,
                                  struct vmf_error *error)
{
  uint64_t most = work->target->max_bytes;

  *left = 0;
  if (most == 0)
    return VMF_OK;
  if (!vmf_add(work->written, more, &work->written) || work->written >= most)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: the package holds more than the %" PRIu64
                    " bytes that are allowed (--max-size)",
                    work->destination->path, most);
  *left = most - work->written;
  return VMF_OK;
}

/* Writes the content of a file into `io`. */
static enum vmf_code fill_file(struct vmf_assembling *work, struct vmf_assembly_file *file,
                               struct vmf_target *target, struct vmf_io *io,
                               struct vmf_error *error)
{
  struct vmf_job_options options = {.size = sizeof options,
                                    .crew = work->crew,
                                    .sparse_size = VMF_ASSEMBLY_HOLE,
                                    .progress = show_progress,
                                    .progress_data = work,
                                    .cancel = work->target->cancel};
  struct vmf_job_result result = {.size = sizeof result};
  const struct vmf_copy_io copy = {.from = file->io,
                                   .to = io,
                                   .cancel = work->target->cancel,
                                   .progress = show_progress,
                                   .progress_data = work};

  VMF_TRY(check_amount(work, file->io ? file->io->size : 0, &options.max_bytes, error));
  if (!target) {
    VMF_TRY(vmf_copy_io(&copy, error));
    return vmf_io_unchanged(file->io, work->target->log, error);
  }
  VMF_TRY(vmf_convert(file->image, target, &options, &result, error));
  file->data_bytes = result.data_bytes;
  work->written += result.data_bytes;
  return VMF_OK;
}

/* In guest order, hashed as it goes. On a pipe its size goes ahead in the header. */
static enum vmf_code write_in_order(struct vmf_assembling *work, struct vmf_assembly_file *file,
                                    struct vmf_io *base, bool size_first, struct vmf_error *error)
{
  struct vmf_target *target = NULL;
  struct vmf_io *sink;
  uint64_t promised = file->io ? file->io->size : 0;

  file->wanted[work->kind] = true;
  VMF_TRY(vmf_sink_new(base, work->crew, file->wanted, &sink, error));
  enum vmf_code code =
      file->image ? vmf_written_target(file, sink, work->target->log, &target, error) : VMF_OK;
  if (code == VMF_OK && target && size_first)
    code = vmf_written_size(file, target, work->crew, work->target, &promised, error);
  if (code == VMF_OK && size_first)
    code = vmf_tar_put_header(work->archive, work->at, file->name, promised, work->mtime, error);
  if (code == VMF_OK)
    code = fill_file(work, file, target, sink, error);
  if (code == VMF_OK)
    code = vmf_sink_end(sink, file->digests, error);
  file->size = sink->size;
  if (code == VMF_OK && size_first && sink->size != promised)
    code = vmf_fail(error, VMF_WRITE,
                    "%s: has %" PRIu64 " bytes, but %" PRIu64 " were promised in its header",
                    file->name, sink->size, promised);
  vmf_target_close(target);
  vmf_io_close(sink);
  return code;
}

enum vmf_code vmf_assembling_into(struct vmf_assembling *work, struct vmf_assembly_file *file,
                                  struct vmf_io *io, struct vmf_error *error)
{
  struct vmf_target *target;

  VMF_TRY(vmf_written_target(file, io, work->target->log, &target, error));
  enum vmf_code code = fill_file(work, file, target, io, error);
  vmf_target_close(target);
  file->size = io->size;
  return code;
}

/* The tables of the format are finished last, so the bytes are not in order: where a manifest is
 * made, they are read once more for their digest. */
static enum vmf_code write_anyhow(struct vmf_assembling *work, struct vmf_assembly_file *file,
                                  struct vmf_io *base, struct vmf_error *error)
{
  VMF_TRY(vmf_assembling_into(work, file, base, error));
  if (work->assembly->alone)
    return VMF_OK;
  return vmf_hash_io(work->crew, base, work->kind, work->target->cancel, file->digests[work->kind],
                     error);
}

static enum vmf_code write_content(struct vmf_assembling *work, struct vmf_assembly_file *file,
                                   struct vmf_io *base, struct vmf_error *error)
{
  bool pipe = work->archive && work->archive->sequential;
  struct vmf_shape shape;

  VMF_TRY(vmf_written_shape(file, &shape, error));
  if (!pipe && (work->assembly->alone || shape.layout == VMF_PLANNED || shape.patches_start))
    return write_anyhow(work, file, base, error);
  return write_in_order(work, file, base, pipe, error);
}

/* Where the content goes: a file of its own, or the place behind the header in the archive. */
static enum vmf_code open_base(struct vmf_assembling *work, const struct vmf_assembly_file *file,
                               struct vmf_io **base, struct vmf_error *error)
{
  if (!work->archive)
    return vmf_output_create(work->output, file->name, base, error);
  return vmf_io_inset(work->archive, work->at + VMF_TAR_BLOCK, file->name, base, error);
}

static enum vmf_code end_member(struct vmf_assembling *work, const struct vmf_assembly_file *file,
                                struct vmf_error *error)
{
  uint64_t header = work->at;

  if (!work->archive->sequential)
    VMF_TRY(vmf_tar_put_header(work->archive, header, file->name, file->size, work->mtime, error));
  work->at = vmf_tar_next(header, file->size);
  return vmf_tar_pad(work->archive, header, file->size, error);
}

enum vmf_code vmf_assembling_file(struct vmf_assembling *work, struct vmf_assembly_file *file,
                                  struct vmf_error *error)
{
  struct vmf_io *base;

  work->weight = file->weight;
  VMF_TRY(open_base(work, file, &base, error));
  enum vmf_code code = write_content(work, file, base, error);
  if (work->archive)
    vmf_io_close(base);
  if (code == VMF_OK && !file->image && work->assembly->copied)
    code = work->assembly->copied(work->assembly->data, file, error);
  VMF_TRY(code);
  work->done += file->weight;
  return work->archive ? end_member(work, file, error) : VMF_OK;
}
