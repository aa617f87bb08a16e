/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of an output, which stands in its temporary folder, or of a device at a path that a
 * person has named. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "file.h"
#include "folder_stream.h"
#include "folder_sync.h"
#include "in_place.h"
#include "memory.h"
#include "output_inside.h"
#include "path.h"

bool vmf_output_can_resume(const struct vmf_output *output)
{
  return output->temporary.folder >= 0 || output->journal_path;
}

const char *vmf_output_journal_path(const struct vmf_output *output)
{
  return output->journal_path;
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

/* ---- at a path ---- */

/* Nobody else's file is touched, and no run is lost that could be gone on with: also when that one
 * ends while this one begins. */
static enum vmf_code look_at_journal(int number, const char *path, bool resume, uint64_t *size,
                                     struct vmf_error *error)
{
  static const char start[] = "program\tvmferry ";
  char found[sizeof start - 1];
  struct stat status;

  VMF_TRY(vmf_in_place_lock(number, path, error));
  if (fstat(number, &status) < 0 || !S_ISREG(status.st_mode))
    return vmf_fail(error, VMF_USAGE, "%s: the journal of a device has to be a file", path);
  if (status.st_nlink == 0)
    return vmf_fail(error, VMF_IN_USE,
                    "%s: another run has come to its end, and removed it: start again", path);
  *size = (uint64_t)status.st_size;
  if (*size == 0)
    return VMF_OK;
  if (pread(number, found, sizeof found, 0) != sizeof found ||
      memcmp(found, start, sizeof found) != 0)
    return vmf_fail(error, VMF_USAGE,
                    "%s: is there and is no journal: it is left as it is; name another file", path);
  return resume ? VMF_OK
                : vmf_fail(error, VMF_USAGE,
                           "%s: is the journal of an interrupted run: --resume goes on with it; "
                           "remove it to begin again",
                           path);
}

static bool is_device(const char *path)
{
  struct stat status;

  return stat(path, &status) == 0 && S_ISBLK(status.st_mode);
}

enum vmf_code vmf_output_hold_journal(struct vmf_output *output, const char *path,
                                      const struct vmf_output_options *options,
                                      struct vmf_error *error)
{
  const char *at = options->journal_path;
  uint64_t size = 0;

  if (!at)
    return VMF_OK;
  if (!is_device(path))
    return vmf_fail(error, VMF_USAGE,
                    "%s: is no block device, and a path for the journal is for these: that of a "
                    "file stands beside it",
                    path);
  int number = open(at, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
  if (number < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be opened", at);
  enum vmf_code code = look_at_journal(number, at, options->resume, &size, error);
  if (code == VMF_OK)
    code = vmf_copy_text(at, &output->journal_path, error);
  if (code != VMF_OK) {
    close(number);
    return code;
  }
  output->journal_number = number;
  output->adopted = output->left = size > 0;
  return VMF_OK;
}

/* Its name is durable. */
static enum vmf_code sync_path(const struct vmf_output *output, struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL;
  const char *path = output->journal_path;
  int prefix = (int)(vmf_path_name(path) - path);

  if (!output->sync)
    return VMF_OK;
  VMF_TRY(vmf_format(&folder, error, "%.*s", prefix, path));
  int number = open(prefix > 0 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: its folder cannot be opened", path);
  enum vmf_code code = vmf_folder_sync(number, path, "its folder", error);
  close(number);
  return code;
}

static enum vmf_code open_at_path(struct vmf_output *output, struct vmf_error *error)
{
  int number = fcntl(output->journal_number, F_DUPFD_CLOEXEC, 0);

  if (number < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be opened once more",
                          output->journal_path);
  VMF_TRY(vmf_io_write_file(number, output->journal_path, output->sync, &output->journal, error));
  return sync_path(output, error);
}

/* ---- in the temporary folder ---- */

/* What has been made by now is found again, although the power goes. */
static enum vmf_code sync_names(const struct vmf_output *output, struct vmf_error *error)
{
  if (!output->sync)
    return VMF_OK;
  VMF_TRY(vmf_folder_sync(output->temporary.folder, output->path, "the folder beside it", error));
  return vmf_folder_sync(output->folder, output->path, "its folder", error);
}

static enum vmf_code open_in_folder(struct vmf_output *output, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  VMF_TRY(vmf_format(&name, error, "%s: its journal", output->path));
  int number = openat(output->temporary.folder, VMF_TEMPORARY_JOURNAL,
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (number < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be opened", name);
  VMF_TRY(vmf_io_write_file(number, name, output->sync, &output->journal, error));
  return sync_names(output, error);
}

/* ---- both ---- */

enum vmf_code vmf_output_journal(struct vmf_output *output, struct vmf_io **io,
                                 struct vmf_error *error)
{
  VMF_TRY(output->journal_path ? open_at_path(output, error) : open_in_folder(output, error));
  *io = output->journal;
  return VMF_OK;
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
  output->adopted = output->left = false;
  vmf_io_keep(output->parts[0].io, false);
  if (output->journal_path) {
    vmf_io_close(output->journal);
    output->journal = NULL;
    return ftruncate(output->journal_number, 0) == 0
               ? VMF_OK
               : vmf_fail_errno(error, VMF_WRITE, "%s: cannot be emptied", output->journal_path);
  }
  vmf_output_drop_journal(output);
  remove_others(output);
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
  if (output->journal_number >= 0)
    close(output->journal_number);
  output->journal_number = -1;
  vmf_temporary_leave(&output->temporary);
}

void vmf_output_drop_journal(struct vmf_output *output)
{
  vmf_io_close(output->journal);
  output->journal = NULL;
  if (output->journal_number >= 0) {
    (void)unlink(output->journal_path);
    close(output->journal_number);
    output->journal_number = -1;
  }
  if (output->temporary.folder >= 0)
    (void)unlinkat(output->temporary.folder, VMF_TEMPORARY_JOURNAL, 0);
}
