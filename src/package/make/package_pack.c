/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A package of disks that had none: described anew, or after a template. */
#include <string.h>

#include "caller.h"
#include "checked.h"
#include "compose.h"
#include "conversion.h"
#include "memory.h"
#include "path.h"
#include "text.h"

struct packing {
  struct vmf_machine_options machine;
  struct vmf_image *const *disks;
  size_t count;
  const struct vmf_disk_format *form;
  const char *options;
  const struct vmf_destination *destination;
  struct vmf_report *report;
  struct vmf_assembly assembly;
};

/* ---- the descriptor ---- */

static uint64_t capacity_of(const struct packing *packing, size_t index)
{
  uint64_t size = vmf_image_size(packing->disks[index]);
  return strcmp(packing->form->format, "raw") == 0 ? size : vmf_div_up(size, 512) * 512;
}

static void describe_disk(const struct packing *packing, size_t index, enum vmf_describe how,
                          struct vmf_compose_disk *disk)
{
  const struct vmf_assembly_file *file = &packing->assembly.files[index];
  bool widest = how == VMF_DESCRIBE_WIDEST;

  *disk = (struct vmf_compose_disk){
      .file_name = file->name,
      .format_uri = packing->form->uri,
      .capacity = capacity_of(packing, index),
      .populated_known = how != VMF_DESCRIBE_EARLY,
      .populated = widest ? UINT64_MAX : file->data_bytes,
      .file_size = widest ? UINT64_MAX : file->size,
  };
}

static enum vmf_code describe(void *data, enum vmf_describe how, char **text, size_t *length,
                              struct vmf_error *error)
{
  struct packing *packing = data;
  VMF_AUTO_FREE void *disks = NULL;

  VMF_TRY(vmf_alloc(packing->count * sizeof(struct vmf_compose_disk), &disks, error));
  for (size_t i = 0; i < packing->count; i++)
    describe_disk(packing, i, how, &((struct vmf_compose_disk *)disks)[i]);
  VMF_TRY(vmf_compose_options(&packing->machine, disks, packing->count, text, error));
  *length = strlen(*text);
  return VMF_OK;
}

/* ---- the disks ---- */

/* "vm-disk1.vmdk". */
static enum vmf_code add_disk(struct packing *packing, size_t index, struct vmf_error *error)
{
  struct vmf_assembly_file *file = &packing->assembly.files[index];

  file->image = packing->disks[index];
  file->format = packing->form->format;
  file->options = packing->options;
  VMF_TRY(vmf_assembly_disk(packing->destination, index, packing->form->suffix, file, error));
  packing->assembly.count++;
  return vmf_assembly_disk_losses(file->image, packing->report, error);
}

static enum vmf_code pack(struct packing *packing, const struct vmf_package_target *target,
                          struct vmf_error *error)
{
  VMF_AUTO_FREE char *ignored = NULL;
  void *memory;
  size_t length;

  VMF_TRY(vmf_alloc(packing->count * sizeof(struct vmf_assembly_file), &memory, error));
  packing->assembly.files = memory;
  for (size_t i = 0; i < packing->count; i++)
    VMF_TRY(add_disk(packing, i, error));
  packing->assembly.describe = describe;
  packing->assembly.data = packing;
  /* a wrong option is told before anything is made */
  VMF_TRY(describe(packing, VMF_DESCRIBE_WIDEST, &ignored, &length, error));
  return vmf_assemble(packing->destination, &packing->assembly, target, error);
}

/* ---- after a template ---- */

/* One file each, or one of the disks that are given would be nowhere. */
static enum vmf_code check_places(const struct vmf_ovf *ovf, struct vmf_error *error)
{
  for (size_t i = 0; i < ovf->disk_count; i++) {
    const struct vmf_ovf_disk *disk = &ovf->disks[i];
    const struct vmf_ovf_file *file = disk->file_ref ? vmf_ovf_file(ovf, disk->file_ref) : NULL;
    for (size_t k = 0; k < i && file; k++)
      if (ovf->disks[k].file_ref && vmf_ovf_file(ovf, ovf->disks[k].file_ref) == file)
        return vmf_fail(error, VMF_UNSUPPORTED,
                        "%s:%u: disk \"%s\" is in the same file as disk \"%s\"; a template has a "
                        "file for each disk",
                        ovf->name, disk->line, disk->id ? disk->id : "",
                        ovf->disks[k].id ? ovf->disks[k].id : "");
  }
  return VMF_OK;
}

