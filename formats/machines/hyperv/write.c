/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The neutral machine into a script of PowerShell. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "guest_os.h"
#include "hyperv_script.h"
#include "memory.h"
#include "text.h"

enum { NAME_MOST = 100, MEMORY_STEP = 2 << 20, MEMORY_LEAST = 32 << 20 };

/* ---- the machine ---- */

/* A name of at most 100 bytes, without what would break lines. */
static enum vmf_code put_name(struct hyperv_script *script, struct vmf_error *error)
{
  const char *name = script->machine->name.text ? script->machine->name.text : "";
  char plain[NAME_MOST + 1];
  size_t length = vmf_text_fit(name, strlen(name), NAME_MOST);

  memcpy(plain, name, length);
  plain[length] = '\0';
  for (char *c = plain; *c; c++)
    if ((unsigned char)*c < 0x20)
      *c = ' ';
  if (strcmp(plain, name) != 0)
    hyperv_lose(script, COSMETIC, "L-name-changed",
                "Hyper-V takes 100 characters, and no line ends, in a name", "name");
  return hyperv_put_text(script, *plain ? plain : "vm", error);
}

/* Whole steps of 2 MiB. */
static uint64_t memory_of(struct hyperv_script *script)
{
  uint64_t memory = vmf_min(vmf_told_or(script->machine->memory, 1 << 30),
                            INT64_MAX / MEMORY_STEP * MEMORY_STEP); /* a number of PowerShell */
  uint64_t rounded = memory < MEMORY_LEAST ? MEMORY_LEAST : memory;

  rounded += (MEMORY_STEP - rounded % MEMORY_STEP) % MEMORY_STEP;
  if (rounded != memory)
    hyperv_lose(script, COSMETIC, NULL, "Hyper-V counts memory in steps of 2 MiB, from 32 MiB on",
                "memory");
  return rounded;
}

static enum vmf_code write_memory(struct hyperv_script *script, uint64_t memory,
                                  struct vmf_error *error)
{
  const struct vmf_machine *machine = script->machine;
  uint64_t least = vmf_told_or(machine->memory_least, memory);
  uint64_t most = vmf_min(vmf_told_or(machine->memory_most, memory), INT64_MAX);

  least -= least % MEMORY_STEP;
  most -= most % MEMORY_STEP;
  if (least < MEMORY_LEAST || least > memory)
    least = memory;
  if (most < memory)
    most = memory;
  if (least == memory && most == memory)
    return hyperv_put(script, error, "Set-VMMemory -VM $vm -DynamicMemoryEnabled $false\n");
  return hyperv_put(script, error,
                    "Set-VMMemory -VM $vm -DynamicMemoryEnabled $true -MinimumBytes %" PRIu64
                    " -MaximumBytes %" PRIu64 "\n",
                    least, most);
}

static enum vmf_code write_processors(struct hyperv_script *script, struct vmf_error *error)
{
  const struct vmf_machine *machine = script->machine;

  VMF_TRY(hyperv_put(script, error, "Set-VMProcessor -VM $vm -Count %" PRIu64 "\n",
                     vmf_told_or(machine->vcpus, 1)));
  if (vmf_told_or(machine->threads, 0) > 0 && machine->threads.value <= 2)
    VMF_TRY(hyperv_put(script, error, "Set-VMProcessor -VM $vm -HwThreadCountPerCore %" PRIu64 "\n",
                       machine->threads.value));
  return vmf_told_or(machine->nested, 0)
             ? hyperv_put(script, error,
                          "Set-VMProcessor -VM $vm -ExposeVirtualizationExtensions $true\n")
             : VMF_OK;
}

static enum vmf_code write_system(struct hyperv_script *script, struct vmf_error *error)
{
  const struct vmf_machine *machine = script->machine;
  uint64_t memory = memory_of(script);

