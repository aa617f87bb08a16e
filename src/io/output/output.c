/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where an output goes: its folder, its files and their final names. Nothing has a final name
 * before commit. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attributes.h"
#include "descriptor.h"
#include "elsewhere.h"
#include "file.h"
#include "folder_of.h"
#include "folder_stream.h"
#include "folder_sync.h"
#include "handed.h"
#include "in_place.h"
#include "link.h"
#include "list.h"
#include "log.h"
#include "memory.h"
#include "output_inside.h"
#include "path.h"
#include "placing.h"
#include "spooled.h"
#include "stream.h"
#include "update.h"
#include "uploaded.h"
#include "url.h"

/* ---- the target's path ---- */

enum { LINKS_MAX = 40 };

/* follow: whether a symlink in the target's place is followed. */
static enum vmf_code find_target(struct vmf_output *output, const char *path, bool follow,
                                 struct vmf_error *error)
{
  VMF_TRY(vmf_copy_text(path, &output->path, error));
  for (int links = 0; links <= LINKS_MAX; links++) {
    int result = lstat(output->path, &output->replaced);
    if (result < 0 && errno != ENOENT)
      return vmf_fail_errno(error, VMF_SYSTEM, "%s: cannot be examined", output->path);
    output->exists = result == 0;
    if (!output->exists || !S_ISLNK(output->replaced.st_mode)) {
      output->name = vmf_path_name(output->path);
      return VMF_OK;
    }
    if (!follow)
      return vmf_fail(error, VMF_REFUSED,
                      "%s: is a symbolic link; nothing that goes into a folder is written through "
                      "one; remove it",
                      output->path);
    VMF_TRY(vmf_link_check(output->path, &output->replaced, error));
    VMF_TRY(vmf_link_follow(&output->path, error));
  }
  return vmf_fail(error, VMF_SYSTEM, "%s: more than %d symlinks, one behind the other", path,
                  LINKS_MAX);
}

static enum vmf_code check_target(const struct vmf_output *output, struct vmf_error *error)
{
  mode_t mode = output->replaced.st_mode;
  if (output->exists && S_ISDIR(mode))
    return vmf_fail(error, VMF_USAGE, "%s: is a folder, expected the name of a file", output->path);
  if (output->name[0] == '\0')
    return vmf_fail(error, VMF_USAGE, "%s: expected the name of a file", output->path);
  if (output->exists && !S_ISREG(mode) && !S_ISBLK(mode))
    return vmf_fail(error, VMF_USAGE,
                    "%s: is neither a regular file nor a block device; \"-\" is standard output, "
                    "which > leads there",
                    output->path);
  if (output->exists && output->no_clobber)
    return vmf_fail(error, VMF_USAGE, "%s: exists, and --no-clobber forbids to replace it",
                    output->path);
  return VMF_OK;
}

/* The name without its suffix; with the next free ".N" when files of another disk begin so. */
static enum vmf_code find_stem(struct vmf_output *output, struct vmf_error *error)
{
  int length = (int)vmf_name_stem(output->name);
  unsigned long next = 0;
  DIR *stream = vmf_folder_stream(output->folder);
  struct dirent *entry;
  while (stream && (entry = readdir(stream))) {
    unsigned used;
    char behind;
    if (strncmp(entry->d_name, output->name, (size_t)length) != 0)
      continue;
    if (entry->d_name[length] == '-' && next == 0)
      next = 1;
    else if (sscanf(entry->d_name + length, ".%9u%c", &used, &behind) == 2 && behind == '-' &&
             used >= next)
      next = used + 1UL;
  }
  if (stream)
    closedir(stream);
  if (next == 0)
    return vmf_format(&output->stem, error, "%.*s", length, output->name);
  return vmf_format(&output->stem, error, "%.*s.%lu", length, output->name, next);
}

/* ---- files ---- */

static enum vmf_code add_part(struct vmf_output *output, struct vmf_io *io, const char *name,
                              struct vmf_error *error)
{
  VMF_AUTO_FREE char *copy = NULL;
  VMF_TRY(vmf_copy_text(name, &copy, error));
  VMF_TRY(VMF_LIST_ROOM(output->parts, output->part_count, output->part_capacity, "files", error));
  output->parts[output->part_count++] = (struct vmf_output_part){.io = io, .name = copy};
  copy = NULL;
  return VMF_OK;
}

/* Adds an io, or closes it. */
static enum vmf_code own_part(struct vmf_output *output, struct vmf_io *io, const char *name,
                              struct vmf_error *error)
{
  enum vmf_code code = add_part(output, io, name, error);
  if (code != VMF_OK)
    vmf_io_close(io);
  else if (output->transient)
    vmf_io_transient(io);
  if (code == VMF_OK && output->adopted)
    vmf_io_keep(io, true);
  return code;
}

