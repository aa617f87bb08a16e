/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <StorageControllers>: the controllers, and what is attached to them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vbox_hardware.h"

enum { CHANNELS = 2, CHANNEL_DISKS = 2, PORTS = 65535 };

static const struct vmf_vendor_word media[] = {{"HardDisk", VMF_MEDIUM_DISK},
                                               {"DVD", VMF_MEDIUM_CDROM},
                                               {"Floppy", VMF_MEDIUM_FLOPPY},
                                               {NULL, 0}};

/* A controller while its drives are read. */
struct controller {
  const xmlNode *element;
  const struct vmf_vbox_controller *kind;
  uint64_t index; /* on its bus; of IDE, that of its first channel */
};

/* ---- drives ---- */

static enum vmf_code read_place(const struct vmf_taking *taking,
                                const struct controller *controller, const xmlNode *element,
                                struct vmf_machine_disk *disk, struct vmf_error *error)
{
  bool ide = controller->kind->bus == VMF_BUS_IDE;
  bool floppy = controller->kind->bus == VMF_BUS_FLOPPY;
  unsigned line = vmf_xml_line(element);
  struct vmf_told_number port, device;

  VMF_TRY(vmf_taking_number(taking, element, "port", PORTS, &port, error));
  VMF_TRY(vmf_taking_number(taking, element, "device", PORTS, &device, error));
  if (port.value >= (floppy ? 1 : controller->kind->places) ||
      device.value >= (ide || floppy ? CHANNEL_DISKS : 1))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: an <AttachedDevice> is at port %" PRIu64 ", device %" PRIu64
                    " of a controller of type %s, which has no such place",
                    taking->name, line, port.value, device.value, controller->kind->type);
  disk->bus = vmf_told(controller->kind->bus, line);
  disk->controller = vmf_told(controller->index + (ide ? port.value : 0), line);
  disk->unit = vmf_told(ide || floppy ? device.value : port.value, line);
  return vmf_taking_label(taking, element, error, "AttachedDevice[%" PRIu64 ".%" PRIu64 "]",
                          port.value, device.value);
}

/* <Image uuid="{...}"/>, a drive of the host, or nothing. */
static enum vmf_code read_content(const struct vmf_vbox_reading *reading, const xmlNode *element,
                                  struct vmf_machine_disk *disk, struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;
  const xmlNode *image = vmf_vbox_child(element, "Image");
  const xmlNode *drive = vmf_vbox_child(element, "HostDrive");
  struct vmf_told_text uuid, src;

  vmf_taking_take(taking, image);
  VMF_TRY(vmf_taking_attribute(taking, image, "uuid", &uuid, error));
  if (uuid.text)
    return reading->find_image ? reading->find_image(reading->data, &uuid, disk, error) : VMF_OK;
  if (disk->medium.value == VMF_MEDIUM_DISK)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: an <AttachedDevice> of type HardDisk has no image",
                    taking->name, vmf_xml_line(element));
  vmf_taking_take(taking, drive);
  VMF_TRY(vmf_taking_attribute(taking, drive, "src", &src, error));
  return src.text ? vmf_machine_format_text(taking->machine, src.line, &disk->elsewhere, error,
                                            "device %s", src.text)
                  : VMF_OK;
}

/* Two drives in one place. */
static void look_for_twin(const struct vmf_taking *taking, const struct vmf_machine_disk *disk)
{
  for (const struct vmf_machine_disk *other = taking->machine->disks; other < disk; other++)
    if (other->bus.value == disk->bus.value && other->controller.value == disk->controller.value &&
        other->unit.value == disk->unit.value) {
      vmf_report_add(taking->report, VMF_SEVERITY_WARNING, "vbox-place-twice", taking->name,
                     disk->medium.line, "the drive is in the place of that on line %u",
                     other->medium.line);
      return;
    }
}

static enum vmf_code read_drive(const struct vmf_vbox_reading *reading,
                                const struct controller *controller, const xmlNode *element,
                                struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;
  struct vmf_told_number medium;
  struct vmf_machine_disk *disk;

  VMF_TRY(vmf_taking_word(taking, element, "type", media, &medium, error));
  if (!medium.told)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: an <AttachedDevice> is neither of type HardDisk, nor DVD, nor Floppy",
                    taking->name, vmf_xml_line(element));
  vmf_taking_take(taking, element);
  VMF_TRY(vmf_machine_add_disk(taking->machine, &disk, error));
  disk->medium = medium;
  VMF_TRY(read_place(taking, controller, element, disk, error));
  VMF_TRY(vmf_taking_word(taking, element, "nonrotational", vmf_vbox_flags, &disk->ssd, error));
  VMF_TRY(vmf_taking_word(taking, element, "discard", vmf_vbox_flags, &disk->discard, error));
  look_for_twin(taking, disk);
  return read_content(reading, element, disk, error);
}

