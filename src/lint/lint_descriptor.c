/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of a descriptor: family and version of the hardware, devices, disks, networks. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest_os.h"
#include "lint_descriptor.h"
#include "text.h"
#include "virtualbox.h"

enum { OLD_HARDWARE = 11, HARDWARE_OF_7_0 = 17 };

/* ---- hardware ---- */

/* The line of <vssd:VirtualSystemType>, or of what it should stand in. */
static unsigned family_line(const struct vmf_descriptor_judged *judged)
{
  const struct vmf_ovf_system *system = judged->system;

  if (system->hardware_element == SIZE_MAX)
    return system->line;
  const xmlNode *hardware = judged->ovf->xml->elements[system->hardware_element];
  const xmlNode *about = vmf_xml_child(hardware, judged->ovf->uri, "System");
  const xmlNode *type = about ? vmf_xml_child(about, VMF_NS_VSSD, "VirtualSystemType") : NULL;
  return vmf_xml_line(type ? type : hardware);
}

/* The number of a word vmx-NN; 0: it is none. */
static unsigned hardware_of(const char *word, size_t length)
{
  unsigned long number =
      length > 4 && strncmp(word, "vmx-", 4) == 0 ? strtoul(word + 4, NULL, 10) : 0;
  return number < 1000 ? (unsigned)number : 0;
}

/* Of a list of families a product takes the first that it knows. */
static void check_family(const struct vmf_descriptor_judged *judged)
{
  const char *families = judged->system->families;
  const struct vmf_platform *platform = &judged->linting->platform;
  unsigned most = vmf_platform_hardware(platform), highest = 0, line = family_line(judged);
  struct vmf_lint_place place = vmf_lint_at(judged, line, "vmx-NN"),
                        version = vmf_lint_at(judged, line, NULL);
  bool taken = false;
  char allowed[64] = "all but vmx-06, vmx-12, vmx-16";

  if (!families)
    return;
  for (const char *word = families; *word; word += strspn(word, " ,")) {
    size_t length = strcspn(word, " ,");
    unsigned hardware = hardware_of(word, length);
    highest = hardware > highest ? hardware : highest;
    taken |= vmf_platform_takes_hardware(platform, hardware);
    word += length;
  }
  if (most != UINT_MAX)
    snprintf(allowed, sizeof allowed, "vmx-%02u at most%s", most,
             vmf_lint_asks(judged->linting, VMF_LINT_VMW_HWOLD) ? ", not vmx-06, vmx-12, vmx-16"
                                                                : "");
  version.allowed = allowed;
  if (highest == 0)
    vmf_lint_tell(judged->linting, VMF_LINT_VMW_FAMILY, &place, "hardware \"%s\"", families);
  else if (!taken)
    vmf_lint_tell(judged->linting, VMF_LINT_VMW_HWVER, &version, "hardware \"%s\"", families);
  else if (highest < OLD_HARDWARE && most >= HARDWARE_OF_7_0) {
    version.allowed = "vmx-11 or later, for ESXi 7 and later";
    vmf_lint_tell(judged->linting, VMF_LINT_VMW_HWOLD, &version, "hardware \"%s\"", families);
  }
}

/* ---- devices ---- */

/* Names of devices by resource type: whether VMware's products know them. */
struct known_devices {
  unsigned type;
  const char *names; /* blanks between; "": none is written */
};

/* govmomi, configspec.go; what VMware's products write. An IDE controller has none
 * (packetfence#5522: "'PIIX4' of ResourceSubType element not found in []"). */
static const struct known_devices vmware_devices[] = {
    {VMF_RESOURCE_IDE, ""},
    {VMF_RESOURCE_SCSI, "lsilogic lsilogicsas buslogic virtualscsi"},
    {VMF_RESOURCE_STORAGE, "vmware.sata.ahci vmware.nvme.controller vmware.nvdimm.controller "
                           "vmware.nvdimm.device"},
    {VMF_RESOURCE_NIC, "e1000 e1000e pcnet32 vmxnet vmxnet2 vmxnet3 vmxnet3vrdma "
                       "vmware.sriovethernetcard sriov"},
};

/* ovfreader.cpp */
static const struct known_devices virtualbox_devices[] = {
    {VMF_RESOURCE_STORAGE,
     "ahci vmware.sata.ahci virtioscsi virtio-scsi nvme vmware.nvme.controller"},
};

static bool is_word(const char *list, const char *word, size_t length)
{
  for (; *list; list += strspn(list, " ")) {
    size_t known = strcspn(list, " ");
    if (known == length && strncasecmp(list, word, length) == 0)
      return true;
    list += known;
  }
  return false;
}

/* A subtype is a list, too: one known word is enough. */
static bool is_known(const struct known_devices *known, size_t count,
                     const struct vmf_ovf_item *item)
{
  const char *subtype = item->subtype ? item->subtype : "";

  for (size_t i = 0; i < count && *subtype; i++) {
    if (known[i].type != item->type)
      continue;
    for (const char *word = subtype; *word; word += strspn(word, " ,")) {
      size_t length = strcspn(word, " ,");
      if (is_word(known[i].names, word, length))
        return true;
      word += length;
    }
    return false;
  }
  return true;
}

