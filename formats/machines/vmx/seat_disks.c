/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the drives of a machine are in a .vmx: at their own place where VMware has it, so that the
 * guest finds them there, else at the next free one of a bus that guests most likely have a driver
 * for. */
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "memory.h"
#include "vmx_writer.h"

enum {
  OWN_UNIT = 7,              /* of a SCSI controller */
  SCSI_UNITS = 16,           /* of all SCSI controllers but pvscsi */
  WIDE_PVSCSI_HARDWARE = 13, /* from which pvscsi has all its units */
  FLOPPIES = 2,
  MOST_DRIVES = 512, /* more than there are places */
};

static const struct vmx_bus *bus_of(uint64_t bus)
{
  const struct vmx_bus *row = vmx_buses;

  while (row->name && row->bus != bus)
    row++;
  return row->name ? row : NULL;
}

static const struct vmx_bus *bus_called(enum vmf_bus bus)
{
  return bus_of((uint64_t)bus);
}

static bool is_taken(const struct vmx_writer *writer, size_t count, const struct vmx_bus *bus,
                     uint64_t controller, uint64_t unit)
{
  for (size_t i = 0; i < count; i++) {
    const struct vmx_seat *seat = &writer->seats[i];
    if (seat->bus == bus && bus && !seat->left_out && seat->controller == controller &&
        seat->unit == unit)
      return true;
  }
  return false;
}

/* Whether VMware has a drive there. */
static bool exists(const struct vmx_writer *writer, const struct vmx_bus *bus, uint64_t controller,
                   uint64_t unit)
{
  const struct vmf_machine_controller *model =
      vmf_machine_controller(writer->machine, bus->bus, controller);
  bool wide = model && model->model.text && strcmp(model->model.text, "pvscsi") == 0 &&
              writer->hardware >= WIDE_PVSCSI_HARDWARE;

  if (controller >= bus->controllers || unit >= bus->units)
    return false;
  return bus->bus != VMF_BUS_SCSI || (unit != OWN_UNIT && (wide || unit < SCSI_UNITS));
}

/* Its own place; an IDE drive is counted through where all are behind one controller. */
static bool seat_as_it_was(struct vmx_writer *writer, size_t index)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  const struct vmx_bus *bus = bus_of(disk->bus.value);
  uint64_t controller = disk->controller.value, unit = disk->unit.value;
  size_t count = writer->machine->disk_count;

  if (!bus || !disk->controller.told || !disk->unit.told)
    return false;
  if (bus->bus == VMF_BUS_IDE && controller == 0 && unit < 4) {
    controller = unit / 2;
    unit %= 2;
  }
  if (!exists(writer, bus, controller, unit) || is_taken(writer, count, bus, controller, unit))
    return false;
  writer->seats[index] =
      (struct vmx_seat){.bus = bus, .controller = (unsigned)controller, .unit = (unsigned)unit};
  return true;
}

static bool seat_at_next(struct vmx_writer *writer, size_t index, const struct vmx_bus *bus)
{
  for (unsigned controller = 0; controller < bus->controllers; controller++)
    for (unsigned unit = 0; unit < bus->units; unit++)
      if (exists(writer, bus, controller, unit) &&
          !is_taken(writer, writer->machine->disk_count, bus, controller, unit)) {
        writer->seats[index] =
            (struct vmx_seat){.bus = bus, .controller = controller, .unit = unit};
        return true;
      }
  return false;
}

static bool of_windows(const struct vmf_machine *machine)
{
  return strcmp(vmx_guest_scsi(machine), "lsisas1068") == 0;
}

/* The driver that the guest needs for its disk there. */
static void tell_bus(const struct vmx_writer *writer, size_t index)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  const struct vmx_bus *bus = writer->seats[index].bus;
  const char *why = "VMware has no such bus: the guest needs the driver ahci (SATA)";

  if (disk->medium.value != VMF_MEDIUM_DISK)
    vmx_lose(writer, COSMETIC, "L-controller", "VMware has no such bus for a CD drive",
             "disks[%zu].bus", index);
  else if (bus->bus == disk->bus.value)
    vmx_lose(writer, COSMETIC, "L-controller",
             "VMware has no such place on this bus, or it is taken", "disks[%zu].unit", index);
  else {
    if (bus->bus == VMF_BUS_SCSI)
      why = of_windows(writer->machine)
                ? "VMware has no such bus: the guest needs the driver LSI_SAS (LSI Logic SAS)"
                : "VMware has no such bus: the guest needs the driver mptspi (LSI Logic)";
    vmx_lose(writer, BOOT, "L-controller", why, "disks[%zu].bus", index);
  }
}

