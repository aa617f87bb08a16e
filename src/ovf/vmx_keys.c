/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What OVF has no element for and VMware keeps in a .vmx file: boot order, generation id, clock. A
 * descriptor hands such keys on, <vmw:ExtraConfig vmw:key="bios.bootOrder" vmw:value="hdd"/>. The
 * order is that of classes, and of the devices of each: bios.bootOrder "ethernet1,hdd",
 * bios.hddOrder "scsi0:1,scsi0:0". vm.genid and vm.genidX are the halves of the generation id in
 * the guest's memory, little-endian, as signed decimal numbers. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "machine_plan.h"
#include "markup.h"
#include "system_reader.h"
#include "text.h"
#include "vmware.h"

enum { LISTED_MAX = 16 /* devices of a list; VMware's firmware takes fewer */ };

static const char *const bus_words[VMF_BUSES] = {[VMF_BUS_IDE] = "ide",
                                                 [VMF_BUS_SCSI] = "scsi",
                                                 [VMF_BUS_SATA] = "sata",
                                                 [VMF_BUS_NVME] = "nvme"};

/* ---- written ---- */

static void put(struct vmf_markup *markup, const char *key, const char *value)
{
  if (!*value)
    return;
  vmf_markup_start(markup, "vmw:ExtraConfig");
  vmf_markup_attribute(markup, "ovf:required", "false");
  vmf_markup_attribute(markup, "vmw:key", "%s", key);
  vmf_markup_attribute(markup, "vmw:value", "%s", value);
  vmf_markup_end(markup);
}

struct order {
  const struct vmf_machine_plan *plan;
  struct vmf_vmware_list classes, disks, cards;
};

static void lose(const struct order *order, const char *list, size_t index)
{
  vmf_machine_lose(order->plan->settings->losses, VMF_LOSS_COSMETIC, NULL,
                   "a package orders classes, and the devices of each", "%s[%zu].boot", list,
                   index);
}

static void add_class(struct order *order, const char *class)
{
  if (!strstr(order->classes.text, class))
    vmf_vmware_list_add(&order->classes, class);
}

static void add_disk(struct order *order, size_t index)
{
  static const char *const media[] = {[VMF_MEDIUM_DISK] = "disk",
                                      [VMF_MEDIUM_CDROM] = "cdrom",
                                      [VMF_MEDIUM_FLOPPY] = "floppy",
                                      [VMF_MEDIUM_LUN] = "disk"};
  const struct vmf_machine_disk *disk = &order->plan->machine->disks[index];
  const struct vmf_machine_plan_drive *drive = &order->plan->drives[index];

  if (drive->left_out)
    return;
  add_class(order, media[disk->medium.value]);
  if (drive->controller != SIZE_MAX && drive->disk > 0 && order->disks.count < LISTED_MAX) {
    const struct vmf_machine_plan_controller *controller =
        &order->plan->controllers[drive->controller];
    char word[32];
    snprintf(word, sizeof word, "%s%u:%u", bus_words[controller->kind->bus], controller->number,
             drive->unit);
    vmf_vmware_list_add(&order->disks, word);
  }
  if (drive->disk == 0 || disk->boot.value != order->disks.count)
    lose(order, "disks", index);
}

static void add_card(struct order *order, size_t index)
{
  char word[32];

  add_class(order, "network");
  if (order->cards.count < LISTED_MAX) {
    snprintf(word, sizeof word, "ethernet%zu", index);
    vmf_vmware_list_add(&order->cards, word);
  }
  if (order->plan->machine->nics[index].boot.value != order->cards.count)
    lose(order, "nics", index);
}

static void list_devices(struct order *order)
{
  const struct vmf_machine *machine = order->plan->machine;

  for (uint64_t place = 0; vmf_vmware_next_place(machine, &place);) {
    for (size_t i = 0; i < machine->disk_count; i++)
      if (machine->disks[i].boot.told && machine->disks[i].boot.value == place)
        add_disk(order, i);
    for (size_t i = 0; i < machine->nic_count; i++)
      if (machine->nics[i].boot.told && machine->nics[i].boot.value == place)
        add_card(order, i);
  }
}

