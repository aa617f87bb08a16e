/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Processors, memory, firmware, clock, TPM and the order of booting. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "vbox_writer.h"

enum { LEAST_MEBIBYTES = 4, MOST_MEBIBYTES = 2097152, BOOT_PLACES = 4 };

static const char *word_of(bool on)
{
  return on ? "true" : "false";
}

/* <NAME enabled="..."/>, unless the source has it, or was silent about it. */
static void write_switch(struct vbox_writing *writing, const char *path, bool on)
{
  if (!writing->silent && !vmf_keeping_value(&writing->keeping, path))
    vmf_keeping_simple(&writing->keeping, path, "enabled", word_of(on));
}

/* ---- processors and memory ---- */

static void write_plugged(struct vbox_writing *writing, uint64_t count)
{
  struct vmf_markup *markup = &writing->keeping.markup;

  vmf_markup_open(markup, "CpuTree");
  for (uint64_t i = 0; i < count; i++) {
    vmf_markup_start(markup, "Cpu");
    vmf_markup_attribute(markup, "id", "%" PRIu64, i);
    vmf_markup_end(markup);
  }
  vmf_markup_leave(markup, "CpuTree");
}

static void tell_processors(const struct vbox_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  const struct {
    const char *field;
    const struct vmf_told_number *number;
  } topology[] = {{"sockets", &machine->sockets},
                  {"dies", &machine->dies},
                  {"cores", &machine->cores},
                  {"threads", &machine->threads}};

  if (vmf_told_or(machine->vcpus, 1) > VBOX_CPUS)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "VirtualBox has at most 64 processors", "vcpus");
  for (size_t i = 0; i < sizeof topology / sizeof *topology; i++)
    if (topology[i].number->told && topology[i].number->value > 1)
      vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                       "VirtualBox knows a number of processors only", "%s", topology[i].field);
}

static void write_processors(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/CPU";
  const struct vmf_machine *machine = writing->machine;
  struct vmf_keeping *keeping = &writing->keeping;
  uint64_t count = vmf_min(vmf_told_or(machine->vcpus, 1), VBOX_CPUS);
  bool wide = vmf_told_or(machine->arch, VMF_ARCH_X86_64) == VMF_ARCH_X86_64;

  tell_processors(writing);
  vmf_keeping_start(keeping, path);
  if (machine->vcpus.told || !writing->silent)
    vmf_keeping_fix(keeping, path, "count", "%" PRIu64, count);
  if (machine->cpu_hotadd.told)
    vmf_keeping_fix(keeping, path, "hotplug", "%s", word_of(machine->cpu_hotadd.value != 0));
  vmf_keeping_enter(keeping, path);
  write_switch(writing, VBOX_HARDWARE "/CPU/PAE", !wide);
  write_switch(writing, VBOX_HARDWARE "/CPU/LongMode", wide);
  if (machine->nested.told)
    vmf_keeping_simple(keeping, VBOX_HARDWARE "/CPU/NestedHWVirt", "enabled",
                       word_of(machine->nested.value != 0));
  if (machine->cpu_hotadd.value && !vmf_keeping_value(keeping, VBOX_HARDWARE "/CPU/CpuTree"))
    write_plugged(writing, vmf_min(vmf_told_or(machine->vcpus_online, count), count));
  vmf_keeping_leave(keeping, path);
}

static void write_memory(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/Memory";
  uint64_t bytes = writing->machine->memory.value, mebibytes = vmf_div_up(bytes, 1 << 20);

  if (mebibytes < LEAST_MEBIBYTES || mebibytes > MOST_MEBIBYTES)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "VirtualBox has 4 MiB to 2 TiB of memory", "memory");
  else if (bytes != mebibytes << 20)
    vmf_machine_lose(writing->losses, VMF_LOSS_COSMETIC, NULL, "VirtualBox counts whole MiB",
                     "memory");
  mebibytes = vmf_min(vmf_max(mebibytes, LEAST_MEBIBYTES), MOST_MEBIBYTES);
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_fix(&writing->keeping, path, "RAMSize", "%" PRIu64, mebibytes);
  vmf_keeping_end(&writing->keeping, path);
}

/* More controllers of a kind than one, and more cards than eight, are with the newer chipset. */
static void write_chipset(struct vbox_writing *writing)
{
  if (vbox_most_of_a_kind(writing) > 1 &&
      !vmf_keeping_value(&writing->keeping, VBOX_HARDWARE "/Chipset@type"))
    vmf_keeping_simple(&writing->keeping, VBOX_HARDWARE "/Chipset", "type", "ICH9");
}

/* ---- firmware ---- */

static void tell_firmware(const struct vbox_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;

  if (machine->secure_boot.value != VMF_SECURE_BOOT_OFF)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "VirtualBox keeps it with the firmware's variables: VBoxManage modifynvram "
                     "NAME inituefivarstore, enrollmssignatures, secureboot --enable",
                     "secure-boot");
  if (machine->nvram.text)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, NULL,
                     "firmware variables are in another form with each vendor: new ones are made, "
                     "and a boot entry may have to be made anew",
                     "nvram");
}

static void write_offset(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/BIOS/TimeOffset";
  const struct vmf_told_number *offset = &writing->machine->clock_offset;
  int64_t seconds = (int64_t)offset->value;

  if (!offset->told || seconds == 0 || seconds > INT64_MAX / 1000 || seconds < INT64_MIN / 1000)
    return;
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_fix(&writing->keeping, path, "value", "%" PRId64, seconds * 1000);
  vmf_keeping_end(&writing->keeping, path);
}

