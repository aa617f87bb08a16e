/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Processors, memory, firmware, clock and the order of booting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbox_hardware.h"

enum {
  BOOT_PLACES = 4,
  MEBIBYTES = 1 << 28, /* of memory: far more than VirtualBox takes (2 TiB) */
  BOOT_TEXT = 64,
};

/* ---- processors ---- */

/* Those that are plugged in, of those that can be: <CpuTree><Cpu id="0"/>... */
static void count_plugged(const struct vmf_taking *taking, const xmlNode *cpu)
{
  const xmlNode *tree = vmf_vbox_child(cpu, "CpuTree");
  uint64_t count = 0;

  for (const xmlNode *one = vmf_vbox_child(tree, "Cpu"); one; one = vmf_vbox_next(one))
    count++;
  if (count > 0 && taking->machine->vcpus.told && count <= taking->machine->vcpus.value)
    taking->machine->vcpus_online = vmf_told(count, vmf_xml_line(tree));
}

/* platform: <Platform>, or in older settings <Hardware>. */
static enum vmf_code read_processors(const struct vmf_taking *taking, const xmlNode *platform,
                                     struct vmf_error *error)
{
  const xmlNode *cpu = vmf_vbox_child(platform, "CPU");
  const xmlNode *x86 = vmf_vbox_child(vmf_vbox_child(platform, "x86"), "CPU");
  const xmlNode *nested = vmf_vbox_child(x86 ? x86 : cpu, "NestedHWVirt");
  struct vmf_machine *machine = taking->machine;

  vmf_taking_take(taking, cpu);
  VMF_TRY(vmf_taking_number(taking, cpu, "count", VMF_MACHINE_CPUS, &machine->vcpus, error));
  if (machine->vcpus.told && machine->vcpus.value == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: count of <CPU> is 0: accepted is 1 to %d",
                    taking->name, machine->vcpus.line, VMF_MACHINE_CPUS);
  VMF_TRY(vmf_taking_word(taking, cpu, "hotplug", vmf_vbox_flags, &machine->cpu_hotadd, error));
  if (machine->cpu_hotadd.value)
    count_plugged(taking, cpu);
  vmf_taking_take(taking, nested);
  return vmf_taking_word(taking, nested, "enabled", vmf_vbox_flags, &machine->nested, error);
}

static enum vmf_code read_memory(const struct vmf_taking *taking, const xmlNode *hardware,
                                 struct vmf_error *error)
{
  const xmlNode *memory = vmf_vbox_child(hardware, "Memory");
  struct vmf_told_number mebibytes;

  vmf_taking_take(taking, memory);
  VMF_TRY(vmf_taking_number(taking, memory, "RAMSize", MEBIBYTES, &mebibytes, error));
  if (mebibytes.told && mebibytes.value > 0)
    taking->machine->memory = vmf_told(mebibytes.value << 20, mebibytes.line);
  return VMF_OK;
}

/* ---- firmware ---- */

static const struct vmf_vendor_word firmwares[] = {
    {"BIOS", VMF_FIRMWARE_BIOS},   {"1", VMF_FIRMWARE_BIOS},
    {"EFI", VMF_FIRMWARE_EFI},     {"2", VMF_FIRMWARE_EFI},
    {"EFI32", VMF_FIRMWARE_EFI},   {"EFI64", VMF_FIRMWARE_EFI},
    {"EFIDUAL", VMF_FIRMWARE_EFI}, {NULL, 0}};

/* A kind of EFI stays an extra, too. */
static enum vmf_code read_firmware_type(const struct vmf_taking *taking, const xmlNode *hardware,
                                        struct vmf_error *error)
{
  const xmlNode *firmware = vmf_vbox_child(hardware, "Firmware");
  struct vmf_told_text type;

  VMF_TRY(vmf_taking_peek(taking, firmware, "type", &type, error));
  const struct vmf_vendor_word *word =
      type.text ? vmf_vendor_word_find(firmwares, type.text) : NULL;
  vmf_taking_take(taking, firmware);
  if (!word)
    return VMF_OK;
  taking->machine->firmware = vmf_told(word->value, type.line);
  if (strcmp(type.text, "BIOS") == 0 || strcmp(type.text, "EFI") == 0)
    vmf_taking_mark(taking, firmware, "type");
  if (word->value == VMF_FIRMWARE_EFI)
    vmf_report_add(taking->report, VMF_SEVERITY_LOSS, "loss-secure-boot-unknown", taking->name,
                   type.line,
                   "whether secure boot is on stands in the file with the firmware's variables, "
                   "which is not read");
  return VMF_OK;
}

/* Milliseconds, signed; what is less than a second stays an extra. */
static enum vmf_code read_offset(const struct vmf_taking *taking, const xmlNode *element,
                                 struct vmf_error *error)
{
  struct vmf_told_text text, digits;
  struct vmf_told_number number;

  VMF_TRY(vmf_taking_peek(taking, element, "value", &text, error));
  bool negative = text.text && text.text[0] == '-';
  digits = text;
  if (negative)
    digits.text++;
  VMF_TRY(vmf_taking_parse(taking, &digits, "value of <TimeOffset>", INT64_MAX, &number, error));
  if (!number.told || number.value % 1000 != 0)
    return VMF_OK;
  vmf_taking_take(taking, element);
  vmf_taking_mark(taking, element, "value");
  uint64_t seconds = number.value / 1000;
  if (seconds > 0)
    taking->machine->clock_offset = vmf_told(negative ? -seconds : seconds, text.line);
  return VMF_OK;
}

