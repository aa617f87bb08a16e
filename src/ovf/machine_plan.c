/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Plans a machine: its name, its size, its guest, its network cards. */
#include "machine_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "plain_name.h"

#define MIB (UINT64_C(1) << 20)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum {
  ID_LENGTH = 64,
  MEMORY_STEP_MIB = 4, /* VMware's */
  DEFAULT_MIB = 1024,
};

static const struct vmf_machine_losses *losses_of(const struct vmf_machine_plan *plan)
{
  return plan->settings->losses;
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

static enum vmf_code plan_texts(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  const struct vmf_machine *machine = plan->machine;
  const char *name = machine->name.text;

  VMF_TRY(vmf_machine_clean_text(name && *name ? name : "vm", false, &plan->name, error));
  if (machine->description.text)
    VMF_TRY(vmf_machine_clean_text(machine->description.text, true, &plan->description, error));
  return plan_id(plan, error);
}

/* All that a guest counts below a socket is cores to VMware; 0: nothing is told, or nonsense. */
static unsigned cores_of_socket(const struct vmf_machine *machine, uint64_t cpus)
{
  uint64_t cores = vmf_told_or(machine->cores, 1) * vmf_told_or(machine->dies, 1) *
                   vmf_told_or(machine->threads, 1);

  if (machine->sockets.told)
    cores = machine->sockets.value > 0 && cpus % machine->sockets.value == 0
                ? cpus / machine->sockets.value
                : 0;
  else if (!machine->cores.told)
    cores = 0;
  return cores > 0 && cores <= cpus && cpus % cores == 0 ? (unsigned)cores : 0;
}

static enum vmf_code plan_size(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  const struct vmf_machine *machine = plan->machine;
  uint64_t memory = vmf_told_or(machine->memory, DEFAULT_MIB * MIB);
  uint64_t cpus = vmf_told_or(machine->vcpus, 1);

  if (cpus == 0 || cpus > VMF_MACHINE_CPUS)
    return vmf_fail(error, VMF_UNSUPPORTED, "a machine of %" PRIu64 " processors, not 1 to %d",
                    cpus, VMF_MACHINE_CPUS);
  plan->cpus = (unsigned)cpus;
  plan->cores = cores_of_socket(machine, cpus);
  if (plan->cores > 0 && vmf_told_or(machine->dies, 1) * vmf_told_or(machine->threads, 1) != 1)
    vmf_machine_lose(losses_of(plan), VMF_LOSS_BEHAVIOUR, NULL,
                     "OVF knows sockets and cores; dies and threads become cores", "cores");
  if (memory == 0 || memory > (uint64_t)INT32_MAX * MIB)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "a machine of %" PRIu64 " bytes of memory; OVF takes 1 byte to 2 PiB", memory);
  plan->mebibytes = vmf_div_up(memory, MEMORY_STEP_MIB * MIB) * MEMORY_STEP_MIB;
  if (plan->mebibytes * MIB != memory)
    vmf_machine_lose(losses_of(plan), VMF_LOSS_COSMETIC, NULL,
                     "VMware's memory is a multiple of 4 MiB: rounded up", "memory");
  return VMF_OK;
}

static void plan_os(struct vmf_machine_plan *plan)
{
  const struct vmf_machine *machine = plan->machine;
  bool narrow = machine->arch.told && machine->arch.value == VMF_ARCH_I686;

  plan->os = vmf_machine_os(machine);
  if (!plan->os)
    plan->os = vmf_guest_os_find(narrow ? "otherGuest" : "otherGuest64");
  if (machine->arch.told && machine->arch.value > VMF_ARCH_I686)
    vmf_machine_lose(losses_of(plan), VMF_LOSS_BOOT, NULL,
                     "packages are of machines with an x86 processor", "arch");
}

