/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where disks are attached in a QEMU machine. A family of controllers that guests have a driver for
 * stays; one that QEMU does not have becomes AHCI (SATA), which every system has a driver for. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "writing.h"

enum { CONTROLLERS = 256, UNITS = 64 }; /* of one bus; of a controller, at most */

/* ---- buses ---- */

static const char *scsi_model(const struct libvirt_writing *writing,
                              const struct vmf_machine_disk *disk)
{
  const struct vmf_machine_controller *controller =
      vmf_machine_controller(writing->machine, VMF_BUS_SCSI, vmf_told_or(disk->controller, 0));

  return controller ? controller->model.text : NULL;
}

static bool has_scsi(const struct libvirt_writing *writing, const char *model)
{
  return writing->keeping.native || (model && vmf_vendor_own(libvirt_scsi_models, model));
}

/* The bus in the target, and why it is another one. */
static enum vmf_bus choose_bus(const struct libvirt_writing *writing,
                               const struct vmf_machine_disk *disk, const char **why)
{
  enum vmf_bus bus = (enum vmf_bus)disk->bus.value;

  *why = NULL;
  if (writing->keeping.native && bus != VMF_BUS_NVME)
    return bus;
  if (bus == VMF_BUS_NVME)
    *why = "libvirt has no NVMe controller for images; AHCI needs no driver of its own";
  else if (bus == VMF_BUS_IDE && (writing->q35 || !writing->x86))
    *why = "this type of machine has no IDE controller";
  else if (bus == VMF_BUS_XEN)
    *why = "only Xen has paravirtual disks of its own; AHCI needs no driver of its own";
  else if (bus == VMF_BUS_SCSI && !has_scsi(writing, scsi_model(writing, disk)))
    *why = "QEMU has no SCSI controller of this family; AHCI needs no driver of its own";
  if (!*why)
    return bus;
  if (writing->x86)
    return VMF_BUS_SATA;
  return disk->medium.value == VMF_MEDIUM_CDROM ? VMF_BUS_USB : VMF_BUS_VIRTIO;
}

/* ---- places ---- */

/* How many disks a controller takes, 0: any number; and how many controllers there are. */
static uint64_t units_of(const struct libvirt_writing *writing, const struct vmf_machine_disk *disk,
                         enum vmf_bus bus, uint64_t *controllers)
{
  const char *model = bus == VMF_BUS_SCSI ? scsi_model(writing, disk) : NULL;

  *controllers = bus == VMF_BUS_IDE || bus == VMF_BUS_FLOPPY ? 1 : CONTROLLERS;
  switch (bus) {
  case VMF_BUS_IDE:
    return 4;
  case VMF_BUS_FLOPPY:
    return 2;
  case VMF_BUS_SATA:
    return 6;
  case VMF_BUS_SCSI:
    if (model && strcmp(model, "lsisas1068") == 0)
      return 8;
    return model && strcmp(model, "lsi53c895a") == 0 ? 7 : UNITS;
  default:
    return 0;
  }
}

/* What is taken already. */
struct placing {
  struct libvirt_writing *writing;
  bool (*used)[CONTROLLERS * UNITS]; /* owned; of VMF_BUSES */
};

static bool *used(const struct placing *placing, const struct libvirt_place *place)
{
  if (place->controller >= CONTROLLERS || place->unit >= UNITS)
    return NULL;
  return &placing->used[place->bus][place->controller * UNITS + place->unit];
}

static bool take(const struct placing *placing, struct libvirt_place *place)
{
  bool *taken = used(placing, place);

  if (taken && *taken)
    return false;
  if (taken)
    *taken = true;
  place->placed = true;
  return true;
}

/* As the source says it, where that is a place here. IDE: two channels of two, which some vendors
 * call controllers. */
static void keep_place(const struct placing *placing, size_t index)
{
  const struct vmf_machine_disk *disk = &placing->writing->machine->disks[index];
  struct libvirt_place *place = &placing->writing->places[index], wanted = *place;
  uint64_t controllers, units = units_of(placing->writing, disk, place->bus, &controllers);

  if (place->dropped || units == 0 || place->bus != disk->bus.value || !disk->unit.told)
    return;
  wanted.controller = vmf_told_or(disk->controller, 0);
  wanted.unit = disk->unit.value;
  if (place->bus == VMF_BUS_IDE && wanted.unit < 2 && wanted.controller < 2) {
    wanted.unit += 2 * wanted.controller;
    wanted.controller = 0;
  }
  if (placing->writing->keeping.native || (wanted.unit < units && wanted.controller < controllers))
    if (take(placing, &wanted))
      *place = wanted;
}