static bool has_network(const struct vmf_ovf *ovf, const char *name)
{
  for (size_t i = 0; i < ovf->network_count; i++)
    if (ovf->networks[i].name && strcmp(ovf->networks[i].name, name) == 0)
      return true;
  return false;
}

/* The ESXi host client takes VirtualBox's word for a SATA controller (a machine of nixos-generators
 * came in with nothing but its family changed); vCenter is known to hold subtypes against its list.
 */
static bool is_ahci(const struct vmf_ovf_item *item)
{
  return item->type == VMF_RESOURCE_STORAGE && item->subtype &&
         vmf_text_equal_nocase(item->subtype, "ahci");
}

static void check_vmware_device(const struct vmf_descriptor_judged *judged,
                                const struct vmf_ovf_item *item)
{
  enum { COUNT = sizeof vmware_devices / sizeof vmware_devices[0] };
  struct vmf_lint_place place = vmf_lint_at(judged, item->line, "ovf:required=\"false\"");

  if (!item->required)
    return;
  if (item->type == VMF_RESOURCE_SOUND)
    vmf_lint_tell(judged->linting, VMF_LINT_VMW_DEVICE, &place, "a sound card that is required");
  if (is_known(vmware_devices, COUNT, item))
    return;
  for (size_t i = 0; i < COUNT; i++)
    if (vmware_devices[i].type == item->type)
      place.allowed = vmware_devices[i].names[0] ? vmware_devices[i].names : "none";
  vmf_lint_tell(judged->linting, is_ahci(item) ? VMF_LINT_VMW_AHCI : VMF_LINT_VMW_SUBTYPE, &place,
                "a device \"%s\"", item->subtype);
}

static void check_vmware_item(const struct vmf_descriptor_judged *judged,
                              const struct vmf_ovf_item *item)
{
  const struct vmf_lint_place place =
      vmf_lint_at(judged, item->line, "a network of the NetworkSection");

  if (item->type == VMF_RESOURCE_NIC && item->connection && item->connection[0] &&
      !has_network(judged->ovf, item->connection))
    vmf_lint_tell(judged->linting, VMF_LINT_VMW_CONN, &place, "a card on the network \"%s\"",
                  item->connection);
  check_vmware_device(judged, item);
}

/* What VMware's products do not know of the guest, or do not take over. */
static void check_vmware_system(const struct vmf_descriptor_judged *judged)
{
  const struct vmf_ovf_system *system = judged->system;
  const struct vmf_lint_place place =
      vmf_lint_at(judged, system->line, "one of VMware's own, \"other26xLinux64Guest\"");

  if (system->vmw_os && !vmf_guest_os_of(system->vmw_os, NULL, false, 0))
    vmf_lint_tell(judged->linting, VMF_LINT_VMW_GUESTOS, &place, "the guest system \"%s\"",
                  system->vmw_os);
}

static bool is_efi(const struct vmf_ovf_system *system)
{
  return system->firmware && vmf_text_equal_nocase(system->firmware, "efi");
}

/* Sections that the reader has no place for. */
static void check_vmware_sections(const struct vmf_descriptor_judged *judged)
{
  bool efi = false;

  for (size_t i = 0; i < judged->ovf->system_count; i++)
    efi |= is_efi(&judged->ovf->systems[i]);
  for (size_t i = 0; i < judged->ovf->unknown_count; i++) {
    const struct vmf_ovf_unknown *unknown = &judged->ovf->unknown[i];
    struct vmf_lint_place place = vmf_lint_at(judged, unknown->line, "no vmw:ExtraConfig");
    if (strncmp(unknown->name, "vmw:ExtraConfig", 15) == 0)
      vmf_lint_tell(judged->linting, VMF_LINT_VMW_EXTRA, &place, "%s", unknown->name);
    place.allowed = "no order of booting beside EFI firmware";
    if (efi && strcmp(unknown->name, "vmw:BootOrderSection") == 0)
      vmf_lint_tell(judged->linting, VMF_LINT_VMW_EFI_LOST, &place, "%s", unknown->name);
  }
}

/* ---- VirtualBox ---- */

static bool has_instance(const struct vmf_ovf_system *system, const char *instance)
{
  for (size_t i = 0; i < system->item_count; i++)
    if (system->items[i].instance && strcmp(system->items[i].instance, instance) == 0)
      return true;
  return false;
}

static void check_parent(const struct vmf_descriptor_judged *judged,
                         const struct vmf_ovf_item *item)
{
  struct vmf_lint_place place = vmf_lint_at(judged, item->line, "the InstanceID of a controller");
  bool controller = item->type == VMF_RESOURCE_IDE || item->type == VMF_RESOURCE_SCSI ||
                    item->type == VMF_RESOURCE_STORAGE;
  bool drive = item->type == VMF_RESOURCE_CD || item->type == VMF_RESOURCE_DVD ||
               item->type == VMF_RESOURCE_DISK;

  if (drive && (!item->parent || !has_instance(judged->system, item->parent)))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_PARENT, &place, "a drive with the parent \"%s\"",
                  item->parent ? item->parent : "");
  if (controller && !(item->instance && item->instance[0]))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_PARENT, &place, "a controller without InstanceID");
  place.allowed = virtualbox_devices[0].names;
  if (!is_known(virtualbox_devices, 1, item))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_PARENT, &place, "a controller \"%s\"",
                  item->subtype);
}

