/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Makes one target. */
#include "transfer.h"

#include <string.h>
#include <strings.h>

#include "account.h"
#include "arguments.h"
#include "checksum_list.h"
#include "dry_run.h"
#include "listener.h"
#include "names.h"
#include "progress.h"
#include "signals.h"

const char *vmf_transfer_algorithm(const struct vmf_transfer_settings *settings)
{
  const char *hex;

  if (settings->checksum)
    return settings->checksum;
  if (settings->expected)
    return vmf_checksum_named(settings->expected, &hex);
  return settings->verify ? "sha256" : NULL;
}

enum vmf_code vmf_transfer_check(const struct vmf_transfer_settings *settings,
                                 struct vmf_error *error)
{
  const char *hex;
  const char *algorithm = settings->expected ? vmf_checksum_named(settings->expected, &hex) : NULL;

  if ((settings->resume || settings->journal_file) && settings->journal &&
      strcmp(settings->journal, "off") == 0)
    return vmf_arguments_wrong(error, "%s goes by a journal, which --journal=off forbids",
                               settings->resume ? "--resume" : "--journal-file");
  if (settings->expected && !algorithm)
    return vmf_arguments_wrong(error,
                               "--expect: \"%s\" is no checksum as \"checksum\" prints it: "
                               "blkhash-ALGORITHM:HEX, of sha256, sha1 or sha512",
                               settings->expected);
  if (algorithm && settings->checksum && strcmp(algorithm, settings->checksum) != 0)
    return vmf_arguments_wrong(error,
                               "--expect is of %s, and --checksum of %s: both must be of one",
                               algorithm, settings->checksum);
  return VMF_OK;
}

/* Before its commit. */
static enum vmf_code transfer_expect(const struct vmf_transfer *transfer,
                                     const struct vmf_job_result *result, struct vmf_error *error)
{
  char found[2 * VMF_CHECKSUM_MAX + 1];
  const char *hex;
  const char *algorithm = vmf_checksum_named(transfer->settings->expected, &hex);

  vmf_checksum_hex(result, found);
  if (strcasecmp(found, hex) == 0)
    return VMF_OK;
  vmf_arguments_wrong(error, "%s: the disk has the checksum blkhash-%s:%s, expected %s",
                      transfer->path, algorithm, found, hex);
  return error->code = VMF_DIFFERENT;
}

static enum vmf_code transfer_copy(const struct vmf_transfer *transfer, struct vmf_target *target,
                                   struct vmf_progress *progress, struct vmf_job_result *result,
                                   struct vmf_error *error)
{
  const struct vmf_transfer_settings *settings = transfer->settings;
  struct vmf_job_options job = {
      .size = sizeof job,
      .threads = (unsigned)transfer->command->threads,
      .crew = transfer->command->crew,
      .sparse_size = settings->sparse_size,
      .checksum = vmf_transfer_algorithm(settings),
      .no_reflink = settings->no_reflink,
      .progress = vmf_progress_show,
      .progress_data = progress,
      .cancel = vmf_signals_cancel(),
      .max_bytes = transfer->command->max_size,
      .rate = settings->rate,
  };
  enum vmf_code code;

  if (transfer->salvaging)
    vmf_salvaging_set(transfer->salvaging, &job);
  vmf_progress_phase(progress, "tables");
  code = vmf_convert(transfer->source, target, &job, result, error);
  if (code == VMF_OK && settings->expected)
    code = transfer_expect(transfer, result, error);
  if (code == VMF_OK && settings->verify) {
    vmf_progress_next(progress, "verifying");
    code = vmf_verify(target, &job, result, error);
  }
  if (code == VMF_OK && vmf_cancel_requested(vmf_signals_cancel()))
    code = error->code = VMF_CANCELLED;
  if (code == VMF_OK) {
    vmf_progress_phase(progress, "syncing");
    code = vmf_target_commit(target, error);
  }
  return code;
}

