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

enum vmf_code vmf_assembling_admit(struct vmf_assembling *work, uint64_t more, uint64_t *left,
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

struct vmf_job_options vmf_assembling_job(struct vmf_assembling *work)
{
  return (struct vmf_job_options){.size = sizeof(struct vmf_job_options),
                                  .crew = work->crew,
                                  .sparse_size = VMF_ASSEMBLY_HOLE,
                                  .progress = show_progress,
                                  .progress_data = work,
                                  .cancel = work->target->cancel};
}

/* Writes the content of a file into `io`. */
static enum vmf_code fill_file(struct vmf_assembling *work, struct vmf_assembly_file *file,
                               struct vmf_target *target, struct vmf_io *io,
                               struct vmf_error *error)
{
  struct vmf_job_options options = vmf_assembling_job(work);
  struct vmf_job_result result = {.size = sizeof result};
  const struct vmf_copy_io copy = {.from = file->io,
                                   .to = io,
                                   .cancel = work->target->cancel,
                                   .progress = show_progress,
                                   .progress_data = work};

  VMF_TRY(vmf_assembling_admit(work, file->io ? file->io->size : 0, &options.max_bytes, error));
  if (!target) {
    VMF_TRY(vmf_copy_io(&copy, error));
    return vmf_io_unchanged(file->io, work->target->log, error);
  }
  VMF_TRY(vmf_convert(file->image, target, &options, &result, error));
  file->data_bytes = result.data_bytes;
  work->written += result.data_bytes;
  return VMF_OK;
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

/* ---- content ---- */

static enum vmf_code is_in_order(const struct vmf_assembling *work,
                                 const struct vmf_assembly_file *file, bool *in_order,
                                 struct vmf_error *error)
{
  struct vmf_shape shape;

  *in_order = work->archive && work->archive->sequential;
  if (*in_order)
    return VMF_OK;
  VMF_TRY(vmf_written_shape(file, &shape, error));
  *in_order = !work->assembly->alone && shape.layout != VMF_PLANNED && !shape.patches_start &&
              !vmf_image_streams(file->image);
  return VMF_OK;
}

enum vmf_code vmf_content_begin(const struct vmf_assembling *work, struct vmf_assembly_file *file,
                                struct vmf_io *base, struct vmf_content *content,
                                struct vmf_error *error)
{
  bool in_order;

  *content = (struct vmf_content){.file = file, .base = base};
  VMF_TRY(is_in_order(work, file, &in_order, error));
  if (in_order) {
    file->wanted[work->kind] = true;
    VMF_TRY(vmf_sink_new(base, work->crew, file->wanted, &content->sink, error));
  }
  if (!file->image)
    return VMF_OK;
  VMF_TRY(vmf_written_target(file, in_order ? content->sink : base, work->target->log,
                             &content->target, error));
  return vmf_assembling_journal(work, content, error);
}

enum vmf_code vmf_content_end(struct vmf_assembling *work, struct vmf_content *content,
                              struct vmf_error *error)
{
  struct vmf_assembly_file *file = content->file;

  if (content->sink) {
    VMF_TRY(vmf_sink_end(content->sink, file->digests, error));
    file->size = content->sink->size;
    return VMF_OK;
  }
  file->size = content->base->size;
  if (work->assembly->alone)
    return VMF_OK;
  return vmf_hash_io(work->crew, content->base, work->kind, work->target->cancel,
                     file->digests[work->kind], error);
}

void vmf_content_close(struct vmf_content *content)
{
  vmf_target_close(content->target);
  vmf_io_close(content->sink);
}

/* ---- one file ---- */

/* On a pipe the size goes ahead in the header. */
static enum vmf_code promise_size(struct vmf_assembling *work, const struct vmf_content *content,
                                  uint64_t *promised, struct vmf_error *error)
{
  const struct vmf_assembly_file *file = content->file;

  if (file->io)
    *promised = file->io->size;
  else
    VMF_TRY(vmf_written_size(file, content->target, work->crew, work->target, promised, error));
  return vmf_tar_put_header(work->archive, work->at, file->name, *promised, work->mtime, error);
}

static enum vmf_code keep_promise(const struct vmf_assembly_file *file, uint64_t promised,
                                  struct vmf_error *error)
{
  if (file->size == promised)
    return VMF_OK;
  return vmf_fail(error, VMF_WRITE,
                  "%s: has %" PRIu64 " bytes, but %" PRIu64 " were promised in its header",
                  file->name, file->size, promised);
}

static enum vmf_code write_content(struct vmf_assembling *work, struct vmf_assembly_file *file,
                                   struct vmf_io *base, struct vmf_error *error)
{
  bool pipe = vmf_assembling_pipes(work);
  struct vmf_content content;
  uint64_t promised = 0;

  enum vmf_code code = vmf_content_begin(work, file, base, &content, error);
  if (code == VMF_OK && pipe)
    code = promise_size(work, &content, &promised, error);
  if (code == VMF_OK)
    code = fill_file(work, file, content.target, content.sink ? content.sink : base, error);
  if (code == VMF_OK)
    code = vmf_content_end(work, &content, error);
  if (code == VMF_OK && pipe)
    code = keep_promise(file, promised, error);
  vmf_content_close(&content);
  return code;
}

/* Where the content goes: a file of its own, or the place behind the header in the archive. */
static enum vmf_code open_base(struct vmf_assembling *work, const struct vmf_assembly_file *file,
                               struct vmf_io **base, struct vmf_error *error)
{
  if (!work->archive)
    return vmf_assembling_create(work, file, base, error);
  VMF_TRY(vmf_io_hold(work->archive, work->at, VMF_TAR_BLOCK, error)); /* its header */
  return vmf_io_inset(work->archive, work->at + VMF_TAR_BLOCK, file->name, base, error);
}

static enum vmf_code end_member(struct vmf_assembling *work, const struct vmf_assembly_file *file,
                                struct vmf_error *error)
{
  uint64_t header = work->at;

  if (!vmf_assembling_pipes(work)) {
    VMF_TRY(vmf_tar_put_header(work->archive, header, file->name, file->size, work->mtime, error));
    VMF_TRY(vmf_io_let_go(work->archive, header, error));
  }
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
