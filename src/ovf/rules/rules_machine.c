/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * vbox:Machine, which VirtualBox imports instead of the hardware of the standard. It attaches disks
 * by the uuid that the Disk has as vbox:uuid, and one that no Disk has ends the import. */
#include <string.h>

#include "memory.h"
#include "rules_parts.h"

/* Small hexadecimal digits only: "{60B4...}" and "60b4..." are one uuid. */
static enum vmf_code plain_uuid(const xmlNode *element, const char *uri, char **uuid,
                                struct vmf_error *error)
{
  size_t length = 0;

  VMF_TRY(vmf_xml_attribute(element, uri, "uuid", uuid, error));
  for (const char *c = *uuid; c && *c; c++)
    if ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'f'))
      (*uuid)[length++] = *c;
    else if (*c >= 'A' && *c <= 'F')
      (*uuid)[length++] = (char)(*c - 'A' + 'a');
  if (*uuid)
    (*uuid)[length] = '\0';
  return VMF_OK;
}

/* Image in AttachedDevice, of a hard disk of the machine itself, not of its snapshots. */
static enum vmf_code is_attached_disk(const xmlNode *image, bool *attached, struct vmf_error *error)
{
  const xmlNode *device = image->parent;
  VMF_AUTO_FREE char *type = NULL;

  *attached = false;
  if (!vmf_xml_is(image, NULL, "Image") || !vmf_xml_is(device, NULL, "AttachedDevice"))
    return VMF_OK;
  VMF_TRY(vmf_xml_attribute(device, NULL, "type", &type, error));
  if (!type || strcmp(type, "HardDisk") != 0)
    return VMF_OK;
  for (const xmlNode *up = device->parent; up && !*attached && !vmf_xml_is(up, NULL, "Snapshot");
       up = up->parent)
    *attached = vmf_xml_is(up, VMF_NS_VBOX, "Machine");
  return VMF_OK;
}

static enum vmf_code check_image(struct vmf_rules *rules, const struct vmf_names *uuids,
                                 const xmlNode *image, struct vmf_error *error)
{
  VMF_AUTO_FREE char *uuid = NULL;
  bool attached;

  VMF_TRY(is_attached_disk(image, &attached, error));
  if (!attached)
    return VMF_OK;
  VMF_TRY(plain_uuid(image, NULL, &uuid, error));
  if (!uuid || !vmf_names_find(uuids, uuid))
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "disk-uuid-unknown", image,
                  "vbox:Machine attaches the image \"%s\", expected the vbox:uuid of a Disk: "
                  "VirtualBox does not import the package",
                  uuid ? uuid : "");
  return VMF_OK;
}

enum vmf_code vmf_rules_machine(struct vmf_rules *rules, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = rules->ovf;
  struct vmf_names uuids = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < ovf->disk_count && code == VMF_OK; i++) {
    VMF_AUTO_FREE char *uuid = NULL;
    code = plain_uuid(ovf->xml->elements[ovf->disks[i].element], VMF_NS_VBOX, &uuid, error);
    if (code == VMF_OK)
      code = vmf_names_add(&uuids, uuid, 0, error);
  }
  vmf_names_sort(&uuids);
  for (size_t i = 0; i < ovf->xml->count && code == VMF_OK; i++)
    code = check_image(rules, &uuids, ovf->xml->elements[i], error);
  vmf_names_clear(&uuids);
  return code;
}
