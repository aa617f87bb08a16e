/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Every element that stands in a system, or in a section of the envelope that belongs to all of
 * them: what a table names is mapped elsewhere, or walked into; a setting is mapped by its key; all
 * else becomes an extra, with its text or, of an element that has children, its XML. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "reader.h"
#include "system_reader.h"
#include "vmware.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What the children of an element are looked up in. */
enum place {
  IN_ENVELOPE,
  IN_SYSTEM,
  IN_HARDWARE,
  IN_SYSTEM_DATA,
  IN_ITEM,
  IN_OS,
  IN_TEXT_SECTION, /* of which the text alone counts */
  IN_DISKS,
  IN_NETWORKS,
  IN_FILES,
  IN_NOTHING, /* it has no children that count */
  PLACES,
};

enum treatment {
  MAPPED, /* it has a place in the machine, and so has all that is in it */
  INSIDE, /* its children have */
  KEPT,   /* an extra that is known */
};

struct rest_row {
  enum place place;
  const char *name; /* of the kind, see vmf_reader_kind */
  enum treatment treatment;
  enum place inside;
};

static const struct rest_row rows[] = {
    {IN_ENVELOPE, "References", INSIDE, IN_FILES},
    {IN_ENVELOPE, "DeploymentOptionSection", KEPT, IN_NOTHING},
    {IN_ENVELOPE, "Strings", MAPPED, IN_NOTHING},
    {IN_FILES, "File", MAPPED, IN_NOTHING},
    {IN_DISKS, "Info", MAPPED, IN_NOTHING},
    {IN_DISKS, "Disk", INSIDE, IN_NOTHING},
    {IN_DISKS, "SharedDisk", INSIDE, IN_NOTHING},
    {IN_NETWORKS, "Info", MAPPED, IN_NOTHING},
    {IN_NETWORKS, "Network", INSIDE, IN_TEXT_SECTION},
    {IN_SYSTEM, "Info", MAPPED, IN_NOTHING},
    {IN_SYSTEM, "Name", MAPPED, IN_NOTHING},
    {IN_SYSTEM, "Description", MAPPED, IN_NOTHING}, /* from here on: oVirt's */
    {IN_SYSTEM, "BiosType", MAPPED, IN_NOTHING},
    {IN_SYSTEM, "CreationDate", KEPT, IN_NOTHING},
    {IN_SYSTEM, "DefaultDisplayType", KEPT, IN_NOTHING},
    {IN_SYSTEM, "Domain", KEPT, IN_NOTHING},
    {IN_SYSTEM, "IsAutoSuspend", KEPT, IN_NOTHING},
    {IN_SYSTEM, "IsInitilized", KEPT, IN_NOTHING},
    {IN_SYSTEM, "IsStateless", KEPT, IN_NOTHING},
    {IN_SYSTEM, "Origin", KEPT, IN_NOTHING},
    {IN_SYSTEM, "TemplateId", KEPT, IN_NOTHING},
    {IN_SYSTEM, "TemplateName", KEPT, IN_NOTHING},
    {IN_SYSTEM, "TimeZone", KEPT, IN_NOTHING},
    {IN_SYSTEM, "VmType", KEPT, IN_NOTHING},
    {IN_SYSTEM, "VirtualSystem", MAPPED, IN_NOTHING}, /* another machine */
    {IN_SYSTEM, "VirtualSystemCollection", MAPPED, IN_NOTHING},
    {IN_SYSTEM, "Content", MAPPED, IN_NOTHING},
    {IN_SYSTEM, "DiskSection", INSIDE, IN_DISKS},
    {IN_SYSTEM, "SharedDiskSection", INSIDE, IN_DISKS},
    {IN_SYSTEM, "NetworkSection", INSIDE, IN_NETWORKS},
    {IN_SYSTEM, "VirtualHardwareSection", INSIDE, IN_HARDWARE},
    {IN_SYSTEM, "OperatingSystemSection", INSIDE, IN_OS},
    {IN_SYSTEM, "AnnotationSection", INSIDE, IN_TEXT_SECTION},
    {IN_SYSTEM, "ProductSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "PropertySection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "EulaSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "BootDeviceSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "CpuCompatibilitySection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "EnvironmentFilesSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "InstallSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "PlacementGroupSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "PlacementSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "ResourceAllocationSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "ScaleOutSection", KEPT, IN_NOTHING},
    {IN_SYSTEM, "StartupSection", KEPT, IN_NOTHING},
    {IN_TEXT_SECTION, "Info", MAPPED, IN_NOTHING},
    {IN_TEXT_SECTION, "Annotation", MAPPED, IN_NOTHING},
    {IN_TEXT_SECTION, "Description", MAPPED, IN_NOTHING},
    {IN_OS, "Info", MAPPED, IN_NOTHING},
    {IN_OS, "Description", MAPPED, IN_NOTHING},
    {IN_OS, "OSType", MAPPED, IN_NOTHING},
    {IN_HARDWARE, "Info", MAPPED, IN_NOTHING},
    {IN_HARDWARE, "System", INSIDE, IN_SYSTEM_DATA},
    {IN_SYSTEM_DATA, "ElementName", MAPPED, IN_NOTHING},
    {IN_SYSTEM_DATA, "InstanceID", MAPPED, IN_NOTHING},
    {IN_SYSTEM_DATA, "InstanceId", MAPPED, IN_NOTHING},
    {IN_SYSTEM_DATA, "Caption", MAPPED, IN_NOTHING},
    {IN_SYSTEM_DATA, "Description", MAPPED, IN_NOTHING},
    {IN_SYSTEM_DATA, "VirtualSystemIdentifier", MAPPED, IN_NOTHING},
    {IN_SYSTEM_DATA, "VirtualSystemType", MAPPED, IN_NOTHING},
    {IN_ITEM, "Address", MAPPED, IN_NOTHING},
    {IN_ITEM, "AddressOnParent", MAPPED, IN_NOTHING},
    {IN_ITEM, "AllocationUnits", MAPPED, IN_NOTHING},
    {IN_ITEM, "AutomaticAllocation", MAPPED, IN_NOTHING},
    {IN_ITEM, "AutomaticDeallocation", KEPT, IN_NOTHING},
    {IN_ITEM, "BusNumber", KEPT, IN_NOTHING}, /* of CIM before 2.10 */
    {IN_ITEM, "Caption", MAPPED, IN_NOTHING},
    {IN_ITEM, "Connection", MAPPED, IN_NOTHING},
    {IN_ITEM, "ConsumerVisibility", KEPT, IN_NOTHING},
    {IN_ITEM, "CoresPerSocket", MAPPED, IN_NOTHING},
    {IN_ITEM, "Description", MAPPED, IN_NOTHING},
    {IN_ITEM, "ElementName", MAPPED, IN_NOTHING},
    {IN_ITEM, "HostResource", MAPPED, IN_NOTHING},
    {IN_ITEM, "InstanceID", MAPPED, IN_NOTHING},
    {IN_ITEM, "InstanceId", MAPPED, IN_NOTHING},
    {IN_ITEM, "Limit", KEPT, IN_NOTHING},
    {IN_ITEM, "MappingBehavior", KEPT, IN_NOTHING},
    {IN_ITEM, "OtherResourceType", KEPT, IN_NOTHING},
    {IN_ITEM, "Parent", MAPPED, IN_NOTHING},
    {IN_ITEM, "PoolID", KEPT, IN_NOTHING},
    {IN_ITEM, "Reservation", KEPT, IN_NOTHING},
    {IN_ITEM, "ResourceSubType", MAPPED, IN_NOTHING},
    {IN_ITEM, "ResourceType", MAPPED, IN_NOTHING},
    {IN_ITEM, "VirtualQuantity", MAPPED, IN_NOTHING},
    {IN_ITEM, "VirtualQuantityUnits", MAPPED, IN_NOTHING},
    {IN_ITEM, "Weight", KEPT, IN_NOTHING},
    {IN_ITEM, "MACAddress", MAPPED, IN_NOTHING}, /* from here on: oVirt's */
    {IN_ITEM, "ApplicationList", KEPT, IN_NOTHING},
    {IN_ITEM, "BootOrder", KEPT, IN_NOTHING},
    {IN_ITEM, "CreationDate", KEPT, IN_NOTHING},
    {IN_ITEM, "Device", KEPT, IN_NOTHING},
    {IN_ITEM, "LastModified", KEPT, IN_NOTHING},
    {IN_ITEM, "Name", KEPT, IN_NOTHING},
    {IN_ITEM, "StorageId", KEPT, IN_NOTHING},
    {IN_ITEM, "StoragePoolId", KEPT, IN_NOTHING},
    {IN_ITEM, "Template", KEPT, IN_NOTHING},
    {IN_ITEM, "Type", KEPT, IN_NOTHING},
    {IN_ITEM, "UsbPolicy", KEPT, IN_NOTHING},
    {IN_ITEM, "last_modified_date", KEPT, IN_NOTHING},
    {IN_ITEM, "num_of_sockets", MAPPED, IN_NOTHING},
    {IN_ITEM, "cpu_per_socket", MAPPED, IN_NOTHING},
};

