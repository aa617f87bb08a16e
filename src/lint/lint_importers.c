/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of a descriptor by the importers of Proxmox VE, oVirt, AWS, OpenStack and GCE. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "lint_descriptor.h"
#include "path.h"
#include "text.h"

enum { AWS_VOLUMES = 21 };

/* ---- Proxmox VE (pve-storage, OVF.pm and Storage.pm) ---- */

/* As Storage.pm has it; a blank may stand in the names of an OVA's members. */
static bool is_safe(const char *name, bool member)
{
  return name[strspn(name, member ? "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "-.+=_ "
                                  : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "-.+=_")] == '\0';
}

static void check_names(const struct vmf_descriptor_judged *judged)
{
  struct vmf_lint_place place = {.allowed = "letters, digits and -.+=_ in its name"};
  const char *own = vmf_path_name(judged->package->path);

  if (!is_safe(own, false))
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_NAMES, &place, "a package called \"%s\"", own);
  place.file = judged->file;
  place.allowed = "letters, digits, -.+=_ and blanks in its name, no folder";
  for (size_t i = 0; i < judged->ovf->file_count; i++) {
    const struct vmf_ovf_file *file = &judged->ovf->files[i];
    place.line = file->line;
    if (file->href && !is_safe(file->href, judged->package->tar != NULL))
      vmf_lint_tell(judged->linting, VMF_LINT_PVE_NAMES, &place, "a file called \"%s\"",
                    file->href);
  }
}

static const struct vmf_ovf_item *parent_of(const struct vmf_descriptor_judged *judged,
                                            const struct vmf_ovf_item *item)
{
  for (size_t i = 0; i < judged->system->item_count && item->parent; i++) {
    const struct vmf_ovf_item *other = &judged->system->items[i];
    if (other->instance && strcmp(other->instance, item->parent) == 0)
      return other;
  }
  return NULL;
}

static bool is_controller(const struct vmf_ovf_item *item)
{
  return item->type == VMF_RESOURCE_IDE || item->type == VMF_RESOURCE_SCSI ||
         item->type == VMF_RESOURCE_STORAGE;
}

/* Whether an earlier disk on a controller of the same kind has the same address: it numbers them
 * over all of a kind. */
static bool is_seated_twice(const struct vmf_descriptor_judged *judged,
                            const struct vmf_ovf_item *item, unsigned kind)
{
  for (size_t i = 0; i < judged->system->item_count; i++) {
    const struct vmf_ovf_item *other = &judged->system->items[i];
    const struct vmf_ovf_item *parent = parent_of(judged, other);
    if (other == item)
      return false;
    if (other->type == VMF_RESOURCE_DISK && parent && parent->type == kind &&
        other->address_on_parent && strcmp(other->address_on_parent, item->address_on_parent) == 0)
      return true;
  }
  return false;
}

static void check_proxmox_disk(const struct vmf_descriptor_judged *judged,
                               const struct vmf_ovf_item *item)
{
  struct vmf_lint_place place = vmf_lint_at(judged, item->line, "ovf:/disk/ID");
  const struct vmf_ovf_item *parent = parent_of(judged, item);

  if (!item->host_resource || strncmp(item->host_resource, "ovf:/disk/", 10) != 0)
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_OVF, &place, "a disk from \"%s\"",
                  item->host_resource ? item->host_resource : "");
  place.allowed = "a controller of the type 5, 6 or 20";
  if (!parent || !is_controller(parent)) {
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_OVF, &place, "a disk on \"%s\"",
                  item->parent ? item->parent : "");
    return;
  }
  place.allowed = "an address that no other disk of such controllers has";
  if (!item->address_on_parent)
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_OVF, &place, "a disk without AddressOnParent");
  else if (is_seated_twice(judged, item, parent->type))
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_OVF, &place, "a second disk at the address %s",
                  item->address_on_parent);
}

static void check_proxmox_memory(const struct vmf_descriptor_judged *judged,
                                 const struct vmf_ovf_item *item)
{
  const struct vmf_lint_place place =
      vmf_lint_at(judged, item->line, "memory in MiB, \"byte * 2^20\"");
  uint64_t unit = UINT64_C(1) << 20;

  if (item->units && vmf_units_bytes(item->units, &unit) && unit != UINT64_C(1) << 20)
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_MEMUNIT, &place, "memory in \"%s\"", item->units);
}

