/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Reads the items of hardware sections, and rules about what stands in one item: the properties of
 * CIM's allocation settings, which the schema has in alphabetical order. */
#include "rules_items.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "extension.h"
#include "list.h"
#include "memory.h"
#include "text.h"

/* What has been told of one section: one line for each kind of oddity is enough. */
struct told {
  bool order, name, instance_name, uri, number;
};

/* ---- which properties there are ---- */

static const char *const common_names[] = {"Address",
                                           "AddressOnParent",
                                           "AllocationUnits",
                                           "AutomaticAllocation",
                                           "BusNumber",
                                           "AutomaticDeallocation",
                                           "Caption",
                                           "ChangeableType",
                                           "UnitNumber",
                                           "ComponentSetting",
                                           "ConfigurationName",
                                           "Connection",
                                           "InstanceId",
                                           "ConsumerVisibility",
                                           "Description",
                                           "ElementName",
                                           "Generation",
                                           "HostResource",
                                           "InstanceID",
                                           "Limit",
                                           "MappingBehavior",
                                           "OtherResourceType",
                                           "Parent",
                                           "PoolID",
                                           "Reservation",
                                           "ResourceSubType",
                                           "ResourceType",
                                           "SoID",
                                           "SoOrgID",
                                           "VirtualQuantity",
                                           "VirtualQuantityUnits",
                                           "Weight",
                                           NULL};

static const char *const ethernet_names[] = {"AllowedPriorities",
                                             "AllowedToReceiveMACAddresses",
                                             "AllowedToReceiveVLANs",
                                             "AllowedToTransmitMACAddresses",
                                             "AllowedToTransmitVLANs",
                                             "DefaultPortVID",
                                             "DefaultPriority",
                                             "DesiredVLANEndpointMode",
                                             "GroupID",
                                             "ManagerID",
                                             "NetworkPortProfileID",
                                             "NetworkPortProfileIDType",
                                             "OtherEndpointMode",
                                             "OtherNetworkPortProfileIDTypeInfo",
                                             "PortCorrelationID",
                                             "PortVID",
                                             "Promiscuous",
                                             "ReceiveBandwidthLimit",
                                             "ReceiveBandwidthReservation",
                                             "SourceMACFilteringEnabled",
                                             "VSITypeID",
                                             "VSITypeIDVersion",
                                             NULL};

static const char *const storage_names[] = {"Access",
                                            "HostExtentName",
                                            "HostExtentNameFormat",
                                            "HostExtentNameNamespace",
                                            "HostExtentStartingAddress",
                                            "HostResourceBlockSize",
                                            "OtherHostExtentNameFormat",
                                            "OtherHostExtentNameNamespace",
                                            "VirtualResourceBlockSize",
                                            NULL};

/* Which element is an item, and what may stand in it. */
static const struct item_kind {
  const char *name, *uri;
  const char *const *more;
} item_kinds[] = {
    {"Item", VMF_NS_RASD, NULL},
    {"EthernetPortItem", VMF_NS_EPASD, ethernet_names},
    {"StorageItem", VMF_NS_SASD, storage_names},
};

static bool listed(const char *const *names, const char *name)
{
  for (; names && *names; names++)
    if (strcmp(*names, name) == 0)
      return true;
  return false;
}

static const struct item_kind *item_kind(const struct vmf_rules *rules, const xmlNode *element)
{
  for (size_t i = 0; i < sizeof item_kinds / sizeof item_kinds[0]; i++)
    if (vmf_rules_own(rules, element) &&
        strcmp((const char *)element->name, item_kinds[i].name) == 0)
      return &item_kinds[i];
  return NULL;
}

/* ---- one property ---- */

/* A namespace of CIM's settings, also VirtualBox's with ".xsd" behind it and other odd ones. */
static bool cim_namespace(const xmlNode *property)
{
  static const char start[] = "http://schemas.dmtf.org/";
  const char *uri = property->ns ? (const char *)property->ns->href : "";
  return strncmp(uri, start, sizeof start - 1) == 0 && strstr(uri, "/CIM_");
}

static enum vmf_code check_foreign(struct vmf_rules *rules, const xmlNode *property,
                                   struct vmf_error *error)
{
  bool dispensable;

  VMF_TRY(vmf_rules_dispensable(rules, property, &dispensable, error));
  if (vmf_extension_severity(property, false, false, !dispensable) != VMF_SEVERITY_NOTE)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "element-unknown", property,
                  "%s in an item is no part of the standard and does not say "
                  "ovf:required=\"false\"",
                  (const char *)property->name);
  return VMF_OK;
}

static enum vmf_code check_property(struct vmf_rules *rules, const struct item_kind *kind,
                                    const xmlNode *property, struct told *told,
                                    struct vmf_error *error)
{
  const char *name = (const char *)property->name;
  bool dispensable;

