/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The disks of a package as images. */
#include <string.h>

#include "caller.h"
#include "disk_format.h"
#include "memory.h"
#include "package.h"
#include "text.h"

bool vmf_package_disk(const struct vmf_package *package, size_t index,
                      struct vmf_package_disk *disk)
{
  struct vmf_package_disk own;

  if (!package || !disk || vmf_take_package_disk(disk, &own, NULL) != VMF_OK ||
      index >= package->ovf->disk_count)
    return false;
  const struct vmf_ovf_disk *found = &package->ovf->disks[index];
  const struct vmf_ovf_file *file =
      found->file_ref ? vmf_ovf_file(package->ovf, found->file_ref) : NULL;
  own = (struct vmf_package_disk){
      .id = found->id,
      .file_id = found->file_ref,
      .file_name = file ? file->href : NULL,
      .parent_id = found->parent_ref,
      .format_uri = found->format,
      .capacity_known = found->capacity_known,
      .capacity = found->capacity,
  };
  vmf_give_package_disk(&own, disk);
  return true;
}

static enum vmf_code open_chain(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                                const struct vmf_image_options *options, unsigned depth,
                                struct vmf_image **image, struct vmf_error *error);

/* The disk that `disk` is a delta to. Calls itself for one that has no file and a parent, in which
 * nothing is written yet, VMF_PACKAGE_CHAIN deep at most. */
static enum vmf_code open_parent(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                                 const struct vmf_image_options *options, unsigned depth,
                                 struct vmf_image **parent, struct vmf_error *error)
{
  const struct vmf_ovf_disk *found = vmf_ovf_disk(package->ovf, disk->parent_ref);
  struct vmf_image_options plain = *options;

  if (!found)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: disk \"%s\" is a delta to disk \"%s\", which does not exist",
                    package->path, disk->id, disk->parent_ref);
  if (depth >= VMF_PACKAGE_CHAIN)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: disk \"%s\": the chain of parentRef is deeper than %d disks, or a loop",
                    package->path, disk->id, VMF_PACKAGE_CHAIN);
  if (!found->file_ref && found->parent_ref)
    return open_parent(package, found, options, depth + 1, parent, error);
  if (!found->file_ref) { /* an empty disk: zeros, as without a parent */
    *parent = NULL;
    return VMF_OK;
  }
  plain.format = plain.options = plain.snapshot = NULL;
  plain.found = NULL; /* shown below the image that it is the parent of */
  return open_chain(package, found, &plain, depth + 1, parent, error);
}

static enum vmf_code find_file(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                               const struct vmf_ovf_file **file, struct vmf_error *error)
{
  if (!disk->file_ref)
    return vmf_fail(error, VMF_USAGE, "%s: disk \"%s\" is an empty disk, it has no file",
                    package->path, disk->id);
  *file = vmf_ovf_file(package->ovf, disk->file_ref);
  if (!*file)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: disk \"%s\" is in file \"%s\", which References does not have",
                    package->path, disk->id, disk->file_ref);
  return VMF_OK;
}

/* Raw content cannot be recognised: there the descriptor is believed. */
static const char *format_of(const struct vmf_ovf_disk *disk,
                             const struct vmf_image_options *options)
{
  const struct vmf_disk_format *said = disk->format ? vmf_disk_format_of_uri(disk->format) : NULL;

  if (options->format)
    return options->format;
  bool raw = said && strcmp(said->format, "raw") == 0;
  if (disk->volume_format)
    raw = vmf_text_equal_nocase(disk->volume_format, "RAW");
  return raw ? "raw" : NULL;
}

static enum vmf_code open_chain(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                                const struct vmf_image_options *options, unsigned depth,
                                struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = *options;
  const struct vmf_ovf_file *file;
  struct vmf_image_origin origin = {.members = package->io ? &package->members : NULL,
                                    .release = vmf_package_release,
                                    .owner = package};

  own.format = format_of(disk, options);
  if (!own.log)
    own.log = package->options.log;
  VMF_TRY(find_file(package, disk, &file, error));
  if (disk->parent_ref && !options->no_chain)
    VMF_TRY(open_parent(package, disk, options, depth, &origin.parent, error));
  enum vmf_code code = vmf_package_open_content(package, file, options, &origin.io, error);
  if (code != VMF_OK) {
    vmf_image_close(origin.parent);
    return code;
  }
  if (file->size_known && !file->compression && origin.io->size < file->size)
    vmf_warn(own.log, "%s: has %llu bytes, but the descriptor says %llu: it seems to be cut off",
             origin.io->name, (unsigned long long)origin.io->size, (unsigned long long)file->size);
  atomic_fetch_add(&package->users, 1);
  return vmf_image_open_origin(&origin, &own, image, error);
}

static struct vmf_image_options options_of(const struct vmf_package *package)
{
  return (struct vmf_image_options){.size = sizeof(struct vmf_image_options),
                                    .allow_refs = package->options.allow_refs,
                                    .no_refs = package->options.no_refs,
                                    .ignore_locks = package->options.ignore_locks,
                                    .read_all = package->options.read_all,
                                    .no_cache = package->options.no_cache,
                                    .no_replay = package->options.no_replay,
                                    .strict = package->options.strict,
                                    .cancel = package->options.cancel,
                                    .secrets = package->options.secrets,
                                    .secret_count = package->options.secret_count};
}

enum vmf_code vmf_package_open_image(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                                     const struct vmf_image_options *options,
                                     struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_image_options own = options_of(package);

  *image = NULL;
  return open_chain(package, disk, options ? options : &own, 1, image, error);
}

enum vmf_code vmf_package_open_locked(struct vmf_package *package, const struct vmf_ovf_disk *disk,
                                      struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = options_of(package);

  own.secret_count = 0;
  own.locked = true;
  *image = NULL;
  return open_chain(package, disk, &own, 1, image, error);
}
