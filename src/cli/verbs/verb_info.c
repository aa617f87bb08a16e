/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry info`: prints the library's tree of named values, as JSON or for people. */
#include <stdio.h>

#include "common_arguments.h"
#include "each.h"
#include "image_glance.h"
#include "json.h"
#include "machine_glance.h"
#include "package_glance.h"
#include "sources.h"
#include "status.h"

struct info_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  bool backing_chain;
};

#define VMF_SETTINGS struct info_settings

static const struct info_settings info_initial = {.command.locked = true,
                                                  .source = VMF_SOURCE_UNCHECKED};

static const struct vmf_argument info_arguments[] = {
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_STORAGE,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_LANGUAGE,
    {.name = "backing-chain",
     VMF_SETS_FLAG(backing_chain),
     .help = "show the images below it, too"},
    VMF_GROUP_QEMU,
    VMF_ARGUMENT_IMAGE_OPTS,
    VMF_ARGUMENT_OBJECT,
    {0},
};

static void info_show_package(struct info_settings *settings, const struct vmf_value *info)
{
  if (settings->command.json) {
    vmf_each_item(&settings->command);
    vmf_json_value(stdout, info, 0);
    putchar('\n');
  } else {
    vmf_package_glance(info);
  }
}

static void info_chain(struct info_settings *settings, const struct vmf_value *found)
{
  bool list = settings->command.json && settings->backing_chain;

  if (settings->command.json)
    vmf_each_item(&settings->command);
  if (list)
    fputs("[\n    ", stdout);
  for (const struct vmf_value *info = found->first; info; info = info->next) {
    if (info != found->first)
      fputs(list ? ",\n    " : "\n", stdout);
    if (settings->command.json)
      vmf_json_value(stdout, info, list ? 1 : 0);
    else
      vmf_image_glance(info);
    if (!settings->backing_chain)
      break;
  }
  if (list)
    fputs("\n]", stdout);
  if (settings->command.json)
    putchar('\n');
}

/* *status, unless it is an archive that may hold a disk alone. */
static bool info_package(struct info_settings *settings, int *status)
{
  struct vmf_package_options options =
      vmf_sources_package_options(&settings->command, &settings->source);
  struct vmf_error error = {0};
  struct vmf_package *package;
  struct vmf_value *info = NULL;
  options.language = vmf_sources_language(&settings->source);
  enum vmf_code code = vmf_sources_open_package(&settings->command, &options, &package, &error);

  if (code == VMF_REFUSED)
    return false;
  if (code == VMF_OK)
    code = vmf_package_info(package, &info, &error);
  if (info)
    info_show_package(settings, info);
  vmf_value_free(info);
  vmf_package_close(package);
  *status = code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
  return true;
}

static int info_machines(struct info_settings *settings, const struct vmf_image_options *options)
{
  struct vmf_error error = {0};
  struct vmf_machines *machines;
  struct vmf_value *info = NULL;
  enum vmf_code code = vmf_machines_open(settings->command.operands[0], options, &machines, &error);

  if (code == VMF_OK)
    code = vmf_machines_info(machines, &info, &error);
  if (info && settings->command.json) {
    vmf_each_item(&settings->command);
    vmf_json_value(stdout, info, 0);
    putchar('\n');
  } else if (info) {
    vmf_machine_glance(info);
  }
  vmf_value_free(info);
  vmf_machines_close(machines);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static int info_one(void *given)
{
  struct info_settings *settings = given;
  struct vmf_image_options options =
      vmf_sources_image_options(&settings->command, &settings->source);
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;
  struct vmf_value *found = NULL;
  int status;

  vmf_each_head(&settings->command);
  if (!settings->source.format && vmf_package_recognise(settings->command.operands[0]) &&
      info_package(settings, &status))
    return status;
  if (!settings->source.format && vmf_machines_recognise(settings->command.operands[0]))
    return info_machines(settings, &options);
  options.no_chain = !settings->backing_chain;
  options.random_access = true;
  options.bare = true;
  options.list_disks = true;
  options.found = &found;
  options.language = vmf_sources_language(&settings->source);
  enum vmf_code code = vmf_disk_open(settings->command.operands[0], &options, &image, &error);

  if (found && found->kind == VMF_VALUE_OBJECT)
    info_show_package(settings, found);
  else if (found)
    info_chain(settings, found);
  vmf_value_free(found);
  vmf_image_close(image);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static int info_run(void *settings)
{
  return vmf_each_operand(settings, info_one, NULL);
}

static const char *const info_examples[] = {
    "vmferry info disk.vmdk",
    "vmferry info --backing-chain overlay.qcow2",
    "vmferry info --output=json appliance.ova",
    NULL,
};

const struct vmf_verb vmf_verb_info = {
    .name = "info",
    .purpose = VMF_PURPOSE_EXAMINE,
    .operands = "FILE...",
    .summary = "show what an image or a package is",
    .examples = info_examples,
    .arguments = info_arguments,
    VMF_STARTS_WITH(info_initial),
    .min_operands = 1,
    .max_operands = 1 << 16,
    .usage_status = VMF_EXIT_OTHER,
    .run = info_run,
};