  if (!cim_namespace(property))
    return check_foreign(rules, property, error);
  if (strcmp((const char *)property->ns->href, kind->uri) != 0 && !told->uri) {
    told->uri = true;
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-namespace", property,
                  "%s in %s is in the namespace %s, expected %s", name, kind->name,
                  (const char *)property->ns->href, kind->uri);
  }
  if (listed(common_names, name) || listed(kind->more, name))
    return VMF_OK;
  VMF_TRY(vmf_rules_dispensable(rules, property, &dispensable, error));
  if (!dispensable)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-element-unknown", property,
                  "%s in an item is unknown and does not say ovf:required=\"false\"", name);
  return VMF_OK;
}

/* Where a property goes; NULL: nobody needs it. */
static char **property_place(struct vmf_rule_item *item, const char *name)
{
  const struct {
    const char *name;
    char **place;
  } rows[] = {
      {"ResourceType", &item->type_text},
      {"InstanceID", &item->instance},
      {"InstanceId", &item->instance},
      {"Parent", &item->parent},
      {"AddressOnParent", &item->address_on_parent},
      {"Connection", &item->connection},
      {"HostResource", &item->host_resource},
      {"ResourceSubType", &item->subtype},
      {"AllocationUnits", &item->units},
      {"VirtualQuantity", &item->quantity},
      {"Reservation", &item->reservation},
      {"Limit", &item->limit},
      {"Weight", &item->weight},
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i].name, name) == 0)
      return rows[i].place;
  return NULL;
}

/* ---- one item ---- */

static void check_order(struct vmf_rules *rules, const char *before, const xmlNode *property,
                        struct told *told)
{
  if (told->order || rules->ovf->version == VMF_OVF_0_9 ||
      strcmp(before, (const char *)property->name) <= 0)
    return;
  told->order = true;
  vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-order", property,
                "%s stands behind %s, expected the alphabetical order of the schema",
                (const char *)property->name, before);
}

static void check_needed(struct vmf_rules *rules, const struct vmf_rule_item *item, bool named,
                         bool old_name, struct told *told)
{
  uint64_t number;

  if (!item->instance)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-id-missing", item->element,
                  "an item has no InstanceID");
  else if (!vmf_decimal(item->instance, &number) && !told->number) {
    told->number = true;
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-id-number", item->element,
                  "an item has the InstanceID \"%s\", expected a number: virt-v2v reads no other",
                  item->instance);
  }
  if (!item->type_text)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-type-missing", item->element,
                  "an item has no ResourceType");
  if (rules->ovf->version == VMF_OVF_0_9)
    return;
  if (!named && !told->name) {
    told->name = true;
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-name-missing", item->element,
                  "an item has no ElementName");
  }
  if (old_name && !told->instance_name) {
    told->instance_name = true;
    vmf_rules_add(
        rules, VMF_SEVERITY_WARNING, "item-id-name", item->element,
        "an item has an InstanceId, as it was called before OVF 1.0, expected InstanceID");
  }
}

/* An empty one says as much as none. */
static enum vmf_code read_property(struct vmf_rule_item *item, const xmlNode *property,
                                   char **place, struct vmf_error *error)
{
  VMF_TRY(vmf_xml_text(property, place, error));
  if (**place)
    return VMF_OK;
  item->empty_parent |= place == &item->parent;
  vmf_free(*place);
  *place = NULL;
  return VMF_OK;
}

static enum vmf_code read_item(struct vmf_rules *rules, const struct item_kind *kind,
                               struct vmf_rule_item *item, struct told *told,
                               struct vmf_error *error)
{
  const char *before = "";
  bool named = false, old_name = false, dispensable;

  VMF_TRY(vmf_rules_dispensable(rules, item->element, &dispensable, error));
  item->required = !dispensable;
  VMF_TRY(vmf_rules_attribute(rules, item->element, "configuration", &item->configuration, error));
  VMF_TRY(vmf_rules_attribute(rules, item->element, "bound", &item->bound, error));
  for (const xmlNode *property = xmlFirstElementChild((xmlNode *)item->element); property;
       property = xmlNextElementSibling((xmlNode *)property)) {
    const char *name = (const char *)property->name;
    char **place = cim_namespace(property) ? property_place(item, name) : NULL;
    VMF_TRY(check_property(rules, kind, property, told, error));
    if (cim_namespace(property)) {
      check_order(rules, before, property, told);
      before = name;
    }
    named |= strcmp(name, "ElementName") == 0;
    old_name |= strcmp(name, "InstanceId") == 0;
    if (place && !*place)
      VMF_TRY(read_property(item, property, place, error));
  }
  if (item->type_text && !vmf_decimal(item->type_text, &item->type))
    item->type = 0;
  check_needed(rules, item, named, old_name, told);
  return VMF_OK;
}

