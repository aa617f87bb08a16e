/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "moved.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "near_name.h"
#include "path.h"

struct search {
  const char *image_path, *name;
  const char *const *allow_dirs; /* or NULL */
  bool check_locks;
  const char *part;  /* of the name: what is looked for */
  struct stat image; /* of the file that the name stands in */
};

static bool is_image(const struct search *search, DIR *folder, const struct dirent *entry)
{
  struct stat status;

  return fstatat(dirfd(folder), entry->d_name, &status, 0) == 0 &&
         status.st_dev == search->image.st_dev && status.st_ino == search->image.st_ino;
}

/* The name in the folder that is meant, a fresh string, or NULL. */
static enum vmf_code look_into(const struct search *search, const char *path, char **found,
                               struct vmf_error *error)
{
  struct vmf_near_name near = {.wanted = search->part};
  DIR *folder = opendir(path);
  enum vmf_code code = VMF_OK;

  *found = NULL;
  if (!folder)
    return VMF_OK; /* one that may be searched, but not listed */
  for (const struct dirent *entry; code == VMF_OK && (entry = readdir(folder)) != NULL;)
    if (entry->d_type != DT_DIR && vmf_names_near(entry->d_name, search->part) &&
        !is_image(search, folder, entry))
      code = vmf_near_name_offer(&near, entry->d_name, error);
  closedir(folder);
  if (code == VMF_OK && near.other)
    code = vmf_fail(error, VMF_REFUSED,
                    "%s: refers to \"%.160s\", and %s has both \"%s\" and \"%s\": rename the one "
                    "that is meant to \"%s\"",
                    search->image_path, search->name, path, near.found, near.other, search->part);
  if (code == VMF_OK) {
    *found = near.found;
    near.found = NULL;
  }
  vmf_near_name_clear(&near);
  return code;
}

/* *io stays NULL when the folder has no such file. */
static enum vmf_code try_own_folder(const struct search *search, struct vmf_io **io,
                                    struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL, *found = NULL, *plain = NULL;

  VMF_TRY(vmf_path_beside(search->image_path, ".", &folder, error));
  VMF_TRY(look_into(search, folder, &found, error));
  if (!found)
    return VMF_OK;
  VMF_TRY(vmf_format(&plain, error, "%s%s", strchr(found, ':') ? "./" : "", found));
  return vmf_open_reference(search->image_path, plain, NULL, search->check_locks, io, error);
}

static enum vmf_code try_folder(const struct search *search, const char *dir, struct vmf_io **io,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = realpath(dir, NULL), *found = NULL, *path = NULL;

  if (!folder)
    return VMF_OK;
  VMF_TRY(look_into(search, folder, &found, error));
  if (!found)
    return VMF_OK;
  VMF_TRY(vmf_format(&path, error, "%s/%s", folder, found));
  return vmf_open_reference(search->image_path, path, search->allow_dirs, search->check_locks, io,
                            error);
}

/* A folder that is no link: with a copy of the export comes no way out of it. */
static enum vmf_code try_usual(const struct search *search, const char *dir, struct vmf_io **io,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *path = NULL;
  struct search usual = *search;
  struct stat status;

  VMF_TRY(vmf_path_beside(search->image_path, dir, &path, error));
  if (lstat(path, &status) < 0 || !S_ISDIR(status.st_mode))
    return VMF_OK;
  const char *const only[] = {path, NULL};
  usual.allow_dirs = only;
  return try_folder(&usual, path, io, error);
}

static enum vmf_code look_around(const struct search *search, struct vmf_io **io,
                                 struct vmf_error *error)
{
  VMF_TRY(try_own_folder(search, io, error));
  for (const char *const *dir = search->allow_dirs; !*io && dir && *dir; dir++)
    VMF_TRY(try_folder(search, *dir, io, error));
  return VMF_OK;
}

/* What was wrong with the name as it stands, and that its last part is nowhere either. */
static enum vmf_code not_found(const struct search *search, const struct vmf_error *first,
                               struct vmf_error *error)
{
  if (strcmp(search->part, search->name) == 0)
    return vmf_fail_again(first, error);
  return vmf_fail(error, first->code,
                  "%s; nor is there a \"%.160s\" beside the image or in a folder of --allow-ref",
                  first->text, search->part);
}

enum vmf_code vmf_open_moved(const char *image_path, const char *name,
                             const char *const *usual_dirs, const char *const *allow_dirs,
                             bool check_locks, const struct vmf_log *log, struct vmf_io **io,
                             struct vmf_error *error)
{
  struct search search = {.image_path = image_path,
                          .name = name,
                          .allow_dirs = allow_dirs,
                          .check_locks = check_locks,
                          .part = vmf_last_part(name)};
  struct vmf_error first = {0};
  enum vmf_code code = vmf_open_reference(image_path, name, allow_dirs, check_locks, io, &first);

  if (code == VMF_OK)
    return VMF_OK;
  *io = NULL;
  if ((code != VMF_REFUSED && code != VMF_CORRUPT) || !search.part ||
      stat(image_path, &search.image) < 0)
    return vmf_fail_again(&first, error);
  for (const char *const *dir = usual_dirs; !*io && dir && *dir; dir++)
    VMF_TRY(try_usual(&search, *dir, io, error));
  if (*io)
    return VMF_OK;
  VMF_TRY(look_around(&search, io, error));
  if (!*io)
    return not_found(&search, &first, error);
  vmf_warn(log, "%s: \"%.160s\", which it names, is not there or not allowed; %s is read instead",
           image_path, name, (*io)->name);
  return VMF_OK;
}
