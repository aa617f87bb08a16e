/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the machine is, its memory, its firmware and how it starts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "guest_os.h"
#include "guid.h"
#include "path.h"
#include "text.h"
#include "writing.h"

#define LIBOSINFO "http://libosinfo.org/xmlns/libvirt/domain/1.0"

enum { TIMEOUT = 65535, NAME = 256 };

/* ---- identity ---- */

/* A name is also that of files: it has no '/', and no line ends. */
static void make_name(const char *told, char name[NAME])
{
  size_t length = vmf_text_fit(told, strlen(told), NAME - 1);

  for (size_t i = 0; i < length; i++)
    name[i] = told[i] == '/' || (unsigned char)told[i] < ' ' ? '-' : told[i];
  name[length] = '\0';
  if (strspn(name, ". ") == length)
    snprintf(name, NAME, "vm");
}

/* That of the file, where the machine has none. */
static void write_name(struct libvirt_writing *writing)
{
  const char *told = writing->machine->name.text;
  const char *file = vmf_path_name(writing->target->name);
  char stem[NAME], name[NAME];

  snprintf(stem, sizeof stem, "%.*s", (int)vmf_name_stem(file), file);
  make_name(told ? told : stem, name);
  if (told && strcmp(told, name) != 0)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "libvirt's names have no '/', no line ends and at most 255 bytes", "name");
  vmf_keeping_leaf(&writing->keeping, "name", "%s", name);
}

/* The SMBIOS table of the source has the id that a copy must not have, and libvirt refuses two. */
static void forget_table(struct libvirt_writing *writing)
{
  const char *table = vmf_keeping_value(&writing->keeping, "sysinfo");

  if (!table || !strstr(table, "uuid"))
    return;
  vmf_keeping_forget(&writing->keeping, "", "sysinfo");
  vmf_keeping_forget(&writing->keeping, "os", "smbios");
  vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL, "it has the id of the old machine",
                   "extra.sysinfo");
}

/* The text is what the guest prints; libvirt makes a new one where there is none. */
static void write_ids(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  uint8_t swapped[VMF_GUID_SIZE];
  char text[VMF_GUID_TEXT];
  bool copy = writing->target->copy;

  if (copy)
    forget_table(writing);
  if (machine->uuid.told && !copy) {
    vmf_guid_text(machine->uuid.bytes, text);
    vmf_keeping_leaf(&writing->keeping, "uuid", "%s", text);
  }
  if (!machine->genid.told)
    return;
  vmf_guid_swap(machine->genid.bytes, swapped);
  vmf_guid_text(swapped, text);
  if (!copy)
    vmf_keeping_leaf(&writing->keeping, "genid", "%s", text);
  else
    vmf_markup_insert(&writing->keeping.markup, "<genid/>");
}

static void write_os(struct libvirt_writing *writing)
{
  const struct vmf_guest_os *os = vmf_machine_os(writing->machine);
  const char *url = os ? vmf_guest_os_libosinfo(os) : NULL;
  struct vmf_markup *markup = &writing->keeping.markup;

  if (!url || vmf_keeping_value(&writing->keeping, "metadata"))
    return;
  vmf_markup_open(markup, "metadata");
  vmf_markup_start(markup, "libosinfo:libosinfo");
  vmf_markup_attribute(markup, "xmlns:libosinfo", "%s", LIBOSINFO);
  vmf_markup_enter(markup);
  vmf_markup_start(markup, "libosinfo:os");
  vmf_markup_attribute(markup, "id", "%s", url);
  vmf_markup_end(markup);
  vmf_markup_leave(markup, "libosinfo:libosinfo");
  vmf_markup_leave(markup, "metadata");
}

static void write_identity(struct libvirt_writing *writing)
{
  write_name(writing);
  write_ids(writing);
  write_os(writing);
  if (writing->machine->description.text)
    vmf_keeping_leaf(&writing->keeping, "description", "%s", writing->machine->description.text);
}

/* ---- memory ---- */

static void write_kib(struct libvirt_writing *writing, const char *path, uint64_t bytes)
{
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_fix(&writing->keeping, path, "unit", "KiB");
  vmf_keeping_content(&writing->keeping, path, "%" PRIu64, vmf_div_up(bytes, 1024));
}

static void write_memory(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;

  if (machine->memory.told)
    write_kib(writing, "memory", machine->memory.value);
  if (machine->memory_least.told &&
      (!machine->memory.told || machine->memory_least.value < machine->memory.value))
    write_kib(writing, "currentMemory", machine->memory_least.value);
  if (machine->memory_hotadd.value && !vmf_keeping_value(&writing->keeping, "maxMemory"))
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "memory is added to NUMA nodes, which the machine does not have",
                     "memory-hotadd");
}

/* ---- firmware and starting ---- */

static void write_feature(struct libvirt_writing *writing, const char *name, bool on)
{
  vmf_markup_start(&writing->keeping.markup, "feature");
  vmf_markup_attribute(&writing->keeping.markup, "enabled", "%s", on ? "yes" : "no");
  vmf_markup_attribute(&writing->keeping.markup, "name", "%s", name);
  vmf_markup_end(&writing->keeping.markup);
}

static void write_secure_boot(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  uint64_t secure = machine->secure_boot.value;

  if (!machine->secure_boot.told || machine->firmware.value != VMF_FIRMWARE_EFI ||
      vmf_keeping_value(&writing->keeping, "os/firmware"))
    return;
  vmf_markup_open(&writing->keeping.markup, "firmware");
  write_feature(writing, "secure-boot", secure != VMF_SECURE_BOOT_OFF);
  if (secure == VMF_SECURE_BOOT_MICROSOFT)
    write_feature(writing, "enrolled-keys", true);
  vmf_markup_leave(&writing->keeping.markup, "firmware");
}

