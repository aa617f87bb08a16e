/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which controller a drive is on in the target: its own, where VirtualBox has the family; else SATA
 * (AHCI), which most guests have a driver for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "vbox_writer.h"

enum { CHANNEL_DISKS = 2 };

static const struct vmf_vbox_controller *kind_called(const char *type)
{
  const struct vmf_vbox_controller *kind = vmf_vbox_controllers;

  while (strcmp(kind->type, type) != 0)
    kind++;
  return kind;
}

/* The kind that has the model, or the first one of the bus; NULL: VirtualBox has none. */
static const struct vmf_vbox_controller *kind_of(enum vmf_bus bus, const char *model)
{
  for (const struct vmf_vbox_controller *kind = vmf_vbox_controllers; kind->type; kind++)
    if (kind->bus == bus && kind->model && model && strcmp(kind->model, model) == 0)
      return kind;
  for (const struct vmf_vbox_controller *kind = vmf_vbox_controllers; kind->type; kind++)
    if (kind->bus == bus && bus != VMF_BUS_SCSI)
      return kind;
  return NULL;
}

/* Drives that it takes: an IDE controller has two channels of two. */
static unsigned room_of(const struct vmf_vbox_controller *kind)
{
  return kind->bus == VMF_BUS_IDE ? kind->places * CHANNEL_DISKS : kind->places;
}

/* ---- seats ---- */

static struct vbox_seat *find_seat(struct vbox_writing *writing,
                                   const struct vmf_vbox_controller *kind, uint64_t index)
{
  for (size_t i = 0; i < writing->seat_count; i++)
    if (writing->seats[i].kind->bus == kind->bus && writing->seats[i].index == index)
      return &writing->seats[i];
  if (writing->seat_count == VBOX_SEATS)
    return NULL;
  struct vbox_seat *seat = &writing->seats[writing->seat_count++];
  seat->kind = kind;
  seat->index = index;
  return seat;
}

/* The kind of the controller that a drive is on; NULL: it has to move. */
static const struct vmf_vbox_controller *own_kind(const struct vbox_writing *writing,
                                                  const struct vmf_machine_disk *disk)
{
  const struct vmf_machine_controller *controller =
      vmf_machine_controller(writing->machine, disk->bus.value, vmf_told_or(disk->controller, 0));
  const struct vmf_vbox_controller *kind =
      kind_of(disk->bus.value, controller ? controller->model.text : NULL);
  bool cd = disk->medium.value == VMF_MEDIUM_CDROM;
  bool floppy = disk->medium.value == VMF_MEDIUM_FLOPPY;

  if (!kind || floppy != (kind->bus == VMF_BUS_FLOPPY))
    return NULL;
  return cd && kind->bus != VMF_BUS_IDE && kind->bus != VMF_BUS_SATA ? NULL : kind;
}

/* Where the source has it. The two channels of an IDE controller are two controllers, or one with
 * four places. */
static bool take_own(struct vbox_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  const struct vmf_vbox_controller *kind = own_kind(writing, disk);
  uint64_t controller = vmf_told_or(disk->controller, 0), unit = disk->unit.value;

  if (!kind || !disk->unit.told)
    return false;
  if (kind->bus == VMF_BUS_IDE) {
    if (controller > 1 || unit >= room_of(kind))
      return false;
    unit += controller * CHANNEL_DISKS;
    controller = 0;
  }
  struct vbox_seat *seat = unit < room_of(kind) ? find_seat(writing, kind, controller) : NULL;
  if (!seat || seat->used[unit])
    return false;
  seat->used[unit] = true;
  writing->places[index] =
      (struct vbox_place){.seat = (size_t)(seat - writing->seats), .port = (unsigned)unit};
  return true;
}

