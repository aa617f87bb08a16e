/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The VirtualHardwareSection: processors, memory, controllers, disks and network cards, nothing
 * that nobody asked for. The children of an item stand in the order of the alphabet, as the schema
 * wants them. Memory is in MiB and its unit in one exact spelling: readers ignore the unit or know
 * that one alone. */
#include <inttypes.h>
#include <stdio.h>

#include "machine_plan.h"
#include "markup.h"

struct item {
  const char *element, *prefix; /* "Item", "rasd" */
};

static const struct item resource_item = {"Item", "rasd"};

static void item_leaf(struct vmf_markup *markup, const struct item *item, const char *name,
                      const char *value)
{
  char qualified[64];

  snprintf(qualified, sizeof qualified, "%s:%s", item->prefix, name);
  vmf_markup_leaf(markup, qualified, "%s", value);
}

static void item_number(struct vmf_markup *markup, const struct item *item, const char *name,
                        uint64_t value)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, value);
  item_leaf(markup, item, name, text);
}

static void compose_system(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  vmf_markup_open(markup, "System");
  vmf_markup_leaf(markup, "vssd:ElementName", "Virtual Hardware Family");
  vmf_markup_leaf(markup, "vssd:InstanceID", "0");
  vmf_markup_leaf(markup, "vssd:VirtualSystemIdentifier", "%s", plan->name);
  vmf_markup_leaf(markup, "vssd:VirtualSystemType", "%s", plan->family);
  vmf_markup_leave(markup, "System");
}

static void compose_cpu(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct item *item = &resource_item;

  vmf_markup_open(markup, item->element);
  item_leaf(markup, item, "AllocationUnits", "hertz * 10^6");
  item_leaf(markup, item, "Description", "Number of virtual CPUs");
  vmf_markup_leaf(markup, "rasd:ElementName", "%u virtual CPU%s", plan->cpus,
                  plan->cpus == 1 ? "" : "s");
  item_number(markup, item, "InstanceID", VMF_PLAN_CPU_ID);
  item_number(markup, item, "ResourceType", VMF_RESOURCE_CPU);
  item_number(markup, item, "VirtualQuantity", plan->cpus);
  vmf_markup_leave(markup, item->element);
}

static void compose_memory(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct item *item = &resource_item;

  vmf_markup_open(markup, item->element);
  item_leaf(markup, item, "AllocationUnits", "byte * 2^20");
  item_leaf(markup, item, "Description", "Memory size");
  vmf_markup_leaf(markup, "rasd:ElementName", "%" PRIu64 " MiB of memory", plan->mebibytes);
  item_number(markup, item, "InstanceID", VMF_PLAN_MEMORY_ID);
  item_number(markup, item, "ResourceType", VMF_RESOURCE_MEMORY);
  item_number(markup, item, "VirtualQuantity", plan->mebibytes);
  vmf_markup_leave(markup, item->element);
}

static void compose_controller(struct vmf_markup *markup,
                               const struct vmf_machine_plan_controller *controller, uint64_t id)
{
  static const struct {
    const char *name;
    enum vmf_resource type;
  } buses[VMF_BUSES] = {
      [VMF_BUS_IDE] = {"IDE", VMF_RESOURCE_IDE},
      [VMF_BUS_SCSI] = {"SCSI", VMF_RESOURCE_SCSI},
      [VMF_BUS_SATA] = {"SATA", VMF_RESOURCE_STORAGE},
      [VMF_BUS_NVME] = {"NVMe", VMF_RESOURCE_STORAGE},
  };
  const struct item *item = &resource_item;
  enum vmf_bus bus = controller->kind->bus;

  vmf_markup_open(markup, item->element);
  item_number(markup, item, "Address", controller->number);
  vmf_markup_leaf(markup, "rasd:Description", "%s controller", buses[bus].name);
  vmf_markup_leaf(markup, "rasd:ElementName", "%s controller %u", buses[bus].name,
                  controller->number);
  item_number(markup, item, "InstanceID", id);
  if (controller->kind->subtype)
    item_leaf(markup, item, "ResourceSubType", controller->kind->subtype);
  item_number(markup, item, "ResourceType", buses[bus].type);
  vmf_markup_leave(markup, item->element);
}

