/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry create`: an empty disk, or an overlay that holds nothing yet. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "common_arguments.h"
#include "human.h"
#include "names.h"
#include "sources.h"
#include "status.h"
#include "transfer.h"

struct create_settings {
  struct vmf_command command;
  struct vmf_source_settings source; /* the backing file */
  struct vmf_target_settings target;
};

#define VMF_SETTINGS struct create_settings

static const struct create_settings create_initial = {.command.locked = true,
                                                      .source = VMF_SOURCE_CHECKED};

static const struct vmf_argument create_arguments[] = {
    VMF_GROUP_WRITING,
    {.letter = 'f',
     .name = "format",
     VMF_SETS_TEXT(target.format),
     .value = "FORMAT",
     .help = "format of the new image (default: by its suffix, then raw)"},
    VMF_ARGUMENT_OPTIONS,
    VMF_ARGUMENT_TARGET_SECRET,
    {.letter = 'b',
     .name = "backing",
     VMF_SETS_TEXT(target.backing),
     .value = "BACKING",
     .help = "make an overlay on BACKING"},
    {.letter = 'B', VMF_SETS_TEXT(target.backing), .value = "BACKING", .help = "the same as -b"},
    {.letter = 'F',
     .name = "backing-format",
     VMF_SETS_TEXT(target.backing_format),
     .value = "FORMAT",
     .help = "format of the backing file (needed with -b)"},
    {.name = "no-clobber",
     VMF_SETS_FLAG(target.no_clobber),
     .help = "refuse to replace an existing file"},
    {.name = "no-sync",
     VMF_SETS_FLAG(target.no_sync),
     .help = "do not wait until the image is on stable storage"},
    VMF_GROUP_READING,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_QUIET,
    VMF_GROUP_QEMU,
    {.letter = 'u',
     .name = "backing-unsafe",
     .kind = VMF_ARGUMENT_REFUSED,
     .help = "a backing file is always opened"},
    VMF_ARGUMENT_OBJECT,
    {0},
};

/* The second operand, "-o size=", or the size of the backing file. */
static enum vmf_code create_size(struct create_settings *settings, const struct vmf_image *backing,
                                 uint64_t *size, struct vmf_error *error)
{
  char *option;
  enum vmf_code code = vmf_arguments_take_option(settings->target.options, "size", &option, error);

  if (code != VMF_OK)
    return code;
  if (settings->command.operand_count == 2 && option)
    code = vmf_arguments_wrong(error, "create: the size is told twice, as SIZE and as -o size=");
  else if (settings->command.operand_count == 2)
    code = vmf_arguments_size(settings->command.operands[1], "SIZE", size, error);
  else if (option)
    code = vmf_arguments_size(option, "size", size, error);
  else if (backing)
    *size = vmf_image_size(backing);
  else
    code = vmf_arguments_wrong(error, "create: the size is missing: vmferry create [OPTIONS] %s",
                               vmf_verb_create.operands);
  free(option);
  return code;
}

/* As qemu-img does, but for the options that were not given. */
static void create_tell(const struct create_settings *settings, const char *format, uint64_t size)
{
  const struct vmf_target_settings *target = &settings->target;

  if (settings->command.quiet || strcmp(settings->command.operands[0], "-") == 0)
    return;
  fputs("Formatting '", stdout);
  vmf_human_text(stdout, settings->command.operands[0]);
  printf("', fmt=%s", format);
  for (const char *option = target->options; option && *option;) {
    size_t length = vmf_arguments_option_length(option);

    printf(" %.*s", (int)length, option);
    option += length + (option[length] == ',');
  }
  printf(" size=%" PRIu64, size);
  if (target->backing) {
    fputs(" backing_file=", stdout);
    vmf_human_text(stdout, target->backing);
    printf(" backing_fmt=%s", target->backing_format);
  }
  putchar('\n');
}

static enum vmf_code create_with(struct create_settings *settings, struct vmf_error *error)
{
  static const struct vmf_transfer_settings plain = {.sparse_size = VMF_SPARSE_SIZE};
  const char *format = NULL;
  const char *path = settings->command.operands[0];
  struct vmf_image *backing = NULL;
  char *taken[2] = {NULL, NULL};
  uint64_t size = 0;
  enum vmf_code code = vmf_sources_backing(&settings->command, &settings->source, &settings->target,
                                           path, taken, &backing, error);

  if (code == VMF_OK)
    code = vmf_names_packed(&settings->target, path, error);
  if (code == VMF_OK)
    code = vmf_names_target_format(settings->target.format, path, "-f", &format, error);
  if (code == VMF_OK)
    code = create_size(settings, backing, &size, error);
  if (code == VMF_OK) {
    const struct vmf_transfer transfer = {
        .command = &settings->command,
        .target = &settings->target,
        .settings = &plain,
        .path = path,
        .format = format,
        .guest_size = size,
        .backing = backing,
    };

    code = vmf_transfer_run(&transfer, error);
  }
  if (code == VMF_OK)
    create_tell(settings, format, size);
  vmf_image_close(backing);
  free(taken[0]);
  free(taken[1]);
  return code;
}

static int create_run(void *given)
{
  struct create_settings *settings = given;
  struct vmf_error error = {0};

  if (vmf_arguments_want_option_help(settings->target.options))
    return vmf_names_option_help(&settings->command, settings->target.format, 0, "-f");
  if (vmf_names_operands(&settings->command, 0, 1, &error) != VMF_OK)
    return vmf_status_report(&error);
  if (create_with(settings, &error) != VMF_OK)
    return vmf_status_report(&error);
  return VMF_EXIT_DONE;
}

static const char *const create_examples[] = {
    "vmferry create disk.qcow2 20G",
    "vmferry create -o subformat=fixed disk.vhd 1G",
    "vmferry create -b base.qcow2 -F qcow2 overlay.qcow2",
    NULL,
};

const struct vmf_verb vmf_verb_create = {
    .name = "create",
    .purpose = VMF_PURPOSE_DISKS,
    .operands = "FILE [SIZE]",
    .summary = "make an empty disk, or an overlay",
    .examples = create_examples,
    .arguments = create_arguments,
    VMF_STARTS_WITH(create_initial),
    .min_operands = 1,
    .max_operands = 2,
    .written = VMF_WRITTEN_ONE,
    .usage_status = VMF_EXIT_OTHER,
    .run = create_run,
};
