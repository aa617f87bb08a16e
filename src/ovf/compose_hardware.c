/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The VirtualHardwareSection: processors, memory, controllers, drives, network cards and the rest,
 * nothing that nobody asked for. The children of an item stand in the order of the alphabet, as the
 * schema wants them. Memory is in MiB and its unit in one exact spelling: readers ignore the unit
 * or know that one alone. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guid.h"
#include "machine_plan.h"
#include "markup.h"
#include "ovf_machine.h"
#include "vmware.h"

static const struct vmf_compose_item resource_item = {"Item", "rasd"};

void vmf_compose_leaf(struct vmf_markup *markup, const struct vmf_compose_item *item,
                      const char *name, const char *format, ...)
{
  char qualified[64], *text = NULL;
  va_list values;

  snprintf(qualified, sizeof qualified, "%s:%s", item->prefix, name);
  va_start(values, format);
  if (vasprintf(&text, format, values) < 0) {
    text = NULL;
    markup->failed = true;
  }
  va_end(values);
  vmf_markup_leaf(markup, qualified, "%s", text ? text : "");
  free(text);
}

static void number(struct vmf_markup *markup, const struct vmf_compose_item *item, const char *name,
                   uint64_t value)
{
  vmf_compose_leaf(markup, item, name, "%" PRIu64, value);
}

void vmf_compose_config(struct vmf_markup *markup, const char *key, const char *format, ...)
{
  char value[64];
  va_list values;

  va_start(values, format);
  vsnprintf(value, sizeof value, format, values);
  va_end(values);
  vmf_markup_start(markup, "vmw:Config");
  vmf_markup_attribute(markup, "ovf:required", "false");
  vmf_markup_attribute(markup, "vmw:key", "%s", key);
  vmf_markup_attribute(markup, "vmw:value", "%s", value);
  vmf_markup_end(markup);
}

/* ---- the system ---- */

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
  const struct vmf_compose_item *item = &resource_item;

  vmf_markup_open(markup, item->element);
  vmf_compose_leaf(markup, item, "AllocationUnits", "hertz * 10^6");
  vmf_compose_leaf(markup, item, "Description", "Number of virtual CPUs");
  vmf_compose_leaf(markup, item, "ElementName", "%u virtual CPU%s", plan->cpus,
                   plan->cpus == 1 ? "" : "s");
  number(markup, item, "InstanceID", VMF_PLAN_CPU_ID);
  number(markup, item, "ResourceType", VMF_RESOURCE_CPU);
  number(markup, item, "VirtualQuantity", plan->cpus);
  if (plan->cores > 0) {
    vmf_markup_start(markup, "vmw:CoresPerSocket");
    vmf_markup_attribute(markup, "ovf:required", "false");
    vmf_markup_content(markup, "vmw:CoresPerSocket", "%u", plan->cores);
  }
  vmf_markup_leave(markup, item->element);
}

static void compose_memory(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct vmf_compose_item *item = &resource_item;

  vmf_markup_open(markup, item->element);
  vmf_compose_leaf(markup, item, "AllocationUnits", "byte * 2^20");
  vmf_compose_leaf(markup, item, "Description", "Memory size");
  vmf_compose_leaf(markup, item, "ElementName", "%" PRIu64 " MiB of memory", plan->mebibytes);
  number(markup, item, "InstanceID", VMF_PLAN_MEMORY_ID);
  number(markup, item, "ResourceType", VMF_RESOURCE_MEMORY);
  number(markup, item, "VirtualQuantity", plan->mebibytes);
  vmf_markup_leave(markup, item->element);
}

/* ---- storage ---- */

static void compose_controller(struct vmf_markup *markup,
                               const struct vmf_machine_plan_controller *controller, uint64_t id)
{
  static const enum vmf_resource types[VMF_BUSES] = {[VMF_BUS_IDE] = VMF_RESOURCE_IDE,
                                                     [VMF_BUS_SCSI] = VMF_RESOURCE_SCSI,
                                                     [VMF_BUS_SATA] = VMF_RESOURCE_STORAGE,
                                                     [VMF_BUS_NVME] = VMF_RESOURCE_STORAGE};
  const struct vmf_compose_item *item = &resource_item;
  enum vmf_bus bus = controller->kind->bus;
  const char *name = vmf_bus_limits[bus].name;

  vmf_markup_open(markup, item->element);
  number(markup, item, "Address", controller->number);
  vmf_compose_leaf(markup, item, "Description", "%s controller", name);
  vmf_compose_leaf(markup, item, "ElementName", "%s controller %u", name, controller->number);
  number(markup, item, "InstanceID", id);
  if (controller->kind->subtype)
    vmf_compose_leaf(markup, item, "ResourceSubType", "%s", controller->kind->subtype);
  number(markup, item, "ResourceType", types[bus]);
  vmf_markup_leave(markup, item->element);
}

