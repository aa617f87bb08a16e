/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of a machine in the words that all formats are read into. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "lint_machine.h"
#include "text.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

enum {
  IDE_DRIVES = 4,
  USUAL_PROCESSORS = 16,
  VIRTUALBOX_CPUS = 64,
  AWS_VOLUMES = 21,
  LABEL_MOST = 63
};

static void tell(const struct vmf_machine_judged *judged, enum vmf_lint_id id, unsigned line,
                 const char *found, const char *allowed)
{
  const struct vmf_lint_place place = vmf_lint_in(judged, line, allowed);

  vmf_lint_tell(judged->linting, id, &place, "%s", found);
}

static bool is_format(const struct vmf_machine_judged *judged, const char *format)
{
  return strcmp(judged->format, format) == 0;
}

bool vmf_machine_is_efi(const struct vmf_machine *machine)
{
  return vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI;
}

const struct vmf_machine_disk *vmf_machine_boot_disk(const struct vmf_machine *machine)
{
  const struct vmf_machine_disk *found = NULL;

  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    if (disk->medium.value != VMF_MEDIUM_DISK)
      continue;
    if (!found || vmf_told_or(disk->boot, UINT64_MAX) < vmf_told_or(found->boot, UINT64_MAX))
      found = disk;
  }
  return found;
}

static const char *model_of(const struct vmf_machine *machine, const struct vmf_machine_disk *disk)
{
  const struct vmf_machine_controller *controller = vmf_machine_controller(
      machine, (enum vmf_bus)disk->bus.value, vmf_told_or(disk->controller, 0));

  return controller ? controller->model.text : NULL;
}

/* ---- asked of all ---- */

/* Whether machines come there in that form: by itself, or as its disks with a script. */
static bool is_taken(const struct vmf_machine_judged *judged)
{
  const struct vmf_platform *platform = &judged->linting->platform;

  if (vmf_profile_takes(&platform->profile->info, judged->format))
    return true;
  return is_format(judged, "vmx") && strcmp(platform->profile->info.name, "esxi") == 0;
}

/* Whether no machine comes there, so that nothing of its devices does. */
static bool takes_disks_alone(const struct vmf_machine_judged *judged)
{
  return strcmp(judged->linting->platform.profile->info.machines[0], "upload") == 0;
}

static void check_format(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  char allowed[100] = "";
  size_t used = 0;

  if (is_taken(judged) || (!judged->text && vmf_lint_has_rules(judged->linting, VMF_LINT_PACKAGE)))
    return;
  for (const char *const *name = judged->linting->platform.profile->info.machines;
       *name && used < sizeof allowed; name++)
    used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", used ? ", " : "",
                             strcmp(*name, "upload") == 0 ? "its disks alone" : *name);
  const struct vmf_lint_place place = vmf_lint_in(judged, 0, allowed);
  vmf_lint_tell(judged->linting, VMF_LINT_FORMAT, &place, "a machine in the format %s",
                judged->format);
  if (machine->snapshot_count > 0)
    tell(judged, VMF_LINT_SNAP, machine->snapshots[0].id.line, "a machine with snapshots",
         "one state of its disks");
}

/* A machine from elsewhere is on networks of elsewhere; of a package the importer asks. */
static void check_networks(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;

  if (!judged->text || is_taken(judged) || takes_disks_alone(judged))
    return;
  for (size_t i = 0; i < machine->nic_count; i++) {
    const struct vmf_machine_nic *nic = &machine->nics[i];
    const struct vmf_lint_place place =
        vmf_lint_in(judged, nic->network.line, "one that is there: --network OLD=NEW");
    if (nic->network.text)
      vmf_lint_tell(judged->linting, VMF_LINT_NET_MAP, &place, "a card on the network \"%s\"",
                    nic->network.text);
  }
}

static void check_secrets(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;

  for (size_t i = 0; i < machine->extra_count; i++) {
    const struct vmf_lint_place place =
        vmf_lint_in(judged, machine->extras[i].line, "none: whoever has the file has it");
    if (machine->extras[i].secret && !machine->extras[i].given)
      vmf_lint_tell(judged->linting, VMF_LINT_SECRET, &place, "a password, %s",
                    machine->extras[i].key);
  }
}

static void check_ide(const struct vmf_machine_judged *judged)
{
  size_t count = 0;

  for (size_t i = 0; i < judged->machine->disk_count; i++)
    count += judged->machine->disks[i].bus.value == VMF_BUS_IDE;
  if (count > IDE_DRIVES)
    tell(judged, VMF_LINT_LEGACY_IDE, 0, "more than 4 drives on IDE", "at most 4");
}