/* Vendors' sections that are known, and nothing that a machine has. */
static const struct {
  const char *uri, *name;
} known_sections[] = {
    {VMF_NS_VMW, "IpAssignmentSection"},
    {VMF_NS_VMW, "CustomizationSection"},
    {VMF_NS_VMW, "TypeSection"},
    {VMF_NS_VMW, "CpuCompatibilitySection"},
    {VMF_NS_VMW, "StorageGroupSection"},
    {VMF_NS_VMW, "StorageSection"},
    {VMF_NS_VMW, "vServiceDependencySection"},
    {VMF_NS_VMW, "TagBasedPlacementGroupSection"},
    {VMF_NS_VMW, "TagBasedPlacementSection"},
    {VMF_NS_VBOX, "Machine"},
};

/* Attributes of the standard and of the vendors, wherever they stand. */
static const char *const known_attributes[] = {
    "actual_size",    "boot",          "disk-type",
    "vm_snapshot_id", "volume-format", "volume-type",
    "bound",          "capacity",      "capacityAllocationUnits",
    "chunkSize",      "compression",   "configuration",
    "disk-interface", "diskId",        "fileRef",
    "format",         "href",          "id",
    "lang",           "msgid",         "name",
    "osType",         "parentRef",     "populatedSize",
    "readOnly",       "required",      "schemaLocation",
    "size",           "transport",     "type",
    "uuid",           "version",
};

