/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Opening what a person calls a disk: by its names in a package, through the gate. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "archived.h"
#include "caller.h"
#include "gate.h"
#include "memory.h"
#include "package.h"
#include "remote_io.h"
#include "view.h"

/* ---- by name ---- */

static bool is_called(const struct vmf_package *package, const struct vmf_ovf_disk *disk,
                      const char *name, int kind)
{
  const struct vmf_ovf_file *file =
      disk->file_ref ? vmf_ovf_file(package->ovf, disk->file_ref) : NULL;
  VMF_AUTO_FREE char *stored = NULL;

  if (kind == 0)
    return disk->id && strcmp(disk->id, name) == 0;
  if (kind == 1)
    return disk->file_ref && strcmp(disk->file_ref, name) == 0;
  if (!file || !file->href)
    return false;
  if (strcmp(file->href, name) == 0)
    return true;
  return vmf_package_href(package, file, &stored, NULL) == VMF_OK && strcmp(stored, name) == 0;
}

/* "vmdisk1 (disk1.vmdk), vmdisk2 (disk2.vmdk)" */
static void list_disks(const struct vmf_package *package, char *text, size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (size_t i = 0; i < package->ovf->disk_count && used < size; i++) {
    struct vmf_package_disk disk = {.size = sizeof disk};
    if (!vmf_package_disk(package, i, &disk))
      break;
    int length = snprintf(text + used, size - used, "%s%s (%s)", i > 0 ? ", " : "",
                          disk.id ? disk.id : "?", disk.file_name ? disk.file_name : "no file");
    used += length > 0 ? (size_t)length : size;
  }
}

/* Where nothing is called so, it is the number, as in other files that hold several disks. */
static enum vmf_code find_disk(const struct vmf_package *package, const char *name,
                               const struct vmf_ovf_disk **disk, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;
  char there[300], number[24];

  for (int kind = 0; kind < 3; kind++)
    for (size_t i = 0; i < ovf->disk_count; i++)
      if (is_called(package, &ovf->disks[i], name, kind)) {
        *disk = &ovf->disks[i];
        return VMF_OK;
      }
  for (size_t i = 0; i < ovf->disk_count; i++) {
    snprintf(number, sizeof number, "%zu", i + 1);
    if (strcmp(number, name) == 0) {
      *disk = &ovf->disks[i];
      return VMF_OK;
    }
  }
  list_disks(package, there, sizeof there);
  return vmf_fail(error, VMF_USAGE, "%s: has no disk \"%s\"; there are: %s", package->path, name,
                  there[0] ? there : "none");
}

static enum vmf_code find_only_disk(const struct vmf_package *package,
                                    const struct vmf_ovf_disk **disk, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;
  char there[300];
  size_t count = 0;

  for (size_t i = 0; i < ovf->disk_count; i++)
    if (ovf->disks[i].file_ref) {
      *disk = &ovf->disks[i];
      count++;
    }
  if (count == 1)
    return VMF_OK;
  list_disks(package, there, sizeof there);
  if (count == 0)
    return vmf_fail(error, VMF_USAGE, "%s: has no disk with a file", package->path);
  return vmf_fail(error, VMF_USAGE, "%s: has %zu disks; name one as %s::DISK: %s", package->path,
                  count, package->path, there);
}

static const char *name_of(const struct vmf_ovf_disk *disk)
{
  return disk->id ? disk->id : "?";
}

/* Of a package whose only disk with a file is taken: all the rest. */
static void tell_rest(void *owner, struct vmf_report *report)
{
  const struct vmf_package *package = owner;
  const struct vmf_ovf *ovf = package->ovf;

  for (size_t i = 0; i < ovf->disk_count; i++)
    if (!ovf->disks[i].file_ref)
      vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-disk", package->name, ovf->disks[i].line,
                     "disk \"%s\" is empty (%llu bytes) and is left out; %s::%s names it",
                     name_of(&ovf->disks[i]), (unsigned long long)ovf->disks[i].capacity,
                     package->path, name_of(&ovf->disks[i]));
  for (size_t i = 0; i < ovf->file_count; i++) {
    const struct vmf_ovf_file *file = &ovf->files[i];
    bool disk = false;
    for (size_t j = 0; j < ovf->disk_count && !disk; j++)
      disk = ovf->disks[j].file_ref && vmf_ovf_file(ovf, ovf->disks[j].file_ref) == file;
    if (!disk)
      vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-file", package->name, file->line,
                     "file \"%s\" is no disk, and is left out", file->href ? file->href : "");
  }
}

