/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * -n: what is there is what the source can be put into. It is replaced by a new image of the same
 * format and size; a device is written as always. */
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "names.h"
#include "verb_convert.h"

/* What a target that is there has and its successor would not have; NULL: nothing. */
static const char *attachment_of(const struct vmf_value *info)
{
  static const char *const keys[][2] = {{"backing-filename", "a backing file"},
                                        {"snapshots", "internal snapshots"},
                                        {"bitmaps", "bitmaps"},
                                        {"data-file", "an external data file"},
                                        {"encrypted", "encryption"}};
  const char *found = NULL;

  for (const struct vmf_value *child = info->first; child && !found; child = child->next) {
    for (size_t i = 0; child->name && !found && i < sizeof keys / sizeof keys[0]; i++)
      if (strcmp(child->name, keys[i][0]) == 0)
        found = keys[i][1];
    if (!found && child->kind == VMF_VALUE_OBJECT)
      found = attachment_of(child);
  }
  return found;
}

/* How far zeros go from `at` on, by the map and in what is stored. */
static enum vmf_code skip_zeros(struct vmf_image *there, uint64_t *at, bool *data,
                                struct vmf_error *error)
{
  static const char zeros[64 * 1024];
  char bytes[sizeof zeros];
  struct vmf_extent extent = {.size = sizeof extent};
  enum vmf_code code = vmf_image_extent(there, *at, UINT64_MAX, &extent, error);

  if (code == VMF_OK && !extent.zero) {
    extent.length = extent.length < sizeof bytes ? extent.length : sizeof bytes;
    code = vmf_image_pread(there, bytes, (size_t)extent.length, *at, error);
    *data = code == VMF_OK && memcmp(bytes, zeros, (size_t)extent.length) != 0;
  }
  *at += *data ? 0 : extent.length;
  return code;
}

/* Behind the end of the source it would become zeros. */
static enum vmf_code check_tail(struct vmf_image *there, uint64_t size, struct vmf_error *error)
{
  enum vmf_code code = VMF_OK;
  uint64_t at = size;
  bool data = false;

  while (code == VMF_OK && !data && at < vmf_image_size(there))
    code = skip_zeros(there, &at, &data, error);
  if (!data)
    return code;
  return vmf_arguments_wrong(
      error,
      "%s: has data near byte %llu, behind the end of the source (%llu bytes), which would be "
      "lost: with -n the target is replaced by a new image; without -n it is made as large as the "
      "source",
      vmf_image_path(there), (unsigned long long)at, (unsigned long long)size);
}

/* A larger target stays as large. */
static enum vmf_code fit_size(const struct vmf_convert_settings *settings, struct vmf_image *there,
                              struct vmf_image **source, struct vmf_error *error)
{
  uint64_t size = vmf_image_size(*source), wanted = vmf_image_size(there);

  if (wanted == size)
    return VMF_OK;
  if (wanted < size || settings->target.bitmaps)
    return vmf_arguments_wrong(error,
                               "%s: a disk of %llu bytes, and the source has %llu: with -n %s; "
                               "without -n the target is made as large as the source",
                               vmf_image_path(there), (unsigned long long)wanted,
                               (unsigned long long)size,
                               wanted < size ? "it must have room for the source"
                                             : "and --bitmaps both must have the same size");
  enum vmf_code code = check_tail(there, size, error);
  return code == VMF_OK ? vmf_image_resize(source, wanted, false, error) : code;
}

enum vmf_code vmf_convert_fit_existing(const struct vmf_convert_settings *settings,
                                       const char *path, const char *format,
                                       struct vmf_image **source, struct vmf_error *error)
{
  const struct vmf_image_options options = {.size = sizeof options,
                                            .format = format,
                                            .no_chain = true,
                                            .ignore_locks = settings->source.ignore_locks,
                                            .allow_refs = settings->source.allow_refs,
                                            .no_refs = settings->source.no_refs,
                                            .random_access = true};
  struct stat status;
  struct vmf_image *there;
  struct vmf_value *info = NULL;

  if (vmf_names_is_export(path) || (stat(path, &status) == 0 && S_ISBLK(status.st_mode)))
    return VMF_OK;
  enum vmf_code code = vmf_image_open(path, &options, &there, error);
  if (code != VMF_OK)
    return code;
  code = vmf_image_info(there, &info, error);
  const char *attachment = code == VMF_OK ? attachment_of(info) : NULL;
  if (attachment)
    code = vmf_arguments_wrong(error,
                               "%s: has %s, which would be lost: with -n the target is replaced by "
                               "a new image; without -n that is expected",
                               path, attachment);
  if (code == VMF_OK)
    code = fit_size(settings, there, source, error);
  vmf_value_free(info);
  vmf_image_close(there);
  return code;
}
