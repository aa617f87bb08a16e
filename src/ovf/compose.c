/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A descriptor for a machine that has none: envelope, files, disks and networks; no time stamp in
 * it, so that the same machine gives the same bytes. */
#include "compose.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "machine_plan.h"
#include "markup.h"
#include "memory.h"

static void compose_envelope(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  bool two = plan->settings->version == VMF_OVF_2;
  const char *ovf = two ? VMF_NS_OVF_2 : VMF_NS_OVF_1;

  vmf_markup_start(markup, "Envelope");
  vmf_markup_attribute(markup, "xmlns", "%s", ovf);
  vmf_markup_attribute(markup, "xmlns:ovf", "%s", ovf);
  vmf_markup_attribute(markup, "xmlns:rasd", "%s", VMF_NS_RASD);
  if (two) {
    vmf_markup_attribute(markup, "xmlns:epasd", "%s", VMF_NS_EPASD);
    vmf_markup_attribute(markup, "xmlns:sasd", "%s", VMF_NS_SASD);
  }
  vmf_markup_attribute(markup, "xmlns:vssd", "%s", VMF_NS_VSSD);
  if (plan->os->vmware || plan->firmware || !plan->settings->texts)
    vmf_markup_attribute(markup, "xmlns:vmw", "%s", VMF_NS_VMW);
  vmf_markup_enter(markup);
}

/* A file name as a relative URI: what is not plain in a path segment is written as %XX. */
static enum vmf_code escape_href(const char *name, char **href, struct vmf_error *error)
{
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
                              "!$&'()*+,;=@";
  static const char digits[] = "0123456789ABCDEF";
  char *out;

  VMF_TRY(vmf_alloc(3 * strlen(name) + 1, (void **)href, error));
  out = *href;
  for (; *name; name++) {
    unsigned char c = (unsigned char)*name;

    if (strchr(plain, c)) {
      *out++ = *name;
    } else {
      *out++ = '%';
      *out++ = digits[c >> 4];
      *out++ = digits[c & 15];
    }
  }
  return VMF_OK;
}

static enum vmf_code compose_file(struct vmf_markup *markup, const struct vmf_compose_disk *disk,
                                  size_t number, struct vmf_error *error)
{
  VMF_AUTO_FREE char *href = NULL;

  VMF_TRY(escape_href(disk->file_name, &href, error));
  vmf_markup_start(markup, "File");
  vmf_markup_attribute(markup, "ovf:href", "%s", href);
  vmf_markup_attribute(markup, "ovf:id", "file%zu", number);
  if (disk->file_size > 0)
    vmf_markup_attribute(markup, "ovf:size", "%" PRIu64, disk->file_size);
  vmf_markup_end(markup);
  return VMF_OK;
}

static enum vmf_code compose_references(struct vmf_markup *markup,
                                        const struct vmf_machine_plan *plan,
                                        struct vmf_error *error)
{
  vmf_markup_open(markup, "References");
  for (size_t i = 0; i < plan->machine->disk_count; i++)
    if (plan->drives[i].file > 0)
      VMF_TRY(compose_file(markup, &plan->files[i], plan->drives[i].file, error));
  vmf_markup_leave(markup, "References");
  return VMF_OK;
}

static void compose_disk(struct vmf_markup *markup, const struct vmf_machine_plan_drive *drive,
                         const struct vmf_compose_disk *disk)
{
  vmf_markup_start(markup, "Disk");
  vmf_markup_attribute(markup, "ovf:capacity", "%" PRIu64, disk->capacity);
  vmf_markup_attribute(markup, "ovf:capacityAllocationUnits", "byte");
  vmf_markup_attribute(markup, "ovf:diskId", "vmdisk%zu", drive->disk);
  if (drive->file > 0)
    vmf_markup_attribute(markup, "ovf:fileRef", "file%zu", drive->file);
  vmf_markup_attribute(markup, "ovf:format", "%s", disk->format_uri);
  if (disk->populated_known)
    vmf_markup_attribute(markup, "ovf:populatedSize", "%" PRIu64,
                         vmf_min(disk->populated, disk->capacity));
  vmf_markup_end(markup);
}

static void compose_disks(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  bool any = false;

  for (size_t i = 0; i < plan->machine->disk_count; i++) {
    if (plan->drives[i].disk == 0)
      continue;
    if (!any) {
      vmf_markup_open(markup, "DiskSection");
      vmf_markup_leaf(markup, "Info", "The virtual disks");
    }
    compose_disk(markup, &plan->drives[i], &plan->files[i]);
    any = true;
  }
  if (any)
    vmf_markup_leave(markup, "DiskSection");
}

static void compose_networks(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  if (plan->machine->nic_count == 0)
    return;
  vmf_markup_open(markup, "NetworkSection");
  vmf_markup_leaf(markup, "Info", "The logical networks");
  for (size_t i = 0; i < plan->machine->nic_count; i++) {
    const char *name = plan->nics[i].network;
    bool told = false;

    for (size_t k = 0; k < i; k++)
      told |= strcmp(plan->nics[k].network, name) == 0;
    if (told)
      continue;
    vmf_markup_start(markup, "Network");
    vmf_markup_attribute(markup, "ovf:name", "%s", name);
    vmf_markup_enter(markup);
    vmf_markup_leaf(markup, "Description", "The %s network", name);
    vmf_markup_leave(markup, "Network");
  }
  vmf_markup_leave(markup, "NetworkSection");
}

static enum vmf_code compose_all(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                                 struct vmf_error *error)
{
  compose_envelope(markup, plan);
  VMF_TRY(compose_references(markup, plan, error));
  compose_disks(markup, plan);
  compose_networks(markup, plan);
  vmf_markup_start(markup, "VirtualSystem");
  vmf_markup_attribute(markup, "ovf:id", "%s", plan->id);
  vmf_markup_enter(markup);
  vmf_markup_leaf(markup, "Info", "A virtual machine");
  vmf_markup_leaf(markup, "Name", "%s", plan->name);
  vmf_compose_os(markup, plan);
  vmf_compose_hardware(markup, plan);
  vmf_compose_texts(markup, plan);
  vmf_markup_leave(markup, "VirtualSystem");
  vmf_markup_leave(markup, "Envelope");
  return VMF_OK;
}

enum vmf_code vmf_compose(const struct vmf_machine *machine,
                          const struct vmf_compose_settings *settings,
                          const struct vmf_compose_disk *disks, char **text,
                          struct vmf_error *error)
{
  struct vmf_markup markup = {0};
  struct vmf_machine_plan plan;
  enum vmf_code code = vmf_machine_plan_make(machine, settings, disks, &plan, error);

  *text = NULL;
  if (code == VMF_OK)
    code = compose_all(&markup, &plan, error);
  if (code == VMF_OK)
    code = vmf_markup_take(&markup, text, error);
  vmf_markup_clear(&markup);
  vmf_machine_plan_clear(&plan);
  return code;
}
