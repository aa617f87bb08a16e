/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is asked for: the format, the form of the disks, and where it all goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "caller.h"
#include "container.h"
#include "conversion.h"
#include "machine_move.h"
#include "memory.h"
#include "path.h"
#include "text.h"
#include "url.h"

enum { NAME_MOST = 200 /* bytes: a suffix and a number fit behind it */ };

static bool is_package(const char *name)
{
  return vmf_text_equal_nocase(name, "ovf") || vmf_text_equal_nocase(name, "ova");
}

static const char *const *written_suffixes(const struct vmf_machine_format *format)
{
  return format->write_suffixes ? format->write_suffixes : format->suffixes;
}

static bool is_written_as(const struct vmf_machine_format *format, const char *path)
{
  const char *dot = strrchr(vmf_path_name(path), '.');

  for (const char *const *suffix = written_suffixes(format); dot && *suffix; suffix++)
    if (vmf_text_equal_nocase(dot + 1, *suffix))
      return true;
  return false;
}

/* The format that the suffix of `path` says: that of a container, or of a text with its disks
 * beside it. */
static const struct vmf_machine_format *format_of_suffix(const char *path)
{
  const struct vmf_format *suffixed = vmf_format_suffixed(path);

  for (size_t i = 0; suffixed && vmf_machine_formats[i]; i++)
    if (vmf_machine_formats[i]->container &&
        strcmp(vmf_machine_formats[i]->container, suffixed->name) == 0)
      return vmf_machine_formats[i];
  for (size_t i = 0; vmf_machine_formats[i]; i++)
    if (vmf_machine_formats[i]->disk_form && is_written_as(vmf_machine_formats[i], path))
      return vmf_machine_formats[i];
  return NULL;
}

static bool is_in_container(const struct vmf_machine_format *format, const char *container)
{
  return format->container && vmf_text_equal_nocase(format->container, container);
}

/* The format of that name, or the one whose machines are in files of that format. */
static enum vmf_code find_asked(const char *asked, const struct vmf_machine_format **format,
                                struct vmf_error *error)
{
  char names[200] = "ovf";
  size_t used = strlen(names);

  *format = vmf_machine_format_find(asked);
  for (size_t i = 0; !*format && vmf_machine_formats[i]; i++)
    if (is_in_container(vmf_machine_formats[i], asked))
      *format = vmf_machine_formats[i];
  if (*format)
    return VMF_OK;
  for (size_t i = 0; vmf_machine_formats[i] && used < sizeof names; i++)
    if (vmf_machine_formats[i]->write)
      used +=
          (size_t)snprintf(names + used, sizeof names - used, ", %s", vmf_machine_formats[i]->name);
  return vmf_fail(error, VMF_USAGE, "there is no machine format \"%s\"; written are %s", asked,
                  names);
}

static enum vmf_code choose_format(struct vmf_machine_move *move, const char *path,
                                   struct vmf_error *error)
{
  const char *asked = move->to->format, *dot = strrchr(vmf_path_name(path), '.');

  if (asked ? is_package(asked) : dot && is_package(dot + 1))
    return VMF_OK;
  if (asked)
    VMF_TRY(find_asked(asked, &move->format, error));
  else
    move->format = format_of_suffix(path);
  if (!move->format && move->fit.platform.profile) {
    asked = vmf_machine_move_usual(&move->fit.platform);
    if (asked && is_package(asked))
      return VMF_OK;
    move->format = asked ? vmf_machine_format_find(asked) : NULL;
  }
  if (!move->format)
    return vmf_fail(error, VMF_USAGE,
                    "%s: its name does not say in which format the machine is to be written; "
                    "--machine FORMAT does",
                    path);
  if (!move->format->write)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: machines in the format %s are only read", path,
                    move->format->name);
  return VMF_OK;
}

/* Whether one file is written that holds text and disks: it is called or asked for so, or is a
 * pipe. */
static bool is_contained(const struct vmf_machine_format *format, const char *asked,
                         const char *path)
{
  const struct vmf_format *suffixed = vmf_format_suffixed(path);

  if (!format || !format->container)
    return false;
  return strcmp(path, "-") == 0 || !format->disk_form ||
         (asked && is_in_container(format, asked)) ||
         (suffixed && strcmp(suffixed->name, format->container) == 0);
}

static enum vmf_code choose_container(struct vmf_machine_move *move, struct vmf_error *error)
{
  move->container = vmf_format_find(move->format->container);
  if (move->files->disk_format || move->files->disk_options)
    return vmf_fail(error, VMF_USAGE,
                    "in a file of the format %s all disks have the same form, without options",
                    move->format->container);
  if (!move->container || !move->container->container_writer)
    return vmf_fail(error, VMF_UNSUPPORTED, "format %s is not written here",
                    move->format->container);
  return VMF_OK;
}

static enum vmf_code choose_form(struct vmf_machine_move *move, const char *path,
                                 struct vmf_error *error)
{
  struct vmf_package_target target = *move->files;

