/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry diff`: where one disk has other bytes than another. Its exit statuses are diff's. */
#include <inttypes.h>
#include <stdio.h>

#include "common_arguments.h"
#include "json.h"
#include "progress.h"
#include "signals.h"
#include "sources.h"
#include "status.h"

enum { DIFF_SAME = 0, DIFF_DIFFERENT = 1, DIFF_FAILED = 2 };

struct diff_settings {
  struct vmf_command command;
  struct vmf_source_settings source; /* of both, but for format and snapshot of the second */
  const char *new_format, *bitmap;
  uint64_t ranges, bytes, zero_bytes; /* that have been told */
};

#define VMF_SETTINGS struct diff_settings

static const struct diff_settings diff_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument diff_arguments[] = {
    VMF_GROUP_READING,
    {.letter = 'f',
     .name = "old-format",
     VMF_SETS_TEXT(source.format),
     .value = "FORMAT",
     .help = "format of the old disk"},
    {.letter = 'F',
     .name = "new-format",
     VMF_SETS_TEXT(new_format),
     .value = "FORMAT",
     .help = "format of the new disk"},
    VMF_ARGUMENT_SNAPSHOT, /* of the old disk */
    {.name = "bitmap",
     VMF_SETS_TEXT(bitmap),
     .value = "NAME",
     .help = "look only at what this bitmap of NEW says has changed"},
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
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    {0},
};

static void diff_tell(void *data, uint64_t guest, uint64_t length, bool zero)
{
  struct diff_settings *settings = data;

  if (settings->command.json)
    printf("%s\n        { \"start\": %" PRIu64 ", \"length\": %" PRIu64 ", \"zero\": %s }",
           settings->ranges > 0 ? "," : "", guest, length, zero ? "true" : "false");
  else if (!settings->command.quiet)
    printf("%#-16" PRIx64 "%#-16" PRIx64 "%s\n", guest, length, zero ? "zeros" : "data");
  settings->ranges++;
  *(zero ? &settings->zero_bytes : &settings->bytes) += length;
}

static void diff_begin(const struct diff_settings *settings, const struct vmf_image *old,
                       const struct vmf_image *new)
{
  if (settings->command.json)
    printf("{\n    \"old-size\": %" PRIu64 ",\n    \"new-size\": %" PRIu64 ",\n    \"changes\": [",
           vmf_image_size(old), vmf_image_size(new));
}

static void diff_end(const struct diff_settings *settings)
{
  if (settings->command.json)
    printf("%s],\n    \"data-bytes\": %" PRIu64 ",\n    \"zero-bytes\": %" PRIu64 "\n}\n",
           settings->ranges > 0 ? "\n    " : "", settings->bytes, settings->zero_bytes);
}

static void diff_end_early(const struct diff_settings *settings, const struct vmf_error *error)
{
  if (!settings->command.json)
    return;
  printf("%s],\n    \"error\": ", settings->ranges > 0 ? "\n    " : "");
  vmf_json_string(stdout, error->text);
  puts("\n}");
}

static int diff_images(struct diff_settings *settings, struct vmf_image *old, struct vmf_image *new,
                       struct vmf_error *error)
{
  struct vmf_progress progress =
      vmf_progress_begin(&settings->command, settings->command.operands[1], "comparing");
  const struct vmf_job_options job = {
      .size = sizeof job,
      .threads = (unsigned)settings->command.threads,
      .progress = vmf_progress_show,
      .progress_data = &progress,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->command.max_size,
      .differs = diff_tell,
      .differs_data = settings,
  };
  struct vmf_job_result result = {.size = sizeof result};

  diff_begin(settings, old, new);
  enum vmf_code code = vmf_compare(old, new, &job, &result, error);
  vmf_progress_end(&progress, code == VMF_OK);
  if (code != VMF_OK) {
    diff_end_early(settings, error);
    return vmf_status_report(error);
  }
  diff_end(settings);
  return result.identical && !result.sizes_differ ? DIFF_SAME : DIFF_DIFFERENT;
}

static int diff_run(void *given)
{
  struct diff_settings *settings = given;
  struct vmf_source_settings new_source;
  struct vmf_image *old = NULL, *new = NULL;
  struct vmf_error error = {0};
  int status;

  settings->source.unknown_is_raw = true;
  new_source = settings->source;
  new_source.format = settings->new_format;
  new_source.snapshot = NULL;
  new_source.bitmap = settings->bitmap;
  vmf_signals_catch();
  enum vmf_code code = vmf_sources_check_input(&settings->command, &settings->source, 2, &error);
  if (code == VMF_OK)
    code = vmf_sources_open(&settings->command, &settings->source, settings->command.operands[0],
                            NULL, &old, &error);
  if (code == VMF_OK)
    code = vmf_sources_open(&settings->command, &new_source, settings->command.operands[1], NULL,
                            &new, &error);
  status = code == VMF_OK ? diff_images(settings, old, new, &error) : vmf_status_report(&error);
  if (status == VMF_EXIT_OTHER && error.code != VMF_OK)
    status = DIFF_FAILED; /* 1 says that they differ */
  vmf_image_close(old);
  vmf_image_close(new);
  return status;
}

static const char *const diff_examples[] = {
    "vmferry diff base.qcow2 overlay.qcow2",
    "vmferry diff --output=json disk.qcow2 disk.raw",
    "vmferry diff -F raw disk.vmdk disk.raw",
    NULL,
};

const struct vmf_verb vmf_verb_diff = {
    .name = "diff",
    .purpose = VMF_PURPOSE_EXAMINE,
    .operands = "OLD NEW",
    .summary = "list where a disk has changed",
    .examples = diff_examples,
    .arguments = diff_arguments,
    VMF_STARTS_WITH(diff_initial),
    .min_operands = 2,
    .max_operands = 2,
    .usage_status = DIFF_FAILED,
    .answer_status = DIFF_DIFFERENT,
    .run = diff_run,
};
