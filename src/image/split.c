/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Names alone do not make a split disk: "disk.01" and "disk.02" may be copies of two days. What
 * starts as a disk is one. */
#include "split.h"

#include <string.h>

#include "caller.h"
#include "file.h"
#include "image.h"
#include "memory.h"
#include "parked.h"
#include "series.h"
#include "url.h"
#include "view.h"

static bool is_whole(struct vmf_io *io)
{
  const struct vmf_format *format;
  struct vmf_error ignored;
  return (vmf_probe_io(io, &format, &ignored) == VMF_OK && format) || vmf_probe_partitioned(io);
}

/* A later part that says by its content what it is stands for itself. */
static enum vmf_code open_later(const char *path, const char *first, bool check_locks,
                                struct vmf_io **io, struct vmf_error *error)
{
  VMF_TRY(vmf_io_open_file(path, check_locks, io, error));
  if (is_whole(*io))
    return VMF_OK;
  vmf_io_close(*io);
  return vmf_fail(error, VMF_USAGE,
                  "%s: is a later part of a split file; name the first, %s, which opens all of "
                  "them, or all parts that are meant; -f raw takes this one alone",
                  path, first);
}

static enum vmf_code open_first(const char *path, bool check_locks, struct vmf_io **io, bool *split,
                                struct vmf_error *error)
{
  VMF_TRY(vmf_series_open(path, check_locks, io, error));
  const struct vmf_format *format;
  struct vmf_io *first = (*io)->ops->below(*io, 0), *second = (*io)->ops->below(*io, 1);
  *split = !is_whole(second);
  if (*split)
    return VMF_OK;
  bool known = vmf_probe_io(first, &format, NULL) == VMF_OK && format;
  enum vmf_code code = VMF_OK;
  if (!known)
    code = vmf_fail(error, VMF_USAGE,
                    "%s: %s, which by its name would be the second part of it, looks like a disk "
                    "of its own; -f raw takes %s alone, and convert --join with the names of all "
                    "parts takes them together",
                    path, second->name, path);
  vmf_io_close(*io);
  return code == VMF_OK ? vmf_io_open_file(path, check_locks, io, error) : code;
}

enum vmf_code vmf_split_open(const char *path, bool check_locks, struct vmf_io **io, bool *split,
                             struct vmf_error *error)
{
  VMF_AUTO_FREE char *first = NULL;
  enum vmf_series_place place;

  *split = false;
  if (vmf_url_is(path)) /* what is beside it costs a request each, and may be anything */
    return vmf_io_open_file(path, check_locks, io, error);
  VMF_TRY(vmf_series_place(path, &place, &first, error));
  if (place == VMF_SERIES_FIRST)
    return open_first(path, check_locks, io, split, error);
  if (place == VMF_SERIES_LATER)
    return open_later(path, first, check_locks, io, error);
  return vmf_io_open_file(path, check_locks, io, error);
}

static enum vmf_code open_all(const char *const *paths, size_t count, bool check_locks,
                              struct vmf_io **list, size_t *opened, struct vmf_error *error)
{
  for (; *opened < count; ++*opened) {
    VMF_AUTO_FREE char *plain = NULL;
    VMF_REQUIRE(paths[*opened], error);
    VMF_TRY(vmf_location_resolve(paths[*opened], true, &plain, error));
    VMF_TRY(vmf_io_open_file(plain, check_locks, &list[*opened], error));
    enum vmf_code code = vmf_io_park(list[*opened], error);
    if (code != VMF_OK) {
      vmf_io_close(list[*opened]);
      return code;
    }
  }
  return VMF_OK;
}

enum vmf_code vmf_split_join(const char *const *paths, size_t count, bool check_locks,
                             struct vmf_io **io, struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  size_t opened = 0;

  VMF_TRY(
      vmf_alloc_table(count, sizeof(struct vmf_io *), SIZE_MAX, "parts of a file", &memory, error));
  struct vmf_io **list = memory;
  enum vmf_code code = open_all(paths, count, check_locks, list, &opened, error);
  if (code == VMF_OK)
    return vmf_io_joined(list, count, list[0]->name, io, error);
  while (opened > 0)
    vmf_io_close(list[--opened]);
  return code;
}

bool vmf_parts_named(const char *const *paths, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (!paths || !paths[i] || strstr(paths[i], "::"))
      return false;
  return vmf_series_same(paths, count);
}