/* "disk,network" as "hdd,ethernet1" */
static void list_classes(const struct order *order, const char *classes,
                         struct vmf_vmware_list *list)
{
  for (const char *at = classes; *at; at += strspn(at, ",")) {
    size_t length = strcspn(at, ",");
    char class[16];
    snprintf(class, sizeof class, "%.*s", (int)(length < 15 ? length : 15), at);
    const char *word = vmf_vendor_own(vmf_vmware_boot_classes, class);
    if (word && strcmp(class, "network") == 0 && order->cards.count > 0)
      word = order->cards.text;
    if (word)
      vmf_vmware_list_add(list, word);
    at += length;
  }
}

static void put_order(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct vmf_machine *machine = plan->machine;
  struct order order = {.plan = plan};
  struct vmf_vmware_list classes = {0};

  if (vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI)
    return; /* it keeps the order in its variables */
  list_devices(&order);
  list_classes(&order, machine->boot.text ? machine->boot.text : order.classes.text, &classes);
  put(markup, "bios.bootOrder", classes.text);
  put(markup, "bios.hddOrder", order.disks.text);
}

static void put_number(struct vmf_markup *markup, const char *key, uint64_t value)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
  put(markup, key, text);
}

void vmf_compose_vmx_keys(struct vmf_markup *markup, const struct vmf_machine_plan *plan)
{
  const struct vmf_machine *machine = plan->machine;

  put_order(markup, plan);
  if (machine->genid.told && !plan->settings->copy) {
    put_number(markup, "vm.genid", get_le64(machine->genid.bytes));
    put_number(markup, "vm.genidX", get_le64(machine->genid.bytes + 8));
  }
  if (machine->clock.told && machine->clock.value == VMF_CLOCK_UTC)
    put_number(markup, "rtc.diffFromUTC", vmf_told_or(machine->clock_offset, 0));
}

/* ---- read ---- */

static bool read_signed(const char *text, int64_t *number)
{
  char *end;

  errno = 0;
  *number = strtoll(text, &end, 10);
  return end != text && *end == '\0' && errno == 0;
}

/* The next word of a list, without blanks; false at the end. */
static bool next_word(const char **rest, char word[32])
{
  size_t length = 0;

  *rest += strspn(*rest, ", ");
  for (; **rest && **rest != ','; ++*rest)
    if (**rest != ' ' && length < 31)
      word[length++] = **rest;
  word[length] = '\0';
  return length > 0;
}

/* "ethernet1": a card of the machine. */
static struct vmf_machine_nic *card_of(struct vmf_machine *machine, const char *word)
{
  unsigned index;
  char behind;

  if (strncasecmp(word, "ethernet", 8) != 0 || sscanf(word + 8, "%4u%c", &index, &behind) != 1 ||
      index >= machine->nic_count)
    return NULL;
  return &machine->nics[index];
}

static struct vmf_machine_disk *drive_of(struct vmf_machine *machine, const char *word)
{
  unsigned controller, unit;
  char bus[8], behind;

  if (sscanf(word, "%4[a-zA-Z]%4u:%4u%c", bus, &controller, &unit, &behind) != 3)
    return NULL;
  for (size_t i = 0; i < machine->disk_count; i++) {
    struct vmf_machine_disk *disk = &machine->disks[i];
    const char *name = disk->bus.value < VMF_BUSES ? bus_words[disk->bus.value] : NULL;
    if (name && vmf_text_equal_nocase(name, bus) &&
        vmf_told_or(disk->controller, UINT64_MAX) == controller &&
        vmf_told_or(disk->unit, UINT64_MAX) == unit)
      return disk;
  }
  return NULL;
}

