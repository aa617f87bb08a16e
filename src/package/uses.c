/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "uses.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "list.h"
#include "memory.h"
#include "path.h"
#include "remote_io.h"
#include "view.h"

/* The device of all files that are on another machine. */
static const uint64_t REMOTE = UINT64_MAX - 1;

static int compare_keys(const void *a, const void *b)
{
  const struct vmf_stored_key *left = a, *right = b;

  if (left->device != right->device)
    return left->device < right->device ? -1 : 1;
  return left->number < right->number ? -1 : left->number > right->number;
}

bool vmf_stored_key(const struct vmf_package *package, const struct vmf_io *io,
                    struct vmf_stored_key *key)
{
  struct stat status;

  *key = (struct vmf_stored_key){0};
  if (package->io)
    return vmf_io_window_offset(io, package->io, &key->number);
  if (vmf_remote_id(io, &key->number)) {
    key->device = REMOTE;
    return true;
  }
  if (io->ops->below || !vmf_io_stat(io, &status))
    return false;
  *key = (struct vmf_stored_key){.device = status.st_dev, .number = status.st_ino};
  return true;
}

/* What a person calls a stored file. Members stand in the order of their places. */
static const char *name_of(const struct vmf_package *package, const struct vmf_io *io,
                           const struct vmf_stored_key *key)
{
  size_t folder = package->io ? 0 : vmf_path_folder(package->descriptor_path);
  size_t first = 0, end = package->tar ? package->tar->count : 0;

  while (first < end) {
    size_t middle = first + (end - first) / 2;
    const struct vmf_tar_member *member = &package->tar->members[middle];
    if (member->offset == key->number)
      return member->name;
    if (member->offset < key->number)
      first = middle + 1;
    else
      end = middle;
  }
  return folder > 0 && strncmp(io->name, package->descriptor_path, folder) == 0 ? io->name + folder
                                                                                : io->name;
}

enum vmf_code vmf_uses_add(struct vmf_uses *uses, const struct vmf_stored_key *key,
                           const char *name, struct vmf_error *error)
{
  struct vmf_use use = {.key = *key};

  VMF_TRY(VMF_LIST_ROOM(uses->entries, uses->count, uses->capacity, "files", error));
  VMF_TRY(vmf_copy_text(name, &use.name, error));
  uses->entries[uses->count++] = use;
  return VMF_OK;
}

/* Views are gone through down to what is stored; calls itself for what is below, a few views deep.
 */
enum vmf_code vmf_uses_add_io(struct vmf_uses *uses, const struct vmf_package *package,
                              const struct vmf_io *io, struct vmf_error *error)
{
  static const struct vmf_stored_key nowhere = {.device = UINT64_MAX, .number = UINT64_MAX};
  struct vmf_stored_key key;
  const struct vmf_io *below;

  if (vmf_stored_key(package, io, &key))
    return vmf_uses_add(uses, &key, name_of(package, io, &key), error);
  if (!io->ops->below) /* nothing that is stored in a package: no manifest covers it */
    return vmf_uses_add(uses, &nowhere, io->name, error);
  for (size_t i = 0; (below = io->ops->below(io, i)) != NULL; i++)
    VMF_TRY(vmf_uses_add_io(uses, package, below, error));
  return VMF_OK;
}

struct visit {
  struct vmf_uses *uses;
  const struct vmf_package *package;
  enum vmf_code code;
  struct vmf_error *error;
};

static bool visit_file(const struct vmf_io *io, void *data)
{
  struct visit *visit = data;

  visit->code = vmf_uses_add_io(visit->uses, visit->package, io, visit->error);
  return visit->code == VMF_OK;
}

enum vmf_code vmf_uses_add_image(struct vmf_uses *uses, const struct vmf_package *package,
                                 const struct vmf_image *image, struct vmf_error *error)
{
  struct visit visit = {.uses = uses, .package = package, .code = VMF_OK, .error = error};

  vmf_image_visit_files(image, visit_file, &visit);
  return visit.code;
}

enum vmf_code vmf_uses_add_stored(struct vmf_uses *uses, struct vmf_package *package,
                                  const char *name, struct vmf_error *unopened,
                                  struct vmf_error *error)
{
  struct vmf_error found;
  struct vmf_io *io;

  enum vmf_code code = vmf_package_open_stored(package, name, &io, &found);
  if (code == VMF_NOMEM)
    return vmf_fail(error, VMF_NOMEM, "%s", found.text);
  if (code != VMF_OK) {
    if (unopened)
      *unopened = found;
    return VMF_OK;
  }
  code = vmf_uses_add_io(uses, package, io, error);
  vmf_io_close(io);
  return code;
}

void vmf_uses_sort(struct vmf_uses *uses)
{
  size_t kept = 0;

  if (uses->count > 1)
    qsort(uses->entries, uses->count, sizeof *uses->entries, compare_keys);
  for (size_t i = 0; i < uses->count; i++) {
    if (kept > 0 && compare_keys(&uses->entries[i].key, &uses->entries[kept - 1].key) == 0)
      vmf_free(uses->entries[i].name);
    else
      uses->entries[kept++] = uses->entries[i];
  }
  uses->count = kept;
}

bool vmf_uses_have(const struct vmf_uses *uses, const struct vmf_stored_key *key)
{
  return uses->count > 0 &&
         bsearch(key, uses->entries, uses->count, sizeof *uses->entries, compare_keys);
}

void vmf_uses_clear(struct vmf_uses *uses)
{
  for (size_t i = 0; i < uses->count; i++)
    vmf_free(uses->entries[i].name);
  free(uses->entries);
  *uses = (struct vmf_uses){0};
}
