/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opens the images that a command line names. */
#include "sources.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "names.h"
#include "progress.h"
#include "secrets.h"
#include "signals.h"

bool vmf_sources_is_input(const char *name)
{
  return strcmp(name, "-") == 0 || (strncmp(name, "-::", 3) == 0 && access(name, F_OK) != 0);
}

enum vmf_code vmf_sources_check_input(const struct vmf_command *command,
                                      const struct vmf_source_settings *source, int count,
                                      struct vmf_error *error)
{
  int named = 0;

  for (int i = 0; i < count; i++)
    named += vmf_sources_is_input(command->operands[i]);
  if (named > 1)
    return vmf_arguments_wrong(error, "standard input (\"-\") can be named once");
  if (named == 0 && source->size > 0)
    return vmf_arguments_wrong(error, "--source-size is of standard input (\"-\"), which is not "
                                      "named");
  return VMF_OK;
}

const char *vmf_sources_spool_folder(const struct vmf_source_input *input, char *buffer,
                                     size_t size)
{
  const char *target = input ? input->target : NULL;
  const char *slash = target ? strrchr(target, '/') : NULL;
  size_t length = slash ? (size_t)(slash - target) : 0;

  if (input && input->folder)
    return input->folder;
  if (!target || strcmp(target, "-") == 0 || vmf_names_is_url(target) ||
      strncmp(target, "/dev/", 5) == 0 || length >= size)
    return NULL;
  snprintf(buffer, size, "%.*s", (int)length, target);
  return slash == target ? "/" : slash ? buffer : ".";
}

const char *vmf_sources_language(const struct vmf_source_settings *source)
{
  static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  const char *locale = source->language, *list = getenv("LANGUAGE");

  for (size_t i = 0; i < sizeof names / sizeof *names && !(locale && *locale); i++)
    locale = getenv(names[i]);
  bool none = !locale || !*locale || strcmp(locale, "POSIX") == 0 ||
              (locale[0] == 'C' && (locale[1] == '\0' || locale[1] == '.'));
  if (source->language)
    return source->language;
  return none ? "" : list && *list ? list : locale; /* as gettext: without a locale no list */
}

struct vmf_image_options vmf_sources_image_options(const struct vmf_command *command,
                                                   const struct vmf_source_settings *source)
{
  return (struct vmf_image_options){
      .size = sizeof(struct vmf_image_options),
      .format = source->format,
      .snapshot = source->snapshot,
      .bitmap = source->bitmap,
      .allow_refs = source->allow_refs,
      .storages = source->storages,
      .no_refs = source->no_refs || command->untrusted,
      .ignore_locks = source->ignore_locks,
      .read_all = source->read_all,
      .no_cache = command->no_cache,
      .log = &command->log,
      .bare = source->bare,
      .no_replay = source->no_replay,
      .unknown_is_raw = source->unknown_is_raw,
      .salvage = source->salvage,
      .trust = &source->trust,
      .threads = (unsigned)command->threads,
      .crew = command->crew,
      .cancel = vmf_signals_cancel(),
      .max_bytes = command->max_size,
      .strict = command->untrusted,
      .secrets = command->secrets,
      .secret_count = command->secret_count,
      .locked = command->locked,
  };
}

struct vmf_package_options vmf_sources_package_options(const struct vmf_command *command,
                                                       const struct vmf_source_settings *source)
{
  return (struct vmf_package_options){
      .size = sizeof(struct vmf_package_options),
      .allow_refs = source->allow_refs,
      .no_refs = source->no_refs || command->untrusted,
      .ignore_locks = source->ignore_locks,
      .read_all = source->read_all,
      .no_cache = command->no_cache,
      .log = &command->log,
      .cancel = vmf_signals_cancel(),
      .max_bytes = command->max_size,
      .no_replay = source->no_replay,
      .strict = command->untrusted,
      .secrets = command->secrets,
      .secret_count = command->secret_count,
  };
}

struct vmf_progress vmf_sources_progress(const struct vmf_command *command, const char *path)
{
  bool input = path[0] == '-' && (path[1] == '\0' || path[1] == ':');
  struct vmf_progress progress = vmf_progress_begin(command, path, input ? "reading" : "unpacking");

  progress.ahead = true;
  return progress;
}

enum vmf_code vmf_sources_open_package(const struct vmf_command *command,
                                       const struct vmf_package_options *options,
                                       struct vmf_package **package, struct vmf_error *error)
{
  const char *path = command->operands[0];
  struct vmf_progress progress = vmf_sources_progress(command, path);
  struct vmf_package_options own = *options;

  own.progress = vmf_progress_show;
  own.progress_data = &progress;
  enum vmf_code code = vmf_package_open(path, &own, package, error);
  vmf_progress_end(&progress, false);
  return code;
}

enum vmf_code vmf_sources_open(const struct vmf_command *command,
                               const struct vmf_source_settings *source, const char *path,
                               const struct vmf_source_input *input, struct vmf_image **image,
                               struct vmf_error *error)
{
  struct vmf_image_options options = vmf_sources_image_options(command, source);
  char folder[PATH_MAX];