/* The guest's SMBIOS shows the UUID as it is written only in the newer order. */
static void write_firmware(struct vbox_writing *writing)
{
  static const char type[] = VBOX_HARDWARE "/Firmware", bios[] = VBOX_HARDWARE "/BIOS";
  struct vmf_keeping *keeping = &writing->keeping;

  tell_firmware(writing);
  vmf_keeping_start(keeping, type);
  if (writing->machine->firmware.told && writing->machine->firmware.value == VMF_FIRMWARE_EFI)
    vmf_keeping_set(keeping, type, "type", "EFI");
  vmf_keeping_end(keeping, type);
  vmf_keeping_start(keeping, bios);
  vmf_keeping_enter(keeping, bios);
  write_switch(writing, VBOX_HARDWARE "/BIOS/IOAPIC", true);
  write_offset(writing);
  if (!writing->keeping.native)
    write_switch(writing, VBOX_HARDWARE "/BIOS/SmbiosUuidLittleEndian", true);
  vmf_keeping_leave(keeping, bios);
}

static void write_tpm(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/TrustedPlatformModule";
  const struct vmf_told_number *tpm = &writing->machine->tpm;

  if (!tpm->told)
    return;
  vmf_keeping_start(&writing->keeping, path);
  vmf_keeping_fix(&writing->keeping, path, "type", "%s",
                  vmf_vendor_word_of(vmf_vbox_tpms, tpm->value));
  vmf_keeping_fix(&writing->keeping, path, "location", "%s", "");
  vmf_keeping_end(&writing->keeping, path);
  if (tpm->value != VMF_TPM_NONE)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, "L-tpm-state",
                     "the new TPM is empty: what was sealed by the old one needs another way in",
                     "tpm");
}

/* ---- the order of booting ---- */

enum { CLASSES = 4 };

static void note_first(uint64_t numbers[CLASSES], size_t class, const struct vmf_told_number *boot)
{
  if (boot->told && (numbers[class] == 0 || boot->value < numbers[class]))
    numbers[class] = boot->value;
}

/* Where each device has a number, a class has that of the first of it. */
static void find_order(const struct vmf_machine *machine, const char *order[BOOT_PLACES])
{
  static const char *const classes[CLASSES] = {"disk", "cdrom", "floppy", "network"};
  static const size_t class_of[] = {
      [VMF_MEDIUM_DISK] = 0, [VMF_MEDIUM_CDROM] = 1, [VMF_MEDIUM_FLOPPY] = 2, [VMF_MEDIUM_LUN] = 0};
  uint64_t numbers[CLASSES] = {0};

  for (size_t i = 0; i < machine->disk_count; i++)
    note_first(numbers, class_of[machine->disks[i].medium.value], &machine->disks[i].boot);
  for (size_t i = 0; i < machine->nic_count; i++)
    note_first(numbers, CLASSES - 1, &machine->nics[i].boot);
  for (size_t place = 0; place < BOOT_PLACES; place++) {
    size_t best = CLASSES;
    for (size_t j = 0; j < CLASSES; j++)
      if (numbers[j] > 0 && (best == CLASSES || numbers[j] < numbers[best]))
        best = j;
    if (best == CLASSES)
      return;
    order[place] = classes[best];
    numbers[best] = 0;
  }
}

/* "disk,cdrom" */
static void split_order(const char *list, char words[BOOT_PLACES][16],
                        const char *order[BOOT_PLACES])
{
  size_t place = 0;

  while (*list && place < BOOT_PLACES) {
    size_t length = strcspn(list, ",");
    snprintf(words[place], sizeof words[place], "%.*s", (int)vmf_min(length, 15), list);
    order[place] = words[place];
    place++;
    list += length + (list[length] == ',');
  }
}

static void write_boot(struct vbox_writing *writing)
{
  static const char path[] = VBOX_HARDWARE "/Boot";
  const struct vmf_machine *machine = writing->machine;
  const char *order[BOOT_PLACES] = {NULL};
  struct vmf_keeping *keeping = &writing->keeping;
  char words[BOOT_PLACES][16];

  if (machine->boot.text)
    split_order(machine->boot.text, words, order);
  else
    find_order(machine, order);
  if (!order[0])
    return;
  vmf_keeping_start(keeping, path);
  vmf_keeping_enter(keeping, path);
  for (size_t i = 0; i < BOOT_PLACES; i++) {
    const char *own = order[i] ? vmf_vendor_own(vmf_vbox_boot_devices, order[i]) : NULL;
    vmf_markup_start(&keeping->markup, "Order");
    vmf_markup_attribute(&keeping->markup, "position", "%zu", i + 1);
    vmf_markup_attribute(&keeping->markup, "device", "%s", own ? own : "None");
    vmf_markup_end(&keeping->markup);
  }
  vmf_keeping_leave(keeping, path);
}

void vbox_write_system(struct vbox_writing *writing)
{
  enum vmf_clock clock = vmf_machine_clock(writing->machine);

  write_processors(writing);
  write_memory(writing);
  write_chipset(writing);
  write_boot(writing);
  write_firmware(writing);
  write_tpm(writing);
  if (!writing->silent || writing->machine->clock.line > 0)
    vmf_keeping_simple(&writing->keeping, VBOX_HARDWARE "/RTC", "localOrUTC",
                       vmf_vendor_word_of(vmf_vbox_clocks, clock));
}
