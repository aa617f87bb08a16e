/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The boot order into a .vmx: classes of devices, and disks among each other. */
#include <stdio.h>
#include <string.h>

#include "vmx_writer.h"

/* Places count among the devices of a class only. */
static void tell_rank(const struct vmx_writer *writer, const char *list, size_t index,
                      uint64_t place, unsigned rank)
{
  if (place != rank)
    vmx_lose(writer, NONE, "L-boot-order", "VMware orders classes, and the devices of each",
             "%s[%zu].boot", list, index);
}

/* "ethernet2,ethernet0": those that have a place in the order, or the first. */
static void add_cards(const struct vmx_writer *writer, struct vmf_vmware_list *list)
{
  const struct vmf_machine *machine = writer->machine;
  unsigned rank = 0;
  char word[32];

  for (uint64_t place = 0; vmf_vmware_next_place(machine, &place);)
    for (size_t i = 0; i < machine->nic_count && i < VMX_CARDS; i++) {
      if (!machine->nics[i].boot.told || machine->nics[i].boot.value != place)
        continue;
      snprintf(word, sizeof word, "ethernet%zu", i);
      vmf_vmware_list_add(list, word);
      tell_rank(writer, "nics", i, place, ++rank);
    }
  if (rank == 0)
    vmf_vmware_list_add(list, "ethernet0");
}

static void list_classes(const struct vmx_writer *writer, const char *classes,
                         struct vmf_vmware_list *list)
{
  for (const char *at = classes; *at; at += strspn(at, ",")) {
    size_t length = strcspn(at, ",");
    char class[16];
    snprintf(class, sizeof class, "%.*s", (int)(length < 15 ? length : 15), at);
    const char *word = vmf_vendor_own(vmf_vmware_boot_classes, class);
    if (word && strcmp(class, "network") == 0)
      add_cards(writer, list);
    else if (word)
      vmf_vmware_list_add(list, word);
    at += length;
  }
}

static bool is_disk_at(const struct vmx_writer *writer, size_t index, uint64_t place)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];

  return disk->boot.told && disk->boot.value == place && writer->seats[index].bus &&
         disk->medium.value == VMF_MEDIUM_DISK;
}

/* Disks by their place in the order; those without one come behind, as VMware takes them. */
static void list_disks(const struct vmx_writer *writer, struct vmf_vmware_list *list)
{
  const struct vmf_machine *machine = writer->machine;
  char word[32];

  for (uint64_t place = 0; vmf_vmware_next_place(machine, &place);)
    for (size_t i = 0; i < machine->disk_count && list->count < 16; i++) {
      const struct vmx_seat *seat = &writer->seats[i];
      if (!is_disk_at(writer, i, place))
        continue;
      snprintf(word, sizeof word, "%s%u:%u", seat->bus->name, seat->controller, seat->unit);
      vmf_vmware_list_add(list, word);
      tell_rank(writer, "disks", i, place, list->count);
    }
}

/* The lowest place in the order of any device of a class; 0: none has one. */
static uint64_t first_of(const struct vmf_machine *machine, const char *class)
{
  static const char *const media[] = {"disk", "cdrom", "floppy", "disk"};
  uint64_t least = 0;

  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct vmf_machine_disk *disk = &machine->disks[i];
    if (disk->boot.told && disk->medium.value < 4 &&
        strcmp(media[disk->medium.value], class) == 0 && (least == 0 || disk->boot.value < least))
      least = disk->boot.value;
  }
  for (size_t i = 0; strcmp(class, "network") == 0 && i < machine->nic_count; i++)
    if (machine->nics[i].boot.told && (least == 0 || machine->nics[i].boot.value < least))
      least = machine->nics[i].boot.value;
  return least;
}

/* Where only devices have places in the order: their classes. */
static void classes_of_devices(const struct vmf_machine *machine, char *classes, size_t size)
{
  uint64_t done = 0;

  classes[0] = 0;
  for (;;) {
    const char *next = NULL;
    uint64_t least = 0;
    for (const struct vmf_vendor_name *word = vmf_vmware_boot_classes; word->own; word++) {
      uint64_t first = first_of(machine, word->neutral);
      if (first > done && (!next || first < least)) {
        next = word->neutral;
        least = first;
      }
    }
    if (!next)
      return;
    snprintf(classes + strlen(classes), size - strlen(classes), "%s%s", classes[0] ? "," : "",
             next);
    done = least;
  }
}

enum vmf_code vmx_write_boot(struct vmx_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  struct vmf_vmware_list classes = {0}, disks = {0};
  char of_devices[64];

  if (vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI) {
    if (machine->boot.text)
      vmx_lose(writer, BEHAVIOUR, "L-boot-order", "EFI keeps the order in its variables", "boot");
    return VMF_OK;
  }
  list_disks(writer, &disks);
  classes_of_devices(machine, of_devices, sizeof of_devices);
  list_classes(writer, machine->boot.text ? machine->boot.text : of_devices, &classes);
  if (classes.count > 0)
    VMF_TRY(vmx_put(writer, error, classes.text, "bios.bootOrder"));
  if (disks.count > 0)
    VMF_TRY(vmx_put(writer, error, disks.text, "bios.hddOrder"));
  return VMF_OK;
}
