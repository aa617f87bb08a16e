/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Rules about the items of one hardware section: ids, parents, addresses, networks, ranges. */
#include "rules_items.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"
#include "text.h"

/* ---- ids ---- */

/* Items of one InstanceID are alternatives: for other configurations, or ends of a range. */
static bool alternative(const struct vmf_rule_item *item)
{
  return (item->bound && strcmp(item->bound, "normal") != 0) || item->configuration;
}

static void check_pair(struct vmf_rules *rules, const struct vmf_rule_item *first,
                       const struct vmf_rule_item *second)
{
  if (first->type == second->type && (alternative(first) || alternative(second)))
    return;
  vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-id-duplicate", second->element,
                "the InstanceID %s is used twice (first in line %u)", second->instance,
                vmf_xml_line(first->element));
}

/* The ends of one range: items of one InstanceID and one configuration. */
struct range {
  const struct vmf_rule_item *normal, *min, *max;
};

static void place_in_range(struct vmf_rules *rules, struct range *range,
                           const struct vmf_rule_item *item)
{
  const struct vmf_rule_item **place = &range->normal;

  if (item->bound && strcmp(item->bound, "min") == 0)
    place = &range->min;
  else if (item->bound && strcmp(item->bound, "max") == 0)
    place = &range->max;
  else if (item->bound && strcmp(item->bound, "normal") != 0)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-bound", item->element,
                  "an item has the bound \"%s\", expected min, max or normal", item->bound);
  if (*place && place != &range->normal)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-bound", item->element,
                  "a second item with the bound \"%s\" for the InstanceID %s", item->bound,
                  item->instance);
  *place = item;
}

static bool amount(const struct vmf_rule_item *item, uint64_t *number)
{
  const char *text = item ? (item->quantity ? item->quantity : item->reservation) : NULL;
  return text && vmf_decimal(text, number);
}

static void check_range(struct vmf_rules *rules, const struct range *range)
{
  const struct vmf_rule_item *end = range->min ? range->min : range->max;
  uint64_t min, normal, max;

  if (!end)
    return;
  if (!range->normal)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-bound", end->element,
                  "an item with the bound \"%s\" and none without a bound for the InstanceID %s",
                  end->bound, end->instance);
  bool has_min = amount(range->min, &min), has_max = amount(range->max, &max);
  if (!amount(range->normal, &normal))
    normal = has_min ? min : has_max ? max : 0;
  if ((has_min && has_max && min > max) || (has_min && min > normal) || (has_max && max < normal))
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-bound", end->element,
                  "the InstanceID %s ranges from %s to %s with %" PRIu64 " as normal",
                  end->instance,
                  has_min ? (range->min->quantity ? range->min->quantity : range->min->reservation)
                          : "nothing",
                  has_max ? (range->max->quantity ? range->max->quantity : range->max->reservation)
                          : "nothing",
                  normal);
}

static const char *configuration_of(const struct vmf_rule_item *item)
{
  return item->configuration ? item->configuration : "";
}

/* By InstanceID, then by configuration, then in document order. */
static int compare_items(const void *a, const void *b)
{
  const struct vmf_rule_item *left = *(const struct vmf_rule_item *const *)a;
  const struct vmf_rule_item *right = *(const struct vmf_rule_item *const *)b;
  int order = strcmp(left->instance ? left->instance : "", right->instance ? right->instance : "");

  if (order == 0)
    order = strcmp(configuration_of(left), configuration_of(right));
  if (order != 0)
    return order;
  return left < right ? -1 : left > right;
}

