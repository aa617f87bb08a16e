/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Drives with their controllers, and network cards. */
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "proxmox.h"

enum { BRIDGE_MTU = 1 };

static void add_device(struct proxmox_reader *reader, const char *key, bool nic, size_t index)
{
  struct proxmox_device *device = &reader->devices[reader->device_count++];

  *device = (struct proxmox_device){.nic = nic, .index = index};
  snprintf(device->key, sizeof device->key, "%s", key);
}

/* ---- where a drive is ---- */

static const char *adapter(const struct proxmox_reader *reader)
{
  const struct conf_setting *setting = conf_find(&reader->text, reader->section, "scsihw");
  return setting ? setting->value : "lsi";
}

/* Number n of a bus: of IDE two on a channel, of QEMU's LSI adapter seven, of virtio each on its
 * own. */
static void place(const struct proxmox_reader *reader, const struct proxmox_bus *bus, unsigned n,
                  unsigned line, struct vmf_machine_disk *disk)
{
  unsigned units = bus->bus == VMF_BUS_IDE      ? 2
                   : bus->bus == VMF_BUS_VIRTIO ? 1
                   : bus->bus == VMF_BUS_SCSI && strncmp(adapter(reader), "lsi", 3) == 0
                       ? PROXMOX_LSI_UNITS
                       : 256;

  disk->bus = vmf_told(bus->bus, line);
  disk->controller = vmf_told(n / units, line);
  disk->unit = vmf_told(n % units, line);
}

static enum vmf_code add_controller(struct proxmox_reader *reader, const struct proxmox_bus *bus,
                                    uint64_t index, unsigned line, struct vmf_error *error)
{
  struct conf_setting *scsihw = conf_find(&reader->text, reader->section, "scsihw");
  struct vmf_machine_controller *controller;
  const char *model = bus->model;

  if (bus->bus == VMF_BUS_VIRTIO || vmf_machine_controller(reader->machine, bus->bus, index))
    return VMF_OK;
  VMF_TRY(vmf_machine_add_controller(reader->machine, &controller, error));
  controller->bus = vmf_told(bus->bus, line);
  controller->index = vmf_told(index, line);
  if (bus->bus == VMF_BUS_SCSI) {
    model = proxmox_word_read(proxmox_adapters, adapter(reader));
    line = scsihw ? scsihw->line : 0;
    if (scsihw && !model)
      return proxmox_refuse(reader, scsihw,
                            "lsi, lsi53c810, virtio-scsi-pci, virtio-scsi-single, megasas, pvscsi",
                            error);
    if (scsihw) /* one adapter for each disk is told as an extra */
      scsihw->taken = strcmp(scsihw->value, "virtio-scsi-single") != 0;
  }
  return vmf_machine_text(reader->machine, model, line, &controller->model, error);
}

/* ---- what it holds ---- */

/* A device of the backup, a path, or a volume of a storage that only the server knows. */
static enum vmf_code read_image(struct proxmox_reader *reader, const struct conf_setting *setting,
                                const char *file, struct vmf_machine_disk *disk,
                                struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  const char *device = conf_device(&reader->text, setting->key);

  if (!file)
    return proxmox_refuse(reader, setting, "STORAGE:VOLUME, /PATH or none, and properties", error);
  if (strcmp(file, "none") == 0)
    return VMF_OK;
  if (strcmp(file, "cdrom") == 0)
    return vmf_machine_text(machine, "drive of the host", setting->line, &disk->elsewhere, error);
  disk->in_container = device != NULL;
  if (device || !strchr(file, ':')) /* a volume has the name of its storage in front */
    return vmf_machine_text(machine, device ? device : file, setting->line, &disk->image, error);
  disk->on_storage = true;
  if (vmf_machine_storage(reader->source->storages, file))
    return vmf_machine_text(machine, file, setting->line, &disk->image, error);
  VMF_TRY(
      vmf_machine_format_text(machine, setting->line, &disk->elsewhere, error, "volume %s", file));
  if (disk->medium.value == VMF_MEDIUM_DISK)
    vmf_report_add(reader->text.report, VMF_SEVERITY_LOSS, "disk-elsewhere", reader->text.name,
                   setting->line, "the content of %s is not in a file here: volume %.80s",
                   setting->key, file);
  return VMF_OK;
}

static enum vmf_code read_serial(struct proxmox_reader *reader, const struct conf_setting *setting,
                                 const char *text, struct vmf_told_text *told,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *serial = NULL;

  if (!text)
    return VMF_OK;
  VMF_TRY(vmf_copy_text(text, &serial, error));
  if (!conf_unescape(serial))
    proxmox_odd(reader, setting, "proxmox-escape", "%s: the escapes of serial=%.60s are no text",
                setting->key, text);
  return vmf_machine_text(reader->machine, serial, setting->line, told, error);
}

