/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine as a package: described in the words of pack. */
#include <string.h>

#include "guest_os.h"
#include "machine_move.h"
#include "memory.h"

static const char *controller_of(const struct vmf_machine *machine,
                                 const struct vmf_machine_disk *disk)
{
  const struct vmf_machine_controller *controller =
      vmf_machine_controller(machine, (enum vmf_bus)disk->bus.value, disk->controller.value);
  const char *model = controller ? controller->model.text : NULL;

  switch (disk->bus.value) {
  case VMF_BUS_IDE:
    return "ide";
  case VMF_BUS_SATA:
    return "sata";
  case VMF_BUS_NVME:
    return "nvme";
  default:
    break;
  }
  if (model && strcmp(model, "lsisas1068") == 0)
    return "lsilogicsas";
  if (model && (strcmp(model, "pvscsi") == 0 || strcmp(model, "buslogic") == 0))
    return model;
  return "lsilogic";
}

static void describe(const struct vmf_machine *machine, struct vmf_machine_options *options)
{
  const struct vmf_guest_os *os = vmf_machine_os(machine);

  options->name = machine->name.text;
  options->cpus = machine->vcpus.told ? (unsigned)machine->vcpus.value : 0;
  options->memory = machine->memory.told ? machine->memory.value : 0;
  options->os = os ? os->vmware : NULL;
  if (machine->firmware.told)
    options->firmware = machine->firmware.value == VMF_FIRMWARE_EFI ? "efi" : "bios";
  options->secure_boot = vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) != 0;
}

enum vmf_code vmf_machine_move_pack(struct vmf_machine_move *move, const char *path,
                                    struct vmf_error *error)
{
  const struct vmf_machine *machine = move->machine;
  struct vmf_machine_options options = {.size = sizeof options};
  VMF_AUTO_FREE void *images = NULL, *controllers = NULL, *nics = NULL;
  size_t count = 0;

  VMF_TRY(vmf_alloc(machine->disk_count * sizeof(struct vmf_image *), &images, error));
  VMF_TRY(vmf_alloc(machine->disk_count * sizeof(char *), &controllers, error));
  VMF_TRY(vmf_alloc(machine->nic_count * sizeof(struct vmf_nic_options), &nics, error));
  for (size_t i = 0; i < machine->disk_count; i++)
    if (move->images[i]) {
      ((const char **)controllers)[count] = controller_of(machine, &machine->disks[i]);
      ((struct vmf_image **)images)[count++] = move->images[i];
    }
  for (size_t i = 0; i < machine->nic_count; i++)
    ((struct vmf_nic_options *)nics)[i] =
        (struct vmf_nic_options){.network = machine->nics[i].network.text,
                                 .mac = move->to->copy ? NULL : machine->nics[i].mac.text};
  describe(machine, &options);
  options.controllers = controllers;
  options.controller_count = count;
  options.nics = nics;
  options.nic_count = machine->nic_count;
  return vmf_package_pack(images, count, &options, path, move->files, error);
}