static enum vmf_code check_ids(struct vmf_rules *rules, const struct vmf_rule_items *items,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  struct range range = {0};

  VMF_TRY(vmf_alloc((items->count + 1) * sizeof(struct vmf_rule_item *), &memory, error));
  const struct vmf_rule_item **sorted = memory;
  size_t count = 0;
  for (size_t i = 0; i < items->count; i++)
    if (items->list[i].instance)
      sorted[count++] = &items->list[i];
  if (count > 1)
    qsort(sorted, count, sizeof *sorted, compare_items);
  for (size_t i = 0; i < count; i++) {
    bool same = i > 0 && strcmp(sorted[i]->instance, sorted[i - 1]->instance) == 0;
    bool together =
        same && strcmp(configuration_of(sorted[i]), configuration_of(sorted[i - 1])) == 0;
    if (same)
      check_pair(rules, sorted[i - 1], sorted[i]);
    if (!together) {
      check_range(rules, &range);
      range = (struct range){0};
    }
    place_in_range(rules, &range, sorted[i]);
  }
  check_range(rules, &range);
  return VMF_OK;
}

/* ---- what there may be one of ---- */

static void check_single(struct vmf_rules *rules, const struct vmf_rule_items *items,
                         enum vmf_resource type, const char *rule, const char *what)
{
  const struct vmf_rule_item *first = NULL;

  for (size_t i = 0; i < items->count; i++) {
    const struct vmf_rule_item *item = &items->list[i];
    if (item->type != type || alternative(item))
      continue;
    if (first && first->instance && item->instance && strcmp(first->instance, item->instance) != 0)
      vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, rule, item->element,
                    "a second item for %s (the first in line %u), expected one", what,
                    vmf_xml_line(first->element));
    else
      first = item;
  }
}

/* ---- where items hang ---- */

static bool needs_parent(uint64_t type)
{
  return type == VMF_RESOURCE_DISK || type == VMF_RESOURCE_CD || type == VMF_RESOURCE_DVD;
}

static enum vmf_code check_parents(struct vmf_rules *rules, const struct vmf_rule_items *items,
                                   struct vmf_error *error)
{
  struct vmf_names ids = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < items->count && code == VMF_OK; i++)
    code = vmf_names_add(&ids, items->list[i].instance, 0, error);
  vmf_names_sort(&ids);
  for (size_t i = 0; i < items->count && code == VMF_OK; i++) {
    const struct vmf_rule_item *item = &items->list[i];
    if (item->parent && !vmf_names_find(&ids, item->parent))
      vmf_rules_add(rules, needs_parent(item->type) ? VMF_SEVERITY_VIOLATION : VMF_SEVERITY_WARNING,
                    "item-parent-unknown", item->element,
                    "an item hangs below the InstanceID %s, which no item has", item->parent);
    else if (!item->parent && needs_parent(item->type) && item->required)
      vmf_rules_add(rules, item->empty_parent ? VMF_SEVERITY_VIOLATION : VMF_SEVERITY_WARNING,
                    "item-parent-missing", item->element,
                    "a drive %s, expected the InstanceID of its controller",
                    item->empty_parent ? "whose Parent is empty" : "without a Parent");
  }
  vmf_names_clear(&ids);
  return code;
}

static enum vmf_code check_addresses(struct vmf_rules *rules, const struct vmf_rule_items *items,
                                     struct vmf_error *error)
{
  struct vmf_names places = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < items->count && code == VMF_OK; i++) {
    const struct vmf_rule_item *item = &items->list[i];
    VMF_AUTO_FREE char *place = NULL;
    if (!item->parent || !item->address_on_parent || alternative(item) || !needs_parent(item->type))
      continue;
    code = vmf_format(&place, error, "%s:%s", item->parent, item->address_on_parent);
    if (code == VMF_OK)
      code = vmf_names_add(&places, place, vmf_xml_line(item->element), error);
  }
  vmf_names_sort(&places);
  for (size_t i = 1; i < places.count; i++)
    if (vmf_names_repeats(&places, i))
      vmf_report_add(rules->report, VMF_SEVERITY_WARNING, "item-address-duplicate",
                     rules->ovf->name, places.entries[i].line,
                     "two drives have the same place on a controller (Parent:AddressOnParent %s; "
                     "the first in line %u), expected different ones",
                     places.entries[i].text, places.entries[i - 1].line);
  vmf_names_clear(&places);
  return code;
}

/* ---- what items refer to ---- */

