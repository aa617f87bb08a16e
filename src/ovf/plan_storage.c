/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Plans controllers and drives: each keeps its place where readers of packages have such a
 * controller; else it goes to an AHCI one, for which every guest of the last fifteen years has a
 * driver, and a CD drive to IDE. */
#include <string.h>

#include "machine_plan.h"
#include "memory.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const struct vmf_controller_kind vmf_controller_kinds[VMF_CONTROLLER_KINDS] = {
    {"lsilogic", "scsi", VMF_BUS_SCSI, "lsilogic", "lsilogic", 0},
    {"lsilogicsas", "sas", VMF_BUS_SCSI, "lsisas1068", "lsilogicsas", 7},
    {"pvscsi", "VirtualSCSI", VMF_BUS_SCSI, "pvscsi", "VirtualSCSI", 7},
    {"buslogic", NULL, VMF_BUS_SCSI, "buslogic", "buslogic", 0},
    {"sata", "ahci", VMF_BUS_SATA, NULL, "vmware.sata.ahci", 10},
    {"nvme", NULL, VMF_BUS_NVME, NULL, "vmware.nvme.controller", 13},
    {"ide", NULL, VMF_BUS_IDE, NULL, NULL, 0},
};

enum { KIND_LSILOGIC = 0, KIND_SATA = 4, KIND_IDE = 6 };

const struct vmf_bus_limit vmf_bus_limits[VMF_BUSES] = {
    [VMF_BUS_IDE] = {"IDE", 2, 2},
    [VMF_BUS_SCSI] = {"SCSI", 4, 15},
    [VMF_BUS_SATA] = {"SATA", 4, 30},
    [VMF_BUS_NVME] = {"NVMe", 4, 15},
};

/* ---- controllers ---- */

/* The kind that has the controller's driver; NULL: none. A SCSI controller of which no model is
 * told is the one that most guests know. */
static const struct vmf_controller_kind *kind_of(enum vmf_bus bus, const char *model)
{
  if (bus == VMF_BUS_SCSI && !model)
    return &vmf_controller_kinds[KIND_LSILOGIC];
  for (size_t i = 0; i < VMF_CONTROLLER_KINDS; i++) {
    const struct vmf_controller_kind *kind = &vmf_controller_kinds[i];
    if (kind->bus == bus && (!kind->model || (model && strcmp(kind->model, model) == 0)))
      return kind;
  }
  return NULL;
}

static size_t find_controller(const struct vmf_machine_plan *plan, enum vmf_bus bus,
                              uint64_t number)
{
  for (size_t i = 0; i < plan->controller_count; i++)
    if (plan->controllers[i].kind->bus == bus && plan->controllers[i].number == number)
      return i;
  return SIZE_MAX;
}

/* number < the limit of the bus, so that there is room. */
static size_t add_controller(struct vmf_machine_plan *plan, const struct vmf_controller_kind *kind,
                             unsigned number)
{
  plan->controllers[plan->controller_count] =
      (struct vmf_machine_plan_controller){.kind = kind, .number = number};
  return plan->controller_count++;
}

static bool has_drives(const struct vmf_machine *machine, enum vmf_bus bus, uint64_t index)
{
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].bus.value == bus && machine->disks[i].controller.value == index)
      return true;
  return false;
}

static void plan_controllers(struct vmf_machine_plan *plan)
{
  const struct vmf_machine *machine = plan->machine;

  for (size_t i = 0; i < machine->controller_count; i++) {
    const struct vmf_machine_controller *controller = &machine->controllers[i];
    enum vmf_bus bus = (enum vmf_bus)controller->bus.value;
    uint64_t index = controller->index.value;
    const struct vmf_controller_kind *kind = kind_of(bus, controller->model.text);

    if (kind && index < vmf_bus_limits[bus].controllers &&
        find_controller(plan, bus, index) == SIZE_MAX)
      add_controller(plan, kind, (unsigned)index);
    else if (has_drives(machine, bus, index))
      vmf_machine_lose(plan->settings->losses, VMF_LOSS_BOOT, NULL,
                       "VMware has no such controller; its drives go to another one",
                       "controllers[%zu]", i);
  }
}

