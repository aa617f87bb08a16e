/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What the machine is, its memory, its firmware and how it starts. */
#include <string.h>
#include <strings.h>

#include "checked.h"
#include "guest_os.h"
#include "guid.h"
#include "reading.h"
#include "text.h"

enum {
  TIMEOUT = 65535, /* milliseconds, of the boot menu */
  CLASSES = 4,     /* of devices to boot from; further ones stay extras */
};

/* ---- identity ---- */

/* With or without dashes. */
static bool parse_id(const char *text, uint8_t id[VMF_GUID_SIZE])
{
  size_t digits = 0;

  for (; *text && digits < 2 * VMF_GUID_SIZE; text++) {
    int digit = vmf_hex_digit(*text);
    if (digit < 0 && *text == '-' && digits > 0)
      continue;
    if (digit < 0)
      return false;
    id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | digit);
    digits++;
  }
  return digits == 2 * VMF_GUID_SIZE && *text == '\0';
}

/* An empty one is left: it asks for a new id. */
static enum vmf_code read_id(const struct vmf_taking *reading, const xmlNode *element,
                             struct vmf_told_id *id, struct vmf_error *error)
{
  struct vmf_told_text text;

  VMF_TRY(vmf_taking_peek_text(reading, element, &text, error));
  if (!text.text || !text.text[0])
    return VMF_OK;
  vmf_taking_take(reading, element);
  if (!parse_id(text.text, id->bytes))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: <%s> is \"%.50s\": accepted are 32 hexadecimal digits", reading->name,
                    text.line, (const char *)element->name, text.text);
  id->told = true;
  id->line = text.line;
  return VMF_OK;
}

/* libvirt writes the id as text: the guest's memory has its first three fields
 * little-endian. */
static enum vmf_code read_genid(const struct vmf_taking *reading, const xmlNode *domain,
                                struct vmf_error *error)
{
  struct vmf_told_id written = {0};

  VMF_TRY(read_id(reading, libvirt_child(domain, "genid"), &written, error));
  if (written.told) {
    reading->machine->genid = written;
    vmf_guid_swap(written.bytes, reading->machine->genid.bytes);
  }
  return VMF_OK;
}

xmlNode *libvirt_libosinfo(const xmlNode *domain)
{
  xmlNode *metadata = libvirt_child(domain, "metadata");
  xmlNode *info = metadata ? vmf_xml_child(metadata, LIBVIRT_LIBOSINFO, "libosinfo") : NULL;

  return info ? vmf_xml_child(info, LIBVIRT_LIBOSINFO, "os") : NULL;
}

/* The metadata stays an extra: it is not only libosinfo's. */
static enum vmf_code read_os(const struct vmf_taking *reading, const xmlNode *domain,
                             struct vmf_error *error)
{
  struct vmf_told_text url;
  bool wide = vmf_told_or(reading->machine->arch, VMF_ARCH_X86_64) != VMF_ARCH_I686;

  VMF_TRY(vmf_taking_peek(reading, libvirt_libosinfo(domain), "id", &url, error));
  if (!url.text)
    return VMF_OK;
  return vmf_machine_set_os(reading->machine, vmf_guest_os_by_libosinfo(url.text, wide), url.text,
                            url.line, error);
}

static enum vmf_code read_identity(const struct vmf_taking *reading, const xmlNode *domain,
                                   struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;

  VMF_TRY(vmf_taking_text(reading, libvirt_child(domain, "name"), &machine->name, error));
  VMF_TRY(
      vmf_taking_text(reading, libvirt_child(domain, "description"), &machine->description, error));
  VMF_TRY(read_id(reading, libvirt_child(domain, "uuid"), &machine->uuid, error));
  VMF_TRY(read_genid(reading, domain, error));
  return read_os(reading, domain, error);
}

/* ---- memory ---- */