/* A package's controllers are judged by the words that it has for them. */
static void check_controllers(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  struct vmf_lint_place place = vmf_lint_in(judged, 0, "a controller that the platform has");

  for (size_t i = 0; i < machine->disk_count && judged->text; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    const char *model = model_of(machine, disk);
    place.line = disk->bus.line;
    if (disk->medium.value == VMF_MEDIUM_DISK &&
        !vmf_platform_has_controller(&judged->linting->platform, (enum vmf_bus)disk->bus.value,
                                     model))
      vmf_lint_tell(judged->linting, VMF_LINT_DRV_BOOT, &place, "a disk on %s",
                    model ? model : "such a bus");
  }
}

/* ---- VMware ---- */

static void check_vmware(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const struct vmf_guest_os *os = vmf_machine_os(machine);
  char stem[VMF_GUEST_OS_TEXT];
  bool wide = machine->arch.told && machine->arch.value == VMF_ARCH_X86_64;

  if (os)
    vmf_guest_os_stem(os, stem, &wide);
  for (size_t i = 0; i < machine->controller_count; i++) {
    const struct vmf_machine_controller *controller = &machine->controllers[i];
    if (vmf_told_or(controller->shared, 0))
      tell(judged, VMF_LINT_VMW_RDM, controller->shared.line, "a controller with shared disks",
           "disks of this machine alone");
    if (controller->model.text && strcmp(controller->model.text, "buslogic") == 0 && wide)
      tell(judged, VMF_LINT_VMW_BUSLOGIC, controller->model.line, "BusLogic for a guest of 64 bits",
           "another controller");
  }
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].medium.value == VMF_MEDIUM_LUN)
      tell(judged, VMF_LINT_VMW_RDM, machine->disks[i].medium.line, "a device of the host",
           "a disk in a file");
  if (is_format(judged, "vmx") && machine->boot.text && vmf_machine_is_efi(machine))
    tell(judged, VMF_LINT_WS_BOOTORDER, machine->boot.line, "bios.bootOrder beside EFI firmware",
         "none");
}

/* ---- VirtualBox ---- */

/* Its name becomes a folder. */
static bool is_folder_name(const char *name)
{
  size_t length = strlen(name);

  return length > 0 && strpbrk(name, "/\\:*?\"<>|") == NULL && name[length - 1] != '.' &&
         name[length - 1] != ' ';
}

static void check_virtualbox(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  uint64_t memory = machine->memory.value, cpus = machine->vcpus.value;

  if (judged->text && machine->vcpus.told && (cpus < 1 || cpus > VIRTUALBOX_CPUS))
    tell(judged, VMF_LINT_VBX_CPU, machine->vcpus.line, "so many processors", "1 to 64");
  if (judged->text && machine->memory.told && (memory < 4 * MIB || memory > 2 * TIB))
    tell(judged, VMF_LINT_VBX_CPU, machine->memory.line, "so much memory", "4 MiB to 2 TiB");
  if (vmf_told_or(machine->sockets, 1) > 1 || vmf_told_or(machine->threads, 1) > 1)
    tell(judged, VMF_LINT_VBX_TOPOLOGY, machine->sockets.line,
         "processors in several sockets or threads", "cores of one socket");
  if (machine->name.text && !is_folder_name(machine->name.text))
    tell(judged, VMF_LINT_VBX_NAME, machine->name.line, machine->name.text,
         "a name that a folder can have");
}

/* ---- Hyper-V ---- */

static void check_generation(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const struct vmf_machine_disk *boot = vmf_machine_boot_disk(machine);

  if (!is_format(judged, "hyperv"))
    return;
  if (!vmf_machine_is_efi(machine) && boot && boot->bus.value != VMF_BUS_IDE)
    tell(judged, VMF_LINT_HV_GEN, boot->bus.line, "generation 1 that starts from SCSI",
         "a first disk on IDE");
  for (size_t i = 0; i < machine->disk_count && vmf_machine_is_efi(machine); i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    if (disk->bus.value == VMF_BUS_IDE || disk->bus.value == VMF_BUS_FLOPPY)
      tell(judged, VMF_LINT_HV_GEN, disk->bus.line, "generation 2 with a drive on IDE or a floppy",
           "SCSI");
    if (disk->image.text && vmf_text_ends_in(disk->image.text, ".vhd"))
      tell(judged, VMF_LINT_HV_GEN, disk->image.line, "generation 2 with a VHD", "VHDX");
  }
}

