/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "fields.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "guid.h"
#include "value.h"

/* ---- words, by the enums of machine.h ---- */

static const char *const archs[] = {"x86_64", "i686", "aarch64", "ppc64", "s390x", NULL};
static const char *const firmwares[] = {"bios", "efi", NULL};
static const char *const secure_boots[] = {"off", "on", "microsoft-keys", NULL};
static const char *const tpms[] = {"none", "1.2", "2.0", NULL};
static const char *const clocks[] = {"utc", "localtime", NULL};
static const char *const buses[] = {"ide", "scsi",   "sata", "nvme", "virtio",
                                    "usb", "floppy", "xen",  NULL};
static const char *const media[] = {"disk", "cdrom", "floppy", "lun", NULL};
static const char *const modes[] = {"persistent", "independent", "transient", NULL};
static const char *const attaches[] = {"bridge", "nat",  "hostonly", "internal",
                                       "sdn",    "none", NULL};
static const char *const mac_origins[] = {"static", "generated", "assigned", NULL};
static const char *const backends[] = {"none",   "file",   "pipe", "tcp",
                                       "socket", "device", "pty",  NULL};

/* ---- the tables ---- */

#define ROW(type, member, name, kind, words, loss, weight, usual)                                  \
  {                                                                                                \
    name, VMF_FIELD_##kind, offsetof(struct type, member), words, loss, VMF_LOSS_##weight, usual   \
  }
#define END                                                                                        \
  {                                                                                                \
    NULL, VMF_FIELD_TEXT, 0, NULL, NULL, VMF_LOSS_NONE, -1                                         \
  }

