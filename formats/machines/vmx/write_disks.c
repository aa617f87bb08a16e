/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Controllers and drives into a .vmx. */
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "vmx_writer.h"

/* ---- controllers ---- */

static bool is_used(const struct vmx_writer *writer, const struct vmx_bus *bus, unsigned index)
{
  for (size_t i = 0; i < writer->machine->disk_count; i++) {
    const struct vmx_seat *seat = &writer->seats[i];
    if (!seat->left_out && seat->bus == bus && seat->controller == index)
      return true;
  }
  return vmf_machine_controller(writer->machine, bus->bus, index) != NULL;
}

/* The index in the machine's list, for messages. */
static size_t index_of(const struct vmx_writer *writer,
                       const struct vmf_machine_controller *controller)
{
  return (size_t)(controller - writer->machine->controllers);
}

/* The same where VMware has it; else what guests most likely have a driver for. */
static const char *scsi_model(const struct vmx_writer *writer,
                              const struct vmf_machine_controller *controller)
{
  const struct vmf_machine *machine = writer->machine;
  const char *fallback = vmx_guest_scsi(machine);
  bool narrow = machine->arch.told && machine->arch.value == VMF_ARCH_I686;
  const char *why = strcmp(fallback, "lsisas1068") == 0
                        ? "VMware has no such controller: the guest needs the driver LSI_SAS"
                        : "VMware has no such controller: the guest needs the driver mptspi";

  if (!controller || !controller->model.text)
    return fallback;
  for (const char *const *known = vmx_scsi_models; *known; known++)
    if (strcmp(*known, controller->model.text) == 0 &&
        (narrow || strcmp(*known, "buslogic") != 0 || writer->from_vmware))
      return *known;
  vmx_lose(writer, BOOT, "L-controller", why, "controllers[%zu].model",
           index_of(writer, controller));
  return fallback;
}

static enum vmf_code write_controller(struct vmx_writer *writer, const struct vmx_bus *bus,
                                      unsigned index, struct vmf_error *error)
{
  const struct vmf_machine_controller *controller =
      vmf_machine_controller(writer->machine, bus->bus, index);

  VMF_TRY(vmx_put_flag(writer, error, true, "%s%u.present", bus->name, index));
  if (bus->bus == VMF_BUS_SCSI)
    VMF_TRY(vmx_put(writer, error, scsi_model(writer, controller), "scsi%u.virtualDev", index));
  else if (controller && controller->model.text && bus->model &&
           strcmp(controller->model.text, bus->model) != 0)
    vmx_lose(writer, COSMETIC, "L-controller", "VMware's is like it, and has the same driver",
             "controllers[%zu].model", index_of(writer, controller));
  if (controller && controller->shared.told)
    VMF_TRY(vmx_put_kept(writer, error, controller->shared.value ? "virtual" : "none",
                         "%s%u.sharedBus", bus->name, index));
  return VMF_OK;
}

/* Those of the machine that VMware does not have. */
static void tell_controllers(const struct vmx_writer *writer)
{
  for (size_t i = 0; i < writer->machine->controller_count; i++) {
    const struct vmf_machine_controller *controller = &writer->machine->controllers[i];
    const struct vmx_bus *bus = vmx_buses;
    while (bus->name && bus->bus != controller->bus.value)
      bus++;
    if (bus->name && controller->index.value < bus->controllers) {
      if (bus->implied && controller->model.text)
        vmx_lose(writer, COSMETIC, "L-controller", "VMware has one kind of it",
                 "controllers[%zu].model", i);
      continue;
    }
    vmx_lose(writer, COSMETIC, "L-controller", "VMware has no such controller", "controllers[%zu]",
             i);
  }
}

/* ---- drives ---- */

static enum vmf_code write_medium(struct vmx_writer *writer, size_t index, const char *prefix,
                                  struct vmf_error *error)
{
  const struct vmf_machine_target_disk *target = &writer->target->disks[index];
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  const struct vmx_bus *bus = writer->seats[index].bus;

  if (disk->medium.value == VMF_MEDIUM_CDROM && !target->name) {
    if (disk->image.text)
      vmx_lose(writer, BEHAVIOUR, "L-cdrom-media", "the image of the CD is not taken along",
               "disks[%zu].image", index);
    VMF_TRY(vmx_put_kept(writer, error, "cdrom-raw", "%s.deviceType", prefix));
    VMF_TRY(vmx_put_kept(writer, error, "TRUE", "%s.clientDevice", prefix));
    return vmx_put_kept(writer, error, "emptyBackingString", "%s.fileName", prefix);
  }
  if (!target->name) { /* a device of the host, by what was kept of it */
    VMF_TRY(vmx_put_kept(writer, error, "scsi-passthru", "%s.deviceType", prefix));
    return vmx_put_kept(writer, error, "", "%s.fileName", prefix);
  }
  if (disk->medium.value == VMF_MEDIUM_LUN)
    vmx_lose(writer, BEHAVIOUR, "L-rdm", "a device of a host becomes a disk in a file",
             "disks[%zu].medium", index);
  if (disk->medium.value == VMF_MEDIUM_CDROM)
    VMF_TRY(vmx_put(writer, error, "cdrom-image", "%s.deviceType", prefix));
  else if (bus->bus == VMF_BUS_SCSI)
    VMF_TRY(vmx_put(writer, error, "scsi-hardDisk", "%s.deviceType", prefix));
  else if (bus->bus == VMF_BUS_IDE)
    VMF_TRY(vmx_put(writer, error, "ata-hardDisk", "%s.deviceType", prefix));
  return vmx_put(writer, error, target->name, "%s.fileName", prefix);
}