/* Below, all is done again before anybody has looked up what to do. */
static const uint64_t journal_from = 10ull << 30;

static enum vmf_journal_choice transfer_journal(const struct vmf_transfer_settings *settings)
{
  if (settings->resume)
    return VMF_JOURNAL_WANTED;
  if (settings->journal && strcmp(settings->journal, "off") == 0)
    return VMF_JOURNAL_NONE;
  return settings->journal || settings->journal_file ? VMF_JOURNAL_WANTED
                                                     : VMF_JOURNAL_WHERE_POSSIBLE;
}

/* So many bytes it has to have for that. */
static uint64_t transfer_journal_from(const struct vmf_transfer_settings *settings)
{
  return settings->takes_up ? 0 : journal_from;
}

static enum vmf_journal_choice transfer_journal_of(const struct vmf_transfer *transfer)
{
  enum vmf_journal_choice choice = transfer_journal(transfer->settings);
  bool large = transfer->guest_size > transfer_journal_from(transfer->settings);

  if ((!transfer->source && choice == VMF_JOURNAL_WANTED && !transfer->settings->resume) ||
      (choice == VMF_JOURNAL_WHERE_POSSIBLE && (!transfer->source || !large)))
    return VMF_JOURNAL_NONE;
  return choice;
}

/* --journal=CHUNK. */
static enum vmf_code transfer_chunk(const struct vmf_transfer_settings *settings, uint64_t *bytes,
                                    struct vmf_error *error)
{
  const char *word = settings->journal;

  if (!word || strcmp(word, "on") == 0 || strcmp(word, "off") == 0)
    return VMF_OK;
  enum vmf_code code = vmf_arguments_size(word, "--journal", bytes, error);
  if (code == VMF_OK && *bytes == 0)
    code = vmf_arguments_wrong(error, "--journal: a chunk has one byte at least");
  return code;
}

enum vmf_code vmf_transfer_keep(const struct vmf_transfer_settings *settings,
                                struct vmf_package_target *target, struct vmf_error *error)
{
  target->journal = transfer_journal(settings);
  target->journal_from = transfer_journal_from(settings);
  target->resume = settings->resume || settings->takes_up;
  target->source_unchanged = settings->source_unchanged;
  return transfer_chunk(settings, &target->journal_chunk, error);
}

static struct vmf_target_options transfer_target_options(const struct vmf_transfer *transfer)
{
  const struct vmf_target_settings *target = transfer->target;

  return (struct vmf_target_options){
      .size = sizeof(struct vmf_target_options),
      .format = transfer->format,
      .options = target->options,
      .compress = target->compress,
      .backing_path = target->backing,
      .backing_format = target->backing_format,
      .no_clobber = target->no_clobber,
      .in_place = target->in_place,
      .no_sync = target->no_sync,
      .no_cache = transfer->command->no_cache,
      .secret = transfer->command->target_secret,
      .ignore_locks = transfer->ignore_locks,
      .source = transfer->source,
      .backing = transfer->backing,
      .log = &transfer->command->log,
      .spool_folder = target->spool,
      .bitmaps = target->bitmaps,
      .skip_broken_bitmaps = target->skip_broken_bitmaps,
      .map = target->map,
      .since = target->since,
      .onto = target->onto,
      .cancel = vmf_signals_cancel(),
      .journal = transfer_journal_of(transfer),
      .resume = transfer->settings->resume || transfer->settings->takes_up,
      .source_unchanged = transfer->settings->source_unchanged,
      .journal_path = transfer->settings->journal_file,
  };
}

