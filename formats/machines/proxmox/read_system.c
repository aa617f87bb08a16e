/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is there once in a machine. */
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "guid.h"
#include "memory.h"
#include "proxmox.h"

static enum vmf_code take_text(struct proxmox_reader *reader, const char *key,
                               struct vmf_told_text *told, struct vmf_error *error)
{
  const struct conf_setting *setting = proxmox_take(reader, key);

  return setting ? vmf_machine_text(reader->machine, setting->value, setting->line, told, error)
                 : VMF_OK;
}

/* A setting that is a flag; another value is told, and stays as an extra. */
static void take_flag(struct proxmox_reader *reader, const char *key, struct vmf_told_number *told)
{
  struct conf_setting *setting = conf_find(&reader->text, reader->section, key);
  bool flag;

  if (!setting)
    return;
  setting->taken = conf_flag(setting->value, &flag);
  if (setting->taken)
    *told = vmf_told(flag, setting->line);
  else
    proxmox_odd(reader, setting, "proxmox-value", "%s is \"%.40s\", neither 0 nor 1", key,
                setting->value);
}

static enum vmf_code take_count(struct proxmox_reader *reader, const char *key, uint64_t silent,
                                struct vmf_told_number *told, struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, key);
  uint64_t number = silent;

  if (setting && (!conf_number(setting->value, VMF_MACHINE_CPUS, &number) || number == 0))
    return proxmox_refuse(reader, setting, "a number from 1 to 4096", error);
  *told = vmf_told(number, setting ? setting->line : 0);
  return VMF_OK;
}

/* ---- identity ---- */

