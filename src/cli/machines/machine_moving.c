/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "machine_moving.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arguments.h"
#include "install_options.h"
#include "json.h"
#include "listener.h"
#include "loss_glance.h"
#include "names.h"
#include "report_file.h"
#include "signals.h"
#include "sources.h"

/* Whether the path has a suffix of a machine format, or of a file that holds such machines. */
static bool is_machine_name(const char *path)
{
  const char *disk_format = vmf_format_by_suffix(path);
  const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
  struct vmf_machine_format_info format = {.size = sizeof format};

  for (size_t i = 0; dot && vmf_machine_format_describe(i, &format); i++) {
    if (format.container && disk_format && strcmp(format.container, disk_format) == 0)
      return true;
    for (const char *const *suffix = format.suffixes; *suffix; suffix++)
      if (strcasecmp(*suffix, dot + 1) == 0)
        return true;
  }
  return false;
}

/* "-O ova": the format of the machine, and none of its disks. */
static bool is_package_name(const char *name)
{
  return name && (strcasecmp(name, "ova") == 0 || strcasecmp(name, "ovf") == 0);
}

bool vmf_moving_is_named(const char *format, const struct vmf_move_settings *settings)
{
  return settings->format || is_package_name(format);
}

/* "-f vmx", of a file whatever it is called; on standard input also the format of the file. */
static bool is_machine_format(const char *name, bool input)
{
  struct vmf_machine_format_info format = {.size = sizeof format};

  for (size_t i = 0; name && vmf_machine_format_describe(i, &format); i++)
    if (strcasecmp(format.name, name) == 0 ||
        (input && format.container && strcasecmp(format.container, name) == 0))
      return true;
  return input && is_package_name(name);
}

/* Whether what is read may be a machine: on standard input it is one where one is wanted. */
static bool is_source(const char *path)
{
  return vmf_sources_is_input(path) || vmf_machines_recognise(path);
}

/* What a package that stays one is asked for as a machine. */
static bool asks_for_more(const struct vmf_move_settings *settings)
{
  return settings->system || settings->losses || settings->networks || settings->without_disks ||
         settings->copy || settings->strict || vmf_install_is_asked(&settings->install);
}

/* --for: a machine goes into what its platform takes; in a folder that need not be said. */
static bool is_of_platform(const struct vmf_packaging *packaging, const char *platform)
{
  const char *source = packaging->command->operands[0], *target = packaging->command->operands[1];
  struct vmf_profile_info profile = {.size = sizeof profile};
  struct vmf_error error = {0};

  return !packaging->source->format && vmf_packaging_is_target(target) &&
         vmf_profile_find(platform, &profile, &error) == VMF_OK &&
         (vmf_machines_recognise(source) || vmf_package_recognise(source));
}

bool vmf_moving_is_wanted(const struct vmf_packaging *packaging,
                          const struct vmf_move_settings *settings)
{
  const char *source = packaging->command->operands[0], *target = packaging->command->operands[1];
  const char *asked = packaging->target->format, *named = packaging->source->format;

  if (settings->platform && is_of_platform(packaging, settings->platform))
    return true;
  if (named)
    return is_machine_format(named, vmf_sources_is_input(source)) &&
           (settings->format || is_machine_name(target) || vmf_packaging_is_target(target) ||
            is_package_name(asked));
  if (!settings->format && asked && !is_package_name(asked) && !vmf_machines_recognise(source))
    return false; /* "-O raw": the only disk of a package, under whatever name */
  if (settings->format || is_machine_name(target))
    return is_source(source) || vmf_package_recognise(source);
  return (vmf_packaging_is_target(target) || is_package_name(asked)) &&
         (is_source(source) || (asks_for_more(settings) && vmf_package_recognise(source)));
}

static const char loss_mark[] = "{\n    \"source\": *    \"source-format\": ";

/* A slip in the name costs no disk: neither the source's, nor the target's, nor another. */
static enum vmf_code check_losses(const char *path, const char *target, struct vmf_error *error)
{
  if (!path)
    return VMF_OK;
  if (strcmp(path, "-") == 0 && strcmp(target, "-") == 0)
    return vmf_arguments_wrong(error, "the machine and --losses cannot both go to standard output");
  if (vmf_names_same(path, target))
    return vmf_arguments_wrong(error, "%s: is the target, too; --losses takes another name", path);
  if (strcmp(path, "-") != 0 && !vmf_names_free_for(path, loss_mark))
    return vmf_arguments_wrong(error,
                               "%s: is there already, and is no loss report: --losses does not "
                               "replace it; choose another name",
                               path);
  return VMF_OK;
}

static void write_losses(FILE *out, const void *losses)
{
  vmf_json_value(out, losses, 0);
  fputc('\n', out);
}

/* Also of a conversion that was refused because of them. */
static enum vmf_code tell_losses(const struct vmf_packaging *packaging,
                                 const struct vmf_move_settings *settings,
                                 const struct vmf_value *losses, struct vmf_error *error)
{
  if (!losses)
    return VMF_OK;
  const struct vmf_listener *listener = packaging->command->listener;
  if (listener)
    listener->losses(listener->data, losses);
  else if (!packaging->command->quiet)
    vmf_loss_glance(losses, settings->losses != NULL);
  if (!settings->losses)
    return VMF_OK;
  enum vmf_code code = check_losses(settings->losses, packaging->command->operands[1], error);
  return code == VMF_OK
             ? vmf_report_file(settings->losses, "loss report", write_losses, losses, error)
             : code;
}

