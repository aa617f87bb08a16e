/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Drives, cards and the order of starting into a configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "proxmox_writer.h"

enum { NO_NUMBER = 0xffff };

static const struct proxmox_bus *find_bus(uint64_t bus)
{
  const struct proxmox_bus *row = proxmox_buses;

  while (row->name && row->bus != bus)
    row++;
  return row->name ? row : NULL;
}

/* ---- seats ---- */

static bool is_free(const struct proxmox_writer *writer, const char *key)
{
  for (size_t i = 0; i < writer->machine->disk_count; i++)
    if (strcmp(writer->seats[i], key) == 0)
      return false;
  return true;
}

static bool take_seat(struct proxmox_writer *writer, size_t disk, const struct proxmox_bus *bus,
                      uint64_t number)
{
  char key[PROXMOX_KEY];

  if (!bus || number >= bus->drives)
    return false;
  snprintf(key, sizeof key, "%s%u", bus->name, (unsigned)number);
  if (!is_free(writer, key))
    return false;
  memcpy(writer->seats[disk], key, sizeof key);
  return true;
}

static bool take_any(struct proxmox_writer *writer, size_t disk, const struct proxmox_bus *bus)
{
  for (unsigned number = 0; bus && number < bus->drives; number++)
    if (take_seat(writer, disk, bus, number))
      return true;
  return false;
}

static const char *model_of(const struct vmf_machine *machine, const struct vmf_machine_disk *disk)
{
  const struct vmf_machine_controller *controller = vmf_machine_controller(
      machine, (enum vmf_bus)disk->bus.value, vmf_told_or(disk->controller, 0));

  return controller ? controller->model.text : NULL;
}

/* A machine has SCSI adapters of one kind. OVMF does not start from QEMU's LSI ones. */
static void choose_adapter(struct proxmox_writer *writer)
{
  const struct vmf_machine *machine = writer->machine;
  bool efi = machine->firmware.told && machine->firmware.value == VMF_FIRMWARE_EFI;

  for (size_t i = 0; i < machine->disk_count && !writer->adapter; i++) {
    const char *model =
        machine->disks[i].bus.value == VMF_BUS_SCSI ? model_of(machine, &machine->disks[i]) : NULL;
    if (model && proxmox_word_written(proxmox_adapters, model) &&
        !(efi && strncmp(model, "lsi53c", 6) == 0))
      writer->adapter = model;
  }
}

/* Its bus where Proxmox has that with the same kind of controller; NULL: it does not. */
static const struct proxmox_bus *own_bus(const struct proxmox_writer *writer,
                                         const struct vmf_machine_disk *disk)
{
  const char *model = model_of(writer->machine, disk);

  if (disk->bus.value == VMF_BUS_SCSI &&
      (!writer->adapter || !model || strcmp(model, writer->adapter) != 0))
    return NULL;
  return find_bus(disk->bus.value);
}

/* The number that the reader would have taken for its place. */
static uint64_t own_number(const struct proxmox_writer *writer, const struct vmf_machine_disk *disk)
{
  uint64_t controller = vmf_told_or(disk->controller, 0), unit = vmf_told_or(disk->unit, 0);
  uint64_t units = disk->bus.value == VMF_BUS_IDE      ? 2
                   : disk->bus.value == VMF_BUS_VIRTIO ? 1
                   : disk->bus.value == VMF_BUS_SCSI && strncmp(writer->adapter, "lsi53c", 6) == 0
                       ? PROXMOX_LSI_UNITS
                       : 256;

  return controller < NO_NUMBER && unit < units ? controller * units + unit : NO_NUMBER;
}