/* Words of the model's that are Proxmox's, too. */
static enum vmf_code read_words(struct proxmox_reader *reader, const struct conf_setting *setting,
                                struct conf_properties *properties, struct vmf_machine_disk *disk,
                                struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  unsigned line = setting->line;
  const char *size = conf_take(properties, "size");
  uint64_t bytes;

  for (size_t i = 0; i < properties->count; i++) {
    struct conf_property *property = &properties->list[i];
    if (strcmp(property->name, "discard") != 0)
      continue;
    property->taken = strcmp(property->value, "on") == 0 || strcmp(property->value, "ignore") == 0;
    if (property->taken)
      disk->discard = vmf_told(property->value[0] == 'o', line);
  }
  if (size && conf_size(size, &bytes))
    disk->capacity = vmf_told(bytes, line);
  VMF_TRY(vmf_machine_text(machine, conf_take(properties, "cache"), line, &disk->cache, error));
  VMF_TRY(vmf_machine_text(machine, conf_take(properties, "wwn"), line, &disk->wwn, error));
  const char *format = conf_take(properties, "format");
  if (!disk->in_container)
    VMF_TRY(vmf_machine_text(machine, format, line, &disk->image_format, error));
  return read_serial(reader, setting, conf_take(properties, "serial"), &disk->serial, error);
}

static enum vmf_code fill_disk(struct proxmox_reader *reader, const struct conf_setting *setting,
                               struct conf_properties *properties, struct vmf_machine_disk *disk,
                               struct vmf_error *error)
{
  const char *media = conf_take(properties, "media");
  struct vmf_told_number snapshot = {0};

  if (media && strcmp(media, "cdrom") != 0 && strcmp(media, "disk") != 0)
    return proxmox_refuse(reader, setting, "media=disk, media=cdrom", error);
  const char *file = conf_take(properties, "file");
  bool cdrom = (media && strcmp(media, "cdrom") == 0) || (file && strcmp(file, "cdrom") == 0);
  disk->medium = vmf_told(cdrom ? VMF_MEDIUM_CDROM : VMF_MEDIUM_DISK, setting->line);
  VMF_TRY(read_image(reader, setting, file, disk, error));
  if (!cdrom && !disk->in_container) /* a snapshot of the machine is one inside of each image */
    VMF_TRY(vmf_machine_text(reader->machine, reader->source->snapshot, setting->line,
                             &disk->image_snapshot, error));
  proxmox_take_flag(reader, setting, properties, "ssd", &disk->ssd);
  proxmox_take_flag(reader, setting, properties, "ro", &disk->read_only);
  proxmox_take_flag(reader, setting, properties, "snapshot", &snapshot);
  if (vmf_told_or(snapshot, 0))
    disk->mode = vmf_told(VMF_MODE_TRANSIENT, setting->line);
  VMF_TRY(read_words(reader, setting, properties, disk, error));
  return proxmox_leave(reader, setting, properties, error);
}

static enum vmf_code read_drive(struct proxmox_reader *reader, const struct proxmox_bus *bus,
                                unsigned number, struct vmf_error *error)
{
  struct vmf_machine_disk *disk;
  struct conf_properties properties;
  char key[PROXMOX_KEY];

  snprintf(key, sizeof key, "%s%u", bus->name, number);
  const struct conf_setting *setting = proxmox_take(reader, key);
  if (!setting)
    return VMF_OK;
  add_device(reader, key, false, reader->machine->disk_count);
  VMF_TRY(vmf_machine_add_disk(reader->machine, &disk, error));
  place(reader, bus, number, setting->line, disk);
  VMF_TRY(add_controller(reader, bus, disk->controller.value, setting->line, error));
  enum vmf_code code = proxmox_split(reader, setting, "file", &properties, error);
  if (code == VMF_OK)
    code = fill_disk(reader, setting, &properties, disk, error);
  conf_properties_clear(&properties);
  return code;
}

/* Lines of a backup whose drives the configuration does not have. */
static void check_maps(const struct proxmox_reader *reader)
{
  for (size_t i = 0; i < reader->text.map_count; i++) {
    const struct conf_map *map = &reader->text.maps[i];
    if (!conf_find(&reader->text, reader->section, map->key))
      vmf_report_add(reader->text.report, VMF_SEVERITY_WARNING, "proxmox-drive", reader->text.name,
                     0, "the backup has %.60s for the drive %.60s, which the machine does not have",
                     map->device, map->key);
  }
}

enum vmf_code proxmox_read_drives(struct proxmox_reader *reader, struct vmf_error *error)
{
  for (const struct proxmox_bus *bus = proxmox_buses; bus->name; bus++)
    for (unsigned number = 0; number < bus->drives; number++)
      VMF_TRY(read_drive(reader, bus, number, error));
  check_maps(reader);
  return VMF_OK;
}

/* ---- cards ---- */

