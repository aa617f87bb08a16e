/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Drives, network cards and serial ports. A drive is a node .../controllerN/driveM, wherever it
 * stands: below a device of the manifest, or, as Packer and Vagrant write it, below
 * vm-controllers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyperv.h"
#include "list.h"
#include "memory.h"
#include "text.h"

enum { DRIVES_OF_ONE = 64 /* of a SCSI controller */ };

struct hyperv_drive {
  const char *path;
  enum vmf_bus bus;
  unsigned controller, unit;
  bool twin; /* its place is taken by another one of the same name */
};

struct hyperv_drives {
  struct hyperv_drive *list;
  size_t count, room;
};

/* ---- where a drive is ---- */

/* A number behind a word, at most 9999; NULL: there is none. */
static const char *number_behind(const char *text, const char *word, unsigned *number)
{
  size_t length = strlen(word), digits;

  if (strncmp(text, word, length) != 0)
    return NULL;
  digits = strspn(text + length, "0123456789");
  if (digits == 0 || digits > 4)
    return NULL;
  *number = (unsigned)strtoul(text + length, NULL, 10);
  return text + length + digits;
}

/* The part of a path before the last '/'. */
static size_t above(const char *path, size_t length)
{
  while (length > 0 && path[length - 1] != '/')
    length--;
  return length > 0 ? length - 1 : 0;
}

/* ".../controller1/drive0", of a twin ".../drive0[1]"; *owner: the bytes before "/controller1". */
static bool is_drive(const char *path, struct hyperv_drive *drive, size_t *owner)
{
  size_t controller = above(path, strlen(path)), start;
  const char *end;

  if (controller == 0)
    return false;
  end = number_behind(path + controller + 1, "drive", &drive->unit);
  if (!end || (*end != '\0' && *end != '['))
    return false;
  drive->twin = *end == '[';
  *owner = above(path, controller);
  start = *owner > 0 ? *owner + 1 : 0;
  end = number_behind(path + start, "controller", &drive->controller);
  return end && (*end == '/' || *end == '[');
}

/* How many SCSI controllers come before this one; each device has one of its own. */
static unsigned scsi_before(const struct hyperv_reader *reader, const struct hyperv_device *device)
{
  unsigned count = 0;

  for (const struct hyperv_device *other = reader->devices; other < device; other++)
    count += vmf_text_equal_nocase(other->class, HYPERV_SCSI);
  return count;
}

static const struct hyperv_device *device_at(const struct hyperv_reader *reader, const char *path,
                                             size_t length)
{
  for (size_t i = 0; i < reader->device_count; i++) {
    const char *node = reader->devices[i].node;
    if (strncmp(node, path, length) == 0 && node[length] == '\0')
      return &reader->devices[i];
  }
  return NULL;
}

/* By the class of its device; without one by the element "scsi", and by the generation. */
static void find_bus(struct hyperv_reader *reader, size_t owner, struct hyperv_drive *drive)
{
  const struct hyperv_device *device = device_at(reader, drive->path, owner);
  const char *class = device ? device->class : "";

  drive->bus = reader->efi ? VMF_BUS_SCSI : VMF_BUS_IDE;
  if (vmf_text_equal_nocase(class, HYPERV_IDE)) {
    drive->bus = VMF_BUS_IDE;
  } else if (vmf_text_equal_nocase(class, HYPERV_FLOPPY)) {
    drive->bus = VMF_BUS_FLOPPY;
  } else if (vmf_text_equal_nocase(class, HYPERV_SCSI)) {
    drive->bus = VMF_BUS_SCSI;
    drive->controller += scsi_before(reader, device);
  } else if (owner >= 5 && strncmp(drive->path + owner - 5, "/scsi", 5) == 0) {
    drive->bus = VMF_BUS_SCSI;
  } else if (device) {
    vmf_report_add(reader->report, VMF_SEVERITY_WARNING, "hyperv-controller", reader->source->name,
                   0, "%s is on a controller of the unknown kind %s: it is taken to be %s",
                   drive->path, class, reader->efi ? "SCSI" : "IDE");
  }
}

static int by_place(const void *a, const void *b)
{
  const struct hyperv_drive *one = a, *other = b;

  if (one->bus != other->bus)
    return one->bus < other->bus ? -1 : 1;
  if (one->controller != other->controller)
    return one->controller < other->controller ? -1 : 1;
  if (one->twin != other->twin)
    return one->twin ? 1 : -1;
  return one->unit == other->unit ? strcmp(one->path, other->path)
                                  : (one->unit < other->unit ? -1 : 1);
}

/* Vagrant gives a CD drive the number of the first disk: it gets the next place that is free. The
 * list is sorted, twins behind the others. */