/* A disk without a file is zeros. */
static enum vmf_code open_empty(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                                const struct vmf_image_options *options, struct vmf_image **image,
                                struct vmf_error *error)
{
  struct vmf_image_options raw = *options;
  struct vmf_image_origin origin = {.release = vmf_package_release, .owner = package};
  VMF_AUTO_FREE char *name = NULL;

  if (!disk->capacity_known || disk->parent_ref)
    return vmf_fail(error, VMF_CORRUPT, "%s: disk \"%s\" has no file, and %s", package->path,
                    name_of(disk),
                    disk->parent_ref ? "a parent" : "no capacity that could be read");
  VMF_TRY(vmf_format(&name, error, "%s::%s", package->path, name_of(disk)));
  VMF_TRY(vmf_io_blank(name, disk->capacity, &origin.io, error));
  raw.format = "raw";
  atomic_fetch_add(&package->users, 1);
  return vmf_image_open_origin(&origin, &raw, image, error);
}

/* The files of a disk and of those that it is a delta to. */
static enum vmf_code add_files(struct vmf_gate *gate, const struct vmf_ovf_disk *disk,
                               struct vmf_error *error)
{
  const struct vmf_ovf *ovf = gate->package->ovf;

  for (unsigned depth = 0; disk && depth < VMF_PACKAGE_CHAIN; depth++) {
    const struct vmf_ovf_file *file = disk->file_ref ? vmf_ovf_file(ovf, disk->file_ref) : NULL;
    if (file)
      VMF_TRY(vmf_gate_file(gate, file, error));
    disk = disk->parent_ref ? vmf_ovf_disk(ovf, disk->parent_ref) : NULL;
  }
  return VMF_OK;
}

static enum vmf_code open_through(struct vmf_gate *gate, const struct vmf_ovf_disk *disk,
                                  const struct vmf_image_options *options, struct vmf_image **image,
                                  struct vmf_error *error)
{
  static const struct vmf_image_options defaults = {.size = sizeof defaults};
  enum vmf_code code = add_files(gate, disk, error);

  if (!disk->file_ref)
    return vmf_gate_pass(
        gate, open_empty(gate->package, disk, options ? options : &defaults, image, error), error);
  if (code == VMF_OK)
    code = vmf_package_open_image(gate->package, disk, options, image, error);
  if (code == VMF_OK)
    code = vmf_gate_image(gate, *image, error);
  return vmf_gate_pass(gate, code, error);
}

enum vmf_code vmf_gate_open_disk(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                                 const struct vmf_image_options *options, struct vmf_image **image,
                                 struct vmf_error *error)
{
  struct vmf_gate gate;

  VMF_TRY(vmf_gate_new(package, options ? options->trust : NULL, &gate, error));
  if (options) {
    gate.threads = options->threads;
    gate.crew = options->crew;
    gate.cancel = options->cancel;
  }
  enum vmf_code code = open_through(&gate, disk, options, image, error);
  vmf_gate_clear(&gate);
  if (code != VMF_OK) {
    vmf_image_close(*image);
    *image = NULL;
  }
  return code;
}

enum vmf_code vmf_package_open_disk(struct vmf_package *package, const char *name,
                                    const struct vmf_image_options *options,
                                    struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_ovf_disk *disk = NULL;
  struct vmf_image_options own;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(package, error);
  VMF_TRY(vmf_take_image_options(options, &own, error));
  VMF_TRY(name ? find_disk(package, name, &disk, error) : find_only_disk(package, &disk, error));
  VMF_TRY(vmf_gate_open_disk(package, disk, options ? &own : NULL, image, error));
  if (!name)
    vmf_node(*image)->losses = tell_rest;
  return VMF_OK;
}

