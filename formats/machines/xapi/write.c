/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The neutral machine as ova.xml. The members of a record are those of xapi 1.20 (XCP-ng 8.2),
 * which imports on its own version and all later ones. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "guest_os.h"
#include "guid.h"
#include "memory.h"
#include "xapi_write.h"

/* ---- processors, platform, boot ---- */

static bool is_windows(const struct vmf_machine *machine)
{
  return vmf_machine_family(machine) == VMF_OS_WINDOWS;
}

static bool is_efi(const struct vmf_machine *machine)
{
  return vmf_told_or(machine->firmware, VMF_FIRMWARE_BIOS) == VMF_FIRMWARE_EFI;
}

/* All hosts have processors of one kind. */
static void tell_arch(struct xapi_writer *writer)
{
  struct vmf_told_number arch = writer->machine->arch;

  if (arch.told && arch.value == VMF_ARCH_I686)
    xapi_lose(writer, COSMETIC, NULL, "a processor of 64 bits runs it, too", "arch");
  else if (arch.told && arch.value != VMF_ARCH_X86_64)
    xapi_lose(writer, BOOT, NULL, "XenServer runs x86_64 only", "arch");
}

static uint64_t cpus_of(const struct vmf_machine *machine)
{
  return vmf_told_or(machine->vcpus, 1);
}

/* xapi refuses a number of processors that is no multiple of it. */
static void put_cores(struct xapi_writer *writer)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t threads = vmf_told_or(machine->threads, 1), dies = vmf_told_or(machine->dies, 1);
  uint64_t cores = vmf_told_or(machine->cores, 0), all;

  if (cores == 0 || threads == 0 || dies == 0)
    return;
  if (!vmf_mul(cores, threads, &all) || !vmf_mul(all, dies, &all) || cpus_of(machine) % all != 0) {
    xapi_lose(writer, BEHAVIOUR, "L-topology", "Xen has whole sockets only", "cores");
    return;
  }
  rpc_number(&writer->text, "cores-per-socket", all);
}

static const char *video_of(const struct vmf_machine *machine)
{
  return machine->video.text && strcmp(machine->video.text, "cirrus") == 0 ? "cirrus" : "std";
}

static void put_kept(struct xapi_writer *writer, const char *prefix, const char *const *written)
{
  const struct vmf_machine *machine = writer->machine;
  size_t length = strlen(prefix);

  for (size_t i = 0; i < machine->extra_count; i++) {
    const struct vmf_machine_extra *extra = &machine->extras[i];
    bool again = strcmp(extra->vendor, XAPI_NAME) == 0 && !strchr(extra->value, '<') &&
                 strncmp(extra->key, prefix, length) == 0;
    for (const char *const *name = written; again && *name; name++)
      again = strcmp(extra->key + length, *name) != 0;
    if (again)
      rpc_text(&writer->text, extra->key + length, extra->value);
  }
}

static void put_platform(struct xapi_writer *writer)
{
  static const char *const written[] = {"acpi",     "apic", "nx",           "pae",
                                        "viridian", "hpet", "device-model", NULL};
  const struct vmf_machine *machine = writer->machine;
  const char *kept_viridian = vmf_machine_extra(machine, XAPI_NAME, "VM.platform.viridian");
  struct vmf_markup *text = &writer->text;
  char offset[24];

  rpc_struct(text, "platform");
  rpc_text(text, "acpi", "1");
  rpc_text(text, "apic", "true");
  rpc_text(text, "nx", "true");
  rpc_text(text, "pae", "true");
  rpc_text(text, "hpet", "true");
  rpc_text(text, "viridian",
           kept_viridian         ? kept_viridian
           : is_windows(machine) ? "true"
                                 : "false");
  rpc_text(text, "device-model", is_efi(machine) ? "qemu-upstream-uefi" : "qemu-upstream-compat");
  rpc_text(text, "vga", video_of(machine));
  if (xapi_within(writer, machine->video_memory, 0, UINT64_C(1) << 40, "video-memory") > 0)
    rpc_number(text, "videoram", machine->video_memory.value >> 20);
  if (is_efi(machine) && !vmf_machine_extra(machine, XAPI_NAME, XAPI_SECURE_BOOT))
    rpc_text(text, "secureboot",
             vmf_told_or(machine->secure_boot, VMF_SECURE_BOOT_OFF) ? "true" : "false");
  if (vmf_told_or(machine->nested, 0))
    rpc_text(text, "nested-virt", "true");
  if (vmf_told_or(machine->tpm, VMF_TPM_NONE) == VMF_TPM_2_0) {
    rpc_text(text, "vtpm", "true");
    xapi_lose(writer, BEHAVIOUR, "L-tpm-state",
              "the chip is a new one: keys that the old one sealed are lost", "tpm");
  }
  snprintf(offset, sizeof offset, "%" PRId64, (int64_t)vmf_told_or(machine->clock_offset, 0));
  rpc_text(text, "timeoffset", offset);
  put_cores(writer);
  put_kept(writer, "VM.platform.", written);
  rpc_struct_end(text, "platform");
}