/* <BIOS>, in newer settings a part of <Firmware>; both may be there, and one counts. */
static enum vmf_code read_variables(const struct vmf_vbox_reading *reading, const xmlNode *hardware,
                                    struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;
  bool platform = reading->version >= VMF_VBOX_PLATFORM;
  const xmlNode *parent = vmf_vbox_child(hardware, platform ? "Firmware" : "BIOS");
  const xmlNode *nvram = vmf_vbox_child(parent, "NVRAM");

  vmf_taking_take(taking, parent);
  vmf_taking_take(taking, nvram);
  VMF_TRY(vmf_taking_attribute(taking, nvram, "path", &taking->machine->nvram, error));
  if (taking->machine->nvram.text && !taking->machine->nvram.text[0])
    taking->machine->nvram = (struct vmf_told_text){0};
  return read_offset(taking, vmf_vbox_child(parent, "TimeOffset"), error);
}

/* The chip of the host is no part of the machine; one of a program beside it is. */
static enum vmf_code read_tpm(const struct vmf_taking *taking, const xmlNode *hardware,
                              struct vmf_error *error)
{
  const xmlNode *tpm = vmf_vbox_child(hardware, "TrustedPlatformModule");
  struct vmf_told_text type;

  VMF_TRY(vmf_taking_peek(taking, tpm, "type", &type, error));
  VMF_TRY(vmf_taking_word(taking, tpm, "type", vmf_vbox_tpms, &taking->machine->tpm, error));
  if (type.text && strcmp(type.text, "Swtpm") == 0)
    taking->machine->tpm = vmf_told(VMF_TPM_2_0, type.line);
  if (type.text && strcmp(type.text, "Host") == 0)
    vmf_report_add(taking->report, VMF_SEVERITY_LOSS, "loss-passthrough", taking->name, type.line,
                   "the TPM of the host is passed through");
  if (taking->machine->tpm.told)
    vmf_taking_take(taking, tpm);
  return VMF_OK;
}

/* ---- clock and boot order ---- */

/* Where nothing is said the clock shows local time. */
static enum vmf_code read_clock(const struct vmf_taking *taking, const xmlNode *platform,
                                struct vmf_error *error)
{
  const xmlNode *rtc = vmf_vbox_child(platform, "RTC");
  struct vmf_machine *machine = taking->machine;

  vmf_taking_take(taking, rtc);
  VMF_TRY(vmf_taking_word(taking, rtc, "localOrUTC", vmf_vbox_clocks, &machine->clock, error));
  if (!machine->clock.told)
    machine->clock = vmf_told(VMF_CLOCK_LOCALTIME, 0);
  return VMF_OK;
}

/* <Order position="1" device="HardDisk"/>, by position; "None" is an empty place. */
static enum vmf_code read_boot(const struct vmf_taking *taking, const xmlNode *hardware,
                               struct vmf_error *error)
{
  const xmlNode *boot = vmf_vbox_child(hardware, "Boot");
  const char *words[BOOT_PLACES + 1] = {NULL};
  char list[BOOT_TEXT] = "";

  vmf_taking_take(taking, boot);
  for (const xmlNode *order = vmf_vbox_child(boot, "Order"); order; order = vmf_vbox_next(order)) {
    struct vmf_told_number position;
    struct vmf_told_text device;
    VMF_TRY(vmf_vbox_number(taking, order, "position", BOOT_PLACES, &position, error));
    VMF_TRY(vmf_taking_peek(taking, order, "device", &device, error));
    const char *word = device.text ? vmf_vendor_neutral(vmf_vbox_boot_devices, device.text) : NULL;
    bool none = device.text && strcmp(device.text, "None") == 0;
    if (!position.told || position.value == 0 || (!word && !none))
      continue;
    vmf_taking_take(taking, order);
    vmf_taking_mark(taking, order, "device");
    words[position.value] = word;
  }
  for (size_t i = 1, used = 0; i <= BOOT_PLACES; i++)
    if (words[i])
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? "," : "", words[i]);
  return list[0] ? vmf_machine_text(taking->machine, list, vmf_xml_line(boot),
                                    &taking->machine->boot, error)
                 : VMF_OK;
}

enum vmf_code vmf_vbox_read_system(const struct vmf_vbox_reading *reading, const xmlNode *holder,
                                   const xmlNode *hardware, struct vmf_error *error)
{
  const struct vmf_taking *taking = &reading->taking;
  const xmlNode *platform = vmf_vbox_child(holder, "Platform");
  struct vmf_told_text architecture;

  if (!platform)
    platform = vmf_vbox_child(hardware, "Platform");
  VMF_TRY(vmf_taking_peek(taking, platform, "architecture", &architecture, error));
  if (architecture.text && strcmp(architecture.text, "ARM") == 0)
    taking->machine->arch = vmf_told(VMF_ARCH_AARCH64, architecture.line);
  vmf_taking_mark(taking, platform, "architecture");
  if (!platform)
    platform = hardware;
  VMF_TRY(read_processors(taking, platform, error));
  VMF_TRY(read_memory(taking, hardware, error));
  VMF_TRY(read_firmware_type(taking, hardware, error));
  VMF_TRY(read_variables(reading, hardware, error));
  VMF_TRY(read_tpm(taking, hardware, error));
  VMF_TRY(read_clock(taking, platform, error));
  return read_boot(taking, hardware, error);
}
