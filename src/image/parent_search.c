/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "parent_search.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "opener.h"
#include "path.h"

enum { FILES_MAX = 4096 /* that are looked at for one parent */ };

struct search {
  const struct vmf_image *child;
  unsigned files;           /* looked at */
  char *found;              /* or NULL; owned */
  struct stat which;        /* file was found */
  struct vmf_error changed; /* code VMF_CHANGED: one was the parent, until it was written to */
};

/* A candidate that cannot be looked at is not the parent; but memory that is missing tells nothing.
 */
static enum vmf_code pass_over(enum vmf_code code, const struct vmf_error *why,
                               struct vmf_error *error)
{
  return code == VMF_NOMEM ? vmf_fail(error, code, "%s", why->text) : VMF_OK;
}

/* A folder that may not be looked into holds nothing; one for which there are no means tells
 * nothing. */
static enum vmf_code check_folder(const char *folder, struct vmf_error *error)
{
  if (errno == ENOMEM || errno == EMFILE || errno == ENFILE)
    return vmf_fail_errno(error, errno == ENOMEM ? VMF_NOMEM : VMF_SYSTEM,
                          "%s: cannot be looked into", folder);
  return VMF_OK;
}

/* Whether an open candidate is the parent. Of one that is not, why does not matter. */
static enum vmf_code try_image(struct search *search, struct vmf_io *io, bool *fits,
                               struct vmf_error *error)
{
  const struct vmf_image *child = search->child;
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = child->format->name,
                                            .no_chain = true,
                                            .no_refs = true,
                                            .ignore_locks = true};
  const struct vmf_image_origin origin = {.io = io};
  struct vmf_error why;
  struct vmf_image *image;
  enum vmf_code code = vmf_image_open_origin(&origin, &options, &image, &why);

  if (code == VMF_OK) {
    code = child->format->reader->check_parent(child, image, &why);
    vmf_image_close(image);
    if (code == VMF_CHANGED)
      search->changed = why;
  }
  *fits = code == VMF_OK;
  return pass_over(code, &why, error);
}

static enum vmf_code note_found(struct search *search, const struct stat *which, const char *name,
                                struct vmf_error *error)
{
  if (!search->found) {
    search->which = *which;
    return vmf_copy_text(name, &search->found, error);
  }
  if (search->which.st_dev == which->st_dev && search->which.st_ino == which->st_ino)
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s: both \"%.160s\" and \"%.160s\" are the disk that it was made on, as far as "
                  "their ids tell; move one of them to another folder",
                  search->child->io->name, search->found, name);
}

static enum vmf_code try_file(struct search *search, const char *name, struct vmf_error *error)
{
  const struct vmf_image *child = search->child;
  const struct vmf_format *format = NULL;
  struct vmf_error why;
  struct vmf_io *io;
  struct stat which;
  bool fits = false;

  enum vmf_code code = vmf_open_reference(
      child->io->name, name, (const char *const *)vmf_node(child)->allow_refs, false, &io, &why);
  if (code != VMF_OK)
    return pass_over(code, &why, error);
  if (!io->device && vmf_io_stat(io, &which) && !vmf_io_shows_file(child->io, &which))
    code = vmf_probe_io(io, &format, &why);
  if (code != VMF_OK || format != child->format) {
    vmf_io_close(io);
    return pass_over(code, &why, error);
  }
  VMF_TRY(try_image(search, io, &fits, error));
  return fits ? note_found(search, &which, name, error) : VMF_OK;
}

/* prefix: of the names in it, with a slash; empty for the image's own folder. */
static enum vmf_code try_folder(struct search *search, const char *folder, const char *prefix,
                                struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  struct dirent *entry;
  DIR *stream = opendir(folder);

  while (stream && code == VMF_OK && (entry = readdir(stream))) {
    VMF_AUTO_FREE char *name = NULL;
    if (entry->d_type != DT_REG && entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
      continue;
    if (++search->files > FILES_MAX)
      code = vmf_fail(error, VMF_LIMIT,
                      "%s: the disk that it was made on is looked for among at most %d files, and "
                      "its folder has more; put the two into a folder of their own",
                      search->child->io->name, FILES_MAX);
    else
      code = vmf_format(&name, error, "%s%s", prefix, entry->d_name);
    if (code == VMF_OK)
      code = try_file(search, name, error);
  }
  if (!stream)
    return check_folder(folder, error);
  closedir(stream);
  return code;
}

static enum vmf_code try_own_folder(struct search *search, struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL;

  VMF_TRY(vmf_path_copy_folder(search->child->io->name, &folder, error));
  return try_folder(search, folder, "", error);
}

static enum vmf_code try_allowed(struct search *search, const char *folder, struct vmf_error *error)
{
  VMF_AUTO_FREE char *prefix = NULL;
  char *real = realpath(folder, NULL);
  enum vmf_code code = real ? vmf_format(&prefix, error, "%s/", real) : check_folder(folder, error);

  free(real);
  if (code == VMF_OK && prefix)
    code = try_folder(search, prefix, prefix, error);
  return code;
}

static enum vmf_code search_all(struct search *search, struct vmf_error *error)
{
  char *const *folder = vmf_node(search->child)->allow_refs;

  VMF_TRY(try_own_folder(search, error));
  for (; folder && *folder; folder++)
    VMF_TRY(try_allowed(search, *folder, error));
  return VMF_OK;
}

enum vmf_code vmf_parent_search(const struct vmf_image *child, char **name, struct vmf_error *error)
{
  struct search search = {.child = child};
  enum vmf_code code = search_all(&search, error);

  if (code == VMF_OK && !search.found && search.changed.code == VMF_CHANGED)
    code = vmf_fail(error, VMF_CORRUPT, "%s", search.changed.text);
  else if (code == VMF_OK && !search.found)
    code = vmf_fail(error, VMF_CORRUPT,
                    "%s: tells its parent by an id, and none of the %u files beside it is that "
                    "disk; put it there, or say where it is with --allow-ref DIR",
                    child->io->name, search.files);
  if (code == VMF_OK)
    *name = search.found;
  else
    vmf_free(search.found);
  return code;
}
