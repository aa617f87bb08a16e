/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "ovf_fit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "editor.h"
#include "guid.h"
#include "machine_plan.h"
#include "memory.h"
#include "ovf_machine.h"
#include "text.h"
#include "virtualbox.h"
#include "vmware.h"

#define MIB (UINT64_C(1) << 20)

struct fitting {
  struct vmf_ovf_editor editor;
  const struct vmf_platform *platform;
  uint64_t numbers[VMF_BUSES]; /* those that controllers of the machine have, a bit each */
};

/* ---- what there is ---- */

static bool is_vmware(const struct vmf_platform *platform)
{
  const char *family = platform->profile->info.hardware;

  return family && strncmp(family, "vmx-", 4) == 0;
}

static bool is_virtualbox(const struct vmf_platform *platform)
{
  return platform->profile->info.hardware && !is_vmware(platform);
}

static bool is_controller(const struct vmf_ovf_item *item)
{
  return item->type == VMF_RESOURCE_IDE || item->type == VMF_RESOURCE_SCSI ||
         item->type == VMF_RESOURCE_STORAGE;
}

/* A device of VMware's own that is no controller of drives as others have them. */
static bool is_nvdimm(const struct vmf_ovf_item *item)
{
  return item->subtype && strncmp(item->subtype, "vmware.nvdimm", 13) == 0;
}

/* The bus that a controller has there, and whether it becomes another kind for that. */
static enum vmf_bus bus_there(const struct vmf_platform *platform, const struct vmf_ovf_item *item,
                              bool *changes)
{
  const char *model;
  enum vmf_bus bus;

  vmf_ovf_controller_of(item, &bus, &model);
  *changes = !vmf_platform_has_controller(platform, bus, bus == VMF_BUS_SCSI ? model : NULL);
  return *changes ? vmf_platform_controller(platform)->bus : bus;
}

static const struct vmf_controller_kind *kind_of(enum vmf_bus bus, const char *model)
{
  for (size_t i = 0; i < VMF_CONTROLLER_KINDS; i++) {
    const struct vmf_controller_kind *kind = &vmf_controller_kinds[i];
    if (kind->bus == bus && (!kind->model || !model || strcmp(kind->model, model) == 0))
      return kind;
  }
  return NULL;
}

/* ---- whether it can be done ---- */

/* VirtualBox's import takes one controller of a kind that has many places. */
static unsigned most_of(const struct vmf_platform *platform, enum vmf_bus bus)
{
  return is_virtualbox(platform) && bus != VMF_BUS_IDE ? 1 : vmf_bus_limits[bus].controllers;
}

/* Whether the controller's drives have their places on the other bus, too. */
static bool has_places(const struct vmf_ovf_system *system, const struct vmf_ovf_item *controller,
                       enum vmf_bus bus)
{
  unsigned places = vmf_bus_limits[bus].disks + (bus == VMF_BUS_SCSI);
  uint64_t place;

  for (size_t i = 0; i < system->item_count; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    if (item->parent && controller->instance && strcmp(item->parent, controller->instance) == 0 &&
        item->address_on_parent && vmf_reader_number(item->address_on_parent, &place) &&
        (place >= places || (bus == VMF_BUS_SCSI && place == VMF_SCSI_OWN_UNIT)))
      return false;
  }
  return true;
}

static bool has_room(const struct vmf_ovf *ovf, const struct vmf_ovf_system *system,
                     const struct vmf_platform *platform)
{
  unsigned counts[VMF_BUSES] = {0};
  bool changed[VMF_BUSES] = {false}, changes;

  for (size_t i = 0; i < system->item_count; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    if (!is_controller(item) || is_nvdimm(item) || !vmf_ovf_is_usual(ovf, item))
      continue;
    enum vmf_bus bus = bus_there(platform, item, &changes);
    if (bus == VMF_BUSES || !kind_of(bus, NULL))
      return !changes;
    if (changes && !has_places(system, item, bus))
      return false;
    counts[bus]++;
    changed[bus] |= changes;
  }
  for (unsigned bus = 0; bus < VMF_BUSES; bus++)
    if (changed[bus] && counts[bus] > most_of(platform, (enum vmf_bus)bus))
      return false;
  return true;
}