/* Standard output is the disk where the target is "-". */
static void transfer_tell(const struct vmf_transfer *transfer, const struct vmf_job_result *result,
                          uint64_t milliseconds)
{
  const struct vmf_command *command = transfer->command;
  const char *checksum = transfer->settings->checksum;
  FILE *out = strcmp(transfer->path, "-") == 0 ? stderr : stdout;
  const struct vmf_account account = {.path = transfer->path,
                                      .format = transfer->format,
                                      .guest_size = transfer->guest_size,
                                      .milliseconds = milliseconds,
                                      .result = result,
                                      .checksum = transfer->settings->expected
                                                      ? vmf_transfer_algorithm(transfer->settings)
                                                      : checksum};

  if (command->listener)
    command->listener->disk(command->listener->data, &account);
  else if (transfer->source && command->json)
    vmf_account_json(out, &account);
  else if (checksum)
    vmf_checksum_print(out, result, checksum, false, transfer->path);
  if (transfer->source && !command->listener)
    vmf_account_line(command, &account);
}

static enum vmf_code transfer_measure(const struct vmf_transfer *transfer,
                                      struct vmf_progress *progress, uint64_t *bytes,
                                      struct vmf_error *error)
{
  const struct vmf_target_options options = transfer_target_options(transfer);
  const struct vmf_job_options job = {.size = sizeof job,
                                      .threads = (unsigned)transfer->command->threads,
                                      .sparse_size = transfer->settings->sparse_size,
                                      .progress = vmf_progress_show,
                                      .progress_data = progress,
                                      .cancel = vmf_signals_cancel(),
                                      .max_bytes = transfer->command->max_size};
  uint64_t full;

  if (transfer->backing)
    return vmf_measure_overlay(transfer->source, vmf_names_last(transfer->path), &options, &job,
                               bytes, error);
  return vmf_measure(transfer->source, 0, transfer->format, options.options, options.compress,
                     bytes, &full, error);
}

/* A dry run goes as far as the first byte. */
static enum vmf_code transfer_foresee(const struct vmf_transfer *transfer,
                                      struct vmf_progress *progress, struct vmf_error *error)
{
  struct vmf_dry_run run = {.command = transfer->command,
                            .path = transfer->path,
                            .format = transfer->format,
                            .guest_size = transfer->guest_size};
  enum vmf_code code = transfer_measure(transfer, progress, &run.required, error);

  vmf_progress_end(progress, code == VMF_OK);
  if (code == VMF_OK)
    vmf_dry_run_disk(&run);
  return code;
}

static enum vmf_code transfer_into(const struct vmf_transfer *transfer, struct vmf_target *target,
                                   struct vmf_progress *progress, struct vmf_error *error)
{
  struct vmf_job_result result = {.size = sizeof result};
  enum vmf_code code = transfer_copy(transfer, target, progress, &result, error);

  vmf_progress_end(progress, code == VMF_OK);
  if (code == VMF_OK && transfer->salvaging)
    code = vmf_salvaging_end(transfer->salvaging, &result, transfer->path, error);
  if (code == VMF_OK)
    transfer_tell(transfer, &result, vmf_progress_now() - progress->started_milliseconds);
  return code;
}

enum vmf_code vmf_transfer_run(const struct vmf_transfer *transfer, struct vmf_error *error)
{
  const struct vmf_command *command = transfer->command;
  struct vmf_target_options options = transfer_target_options(transfer);
  bool to_stdout = strcmp(transfer->path, "-") == 0;
  struct vmf_progress progress = vmf_progress_begin(
      command, to_stdout && transfer->source ? vmf_image_path(transfer->source) : transfer->path,
      "copying");
  struct vmf_target *target = NULL;
  enum vmf_code code;

  progress.passes = transfer->settings->verify ? 2 : 1;
  progress.behind = "tables";
  vmf_signals_catch();
  code = transfer_chunk(transfer->settings, &options.journal_chunk, error);
  if (code == VMF_OK)
    code = vmf_target_create(transfer->path, transfer->guest_size, &options, &target, error);
  if (code == VMF_OK)
    code = transfer->target->dry_run ? transfer_foresee(transfer, &progress, error)
                                     : transfer_into(transfer, target, &progress, error);
  vmf_target_close(target);
  return code;
}
