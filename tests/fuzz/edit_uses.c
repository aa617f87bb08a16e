/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What else is done with a package: it comes on standard input, is looked into file by file,
 * validated, taken as a template; a conversion of it is stopped, and goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disks.h"
#include "edit_parts.h"
#include "models.h"

enum { CHUNK = 4096, LARGE = 8 << 20 };

/* ---- standard input ---- */

static void take_piped(struct fuzz_choices *choices, const char *path)
{
  const struct vmf_package_options options = {.size = sizeof options};
  struct vmf_package *package;
  struct vmf_error error = {0};
  unsigned how = fuzz_below(choices, 3);

  fuzz_pipe_from(path);
  if (how == 0)
    fuzz_judge("-", fuzz_platform(choices), false);
  else if (how == 1)
    fuzz_move(choices, "-", NULL);
  else if (vmf_package_open("-", &options, &package, &error) == VMF_OK)
    vmf_package_close(package);
  else if (strstr(path, ".ova"))
    fuzz_fault("%s on a pipe: %s", path, error.text);
  fuzz_pipe_end();
}

/* ---- file by file ---- */

static void open_named(const char *path, const char *disk)
{
  const struct vmf_image_options options = {
      .size = sizeof options, .threads = 1, .list_disks = disk == NULL};
  struct vmf_value *info;
  struct vmf_image *image;
  struct vmf_error error = {0};
  char name[FUZZ_PATH + 16];

  snprintf(name, sizeof name, "%s%s%s", path, disk ? "::" : "", disk ? disk : "");
  if (vmf_disk_open(name, &options, &image, &error) == VMF_OK) {
    if (vmf_image_info(image, &info, &error) == VMF_OK)
      vmf_value_free(info);
    vmf_image_close(image);
  } else if (error.text[0] == '\0') {
    fuzz_fault("%s is refused without a word", name);
  }
}

static void take_files(struct fuzz_choices *choices, const char *path)
{
  static const char *const disks[] = {"d1", "d2", "1", "2", "disk.vmdk", "cd.iso", "none", NULL};
  const struct vmf_image_options options = {.size = sizeof options, .threads = 1};
  struct vmf_package_file file = {.size = sizeof file};
  struct vmf_package *package = fuzz_open_package(path);
  struct vmf_image *image;
  struct vmf_error error;

  for (size_t i = 0; vmf_package_file(package, i, &file); i++) {
    if (vmf_package_open_file(package, file.name, &options, &image, &error) != VMF_OK)
      fuzz_fault("%s, %s: %s", path, file.name, error.text);
    vmf_image_close(image);
  }
  vmf_package_close(package);
  open_named(path, disks[fuzz_below(choices, 8)]);
}

/* ---- its schema, and a package made after it ---- */

static void ignore(void *data, const struct vmf_package_finding *finding)
{
  (void)data;
  (void)finding;
}

static void validate(struct fuzz_choices *choices, const char *path)
{
  static const char schema[] =
      "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" "
      "targetNamespace=\"http://schemas.dmtf.org/ovf/envelope/1\" "
      "elementFormDefault=\"qualified\">%s<xs:element name=\"Envelope\"><xs:complexType>"
      "<xs:sequence><xs:any processContents=\"lax\" minOccurs=\"0\" maxOccurs=\"%s\"/>"
      "</xs:sequence><xs:anyAttribute processContents=\"lax\"/></xs:complexType></xs:element>"
      "</xs:schema>";
  static const char *const imports[] = {
      "",
      "<xs:import namespace=\"http://www.w3.org/XML/1998/namespace\" schemaLocation=\"x.xsd\"/>",
      "<xs:import namespace=\"urn:none\"/>"};
  char text[1024], folder[FUZZ_PATH];
  struct vmf_package *package = fuzz_open_package(path);
  struct vmf_package_verdict verdict = {.size = sizeof verdict};
  struct vmf_error error = {0};

  int length = snprintf(text, sizeof text, schema, imports[fuzz_below(choices, 3)],
                        fuzz_chance(choices, 2) ? "1" : "unbounded");
  fuzz_scratch_path("schemas", folder);
  mkdir(folder, 0700);
  fuzz_scratch_write("schemas/dsp8023.xsd", text, (size_t)length);
  const struct vmf_package_check check = {
      .size = sizeof check, .schema_folder = folder, .threads = 1, .findings = {ignore, NULL}};
  if (vmf_package_verify(package, &check, &verdict, &error) != VMF_OK && error.text[0] == '\0')
    fuzz_fault("%s is not validated, without a word", path);
  vmf_package_close(package);
}

