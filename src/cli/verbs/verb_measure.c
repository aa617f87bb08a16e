/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry measure`: how large a target will be. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "common_arguments.h"
#include "format_options.h"
#include "secrets.h"
#include "sources.h"
#include "status.h"

struct measure_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  struct vmf_target_settings target;
  uint64_t size; /* of an empty disk, without a source */
  bool size_given;
};

#define VMF_SETTINGS struct measure_settings

static const struct measure_settings measure_initial = {.command.locked = true,
                                                        .source = VMF_SOURCE_UNCHECKED};

static const struct vmf_argument measure_arguments[] = {
    VMF_GROUP_WRITING,
    {.letter = 'O',
     .name = "target-format",
     VMF_SETS_TEXT(target.format),
     .value = "FORMAT",
     .help = "format of the target (default: raw)"},
    VMF_ARGUMENT_OPTIONS,
    {.letter = 'c',
     .name = "compress",
     VMF_SETS_FLAG(target.compress),
     .help = "the target's data will be compressed"},
    VMF_GROUP_READING,
    {.name = "size",
     .letter = 's',
     VMF_SETS_SIZE(size),
     .value = "SIZE",
     .given = VMF_SETTING(bool, size_given),
     .help = "measure for an empty disk of this size, without a source"},
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_SNAPSHOT,
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_GROUP_QEMU,
    VMF_ARGUMENT_IMAGE_OPTS,
    VMF_ARGUMENT_OBJECT,
    {0},
};

/* How much an overlay will share with its backing file is not known: -o backing_file counts all. */
static enum vmf_code measure_overlay(struct measure_settings *settings, bool *overlay,
                                     struct vmf_error *error)
{
  char *file = NULL, *format = NULL;
  enum vmf_code code =
      vmf_arguments_take_option(settings->target.options, "backing_file", &file, error);

  if (code == VMF_OK)
    code = vmf_arguments_take_option(settings->target.options, "backing_fmt", &format, error);
  *overlay = file != NULL;
  free(file);
  free(format);
  return code;
}

/* `bitmaps` is told of a source and a target that can have them. */
static void measure_print(bool json, uint64_t required, uint64_t full, const uint64_t *bitmaps)
{
  if (json) {
    printf("{\n");
    if (bitmaps)
      printf("    \"bitmaps\": %" PRIu64 ",\n", *bitmaps);
    printf("    \"required\": %" PRIu64 ",\n    \"fully-allocated\": %" PRIu64 "\n}\n", required,
           full);
    return;
  }
  printf("required size: %" PRIu64 "\nfully allocated size: %" PRIu64 "\n", required, full);
  if (bitmaps)
    printf("bitmaps size: %" PRIu64 "\n", *bitmaps);
}

static enum vmf_code measure_with(struct measure_settings *settings, const char *format,
                                  struct vmf_error *error)
{
  struct vmf_image *source = NULL;
  uint64_t required = 0, full = 0, bitmaps = 0, size = settings->size;
  bool overlay, has_bitmaps = false;
  enum vmf_code code = vmf_secrets_target(&settings->command, settings->target.options, error);

  if (code == VMF_OK)
    code = measure_overlay(settings, &overlay, error);
  if (code != VMF_OK)
    return code;
  if (settings->size_given == (settings->command.operand_count == 1))
    return vmf_arguments_wrong(error, "measure: give either --size or a FILE");
  if (settings->size_given && (settings->source.format || settings->source.snapshot))
    return vmf_arguments_wrong(error, "measure: -f and -l are of a FILE, not of --size");
  if (!settings->size_given) {
    code = vmf_sources_open(&settings->command, &settings->source, settings->command.operands[0],
                            NULL, &source, error);
    size = code == VMF_OK ? vmf_image_size(source) : 0;
  }
  if (code == VMF_OK)
    code = vmf_measure(source, size, format, settings->target.options, settings->target.compress,
                       &required, &full, error);
  if (code == VMF_OK && source)
    code = vmf_measure_bitmaps(source, format, settings->target.options, &has_bitmaps, &bitmaps,
                               error);
  vmf_image_close(source);
  if (code != VMF_OK)
    return code;
  if (overlay && !settings->size_given)
    required = full;
  measure_print(settings->command.json, required, full, has_bitmaps ? &bitmaps : NULL);
  return VMF_OK;
}

static int measure_run(void *given)
{
  struct measure_settings *settings = given;
  struct vmf_error error = {0};
  const char *format = settings->target.format ? settings->target.format : "raw";

  if (vmf_arguments_want_option_help(settings->target.options))
    return vmf_format_options_print(format);
  if (measure_with(settings, format, &error) != VMF_OK)
    return vmf_status_report(&error);
  return VMF_EXIT_DONE;
}

static const char *const measure_examples[] = {
    "vmferry measure -O qcow2 disk.vmdk",
    "vmferry measure -O vmdk --size 1T",
    "vmferry measure -c -O qcow2 --output=json disk.vmdk",
    NULL,
};

const struct vmf_verb vmf_verb_measure = {
    .name = "measure",
    .purpose = VMF_PURPOSE_DISKS,
    .operands = "[FILE]",
    .summary = "tell how large a target will be",
    .examples = measure_examples,
    .arguments = measure_arguments,
    VMF_STARTS_WITH(measure_initial),
    .min_operands = 0,
    .max_operands = 1,
    .usage_status = VMF_EXIT_OTHER,
    .run = measure_run,
};