static bool has_networks(const struct vmf_ovf *ovf, const struct vmf_ovf_system *system)
{
  for (size_t i = 0; i < system->item_count; i++) {
    const char *wanted = system->items[i].connection;
    bool found = system->items[i].type != VMF_RESOURCE_NIC || !wanted || !*wanted;
    for (size_t k = 0; k < ovf->network_count && !found; k++)
      found = ovf->networks[k].name && strcmp(ovf->networks[k].name, wanted) == 0;
    if (!found)
      return false;
  }
  return true;
}

static bool has_firmware(const struct vmf_ovf_system *system, const struct vmf_platform *platform)
{
  unsigned hardware = vmf_platform_hardware_for(platform, system->families);
  bool efi = system->firmware && vmf_text_equal_nocase(system->firmware, "efi");

  return !is_vmware(platform) || ((!efi || hardware >= VMF_EFI_HARDWARE) &&
                                  (!system->secure_boot || hardware >= VMF_SECURE_HARDWARE));
}

bool vmf_ovf_can_fit(const struct vmf_ovf *ovf, const struct vmf_platform *platform)
{
  if (platform->profile->composes || ovf->version != VMF_OVF_1 || ovf->dialect == VMF_DIALECT_OVIRT)
    return false;
  for (size_t i = 0; i < ovf->system_count; i++) {
    const struct vmf_ovf_system *system = &ovf->systems[i];
    if (!system->collection &&
        (system->hardware_element == SIZE_MAX || !has_room(ovf, system, platform) ||
         !has_networks(ovf, system) || !has_firmware(system, platform)))
      return false;
  }
  return true;
}

/* ---- the changes ---- */

static enum vmf_code set(struct fitting *fitting, const struct vmf_ovf_item *item, const char *name,
                         const char *text)
{
  return vmf_editor_field(&fitting->editor, fitting->editor.ovf->xml->elements[item->element], name,
                          text);
}

/* The guest prints the same UUID as before, which is another one as VMware says it. */
static enum vmf_code fit_uuid(struct fitting *fitting, unsigned from, unsigned to)
{
  struct vmf_ovf_editor *editor = &fitting->editor;
  const xmlNode *setting;
  VMF_AUTO_FREE char *value = NULL;
  uint8_t told[VMF_GUID_SIZE], printed[VMF_GUID_SIZE];
  char text[VMF_GUID_TEXT];

  VMF_TRY(vmf_editor_setting(editor, "uuid", &setting));
  if (setting)
    VMF_TRY(vmf_xml_attribute(setting, VMF_NS_VMW, "value", &value, editor->error));
  if (!value || !vmf_guid_parse(value, told))
    return VMF_OK;
  vmf_vmware_uuid(from, told, printed);
  vmf_vmware_uuid(to, printed, told);
  vmf_guid_text(told, text);
  return vmf_xml_edit_attribute(editor->edit, vmf_xml_index(setting), VMF_NS_VMW, "value", text,
                                editor->error);
}

static enum vmf_code fit_family(struct fitting *fitting)
{
  const struct vmf_platform *platform = fitting->platform;
  const char *families = fitting->editor.system->families,
             *family = platform->profile->info.hardware;
  const xmlNode *about = vmf_xml_child(fitting->editor.hardware, NULL, "System");
  const xmlNode *type = about ? vmf_xml_child(about, VMF_NS_VSSD, "VirtualSystemType") : NULL;
  char text[16];

  if (!type || !families || !family)
    return VMF_OK;
  if (is_vmware(platform)) {
    snprintf(text, sizeof text, "vmx-%02u", vmf_platform_hardware_for(platform, families));
    family = text;
  }
  if (vmf_text_has_word(families, family))
    return VMF_OK;
  VMF_TRY(fit_uuid(fitting, vmf_vmware_version(families), vmf_vmware_version(family)));
  return vmf_editor_text(&fitting->editor, type, family);
}

