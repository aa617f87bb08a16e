/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Machines as the tests make them, and their disks as a target has them. */
#ifndef VMF_TESTS_MACHINE_MAKER_H
#define VMF_TESTS_MACHINE_MAKER_H

#include <stdlib.h>
#include <string.h>

#include "guest_os.h"
#include "machine_format.h"

static struct vmf_machine *machine;
static struct vmf_machine_target_disk files[8]; /* of machine->disks */
static struct vmf_error error;

static void made(enum vmf_code code)
{
  if (code != VMF_OK)
    abort();
}

static void told(struct vmf_told_text *field, const char *value)
{
  made(vmf_machine_text(machine, value, 1, field, &error));
}

static void add_controller(enum vmf_bus bus, uint64_t index, const char *model)
{
  struct vmf_machine_controller *controller;

  made(vmf_machine_add_controller(machine, &controller, &error));
  controller->bus = vmf_told(bus, 1);
  controller->index = vmf_told(index, 1);
  told(&controller->model, model);
}

static struct vmf_machine_disk *add_drive(enum vmf_medium medium, enum vmf_bus bus,
                                          uint64_t controller, uint64_t unit)
{
  static const char *const names[] = {"a.vmdk", "b.vmdk", "c.vmdk", "d.vmdk",
                                      "e.vmdk", "f.vmdk", "g.vmdk", "h.vmdk"};
  struct vmf_machine_disk *disk;

  made(vmf_machine_add_disk(machine, &disk, &error));
  disk->medium = vmf_told(medium, 1);
  disk->bus = vmf_told(bus, 1);
  disk->controller = vmf_told(controller, 1);
  disk->unit = vmf_told(unit, 1);
  if (medium == VMF_MEDIUM_DISK)
    files[machine->disk_count - 1] =
        (struct vmf_machine_target_disk){names[machine->disk_count - 1], "vmdk", 1 << 20};
  return disk;
}

static struct vmf_machine_nic *add_nic(const char *model)
{
  struct vmf_machine_nic *nic;

  made(vmf_machine_add_nic(machine, &nic, &error));
  told(&nic->model, model);
  return nic;
}

/* Everything that OVF has a place for. */
static void make_full_machine(void)
{
  struct vmf_machine_nic *nic;

  told(&machine->name, "win & co");
  told(&machine->description, "one\ntwo");
  told(&machine->hw_version, "vmx-15");
  memcpy(machine->uuid.bytes, "0123456789abcdef", 16);
  machine->uuid.told = true;
  made(vmf_machine_set_os(machine, vmf_guest_os_by_vmx("windows9srv-64"), "windows9srv-64", 1,
                          &error));
  machine->arch = vmf_told(VMF_ARCH_X86_64, 1);
  machine->firmware = vmf_told(VMF_FIRMWARE_EFI, 1);
  machine->secure_boot = vmf_told(VMF_SECURE_BOOT_ON, 1);
  machine->vcpus = vmf_told(8, 1);
  machine->sockets = vmf_told(2, 1);
  machine->cores = vmf_told(4, 1);
  machine->memory = vmf_told(UINT64_C(6) << 30, 1);
  machine->nested = machine->cpu_hotadd = machine->memory_hotadd = vmf_told(true, 1);
  machine->boot_delay = vmf_told(3000, 1);
  machine->usb1 = machine->usb2 = machine->usb3 = vmf_told(true, 1);
  told(&machine->sound, "hda");
  machine->video_memory = vmf_told(8 << 20, 1);
  machine->video_heads = vmf_told(2, 1);
  machine->video_3d = vmf_told(true, 1);
  add_controller(VMF_BUS_SCSI, 0, "pvscsi");
  add_controller(VMF_BUS_SATA, 0, "ahci");
  add_controller(VMF_BUS_NVME, 1, "nvme");
  add_controller(VMF_BUS_IDE, 0, NULL);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_SCSI, 0, 8);
  add_drive(VMF_MEDIUM_DISK, VMF_BUS_NVME, 1, 3)->mode = vmf_told(VMF_MODE_INDEPENDENT, 1);
  told(&add_drive(VMF_MEDIUM_DISK, VMF_BUS_SATA, 0, 29)->cache, "writethrough");
  add_drive(VMF_MEDIUM_CDROM, VMF_BUS_IDE, 0, 1)->connected = vmf_told(false, 1);
  add_drive(VMF_MEDIUM_FLOPPY, VMF_BUS_FLOPPY, 0, 0)->connected = vmf_told(false, 1);
  nic = add_nic("vmxnet3");
  told(&nic->mac, "00:50:56:ab:cd:ef");
  told(&nic->network, "Prod <1>");
  nic->attach = vmf_told(VMF_ATTACH_BRIDGE, 1);
  nic->pci_slot = vmf_told(192, 1);
  nic = add_nic("e1000e");
  nic->attach = vmf_told(VMF_ATTACH_NAT, 1);
  nic->connected = vmf_told(false, 1);
}

#endif
