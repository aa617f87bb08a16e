/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A name from an image is checked as text, matched with the folders that may be used, and opened
 * beneath one of them by the kernel's own rule; nothing is decided by a path that could change in
 * between. */
#include "opener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "path.h"
#include "remote_io.h"
#include "url.h"

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, SHOWN_MAX = 160 };

struct reference {
  const char *image_path, *name;
  const char *const *allow_dirs; /* or NULL */
  char shown[SHOWN_MAX];         /* the name, for messages */
  char *folder;                  /* of the image, as the user wrote it: "." or ends in a slash */
  char *real;                    /* the same without symlinks */
};

/* Printable, and cut where it is very long. */
static void show_name(const char *name, char shown[SHOWN_MAX])
{
  size_t used = 0;
  for (; *name && used < SHOWN_MAX - 8; name++) {
    unsigned char c = (unsigned char)*name;
    if (c < 0x20 || c == 0x7f)
      used += (size_t)snprintf(shown + used, SHOWN_MAX - used, "\\x%02x", c);
    else
      shown[used++] = *name;
  }
  snprintf(shown + used, SHOWN_MAX - used, "%s", *name ? "..." : "");
}

static bool has_dotdot(const char *name)
{
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += strspn(part, "/");
    if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
      return true;
  }
  return false;
}

static bool has_protocol(const char *name)
{
  size_t prefix =
      strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-");
  return (prefix > 0 && name[prefix] == ':') || strstr(name, "://");
}

static enum vmf_code check_text(const struct reference *reference, struct vmf_error *error)
{
  const char *why = NULL;
  if (reference->name[0] == '\0')
    why = "the name is empty";
  else if (has_protocol(reference->name))
    why = "it names a protocol or a drive";
  for (const char *c = reference->name; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      why = "it has control characters";
  if (!why)
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED, "%s: refers to \"%s\": %s, expected the plain path of a file",
                  reference->image_path, reference->shown, why);
}

/* "/a/./b//../c" becomes "/a/c", by its text alone. */
static void normalise(char *path)
{
  size_t used = 0;
  for (const char *part = path; *part;) {
    part += strspn(part, "/");
    size_t length = strcspn(part, "/");
    if (length == 2 && part[0] == '.' && part[1] == '.') {
      while (used > 0 && path[--used] != '/') {
      }
    } else if (length > 0 && !(length == 1 && part[0] == '.')) {
      path[used++] = '/';
      memmove(path + used, part, length);
      used += length;
    }
    part += length;
  }
  if (used == 0)
    path[used++] = '/';
  path[used] = '\0';
}

/* What of `path` is below `folder` (both absolute), or NULL. */
static const char *below(const char *path, const char *folder)
{
  size_t length = strlen(folder);
  while (length > 0 && folder[length - 1] == '/')
    length--;
  if (strncmp(path, folder, length) != 0 || path[length] != '/')
    return NULL;
  path += length + strspn(path + length, "/");
  return *path ? path : NULL;
}

/* For kernels and sandboxes without openat2: no symlink at all. */
static int open_walk(int folder, const char *path)
{
  char part[256];
  int at = fcntl(folder, F_DUPFD_CLOEXEC, 0);
  while (at >= 0) {
    size_t length = strcspn(path, "/");
    bool last = path[length + strspn(path + length, "/")] == '\0';
    struct stat status;
    int next = -1;
    if (length < sizeof part) {
      memcpy(part, path, length);
      part[length] = '\0';
      next = openat(at, part, O_NOFOLLOW | (last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC));
    } else {
      errno = ENAMETOOLONG;
    }
    if (next < 0 && errno == ENOTDIR && fstatat(at, part, &status, AT_SYMLINK_NOFOLLOW) == 0)
      errno = S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
    int saved = errno;
    close(at);
    errno = saved;
    if (last || next < 0)
      return next;
    path += length + strspn(path + length, "/");
    at = next;
  }
  return -1;
}

/* Opens a relative path without ".." beneath a folder; -1 and errno: EXDEV or ELOOP when a symlink
 * leads out or must be resolved first. */
static int open_beneath(const char *folder, const char *path)
{
  struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  int tries = 16, number = -1;
  int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0)
    return -1;
  do
    number = (int)syscall(SYS_openat2, at, path, &how, sizeof how);
  while (number < 0 && errno == EAGAIN && --tries > 0); /* somebody renamed a folder meanwhile */
  if (number < 0 && (errno == ENOSYS || errno == EPERM))
    number = open_walk(at, path);
  int saved = errno;
  close(at);
  errno = saved;
  return number;
}

static enum vmf_code outside(const struct reference *reference, const char *what,
                             struct vmf_error *error)
{
  return vmf_fail(error, VMF_REFUSED,
                  "%s: refers to \"%s\", %s %s; --allow-ref DIR allows one more folder",
                  reference->image_path, reference->shown, what, reference->real);
}

