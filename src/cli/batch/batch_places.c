/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "batch_places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "growing.h"
#include "names.h"

static enum vmf_code add(struct vmf_batch_places *places, const struct vmf_batch_job *job,
                         char *path, bool written, struct vmf_error *error)
{
  enum vmf_code code = VMF_GROWING_ROOM(places->list, places->count, places->capacity, error);

  if (code != VMF_OK) {
    free(path);
    return code;
  }
  places->list[places->count++] =
      (struct vmf_batch_place){.job = job, .path = path, .written = written};
  return VMF_OK;
}

/* ---- what a name leads to ---- */

/* The file of PACKAGE::DISK, unless there is one of all the name. */
static void cut_disk(char *path)
{
  char *colons = !vmf_names_is_url(path) && access(path, F_OK) == 0 ? NULL : strstr(path, "::");

  if (colons)
    *colons = '\0';
}

static enum vmf_code add_source(struct vmf_batch_places *places, const struct vmf_batch_job *job,
                                const char *name, struct vmf_error *error)
{
  char *path = NULL;
  enum vmf_code code = vmf_location_resolve(name, true, &path, error);

  if (code != VMF_OK || strncmp(path, "json:", 5) == 0) {
    free(path);
    return code;
  }
  cut_disk(path);
  if (vmf_names_is_url(path)) /* what is there is asked for once, when it is read */
    return add(places, job, path, false, error);
  char *real = realpath(path, NULL);
  if (!real)
    code = vmf_arguments_wrong(error, "%s: %s", path, strerror(errno));
  else if (access(real, R_OK) != 0) {
    code = vmf_arguments_wrong(error, "%s: cannot be read: %s", path, strerror(errno));
    free(real);
  } else
    code = add(places, job, real, false, error);
  free(path);
  return code;
}

/* A file that is not there yet: its folder, without symlinks, and its name. */
static enum vmf_code place_of_new(const char *path, char **place, struct vmf_error *error)
{
  char *above = vmf_names_folder(path);
  char *real = above ? realpath(above, NULL) : NULL;
  enum vmf_code code = VMF_OK;

  if (!above)
    code = vmf_arguments_no_memory(error);
  else if (!real)
    code = vmf_arguments_wrong(error, "%s: the folder %s: %s", path, above, strerror(errno));
  else if (access(real, W_OK | X_OK) != 0)
    code = vmf_arguments_wrong(error, "%s: the folder %s cannot be written to: %s", path, above,
                               strerror(errno));
  else if (asprintf(place, "%s/%s", strcmp(real, "/") == 0 ? "" : real, vmf_names_last(path)) < 0)
    code = vmf_arguments_no_memory(error);
  free(above);
  free(real);
  return code;
}

enum vmf_code vmf_batch_place(const char *path, char **place, struct vmf_error *error)
{
  *place = realpath(path, NULL);
  return *place ? VMF_OK : place_of_new(path, place, error);
}

/* In a folder each job needs a name of its own, whose suffix is not known yet. */
static enum vmf_code place_in_folder(const char *folder, const char *source, char **place,
                                     struct vmf_error *error)
{
  const char *name = vmf_names_last(source);
  const char *dot = strrchr(name, '.');
  char *real = vmf_names_is_url(folder) ? strdup(folder) : realpath(folder, NULL);
  int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);

  if (!real)
    return vmf_arguments_wrong(error, "%s: %s", folder, strerror(errno));
  int made = asprintf(place, "%s/%.*s", real, length, name);
  free(real);
  return made < 0 ? vmf_arguments_no_memory(error) : VMF_OK;
}