/* ---- whatever a person calls a disk ---- */

static enum vmf_code check_unsigned(const char *name, const struct vmf_image_options *options,
                                    struct vmf_error *error)
{
  enum vmf_code code = vmf_gate_unsigned(name, "a disk", options->trust, error);

  if (code == VMF_DIFFERENT && strcmp(name, "-") == 0)
    return vmf_fail(error, code,
                    "-: a signature is required, which is looked for in files: store the package "
                    "in one first (cat > vm.ova)");
  return code;
}

/* Takes over io. */
static enum vmf_code open_archived(struct vmf_io *io, const char *disk,
                                   const struct vmf_image_options *options,
                                   struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  enum vmf_code code = check_unsigned(io->name, options, error);

  if (code != VMF_OK) {
    vmf_io_close(io);
    return code;
  }
  own.disk = disk;
  return vmf_archive_open(io, &own, image, error);
}

static enum vmf_code open_in(const char *path, const char *disk,
                             const struct vmf_image_options *options, struct vmf_image **image,
                             struct vmf_error *error)
{
  const struct vmf_package_options package_options = vmf_package_options_of(options);
  struct vmf_package *package;
  struct vmf_io *archive;

  VMF_TRY(vmf_package_open_archive(path, &package_options, &package, &archive, error));
  if (archive)
    return open_archived(archive, disk, options, image, error);
  enum vmf_code code = vmf_package_open_disk(package, disk, options, image, error);
  vmf_package_close(package);
  return code;
}

enum vmf_code vmf_archive_open_package(struct vmf_io *io, const struct vmf_image_options *options,
                                       struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_package_options package_options = vmf_package_options_of(options);
  struct vmf_image_options own = *options;
  struct vmf_package *package;

  *image = NULL;
  own.disk = NULL;
  VMF_TRY(vmf_package_open_io(io, &package_options, &package, error));
  enum vmf_code code = options->found && options->list_disks && !options->disk
                           ? vmf_package_info(package, options->found, error)
                           : vmf_package_open_disk(package, options->disk, &own, image, error);
  vmf_package_close(package);
  return code;
}

/* A disk that is in no package. */
static enum vmf_code open_unsigned(const char *name, const struct vmf_image_options *options,
                                   struct vmf_image **image, struct vmf_error *error)
{
  VMF_TRY(check_unsigned(name, options, error));
  return vmf_image_open(name, options, image, error);
}

enum vmf_code vmf_disk_open(const char *name, const struct vmf_image_options *options,
                            struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own;
  VMF_AUTO_FREE char *plain = NULL;
  struct stat status;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(name, error);
  VMF_TRY(vmf_take_image_options(options, &own, error));
  VMF_TRY(vmf_location_resolve(name, true, &plain, error));
  name = plain;
  if (strncmp(name, "-::", 3) == 0 && stat(name, &status) < 0) {
    own.disk = name + 3;
    return open_unsigned("-", &own, image, error);
  }
  const char *colons = vmf_name_stat(name, &status) < 0 ? strstr(name, "::") : NULL;
  for (; colons; colons = strstr(colons + 1, "::")) {
    VMF_AUTO_FREE char *path = NULL;
    VMF_TRY(vmf_copy_bytes(name, (size_t)(colons - name), &path, error));
    if (vmf_name_stat(path, &status) < 0)
      continue;
    if (S_ISDIR(status.st_mode) || vmf_package_recognise(path))
      return open_in(path, colons + 2, &own, image, error);
    own.disk = colons + 2;
    return open_unsigned(path, &own, image, error);
  }
  if (!own.format && vmf_package_recognise(name))
    return open_in(name, NULL, &own, image, error);
  return open_unsigned(name, &own, image, error);
}