/* The standard's own, a class of CIM, or one of the few that vendors put among those. */
static bool is_named_by_rows(const xmlNode *node)
{
  static const char *const classes[] = {
      "CIM_ResourceAllocationSettingData", "CIM_StorageAllocationSettingData",
      "CIM_EthernetPortAllocationSettingData", "CIM_VirtualSystemSettingData"};

  for (size_t i = 0; i < COUNT(classes); i++)
    if (vmf_reader_is_cim(node, classes[i]))
      return true;
  return vmf_reader_is_envelope(node->ns) || vmf_xml_is(node, VMF_NS_VMW, "CoresPerSocket") ||
         vmf_xml_is(node, VMF_NS_VBOX, "OSType");
}

static const struct rest_row *find_row(enum place place, const xmlNode *node)
{
  size_t length;
  bool own;
  const char *kind = vmf_reader_kind(node, &length, &own);

  if (!is_named_by_rows(node))
    return NULL;
  for (size_t i = 0; i < COUNT(rows); i++)
    if (rows[i].place == place && strlen(rows[i].name) == length &&
        strncmp(rows[i].name, kind, length) == 0)
      return &rows[i];
  return place == IN_ENVELOPE ? find_row(IN_SYSTEM, node) : NULL; /* those of all systems */
}

/* ---- extras ---- */

