/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disks.h"
#include "edit_parts.h"
#include "models.h"

enum { DISK_BYTES = 64 << 10 };

void fuzz_small_disk(const char *name, const char *format, const char *options)
{
  static uint8_t bytes[DISK_BYTES];
  const struct fuzz_disk disk = {bytes, sizeof bytes};
  struct vmf_image *image = fuzz_disk_image(&disk);
  const struct vmf_target_options to = {
      .size = sizeof to, .format = format, .options = options, .no_sync = true, .source = image};
  const struct vmf_job_options job = {.size = sizeof job, .threads = 1, .sparse_size = 4096};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target;
  struct vmf_error error;
  char path[FUZZ_PATH];

  for (size_t at = 0; at < sizeof bytes / 2; at += 4096)
    bytes[at] = 1; /* zeros behind */
  fuzz_scratch_path(name, path);
  if (vmf_target_create(path, sizeof bytes, &to, &target, &error) != VMF_OK ||
      vmf_convert(image, target, &job, &result, &error) != VMF_OK ||
      vmf_target_commit(target, &error) != VMF_OK)
    fuzz_fault("%s: %s", path, error.text);
  vmf_target_close(target);
  vmf_image_close(image);
}

/* ---- what a platform says ---- */

/* What no conversion can change, by what the rule says that one does. */
static bool stays(const struct vmf_lint_finding *finding)
{
  static const char *const remedies[] = {"nothing", "cannot", "refuses", "leaves the number"};

  for (size_t i = 0; i < sizeof remedies / sizeof remedies[0]; i++)
    if (strncmp(finding->remedy, remedies[i], strlen(remedies[i])) == 0)
      return true;
  return strcmp(finding->rule, "E-VMW-RDM") == 0; /* a bus that machines share stays so in a .vmx */
}

struct judgement {
  const char *path, *platform;
  bool strict;
};

static void take(void *data, const struct vmf_lint_finding *finding)
{
  const struct judgement *judgement = data;

  if (!finding->rule || !finding->found || !finding->allowed || !finding->remedy)
    fuzz_fault("a finding that does not say all");
  if (judgement->strict && finding->severity >= VMF_SEVERITY_VIOLATION && !stays(finding))
    fuzz_fault("%s, written for %s: %s: %s; accepted: %s", judgement->path, judgement->platform,
               finding->rule, finding->found, finding->allowed);
}

