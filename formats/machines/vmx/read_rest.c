/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The boot order of a .vmx, and the settings that have no place in the machine. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "text.h"
#include "vmx.h"

/* ---- boot order ---- */

/* The next word of a list with commas, without blanks; false at the end. */
static bool next_word(const char **rest, char *word, size_t size)
{
  size_t length = 0;

  while (**rest == ',' || **rest == ' ')
    ++*rest;
  if (!**rest)
    return false;
  for (; **rest && **rest != ','; ++*rest)
    if (**rest != ' ' && length < size - 1)
      word[length++] = **rest;
  word[length] = 0;
  return true;
}

/* bios.bootOrder = "hdd,CDROM,ethernet0,floppy". One that has more than these is not taken. */
static enum vmf_code read_classes(struct vmx_reader *reader, struct vmf_error *error)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "bios.bootOrder");
  struct vmf_machine *machine = reader->machine;
  const char *rest = setting ? setting->value : "";
  char word[32], classes[64] = "";
  uint64_t cards = 0;

  while (next_word(&rest, word, sizeof word)) {
    struct vmx_place place;
    char key[sizeof word + 1];
    snprintf(key, sizeof key, "%s.", word);
    bool card = vmx_place_of(key, &place) && strcmp(place.name, "ethernet") == 0 &&
                place.controller < VMX_CARDS && !place.has_unit;
    const char *class = card ? "network" : vmf_vendor_neutral_nocase(vmf_vmware_boot_classes, word);
    if (!class) {
      vmx_odd(reader, setting, "vmx-boot-order", "bios.bootOrder has \"%s\", which is not known",
              word);
      return VMF_OK;
    }
    if (card && reader->cards[place.controller] < machine->nic_count)
      machine->nics[reader->cards[place.controller]].boot = vmf_told(++cards, setting->line);
    if (!strstr(classes, class))
      snprintf(classes + strlen(classes), sizeof classes - strlen(classes), "%s%s",
               classes[0] ? "," : "", class);
  }
  if (!classes[0])
    return VMF_OK;
  setting->taken = true;
  return vmf_machine_text(machine, classes, setting->line, &machine->boot, error);
}

/* bios.hddOrder = "scsi0:1,scsi0:0" */
static void read_disk_order(struct vmx_reader *reader)
{
  struct vmx_setting *setting = vmx_find(&reader->text, "bios.hddOrder");
  const char *rest = setting ? setting->value : "";
  struct vmf_machine *machine = reader->machine;
  char word[32];
  uint64_t order = 0;
  size_t index;

  while (next_word(&rest, word, sizeof word))
    if (vmx_drive_of(machine, word, &index) && !machine->disks[index].boot.told) {
      setting->taken = true;
      machine->disks[index].boot = vmf_told(++order, setting->line);
    }
}

enum vmf_code vmx_read_boot(struct vmx_reader *reader, struct vmf_error *error)
{
  read_disk_order(reader);
  return read_classes(reader, error);
}

/* ---- what has no place ---- */

/* A device that VMware has no such number of. */
static enum vmf_code check_place(const struct vmx_reader *reader, const struct vmx_setting *setting,
                                 const struct vmx_place *place, struct vmf_error *error)
{
  static const struct {
    const char *name;
    unsigned count;
  } others[] = {{"ethernet", VMX_CARDS},
                {"serial", VMX_SERIAL_PORTS},
                {"parallel", VMX_PARALLEL_PORTS},
                {"floppy", 2}};
  unsigned controllers = 0, units = 0;

  for (const struct vmx_bus *bus = vmx_buses; bus->name; bus++)
    if (strcmp(bus->name, place->name) == 0) {
      controllers = bus->controllers;
      units = bus->units;
    }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (strcmp(others[i].name, place->name) == 0)
      controllers = others[i].count;
  if (controllers == 0 ||
      (place->controller < controllers && (!place->has_unit || place->unit < units)))
    return VMF_OK;
  if (units > 0)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: %.60s: there are %s0:0 to %s%u:%u", reader->text.name,
                    setting->line, setting->key, place->name, place->name, controllers - 1,
                    units - 1);
  return vmf_fail(error, VMF_LIMIT, "%s:%u: %.60s: there are %s0 to %s%u", reader->text.name,
                  setting->line, setting->key, place->name, place->name, controllers - 1);
}

/* The key with the number that the device has in the machine. */
static void renumber(const struct vmx_reader *reader, const struct vmx_setting *setting,
                     const struct vmx_place *place, char *key, size_t size)
{
  const unsigned *numbers = strcmp(place->name, "ethernet") == 0   ? reader->cards
                            : strcmp(place->name, "serial") == 0   ? reader->serial_ports
                            : strcmp(place->name, "parallel") == 0 ? reader->parallel_ports
                                                                   : NULL;

  if (numbers)
    snprintf(key, size, "%s%u.%s", place->name, numbers[place->controller], place->attribute);
  else
    snprintf(key, size, "%s", setting->key);
}

static enum vmf_code read_extra(struct vmx_reader *reader, const struct vmx_setting *setting,
                                struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  VMF_AUTO_FREE char *key = NULL;
  struct vmx_place place;
  bool known = vmx_key_known(setting->key) && !vmf_text_equal_nocase(setting->key, "guestOS");
  size_t size = strlen(setting->key) + 16;
  void *block = NULL;

  VMF_TRY(vmf_alloc(size, &block, error));
  key = block;
  snprintf(key, size, "%s", setting->key);
  if (vmx_place_of(setting->key, &place)) {
    VMF_TRY(check_place(reader, setting, &place, error));
    renumber(reader, setting, &place, key, size);
  }
  VMF_TRY(
      vmf_machine_add_extra(machine, VMX_NAME, key, setting->value, setting->line, known, error));
  struct vmf_machine_extra *extra = &machine->extras[machine->extra_count - 1];
  extra->given = vmf_text_equal_nocase(setting->key, VMF_VMWARE_ENVIRONMENT);
  extra->secret = vmf_vmware_secret(setting->key);
  return VMF_OK;
}

enum vmf_code vmx_read_extras(struct vmx_reader *reader, struct vmf_error *error)
{
  for (size_t i = 0; i < reader->text.count; i++)
    if (!reader->text.settings[i].taken)
      VMF_TRY(read_extra(reader, &reader->text.settings[i], error));
  return VMF_OK;
}