static void move_twins(struct hyperv_drives *drives)
{
  for (size_t i = 0; i < drives->count; i++) {
    struct hyperv_drive *drive = &drives->list[i];
    const struct hyperv_drive *before = i > 0 ? drive - 1 : NULL;
    if (drive->twin && before && before->bus == drive->bus &&
        before->controller == drive->controller)
      drive->unit = before->unit + 1;
  }
}

static enum vmf_code collect(struct hyperv_reader *reader, struct hyperv_drives *drives,
                             struct vmf_error *error)
{
  for (size_t i = 0; i < reader->tree.count; i++) {
    struct hyperv_drive drive = {.path = reader->tree.sorted[i]->path};
    size_t owner;
    if (reader->tree.sorted[i]->value || !is_drive(drive.path, &drive, &owner))
      continue;
    if (drives->count == VMF_MACHINE_DEVICES)
      return vmf_fail(error, VMF_LIMIT, "%s: more than %d drives", reader->source->name,
                      VMF_MACHINE_DEVICES);
    find_bus(reader, owner, &drive);
    VMF_TRY(VMF_LIST_ROOM(drives->list, drives->count, drives->room, "drives", error));
    drives->list[drives->count++] = drive;
  }
  if (drives->count > 0)
    qsort(drives->list, drives->count, sizeof *drives->list, by_place);
  move_twins(drives);
  return VMF_OK;
}

/* ---- what a drive is ---- */

static enum vmf_code add_controller(struct hyperv_reader *reader, const struct hyperv_drive *drive,
                                    unsigned line, struct vmf_error *error)
{
  struct vmf_machine_controller *controller;
  const char *model = drive->bus == VMF_BUS_SCSI  ? "hyperv"
                      : drive->bus == VMF_BUS_IDE ? "piix4"
                                                  : NULL;

  if (vmf_machine_controller(reader->machine, drive->bus, drive->controller))
    return VMF_OK;
  VMF_TRY(vmf_machine_add_controller(reader->machine, &controller, error));
  controller->bus = vmf_told(drive->bus, line);
  controller->index = vmf_told(drive->controller, line);
  return vmf_machine_text(reader->machine, model, line, &controller->model, error);
}

static enum vmf_code add_drive(struct hyperv_reader *reader, const struct hyperv_drive *drive,
                               enum vmf_medium medium, unsigned line,
                               struct vmf_machine_disk **disk, struct vmf_error *error)
{
  VMF_TRY(add_controller(reader, drive, line, error));
  VMF_TRY(vmf_machine_add_disk(reader->machine, disk, error));
  (*disk)->medium = vmf_told(medium, line);
  (*disk)->bus = vmf_told(drive->bus, line);
  (*disk)->controller = vmf_told(drive->controller, line);
  (*disk)->unit = vmf_told(drive->unit, line);
  return VMF_OK;
}

/* A disk of the host, or something that is not known: what it holds is told as being elsewhere. */
static enum vmf_code add_other(struct hyperv_reader *reader, const struct hyperv_drive *drive,
                               const struct hyperv_key *type, const struct hyperv_key *file,
                               struct vmf_error *error)
{
  struct vmf_machine_disk *disk;

  VMF_TRY(add_drive(reader, drive, VMF_MEDIUM_LUN, type->line, &disk, error));
  hyperv_odd(reader, type, "hyperv-drive",
             "%s is a drive of the type \"%.40s\", whose content is "
             "no file that could be read: known are VHD, ISO, VFD and NONE",
             drive->path, type->value);
  return vmf_machine_format_text(reader->machine, type->line, &disk->elsewhere, error, "%s %s",
                                 type->value, file ? file->value : "");
}

static enum vmf_code read_drive(struct hyperv_reader *reader, const struct hyperv_drive *drive,
                                struct vmf_error *error)
{
  const struct hyperv_key *type = hyperv_take(reader, "%s/type", drive->path);
  const struct hyperv_key *file = hyperv_take(reader, "%s/pathname", drive->path);
  const char *word = type ? type->value : file && *file->value ? "VHD" : "NONE";
  bool cdrom = vmf_text_equal_nocase(word, "ISO"), floppy = vmf_text_equal_nocase(word, "VFD");
  bool named = file && *file->value;
  struct vmf_machine_disk *disk;

  if (vmf_text_equal_nocase(word, "NONE") || (floppy && !named))
    return VMF_OK; /* a place without a drive; each machine has one for floppy disks */
  if (!cdrom && !floppy && !vmf_text_equal_nocase(word, "VHD"))
    return add_other(reader, drive, type, file, error);
  if (!named && !cdrom) {
    hyperv_odd(reader, type, "hyperv-drive", "%s has no disk: it is left out", drive->path);
    return VMF_OK;
  }
  VMF_TRY(add_drive(reader, drive,
                    cdrom    ? VMF_MEDIUM_CDROM
                    : floppy ? VMF_MEDIUM_FLOPPY
                             : VMF_MEDIUM_DISK,
                    file ? file->line : type->line, &disk, error));
  return hyperv_text(reader, file, &disk->image, error);
}

