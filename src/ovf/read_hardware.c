/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VirtualHardwareSection: the system, its items, and the vendors' settings among them. */
#include <stddef.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "reader.h"
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A child of <System>. */
static bool is_system_field(const xmlNode *node, const char *name)
{
  return vmf_xml_is(node, NULL, name) && (vmf_reader_is_cim(node, "CIM_VirtualSystemSettingData") ||
                                          vmf_reader_is_envelope(node->ns));
}

static bool is_item_field(const xmlNode *node)
{
  return vmf_reader_is_envelope(node->ns) ||
         vmf_reader_is_cim(node, "CIM_ResourceAllocationSettingData") ||
         vmf_reader_is_cim(node, "CIM_StorageAllocationSettingData") ||
         vmf_reader_is_cim(node, "CIM_EthernetPortAllocationSettingData");
}

/* What of an item is no text in the model, and what only old or odd dialects have. */
struct item_texts {
  char *type, *quantity, *caption, *old_instance, *cores, *sockets, *cores_of_socket;
  char *kind, *mac; /* oVirt */
};

static void clear_texts(struct item_texts *texts)
{
  vmf_free(texts->type);
  vmf_free(texts->quantity);
  vmf_free(texts->caption);
  vmf_free(texts->old_instance);
  vmf_free(texts->cores);
  vmf_free(texts->sockets);
  vmf_free(texts->cores_of_socket);
  vmf_free(texts->kind);
  vmf_free(texts->mac);
}

static enum vmf_code read_item_child(struct vmf_ovf_reader *reader, const xmlNode *node,
                                     struct vmf_ovf_item *item, struct item_texts *texts)
{
  static const struct vmf_reader_field fields[] = {
      {"InstanceID", offsetof(struct vmf_ovf_item, instance)},
      {"Parent", offsetof(struct vmf_ovf_item, parent)},
      {"ElementName", offsetof(struct vmf_ovf_item, name)},
      {"Description", offsetof(struct vmf_ovf_item, description)},
      {"ResourceSubType", offsetof(struct vmf_ovf_item, subtype)},
      {"Address", offsetof(struct vmf_ovf_item, address)},
      {"AddressOnParent", offsetof(struct vmf_ovf_item, address_on_parent)},
      {"Connection", offsetof(struct vmf_ovf_item, connection)},
      {"AutomaticAllocation", offsetof(struct vmf_ovf_item, automatic)},
      {"HostResource", offsetof(struct vmf_ovf_item, host_resource)},
      {"AllocationUnits", offsetof(struct vmf_ovf_item, units)},
  };
  static const struct vmf_reader_field others[] = {
      {"ResourceType", offsetof(struct item_texts, type)},
      {"VirtualQuantity", offsetof(struct item_texts, quantity)},
      {"Caption", offsetof(struct item_texts, caption)},
      {"InstanceId", offsetof(struct item_texts, old_instance)},
      {"num_of_sockets", offsetof(struct item_texts, sockets)},
      {"cpu_per_socket", offsetof(struct item_texts, cores_of_socket)},
      {"Type", offsetof(struct item_texts, kind)},
      {"MACAddress", offsetof(struct item_texts, mac)},
  };
  bool found = false;

  if (vmf_xml_is(node, VMF_NS_VMW, "CoresPerSocket"))
    return vmf_reader_text(reader, node, &texts->cores);
  if (!is_item_field(node))
    return vmf_reader_unknown(reader, node, false);
  VMF_TRY(vmf_reader_child(reader, node, fields, COUNT(fields), item, &found));
  return found ? VMF_OK : vmf_reader_child(reader, node, others, COUNT(others), texts, &found);
}

/* The text of `from` becomes that of `field`, when that has none. */
static void take_over(char **field, char **from)
{
  if (*field && **field)
    return;
  if (*from) {
    vmf_free(*field);
    *field = *from;
    *from = NULL;
  }
}

static void settle_item(struct vmf_ovf_item *item, struct item_texts *texts)
{
  uint64_t number, cores;

  take_over(&item->name, &texts->caption);
  take_over(&item->instance, &texts->old_instance);
  if (texts->type && vmf_reader_number(texts->type, &number) && number <= UINT32_MAX)
    item->type = (unsigned)number;
  if (item->type == VMF_RESOURCE_STORAGE && texts->kind && strcmp(texts->kind, "video") == 0)
    item->type = VMF_RESOURCE_GRAPHICS; /* as oVirt counts */
  if (texts->mac) {                     /* its Address is that of a PCI slot */
    vmf_free(item->address);
    item->address = NULL;
    take_over(&item->address, &texts->mac);
  }
  item->quantity_known = texts->quantity && vmf_reader_number(texts->quantity, &item->quantity);
  if (!item->quantity_known)
    item->quantity = 0;
  if (texts->cores && vmf_reader_number(texts->cores, &number))
    item->cores_per_socket = number;
  /* oVirt has no VirtualQuantity for processors */
  if (!item->quantity_known && texts->sockets && texts->cores_of_socket &&
      vmf_reader_number(texts->sockets, &number) &&
      vmf_reader_number(texts->cores_of_socket, &cores) && vmf_mul(number, cores, &number)) {
    item->quantity_known = true;
    item->quantity = number;
    item->cores_per_socket = cores;
  }
}

