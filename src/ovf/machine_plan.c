/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Plans a machine: defaults, limits of the hardware, places of the disks. */
#include "machine_plan.h"

#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "path.h"
#include "plain_name.h"
#include "text.h"

#define MIB (UINT64_C(1) << 20)

enum {
  DEFAULT_VMX = 13, /* ESXi 6.5: the first with secure boot and NVMe */
  SECURE_BOOT_VMX = 13,
  EFI_VMX = 8,
  SCSI_OWN_UNIT = 7, /* the controller itself */
  ID_LENGTH = 64,
  MEMORY_STEP_MIB = 4, /* VMware's */
};

static const struct vmf_controller_kind kinds[] = {
    {"lsilogic", "scsi", VMF_BUS_SCSI, "lsilogic", 0},
    {"lsilogicsas", "sas", VMF_BUS_SCSI, "lsilogicsas", 7},
    {"pvscsi", "VirtualSCSI", VMF_BUS_SCSI, "VirtualSCSI", 7},
    {"buslogic", NULL, VMF_BUS_SCSI, "buslogic", 0},
    {"sata", "ahci", VMF_BUS_SATA, "vmware.sata.ahci", 10},
    {"nvme", NULL, VMF_BUS_NVME, "vmware.nvme.controller", 13},
    {"ide", NULL, VMF_BUS_IDE, NULL, 0},
};

/* How many controllers of a bus there may be, and how many disks each takes. */
static const struct bus_limit {
  const char *name;
  unsigned controllers, disks;
} bus_limits[VMF_BUSES] = {
    [VMF_BUS_IDE] = {"IDE", 2, 2},
    [VMF_BUS_SCSI] = {"SCSI", 4, 15},
    [VMF_BUS_SATA] = {"SATA", 4, 30},
    [VMF_BUS_NVME] = {"NVMe", 4, 15},
};

static const struct nic_model {
  const char *name, *alias, *subtype;
  unsigned family;
} nic_models[] = {
    {"E1000", NULL, "E1000", 0},           {"E1000e", NULL, "E1000e", 8},
    {"VmxNet3", NULL, "VmxNet3", 7},       {"PCNet32", "vlance", "PCNet32", 0},
    {"virtio", "virtio-net", "virtio", 0},
};

static bool is_called(const char *text, const char *name, const char *alias)
{
  return vmf_text_equal_nocase(text, name) || (alias && vmf_text_equal_nocase(text, alias));
}

static enum vmf_code needs_family(const char *what, unsigned needed, unsigned vmx,
                                  struct vmf_error *error)
{
  if (vmx == 0 || vmx >= needed)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "%s needs the hardware vmx-%02u or later, not vmx-%02u", what,
                  needed, vmx);
}

static enum vmf_code plan_version(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  const char *version = plan->machine->ovf_version;

  if (!version || strcmp(version, "1.1") == 0 || strcmp(version, "1.0") == 0)
    plan->version = VMF_OVF_1;
  else if (strcmp(version, "2.0") == 0)
    plan->version = VMF_OVF_2;
  else
    return vmf_fail(error, VMF_USAGE, "OVF version \"%s\": accepted are 1.0, 1.1 and 2.0", version);
  return VMF_OK;
}

/* An id that every reader takes: letters, digits, "-", "." and "_", a letter or "_" first. */
static enum vmf_code plan_id(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  char id[ID_LENGTH + 1];
  size_t length = 0;
  VMF_AUTO_FREE char *plain = NULL;

  VMF_TRY(vmf_plain_name(plan->name, &plain, error));
  for (const char *c = plain; *c && length < ID_LENGTH; c++) {
    bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
    bool inner = (*c >= '0' && *c <= '9') || *c == '-' || *c == '.';

    if (length == 0 && !letter && inner)
      id[length++] = '_';
    if (letter || inner)
      id[length++] = *c;
    else if (length > 0 && id[length - 1] != '_')
      id[length++] = '_';
  }
  while (length > 0 && id[length - 1] == '_')
    length--;
  id[length] = 0;
  return vmf_copy_text(length > 0 ? id : "vm", &plan->id, error);
}

static enum vmf_code plan_name(struct vmf_machine_plan *plan, const struct vmf_compose_disk *disks,
                               size_t count, struct vmf_error *error)
{
  const char *name = plan->machine->name;

  if (name) {
    VMF_TRY(vmf_copy_text(name, &plan->name, error));
  } else if (count == 0) {
    VMF_TRY(vmf_copy_text("vm", &plan->name, error));
  } else {
    name = vmf_path_name(disks[0].file_name);
    VMF_TRY(vmf_copy_bytes(name, vmf_name_stem(name), &plan->name, error));
    VMF_TRY(vmf_machine_check_text("the name of the first disk", plan->name, false, error));
  }
  return plan_id(plan, error);
}

