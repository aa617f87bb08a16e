/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "hash_stored.h"

#include "checked.h"
#include "file.h"

struct pass {
  const struct vmf_hash_stored *stored;
  uint64_t done, total; /* bytes */
};

static enum vmf_code open_file(void *data, struct vmf_hashed *file, struct vmf_io **io,
                               struct vmf_error *error)
{
  const struct vmf_hash_stored *stored = ((const struct pass *)data)->stored;

  VMF_TRY(vmf_package_open_stored(stored->package, file->name, io, error));
  if (stored->keys)
    (void)vmf_stored_key(stored->package, *io, &stored->keys[file - stored->files]);
  return VMF_OK;
}

static enum vmf_code close_file(void *data, struct vmf_hashed *file, struct vmf_io *io,
                                struct vmf_error *error)
{
  const struct vmf_hash_stored *stored = ((const struct pass *)data)->stored;
  enum vmf_code code = stored->unchanged ? vmf_io_unchanged(io, stored->log, error) : VMF_OK;

  (void)file;
  vmf_io_close(io);
  return code;
}

static void show_progress(void *data, uint64_t bytes)
{
  struct pass *pass = data;

  pass->done += bytes;
  pass->stored->progress(pass->stored->progress_data, vmf_min(pass->done, pass->total),
                         pass->total);
}

static void measure(struct pass *pass)
{
  const struct vmf_hash_stored *stored = pass->stored;

  for (size_t i = 0; i < stored->count; i++) {
    struct vmf_io *io;
    if (vmf_package_open_stored(stored->package, stored->files[i].name, &io, NULL) != VMF_OK)
      continue; /* told when it is hashed */
    pass->total += io->size;
    vmf_io_close(io);
  }
}

enum vmf_code vmf_hash_stored(const struct vmf_hash_stored *stored, struct vmf_error *error)
{
  struct pass pass = {.stored = stored};
  const struct vmf_hashing hashing = {.files = stored->files,
                                      .count = stored->count,
                                      .open = open_file,
                                      .close = close_file,
                                      .progress = stored->progress ? show_progress : NULL,
                                      .data = &pass,
                                      .cancel = stored->cancel};
  struct vmf_crew *crew;

  if (stored->progress)
    measure(&pass);
  VMF_TRY(vmf_crew_take_on(stored->crew, stored->threads, &crew, error));
  enum vmf_code code = vmf_hash_files(crew, &hashing, error);
  vmf_crew_leave_off(stored->crew, crew);
  return code;
}