static void put_boot(struct xapi_writer *writer)
{
  static const struct {
    const char *class;
    char letter;
  } classes[] = {{"disk", 'c'}, {"cdrom", 'd'}, {"network", 'n'}, {"floppy", 'a'}};
  const char *order =
      writer->machine->boot.text ? writer->machine->boot.text : "cdrom,disk,network";
  char letters[8] = "";

  for (const char *at = order; *at; at += strcspn(at, ","), at += *at == ',')
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
      size_t length = strlen(classes[i].class);
      if (strncmp(at, classes[i].class, length) == 0 && strcspn(at, ",") == length &&
          !strchr(letters, classes[i].letter))
        letters[strlen(letters)] = classes[i].letter;
    }
  rpc_text(&writer->text, "HVM_boot_policy", "BIOS order");
  rpc_struct(&writer->text, "HVM_boot_params");
  rpc_text(&writer->text, "firmware", is_efi(writer->machine) ? "uefi" : "bios");
  rpc_text(&writer->text, "order", letters[0] ? letters : "cd");
  rpc_struct_end(&writer->text, "HVM_boot_params");
}

/* ---- the machine ---- */

static void put_memory(struct xapi_writer *writer)
{
  const struct vmf_machine *machine = writer->machine;
  uint64_t memory = xapi_within(writer, machine->memory, UINT64_C(1) << 30, INT64_MAX, "memory");
  uint64_t least = vmf_told_or(machine->memory_least, memory);
  uint64_t most = vmf_told_or(machine->memory_most, memory);

  /* static least <= dynamic least <= dynamic most <= static most */
  most = most > memory ? memory : most;
  least = least > most ? most : least;
  rpc_number(&writer->text, "memory_static_max", memory);
  rpc_number(&writer->text, "memory_static_min", least);
  rpc_number(&writer->text, "memory_dynamic_max", most);
  rpc_number(&writer->text, "memory_dynamic_min", least);
  rpc_number(&writer->text, "memory_target", 0);
  rpc_number(&writer->text, "memory_overhead", 0);
}

static void put_list(struct xapi_writer *writer, const char *name, uint64_t first, size_t count,
                     const unsigned *seats)
{
  rpc_array(&writer->text, name);
  for (size_t i = 0; i < count; i++)
    if (!seats || seats[i] != XAPI_LEFT_OUT)
      rpc_ref(&writer->text, NULL, first + i);
  rpc_array_end(&writer->text, name);
}

/* Members that say nothing here, and that xapi expects. */
static void put_usual(struct xapi_writer *writer)
{
  static const char *const texts[][2] = {{"PV_args", ""},
                                         {"PV_bootloader", ""},
                                         {"PV_bootloader_args", ""},
                                         {"PV_kernel", ""},
                                         {"PV_legacy_args", ""},
                                         {"PV_ramdisk", ""},
                                         {"PCI_bus", ""},
                                         {"HVM_shadow_multiplier", "1"},
                                         {"actions_after_crash", "restart"},
                                         {"actions_after_reboot", "restart"},
                                         {"actions_after_shutdown", "destroy"},
                                         {"affinity", "OpaqueRef:NULL"},
                                         {"appliance", "OpaqueRef:NULL"},
                                         {"domain_type", "hvm"},
                                         {"domarch", ""},
                                         {"domid", "-1"},
                                         {"generation_id", ""},
                                         {"guest_metrics", "OpaqueRef:NULL"},
                                         {"ha_restart_priority", ""},
                                         {"hardware_platform_version", "0"},
                                         {"last_booted_record", ""},
                                         {"metrics", "OpaqueRef:NULL"},
                                         {"parent", "OpaqueRef:NULL"},
                                         {"power_state", "Halted"},
                                         {"protection_policy", "OpaqueRef:NULL"},
                                         {"recommendations", ""},
                                         {"resident_on", "OpaqueRef:NULL"},
                                         {"shutdown_delay", "0"},
                                         {"snapshot_metadata", ""},
                                         {"snapshot_of", "OpaqueRef:NULL"},
                                         {"start_delay", "0"},
                                         {"suspend_SR", "OpaqueRef:NULL"},
                                         {"suspend_VDI", "OpaqueRef:NULL"},
                                         {"transportable_snapshot_id", ""},
                                         {"user_version", "1"},
                                         {"version", "0"}};
  static const char *const flags[] = {
      "ha_always_run",         "has_vendor_device", "is_a_snapshot",
      "is_a_template",         "is_control_domain", "is_default_template",
      "is_snapshot_from_vmpp", "is_vmss_snapshot",  "requires_reboot"};
  static const char *const arrays[] = {
      "VGPUs",    "VUSBs",    "VTPMs",       "allowed_operations", "attached_PCIs",
      "children", "consoles", "crash_dumps", "snapshots",          "tags"};
  static const char *const maps[] = {"NVRAM",
                                     "VCPUs_params",
                                     "bios_strings",
                                     "blobs",
                                     "blocked_operations",
                                     "current_operations",
                                     "last_boot_CPU_flags",
                                     "snapshot_info",
                                     "xenstore_data"};

  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    rpc_text(&writer->text, texts[i][0], texts[i][1]);
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    rpc_flag(&writer->text, flags[i], false);
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    rpc_empty_array(&writer->text, arrays[i]);
  for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
    rpc_empty_struct(&writer->text, maps[i]);
  rpc_text(&writer->text, "snapshot_time", "19700101T00:00:00Z");
}

