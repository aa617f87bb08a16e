/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What a person says of a machine, as a machine: defaults, limits of the hardware, places of the
 * disks. */
#include <stdio.h>
#include <string.h>

#include "compose.h"

#include "guest_os.h"
#include "machine_plan.h"
#include "memory.h"
#include "path.h"
#include "profile.h"
#include "text.h"

#define MIB (UINT64_C(1) << 20)

enum {
  NICS_MOST = 10, /* VMware's limit */
  CPUS_MOST = 1024,
  SECURE_BOOT_VMX = 13,
  EFI_VMX = 8,
  MEMORY_STEP_MIB = 4, /* VMware's */
};

/* A machine that is made from what is said. */
struct making {
  const struct vmf_machine_options *options;
  struct vmf_machine *machine;
  unsigned vmx; /* the highest of VMware's families; 0: none */
  struct vmf_error *error;
};

static const struct nic_model {
  const char *name, *alias, *model;
  unsigned family;
} nic_models[] = {
    {"E1000", NULL, "e1000", 0},           {"E1000e", NULL, "e1000e", 8},
    {"VmxNet3", NULL, "vmxnet3", 7},       {"PCNet32", "vlance", "pcnet32", 0},
    {"virtio", "virtio-net", "virtio", 0},
};

static bool is_called(const char *text, const char *name, const char *alias)
{
  return vmf_text_equal_nocase(text, name) || (alias && vmf_text_equal_nocase(text, alias));
}

static const struct nic_model *find_nic_model(const char *typed)
{
  for (size_t i = 0; i < sizeof nic_models / sizeof nic_models[0]; i++)
    if (is_called(typed, nic_models[i].name, nic_models[i].alias))
      return &nic_models[i];
  return NULL;
}

const char *vmf_ovf_nic_model(const char *typed)
{
  const struct nic_model *found = find_nic_model(typed);

  return found ? found->model : NULL;
}

static enum vmf_code needs_family(const struct making *making, const char *what, unsigned needed)
{
  if (making->vmx == 0 || making->vmx >= needed)
    return VMF_OK;
  return vmf_fail(making->error, VMF_USAGE, "%s needs the hardware vmx-%02u or later, not vmx-%02u",
                  what, needed, making->vmx);
}

static enum vmf_code make_name(struct making *making, const struct vmf_compose_disk *disks,
                               size_t count)
{
  VMF_AUTO_FREE char *stem = NULL;
  const char *name = making->options->name;

  if (!name && count > 0) {
    name = vmf_path_name(disks[0].file_name);
    VMF_TRY(vmf_copy_bytes(name, vmf_name_stem(name), &stem, making->error));
    VMF_TRY(vmf_machine_check_text("the name of the first disk", stem, false, making->error));
    name = stem;
  }
  return vmf_machine_text(making->machine, name ? name : "vm", 0, &making->machine->name,
                          making->error);
}

static enum vmf_code make_size(struct making *making)
{
  unsigned cpus = making->options->cpus ? making->options->cpus : 1;
  uint64_t memory = making->options->memory ? making->options->memory : 1024 * MIB;

  if (cpus > CPUS_MOST)
    return vmf_fail(making->error, VMF_USAGE, "%u processors: accepted are 1 to %d", cpus,
                    CPUS_MOST);
  if (memory % (MEMORY_STEP_MIB * MIB) || memory / MIB > INT32_MAX)
    return vmf_fail(making->error, VMF_USAGE,
                    "%llu bytes of memory: accepted is a multiple of 4 MiB, below 2 PiB",
                    (unsigned long long)memory);
  making->machine->vcpus = vmf_told(cpus, 0);
  making->machine->memory = vmf_told(memory, 0);
  return VMF_OK;
}

static enum vmf_code make_os(struct making *making)
{
  const char *text = making->options->os;
  const struct vmf_guest_os *os = vmf_guest_os_find(text ? text : "otherGuest64");
  char meant[120];