  if (machine->arch.told && machine->arch.value > VMF_ARCH_I686)
    hyperv_lose(script, BOOT, NULL, "Hyper-V runs it on a host of that kind only", "arch");
  else if (machine->arch.told && machine->arch.value == VMF_ARCH_I686)
    hyperv_lose(script, COSMETIC, NULL, "a processor of 64 bits runs it, too", "arch");
  VMF_TRY(hyperv_put(script, error, "$vm = New-VM -Name "));
  VMF_TRY(put_name(script, error));
  VMF_TRY(hyperv_put(script, error, " -Generation %d -MemoryStartupBytes %" PRIu64 " -NoVHD\n",
                     script->efi ? 2 : 1, memory));
  VMF_TRY(hyperv_put(script, error,
                     "Get-VMNetworkAdapter -VM $vm | Remove-VMNetworkAdapter\n"
                     "Get-VMDvdDrive -VM $vm | Remove-VMDvdDrive\n"));
  VMF_TRY(write_memory(script, memory, error));
  VMF_TRY(write_processors(script, error));
  if (machine->autostart.told)
    VMF_TRY(hyperv_put(script, error, "Set-VM -VM $vm -AutomaticStartAction %s\n",
                       machine->autostart.value ? "Start" : "Nothing"));
  if (machine->description.text) {
    VMF_TRY(hyperv_put(script, error, "Set-VM -VM $vm -Notes "));
    VMF_TRY(hyperv_put_text(script, machine->description.text, error));
    VMF_TRY(hyperv_put(script, error, "\n"));
  }
  if (machine->uuid.told && !script->target->copy)
    hyperv_lose(script, BEHAVIOUR, NULL, "the commands of Hyper-V cannot set it: it gets a new one",
                "uuid");
  if (machine->genid.told && !script->target->copy)
    hyperv_lose(script, BEHAVIOUR, "L-genid-renewed", "Hyper-V makes a new one", "genid");
  return VMF_OK;
}

/* ---- drives ---- */

/* Each machine has one SCSI controller. */
static enum vmf_code write_controllers(struct hyperv_script *script, struct vmf_error *error)
{
  unsigned most = 0;

  for (size_t i = 0; i < script->machine->disk_count; i++) {
    const struct hyperv_seat *seat = &script->seats[i];
    if (seat->taken && !seat->ide && seat->controller > most)
      most = seat->controller;
  }
  for (; most > 0; most--)
    VMF_TRY(hyperv_put(script, error, "Add-VMScsiController -VM $vm\n"));
  return VMF_OK;
}

static enum vmf_code put_path(struct hyperv_script *script, size_t index, struct vmf_error *error)
{
  VMF_TRY(hyperv_put(script, error, " -Path ($folder+"));
  VMF_TRY(hyperv_put_text(script, script->target->disks[index].name, error));
  return hyperv_put(script, error, ")");
}

static enum vmf_code write_drive(struct hyperv_script *script, size_t index,
                                 struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &script->machine->disks[index];
  const struct hyperv_seat *seat = &script->seats[index];

  if (disk->medium.value == VMF_MEDIUM_CDROM) {
    VMF_TRY(hyperv_put(script, error,
                       "$drive%zu = Add-VMDvdDrive -VM $vm -ControllerNumber %u "
                       "-ControllerLocation %u",
                       index, seat->controller, seat->unit));
    if (script->target->disks[index].name)
      VMF_TRY(put_path(script, index, error));
    return hyperv_put(script, error, " -Passthru\n");
  }
  VMF_TRY(hyperv_put(script, error,
                     "$drive%zu = Add-VMHardDiskDrive -VM $vm -ControllerType %s -ControllerNumber "
                     "%u -ControllerLocation %u",
                     index, seat->ide ? "IDE" : "SCSI", seat->controller, seat->unit));
  VMF_TRY(put_path(script, index, error));
  if (vmf_told_or(disk->shared, 0))
    hyperv_lose(script, DATA, "L-shared-disk", "each machine gets a disk of its own",
                "disks[%zu].shared", index);
  return hyperv_put(script, error, " -Passthru\n");
}

/* A controller of the same bus and number is another one all the same. */
static void tell_controllers(const struct hyperv_script *script)
{
  for (size_t i = 0; i < script->machine->controller_count; i++) {
    const struct vmf_machine_controller *controller = &script->machine->controllers[i];
    const char *model = controller->model.text;
    if (controller->bus.value == VMF_BUS_SCSI && model && strcmp(model, "hyperv") != 0)
      hyperv_lose(script, BOOT, "L-controller",
                  "Hyper-V has its own SCSI controller: the guest needs the driver storvsc",
                  "controllers[%zu].model", i);
  }
}

static enum vmf_code write_drives(struct hyperv_script *script, struct vmf_error *error)
{
  tell_controllers(script);
  VMF_TRY(write_controllers(script, error));
  for (size_t i = 0; i < script->machine->disk_count; i++)
    if (script->seats[i].taken)
      VMF_TRY(write_drive(script, i, error));
  return VMF_OK;
}

/* ---- network cards, serial ports ---- */

/* "00:15:5d:01:07:dc" to "00155D0107DC". */
static void plain_address(const char *mac, char address[13])
{
  size_t used = 0;

  for (; *mac && used < 12; mac++)
    if (*mac != ':')
      address[used++] = *mac >= 'a' && *mac <= 'f' ? (char)(*mac - 0x20) : *mac;
  address[used] = '\0';
}

/* A card whose cable is out, or that is not connected at the start, is on no switch: Hyper-V has
 * nothing else for it, and on one it would reach what it did not. */