static enum vmf_code plan_size(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  const struct vmf_machine_options *machine = plan->machine;
  uint64_t memory = machine->memory ? machine->memory : 1024 * MIB;

  plan->cpus = machine->cpus ? machine->cpus : 1;
  if (plan->cpus > VMF_PLAN_CPUS)
    return vmf_fail(error, VMF_USAGE, "%u processors: accepted are 1 to %d", plan->cpus,
                    VMF_PLAN_CPUS);
  plan->mebibytes = memory / MIB;
  if (memory % (MEMORY_STEP_MIB * MIB) || plan->mebibytes > INT32_MAX)
    return vmf_fail(error, VMF_USAGE,
                    "%llu bytes of memory: accepted is a multiple of 4 MiB, below 2 PiB",
                    (unsigned long long)memory);
  return VMF_OK;
}

static enum vmf_code plan_os(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  const char *os = plan->machine->os;
  char meant[120];

  plan->os = vmf_guest_os_find(os ? os : "otherGuest64");
  if (plan->os)
    return VMF_OK;
  vmf_guest_os_suggest(os, meant, sizeof(meant));
  if (meant[0])
    return vmf_fail(error, VMF_USAGE,
                    "guest operating system \"%.64s\" is not known; did you mean %s? "
                    "\"--os help\" lists all",
                    os, meant);
  return vmf_fail(error, VMF_USAGE,
                  "guest operating system \"%s\" is not known: accepted are the numbers of CIM, "
                  "VMware's names (ubuntu-64, windows2019srv-64, other-64) and VirtualBox's "
                  "(Ubuntu_64, Windows2019_64)",
                  os);
}

static enum vmf_code plan_firmware(struct vmf_machine_plan *plan, unsigned vmx,
                                   struct vmf_error *error)
{
  const struct vmf_machine_options *machine = plan->machine;
  const char *firmware = machine->firmware;

  if (machine->secure_boot && !firmware)
    firmware = "efi";
  if (!firmware)
    return VMF_OK;
  if (vmf_text_equal_nocase(firmware, "bios"))
    plan->firmware = "bios";
  else if (is_called(firmware, "efi", "uefi"))
    plan->firmware = "efi";
  else
    return vmf_fail(error, VMF_USAGE, "firmware \"%s\": accepted are bios and efi", firmware);
  if (strcmp(plan->firmware, "bios") == 0)
    return machine->secure_boot
               ? vmf_fail(error, VMF_USAGE, "secure boot needs the firmware efi, not bios")
               : VMF_OK;
  VMF_TRY(needs_family("the firmware efi", EFI_VMX, vmx, error));
  return machine->secure_boot ? needs_family("secure boot", SECURE_BOOT_VMX, vmx, error) : VMF_OK;
}

static enum vmf_code find_kind(const char *name, unsigned vmx,
                               const struct vmf_controller_kind **kind, struct vmf_error *error)
{
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (is_called(name, kinds[i].name, kinds[i].alias)) {
      *kind = &kinds[i];
      return needs_family(kinds[i].name, kinds[i].family, vmx, error);
    }
  return vmf_fail(error, VMF_USAGE,
                  "controller \"%s\": accepted are lsilogic, lsilogicsas, pvscsi, buslogic, sata, "
                  "nvme and ide",
                  name);
}

/* A controller of that kind with a free place: one that is there, or a new one. */
static enum vmf_code find_place(struct vmf_machine_plan *plan,
                                const struct vmf_controller_kind *kind, size_t *controller,
                                struct vmf_error *error)
{
  const struct bus_limit *limit = &bus_limits[kind->bus];
  unsigned on_bus = 0;

  for (size_t i = 0; i < plan->controller_count; i++) {
    struct vmf_machine_plan_controller *other = &plan->controllers[i];

    on_bus += other->kind->bus == kind->bus;
    if (other->kind == kind && other->used < limit->disks) {
      *controller = i;
      return VMF_OK;
    }
  }
  if (on_bus == limit->controllers)
    return vmf_fail(error, VMF_USAGE,
                    "too many disks for %s: there are at most %u %s controllers, each with at most "
                    "%u disks",
                    kind->name, limit->controllers, limit->name, limit->disks);
  *controller = plan->controller_count++;
  plan->controllers[*controller] =
      (struct vmf_machine_plan_controller){.kind = kind, .number = on_bus};
  return VMF_OK;
}