/* "vmw:Config" */
static enum vmf_code name_of(const xmlNode *node, char **name, struct vmf_error *error)
{
  const char *prefix = node->ns ? (const char *)node->ns->prefix : NULL;
  size_t length;
  bool own;
  const char *kind = vmf_reader_kind(node, &length, &own);

  if (own || !prefix)
    return vmf_format(name, error, "%.*s", (int)length, kind);
  return vmf_format(name, error, "%s:%.*s", prefix, (int)length, kind);
}

/* Whether a password stands in an element: a property that is marked as one, itself or below. */
static enum vmf_code has_password(const struct vmf_ovf *ovf, const xmlNode *node, bool *has,
                                  struct vmf_error *error)
{
  const struct vmf_xml *xml = ovf->xml;
  size_t end = xml->spans[vmf_xml_index(node)].end;

  *has = false;
  for (size_t i = vmf_xml_index(node); i < xml->count && xml->spans[i].start < end && !*has; i++) {
    struct vmf_xml_attribute attribute = {0};
    while (!*has && vmf_xml_attribute_next(xml->elements[i], &attribute)) {
      VMF_AUTO_FREE char *value = NULL;
      if (!vmf_xml_attribute_is(&attribute, "password"))
        continue;
      VMF_TRY(vmf_xml_attribute_value(xml->elements[i], &attribute, &value, error));
      *has = strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
    }
  }
  return VMF_OK;
}

/* path: "Item 7/", or "". */
static enum vmf_code add_element(struct vmf_system_reader *reader, const char *path,
                                 const xmlNode *node, bool known)
{
  const struct vmf_xml_span *span = &reader->ovf->xml->spans[vmf_xml_index(node)];
  VMF_AUTO_FREE char *name = NULL, *key = NULL, *value = NULL;

  VMF_TRY(name_of(node, &name, reader->error));
  VMF_TRY(vmf_format(&key, reader->error, "%s%s", path, name));
  if (vmf_reader_first(node) || span->tag_end == span->end)
    VMF_TRY(vmf_copy_bytes(reader->ovf->xml->text + span->start, span->end - span->start, &value,
                           reader->error));
  else
    VMF_TRY(vmf_xml_text(node, &value, reader->error));
  VMF_TRY(
      vmf_machine_add_extra(reader->machine, "ovf", key, value, span->line, known, reader->error));
  return has_password(reader->ovf, node,
                      &reader->machine->extras[reader->machine->extra_count - 1].secret,
                      reader->error);
}

static bool is_known_attribute(const struct vmf_xml_attribute *attribute)
{
  for (size_t i = 0; i < COUNT(known_attributes); i++)
    if (vmf_xml_attribute_is(attribute, known_attributes[i]))
      return true;
  return false;
}

static enum vmf_code walk_attributes(struct vmf_system_reader *reader, const char *path,
                                     const xmlNode *node)
{
  struct vmf_xml_attribute attribute = {0};

  while (vmf_xml_attribute_next(node, &attribute)) {
    VMF_AUTO_FREE char *name = NULL, *key = NULL, *value = NULL;
    if (is_known_attribute(&attribute))
      continue;
    VMF_TRY(name_of(node, &name, reader->error));
    VMF_TRY(vmf_format(&key, reader->error, "%s%s/@%.*s%s%.*s", path, name,
                       (int)attribute.prefix_length, attribute.prefix ? attribute.prefix : "",
                       attribute.prefix ? ":" : "", (int)attribute.name_length, attribute.name));
    VMF_TRY(vmf_xml_attribute_value(node, &attribute, &value, reader->error));
    VMF_TRY(vmf_machine_add_extra(reader->machine, "ovf", key, value, vmf_xml_line(node), false,
                                  reader->error));
  }
  return VMF_OK;
}

/* ---- vendors' elements ---- */