uint64_t libvirt_unit(const char *unit)
{
  static const char letters[] = "kmgtpe";
  size_t length = unit ? strlen(unit) : 0;
  uint64_t bytes = 1;

  if (!unit)
    return 1024;
  if (vmf_text_equal_nocase(unit, "b") || vmf_text_equal_nocase(unit, "bytes"))
    return 1;
  const char *letter = length > 0 ? strchr(letters, unit[0] | 0x20) : NULL;
  bool thousand = length == 2 && (unit[1] | 0x20) == 'b';
  if (!letter || !*letter || !(length == 1 || thousand || vmf_text_equal_nocase(unit + 1, "ib")))
    return 0;
  for (const char *at = letters; at <= letter; at++)
    bytes *= thousand ? 1000 : 1024;
  return bytes;
}

static enum vmf_code scale(const struct vmf_taking *reading, const struct vmf_told_text *unit,
                           const xmlNode *element, struct vmf_told_number *number,
                           struct vmf_error *error)
{
  uint64_t bytes = libvirt_unit(unit->text);

  if (bytes == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: <%s> has the unit \"%.20s\": accepted are b, KB, "
                    "KiB, MB, MiB and so on",
                    reading->name, unit->line, (const char *)element->name, unit->text);
  if (!vmf_mul(number->value, bytes, &number->value) || number->value > INT64_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: <%s> is more than 2^63 bytes", reading->name,
                    number->line, (const char *)element->name);
  return VMF_OK;
}

/* libvirt has memory in KiB, and rounds up. */
static enum vmf_code read_bytes(const struct vmf_taking *reading, const xmlNode *element,
                                struct vmf_told_number *number, struct vmf_error *error)
{
  struct vmf_told_text text, unit;

  *number = (struct vmf_told_number){0};
  if (!element)
    return VMF_OK;
  VMF_TRY(vmf_taking_text(reading, element, &text, error));
  VMF_TRY(vmf_taking_attribute(reading, element, "unit", &unit, error));
  VMF_TRY(vmf_taking_parse(reading, &text, (const char *)element->name, UINT64_MAX, number, error));
  VMF_TRY(scale(reading, &unit, element, number, error));
  number->value = vmf_align_up(number->value, 1024);
  return VMF_OK;
}

/* What the guest has at first, where it is less, is what a balloon leaves it.
 */
static enum vmf_code read_memory(const struct vmf_taking *reading, const xmlNode *domain,
                                 struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  const xmlNode *most = libvirt_child(domain, "maxMemory");
  struct vmf_told_number current;

  VMF_TRY(read_bytes(reading, libvirt_child(domain, "memory"), &machine->memory, error));
  VMF_TRY(read_bytes(reading, libvirt_child(domain, "currentMemory"), &current, error));
  if (current.told && (!machine->memory.told || current.value < machine->memory.value))
    machine->memory_least = current;
  if (most)
    machine->memory_hotadd = vmf_told(1, vmf_xml_line(most));
  return VMF_OK;
}

/* ---- firmware ---- */

static bool is_efi_loader(const char *path)
{
  static const char *const names[] = {"OVMF", "AAVMF", "edk2"};

  for (size_t i = 0; path && i < sizeof names / sizeof *names; i++)
    if (strcasestr(path, names[i]))
      return true;
  return false;
}

/* The element stays an extra, since its path is of this host. */
static enum vmf_code read_loader(const struct vmf_taking *reading, const xmlNode *os,
                                 struct vmf_error *error)
{
  const xmlNode *loader = libvirt_child(os, "loader");
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text type, path, secure;

  if (!loader)
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(reading, loader, "type", &type, error));
  VMF_TRY(vmf_taking_peek(reading, loader, "secure", &secure, error));
  VMF_TRY(vmf_taking_peek_text(reading, loader, &path, error));
  bool flash = type.text && strcmp(type.text, "pflash") == 0;
  bool rom = (type.text && strcmp(type.text, "rom") == 0) || path.text[0];
  if (!machine->firmware.told && (flash || is_efi_loader(path.text)))
    machine->firmware = vmf_told(VMF_FIRMWARE_EFI, vmf_xml_line(loader));
  else if (!machine->firmware.told && rom)
    machine->firmware = vmf_told(VMF_FIRMWARE_BIOS, vmf_xml_line(loader));
  if (secure.text && strcmp(secure.text, "yes") == 0)
    machine->secure_boot = vmf_told(VMF_SECURE_BOOT_ON, secure.line);
  return VMF_OK;
}