/* The first free place; on SCSI of the same controller, whose model guests have a driver for. */
static void find_place(const struct placing *placing, size_t index)
{
  const struct vmf_machine_disk *disk = &placing->writing->machine->disks[index];
  struct libvirt_place *place = &placing->writing->places[index];
  uint64_t controllers, units = units_of(placing->writing, disk, place->bus, &controllers);
  bool scsi = place->bus == VMF_BUS_SCSI;
  uint64_t first = scsi ? vmf_told_or(disk->controller, 0) : 0;

  if (scsi)
    controllers = first < CONTROLLERS ? first + 1 : 0;
  for (uint64_t i = first; i < controllers && !place->placed; i++)
    for (uint64_t unit = 0; unit < units && !place->placed; unit++) {
      place->controller = i;
      place->unit = unit;
      take(placing, place);
    }
}

/* Where the bus is full, AHCI has more controllers. */
static void place_anywhere(const struct placing *placing, size_t index)
{
  const struct libvirt_writing *writing = placing->writing;
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  struct libvirt_place *place = &writing->places[index];
  uint64_t controllers;

  if (place->dropped || place->placed || writing->keeping.native ||
      units_of(writing, disk, place->bus, &controllers) == 0)
    return;
  find_place(placing, index);
  if (!place->placed && place->bus != VMF_BUS_SATA && place->bus != VMF_BUS_FLOPPY) {
    vmf_machine_lose(writing->losses, VMF_LOSS_BOOT, NULL, "the controller has no free place",
                     "disks[%zu].bus", index);
    place->bus = VMF_BUS_SATA;
    find_place(placing, index);
  }
  if (place->placed)
    return;
  place->dropped = true;
  vmf_machine_lose(writing->losses, VMF_LOSS_DATA, NULL, "no controller has a free place",
                   "disks[%zu]", index);
}

/* ---- all ---- */

/* A disk has an image here, or a source that libvirt knows; a drive may be empty. */
static bool has_content(const struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  char key[VMF_KEEPING_PATH];

  snprintf(key, sizeof key, "devices/disk[%zu]/source", index);
  if (writing->target->disks[index].left_out)
    return false;
  return writing->target->disks[index].name || disk->medium.value == VMF_MEDIUM_CDROM ||
         disk->medium.value == VMF_MEDIUM_FLOPPY ||
         (disk->elsewhere.text && vmf_keeping_value(&writing->keeping, key));
}

static void choose(struct libvirt_writing *writing, size_t index)
{
  struct libvirt_place *place = &writing->places[index];
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  bool boots = disk->medium.value == VMF_MEDIUM_DISK;
  const char *why;

  place->bus = choose_bus(writing, disk, &why);
  if (why)
    vmf_machine_lose(writing->losses, boots ? VMF_LOSS_BOOT : VMF_LOSS_COSMETIC, NULL, why,
                     "disks[%zu].bus", index);
  if (disk->medium.value == VMF_MEDIUM_LUN && writing->target->disks[index].name)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "an image is no SCSI device that could be passed through", "disks[%zu].medium",
                     index);
  place->dropped = !has_content(writing, index);
  if (place->dropped)
    vmf_machine_lose(writing->losses, VMF_LOSS_DATA, NULL, "libvirt has no disk without an image",
                     "disks[%zu]", index);
}

enum vmf_code libvirt_place_disks(struct libvirt_writing *writing, struct vmf_error *error)
{
  size_t count = writing->machine->disk_count;
  void *memory = NULL, *used_places = NULL;

  VMF_TRY(vmf_alloc(count * sizeof *writing->places, &memory, error));
  writing->places = memory;
  VMF_TRY(vmf_alloc(VMF_BUSES * sizeof(bool[CONTROLLERS * UNITS]), &used_places, error));
  const struct placing placing = {.writing = writing, .used = used_places};
  for (size_t i = 0; i < count; i++)
    choose(writing, i);
  for (size_t i = 0; i < count; i++)
    keep_place(&placing, i);
  for (size_t i = 0; i < count; i++)
    place_anywhere(&placing, i);
  vmf_free(used_places);
  return VMF_OK;
}

bool libvirt_has_controller(const struct libvirt_writing *writing,
                            const struct vmf_machine_controller *controller)
{
  enum vmf_bus bus = (enum vmf_bus)controller->bus.value;

  if (writing->keeping.native)
    return vmf_vendor_word_of(libvirt_controllers, bus) != NULL;
  if (bus == VMF_BUS_SCSI)
    return has_scsi(writing, controller->model.text);
  return bus == VMF_BUS_SATA ||
         (bus == VMF_BUS_IDE && writing->x86 && !writing->q35 && controller->index.value == 0);
}