  if (os)
    return vmf_machine_set_os(making->machine, os, text, 0, making->error);
  vmf_guest_os_suggest(text, meant, sizeof(meant));
  if (meant[0])
    return vmf_fail(making->error, VMF_USAGE,
                    "guest operating system \"%.64s\" is not known; did you mean %s? "
                    "\"--os help\" lists all",
                    text, meant);
  return vmf_fail(making->error, VMF_USAGE,
                  "guest operating system \"%s\" is not known: accepted are the numbers of CIM, "
                  "VMware's names (ubuntu-64, windows2019srv-64, other-64) and VirtualBox's "
                  "(Ubuntu_64, Windows2019_64)",
                  text);
}

static enum vmf_code make_family(struct making *making)
{
  VMF_AUTO_FREE char *family = NULL;

  making->vmx = VMF_DEFAULT_VMX;
  if (making->options->hardware)
    VMF_TRY(
        vmf_machine_check_family(making->options->hardware, &family, &making->vmx, making->error));
  else
    VMF_TRY(vmf_format(&family, making->error, "vmx-%02u", making->vmx));
  return vmf_machine_text(making->machine, family, 0, &making->machine->hw_version, making->error);
}

static enum vmf_code make_firmware(struct making *making)
{
  bool secure = making->options->secure_boot;
  const char *said = making->options->firmware;
  const char *firmware = secure && !said ? "efi" : said;
  bool bios;

  if (!firmware)
    return VMF_OK;
  bios = vmf_text_equal_nocase(firmware, "bios");
  if (!bios && !is_called(firmware, "efi", "uefi"))
    return vmf_fail(making->error, VMF_USAGE, "firmware \"%s\": accepted are bios and efi",
                    firmware);
  making->machine->firmware = vmf_told(bios ? VMF_FIRMWARE_BIOS : VMF_FIRMWARE_EFI, 0);
  if (bios)
    return secure
               ? vmf_fail(making->error, VMF_USAGE, "secure boot needs the firmware efi, not bios")
               : VMF_OK;
  VMF_TRY(needs_family(making, "the firmware efi", EFI_VMX));
  if (!secure)
    return VMF_OK;
  making->machine->secure_boot = vmf_told(VMF_SECURE_BOOT_ON, 0);
  return needs_family(making, "secure boot", SECURE_BOOT_VMX);
}

/* ---- disks ---- */

static enum vmf_code find_kind(const struct making *making, const char *name,
                               const struct vmf_controller_kind **kind)
{
  for (size_t i = 0; i < VMF_CONTROLLER_KINDS; i++)
    if (is_called(name, vmf_controller_kinds[i].name, vmf_controller_kinds[i].alias)) {
      *kind = &vmf_controller_kinds[i];
      return needs_family(making, (*kind)->name, (*kind)->family);
    }
  return vmf_fail(making->error, VMF_USAGE,
                  "controller \"%s\": accepted are lsilogic, lsilogicsas, pvscsi, buslogic, sata, "
                  "nvme and ide",
                  name);
}

static bool is_of_kind(const struct vmf_machine_controller *controller,
                       const struct vmf_controller_kind *kind)
{
  return controller->bus.value == kind->bus &&
         (!kind->model || strcmp(controller->model.text, kind->model) == 0);
}

static size_t count_on(const struct vmf_machine *machine,
                       const struct vmf_machine_controller *controller)
{
  size_t count = 0;

  for (size_t i = 0; i < machine->disk_count; i++)
    count += machine->disks[i].bus.value == controller->bus.value && machine->disks[i].unit.told &&
             machine->disks[i].controller.value == controller->index.value;
  return count;
}

/* A controller of that kind with a free place: one that is there, or a new one. */
static enum vmf_code place_disk(struct making *making, const struct vmf_controller_kind *kind,
                                struct vmf_machine_disk *disk)
{
  const struct vmf_bus_limit *limit = &vmf_bus_limits[kind->bus];
  struct vmf_machine *machine = making->machine;
  struct vmf_machine_controller *controller = NULL;
  unsigned on_bus = 0;
  size_t used = 0;