/* Where its own bus has no place: every system has a driver for AHCI. */
static enum vmf_code move_drive(struct proxmox_writer *writer, size_t index,
                                const struct proxmox_bus *bus, struct vmf_error *error)
{
  bool cdrom = writer->machine->disks[index].medium.value == VMF_MEDIUM_CDROM;

  if (take_any(writer, index, bus))
    return VMF_OK;
  if ((cdrom && take_any(writer, index, find_bus(VMF_BUS_IDE))) ||
      take_any(writer, index, find_bus(VMF_BUS_SATA)) ||
      take_any(writer, index, find_bus(VMF_BUS_SCSI))) {
    proxmox_lose(writer, BOOT, "L-controller",
                 writer->seats[index][1] == 'c'
                     ? "Proxmox VE has no such controller: the guest needs its SCSI driver"
                     : "Proxmox VE has no such controller: the guest needs a driver for AHCI",
                 "disks[%zu].bus", index);
    return VMF_OK;
  }
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the machine has %zu drives, more than Proxmox VE has places for",
                  writer->target->name, writer->machine->disk_count);
}

enum vmf_code proxmox_seat_drives(struct proxmox_writer *writer, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;

  choose_adapter(writer);
  for (size_t i = 0; i < machine->disk_count; i++) {
    const struct proxmox_bus *bus = own_bus(writer, &machine->disks[i]);
    if (bus)
      (void)take_seat(writer, i, bus, own_number(writer, &machine->disks[i]));
  }
  for (size_t i = 0; i < machine->disk_count; i++) {
    if (machine->disks[i].medium.value == VMF_MEDIUM_FLOPPY)
      proxmox_lose(writer, COSMETIC, "L-floppy", "Proxmox VE has no floppy drives", "disks[%zu]",
                   i);
    else if (!writer->seats[i][0])
      VMF_TRY(move_drive(writer, i, own_bus(writer, &machine->disks[i]), error));
  }
  return VMF_OK;
}

enum vmf_code proxmox_disk_name(const struct vmf_machine *machine, size_t disk, char **name,
                                struct vmf_error *error)
{
  static const struct vmf_machine_target target = {.name = PROXMOX_IN_ARCHIVE};
  struct proxmox_writer writer = {.machine = machine, .target = &target};
  VMF_AUTO_FREE void *seats = NULL;

  VMF_TRY(vmf_alloc(machine->disk_count * sizeof *writer.seats, &seats, error));
  writer.seats = seats;
  VMF_TRY(proxmox_seat_drives(&writer, error));
  return writer.seats[disk][0] ? vmf_format(name, error, "drive-%s", writer.seats[disk])
                               : vmf_format(name, error, "disk%zu", disk);
}

/* ---- drives ---- */

/* The file or the volume; in a backup a volume that a restore replaces. */
static enum vmf_code append_volume(const struct proxmox_writer *writer, size_t index, char **value,
                                   struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  const char *name = writer->target->disks[index].name, *elsewhere = disk->elsewhere.text;
  const char *folder = writer->target->folder;

  if (name && writer->in_archive)
    return proxmox_append(value, error, "local:100/vm-100-disk-%zu.raw", index);
  if (name)
    return proxmox_append(value, error, "%s%s", folder && name[0] != '/' ? folder : "", name);
  if (elsewhere && !writer->target->disks[index].left_out &&
      strncmp(elsewhere, "volume ", 7) == 0 && proxmox_is_word(elsewhere + 7, ":/._-+", 200) &&
      strchr(elsewhere, ':'))
    return proxmox_append(value, error, "%s", elsewhere + 7);
  return proxmox_append(value, error, "none");
}

static enum vmf_code append_flag(char **value, const char *name, struct vmf_told_number told,
                                 struct vmf_error *error)
{
  return told.told ? proxmox_append(value, error, ",%s=%u", name, told.value ? 1u : 0u) : VMF_OK;
}

/* As Proxmox decodes it. */
static enum vmf_code append_serial(char **value, const char *serial, struct vmf_error *error)
{
  VMF_TRY(proxmox_append(value, error, ",serial="));
  for (const char *c = serial; *c; c++) {
    char letter[2] = {*c, '\0'};
    if (proxmox_is_word(letter, "-._", 1))
      VMF_TRY(proxmox_append(value, error, "%c", *c));
    else
      VMF_TRY(proxmox_append(value, error, "%%%02X", (unsigned char)*c));
  }
  return VMF_OK;
}