#define OF_MACHINE(...) ROW(vmf_machine, __VA_ARGS__)
const struct vmf_field vmf_machine_fields[] = {
    OF_MACHINE(name, "name", TEXT, NULL, "L-name-changed", COSMETIC, -1),
    OF_MACHINE(description, "description", TEXT, NULL, "L-notes", COSMETIC, -1),
    OF_MACHINE(uuid, "uuid", ID, NULL, "L-uuid", BEHAVIOUR, -1),
    OF_MACHINE(genid, "genid", ID, NULL, "L-genid", BEHAVIOUR, -1),
    OF_MACHINE(arch, "arch", WORD, archs, "L-arch", BOOT, -1),
    OF_MACHINE(os, "os", TEXT, NULL, "L-os-generic", COSMETIC, -1),
    OF_MACHINE(os_source, "os-source", TEXT, NULL, NULL, NONE, -1),
    OF_MACHINE(firmware, "firmware", WORD, firmwares, "L-firmware", BOOT, 0),
    OF_MACHINE(secure_boot, "secure-boot", WORD, secure_boots, "L-secure-boot", BEHAVIOUR, 0),
    OF_MACHINE(nvram, "nvram", TEXT, NULL, "L-nvram", BEHAVIOUR, -1),
    OF_MACHINE(tpm, "tpm", WORD, tpms, "L-tpm", BEHAVIOUR, 0),
    OF_MACHINE(vcpus, "vcpus", NUMBER, NULL, "L-vcpus", BEHAVIOUR, 1),
    OF_MACHINE(vcpus_online, "vcpus-online", NUMBER, NULL, "L-vcpus", BEHAVIOUR, -1),
    OF_MACHINE(sockets, "sockets", NUMBER, NULL, "L-topology", BEHAVIOUR, -1),
    OF_MACHINE(dies, "dies", NUMBER, NULL, "L-topology", BEHAVIOUR, 1),
    OF_MACHINE(cores, "cores", NUMBER, NULL, "L-topology", BEHAVIOUR, -1),
    OF_MACHINE(threads, "threads", NUMBER, NULL, "L-topology", BEHAVIOUR, 1),
    OF_MACHINE(cpu_model, "cpu-model", TEXT, NULL, "L-cpu-model", BEHAVIOUR, -1),
    OF_MACHINE(cpu_flags, "cpu-flags", TEXT, NULL, "L-cpu-flags", BEHAVIOUR, -1),
    OF_MACHINE(nested, "nested", FLAG, NULL, "L-nested", BEHAVIOUR, 0),
    OF_MACHINE(memory, "memory", BYTES, NULL, "L-memory", BEHAVIOUR, -1),
    OF_MACHINE(memory_least, "memory-least", BYTES, NULL, "L-balloon", COSMETIC, -1),
    OF_MACHINE(memory_most, "memory-most", BYTES, NULL, "L-balloon", COSMETIC, -1),
    OF_MACHINE(cpu_hotadd, "cpu-hotadd", FLAG, NULL, "L-hotadd", COSMETIC, 0),
    OF_MACHINE(memory_hotadd, "memory-hotadd", FLAG, NULL, "L-hotadd", COSMETIC, 0),
    OF_MACHINE(clock, "clock", WORD, clocks, "L-clock", BEHAVIOUR, 0),
    OF_MACHINE(clock_offset, "clock-offset", SIGNED, NULL, "L-clock", BEHAVIOUR, 0),
    OF_MACHINE(boot, "boot", TEXT, NULL, "L-boot-order", BEHAVIOUR, -1),
    OF_MACHINE(boot_delay, "boot-delay", NUMBER, NULL, "L-boot-delay", COSMETIC, -1),
    OF_MACHINE(usb1, "usb1", FLAG, NULL, "L-usb", COSMETIC, 0),
    OF_MACHINE(usb2, "usb2", FLAG, NULL, "L-usb", COSMETIC, 0),
    OF_MACHINE(usb3, "usb3", FLAG, NULL, "L-usb", COSMETIC, 0),
    OF_MACHINE(tablet, "tablet", FLAG, NULL, "L-usb", COSMETIC, 0),
    OF_MACHINE(sound, "sound", TEXT, NULL, "L-sound", COSMETIC, -1),
    OF_MACHINE(video, "video", TEXT, NULL, "L-video", COSMETIC, -1),
    OF_MACHINE(video_memory, "video-memory", BYTES, NULL, "L-video", COSMETIC, -1),
    OF_MACHINE(video_heads, "video-heads", NUMBER, NULL, "L-video", COSMETIC, 1),
    OF_MACHINE(video_3d, "video-3d", FLAG, NULL, "L-video", COSMETIC, 0),
    OF_MACHINE(autostart, "autostart", FLAG, NULL, "L-autostart", COSMETIC, 0),
    OF_MACHINE(start_order, "start-order", NUMBER, NULL, "L-autostart", COSMETIC, -1),
    OF_MACHINE(hw_version, "hw-version", TEXT, NULL, NULL, NONE, -1),
    OF_MACHINE(suspended, "suspended", FLAG, NULL, "L-memory-state", DATA, 0),
    OF_MACHINE(encrypted, "encrypted", FLAG, NULL, "L-encrypted", DATA, 0),
    END,
};

#define OF_CONTROLLER(...) ROW(vmf_machine_controller, __VA_ARGS__)
static const struct vmf_field controller_fields[] = {
    OF_CONTROLLER(bus, "bus", WORD, buses, "L-controller", BOOT, -1),
    OF_CONTROLLER(index, "index", NUMBER, NULL, "L-controller", COSMETIC, -1),
    OF_CONTROLLER(model, "model", TEXT, NULL, "L-controller", BOOT, -1),
    OF_CONTROLLER(ports, "ports", NUMBER, NULL, "L-controller", COSMETIC, -1),
    OF_CONTROLLER(shared, "shared", FLAG, NULL, "L-shared-disk", DATA, 0),
    END,
};

