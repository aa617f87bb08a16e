/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A machine as domain XML. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "writing.h"

static const char *const single[] = {
    "name",   "description", "uuid",    "genid", "memory", "currentMemory", "vcpu", "os",
    "cpu",    "clock",       "devices", "mac",   "serial", "wwn",           "boot", "target",
    "driver", "address",     "model",   "link",  "mtu",    "metadata",      NULL};
static const char *const left_behind[] = {"@id", "devices/emulator", "os/loader", "os/nvram", NULL};
static const struct vmf_keeping_rules rules = {
    .vendor = "libvirt", .root = "domain", .single = single, .left_behind = left_behind};

/* ---- the type of machine ---- */

/* QEMU's names of machines, which Proxmox has, too: "pc-q35-7.2". */
static bool is_machine_type(const char *text)
{
  static const char *const starts[] = {"pc", "q35", "virt", "pseries", "s390-ccw"};
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

  if (!text || strlen(text) > 60 || text[strspn(text, letters)])
    return false;
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (strncmp(text, starts[i], strlen(starts[i])) == 0)
      return true;
  return false;
}

static bool has_bus(const struct vmf_machine *machine, enum vmf_bus bus)
{
  for (size_t i = 0; i < machine->disk_count; i++)
    if (machine->disks[i].bus.value == bus)
      return true;
  return false;
}

/* Of a processor other than x86, its only one. */
static const char *other_type(uint64_t arch)
{
  if (arch == VMF_ARCH_PPC64)
    return "pseries";
  return arch == VMF_ARCH_S390X ? "s390-ccw-virtio" : "virt";
}

/* EFI machines, and those that have SATA disks and no IDE, are q35; "pc" has an IDE controller. */
static void choose_type(struct libvirt_writing *writing)
{
  const struct vmf_machine *machine = writing->machine;
  uint64_t arch = vmf_told_or(machine->arch, VMF_ARCH_X86_64);
  bool efi = machine->firmware.told && machine->firmware.value == VMF_FIRMWARE_EFI;
  bool secure = vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) != VMF_SECURE_BOOT_OFF;

  writing->x86 = arch == VMF_ARCH_X86_64 || arch == VMF_ARCH_I686;
  writing->q35 = efi || (has_bus(machine, VMF_BUS_SATA) && !has_bus(machine, VMF_BUS_IDE));
  if (is_machine_type(machine->hw_version.text)) {
    writing->q35 = strstr(machine->hw_version.text, "q35") != NULL;
    if (writing->keeping.native || !secure || writing->q35) {
      snprintf(writing->type, sizeof writing->type, "%s", machine->hw_version.text);
      return;
    }
    writing->q35 = true;
  }
  if (!writing->keeping.native)
    snprintf(writing->type, sizeof writing->type, "%s",
             !writing->x86  ? other_type(arch)
             : writing->q35 ? "q35"
                            : "pc");
}

/* ---- all ---- */

/* VMware and VirtualBox run their machines elsewhere; what is written is QEMU's. */
static const char *domain_type(const struct libvirt_writing *writing)
{
  static const char *const kept[] = {"kvm", "qemu", "hvf", "xen"};
  const char *type = vmf_keeping_value(&writing->keeping, "@type");

  for (size_t i = 0; type && i < sizeof kept / sizeof *kept; i++)
    if (strcmp(kept[i], type) == 0)
      return type;
  if (type)
    vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, "L-extra",
                     "what is written is a machine for QEMU", "extra.@type");
  return "kvm";
}

static void tell_secrets(const struct libvirt_writing *writing)
{
  for (size_t i = 0; i < writing->machine->extra_count; i++)
    if (writing->machine->extras[i].secret)
      vmf_machine_lose(writing->losses, VMF_LOSS_BEHAVIOUR, "L-secret-dropped",
                       "a password is not written to a new file: set it again", "extra.%s",
                       writing->machine->extras[i].key);
}

static enum vmf_code write_domain(struct libvirt_writing *writing, struct vmf_error *error)
{
  choose_type(writing);
  VMF_TRY(libvirt_place_disks(writing, error));
  vmf_keeping_start(&writing->keeping, "");
  vmf_keeping_fix(&writing->keeping, "", "type", "%s", domain_type(writing));
  vmf_keeping_enter(&writing->keeping, "");
  libvirt_write_system(writing);
  libvirt_write_devices(writing);
  vmf_keeping_leave(&writing->keeping, "");
  tell_secrets(writing);
  return VMF_OK;
}

static enum vmf_code check_memory(const struct libvirt_writing *writing, struct vmf_error *error)
{
  if (writing->machine->memory.told || writing->keeping.native)
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the source does not say how much memory the machine has, which libvirt must "
                  "know",
                  writing->target->name);
}

enum vmf_code libvirt_write(const struct vmf_machine *machine,
                            const struct vmf_machine_target *target,
                            const struct vmf_machine_losses *losses, char **text, size_t *length,
                            struct vmf_error *error)
{
  struct libvirt_writing writing = {.keeping = {.rules = &rules, .machine = machine},
                                    .machine = machine,
                                    .target = target,
                                    .losses = losses};

  enum vmf_code code = vmf_keeping_begin(&writing.keeping, error);
  if (code == VMF_OK)
    code = check_memory(&writing, error);
  if (code == VMF_OK)
    code = write_domain(&writing, error);
  if (code == VMF_OK) {
    *length = writing.keeping.markup.length;
    code = vmf_markup_take(&writing.keeping.markup, text, error);
  }
  vmf_keeping_clear(&writing.keeping);
  vmf_free(writing.places);
  return code;
}