static void compose_drive_settings(struct vmf_markup *markup, const struct vmf_machine_disk *disk)
{
  static const char *const modes[] = {[VMF_MODE_PERSISTENT] = "persistent",
                                      [VMF_MODE_INDEPENDENT] = "independent_persistent",
                                      [VMF_MODE_TRANSIENT] = "independent_nonpersistent"};

  if (disk->mode.told && disk->mode.value <= VMF_MODE_TRANSIENT)
    vmf_compose_config(markup, "backing.diskMode", "%s", modes[disk->mode.value]);
  if (disk->cache.text && strcmp(disk->cache.text, "writethrough") == 0)
    vmf_compose_config(markup, "backing.writeThrough", "true");
}

/* What a drive for media is called, and by what it reads. */
static const struct drive_kind {
  const char *name, *empty, *image;
  enum vmf_resource type;
} drive_kinds[] = {
    [VMF_MEDIUM_DISK] = {"Hard disk", NULL, NULL, VMF_RESOURCE_DISK},
    [VMF_MEDIUM_CDROM] = {"CD/DVD drive", "vmware.cdrom.remotepassthrough", "vmware.cdrom.iso",
                          VMF_RESOURCE_CD},
    [VMF_MEDIUM_FLOPPY] = {"Floppy drive", "vmware.floppy.remotedevice", "vmware.floppy.image",
                           VMF_RESOURCE_FLOPPY},
};

static void compose_drive(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                          size_t index)
{
  static const struct vmf_compose_item storage_item = {"StorageItem", "sasd"};
  const struct vmf_compose_item *item =
      plan->settings->version == VMF_OVF_2 ? &storage_item : &resource_item;
  const struct vmf_machine_plan_drive *drive = &plan->drives[index];
  const struct vmf_machine_disk *disk = &plan->machine->disks[index];

  if (drive->left_out)
    return;
  const struct drive_kind *kind = &drive_kinds[drive->medium];
  vmf_markup_start(markup, item->element);
  if (kind->empty)
    vmf_markup_attribute(markup, "ovf:required", "false");
  vmf_markup_enter(markup);
  number(markup, item, "AddressOnParent", drive->unit);
  if (kind->empty)
    vmf_compose_leaf(markup, item, "AutomaticAllocation", "%s",
                     vmf_told_or(disk->connected, drive->file > 0) ? "true" : "false");
  vmf_compose_leaf(markup, item, "Description", "%s", kind->name);
  vmf_compose_leaf(markup, item, "ElementName", "%s %u", kind->name, drive->number);
  if (drive->disk > 0)
    vmf_compose_leaf(markup, item, "HostResource", "ovf:/disk/vmdisk%zu", drive->disk);
  else if (drive->file > 0)
    vmf_compose_leaf(markup, item, "HostResource", "ovf:/file/file%zu", drive->file);
  number(markup, item, "InstanceID", VMF_PLAN_FIRST_ID + plan->controller_count + index);
  if (drive->controller != SIZE_MAX)
    number(markup, item, "Parent", VMF_PLAN_FIRST_ID + drive->controller);
  if (kind->empty)
    vmf_compose_leaf(markup, item, "ResourceSubType", "%s",
                     drive->file > 0 ? kind->image : kind->empty);
  number(markup, item, "ResourceType", kind->type);
  compose_drive_settings(markup, disk);
  vmf_markup_leave(markup, item->element);
}

/* ---- network cards ---- */

/* Where a card sits on the bus of VMware's machine means nothing in another's. */
static bool has_vmware_slot(const struct vmf_machine_plan *plan, const struct vmf_machine_nic *nic)
{
  const char *hardware = plan->machine->hw_version.text;

  return nic->pci_slot.told && hardware && strncmp(hardware, "vmx-", 4) == 0;
}