static enum vmf_code join_switch(struct hyperv_script *script, size_t index,
                                 struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &script->machine->nics[index];
  bool unplugged = !vmf_told_or(nic->link, true);
  bool out = unplugged || !vmf_told_or(nic->connected, true);

  if (!nic->network.text)
    return VMF_OK;
  if (out) {
    hyperv_lose(script, COSMETIC, NULL, "the card is on no switch, as if its cable were out",
                unplugged ? "nics[%zu].link" : "nics[%zu].connected", index);
    hyperv_lose(script, BEHAVIOUR, NULL,
                "the card is out of it: Connect-VMNetworkAdapter joins it to a switch",
                "nics[%zu].network", index);
    return VMF_OK;
  }
  VMF_TRY(hyperv_put(script, error, "Join-Switch $nic%zu ", index));
  VMF_TRY(hyperv_put_text(script, nic->network.text, error));
  return hyperv_put(script, error, "\n");
}

static enum vmf_code write_card(struct hyperv_script *script, size_t index, struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &script->machine->nics[index];
  char address[13];

  if (nic->model.text && strcmp(nic->model.text, "netvsc") != 0)
    hyperv_lose(script, BEHAVIOUR, NULL,
                "Hyper-V has its own card: the guest needs the driver netvsc", "nics[%zu].model",
                index);
  VMF_TRY(hyperv_put(script, error,
                     "$nic%zu = Add-VMNetworkAdapter -VM $vm -Name ('Network Adapter') -Passthru\n",
                     index));
  if (nic->mac.text && !script->target->copy) {
    plain_address(nic->mac.text, address);
    VMF_TRY(hyperv_put(script, error,
                       "Set-VMNetworkAdapter -VMNetworkAdapter $nic%zu -StaticMacAddress ('%s')\n",
                       index, address));
  }
  if (nic->vlan.told && nic->vlan.value > 0 && nic->vlan.value < 4095)
    VMF_TRY(hyperv_put(script, error,
                       "Set-VMNetworkAdapterVlan -VMNetworkAdapter $nic%zu -Access -VlanId %" PRIu64
                       "\n",
                       index, nic->vlan.value));
  return join_switch(script, index, error);
}

/* Two, whose other end is a named pipe. */
static enum vmf_code write_ports(struct hyperv_script *script, struct vmf_error *error)
{
  unsigned number = 0;

  for (size_t i = 0; i < script->machine->port_count; i++) {
    const struct vmf_machine_port *port = &script->machine->ports[i];
    bool pipe = vmf_told_or(port->backend, VMF_BACKEND_NONE) == VMF_BACKEND_PIPE &&
                port->path.text && !port->parallel.value;
    if (!pipe || number == 2) {
      hyperv_lose(script, COSMETIC, NULL, "Hyper-V has two serial ports that lead to named pipes",
                  "ports[%zu]", i);
      continue;
    }
    VMF_TRY(hyperv_put(script, error, "Set-VMComPort -VM $vm -Number %u -Path ", ++number));
    VMF_TRY(hyperv_put_text(script, port->path.text, error));
    VMF_TRY(hyperv_put(script, error, "\n"));
  }
  return VMF_OK;
}

/* ---- firmware ---- */

/* The keys that fit the guest: another loader than Windows' is signed by other keys. */
static const char *template_of(const struct vmf_machine *machine)
{
  const char *kept = vmf_machine_extra(machine, HYPERV_NAME, "secure_boot_template");

  if (kept && (vmf_text_equal_nocase(kept, HYPERV_OTHER_KEYS) ||
               vmf_text_equal_nocase(kept, "MicrosoftUEFICertificateAuthority")))
    return "MicrosoftUEFICertificateAuthority";
  if (kept || vmf_machine_family(machine) == VMF_OS_WINDOWS)
    return "MicrosoftWindows";
  return "MicrosoftUEFICertificateAuthority";
}

/* "$drive3" or "$nic0": what is tried first; without an order the first disk. "": nothing. */
static void first_device(const struct hyperv_script *script, char name[32])
{
  const struct vmf_machine *machine = script->machine;
  uint64_t best = UINT64_MAX;

  name[0] = '\0';
  for (size_t i = 0; i < machine->disk_count; i++) {
    bool disk = machine->disks[i].medium.value == VMF_MEDIUM_DISK;
    uint64_t place = vmf_told_or(machine->disks[i].boot, disk ? UINT64_MAX - 1 : UINT64_MAX);
    if (!script->seats[i].taken || place >= best)
      continue;
    best = place;
    snprintf(name, 32, "$drive%zu", i);
  }
  for (size_t i = 0; i < machine->nic_count; i++)
    if (vmf_told_or(machine->nics[i].boot, UINT64_MAX) < best) {
      best = machine->nics[i].boot.value;
      snprintf(name, 32, "$nic%zu", i);
    }
}