/* By its name, or the id that Hyper-V has for it. */
static bool has_template(const struct vmf_machine *machine)
{
  const char *template = vmf_machine_extra(machine, "hyperv", "secure_boot_template");

  return template && (vmf_text_equal_nocase(template, "MicrosoftUEFICertificateAuthority") ||
                      vmf_text_equal_nocase(template, "272e7447-90a4-4563-a4b9-8e4ab00526ce"));
}

static void check_secure_boot(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const struct vmf_guest_os *os = vmf_machine_os(machine);

  if (os && vmf_guest_os_family(os) == VMF_OS_LINUX &&
      vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) && !has_template(machine))
    tell(judged, VMF_LINT_HV_SB, machine->secure_boot.line, "Linux with secure boot",
         "the template MicrosoftUEFICertificateAuthority");
}

/* ---- clouds ---- */

/* Windows brings them along; so does what Hyper-V has run. */
static void check_azure(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const struct vmf_guest_os *os = vmf_machine_os(machine);

  if (os && vmf_guest_os_family(os) == VMF_OS_LINUX && !is_format(judged, "hyperv"))
    tell(judged, VMF_LINT_AZ_DRIVERS, machine->os.line, "Linux of another platform than Hyper-V",
         "hv_vmbus, hv_storvsc and hv_netvsc in its initrd, and waagent or cloud-init");
}

/* Without properties an image gets virtio and a BIOS. */
static void check_openstack(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const struct vmf_machine_disk *boot = vmf_machine_boot_disk(machine);

  if (vmf_machine_is_efi(machine))
    tell(judged, VMF_LINT_OS_PROPS, machine->firmware.line, "EFI firmware",
         "an image with --property hw_firmware_type=uefi");
  if (boot && boot->bus.told && boot->bus.value != VMF_BUS_VIRTIO)
    tell(judged, VMF_LINT_OS_PROPS, boot->bus.line, "a disk on another bus than virtio",
         "an image with --property hw_disk_bus=scsi, sata or ide");
  for (size_t i = 0; i < machine->nic_count; i++)
    if (machine->nics[i].model.text && strcmp(machine->nics[i].model.text, "virtio") != 0)
      tell(judged, VMF_LINT_OS_PROPS, machine->nics[i].model.line, "a card that is not virtio's",
           "an image with --property hw_vif_model=e1000, e1000e or vmxnet3");
}

static void check_aws(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const struct vmf_guest_os *os = vmf_machine_os(machine);
  char stem[VMF_GUEST_OS_TEXT];
  size_t disks = 0;
  bool wide = true;

  if (os)
    vmf_guest_os_stem(os, stem, &wide);
  if (os && vmf_guest_os_family(os) == VMF_OS_LINUX && !wide)
    tell(judged, VMF_LINT_AWS_BITS, machine->os.line, "Linux of 32 bits", "64 bits");
  if (machine->nic_count > 1)
    tell(judged, VMF_LINT_AWS_GUEST, 0, "several network cards", "one, by DHCP");
  for (size_t i = 0; i < machine->disk_count; i++) {
    disks += machine->disks[i].medium.value == VMF_MEDIUM_DISK;
    if (machine->disks[i].medium.value == VMF_MEDIUM_CDROM && machine->disks[i].image.text)
      tell(judged, VMF_LINT_AWS_GUEST, machine->disks[i].medium.line, "a CD in its drive",
           "no medium");
  }
  if (judged->text && disks > AWS_VOLUMES)
    tell(judged, VMF_LINT_AWS_VOLS, 0, "more than 21 disks", "at most 21");
}

/* A label of RFC 1123: lower-case letters, digits and '-', neither first nor last a '-'. */
static bool is_label(const char *name)
{
  size_t length = strlen(name);

  return length > 0 && length <= LABEL_MOST &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && name[0] != '-' &&
         name[length - 1] != '-';
}

/* ---- KVM and Xen ---- */

static bool is_lsi(const char *model)
{
  return model && strncmp(model, "lsi", 3) == 0;
}

