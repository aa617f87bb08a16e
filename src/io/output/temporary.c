/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Makes, marks, finds and removes temporary folders. The mark is a lock on byte 0 of the main file:
 * it goes away with its process, however that ends. Who removes a folder holds that lock, too, and
 * who makes one begins again where it is gone before it was marked. */
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "folder_stream.h"
#include "log.h"
#include "memory.h"
#include "placing.h"
#include "superseded.h"
#include "text.h"

#define MIDDLE ".part-"

enum { RANDOM_LENGTH = 6, NAME_LIMIT = 255 };

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

enum vmf_code vmf_creation_code(void)
{
  return errno == ENOSPC || errno == EDQUOT || errno == EROFS ? VMF_WRITE : VMF_SYSTEM;
}

/* ".NAME.part-", the target's name cut where the whole would be too long, between two characters.
 */
static size_t put_prefix(const char *target, char prefix[NAME_LIMIT + 1])
{
  size_t room = NAME_LIMIT - 1 - strlen(MIDDLE) - RANDOM_LENGTH;
  size_t length = vmf_text_fit(target, strlen(target), room);
  return (size_t)snprintf(prefix, NAME_LIMIT + 1, ".%.*s" MIDDLE, (int)length, target);
}

static bool put_random(char *text)
{
  unsigned char bytes[RANDOM_LENGTH];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return false;
  for (size_t i = 0; i < RANDOM_LENGTH; i++)
    text[i] = letters[bytes[i] % (sizeof letters - 1)];
  text[RANDOM_LENGTH] = '\0';
  return true;
}