static enum vmf_code read_item(struct vmf_ovf_reader *reader, const xmlNode *element,
                               struct vmf_ovf_system *system)
{
  static const struct vmf_reader_field attributes[] = {
      {"configuration", offsetof(struct vmf_ovf_item, configurations)},
      {"bound", offsetof(struct vmf_ovf_item, bound)},
  };
  struct item_texts texts = {0};
  enum vmf_code code = VMF_OK;
  void *slot = NULL;

  VMF_TRY(
      vmf_reader_append(reader, &system->items, &system->item_count, sizeof *system->items, &slot));
  struct vmf_ovf_item *item = slot;
  item->element = vmf_xml_index(element);
  item->line = vmf_xml_line(element);
  VMF_TRY(vmf_reader_attributes(reader, element, attributes, COUNT(attributes), item));
  VMF_TRY(vmf_reader_flag(reader, element, "required", true, &item->required));
  for (xmlNode *node = vmf_reader_first(element); node && code == VMF_OK;
       node = vmf_reader_next(node))
    code = read_item_child(reader, node, item, &texts);
  settle_item(item, &texts);
  clear_texts(&texts);
  return code;
}

static enum vmf_code read_system_element(struct vmf_ovf_reader *reader, const xmlNode *element,
                                         struct vmf_ovf_system *system)
{
  for (xmlNode *node = vmf_reader_first(element); node; node = vmf_reader_next(node)) {
    if (is_system_field(node, "VirtualSystemIdentifier"))
      VMF_TRY(vmf_reader_text(reader, node, &system->identifier));
    else if (is_system_field(node, "VirtualSystemType"))
      VMF_TRY(vmf_reader_text(reader, node, &system->families));
  }
  return VMF_OK;
}

/* <vmw:Config vmw:key="firmware" vmw:value="efi"/> */
static enum vmf_code read_config(struct vmf_ovf_reader *reader, const xmlNode *element,
                                 struct vmf_ovf_system *system)
{
  VMF_AUTO_FREE char *key = NULL;
  VMF_AUTO_FREE char *value = NULL;

  VMF_TRY(vmf_xml_attribute(element, VMF_NS_VMW, "key", &key, reader->error));
  VMF_TRY(vmf_xml_attribute(element, VMF_NS_VMW, "value", &value, reader->error));
  if (!key || !value)
    return vmf_reader_unknown(reader, element, false);
  if (strcmp(key, "firmware") == 0) {
    if (!system->firmware) {
      system->firmware = value;
      value = NULL;
    }
    return VMF_OK;
  }
  if (strcmp(key, "bootOptions.efiSecureBootEnabled") == 0) {
    system->secure_boot = vmf_text_equal_nocase(value, "true") || strcmp(value, "1") == 0;
    return VMF_OK;
  }
  return vmf_reader_unknown(reader, element, false);
}

static enum vmf_code read_section(struct vmf_ovf_reader *reader, const xmlNode *section,
                                  struct vmf_ovf_system *system)
{
  VMF_TRY(vmf_reader_attribute(reader, section, "transport", &system->transport));
  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
    if (vmf_reader_is(node, "Item") || vmf_reader_is(node, "StorageItem") ||
        vmf_reader_is(node, "EthernetPortItem"))
      VMF_TRY(read_item(reader, node, system));
    else if (vmf_reader_is(node, "System"))
      VMF_TRY(read_system_element(reader, node, system));
    else if (vmf_xml_is(node, VMF_NS_VMW, "Config"))
      VMF_TRY(read_config(reader, node, system));
    else if (!vmf_reader_is(node, NULL))
      VMF_TRY(vmf_reader_unknown(reader, node, false));
  }
  return VMF_OK;
}

static bool is_known_family(const char *families)
{
  static const char *const starts[] = {"vmx-", "virtualbox-", "xen", "hvm", "kvm", "DMTF:"};

  for (const char *at = families; *at; at += strcspn(at, " ,\t\r\n")) {
    at += strspn(at, " ,\t\r\n");
    for (size_t i = 0; i < COUNT(starts); i++)
      if (strncmp(at, starts[i], strlen(starts[i])) == 0)
        return true;
  }
  return false;
}

static enum vmf_code section_has_known_family(struct vmf_ovf_reader *reader, const xmlNode *section,
                                              bool *known)
{
  struct vmf_ovf_system probe = {0};
  enum vmf_code code = VMF_OK;

  for (xmlNode *node = vmf_reader_first(section); node && code == VMF_OK;
       node = vmf_reader_next(node))
    if (vmf_reader_is(node, "System"))
      code = read_system_element(reader, node, &probe);
  *known = probe.families && is_known_family(probe.families);
  vmf_free(probe.families);
  vmf_free(probe.identifier);
  return code;
}

static bool is_hardware(const xmlNode *node)
{
  static const char name[] = "VirtualHardwareSection";
  size_t length;
  bool own;
  const char *kind = vmf_reader_kind(node, &length, &own);

  return own && length == strlen(name) && memcmp(kind, name, length) == 0;
}

enum vmf_code vmf_read_hardware(struct vmf_ovf_reader *reader, const xmlNode *content,
                                struct vmf_ovf_system *system)
{
  const xmlNode *chosen = NULL;
  bool known = false;

  for (xmlNode *node = vmf_reader_first(content); node && !known; node = vmf_reader_next(node)) {
    if (!is_hardware(node))
      continue;
    VMF_TRY(section_has_known_family(reader, node, &known));
    if (known || !chosen)
      chosen = node;
  }
  system->hardware_element = chosen ? vmf_xml_index(chosen) : SIZE_MAX;
  return chosen ? read_section(reader, chosen, system) : VMF_OK;
}
