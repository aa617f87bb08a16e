/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "replaced.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "memory.h"
#include "path.h"
#include "raw_content.h"
#include "url.h"

struct same_file {
  struct stat wanted, behind; /* the latter: the file of a loop device, or the same */
  const char *url;
  const char *path; /* of the file that is the same; NULL: none so far */
};

static bool is_same_name(const struct vmf_io *io, void *data)
{
  struct same_file *same = data;
  if (strcmp(io->name, same->url) == 0)
    same->path = io->name;
  return same->path == NULL;
}

/* A disk and its partitions, a loop device and what is behind another one. */
static bool is_same_device(const struct vmf_io *io, const struct same_file *same)
{
  struct stat status, behind;

  if (!vmf_io_stat(io, &status))
    return false;
  return vmf_device_is_part(&status, &same->wanted) || vmf_device_is_part(&same->wanted, &status) ||
         (vmf_device_file(&status, &behind) && behind.st_dev == same->behind.st_dev &&
          behind.st_ino == same->behind.st_ino);
}

static bool is_same_file(const struct vmf_io *io, void *data)
{
  struct same_file *same = data;

  if (vmf_io_shows_file(io, &same->wanted) || vmf_io_shows_file(io, &same->behind) ||
      is_same_device(io, same))
    same->path = io->name;
  return same->path == NULL;
}

const char *vmf_image_file_at(const struct vmf_image *image, const char *path)
{
  struct same_file same = {.path = NULL};
  if (image && vmf_url_is(path)) {
    same.url = path;
    vmf_image_visit_files(image, is_same_name, &same);
  } else if (image && stat(path, &same.wanted) == 0) {
    if (!vmf_device_file(&same.wanted, &same.behind))
      same.behind = same.wanted;
    vmf_image_visit_files(image, is_same_file, &same);
  }
  return same.path;
}

/* Whether `file` is called STEM-... or STEM.N-... and stands beside `path`, whose name is
 * STEM.SUFFIX. */
static bool is_called_after(const char *file, const char *path)
{
  size_t folder = vmf_path_folder(path), stem = folder + vmf_name_stem(path + folder);

  if (strncmp(file, path, stem) != 0 || strchr(file + stem, '/'))
    return false;
  file += stem;
  if (*file == '.')
    file += 1 + strspn(file + 1, "0123456789");
  return *file == '-';
}

static enum vmf_code list_extents(const struct vmf_image *image, const char *path,
                                  const struct vmf_image *source, const struct vmf_image *backing,
                                  struct vmf_replaced *replaced, struct vmf_error *error)
{
  const struct vmf_node *node = vmf_node(image);
  void *paths;

  VMF_TRY(vmf_alloc(node->file_count * sizeof(char *), &paths, error));
  replaced->paths = paths;
  for (size_t i = 0; i < node->file_count; i++) {
    const char *file = node->files[i].io->name;
    if (node->files[i].kind != VMF_REFERENCE_EXTENT || !is_called_after(file, path) ||
        vmf_image_file_at(source, file) || vmf_image_file_at(backing, file))
      continue;
    VMF_TRY(vmf_copy_text(file, &replaced->paths[replaced->count], error));
    replaced->count++;
  }
  return VMF_OK;
}

enum vmf_code vmf_replaced_find(const char *path, const struct vmf_image *source,
                                const struct vmf_image *backing, struct vmf_replaced *replaced,
                                struct vmf_error *error)
{
  struct vmf_image *image;
  struct vmf_error ignored;
  struct stat status;

  *replaced = (struct vmf_replaced){.count = 0};
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
      vmf_image_open_alone(path, NULL, NULL, &image, &ignored) != VMF_OK)
    return VMF_OK;
  enum vmf_code code = list_extents(image, path, source, backing, replaced, error);
  vmf_image_close(image);
  return code;
}

void vmf_replaced_remove(const struct vmf_replaced *replaced, const struct vmf_log *log)
{
  for (size_t i = 0; i < replaced->count; i++)
    if (unlink(replaced->paths[i]) != 0 && errno != ENOENT)
      vmf_warn(log, "%s: an extent of the disk that was replaced cannot be removed: %s",
               replaced->paths[i], strerror(errno));
}

void vmf_replaced_free(struct vmf_replaced *replaced)
{
  for (size_t i = 0; i < replaced->count; i++)
    vmf_free(replaced->paths[i]);
  vmf_free(replaced->paths);
}

void vmf_replaced_tell_device(struct vmf_io *device, const struct vmf_log *log)
{
  const struct vmf_format *format = NULL;
  const char *structure = NULL;
  struct vmf_error ignored;

  if (vmf_probe_io(device, &format, &ignored) == VMF_OK && format)
    vmf_note(log, "%s: a device of %" PRIu64 " bytes; the %s disk that it holds is replaced",
             device->name, device->size, format->name);
  else if (vmf_raw_structure(device, &structure, &ignored) == VMF_OK && structure)
    vmf_note(log, "%s: a device of %" PRIu64 " bytes; what it holds (%s) is replaced", device->name,
             device->size, structure);
  else
    vmf_note(log, "%s: a device of %" PRIu64 " bytes is written", device->name, device->size);
}
