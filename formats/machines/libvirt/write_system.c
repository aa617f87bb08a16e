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
  libvirt_leaf(writing, "name", "%s", name);
}

/* The SMBIOS table of the source has the id that a copy must not have, and libvirt refuses two. */
static void forget_table(struct libvirt_writing *writing)
{
  const char *table = libvirt_kept(writing, "sysinfo");

  if (!table || !strstr(table, "uuid"))
    return;
  libvirt_forget(writing, "", "sysinfo");
  libvirt_forget(writing, "os", "smbios");
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
    libvirt_leaf(writing, "uuid", "%s", text);
  }
  if (!machine->genid.told)
    return;
  vmf_guid_swap(machine->genid.bytes, swapped);
  vmf_guid_text(swapped, text);
  if (!copy)
    libvirt_leaf(writing, "genid", "%s", text);
  else
    vmf_markup_insert(&writing->markup, "<genid/>");
}

static void write_os(struct libvirt_writing *writing)
{
  const struct vmf_guest_os *os = vmf_machine_os(writing->machine);
  const char *url = os ? vmf_guest_os_libosinfo(os) : NULL;
  struct vmf_markup *markup = &writing->markup;

  if (!url || libvirt_kept(writing, "metadata"))
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
    libvirt_leaf(writing, "description", "%s", writing->machine->description.text);
}

/* ---- memory ---- */

static void write_kib(struct libvirt_writing *writing, const char *path, uint64_t bytes)
{
  libvirt_start(writing, path);
  libvirt_fix(writing, path, "unit", "KiB");
  libvirt_content(writing, path, "%" PRIu64, vmf_div_up(bytes, 1024));
}

static void write_memory(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;

  if (machine->memory.told)
    write_kib(writing, "memory", machine->memory.value);
  if (machine->memory_least.told &&
      (!machine->memory.told || machine->memory_least.value < machine->memory.value))
    write_kib(writing, "currentMemory", machine->memory_least.value);
  if (machine->memory_hotadd.value && !libvirt_kept(writing, "maxMemory"))
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL,
                     "memory is added to NUMA nodes, which the machine does not have",
                     "memory-hotadd");
}

/* ---- firmware and starting ---- */

static void write_feature(struct libvirt_writing *writing, const char *name, bool on)
{
  vmf_markup_start(&writing->markup, "feature");
  vmf_markup_attribute(&writing->markup, "enabled", "%s", on ? "yes" : "no");
  vmf_markup_attribute(&writing->markup, "name", "%s", name);
  vmf_markup_end(&writing->markup);
}

static void write_secure_boot(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  uint64_t secure = machine->secure_boot.value;

  if (!machine->secure_boot.told || machine->firmware.value != VMF_FIRMWARE_EFI ||
      libvirt_kept(writing, "os/firmware"))
    return;
  vmf_markup_open(&writing->markup, "firmware");
  write_feature(writing, "secure-boot", secure != VMF_SECURE_BOOT_OFF);
  if (secure == VMF_SECURE_BOOT_MICROSOFT)
    write_feature(writing, "enrolled-keys", true);
  vmf_markup_leave(&writing->markup, "firmware");
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
    const char *own = libvirt_own(libvirt_boot_devices, name);
    if (!own)
      continue;
    vmf_markup_start(&writing->markup, "boot");
    vmf_markup_attribute(&writing->markup, "dev", "%s", own);
    vmf_markup_end(&writing->markup);
  }
}

static void write_menu(struct libvirt_writing *writing)
{
  const struct vmf_told_number *delay = &writing->machine->boot_delay;

  if (!delay->told || libvirt_kept(writing, "os/bootmenu"))
    return;
  libvirt_start(writing, "os/bootmenu");
  libvirt_set(writing, "os/bootmenu", "enable", "yes");
  libvirt_set(writing, "os/bootmenu", "timeout", "%" PRIu64, vmf_min(delay->value, TIMEOUT));
  libvirt_end(writing, "os/bootmenu");
}

static void write_os_element(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  const char *kind = libvirt_kept(writing, "os/type");
  const char *arch = libvirt_word_of(libvirt_archs, machine->arch.value);

  libvirt_start(writing, "os");
  if (machine->firmware.told && machine->firmware.value == VMF_FIRMWARE_EFI)
    libvirt_fix(writing, "os", "firmware", "efi");
  libvirt_enter(writing, "os");
  libvirt_start(writing, "os/type");
  if (machine->arch.told || !writing->native)
    libvirt_set(writing, "os/type", "arch", "%s", machine->arch.told && arch ? arch : "x86_64");
  if (writing->type[0])
    libvirt_set(writing, "os/type", "machine", "%s", writing->type);
  libvirt_content(writing, "os/type", "%s", kind ? kind : "hvm");
  write_secure_boot(writing);
  write_boot(writing);
  write_menu(writing);
  libvirt_leave(writing, "os");
  if (machine->nvram.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "the firmware starts with fresh variables; it finds \\EFI\\BOOT on the disk",
                     "nvram");
}

/* ---- features and clock ---- */

static void write_plain(struct libvirt_writing *writing, const char *name)
{
  vmf_markup_start(&writing->markup, name);
  vmf_markup_end(&writing->markup);
}

/* Secure boot needs a mode of the processor that guards the variables. */
static void write_features(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  bool guarded = writing->x86 && machine->firmware.value == VMF_FIRMWARE_EFI &&
                 vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) != VMF_SECURE_BOOT_OFF &&
                 !libvirt_kept(writing, "features/smm");

  if (libvirt_kept(writing, "features"))
    return;
  if (writing->native && !guarded)
    return;
  vmf_markup_open(&writing->markup, "features");
  if (!writing->native) {
    write_plain(writing, "acpi");
    if (writing->x86)
      write_plain(writing, "apic");
  }
  if (guarded) {
    vmf_markup_start(&writing->markup, "smm");
    vmf_markup_attribute(&writing->markup, "state", "on");
    vmf_markup_end(&writing->markup);
  }
  vmf_markup_leave(&writing->markup, "features");
}

static void write_clock(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  const char *clock = libvirt_word_of(libvirt_clocks, machine->clock.value);

  if (libvirt_kept(writing, "clock") || !(machine->clock.told || machine->clock_offset.told))
    return;
  libvirt_start(writing, "clock");
  if (machine->clock_offset.told) {
    libvirt_fix(writing, "clock", "offset", "variable");
    libvirt_fix(writing, "clock", "basis", "%s", clock ? clock : "utc");
    libvirt_fix(writing, "clock", "adjustment", "%" PRId64, (int64_t)machine->clock_offset.value);
  } else {
    libvirt_set(writing, "clock", "offset", "%s", clock ? clock : "utc");
  }
  libvirt_end(writing, "clock");
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
