/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Judging a file by what a platform takes: a package with its disks, or a disk. Nothing is
 * written, and no guest data is read. */
#include <inttypes.h>
#include <stdio.h>

#include "caller.h"
#include "lint_rules.h"

static unsigned count_asked(const struct vmf_linting *linting)
{
  unsigned asked = 0;

  for (unsigned id = 0; id < VMF_LINT_IDS; id++)
    asked += vmf_lint_asks(linting, (enum vmf_lint_id)id);
  return asked;
}

/* A platform of which nothing is known here must not look content. */
static enum vmf_code check_asked(const struct vmf_linting *linting, const char *path,
                                 struct vmf_error *error)
{
  const char *summary = linting->platform.profile->info.summary;

  if (linting->result->asked > 0)
    return VMF_OK;
  if (linting->about == VMF_LINT_PACKAGE)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: no rule about packages is known here for %s; a disk of it is named %s::ID",
                    path, summary, path);
  return vmf_fail(error, VMF_UNSUPPORTED, "%s: no rule about disks is known here for %s", path,
                  summary);
}

/* ---- a package ---- */

static enum vmf_code lint_package_disk(struct vmf_linting *linting, struct vmf_package *package,
                                       const struct vmf_ovf_disk *disk,
                                       const struct vmf_image_options *options,
                                       struct vmf_error *error)
{
  struct vmf_lint_place place = {.file = package->name, .line = disk->line};
  struct vmf_image *image = NULL;
  char allowed[48];

  VMF_TRY(vmf_package_open_image(package, disk, options, &image, error));
  snprintf(allowed, sizeof allowed, "the size of the disk, %" PRIu64, image->size);
  place.allowed = allowed;
  if (disk->capacity_known && disk->capacity != image->size)
    vmf_lint_tell(linting, VMF_LINT_VMW_CAPACITY, &place, "disk \"%s\" with a capacity of %" PRIu64,
                  disk->id ? disk->id : "", disk->capacity);
  enum vmf_code code = vmf_lint_disk(linting, image, NULL, &place, error);
  vmf_image_close(image);
  return code;
}

static enum vmf_code lint_open_package(struct vmf_linting *linting, struct vmf_package *package,
                                       const struct vmf_image_options *options,
                                       struct vmf_error *error)
{
  vmf_lint_descriptor(linting, package);
  vmf_lint_manifest(linting, package);
  VMF_TRY(vmf_lint_archive(linting, package, error));
  for (size_t i = 0; i < package->ovf->disk_count; i++)
    if (package->ovf->disks[i].file_ref)
      VMF_TRY(lint_package_disk(linting, package, &package->ovf->disks[i], options, error));
  return VMF_OK;
}

/* ---- a disk ---- */

static enum vmf_code lint_image(struct vmf_linting *linting, const char *path,
                                const struct vmf_image_options *options, struct vmf_error *error)
{
  const struct vmf_lint_place place = {0};
  struct vmf_image_options own = *options;
  struct vmf_image *image = NULL;

  own.no_chain = true; /* whether it has a parent can be told without it */
  VMF_TRY(vmf_disk_open(path, &own, &image, error));
  enum vmf_code code = vmf_lint_disk(linting, image, path, &place, error);
  vmf_image_close(image);
  return code;
}

/* ---- either ---- */

static enum vmf_code begin(struct vmf_linting *linting, enum vmf_lint_about about, const char *path,
                           struct vmf_error *error)
{
  linting->about = about;
  linting->result->package = about == VMF_LINT_PACKAGE;
  linting->result->asked = count_asked(linting);
  return check_asked(linting, path, error);
}

/* *done: it is a package; else an archive without a descriptor, in which there may be a disk. */
static enum vmf_code lint_package(struct vmf_linting *linting, const char *path,
                                  const struct vmf_image_options *options, bool *done,
                                  struct vmf_error *error)
{
  const struct vmf_package_options own = vmf_package_options_of(options);
  struct vmf_package *package = NULL;
  struct vmf_io *archive = NULL;

  VMF_TRY(vmf_package_open_archive(path, &own, &package, &archive, error));
  vmf_io_close(archive);
  *done = package != NULL;
  if (!package)
    return VMF_OK;
  enum vmf_code code = begin(linting, VMF_LINT_PACKAGE, path, error);
  if (code == VMF_OK)
    code = lint_open_package(linting, package, options, error);
  vmf_package_close(package);
  return code;
}

static enum vmf_code lint_file(struct vmf_linting *linting, const char *path,
                               struct vmf_error *error)
{
  struct vmf_image_options options;
  bool done = false;

  VMF_TRY(vmf_take_image_options(linting->options.image, &options, error));
  if (!options.format && vmf_package_recognise(path))
    VMF_TRY(lint_package(linting, path, &options, &done, error));
  else if (!options.format && vmf_machines_recognise(path))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: of machines only those in packages are judged; make one of it, or name a "
                    "disk",
                    path);
  if (done)
    return VMF_OK;
  VMF_TRY(begin(linting, VMF_LINT_DISK, path, error));
  return lint_image(linting, path, &options, error);
}

enum vmf_code vmf_lint(const char *path, const char *platform,
                       const struct vmf_lint_options *options, struct vmf_lint_result *result,
                       struct vmf_error *error)
{
  struct vmf_lint_result own;
  struct vmf_linting linting = {.result = &own};

  VMF_REQUIRE(path, error);
  VMF_REQUIRE(platform, error);
  VMF_REQUIRE(result, error);
  VMF_TRY(vmf_take_lint_options(options, &linting.options, error));
  VMF_TRY(vmf_take_lint_result(result, &own, error));
  own = (struct vmf_lint_result){.size = sizeof own};
  VMF_TRY(vmf_platform_find(platform, &linting.platform, error));
  VMF_TRY(lint_file(&linting, path, error));
  vmf_give_lint_result(&own, result);
  return VMF_OK;
}