static void pack_like(struct fuzz_choices *choices, const char *path)
{
  const struct vmf_package_target target = {.size = sizeof target, .no_sync = true, .threads = 1};
  struct vmf_machine_options machine = {.size = sizeof machine,
                                        .template_ = fuzz_open_package(path)};
  struct fuzz_disk disk = fuzz_disk_make(choices);
  struct vmf_image *image = fuzz_disk_image(&disk);
  struct vmf_error error = {0};
  char made[FUZZ_PATH];

  fuzz_scratch_path("like.ova", made);
  if (vmf_package_pack(&image, 1, &machine, made, &target, &error) == VMF_OK)
    vmf_package_close(fuzz_open_package(made));
  else if (error.text[0] == '\0')
    fuzz_fault("%s is no template, without a word", path);
  vmf_image_close(image);
  vmf_package_close(machine.template_);
  free(disk.bytes);
}

/* ---- stopped, and going on ---- */

struct stopping {
  struct vmf_cancel cancel;
  unsigned left; /* calls until it stops */
};

static void stop(void *data, uint64_t done, uint64_t total)
{
  struct stopping *stopping = data;

  (void)done, (void)total;
  if (stopping->left-- == 0)
    vmf_cancel_request(&stopping->cancel);
}

static void expect_same(struct vmf_image *image, struct vmf_image *written, const char *what)
{
  const struct vmf_job_options job = {.size = sizeof job, .threads = 1, .checksum = "sha256"};
  struct vmf_job_result compared = {.size = sizeof compared};
  struct vmf_job_result was = {.size = sizeof was}, is = {.size = sizeof is};
  struct vmf_error error;

  if (vmf_compare(image, written, &job, &compared, &error) != VMF_OK ||
      vmf_checksum(image, &job, &was, &error) != VMF_OK ||
      vmf_checksum(written, &job, &is, &error) != VMF_OK)
    fuzz_fault("%s: %s", what, error.text);
  if (!compared.identical)
    fuzz_fault("%s: byte %llu is another one", what, (unsigned long long)compared.difference);
  if (!compared.sizes_differ && memcmp(is.checksum, was.checksum, was.checksum_length) != 0)
    fuzz_fault("%s: another checksum", what);
}

static void resume_package(struct fuzz_choices *choices, const char *path)
{
  static const char *const forms[] = {"qcow2", "vmdk", "raw", "streamOptimized"};
  struct stopping stopping = {.left = fuzz_below(choices, 4)};
  struct vmf_package_target target = {.size = sizeof target,
                                      .disk_format = forms[fuzz_below(choices, 4)],
                                      .no_sync = true,
                                      .threads = 1,
                                      .progress = stop,
                                      .progress_data = &stopping,
                                      .cancel = &stopping.cancel,
                                      .journal_chunk = CHUNK,
                                      .journal = VMF_JOURNAL_WHERE_POSSIBLE};
  struct vmf_package *package = fuzz_open_package(path);
  struct vmf_error error;
  char folder[FUZZ_PATH], made[FUZZ_PATH];

  fuzz_scratch_path("resumed", folder);
  fuzz_scratch_path("resumed/vm.ovf", made);
  mkdir(folder, 0700);
  enum vmf_code code = vmf_package_convert(package, made, &target, &error);
  if (code == VMF_CANCELLED) {
    target.cancel = NULL;
    target.resume = true;
    target.journal = VMF_JOURNAL_WANTED;
    code = vmf_package_convert(package, made, &target, &error);
    if (code != VMF_OK && code != VMF_UNSUPPORTED && code != VMF_USAGE)
      fuzz_fault("%s does not go on: %s", made, error.text);
  }
  struct vmf_package *written = code == VMF_OK ? fuzz_open_package(made) : NULL;
  struct vmf_image *image, *copy;
  if (written && vmf_package_open_disk(package, NULL, NULL, &image, &error) == VMF_OK) {
    if (vmf_package_open_disk(written, NULL, NULL, &copy, &error) != VMF_OK)
      fuzz_fault("%s: %s", made, error.text);
    expect_same(image, copy, made);
    vmf_image_close(copy);
    vmf_image_close(image);
  }
  vmf_package_close(written);
  vmf_package_close(package);
}

