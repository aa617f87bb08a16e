/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of an output, which stands in its temporary folder. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "file.h"
#include "folder_stream.h"
#include "folder_sync.h"
#include "memory.h"
#include "output_inside.h"

bool vmf_output_can_resume(const struct vmf_output *output)
{
  return output->temporary.folder >= 0;
}

bool vmf_output_goes_on(const struct vmf_output *output)
{
  return output->goes_on;
}

bool vmf_output_resumed(const struct vmf_output *output)
{
  return output->adopted;
}

struct vmf_io *vmf_output_file(const struct vmf_output *output, size_t index)
{
  return index < output->part_count ? output->parts[index].io : NULL;
}

/* What has been made by now is found again, although the power goes. */
static enum vmf_code sync_names(const struct vmf_output *output, struct vmf_error *error)
{
  if (!output->sync)
    return VMF_OK;
  VMF_TRY(vmf_folder_sync(output->temporary.folder, output->path, "the folder beside it", error));
  return vmf_folder_sync(output->folder, output->path, "its folder", error);
}

enum vmf_code vmf_output_journal(struct vmf_output *output, struct vmf_io **io,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  VMF_TRY(vmf_format(&name, error, "%s: its journal", output->path));
  int number = openat(output->temporary.folder, VMF_TEMPORARY_JOURNAL,
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (number < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be opened", name);
  VMF_TRY(vmf_io_write_file(number, name, output->sync, &output->journal, error));
  *io = output->journal;
  return sync_names(output, error);
}

static void remove_others(const struct vmf_output *output)
{
  DIR *stream = vmf_folder_stream(output->temporary.folder);
  struct dirent *entry;

  while (stream && (entry = readdir(stream)))
    if (strcmp(entry->d_name, output->name) != 0)
      (void)unlinkat(output->temporary.folder, entry->d_name, 0);
  if (stream)
    closedir(stream);
}

enum vmf_code vmf_output_begin_again(struct vmf_output *output, struct vmf_error *error)
{
  vmf_output_drop_journal(output);
  remove_others(output);
  output->adopted = output->left = false;
  vmf_io_keep(output->parts[0].io, false);
  return vmf_io_resize(output->parts[0].io, 0, error);
}

void vmf_output_leave(struct vmf_output *output)
{
  output->left = output->journal != NULL;
}

void vmf_output_leave_journal(struct vmf_output *output)
{
  vmf_io_close(output->journal);
  output->journal = NULL;
  vmf_temporary_leave(&output->temporary);
}

void vmf_output_drop_journal(struct vmf_output *output)
{
  vmf_io_close(output->journal);
  output->journal = NULL;
  if (output->temporary.folder >= 0)
    (void)unlinkat(output->temporary.folder, VMF_TEMPORARY_JOURNAL, 0);
}