static enum vmf_code open_failed(const struct reference *reference, struct vmf_error *error)
{
  if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
    return vmf_fail(error, VMF_CORRUPT, "%s: names the file \"%s\", which is not in %s",
                    reference->image_path, reference->shown, reference->real);
  if (errno == ENXIO)
    return vmf_fail(error, VMF_REFUSED, "%s: refers to \"%s\", expected a regular file",
                    reference->image_path, reference->shown);
  return vmf_fail_errno(error, VMF_SYSTEM, "%s: opening \"%s\", which it refers to",
                        reference->image_path, reference->shown);
}

/* The allowed folder that `path` (absolute) is below: the folder without symlinks, which the caller
 * frees with free(), and the rest of the path. */
static char *allowed_folder(const struct reference *reference, const char *path, const char **rest)
{
  for (const char *const *dir = reference->allow_dirs; dir && *dir; dir++) {
    char *real = realpath(*dir, NULL);
    *rest = real ? below(path, real) : NULL;
    if (real && !*rest && (*dir)[0] == '/')
      *rest = below(path, *dir);
    if (*rest)
      return real;
    free(real);
  }
  return NULL;
}

static bool folder_is_allowed(const struct reference *reference)
{
  for (const char *const *dir = reference->allow_dirs; dir && *dir; dir++) {
    char *real = realpath(*dir, NULL);
    bool same = real && (strcmp(real, reference->real) == 0 || below(reference->real, real));
    free(real);
    if (same)
      return true;
  }
  return false;
}

/* What has been opened, and whether it may be a device. */
struct opened {
  int number;
  bool device_allowed;
  char *name; /* for the io; vmf_free */
};

static enum vmf_code open_allowed(const struct reference *reference, const char *path,
                                  const char *why, struct opened *opened, struct vmf_error *error)
{
  const char *rest = NULL;
  char *folder = allowed_folder(reference, path, &rest);
  if (!folder)
    return outside(reference, why, error);
  opened->number = open_beneath(folder, rest);
  opened->device_allowed = true;
  int saved = errno;
  free(folder);
  errno = saved;
  if (opened->number < 0 && (errno == EXDEV || errno == ELOOP))
    return outside(reference, "a symlink that leads out of the allowed folder and of", error);
  return opened->number < 0 ? open_failed(reference, error) : VMF_OK;
}

/* A symlink on the way: its end, if it is in a folder that may be used, is opened beneath that. */
static enum vmf_code open_resolved(const struct reference *reference, struct opened *opened,
                                   struct vmf_error *error)
{
  char *path = realpath(opened->name, NULL);
  if (!path && errno == ELOOP)
    return vmf_fail(error, VMF_REFUSED, "%s: refers to \"%s\", a symlink that leads to itself",
                    reference->image_path, reference->shown);
  if (!path)
    return open_failed(reference, error);
  enum vmf_code code = VMF_OK;
  const char *rest = below(path, reference->real);
  if (!rest)
    code = open_allowed(reference, path, "a symlink that leads out of", opened, error);
  else if ((opened->number = open_beneath(reference->real, rest)) < 0)
    code = open_failed(reference, error);
  free(path);
  return code;
}

/* A plain relative path, below the image's folder. */
static enum vmf_code open_own(const struct reference *reference, const char *path,
                              struct opened *opened, struct vmf_error *error)
{
  opened->device_allowed = folder_is_allowed(reference);
  opened->number = open_beneath(reference->folder, path);
  if (opened->number >= 0)
    return VMF_OK;
  if (errno == EXDEV || errno == ELOOP)
    return open_resolved(reference, opened, error);
  return open_failed(reference, error);
}

static enum vmf_code open_absolute(const struct reference *reference, struct opened *opened,
                                   struct vmf_error *error)
{
  bool plain = !has_dotdot(reference->name);
  const char *rest = plain ? below(opened->name, reference->real) : NULL;
  if (plain && !rest && reference->folder[0] == '/')
    rest = below(opened->name, reference->folder);
  if (rest)
    return open_own(reference, rest, opened, error);
  return open_allowed(reference, opened->name, plain ? "which is outside of" : "which leaves",
                      opened, error);
}

static enum vmf_code open_named(const struct reference *reference, struct opened *opened,
                                struct vmf_error *error)
{
  bool absolute = reference->name[0] == '/';
  int prefix = (int)vmf_path_folder(reference->image_path);
  if (!absolute && !has_dotdot(reference->name)) {
    VMF_TRY(
        vmf_format(&opened->name, error, "%.*s%s", prefix, reference->image_path, reference->name));
    return open_own(reference, reference->name, opened, error);
  }
  VMF_TRY(
      vmf_format(&opened->name, error, "%s/%s", absolute ? "" : reference->real, reference->name));
  normalise(opened->name);
  return open_absolute(reference, opened, error);
}