/* One run; whether it was stopped. */
static bool write_disk(struct vmf_image *image, const char *path, const char *format, bool resume,
                       struct stopping *stopping)
{
  const struct vmf_target_options options = {.size = sizeof options,
                                             .format = format,
                                             .source = image,
                                             .no_sync = true,
                                             .source_unchanged = true,
                                             .journal_chunk = CHUNK,
                                             .journal = VMF_JOURNAL_WANTED,
                                             .resume = resume};
  const struct vmf_job_options job = {.size = sizeof job,
                                      .threads = 1,
                                      .sparse_size = CHUNK,
                                      .progress = stopping ? stop : NULL,
                                      .progress_data = stopping,
                                      .cancel = stopping ? &stopping->cancel : NULL};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_target *target = NULL;
  struct vmf_error error;

  enum vmf_code code = vmf_target_create(path, vmf_image_size(image), &options, &target, &error);
  if (code == VMF_OK)
    code = vmf_convert(image, target, &job, &result, &error);
  if (code == VMF_OK)
    code = vmf_target_commit(target, &error);
  vmf_target_close(target);
  if (code != VMF_OK && code != VMF_CANCELLED)
    fuzz_fault("%s%s: %s", path, resume ? ", taken up" : "", error.text);
  return code == VMF_CANCELLED;
}

static struct vmf_image *open_disk(const char *path)
{
  struct vmf_image *image;
  struct vmf_error error;

  if (vmf_image_open(path, NULL, &image, &error) != VMF_OK)
    fuzz_fault("%s: %s", path, error.text);
  return image;
}

/* What it has become is then brought into it. */
static void apply(struct fuzz_choices *choices, struct fuzz_disk *disk, const char *path)
{
  const struct vmf_apply_options options = {.size = sizeof options, .no_sync = true};
  const struct vmf_job_options job = {.size = sizeof job, .threads = 1};
  struct vmf_job_result result = {.size = sizeof result};
  struct vmf_error error;

  fuzz_disk_change(choices, disk);
  struct vmf_image *changed = fuzz_disk_image(disk);
  enum vmf_code code = vmf_apply(changed, path, &options, &job, &result, &error);
  vmf_image_close(changed);
  if (code != VMF_OK && code != VMF_USAGE && code != VMF_UNSUPPORTED)
    fuzz_fault("%s: %s", path, error.text);
  if (code != VMF_OK)
    return;
  struct vmf_image *image = open_disk(path);
  fuzz_disk_expect(image, disk, path);
  vmf_image_close(image);
}

/* As large as several jobs, between which it is stopped. */
static struct fuzz_disk make_large(struct fuzz_choices *choices)
{
  struct fuzz_disk disk = {.bytes = calloc(1, LARGE), .size = LARGE};

  if (!disk.bytes)
    fuzz_fault("no memory");
  for (size_t at = 0; at < LARGE; at += 1 << 16)
    disk.bytes[at] = (uint8_t)(at >> 16);
  fuzz_disk_change(choices, &disk);
  return disk;
}

static void resume_disk(struct fuzz_choices *choices)
{
  static const char *const formats[] = {"qcow2", "vmdk", "raw", "vhdx", "vdi", "vpc"};
  const char *format = formats[fuzz_below(choices, 6)];
  struct stopping stopping = {.left = fuzz_below(choices, 8)};
  struct fuzz_disk disk = make_large(choices);
  char path[FUZZ_PATH], source[FUZZ_PATH], name[24];

  snprintf(name, sizeof name, "resumed.%s", format);
  fuzz_scratch_path(name, path);
  fuzz_scratch_write("source.raw", disk.bytes, disk.size);
  fuzz_scratch_path("source.raw", source);
  struct vmf_image *image = open_disk(source);
  if (write_disk(image, path, format, false, &stopping))
    write_disk(image, path, format, true, NULL);
  vmf_image_close(image);
  image = open_disk(path);
  fuzz_disk_expect(image, &disk, path);
  vmf_image_close(image);
  apply(choices, &disk, path);
  free(disk.bytes);
}

void fuzz_use_package(struct fuzz_choices *choices, const char *path)
{
  switch (fuzz_below(choices, 6)) {
  case 0:
    take_piped(choices, path);
    break;
  case 1:
    take_files(choices, path);
    break;
  case 2:
    validate(choices, path);
    break;
  case 3:
    pack_like(choices, path);
    break;
  case 4:
    resume_package(choices, path);
    break;
  default:
    resume_disk(choices);
  }
}