/* VMF_OK without a folder: another run has removed it, as what one left that is gone. */
static enum vmf_code make_folder(struct vmf_temporary *temporary, int beside, const char *target,
                                 const char *path, struct vmf_error *error)
{
  size_t used = put_prefix(target, temporary->name);
  int result = -1;
  errno = EEXIST;
  for (int tries = 100; tries > 0 && result < 0 && errno == EEXIST; tries--) {
    if (!put_random(temporary->name + used))
      return vmf_fail_errno(error, VMF_SYSTEM, "%s: no random numbers", path);
    result = mkdirat(beside, temporary->name, 0700);
  }
  if (result < 0)
    return vmf_fail_errno(error, vmf_creation_code(),
                          "%s: a temporary folder cannot be made beside it", path);
  temporary->beside = beside;
  temporary->mark = -1;
  temporary->folder =
      openat(beside, temporary->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (temporary->folder >= 0 || errno == ENOENT)
    return VMF_OK;
  enum vmf_code code =
      vmf_fail_errno(error, VMF_SYSTEM, "%s: the temporary folder cannot be opened", path);
  (void)unlinkat(beside, temporary->name, AT_REMOVEDIR);
  return code;
}

static struct flock mark(void)
{
  return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

/* The lock belongs to the open file, whichever of its descriptors is left. False: another run took
 * the file for a trace, and removes it. */
static bool hold(struct vmf_temporary *temporary, int main_file)
{
  struct flock lock = mark();
  struct stat status;
  if (fcntl(main_file, F_OFD_SETLK, &lock) < 0)
    return errno != EAGAIN && errno != EACCES;
  temporary->mark = fcntl(main_file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return fstat(main_file, &status) < 0 || status.st_nlink > 0;
}

/* VMF_OK with *main_file < 0: another run removed what was made; that happens once in a very long
 * time, since it is a matter of three system calls. */
static enum vmf_code make_once(struct vmf_temporary *temporary, int beside, const char *target,
                               const char *path, int *main_file, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  VMF_TRY(make_folder(temporary, beside, target, path, error));
  if (temporary->folder < 0)
    return VMF_OK;
  *main_file =
      openat(temporary->folder, target, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (*main_file >= 0 && hold(temporary, *main_file))
    return VMF_OK;
  if (*main_file < 0 && errno != ENOENT)
    code = vmf_fail_errno(error, vmf_creation_code(), "%s: cannot be created", path);
  if (*main_file >= 0)
    close(*main_file);
  *main_file = -1;
  (void)vmf_temporary_remove(temporary, path, NULL);
  return code;
}

enum vmf_code vmf_temporary_make(struct vmf_temporary *temporary, int beside, const char *target,
                                 const char *path, int *main_file, struct vmf_error *error)
{
  *main_file = -1;
  for (int tries = 10; tries > 0 && *main_file < 0; tries--)
    VMF_TRY(make_once(temporary, beside, target, path, main_file, error));
  if (*main_file >= 0)
    return VMF_OK;
  return vmf_fail(error, VMF_SYSTEM,
                  "%s: the temporary folder that is made beside it is removed again and again by "
                  "another program",
                  path);
}

void vmf_temporary_leave(struct vmf_temporary *temporary)
{
  if (temporary->mark >= 0)
    close(temporary->mark);
  if (temporary->folder >= 0)
    close(temporary->folder);
  temporary->mark = temporary->folder = -1;
}

enum vmf_code vmf_temporary_remove(struct vmf_temporary *temporary, const char *path,
                                   struct vmf_error *error)
{
  if (temporary->folder < 0)
    return VMF_OK;
  vmf_temporary_leave(temporary);
  /* an empty folder is a trace for the next run, which may be here already */
  if (unlinkat(temporary->beside, temporary->name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return VMF_OK;
  if (errno == ENOTEMPTY || errno == EEXIST)
    return vmf_fail(error, VMF_WRITE,
                    "%s: is whole; the temporary folder %s beside it holds what this run did not "
                    "put there, and stays: look at it, and remove it",
                    path, temporary->name);
  return vmf_fail_errno(
      error, VMF_WRITE,
      "%s: the temporary folder %s beside it holds nothing any more, and cannot be "
      "removed",
      path, temporary->name);
}

/* ---- a file without a name ---- */

/* Not every file system makes such files. */
static int open_and_unlink(const char *folder, struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;
  if (vmf_format(&path, error, "%s/.vmferry-XXXXXX", folder) != VMF_OK)
    return -1;
  int number = mkostemp(path, O_CLOEXEC);
  if (number >= 0)
    (void)unlink(path);
  return number;
}

enum vmf_code vmf_temporary_unnamed(const char *folder, int *number, struct vmf_error *error)
{
  *number = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
  if (*number < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
    *number = open_and_unlink(folder, error);
  if (*number >= 0)
    return VMF_OK;
  return vmf_fail_errno(error, vmf_creation_code(), "%s: a temporary file cannot be made in it",
                        folder);
}

/* ---- what other runs left ---- */

enum trace {
  TRACE_FOREIGN, /* another user's, of no run, or nobody knows */
  TRACE_HELD,    /* a run is at work there */
  TRACE_LEFT,    /* no process holds it, and it is still there */
  TRACE_REMOVED, /* likewise, and it was removed */
  TRACE_OLD,     /* left, with files in it that were to be replaced */
  TRACE_JOURNAL, /* left, and another run can go on with it */
};

/* Other hosts may work in such a folder, and not every one of these tells their locks. */
static bool is_shared(int folder)
{
  static const uint32_t shared[] = {
      0x6969 /* NFS */,      0xFF534D42 /* CIFS */,  0xFE534D42 /* SMB 2 */,
      0x01021997 /* 9P */,   0x65735546 /* FUSE */,  0x00C36400 /* Ceph */,
      0x01161970 /* GFS2 */, 0x7461636F /* OCFS2 */, 0x0BD00BD0 /* Lustre */};
  struct statfs system;
  if (fstatfs(folder, &system) < 0)
    return true;
  for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
    if ((uint32_t)system.f_type == shared[i])
      return true;
  return false;
}

/* The files of a dead run; nothing is below the folder. The main file, whose lock we have, last. */
static bool remove_all(int beside, const char *name, int folder, const char *target)
{
  DIR *stream;
  struct dirent *entry;

  vmf_placing_undo(beside, folder, target);
  stream = vmf_folder_stream(folder);
  while (stream && (entry = readdir(stream)))
    if (strcmp(entry->d_name, target) != 0)
      (void)unlinkat(folder, entry->d_name, 0);
  if (stream)
    closedir(stream);
  (void)unlinkat(folder, target, 0);
  return unlinkat(beside, name, AT_REMOVEDIR) == 0;
}

static bool has_journal(int folder)
{
  struct stat status;

  return fstatat(folder, VMF_TEMPORARY_JOURNAL, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(status.st_mode);
}

/* No file in it is anything but what a run notes there. A run removes its main file last, so what
 * else is in a folder without that one is nothing that a run has left. */
static bool is_bare(int folder)
{
  DIR *stream = vmf_folder_stream(folder);
  const struct dirent *entry;
  bool bare = stream != NULL;

  while (bare && (entry = readdir(stream)))
    bare = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
           strncmp(entry->d_name, VMF_TEMPORARY_JOURNAL, strlen(VMF_TEMPORARY_JOURNAL)) == 0 ||
           strcmp(entry->d_name, VMF_PLACING_NAME) == 0;
  if (stream)
    closedir(stream);
  return bare;
}

static enum trace examine_main(int file)
{
  struct flock lock = mark();
  if (fcntl(file, F_OFD_GETLK, &lock) < 0)
    return TRACE_FOREIGN;
  return lock.l_type == F_UNLCK ? TRACE_LEFT : TRACE_HELD;
}

/* What may be removed of what is left. */
enum removal { REMOVES_NOTHING, REMOVES_LEFT, REMOVES_JOURNALS };

static enum trace examine(int beside, const char *name, const char *target, enum removal removal)
{
  struct flock lock = mark();
  struct stat status;
  enum trace trace = TRACE_FOREIGN;
  int folder = openat(beside, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0)
    return TRACE_FOREIGN;
  int file = openat(folder, target, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 && errno == EACCES)
    file = openat(folder, target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file >= 0)
    trace = examine_main(file);
  else if (errno == ENOENT)
    trace = TRACE_LEFT;
  if (trace == TRACE_LEFT && vmf_superseded_left(folder))
    trace = TRACE_OLD;
  if (trace == TRACE_LEFT && file < 0 && !is_bare(folder))
    trace = TRACE_FOREIGN;
  if (trace == TRACE_LEFT && file >= 0 && has_journal(folder))
    trace = TRACE_JOURNAL;
  bool removable = removal != REMOVES_NOTHING &&
                   (trace == TRACE_LEFT || (trace == TRACE_JOURNAL && removal == REMOVES_JOURNALS));
  if (removable && fstat(folder, &status) == 0 && status.st_uid == geteuid() &&
      !is_shared(folder) && (file < 0 || fcntl(file, F_OFD_SETLK, &lock) == 0) &&
      remove_all(beside, name, folder, target))
    trace = TRACE_REMOVED;
  if (file >= 0)
    close(file);
  close(folder);
  return trace;
}

static bool is_temporary_name(const char *name, const char *prefix, size_t length)
{
  return strncmp(name, prefix, length) == 0 && strlen(name) == length + RANDOM_LENGTH &&
         strspn(name + length, letters) == RANDOM_LENGTH;
}

static enum vmf_code is_in_use(const char *path, const char *name, struct vmf_error *error)
{
  return vmf_fail(
      error, VMF_IN_USE,
      "%s: another run is writing it (in the folder %s beside it); wait for its end, or "
      "stop it",
      path, name);
}

static enum vmf_code clear_one(int beside, const char *name, const char *target, const char *path,
                               const struct vmf_clearing *how, struct vmf_error *error)
{
  const struct vmf_log *log = how->log;

  switch (examine(beside, name, target, REMOVES_LEFT)) {
  case TRACE_HELD:
    return how->allowed ? VMF_OK : is_in_use(path, name, error);
  case TRACE_LEFT:
    vmf_warn(log, "%s: the folder %s beside it is what an interrupted run left; remove it", path,
             name);
    return VMF_OK;
  case TRACE_REMOVED:
    vmf_warn(log, "%s: the folder %s beside it, which an interrupted run left, was removed", path,
             name);
    return VMF_OK;
  case TRACE_OLD:
    vmf_warn(
        log,
        "%s: the folder %s beside it is what a run left that was interrupted while it replaced "
        "files: they stand in it; take back what is wanted, and remove it",
        path, name);
    return VMF_OK;
  case TRACE_JOURNAL:
    if (!how->resumes)
      vmf_warn(log,
               "%s: the folder %s beside it is what an interrupted run left; \"vmferry convert "
               "--resume\" with the same files and options goes on with it, \"vmferry clean\" "
               "removes it",
               path, name);
    return VMF_OK;
  case TRACE_FOREIGN:
    break;
  }
  return VMF_OK;
}

enum vmf_code vmf_temporary_clear(int beside, const char *target, const char *path,
                                  const struct vmf_clearing *how, struct vmf_error *error)
{
  char prefix[NAME_LIMIT + 1];
  size_t length = put_prefix(target, prefix);
  enum vmf_code code = VMF_OK;
  DIR *stream = vmf_folder_stream(beside);
  struct dirent *entry;
  while (code == VMF_OK && stream && (entry = readdir(stream)))
    if (is_temporary_name(entry->d_name, prefix, length))
      code = clear_one(beside, entry->d_name, target, path, how, error);
  if (stream)
    closedir(stream);
  return code;
}

enum vmf_code vmf_temporary_check(int beside, const char *target, const char *path,
                                  struct vmf_error *error)
{
  char prefix[NAME_LIMIT + 1];
  size_t length = put_prefix(target, prefix);
  enum vmf_code code = VMF_OK;
  DIR *stream = vmf_folder_stream(beside);
  const struct dirent *entry;

  while (code == VMF_OK && stream && (entry = readdir(stream)))
    if (is_temporary_name(entry->d_name, prefix, length) &&
        examine(beside, entry->d_name, target, REMOVES_NOTHING) == TRACE_HELD)
      code = is_in_use(path, entry->d_name, error);
  if (stream)
    closedir(stream);
  return code;
}

/* ---- a run that goes on ---- */

bool vmf_temporary_is_ours(const struct stat *status)
{
  return status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool is_ours(int folder)
{
  struct stat status;

  return fstat(folder, &status) == 0 && vmf_temporary_is_ours(&status);
}

static bool is_later(struct timespec one, struct timespec other)
{
  return one.tv_sec != other.tv_sec ? one.tv_sec > other.tv_sec : one.tv_nsec > other.tv_nsec;
}

/* The time of the journal in the folder `name`; false: it cannot be taken up. */
static bool look_at_journal(int beside, const char *name, struct timespec *changed)
{
  struct stat status;
  int folder = openat(beside, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  bool usable = folder >= 0 && is_ours(folder) && !vmf_superseded_left(folder) &&
                fstatat(folder, VMF_TEMPORARY_JOURNAL, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISREG(status.st_mode);

  if (usable)
    *changed = status.st_mtim;
  if (folder >= 0)
    close(folder);
  return usable;
}

static bool find_journal(int beside, const char *target, char name[NAME_LIMIT + 1])
{
  char prefix[NAME_LIMIT + 1];
  size_t length = put_prefix(target, prefix);
  struct timespec latest = {0}, changed;
  bool found = false;
  DIR *stream = vmf_folder_stream(beside);
  struct dirent *entry;

  while (stream && (entry = readdir(stream)))
    if (is_temporary_name(entry->d_name, prefix, length) &&
        look_at_journal(beside, entry->d_name, &changed) && (!found || is_later(changed, latest))) {
      found = true;
      latest = changed;
      memcpy(name, entry->d_name, strlen(entry->d_name) + 1);
    }
  if (stream)
    closedir(stream);
  return found;
}

/* A run that had it until now may have given it its final name. */
static bool is_there(int folder, const char *name, int number)
{
  struct stat there, open;

  return fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(number, &open) == 0 &&
         there.st_dev == open.st_dev && there.st_ino == open.st_ino;
}

void vmf_temporary_adopt(struct vmf_temporary *temporary, int beside, const char *target,
                         int *main_file)
{
  *main_file = -1;
  if (!find_journal(beside, target, temporary->name))
    return;
  temporary->beside = beside;
  temporary->mark = -1;
  temporary->folder =
      openat(beside, temporary->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (temporary->folder >= 0 && is_ours(temporary->folder))
    *main_file = openat(temporary->folder, target, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (*main_file >= 0 && hold(temporary, *main_file) && temporary->mark >= 0 &&
      is_there(temporary->folder, target, *main_file)) {
    vmf_placing_undo(beside, temporary->folder, target);
    return;
  }
  if (*main_file >= 0)
    close(*main_file);
  *main_file = -1;
  vmf_temporary_leave(temporary);
}

int vmf_temporary_peek(int beside, const char *target)
{
  char name[NAME_LIMIT + 1];
  int folder = find_journal(beside, target, name)
                   ? openat(beside, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                   : -1;
  int number = folder < 0 ? -1
                          : openat(folder, VMF_TEMPORARY_JOURNAL,
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  if (folder >= 0)
    close(folder);
  return number;
}

/* ---- all that is left in a folder ---- */

/* "TARGET" of ".TARGET.part-XXXXXX"; false: it is no such name. */
static bool find_target(const char *name, char target[NAME_LIMIT + 1])
{
  const size_t behind = strlen(MIDDLE) + RANDOM_LENGTH;
  size_t length = strlen(name);

  if (name[0] != '.' || length <= behind + 1 || length > NAME_LIMIT ||
      strncmp(name + length - behind, MIDDLE, strlen(MIDDLE)) != 0 ||
      strspn(name + length - RANDOM_LENGTH, letters) != RANDOM_LENGTH)
    return false;
  memcpy(target, name + 1, length - behind - 1);
  target[length - behind - 1] = '\0';
  return true;
}

static bool is_held(int folder, const char *name)
{
  int file = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  bool held = file >= 0 && examine_main(file) == TRACE_HELD;

  if (file >= 0)
    close(file);
  return held;
}

/* Where the target's name was cut for the folder's, the main file is that which is held, or the one
 * with the shortest name of those that begin so: those beside it have more behind its stem. */
struct cut_name {
  char start[NAME_LIMIT + 1];
  bool held;
};

static void consider_main(struct cut_name *cut, int folder, const char *name,
                          char target[NAME_LIMIT + 1])
{
  bool found = strcmp(target, cut->start) != 0;

  if (cut->held || strncmp(name, cut->start, strlen(cut->start)) != 0)
    return;
  cut->held = is_held(folder, name);
  if (cut->held || !found || strlen(name) < strlen(target))
    memcpy(target, name, strlen(name) + 1);
}

/* The whole of a target's name that was cut; and the bytes of all files. */
static void look_into(int beside, const char *name, char target[NAME_LIMIT + 1], uint64_t *bytes)
{
  int folder = openat(beside, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *stream = folder < 0 ? NULL : vmf_folder_stream(folder);
  bool is_cut = strlen(name) + 4 > NAME_LIMIT; /* between two characters of at most 4 bytes */
  struct cut_name cut = {.held = false};
  struct dirent *entry;
  struct stat status;

  memcpy(cut.start, target, strlen(target) + 1);
  *bytes = 0;
  while (stream && (entry = readdir(stream))) {
    if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(status.st_mode))
      continue;
    *bytes += (uint64_t)status.st_blocks * 512;
    if (is_cut)
      consider_main(&cut, folder, entry->d_name, target);
  }
  if (stream)
    closedir(stream);
  if (folder >= 0)
    close(folder);
}

void vmf_temporary_each(int folder, bool remove, vmf_temporary_visitor *visit, void *data)
{
  static const enum vmf_leftover_state states[] = {
      [TRACE_FOREIGN] = VMF_LEFTOVER_FOREIGN, [TRACE_HELD] = VMF_LEFTOVER_IN_USE,
      [TRACE_LEFT] = VMF_LEFTOVER_LEFT,       [TRACE_REMOVED] = VMF_LEFTOVER_REMOVED,
      [TRACE_OLD] = VMF_LEFTOVER_REPLACED,    [TRACE_JOURNAL] = VMF_LEFTOVER_RESUMABLE};
  char target[NAME_LIMIT + 1];
  uint64_t bytes;
  DIR *stream = vmf_folder_stream(folder);
  struct dirent *entry;

  while (stream && (entry = readdir(stream)))
    if (find_target(entry->d_name, target)) {
      look_into(folder, entry->d_name, target, &bytes);
      enum trace trace =
          examine(folder, entry->d_name, target, remove ? REMOVES_JOURNALS : REMOVES_NOTHING);
      visit(data, entry->d_name, bytes, states[trace]);
    }
  if (stream)
    closedir(stream);
}
