/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine made to fit a platform: what the platform has stays as it is, since the guest has the
 * drivers for it; what it does not have becomes the first of its kind there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "profile.h"

enum { OLD_HARDWARE = 11, USUAL_HARDWARE = 13 };

struct fitting {
  const struct vmf_fit *fit;
  const struct vmf_machine_losses *losses;
  struct vmf_machine *machine; /* the copy */
  struct vmf_error *error;
};

/* ---- drives ---- */

/* What a guest calls the driver of such a controller. */
static const char *driver_of(enum vmf_bus bus, const char *model)
{
  static const char *const buses[VMF_BUSES] = {[VMF_BUS_IDE] = "IDE",
                                               [VMF_BUS_SCSI] = "its SCSI controller",
                                               [VMF_BUS_SATA] = "AHCI",
                                               [VMF_BUS_NVME] = "NVMe",
                                               [VMF_BUS_VIRTIO] = "virtio-blk"};

  return model ? model : buses[bus] ? buses[bus] : "it";
}

static void tell_driver(const struct fitting *fitting, enum vmf_loss_weight weight,
                        const char *field, const char *driver)
{
  char why[160];

  snprintf(why, sizeof why, "%s %s: the guest needs a driver for %s when it starts next",
           fitting->fit->virtio ? "asked for on" : "no such device on",
           fitting->fit->platform.profile->info.name, driver);
  vmf_machine_lose(fitting->losses, weight, "L-controller", why, "%s", field);
}

static const char *model_at(const struct vmf_machine *machine, const struct vmf_machine_disk *disk)
{
  const struct vmf_machine_controller *controller = vmf_machine_controller(
      machine, (enum vmf_bus)disk->bus.value, vmf_told_or(disk->controller, 0));

  return controller ? controller->model.text : NULL;
}

static bool is_taken(const struct vmf_machine *machine, enum vmf_bus bus, uint64_t number,
                     uint64_t unit)
{
  if (bus == VMF_BUS_SCSI && unit == 7)
    return true; /* the controller itself */
  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    if (disk->bus.value == bus && vmf_told_or(disk->controller, 0) == number && disk->unit.told &&
        disk->unit.value == unit)
      return true;
  }
  return false;
}

/* The number of a controller of that kind, which is made where there is none. */
static enum vmf_code controller_of(struct fitting *fitting,
                                   const struct vmf_profile_controller *kind, uint64_t *number)
{
  struct vmf_machine *machine = fitting->machine;
  struct vmf_machine_controller *made;

  *number = 0;
  for (size_t i = 0; i < machine->controller_count; i++) {
    const struct vmf_machine_controller *there = &machine->controllers[i];
    if (there->bus.value != kind->bus)
      continue;
    if (!kind->model || (there->model.text && strcmp(there->model.text, kind->model) == 0)) {
      *number = there->index.value;
      return VMF_OK;
    }
    *number = there->index.value + 1 > *number ? there->index.value + 1 : *number;
  }
  VMF_TRY(vmf_machine_add_controller(machine, &made, fitting->error));
  made->bus = vmf_told(kind->bus, 0);
  made->index = vmf_told(*number, 0);
  return vmf_machine_text(machine, kind->model, 0, &made->model, fitting->error);
}

/* A controller whose drives have to go to another kind of the same bus becomes that. */
static enum vmf_code change_controller(struct fitting *fitting,
                                       struct vmf_machine_controller *controller,
                                       const struct vmf_profile_controller *kind)
{
  char field[40];

  snprintf(field, sizeof field, "controllers[%zu].model",
           (size_t)(controller - fitting->machine->controllers));
  tell_driver(fitting, VMF_LOSS_BOOT, field, driver_of(kind->bus, kind->model));
  return vmf_machine_text(fitting->machine, kind->model, controller->model.line, &controller->model,
                          fitting->error);
}

