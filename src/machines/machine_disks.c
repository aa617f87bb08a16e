/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The disks of a machine as images: what the machine names is a reference, as what an image names
 * is, and the same policy decides. */
#include "open_machines.h"

#include <inttypes.h>
#include <string.h>

#include "caller.h"
#include "file.h"
#include "gate.h"
#include "memory.h"
#include "moved.h"
#include "path.h"
#include "storages.h"
#include "view.h"

/* The machine's own text is no disk, whatever format it is said to have. */
static enum vmf_code check_no_text(const struct vmf_machines *machines, const struct vmf_io *io,
                                   struct vmf_error *error)
{
  struct stat text;

  if (stat(machines->path, &text) == 0 && vmf_io_shows_file(io, &text))
    return vmf_fail(error, VMF_REFUSED, "%s: names itself as a disk", machines->path);
  return VMF_OK;
}

/* Folders in which a disk may be made on another one: the text's own, and those of the vendor's
 * programs, as far as they are no links; before what the person allows. Owned, with its texts. */
struct folders {
  char **list; /* ends with NULL */
  size_t count;
};

static enum vmf_code add_folder(struct folders *folders, const char *text, const char *folder,
                                struct vmf_error *error)
{
  struct stat status;

  VMF_TRY(vmf_path_beside(text, folder, &folders->list[folders->count], error));
  if (lstat(folders->list[folders->count], &status) == 0 && S_ISDIR(status.st_mode))
    folders->count++;
  else
    vmf_free(folders->list[folders->count]);
  return VMF_OK;
}

static size_t count_texts(const char *const *texts)
{
  size_t count = 0;

  while (texts && texts[count])
    count++;
  return count;
}

/* storage: the folder of that which the disk is on; or NULL. */
static enum vmf_code list_folders(const struct vmf_machines *machines, const char *storage,
                                  struct folders *folders, struct vmf_error *error)
{
  const char *const *usual = machines->format->disk_folders;
  const char *const *allowed = machines->options.allow_refs;
  void *memory = NULL;

  VMF_TRY(vmf_alloc((count_texts(usual) + count_texts(allowed) + 3) * sizeof *folders->list,
                    &memory, error));
  folders->list = memory;
  if (usual)
    VMF_TRY(add_folder(folders, machines->path, ".", error));
  for (; usual && *usual; usual++)
    VMF_TRY(add_folder(folders, machines->path, *usual, error));
  for (; allowed && *allowed; allowed++, folders->count++)
    VMF_TRY(vmf_copy_text(*allowed, &folders->list[folders->count], error));
  if (storage)
    VMF_TRY(vmf_copy_text(storage, &folders->list[folders->count++], error));
  folders->list[folders->count] = NULL;
  return VMF_OK;
}

static void clear_folders(struct folders *folders)
{
  for (size_t i = 0; i < folders->count; i++)
    vmf_free(folders->list[i]);
  vmf_free(folders->list);
}

static enum vmf_code open_chain(const struct vmf_machines *machines, const char *storage,
                                const struct vmf_image_origin *origin,
                                struct vmf_image_options *options, struct vmf_image **image,
                                struct vmf_error *error)
{
  struct folders folders = {0};

  enum vmf_code code = list_folders(machines, storage, &folders, error);
  if (code != VMF_OK) {
    vmf_io_close(origin->io);
  } else {
    options->allow_refs = (const char *const *)folders.list;
    code = vmf_image_open_origin(origin, options, image, error);
  }
  clear_folders(&folders);
  return code;
}

/* A medium is never looked into: whatever it holds is what the guest reads. */
static const char *format_of(const struct vmf_machine_disk *disk)
{
  return disk->image_format.text || !vmf_machine_removable(disk) ? disk->image_format.text : "raw";
}

static enum vmf_code open_file(const struct vmf_machines *machines,
                               const struct vmf_machine_disk *disk, struct vmf_image **image,
                               struct vmf_error *error)
{
  const struct vmf_image_options *options = &machines->options;
  struct vmf_image_origin origin = {0};
  struct vmf_image_options own = *options;

  if (options->no_refs)
    return vmf_fail(error, VMF_REFUSED,
                    "%s:%u: names the disk \"%.160s\", and --no-refs opens nothing beside the file "
                    "that is named",
                    machines->path, disk->image.line, disk->image.text);
  VMF_TRY(vmf_open_moved(machines->path, disk->image.text, machines->format->disk_folders,
                         options->allow_refs, !options->ignore_locks, options->log, &origin.io,
                         error));
  enum vmf_code code = check_no_text(machines, origin.io, error);
  if (code != VMF_OK) {
    vmf_io_close(origin.io);
    return code;
  }
  own.format = format_of(disk);
  own.snapshot = disk->image_snapshot.text;
  own.found = NULL;
  return open_chain(machines, NULL, &origin, &own, image, error);
}

/* A volume, whose chain may lead to others of its storage. */
static enum vmf_code open_stored(const struct vmf_machines *machines,
                                 const struct vmf_machine_disk *disk, struct vmf_image **image,
                                 struct vmf_error *error)
{
  struct vmf_image_options own = machines->options;
  struct vmf_image_origin origin = {0};
  VMF_AUTO_FREE char *folder = NULL;

  VMF_TRY(vmf_storages_open(machines, disk, &origin.io, &folder, &own.format, error));
  enum vmf_code code = check_no_text(machines, origin.io, error);
  if (code != VMF_OK) {
    vmf_io_close(origin.io);
    return code;
  }
  own.snapshot = disk->image_snapshot.text;
  own.found = NULL;
  return open_chain(machines, folder, &origin, &own, image, error);
}