static enum vmf_code read_features(const struct vmf_taking *reading, const xmlNode *os,
                                   struct vmf_error *error)
{
  const xmlNode *firmware = libvirt_child(os, "firmware");
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text name, enabled;
  struct vmf_told_number secure = {0}, keys = {0};

  for (const xmlNode *feature = libvirt_child(firmware, "feature"); feature;
       feature = libvirt_next(feature)) {
    VMF_TRY(vmf_taking_peek(reading, feature, "name", &name, error));
    VMF_TRY(vmf_taking_peek(reading, feature, "enabled", &enabled, error));
    struct vmf_told_number on =
        vmf_told(enabled.text && strcmp(enabled.text, "yes") == 0, vmf_xml_line(feature));
    if (name.text && strcmp(name.text, "secure-boot") == 0)
      secure = on;
    else if (name.text && strcmp(name.text, "enrolled-keys") == 0)
      keys = on;
  }
  if (secure.told)
    machine->secure_boot = secure;
  if (secure.value && keys.value)
    machine->secure_boot.value = VMF_SECURE_BOOT_MICROSOFT;
  return VMF_OK;
}

static enum vmf_code read_firmware(const struct vmf_taking *reading, const xmlNode *os,
                                   struct vmf_error *error)
{
  static const struct vmf_vendor_word firmwares[] = {
      {"bios", VMF_FIRMWARE_BIOS}, {"efi", VMF_FIRMWARE_EFI}, {NULL, 0}};
  const xmlNode *nvram = libvirt_child(os, "nvram");
  struct vmf_told_text path;

  VMF_TRY(vmf_taking_word(reading, os, "firmware", firmwares, &reading->machine->firmware, error));
  VMF_TRY(read_loader(reading, os, error));
  VMF_TRY(read_features(reading, os, error));
  VMF_TRY(vmf_taking_peek_text(reading, nvram, &path, error));
  if (path.text && path.text[0])
    reading->machine->nvram = path;
  return VMF_OK;
}

/* ---- starting ---- */

static enum vmf_code read_boot(const struct vmf_taking *reading, const xmlNode *os,
                               struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text device;
  size_t count = 0;

  for (const xmlNode *boot = libvirt_child(os, "boot"); boot && count < CLASSES;
       boot = libvirt_next(boot), count++) {
    vmf_taking_take(reading, boot);
    VMF_TRY(vmf_taking_name(reading, boot, "dev", libvirt_boot_devices, &device, error));
    if (!device.text || !machine->boot.text)
      machine->boot = device;
    else
      VMF_TRY(vmf_machine_format_text(machine, machine->boot.line, &machine->boot, error, "%s,%s",
                                      machine->boot.text, device.text));
  }
  return VMF_OK;
}

static enum vmf_code read_menu(const struct vmf_taking *reading, const xmlNode *os,
                               struct vmf_error *error)
{
  const xmlNode *menu = libvirt_child(os, "bootmenu");
  struct vmf_told_number delay;
  struct vmf_told_text text;

  VMF_TRY(vmf_taking_peek(reading, menu, "enable", &text, error));
  bool on = text.text && strcmp(text.text, "yes") == 0;
  VMF_TRY(vmf_taking_peek(reading, menu, "timeout", &text, error));
  VMF_TRY(vmf_taking_parse(reading, &text, "timeout of <bootmenu>", TIMEOUT, &delay, error));
  if (!on || !delay.told)
    return VMF_OK;
  vmf_taking_take(reading, menu);
  vmf_taking_mark(reading, menu, "enable");
  vmf_taking_mark(reading, menu, "timeout");
  reading->machine->boot_delay = delay;
  return VMF_OK;
}

