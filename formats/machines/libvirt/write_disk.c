/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <disk>. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "writing.h"

enum { NAME = 16, DISK_PATH = 48 };

/* ---- names ---- */

static const char *prefix_of(enum vmf_bus bus)
{
  switch (bus) {
  case VMF_BUS_IDE:
    return "hd";
  case VMF_BUS_FLOPPY:
    return "fd";
  case VMF_BUS_VIRTIO:
    return "vd";
  case VMF_BUS_XEN:
    return "xvd";
  default:
    return "sd";
  }
}

/* "vda", "vdz", "vdaa": how libvirt tells disks from each other. */
static void target_name(enum vmf_bus bus, uint64_t index, char name[NAME])
{
  char letters[8];
  size_t at = sizeof letters - 1;

  letters[at] = '\0';
  do {
    letters[--at] = (char)('a' + index % 26);
    index = index / 26;
  } while (index-- > 0 && at > 0);
  snprintf(name, NAME, "%s%s", prefix_of(bus), letters + at);
}

/* On IDE and floppy the letter is the place; else those of its letters that came before count. */
static uint64_t number_of(const struct libvirt_writing *writing, size_t index, uint64_t counts[])
{
  const struct libvirt_place *place = &writing->places[index];
  bool by_place = place->bus == VMF_BUS_IDE || place->bus == VMF_BUS_FLOPPY;
  enum vmf_bus bus = place->bus;

  if (by_place && place->placed)
    return place->unit;
  return counts[strcmp(prefix_of(bus), "sd") == 0 ? VMF_BUS_SCSI : bus]++;
}

/* ---- parts ---- */

/* libvirt takes only absolute paths; where the folder is not known, that of its own pool. */
static void write_source(struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_target *target = writing->target;
  const char *name = target->disks[index].name;
  const char *folder = target->folder ? target->folder : "/var/lib/libvirt/images/";

  if (!name)
    return;
  vmf_keeping_start(&writing->keeping, "source");
  vmf_keeping_fix(&writing->keeping, "source", "file", "%s%s", name[0] == '/' ? "" : folder, name);
  vmf_markup_end(&writing->keeping.markup);
}

static bool is_cache(const char *text)
{
  static const char *const modes[] = {"none", "writeback", "writethrough", "directsync", "unsafe"};

  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (strcmp(modes[i], text) == 0)
      return true;
  return false;
}

static void write_driver(struct libvirt_writing *writing, size_t index, const char *path)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  const char *format = writing->target->disks[index].format;

  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_set(&writing->keeping, path, "name", "qemu");
  if (writing->target->disks[index].name && format)
    vmf_keeping_fix(&writing->keeping, path, "type", "%s", format);
  else
    vmf_keeping_set(&writing->keeping, path, "type", "%s",
                    disk->image_format.text ? disk->image_format.text : "raw");
  if (disk->cache.text && (writing->keeping.native || is_cache(disk->cache.text)))
    vmf_keeping_fix(&writing->keeping, path, "cache", "%s", disk->cache.text);
  else if (disk->cache.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL, "libvirt has no such cache",
                     "disks[%zu].cache", index);
  if (disk->discard.told)
    vmf_keeping_fix(&writing->keeping, path, "discard", "%s",
                    vmf_vendor_word_of(libvirt_discards, disk->discard.value != 0));
  else if (!writing->keeping.native && disk->medium.value == VMF_MEDIUM_DISK)
    vmf_keeping_fix(&writing->keeping, path, "discard", "unmap"); /* so that the image can shrink */
  vmf_keeping_end(&writing->keeping, path);
}

static void write_target(struct libvirt_writing *writing, size_t index, const char *name,
                         const char *path)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  enum vmf_bus bus = writing->places[index].bus;

  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_set(&writing->keeping, path, "dev", "%s", name);
  vmf_keeping_set(&writing->keeping, path, "bus", "%s", vmf_vendor_word_of(libvirt_buses, bus));
  if (disk->ssd.value && (bus == VMF_BUS_SCSI || bus == VMF_BUS_SATA || bus == VMF_BUS_IDE))
    vmf_keeping_fix(&writing->keeping, path, "rotation_rate", "1");
  vmf_keeping_end(&writing->keeping, path);
}

static void write_address(struct libvirt_writing *writing, size_t index, const char *path)
{
  const struct libvirt_place *place = &writing->places[index];
  bool by_target = libvirt_by_target(writing->machine, &writing->machine->disks[index]) &&
                   place->bus == VMF_BUS_SCSI;
  bool ide = place->bus == VMF_BUS_IDE;

  if (!place->placed)
    return;
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_fix(&writing->keeping, path, "type", "drive");
  vmf_keeping_fix(&writing->keeping, path, "controller", "%" PRIu64, place->controller);
  vmf_keeping_set(&writing->keeping, path, "bus", "%" PRIu64, ide ? place->unit / 2 : 0);
  vmf_keeping_set(&writing->keeping, path, "target", "%" PRIu64, by_target ? place->unit : 0);
  vmf_keeping_set(&writing->keeping, path, "unit", "%" PRIu64,
                  by_target ? 0
                  : ide     ? place->unit % 2
                            : place->unit);
  vmf_keeping_end(&writing->keeping, path);
}