static enum vmf_code read_uuid(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, "smbios1");
  struct conf_properties properties;
  struct vmf_told_id *told = &reader->machine->uuid;

  if (!setting)
    return VMF_OK;
  enum vmf_code code = proxmox_split(reader, setting, "uuid", &properties, error);
  for (size_t i = 0; code == VMF_OK && i < properties.count; i++) {
    struct conf_property *property = &properties.list[i];
    if (strcmp(property->name, "uuid") != 0)
      continue;
    property->taken = vmf_guid_parse(property->value, told->bytes);
    told->told = property->taken;
    told->line = setting->line;
    if (!property->taken)
      proxmox_odd(reader, setting, "proxmox-value", "smbios1: uuid=%.60s is no UUID",
                  property->value);
  }
  if (code == VMF_OK)
    code = proxmox_leave(reader, setting, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

/* 1: Proxmox makes one when the machine starts; 0: it has none. */
static void read_genid(struct proxmox_reader *reader)
{
  struct conf_setting *setting = conf_find(&reader->text, reader->section, "vmgenid");
  uint8_t guid[VMF_GUID_SIZE];

  if (!setting)
    return;
  setting->taken = strcmp(setting->value, "0") == 0 || strcmp(setting->value, "1") == 0;
  if (setting->taken)
    return;
  setting->taken = vmf_guid_parse(setting->value, guid);
  if (!setting->taken) {
    proxmox_odd(reader, setting, "proxmox-value", "vmgenid is \"%.60s\", no UUID", setting->value);
    return;
  }
  vmf_guid_swap(guid, reader->machine->genid.bytes);
  reader->machine->genid.told = true;
  reader->machine->genid.line = setting->line;
}

static enum vmf_code read_identity(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  const struct conf_section *section = reader->section;

  VMF_TRY(take_text(reader, "name", &machine->name, error));
  VMF_TRY(vmf_machine_text(machine, section->description, section->description_line,
                           &machine->description, error));
  VMF_TRY(read_uuid(reader, error));
  read_genid(reader);
  return VMF_OK;
}

/* ---- processors and memory ---- */

/* "+aes;-pcid" to "+aes -pcid". */
static enum vmf_code read_flags(struct proxmox_reader *reader, const struct conf_setting *setting,
                                const char *flags, struct vmf_error *error)
{
  struct vmf_told_text *told = &reader->machine->cpu_flags;
  VMF_AUTO_FREE char *copy = NULL;

  if (!flags)
    return VMF_OK;
  VMF_TRY(vmf_copy_text(flags, &copy, error));
  for (char *at = copy; (at = strchr(at, ';')) != NULL;)
    *at = ' ';
  return vmf_machine_text(reader->machine, copy, setting->line, told, error);
}

static enum vmf_code read_cpu_model(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, "cpu");
  struct conf_properties properties;

  if (!setting)
    return VMF_OK;
  enum vmf_code code = proxmox_split(reader, setting, "cputype", &properties, error);
  if (code == VMF_OK)
    code = vmf_machine_text(reader->machine, conf_take(&properties, "cputype"), setting->line,
                            &reader->machine->cpu_model, error);
  if (code == VMF_OK)
    code = read_flags(reader, setting, conf_take(&properties, "flags"), error);
  if (code == VMF_OK)
    code = proxmox_leave(reader, setting, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

static enum vmf_code read_processors(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct vmf_told_number sockets, cores;
  struct conf_setting *online = conf_find(&reader->text, reader->section, "vcpus");

  VMF_TRY(take_count(reader, "sockets", 1, &sockets, error));
  VMF_TRY(take_count(reader, "cores", 1, &cores, error));
  machine->vcpus = vmf_told(sockets.value * cores.value, cores.line);
  if (machine->vcpus.value > VMF_MACHINE_CPUS)
    return vmf_fail(error, VMF_LIMIT,
                    "%s:%u: %llu sockets of %llu cores; at most %d processors are accepted",
                    reader->text.name, cores.line, (unsigned long long)sockets.value,
                    (unsigned long long)cores.value, VMF_MACHINE_CPUS);
  if (sockets.line > 0 || cores.line > 0) {
    machine->sockets = sockets;
    machine->cores = cores;
  }
  if (online)
    VMF_TRY(take_count(reader, "vcpus", 1, &machine->vcpus_online, error));
  return read_cpu_model(reader, error);
}

/* "2048" or "current=2048"; a balloon of 0 is none. */
static enum vmf_code read_memory(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct conf_setting *setting = proxmox_take(reader, "memory");
  struct conf_setting *balloon = proxmox_take(reader, "balloon");
  uint64_t mebibytes = PROXMOX_SILENT_MEMORY;
  const char *text = setting ? setting->value : NULL;

  if (text && strncmp(text, "current=", 8) == 0)
    text += 8;
  if (text && (!conf_number(text, PROXMOX_MOST_MEMORY, &mebibytes) || mebibytes == 0))
    return proxmox_refuse(reader, setting, "MiB, a number from 1 to 1073741824", error);
  machine->memory = vmf_told(mebibytes << 20, setting ? setting->line : 0);
  if (!balloon)
    return VMF_OK;
  if (!conf_number(balloon->value, PROXMOX_MOST_MEMORY, &mebibytes))
    return proxmox_refuse(reader, balloon, "MiB, a number up to 1073741824", error);
  machine->memory_least =
      vmf_told(mebibytes > 0 ? mebibytes << 20 : machine->memory.value, balloon->line);
  return VMF_OK;
}

/* ---- firmware ---- */

/* The drive with its variables: an image of its own in a backup. */
static enum vmf_code read_variables(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  struct conf_setting *setting = proxmox_take(reader, "efidisk0");
  const char *device = conf_device(&reader->text, "efidisk0");
  struct conf_properties properties;
  bool keys = false;

  if (!setting)
    return VMF_OK;
  enum vmf_code code = proxmox_split(reader, setting, "file", &properties, error);
  const char *file = conf_take(&properties, "file");
  const char *enrolled = conf_take(&properties, "pre-enrolled-keys");
  conf_take(&properties, "size");
  if (code == VMF_OK)
    code = vmf_machine_text(machine, device ? device : file, setting->line, &machine->nvram, error);
  if (enrolled && conf_flag(enrolled, &keys))
    machine->secure_boot =
        vmf_told(keys ? VMF_SECURE_BOOT_MICROSOFT : VMF_SECURE_BOOT_OFF, setting->line);
  if (code == VMF_OK)
    code = proxmox_leave(reader, setting, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

static enum vmf_code read_tpm(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, "tpmstate0");
  struct conf_properties properties;

  if (!setting)
    return VMF_OK;
  enum vmf_code code = proxmox_split(reader, setting, "file", &properties, error);
  const char *version = conf_take(&properties, "version");
  conf_take(&properties, "file");
  conf_take(&properties, "size");
  if (code == VMF_OK && version && strcmp(version, "v1.2") != 0 && strcmp(version, "v2.0") != 0)
    code = proxmox_refuse(reader, setting, "version=v1.2, version=v2.0", error);
  reader->machine->tpm =
      vmf_told(version && strcmp(version, "v2.0") == 0 ? VMF_TPM_2_0 : VMF_TPM_1_2, setting->line);
  if (code == VMF_OK)
    code = proxmox_leave(reader, setting, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

static enum vmf_code read_firmware(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, "bios");
  bool efi = setting && strcmp(setting->value, "ovmf") == 0;

  if (setting && !efi && strcmp(setting->value, "seabios") != 0)
    return proxmox_refuse(reader, setting, "seabios, ovmf", error);
  reader->machine->firmware =
      vmf_told(efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS, setting ? setting->line : 0);
  VMF_TRY(read_variables(reader, error));
  return read_tpm(reader, error);
}

/* ---- guest system, clock ---- */

static enum vmf_code read_guest(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *setting = conf_find(&reader->text, reader->section, "ostype");
  const struct vmf_guest_os *row = setting ? vmf_guest_os_by_proxmox(setting->value) : NULL;
  struct vmf_told_number local = {0};

  if (setting) {
    setting->taken = row || strcmp(setting->value, "other") == 0;
    if (!setting->taken)
      proxmox_odd(reader, setting, "proxmox-guest", "the guest system \"%.40s\" is not known",
                  setting->value);
    VMF_TRY(vmf_machine_set_os(reader->machine, row, setting->value, setting->line, error));
  }
  take_flag(reader, "localtime", &local);
  bool windows = row && vmf_guest_os_family(row) == VMF_OS_WINDOWS;
  reader->machine->clock =
      vmf_told(vmf_told_or(local, windows) ? VMF_CLOCK_LOCALTIME : VMF_CLOCK_UTC, local.line);
  return VMF_OK;
}

static enum vmf_code read_arch(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, "arch");

  reader->machine->arch = vmf_told(VMF_ARCH_X86_64, 0); /* that of the server */
  if (!setting)
    return VMF_OK;
  bool arm = strcmp(setting->value, "aarch64") == 0;
  if (!arm && strcmp(setting->value, "x86_64") != 0)
    return proxmox_refuse(reader, setting, "x86_64, aarch64", error);
  reader->machine->arch = vmf_told(arm ? VMF_ARCH_AARCH64 : VMF_ARCH_X86_64, setting->line);
  return VMF_OK;
}

static enum vmf_code read_board(struct proxmox_reader *reader, struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, "machine");
  struct conf_properties properties;

  if (!setting)
    return VMF_OK;
  enum vmf_code code = proxmox_split(reader, setting, "type", &properties, error);
  if (code == VMF_OK)
    code = vmf_machine_text(reader->machine, conf_take(&properties, "type"), setting->line,
                            &reader->machine->hw_version, error);
  if (code == VMF_OK)
    code = proxmox_leave(reader, setting, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

/* ---- what people see and hear ---- */

/* "qxl2" is two heads, "virtio-gl" is virtio with 3D; "serial0" is none of the model's. */
static enum vmf_code read_screen(struct proxmox_reader *reader, const struct conf_setting *setting,
                                 struct conf_properties *properties, struct vmf_error *error)
{
  struct vmf_machine *machine = reader->machine;
  char type[16] = "std";
  uint64_t mebibytes;

  for (size_t i = 0; i < properties->count; i++) {
    struct conf_property *property = &properties->list[i];
    if (strcmp(property->name, "type") == 0) {
      snprintf(type, sizeof type, "%s", property->value);
      if (strncmp(type, "qxl", 3) == 0 && type[3] >= '2' && type[3] <= '4' && !type[4]) {
        machine->video_heads = vmf_told((uint64_t)(type[3] - '0'), setting->line);
        type[3] = '\0';
      }
      if (strcmp(type, "virtio-gl") == 0) {
        machine->video_3d = vmf_told(1, setting->line);
        type[6] = '\0';
      }
      property->taken = proxmox_word_read(proxmox_videos, type) != NULL;
    }
    if (strcmp(property->name, "memory") == 0 && conf_number(property->value, 512, &mebibytes)) {
      machine->video_memory = vmf_told(mebibytes << 20, setting->line);
      property->taken = true;
    }
  }
  return vmf_machine_text(machine, proxmox_word_read(proxmox_videos, type), setting->line,
                          &machine->video, error);
}

static enum vmf_code read_sound(struct proxmox_reader *reader, const struct conf_setting *setting,
                                struct conf_properties *properties, struct vmf_error *error)
{
  const char *sound = NULL;

  for (size_t i = 0; i < properties->count; i++) {
    struct conf_property *property = &properties->list[i];
    if (strcmp(property->name, "device") != 0)
      continue;
    sound = proxmox_word_read(proxmox_sounds, property->value);
    property->taken = sound != NULL;
  }
  return vmf_machine_text(reader->machine, sound, setting->line, &reader->machine->sound, error);
}

/* "order=3,up=30" */
static enum vmf_code read_start(struct proxmox_reader *reader, const struct conf_setting *setting,
                                struct conf_properties *properties, struct vmf_error *error)
{
  uint64_t order;

  (void)error;
  for (size_t i = 0; i < properties->count; i++) {
    struct conf_property *property = &properties->list[i];
    if (strcmp(property->name, "order") != 0 || !conf_number(property->value, UINT32_MAX, &order))
      continue;
    property->taken = true;
    reader->machine->start_order = vmf_told(order, setting->line);
  }
  return VMF_OK;
}

static enum vmf_code read_listed(struct proxmox_reader *reader, const char *key, const char *first,
                                 enum vmf_code (*read)(struct proxmox_reader *reader,
                                                       const struct conf_setting *setting,
                                                       struct conf_properties *properties,
                                                       struct vmf_error *error),
                                 struct vmf_error *error)
{
  struct conf_setting *setting = proxmox_take(reader, key);
  struct conf_properties properties;

  if (!setting)
    return VMF_OK;
  enum vmf_code code = proxmox_split(reader, setting, first, &properties, error);
  if (code == VMF_OK)
    code = read(reader, setting, &properties, error);
  if (code == VMF_OK)
    code = proxmox_leave(reader, setting, &properties, error);
  conf_properties_clear(&properties);
  return code;
}

/* serial0: "socket", or a device of the host; parallel0: a device. */
static enum vmf_code read_ports(struct proxmox_reader *reader, bool parallel,
                                struct vmf_error *error)
{
  for (unsigned i = 0; i < PROXMOX_PORTS; i++) {
    char key[PROXMOX_KEY];
    struct vmf_machine_port *port;
    snprintf(key, sizeof key, "%s%u", parallel ? "parallel" : "serial", i);
    const struct conf_setting *setting = proxmox_take(reader, key);
    if (!setting)
      continue;
    bool socket = !parallel && strcmp(setting->value, "socket") == 0;
    VMF_TRY(vmf_machine_add_port(reader->machine, &port, error));
    port->parallel = vmf_told(parallel, setting->line);
    port->backend = vmf_told(socket ? VMF_BACKEND_SOCKET : VMF_BACKEND_DEVICE, setting->line);
    VMF_TRY(vmf_machine_text(reader->machine, socket ? NULL : setting->value, setting->line,
                             &port->path, error));
  }
  return VMF_OK;
}

enum vmf_code proxmox_read_system(struct proxmox_reader *reader, struct vmf_error *error)
{
  VMF_TRY(read_identity(reader, error));
  VMF_TRY(read_processors(reader, error));
  VMF_TRY(read_memory(reader, error));
  VMF_TRY(read_firmware(reader, error));
  VMF_TRY(read_guest(reader, error));
  VMF_TRY(read_arch(reader, error));
  VMF_TRY(read_board(reader, error));
  VMF_TRY(read_listed(reader, "vga", "type", read_screen, error));
  VMF_TRY(read_listed(reader, "audio0", "device", read_sound, error));
  VMF_TRY(read_listed(reader, "startup", "order", read_start, error));
  take_flag(reader, "onboot", &reader->machine->autostart);
  take_flag(reader, "tablet", &reader->machine->tablet);
  VMF_TRY(read_ports(reader, false, error));
  return read_ports(reader, true, error);
}
