/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <disk>: where its content is, what the guest sees of it, and where it is
 * attached. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reading.h"

enum { UNITS = 16384 };

/* ---- the image ---- */

/* The first attributes of <source> that say where a content is that is no file.
 */
static enum vmf_code describe_elsewhere(const struct vmf_taking *reading, const xmlNode *source,
                                        const char *type, struct vmf_machine_disk *disk,
                                        struct vmf_error *error)
{
  static const char *const names[] = {"protocol", "pool", "name", "volume", "dir",
                                      "socket",   "path", "file", "dev",    NULL};
  struct vmf_told_text text;
  char place[256];
  int used = snprintf(place, sizeof place, "%s", type);

  for (const char *const *name = names; *name; name++) {
    VMF_TRY(vmf_taking_peek(reading, source, *name, &text, error));
    if (text.text && used > 0 && (size_t)used < sizeof place)
      used += snprintf(place + used, sizeof place - (size_t)used, " %s", text.text);
  }
  VMF_TRY(vmf_machine_text(reading->machine, place, vmf_xml_line(source), &disk->elsewhere, error));
  vmf_report_add(reading->report, VMF_SEVERITY_LOSS, "disk-elsewhere", reading->name,
                 vmf_xml_line(source), "the content of a disk is not in a file here: %s", place);
  return VMF_OK;
}

/* What is in the file is no disk without a secret of the host. */
static const xmlNode *encryption_of(const xmlNode *element, const xmlNode *source)
{
  const xmlNode *encryption = libvirt_child(element, "encryption");

  return encryption ? encryption : libvirt_child(source, "encryption");
}

/* Its secret is one of the host's, which knows it by a UUID, or by what it is for. */
static enum vmf_code describe_encrypted(const struct vmf_taking *reading, const xmlNode *source,
                                        const xmlNode *encryption, struct vmf_machine_disk *disk,
                                        struct vmf_error *error)
{
  const xmlNode *secret = libvirt_child(encryption, "secret");
  struct vmf_told_text name;
  char type[128] = "encrypted";

  VMF_TRY(vmf_taking_peek(reading, secret, "uuid", &name, error));
  if (!name.text)
    VMF_TRY(vmf_taking_peek(reading, secret, "usage", &name, error));
  if (name.text)
    snprintf(type, sizeof type, "encrypted by the secret %.100s:", name.text);
  return describe_elsewhere(reading, source, type, disk, error);
}

/* The attribute of <source> that names a path; NULL: this type has none that
 * can be opened. */
static const char *path_attribute(const char *type)
{
  return strcmp(type, "file") == 0 ? "file" : strcmp(type, "block") == 0 ? "dev" : NULL;
}

static bool needs_source(const char *type)
{
  return strcmp(type, "network") == 0 || strcmp(type, "nvme") == 0 ||
         strcmp(type, "vhostuser") == 0;
}

static enum vmf_code read_image(const struct vmf_taking *reading, const xmlNode *element,
                                struct vmf_machine_disk *disk, struct vmf_error *error)
{
  const xmlNode *source = libvirt_child(element, "source");
  const xmlNode *encryption = encryption_of(element, source);
  struct vmf_told_text type;

  if (libvirt_child(encryption, "cipher"))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: <encryption> has a <cipher>, which libvirt takes of a volume that it "
                    "makes, and of no machine's disk",
                    reading->name, vmf_xml_line(encryption));
  VMF_TRY(vmf_taking_peek(reading, element, "type", &type, error));
  if (!type.text)
    VMF_TRY(vmf_machine_text(reading->machine, "file", 0, &type, error));
  const char *path = path_attribute(type.text);
  if (!source && needs_source(type.text))
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: a <disk> of type '%.20s' has no <source>",
                    reading->name, vmf_xml_line(element), type.text);
  if (!path)
    return source ? describe_elsewhere(reading, source, type.text, disk, error) : VMF_OK;
  if (libvirt_child(source, "slices")) /* a part of a file: the whole would be wrong */
    return describe_elsewhere(reading, source, "slice of", disk, error);
  if (source && encryption)
    return describe_encrypted(reading, source, encryption, disk, error);
  vmf_taking_mark(reading, element, "type");
  VMF_TRY(vmf_taking_attribute(reading, source, path, &disk->image, error));
  if (disk->image.text && disk->image.text[0] == '\0')
    disk->image = (struct vmf_told_text){0};
  return VMF_OK;
}

/* Without a type libvirt takes the image as raw, whatever it holds: a guest
 * could write a header that leads elsewhere. */