static void take_number(struct fitting *fitting, enum vmf_bus bus, uint64_t number)
{
  if (number < 64)
    fitting->numbers[bus] |= UINT64_C(1) << number;
}

/* The numbers that stay those of controllers. */
static void find_numbers(struct fitting *fitting)
{
  const struct vmf_ovf_system *system = fitting->editor.system;
  uint64_t number;
  bool changes;

  memset(fitting->numbers, 0, sizeof fitting->numbers);
  for (size_t i = 0; i < system->item_count; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    if (!is_controller(item) || is_nvdimm(item))
      continue;
    enum vmf_bus bus = bus_there(fitting->platform, item, &changes);
    if (!changes && bus != VMF_BUSES && item->address && vmf_reader_number(item->address, &number))
      take_number(fitting, bus, number);
  }
}

/* A controller that comes to another bus keeps its number, unless one there has it. */
static enum vmf_code fit_number(struct fitting *fitting, const struct vmf_ovf_item *item,
                                enum vmf_bus bus)
{
  uint64_t number, taken = fitting->numbers[bus];
  char text[24];

  if (!item->address || !vmf_reader_number(item->address, &number) || number >= 64)
    return VMF_OK;
  if (!(taken >> number & 1)) {
    take_number(fitting, bus, number);
    return VMF_OK;
  }
  for (number = 0; number < 63 && taken >> number & 1;)
    number++;
  take_number(fitting, bus, number);
  snprintf(text, sizeof text, "%" PRIu64, number);
  return set(fitting, item, "Address", text);
}

static enum vmf_code fit_controller(struct fitting *fitting, const struct vmf_ovf_item *item)
{
  const struct vmf_profile_controller *there = vmf_platform_controller(fitting->platform);
  const struct vmf_controller_kind *kind;
  const char *model;
  bool changes;
  enum vmf_bus bus = bus_there(fitting->platform, item, &changes);

  if (is_nvdimm(item) || bus == VMF_BUSES)
    return VMF_OK;
  if (changes) {
    kind = kind_of(bus, there->model);
    VMF_TRY(fit_number(fitting, item, bus));
    VMF_TRY(set(fitting, item, "ResourceType",
                bus == VMF_BUS_IDE    ? "5"
                : bus == VMF_BUS_SCSI ? "6"
                                      : "20"));
    return set(fitting, item, "ResourceSubType", kind->subtype);
  }
  if (!is_vmware(fitting->platform) || !item->subtype || bus == VMF_BUS_SCSI)
    return VMF_OK;
  kind = kind_of(bus, NULL); /* VMware's own word for the same */
  if (vmf_ovf_controller_of(item, &bus, &model) && kind->subtype &&
      vmf_text_equal_nocase(item->subtype, kind->subtype))
    return VMF_OK;
  return set(fitting, item, "ResourceSubType", kind->subtype);
}

static enum vmf_code fit_card(struct fitting *fitting, const struct vmf_ovf_item *item)
{
  const struct vmf_profile *profile = fitting->platform->profile;
  const char *model = vmf_ovf_nic_of(item);
  bool own = item->subtype && (strncmp(item->subtype, "vmware.", 7) == 0 ||
                               strncmp(item->subtype, "vmxnet3vrdma", 12) == 0);

  if (!profile->nics || !item->subtype || (model && vmf_profile_has_nic(profile, model)) ||
      (own && is_vmware(fitting->platform)))
    return VMF_OK;
  return set(fitting, item, "ResourceSubType", vmf_ovf_nic_subtype(profile->nics[0]));
}

static enum vmf_code fit_memory(struct fitting *fitting, const struct vmf_ovf_item *item)
{
  char text[24];