static void check_proxmox(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;

  if (!vmf_machine_is_efi(machine))
    return;
  if (!judged->text)
    tell(judged, VMF_LINT_PVE_EFI, machine->firmware.line, "EFI firmware",
         "a disk for its variables, which an import of a package does not make");
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].bus.value == VMF_BUS_SCSI &&
        is_lsi(model_of(machine, &machine->disks[i])))
      tell(judged, VMF_LINT_PVE_LSI_OVMF, machine->disks[i].bus.line,
           "a drive on LSI, for which the firmware OVMF has no driver",
           "virtio-scsi, pvscsi, SATA");
}

static void check_xen(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const char *model = vmf_machine_extra(machine, "xapi", "VM.platform.device-model");
  bool efi = vmf_machine_is_efi(machine);

  if (machine->cores.told && machine->vcpus.told && machine->cores.value > 0 &&
      machine->vcpus.value % machine->cores.value != 0)
    tell(judged, VMF_LINT_XEN_PLATFORM, machine->vcpus.line,
         "processors that do not fill their sockets", "a multiple of the cores of a socket");
  if (model && ((efi && strcmp(model, "qemu-trad") == 0) ||
                (!efi && strcmp(model, "qemu-upstream-uefi") == 0)))
    tell(judged, VMF_LINT_XEN_PLATFORM, machine->firmware.line,
         "a device model that does not fit the firmware", efi ? "qemu-upstream-uefi" : "another");
  if (vmf_told_or(machine->vcpus, 1) > USUAL_PROCESSORS)
    tell(judged, VMF_LINT_XEN_PCPUS, machine->vcpus.line, "more than 16 processors",
         "at most those of the host");
  for (size_t i = 0; i < machine->nic_count; i++)
    if (machine->nics[i].mac.text)
      tell(judged, VMF_LINT_XEN_MAC, machine->nics[i].mac.line, "a network card with an address",
           "none, or \"xe vm-import preserve=true\"");
}

static bool is_q35(const struct vmf_machine *machine)
{
  return machine->hw_version.text && strstr(machine->hw_version.text, "q35");
}

static void check_libvirt_disk(const struct vmf_machine_judged *judged, size_t index)
{
  const struct vmf_machine_disk *disk = &judged->machine->disks[index];

  if (disk->image.text && disk->image_format.line == 0 && disk->medium.value == VMF_MEDIUM_DISK)
    tell(judged, VMF_LINT_KV_FORMAT, disk->image.line, "a disk of which no format is told",
         "<driver type=...>");
  if (disk->bus.value == VMF_BUS_NVME)
    tell(judged, VMF_LINT_KV_NVME, disk->bus.line, "a disk on the bus \"nvme\"",
         "virtio, sata, scsi");
  if (disk->bus.value == VMF_BUS_IDE && is_q35(judged->machine))
    tell(judged, VMF_LINT_KV_IDEQ35, disk->bus.line, "a drive on IDE of a q35 machine",
         "SATA, or the machine \"pc\"");
}

static void check_libvirt(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;
  const char *features = vmf_machine_extra(machine, "libvirt", "features");

  if (machine->name.text && strchr(machine->name.text, '/') && judged->text)
    tell(judged, VMF_LINT_KV_NAME, machine->name.line, machine->name.text, "a name without '/'");
  if (!is_format(judged, "libvirt"))
    return;
  for (size_t i = 0; i < machine->disk_count; i++)
    check_libvirt_disk(judged, i);
  if (vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) &&
      (!is_q35(machine) ||
       (features && strstr(features, "<smm") &&
        (strstr(features, "state='off'") || strstr(features, "state=\"off\"")))))
    tell(judged, VMF_LINT_KV_FWSMM, machine->secure_boot.line,
         "secure boot without q35 and its SMM", "a q35 machine with SMM");
}

/* ---- the whole ---- */

void vmf_lint_machine(const struct vmf_machine_judged *judged)
{
  const struct vmf_machine *machine = judged->machine;

  check_format(judged);
  check_networks(judged);
  check_secrets(judged);
  check_ide(judged);
  check_controllers(judged);
  check_vmware(judged);
  check_virtualbox(judged);
  check_generation(judged);
  check_secure_boot(judged);
  check_azure(judged);
  check_aws(judged);
  check_openstack(judged);
  check_proxmox(judged);
  check_xen(judged);
  check_libvirt(judged);
  if (machine->name.text && !is_label(machine->name.text))
    tell(judged, VMF_LINT_K8S_NAME, machine->name.line, machine->name.text,
         "at most 63 lower-case letters, digits and '-'");
  if (judged->text)
    vmf_lint_machine_text(judged);
}