static enum vmf_code write_details(struct vmx_writer *writer, size_t index, const char *prefix,
                                   struct vmf_error *error)
{
  static const char *const modes[] = {[VMF_MODE_PERSISTENT] = "persistent",
                                      [VMF_MODE_INDEPENDENT] = "independent-persistent",
                                      [VMF_MODE_TRANSIENT] = "independent-nonpersistent"};
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];

  if (disk->mode.told && disk->mode.value < sizeof modes / sizeof modes[0])
    VMF_TRY(vmx_put(writer, error, modes[disk->mode.value], "%s.mode", prefix));
  if (disk->cache.text && (strcmp(disk->cache.text, "writethrough") == 0 ||
                           strcmp(disk->cache.text, "directsync") == 0))
    VMF_TRY(vmx_put_flag(writer, error, true, "%s.writeThrough", prefix));
  if (disk->shared.told && disk->shared.value)
    VMF_TRY(vmx_put(writer, error, "multi-writer", "%s.sharing", prefix));
  if (disk->ssd.told)
    VMF_TRY(vmx_put_number(writer, error, disk->ssd.value != 0, "%s.virtualSSD", prefix));
  if (disk->read_only.told && disk->read_only.value && disk->medium.value == VMF_MEDIUM_CDROM)
    vmx_lose(writer, NONE, "L-disk-mode", "a CD is never written", "disks[%zu].read-only", index);
  return vmx_put_told_flag(writer, error, disk->connected, "%s.startConnected", prefix);
}

static enum vmf_code write_drive(struct vmx_writer *writer, size_t index, struct vmf_error *error)
{
  const struct vmx_seat *seat = &writer->seats[index];
  char prefix[32];

  snprintf(prefix, sizeof prefix, "%s%u:%u", seat->bus->name, seat->controller, seat->unit);
  VMF_TRY(vmx_put_flag(writer, error, true, "%s.present", prefix));
  VMF_TRY(write_medium(writer, index, prefix, error));
  return write_details(writer, index, prefix, error);
}

static enum vmf_code write_floppy(struct vmx_writer *writer, size_t index, struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  const char *image = writer->target->disks[index].name;
  unsigned unit = writer->seats[index].unit;

  VMF_TRY(vmx_put_flag(writer, error, true, "floppy%u.present", unit));
  if (image) {
    VMF_TRY(vmx_put(writer, error, "file", "floppy%u.fileType", unit));
    VMF_TRY(vmx_put(writer, error, image, "floppy%u.fileName", unit));
  } else {
    if (disk->image.text)
      vmx_lose(writer, BEHAVIOUR, "L-floppy", "the image of the floppy is not taken along",
               "disks[%zu].image", index);
    VMF_TRY(vmx_put_kept(writer, error, "device", "floppy%u.fileType", unit));
    VMF_TRY(vmx_put_kept(writer, error, "TRUE", "floppy%u.clientDevice", unit));
    VMF_TRY(vmx_put_kept(writer, error, "vmware-null-remote-floppy", "floppy%u.fileName", unit));
  }
  return vmx_put_told_flag(writer, error, disk->connected, "floppy%u.startConnected", unit);
}

static enum vmf_code check_images(const struct vmx_writer *writer, struct vmf_error *error)
{
  for (size_t i = 0; i < writer->machine->disk_count; i++) {
    const struct vmf_machine_target_disk *disk = &writer->target->disks[i];
    uint64_t medium = writer->machine->disks[i].medium.value;
    if (disk->name && (medium == VMF_MEDIUM_DISK || medium == VMF_MEDIUM_LUN) && disk->format &&
        !vmf_text_equal_nocase(disk->format, "vmdk"))
      return vmf_fail(error, VMF_USAGE, "%s: the disk %s is %s: VMware opens VMDK disks only",
                      writer->target->name, disk->name, disk->format);
  }
  return VMF_OK;
}

enum vmf_code vmx_write_disks(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  bool floppy = false;

  VMF_TRY(check_images(writer, error));
  tell_controllers(writer);
  for (const struct vmx_bus *bus = vmx_buses; bus->name; bus++)
    for (unsigned index = 0; !bus->implied && index < bus->controllers; index++)
      if (is_used(writer, bus, index))
        VMF_TRY(write_controller(writer, bus, index, error));
  for (size_t i = 0; i < machine->disk_count; i++)
    if (writer->seats[i].bus)
      VMF_TRY(write_drive(writer, i, error));
  for (size_t i = 0; i < machine->disk_count; i++)
    if (!writer->seats[i].bus && !writer->seats[i].left_out) {
      VMF_TRY(write_floppy(writer, i, error));
      floppy |= writer->seats[i].unit == 0;
    }
  return floppy ? VMF_OK : vmx_put_flag(writer, error, false, "floppy0.present");
}