/* <vmw:ExtraConfig vmw:key="nvram" vmw:value="ovf:/file/file3"/>: a key of a .vmx file. */
static enum vmf_code read_extra_config(struct vmf_system_reader *reader, const char *key,
                                       const char *value, unsigned line)
{
  struct vmf_machine *machine = reader->machine;
  VMF_AUTO_FREE char *name = NULL, *whole = NULL;
  bool is_file, taken;

  VMF_TRY(vmf_system_vmx_key(reader, key, value, line, &taken));
  if (taken)
    return VMF_OK;
  if (strcmp(key, "nvram") == 0 && !machine->nvram.text) {
    const char *id = vmf_ovf_host_resource(value, &is_file);
    const struct vmf_ovf_file *file = id && is_file ? vmf_ovf_file(reader->ovf, id) : NULL;
    VMF_TRY(vmf_copy_text(file && file->href ? file->href : value, &name, reader->error));
    if (file)
      vmf_ovf_decode_href(name);
    return vmf_machine_text(machine, name, line, &machine->nvram, reader->error);
  }
  VMF_TRY(vmf_format(&whole, reader->error, "vmw:ExtraConfig %s", key));
  VMF_TRY(vmf_machine_add_extra(machine, "ovf", whole, value, line, true, reader->error));
  machine->extras[machine->extra_count - 1].secret = vmf_vmware_secret(key);
  return VMF_OK;
}

static enum vmf_code read_setting(struct vmf_system_reader *reader, size_t item, const char *path,
                                  const xmlNode *node)
{
  VMF_AUTO_FREE char *key = NULL, *value = NULL, *whole = NULL;
  enum vmf_setting setting = VMF_SETTING_UNKNOWN;
  unsigned line = vmf_xml_line(node);

  VMF_TRY(vmf_xml_attribute(node, VMF_NS_VMW, "key", &key, reader->error));
  VMF_TRY(vmf_xml_attribute(node, VMF_NS_VMW, "value", &value, reader->error));
  if (!key || !value)
    return add_element(reader, path, node, false);
  if (vmf_xml_is(node, NULL, "ExtraConfig"))
    return read_extra_config(reader, key, value, line);
  VMF_TRY(vmf_system_setting(reader, item, key, value, line, &setting));
  if (setting == VMF_SETTING_MAPPED)
    return VMF_OK;
  VMF_TRY(vmf_format(&whole, reader->error, "%svmw:Config %s", path, key));
  return vmf_machine_add_extra(reader->machine, "ovf", whole, value, line,
                               setting == VMF_SETTING_KNOWN, reader->error);
}

/* <vmw:BootOrderSection vmw:instanceId="8" vmw:type="disk"/>: one a device, the first tried first.
 */
static enum vmf_code read_boot(struct vmf_system_reader *reader, const xmlNode *node,
                               uint64_t *order)
{
  VMF_AUTO_FREE char *instance = NULL;

  VMF_TRY(vmf_xml_attribute(node, VMF_NS_VMW, "instanceId", &instance, reader->error));
  size_t index = instance ? vmf_system_item_of(reader, instance) : SIZE_MAX;
  const struct vmf_system_item *item = index == SIZE_MAX ? NULL : &reader->items[index];
  struct vmf_told_number *boot = NULL;
  if (item && item->fate == VMF_ITEM_DISK)
    boot = &reader->machine->disks[item->place].boot;
  else if (item && item->fate == VMF_ITEM_NIC)
    boot = &reader->machine->nics[item->place].boot;
  if (!boot || boot->told)
    return add_element(reader, "", node, true);
  *boot = vmf_told(++*order, vmf_xml_line(node));
  return VMF_OK;
}