static enum vmf_code plan_disks(struct vmf_machine_plan *plan, const struct vmf_compose_disk *disks,
                                size_t count, unsigned vmx, struct vmf_error *error)
{
  const struct vmf_machine_options *machine = plan->machine;

  if (machine->controller_count > count)
    return vmf_fail(error, VMF_USAGE, "%zu controllers for %zu disks: one for each is accepted",
                    machine->controller_count, count);
  VMF_TRY(
      vmf_alloc_table(count, sizeof *plan->disks, 1 << 20, "disks", (void **)&plan->disks, error));
  for (size_t i = 0; i < count; i++) {
    const struct vmf_controller_kind *kind = &kinds[0];
    struct vmf_machine_plan_disk *disk = &plan->disks[i];
    struct vmf_machine_plan_controller *controller;

    if (disks[i].capacity == 0)
      return vmf_fail(error, VMF_USAGE, "the disk \"%s\" has no capacity", disks[i].file_name);
    if (machine->controller_count > 0) {
      size_t last = machine->controller_count - 1;

      VMF_TRY(find_kind(machine->controllers[i < last ? i : last], vmx, &kind, error));
    }
    VMF_TRY(find_place(plan, kind, &disk->controller, error));
    controller = &plan->controllers[disk->controller];
    disk->unit = controller->used++;
    if (kind->bus == VMF_BUS_SCSI && disk->unit >= SCSI_OWN_UNIT)
      disk->unit++;
  }
  return VMF_OK;
}

static enum vmf_code plan_nic(const struct vmf_nic_options *nic,
                              struct vmf_machine_plan_nic *planned, unsigned vmx,
                              struct vmf_error *error)
{
  const char *model = nic->model ? nic->model : "E1000";

  planned->network = nic->network ? nic->network : "VM Network";
  VMF_TRY(vmf_machine_check_text("the network", planned->network, false, error));
  if (!planned->network[0])
    return vmf_fail(error, VMF_USAGE, "the name of the network is empty");
  if (nic->mac)
    VMF_TRY(vmf_machine_check_mac(nic->mac, planned->mac, error));
  for (size_t i = 0; i < sizeof nic_models / sizeof nic_models[0]; i++)
    if (is_called(model, nic_models[i].name, nic_models[i].alias)) {
      planned->model = nic_models[i].subtype;
      return needs_family(nic_models[i].name, nic_models[i].family, vmx, error);
    }
  return vmf_fail(error, VMF_USAGE,
                  "network card \"%s\": accepted are E1000, E1000e, VmxNet3, PCNet32 and virtio",
                  model);
}

static enum vmf_code plan_nics(struct vmf_machine_plan *plan, unsigned vmx, struct vmf_error *error)
{
  static const struct vmf_nic_options one = {0};
  const struct vmf_machine_options *machine = plan->machine;
  const struct vmf_nic_options *nics = machine->nics ? machine->nics : &one;

  plan->nic_count = machine->nics ? machine->nic_count : 1;
  if (plan->nic_count > VMF_PLAN_NICS)
    return vmf_fail(error, VMF_USAGE, "%zu network cards: accepted are at most %d", plan->nic_count,
                    VMF_PLAN_NICS);
  for (size_t i = 0; i < plan->nic_count; i++) {
    VMF_TRY(plan_nic(&nics[i], &plan->nics[i], vmx, error));
    for (size_t k = 0; k < i && plan->nics[i].mac[0]; k++)
      if (strcmp(plan->nics[k].mac, plan->nics[i].mac) == 0)
        return vmf_fail(error, VMF_USAGE, "the MAC address %s is given twice", plan->nics[i].mac);
  }
  return VMF_OK;
}

enum vmf_code vmf_machine_plan_make(const struct vmf_machine_options *machine,
                                    const struct vmf_compose_disk *disks, size_t count,
                                    struct vmf_machine_plan *plan, struct vmf_error *error)
{
  unsigned vmx = DEFAULT_VMX;

  *plan = (struct vmf_machine_plan){.machine = machine};
  VMF_TRY(vmf_machine_check_texts(machine, error));
  VMF_TRY(plan_version(plan, error));
  VMF_TRY(plan_name(plan, disks, count, error));
  VMF_TRY(plan_size(plan, error));
  VMF_TRY(plan_os(plan, error));
  if (machine->hardware)
    VMF_TRY(vmf_machine_check_family(machine->hardware, &plan->family, &vmx, error));
  else
    VMF_TRY(vmf_format(&plan->family, error, "vmx-%02u", vmx));
  VMF_TRY(plan_firmware(plan, vmx, error));
  VMF_TRY(plan_disks(plan, disks, count, vmx, error));
  return plan_nics(plan, vmx, error);
}

void vmf_machine_plan_clear(struct vmf_machine_plan *plan)
{
  vmf_free(plan->name);
  vmf_free(plan->id);
  vmf_free(plan->family);
  vmf_free(plan->disks);
  *plan = (struct vmf_machine_plan){0};
}
