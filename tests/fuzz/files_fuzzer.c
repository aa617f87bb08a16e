/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files beside each other: the first one is taken as all that it may be (a disk, with what it
 * names; a package; a machine), by its name or on standard input, and converted. An input is a byte
 * of choices, then each file as "NAME\nLENGTH\n" and its bytes. Anything may fail; what is
 * converted has the checksum of what was read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examine.h"
#include "fuzz.h"
#include "scratch_files.h"
#include "vmferry.h"

enum { FILES = 24, NAME = 80, BYTES_MAX = 8 << 20, PIPED = 1, SALVAGED = 2, STRICT = 4 };

/* Whether it stays in the folder. */
static bool good_name(const char *name)
{
  return name[0] != '\0' && name[0] != '/' && !strstr(name, "..") && !strstr(name, "//") &&
         strlen(name) < NAME;
}

static void make_folders(const char *name)
{
  char part[NAME], path[FUZZ_PATH];

  for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
    snprintf(part, sizeof part, "%.*s", (int)(slash - name), name);
    fuzz_scratch_path(part, path);
    mkdir(path, 0700);
  }
}

/* How many bytes of the input the file took; 0: there is none any more. */
static size_t put_file(const uint8_t *data, size_t size, char name[NAME])
{
  const uint8_t *end = memchr(data, '\n', size < NAME ? size : NAME), *second;
  char path[FUZZ_PATH];
  struct stat status;

  if (!end)
    return 0;
  snprintf(name, NAME, "%.*s", (int)(end - data), (const char *)data);
  second = memchr(end + 1, '\n', size - (size_t)(end + 1 - data));
  if (!second || !good_name(name))
    return 0;
  size_t head = (size_t)(second + 1 - data), length = 0;
  for (const uint8_t *digit = end + 1;
       digit < second && *digit >= '0' && *digit <= '9' && length < size; digit++)
    length = length * 10 + (*digit - '0');
  if (length > size - head)
    length = size - head;
  make_folders(name);
  fuzz_scratch_path(name, path);
  /* not below another file, and not again */
  if (name[strlen(name) - 1] != '/' && stat(path, &status) != 0 && errno == ENOENT)
    fuzz_scratch_write(name, second + 1, length);
  return head + length;
}

static void ignore_lost(void *data, uint64_t guest, uint64_t length, const char *why)
{
  (void)data;
  (void)guest;
  (void)length;
  (void)why;
}

static void convert_disk(struct vmf_image *image, unsigned choices)
{
  const char *formats[] = {"qcow2", "vmdk", "vhdx", "vdi"};
  char path[FUZZ_PATH];
  const struct vmf_target_options options = {.size = sizeof options,
                                             .format = formats[choices >> 4 & 3],
                                             .no_sync = true,
                                             .bitmaps = choices & STRICT,
                                             .skip_broken_bitmaps = true,
                                             .source = image};
  const struct vmf_job_options job = {.size = sizeof job,
                                      .threads = 2,
                                      .checksum = "sha256",
                                      .sparse_size = 4096,
                                      .max_bytes = BYTES_MAX,
                                      .lost = choices & SALVAGED ? ignore_lost : NULL};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target;
  struct vmf_error error;

  fuzz_scratch_path("converted", path);
  if (vmf_target_create(path, vmf_image_size(image), &options, &target, &error) != VMF_OK)
    return;
  if (vmf_convert(image, target, &job, &result, &error) == VMF_OK &&
      (vmf_verify(target, &job, &result, &error) != VMF_OK ||
       vmf_target_commit(target, &error) != VMF_OK))
    fuzz_fault("what was converted is not what was read: %s", error.text);
  vmf_target_close(target);
}

static struct vmf_image_options image_options(const char *snapshot)
{
  return (struct vmf_image_options){.size = sizeof(struct vmf_image_options),
                                    .max_bytes = BYTES_MAX,
                                    .snapshot = snapshot,
                                    .threads = 2};
}

static void try_disk(const char *path, unsigned choices)
{
  struct vmf_image_options options = image_options(choices >> 6 == 1 ? "1" : NULL);
  struct vmf_value *found = NULL;
  struct vmf_image *image;
  struct vmf_error error = {0};

  options.found = &found;
  options.salvage = choices & SALVAGED;
  options.unknown_is_raw = choices & STRICT;
  options.list_disks = choices >> 6 == 2;
  options.disk = choices >> 6 == 3 ? "1" : NULL;
  if (vmf_disk_open(path, &options, &image, &error) == VMF_OK) {
    examine(image);
    convert_disk(image, choices);
    vmf_image_close(image);
  } else if (error.text[0] == '\0') {
    fuzz_fault("%s is refused without a word", path);
  }
  vmf_value_free(found);
}