/* ---- places ---- */

static unsigned units_of(const struct vmf_controller_kind *kind)
{
  return vmf_bus_limits[kind->bus].disks + (kind->bus == VMF_BUS_SCSI);
}

static bool is_free(const struct vmf_machine_plan_controller *controller, uint64_t unit)
{
  return unit < units_of(controller->kind) && !(controller->used >> unit & 1) &&
         !(controller->kind->bus == VMF_BUS_SCSI && unit == VMF_SCSI_OWN_UNIT);
}

static void take(struct vmf_machine_plan *plan, struct vmf_machine_plan_drive *drive,
                 size_t controller, unsigned unit)
{
  plan->controllers[controller].used |= UINT64_C(1) << unit;
  drive->controller = controller;
  drive->unit = unit;
}

/* The place that the machine tells, where there can be such a one and it is free. IDE: two channels
 * of two, which some vendors count through. */
static bool keep_place(struct vmf_machine_plan *plan, size_t index)
{
  const struct vmf_machine_disk *disk = &plan->machine->disks[index];
  enum vmf_bus bus = (enum vmf_bus)disk->bus.value;
  bool second = bus == VMF_BUS_IDE && disk->controller.value == 0 && disk->unit.value / 2 == 1;
  uint64_t number = second ? 1 : disk->controller.value, unit = disk->unit.value - 2 * second;
  size_t controller = find_controller(plan, bus, number);
  struct vmf_machine_plan_drive *drive = &plan->drives[index];

  if (controller == SIZE_MAX && number < vmf_bus_limits[bus].controllers &&
      !vmf_machine_controller(plan->machine, bus, number))
    controller = add_controller(plan, kind_of(bus, NULL), (unsigned)number);
  if (controller == SIZE_MAX || !disk->unit.told || !is_free(&plan->controllers[controller], unit))
    return false;
  take(plan, drive, controller, (unsigned)unit);
  return true;
}

/* A free place on a controller of the kind, or a new one. */
static bool find_place(struct vmf_machine_plan *plan, const struct vmf_controller_kind *kind,
                       struct vmf_machine_plan_drive *drive)
{
  unsigned number = 0;

  for (size_t i = 0; i < plan->controller_count; i++)
    for (unsigned unit = 0; plan->controllers[i].kind == kind && unit < units_of(kind); unit++)
      if (is_free(&plan->controllers[i], unit)) {
        take(plan, drive, i, unit);
        return true;
      }
  while (find_controller(plan, kind->bus, number) != SIZE_MAX)
    number++;
  if (number == vmf_bus_limits[kind->bus].controllers)
    return false;
  take(plan, drive, add_controller(plan, kind, number), 0);
  return true;
}

/* ---- drives ---- */

/* A place on its own controller, or on another one of that kind, where its own is not told or not
 * free. */
static bool stay_on_kind(struct vmf_machine_plan *plan, size_t index)
{
  const struct vmf_machine_disk *disk = &plan->machine->disks[index];
  enum vmf_bus bus = (enum vmf_bus)disk->bus.value;
  size_t controller = find_controller(plan, bus, disk->controller.value);
  bool unknown = !vmf_machine_controller(plan->machine, bus, disk->controller.value);
  const struct vmf_controller_kind *kind = controller != SIZE_MAX
                                               ? plan->controllers[controller].kind
                                           : unknown ? kind_of(bus, NULL)
                                                     : NULL;

  for (unsigned unit = 0; controller != SIZE_MAX && unit < units_of(kind); unit++)
    if (is_free(&plan->controllers[controller], unit)) {
      take(plan, &plan->drives[index], controller, unit);
      return true;
    }
  return kind && find_place(plan, kind, &plan->drives[index]);
}