static enum vmf_code move_drive(struct fitting *fitting, size_t index,
                                const struct vmf_profile_controller *kind)
{
  struct vmf_machine_disk *disk = &fitting->machine->disks[index];
  uint64_t number = 0, unit = 0;
  struct vmf_machine_controller *own = vmf_machine_controller(
      fitting->machine, (enum vmf_bus)disk->bus.value, vmf_told_or(disk->controller, 0));
  char field[40];

  if (own && own->bus.value == kind->bus)
    return change_controller(fitting, own, kind);
  snprintf(field, sizeof field, "disks[%zu].bus", index);
  tell_driver(fitting, disk->medium.value == VMF_MEDIUM_DISK ? VMF_LOSS_BOOT : VMF_LOSS_BEHAVIOUR,
              field, driver_of(kind->bus, kind->model));
  if (kind->bus == VMF_BUS_VIRTIO) { /* each its own */
    disk->bus = vmf_told(kind->bus, disk->bus.line);
    disk->controller = disk->unit = (struct vmf_told_number){0};
    return VMF_OK;
  }
  VMF_TRY(controller_of(fitting, kind, &number));
  while (is_taken(fitting->machine, kind->bus, number, unit))
    unit++;
  disk->bus = vmf_told(kind->bus, disk->bus.line);
  disk->controller = vmf_told(number, 0);
  disk->unit = vmf_told(unit, 0);
  return VMF_OK;
}

/* Whether the firmware that a machine in a package gets there does not see the drive: OVMF has no
 * driver for LSI (pve-storage, ESXiPlugin.pm: ovmf-with-lsi-unsupported). */
static bool is_unseen(const struct fitting *fitting, const struct vmf_machine_disk *disk,
                      const char *model)
{
  return fitting->fit->package && fitting->fit->platform.profile->ovmf && model &&
         disk->bus.value == VMF_BUS_SCSI && strncmp(model, "lsi", 3) == 0 &&
         vmf_told_or(fitting->machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI;
}

/* The kind that a drive has to be moved to; NULL: it stays. */
static const struct vmf_profile_controller *kind_for(const struct fitting *fitting,
                                                     const struct vmf_machine_disk *disk)
{
  static const struct vmf_profile_controller sata = {VMF_BUS_SATA, NULL, 0};
  const struct vmf_profile *profile = fitting->fit->platform.profile;
  const char *model = model_at(fitting->machine, disk);
  const struct vmf_profile_controller *virtio = &profile->virtio;

  if (fitting->fit->virtio && virtio->bus != VMF_BUSES && disk->medium.value == VMF_MEDIUM_DISK)
    return disk->bus.value == virtio->bus &&
                   (!virtio->model || (model && strcmp(model, virtio->model) == 0))
               ? NULL
               : virtio;
  if (is_unseen(fitting, disk, model))
    return &sata;
  return vmf_platform_has_controller(&fitting->fit->platform, (enum vmf_bus)disk->bus.value, model)
             ? NULL
             : vmf_platform_controller(&fitting->fit->platform);
}

/* Takes controllers away that the platform does not have, and no drive is on any more. */
static void drop_controllers(struct fitting *fitting)
{
  struct vmf_machine *machine = fitting->machine;
  size_t kept = 0;

  for (size_t i = 0; i < machine->controller_count; i++) {
    const struct vmf_machine_controller *controller = &machine->controllers[i];
    bool wanted = vmf_platform_has_controller(
        &fitting->fit->platform, (enum vmf_bus)controller->bus.value, controller->model.text);
    for (size_t k = 0; k < machine->disk_count && !wanted; k++)
      wanted = machine->disks[k].bus.value == controller->bus.value &&
               vmf_told_or(machine->disks[k].controller, 0) == controller->index.value;
    if (wanted)
      machine->controllers[kept++] = *controller;
    else
      vmf_machine_lose(fitting->losses, VMF_LOSS_COSMETIC, "L-controller",
                       "no such device there, and no drive needs it", "controllers[%zu]", i);
  }
  machine->controller_count = kept;
}

static enum vmf_code fit_drives(struct fitting *fitting)
{
  struct vmf_machine *machine = fitting->machine;

  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_profile_controller *kind = kind_for(fitting, &machine->disks[i]);
    if (kind)
      VMF_TRY(move_drive(fitting, i, kind));
  }
  drop_controllers(fitting);
  return VMF_OK;
}

/* ---- cards ---- */

static enum vmf_code fit_cards(struct fitting *fitting)
{
  const struct vmf_profile *profile = fitting->fit->platform.profile;
  struct vmf_machine *machine = fitting->machine;
  char field[40];