static void check_proxmox_card(const struct vmf_descriptor_judged *judged,
                               const struct vmf_ovf_item *item)
{
  struct vmf_lint_place place = vmf_lint_at(judged, item->line, "e1000, e1000e, vmxnet3");

  if (item->subtype && !vmf_text_equal_nocase(item->subtype, "e1000") &&
      !vmf_text_equal_nocase(item->subtype, "e1000e") &&
      !vmf_text_equal_nocase(item->subtype, "vmxnet3"))
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_NIC, &place,
                  "a card \"%s\", which becomes an e1000", item->subtype);
  place.allowed = "no address: it is not read";
  if (item->address && item->address[0])
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_NIC, &place, "a card with the address %s",
                  item->address);
}

/* ---- oVirt (OvfOvaReader.java) ---- */

/* It looks for attributes by their prefix, not by their namespace. */
static bool has_prefix(const struct vmf_descriptor_judged *judged, size_t element)
{
  struct vmf_xml_attribute attribute = {0};
  const xmlNode *node = judged->ovf->xml->elements[element];

  while (vmf_xml_attribute_next(node, &attribute))
    if (attribute.prefix &&
        (attribute.prefix_length != 3 || strncmp(attribute.prefix, "ovf", 3) != 0) &&
        vmf_xml_attribute_is(&attribute, "fileRef"))
      return false;
  return true;
}

static void check_ovirt(const struct vmf_descriptor_judged *judged)
{
  for (size_t i = 0; i < judged->ovf->disk_count; i++) {
    const struct vmf_ovf_disk *disk = &judged->ovf->disks[i];
    struct vmf_lint_place place = vmf_lint_at(judged, disk->line, "ovf:fileRef");
    if (!disk->file_ref)
      vmf_lint_tell(judged->linting, VMF_LINT_OVIRT_REF, &place, "a disk without a file");
    place.allowed = "the prefix \"ovf:\"";
    if (!has_prefix(judged, disk->element))
      vmf_lint_tell(judged->linting, VMF_LINT_OVIRT_REF, &place, "attributes with another prefix");
  }
}

/* ---- clouds ---- */

static void check_counts(const struct vmf_descriptor_judged *judged)
{
  struct vmf_lint_place place = vmf_lint_at(judged, 1, "exactly one");
  size_t count = judged->ovf->disk_count;

  if (count != 1)
    vmf_lint_tell(judged->linting, VMF_LINT_OS_OVA, &place, "%zu disks", count);
  place.allowed = "at most 21";
  if (count > AWS_VOLUMES)
    vmf_lint_tell(judged->linting, VMF_LINT_AWS_VOLS, &place, "%zu disks", count);
}

static const struct vmf_guest_os *guest_of(const struct vmf_ovf_system *system)
{
  return vmf_guest_os_of(system->vmw_os, system->vbox_os, system->os_known, system->os_id);
}

/* It is told from the words and the number of the OperatingSystemSection. */
static void check_guest(const struct vmf_descriptor_judged *judged)
{
  const struct vmf_lint_place place =
      vmf_lint_at(judged, judged->system->line, "a guest system by name, or --os of the tool");
  const struct vmf_guest_os *os = guest_of(judged->system);

  if (!os || vmf_guest_os_family(os) == VMF_OS_OTHER)
    vmf_lint_tell(judged->linting, VMF_LINT_GCE_OVF, &place, "the guest system \"%s\"",
                  os ? os->name : "");
}

/* ---- the three calls ---- */

void vmf_lint_importers(const struct vmf_descriptor_judged *judged)
{
  const struct vmf_lint_place place = vmf_lint_at(judged, 1, VMF_NS_OVF_1);

  if (judged->ovf->version != VMF_OVF_1)
    vmf_lint_tell(judged->linting, VMF_LINT_PVE_OVF, &place, "the namespace %s", judged->ovf->uri);
  check_names(judged);
  check_ovirt(judged);
  check_counts(judged);
}

void vmf_lint_importers_system(const struct vmf_descriptor_judged *judged)
{
  check_guest(judged);
}

void vmf_lint_importers_item(const struct vmf_descriptor_judged *judged,
                             const struct vmf_ovf_item *item)
{
  if (item->type == VMF_RESOURCE_DISK)
    check_proxmox_disk(judged, item);
  if (item->type == VMF_RESOURCE_MEMORY)
    check_proxmox_memory(judged, item);
  if (item->type == VMF_RESOURCE_NIC)
    check_proxmox_card(judged, item);
}
