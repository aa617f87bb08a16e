/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The files of a package, or of a machine, in a folder: their order shows nowhere, so that disks
 * are converted beside each other. */
#include "assembling.h"
#include "convert.h"
#include "memory.h"

enum { BESIDE_MOST = 4 /* disks at once: each that is hashed as it is written holds a few MiB */ };

/* Disks that are converted in one pass. */
struct group {
  struct vmf_content *contents;
  struct vmf_copying *copyings;
  size_t count;
};

static enum vmf_code begin(struct vmf_assembling *work, struct group *group,
                           struct vmf_assembly_file *file, struct vmf_error *error)
{
  struct vmf_content *content = &group->contents[group->count];
  struct vmf_io *base;

  VMF_TRY(vmf_assembling_create(work, file, &base, error));
  enum vmf_code code = vmf_content_begin(work, file, base, content, error);
  group->copyings[group->count++] =
      (struct vmf_copying){.source = file->image, .target = content->target};
  work->weight += file->weight;
  return code;
}

static enum vmf_code fill(struct vmf_assembling *work, struct group *group, struct vmf_error *error)
{
  struct vmf_job_options options = vmf_assembling_job(work);

  VMF_TRY(vmf_assembling_admit(work, 0, &options.max_bytes, error));
  VMF_TRY(vmf_convert_together(group->copyings, group->count, &options, error));
  for (size_t i = 0; i < group->count; i++) {
    struct vmf_content *content = &group->contents[i];
    content->file->data_bytes = group->copyings[i].result.data_bytes;
    work->written += content->file->data_bytes;
    VMF_TRY(vmf_content_end(work, content, error));
  }
  return VMF_OK;
}

/* What is begun is written, and the group is empty again. */
static enum vmf_code end(struct vmf_assembling *work, struct group *group, enum vmf_code code,
                         struct vmf_error *error)
{
  if (code == VMF_OK && group->count > 0)
    code = fill(work, group, error);
  for (size_t i = 0; i < group->count; i++)
    vmf_content_close(&group->contents[i]);
  group->count = 0;
  work->done += work->weight;
  work->weight = 0;
  return code;
}

/* Those that come on a stream, or those that do not, `most` at once. */
static enum vmf_code write_disks(struct vmf_assembling *work, struct group *group, bool streams,
                                 size_t most, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;

  for (size_t i = 0; i < assembly->count; i++) {
    struct vmf_assembly_file *file = &assembly->files[i];
    if (!file->image || vmf_image_streams(file->image) != streams)
      continue;
    enum vmf_code code = begin(work, group, file, error);
    if (code != VMF_OK || group->count == most)
      VMF_TRY(end(work, group, code, error));
  }
  return end(work, group, VMF_OK, error);
}

/* What comes on one stream is taken in one pass, however many disks it is. */
static enum vmf_code write_all_disks(struct vmf_assembling *work, struct group *group,
                                     struct vmf_error *error)
{
  VMF_TRY(write_disks(work, group, true, work->assembly->count, error));
  return write_disks(work, group, false, BESIDE_MOST, error);
}

enum vmf_code vmf_assembling_folder(struct vmf_assembling *work, struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  VMF_AUTO_FREE void *contents = NULL, *copyings = NULL;

  VMF_TRY(vmf_alloc(assembly->count * sizeof(struct vmf_content), &contents, error));
  VMF_TRY(vmf_alloc(assembly->count * sizeof(struct vmf_copying), &copyings, error));
  struct group group = {.contents = contents, .copyings = copyings};
  work->weight = 0;
  VMF_TRY(write_all_disks(work, &group, error));
  for (size_t i = 0; i < assembly->count; i++)
    if (!assembly->files[i].image)
      VMF_TRY(vmf_assembling_file(work, &assembly->files[i], error));
  return VMF_OK;
}