#define OF_DISK(...) ROW(vmf_machine_disk, __VA_ARGS__)
static const struct vmf_field disk_fields[] = {
    OF_DISK(medium, "medium", WORD, media, "L-medium", BOOT, -1),
    OF_DISK(bus, "bus", WORD, buses, "L-controller", BOOT, -1),
    OF_DISK(controller, "controller", NUMBER, NULL, "L-controller", BEHAVIOUR, -1),
    OF_DISK(unit, "unit", NUMBER, NULL, "L-controller", BEHAVIOUR, -1),
    OF_DISK(image, "image", TEXT, NULL, "L-cdrom-media", NONE, -1),
    OF_DISK(elsewhere, "elsewhere", TEXT, NULL, "L-disk", DATA, -1),
    OF_DISK(image_snapshot, "image-snapshot", TEXT, NULL, NULL, NONE, -1),
    OF_DISK(image_format, "image-format", TEXT, NULL, NULL, NONE, -1),
    OF_DISK(capacity, "capacity", BYTES, NULL, NULL, NONE, -1),
    OF_DISK(read_only, "read-only", FLAG, NULL, "L-disk-mode", BEHAVIOUR, 0),
    OF_DISK(shared, "shared", FLAG, NULL, "L-shared-disk", DATA, 0),
    OF_DISK(connected, "connected", FLAG, NULL, "L-connected", BEHAVIOUR, 1),
    OF_DISK(ssd, "ssd", FLAG, NULL, "L-ssd", COSMETIC, 0),
    OF_DISK(discard, "discard", FLAG, NULL, "L-discard", COSMETIC, 0),
    OF_DISK(mode, "mode", WORD, modes, "L-disk-mode", BEHAVIOUR, 0),
    OF_DISK(cache, "cache", TEXT, NULL, "L-cache", COSMETIC, -1),
    OF_DISK(serial, "serial", TEXT, NULL, "L-disk-serial", BEHAVIOUR, -1),
    OF_DISK(wwn, "wwn", TEXT, NULL, "L-disk-serial", BEHAVIOUR, -1),
    OF_DISK(boot, "boot", NUMBER, NULL, "L-boot-order", BEHAVIOUR, -1),
    END,
};

#define OF_NIC(...) ROW(vmf_machine_nic, __VA_ARGS__)
static const struct vmf_field nic_fields[] = {
    OF_NIC(model, "model", TEXT, NULL, "L-nic-model", BEHAVIOUR, -1),
    OF_NIC(mac, "mac", TEXT, NULL, "L-mac", BEHAVIOUR, -1),
    OF_NIC(mac_origin, "mac-origin", WORD, mac_origins, "L-mac", COSMETIC, -1),
    OF_NIC(attach, "attach", WORD, attaches, "L-network", BEHAVIOUR, -1),
    OF_NIC(network, "network", TEXT, NULL, "L-network-name", BEHAVIOUR, -1),
    OF_NIC(vlan, "vlan", NUMBER, NULL, "L-vlan", BEHAVIOUR, -1),
    OF_NIC(mtu, "mtu", NUMBER, NULL, "L-mtu", BEHAVIOUR, -1),
    OF_NIC(queues, "queues", NUMBER, NULL, "L-queues", COSMETIC, -1),
    OF_NIC(rate, "rate", BYTES, NULL, "L-resource-limits", COSMETIC, -1),
    OF_NIC(connected, "connected", FLAG, NULL, "L-connected", BEHAVIOUR, 1),
    OF_NIC(link, "link", FLAG, NULL, "L-connected", BEHAVIOUR, 1),
    OF_NIC(boot, "boot", NUMBER, NULL, "L-boot-order", BEHAVIOUR, -1),
    OF_NIC(pci_slot, "pci-slot", NUMBER, NULL, "L-pci-slot", BEHAVIOUR, -1),
    END,
};

#define OF_PORT(...) ROW(vmf_machine_port, __VA_ARGS__)
static const struct vmf_field port_fields[] = {
    OF_PORT(parallel, "parallel", FLAG, NULL, "L-serial", COSMETIC, 0),
    OF_PORT(backend, "backend", WORD, backends, "L-serial-backend", COSMETIC, -1),
    OF_PORT(path, "path", TEXT, NULL, "L-serial-backend", COSMETIC, -1),
    END,
};

#define OF_SNAPSHOT(...) ROW(vmf_machine_snapshot, __VA_ARGS__)
static const struct vmf_field snapshot_fields[] = {
    OF_SNAPSHOT(id, "id", TEXT, NULL, "L-snapshots", DATA, -1),
    OF_SNAPSHOT(parent, "parent", TEXT, NULL, "L-snapshots", DATA, -1),
    OF_SNAPSHOT(name, "name", TEXT, NULL, "L-snapshots", DATA, -1),
    OF_SNAPSHOT(description, "description", TEXT, NULL, "L-snapshots", COSMETIC, -1),
    OF_SNAPSHOT(time, "time", NUMBER, NULL, "L-snapshots", COSMETIC, -1),
    OF_SNAPSHOT(has_memory, "has-memory", FLAG, NULL, "L-memory-state", DATA, 0),
    OF_SNAPSHOT(current, "current", FLAG, NULL, "L-snapshots", COSMETIC, 0),
    END,
};

