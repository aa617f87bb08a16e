/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * From a machine in one format to one in another. Everything is opened, and the loss report is
 * known, before the first byte is written. */
#include <limits.h>
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
#include "value.h"

/* ---- the target ---- */

static bool is_package(const char *name)
{
  return vmf_text_equal_nocase(name, "ovf") || vmf_text_equal_nocase(name, "ova");
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
    if (vmf_machine_formats[i]->disk_form &&
        vmf_machine_format_has_suffix(vmf_machine_formats[i], path))
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
  if (!target.disk_format)
    target.disk_format = move->format ? move->format->disk_form : "streamOptimized";
  return vmf_conversion_form(&target, &move->form, &move->options, error);
}

static enum vmf_code find_folder(struct vmf_machine_move *move, struct vmf_error *error)
{
  VMF_AUTO_FREE char *folder = NULL;

  if (strcmp(move->destination.path, "-") == 0)
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
static enum vmf_code find_destination(struct vmf_machine_move *move, const char *path,
                                      struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *suffix = NULL, *stem = NULL;
  const char *base = vmf_path_name(move->machines->path);

  VMF_TRY(vmf_copy_bytes(base, vmf_name_stem(base), &stem, error));
  VMF_TRY(vmf_assembly_file_name(
      move->machine->name.text && *move->machine->name.text ? move->machine->name.text : stem,
      &name, error));
  if (!move->format)
    return vmf_destination_find(path, name, &move->destination, error);
  move->assembly.alone = true;
  if (move->container)
    return vmf_destination_alone(path, &move->destination, error);
  VMF_TRY(vmf_format(&suffix, error, ".%s",
                     move->format->suffixes[0] ? move->format->suffixes[0] : move->format->name));
  return vmf_destination_beside(path, name, suffix, &move->destination, error);
}

/* ---- the conversion ---- */

/* A vmf_assembly.describe. */
static enum vmf_code describe(void *data, enum vmf_describe how, char **text, size_t *length,
                              struct vmf_error *error)
{
  const struct vmf_machine_move *move = data;

  if (!move->format)
    return vmf_machine_move_compose(move, how, NULL, text, length, error);
  *length = move->text_length;
  return vmf_copy_bytes(move->text, move->text_length, text, error);
}

static enum vmf_code give_losses(const struct vmf_machine_move *move, struct vmf_error *error)
{
  struct vmf_value *tree;

  if (!move->to->losses)
    return VMF_OK;
  VMF_TRY(vmf_value_new(&tree, error));
  *move->to->losses = tree;
  VMF_TRY(vmf_value_text(tree, "source", move->machines->path, error));
  VMF_TRY(vmf_value_text(tree, "source-format", vmf_machines_format(move->machines), error));
  VMF_TRY(vmf_value_text(tree, "target", move->destination.path, error));
  VMF_TRY(vmf_value_text(tree, "target-format", move->format ? move->format->name : "ovf", error));
  return vmf_loss_value(&move->losses, tree, error);
}

static enum vmf_code check_losses(const struct vmf_machine_move *move, struct vmf_error *error)
{
  const struct vmf_field_loss *loss = vmf_loss_of_weight(&move->losses, VMF_LOSS_BOOT);

  if (!move->to->strict || !loss)
    return VMF_OK;
  return vmf_fail(
      error, VMF_REFUSED,
      "%s: nothing is written, since with --strict nothing may be lost that the machine "
      "needs: %s [%s]%s%s",
      move->destination.path, loss->field, loss->code ? loss->code : "", loss->why ? ": " : "",
      loss->why ? loss->why : "");
}

static enum vmf_code write_files(struct vmf_machine_move *move, struct vmf_error *error)
{
  move->assembly.describe = describe;
  move->assembly.data = move;
  move->assembly.container = move->container;
  if (move->container) {
    move->assembly.machine = move->format->name;
    move->assembly.text_name = move->format->text_name;
  }
  return vmf_assemble(&move->destination, &move->assembly, move->files, error);
}

static enum vmf_code convert(struct vmf_machine_move *move, const char *path,
                             struct vmf_error *error)
{
  struct vmf_report report = {.finding = move->files->findings.finding,
                              .data = move->files->findings.data};

  VMF_TRY(choose_format(move, path, error));
  VMF_TRY(choose_form(move, path, error));
  VMF_TRY(vmf_machine_move_open(move, error));
  VMF_TRY(find_destination(move, path, error));
  VMF_TRY(check_source(move, error));
  VMF_TRY(find_folder(move, error));
  VMF_TRY(vmf_machine_move_name(move, &report, error));
  VMF_TRY(vmf_machine_move_describe(move, error));
  VMF_TRY(give_losses(move, error));
  VMF_TRY(check_losses(move, error));
  return move->to->dry_run ? VMF_OK : write_files(move, error);
}

void vmf_machine_move_clear(struct vmf_machine_move *move, bool keep_folder)
{
  for (size_t i = 0; move->images && i < move->machine->disk_count; i++)
    vmf_image_close(move->images[i]);
  for (size_t i = 0; i < move->assembly.count; i++)
    vmf_free(move->assembly.files[i].name);
  vmf_free(move->assembly.files);
  vmf_free(move->images);
  vmf_free(move->file_of);
  vmf_free(move->disks);
  vmf_free(move->options);
  vmf_free(move->folder);
  vmf_free(move->text);
  vmf_loss_clear(&move->losses);
  vmf_destination_clear(&move->destination, keep_folder);
}

enum vmf_code vmf_machines_convert(struct vmf_machines *machines, const char *path,
                                   const struct vmf_machine_target_options *options,
                                   struct vmf_error *error)
{
  struct vmf_machine_target_options own;
  struct vmf_package_target files;
  VMF_AUTO_FREE char *plain = NULL;
  size_t index;

  VMF_REQUIRE(machines, error);
  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_machine_target_options(options, &own, error));
  if (own.losses)
    *own.losses = NULL;
  VMF_TRY(vmf_take_package_target(own.files, &files, error));
  VMF_TRY(vmf_location_resolve(path, false, &plain, error));
  VMF_TRY(vmf_machines_choose(machines, own.system, &index, error));
  struct vmf_machine_move move = {
      .machines = machines, .machine = machines->list[index], .to = &own, .files = &files};
  enum vmf_code code = vmf_machine_move_networks(machines->list[index], &move, error);
  if (code == VMF_OK)
    code = convert(&move, plain, error);
  vmf_machine_move_clear(&move, code == VMF_OK && !own.dry_run);
  return code;
}