/* The first free place on a controller of that kind, old or new. */
static bool take_any(struct vbox_writing *writing, size_t index,
                     const struct vmf_vbox_controller *kind)
{
  bool single = kind->bus == VMF_BUS_IDE || kind->bus == VMF_BUS_FLOPPY;

  for (uint64_t controller = 0; controller < (single ? 1 : VBOX_SEATS); controller++) {
    struct vbox_seat *seat = find_seat(writing, kind, controller);
    bool same = seat && seat->kind == kind; /* on a bus there may be several kinds */
    for (unsigned port = 0; same && port < room_of(kind); port++)
      if (!seat->used[port]) {
        seat->used[port] = true;
        writing->places[index] =
            (struct vbox_place){.seat = (size_t)(seat - writing->seats), .port = port};
        return true;
      }
  }
  return false;
}

/* ---- drives ---- */

static bool has_content(const struct vbox_writing *writing, size_t index)
{
  uint64_t medium = writing->machine->disks[index].medium.value;

  return !writing->target->disks[index].left_out &&
         (writing->target->disks[index].name || medium == VMF_MEDIUM_CDROM ||
          medium == VMF_MEDIUM_FLOPPY);
}

static void drop(struct vbox_writing *writing, size_t index, const char *why)
{
  writing->places[index].dropped = true;
  vmf_machine_lose(writing->losses, VMF_LOSS_DATA, NULL, why, "disks[%zu]", index);
}

/* On its kind where that only has no such place, else on SATA. */
static void move_drive(struct vbox_writing *writing, size_t index)
{
  const struct vmf_machine_disk *disk = &writing->machine->disks[index];
  const struct vmf_vbox_controller *kind = own_kind(writing, disk);
  bool floppy = disk->medium.value == VMF_MEDIUM_FLOPPY;
  bool boots = disk->medium.value == VMF_MEDIUM_DISK || disk->medium.value == VMF_MEDIUM_LUN;

  if (floppy || kind)
    if (take_any(writing, index, floppy ? kind_called("I82078") : kind))
      return;
  if (floppy) {
    drop(writing, index, "VirtualBox has two floppy drives");
    return;
  }
  vmf_machine_lose(writing->losses, boots ? VMF_LOSS_BOOT : VMF_LOSS_COSMETIC, NULL,
                   kind    ? "the controller has no free place"
                   : boots ? "VirtualBox has no such controller: the guest needs the driver for "
                             "SATA (AHCI) when it starts next"
                           : "drives for CDs are on SATA or IDE",
                   "disks[%zu].bus", index);
  if (!take_any(writing, index, kind_called("AHCI")))
    drop(writing, index, "no controller has a free place");
}

/* Controllers without a drive are in the machine, too, but for those of USB, which stand elsewhere.
 */
static void add_empty(struct vbox_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;

  for (size_t i = 0; i < machine->controller_count; i++) {
    const struct vmf_machine_controller *controller = &machine->controllers[i];
    enum vmf_bus bus = controller->bus.value;
    const struct vmf_vbox_controller *kind = kind_of(bus, controller->model.text);
    if (!kind || bus == VMF_BUS_USB)
      continue;
    struct vbox_seat *seat =
        find_seat(writing, kind, bus == VMF_BUS_IDE ? 0 : controller->index.value);
    if (seat && controller->ports.told && controller->ports.value <= kind->places)
      seat->ports = (unsigned)controller->ports.value;
  }
}

/* ---- all ---- */

static size_t position_of(const struct vbox_writing *writing, const struct vbox_seat *seat)
{
  const struct vmf_machine *machine = writing->machine;
  size_t position = 0;

  while (position < machine->controller_count &&
         (machine->controllers[position].bus.value != seat->kind->bus ||
          (seat->kind->bus != VMF_BUS_IDE &&
           machine->controllers[position].index.value != seat->index)))
    position++;
  return position;
}

static int by_position(const void *one, const void *other)
{
  const struct vbox_seat *const *a = one, *const *b = other;

  if ((*a)->position != (*b)->position)
    return (*a)->position < (*b)->position ? -1 : 1;
  if ((*a)->kind->bus != (*b)->kind->bus)
    return (*a)->kind->bus < (*b)->kind->bus ? -1 : 1;
  return ((*a)->index > (*b)->index) - ((*a)->index < (*b)->index);
}