  options.source_size = source->size;
  options.random_access = !input || !input->in_order;
  options.in_order = input && input->in_order;
  options.any_order = input && input->any_order;
  options.assumed = input ? input->assumed : NULL;
  options.spool_folder = vmf_sources_spool_folder(input, folder, sizeof folder);
  struct vmf_progress progress = vmf_sources_progress(command, path);
  options.progress = vmf_progress_show;
  options.progress_data = &progress;
  enum vmf_code code = vmf_disk_open(path, &options, image, error);
  vmf_progress_end(&progress, false);
  return code;
}

/* The target may have been forgotten: then a disk of its own would vanish in another one. */
static enum vmf_code check_continuation(const struct vmf_command *command, int index,
                                        struct vmf_image *part, struct vmf_error *error)
{
  bool partitioned = false;
  enum vmf_code code = VMF_OK;

  if (index > 0)
    code = vmf_image_partitioned(part, &partitioned, error);
  if (code != VMF_OK || !partitioned)
    return code;
  return vmf_arguments_wrong(error,
                             "%s: has a partition table, so it is a disk of its own and not the "
                             "continuation of %s; each disk is converted by a command of its own, "
                             "and --join joins them all the same",
                             command->operands[index], command->operands[index - 1]);
}

/* The first `count` operands are parts of one file; each is looked at as a disk before. */
static enum vmf_code open_parts(const struct vmf_command *command,
                                const struct vmf_source_settings *source, int count,
                                struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_image_options options = vmf_sources_image_options(command, source);
  struct vmf_source_settings raw = *source;
  enum vmf_code code = VMF_OK;

  raw.format = "raw";
  for (int i = 1; i < count && code == VMF_OK; i++) {
    struct vmf_image *part = NULL;
    code = vmf_sources_open(command, &raw, command->operands[i], NULL, &part, error);
    if (code == VMF_OK && !source->join)
      code = check_continuation(command, i, part, error);
    vmf_image_close(part);
  }
  if (code != VMF_OK)
    return code;
  return vmf_parts_open(command->operands, (size_t)count, &options, image, error);
}

enum vmf_code vmf_sources_join(const struct vmf_command *command,
                               const struct vmf_source_settings *source, int count,
                               const struct vmf_source_input *input, struct vmf_image **image,
                               struct vmf_error *error)
{
  struct vmf_image **parts;
  enum vmf_code code = VMF_OK;
  int opened = 0;

  if (count == 1)
    return vmf_sources_open(command, source, command->operands[0], input, image, error);
  if (source->snapshot)
    return vmf_arguments_wrong(error, "-l cannot be used with several sources");
  if (vmf_parts_named(command->operands, (size_t)count))
    return open_parts(command, source, count, image, error);
  parts = calloc((size_t)count, sizeof *parts);
  if (!parts)
    return vmf_arguments_no_memory(error);
  while (code == VMF_OK && opened < count) {
    code =
        vmf_sources_open(command, source, command->operands[opened], NULL, &parts[opened], error);
    opened += code == VMF_OK;
    if (code == VMF_OK && !source->join)
      code = check_continuation(command, opened - 1, parts[opened - 1], error);
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
static enum vmf_code backing_options(struct vmf_command *command,
                                     struct vmf_target_settings *target, char *taken[2],
                                     struct vmf_error *error)
{
  enum vmf_code code = vmf_secrets_target(command, target->options, error);

  if (code == VMF_OK)
    code = vmf_arguments_take_option(target->options, "backing_file", &taken[0], error);
  if (code == VMF_OK)
    code = vmf_arguments_take_option(target->options, "backing_fmt", &taken[1], error);
  if (!target->backing)
    target->backing = taken[0];
  if (!target->backing_format)
    target->backing_format = taken[1];
  return code == VMF_OK ? vmf_names_resolve(command, &target->backing, false, error) : code;
}

enum vmf_code vmf_sources_backing(struct vmf_command *command,
                                  const struct vmf_source_settings *source,
                                  struct vmf_target_settings *target, const char *path,
                                  char *taken[2], struct vmf_image **backing,
                                  struct vmf_error *error)
{
  struct vmf_source_settings below = *source;
  char *backing_file;
  enum vmf_code code = backing_options(command, target, taken, error);

  if (code != VMF_OK)
    return code;
  if (!target->backing && target->backing_format)
    return vmf_arguments_wrong(error, "-F names the format of a backing file, but there is none");
  if (!target->backing)
    return VMF_OK;
  if (!target->backing_format)
    return vmf_arguments_wrong(error, "backing file \"%s\": its format must be given with -F",
                               target->backing);
  if (strcmp(target->backing, "-") == 0)
    return vmf_arguments_wrong(error, "-B: an overlay needs a file below it, not standard input");
  code = backing_path(path, target->backing, &backing_file, error);
  if (code != VMF_OK)
    return code;
  below.format = target->backing_format;
  below.snapshot = below.bitmap = NULL;
  below.trust = (struct vmf_package_trust){.size = sizeof below.trust}; /* of the sources */
  code = vmf_sources_open(command, &below, backing_file, NULL, backing, error);
  free(backing_file);
  return code;
}