  for (size_t i = 0; i < machine->controller_count && !controller; i++) {
    on_bus += machine->controllers[i].bus.value == kind->bus;
    used = count_on(machine, &machine->controllers[i]);
    if (is_of_kind(&machine->controllers[i], kind) && used < limit->disks)
      controller = &machine->controllers[i];
  }
  if (!controller && on_bus == limit->controllers)
    return vmf_fail(making->error, VMF_USAGE,
                    "too many disks for %s: there are at most %u %s controllers, each with at most "
                    "%u disks",
                    kind->name, limit->controllers, limit->name, limit->disks);
  if (!controller) {
    VMF_TRY(vmf_machine_add_controller(machine, &controller, making->error));
    controller->bus = vmf_told(kind->bus, 0);
    controller->index = vmf_told(on_bus, 0);
    VMF_TRY(vmf_machine_text(machine, kind->model, 0, &controller->model, making->error));
    used = 0;
  }
  disk->bus = controller->bus;
  disk->controller = controller->index;
  disk->unit = vmf_told(used + (kind->bus == VMF_BUS_SCSI && used >= VMF_SCSI_OWN_UNIT), 0);
  return VMF_OK;
}

static enum vmf_code make_disk(struct making *making, const struct vmf_compose_disk *described,
                               size_t index)
{
  const struct vmf_machine_options *options = making->options;
  const struct vmf_controller_kind *kind = &vmf_controller_kinds[0];
  struct vmf_machine_disk *disk;

  if (described->capacity == 0)
    return vmf_fail(making->error, VMF_USAGE, "the disk \"%s\" has no capacity",
                    described->file_name);
  if (options->controller_count > 0) {
    size_t last = options->controller_count - 1;
    VMF_TRY(find_kind(making, options->controllers[index < last ? index : last], &kind));
  }
  VMF_TRY(vmf_machine_add_disk(making->machine, &disk, making->error));
  disk->medium = vmf_told(VMF_MEDIUM_DISK, 0);
  disk->capacity = vmf_told(described->capacity, 0);
  return place_disk(making, kind, disk);
}

static enum vmf_code make_disks(struct making *making, const struct vmf_compose_disk *disks,
                                size_t count)
{
  if (making->options->controller_count > count)
    return vmf_fail(making->error, VMF_USAGE,
                    "%zu controllers for %zu disks: one for each is accepted",
                    making->options->controller_count, count);
  for (size_t i = 0; i < count; i++)
    VMF_TRY(make_disk(making, &disks[i], i));
  return VMF_OK;
}

/* ---- network cards ---- */

static enum vmf_code make_nic(struct making *making, const struct vmf_nic_options *said)
{
  const char *model = said->model ? said->model : "E1000";
  const char *network = said->network ? said->network : "VM Network";
  char mac[18] = "";
  struct vmf_machine_nic *nic;

  VMF_TRY(vmf_machine_check_text("the network", network, false, making->error));
  if (!network[0])
    return vmf_fail(making->error, VMF_USAGE, "the name of the network is empty");
  if (said->mac)
    VMF_TRY(vmf_machine_check_mac(said->mac, mac, making->error));
  VMF_TRY(vmf_machine_add_nic(making->machine, &nic, making->error));
  nic->attach = vmf_told(VMF_ATTACH_BRIDGE, 0);
  VMF_TRY(vmf_machine_text(making->machine, network, 0, &nic->network, making->error));
  VMF_TRY(vmf_machine_text(making->machine, mac[0] ? mac : NULL, 0, &nic->mac, making->error));
  const struct nic_model *found = find_nic_model(model);
  if (!found)
    return vmf_fail(making->error, VMF_USAGE,
                    "network card \"%s\": accepted are E1000, E1000e, VmxNet3, PCNet32 and virtio",
                    model);
  VMF_TRY(vmf_machine_text(making->machine, found->model, 0, &nic->model, making->error));
  return needs_family(making, found->name, found->family);
}

static enum vmf_code make_nics(struct making *making)
{
  static const struct vmf_nic_options one = {0};
  const struct vmf_machine_options *options = making->options;
  const struct vmf_machine *machine = making->machine;
  const struct vmf_nic_options *nics = options->nics ? options->nics : &one;
  size_t count = options->nics ? options->nic_count : 1;

