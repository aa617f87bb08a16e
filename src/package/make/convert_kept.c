/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Disks that are copied as they are stored, in several files: an extent or a parent is named in
 * them, as it stands beside them. In the new package all files are in one folder. */
#include <string.h>

#include "conversion.h"
#include "path.h"
#include "uses.h"

static enum vmf_code refuse(const struct vmf_conversion *conversion, const char *disk,
                            const char *file, const char *what, struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the disk in \"%s\" is read from \"%s\", too, which %s; convert the disk "
                  "(-O, --disk-format)",
                  conversion->package->path, disk, file, what);
}

/* The file that is copied from there; NULL: none is. */
static const struct vmf_assembly_file *find_copy(const struct vmf_conversion *conversion,
                                                 const struct vmf_stored_key *wanted)
{
  const struct vmf_assembly *assembly = &conversion->assembly;

  for (size_t i = 0; i < assembly->count; i++) {
    const struct vmf_assembly_file *file = &assembly->files[i];
    struct vmf_stored_key key;
    if (file->stored && vmf_stored_key(conversion->package, file->io, &key) &&
        key.device == wanted->device && key.number == wanted->number)
      return file;
  }
  return NULL;
}

static enum vmf_code check_file(const struct vmf_conversion *conversion,
                                const struct vmf_assembly_file *own, const struct vmf_use *use,
                                struct vmf_error *error)
{
  const struct vmf_assembly_file *file = find_copy(conversion, &use->key);
  size_t folder = vmf_path_folder(own->stored);

  if (!file)
    return refuse(conversion, own->stored, use->name, "is not in the new package", error);
  if (file == own)
    return VMF_OK;
  if (strcmp(file->name, vmf_path_name(file->stored)) != 0)
    return refuse(conversion, own->stored, file->stored, "gets another name in the new package",
                  error);
  if (vmf_path_folder(file->stored) != folder || strncmp(file->stored, own->stored, folder) != 0)
    return refuse(conversion, own->stored, file->stored,
                  "is in another folder, and would stand beside it", error);
  return VMF_OK;
}

enum vmf_code vmf_conversion_check_kept(const struct vmf_conversion *conversion,
                                        struct vmf_error *error)
{
  for (size_t i = 0; i < conversion->package->ovf->file_count && !conversion->form; i++) {
    const struct vmf_converted_file *converted = &conversion->files[i];
    struct vmf_uses uses = {0};
    enum vmf_code code = VMF_OK;
    if (!converted->kept)
      continue;
    code = vmf_uses_add_image(&uses, conversion->package, converted->kept, error);
    vmf_uses_sort(&uses);
    for (size_t k = 0; k < uses.count && uses.count > 1 && code == VMF_OK; k++)
      code = check_file(conversion, &conversion->assembly.files[converted->index], &uses.entries[k],
                        error);
    vmf_uses_clear(&uses);
    VMF_TRY(code);
  }
  return VMF_OK;
}
