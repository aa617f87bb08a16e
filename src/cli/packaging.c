/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "packaging.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "arguments.h"
#include "signals.h"
#include "status.h"

bool vmf_packaging_is_target(const char *path)
{
  size_t length = strlen(path);
  struct stat status;

  if (length == 0)
    return false;
  if (path[length - 1] == '/' || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
    return true;
  return length > 4 &&
         (strcasecmp(path + length - 4, ".ova") == 0 || strcasecmp(path + length - 4, ".ovf") == 0);
}

void vmf_packaging_finding(void *data, const struct vmf_package_finding *finding)
{
  const struct vmf_settings *settings = data;
  const char *word = "warning";
  char place[512] = "";

  if (finding->severity == VMF_SEVERITY_NOTE ||
      (settings->quiet && finding->severity != VMF_SEVERITY_FAILURE))
    return;
  if (finding->severity == VMF_SEVERITY_LOSS)
    word = "not carried over";
  else if (finding->severity == VMF_SEVERITY_FAILURE)
    word = "error";
  if (finding->file && finding->line > 0)
    snprintf(place, sizeof place, "%s:%u: ", finding->file, finding->line);
  else if (finding->file)
    snprintf(place, sizeof place, "%s: ", finding->file);
  vmf_status_print("%s: %s%s [%s]", word, place, finding->text, finding->rule);
}

void vmf_packaging_target(const struct vmf_settings *settings, struct vmf_progress *progress,
                          struct vmf_package_target *target)
{
  *target = (struct vmf_package_target){
      .size = sizeof *target,
      .disk_options = settings->options,
      .digest = settings->digest,
      .key_path = settings->key,
      .cert_path = settings->certificate ? settings->certificate : settings->key,
      .passphrase_file = settings->passphrase_file,
      .cms = settings->cms,
      .no_clobber = settings->no_clobber,
      .no_sync = settings->no_sync,
      .no_cache = settings->no_cache,
      .ignore_locks = settings->ignore_locks,
      .threads = (unsigned)settings->threads,
      .progress = vmf_progress_show,
      .progress_data = progress,
      .cancel = vmf_signals_cancel(),
      .log = &settings->log,
      .findings = {.finding = vmf_packaging_finding, .data = (void *)settings},
      .trust = &settings->trust,
      .max_bytes = settings->max_size,
  };
}

enum vmf_code vmf_packaging_check(const struct vmf_settings *settings, struct vmf_error *error)
{
  if (!settings->key && (settings->certificate || settings->passphrase_file || settings->cms))
    return vmf_arguments_wrong(error, "--cert, --passphrase-file and --cms need a key");
  return VMF_OK;
}

/* What one disk can be asked for, and a package cannot. */
static enum vmf_code check_settings(const struct vmf_settings *settings, struct vmf_error *error)
{
  static const char *const message = "%s is for a single disk, not for a package";

  if (settings->compress)
    return vmf_arguments_wrong(error, message, "-c");
  if (settings->backing || settings->backing_format)
    return vmf_arguments_wrong(error, message, "-B");
  if (settings->snapshot_given)
    return vmf_arguments_wrong(error, message, "-l");
  if (settings->checksum)
    return vmf_arguments_wrong(error, message, "--checksum");
  if (settings->verify)
    return vmf_arguments_wrong(error, "%s; the manifest of a package is checked anyway",
                               "--verify is for a single disk");
  if (settings->sparse_size != 4096)
    return vmf_arguments_wrong(error, message, "-S");
  return vmf_packaging_check(settings, error);
}

static enum vmf_code convert_package(const struct vmf_settings *settings, const char *path,
                                     const char *form, struct vmf_error *error)
{
  const struct vmf_package_options options = {.size = sizeof options,
                                              .allow_refs = settings->allow_refs,
                                              .no_refs = settings->no_refs,
                                              .ignore_locks = settings->ignore_locks,
                                              .read_all = settings->read_all,
                                              .no_cache = settings->no_cache,
                                              .log = &settings->log,
                                              .cancel = vmf_signals_cancel(),
                                              .max_bytes = settings->max_size};
  struct vmf_progress progress = {
      .out =
          settings->progress && !settings->quiet ? strcmp(path, "-") == 0 ? stderr : stdout : NULL,
      .phases = 1,
  };
  struct vmf_package_target target;
  struct vmf_package *package;

  vmf_packaging_target(settings, &progress, &target);
  target.disk_format = form;
  enum vmf_code code = vmf_package_open(settings->operands[0], &options, &package, error);
  if (code == VMF_OK) {
    code = vmf_package_convert(package, path, &target, error);
    vmf_progress_end(&progress, code == VMF_OK);
  }
  vmf_package_close(package);
  return code;
}

int vmf_packaging_convert(const struct vmf_settings *settings, const char *path, const char *form)
{
  struct vmf_error error = {0};
  const char *asked = settings->target_format;
  enum vmf_code code = check_settings(settings, &error);

  if (settings->disk_format)
    form = settings->disk_format;
  else if (asked && strcasecmp(asked, "ova") != 0 && strcasecmp(asked, "ovf") != 0)
    form = asked;
  vmf_signals_catch();
  if (code == VMF_OK)
    code = convert_package(settings, path, form, &error);
  return code == VMF_OK ? VMF_EXIT_DONE : vmf_status_report(&error);
}