/* `number` is a new file in the temporary folder. */
static enum vmf_code adopt_file(struct vmf_output *output, int number, const char *name,
                                const char *path, struct vmf_error *error)
{
  struct vmf_io *io = NULL;
  enum vmf_code code = vmf_io_write_file(number, path, output->sync, &io, error);
  if (code == VMF_OK)
    code = own_part(output, io, name, error);
  if (code != VMF_OK)
    (void)unlinkat(output->temporary.folder, name, 0);
  return code;
}

/* What an interrupted run left is there already. */
static enum vmf_code create_file(struct vmf_output *output, const char *name, const char *path,
                                 struct vmf_error *error)
{
  int number =
      openat(output->temporary.folder, name,
             O_RDWR | O_CREAT | (output->adopted ? 0 : O_EXCL) | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (number < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be created", path);
  return adopt_file(output, number, name, path, error);
}

/* Refuses to replace what a machine, another program or another run holds. */
static enum vmf_code check_locks(const struct vmf_output *output, const char *name,
                                 const char *path, struct vmf_error *error)
{
  return output->ignore_locks ? VMF_OK : vmf_in_place_check(output->folder, name, path, error);
}

/* obstacle: why it is not replaced; NULL: because that was asked for. */
static enum vmf_code open_in_place(struct vmf_output *output, const char *obstacle,
                                   struct vmf_error *error)
{
  struct vmf_io *io = NULL;
  if (!output->in_place && output->replaced.st_size > 0)
    return vmf_fail(error, VMF_SYSTEM,
                    "%s: cannot be replaced by a new file (%s), and it is not empty; \"convert "
                    "--in-place\" writes into it, other verbs once it is emptied: then it is "
                    "empty when the run does not come to its end",
                    output->path, obstacle);
  VMF_TRY(vmf_in_place_open(output->folder, output->name, output->path, output->sync, &io,
                            &output->held, error));
  close(output->folder);
  output->folder = -1;
  VMF_TRY(own_part(output, io, output->name, error));
  return output->in_place ? VMF_OK : vmf_output_begin(output, error);
}

static bool is_denied(const struct vmf_error *error)
{
  return error && (error->sys_errno == EACCES || error->sys_errno == EPERM);
}

static enum vmf_code make_temporary(struct vmf_output *output, bool resumes,
                                    struct vmf_error *error)
{
  int number = -1, prefix = (int)(output->name - output->path);
  if (resumes)
    vmf_temporary_adopt(&output->temporary, output->folder, output->name, &number);
  output->adopted = output->left = number >= 0;
  if (!output->adopted)
    VMF_TRY(vmf_temporary_make(&output->temporary, output->folder, output->name, output->path,
                               &number, error));
  enum vmf_code code = adopt_file(output, number, output->name, output->path, error);
  if (code == VMF_OK)
    code = vmf_format(&output->temporary_path, error, "%.*s%s/%s", prefix, output->path,
                      output->temporary.name, output->name);
  return code;
}

static enum vmf_code open_folder(struct vmf_output *output, bool resumes, struct vmf_error *error)
{
  const struct vmf_clearing clearing = {
      .allowed = output->ignore_locks, .resumes = resumes, .log = output->log};
  VMF_TRY(vmf_folder_of(output->path, &output->folder, error));
  if (output->folder < 0)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: its folder cannot be opened", output->path);
  VMF_TRY(vmf_update_folder(output->folder, output->path, error));
  if (output->exists && faccessat(output->folder, output->name, W_OK, AT_EACCESS) < 0)
    return vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be replaced", output->path);
  if (output->exists)
    VMF_TRY(check_locks(output, output->name, output->path, error));
  VMF_TRY(vmf_temporary_clear(output->folder, output->name, output->path, &clearing, error));
  const char *obstacle =
      output->exists ? vmf_in_place_obstacle(output->folder, output->name, &output->replaced)
                     : NULL;
  if (output->exists && (output->in_place || obstacle))
    return open_in_place(output, obstacle, error);
  enum vmf_code code = make_temporary(output, resumes, error);
  if (code != VMF_OK && output->exists && output->part_count == 0 && is_denied(error))
    return open_in_place(output, "no folder can be made beside it", error);
  return code;
}

static enum vmf_code open_device(struct vmf_output *output, struct vmf_error *error)
{
  struct vmf_io *io = NULL;
  VMF_TRY(vmf_update_device(output->path, output->sync, output->ignore_locks, &io, error));
  VMF_TRY(own_part(output, io, output->name, error));
  return vmf_copy_text(output->name, &output->stem, error);
}

/* The main file, which a pipe may get when it is done; name: of *io, for messages. */
static enum vmf_code own_or_spool(struct vmf_output *output, struct vmf_io *io, const char *name,
                                  const struct vmf_output_options *options, struct vmf_error *error)
{
  bool wanted = options->spool || (io->ops->announce && options->spool_folder);
  if (io->sequential && wanted) {
    const char *folder = vmf_spool_folder(options->spool_folder);
    output->pipe = io;
    VMF_TRY(vmf_spooled_open(folder, name, &io, error));
    vmf_note(options->log, "%s is stored in %s first", name, folder);
  }
  return own_part(output, io, output->name, error);
}

static enum vmf_code open_elsewhere(struct vmf_output *output, const char *path,
                                    const struct vmf_output_options *options,
                                    struct vmf_error *error)
{
  struct vmf_io *io = NULL;
  VMF_TRY(vmf_copy_text(path, &output->path, error));
  VMF_TRY(vmf_copy_text("export", &output->stem, error));
  output->name = vmf_url_is_nbd(path) ? output->path : vmf_path_name(output->path);
  output->goes_on = options->resume && vmf_url_is_s3(path) && !output->uploads;
  VMF_TRY(vmf_elsewhere_open(path, options, output->uploads ? &output->upload : NULL, &io, error));
  return own_or_spool(output, io, output->path, options, error);
}

static enum vmf_code open_handed(struct vmf_output *output, const char *path,
                                 const struct vmf_output_options *options, struct vmf_error *error)
{
  struct vmf_io *io = NULL;
  bool standard = output->handed == STDOUT_FILENO;
  const char *name = standard ? "standard output" : path;
  VMF_TRY(vmf_copy_text(standard ? "-" : path, &output->path, error));
  VMF_TRY(vmf_copy_text("-", &output->stem, error));
  output->name = "-";
  if (isatty(output->handed))
    return vmf_fail(error, VMF_USAGE, "%s: will not write a disk image to a terminal", name);
  VMF_TRY(vmf_handed_open(output->handed, name, output->sync, &io, error));
  return own_or_spool(output, io, name, options, error);
}

static enum vmf_code output_open(struct vmf_output *output, const char *path,
                                 const struct vmf_output_options *options, struct vmf_error *error)
{
  VMF_TRY(vmf_output_hold_journal(output, path, options, error));
  output->handed = vmf_handed_output(path);
  if (output->handed >= 0)
    return open_handed(output, path, options, error);
  if (vmf_url_is(path))
    return open_elsewhere(output, path, options, error);
  VMF_TRY(find_target(output, path, !options->no_links, error));
  VMF_TRY(check_target(output, error));
  if (output->exists && S_ISBLK(output->replaced.st_mode))
    return open_device(output, error);
  VMF_TRY(open_folder(output, options->resume, error));
  return find_stem(output, error);
}

bool vmf_output_replaces(const char *path)
{
  struct stat status;

  return strcmp(path, "-") != 0 && !vmf_url_is(path) &&
         (stat(path, &status) < 0 || S_ISREG(status.st_mode));
}

enum vmf_code vmf_output_new(const char *path, const struct vmf_output_options *options,
                             struct vmf_output **output, struct vmf_error *error)
{
  void *block = NULL;
  VMF_TRY(vmf_alloc(sizeof **output, &block, error));
  struct vmf_output *made = block;
  made->no_clobber = options->no_clobber;
  made->sync = !options->no_sync;
  made->transient = options->transient;
  made->ignore_locks = options->ignore_locks;
  made->in_place = options->in_place;
  made->new_folder = options->new_folder;
  made->replace = options->replace;
  made->cancel = options->cancel;
  made->log = options->log;
  made->folder = made->temporary.folder = made->handed = made->held = made->journal_number = -1;
  enum vmf_code code = output_open(made, path, options, error);
  if (code != VMF_OK)
    vmf_output_close(made);
  else
    *output = made;
  return code;
}

struct vmf_io *vmf_output_main(struct vmf_output *output)
{
  return output->parts[0].io;
}

void vmf_output_held(struct vmf_output *output)
{
  output->ignore_locks = true;
}

const char *vmf_output_name(const struct vmf_output *output)
{
  return output->name;
}

const char *vmf_output_stem(const struct vmf_output *output)
{
  return output->stem;
}

const char *vmf_output_path(const struct vmf_output *output)
{
  return output->path;
}

const char *vmf_output_temporary(const struct vmf_output *output)
{
  return output->temporary_path;
}

enum vmf_code vmf_output_begin(struct vmf_output *output, struct vmf_error *error)
{
  if (output->held < 0 || output->begun)
    return VMF_OK;
  output->begun = true;
  return vmf_in_place_begin(output->held, output->path, error);
}

bool vmf_output_is_spooled(const struct vmf_output *output)
{
  return output->pipe != NULL;
}

enum vmf_code vmf_output_supersede(struct vmf_output *output, const char *name,
                                   struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;
  struct stat status;
  if (fstatat(output->folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return VMF_OK;
  VMF_TRY(vmf_path_beside(output->path, name, &path, error));
  if (!S_ISREG(status.st_mode))
    return vmf_fail(error, VMF_REFUSED, "%s: is no regular file, and is not replaced", path);
  VMF_TRY(check_locks(output, name, path, error));
  return vmf_superseded_add(&output->old, name, error);
}

enum vmf_code vmf_output_create(struct vmf_output *output, const char *name, struct vmf_io **io,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;
  struct stat status;
  if (output->folder < 0)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: only one file can be written here, not also %s",
                    output->path, name);
  VMF_TRY(
      vmf_format(&path, error, "%.*s%s", (int)(output->name - output->path), output->path, name));
  if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
      strncmp(name, VMF_TEMPORARY_NOTES, strlen(VMF_TEMPORARY_NOTES)) == 0)
    return vmf_fail(error, VMF_USAGE, "%s: \"%s\" is no name for a file beside it", output->path,
                    name);
  if (output->replace && strcmp(name, output->name) != 0)
    VMF_TRY(vmf_output_supersede(output, name, error));
  else if (strcmp(name, output->name) == 0 ||
           fstatat(output->folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
    return vmf_fail(error, VMF_USAGE, "%s: is there already, and %s needs a new file of that name",
                    path, output->path);
  VMF_TRY(create_file(output, name, path, error));
  *io = output->parts[output->part_count - 1].io;
  return VMF_OK;
}

/* ---- the end ---- */

static enum vmf_code settle_part(const struct vmf_output *output,
                                 const struct vmf_output_part *part, struct vmf_error *error)
{
  const struct vmf_descriptor *file = vmf_descriptor_of(part->io);
  if (output->exists && output->folder >= 0)
    VMF_TRY(vmf_attributes_keep(output->folder, output->name, &output->replaced, file->number,
                                part->io->name, error));
  return vmf_io_flush(part->io, error);
}

static enum vmf_code place_part(const struct vmf_output *output, size_t index,
                                struct vmf_error *error)
{
  const struct vmf_output_part *part = &output->parts[index];
  bool replace = index == 0 && !output->no_clobber;
  int from = output->temporary.folder;
  int result = replace ? renameat(from, part->name, output->folder, part->name)
                       : vmf_rename_new(from, part->name, output->folder, part->name);
  if (result < 0 && index == 0 && errno == EEXIST)
    return vmf_fail_errno(error, VMF_USAGE,
                          "%s: appeared meanwhile, and --no-clobber forbids to replace it",
                          part->io->name);
  if (result < 0)
    return vmf_fail_errno(error, VMF_WRITE, "%s: the finished file cannot be put in place",
                          part->io->name);
  return VMF_OK;
}

static enum vmf_code sync_folder(const struct vmf_output *output, struct vmf_error *error)
{
  if (!output->sync)
    return VMF_OK;
  if (output->new_folder)
    VMF_TRY(vmf_output_sync_above(output->folder, output->path, error));
  return vmf_folder_sync(output->folder, output->path, "its folder", error);
}

/* Removes the files from `first` on, before `end`, which have their final names already. */
static void take_back(const struct vmf_output *output, size_t first, size_t end)
{
  for (size_t i = first; i < end; i++)
    (void)unlinkat(output->folder, output->parts[i].name, 0);
}

/* The main file comes last: before it, the others are not yet an image; and where old ones go, the
 * old main file goes first. */
static enum vmf_code place_all(const struct vmf_output *output, struct vmf_error *error)
{
  size_t placed = 1;
  enum vmf_code code = VMF_OK;
  while (code == VMF_OK && placed < output->part_count)
    if ((code = place_part(output, placed, error)) == VMF_OK)
      placed++;
  if (code == VMF_OK && placed > 1)
    code = sync_folder(output, error);
  if (code == VMF_OK)
    code = place_part(output, 0, error);
  if (code != VMF_OK)
    take_back(output, 1, placed);
  return code;
}

/* Puts the new files where the old ones were. */
static enum vmf_code replace_all(struct vmf_output *output, bool replacing, struct vmf_error *error)
{
  if (output->old.count > 0 && replacing)
    VMF_TRY(vmf_superseded_add_first(&output->old, output->name, error));
  VMF_TRY(
      vmf_superseded_move(&output->old, output->folder, &output->temporary, output->path, error));
  enum vmf_code code = place_all(output, error);
  if (code != VMF_OK)
    vmf_superseded_restore(&output->old, output->folder, &output->temporary, error);
  return code;
}

/* Once an old file is replaced, there is no way back: then a folder that cannot be synced, or a
 * note that cannot be removed, is told, but the new file stays. */
static enum vmf_code commit_folder(struct vmf_output *output, struct vmf_error *error)
{
  struct stat now;
  bool replacing = fstatat(output->folder, output->name, &now, AT_SYMLINK_NOFOLLOW) == 0;
  if (replacing && S_ISREG(now.st_mode))
    VMF_TRY(check_locks(output, output->name, output->path, error));
  enum vmf_code code = vmf_placing_note(output, error);
  if (code == VMF_OK)
    code = replace_all(output, replacing, error);
  enum vmf_code dropped = vmf_placing_drop(output, code == VMF_OK ? error : NULL);
  VMF_TRY(code);
  vmf_output_drop_journal(output);
  code = dropped == VMF_OK ? sync_folder(output, error) : dropped;
  if (code != VMF_OK && !replacing && output->old.moved == 0)
    take_back(output, 0, output->part_count);
  vmf_superseded_drop(&output->old, output->temporary.folder);
  output->committed = true;
  if (code != VMF_OK)
    return code;
  return vmf_temporary_remove(&output->temporary, output->path, error);
}

enum vmf_code vmf_output_to_medium(struct vmf_output *output, struct vmf_error *error)
{
  for (size_t i = 0; i < output->part_count; i++)
    VMF_TRY(vmf_io_to_medium(output->parts[i].io, error));
  return VMF_OK;
}

/* What is written where it is has its name all the time. */
static void commit_in_place(struct vmf_output *output)
{
  if (output->handed >= 0 && !output->parts[0].io->sequential && !output->pipe)
    vmf_handed_advance(output->handed, output->parts[0].io->size);
  output->committed = true;
}

static void tell_files(const struct vmf_output *output)
{
  for (size_t i = 0; i < output->part_count; i++) {
    VMF_AUTO_FREE char *path = NULL;
    if (vmf_path_beside(output->path, output->parts[i].name, &path, NULL) == VMF_OK)
      vmf_log_file(output->log, path, NULL);
  }
}

enum vmf_code vmf_output_commit(struct vmf_output *output, struct vmf_error *error)
{
  for (size_t i = 0; i < output->part_count; i++)
    VMF_TRY(settle_part(output, &output->parts[i], error));
  if (output->pipe)
    VMF_TRY(vmf_spooled_send(output->parts[0].io, output->pipe, output->cancel, error));
  for (size_t i = 0; i < output->part_count; i++)
    VMF_TRY(vmf_io_end(output->parts[i].io, error));
  if (output->folder >= 0)
    VMF_TRY(commit_folder(output, error));
  else
    commit_in_place(output);
  tell_files(output);
  return VMF_OK;
}

void vmf_output_take_back(struct vmf_output *output)
{
  if (output->committed && output->folder >= 0)
    take_back(output, 0, output->part_count);
}

void vmf_output_close(struct vmf_output *output)
{
  if (!output)
    return;
  vmf_uploaded_close(output);
  bool left = output->left && !output->committed;
  if (!left)
    vmf_output_drop_journal(output);
  for (size_t i = output->part_count; i-- > 0;) { /* the main file last, see temporary.c */
    if (output->temporary.folder >= 0 && !output->committed && !left)
      (void)unlinkat(output->temporary.folder, output->parts[i].name, 0);
    vmf_io_close(output->parts[i].io);
    vmf_free(output->parts[i].name);
  }
  if (left)
    vmf_output_leave_journal(output);
  vmf_io_close(output->pipe);
  vmf_in_place_close(output->held, output->begun && !output->committed);
  (void)vmf_placing_drop(output, NULL);
  (void)vmf_temporary_remove(&output->temporary, output->path, NULL);
  if (output->folder >= 0)
    close(output->folder);
  vmf_superseded_clear(&output->old);
  vmf_free(output->parts);
  vmf_free(output->journal_path);
  vmf_free(output->temporary_path);
  vmf_free(output->stem);
  vmf_free(output->path);
  vmf_free(output);
}