  if (count > NICS_MOST)
    return vmf_fail(making->error, VMF_USAGE, "%zu network cards: accepted are at most %d", count,
                    NICS_MOST);
  for (size_t i = 0; i < count; i++) {
    VMF_TRY(make_nic(making, &nics[i]));
    const char *mac = machine->nics[i].mac.text;
    for (size_t k = 0; k < i && mac; k++)
      if (machine->nics[k].mac.text && strcmp(machine->nics[k].mac.text, mac) == 0)
        return vmf_fail(making->error, VMF_USAGE, "the MAC address %s is given twice", mac);
  }
  return VMF_OK;
}

static enum vmf_code make_all(struct making *making, const struct vmf_compose_disk *disks,
                              size_t count)
{
  const struct vmf_machine_options *options = making->options;

  VMF_TRY(make_name(making, disks, count));
  VMF_TRY(make_size(making));
  VMF_TRY(make_os(making));
  VMF_TRY(make_family(making));
  VMF_TRY(make_firmware(making));
  VMF_TRY(make_disks(making, disks, count));
  VMF_TRY(make_nics(making));
  return vmf_machine_text(making->machine, options->annotation, 0, &making->machine->description,
                          making->error);
}

/* What the person asked for is not changed behind their back. */
static enum vmf_code check_platform(const struct making *making, enum vmf_ovf_version version)
{
  const struct vmf_machine *machine = making->machine;
  struct vmf_error *error = making->error;
  struct vmf_platform platform;

  VMF_TRY(vmf_platform_find(making->options->platform, &platform, error));
  const struct vmf_profile_info *info = &platform.profile->info;
  if (!vmf_profile_takes(info, "ovf"))
    return vmf_fail(error, VMF_USAGE, "--for %s: %s takes no packages", info->name, info->summary);
  if (version == VMF_OVF_2)
    return vmf_fail(error, VMF_USAGE, "--for %s: takes no OVF 2.0", info->name);
  if (making->vmx > 0 && !vmf_platform_takes_hardware(&platform, making->vmx))
    return vmf_fail(error, VMF_USAGE, "--for %s: takes no hardware vmx-%02u",
                    making->options->platform, making->vmx);
  for (size_t i = 0; i < machine->controller_count; i++)
    if (!vmf_platform_has_controller(&platform, (enum vmf_bus)machine->controllers[i].bus.value,
                                     machine->controllers[i].model.text))
      return vmf_fail(error, VMF_USAGE, "--for %s: has no controller %s", info->name,
                      machine->controllers[i].model.text
                          ? machine->controllers[i].model.text
                          : vmf_bus_limits[machine->controllers[i].bus.value].name);
  for (size_t i = 0; i < machine->nic_count; i++)
    if (!vmf_profile_has_nic(platform.profile, machine->nics[i].model.text))
      return vmf_fail(error, VMF_USAGE, "--for %s: has no network card %s", info->name,
                      machine->nics[i].model.text);
  return VMF_OK;
}

static enum vmf_code find_version(const char *version, enum vmf_ovf_version *found,
                                  struct vmf_error *error)
{
  if (!version || strcmp(version, "1.1") == 0 || strcmp(version, "1.0") == 0)
    *found = VMF_OVF_1;
  else if (strcmp(version, "2.0") == 0)
    *found = VMF_OVF_2;
  else
    return vmf_fail(error, VMF_USAGE, "OVF version \"%s\": accepted are 1.0, 1.1 and 2.0", version);
  return VMF_OK;
}

enum vmf_code vmf_compose_options(const struct vmf_machine_options *options,
                                  const struct vmf_compose_disk *disks, size_t count, char **text,
                                  struct vmf_error *error)
{
  struct vmf_compose_settings settings = {.texts = options};
  struct making making = {.options = options, .error = error};

  *text = NULL;
  VMF_TRY(vmf_machine_check_texts(options, error));
  VMF_TRY(find_version(options->ovf_version, &settings.version, error));
  VMF_TRY(vmf_machine_new(&making.machine, error));
  enum vmf_code code = make_all(&making, disks, count);
  if (code == VMF_OK && options->platform)
    code = check_platform(&making, settings.version);
  if (code == VMF_OK)
    code = vmf_compose(making.machine, &settings, disks, text, error);
  vmf_machine_free(making.machine);
  return code;
}
