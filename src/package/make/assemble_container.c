/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A file that holds a machine with its disks, in the order of its format: what stands before the
 * disks, one disk behind the other, what stands behind them. */
#include "assembling.h"
#include "container.h"
#include "identity.h"
#include "memory.h"
#include "view.h"

struct container {
  struct vmf_contents contents;
  struct vmf_container_disk *disks;
  uint8_t id[VMF_GUID_SIZE];
  char *text;
};

static enum vmf_code list_disks(const struct vmf_assembly *assembly, struct container *container,
                                struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(assembly->count * sizeof *container->disks, &memory, error));
  container->disks = memory;
  for (size_t i = 0; i < assembly->count; i++)
    container->disks[i] = (struct vmf_container_disk){
        .id = assembly->files[i].name, .size = vmf_image_size(assembly->files[i].image)};
  container->contents.disks = container->disks;
  container->contents.disk_count = (unsigned)assembly->count;
  return VMF_OK;
}

static enum vmf_code make_id(const struct vmf_assembling *work, uint8_t id[VMF_GUID_SIZE],
                             struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;
  struct vmf_image *first = assembly->count > 0 ? assembly->files[0].image : NULL;
  struct vmf_identity identity;

  VMF_TRY(vmf_identity_make(assembly->container->name, "", first ? vmf_image_size(first) : 0, first,
                            first ? vmf_image_path(first) : work->destination->path, &identity,
                            error));
  return vmf_identity_guid(&identity, "container", id, error);
}

/* The files' names and sizes are known, and the text says nothing of what is written. */
static enum vmf_code prepare(struct vmf_assembling *work, struct container *container,
                             struct vmf_error *error)
{
  const struct vmf_assembly *assembly = work->assembly;

  VMF_TRY(list_disks(assembly, container, error));
  VMF_TRY(make_id(work, container->id, error));
  VMF_TRY(assembly->describe(assembly->data, VMF_DESCRIBE_FINAL, &container->text,
                             &container->contents.text_length, error));
  container->contents.machine = assembly->machine;
  container->contents.text_name = assembly->text_name;
  container->contents.text = container->text;
  return VMF_OK;
}

static enum vmf_code write_disk(struct vmf_assembling *work, const struct container *container,
                                unsigned index, struct vmf_error *error)
{
  struct vmf_assembly_file *file = &work->assembly->files[index];
  VMF_AUTO_FREE char *options = NULL;
  struct vmf_io *io;

  VMF_TRY(work->assembly->container->container_writer->options(&container->contents, index,
                                                               container->id, &options, error));
  VMF_TRY(vmf_io_inset(work->archive, work->archive->size, file->name, &io, error));
  file->options = options;
  work->weight = file->weight;
  enum vmf_code code = vmf_assembling_into(work, file, io, error);
  file->options = NULL;
  vmf_io_close(io);
  work->done += file->weight;
  return code;
}

static enum vmf_code write_all(struct vmf_assembling *work, struct container *container,
                               struct vmf_error *error)
{
  const struct vmf_container_writer *writer = work->assembly->container->container_writer;

  VMF_TRY(prepare(work, container, error));
  VMF_TRY(writer->begin(work->archive, &container->contents, container->id, (int64_t)work->mtime,
                        error));
  for (unsigned i = 0; i < container->contents.disk_count; i++)
    VMF_TRY(write_disk(work, container, i, error));
  return writer->finish ? writer->finish(work->archive, error) : VMF_OK;
}

enum vmf_code vmf_assembling_container(struct vmf_assembling *work, struct vmf_error *error)
{
  struct container container = {0};
  enum vmf_code code = write_all(work, &container, error);

  vmf_free(container.disks);
  vmf_free(container.text);
  return code;
}