/* Standard input is stored beside the target, which may be a folder: in `folder`, which lives as
 * long as the machines. */
static enum vmf_code open_source(const struct vmf_packaging *packaging,
                                 const struct vmf_install_options *install, char folder[PATH_MAX],
                                 struct vmf_machines **machines, struct vmf_error *error)
{
  const struct vmf_command *command = packaging->command;
  struct vmf_image_options options = vmf_sources_image_options(command, packaging->source);
  char target[PATH_MAX];
  const struct vmf_source_input input = {.folder = packaging->target->spool, .target = target};
  int length = snprintf(target, sizeof target, "%s", command->operands[1]);

  while (length > 1 && length < (int)sizeof target && target[length - 1] == '/')
    target[--length] = '\0';
  options.source_size = packaging->source->size;
  options.install = install;
  options.language = vmf_sources_language(packaging->source);
  options.spool_folder = vmf_sources_spool_folder(&input, folder, PATH_MAX);
  struct vmf_progress progress = vmf_sources_progress(command, command->operands[0]);
  options.progress = vmf_progress_show;
  options.progress_data = &progress;
  enum vmf_code code = vmf_machines_open(command->operands[0], &options, machines, error);
  vmf_progress_end(&progress, false);
  return code;
}

static enum vmf_code move(const struct vmf_packaging *packaging,
                          const struct vmf_move_settings *settings,
                          const struct vmf_install_options *install, struct vmf_error *error)
{
  const struct vmf_command *command = packaging->command;
  const char *path = command->operands[1], *asked = packaging->target->format;
  struct vmf_progress progress = vmf_progress_begin(command, path, "copying");
  struct vmf_package_result result = {.size = sizeof result};
  struct vmf_package_target files;
  struct vmf_machines *machines = NULL;
  struct vmf_value *losses = NULL;
  struct vmf_error late = {0};

  progress.behind = "syncing";
  enum vmf_code code = vmf_packaging_target(packaging, &progress, &files, error);
  files.disk_format = packaging->target->disk_format ? packaging->target->disk_format
                      : is_package_name(asked)       ? NULL
                                                     : asked;
  files.result = &result;
  const struct vmf_machine_target_options target = {.size = sizeof target,
                                                    .format = settings->format ? settings->format
                                                              : is_package_name(asked) ? asked
                                                                                       : NULL,
                                                    .system = settings->system,
                                                    .copy = settings->copy,
                                                    .networks = settings->networks,
                                                    .without_disks = settings->without_disks,
                                                    .strict = settings->strict,
                                                    .dry_run = packaging->target->dry_run,
                                                    .platform = settings->platform,
                                                    .drivers = settings->drivers,
                                                    .files = &files,
                                                    .losses = &losses};
  char folder[PATH_MAX];
  if (code == VMF_OK)
    code = open_source(packaging, install, folder, &machines, error);
  if (code == VMF_OK) {
    code = vmf_machines_convert(machines, path, &target, error);
    vmf_progress_end(&progress, code == VMF_OK);
  }
  vmf_machines_close(machines);
  if (tell_losses(packaging, settings, losses, code == VMF_OK ? error : &late) != VMF_OK &&
      code == VMF_OK)
    code = error->code;
  vmf_value_free(losses);
  if (code == VMF_OK)
    vmf_packaging_tell(packaging, path, &progress, &result);
  return code;
}

/* What else is told there would make it no JSON. */
static enum vmf_code check_output(const struct vmf_packaging *packaging, const char *losses,
                                  struct vmf_error *error)
{
  bool json = packaging->command->json;

  if (!losses || strcmp(losses, "-") != 0 || (!json && !packaging->target->dry_run))
    return VMF_OK;
  return vmf_arguments_wrong(error,
                             "--losses and %s cannot both go to standard output; name a file for "
                             "the report",
                             json ? "--output=json" : "--dry-run");
}

enum vmf_code vmf_moving_run(const struct vmf_packaging *packaging,
                             const struct vmf_move_settings *settings, struct vmf_error *error)
{
  struct vmf_parsed_install install = {0};
  enum vmf_code code = vmf_packaging_check(packaging->signing, error);

  if (code == VMF_OK)
    code = vmf_sources_check_input(packaging->command, packaging->source, 1, error);
  if (code == VMF_OK)
    code = check_losses(settings->losses, packaging->command->operands[1], error);
  if (code == VMF_OK)
    code = check_output(packaging, settings->losses, error);
  if (code == VMF_OK && packaging->command->target_secret_file)
    code = vmf_arguments_wrong(error, "--target-secret-file: disks of a machine are not encrypted; "
                                      "a disk that is converted alone can be");
  if (code == VMF_OK)
    code = vmf_install_options_parse(&settings->install, &install, error);
  vmf_signals_catch();
  if (code == VMF_OK)
    code = move(packaging, settings, &install.options, error);
  vmf_install_options_free(&install);
  return code;
}