static void check_memory(const struct vmf_descriptor_judged *judged,
                         const struct vmf_ovf_item *item)
{
  struct vmf_lint_place place =
      vmf_lint_at(judged, item->line, "MegaBytes, MB, byte * 2^20, GigaBytes, GB or byte * 2^30");
  uint64_t bytes = vmf_ovf_memory_bytes(item);

  if (item->units && !vmf_virtualbox_counts_in(item->units))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_UNITS, &place, "memory in \"%s\"", item->units);
  place.allowed = "4 MiB to 2 TiB";
  if (item->quantity_known && (bytes < UINT64_C(4) << 20 || bytes > UINT64_C(2) << 40))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_CPU, &place, "memory of %" PRIu64 " bytes", bytes);
}

static void check_virtualbox_item(const struct vmf_descriptor_judged *judged,
                                  const struct vmf_ovf_item *item)
{
  const struct vmf_lint_place place = vmf_lint_at(judged, item->line, "1 to 64");
  const struct vmf_lint_place other = vmf_lint_at(judged, item->line, "ovf:required=\"false\"");

  check_parent(judged, item);
  if (item->required && !vmf_virtualbox_imports(item->type))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_OTHER, &other, "a device of the type %u",
                  item->type);
  if (item->type == VMF_RESOURCE_MEMORY)
    check_memory(judged, item);
  if (item->type == VMF_RESOURCE_CPU && item->quantity_known &&
      (item->quantity < 1 || item->quantity > 64))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_CPU, &place, "%" PRIu64 " processors",
                  item->quantity);
}

/* VirtualBox reads the firmware in its own element alone. */
static void check_firmware(const struct vmf_descriptor_judged *judged)
{
  const struct vmf_ovf_system *system = judged->system;
  const struct vmf_lint_place place =
      vmf_lint_at(judged, system->line, "BIOS, but where vbox:Machine says it");

  if (is_efi(system) &&
      !vmf_xml_child(judged->ovf->xml->elements[system->element], VMF_NS_VBOX, "Machine"))
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_EFI, &place,
                  "EFI firmware, which starts with a BIOS there");
}

/* ---- the whole ---- */

static void check_system(const struct vmf_descriptor_judged *judged)
{
  check_family(judged);
  check_firmware(judged);
  check_vmware_system(judged);
  vmf_lint_importers_system(judged);
  for (size_t i = 0; i < judged->system->item_count; i++) {
    const struct vmf_ovf_item *item = &judged->system->items[i];
    if (!vmf_ovf_is_usual(judged->ovf, item))
      continue;
    check_vmware_item(judged, item);
    check_virtualbox_item(judged, item);
    vmf_lint_importers_item(judged, item);
  }
}

static void check_files(const struct vmf_descriptor_judged *judged)
{
  const struct vmf_ovf *ovf = judged->ovf;

  for (size_t i = 0; i < ovf->file_count; i++) {
    const struct vmf_ovf_file *file = &ovf->files[i];
    const struct vmf_lint_place place = vmf_lint_at(judged, file->line, "no compression");
    if (file->compression && file->compression[0] &&
        !vmf_text_equal_nocase(file->compression, "identity"))
      vmf_lint_tell(judged->linting, VMF_LINT_VMW_COMPRESS, &place, "%s packed by %s",
                    file->href ? file->href : "a file", file->compression);
  }
  for (size_t i = 0; i < ovf->disk_count; i++) {
    const struct vmf_ovf_disk *disk = &ovf->disks[i];
    const struct vmf_lint_place place = vmf_lint_at(judged, disk->line, "bytes");
    if (disk->capacity_units && strcmp(disk->capacity_units, "byte") != 0)
      vmf_lint_tell(judged->linting, VMF_LINT_VBX_UNITS, &place,
                    "a capacity in \"%s\", which is read as bytes", disk->capacity_units);
  }
}

void vmf_lint_descriptor(struct vmf_linting *linting, const struct vmf_package *package)
{
  struct vmf_descriptor_judged judged = {
      .linting = linting, .package = package, .ovf = package->ovf, .file = package->name};
  const struct vmf_lint_place place = vmf_lint_at(&judged, 1, VMF_NS_OVF_1);

  if (package->ovf->version == VMF_OVF_2)
    vmf_lint_tell(linting, VMF_LINT_VMW_OVF2, &place, "the namespace %s", package->ovf->uri);
  check_files(&judged);
  check_vmware_sections(&judged);
  vmf_lint_importers(&judged);
  for (size_t i = 0; i < package->ovf->system_count; i++) {
    judged.system = &package->ovf->systems[i];
    if (!judged.system->collection)
      check_system(&judged);
  }
}