/* The first vmx-NN that has all that the machine has. */
static unsigned needed_version(const struct vmf_machine *machine)
{
  bool efi = vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI;
  bool secure = vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) != VMF_SECURE_BOOT_OFF;
  bool tpm = vmf_told_or(machine->tpm, VMF_TPM_NONE) == VMF_TPM_2_0;
  unsigned needed = tpm ? 14 : secure ? 13 : efi ? 8 : 0;

  for (size_t i = 0; i < machine->disk_count; i++)
    for (size_t k = 0; k < VMF_CONTROLLER_KINDS; k++)
      if (vmf_controller_kinds[k].bus == machine->disks[i].bus.value &&
          !vmf_controller_kinds[k].model && vmf_controller_kinds[k].family > needed)
        needed = vmf_controller_kinds[k].family;
  return needed;
}

/* The family that was said, where it is one of those that packages name. */
static enum vmf_code plan_family(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  const struct vmf_machine *machine = plan->machine;
  unsigned needed = needed_version(machine);

  if (!machine->hw_version.text || vmf_machine_check_family(machine->hw_version.text, &plan->family,
                                                            &plan->vmx, NULL) != VMF_OK) {
    plan->vmx = VMF_DEFAULT_VMX;
    VMF_TRY(vmf_format(&plan->family, error, "vmx-%02u", VMF_DEFAULT_VMX));
  }
  if (plan->vmx > 0 && plan->vmx < needed) {
    plan->vmx = needed;
    vmf_free(plan->family);
    VMF_TRY(vmf_format(&plan->family, error, "vmx-%02u", needed));
  }
  if (machine->firmware.told)
    plan->firmware = machine->firmware.value == VMF_FIRMWARE_EFI ? "efi" : "bios";
  return VMF_OK;
}

/* ---- network cards ---- */

static const struct nic_model {
  const char *model, *subtype;
} nic_models[] = {
    {"e1000", "E1000"},     {"e1000e", "E1000e"}, {"vmxnet3", "VmxNet3"}, {"pcnet32", "PCNet32"},
    {"vmxnet2", "Vmxnet2"}, {"vmxnet", "Vmxnet"}, {"virtio", "virtio"},
};

const char *vmf_ovf_nic_subtype(const char *model)
{
  for (size_t i = 0; i < COUNT(nic_models); i++)
    if (strcmp(model, nic_models[i].model) == 0)
      return nic_models[i].subtype;
  return NULL;
}

static const char *subtype_of(const struct vmf_machine_plan *plan, size_t index)
{
  const char *model = plan->machine->nics[index].model.text;

  if (!model)
    return nic_models[0].subtype;
  const char *subtype = vmf_ovf_nic_subtype(model);
  if (subtype && (strcmp(model, "virtio") != 0 || plan->settings->texts))
    return subtype;
  vmf_machine_lose(losses_of(plan), VMF_LOSS_BEHAVIOUR, NULL,
                   "VMware has no such card; guests have a driver for an E1000", "nics[%zu].model",
                   index);
  return nic_models[0].subtype;
}

/* What VirtualBox and VMware's hosted products call it. */
static const char *network_of(const struct vmf_machine_plan *plan, size_t index)
{
  static const char *const attachments[] = {[VMF_ATTACH_NAT] = "nat",
                                            [VMF_ATTACH_HOSTONLY] = "hostonly",
                                            [VMF_ATTACH_INTERNAL] = "internal"};
  const struct vmf_machine_nic *nic = &plan->machine->nics[index];
  const char *name = nic->network.text && *nic->network.text ? nic->network.text : NULL;
  uint64_t attach = vmf_told_or(nic->attach, VMF_ATTACH_BRIDGE);
  const char *word = attach < COUNT(attachments) ? attachments[attach] : NULL;

  if (!word)
    return name ? name : nic->attach.told && attach == VMF_ATTACH_BRIDGE ? "bridged" : "VM Network";
  if (name)
    vmf_machine_lose(losses_of(plan), VMF_LOSS_BEHAVIOUR, NULL,
                     "a network has one name in OVF, here that of how it is attached",
                     "nics[%zu].network", index);
  return word;
}

