/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Files of a package that need not be disks: listed, and read as they are, through the gate. */
#include <string.h>

#include "caller.h"
#include "gate.h"
#include "memory.h"

static bool is_disk(const struct vmf_ovf *ovf, const struct vmf_ovf_file *file)
{
  for (size_t i = 0; i < ovf->disk_count; i++)
    if (ovf->disks[i].file_ref && vmf_ovf_file(ovf, ovf->disks[i].file_ref) == file)
      return true;
  return false;
}

bool vmf_package_file(const struct vmf_package *package, size_t index,
                      struct vmf_package_file *file)
{
  struct vmf_package_file own;

  if (!package || !file || index >= package->ovf->file_count ||
      vmf_take_package_file(file, &own, NULL) != VMF_OK)
    return false;
  const struct vmf_ovf_file *found = &package->ovf->files[index];
  own = (struct vmf_package_file){.id = found->id,
                                  .name = found->href,
                                  .bytes_known = found->size_known,
                                  .bytes = found->size_known ? found->size : 0,
                                  .disk = is_disk(package->ovf, found)};
  vmf_give_package_file(&own, file);
  return true;
}

static enum vmf_code find_file(const struct vmf_package *package, const char *name,
                               const struct vmf_ovf_file **file, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = package->ovf;

  *file = vmf_ovf_file(ovf, name);
  for (size_t i = 0; i < ovf->file_count && !*file; i++) {
    VMF_AUTO_FREE char *stored = NULL;
    const char *href = ovf->files[i].href;
    if ((href && strcmp(href, name) == 0) ||
        (vmf_package_href(package, &ovf->files[i], &stored, NULL) == VMF_OK &&
         strcmp(stored, name) == 0))
      *file = &ovf->files[i];
  }
  if (*file)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s: its descriptor has no file \"%s\"", package->path, name);
}

/* As a raw disk: all its bytes, whatever they are. */
static enum vmf_code open_raw(struct vmf_package *package, const struct vmf_ovf_file *file,
                              const struct vmf_image_options *options, struct vmf_image **image,
                              struct vmf_error *error)
{
  struct vmf_image_origin origin = {.release = vmf_package_release, .owner = package};

  VMF_TRY(vmf_package_open_content(package, file, options, &origin.io, error));
  atomic_fetch_add(&package->users, 1);
  return vmf_image_open_origin(&origin, options, image, error);
}

static enum vmf_code open_through(struct vmf_gate *gate, const struct vmf_ovf_file *file,
                                  const struct vmf_image_options *options, struct vmf_image **image,
                                  struct vmf_error *error)
{
  enum vmf_code code = vmf_gate_file(gate, file, error);

  if (code == VMF_OK)
    code = open_raw(gate->package, file, options, image, error);
  if (code == VMF_OK)
    code = vmf_gate_image(gate, *image, error);
  return vmf_gate_pass(gate, code, error);
}

enum vmf_code vmf_package_open_file(struct vmf_package *package, const char *name,
                                    const struct vmf_image_options *options,
                                    struct vmf_image **image, struct vmf_error *error)
{
  const struct vmf_ovf_file *file;
  struct vmf_image_options own;
  struct vmf_gate gate;

  VMF_REQUIRE(image, error);
  *image = NULL;
  VMF_REQUIRE(package, error);
  VMF_REQUIRE(name, error);
  VMF_TRY(vmf_take_image_options(options, &own, error));
  VMF_TRY(find_file(package, name, &file, error));
  own.format = "raw";
  own.options = own.snapshot = own.disk = NULL;
  VMF_TRY(vmf_gate_new(package, own.trust, &gate, error));
  gate.threads = own.threads;
  gate.crew = own.crew;
  gate.cancel = own.cancel;
  enum vmf_code code = open_through(&gate, file, &own, image, error);
  vmf_gate_clear(&gate);
  if (code != VMF_OK) {
    vmf_image_close(*image);
    *image = NULL;
  }
  return code;
}