static enum vmf_code add_target(struct vmf_batch_places *places, const struct vmf_batch_job *job,
                                const char *name, const char *source, struct vmf_error *error)
{
  char *path = NULL, *place = NULL;
  struct stat there;
  enum vmf_code code = vmf_location_resolve(name, vmf_names_is_export(name), &path, error);

  if (code != VMF_OK)
    return code;
  size_t length = strlen(path);
  bool url = vmf_names_is_url(path), found = !url && stat(path, &there) == 0;
  if (url && path[length - 1] != '/')
    return add(places, job, path, true, error);
  if (url || (found && S_ISDIR(there.st_mode)))
    code = place_in_folder(path, source, &place, error);
  else if (found && (place = realpath(path, NULL)))
    code = access(place, W_OK) == 0
               ? VMF_OK
               : vmf_arguments_wrong(error, "%s: cannot be written: %s", path, strerror(errno));
  else {
    while (length > 1 && path[length - 1] == '/') /* a new folder */
      path[--length] = '\0';
    code = place_of_new(path, &place, error);
  }
  free(path);
  if (code != VMF_OK) {
    free(place);
    return code;
  }
  return add(places, job, place, true, error);
}

enum vmf_code vmf_batch_places_add(struct vmf_batch_places *places, const struct vmf_batch_job *job,
                                   struct vmf_error *error)
{
  const struct vmf_words *operands = &job->listed->operands;
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i + 1 < operands->count && code == VMF_OK; i++)
    code = add_source(places, job, operands->list[i], error);
  return code == VMF_OK ? add_target(places, job, operands->list[operands->count - 1],
                                     operands->list[0], error)
                        : code;
}

enum vmf_code vmf_batch_places_add_file(struct vmf_batch_places *places,
                                        const struct vmf_batch_job *job, const char *path,
                                        struct vmf_error *error)
{
  char *place;
  enum vmf_code code = vmf_batch_place(path, &place, error);

  return code == VMF_OK ? add(places, job, place, true, error) : code;
}

enum vmf_code vmf_batch_places_add_read(struct vmf_batch_places *places,
                                        const struct vmf_batch_job *job, const char *path,
                                        struct vmf_error *error)
{
  size_t before = places->count;
  enum vmf_code code = add_source(places, job, path, error);

  if (places->count > before)
    places->list[before].option = true;
  return code;
}

/* ---- what clashes ---- */

/* '/' comes first, so that what is below a folder follows it at once. */
static int compare(const void *one, const void *other)
{
  const struct vmf_batch_place *a = one, *b = other;
  const unsigned char *p = (const unsigned char *)a->path, *q = (const unsigned char *)b->path;

  while (*p && *p == *q) {
    p++;
    q++;
  }
  if (*p != *q) {
    int left = *p == '/' ? 1 : *p, right = *q == '/' ? 1 : *q;
    return left - right;
  }
  if (a->written != b->written)
    return b->written - a->written;
  return a->job < b->job ? -1 : a->job > b->job;
}

/* Or the same. A URL has nothing below it: objects "a" and "a/b" are two. */
static bool is_below(const char *path, const char *folder)
{
  size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 &&
         (path[length] == '\0' || (path[length] == '/' && folder[0] == '/'));
}

void vmf_batch_places_compare(struct vmf_batch_places *places,
                              void (*clash)(void *data, const struct vmf_batch_place *target,
                                            const struct vmf_batch_place *other),
                              void *data)
{
  const struct vmf_batch_place *above = NULL, *written = NULL; /* the last that have others below */

  if (places->count > 0)
    qsort(places->list, places->count, sizeof *places->list, compare);
  for (size_t i = 0; i < places->count; i++) {
    const struct vmf_batch_place *place = &places->list[i];

    if (written && is_below(place->path, written->path))
      clash(data, written, place);
    else if (place->written && above && is_below(place->path, above->path))
      clash(data, place, above);
    if (!above || !is_below(place->path, above->path))
      above = place;
    if (place->written && !(written && is_below(place->path, written->path)))
      written = place;
  }
}

void vmf_batch_places_free(struct vmf_batch_places *places)
{
  for (size_t i = 0; i < places->count; i++)
    free(places->list[i].path);
  free(places->list);
}
