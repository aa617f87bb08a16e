/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry checksum`: the checksum of the guest content, the same for one disk in any format. */
#include <inttypes.h>
#include <stdio.h>

#include "common_arguments.h"
#include "json.h"
#include "progress.h"
#include "signals.h"
#include "sources.h"
#include "status.h"
#include "transfer.h"

struct checksum_settings {
  struct vmf_command command;
  struct vmf_source_settings source;
  const char *algorithm; /* NULL: sha256 */
};

#define VMF_SETTINGS struct checksum_settings

static const struct checksum_settings checksum_initial = {.source = VMF_SOURCE_CHECKED};

static const struct vmf_argument checksum_arguments[] = {
    VMF_ARGUMENT_FORMAT,
    VMF_ARGUMENT_SOURCE_SIZE,
    {.letter = 'a',
     .name = "algorithm",
     VMF_SETS_CHECKSUM(algorithm),
     .value = "ALGORITHM",
     .help = "sha256 (default), sha1 or sha512"},
    VMF_ARGUMENT_SNAPSHOT,
    VMF_ARGUMENT_OUTPUT_KIND,
    VMF_ARGUMENT_THREADS,
    VMF_ARGUMENT_PAGE_CACHE_MODE,
    {.name = "read-all",
     VMF_SETS_FLAG(source.read_all),
     .help = "do not trust the holes that the file system reports"},
    VMF_ARGUMENT_BARE,
    VMF_ARGUMENT_TRUST,
    VMF_ARGUMENT_NO_VERIFY,
    VMF_ARGUMENT_MAX_SIZE,
    VMF_ARGUMENT_ALLOW_REF,
    VMF_ARGUMENT_NO_REFS,
    VMF_ARGUMENT_FORCE_SHARE,
    VMF_ARGUMENT_PROGRESS,
    VMF_ARGUMENT_QUIET,
    VMF_ARGUMENT_VERBOSE,
    VMF_ARGUMENT_SOURCE_CACHE,
    {0},
};

static void checksum_print(const struct checksum_settings *settings, const char *algorithm,
                           const struct vmf_image *image, const struct vmf_job_result *result)
{
  char hex[2 * VMF_CHECKSUM_MAX + 1];

  if (!settings->command.json) {
    vmf_transfer_print_checksum(stdout, result, settings->command.operands[0]);
    return;
  }
  vmf_transfer_hex(result, hex);
  fputs("{\n    \"filename\": ", stdout);
  vmf_json_string(stdout, settings->command.operands[0]);
  printf(",\n    \"virtual-size\": %" PRIu64 ",\n    \"algorithm\": \"%s\",\n    \"checksum\": "
         "\"%s\"\n}\n",
         vmf_image_size(image), algorithm, hex);
}

static enum vmf_code checksum_image(const struct checksum_settings *settings,
                                    struct vmf_image *image, struct vmf_error *error)
{
  struct vmf_progress progress = {
      .out = settings->command.progress && !settings->command.quiet ? stderr : NULL,
      .phases = 1,
  };
  struct vmf_job_options job = {
      .size = sizeof job,
      .threads = (unsigned)settings->command.threads,
      .checksum = settings->algorithm ? settings->algorithm : "sha256",
      .progress = vmf_progress_show,
      .progress_data = &progress,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->command.max_size,
  };
  struct vmf_job_result result = {.size = sizeof result};
  enum vmf_code code = vmf_checksum(image, &job, &result, error);

  vmf_progress_end(&progress, code == VMF_OK);
  if (code == VMF_OK)
    checksum_print(settings, job.checksum, image, &result);
  return code;
}

static int checksum_run(void *given)
{
  struct checksum_settings *settings = given;
  struct vmf_error error = {0};
  struct vmf_image *image = NULL;
  const struct vmf_source_input input = {.in_order = true};
  enum vmf_code code = vmf_sources_check_input(&settings->command, &settings->source, 1, &error);

  vmf_signals_catch();
  if (code == VMF_OK)
    code = vmf_sources_open(&settings->command, &settings->source, settings->command.operands[0],
                            &input, &image, &error);
  if (code == VMF_OK)
    code = checksum_image(settings, image, &error);
  vmf_image_close(image);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}

const struct vmf_verb vmf_verb_checksum = {
    .name = "checksum",
    .operands = "FILE",
    .summary = "print the checksum of the guest content",
    .arguments = checksum_arguments,
    VMF_STARTS_WITH(checksum_initial),
    .min_operands = 1,
    .max_operands = 1,
    .usage_status = VMF_EXIT_OTHER,
    .run = checksum_run,
};