static enum vmf_code move_drive(struct vmf_machine_plan *plan, size_t index,
                                struct vmf_error *error)
{
  struct vmf_machine_plan_drive *drive = &plan->drives[index];
  bool new = plan->vmx == 0 || plan->vmx >= vmf_controller_kinds[KIND_SATA].family;
  const struct vmf_controller_kind *kinds[] = {
      &vmf_controller_kinds[KIND_IDE], &vmf_controller_kinds[new ? KIND_SATA : KIND_LSILOGIC],
      &vmf_controller_kinds[KIND_LSILOGIC]};
  size_t first = drive->medium == VMF_MEDIUM_CDROM ? 0 : 1;

  if (stay_on_kind(plan, index))
    return VMF_OK;
  for (size_t i = first; i < COUNT(kinds); i++)
    if (find_place(plan, kinds[i], drive)) {
      vmf_machine_lose(plan->settings->losses,
                       drive->medium == VMF_MEDIUM_DISK ? VMF_LOSS_BOOT : VMF_LOSS_BEHAVIOUR, NULL,
                       kinds[i]->bus == VMF_BUS_SATA
                           ? "the guest needs a driver for AHCI when it starts next"
                       : kinds[i]->bus == VMF_BUS_IDE
                           ? "the guest needs a driver for IDE when it starts next"
                           : "the guest needs a driver for LSI Logic when it starts next",
                       "disks[%zu].bus", index);
      return VMF_OK;
    }
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "a machine of so many drives: a package has places for 4 on IDE, 60 on SCSI, 120 "
                  "on SATA and 60 on NVMe");
}

/* What there is to be had of it, and its numbers. */
static void number_drives(struct vmf_machine_plan *plan)
{
  unsigned counts[VMF_MEDIUM_LUN + 1] = {0};
  size_t files = 0, disks = 0;

  for (size_t i = 0; i < plan->machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &plan->machine->disks[i];
    struct vmf_machine_plan_drive *drive = &plan->drives[i];
    enum vmf_medium medium = (enum vmf_medium)disk->medium.value;
    const struct vmf_compose_disk *file = &plan->files[i];

    if (medium == VMF_MEDIUM_LUN && file->file_name) { /* of a host: here it became a file */
      vmf_machine_lose(plan->settings->losses, VMF_LOSS_BEHAVIOUR, "L-passthrough",
                       "a device of the host becomes a disk in a file", "disks[%zu].medium", i);
      medium = VMF_MEDIUM_DISK;
    }
    *drive = (struct vmf_machine_plan_drive){.medium = medium, .controller = SIZE_MAX};
    drive->left_out =
        medium == VMF_MEDIUM_LUN || (medium == VMF_MEDIUM_DISK && file->capacity == 0);
    if (drive->left_out) {
      vmf_machine_lose(plan->settings->losses, VMF_LOSS_DATA,
                       medium == VMF_MEDIUM_LUN ? "L-passthrough" : NULL,
                       medium == VMF_MEDIUM_LUN ? "a device of the host is in no package"
                                                : "nothing is known of its content",
                       "disks[%zu]", i);
      continue;
    }
    drive->number = ++counts[medium];
    drive->file = file->file_name ? ++files : 0;
    drive->disk = medium == VMF_MEDIUM_DISK ? ++disks : 0;
  }
}

static bool needs_place(const struct vmf_machine_plan_drive *drive)
{
  return !drive->left_out && drive->medium != VMF_MEDIUM_FLOPPY && drive->controller == SIZE_MAX;
}

enum vmf_code vmf_machine_plan_storage(struct vmf_machine_plan *plan, struct vmf_error *error)
{
  size_t count = plan->machine->disk_count;

  VMF_TRY(vmf_alloc((count + 1) * sizeof *plan->drives, (void **)&plan->drives, error));
  number_drives(plan);
  plan_controllers(plan);
  for (size_t i = 0; i < count; i++)
    if (needs_place(&plan->drives[i]))
      keep_place(plan, i);
  for (size_t i = 0; i < count; i++)
    if (needs_place(&plan->drives[i]))
      VMF_TRY(move_drive(plan, i, error));
  for (size_t i = 0; i < count; i++)
    if (plan->drives[i].medium == VMF_MEDIUM_FLOPPY)
      plan->drives[i].unit = plan->drives[i].number - 1;
  return VMF_OK;
}