  if (!is_virtualbox(fitting->platform) || !item->units || !item->quantity_known ||
      vmf_virtualbox_counts_in(item->units))
    return VMF_OK;
  snprintf(text, sizeof text, "%" PRIu64, vmf_div_up(vmf_ovf_memory_bytes(item), MIB));
  VMF_TRY(vmf_editor_count_in_mebibytes(&fitting->editor, item));
  return set(fitting, item, "VirtualQuantity", text);
}

/* Devices that the platform stops at are there for those that know them. */
static enum vmf_code fit_other(struct fitting *fitting, const struct vmf_ovf_item *item)
{
  bool foreign = (is_vmware(fitting->platform) && item->type == VMF_RESOURCE_SOUND) ||
                 (is_virtualbox(fitting->platform) && !vmf_virtualbox_imports(item->type));

  if (!foreign || !item->required)
    return VMF_OK;
  return vmf_editor_attribute(&fitting->editor, fitting->editor.ovf->xml->elements[item->element],
                              "required", "false");
}

static enum vmf_code fit_item(struct fitting *fitting, const struct vmf_ovf_item *item)
{
  if (is_controller(item))
    return fit_controller(fitting, item);
  if (item->type == VMF_RESOURCE_NIC)
    return fit_card(fitting, item);
  if (item->type == VMF_RESOURCE_MEMORY)
    return fit_memory(fitting, item);
  return fit_other(fitting, item);
}

/* With it VMware forgets the EFI firmware (image-builder#619). */
static enum vmf_code fit_boot_order(struct fitting *fitting)
{
  const struct vmf_ovf_system *system = fitting->editor.system;
  const xmlNode *order = vmf_xml_child(fitting->editor.content, VMF_NS_VMW, "BootOrderSection");

  if (!order || !is_vmware(fitting->platform) || !system->firmware ||
      !vmf_text_equal_nocase(system->firmware, "efi"))
    return VMF_OK;
  return vmf_editor_remove(&fitting->editor, order);
}

static enum vmf_code fit_system(struct fitting *fitting)
{
  const struct vmf_ovf_system *system = fitting->editor.system;

  VMF_TRY(fit_family(fitting));
  VMF_TRY(fit_boot_order(fitting));
  find_numbers(fitting);
  for (size_t i = 0; i < system->item_count; i++)
    VMF_TRY(fit_item(fitting, &system->items[i]));
  return VMF_OK;
}

/* VirtualBox takes every capacity for bytes. */
static enum vmf_code fit_capacities(struct fitting *fitting)
{
  const struct vmf_ovf *ovf = fitting->editor.ovf;
  char text[24];

  for (size_t i = 0; i < ovf->disk_count && is_virtualbox(fitting->platform); i++) {
    const struct vmf_ovf_disk *disk = &ovf->disks[i];
    const xmlNode *element = ovf->xml->elements[disk->element];
    if (!disk->capacity_units || strcmp(disk->capacity_units, "byte") == 0 || !disk->capacity_known)
      continue;
    snprintf(text, sizeof text, "%" PRIu64, disk->capacity);
    VMF_TRY(vmf_editor_attribute(&fitting->editor, element, "capacity", text));
    VMF_TRY(vmf_editor_attribute(&fitting->editor, element, "capacityAllocationUnits", "byte"));
  }
  return VMF_OK;
}

enum vmf_code vmf_ovf_fit(const struct vmf_ovf *ovf, const struct vmf_platform *platform,
                          struct vmf_xml_edit *edit, struct vmf_error *error)
{
  struct fitting fitting = {.editor = {.ovf = ovf, .edit = edit, .error = error},
                            .platform = platform};

  for (size_t i = 0; i < ovf->system_count; i++) {
    const struct vmf_ovf_system *system = &ovf->systems[i];
    if (system->collection)
      continue;
    fitting.editor.system = system;
    fitting.editor.content = ovf->xml->elements[system->element];
    fitting.editor.hardware = ovf->xml->elements[system->hardware_element];
    VMF_TRY(fit_system(&fitting));
  }
  return fit_capacities(&fitting);
}