static void check_connection(struct vmf_rules *rules, const struct vmf_rule_item *item)
{
  if (item->type != VMF_RESOURCE_NIC)
    return;
  if (!item->connection)
    vmf_rules_add(rules, VMF_SEVERITY_NOTE, "item-connection-missing", item->element,
                  "a network adapter that is on no network");
  else if (!vmf_names_find(&rules->networks, item->connection))
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-connection-unknown", item->element,
                  "a network adapter on \"%s\", which the NetworkSection does not have",
                  item->connection);
}

static bool stores(uint64_t type)
{
  return needs_parent(type) || type == VMF_RESOURCE_FLOPPY;
}

static void check_host_resource(struct vmf_rules *rules, const struct vmf_rule_item *item)
{
  const char *resource = item->host_resource;
  bool is_file = false;

  if (!resource && item->type == VMF_RESOURCE_DISK && item->required && !alternative(item))
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-host-resource-missing", item->element,
                  "a disk that leads to no disk of the package, expected a HostResource");
  if (!resource ||
      (!stores(item->type) && !strstr(resource, "/disk/") && !strstr(resource, "/file/")))
    return;
  const char *id = vmf_ovf_host_resource(resource, &is_file);
  if (id && vmf_names_find(is_file ? &rules->files : &rules->disks, id)) {
    if (strncmp(resource, "ovf:/disk/", 10) != 0 && strncmp(resource, "ovf:/file/", 10) != 0 &&
        strncmp(resource, "/disk/", 6) != 0 && strncmp(resource, "/file/", 6) != 0)
      vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-host-resource-form", item->element,
                    "an item leads to \"%s\", expected the form ovf:/disk/ID or ovf:/file/ID",
                    resource);
    return;
  }
  vmf_rules_add(rules,
                item->type == VMF_RESOURCE_DISK || item->required ? VMF_SEVERITY_VIOLATION
                                                                  : VMF_SEVERITY_WARNING,
                "item-host-resource", item->element,
                "an item leads to \"%s\", expected ovf:/disk/ID or ovf:/file/ID of a disk or file "
                "of the package",
                resource);
}

static enum vmf_code check_configuration(struct vmf_rules *rules, const struct vmf_rule_item *item,
                                         struct vmf_error *error)
{
  VMF_AUTO_FREE char *ids = NULL;
  char *rest;

  if (!item->configuration)
    return VMF_OK;
  VMF_TRY(vmf_copy_text(item->configuration, &ids, error));
  for (char *id = strtok_r(ids, " \t\r\n", &rest); id; id = strtok_r(NULL, " \t\r\n", &rest))
    if (!vmf_names_find(&rules->configurations, id))
      vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "configuration-unknown", item->element,
                    "an item is for the configuration \"%s\", which the DeploymentOptionSection "
                    "does not have",
                    id);
  return VMF_OK;
}

/* ---- quantities ---- */

static void check_memory_unit(struct vmf_rules *rules, const struct vmf_rule_item *item)
{
  static const char *const taken[] = {"MegaBytes", "MB", "byte * 2^20",
                                      "GigaBytes", "GB", "byte * 2^30"};
  const char *units = item->units ? item->units : "byte";
  uint64_t bytes;
  bool known = false;

  if (!item->quantity)
    return;
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
    known |= strcmp(units, taken[i]) == 0;
  if (!vmf_units_bytes(units, &bytes))
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "memory-unit", item->element,
                  "memory in \"%s\", expected \"byte * 2^20\"", units);
  else if (bytes != 1 << 20)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "memory-unit", item->element,
                  "memory in \"%s\", expected \"byte * 2^20\": virt-v2v and Proxmox take the "
                  "number for MiB",
                  units);
  else if (!known)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "memory-unit", item->element,
                  "memory in \"%s\", expected \"byte * 2^20\": VirtualBox knows no other spelling",
                  units);
}

static void check_number(struct vmf_rules *rules, const struct vmf_rule_item *item,
                         const char *name, const char *text)
{
  uint64_t number;

  if (text && strncmp(text, "${", 2) != 0 && !vmf_decimal(text, &number) &&
      strcmp(text, "-1") != 0) /* VMware: no limit */
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-number", item->element,
                  "an item has the %s \"%s\", expected a number", name, text);
}