static enum vmf_code append_texts(const struct proxmox_writer *writer, size_t index, char **value,
                                  struct vmf_error *error)
{
  static const char *const caches[] = {"none", "writeback", "writethrough", "directsync", "unsafe"};
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];

  for (size_t i = 0; disk->cache.text && i < sizeof caches / sizeof caches[0]; i++)
    if (strcmp(disk->cache.text, caches[i]) == 0)
      VMF_TRY(proxmox_append(value, error, ",cache=%s", caches[i]));
  if (disk->discard.told)
    VMF_TRY(proxmox_append(value, error, ",discard=%s", disk->discard.value ? "on" : "ignore"));
  if (disk->wwn.text && strncmp(disk->wwn.text, "0x", 2) == 0 &&
      strspn(disk->wwn.text + 2, "0123456789abcdefABCDEF") == 16 && strlen(disk->wwn.text) == 18)
    VMF_TRY(proxmox_append(value, error, ",wwn=%s", disk->wwn.text));
  else if (disk->wwn.text)
    proxmox_lose(writer, BEHAVIOUR, NULL, "it is not 0x and 16 hexadecimal digits",
                 "disks[%zu].wwn", index);
  if (disk->serial.text && strlen(disk->serial.text) <= 60)
    VMF_TRY(append_serial(value, disk->serial.text, error));
  else if (disk->serial.text)
    proxmox_lose(writer, BEHAVIOUR, NULL, "it is longer than 60 bytes", "disks[%zu].serial", index);
  return VMF_OK;
}

static enum vmf_code append_drive(struct proxmox_writer *writer, size_t index, char **value,
                                  struct vmf_error *error)
{
  const struct vmf_machine_disk *disk = &writer->machine->disks[index];
  uint64_t size = writer->target->disks[index].capacity;

  VMF_TRY(append_volume(writer, index, value, error));
  if (disk->medium.value == VMF_MEDIUM_CDROM)
    VMF_TRY(proxmox_append(value, error, ",media=cdrom"));
  if (size == 0)
    size = vmf_told_or(disk->capacity, 0);
  if (size > 0 && strcmp(*value, "none,media=cdrom") != 0)
    VMF_TRY(size % 1024 == 0 ? proxmox_append(value, error, ",size=%" PRIu64 "K", size / 1024)
                             : proxmox_append(value, error, ",size=%" PRIu64, size));
  VMF_TRY(append_flag(value, "ssd", disk->ssd, error));
  VMF_TRY(append_flag(value, "ro", disk->read_only, error));
  if (disk->mode.told && disk->mode.value == VMF_MODE_TRANSIENT)
    VMF_TRY(proxmox_append(value, error, ",snapshot=1"));
  if (vmf_told_or(disk->shared, 0))
    proxmox_lose(writer, DATA, "L-shared-disk", "each machine gets a disk of its own",
                 "disks[%zu].shared", index);
  return append_texts(writer, index, value, error);
}

/* scsihw: a kind that was kept, where it is of that driver. */
static enum vmf_code write_adapter(struct proxmox_writer *writer, struct vmf_error *error)
{
  const char *kept = vmf_machine_extra(writer->machine, PROXMOX_NAME, "scsihw"), *model;

  for (size_t i = 0; i < writer->machine->disk_count; i++) {
    if (strncmp(writer->seats[i], "scsi", 4) != 0)
      continue;
    model = kept ? proxmox_word_read(proxmox_adapters, kept) : NULL;
    if (model && writer->adapter && strcmp(model, writer->adapter) == 0)
      return proxmox_put(writer, "scsihw", kept, error);
    return proxmox_put(
        writer, "scsihw",
        proxmox_word_written(proxmox_adapters, writer->adapter ? writer->adapter : "virtio-scsi"),
        error);
  }
  return VMF_OK;
}