#define LIST(name, singular, plural, count, fields, loss, weight)                                  \
  {                                                                                                \
    name, singular, offsetof(struct vmf_machine, plural), offsetof(struct vmf_machine, count),     \
        sizeof *((struct vmf_machine *)NULL)->plural, fields, loss, VMF_LOSS_##weight              \
  }
const struct vmf_field_list vmf_machine_lists[] = {
    LIST("controllers", "controller", controllers, controller_count, controller_fields,
         "L-controller", BEHAVIOUR),
    LIST("disks", "disk", disks, disk_count, disk_fields, "L-disk", DATA),
    LIST("nics", "network card", nics, nic_count, nic_fields, "L-nic", BEHAVIOUR),
    LIST("ports", "port", ports, port_count, port_fields, "L-serial", COSMETIC),
    LIST("snapshots", "snapshot", snapshots, snapshot_count, snapshot_fields, "L-snapshots", DATA),
    {NULL, NULL, 0, 0, 0, NULL, NULL, VMF_LOSS_NONE},
};

/* ---- reading a field by its row ---- */

static const struct vmf_told_text *text_of(const struct vmf_field *field, const void *parent)
{
  return (const void *)((const char *)parent + field->offset);
}

static const struct vmf_told_number *number_of(const struct vmf_field *field, const void *parent)
{
  return (const void *)((const char *)parent + field->offset);
}

static const struct vmf_told_id *id_of(const struct vmf_field *field, const void *parent)
{
  return (const void *)((const char *)parent + field->offset);
}

bool vmf_field_told(const struct vmf_field *field, const void *parent)
{
  switch (field->kind) {
  case VMF_FIELD_TEXT:
    return text_of(field, parent)->text != NULL;
  case VMF_FIELD_ID:
    return id_of(field, parent)->told;
  default:
    return number_of(field, parent)->told;
  }
}

unsigned vmf_field_line(const struct vmf_field *field, const void *parent)
{
  switch (field->kind) {
  case VMF_FIELD_TEXT:
    return text_of(field, parent)->line;
  case VMF_FIELD_ID:
    return id_of(field, parent)->line;
  default:
    return number_of(field, parent)->line;
  }
}

bool vmf_field_usual(const struct vmf_field *field, const void *parent)
{
  return !vmf_field_told(field, parent) ||
         (field->usual >= 0 && number_of(field, parent)->value == (uint64_t)field->usual);
}

bool vmf_field_equal(const struct vmf_field *field, const void *one, const void *other)
{
  bool told = vmf_field_told(field, one);

  if (told != vmf_field_told(field, other))
    return false;
  if (!told)
    return true;
  switch (field->kind) {
  case VMF_FIELD_TEXT:
    return strcmp(text_of(field, one)->text, text_of(field, other)->text) == 0;
  case VMF_FIELD_ID:
    return memcmp(id_of(field, one)->bytes, id_of(field, other)->bytes, VMF_GUID_SIZE) == 0;
  default:
    return number_of(field, one)->value == number_of(field, other)->value;
  }
}

/* A number that is no index of `words` is a mistake of a format, and shown as a number. */
static const char *word_of(const struct vmf_field *field, uint64_t value)
{
  for (uint64_t i = 0; field->words[i]; i++)
    if (i == value)
      return field->words[i];
  return NULL;
}

