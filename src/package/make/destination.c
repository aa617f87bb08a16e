/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the path of a new package means. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assemble.h"
#include "memory.h"
#include "output.h"
#include "path.h"
#include "plain_name.h"
#include "tar.h"
#include "text.h"
#include "url.h"

static bool is_folder(const char *path)
{
  struct stat status;
  return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool vmf_destination_is_folder(const char *path)
{
  return is_folder(path) || vmf_text_ends_in(path, "/");
}

/* "B\u00fcro": "Buero.ovf", in an archive; the longest name there is that of the certificate. */
static enum vmf_code name_in_archive(const char *stem, size_t length,
                                     struct vmf_destination *destination, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *plain = NULL;

  VMF_TRY(vmf_format(&name, error, "%.*s", (int)length, stem));
  VMF_TRY(vmf_plain_name(name, &plain, error));
  size_t whole = strlen(plain);
  size_t fits = vmf_text_fit(plain, whole, VMF_TAR_NAME_WRITTEN - strlen(".cert"));
  destination->archive = true;
  destination->name_cut = fits < whole;
  return vmf_format(&destination->descriptor_name, error, "%.*s.ovf", (int)fits, plain);
}

/* On another machine one file is written. */
static enum vmf_code check_alone(const char *path, struct vmf_error *error)
{
  return vmf_url_is(path)
             ? vmf_fail(error, VMF_USAGE,
                        "%s: several files would be written, and an object store gets one: "
                        "expected *.ova",
                        path)
             : VMF_OK;
}

static enum vmf_code find_folder(const char *path, const char *name, const char *suffix,
                                 struct vmf_destination *destination, struct vmf_error *error)
{
  VMF_TRY(check_alone(path, error));
  destination->in_folder = true;
  VMF_TRY(vmf_output_check_link(path, error));
  if (!is_folder(path)) {
    if (mkdir(path, 0777) < 0)
      return vmf_fail_errno(error, vmf_creation_code(), "%s: the folder cannot be made", path);
    VMF_TRY(vmf_copy_text(path, &destination->made_folder, error));
  }
  VMF_TRY(vmf_format(&destination->descriptor_name, error, "%s%s", name, suffix));
  return vmf_format(&destination->path, error, "%s%s%s", path,
                    vmf_text_ends_in(path, "/") ? "" : "/", destination->descriptor_name);
}

enum vmf_code vmf_destination_find(const char *path, const char *name,
                                   struct vmf_destination *destination, struct vmf_error *error)
{
  *destination = (struct vmf_destination){0};
  if (path[0] == '\0')
    return vmf_fail(error, VMF_USAGE, "the target has no name");
  if (vmf_destination_is_folder(path))
    return find_folder(path, name, ".ovf", destination, error);
  VMF_TRY(vmf_copy_text(path, &destination->path, error));
  if (strcmp(path, "-") == 0)
    return name_in_archive(name, strlen(name), destination, error);
  const char *base = vmf_path_name(path);
  if (vmf_path_has_suffix(path, ".ovf"))
    VMF_TRY(check_alone(path, error));
  if (vmf_path_has_suffix(path, ".ovf"))
    return vmf_copy_text(base, &destination->descriptor_name, error);
  if (!vmf_path_has_suffix(path, ".ova"))
    return vmf_fail(error, VMF_USAGE,
                    "%s: a package is called *.ova or *.ovf, or is a folder (end its name with /)",
                    path);
  return name_in_archive(base, vmf_name_stem(base), destination, error);
}

enum vmf_code vmf_destination_beside(const char *path, const char *name, const char *suffix,
                                     struct vmf_destination *destination, struct vmf_error *error)
{
  *destination = (struct vmf_destination){0};
  if (path[0] == '\0')
    return vmf_fail(error, VMF_USAGE, "the target has no name");
  if (vmf_destination_is_folder(path))
    return find_folder(path, name, suffix, destination, error);
  if (!vmf_path_has_suffix(path, suffix))
    return vmf_fail(error, VMF_USAGE,
                    "%s: such a machine is called *%s, or is a folder (end its name with /)", path,
                    suffix);
  VMF_TRY(check_alone(path, error));
  VMF_TRY(vmf_copy_text(path, &destination->path, error));
  return vmf_copy_text(vmf_path_name(path), &destination->descriptor_name, error);
}

enum vmf_code vmf_destination_alone(const char *path, struct vmf_destination *destination,
                                    struct vmf_error *error)
{
  *destination = (struct vmf_destination){.archive = true};
  if (path[0] == '\0')
    return vmf_fail(error, VMF_USAGE, "the target has no name");
  if (vmf_destination_is_folder(path))
    return vmf_fail(error, VMF_USAGE, "%s: is a folder, and what is written is one file", path);
  VMF_TRY(vmf_copy_text(path, &destination->path, error));
  return vmf_copy_text(vmf_path_name(path), &destination->descriptor_name, error);
}

enum vmf_code vmf_destination_inside(const char *path, const char *name, const char *suffix,
                                     bool package, struct vmf_destination *destination,
                                     struct vmf_error *error)
{
  *destination = (struct vmf_destination){0};
  VMF_TRY(find_folder(path, name, suffix, destination, error));
  if (!package) {
    destination->archive = true;
    return VMF_OK;
  }
  vmf_free(destination->descriptor_name);
  destination->descriptor_name = NULL;
  return name_in_archive(name, strlen(name), destination, error);
}

void vmf_destination_clear(struct vmf_destination *destination, bool keep_folder)
{
  if (destination->made_folder && !keep_folder)
    (void)rmdir(destination->made_folder);
  vmf_free(destination->path);
  vmf_free(destination->descriptor_name);
  vmf_free(destination->made_folder);
  *destination = (struct vmf_destination){0};
}