static enum vmf_code read_os_element(const struct vmf_taking *reading, const xmlNode *domain,
                                     struct vmf_error *error)
{
  const xmlNode *os = libvirt_child(domain, "os"), *type = libvirt_child(os, "type");
  struct vmf_told_text kind;

  if (!os)
    return VMF_OK;
  vmf_taking_take(reading, os);
  VMF_TRY(vmf_taking_text(reading, type, &kind, error));
  if (kind.text && strcmp(kind.text, "hvm") != 0)
    vmf_report_add(reading->report, VMF_SEVERITY_WARNING, "libvirt-paravirtual", reading->name,
                   kind.line,
                   "the machine is of the type \"%.20s\": elsewhere it needs a "
                   "kernel of its own "
                   "and a boot loader on its disk",
                   kind.text);
  VMF_TRY(vmf_taking_word(reading, type, "arch", libvirt_archs, &reading->machine->arch, error));
  VMF_TRY(vmf_taking_attribute(reading, type, "machine", &reading->machine->hw_version, error));
  if (libvirt_child(os, "kernel"))
    vmf_report_add(reading->report, VMF_SEVERITY_LOSS, "loss-kernel", reading->name,
                   vmf_xml_line(libvirt_child(os, "kernel")),
                   "the machine starts a kernel of the host: elsewhere its disk needs a boot "
                   "loader");
  VMF_TRY(read_firmware(reading, os, error));
  VMF_TRY(read_boot(reading, os, error));
  return read_menu(reading, os, error);
}

/* ---- the clock ---- */

/* Where nothing is said it is UTC. A time zone's clock is a local time, and what says which zone
 * stays an extra. */
static enum vmf_code read_clock(const struct vmf_taking *reading, const xmlNode *domain,
                                struct vmf_error *error)
{
  const xmlNode *clock = libvirt_child(domain, "clock");
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text offset, basis, adjustment;

  VMF_TRY(vmf_taking_word(reading, clock, "offset", libvirt_clocks, &machine->clock, error));
  VMF_TRY(vmf_taking_peek(reading, clock, "offset", &offset, error));
  if (!offset.text)
    machine->clock = vmf_told(VMF_CLOCK_UTC, 0);
  if (machine->clock.told)
    return VMF_OK;
  if (strcmp(offset.text, "timezone") == 0)
    machine->clock = vmf_told(VMF_CLOCK_LOCALTIME, offset.line);
  if (strcmp(offset.text, "variable") != 0)
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(reading, clock, "basis", &basis, error));
  const struct vmf_vendor_word *word =
      vmf_vendor_word_find(libvirt_clocks, basis.text ? basis.text : "");
  machine->clock = vmf_told(word ? word->value : VMF_CLOCK_UTC, offset.line);
  VMF_TRY(vmf_taking_peek(reading, clock, "adjustment", &adjustment, error));
  bool negative = adjustment.text && adjustment.text[0] == '-';
  const char *digits = adjustment.text ? adjustment.text + negative : "reset";
  if (digits[strspn(digits, "0123456789")] || (basis.text && !word))
    return VMF_OK;
  adjustment.text = digits;
  vmf_taking_mark(reading, clock, "offset");
  vmf_taking_mark(reading, clock, "basis");
  vmf_taking_mark(reading, clock, "adjustment");
  VMF_TRY(vmf_taking_parse(reading, &adjustment, "adjustment of <clock>",
                           (uint64_t)INT64_MAX + negative, &machine->clock_offset, error));
  if (negative)
    machine->clock_offset.value = -machine->clock_offset.value;
  return VMF_OK;
}

enum vmf_code libvirt_read_system(const struct vmf_taking *reading, const xmlNode *domain,
                                  struct vmf_error *error)
{
  VMF_TRY(read_os_element(reading, domain, error));
  VMF_TRY(read_identity(reading, domain, error));
  VMF_TRY(read_memory(reading, domain, error));
  return read_clock(reading, domain, error);
}
