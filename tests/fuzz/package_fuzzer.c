/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package is made of any disks and machine, then converted, signed, edited, taken as a
 * machine, or damaged. One that nobody damaged conforms, verifies and has the disks that went in;
 * one that was damaged, and verifies all the same, too. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "machine_format.h"
#include "models.h"
#include "package_maker.h"

static void check_disk(const struct fuzz_package *package, struct vmf_package *open, size_t index,
                       bool damaged)
{
  struct vmf_package_disk disk = {.size = sizeof disk};
  const struct vmf_image_options options = {.size = sizeof options};
  struct vmf_image *image;
  struct vmf_error error;

  if (!vmf_package_disk(open, index, &disk) || !disk.id)
    return;
  if (vmf_package_open_disk(open, disk.id, &options, &image, &error) == VMF_OK) {
    if (index < package->count)
      fuzz_disk_expect(image, &package->disks[index], disk.file_name);
    vmf_image_close(image);
  } else if (!damaged) {
    fuzz_fault("%s: %s: %s", package->path, disk.id, error.text);
  }
}

static void tell(void *data, const struct vmf_package_finding *finding)
{
  if (*(bool *)data && finding->severity >= VMF_SEVERITY_VIOLATION)
    fuzz_fault("%s: %s", finding->rule, finding->text);
}

static void verify(const struct fuzz_package *package, struct vmf_package *open, bool damaged)
{
  bool fault = !damaged;
  const struct vmf_package_check check = {
      .size = sizeof check, .threads = 2, .findings = {tell, &fault}};
  struct vmf_package_verdict verdict = {.size = sizeof verdict};
  struct vmf_error error;

  enum vmf_code code = vmf_package_verify(open, &check, &verdict, &error);
  if (code != VMF_OK && !damaged)
    fuzz_fault("%s: verify: %s", package->path, error.text);
  bool good = code == VMF_OK && verdict.has_manifest && verdict.counts[VMF_SEVERITY_FAILURE] == 0;
  for (size_t i = 0; good && i < package->count; i++)
    check_disk(package, open, i, damaged);
}

static void look_at_machines(const char *path, bool damaged)
{
  const struct vmf_image_options options = {.size = sizeof options};
  struct vmf_machines *machines;
  struct vmf_value *info;
  struct vmf_error error;

  enum vmf_code code = vmf_machines_open(path, &options, &machines, &error);
  if (code == VMF_OK) {
    code = vmf_machines_info(machines, &info, &error);
    vmf_value_free(code == VMF_OK ? info : NULL);
    vmf_machines_close(machines);
  }
  if (code != VMF_OK && !damaged)
    fuzz_fault("%s: %s", path, error.text);
}

static void judge(struct fuzz_choices *choices, const char *path)
{
  const char *platform = fuzz_platform(choices);
  struct vmf_lint_result result = {.size = sizeof result};
  struct vmf_error error;

  if (platform && vmf_lint(path, platform, NULL, &result, &error) != VMF_OK &&
      error.text[0] == '\0')
    fuzz_fault("lint says nothing");
}

static void examine(struct fuzz_choices *choices, const struct fuzz_package *package, bool damaged)
{
  const struct vmf_package_options options = {.size = sizeof options};
  struct vmf_package *open;
  struct vmf_value *info = NULL;
  struct vmf_error error;

  judge(choices, package->path);
  look_at_machines(package->path, damaged);
  vmf_package_recognise(package->path);
  if (vmf_package_open(package->path, &options, &open, &error) != VMF_OK) {
    if (!damaged)
      fuzz_fault("%s: %s", package->path, error.text);
    return;
  }
  if (vmf_package_info(open, &info, &error) != VMF_OK && !damaged)
    fuzz_fault("%s: info: %s", package->path, error.text);
  vmf_value_free(info);
  verify(package, open, damaged);
  vmf_package_close(open);
}

/* Into another package, which is then examined. */
static void convert(struct fuzz_choices *choices, const struct fuzz_package *package, bool damaged)
{
  const struct vmf_package_options options = {.size = sizeof options};
  const struct vmf_package_target target = fuzz_package_target(choices);
  struct fuzz_package converted = *package;
  struct vmf_package *open;
  struct vmf_error error;

  fuzz_package_path(choices, "converted", converted.path);
  if (vmf_package_open(package->path, &options, &open, &error) != VMF_OK)
    return;
  enum vmf_code code = vmf_package_convert(open, converted.path, &target, &error);
  vmf_package_close(open);
  if (code == VMF_OK)
    examine(choices, &converted, damaged);
  else if (!damaged && code != VMF_USAGE && code != VMF_UNSUPPORTED)
    fuzz_fault("%s to %s: %s", package->path, converted.path, error.text);
}