static void check_quantity(struct vmf_rules *rules, const struct vmf_rule_item *item)
{
  bool counted = item->type == VMF_RESOURCE_CPU || item->type == VMF_RESOURCE_MEMORY;

  check_number(rules, item, "VirtualQuantity", item->quantity);
  check_number(rules, item, "Reservation", item->reservation);
  check_number(rules, item, "Limit", item->limit);
  check_number(rules, item, "Weight", item->weight);
  if (counted && !item->quantity && !alternative(item) && !item->reservation)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-quantity-missing", item->element,
                  "an item for %s has no VirtualQuantity",
                  item->type == VMF_RESOURCE_CPU ? "processors" : "memory");
  if (item->type == VMF_RESOURCE_MEMORY)
    check_memory_unit(rules, item);
}

/* ---- what products import ---- */

static bool any_word_known(const char *words, const char *const *known)
{
  for (const char *word = words; *word;) {
    size_t length = strcspn(word, ", \t\r\n");
    for (const char *const *name = known; length && *name; name++)
      if (strlen(*name) == length && strncasecmp(word, *name, length) == 0)
        return true;
    word += length + (word[length] != '\0');
  }
  return false;
}

static void check_subtype(struct vmf_rules *rules, const struct vmf_rule_item *item)
{
  static const char *const scsi[] = {"lsilogic",    "lsilogicsas", "buslogic",
                                     "VirtualSCSI", "virtio",      NULL};
  static const char *const other[] = {"AHCI",
                                      "vmware.sata.ahci",
                                      "VirtioSCSI",
                                      "virtio-scsi",
                                      "NVMe",
                                      "vmware.nvme.controller",
                                      "vmware.nvdimm.controller",
                                      "vmware.nvdimm.device",
                                      NULL};
  const char *const *known = item->type == VMF_RESOURCE_SCSI      ? scsi
                             : item->type == VMF_RESOURCE_STORAGE ? other
                                                                  : NULL;

  if (known && item->required && item->subtype && !any_word_known(item->subtype, known))
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-subtype-unknown", item->element,
                  "a storage controller of the kind \"%s\", expected one like \"%s\"",
                  item->subtype, known[0]);
}

static void check_type(struct vmf_rules *rules, const struct vmf_rule_item *item)
{
  bool optional_kind = item->type == VMF_RESOURCE_OTHER || item->type == VMF_RESOURCE_SERIAL ||
                       item->type == VMF_RESOURCE_PARALLEL || item->type == VMF_RESOURCE_GRAPHICS;

  if (!item->type_text || !item->required)
    return;
  if (item->type == 0 || (item->type > VMF_RESOURCE_SOUND && item->type < 0x8000) ||
      item->type > UINT16_MAX)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "item-type-unknown", item->element,
                  "an item has the ResourceType \"%s\", expected a number that CIM knows, or "
                  "ovf:required=\"false\"",
                  item->type_text);
  else if (optional_kind)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "item-required", item->element,
                  "an item of the ResourceType %s is required, expected ovf:required=\"false\": "
                  "VirtualBox refuses it otherwise",
                  item->type_text);
}

enum vmf_code vmf_rules_items(struct vmf_rules *rules, const struct vmf_rule_items *items,
                              struct vmf_error *error)
{
  for (size_t i = 0; i < items->count; i++) {
    const struct vmf_rule_item *item = &items->list[i];
    check_type(rules, item);
    check_subtype(rules, item);
    check_quantity(rules, item);
    check_connection(rules, item);
    check_host_resource(rules, item);
    VMF_TRY(check_configuration(rules, item, error));
  }
  VMF_TRY(check_ids(rules, items, error));
  if (!items->hardware)
    return VMF_OK;
  check_single(rules, items, VMF_RESOURCE_CPU, "item-cpu-repeated", "processors");
  check_single(rules, items, VMF_RESOURCE_MEMORY, "item-memory-repeated", "memory");
  VMF_TRY(check_parents(rules, items, error));
  return check_addresses(rules, items, error);
}