/* "virtio=A2:C0:43:77:08:A0", "virtio" or "model=virtio,macaddr=...". */
static enum vmf_code read_model(struct proxmox_reader *reader, const struct conf_setting *setting,
                                struct conf_properties *properties, struct vmf_machine_nic *nic,
                                struct vmf_error *error)
{
  const char *model = NULL, *address = conf_take(properties, "macaddr");

  for (size_t i = 0; i < properties->count && !model; i++) {
    struct conf_property *property = &properties->list[i];
    bool bare = strcmp(property->name, "model") == 0;
    model = proxmox_word_read(proxmox_nics, bare ? property->value : property->name);
    if (!model)
      continue;
    property->taken = true;
    if (!bare)
      address = property->value;
  }
  if (!model)
    proxmox_odd(reader, setting, "proxmox-card", "%s has no model that is known: \"%.60s\"",
                setting->key, setting->value);
  VMF_TRY(vmf_machine_text(reader->machine, model, setting->line, &nic->model, error));
  if (!address)
    return VMF_OK;
  if (vmf_machine_set_mac(reader->machine, setting->key, address, setting->line, nic, error) !=
      VMF_OK)
    return vmf_while(error, "%s:%u", reader->text.name, setting->line);
  return VMF_OK;
}

static enum vmf_code read_network(struct proxmox_reader *reader, const struct conf_setting *setting,
                                  struct conf_properties *properties, struct vmf_machine_nic *nic,
                                  struct vmf_error *error)
{
  const char *bridge = conf_take(properties, "bridge");
  struct vmf_told_number down = {0};

  nic->attach = vmf_told(bridge ? VMF_ATTACH_BRIDGE : VMF_ATTACH_NAT, setting->line);
  proxmox_take_flag(reader, setting, properties, "link_down", &down);
  if (down.told)
    nic->link = vmf_told(!down.value, down.line);
  return vmf_machine_text(reader->machine, bridge, setting->line, &nic->network, error);
}

/* MB/s with a point: bytes a second. */
static bool rate(const char *text, uint64_t *bytes)
{
  uint64_t whole = 0, part = 0, scale = 1;
  size_t length = strspn(text, "0123456789");

  if (length == 0 || length > 9)
    return false;
  for (size_t i = 0; i < length; i++)
    whole = whole * 10 + (uint64_t)(text[i] - '0');
  if (text[length] == '.')
    for (length++; text[length] >= '0' && text[length] <= '9' && scale < 1000000; length++) {
      part = part * 10 + (uint64_t)(text[length] - '0');
      scale *= 10;
    }
  *bytes = (whole << 20) + (part << 20) / scale;
  return text[length] == '\0';
}

/* An MTU of 1 is that of the bridge, whatever it is: it stays an extra. */
static void read_numbers(const struct conf_setting *setting, struct conf_properties *properties,
                         struct vmf_machine_nic *nic)
{
  const struct {
    const char *name;
    uint64_t most;
    struct vmf_told_number *told;
  } rows[] = {{"tag", 4094, &nic->vlan}, {"mtu", 65520, &nic->mtu}, {"queues", 64, &nic->queues}};

  for (size_t i = 0; i < properties->count; i++) {
    struct conf_property *property = &properties->list[i];
    uint64_t number;
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++)
      if (strcmp(rows[row].name, property->name) == 0 &&
          conf_number(property->value, rows[row].most, &number) &&
          (rows[row].told != &nic->mtu || number != BRIDGE_MTU)) {
        *rows[row].told = vmf_told(number, setting->line);
        property->taken = true;
      }
    if (strcmp(property->name, "rate") == 0 && rate(property->value, &number)) {
      nic->rate = vmf_told(number, setting->line);
      property->taken = true;
    }
  }
}

static enum vmf_code read_card(struct proxmox_reader *reader, const struct conf_setting *setting,
                               struct vmf_error *error)
{
  struct vmf_machine_nic *nic;
  struct conf_properties properties;

  add_device(reader, setting->key, true, reader->machine->nic_count);
  VMF_TRY(vmf_machine_add_nic(reader->machine, &nic, error));
  enum vmf_code code = proxmox_split(reader, setting, "model", &properties, error);
  if (code == VMF_OK)
    code = read_model(reader, setting, &properties, nic, error);
  if (code == VMF_OK)
    code = read_network(reader, setting, &properties, nic, error);
  read_numbers(setting, &properties, nic);
  if (code == VMF_OK)
    code = proxmox_leave(reader, setting, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

enum vmf_code proxmox_read_cards(struct proxmox_reader *reader, struct vmf_error *error)
{
  for (unsigned i = 0; i < PROXMOX_NICS; i++) {
    char key[PROXMOX_KEY];
    snprintf(key, sizeof key, "net%u", i);
    const struct conf_setting *setting = proxmox_take(reader, key);
    if (setting)
      VMF_TRY(read_card(reader, setting, error));
  }
  return VMF_OK;
}