/* Either devices have their order, or classes: libvirt refuses both. */
static bool devices_have_order(const struct vmf_machine *machine)
{
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].boot.told)
      return true;
  for (size_t i = 0; i < machine->nic_count; i++)
    if (machine->nics[i].boot.told)
      return true;
  return false;
}

static void write_boot(struct libvirt_writing *writing)
{
  const char *class = writing->machine->boot.text;

  if (class && devices_have_order(writing->machine)) {
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "the devices have an order of their own, and libvirt takes only one of both",
                     "boot");
    return;
  }
  for (; class && *class; class += strcspn(class, ",") + (strchr(class, ',') != NULL)) {
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(class, ","), class);
    const char *own = vmf_vendor_own(libvirt_boot_devices, name);
    if (!own)
      continue;
    vmf_markup_start(&writing->keeping.markup, "boot");
    vmf_markup_attribute(&writing->keeping.markup, "dev", "%s", own);
    vmf_markup_end(&writing->keeping.markup);
  }
}

static void write_menu(struct libvirt_writing *writing)
{
  const struct vmf_told_number *delay = &writing->machine->boot_delay;

  if (!delay->told || vmf_keeping_value(&writing->keeping, "os/bootmenu"))
    return;
  vmf_keeping_start(&writing->keeping, "os/bootmenu");
  vmf_keeping_set(&writing->keeping, "os/bootmenu", "enable", "yes");
  vmf_keeping_set(&writing->keeping, "os/bootmenu", "timeout", "%" PRIu64,
                  vmf_min(delay->value, TIMEOUT));
  vmf_keeping_end(&writing->keeping, "os/bootmenu");
}

static void write_os_element(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  const char *kind = vmf_keeping_value(&writing->keeping, "os/type");
  const char *arch = vmf_vendor_word_of(libvirt_archs, machine->arch.value);

  vmf_keeping_start(&writing->keeping, "os");
  if (machine->firmware.told && machine->firmware.value == VMF_FIRMWARE_EFI)
    vmf_keeping_fix(&writing->keeping, "os", "firmware", "efi");
  vmf_keeping_enter(&writing->keeping, "os");
  vmf_keeping_start(&writing->keeping, "os/type");
  if (machine->arch.told || !writing->keeping.native)
    vmf_keeping_set(&writing->keeping, "os/type", "arch", "%s",
                    machine->arch.told && arch ? arch : "x86_64");
  if (writing->type[0])
    vmf_keeping_set(&writing->keeping, "os/type", "machine", "%s", writing->type);
  vmf_keeping_content(&writing->keeping, "os/type", "%s", kind ? kind : "hvm");
  write_secure_boot(writing);
  write_boot(writing);
  write_menu(writing);
  vmf_keeping_leave(&writing->keeping, "os");
  if (machine->nvram.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "the firmware starts with fresh variables; it finds \\EFI\\BOOT on the disk",
                     "nvram");
}

/* ---- features and clock ---- */

static void write_plain(struct libvirt_writing *writing, const char *name)
{
  vmf_markup_start(&writing->keeping.markup, name);
  vmf_markup_end(&writing->keeping.markup);
}

/* Secure boot needs a mode of the processor that guards the variables. */
static void write_features(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  bool guarded = writing->x86 && machine->firmware.value == VMF_FIRMWARE_EFI &&
                 vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) != VMF_SECURE_BOOT_OFF &&
                 !vmf_keeping_value(&writing->keeping, "features/smm");

  if (vmf_keeping_value(&writing->keeping, "features"))
    return;
  if (writing->keeping.native && !guarded)
    return;
  vmf_markup_open(&writing->keeping.markup, "features");
  if (!writing->keeping.native) {
    write_plain(writing, "acpi");
    if (writing->x86)
      write_plain(writing, "apic");
  }
  if (guarded) {
    vmf_markup_start(&writing->keeping.markup, "smm");
    vmf_markup_attribute(&writing->keeping.markup, "state", "on");
    vmf_markup_end(&writing->keeping.markup);
  }
  vmf_markup_leave(&writing->keeping.markup, "features");
}

static void write_clock(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  const char *clock = vmf_vendor_word_of(libvirt_clocks, vmf_machine_clock(machine));
  bool silent = writing->keeping.native && machine->clock.line == 0;

  if (vmf_keeping_value(&writing->keeping, "clock") || (silent && !machine->clock_offset.told))
    return;
  vmf_keeping_start(&writing->keeping, "clock");
  if (machine->clock_offset.told) {
    vmf_keeping_fix(&writing->keeping, "clock", "offset", "variable");
    vmf_keeping_fix(&writing->keeping, "clock", "basis", "%s", clock);
    vmf_keeping_fix(&writing->keeping, "clock", "adjustment", "%" PRId64,
                    (int64_t)machine->clock_offset.value);
  } else {
    vmf_keeping_set(&writing->keeping, "clock", "offset", "%s", clock);
  }
  vmf_keeping_end(&writing->keeping, "clock");
}

void libvirt_write_system(struct libvirt_writing *writing)
{
  write_identity(writing);
  write_memory(writing);
  libvirt_write_cpu(writing);
  write_os_element(writing);
  write_features(writing);
  write_clock(writing);
}
