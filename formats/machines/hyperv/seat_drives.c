/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Places of drives: generation 2 has SCSI only, generation 1 starts from IDE. */
#include <string.h>

#include "hyperv_script.h"

enum { CONTROLLERS = 4, SCSI_UNITS = 64, IDE_CONTROLLERS = 2, IDE_UNITS = 2 };

static bool is_cdrom(const struct vmf_machine_disk *disk)
{
  return disk->medium.value == VMF_MEDIUM_CDROM;
}

static bool take(struct hyperv_script *script, size_t index, bool ide, uint64_t controller,
                 uint64_t unit)
{
  if (controller >= (ide ? IDE_CONTROLLERS : CONTROLLERS) || unit >= (ide ? IDE_UNITS : SCSI_UNITS))
    return false;
  for (size_t i = 0; i < script->machine->disk_count; i++) {
    const struct hyperv_seat *seat = &script->seats[i];
    if (seat->taken && seat->ide == ide && seat->controller == controller && seat->unit == unit)
      return false;
  }
  script->seats[index] = (struct hyperv_seat){true, ide, (unsigned)controller, (unsigned)unit};
  return true;
}

static bool take_any(struct hyperv_script *script, size_t index, bool ide)
{
  for (unsigned c = 0; c < CONTROLLERS; c++)
    for (unsigned u = 0; u < SCSI_UNITS; u++)
      if (take(script, index, ide, c, u))
        return true;
  return false;
}

/* Behind all others, so that the order stays; else where there is room. */
static bool take_scsi(struct hyperv_script *script, size_t index)
{
  unsigned next = 0;

  for (size_t i = 0; i < script->machine->disk_count; i++) {
    const struct hyperv_seat *seat = &script->seats[i];
    unsigned behind = seat->controller * SCSI_UNITS + seat->unit + 1;
    if (seat->taken && !seat->ide && behind > next)
      next = behind;
  }
  return take(script, index, false, next / SCSI_UNITS, next % SCSI_UNITS) ||
         take_any(script, index, false);
}

/* The disk that the machine starts from: the first in its order, else the first. */
static size_t first_disk(const struct vmf_machine *machine)
{
  size_t best = SIZE_MAX;

  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    if (disk->medium.value != VMF_MEDIUM_DISK)
      continue;
    if (best == SIZE_MAX ||
        vmf_told_or(disk->boot, UINT64_MAX) < vmf_told_or(machine->disks[best].boot, UINT64_MAX))
      best = i;
  }
  return best;
}

static void tell(struct hyperv_script *script, size_t index)
{
  const struct vmf_machine_disk *disk = &script->machine->disks[index];
  bool ide = script->seats[index].ide;

  if (disk->bus.value == (ide ? VMF_BUS_IDE : VMF_BUS_SCSI))
    return;
  hyperv_lose(script, BOOT, "L-controller",
              ide ? "Hyper-V of generation 1 starts from IDE only: the guest needs that driver"
                  : "Hyper-V has its own SCSI controller here: the guest needs the driver storvsc",
              "disks[%zu].bus", index);
}

static enum vmf_code seat(struct hyperv_script *script, size_t index, struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &script->machine->disks[index];
  bool only_ide = !script->efi && is_cdrom(disk);

  if (script->seats[index].taken)
    return VMF_OK;
  if (disk->medium.value == VMF_MEDIUM_FLOPPY) {
    hyperv_lose(script, COSMETIC, "L-floppy",
                script->efi ? "Hyper-V of generation 2 has no floppy drive"
                            : "each machine of generation 1 has one, without a medium",
                "disks[%zu]", index);
    return VMF_OK;
  }
  if (!is_cdrom(disk) && !script->target->disks[index].name) {
    hyperv_lose(script, DATA, "L-disk", "what it holds is not here, so there is no drive for it",
                "disks[%zu]", index);
    return VMF_OK;
  }
  if ((!script->efi && take_any(script, index, true)) || (!only_ide && take_scsi(script, index))) {
    tell(script, index);
    return VMF_OK;
  }
  if (is_cdrom(disk)) {
    hyperv_lose(script, COSMETIC, "L-cdrom", "there is no place for it on IDE", "disks[%zu]",
                index);
    return VMF_OK;
  }
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the machine has %zu drives, more than Hyper-V has places for",
                  script->target->name, script->machine->disk_count);
}

/* Whether a hard disk is before it on IDE, or it is not there itself: generation 1 starts from the
 * first one. */
static bool is_behind(const struct hyperv_script *script, size_t first)
{
  const struct vmf_machine *machine = script->machine;
  const struct vmf_machine_disk *disk = &machine->disks[first];

  if (disk->bus.value != VMF_BUS_IDE)
    return true;
  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *other = &machine->disks[i];
    uint64_t mine = IDE_UNITS * disk->controller.value + disk->unit.value;
    if (other->bus.value == VMF_BUS_IDE && other->medium.value == VMF_MEDIUM_DISK &&
        script->target->disks[i].name &&
        IDE_UNITS * other->controller.value + other->unit.value < mine)
      return true;
  }
  return false;
}

/* First the disk to start from, then those that can keep their places, then the others. */
enum vmf_code hyperv_seat_drives(struct hyperv_script *script, struct vmf_error *error)
{
  const struct vmf_machine *machine = script->machine;
  size_t first = first_disk(machine);

  if (!script->efi && first != SIZE_MAX && script->target->disks[first].name &&
      is_behind(script, first) && take(script, first, true, 0, 0))
    tell(script, first);
  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    bool ide = disk->bus.value == VMF_BUS_IDE, scsi = disk->bus.value == VMF_BUS_SCSI;
    bool here = is_cdrom(disk) ||
                (disk->medium.value == VMF_MEDIUM_DISK && script->target->disks[i].name != NULL);
    if (here && !script->seats[i].taken &&
        (script->efi ? scsi : ide || (scsi && i != first && !is_cdrom(disk))))
      (void)take(script, i, ide, vmf_told_or(disk->controller, 0), vmf_told_or(disk->unit, 0));
  }
  if (first != SIZE_MAX)
    VMF_TRY(seat(script, first, error));
  for (size_t i = 0; i < machine->disk_count; i++)
    VMF_TRY(seat(script, i, error));
  return VMF_OK;
}
