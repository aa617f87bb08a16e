/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry compare`: whether two images hold the same disk. Its exit statuses are qemu-img's. */
#include <inttypes.h>
#include <stdio.h>

#include "common_arguments.h"
#include "progress.h"
#include "signals.h"
#include "sources.h"
#include "status.h"

enum {
  COMPARE_SAME = 0,
  COMPARE_DIFFERENT = 1,
  COMPARE_OPEN = 2,
  COMPARE_MAP = 3,
  COMPARE_READ = 4,
};

struct compare_settings {
  struct vmf_command command;
  struct vmf_source_settings source; /* of both, but for the format of the second */
  const char *b_format;
  bool strict;
};

#define VMF_SETTINGS struct compare_settings

static const struct compare_settings compare_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument compare_arguments[] = {
    VMF_GROUP_READING,
    {.letter = 'f',
     .name = "a-format",
     VMF_SETS_TEXT(source.format),
     .value = "FORMAT",
     .help = "format of the first image"},
    {.letter = 'F',
     .name = "b-format",
     VMF_SETS_TEXT(b_format),
     .value = "FORMAT",
     .help = "format of the second image"},
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_TRUST,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_GROUP_SPEED,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    VMF_GROUP_SAFETY,
    VMF_ARGUMENT_SANDBOX,
    VMF_ARGUMENT_REMOTE,
    VMF_GROUP_OUTPUT,
    {.letter = 's',
     .name = "strict",
     VMF_SETS_FLAG(strict),
     .help = "size and allocation must be equal, too"},
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    VMF_GROUP_QEMU,
    VMF_ARGUMENT_SOURCE_CACHE,
    VMF_ARGUMENT_IMAGE_OPTS,
    VMF_ARGUMENT_OBJECT,
    {0},
};

/* Strict mode stops at bytes and at allocation: this tells which it was. */
static bool compare_same_byte(struct vmf_image *a, struct vmf_image *b, uint64_t guest)
{
  struct vmf_error ignored;
  char one = 0, other = 1;

  return vmf_image_pread(a, &one, 1, guest, &ignored) == VMF_OK &&
         vmf_image_pread(b, &other, 1, guest, &ignored) == VMF_OK && one == other;
}

/* Where the common part differs, the sizes say nothing more. */
static bool compare_tells_sizes(struct vmf_image *a, struct vmf_image *b,
                                const struct vmf_job_result *result)
{
  uint64_t one = vmf_image_size(a), other = vmf_image_size(b);

  return result->sizes_differ &&
         (result->identical || result->difference >= (one < other ? one : other));
}

/* difference: NULL where only the sizes were looked at. */
static void compare_print_json(struct vmf_image *a, struct vmf_image *b, bool identical,
                               const uint64_t *difference)
{
  printf("{\n    \"identical\": %s,\n    \"sizes-differ\": %s", identical ? "true" : "false",
         vmf_image_size(a) != vmf_image_size(b) ? "true" : "false");
  if (!identical && difference)
    printf(",\n    \"offset\": %" PRIu64, *difference);
  puts("\n}");
}

/* Images that are the same are so whatever their format is; where they differ, it may be why. */
static void compare_tell_guess(const struct compare_settings *settings,
                               const struct vmf_image *image)
{
  if (vmf_image_guessed(image))
    vmf_status_say(&settings->command,
                   "warning: %s: the content matches no known format: taken as raw",
                   vmf_image_path(image));
}

static void compare_tell_guesses(const struct compare_settings *settings, const struct vmf_image *a,
                                 const struct vmf_image *b)
{
  compare_tell_guess(settings, a);
  compare_tell_guess(settings, b);
}

static int compare_tell(const struct compare_settings *settings, struct vmf_image *a,
                        struct vmf_image *b, const struct vmf_job_result *result)
{
  FILE *out = settings->command.quiet || settings->command.json ? NULL : stdout;

  if (settings->command.json)
    compare_print_json(a, b, result->identical, &result->difference);

  if (out && compare_tells_sizes(a, b, result))
    fputs("Warning: Image size mismatch!\n", out);
  if (result->identical) {
    if (out)
      fputs("Images are identical.\n", out);
    return COMPARE_SAME;
  }
  compare_tell_guesses(settings, a, b);
  if (out && settings->strict && compare_same_byte(a, b, result->difference))
    fprintf(out, "Strict mode: Offset %" PRIu64 " block status mismatch!\n", result->difference);
  else if (out)
    fprintf(out, "Content mismatch at offset %" PRIu64 "!\n", result->difference);
  return COMPARE_DIFFERENT;
}

static int compare_images(const struct compare_settings *settings, struct vmf_image *a,
                          struct vmf_image *b)
{
  struct vmf_progress progress =
      vmf_progress_begin(&settings->command, settings->command.operands[0], "comparing");
  struct vmf_job_options job = {
      .size = sizeof job,
      .threads = (unsigned)settings->command.threads,
      .strict = settings->strict,
      .progress = vmf_progress_show,
      .progress_data = &progress,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->command.max_size,
  };
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_error error = {0};
  enum vmf_code code;

  if (settings->strict && vmf_image_size(a) != vmf_image_size(b)) {
    compare_tell_guesses(settings, a, b);
    if (settings->command.json)
      compare_print_json(a, b, false, NULL);
    else if (!settings->command.quiet)
      puts("Strict mode: Image size mismatch!");
    return COMPARE_DIFFERENT;
  }
  code = vmf_compare(a, b, &job, &result, &error);
  vmf_progress_end(&progress, code == VMF_OK);
  if (code == VMF_OK)
    return compare_tell(settings, a, b, &result);
  vmf_status_report(&error);
  if (code == VMF_CANCELLED)
    return vmf_status_of(code);
  return code == VMF_READ || code == VMF_CHANGED ? COMPARE_READ : COMPARE_MAP;
}

static int compare_run(void *given)
{
  struct compare_settings *settings = given;
  struct vmf_source_settings b_source;
  struct vmf_image *a = NULL, *b = NULL;
  struct vmf_error error = {0};
  int status;

  settings->source.unknown_is_raw = true;
  b_source = settings->source;
  b_source.format = settings->b_format;
  vmf_signals_catch();
  enum vmf_code code = vmf_sources_check_input(&settings->command, &settings->source, 2, &error);
  if (code == VMF_OK)
    code = vmf_sources_open(&settings->command, &settings->source, settings->command.operands[0],
                            NULL, &a, &error);
  if (code == VMF_OK)
    code = vmf_sources_open(&settings->command, &b_source, settings->command.operands[1], NULL, &b,
                            &error);
  if (code == VMF_OK) {
    status = compare_images(settings, a, b);
  } else {
    status = vmf_status_report(&error);
    if (code != VMF_DIFFERENT && code != VMF_CANCELLED)
      status = COMPARE_OPEN;
  }
  vmf_image_close(a);
  vmf_image_close(b);
  return status;
}

static const char *const compare_examples[] = {
    "vmferry compare disk.vmdk disk.qcow2",
    "vmferry compare -q appliance.ova::vmdisk1 disk.qcow2",
    "vmferry compare -f raw disk.raw disk.qcow2",
    NULL,
};

const struct vmf_verb vmf_verb_compare = {
    .name = "compare",
    .purpose = VMF_PURPOSE_EXAMINE,
    .operands = "FILE1 FILE2",
    .summary = "tell whether two images hold the same disk",
    .examples = compare_examples,
    .arguments = compare_arguments,
    VMF_STARTS_WITH(compare_initial),
    .min_operands = 2,
    .max_operands = 2,
    .usage_status = COMPARE_OPEN, /* 1 would say that the images differ */
    .run = compare_run,
};