static void compose_nic(struct vmf_markup *markup, const struct vmf_machine_plan *plan,
                        size_t index, uint64_t id)
{
  static const struct vmf_compose_item port_item = {"EthernetPortItem", "epasd"};
  const struct vmf_compose_item *item =
      plan->settings->version == VMF_OVF_2 ? &port_item : &resource_item;
  const struct vmf_machine_plan_nic *nic = &plan->nics[index];

  vmf_markup_open(markup, item->element);
  if (nic->mac)
    vmf_compose_leaf(markup, item, "Address", "%s", nic->mac);
  vmf_compose_leaf(markup, item, "AutomaticAllocation", "%s", nic->connected ? "true" : "false");
  vmf_compose_leaf(markup, item, "Connection", "%s", nic->network);
  vmf_compose_leaf(markup, item, "Description", "%s network adapter", nic->model);
  vmf_compose_leaf(markup, item, "ElementName", "Network adapter %zu", index + 1);
  number(markup, item, "InstanceID", id);
  vmf_compose_leaf(markup, item, "ResourceSubType", "%s", nic->model);
  number(markup, item, "ResourceType", VMF_RESOURCE_NIC);
  if (has_vmware_slot(plan, nic->nic))
    vmf_compose_config(markup, "slotInfo.pciSlotNumber", "%" PRIu64, nic->nic->pci_slot.value);
  vmf_markup_leave(markup, item->element);
}

/* ---- settings of the machine ---- */

static void compose_settings(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct vmf_machine *machine = plan->machine;
  const struct {
    const char *key;
    const struct vmf_told_number *flag;
  } flags[] = {
      {"bootOptions.efiSecureBootEnabled", &machine->secure_boot},
      {"cpuHotAddEnabled", &machine->cpu_hotadd},
      {"memoryHotAddEnabled", &machine->memory_hotadd},
      {"nestedHVEnabled", &machine->nested},
  };

  if (plan->firmware)
    vmf_compose_config(markup, "firmware", "%s", plan->firmware);
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    if (vmf_told_or(*flags[i].flag, 0) != 0)
      vmf_compose_config(markup, flags[i].key, "true");
  if (machine->boot_delay.told)
    vmf_compose_config(markup, "bootOptions.bootDelay", "%" PRIu64, machine->boot_delay.value);
  if (machine->uuid.told && !plan->settings->copy) {
    uint8_t bytes[VMF_GUID_SIZE];
    char text[VMF_GUID_TEXT];
    vmf_vmware_uuid(plan->vmx, machine->uuid.bytes, bytes);
    vmf_guid_text(bytes, text);
    vmf_compose_config(markup, "uuid", "%s", text);
  }
}

static void compose_drives(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  for (size_t i = 0; i < plan->machine->disk_count; i++)
    compose_drive(markup, plan, i);
}

/* OVF 2.0 has drives behind network cards, and both behind all else. */
void vmf_compose_hardware(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct vmf_machine *machine = plan->machine;
  bool two = plan->settings->version == VMF_OVF_2;
  uint64_t nic_id = VMF_PLAN_FIRST_ID + plan->controller_count + machine->disk_count;

  vmf_markup_start(markup, "VirtualHardwareSection");
  if (plan->settings->texts && plan->settings->texts->property_count > 0)
    vmf_markup_attribute(markup, "ovf:transport", "com.vmware.guestInfo iso");
  vmf_markup_enter(markup);
  vmf_markup_leaf(markup, "Info", "The virtual hardware");
  compose_system(markup, plan);
  compose_cpu(markup, plan);
  compose_memory(markup, plan);
  for (size_t i = 0; i < plan->controller_count; i++)
    compose_controller(markup, &plan->controllers[i], VMF_PLAN_FIRST_ID + i);
  if (two)
    vmf_compose_extras(markup, plan, nic_id + machine->nic_count);
  else
    compose_drives(markup, plan);
  for (size_t i = 0; i < machine->nic_count; i++)
    compose_nic(markup, plan, i, nic_id + i);
  if (two)
    compose_drives(markup, plan);
  else
    vmf_compose_extras(markup, plan, nic_id + machine->nic_count);
  compose_settings(markup, plan);
  vmf_compose_vmx_keys(markup, plan);
  vmf_markup_leave(markup, "VirtualHardwareSection");
}