/* ---- controllers ---- */

/* Those of its bus that came before. */
static uint64_t next_index(const struct vmf_machine *machine, enum vmf_bus bus)
{
  uint64_t count = 0;

  for (size_t i = 0; i < machine->controller_count; i++)
    count += machine->controllers[i].bus.value == bus;
  return count;
}

/* An IDE controller has two channels, which are controllers of the machine. */
static enum vmf_code add_controllers(const struct vmf_taking *taking,
                                     const struct controller *controller, struct vmf_error *error)
{
  const struct vmf_vbox_controller *kind = controller->kind;
  unsigned line = vmf_xml_line(controller->element);
  bool ide = kind->bus == VMF_BUS_IDE;

  for (unsigned channel = 0; channel < (ide ? CHANNELS : 1); channel++) {
    struct vmf_machine_controller *added;
    VMF_TRY(vmf_machine_add_controller(taking->machine, &added, error));
    added->bus = vmf_told(kind->bus, line);
    added->index = vmf_told(controller->index + channel, line);
    VMF_TRY(vmf_machine_text(taking->machine, kind->model, line, &added->model, error));
    if (ide || kind->bus == VMF_BUS_FLOPPY)
      vmf_taking_mark(taking, controller->element, "PortCount");
    else
      VMF_TRY(
          vmf_vbox_number(taking, controller->element, "PortCount", PORTS, &added->ports, error));
  }
  return VMF_OK;
}

static enum vmf_code find_kind(const struct vmf_taking *taking, const xmlNode *element,
                               const struct vmf_vbox_controller **kind, struct vmf_error *error)
{
  struct vmf_told_text type;

  VMF_TRY(vmf_taking_attribute(taking, element, "type", &type, error));
  *kind = vmf_vbox_controllers;
  while ((*kind)->type && (!type.text || strcmp((*kind)->type, type.text) != 0))
    ++*kind;
  if ((*kind)->type)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s:%u: a storage controller of type \"%.40s\", which is not known here",
                  taking->name, vmf_xml_line(element), type.text ? type.text : "");
}

static enum vmf_code read_controller(const struct vmf_vbox_reading *reading, const xmlNode *element,
                                     struct vmf_error *error)
{
  static const char *const buses[VMF_BUSES] = {
      [VMF_BUS_IDE] = "ide",   [VMF_BUS_SATA] = "sata", [VMF_BUS_SCSI] = "scsi",
      [VMF_BUS_NVME] = "nvme", [VMF_BUS_USB] = "usb",   [VMF_BUS_FLOPPY] = "floppy"};
  const struct vmf_taking *taking = &reading->taking;
  struct controller controller = {.element = element};

  vmf_taking_take(taking, element);
  VMF_TRY(find_kind(taking, element, &controller.kind, error));
  controller.index = next_index(taking->machine, controller.kind->bus);
  VMF_TRY(vmf_taking_label(taking, element, error, "StorageController[%s %" PRIu64 "]",
                           buses[controller.kind->bus], controller.index));
  VMF_TRY(add_controllers(taking, &controller, error));
  for (const xmlNode *drive = vmf_vbox_child(element, "AttachedDevice"); drive;
       drive = vmf_vbox_next(drive))
    VMF_TRY(read_drive(reading, &controller, drive, error));
  return VMF_OK;
}

enum vmf_code vmf_vbox_read_storage(const struct vmf_vbox_reading *reading, const xmlNode *holder,
                                    const xmlNode *hardware, struct vmf_error *error)
{
  const xmlNode *const places[] = {vmf_vbox_child(holder, "StorageControllers"),
                                   vmf_vbox_child(hardware, "StorageControllers")};

  if (places[0]) /* extras are called alike, wherever it stands */
    VMF_TRY(vmf_taking_label(&reading->taking, places[0], error, "Hardware/StorageControllers"));
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    vmf_taking_take(&reading->taking, places[i]);
    for (const xmlNode *element = vmf_vbox_child(places[i], "StorageController"); element;
         element = vmf_vbox_next(element))
      VMF_TRY(read_controller(reading, element, error));
  }
  return VMF_OK;
}
