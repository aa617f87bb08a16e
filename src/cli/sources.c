/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opens the images that a command line names. */
#include "sources.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "names.h"
#include "signals.h"

enum vmf_code vmf_sources_check_input(const struct vmf_settings *settings, int count,
                                      struct vmf_error *error)
{
  int named = 0;

  for (int i = 0; i < count; i++)
    named += strcmp(settings->operands[i], "-") == 0;
  if (named > 1)
    return vmf_arguments_wrong(error, "standard input (\"-\") can be named once");
  if (named == 0 && settings->source_size > 0)
    return vmf_arguments_wrong(error, "--source-size is of standard input (\"-\"), which is not "
                                      "named");
  return VMF_OK;
}

/* The folder that `target` is in, in `buffer`; NULL: the one for temporary files. */
static const char *spool_folder(const struct vmf_source_input *input, char *buffer, size_t size)
{
  const char *target = input ? input->target : NULL;
  const char *slash = target ? strrchr(target, '/') : NULL;
  size_t length = slash ? (size_t)(slash - target) : 0;

  if (!target || strcmp(target, "-") == 0 || strncmp(target, "/dev/", 5) == 0 || length >= size)
    return NULL;
  snprintf(buffer, size, "%.*s", (int)length, target);
  return slash == target ? "/" : slash ? buffer : ".";
}

static struct vmf_image_options image_options(const struct vmf_settings *settings,
                                              const char *format)
{
  return (struct vmf_image_options){
      .size = sizeof(struct vmf_image_options),
      .format = format,
      .snapshot = settings->snapshot,
      .allow_refs = settings->allow_refs,
      .no_refs = settings->no_refs,
      .ignore_locks = settings->ignore_locks,
      .read_all = settings->read_all,
      .no_cache = settings->no_cache,
      .log = &settings->log,
      .bare = settings->bare,
      .trust = &settings->trust,
      .threads = (unsigned)settings->threads,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->max_size,
  };
}

enum vmf_code vmf_sources_open(const struct vmf_settings *settings, const char *path,
                               const char *format, const struct vmf_source_input *input,
                               struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options options = image_options(settings, format);
  char folder[PATH_MAX];

  options.source_size = settings->source_size;
  options.random_access = !input || !input->in_order;
  options.spool_folder = spool_folder(input, folder, sizeof folder);
  return vmf_disk_open(path, &options, image, error);
}

/* The target may have been forgotten: then a disk of its own would vanish in another one. */
static enum vmf_code check_continuation(const struct vmf_settings *settings, int index,
                                        struct vmf_image *part, struct vmf_error *error)
{
  bool partitioned = false;
  enum vmf_code code = VMF_OK;

  if (index > 0 && !settings->join)
    code = vmf_image_partitioned(part, &partitioned, error);
  if (code != VMF_OK || !partitioned)
    return code;
  return vmf_arguments_wrong(error,
                             "%s: has a partition table, so it is a disk of its own and not the "
                             "continuation of %s; each disk is converted by a command of its own, "
                             "and --join joins them all the same",
                             settings->operands[index], settings->operands[index - 1]);
}

/* The first `count` operands are parts of one file; each is looked at as a disk before. */
static enum vmf_code open_parts(const struct vmf_settings *settings, int count,
                                struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_image_options options = image_options(settings, settings->format);
  enum vmf_code code = VMF_OK;

  for (int i = 1; i < count && code == VMF_OK; i++) {
    struct vmf_image *part = NULL;
    code = vmf_sources_open(settings, settings->operands[i], "raw", NULL, &part, error);
    if (code == VMF_OK)
      code = check_continuation(settings, i, part, error);
    vmf_image_close(part);
  }
  if (code != VMF_OK)
    return code;
  return vmf_parts_open(settings->operands, (size_t)count, &options, image, error);
}

enum vmf_code vmf_sources_join(const struct vmf_settings *settings, int count,
                               const struct vmf_source_input *input, struct vmf_image **image,
                               struct vmf_error *error)
{
  struct vmf_image **parts;
  enum vmf_code code = VMF_OK;
  int opened = 0;

  if (count == 1)
    return vmf_sources_open(settings, settings->operands[0], settings->format, input, image, error);
  if (settings->snapshot)
    return vmf_arguments_wrong(error, "-l cannot be used with several sources");
  if (vmf_parts_named(settings->operands, (size_t)count))
    return open_parts(settings, count, image, error);
  parts = calloc((size_t)count, sizeof *parts);
  if (!parts)
    return vmf_arguments_no_memory(error);
  while (code == VMF_OK && opened < count) {
    code = vmf_sources_open(settings, settings->operands[opened], settings->format, NULL,
                            &parts[opened], error);
    opened += code == VMF_OK;
    if (code == VMF_OK)
      code = check_continuation(settings, opened - 1, parts[opened - 1], error);
  }
  if (code == VMF_OK) {
    code = vmf_image_concat(parts, (size_t)count, image, error);
  } else {
    while (opened > 0)
      vmf_image_close(parts[--opened]);
  }
  free(parts);
  return code;
}

/* Where a backing file of `target` is: *path is a fresh string. */
static enum vmf_code backing_path(const char *target, const char *backing, char **path,
                                  struct vmf_error *error)
{
  const char *slash = strrchr(target, '/');
  int folder = slash && backing[0] != '/' ? (int)(slash + 1 - target) : 0;

  if (asprintf(path, "%.*s%s", folder, target, backing) < 0)
    return vmf_arguments_no_memory(error);
  return VMF_OK;
}

/* -B and -F win over what -o says. */
static enum vmf_code backing_options(struct vmf_settings *settings, char *taken[2],
                                     struct vmf_error *error)
{
  enum vmf_code code =
      vmf_arguments_take_option(settings->options, "backing_file", &taken[0], error);

  if (code == VMF_OK)
    code = vmf_arguments_take_option(settings->options, "backing_fmt", &taken[1], error);
  if (!settings->backing)
    settings->backing = taken[0];
  if (!settings->backing_format)
    settings->backing_format = taken[1];
  return code == VMF_OK ? vmf_names_resolve(settings, &settings->backing, false, error) : code;
}

enum vmf_code vmf_sources_backing(struct vmf_settings *settings, const char *target, char *taken[2],
                                  struct vmf_image **backing, struct vmf_error *error)
{
  char *path;
  enum vmf_code code = backing_options(settings, taken, error);
  struct vmf_settings plain = *settings;

  if (code != VMF_OK)
    return code;
  if (!settings->backing && settings->backing_format)
    return vmf_arguments_wrong(error, "-F names the format of a backing file, but there is none");
  if (!settings->backing)
    return VMF_OK;
  if (!settings->backing_format)
    return vmf_arguments_wrong(error, "backing file \"%s\": its format must be given with -F",
                               settings->backing);
  if (strcmp(settings->backing, "-") == 0)
    return vmf_arguments_wrong(error, "-B: an overlay needs a file below it, not standard input");
  code = backing_path(target, settings->backing, &path, error);
  if (code != VMF_OK)
    return code;
  plain.snapshot = NULL;
  plain.trust = (struct vmf_package_trust){.size = sizeof plain.trust}; /* of the sources */
  code = vmf_sources_open(&plain, path, settings->backing_format, NULL, backing, error);
  free(path);
  return code;
}