static void sign(struct fuzz_choices *choices, const struct fuzz_package *package, bool damaged)
{
  const struct vmf_package_target target = fuzz_package_target(choices);
  enum vmf_signing_action action = fuzz_below(choices, 3);
  struct fuzz_package is = *package;
  struct vmf_error error;

  enum vmf_code code = vmf_package_sign(package->path, action, &target, &error);
  if (damaged && action == VMF_SIGNING_RENEW)
    is.count = 0; /* the new manifest says what the disks are by now */
  if (code == VMF_OK)
    examine(choices, &is, damaged);
  else if (!damaged && code != VMF_USAGE && code != VMF_UNSUPPORTED)
    fuzz_fault("%s: sign: %s", package->path, error.text);
}

/* What changes in place is the machine: the disks stay. */
static void edit(struct fuzz_choices *choices, const struct fuzz_package *package, bool damaged)
{
  static const char *const networks[] = {"VM Network=other", NULL};
  const struct vmf_package_target files = fuzz_package_target(choices);
  const struct vmf_edit_target target = {
      .size = sizeof target, .dry_run = fuzz_chance(choices, 4), .files = &files};
  const char *eula = fuzz_word(choices);
  const struct vmf_nic_edit nic = {.number = fuzz_below(choices, 3),
                                   .remove = fuzz_chance(choices, 4),
                                   .model = fuzz_chance(choices, 2) ? "VmxNet3" : NULL,
                                   .network = fuzz_word(choices)};
  const struct vmf_property_options property = {.key = "a.b", .value = fuzz_word(choices)};
  const struct vmf_machine_edits edits = {
      .size = sizeof edits,
      .name = fuzz_chance(choices, 2) ? fuzz_word(choices) : NULL,
      .cpus = fuzz_below(choices, 9),
      .memory = (uint64_t)fuzz_below(choices, 64) << 24,
      .os = fuzz_chance(choices, 4) ? "ubuntu-64" : NULL,
      .firmware = fuzz_chance(choices, 4) ? "efi" : NULL,
      .annotation = fuzz_chance(choices, 2) ? fuzz_word(choices) : NULL,
      .networks = fuzz_chance(choices, 4) ? networks : NULL,
      .nics = &nic,
      .nic_count = fuzz_below(choices, 2),
      .properties = &property,
      .property_count = fuzz_below(choices, 2),
      .eulas = &eula,
      .eula_count = fuzz_below(choices, 2),
      .remove_cd = fuzz_chance(choices, 4)};
  struct vmf_error error;

  enum vmf_code code = vmf_machine_edit(package->path, &edits, &target, &error);
  if (code == VMF_OK)
    examine(choices, package, damaged);
  else if (!damaged && code != VMF_USAGE && code != VMF_UNSUPPORTED)
    fuzz_fault("%s: edit: %s", package->path, error.text);
}

/* Each disk that a machine has beside it has the content of one of the package. */
static void check_beside(const char *folder, const struct fuzz_package *package)
{
  struct dirent **names = NULL;
  int count = scandir(folder, &names, NULL, alphasort);

  for (int i = 0; i < count; i++) {
    char path[2 * FUZZ_PATH];
    struct vmf_image *image;
    struct stat status;
    struct vmf_error error;
    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    free(names[i]);
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || !vmf_image_recognise(path) ||
        strstr(path, "-flat.") || strstr(path, "-s0") || strstr(path, "-ovf-env.iso"))
      continue;
    if (vmf_image_open(path, NULL, &image, &error) == VMF_OK) {
      uint64_t largest = 0;
      for (unsigned disk = 0; disk < package->count; disk++)
        if (package->disks[disk].size > largest)
          largest = package->disks[disk].size;
      if (vmf_image_size(image) > largest + (2 << 20) && package->count == 1)
        fuzz_fault("%s has more bytes than any disk", path);
      if (package->count == 1)
        fuzz_disk_expect(image, &package->disks[0], path);
      vmf_image_close(image);
    }
  }
  free(names);
}