enum vmf_code proxmox_write_drives(struct proxmox_writer *writer, struct vmf_error *error)
{
  for (size_t i = 0; i < writer->machine->disk_count; i++) {
    char *value = NULL;
    bool cdrom = writer->machine->disks[i].medium.value == VMF_MEDIUM_CDROM;
    if (!writer->seats[i][0])
      continue;
    enum vmf_code code = append_drive(writer, i, &value, error);
    if (code == VMF_OK && !cdrom && strncmp(value, "none", 4) == 0) {
      proxmox_lose(writer, DATA, "L-disk", "what it holds is not here, so there is no drive for it",
                   "disks[%zu]", i);
      writer->seats[i][0] = '\0';
      vmf_free(value);
      continue;
    }
    if (code == VMF_OK)
      code = proxmox_put_list(writer, writer->seats[i], &value, error);
    vmf_free(value);
    VMF_TRY(code);
  }
  return write_adapter(writer, error);
}

/* ---- cards ---- */

static const char *card_model(const struct proxmox_writer *writer, size_t index)
{
  const char *model = writer->machine->nics[index].model.text;
  const char *word = model ? proxmox_word_written(proxmox_nics, model) : NULL;

  if (word)
    return word;
  if (model)
    proxmox_lose(writer, BEHAVIOUR, NULL,
                 "Proxmox VE has no such card: the guest sees another one, an e1000",
                 "nics[%zu].model", index);
  return "e1000";
}

/* Networks are bridges of the server, by names such as vmbr0. */
static enum vmf_code append_network(const struct proxmox_writer *writer, size_t index, char **value,
                                    struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];
  const char *network = nic->network.text;

  if (nic->attach.told && nic->attach.value == VMF_ATTACH_NAT)
    return VMF_OK;
  if (!network || !proxmox_is_word(network, "-_.", 15)) {
    if (network)
      proxmox_lose(writer, BEHAVIOUR, "L-network-name",
                   "it is no name of a bridge: the card is on vmbr0", "nics[%zu].network", index);
    network = "vmbr0";
  }
  return proxmox_append(value, error, ",bridge=%s", network);
}

/* The cable is out, too, of a card that is not connected at the start, or that is on no network. */
static enum vmf_code append_link(const struct vmf_machine_nic *nic, char **value,
                                 struct vmf_error *error)
{
  bool out = !vmf_told_or(nic->link, true) || !vmf_told_or(nic->connected, true) ||
             (nic->attach.told && nic->attach.value == VMF_ATTACH_NONE);

  return out || nic->link.told ? proxmox_append(value, error, ",link_down=%u", out ? 1u : 0u)
                               : VMF_OK;
}

static enum vmf_code append_card(struct proxmox_writer *writer, size_t index, char **value,
                                 struct vmf_error *error)
{
  const struct vmf_machine_nic *nic = &writer->machine->nics[index];
  const char *mac = writer->target->copy ? NULL : nic->mac.text;

  VMF_TRY(proxmox_append(value, error, "%s%s%s", card_model(writer, index), mac ? "=" : "",
                         mac ? mac : ""));
  VMF_TRY(append_network(writer, index, value, error));
  if (nic->vlan.told)
    VMF_TRY(proxmox_append(value, error, ",tag=%u", (unsigned)nic->vlan.value));
  if (nic->mtu.told)
    VMF_TRY(proxmox_append(value, error, ",mtu=%u", (unsigned)nic->mtu.value));
  if (nic->queues.told)
    VMF_TRY(proxmox_append(value, error, ",queues=%u", (unsigned)nic->queues.value));
  if (nic->rate.told)
    VMF_TRY(proxmox_append(value, error, ",rate=%u.%06u", (unsigned)(nic->rate.value >> 20),
                           (unsigned)((nic->rate.value & 0xfffff) * 1000000 >> 20)));
  return append_link(nic, value, error);
}

