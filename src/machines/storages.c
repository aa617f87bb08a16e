/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "storages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "caller.h"
#include "memory.h"
#include "opener.h"
#include "path.h"
#include "text.h"

enum vmf_code vmf_storages_check(const char *const *storages, struct vmf_error *error)
{
  for (; storages && *storages; storages++) {
    const char *equals = strchr(*storages, '=');
    struct stat status;
    if (!equals || equals == *storages || !equals[1])
      return vmf_fail(error, VMF_USAGE,
                      "--storage %s: accepted is NAME=DIR, a storage of the server and the folder "
                      "that its files are in here",
                      *storages);
    if (stat(equals + 1, &status) < 0)
      return vmf_fail_errno(error, VMF_USAGE, "--storage %s: the folder cannot be found",
                            *storages);
    if (!S_ISDIR(status.st_mode))
      return vmf_fail(error, VMF_USAGE, "--storage %s: is no folder", *storages);
  }
  return VMF_OK;
}

/* What stands behind the first part of a volume that is a linked clone: the part of its base, one
 * or two names of a path, is left out. */
static const char *own_part(const char *volume)
{
  const char *last = vmf_path_name(volume);
  const char *slash = strchr(volume, '/'), *next = slash ? strchr(slash + 1, '/') : NULL;

  if (strncmp(volume, "base-", 5) == 0 && slash)
    return last;
  return next && strncmp(slash + 1, "base-", 5) == 0 ? next + 1 : volume;
}

/* A file of a folder, where a storage of files has it, or where somebody copied it to. *io stays
 * NULL: there is none. */
static enum vmf_code try_one(const struct vmf_machines *machines, const char *folder,
                             const char *path, struct vmf_io **io, struct vmf_error *error)
{
  const char *const only[] = {folder, NULL};
  VMF_AUTO_FREE char *full = NULL, *inside = NULL;
  struct stat status;

  VMF_TRY(vmf_format(&inside, error, "%s%s", folder, vmf_text_ends_in(folder, "/") ? "" : "/"));
  VMF_TRY(vmf_format(&full, error, "%s%s", inside, path));
  if (lstat(full, &status) < 0)
    return VMF_OK;
  return vmf_open_reference(inside, full, only, !machines->options.ignore_locks, io, error);
}

static enum vmf_code find(const struct vmf_machines *machines, const char *folder,
                          const char *volume, struct vmf_io **io, struct vmf_error *error)
{
  static const char *const places[] = {"images/%s", "%s", "%s.raw", "%s.qcow2", "template/iso/%s"};
  const char *own = own_part(volume);

  for (size_t i = 0; !*io && i < 2 * sizeof places / sizeof places[0]; i++) {
    const char *name = i % 2 ? vmf_path_name(own) : own, *place = places[i / 2];
    const char *sign = strchr(place, '%');
    VMF_AUTO_FREE char *path = NULL;
    VMF_TRY(vmf_format(&path, error, "%.*s%s%s", (int)(sign - place), place, name, sign + 2));
    VMF_TRY(try_one(machines, folder, path, io, error));
  }
  return VMF_OK;
}

/* A volume whose name has no suffix is a device on the server. */
static const char *format_of(const char *name)
{
  return vmf_text_ends_in(name, ".qcow2")  ? "qcow2"
         : vmf_text_ends_in(name, ".vmdk") ? "vmdk"
                                           : "raw";
}

enum vmf_code vmf_storages_open(const struct vmf_machines *machines,
                                const struct vmf_machine_disk *disk, struct vmf_io **io,
                                char **folder, const char **format, struct vmf_error *error)
{
  const char *name = disk->image.text, *volume = strchr(name, ':');
  const char *dir = vmf_machine_storage(machines->options.storages, name);

  *io = NULL;
  if (!dir || !volume)
    return vmf_fail(error, VMF_REFUSED, "%s: the storage of %.160s is not named by --storage",
                    machines->path, name);
  char *real = realpath(dir, NULL);
  if (!real)
    return vmf_fail_errno(error, VMF_SYSTEM, "%s: the folder cannot be found", dir);
  enum vmf_code code = vmf_copy_text(real, folder, error);
  free(real);
  VMF_TRY(code);
  VMF_TRY(find(machines, *folder, volume + 1, io, error));
  if (!*io)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the volume %.160s is not in %s, neither below images nor as "
                    "%.100s, with or without .raw or .qcow2",
                    machines->path, name, dir, vmf_path_name(own_part(volume + 1)));
  *format = format_of((*io)->name);
  return VMF_OK;
}

/* The volume of a disk whose storage nobody named; NULL: it is on none. */
static const char *missing_volume(const struct vmf_machine_disk *disk)
{
  const char *blank = disk->on_storage && !disk->image.text && disk->elsewhere.text &&
                              disk->medium.value == VMF_MEDIUM_DISK
                          ? strchr(disk->elsewhere.text, ' ')
                          : NULL;
  return blank ? blank + 1 : NULL;
}

void vmf_storages_missing(const struct vmf_machine *machine, char *text, size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (size_t i = 0; i < machine->disk_count && used < size; i++) {
    const char *volume = missing_volume(&machine->disks[i]);
    size_t name = volume ? strcspn(volume, ":") + 1 : 0;
    bool told = !volume;
    for (size_t j = 0; j < i && !told; j++) {
      const char *other = missing_volume(&machine->disks[j]);
      told = other && strncmp(other, volume, name) == 0;
    }
    if (told)
      continue;
    int length = snprintf(text + used, size - used, "%s%.*s", used > 0 ? ", " : "",
                          (int)(name < 60 ? name - 1 : 60), volume);
    used += length > 0 ? (size_t)length : 0;
  }
}
