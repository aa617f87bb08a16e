/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The journal of an output, which stands in its temporary folder, or of a device or an object at a
 * path that a person has named. Where several files have journals of their own, these stand beside
 * it, by the numbers of the files, and it is what they have in common. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "file.h"
#include "folder_of.h"
#include "folder_stream.h"
#include "folder_sync.h"
#include "in_place.h"
#include "memory.h"
#include "output_inside.h"
#include "path.h"
#include "uploaded.h"
#include "url.h"

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

enum { JOURNAL_NAME = 48 };

static void name_journal(size_t index, char name[JOURNAL_NAME])
{
  snprintf(name, JOURNAL_NAME, VMF_TEMPORARY_JOURNAL "-%zu", index);
}

static size_t index_of(const struct vmf_output *output, const struct vmf_io *file)
{
  size_t index = 0;

  while (index + 1 < output->part_count && output->parts[index].io != file)
    index++;
  return index;
}

bool vmf_output_resumed(const struct vmf_output *output, const struct vmf_io *file)
{
  char name[JOURNAL_NAME];
  struct stat status;

  if (!file || !output->adopted)
    return output->adopted;
  name_journal(index_of(output, file), name);
  return fstatat(output->temporary.folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(status.st_mode);
}

void vmf_output_journals(struct vmf_output *output, const char *head)
{
  output->head = head;
}

uint64_t vmf_output_taken(const struct vmf_output *output)
{
  DIR *stream =
      output->adopted && !output->journal_path ? vmf_folder_stream(output->temporary.folder) : NULL;
  const struct dirent *entry;
  struct stat status;
  uint64_t bytes = 0;

  while (stream && (entry = readdir(stream)))
    if (strcmp(entry->d_name, output->name) != 0 &&
        fstatat(output->temporary.folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode))
      bytes += (uint64_t)status.st_blocks * 512;
  if (stream)
    closedir(stream);
  return bytes;
}

struct vmf_io *vmf_output_file(const struct vmf_output *output, size_t index)
{
  return index < output->part_count ? output->parts[index].io : NULL;
}

enum vmf_code vmf_output_peek(const char *path, struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE char *whole = realpath(path, NULL);
  const char *at = whole ? whole : path;
  int beside;

  *io = NULL;
  VMF_TRY(vmf_folder_of(at, &beside, error));
  int number = beside < 0 ? -1 : vmf_temporary_peek(beside, vmf_path_name(at));
  if (beside >= 0)
    close(beside);
  return number < 0 ? VMF_OK : vmf_io_write_file(number, path, false, io, error);
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
    return vmf_fail(error, VMF_USAGE, "%s: a journal has to be a file", path);
  if (status.st_nlink == 0)
    return vmf_fail(error, VMF_IN_USE,
                    "%s: another run has come to its end, and removed it: start again", path);
  *size = (uint64_t)status.st_size;
  if (*size == 0)
    return VMF_OK;
  if (!vmf_temporary_is_ours(&status))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: is another user's, or others may write to it, and what a journal tells is "
                    "believed: name another file",
                    path);
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
  output->uploads = vmf_url_is_s3(path);
  if (!output->uploads && !is_device(path))
    return vmf_fail(error, VMF_USAGE,
                    "%s: is no block device and no object of a store (s3://), and a path for the "
                    "journal is for these: that of a file stands beside it",
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
  output->left = size > 0;
  output->adopted = output->left && !output->uploads;
  return output->uploads ? vmf_uploaded_load(output, size, error) : VMF_OK;
}

/* Its name is durable. */
static enum vmf_code sync_path(const struct vmf_output *output, struct vmf_error *error)
{
  const char *path = output->journal_path;
  int number;

  if (!output->sync)
    return VMF_OK;
  VMF_TRY(vmf_folder_of(path, &number, error));
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
  if (output->new_folder)
    VMF_TRY(vmf_output_sync_above(output->folder, output->path, error));
  VMF_TRY(vmf_folder_sync(output->temporary.folder, output->path, "the folder beside it", error));
  return vmf_folder_sync(output->folder, output->path, "its folder", error);
}

/* path: of what it tells of. */
static enum vmf_code open_in_folder(struct vmf_output *output, const char *file, const char *path,
                                    struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  VMF_TRY(vmf_format(&name, error, "%s: its journal", path));
  int number = openat(output->temporary.folder, file,
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (number < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be opened", name);
  VMF_TRY(vmf_io_write_file(number, name, output->sync, io, error));
  return sync_names(output, error);
}

static enum vmf_code open_common(struct vmf_output *output, struct vmf_error *error)
{
  return open_in_folder(output, VMF_TEMPORARY_JOURNAL, output->path, &output->journal, error);
}

/* What they have in common is sure before the first of them is there. */
static enum vmf_code open_of_file(struct vmf_output *output, struct vmf_output_part *part,
                                  struct vmf_error *error)
{
  char name[JOURNAL_NAME];

  if (!output->journal) {
    VMF_TRY(open_common(output, error));
    VMF_TRY(vmf_io_pwrite(output->journal, output->head, strlen(output->head), 0, error));
    VMF_TRY(vmf_io_flush(output->journal, error));
  }
  if (part->journal)
    return VMF_OK;
  name_journal((size_t)(part - output->parts), name);
  return open_in_folder(output, name, part->io->name, &part->journal, error);
}

static void drop_of_file(const struct vmf_output *output, struct vmf_output_part *part)
{
  char name[JOURNAL_NAME];

  vmf_io_close(part->journal);
  part->journal = NULL;
  name_journal((size_t)(part - output->parts), name);
  (void)unlinkat(output->temporary.folder, name, 0);
}

/* ---- all of these ---- */

enum vmf_code vmf_output_journal(struct vmf_output *output, const struct vmf_io *file,
                                 struct vmf_io **io, struct vmf_error *error)
{
  struct vmf_output_part *part = &output->parts[index_of(output, file)];

  if (file)
    VMF_TRY(open_of_file(output, part, error));
  else
    VMF_TRY(output->journal_path ? open_at_path(output, error) : open_common(output, error));
  *io = file ? part->journal : output->journal;
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

enum vmf_code vmf_output_begin_again(struct vmf_output *output, struct vmf_io *file,
                                     struct vmf_error *error)
{
  if (file) {
    vmf_io_keep(file, false);
    drop_of_file(output, &output->parts[index_of(output, file)]);
    return vmf_io_resize(file, 0, error);
  }
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

bool vmf_output_leave(struct vmf_output *output)
{
  output->left = output->journal != NULL;
  return output->left;
}

void vmf_output_leave_journal(struct vmf_output *output)
{
  for (size_t i = 0; i < output->part_count; i++) {
    vmf_io_close(output->parts[i].journal);
    output->parts[i].journal = NULL;
  }
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
  for (size_t i = 1; output->head && i < output->part_count; i++)
    drop_of_file(output, &output->parts[i]);
}