static enum vmf_code no_place(const struct vmx_writer *writer, struct vmf_error *error)
{
  return vmf_fail(error, VMF_LIMIT,
                  "%s: VMware has no place for so many drives as this machine has (%zu)",
                  writer->target->name, writer->machine->disk_count);
}

static enum vmf_code seat_elsewhere(struct vmx_writer *writer, size_t index,
                                    struct vmf_error *error)
{
  static const enum vmf_bus for_disks[] = {VMF_BUS_SCSI, VMF_BUS_SATA, VMF_BUS_NVME},
                            for_cds[] = {VMF_BUS_IDE, VMF_BUS_SATA, VMF_BUS_SCSI};
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  const enum vmf_bus *buses = disk->medium.value == VMF_MEDIUM_CDROM ? for_cds : for_disks;
  const struct vmx_bus *own = bus_of(disk->bus.value);
  bool seated = own && seat_at_next(writer, index, own);

  for (unsigned i = 0; !seated && i < 3; i++)
    seated = seat_at_next(writer, index, bus_called(buses[i]));
  if (!seated)
    return no_place(writer, error);
  tell_bus(writer, index);
  return VMF_OK;
}

/* Whether the machine knows which device of a host was there, in VMware's words. */
static bool kept_device(const struct vmx_writer *writer, const struct vmf_machine_disk *disk)
{
  const struct vmx_bus *bus = bus_of(disk->bus.value);

  return bus && disk->medium.value == VMF_MEDIUM_LUN &&
         vmx_kept(writer, "%s%u:%u.deviceType", bus->name, (unsigned)disk->controller.value,
                  (unsigned)disk->unit.value);
}

/* Drives that VMware does not have: told, and left out. */
static bool leave_out(struct vmx_writer *writer, size_t index)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];

  if (!writer->target->disks[index].left_out &&
      (writer->target->disks[index].name || disk->medium.value == VMF_MEDIUM_CDROM ||
       disk->medium.value == VMF_MEDIUM_FLOPPY || kept_device(writer, disk)))
    return false;
  if (disk->medium.value == VMF_MEDIUM_LUN)
    vmx_lose(writer, DATA, "L-rdm", "it is a device of the host that the machine was on",
             "disks[%zu]", index);
  else
    vmx_lose(writer, DATA, "L-disk", "there is no image of it", "disks[%zu]", index);
  writer->seats[index].left_out = true;
  return true;
}

/* floppy0 and floppy1, at their own place where it is told. */
static void seat_floppies(struct vmx_writer *writer)
{
  const struct vmf_machine *machine = writer->machine;
  bool taken[FLOPPIES] = {false};

  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    unsigned unit = disk->unit.value < FLOPPIES ? (unsigned)disk->unit.value : 0;

    if (disk->medium.value != VMF_MEDIUM_FLOPPY)
      continue;
    if (taken[unit])
      unit = 1 - unit;
    if (taken[unit]) {
      vmx_lose(writer, BEHAVIOUR, "L-floppy", "VMware has two floppy drives", "disks[%zu]", i);
      writer->seats[i].left_out = true;
      continue;
    }
    taken[unit] = true;
    writer->seats[i].unit = unit;
  }
}

enum vmf_code vmx_seat_disks(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;

  if (machine->disk_count > MOST_DRIVES)
    return no_place(writer, error);
  VMF_TRY(vmf_alloc_table(machine->disk_count, sizeof *writer->seats,
                          MOST_DRIVES * sizeof *writer->seats, "drives", (void **)&writer->seats,
                          error));
  seat_floppies(writer);
  for (size_t i = 0; i < machine->disk_count; i++)
    if (!leave_out(writer, i) && machine->disks[i].medium.value != VMF_MEDIUM_FLOPPY)
      seat_as_it_was(writer, i);
  for (size_t i = 0; i < machine->disk_count; i++)
    if (!writer->seats[i].left_out && !writer->seats[i].bus &&
        machine->disks[i].medium.value != VMF_MEDIUM_FLOPPY)
      VMF_TRY(seat_elsewhere(writer, i, error));
  return VMF_OK;
}