static void ignore(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  if (!finding->text || !finding->rule)
    fuzz_fault("a finding without a text");
}

static void try_package(const char *path, unsigned choices)
{
  const struct vmf_package_options options = {.size = sizeof options, .max_bytes = BYTES_MAX};
  const struct vmf_package_check check = {
      .size = sizeof check, .threads = 1, .findings = {ignore, NULL}, .max_bytes = BYTES_MAX};
  const struct vmf_package_trust trust = {.size = sizeof trust, .no_verify = choices & STRICT};
  const struct vmf_package_target target = {.size = sizeof target,
                                            .disk_format = choices & 16 ? "streamOptimized" : NULL,
                                            .no_sync = true,
                                            .trust = &trust,
                                            .findings = {ignore, NULL},
                                            .max_bytes = BYTES_MAX};
  struct vmf_package_verdict verdict = {.size = sizeof verdict};
  struct vmf_package *package;
  struct vmf_value *info = NULL;
  struct vmf_error error;
  char converted[FUZZ_PATH];

  if (vmf_package_open(path, &options, &package, &error) != VMF_OK)
    return;
  enum vmf_code code = vmf_package_info(package, &info, &error);
  vmf_value_free(info);
  code = vmf_package_verify(package, &check, &verdict, &error);
  fuzz_scratch_path("converted.ova", converted);
  code = vmf_package_convert(package, converted, &target, &error);
  vmf_package_close(package);
  if (code == VMF_OK && vmf_package_open(converted, &options, &package, &error) == VMF_OK)
    vmf_package_close(package);
  else if (code == VMF_OK)
    fuzz_fault("%s, converted, cannot be opened: %s", path, error.text);
}

static void try_machine(const char *path, unsigned choices)
{
  const struct vmf_image_options options = image_options(NULL);
  const struct vmf_package_target files = {
      .size = sizeof files, .no_sync = true, .max_bytes = BYTES_MAX};
  struct vmf_machine_format_info format = {.size = sizeof format};
  struct vmf_machine_target_options target = {.size = sizeof target,
                                              .files = &files,
                                              .copy = choices & STRICT,
                                              .dry_run = choices & SALVAGED};
  struct vmf_machines *machines;
  struct vmf_value *info = NULL;
  struct vmf_error error;
  char folder[FUZZ_PATH];

  if (vmf_machines_open(path, &options, &machines, &error) != VMF_OK)
    return;
  if (vmf_machines_info(machines, &info, &error) == VMF_OK)
    vmf_value_free(info);
  fuzz_scratch_path("moved", folder);
  mkdir(folder, 0700);
  target.format = vmf_machine_format_describe(choices >> 4 & 7, &format) && format.writable
                      ? format.name
                      : "ovf";
  enum vmf_code code = vmf_machines_convert(machines, folder, &target, &error);
  if (code != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s is refused without a word", path);
  vmf_machines_close(machines);
}

static void try_lint(const char *path, unsigned choices)
{
  struct vmf_profile_info profile = {.size = sizeof profile};
  struct vmf_lint_result result = {.size = sizeof result};
  struct vmf_error error = {0};

  if (vmf_profile_describe(choices >> 3 & 7, &profile) &&
      vmf_lint(path, profile.name, NULL, &result, &error) != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s is refused without a word", path);
}

static void try_all(const char *path, unsigned choices)
{
  char *resolved;
  struct vmf_error error;

  if (vmf_location_resolve(path, true, &resolved, &error) == VMF_OK)
    free(resolved);
  if (vmf_image_recognise(path) || !(choices & STRICT))
    try_disk(path, choices);
  if (vmf_package_recognise(path))
    try_package(path, choices);
  if (vmf_machines_recognise(path) || choices & STRICT)
    try_machine(path, choices);
  try_lint(path, choices);
}

static void try_piped(const char *path, unsigned choices)
{
  fuzz_pipe_from(path);
  if (choices & 8)
    try_machine("-", choices);
  else
    try_disk("-", choices);
  fuzz_pipe_end();
}

void fuzz_files(const char *unused, const uint8_t *data, size_t size)
{
  char name[NAME], first[NAME] = "", path[FUZZ_PATH];
  size_t at = 1;

  (void)unused;
  fuzz_scratch_clear();
  for (unsigned i = 0; i < FILES && at < size; i++) {
    size_t took = put_file(data + at, size - at, name);
    if (took == 0)
      break;
    if (i == 0)
      memcpy(first, name, sizeof first);
    at += took;
  }
  if (!first[0])
    return;
  fuzz_scratch_path(first, path);
  if (data[0] & PIPED && path[strlen(path) - 1] != '/')
    try_piped(path, data[0]);
  else
    try_all(path, data[0]);
}