static enum vmf_code check_kind(const struct reference *reference, const struct opened *opened,
                                struct vmf_error *error)
{
  struct stat status;
  if (fstat(opened->number, &status) < 0)
    return open_failed(reference, error);
  if (S_ISREG(status.st_mode) || (S_ISBLK(status.st_mode) && opened->device_allowed))
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED, "%s: refers to \"%s\", which is no regular file",
                  reference->image_path, reference->shown);
}

/* In what was opened by URL a plain name is the file beside it, on the same server. */
static enum vmf_code open_beside_url(const struct reference *reference, struct vmf_io **io,
                                     struct vmf_error *error)
{
  const char *name = reference->name;
  VMF_AUTO_FREE char *url = NULL;

  while (strncmp(name, "./", 2) == 0)
    name += 2 + strspn(name + 2, "/");
  if (name[0] == '/' || has_dotdot(name))
    return vmf_fail(error, VMF_REFUSED,
                    "%s: refers to \"%s\", which is not in its own folder on the server",
                    reference->image_path, reference->shown);
  VMF_TRY(vmf_url_beside(reference->image_path, name, &url, error));
  return vmf_remote_open(url, io, error);
}

static enum vmf_code find_folder(struct reference *reference, struct vmf_error *error)
{
  VMF_TRY(vmf_path_copy_folder(reference->image_path, &reference->folder, error));
  reference->real = realpath(reference->folder, NULL);
  if (!reference->real)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: its folder cannot be found",
                          reference->image_path);
  return VMF_OK;
}

/* By the policy; what has been opened and its name are the caller's, also on failure. */
static enum vmf_code open_by_policy(struct reference *reference, struct opened *opened,
                                    struct vmf_error *error)
{
  enum vmf_code code = find_folder(reference, error);

  if (code == VMF_OK)
    code = open_named(reference, opened, error);
  vmf_free(reference->folder);
  free(reference->real);
  reference->folder = reference->real = NULL;
  return code;
}

enum vmf_code vmf_open_reference(const char *image_path, const char *name,
                                 const char *const *allow_dirs, bool check_locks,
                                 struct vmf_io **io, struct vmf_error *error)
{
  struct reference reference = {.image_path = image_path, .name = name, .allow_dirs = allow_dirs};
  struct opened opened = {.number = -1};
  show_name(name, reference.shown);
  enum vmf_code code = check_text(&reference, error);
  if (code == VMF_OK && vmf_url_is(image_path))
    return open_beside_url(&reference, io, error);
  if (code == VMF_OK)
    code = open_by_policy(&reference, &opened, error);
  if (code == VMF_OK)
    code = check_kind(&reference, &opened, error);
  if (code == VMF_OK)
    code = vmf_io_from_descriptor(opened.number, opened.name, check_locks, io, error);
  else if (opened.number >= 0)
    close(opened.number);
  vmf_free(opened.name);
  return code;
}

/* ---- folders ---- */

static enum vmf_code visit_entries(const struct reference *reference, DIR *stream,
                                   vmf_name_visitor *visit, void *data, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  const struct dirent *entry;

  errno = 0;
  while (code == VMF_OK && (entry = readdir(stream)) != NULL) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      code = visit(data, entry->d_name, error);
    errno = 0;
  }
  if (code == VMF_OK && errno != 0)
    return vmf_fail_errno(error, VMF_READ, "%s: its folder \"%s\" cannot be listed",
                          reference->image_path, reference->shown);
  return code;
}

enum vmf_code vmf_list_reference(const char *image_path, const char *name,
                                 const char *const *allow_dirs, vmf_name_visitor *visit, void *data,
                                 struct vmf_error *error)
{
  struct reference reference = {.image_path = image_path, .name = name, .allow_dirs = allow_dirs};
  struct opened opened = {.number = -1};
  show_name(name, reference.shown);
  VMF_TRY(check_text(&reference, error));
  if (vmf_url_is(image_path))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: its folder \"%s\" cannot be listed by URL: copy all of it here first",
                    image_path, reference.shown);
  enum vmf_code code = open_by_policy(&reference, &opened, error);
  DIR *stream = code == VMF_OK ? fdopendir(opened.number) : NULL;
  if (code == VMF_OK && !stream)
    code = vmf_fail_errno(error, VMF_CORRUPT, "%s: \"%s\" beside it is no folder", image_path,
                          reference.shown);
  if (stream) {
    code = visit_entries(&reference, stream, visit, data, error);
    closedir(stream);
  } else if (opened.number >= 0) {
    close(opened.number);
  }
  vmf_free(opened.name);
  return code;
}