static void write_flag(struct libvirt_writing *writing, const char *name, uint64_t on)
{
  if (!on)
    return;
  vmf_markup_start(&writing->keeping.markup, name);
  vmf_markup_end(&writing->keeping.markup);
}

static bool is_serial(const char *text)
{
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+- ";

  return *text && text[strspn(text, letters)] == '\0';
}

static bool is_wwn(const char *text)
{
  const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;

  return strlen(digits) == 16 && strspn(digits, "0123456789abcdefABCDEF") == 16;
}

static void write_numbers(struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];

  if (disk->serial.text && is_serial(disk->serial.text))
    vmf_markup_leaf(&writing->keeping.markup, "serial", "%s", disk->serial.text);
  else if (disk->serial.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "libvirt takes letters, digits, blanks and _ . + -", "disks[%zu].serial",
                     index);
  if (disk->wwn.text && is_wwn(disk->wwn.text))
    vmf_markup_leaf(&writing->keeping.markup, "wwn", "%s", disk->wwn.text);
  else if (disk->wwn.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "libvirt takes 16 hexadecimal digits", "disks[%zu].wwn", index);
}

/* QEMU's IDE and SATA disks can be written. */
static void write_readonly(struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  enum vmf_bus bus = writing->places[index].bus;
  bool ata = bus == VMF_BUS_IDE || bus == VMF_BUS_SATA;

  if (disk->read_only.value && ata && disk->medium.value == VMF_MEDIUM_DISK &&
      !writing->keeping.native)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "QEMU's IDE and SATA disks can always be written", "disks[%zu].read-only",
                     index);
  else
    write_flag(writing, "readonly", disk->read_only.value);
}

/* libvirt starts no machine whose shared disk is of another format than raw. */
static void write_shared(struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  const struct vmf_machine_target_disk *image = &writing->target->disks[index];
  bool other = image->name && image->format && strcmp(image->format, "raw") != 0;

  if (disk->shared.value && !disk->read_only.value && other)
    vmf_machine_lose(writing->losses, VMF_LOSS_DATA, NULL,
                     "libvirt lets machines share disks of the format raw only: -O raw keeps it",
                     "disks[%zu].shared", index);
  else
    write_flag(writing, "shareable", disk->shared.value);
}

static void write_state(struct libvirt_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];

  write_numbers(writing, index);
  write_readonly(writing, index);
  write_shared(writing, index);
  write_flag(writing, "transient", disk->mode.told && disk->mode.value == VMF_MODE_TRANSIENT);
}

/* ---- the whole ---- */

/* A pass-through device that became an image is a disk. */
static const char *device_of(const struct libvirt_writing *writing, size_t index)
{
  uint64_t medium = writing->machine->disks[index].medium.value;

  if (medium == VMF_MEDIUM_LUN && writing->target->disks[index].name)
    medium = VMF_MEDIUM_DISK;
  return vmf_vendor_word_of(libvirt_media, medium);
}

static void write_disk(struct libvirt_writing *writing, size_t index, const char *name)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  char path[DISK_PATH], part[VMF_KEEPING_PATH];

  snprintf(path, sizeof path, "devices/disk[%zu]", index);
  vmf_keeping_start(&writing->keeping, path);
  if (writing->target->disks[index].name) {
    vmf_keeping_fix(&writing->keeping, path, "type", "file");
    vmf_keeping_forget(&writing->keeping, path, "source");
    vmf_keeping_forget(&writing->keeping, path, "auth");
    vmf_keeping_forget(&writing->keeping, path, "backingStore");
    vmf_keeping_forget(&writing->keeping, path, "mirror");
  } else {
    vmf_keeping_set(&writing->keeping, path, "type", "file");
  }
  vmf_keeping_set(&writing->keeping, path, "device", "%s", device_of(writing, index));
  vmf_keeping_enter(&writing->keeping, path);
  snprintf(part, sizeof part, "%s/driver", path);
  write_driver(writing, index, part);
  write_source(writing, index);
  snprintf(part, sizeof part, "%s/target", path);
  write_target(writing, index, name, part);
  write_state(writing, index);
  snprintf(part, sizeof part, "%s/boot", path);
  if (disk->boot.told && disk->boot.value <= LIBVIRT_ORDER) {
    vmf_keeping_start(&writing->keeping, part);
    vmf_keeping_fix(&writing->keeping, part, "order", "%" PRIu64, disk->boot.value);
    vmf_keeping_end(&writing->keeping, part);
  }
  snprintf(part, sizeof part, "%s/address", path);
  write_address(writing, index, part);
  vmf_keeping_leave(&writing->keeping, path);
}

void libvirt_write_disks(struct libvirt_writing *writing)
{
  uint64_t counts[VMF_BUSES] = {0};
  char name[NAME];

  for (size_t i = 0; i < writing->machine->disk_count; i++) {
    if (writing->places[i].dropped)
      continue;
    target_name(writing->places[i].bus, number_of(writing, i, counts), name);
    write_disk(writing, i, name);
  }
}