static enum vmf_code read_format(const struct vmf_taking *reading, const xmlNode *element,
                                 struct vmf_machine_disk *disk, struct vmf_error *error)
{
  const xmlNode *driver = libvirt_child(element, "driver");
  struct vmf_told_text name;

  vmf_taking_take(reading, driver);
  VMF_TRY(
      vmf_taking_name(reading, driver, "type", libvirt_disk_formats, &disk->image_format, error));
  if (disk->image.text && !disk->image_format.text)
    VMF_TRY(vmf_machine_text(reading->machine, "raw", 0, &disk->image_format, error));
  VMF_TRY(vmf_taking_peek(reading, driver, "name", &name, error));
  if (name.text && strcmp(name.text, "qemu") == 0)
    vmf_taking_mark(reading, driver, "name");
  VMF_TRY(vmf_taking_peek(reading, driver, "cache", &disk->cache, error));
  if (disk->cache.text && strcmp(disk->cache.text, "default") == 0)
    disk->cache = (struct vmf_told_text){0};
  else
    vmf_taking_mark(reading, driver, "cache");
  return vmf_taking_word(reading, driver, "discard", libvirt_discards, &disk->discard, error);
}

/* ---- where it is attached ---- */

/* By the name of the target where no bus is said, as libvirt does. */
static uint64_t bus_of_name(const char *name)
{
  static const struct {
    const char *start;
    enum vmf_bus bus;
  } starts[] = {{"hd", VMF_BUS_IDE},
                {"sd", VMF_BUS_SCSI},
                {"vd", VMF_BUS_VIRTIO},
                {"fd", VMF_BUS_FLOPPY},
                {"xvd", VMF_BUS_XEN}};

  for (size_t i = 0; name && i < sizeof starts / sizeof *starts; i++)
    if (strncmp(name, starts[i].start, strlen(starts[i].start)) == 0)
      return starts[i].bus;
  return VMF_BUS_IDE;
}

static enum vmf_code read_bus(const struct vmf_taking *reading, const xmlNode *element,
                              struct vmf_machine_disk *disk, struct vmf_error *error)
{
  const xmlNode *target = libvirt_child(element, "target");
  struct vmf_told_text bus, name, rotation;

  vmf_taking_take(reading, target);
  VMF_TRY(vmf_taking_peek(reading, target, "bus", &bus, error));
  VMF_TRY(vmf_taking_peek(reading, target, "dev", &name, error));
  VMF_TRY(vmf_taking_word(reading, target, "bus", libvirt_buses, &disk->bus, error));
  if (!disk->bus.told && bus.text) {
    disk->bus = vmf_told(VMF_BUS_USB, bus.line);
    vmf_report_add(reading->report, VMF_SEVERITY_WARNING, "libvirt-bus", reading->name, bus.line,
                   "a disk is on the bus \"%.20s\", which only libvirt has; taken as USB",
                   bus.text);
  } else if (!disk->bus.told) {
    disk->bus =
        vmf_told(disk->medium.value == VMF_MEDIUM_FLOPPY ? VMF_BUS_FLOPPY : bus_of_name(name.text),
                 name.line);
  }
  VMF_TRY(vmf_taking_peek(reading, target, "rotation_rate", &rotation, error));
  if (rotation.text && strcmp(rotation.text, "1") == 0) {
    vmf_taking_mark(reading, target, "rotation_rate");
    disk->ssd = vmf_told(1, rotation.line);
  }
  return VMF_OK;
}

/* A part of <address type='drive'>; libvirt takes 0 where it is not said. */
static enum vmf_code read_coordinate(const struct vmf_taking *reading, const xmlNode *address,
                                     const char *name, uint64_t *coordinate,
                                     struct vmf_error *error)
{
  struct vmf_told_text text;
  struct vmf_told_number number;
  char what[40];

  snprintf(what, sizeof what, "%s of <address>", name);
  VMF_TRY(vmf_taking_peek(reading, address, name, &text, error));
  VMF_TRY(vmf_taking_parse(reading, &text, what, UNITS, &number, error));
  *coordinate = number.value;
  return VMF_OK;
}

/* The place on the controller: an IDE controller has two buses of two, a SCSI
 * controller targets of one disk each or one target of many. What the place
 * does not say stays an extra. */
static enum vmf_code read_place(const struct vmf_taking *reading, const xmlNode *address,
                                struct vmf_machine_disk *disk, struct vmf_error *error)
{
  uint64_t bus, target, unit;