/* A list with a word that is not known stays an extra. */
static enum vmf_code read_classes(struct vmf_machine *machine, const char *value, unsigned line,
                                  bool *taken, struct vmf_error *error)
{
  struct vmf_vmware_list classes = {0};
  uint64_t cards = 0;
  char word[32];

  for (const char *rest = value; next_word(&rest, word);) {
    const char *class = card_of(machine, word)
                            ? "network"
                            : vmf_vendor_neutral_nocase(vmf_vmware_boot_classes, word);
    if (!class)
      return VMF_OK;
    if (!strstr(classes.text, class))
      vmf_vmware_list_add(&classes, class);
  }
  if (classes.count == 0 || machine->boot.text)
    return VMF_OK;
  for (const char *rest = value; next_word(&rest, word);) {
    struct vmf_machine_nic *card = card_of(machine, word);
    if (card && !card->boot.told)
      card->boot = vmf_told(++cards, line);
  }
  *taken = true;
  return vmf_machine_text(machine, classes.text, line, &machine->boot, error);
}

static bool read_drives(struct vmf_machine *machine, const char *value, unsigned line)
{
  uint64_t order = 0;
  char word[32];

  for (const char *rest = value; next_word(&rest, word);) {
    struct vmf_machine_disk *disk = drive_of(machine, word);
    if (disk && !disk->boot.told)
      disk->boot = vmf_told(++order, line);
  }
  return order > 0;
}

static bool read_clock(struct vmf_machine *machine, int64_t seconds, unsigned line)
{
  if (machine->clock.told)
    return false;
  machine->clock = vmf_told(VMF_CLOCK_UTC, line);
  if (seconds != 0)
    machine->clock_offset = vmf_told((uint64_t)seconds, line);
  return true;
}

/* The id is told when both halves were there. */
static bool read_genid(struct vmf_system_reader *reader, unsigned half, int64_t number,
                       unsigned line)
{
  struct vmf_told_id *genid = &reader->machine->genid;

  if (reader->genid_halves & (1u << half))
    return false;
  put_le64(genid->bytes + 8 * half, (uint64_t)number);
  reader->genid_halves |= 1u << half;
  genid->line = line;
  genid->told = reader->genid_halves == 3;
  return true;
}

enum vmf_code vmf_system_vmx_key(struct vmf_system_reader *reader, const char *key,
                                 const char *value, unsigned line, bool *taken)
{
  struct vmf_machine *machine = reader->machine;
  int64_t number;

  *taken = false;
  if (vmf_text_equal_nocase(key, "bios.bootOrder"))
    return read_classes(machine, value, line, taken, reader->error);
  if (vmf_text_equal_nocase(key, "bios.hddOrder"))
    *taken = read_drives(machine, value, line);
  else if (!read_signed(value, &number))
    return VMF_OK;
  else if (vmf_text_equal_nocase(key, "rtc.diffFromUTC"))
    *taken = read_clock(machine, number, line);
  else if (vmf_text_equal_nocase(key, "vm.genid"))
    *taken = read_genid(reader, 0, number, line);
  else if (vmf_text_equal_nocase(key, "vm.genidX"))
    *taken = read_genid(reader, 1, number, line);
  return VMF_OK;
}

enum vmf_code vmf_system_vmx_keys_end(struct vmf_system_reader *reader)
{
  const struct vmf_told_id *genid = &reader->machine->genid;
  char text[24];

  if (reader->genid_halves == 0 || genid->told)
    return VMF_OK;
  bool high = reader->genid_halves == 2;
  snprintf(text, sizeof text, "%" PRId64, (int64_t)get_le64(genid->bytes + (high ? 8 : 0)));
  return vmf_machine_add_extra(reader->machine, "ovf",
                               high ? "vmw:ExtraConfig vm.genidX" : "vmw:ExtraConfig vm.genid",
                               text, genid->line, true, reader->error);
}