static void compose_disk(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                         size_t index)
{
  static const struct item storage_item = {"StorageItem", "sasd"};
  const struct item *item = plan->version == VMF_OVF_2 ? &storage_item : &resource_item;
  const struct vmf_machine_plan_disk *disk = &plan->disks[index];
  char text[64];

  vmf_markup_open(markup, item->element);
  item_number(markup, item, "AddressOnParent", disk->unit);
  item_leaf(markup, item, "Description", "Hard disk");
  snprintf(text, sizeof text, "Hard disk %zu", index + 1);
  item_leaf(markup, item, "ElementName", text);
  snprintf(text, sizeof text, "ovf:/disk/vmdisk%zu", index + 1);
  item_leaf(markup, item, "HostResource", text);
  item_number(markup, item, "InstanceID", VMF_PLAN_FIRST_ID + plan->controller_count + index);
  item_number(markup, item, "Parent", VMF_PLAN_FIRST_ID + disk->controller);
  item_number(markup, item, "ResourceType", VMF_RESOURCE_DISK);
  vmf_markup_leave(markup, item->element);
}

static void compose_nic(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                        size_t index, uint64_t id)
{
  static const struct item port_item = {"EthernetPortItem", "epasd"};
  const struct item *item = plan->version == VMF_OVF_2 ? &port_item : &resource_item;
  const struct vmf_machine_plan_nic *nic = &plan->nics[index];
  char text[64];

  vmf_markup_open(markup, item->element);
  if (nic->mac[0])
    item_leaf(markup, item, "Address", nic->mac);
  item_leaf(markup, item, "AutomaticAllocation", "true");
  item_leaf(markup, item, "Connection", nic->network);
  snprintf(text, sizeof text, "%s network adapter", nic->model);
  item_leaf(markup, item, "Description", text);
  snprintf(text, sizeof text, "Network adapter %zu", index + 1);
  item_leaf(markup, item, "ElementName", text);
  item_number(markup, item, "InstanceID", id);
  item_leaf(markup, item, "ResourceSubType", nic->model);
  item_number(markup, item, "ResourceType", VMF_RESOURCE_NIC);
  vmf_markup_leave(markup, item->element);
}

static void compose_config(struct vmf_markup *markup, const char *key, const char *value)
{
  vmf_markup_start(markup, "vmw:Config");
  vmf_markup_attribute(markup, "ovf:required", "false");
  vmf_markup_attribute(markup, "vmw:key", "%s", key);
  vmf_markup_attribute(markup, "vmw:value", "%s", value);
  vmf_markup_end(markup);
}

void vmf_compose_hardware(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                          size_t count)
{
  uint64_t id = VMF_PLAN_FIRST_ID;
  bool nics_first = plan->version == VMF_OVF_2; /* the schema's order */

  vmf_markup_start(markup, "VirtualHardwareSection");
  if (plan->machine->property_count > 0)
    vmf_markup_attribute(markup, "ovf:transport", "com.vmware.guestInfo iso");
  vmf_markup_enter(markup);
  vmf_markup_leaf(markup, "Info", "The virtual hardware");
  compose_system(markup, plan);
  compose_cpu(markup, plan);
  compose_memory(markup, plan);
  for (size_t i = 0; i < plan->controller_count; i++)
    compose_controller(markup, &plan->controllers[i], id++);
  id += count;
  for (size_t i = 0; i < count && !nics_first; i++)
    compose_disk(markup, plan, i);
  for (size_t i = 0; i < plan->nic_count; i++)
    compose_nic(markup, plan, i, id++);
  for (size_t i = 0; i < count && nics_first; i++)
    compose_disk(markup, plan, i);
  if (plan->firmware)
    compose_config(markup, "firmware", plan->firmware);
  if (plan->machine->secure_boot)
    compose_config(markup, "bootOptions.efiSecureBootEnabled", "true");
  vmf_markup_leave(markup, "VirtualHardwareSection");
}