/* A disk of the file that the machine is in, which is unpacked already where it is packed. */
static enum vmf_code open_contained(const struct vmf_machines *machines,
                                    const struct vmf_machine_disk *disk, struct vmf_image **image,
                                    struct vmf_error *error)
{
  struct vmf_image_options own = machines->options;
  struct vmf_image_origin origin = {.sibling = machines->container};

  if (!machines->container)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: names the disk \"%.160s\" of the file that this text was taken from; name "
                    "that file (*.xva, *.vma) instead",
                    machines->path, disk->image.text);
  struct vmf_io *io = machines->container->io;
  own.format = machines->container->format->name;
  own.snapshot = NULL;
  own.found = NULL;
  own.disk = disk->image.text;
  VMF_TRY(vmf_io_window(io, 0, io->size, io->name, false, &origin.io, error));
  return vmf_image_open_origin(&origin, &own, image, error);
}

/* *found: the disk of the package whose file a machine calls `wanted`; NULL: none. */
static enum vmf_code disk_in_file(const struct vmf_ovf *ovf, const char *wanted,
                                  const struct vmf_ovf_disk **found, struct vmf_error *error)
{
  *found = NULL;
  for (size_t i = 0; i < ovf->disk_count && !*found; i++) {
    VMF_AUTO_FREE char *name = NULL;
    const struct vmf_ovf_file *file =
        ovf->disks[i].file_ref ? vmf_ovf_file(ovf, ovf->disks[i].file_ref) : NULL;
    if (!file || !file->href)
      continue;
    VMF_TRY(vmf_copy_text(file->href, &name, error));
    vmf_ovf_decode_href(name);
    if (strcmp(name, wanted) == 0)
      *found = &ovf->disks[i];
  }
  return VMF_OK;
}

/* A medium is a File of its own, and no Disk: *medium becomes one. */
static enum vmf_code medium_in_file(const struct vmf_ovf *ovf, const char *wanted,
                                    struct vmf_ovf_disk *medium, struct vmf_error *error)
{
  for (size_t i = 0; i < ovf->file_count && !medium->file_ref; i++) {
    VMF_AUTO_FREE char *name = NULL;
    if (!ovf->files[i].href || !ovf->files[i].id)
      continue;
    VMF_TRY(vmf_copy_text(ovf->files[i].href, &name, error));
    vmf_ovf_decode_href(name);
    if (strcmp(name, wanted) == 0)
      *medium = (struct vmf_ovf_disk){
          .id = ovf->files[i].id, .file_ref = ovf->files[i].id, .line = ovf->files[i].line};
  }
  return VMF_OK;
}

static enum vmf_code open_packed(const struct vmf_machines *machines,
                                 const struct vmf_machine_disk *disk, struct vmf_image **image,
                                 struct vmf_error *error)
{
  struct vmf_image_options own = machines->options;
  const struct vmf_ovf_disk *found;
  struct vmf_ovf_disk medium = {0};

  VMF_TRY(disk_in_file(machines->package->ovf, disk->image.text, &found, error));
  own.format = own.snapshot = NULL;
  own.found = NULL;
  if (!found && vmf_machine_removable(disk)) {
    VMF_TRY(medium_in_file(machines->package->ovf, disk->image.text, &medium, error));
    found = medium.file_ref ? &medium : NULL;
    own.format = "raw";
  }
  if (!found)
    return vmf_fail(error, VMF_CORRUPT, "%s: no disk of the descriptor is in the file \"%.160s\"",
                    machines->path, disk->image.text);
  return vmf_gate_open_disk(machines->package, found, &own, image, error);
}

/* A disk of which only the size is told: zeros. */
static enum vmf_code open_blank(const struct vmf_machines *machines,
                                const struct vmf_machine_disk *disk, size_t index,
                                struct vmf_image **image, struct vmf_error *error)
{
  struct vmf_image_options own = machines->options;
  struct vmf_image_origin origin = {0};
  VMF_AUTO_FREE char *name = NULL;

  own.format = "raw";
  own.snapshot = NULL;
  own.found = NULL;
  VMF_TRY(vmf_format(&name, error, "%s::%zu", machines->path, index));
  VMF_TRY(vmf_io_blank(name, disk->capacity.value, &origin.io, error));
  return vmf_image_open_origin(&origin, &own, image, error);
}

/* Which line names the disk; an error that starts with the machine's file needs it only once. */
static enum vmf_code at_line(const struct vmf_machines *machines,
                             const struct vmf_machine_disk *disk, struct vmf_error *error)
{
  size_t length = strlen(machines->path);

  if (error && strncmp(error->text, machines->path, length) == 0 &&
      strncmp(error->text + length, ": ", 2) == 0)
    memmove(error->text, error->text + length + 2, strlen(error->text + length + 2) + 1);
  return vmf_while(error, "%s:%u", machines->path, disk->image.line);
}

enum vmf_code vmf_machines_open_image(struct vmf_machines *machines,
                                      const struct vmf_machine *machine, size_t index,
                                      struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &machine->disks[index];

  *image = NULL;
  if (!disk->image.text && disk->capacity.told && !disk->elsewhere.text)
    return open_blank(machines, disk, index, image, error);
  if (!disk->image.text)
    return vmf_fail(error, VMF_REFUSED, "%s:%u: the drive is empty", machines->path,
                    disk->medium.line);
  if (machines->package)
    return open_packed(machines, disk, image, error);
  if (disk->in_container) {
    VMF_TRY(vmf_machines_store(machines, error));
    return open_contained(machines, disk, image, error);
  }
  enum vmf_code code = disk->on_storage ? open_stored(machines, disk, image, error)
                                        : open_file(machines, disk, image, error);
  return code != VMF_OK && disk->image.line > 0 ? at_line(machines, disk, error) : code;
}