static enum vmf_code plan_nics(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  const struct vmf_machine *machine = plan->machine;

  VMF_TRY(vmf_alloc((machine->nic_count + 1) * sizeof *plan->nics, (void **)&plan->nics, error));
  for (size_t i = 0; i < machine->nic_count; i++) {
    const struct vmf_machine_nic *nic = &machine->nics[i];
    bool nowhere = nic->attach.told && nic->attach.value == VMF_ATTACH_NONE;

    plan->nics[i] = (struct vmf_machine_plan_nic){
        .model = subtype_of(plan, i),
        .mac = plan->settings->copy ? NULL : nic->mac.text,
        .connected = !nowhere && vmf_told_or(nic->connected, true) && vmf_told_or(nic->link, true),
        .nic = nic,
    };
    VMF_TRY(vmf_machine_clean_text(network_of(plan, i), false, &plan->nics[i].network, error));
  }
  return VMF_OK;
}

/* ---- what stays behind ---- */

static void tell(const struct vmf_machine_plan *plan, bool told, enum vmf_loss_weight weight,
                 const char *field, const char *why)
{
  if (told)
    vmf_machine_lose(losses_of(plan), weight, NULL, why, "%s", field);
}

/* EFI keeps the order in its variables, which are in no package. */
static void tell_order(const struct vmf_machine_plan *plan)
{
  static const char order[] =
      "EFI keeps the order in its variables, and begins with one of its own";
  const struct vmf_machine *machine = plan->machine;

  if (vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) != VMF_FIRMWARE_EFI)
    return;
  tell(plan, machine->boot.text != NULL, VMF_LOSS_BEHAVIOUR, "boot", order);
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].boot.told)
      vmf_machine_lose(losses_of(plan), VMF_LOSS_BEHAVIOUR, NULL, order, "disks[%zu].boot", i);
  for (size_t i = 0; i < machine->nic_count; i++)
    if (machine->nics[i].boot.told)
      vmf_machine_lose(losses_of(plan), VMF_LOSS_BEHAVIOUR, NULL, order, "nics[%zu].boot", i);
}

/* The reasons for what has no place in a package, and no product reads elsewhere. */
static void tell_left_out(const struct vmf_machine_plan *plan)
{
  const struct vmf_machine *machine = plan->machine;

  tell(plan, machine->genid.told && plan->settings->copy, VMF_LOSS_COSMETIC, "genid",
       "a copy gets one of its own");
  tell(plan, machine->nvram.text != NULL, VMF_LOSS_BEHAVIOUR, "nvram",
       "the variables of a firmware are its vendor's own; the new one begins with none");
  tell(plan, vmf_told_or(machine->secure_boot, 0) == VMF_SECURE_BOOT_MICROSOFT, VMF_LOSS_COSMETIC,
       "secure-boot", "whose keys there are is not said in a package");
  tell(plan, machine->clock.told && machine->clock.value == VMF_CLOCK_LOCALTIME, VMF_LOSS_BEHAVIOUR,
       "clock", "a package can say UTC only; the host decides");
  tell_order(plan);
}

enum vmf_code vmf_machine_plan_make(const struct vmf_machine *machine,
                                    const struct vmf_compose_settings *settings,
                                    const struct vmf_compose_disk *files,
                                    struct vmf_machine_plan *plan, struct vmf_error *error)
{
  *plan = (struct vmf_machine_plan){.machine = machine, .settings = settings, .files = files};
  VMF_TRY(plan_texts(plan, error));
  VMF_TRY(plan_size(plan, error));
  plan_os(plan);
  VMF_TRY(plan_family(plan, error));
  VMF_TRY(vmf_machine_plan_storage(plan, error));
  VMF_TRY(plan_nics(plan, error));
  tell_left_out(plan);
  return VMF_OK;
}

void vmf_machine_plan_clear(struct vmf_machine_plan *plan)
{
  for (size_t i = 0; plan->nics && i < plan->machine->nic_count; i++)
    vmf_free(plan->nics[i].network);
  vmf_free(plan->nics);
  vmf_free(plan->name);
  vmf_free(plan->id);
  vmf_free(plan->description);
  vmf_free(plan->family);
  vmf_free(plan->drives);
  *plan = (struct vmf_machine_plan){0};
}
