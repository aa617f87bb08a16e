/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "packaging.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "account.h"
#include "arguments.h"
#include "dry_run.h"
#include "signals.h"
#include "sources.h"
#include "status.h"

bool vmf_packaging_is_target(const char *path)
{
  size_t length = strlen(path);
  struct stat status;

  if (length == 0 || strcmp(path, "-") == 0)
    return false;
  if (path[length - 1] == '/' || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
    return true;
  return length > 4 &&
         (strcasecmp(path + length - 4, ".ova") == 0 || strcasecmp(path + length - 4, ".ovf") == 0);
}

void vmf_packaging_finding(void *data, const struct vmf_package_finding *finding)
{
  const struct vmf_command *command = data;
  const char *word = "warning";
  char place[512] = "";

  if (finding->severity == VMF_SEVERITY_NOTE ||
      (command->quiet && finding->severity != VMF_SEVERITY_FAILURE))
    return;
  if (finding->severity == VMF_SEVERITY_LOSS)
    word = "not carried over";
  else if (finding->severity == VMF_SEVERITY_FAILURE)
    word = "error";
  if (finding->file && finding->line > 0)
    snprintf(place, sizeof place, "%s:%u: ", finding->file, finding->line);
  else if (finding->file)
    snprintf(place, sizeof place, "%s: ", finding->file);
  vmf_status_say(command, "%s: %s%s [%s]", word, place, finding->text, finding->rule);
}

enum vmf_code vmf_packaging_target(const struct vmf_packaging *packaging,
                                   struct vmf_progress *progress, struct vmf_package_target *target,
                                   struct vmf_error *error)
{
  const struct vmf_command *command = packaging->command;
  const struct vmf_signing_settings *signing = packaging->signing;

  progress->behind = "syncing";
  *target = (struct vmf_package_target){
      .size = sizeof *target,
      .disk_options = packaging->target->options,
      .digest = signing->digest,
      .key_path = signing->key,
      .cert_path = signing->certificate ? signing->certificate : signing->key,
      .passphrase_file = signing->passphrase_file,
      .cms = signing->cms,
      .no_clobber = packaging->target->no_clobber,
      .no_sync = packaging->target->no_sync,
      .no_cache = command->no_cache,
      .ignore_locks = packaging->source->ignore_locks,
      .threads = (unsigned)command->threads,
      .crew = command->crew,
      .progress = vmf_progress_show,
      .progress_data = progress,
      .cancel = vmf_signals_cancel(),
      .log = &command->log,
      .findings = {.finding = vmf_packaging_finding, .data = (void *)command},
      .trust = &packaging->source->trust,
      .max_bytes = command->max_size,
      .strict = command->untrusted,
      .replace = packaging->target->force,
      .spool_folder = packaging->target->spool,
      .dry_run = packaging->target->dry_run,
  };
  return packaging->transfer ? vmf_transfer_keep(packaging->transfer, target, error) : VMF_OK;
}

void vmf_packaging_tell(const struct vmf_packaging *packaging, const char *path,
                        const struct vmf_progress *progress,
                        const struct vmf_package_result *result)
{
  if (packaging->target->dry_run) {
    vmf_dry_run_package(packaging->command, path, result);
    return;
  }
  const struct vmf_package_account account = {.path = path,
                                              .milliseconds = vmf_progress_now() -
                                                              progress->started_milliseconds,
                                              .result = result};

  vmf_account_package(packaging->command, &account);
}

enum vmf_code vmf_packaging_check(const struct vmf_signing_settings *signing,
                                  struct vmf_error *error)
{
  if (!signing->key && (signing->certificate || signing->passphrase_file || signing->cms))
    return vmf_arguments_wrong(error, "--cert, --passphrase-file and --cms need a key");
  return VMF_OK;
}

static const char *disk_form(const struct vmf_target_settings *target, const char *form)
{
  const char *asked = target->format;

  if (target->disk_format)
    return target->disk_format;
  return asked && strcasecmp(asked, "ova") != 0 && strcasecmp(asked, "ovf") != 0 ? asked : form;
}

static enum vmf_code convert_package(const struct vmf_packaging *packaging, const char *path,
                                     const char *form, struct vmf_error *error)
{
  const struct vmf_command *command = packaging->command;
  const struct vmf_package_options options =
      vmf_sources_package_options(command, packaging->source);
  struct vmf_progress progress = vmf_progress_begin(command, path, "copying");
  struct vmf_package_result result = {.size = sizeof result};
  struct vmf_package_target target;
  struct vmf_package *package = NULL;

  progress.behind = "syncing";
  enum vmf_code code = vmf_packaging_target(packaging, &progress, &target, error);
  target.disk_format = disk_form(packaging->target, form);
  target.result = &result;
  if (code == VMF_OK)
    code = vmf_sources_open_package(command, &options, &package, error);
  if (code == VMF_OK) {
    code = vmf_package_convert(package, path, &target, error);
    vmf_progress_end(&progress, code == VMF_OK);
  }
  vmf_package_close(package);
  if (code == VMF_OK)
    vmf_packaging_tell(packaging, path, &progress, &result);
  return code;
}

enum vmf_code vmf_packaging_convert(const struct vmf_packaging *packaging, const char *path,
                                    const char *form, struct vmf_error *error)
{
  enum vmf_code code = vmf_packaging_check(packaging->signing, error);

  vmf_signals_catch();
  return code == VMF_OK ? convert_package(packaging, path, form, error) : code;
}