/* ---- serial ports ---- */

/* Each machine has two; one that leads nowhere is not told. */
static enum vmf_code read_ports(struct hyperv_reader *reader, struct vmf_error *error)
{
  const struct hyperv_device *device = hyperv_device_of(reader, HYPERV_SERIAL);

  for (unsigned i = 0; device && i < 4; i++) {
    const struct hyperv_key *key = hyperv_take(reader, "%s/port%u/connection", device->node, i);
    struct vmf_machine_port *port;
    if (!key || !*key->value)
      continue;
    VMF_TRY(vmf_machine_add_port(reader->machine, &port, error));
    port->parallel = vmf_told(0, key->line);
    port->backend = vmf_told(VMF_BACKEND_PIPE, key->line);
    VMF_TRY(hyperv_text(reader, key, &port->path, error));
  }
  return VMF_OK;
}

enum vmf_code hyperv_read_drives(struct hyperv_reader *reader, struct vmf_error *error)
{
  struct hyperv_drives drives = {0};
  enum vmf_code code = collect(reader, &drives, error);

  for (size_t i = 0; code == VMF_OK && i < drives.count; i++)
    code = read_drive(reader, &drives.list[i], error);
  vmf_free(drives.list);
  return code == VMF_OK ? read_ports(reader, error) : code;
}

/* ---- network cards ---- */

static enum vmf_code read_network(struct hyperv_reader *reader, const struct hyperv_key *network,
                                  struct hyperv_key *connected, struct vmf_machine_nic *nic,
                                  struct vmf_error *error)
{
  unsigned line = network ? network->line : 0;
  bool named = network && *network->value;

  hyperv_flag(reader, connected, &nic->connected);
  nic->attach = vmf_told(named ? VMF_ATTACH_BRIDGE : VMF_ATTACH_NONE, line);
  return hyperv_text(reader, network, &nic->network, error);
}

/* "00-00-00-00-00-00" is given when the machine starts. */
static enum vmf_code read_address(struct hyperv_reader *reader, const char *node,
                                  struct vmf_machine_nic *nic, struct vmf_error *error)
{
  const struct hyperv_key *address = hyperv_take(reader, "%s/MacAddress", node);
  struct vmf_told_number fixed = {0};

  hyperv_flag(reader, hyperv_take(reader, "%s/MacAddressIsStatic", node), &fixed);
  if (!address || !*address->value)
    return VMF_OK;
  if (vmf_machine_set_mac(reader->machine, address->path, address->value, address->line, nic,
                          error) != VMF_OK)
    return vmf_while(error, "%s:%u", reader->source->name, address->line);
  if (nic->mac.text && fixed.told)
    nic->mac_origin = vmf_told(fixed.value ? VMF_MAC_STATIC : VMF_MAC_GENERATED, fixed.line);
  return VMF_OK;
}

/* The card for every guest, or the one that Hyper-V emulates, a DEC 21140. */
static enum vmf_code read_card(struct hyperv_reader *reader, const struct hyperv_device *device,
                               struct vmf_error *error)
{
  bool usual = vmf_text_equal_nocase(device->class, HYPERV_NIC);
  const char *node = device->node;
  struct vmf_machine_nic *nic;

  VMF_TRY(vmf_machine_add_nic(reader->machine, &nic, error));
  VMF_TRY(vmf_machine_text(reader->machine, usual ? "netvsc" : "dec21140", 0, &nic->model, error));
  VMF_TRY(read_address(reader, node, nic, error));
  return read_network(reader, hyperv_take(reader, "%s/Connection/AltSwitchName", node),
                      hyperv_take(reader, "%s/IsConnected", node), nic, error);
}

static bool is_card(const struct hyperv_reader *reader, const struct hyperv_device *device)
{
  char path[300];

  if (vmf_text_equal_nocase(device->class, HYPERV_NIC))
    return true;
  snprintf(path, sizeof path, "%s/MacAddress", device->node);
  return hyperv_find(&reader->tree, path) != NULL;
}

enum vmf_code hyperv_read_cards(struct hyperv_reader *reader, struct vmf_error *error)
{
  const struct hyperv_key *network = hyperv_take(reader, "AltSwitchName");
  struct vmf_machine_nic *nic;

  for (size_t i = 0; i < reader->device_count; i++)
    if (is_card(reader, &reader->devices[i]))
      VMF_TRY(read_card(reader, &reader->devices[i], error));
  if (!network) /* the short form has one card, and of that only this */
    return VMF_OK;
  VMF_TRY(vmf_machine_add_nic(reader->machine, &nic, error));
  VMF_TRY(vmf_machine_text(reader->machine, "netvsc", network->line, &nic->model, error));
  return read_network(reader, network, NULL, nic, error);
}