static enum vmf_code pack_by_template(struct packing *packing,
                                      const struct vmf_package_target *target,
                                      struct vmf_error *error)
{
  struct vmf_package *template = packing->machine.template_;
  struct vmf_conversion conversion = {.package = template,
                                      .target = target,
                                      .form = packing->form,
                                      .destination = packing->destination,
                                      .report = packing->report,
                                      .disks = packing->disks};
  VMF_AUTO_FREE char *options = NULL;
  size_t places = 0;

  if (packing->machine.platform)
    return vmf_fail(error, VMF_USAGE, "%s: a template is taken as it is, not for a platform (%s)",
                    template->path, packing->machine.platform);
  for (size_t i = 0; i < template->ovf->disk_count; i++)
    places += template->ovf->disks[i].file_ref != NULL;
  if (places != packing->count)
    return vmf_fail(error, VMF_USAGE, "%s: has %zu disks with a file, and %zu are given",
                    template->path, places, packing->count);
  VMF_TRY(check_places(template->ovf, error));
  VMF_TRY(vmf_copy_text(packing->options, &options, error));
  conversion.options = options;
  options = NULL;
  enum vmf_code code = vmf_conversion_run(&conversion, error);
  vmf_conversion_clear(&conversion);
  return code;
}

/* ---- the call ---- */

/* The name of the first disk's file without its suffix, or of the target. */
static enum vmf_code default_name(struct packing *packing, const char *path, char **name,
                                  struct vmf_error *error)
{
  const char *from = packing->machine.name;

  if (from)
    return vmf_copy_text(from, name, error);
  from = strcmp(path, "-") == 0 || vmf_text_ends_in(path, "/") ? vmf_image_path(packing->disks[0])
                                                               : path;
  const char *base = vmf_path_name(from);
  return vmf_copy_bytes(base, vmf_name_stem(base), name, error);
}

static enum vmf_code start(struct packing *packing, const char *path,
                           const struct vmf_package_target *target,
                           struct vmf_destination *destination, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *file_name = NULL;

  VMF_TRY(default_name(packing, path, &name, error));
  VMF_TRY(vmf_assembly_file_name(name, &file_name, error));
  VMF_TRY(vmf_destination_find(path, file_name, destination, error));
  packing->machine.name = name;
  return packing->machine.template_ ? pack_by_template(packing, target, error)
                                    : pack(packing, target, error);
}

enum vmf_code vmf_package_pack(struct vmf_image *const *disks, size_t count,
                               const struct vmf_machine_options *machine, const char *path,
                               const struct vmf_package_target *target, struct vmf_error *error)
{
  struct vmf_package_target settled;
  struct vmf_report report;
  struct vmf_destination destination = {0};
  struct packing packing = {
      .disks = disks, .count = count, .destination = &destination, .report = &report};
  VMF_AUTO_FREE char *options = NULL, *plain = NULL;

  VMF_REQUIRE(path, error);
  VMF_TRY(vmf_take_machine_options(machine, &packing.machine, error));
  VMF_TRY(vmf_take_package_target(target, &settled, error));
  report = (struct vmf_report){.finding = settled.findings.finding, .data = settled.findings.data};
  if (count == 0)
    return vmf_fail(error, VMF_USAGE, "a package needs a disk");
  VMF_REQUIRE(disks, error);
  for (size_t i = 0; i < count; i++)
    VMF_REQUIRE(disks[i], error);
  if (!settled.disk_format)
    settled.disk_format = "streamOptimized";
  VMF_TRY(vmf_location_resolve(path, false, &plain, error));
  VMF_TRY(vmf_conversion_form(&settled, true, &packing.form, &options, error));
  packing.options = options;
  enum vmf_code code = start(&packing, plain, &settled, &destination, error);
  for (size_t i = 0; i < packing.assembly.count; i++)
    vmf_free(packing.assembly.files[i].name);
  vmf_free(packing.assembly.files);
  vmf_destination_clear(&destination, code == VMF_OK && !settled.dry_run);
  return code;
}
