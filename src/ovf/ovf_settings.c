/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * VMware's settings, <vmw:Config vmw:key="..." vmw:value="..."/>: of the machine and of a device.
 */
#include <stddef.h>
#include <string.h>

#include "checked.h"
#include "guid.h"
#include "reader.h"
#include "system_reader.h"
#include "text.h"
#include "vmware.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Numbers and flags by their place in a struct. */
struct setting_row {
  const char *key;
  bool flag;
  uint64_t unit; /* of a number */
  size_t offset; /* of a struct vmf_told_number */
};

static const struct setting_row machine_rows[] = {
    {"cpuHotAddEnabled", true, 1, offsetof(struct vmf_machine, cpu_hotadd)},
    {"memoryHotAddEnabled", true, 1, offsetof(struct vmf_machine, memory_hotadd)},
    {"nestedHVEnabled", true, 1, offsetof(struct vmf_machine, nested)},
    {"bootOptions.efiSecureBootEnabled", true, 1, offsetof(struct vmf_machine, secure_boot)},
    {"bootOptions.bootDelay", false, 1, offsetof(struct vmf_machine, boot_delay)},
};

static const struct setting_row video_rows[] = {
    {"videoRamSizeInKB", false, 1024, offsetof(struct vmf_machine, video_memory)},
    {"numDisplays", false, 1, offsetof(struct vmf_machine, video_heads)},
    {"enable3DSupport", true, 1, offsetof(struct vmf_machine, video_3d)},
};

static const struct setting_row usb_rows[] = {
    {"ehciEnabled", true, 1, offsetof(struct vmf_machine, usb2)},
};

static const struct setting_row nic_rows[] = {
    {"slotInfo.pciSlotNumber", false, 1, offsetof(struct vmf_machine_nic, pci_slot)},
};

/* What VMware's products write besides; a word that ends in "." stands for all that begin so. */
static const char *const known_keys[] = {
    "allowUnrestrictedCommunication",
    "autoConnectDevices",
    "backing.",
    "bootOptions.",
    "changeTrackingEnabled",
    "connectable.",
    "cpuAllocation.",
    "cpuHotRemoveEnabled",
    "ehciEnabled",
    "enableMPTSupport",
    "flags.",
    "graphicsMemorySizeInKB",
    "guestAutoLockEnabled",
    "guestReadOnly",
    "memoryAllocation.",
    "memoryReservationLockedToMax",
    "messageBusTunnelEnabled",
    "powerOpInfo.",
    "sevEnabled",
    "sgxInfo.",
    "sharesLevel",
    "simultaneousThreads",
    "slotInfo.",
    "tools.",
    "uptCompatibilityEnabled",
    "use3dRenderer",
    "useAutoDetect",
    "virtualDiskFormat",
    "virtualICH7MPresent",
    "virtualSMCPresent",
    "vPMCEnabled",
    "wakeOnLanEnabled",
    "yieldOnPoll",
};

bool vmf_system_flag(const char *text, bool *flag)
{
  bool yes = vmf_text_equal_nocase(text, "true") || strcmp(text, "1") == 0;

  *flag = yes;
  return yes || vmf_text_equal_nocase(text, "false") || strcmp(text, "0") == 0;
}

static bool is_known(const char *key)
{
  for (size_t i = 0; i < COUNT(known_keys); i++) {
    size_t length = strlen(known_keys[i]);
    if (known_keys[i][length - 1] == '.' ? strncmp(key, known_keys[i], length) == 0
                                         : strcmp(key, known_keys[i]) == 0)
      return true;
  }
  return false;
}

/* A value that is none of its kind stays an extra. */
static enum vmf_setting set_by_rows(const struct setting_row *rows, size_t count, void *parent,
                                    const char *key, const char *value, unsigned line)
{
  for (size_t i = 0; i < count; i++) {
    struct vmf_told_number *told = (void *)((char *)parent + rows[i].offset);
    uint64_t number;
    bool flag = false;

    if (strcmp(rows[i].key, key) != 0)
      continue;
    if (rows[i].flag
            ? !vmf_system_flag(value, &flag)
            : !vmf_reader_number(value, &number) || !vmf_mul(number, rows[i].unit, &number))
      return VMF_SETTING_KNOWN;
    *told = vmf_told(rows[i].flag ? flag : number, line);
    return VMF_SETTING_MAPPED;
  }
  return VMF_SETTING_UNKNOWN;
}