/* In the order of the source, and new ones behind. */
static enum vmf_code sort_seats(struct vbox_writing *writing, struct vmf_error *error)
{
  const struct vbox_seat *order[VBOX_SEATS];
  size_t now[VBOX_SEATS];
  void *memory = NULL;

  for (size_t i = 0; i < writing->seat_count; i++) {
    writing->seats[i].position = position_of(writing, &writing->seats[i]);
    order[i] = &writing->seats[i];
  }
  qsort(order, writing->seat_count, sizeof *order, by_position);
  VMF_TRY(vmf_alloc(VBOX_SEATS * sizeof *writing->seats, &memory, error));
  struct vbox_seat *sorted = memory;
  for (size_t i = 0; i < writing->seat_count; i++) {
    sorted[i] = *order[i];
    now[order[i] - writing->seats] = i;
  }
  for (size_t i = 0; i < writing->machine->disk_count; i++)
    if (!writing->places[i].dropped)
      writing->places[i].seat = now[writing->places[i].seat];
  vmf_free(writing->seats);
  writing->seats = sorted;
  return VMF_OK;
}

/* Whether a drive has to go to SATA. Then all of SATA are seated anew, in the order of the machine:
 * the first of its disks is the one that it starts from. */
static bool is_mixed(const struct vbox_writing *writing)
{
  for (size_t i = 0; i < writing->machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &writing->machine->disks[i];
    if (disk->medium.value != VMF_MEDIUM_FLOPPY && has_content(writing, i) &&
        !own_kind(writing, disk))
      return true;
  }
  return false;
}

/* The disk that is said to be tried first, of those that have a number; SIZE_MAX: none has. */
static size_t first_to_start(const struct vmf_machine *machine)
{
  size_t first = SIZE_MAX;

  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].boot.told && machine->disks[i].medium.value == VMF_MEDIUM_DISK &&
        (first == SIZE_MAX || machine->disks[i].boot.value < machine->disks[first].boot.value))
      first = i;
  return first;
}

static bool sits_anew(const struct vbox_writing *writing, size_t index, bool mixed)
{
  const struct vmf_vbox_controller *kind = own_kind(writing, &writing->machine->disks[index]);

  if (!mixed || !kind || kind->bus != VMF_BUS_SATA)
    return false;
  vmf_machine_lose(
      writing->losses, VMF_LOSS_COSMETIC, NULL,
      "so that the disks stay in their order beside those that come to this controller",
      "disks[%zu].unit", index);
  return true;
}

enum vmf_code vbox_seat_drives(struct vbox_writing *writing, struct vmf_error *error)
{
  size_t count = writing->machine->disk_count;
  VMF_AUTO_FREE void *seated = NULL;
  void *memory = NULL;

  VMF_TRY(vmf_alloc(VBOX_SEATS * sizeof *writing->seats, &memory, error));
  writing->seats = memory;
  VMF_TRY(vmf_alloc(count * sizeof *writing->places, &memory, error));
  writing->places = memory;
  VMF_TRY(vmf_alloc(count * sizeof(bool), &seated, error));
  bool *done = seated, mixed = is_mixed(writing);
  for (size_t i = 0; i < count; i++) {
    done[i] = !has_content(writing, i);
    writing->places[i].dropped = done[i];
    if (done[i] && !writing->target->disks[i].left_out)
      drop(writing, i, "VirtualBox has no disk without an image");
    else if (!done[i])
      done[i] = !sits_anew(writing, i, mixed) && take_own(writing, i);
  }
  size_t first = first_to_start(writing->machine);
  if (first < count && !done[first])
    move_drive(writing, first);
  for (size_t i = 0; i < count; i++)
    if (!done[i] && i != first)
      move_drive(writing, i);
  add_empty(writing);
  return sort_seats(writing, error);
}

unsigned vbox_most_of_a_kind(const struct vbox_writing *writing)
{
  unsigned most = 0;

  for (size_t i = 0; i < writing->seat_count; i++) {
    unsigned count = 0;
    for (size_t j = 0; j < writing->seat_count; j++)
      count += writing->seats[j].kind == writing->seats[i].kind;
    most = count > most ? count : most;
  }
  return most;
}
