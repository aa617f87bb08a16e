/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry apply`: what has changed on a disk, written into its copy. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "common_arguments.h"
#include "human.h"
#include "names.h"
#include "progress.h"
#include "signals.h"
#include "sources.h"
#include "status.h"

struct apply_settings {
  struct vmf_command command;
  struct vmf_source_settings source; /* also of `since`, but for its format */
  const char *since, *since_format, *target_format;
  bool no_sync, verify;
};

#define VMF_SETTINGS struct apply_settings

static const struct apply_settings apply_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument apply_arguments[] = {
    VMF_GROUP_READING,
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_SNAPSHOT,
    {.name = "since",
     VMF_SETS_TEXT(since),
     .value = "FILE",
     .help = "the target is a copy of this disk: look only at what has changed since"},
    {.name = "since-format",
     VMF_SETS_TEXT(since_format),
     .value = "FORMAT",
     .help = "format of that disk"},
    {.name = "bitmap",
     VMF_SETS_TEXT(source.bitmap),
     .value = "NAME",
     .help = "look only at what this bitmap of SOURCE says has changed"},
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_NO_REPLAY,
    VMF_ARGUMENT_SECRET,
    VMF_GROUP_WRITING,
    {.letter = 'F',
     .name = "target-format",
     VMF_SETS_TEXT(target_format),
     .value = "FORMAT",
     .help = "raw, qcow2, vpc, vdi or vhdx, whatever the content of the target looks like"},
    {.name = "verify", VMF_SETS_FLAG(verify), .help = "read all of the target back and compare"},
    {.name = "no-sync",
     VMF_SETS_FLAG(no_sync),
     .help = "do not wait until the target is on stable storage"},
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
    VMF_ARGUMENT_VERBOSE,
    {0},
};

static void apply_tell(const struct apply_settings *settings, const char *target,
                       const struct vmf_job_result *result)
{
  if (settings->command.json)
    printf("{\n    \"written\": %" PRIu64 ",\n    \"zeroed\": %" PRIu64 ",\n    \"compared\": "
           "%" PRIu64 "\n}\n",
           result->host_bytes, result->zero_bytes, result->data_bytes);
  else if (!settings->command.quiet && result->host_bytes + result->zero_bytes == 0)
    vmf_status_say(&settings->command, "%s: nothing has changed", target);
  else if (!settings->command.quiet)
    vmf_status_say(&settings->command, "%s: %" PRIu64 " bytes written, %" PRIu64 " became zeros",
                   target, result->host_bytes, result->zero_bytes);
}

/* The bytes begin anew where all of the target is read back. */
static void apply_show(void *data, uint64_t done, uint64_t total)
{
  struct vmf_progress *progress = data;

  if (done < progress->done && progress->pass + 1 < progress->passes)
    vmf_progress_next(progress, "verifying");
  vmf_progress_show(progress, done, total);
}

static enum vmf_code apply_images(struct apply_settings *settings, struct vmf_image *source,
                                  struct vmf_image *since, struct vmf_error *error)
{
  const char *target = settings->command.operands[1];
  struct vmf_progress progress = vmf_progress_begin(&settings->command, target, "applying");
  const struct vmf_job_options job = {.size = sizeof job,
                                      .threads = (unsigned)settings->command.threads,
                                      .progress = apply_show,
                                      .progress_data = &progress,
                                      .cancel = vmf_signals_cancel(),
                                      .max_bytes = settings->command.max_size};
  const struct vmf_apply_options options = {.size = sizeof options,
                                            .format = settings->target_format,
                                            .since = since,
                                            .no_sync = settings->no_sync,
                                            .ignore_locks = settings->source.ignore_locks,
                                            .verify = settings->verify,
                                            .log = &settings->command.log};
  struct vmf_job_result result = {.size = sizeof result};

  progress.passes = settings->verify ? 2 : 1;
  enum vmf_code code = vmf_apply(source, target, &options, &job, &result, error);
  vmf_progress_end(&progress, code == VMF_OK);
  if (code == VMF_OK)
    apply_tell(settings, target, &result);
  return code;
}

static enum vmf_code apply_with(struct apply_settings *settings, struct vmf_error *error)
{
  struct vmf_source_settings since_source = settings->source;
  struct vmf_image *source = NULL, *since = NULL;

  since_source.format = settings->since_format;
  since_source.snapshot = since_source.bitmap = NULL;
  enum vmf_code code = vmf_names_operands(&settings->command, 1, 1, error);
  if (code == VMF_OK && settings->since_format && !settings->since)
    code = vmf_arguments_wrong(error, "--since-format: there is no --since");
  if (code == VMF_OK)
    code = vmf_sources_check_input(&settings->command, &settings->source, 1, error);
  if (code == VMF_OK)
    code = vmf_sources_open(&settings->command, &settings->source, settings->command.operands[0],
                            NULL, &source, error);
  if (code == VMF_OK && settings->since)
    code =
        vmf_sources_open(&settings->command, &since_source, settings->since, NULL, &since, error);
  if (code == VMF_OK)
    code = apply_images(settings, source, since, error);
  vmf_image_close(since);
  vmf_image_close(source);
  return code;
}

static int apply_run(void *given)
{
  struct apply_settings *settings = given;
  struct vmf_error error = {0};

  vmf_signals_catch();
  return apply_with(settings, &error) == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

static const char *const apply_examples[] = {
    "vmferry apply overlay.qcow2 disk.raw",
    "vmferry apply --since base.qcow2 overlay.qcow2 disk.raw",
    "vmferry apply --verify disk.vmdk disk.raw",
    NULL,
};

const struct vmf_verb vmf_verb_apply = {
    .name = "apply",
    .purpose = VMF_PURPOSE_DISKS,
    .operands = "SOURCE TARGET",
    .summary = "write what has changed on a disk into its copy",
    .examples = apply_examples,
    .arguments = apply_arguments,
    VMF_STARTS_WITH(apply_initial),
    .min_operands = 2,
    .max_operands = 2,
    .targets = 1,
    .written = VMF_WRITTEN_LAST,
    .usage_status = VMF_EXIT_OTHER,
    .run = apply_run,
};