static void tell_order(const struct hyperv_script *script, const char *why)
{
  const struct vmf_machine *machine = script->machine;

  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].boot.told)
      hyperv_lose(script, COSMETIC, NULL, why, "disks[%zu].boot", i);
  for (size_t i = 0; i < machine->nic_count; i++)
    if (machine->nics[i].boot.told)
      hyperv_lose(script, COSMETIC, NULL, why, "nics[%zu].boot", i);
}

static enum vmf_code write_firmware(struct hyperv_script *script, struct vmf_error *error)
{
  const struct vmf_machine *machine = script->machine;
  bool secure = vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) != VMF_SECURE_BOOT_OFF;
  char first[32];

  if (secure)
    VMF_TRY(hyperv_put(script, error,
                       "Set-VMFirmware -VM $vm -EnableSecureBoot On -SecureBootTemplate ('%s')\n",
                       template_of(machine)));
  else
    VMF_TRY(hyperv_put(script, error, "Set-VMFirmware -VM $vm -EnableSecureBoot Off\n"));
  first_device(script, first);
  if (first[0])
    VMF_TRY(hyperv_put(script, error, "Set-VMFirmware -VM $vm -FirstBootDevice %s\n", first));
  tell_order(script, "what is tried first is told, the others follow as Hyper-V has them");
  if (machine->boot.text)
    hyperv_lose(script, COSMETIC, NULL, "the first disk is named instead", "boot");
  if (vmf_told_or(machine->tpm, VMF_TPM_NONE) == VMF_TPM_NONE)
    return VMF_OK;
  hyperv_lose(script, BEHAVIOUR, NULL, "its state is not taken along: it is a new one, 2.0", "tpm");
  return hyperv_put(script, error, "Start-Tpm $vm\n");
}

/* All four kinds, those that are told first. */
static enum vmf_code write_startup(struct hyperv_script *script, struct vmf_error *error)
{
  static const char *const words[][2] = {
      {"disk", "IDE"}, {"cdrom", "CD"}, {"network", "LegacyNetworkAdapter"}, {"floppy", "Floppy"}};
  const char *classes = script->machine->boot.text ? script->machine->boot.text : "disk";
  bool done[4] = {false};
  const char *comma = "";

  VMF_TRY(hyperv_put(script, error, "Set-VMBios -VM $vm -StartupOrder "));
  for (size_t length; *classes; classes += length + (classes[length] == ',')) {
    length = strcspn(classes, ",");
    for (size_t i = 0; i < 4; i++)
      if (!done[i] && strlen(words[i][0]) == length && strncmp(classes, words[i][0], length) == 0) {
        VMF_TRY(hyperv_put(script, error, "%s%s", comma, words[i][1]));
        done[i] = true;
        comma = ",";
      }
  }
  for (size_t i = 0; i < 4; i++)
    if (!done[i]) {
      VMF_TRY(hyperv_put(script, error, "%s%s", comma, words[i][1]));
      comma = ",";
    }
  tell_order(script, "Hyper-V of generation 1 has an order of kinds of drives only");
  return hyperv_put(script, error, "\n");
}

/* ---- the whole ---- */

static enum vmf_code write_all(struct hyperv_script *script, struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(script->machine->disk_count * sizeof *script->seats, &memory, error));
  script->seats = memory;
  for (const char *line = hyperv_preamble, *end; *line; line = end) {
    end = strchr(line, '\n') + 1;
    VMF_TRY(hyperv_put(script, error, "%.*s", (int)(end - line), line));
  }
  VMF_TRY(hyperv_seat_drives(script, error));
  VMF_TRY(write_system(script, error));
  VMF_TRY(write_drives(script, error));
  for (size_t i = 0; i < script->machine->nic_count; i++)
    VMF_TRY(write_card(script, i, error));
  VMF_TRY(write_ports(script, error));
  return script->efi ? write_firmware(script, error) : write_startup(script, error);
}

enum vmf_code hyperv_write(const struct vmf_machine *machine,
                           const struct vmf_machine_target *target,
                           const struct vmf_machine_losses *losses, char **text, size_t *length,
                           struct vmf_error *error)
{
  struct hyperv_script script = {.machine = machine,
                                 .target = target,
                                 .losses = losses,
                                 .efi = machine->firmware.told &&
                                        machine->firmware.value == VMF_FIRMWARE_EFI};
  enum vmf_code code = write_all(&script, error);

  vmf_free(script.seats);
  if (code != VMF_OK) {
    vmf_free(script.text);
    return code;
  }
  *text = script.text;
  *length = script.length;
  return VMF_OK;
}