  VMF_TRY(read_coordinate(reading, address, "bus", &bus, error));
  VMF_TRY(read_coordinate(reading, address, "target", &target, error));
  VMF_TRY(read_coordinate(reading, address, "unit", &unit, error));
  bool ide = disk->bus.value == VMF_BUS_IDE;
  bool by_target = libvirt_by_target(reading->machine, disk);
  if (ide || bus == 0)
    vmf_taking_mark(reading, address, "bus");
  if ((by_target ? unit : target) == 0) {
    vmf_taking_mark(reading, address, "target");
    vmf_taking_mark(reading, address, "unit");
  }
  disk->unit = vmf_told((ide ? 2 * bus : 0) + target + unit, vmf_xml_line(address));
  return VMF_OK;
}

static enum vmf_code read_address(const struct vmf_taking *reading, const xmlNode *element,
                                  struct vmf_machine_disk *disk, struct vmf_error *error)
{
  const xmlNode *address = libvirt_child(element, "address");
  struct vmf_told_text type;

  VMF_TRY(vmf_taking_peek(reading, address, "type", &type, error));
  if (!type.text || strcmp(type.text, "drive") != 0)
    return VMF_OK;
  vmf_taking_take(reading, address);
  vmf_taking_mark(reading, address, "type");
  VMF_TRY(vmf_taking_number(reading, address, "controller", UNITS, &disk->controller, error));
  return read_place(reading, address, disk, error);
}

/* ---- the rest ---- */

static void read_present(const struct vmf_taking *reading, const xmlNode *element, const char *name,
                         struct vmf_told_number *flag)
{
  const xmlNode *child = libvirt_child(element, name);

  if (!child)
    return;
  vmf_taking_take(reading, child);
  *flag = vmf_told(1, vmf_xml_line(child));
}

static enum vmf_code read_state(const struct vmf_taking *reading, const xmlNode *element,
                                struct vmf_machine_disk *disk, struct vmf_error *error)
{
  const xmlNode *backing = libvirt_child(element, "backingStore");
  struct vmf_told_number transient = {0};

  if (backing && !backing->children)
    vmf_taking_take(reading, backing); /* <backingStore/>: the chain ends here */
  read_present(reading, element, "readonly", &disk->read_only);
  read_present(reading, element, "shareable", &disk->shared);
  read_present(reading, element, "transient", &transient);
  if (transient.told)
    disk->mode = vmf_told(VMF_MODE_TRANSIENT, transient.line);
  VMF_TRY(vmf_taking_text(reading, libvirt_child(element, "serial"), &disk->serial, error));
  VMF_TRY(vmf_taking_text(reading, libvirt_child(element, "wwn"), &disk->wwn, error));
  return vmf_taking_number(reading, libvirt_child(element, "boot"), "order", LIBVIRT_ORDER,
                           &disk->boot, error);
}

static enum vmf_code read_disk(const struct vmf_taking *reading, const xmlNode *element,
                               struct vmf_error *error)
{
  struct vmf_machine_disk *disk;
  struct vmf_told_text device;

  VMF_TRY(vmf_taking_label(reading, element, error, "disk[%zu]", reading->machine->disk_count));
  VMF_TRY(vmf_machine_add_disk(reading->machine, &disk, error));
  vmf_taking_take(reading, element);
  VMF_TRY(vmf_taking_peek(reading, element, "device", &device, error));
  VMF_TRY(vmf_taking_word(reading, element, "device", libvirt_media, &disk->medium, error));
  if (device.text && !disk->medium.told)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: a <disk> has the device '%.20s': accepted are "
                    "disk, cdrom, floppy, lun",
                    reading->name, device.line, device.text);
  if (!disk->medium.told)
    disk->medium = vmf_told(VMF_MEDIUM_DISK, vmf_xml_line(element));
  VMF_TRY(read_image(reading, element, disk, error));
  VMF_TRY(read_format(reading, element, disk, error));
  VMF_TRY(read_bus(reading, element, disk, error));
  VMF_TRY(read_address(reading, element, disk, error));
  return read_state(reading, element, disk, error);
}

enum vmf_code libvirt_read_disks(const struct vmf_taking *reading, const xmlNode *devices,
                                 struct vmf_error *error)
{
  for (const xmlNode *disk = libvirt_child(devices, "disk"); disk; disk = libvirt_next(disk))
    VMF_TRY(read_disk(reading, disk, error));
  return VMF_OK;
}