static enum vmf_setting set_uuid(struct vmf_system_reader *reader, const char *value, unsigned line)
{
  struct vmf_told_id *uuid = &reader->machine->uuid;
  uint8_t bytes[VMF_GUID_SIZE];

  if (!vmf_guid_parse(value, bytes))
    return VMF_SETTING_KNOWN;
  vmf_vmware_uuid(vmf_vmware_version(reader->system->families), bytes, uuid->bytes);
  uuid->told = true;
  uuid->line = line;
  return VMF_SETTING_MAPPED;
}

static enum vmf_setting set_firmware(struct vmf_machine *machine, const char *value, unsigned line)
{
  bool efi = vmf_text_equal_nocase(value, "efi") || vmf_text_equal_nocase(value, "uefi");

  if (!efi && !vmf_text_equal_nocase(value, "bios"))
    return VMF_SETTING_KNOWN;
  machine->firmware = vmf_told(efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS, line);
  return VMF_SETTING_MAPPED;
}

static enum vmf_setting set_disk(struct vmf_machine *machine, struct vmf_machine_disk *disk,
                                 const char *key, const char *value, unsigned line,
                                 struct vmf_error *error, enum vmf_code *code)
{
  static const struct {
    const char *word;
    enum vmf_disk_mode mode;
  } modes[] = {
      {"persistent", VMF_MODE_PERSISTENT},
      {"independent_persistent", VMF_MODE_INDEPENDENT},
      {"independent_nonpersistent", VMF_MODE_TRANSIENT},
      {"nonpersistent", VMF_MODE_TRANSIENT},
  };
  bool flag;

  for (size_t i = 0; strcmp(key, "backing.diskMode") == 0 && i < COUNT(modes); i++)
    if (vmf_text_equal_nocase(value, modes[i].word)) {
      disk->mode = vmf_told(modes[i].mode, line);
      return VMF_SETTING_MAPPED;
    }
  if (strcmp(key, "backing.writeThrough") != 0 || !vmf_system_flag(value, &flag))
    return VMF_SETTING_UNKNOWN;
  *code = vmf_machine_text(machine, flag ? "writethrough" : NULL, line, &disk->cache, error);
  return VMF_SETTING_MAPPED;
}

static enum vmf_setting set_item(struct vmf_system_reader *reader, size_t index, const char *key,
                                 const char *value, unsigned line, enum vmf_code *code)
{
  const struct vmf_system_item *item = &reader->items[index];
  struct vmf_machine *machine = reader->machine;

  switch (item->fate) {
  case VMF_ITEM_DISK:
    return set_disk(machine, &machine->disks[item->place], key, value, line, reader->error, code);
  case VMF_ITEM_NIC:
    return set_by_rows(nic_rows, COUNT(nic_rows), &machine->nics[item->place], key, value, line);
  case VMF_ITEM_PART:
    if (reader->system->items[index].type == VMF_RESOURCE_GRAPHICS)
      return set_by_rows(video_rows, COUNT(video_rows), machine, key, value, line);
    if (reader->system->items[index].type == VMF_RESOURCE_USB)
      return set_by_rows(usb_rows, COUNT(usb_rows), machine, key, value, line);
    return VMF_SETTING_UNKNOWN;
  default:
    return VMF_SETTING_UNKNOWN;
  }
}

enum vmf_code vmf_system_setting(struct vmf_system_reader *reader, size_t item, const char *key,
                                 const char *value, unsigned line, enum vmf_setting *setting)
{
  enum vmf_code code = VMF_OK;

  if (item != SIZE_MAX)
    *setting = set_item(reader, item, key, value, line, &code);
  else if (strcmp(key, "firmware") == 0)
    *setting = set_firmware(reader->machine, value, line);
  else if (strcmp(key, "uuid") == 0)
    *setting = set_uuid(reader, value, line);
  else
    *setting = set_by_rows(machine_rows, COUNT(machine_rows), reader->machine, key, value, line);
  if (*setting == VMF_SETTING_UNKNOWN && is_known(key))
    *setting = VMF_SETTING_KNOWN;
  return code;
}