/* As a machine, in any format. */
static void move(struct fuzz_choices *choices, const struct fuzz_package *package, bool damaged)
{
  const struct vmf_image_options options = {.size = sizeof options};
  const struct vmf_package_target files = {.size = sizeof files, .no_sync = true, .threads = 2};
  struct vmf_machine_format_info format = {.size = sizeof format};
  struct vmf_value *losses = NULL;
  struct vmf_machine_target_options target = {.size = sizeof target,
                                              .copy = fuzz_chance(choices, 2),
                                              .strict = fuzz_chance(choices, 4),
                                              .dry_run = fuzz_chance(choices, 8),
                                              .platform = fuzz_platform(choices),
                                              .drivers = fuzz_chance(choices, 4) ? "virtio" : NULL,
                                              .files = &files,
                                              .losses = &losses};
  char folder[FUZZ_PATH], path[2 * FUZZ_PATH];
  struct vmf_machines *machines;
  struct vmf_error error;
  size_t formats = 0;

  while (vmf_machine_format_describe(formats, &format))
    formats++;
  if (!vmf_machine_format_describe(fuzz_below(choices, (unsigned)formats), &format) ||
      !format.writable)
    return;
  target.format = format.name;
  fuzz_scratch_path("moved", folder);
  mkdir(folder, 0700);
  snprintf(path, sizeof path, "%s/vm.%s", folder,
           format.container                        ? format.container
           : format.suffixes && format.suffixes[0] ? format.suffixes[0]
                                                   : "x");
  if (vmf_machines_open(package->path, &options, &machines, &error) != VMF_OK)
    return;
  enum vmf_code code =
      vmf_machines_convert(machines, fuzz_chance(choices, 4) ? folder : path, &target, &error);
  vmf_value_free(losses);
  vmf_machines_close(machines);
  if (code == VMF_OK && !target.dry_run && !damaged) {
    if (vmf_machines_recognise(path))
      look_at_machines(path, false);
    check_beside(folder, package);
  } else if (!damaged && code != VMF_OK && code != VMF_USAGE && code != VMF_UNSUPPORTED &&
             code != VMF_REFUSED && code != VMF_LIMIT) {
    fuzz_fault("%s as %s: %s", package->path, format.name, error.text);
  }
}

/* Some bytes of one of its files. */
static void damage(struct fuzz_choices *choices, const struct fuzz_package *package)
{
  char path[FUZZ_PATH], inner[2 * FUZZ_PATH];
  struct dirent **names = NULL;

  snprintf(path, sizeof path, "%s", package->path);
  snprintf(inner, sizeof inner, "%s", path);
  if (strcmp(path + strlen(path) - 4, ".ovf") == 0) {
    *strrchr(path, '/') = '\0';
    int count = scandir(path, &names, NULL, alphasort);
    int chosen = 2 + (int)fuzz_below(choices, (unsigned)count - 2);
    snprintf(inner, sizeof inner, "%s/%s", path, names[chosen]->d_name);
    while (count > 0)
      free(names[--count]);
    free(names);
  }
  FILE *file = fopen(inner, "r+b");
  if (!file || fseek(file, 0, SEEK_END) != 0)
    fuzz_fault("%s cannot be changed", inner);
  long size = ftell(file);
  for (unsigned i = 1 + fuzz_below(choices, 4); i > 0 && size > 0; i--) {
    long at = (long)(fuzz_number(choices) % (uint64_t)size);
    if (fuzz_chance(choices, 2))
      at = at / 512 * 512 + (long)fuzz_below(choices, 160);
    fseek(file, at < size ? at : size - 1, SEEK_SET);
    fputc((int)fuzz_byte(choices), file);
  }
  fclose(file);
}

void fuzz_package(const char *unused, const uint8_t *data, size_t size)
{
  struct fuzz_choices choices = {data, size};
  struct fuzz_package package;

  (void)unused;
  fuzz_scratch_clear();
  if (!fuzz_package_make(&choices, &package))
    return;
  bool damaged = fuzz_chance(&choices, 2);
  if (damaged)
    damage(&choices, &package);
  examine(&choices, &package, damaged);
  switch (fuzz_below(&choices, 4)) {
  case 0:
    convert(&choices, &package, damaged);
    break;
  case 1:
    sign(&choices, &package, damaged);
    break;
  case 2:
    move(&choices, &package, damaged);
    break;
  default:
    edit(&choices, &package, damaged);
  }
  fuzz_package_free(&package);
}