static enum vmf_code read_foreign(struct vmf_system_reader *reader, enum place place, size_t item,
                                  const char *path, const xmlNode *node, uint64_t *boot_order)
{
  static const char vcloud[] = "http://www.vmware.com/vcloud/";
  bool known = false;

  if (vmf_xml_is(node, VMF_NS_VMW, "Config") || vmf_xml_is(node, VMF_NS_VMW, "ExtraConfig"))
    return read_setting(reader, item, path, node);
  if (place == IN_SYSTEM && vmf_xml_is(node, VMF_NS_VMW, "BootOrderSection"))
    return read_boot(reader, node, boot_order);
  if (place == IN_SYSTEM && vmf_xml_is(node, VMF_NS_VBOX, "Machine"))
    VMF_TRY(vmf_system_vbox(reader, node));
  for (size_t i = 0; i < COUNT(known_sections); i++)
    known |= vmf_xml_is(node, known_sections[i].uri, known_sections[i].name);
  if (node->ns) /* vCloud Director's sections are about its own clouds */
    known |= strncmp((const char *)node->ns->href, vcloud, strlen(vcloud)) == 0;
  return add_element(reader, path, node, known);
}

/* ---- the walk ---- */

static bool is_item(const xmlNode *node)
{
  return vmf_reader_is(node, "Item") || vmf_reader_is(node, "StorageItem") ||
         vmf_reader_is(node, "EthernetPortItem");
}

static enum vmf_code walk(struct vmf_system_reader *reader, enum place place, size_t item,
                          const char *path, const xmlNode *parent);

/* Items stand in the model in the order of the document. */
static enum vmf_code walk_item(struct vmf_system_reader *reader, size_t index, const xmlNode *node)
{
  char path[48];

  if (index >= reader->system->item_count)
    return add_element(reader, "", node, true);
  snprintf(path, sizeof path, "Item %.32s/",
           reader->system->items[index].instance ? reader->system->items[index].instance : "?");
  if (reader->items[index].fate == VMF_ITEM_UNKNOWN || reader->items[index].fate == VMF_ITEM_KEPT)
    return add_element(reader, path, node, reader->items[index].fate == VMF_ITEM_KEPT);
  VMF_TRY(walk_attributes(reader, path, node));
  return walk(reader, IN_ITEM, index, path, node);
}

static enum vmf_code walk_known(struct vmf_system_reader *reader, const struct rest_row *row,
                                size_t item, const char *path, const xmlNode *node)
{
  /* of several descriptions of the hardware one counts */
  bool other =
      row->inside == IN_HARDWARE && vmf_xml_index(node) != reader->system->hardware_element;

  if (row->treatment == MAPPED)
    return VMF_OK;
  if (row->treatment == KEPT || other)
    return add_element(reader, path, node, true);
  VMF_TRY(walk_attributes(reader, path, node));
  return walk(reader, row->inside, item, path, node);
}

static enum vmf_code walk(struct vmf_system_reader *reader, enum place place, size_t item,
                          const char *path, const xmlNode *parent)
{
  uint64_t boot_order = 0;
  size_t index = 0;

  for (const xmlNode *node = vmf_reader_first(parent); node; node = vmf_reader_next(node)) {
    const struct rest_row *row = find_row(place, node);
    if (place == IN_HARDWARE && is_item(node))
      VMF_TRY(walk_item(reader, index++, node));
    else if (row)
      VMF_TRY(walk_known(reader, row, item, path, node));
    else
      VMF_TRY(read_foreign(reader, place, item, path, node, &boot_order));
  }
  return VMF_OK;
}

/* The system, the collections around it, and the envelope. */
enum vmf_code vmf_system_rest(struct vmf_system_reader *reader)
{
  const struct vmf_xml *xml = reader->ovf->xml;
  const struct vmf_ovf_system *systems = reader->ovf->systems, *system = reader->system;

  for (;; system = &systems[system->parent]) {
    const xmlNode *node = xml->elements[system->element];
    VMF_TRY(walk_attributes(reader, "", node));
    VMF_TRY(walk(reader, IN_SYSTEM, SIZE_MAX, "", node));
    if (system->parent == (size_t)(system - systems))
      break;
  }
  VMF_TRY(walk(reader, IN_ENVELOPE, SIZE_MAX, "", xml->elements[0]));
  return vmf_system_vmx_keys_end(reader);
}
