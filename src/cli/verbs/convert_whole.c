/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * `vmferry convert` of packages and machines: all of their disks at once. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "install_options.h"
#include "machine_moving.h"
#include "packaging.h"
#include "sources.h"
#include "verb_convert.h"

/* Whether a package is written: the source is one, and the target can hold one. "-O ova" says so
 * for standard output, where a package comes out unless a format for one disk is named. */
static bool convert_is_package(const struct vmf_convert_settings *settings)
{
  if (settings->command.operand_count != 2 || settings->source.format ||
      strstr(settings->command.operands[0], "::"))
    return false;
  const char *path = settings->command.operands[1];
  bool to_stdout = strcmp(path, "-") == 0;
  if (to_stdout && !settings->target.disk_format && settings->target.format &&
      strcmp(settings->target.format, "ova") != 0)
    return false;
  return (to_stdout || vmf_packaging_is_target(path)) &&
         vmf_package_recognise(settings->command.operands[0]);
}

/* What one disk can be asked for, and a package cannot. */
static enum vmf_code convert_check_package(const struct vmf_convert_settings *settings,
                                           struct vmf_error *error)
{
  const struct vmf_target_settings *target = &settings->target;
  const struct vmf_transfer_settings *transfer = &settings->transfer;
  const struct {
    const char *option;
    bool given;
  } rows[] = {
      {"-c", target->compress},
      {"-B", target->backing || target->backing_format},
      {"-n", target->exists},
      {"-r", transfer->rate > 0},
      {"-S", transfer->sparse_size != VMF_SPARSE_SIZE},
      {"--bitmap", settings->source.bitmap != NULL},
      {"--bitmaps", target->bitmaps},
      {"--checksum", transfer->checksum != NULL},
      {"--expect", transfer->expected != NULL},
      {"--in-place", target->in_place},
      {"--journal-file", transfer->journal_file != NULL},
      {"--map", target->map != NULL},
      {"--move-gpt", settings->move_gpt},
      {"--resize", settings->resize != NULL},
      {"--salvage", settings->salvage.wanted},
      {"--since", target->since || target->onto},
      {"--skip-broken-bitmaps", target->skip_broken_bitmaps},
      {"--target-is-zero", target->is_zero},
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].given)
      return vmf_arguments_wrong(error, "%s is for a single disk, not for a package",
                                 rows[i].option);
  if (transfer->verify)
    return vmf_arguments_wrong(error, "--verify is for a single disk; the manifest of a package is "
                                      "checked anyway");
  return vmf_transfer_check(transfer, error);
}

static enum vmf_code convert_package(const struct vmf_convert_settings *settings,
                                     struct vmf_error *error)
{
  const struct vmf_packaging packaging = {&settings->command, &settings->source, &settings->target,
                                          &settings->signing, &settings->transfer};
  struct vmf_profile_info profile = {.size = sizeof profile};
  enum vmf_code code = convert_check_package(settings, error);

  if (code == VMF_OK && settings->move.platform)
    code = vmf_profile_find(settings->move.platform, &profile, error);
  if (code != VMF_OK)
    return code;
  if (settings->move.platform)
    return vmf_arguments_wrong(error, "--for makes a package in a file or folder, not on a pipe");
  if (settings->source.snapshot)
    return vmf_arguments_wrong(error, "-l is for a single disk or a machine, not for a package");
  if (settings->command.target_secret_file)
    return vmf_arguments_wrong(error, "--target-secret-file: disks of a package are not encrypted; "
                                      "a disk that is converted alone can be");
  return vmf_packaging_convert(&packaging, settings->command.operands[1], "streamOptimized", error);
}

/* Whether a machine goes into another format. */
static bool convert_is_move(const struct vmf_convert_settings *settings)
{
  const struct vmf_packaging packaging = {&settings->command, &settings->source, &settings->target,
                                          &settings->signing, &settings->transfer};

  return settings->command.operand_count == 2 && !strstr(settings->command.operands[0], "::") &&
         vmf_moving_is_wanted(&packaging, &settings->move);
}

/* A plain file that is not there: opening it tells that, where these options would tell of it that
 * it is no machine. */
static bool convert_is_missing(const struct vmf_convert_settings *settings)
{
  const char *source = settings->command.operands[0];

  return settings->command.operand_count == 2 && !strchr(source, ':') && access(source, F_OK) < 0 &&
         errno == ENOENT;
}

static enum vmf_code convert_check_move(const struct vmf_convert_settings *settings,
                                        struct vmf_error *error)
{
  const struct vmf_move_settings *move = &settings->move;

  if (convert_is_missing(settings))
    return VMF_OK;
  if (!move->format && !move->system && !move->losses && !move->networks && !move->copy &&
      !move->without_disks && !move->strict && !move->drivers &&
      !vmf_install_is_asked(&move->install))
    return VMF_OK;
  return vmf_arguments_wrong(
      error, "--machine, --system, --copy, --network, --without-disk, --drivers, --deployment, "
             "--property, --properties, --accept-eula, --losses and --strict are for a machine "
             "that goes into "
             "another format");
}

static enum vmf_code convert_machine(const struct vmf_convert_settings *settings,
                                     struct vmf_error *error)
{
  const struct vmf_packaging packaging = {&settings->command, &settings->source, &settings->target,
                                          &settings->signing, &settings->transfer};
  enum vmf_code code = convert_check_package(settings, error);

  return code == VMF_OK ? vmf_moving_run(&packaging, &settings->move, error) : code;
}

enum vmf_code vmf_convert_whole(const struct vmf_convert_settings *settings, bool *whole,
                                struct vmf_error *error)
{
  *whole = true;
  if (convert_is_move(settings))
    return convert_machine(settings, error);
  enum vmf_code code = convert_check_move(settings, error);
  if (code != VMF_OK || convert_is_package(settings))
    return code == VMF_OK ? convert_package(settings, error) : code;
  *whole = false;
  return VMF_OK;
}