  if (is_contained(move->format, move->to->format, path))
    return choose_container(move, error);
  if (move->format && move->format->disks_of_platform)
    return vmf_machine_move_platform_form(move, error);
  if (!target.disk_format)
    target.disk_format = move->format ? move->format->disk_form : "streamOptimized";
  return vmf_conversion_form(&target, !move->format, &move->form, &move->options, error);
}

bool vmf_machine_move_names_file(const char *path)
{
  const char *dot = strrchr(vmf_path_name(path), '.');

  return strcmp(path, "-") == 0 || format_of_suffix(path) || (dot && is_package(dot + 1));
}

bool vmf_machine_move_names_package(const char *path)
{
  const char *dot = strrchr(vmf_path_name(path), '.');

  return strcmp(path, "-") == 0 || vmf_destination_is_folder(path) || (dot && is_package(dot + 1));
}

enum vmf_code vmf_machine_move_target(struct vmf_machine_move *move, const char *path,
                                      struct vmf_error *error)
{
  move->read = move->machine;
  VMF_TRY(choose_format(move, path, error));
  VMF_TRY(vmf_machine_move_check_platform(move, error));
  return choose_form(move, path, error);
}

/* ---- where it goes ---- */

/* A pipe and a URL have none, and nothing that stands beside them. */
static enum vmf_code find_folder(struct vmf_machine_move *move, struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL;

  if (strcmp(move->destination.path, "-") == 0 || vmf_url_is(move->destination.path))
    return VMF_OK;
  VMF_TRY(vmf_path_copy_folder(move->destination.path, &folder, error));
  VMF_AUTO_FREE char *absolute = realpath(folder, NULL);
  if (!absolute)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the folder cannot be found", folder);
  return vmf_format(&move->folder, error, "%s%s", absolute,
                    vmf_text_ends_in(absolute, "/") ? "" : "/");
}

/* The text that is read is not written over. */
static enum vmf_code check_source(const struct vmf_machine_move *move, struct vmf_error *error)
{
  struct stat source, there;

  if (stat(move->destination.path, &there) == 0 && stat(move->machines->path, &source) == 0 &&
      there.st_dev == source.st_dev && there.st_ino == source.st_ino)
    return vmf_fail(error, VMF_USAGE, "%s: is the source itself", move->destination.path);
  return VMF_OK;
}

/* What the files are called after: the machine, or the file that it came from. */
enum vmf_code vmf_machine_move_called(const struct vmf_machine_move *move, char **name,
                                      struct vmf_error *error)
{
  const char *base = vmf_path_name(move->machines->path), *own = move->machine->name.text;
  VMF_AUTO_FREE char *stem = NULL;

  VMF_TRY(vmf_copy_bytes(base, vmf_name_stem(base), &stem, error));
  VMF_TRY(vmf_assembly_file_name(own && *own ? own : stem, name, error));
  (*name)[vmf_text_fit(*name, strlen(*name), NAME_MOST)] = 0;
  return VMF_OK;
}

/* A slip in the name costs no disk, and no other machine: one without a suffix says nothing. */
static enum vmf_code check_suffix(const char *path, const char *suffix, struct vmf_error *error)
{
  if (vmf_path_has_suffix(path, suffix) ||
      (!vmf_format_by_suffix(path) && !vmf_suffix_meaning(path)))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: the suffix is that of something else; such a machine is called *%s", path,
                  suffix);
}

/* One file for all of it; in a folder it gets a name. */
static enum vmf_code find_file(struct vmf_machine_move *move, const char *path, const char *name,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *suffix = NULL;

  VMF_TRY(vmf_format(&suffix, error, ".%s", move->format ? move->format->container : "ova"));
  if (!vmf_destination_is_folder(path)) {
    VMF_TRY(check_suffix(path, suffix, error));
    return vmf_destination_alone(path, &move->destination, error);
  }
  return vmf_destination_inside(path, name, suffix, !move->format, &move->destination, error);
}

static enum vmf_code find_destination(struct vmf_machine_move *move, const char *path,
                                      struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *suffix = NULL;
  const char *asked = move->to->format;

  VMF_TRY(vmf_machine_move_called(move, &name, error));
  if (!move->format && asked && vmf_text_equal_nocase(asked, "ova") &&
      vmf_destination_is_folder(path))
    return find_file(move, path, name, error);
  if (!move->format)
    return vmf_destination_find(path, name, &move->destination, error);
  move->assembly.alone = true;
  move->assembly.format = move->format->name;
  if (move->container)
    return find_file(move, path, name, error);
  VMF_TRY(vmf_format(&suffix, error, ".%s",
                     *written_suffixes(move->format) ? *written_suffixes(move->format)
                                                     : move->format->name));
  return vmf_destination_beside(path, name, suffix, &move->destination, error);
}

enum vmf_code vmf_machine_move_place(struct vmf_machine_move *move, const char *path,
                                     struct vmf_error *error)
{
  VMF_TRY(find_destination(move, path, error));
  VMF_TRY(check_source(move, error));
  return find_folder(move, error);
}