void vmf_field_text(const struct vmf_field *field, const void *parent, char *text, size_t size)
{
  char id[VMF_GUID_TEXT];
  const char *word = NULL;

  text[0] = 0;
  if (!vmf_field_told(field, parent))
    return;
  if (field->kind == VMF_FIELD_ID) {
    vmf_guid_text(id_of(field, parent)->bytes, id);
    word = id;
  } else if (field->kind == VMF_FIELD_TEXT) {
    word = text_of(field, parent)->text;
  } else if (field->kind == VMF_FIELD_FLAG) {
    word = number_of(field, parent)->value ? "on" : "off";
  } else if (field->kind == VMF_FIELD_WORD) {
    word = word_of(field, number_of(field, parent)->value);
  }
  if (word)
    snprintf(text, size, "%s", word);
  else if (field->kind == VMF_FIELD_SIGNED)
    snprintf(text, size, "%" PRId64, (int64_t)number_of(field, parent)->value);
  else
    snprintf(text, size, "%" PRIu64, number_of(field, parent)->value);
}

size_t vmf_field_count(const struct vmf_field_list *list, const struct vmf_machine *machine)
{
  return *(const size_t *)(const void *)((const char *)machine + list->count_offset);
}

const void *vmf_field_element(const struct vmf_field_list *list, const struct vmf_machine *machine,
                              size_t index)
{
  const char *const *elements = (const void *)((const char *)machine + list->offset);
  return *elements + index * list->size;
}

/* ---- as a tree ---- */

static enum vmf_code add_field(const struct vmf_field *field, const void *parent,
                               struct vmf_value *value, struct vmf_error *error)
{
  char text[64];

  if (!vmf_field_told(field, parent))
    return VMF_OK;
  switch (field->kind) {
  case VMF_FIELD_TEXT:
    return vmf_value_text(value, field->name, text_of(field, parent)->text, error);
  case VMF_FIELD_FLAG:
    return vmf_value_bool(value, field->name, number_of(field, parent)->value != 0, error);
  case VMF_FIELD_NUMBER:
  case VMF_FIELD_BYTES:
    return vmf_value_uint(value, field->name, number_of(field, parent)->value, error);
  default:
    vmf_field_text(field, parent, text, sizeof text);
    return vmf_value_text(value, field->name, text, error);
  }
}

static enum vmf_code add_fields(const struct vmf_field *fields, const void *parent,
                                struct vmf_value *value, struct vmf_error *error)
{
  for (const struct vmf_field *field = fields; field->name; field++)
    VMF_TRY(add_field(field, parent, value, error));
  return VMF_OK;
}

static enum vmf_code add_list(const struct vmf_field_list *list, const struct vmf_machine *machine,
                              struct vmf_value *parent, struct vmf_error *error)
{
  size_t count = vmf_field_count(list, machine);
  struct vmf_value *values, *value;

  if (count == 0)
    return VMF_OK;
  VMF_TRY(vmf_value_add(parent, VMF_VALUE_LIST, list->name, &values, error));
  for (size_t i = 0; i < count; i++) {
    VMF_TRY(vmf_value_add(values, VMF_VALUE_OBJECT, NULL, &value, error));
    VMF_TRY(add_fields(list->fields, vmf_field_element(list, machine, i), value, error));
  }
  return VMF_OK;
}

static enum vmf_code add_extras(const struct vmf_machine *machine, struct vmf_value *parent,
                                struct vmf_error *error)
{
  struct vmf_value *values, *value;

  if (machine->extra_count == 0)
    return VMF_OK;
  VMF_TRY(vmf_value_add(parent, VMF_VALUE_LIST, "extra", &values, error));
  for (size_t i = 0; i < machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &machine->extras[i];
    VMF_TRY(vmf_value_add(values, VMF_VALUE_OBJECT, NULL, &value, error));
    VMF_TRY(vmf_value_text(value, "vendor", extra->vendor, error));
    VMF_TRY(vmf_value_text(value, "key", extra->key, error));
    if (extra->secret)
      VMF_TRY(vmf_value_hidden(value, extra->value, error));
    else
      VMF_TRY(vmf_value_text(value, "value", extra->value, error));
    VMF_TRY(vmf_value_bool(value, "known", extra->known, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_machine_value(const struct vmf_machine *machine, struct vmf_value *parent,
                                struct vmf_error *error)
{
  VMF_TRY(add_fields(vmf_machine_fields, machine, parent, error));
  for (const struct vmf_field_list *list = vmf_machine_lists; list->name; list++)
    VMF_TRY(add_list(list, machine, parent, error));
  return add_extras(machine, parent, error);
}