static void put_config(struct xapi_writer *writer)
{
  static const char *const written[] = {"mac_seed", NULL};

  rpc_struct(&writer->text, "other_config");
  rpc_text(&writer->text, "install-methods", "cdrom");
  if (vmf_told_or(writer->machine->autostart, 0))
    rpc_text(&writer->text, "auto_poweron", "true");
  put_kept(writer, "VM.other_config.", written);
  rpc_struct_end(&writer->text, "other_config");
}

static void put_machine(struct xapi_writer *writer)
{
  const struct vmf_machine *machine = writer->machine;
  const struct vmf_guest_os *os = vmf_machine_os(machine);
  uint64_t online = vmf_told_or(machine->vcpus_online, 0);
  bool known = machine->uuid.told && !writer->target->copy;
  struct vmf_markup *text = &writer->text;
  char uuid[VMF_GUID_TEXT] = "";

  if (known)
    vmf_guid_text(machine->uuid.bytes, uuid);
  tell_arch(writer);
  xapi_object_begin(writer, "VM", XAPI_MACHINE);
  rpc_text(text, "uuid", uuid);
  rpc_text(text, "name_label", machine->name.text ? machine->name.text : "vm");
  rpc_text(text, "name_description", machine->description.text);
  rpc_text(text, "reference_label", os ? vmf_guest_os_xapi(os) : "other-install-media");
  put_memory(writer);
  rpc_number(text, "VCPUs_max", cpus_of(machine));
  rpc_number(text, "VCPUs_at_startup",
             online > 0 && online < cpus_of(machine) ? online : cpus_of(machine));
  rpc_number(text, "order", xapi_within(writer, machine->start_order, 0, INT32_MAX, "start-order"));
  put_platform(writer);
  put_boot(writer);
  put_config(writer);
  put_list(writer, "VBDs", XAPI_DRIVE, machine->disk_count, writer->seats);
  put_list(writer, "VIFs", XAPI_CARD, machine->nic_count, NULL);
  put_usual(writer);
  xapi_object_end(writer);
}

/* ---- all of it ---- */

void xapi_object_begin(struct xapi_writer *writer, const char *class, uint64_t id)
{
  rpc_struct(&writer->text, NULL);
  rpc_text(&writer->text, "class", class);
  rpc_ref(&writer->text, "id", id);
  rpc_struct(&writer->text, "snapshot");
}

void xapi_object_end(struct xapi_writer *writer)
{
  rpc_struct_end(&writer->text, "snapshot");
  rpc_struct_end(&writer->text, NULL);
}

static void put_version(struct xapi_writer *writer)
{
  static const char *const members[][2] = {
      {"hostname", "localhost"},   {"date", "1970-01-01"},      {"product_version", "8.2.1"},
      {"product_brand", "XCP-ng"}, {"build_number", "vmferry"}, {"xapi_major", "1"},
      {"xapi_minor", "20"},        {"export_vsn", "2"}};

  rpc_struct(&writer->text, "version");
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
    rpc_text(&writer->text, members[i][0], members[i][1]);
  rpc_struct_end(&writer->text, "version");
}

enum vmf_code xapi_write(const struct vmf_machine *machine, const struct vmf_machine_target *target,
                         const struct vmf_machine_losses *losses, char **text, size_t *length,
                         struct vmf_error *error)
{
  struct xapi_writer writer = {.machine = machine, .target = target, .losses = losses};
  VMF_AUTO_FREE void *seats = NULL;

  VMF_TRY(vmf_alloc(machine->disk_count * sizeof *writer.seats, &seats, error));
  writer.seats = seats;
  VMF_TRY(xapi_seat_drives(&writer, error));
  rpc_struct(&writer.text, NULL);
  put_version(&writer);
  rpc_array(&writer.text, "objects");
  put_machine(&writer);
  xapi_write_drives(&writer);
  xapi_write_cards(&writer);
  rpc_array_end(&writer.text, "objects");
  rpc_struct_end(&writer.text, NULL);
  return rpc_take(&writer.text, text, length, error);
}

/* The same number of digits for all: their order as text is that of the machine. */
enum vmf_code xapi_disk_name(const struct vmf_machine *machine, size_t disk, char **name,
                             struct vmf_error *error)
{
  (void)machine;
  return vmf_format(name, error, "Ref:%zu", (size_t)XAPI_DISK + disk);
}