void fuzz_judge(const char *path, const char *platform, bool strict)
{
  struct judgement judgement = {path, platform, strict};
  const struct vmf_lint_options options = {
      .size = sizeof options, .finding = take, .data = &judgement};
  struct vmf_lint_result result = {.size = sizeof result};
  struct vmf_lint_rule_info rule = {.size = sizeof rule};
  struct vmf_error error = {0};

  if (!platform)
    return;
  if (vmf_lint(path, platform, &options, &result, &error) != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s is not judged, without a word", path);
  for (size_t i = 0; vmf_lint_rule_describe(platform, i, &rule); i++)
    if (!rule.rule || !rule.text || !rule.remedy)
      fuzz_fault("a rule that does not say all");
}

/* ---- to another format ---- */

/* One that the platform takes, or any; NULL. */
static const char *choose_format(struct fuzz_choices *choices, const char *platform)
{
  struct vmf_machine_format_info format = {.size = sizeof format};
  struct vmf_profile_info profile = {.size = sizeof profile};
  struct vmf_error error;
  unsigned count = 0;

  if (platform && !fuzz_chance(choices, 8)) {
    if (vmf_profile_find(platform, &profile, &error) != VMF_OK)
      fuzz_fault("%s: %s", platform, error.text);
    while (profile.machines[count])
      count++;
    return fuzz_chance(choices, 2) ? NULL : profile.machines[fuzz_below(choices, count)];
  }
  bool known = vmf_machine_format_describe(fuzz_below(choices, 16), &format) && format.writable;
  return known ? format.name : "ovf";
}

/* A platform, or NULL. Disks of whole GiB are too much for so many runs. */
static const char *small_platform(struct fuzz_choices *choices)
{
  const char *name = fuzz_platform(choices);
  struct vmf_profile_info profile = {.size = sizeof profile};
  struct vmf_error error;

  return name && vmf_profile_find(name, &profile, &error) == VMF_OK && profile.round < 1 << 30 &&
                 profile.least < 1 << 30
             ? name
             : NULL;
}

/* A folder, or a file whose suffix says what it is; the format is said, too. */
static void choose_target(struct fuzz_choices *choices, struct vmf_machine_target_options *target,
                          char path[FUZZ_PATH])
{
  struct vmf_machine_format_info format = {.size = sizeof format};
  char name[64] = "moved/vm.ova";
  size_t index = 0;

  fuzz_scratch_path("moved", path);
  if (mkdir(path, 0700) != 0)
    fuzz_fault("%s cannot be made", path);
  target->platform = small_platform(choices);
  if (fuzz_chance(choices, 2)) {
    target->format = choose_format(choices, target->platform);
    return;
  }
  if (fuzz_chance(choices, 2)) {
    target->format = choose_format(choices, target->platform);
    while (target->format && vmf_machine_format_describe(index, &format) &&
           strcmp(format.name, target->format) != 0)
      index++;
    if (target->format && strcmp(format.name, target->format) == 0)
      snprintf(name, sizeof name, "moved/vm.%s",
               format.container                        ? format.container
               : format.suffixes && format.suffixes[0] ? format.suffixes[0]
                                                       : "x");
  }
  fuzz_scratch_path(name, path);
}

static struct vmf_image_options options_of(struct fuzz_choices *choices,
                                           const struct vmf_install_options *install)
{
  static const char *storages[4];
  static char names[3][FUZZ_PATH + 16];
  static const char *const called[] = {"local", "nfs", "local-lvm"};
  static const char *const languages[] = {NULL, "", "de", "de-CH,fr", "de_DE.UTF-8", "x-klingon"};
  char folder[FUZZ_PATH];

  fuzz_scratch_path("", folder);
  for (unsigned i = 0; i < 3; i++) {
    snprintf(names[i], sizeof names[i], "%s=%s", called[i], folder);
    storages[i] = names[i];
  }
  return (struct vmf_image_options){.size = sizeof(struct vmf_image_options),
                                    .threads = 1,
                                    .storages = fuzz_chance(choices, 2) ? storages : NULL,
                                    .install = install,
                                    .language = languages[fuzz_below(choices, 6)]};
}

static void look(struct vmf_machines *machines, const char *path)
{
  struct vmf_value *info = NULL;
  struct vmf_error error = {0};

  if (vmf_machines_info(machines, &info, &error) != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s: nothing is told of it, without a word", path);
  vmf_value_free(info);
}

/* Of the folder that is looked through. */
static const char *written_for;
static bool disks_alone;

/* What was written can be read, and for a platform it is what that takes. */
static int examine_file(const char *path, const struct stat *status, int kind, struct FTW *where)
{
  const struct vmf_image_options options = {.size = sizeof options, .threads = 1};
  struct vmf_machines *machines;
  struct vmf_error error;

  (void)status, (void)where;
  if (kind != FTW_F)
    return 0;
  bool described = !disks_alone && (vmf_machines_recognise(path) || vmf_package_recognise(path));
  if (described) {
    if (vmf_machines_open(path, &options, &machines, &error) != VMF_OK)
      fuzz_fault("%s, which was written: %s", path, error.text);
    look(machines, path);
    vmf_machines_close(machines);
  }
  if (described || (disks_alone && vmf_image_recognise(path)))
    fuzz_judge(path, written_for, true);
  return 0;
}

static void examine(const struct vmf_machine_target_options *target)
{
  struct vmf_profile_info profile = {.size = sizeof profile};
  struct vmf_error error;
  char folder[FUZZ_PATH];

  disks_alone = target->platform &&
                vmf_profile_find(target->platform, &profile, &error) == VMF_OK &&
                strcmp(profile.machines[0], "upload") == 0;
  written_for = target->platform;
  fuzz_scratch_path("moved", folder);
  nftw(folder, examine_file, 8, FTW_PHYS);
}

void fuzz_move(struct fuzz_choices *choices, const char *path,
               const struct vmf_install_options *install)
{
  static const char *const rules[] = {"VM Network=other", NULL}, *const left[] = {"0", NULL};
  const struct vmf_image_options options = options_of(choices, install);
  const struct vmf_package_target files = {.size = sizeof files, .no_sync = true, .threads = 1};
  struct vmf_value *losses = NULL;
  struct vmf_machine_target_options target = {.size = sizeof target,
                                              .system = fuzz_chance(choices, 3) ? "1" : NULL,
                                              .copy = fuzz_chance(choices, 4),
                                              .networks = fuzz_chance(choices, 6) ? rules : NULL,
                                              .strict = fuzz_chance(choices, 8),
                                              .dry_run = fuzz_chance(choices, 8),
                                              .without_disks =
                                                  fuzz_chance(choices, 6) ? left : NULL,

                                              .drivers = fuzz_chance(choices, 8) ? "virtio" : NULL,
                                              .files = &files,
                                              .losses = &losses};
  struct vmf_machines *machines;
  struct vmf_error error = {0};
  char moved[FUZZ_PATH];

  choose_target(choices, &target, moved);
  enum vmf_code code = vmf_machines_open(path, &options, &machines, &error);
  if (code == VMF_OK) {
    look(machines, path);
    code = vmf_machines_convert(machines, moved, &target, &error);
    vmf_machines_close(machines);
  }
  if (code == VMF_OK && !target.dry_run)
    examine(&target);
  if (code != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s is refused without a word", path);
  vmf_value_free(losses);
}