static void free_items(struct vmf_rule_items *items)
{
  for (size_t i = 0; i < items->count; i++) {
    struct vmf_rule_item *item = &items->list[i];
    char *texts[] = {item->type_text,
                     item->instance,
                     item->parent,
                     item->subtype,
                     item->address_on_parent,
                     item->connection,
                     item->units,
                     item->host_resource,
                     item->quantity,
                     item->reservation,
                     item->limit,
                     item->weight,
                     item->bound,
                     item->configuration};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
      vmf_free(texts[k]);
  }
  free(items->list);
}

static enum vmf_code add_item(struct vmf_rule_items *items, const xmlNode *element,
                              struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(items->list, items->count, items->capacity, "items", error));
  items->list[items->count++] = (struct vmf_rule_item){.element = element};
  return VMF_OK;
}

/* ---- the system, and the section ---- */

/* VMware's products refuse a family that is not theirs. */
static enum vmf_code check_system(struct vmf_rules *rules, const xmlNode *system,
                                  struct vmf_error *error)
{
  VMF_AUTO_FREE char *families = NULL;
  const xmlNode *type = vmf_xml_child(system, NULL, "VirtualSystemType");

  if (type)
    VMF_TRY(vmf_xml_text(type, &families, error));
  if (!families || !*families)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "system-family-missing", system,
                  "the System has no VirtualSystemType, expected a hardware family");
  else if (!strcasestr(families, "vmx-"))
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "system-family", type,
                  "the hardware family is \"%s\", expected one like vmx-13: VMware's products "
                  "refuse the package",
                  families);
  return VMF_OK;
}

static enum vmf_code check_transport(struct vmf_rules *rules, const xmlNode *section,
                                     struct vmf_error *error)
{
  VMF_AUTO_FREE char *transport = NULL;

  VMF_TRY(vmf_rules_attribute(rules, section, "transport", &transport, error));
  if (transport && strchr(transport, ','))
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "transport-form", section,
                  "the transport is \"%s\", expected names with blanks between them", transport);
  for (const char *word = transport ? transport : ""; *word;) {
    size_t length = strcspn(word, ", ");
    if (length && strncmp(word, "iso", length) != 0 &&
        strncmp(word, "com.vmware.guestInfo", length) != 0)
      vmf_rules_add(rules, VMF_SEVERITY_WARNING, "transport-unknown", section,
                    "the transport \"%.*s\" is unknown, expected iso or com.vmware.guestInfo",
                    (int)length, word);
    word += length + (word[length] != '\0');
  }
  return VMF_OK;
}

static enum vmf_code check_section(struct vmf_rules *rules, const xmlNode *section,
                                   struct vmf_rule_items *items, struct vmf_error *error)
{
  struct told told = {0};

  for (const xmlNode *child = xmlFirstElementChild((xmlNode *)section); child;
       child = xmlNextElementSibling((xmlNode *)child)) {
    const struct item_kind *kind = item_kind(rules, child);
    if (kind) {
      VMF_TRY(add_item(items, child, error));
      VMF_TRY(read_item(rules, kind, &items->list[items->count - 1], &told, error));
    } else if (items->hardware && vmf_rules_own(rules, child) &&
               strcmp((const char *)child->name, "System") == 0) {
      VMF_TRY(check_system(rules, child, error));
    }
  }
  return vmf_rules_items(rules, items, error);
}

static enum vmf_code hardware_section(struct vmf_rules *rules, const xmlNode *section,
                                      struct vmf_error *error)
{
  struct vmf_rule_items items = {.hardware = true};
  enum vmf_code code = check_transport(rules, section, error);

  if (code == VMF_OK)
    code = check_section(rules, section, &items, error);
  free_items(&items);
  return code;
}

static enum vmf_code allocation_section(struct vmf_rules *rules, const xmlNode *section,
                                        struct vmf_error *error)
{
  struct vmf_rule_items items = {0};
  enum vmf_code code = check_section(rules, section, &items, error);

  free_items(&items);
  return code;
}

static enum vmf_code has_hardware(struct vmf_rules *rules, const xmlNode *system,
                                  struct vmf_error *error)
{
  bool found = false;

  for (const xmlNode *child = xmlFirstElementChild((xmlNode *)system); child && !found;
       child = xmlNextElementSibling((xmlNode *)child)) {
    VMF_AUTO_FREE char *kind = NULL;
    VMF_TRY(vmf_rules_kind(rules, child, &kind, error));
    found = vmf_rules_own(rules, child) && strcmp(kind, "VirtualHardwareSection") == 0;
  }
  if (!found)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "hardware-missing", system,
                  "a VirtualSystem has no VirtualHardwareSection");
  return vmf_rules_visit(rules, system, "VirtualHardwareSection", hardware_section, error);
}

enum vmf_code vmf_rules_hardware(struct vmf_rules *rules, struct vmf_error *error)
{
  const xmlNode *root = xmlDocGetRootElement(rules->ovf->xml->doc);

  VMF_TRY(vmf_rules_visit(rules, root, "VirtualSystem", has_hardware, error));
  return vmf_rules_visit(rules, root, "ResourceAllocationSection", allocation_section, error);
}
