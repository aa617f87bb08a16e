/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What is judged of a machine's own text: settings of one vendor that mean nothing elsewhere, so
 * that no reader keeps them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lint_machine.h"
#include "path.h"
#include "text.h"
#include "value.h"

enum { XAPI_MINOR = 20 };

static void tell(const struct vmf_machine_judged *judged, enum vmf_lint_id id, unsigned line,
                 const char *found, const char *allowed)
{
  const struct vmf_lint_place place = vmf_lint_in(judged, line, allowed);

  vmf_lint_tell(judged->linting, id, &place, "%s", found);
}

/* The line behind `line`; NULL: there is none. */
static const char *next_line(const char *line)
{
  const char *end = strchr(line, '\n');

  return end && end[1] ? end + 1 : NULL;
}

/* ---- VMware ---- */

static void check_vmx(const struct vmf_machine_judged *judged)
{
  for (const char *line = judged->text; line; line = next_line(line))
    if (strncasecmp(line, "pciBridge4.present", 18) == 0)
      return;
  tell(judged, VMF_LINT_WS_PCIBRIDGE, 0, "no PCI Express bridges (pciBridge4 to pciBridge7)",
       "those that VMware's products write");
}

/* ---- VirtualBox ---- */

static void check_vbox(const struct vmf_machine_judged *judged)
{
  const char *found = strstr(judged->text, "<IOAPIC enabled=\"false\"");

  if (found && vmf_told_or(judged->machine->vcpus, 1) > 1)
    tell(judged, VMF_LINT_VBX_IOAPIC, 0, "several processors without an I/O APIC",
         "<IOAPIC enabled=\"true\"/>");
}

enum vmf_code vmf_lint_registered(const struct vmf_machine_judged *judged, struct vmf_image *image,
                                  const struct vmf_lint_place *place, struct vmf_error *error)
{
  struct vmf_value *info;

  if (strcmp(judged->format, "vbox") != 0)
    return VMF_OK;
  VMF_TRY(vmf_image_info(image, &info, error));
  const struct vmf_value *uuid =
      vmf_value_member(vmf_value_member(vmf_value_member(info, "format-specific"), "data"), "uuid");
  if (uuid && !strcasestr(judged->text, uuid->text)) {
    const struct vmf_lint_place own = {
        .file = place->file, .line = place->line, .allowed = "the id that the disk has"};
    vmf_lint_tell(judged->linting, VMF_LINT_VBX_UUID, &own, "another id for the disk {%s}",
                  uuid->text);
  }
  vmf_value_free(info);
  return VMF_OK;
}

/* ---- Proxmox ---- */

/* The value of a key before the first section; NULL: it is not there. */
static const char *conf_value(const char *text, const char *key, unsigned *number)
{
  size_t length = strlen(key);

  *number = 1;
  for (const char *line = text; line && *line != '['; line = next_line(line), ++*number)
    if (strncmp(line, key, length) == 0 && line[length] == ':')
      return line + length + 1 + strspn(line + length + 1, " \t");
  return NULL;
}

/* "order=scsi0;ide2;net0": each is a key, too. */
static void check_boot(const struct vmf_machine_judged *judged)
{
  unsigned number, other;
  const char *value = conf_value(judged->text, "boot", &number);
  char device[24];
  int length;

  if (!value || strncmp(value, "order=", 6) != 0)
    return;
  for (value += 6; sscanf(value, "%23[a-z0-9]%n", device, &length) == 1; value += *value == ';') {
    const struct vmf_lint_place place = vmf_lint_in(judged, number, "devices that it has");
    value += length;
    if (!conf_value(judged->text, device, &other))
      vmf_lint_tell(judged->linting, VMF_LINT_PVE_BOOT, &place,
                    "a start from %s, which is not there", device);
  }
}

/* Numbers of devices that qemu-server knows. */
static void check_limits(const struct vmf_machine_judged *judged)
{
  static const struct {
    const char *name;
    unsigned long most;
  } kinds[] = {{"ide", 3}, {"sata", 5}, {"scsi", 30}, {"virtio", 15}, {"net", 31}};
  unsigned number = 1;

  for (const char *line = judged->text; line && *line != '['; line = next_line(line), number++)
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
      size_t length = strlen(kinds[i].name);
      const struct vmf_lint_place place = vmf_lint_in(
          judged, number, "ide 0 to 3, sata 0 to 5, scsi 0 to 30, virtio 0 to 15, net 0 to 31");
      if (strncmp(line, kinds[i].name, length) != 0 || !isdigit((unsigned char)line[length]))
        continue;
      size_t digits = strspn(line + length, "0123456789");
      if (line[length + digits] == ':' && strtoul(line + length, NULL, 10) > kinds[i].most)
        vmf_lint_tell(judged->linting, VMF_LINT_PVE_LIMITS, &place, "the device %.*s",
                      (int)(length + (digits < 20 ? digits : 20)), line);
    }
}

/* "vzdump-qemu-100-2026_01_31-23_59_59.vma.zst" */
static bool is_backup_name(const char *name)
{
  static const char pattern[] = "-dddd_dd_dd-dd_dd_dd.vma";
  static const char *const ends[] = {"", ".zst", ".gz", ".lzo"};
  const char *c = name + 12;

  if (strncmp(name, "vzdump-qemu-", 12) != 0 || !isdigit((unsigned char)*c))
    return false;
  c += strspn(c, "0123456789");
  for (const char *p = pattern; *p; p++, c++)
    if (*p == 'd' ? !isdigit((unsigned char)*c) : *c != *p)
      return false;
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
    if (strcmp(c, ends[i]) == 0)
      return true;
  return false;
}

static void check_conf(const struct vmf_machine_judged *judged)
{
  const char *name = vmf_path_name(judged->path);
  unsigned number;

  check_boot(judged);
  check_limits(judged);
  if (vmf_machine_is_efi(judged->machine) && !conf_value(judged->text, "efidisk0", &number))
    tell(judged, VMF_LINT_PVE_EFI, judged->machine->firmware.line,
         "EFI firmware without a disk for its variables", "efidisk0");
  if (!vmf_text_ends_in(name, ".conf") && !is_backup_name(name))
    tell(judged, VMF_LINT_PVE_VMA, 0, name, "vzdump-qemu-ID-YYYY_MM_DD-HH_MM_SS.vma");
}

/* ---- XCP-ng ---- */

static void check_xapi(const struct vmf_machine_judged *judged)
{
  const char *found = strstr(judged->text, "xapi_minor</name>");
  const char *digits = found ? strpbrk(found, "0123456789") : NULL;

  if (digits && strtoul(digits, NULL, 10) > XAPI_MINOR)
    tell(judged, VMF_LINT_XEN_VERSION, 0, "a machine of a later XAPI than 1.20",
         "1.20 or earlier, for any host that is in use");
}

void vmf_lint_machine_text(const struct vmf_machine_judged *judged)
{
  static const struct {
    const char *format;
    void (*check)(const struct vmf_machine_judged *judged);
  } formats[] = {
      {"vmx", check_vmx}, {"vbox", check_vbox}, {"proxmox", check_conf}, {"xapi", check_xapi}};

  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
    if (strcmp(judged->format, formats[i].format) == 0)
      formats[i].check(judged);
}
