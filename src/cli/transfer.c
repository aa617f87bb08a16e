/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Makes one target. */
#include "transfer.h"

#include <string.h>

#include "human.h"
#include "progress.h"
#include "signals.h"

void vmf_transfer_hex(const struct vmf_job_result *result, char out[2 * VMF_CHECKSUM_MAX + 1])
{
  out[0] = 0;
  for (size_t i = 0; i < result->checksum_length; i++)
    snprintf(out + 2 * i, 3, "%02x", result->checksum[i]);
}

void vmf_transfer_print_checksum(FILE *out, const struct vmf_job_result *result, const char *name)
{
  char hex[2 * VMF_CHECKSUM_MAX + 1];

  vmf_transfer_hex(result, hex);
  fprintf(out, "%s  ", hex);
  vmf_human_text(out, name);
  fputc('\n', out);
}

static enum vmf_code transfer_copy(const struct vmf_settings *settings, struct vmf_image *source,
                                   struct vmf_target *target, struct vmf_progress *progress,
                                   struct vmf_job_result *result, struct vmf_error *error)
{
  struct vmf_job_options job = {
      .size = sizeof job,
      .threads = (unsigned)settings->threads,
      .sparse_size = settings->sparse_size,
      .checksum = settings->checksum,
      .no_reflink = settings->no_reflink || settings->read_all,
      .progress = vmf_progress_show,
      .progress_data = progress,
      .cancel = vmf_signals_cancel(),
      .max_bytes = settings->max_size,
  };
  enum vmf_code code;

  if (settings->verify && !job.checksum)
    job.checksum = "sha256";
  code = vmf_convert(source, target, &job, result, error);
  if (code == VMF_OK && settings->verify) {
    progress->phase++;
    code = vmf_verify(target, &job, result, error);
  }
  if (code == VMF_OK && vmf_cancel_requested(vmf_signals_cancel()))
    code = error->code = VMF_CANCELLED;
  if (code == VMF_OK)
    code = vmf_target_commit(target, error);
  return code;
}

enum vmf_code vmf_transfer_run(const struct vmf_settings *settings, const char *format,
                               const char *path, uint64_t guest_size, struct vmf_image *source,
                               struct vmf_image *backing, struct vmf_error *error)
{
  bool to_stdout = strcmp(path, "-") == 0;
  FILE *words = to_stdout ? stderr : stdout;
  struct vmf_target_options options = {
      .size = sizeof options,
      .format = format,
      .options = settings->options,
      .compress = settings->compress,
      .backing_path = settings->backing,
      .backing_format = settings->backing_format,
      .no_clobber = settings->no_clobber,
      .no_sync = settings->no_sync,
      .no_cache = settings->no_cache,
      .ignore_locks = settings->ignore_locks,
      .source = source,
      .backing = backing,
      .log = &settings->log,
  };
  struct vmf_progress progress = {
      .out = settings->progress && !settings->quiet ? words : NULL,
      .phases = settings->verify ? 2 : 1,
  };
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target = NULL;
  enum vmf_code code;

  vmf_signals_catch();
  code = vmf_target_create(path, guest_size, &options, &target, error);
  if (code == VMF_OK) {
    code = transfer_copy(settings, source, target, &progress, &result, error);
    vmf_progress_end(&progress, code == VMF_OK);
  }
  vmf_target_close(target);
  if (code == VMF_OK && settings->checksum)
    vmf_transfer_print_checksum(words, &result, path);
  return code;
}