  for (size_t i = 0; i < machine->nic_count; i++) {
    struct vmf_machine_nic *nic = &machine->nics[i];
    const char *wanted = fitting->fit->virtio                            ? profile->virtio_nic
                         : vmf_profile_has_nic(profile, nic->model.text) ? NULL
                                                                         : profile->nics[0];
    if (!wanted || (nic->model.text && strcmp(nic->model.text, wanted) == 0))
      continue;
    snprintf(field, sizeof field, "nics[%zu].model", i);
    tell_driver(fitting, VMF_LOSS_BEHAVIOUR, field, wanted);
    VMF_TRY(vmf_machine_text(machine, wanted, nic->model.line, &nic->model, fitting->error));
  }
  return VMF_OK;
}

/* ---- hardware ---- */

/* The highest vmx-NN in a list of families; 0: there is none. */
static unsigned hardware_in(const char *families)
{
  unsigned highest = 0;

  for (const char *word = families; word && *word; word += strcspn(word, " ,")) {
    word += strspn(word, " ,");
    unsigned long number = strncmp(word, "vmx-", 4) == 0 ? strtoul(word + 4, NULL, 10) : 0;
    highest = number > highest && number < 1000 ? (unsigned)number : highest;
  }
  return highest;
}

bool vmf_platform_takes_hardware(const struct vmf_platform *platform, unsigned hardware)
{
  bool hosted = strcmp(platform->profile->info.name, "esxi") != 0;

  return hardware > 0 && hardware <= vmf_platform_hardware(platform) &&
         (hosted || !vmf_hardware_is_hosted_only(hardware));
}

unsigned vmf_platform_hardware_for(const struct vmf_platform *platform, const char *families)
{
  unsigned told = hardware_in(families), most = vmf_platform_hardware(platform);
  bool old = told < OLD_HARDWARE && most >= OLD_HARDWARE;

  if (vmf_platform_takes_hardware(platform, told) && !old)
    return told;
  return most < USUAL_HARDWARE ? most : USUAL_HARDWARE;
}

static enum vmf_code fit_hardware(struct fitting *fitting)
{
  const struct vmf_platform *platform = &fitting->fit->platform;
  const char *family = platform->profile->info.hardware;
  struct vmf_machine *machine = fitting->machine;
  unsigned line = machine->hw_version.line;

  if (!family)
    return VMF_OK;
  if (strncmp(family, "vmx-", 4) != 0)
    return fitting->fit->package
               ? vmf_machine_text(machine, family, line, &machine->hw_version, fitting->error)
               : VMF_OK;
  unsigned hardware = vmf_platform_hardware_for(platform, machine->hw_version.text);
  if (hardware < VMF_SECURE_HARDWARE && vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF)) {
    vmf_machine_lose(fitting->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "the hardware of this release has no secure boot", "secure-boot");
    machine->secure_boot = vmf_told(VMF_SECURE_BOOT_OFF, machine->secure_boot.line);
  }
  if (hardware < VMF_EFI_HARDWARE && vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS))
    return vmf_fail(fitting->error, VMF_UNSUPPORTED,
                    "the machine has EFI firmware, and %s has that from vmx-%02d on, not in this "
                    "release",
                    platform->profile->info.summary, VMF_EFI_HARDWARE);
  return vmf_machine_format_text(machine, line, &machine->hw_version, fitting->error, "vmx-%02u",
                                 hardware);
}

static enum vmf_code fit_all(struct fitting *fitting)
{
  VMF_TRY(fit_drives(fitting));
  VMF_TRY(fit_cards(fitting));
  return fit_hardware(fitting);
}

enum vmf_code vmf_profile_fit(const struct vmf_fit *fit, const struct vmf_machine *machine,
                              const struct vmf_machine_losses *losses, struct vmf_machine **fitted,
                              struct vmf_error *error)
{
  struct fitting fitting = {.fit = fit, .losses = losses, .error = error};

  *fitted = NULL;
  if (fit->virtio && !fit->platform.profile->virtio_nic)
    return vmf_fail(error, VMF_USAGE, "--drivers virtio: %s has no virtio devices",
                    fit->platform.profile->info.summary);
  enum vmf_code code = vmf_machine_copy(machine, &fitting.machine, error);
  if (code == VMF_OK)
    code = fit_all(&fitting);
  if (code == VMF_OK)
    *fitted = fitting.machine;
  else
    vmf_machine_free(fitting.machine);
  return code;
}
