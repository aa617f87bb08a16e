/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <StorageControllers>. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vbox_writer.h"

enum { CHANNEL_DISKS = 2 };

static const struct {
  enum vmf_bus bus;
  const char *word, *name; /* of paths; for people */
} buses[] = {{VMF_BUS_IDE, "ide", "IDE"},    {VMF_BUS_SATA, "sata", "SATA"},
             {VMF_BUS_SCSI, "scsi", "SCSI"}, {VMF_BUS_NVME, "nvme", "NVMe"},
             {VMF_BUS_USB, "usb", "USB"},    {VMF_BUS_FLOPPY, "floppy", "Floppy"}};

static size_t bus_of(const struct vbox_seat *seat)
{
  size_t i = 0;

  while (buses[i].bus != seat->kind->bus)
    i++;
  return i;
}

/* As many as are in use, or as the source says; some kinds have a fixed number. */
static unsigned ports_of(const struct vbox_seat *seat)
{
  enum vmf_bus bus = seat->kind->bus;
  unsigned last = 0;

  if (bus == VMF_BUS_IDE)
    return CHANNEL_DISKS;
  if (bus == VMF_BUS_FLOPPY)
    return 1;
  if (bus == VMF_BUS_USB || (bus == VMF_BUS_SCSI && seat->kind->places == 16))
    return seat->kind->places;
  for (unsigned port = 0; port < VBOX_SEAT_PORTS; port++)
    if (seat->used[port])
      last = port;
  return last + 1 > seat->ports ? last + 1 : seat->ports;
}

/* ---- a drive ---- */

static void write_drive(struct vbox_writing *writing, size_t index, const char *controller)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  const struct vmf_machine_target_disk *image = &writing->target->disks[index];
  const struct vbox_place *place = &writing->places[index];
  enum vmf_bus bus = writing->seats[place->seat].kind->bus;
  bool pairs = bus == VMF_BUS_IDE || bus == VMF_BUS_FLOPPY;
  bool cd = disk->medium.value == VMF_MEDIUM_CDROM, hard = vbox_is_hard(writing, index);
  char path[2 * VMF_KEEPING_PATH], uuid[VBOX_UUID];
  struct vmf_keeping *keeping = &writing->keeping;

  snprintf(path, sizeof path, "%s/AttachedDevice[%u.%u]", controller,
           pairs ? place->port / CHANNEL_DISKS : place->port,
           pairs ? place->port % CHANNEL_DISKS : 0);
  vmf_keeping_start(keeping, path);
  vmf_keeping_fix(keeping, path, "type", "%s", hard ? "HardDisk" : cd ? "DVD" : "Floppy");
  vmf_keeping_set(keeping, path, "hotpluggable", "false");
  vmf_keeping_fix(keeping, path, "port", "%u", pairs ? place->port / CHANNEL_DISKS : place->port);
  vmf_keeping_fix(keeping, path, "device", "%u", pairs ? place->port % CHANNEL_DISKS : 0);
  if (hard && disk->ssd.told)
    vmf_keeping_fix(keeping, path, "nonrotational", "%s", disk->ssd.value ? "true" : "false");
  if (hard && disk->discard.told)
    vmf_keeping_fix(keeping, path, "discard", "%s", disk->discard.value ? "true" : "false");
  if (!image->name) {
    vmf_keeping_end(keeping, path);
    return;
  }
  vmf_keeping_enter(keeping, path);
  vbox_image_uuid(writing, index, uuid);
  vmf_markup_start(&keeping->markup, "Image");
  vmf_markup_attribute(&keeping->markup, "uuid", "%s", uuid);
  vmf_markup_end(&keeping->markup);
  vmf_keeping_leave(keeping, path);
}

/* ---- a controller ---- */

/* Names are unique: "SATA", "SATA 2". */
static void name_controller(const struct vbox_writing *writing, size_t number, char name[32])
{
  const char *word = buses[bus_of(&writing->seats[number])].name;
  unsigned before = 0;

  for (size_t i = 0; i < number; i++)
    before += writing->seats[i].kind->bus == writing->seats[number].kind->bus;
  if (before > 0)
    snprintf(name, 32, "%s %u", word, before + 1);
  else
    snprintf(name, 32, "%s", word);
}

/* Drives by their ports, whatever order the source has. */
static void write_drives(struct vbox_writing *writing, size_t number, const char *path)
{
  for (unsigned port = 0; port < VBOX_SEAT_PORTS; port++)
    for (size_t i = 0; writing->seats[number].used[port] && i < writing->machine->disk_count; i++)
      if (!writing->places[i].dropped && writing->places[i].seat == number &&
          writing->places[i].port == port)
        write_drive(writing, i, path);
}

static void write_controller(struct vbox_writing *writing, size_t number)
{
  const struct vbox_seat *seat = &writing->seats[number];
  bool cached = seat->kind->bus == VMF_BUS_IDE || seat->kind->bus == VMF_BUS_FLOPPY;
  struct vmf_keeping *keeping = &writing->keeping;
  char path[VMF_KEEPING_PATH], name[32];

  snprintf(path, sizeof path, VBOX_STORAGE "/StorageController[%s %" PRIu64 "]",
           buses[bus_of(seat)].word, seat->index);
  name_controller(writing, number, name);
  vmf_keeping_start(keeping, path);
  vmf_keeping_set(keeping, path, "name", "%s", name);
  vmf_keeping_fix(keeping, path, "type", "%s", seat->kind->type);
  vmf_keeping_fix(keeping, path, "PortCount", "%u", ports_of(seat));
  vmf_keeping_set(keeping, path, "useHostIOCache", "%s", cached ? "true" : "false");
  vmf_keeping_set(keeping, path, "Bootable", "true");
  vmf_keeping_enter(keeping, path);
  write_drives(writing, number, path);
  vmf_keeping_leave(keeping, path);
}

void vbox_write_storage(struct vbox_writing *writing)
{
  vmf_keeping_start(&writing->keeping, VBOX_STORAGE);
  vmf_keeping_enter(&writing->keeping, VBOX_STORAGE);
  for (size_t i = 0; i < writing->seat_count; i++)
    write_controller(writing, i);
  vmf_keeping_leave(&writing->keeping, VBOX_STORAGE);
}