enum vmf_code proxmox_write_cards(struct proxmox_writer *writer, struct vmf_error *error)
{
  for (size_t i = 0; i < writer->machine->nic_count; i++) {
    char key[PROXMOX_KEY], *value = NULL;
    if (i >= PROXMOX_NICS) {
      proxmox_lose(writer, BEHAVIOUR, NULL, "Proxmox VE has 32 cards a machine", "nics[%zu]", i);
      continue;
    }
    snprintf(key, sizeof key, "net%zu", i);
    enum vmf_code code = append_card(writer, i, &value, error);
    if (code == VMF_OK)
      code = proxmox_put_list(writer, key, &value, error);
    vmf_free(value);
    VMF_TRY(code);
  }
  return VMF_OK;
}

/* ---- the order of starting ---- */

/* The device that is tried first of those behind `last`; its place, or 0: there is none. */
static uint64_t next_device(const struct proxmox_writer *writer, uint64_t last,
                            char key[PROXMOX_KEY])
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t best = 0;

  for (size_t i = 0; i < machine->disk_count; i++) {
    uint64_t place = vmf_told_or(machine->disks[i].boot, 0);
    if (writer->seats[i][0] && place > last && (best == 0 || place < best)) {
      best = place;
      memcpy(key, writer->seats[i], PROXMOX_KEY);
    }
  }
  for (size_t i = 0; i < machine->nic_count && i < PROXMOX_NICS; i++) {
    uint64_t place = vmf_told_or(machine->nics[i].boot, 0);
    if (place > last && (best == 0 || place < best)) {
      best = place;
      snprintf(key, PROXMOX_KEY, "net%zu", i);
    }
  }
  return best;
}

static enum vmf_code append_class(const struct proxmox_writer *writer, const char *class,
                                  size_t length, char **value, struct vmf_error *error)
{
  const struct vmf_machine *machine = writer->machine;
  bool disk = strncmp(class, "disk", length) == 0, cdrom = strncmp(class, "cdrom", length) == 0;

  for (size_t i = 0; i < machine->disk_count; i++) {
    bool is_cdrom = machine->disks[i].medium.value == VMF_MEDIUM_CDROM;
    if (writer->seats[i][0] && (is_cdrom ? cdrom : disk))
      VMF_TRY(proxmox_append(value, error, ";%s", writer->seats[i]));
  }
  if (strncmp(class, "network", length) != 0)
    return VMF_OK;
  for (size_t i = 0; i < machine->nic_count && i < PROXMOX_NICS; i++)
    VMF_TRY(proxmox_append(value, error, ";net%zu", i));
  return VMF_OK;
}

static enum vmf_code append_classes(const struct proxmox_writer *writer, const char *classes,
                                    char **value, struct vmf_error *error)
{
  for (size_t length; *classes; classes += length + (classes[length] == ',')) {
    length = strcspn(classes, ",");
    if (length > 0)
      VMF_TRY(append_class(writer, classes, length, value, error));
  }
  return VMF_OK;
}

static enum vmf_code append_order(const struct proxmox_writer *writer, char **value,
                                  struct vmf_error *error)
{
  char key[PROXMOX_KEY];

  for (uint64_t place = 0; (place = next_device(writer, place, key)) != 0;)
    VMF_TRY(proxmox_append(value, error, ";%s", key));
  if (*value)
    return VMF_OK;
  if (writer->machine->boot.text)
    proxmox_lose(writer, COSMETIC, NULL, "each device is named instead", "boot");
  return append_classes(
      writer, writer->machine->boot.text ? writer->machine->boot.text : "disk,cdrom", value, error);
}

enum vmf_code proxmox_write_boot(struct proxmox_writer *writer, struct vmf_error *error)
{
  VMF_AUTO_FREE char *order = NULL;
  VMF_AUTO_FREE char *value = NULL;

  VMF_TRY(append_order(writer, &order, error));
  if (order)
    VMF_TRY(proxmox_append(&value, error, "order=%s", order + 1));
  return proxmox_put_list(writer, "boot", &value, error);
}
