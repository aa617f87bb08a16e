/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The record of the machine itself: VM, with its maps. */
#include <stdlib.h>
#include <string.h>

#include "guest_os.h"
#include "guid.h"
#include "memory.h"
#include "text.h"
#include "xapi.h"

static const struct xapi_member vm_members[] = {
    /* read */
    {"name_label", NULL},
    {"name_description", NULL},
    {"uuid", NULL},
    {"memory_static_max", NULL},
    {"memory_dynamic_min", NULL},
    {"memory_dynamic_max", NULL},
    {"VCPUs_max", NULL},
    {"VCPUs_at_startup", NULL},
    {"platform", NULL},
    {"HVM_boot_params", NULL},
    {"reference_label", NULL},
    {"suspend_VDI", NULL},
    {"power_state", NULL},
    {"VBDs", NULL},
    {"VIFs", NULL},
    {"VTPMs", NULL},
    {"other_config", NULL},
    {"snapshots", NULL},
    {"is_a_template", NULL},
    {"is_a_snapshot", NULL},
    {"order", NULL},
    /* of the data base, or of the host that it was on */
    {"memory_static_min", NULL},
    {"memory_target", NULL},
    {"memory_overhead", NULL},
    {"allowed_operations", NULL},
    {"current_operations", NULL},
    {"metrics", NULL},
    {"guest_metrics", NULL},
    {"resident_on", NULL},
    {"scheduled_to_be_resident_on", NULL},
    {"affinity", NULL},
    {"domid", NULL},
    {"domarch", NULL},
    {"last_booted_record", NULL},
    {"last_boot_CPU_flags", NULL},
    {"crash_dumps", NULL},
    {"consoles", NULL},
    {"suspend_SR", NULL},
    {"snapshot_of", NULL},
    {"snapshot_time", NULL},
    {"snapshot_info", NULL},
    {"snapshot_metadata", NULL},
    {"transportable_snapshot_id", NULL},
    {"parent", NULL},
    {"children", NULL},
    {"is_control_domain", NULL},
    {"is_default_template", NULL},
    {"is_snapshot_from_vmpp", NULL},
    {"is_vmss_snapshot", NULL},
    {"recommendations", NULL},
    {"hardware_platform_version", NULL},
    {"has_vendor_device", NULL},
    {"requires_reboot", NULL},
    {"version", NULL},
    {"user_version", NULL},
    {"blobs", NULL},
    {"pending_guidances", NULL},
    {"pending_guidances_recommended", NULL},
    {"pending_guidances_full", NULL},
    {"recommended_guidances", NULL},
    /* kept */
    {"domain_type", "hvm"},
    {"HVM_boot_policy", "BIOS order"},
    {"HVM_shadow_multiplier", "1"},
    {"PCI_bus", ""},
    {"PV_args", ""},
    {"PV_bootloader", ""},
    {"PV_bootloader_args", ""},
    {"PV_kernel", ""},
    {"PV_legacy_args", ""},
    {"PV_ramdisk", ""},
    {"VCPUs_params", ""},
    {"VGPUs", ""},
    {"VUSBs", ""},
    {"actions_after_crash", "restart"},
    {"actions_after_reboot", "restart"},
    {"actions_after_shutdown", "destroy"},
    {"actions_after_softreboot", "soft_reboot"},
    {"appliance", ""},
    {"attached_PCIs", ""},
    {"bios_strings", ""},
    {"blocked_operations", ""},
    {"generation_id", ""},
    {"groups", ""},
    {"ha_always_run", "0"},
    {"ha_restart_priority", ""},
    {"NVRAM", ""},
    {"protection_policy", ""},
    {"shutdown_delay", "0"},
    {"snapshot_schedule", ""},
    {"start_delay", "0"},
    {"tags", ""},
    {"xenstore_data", ""},
    {NULL, NULL}};

static const struct xapi_member platform_members[] = {{"cores-per-socket", NULL},
                                                      {"secureboot", NULL},
                                                      {"vga", NULL},
                                                      {"videoram", NULL},
                                                      {"nested-virt", NULL},
                                                      {"exp-nested-hvm", NULL},
                                                      {"timeoffset", NULL},
                                                      {"vtpm", NULL},
                                                      {"acpi", "1"},
                                                      {"apic", "true"},
                                                      {"nx", "true"},
                                                      {"pae", "true"},
                                                      {"viridian", "true"},
                                                      {"hpet", "true"},
                                                      {"device-model", ""},
                                                      {"device_id", ""},
                                                      {"acpi_laptop_slate", ""},
                                                      {"usb", "true"},
                                                      {"usb_tablet", "true"},
                                                      {"viridian_time_ref_count", ""},
                                                      {"viridian_reference_tsc", ""},
                                                      {"viridian_apic_assist", ""},
                                                      {"viridian_crash_ctl", ""},
                                                      {"viridian_stimer", ""},
                                                      {"tsc_mode", ""},
                                                      {"parallel", ""},
                                                      {"hvm_serial", ""},
                                                      {"featureset", ""},
                                                      {"stdvga", "0"},
                                                      {"generation-id", ""},
                                                      {"vgpu_vga", ""},
                                                      {"vgpu_config", ""},
                                                      {NULL, NULL}};

static const struct xapi_member boot_members[] = {
    {"firmware", NULL}, {"order", NULL}, {NULL, NULL}};

static const struct xapi_member config_members[] = {{"auto_poweron", NULL},
                                                    {"base_template_name", ""},
                                                    {"install-methods", NULL},
                                                    {"mac_seed", ""},
                                                    {"install-repository", ""},
                                                    {"import_task", NULL},
                                                    {"vgpu_pci", ""},
                                                    {"conversionvm", NULL},
                                                    {"linux_template", NULL},
                                                    {"disks", NULL},
                                                    {"pci", ""},
                                                    {"last_shutdown_reason", NULL},
                                                    {"last_shutdown_action", NULL},
                                                    {"last_shutdown_initiator", NULL},
                                                    {"last_shutdown_time", NULL},
                                                    {NULL, NULL}};

/* ---- processors and memory ---- */

static enum vmf_code read_memory(struct xapi_reading *reading, const xmlNode *vm,
                                 struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;

  VMF_TRY(xapi_number(reading, vm, "memory_static_max", INT64_MAX, &machine->memory, error));
  VMF_TRY(xapi_number(reading, vm, "memory_dynamic_min", INT64_MAX, &machine->memory_least, error));
  VMF_TRY(xapi_number(reading, vm, "memory_dynamic_max", INT64_MAX, &machine->memory_most, error));
  if (machine->memory.value == machine->memory_least.value)
    machine->memory_least = (struct vmf_told_number){0};
  if (machine->memory.value == machine->memory_most.value)
    machine->memory_most = (struct vmf_told_number){0};
  return VMF_OK;
}

static enum vmf_code read_processors(struct xapi_reading *reading, const xmlNode *vm,
                                     const xmlNode *platform, struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_number cores = {0};

  VMF_TRY(xapi_number(reading, vm, "VCPUs_max", VMF_MACHINE_CPUS, &machine->vcpus, error));
  VMF_TRY(xapi_number(reading, vm, "VCPUs_at_startup", VMF_MACHINE_CPUS, &machine->vcpus_online,
                      error));
  if (machine->vcpus.told && machine->vcpus.value == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: VCPUs_max is 0, expected at least 1", reading->file,
                    machine->vcpus.line);
  if (machine->vcpus_online.value == machine->vcpus.value)
    machine->vcpus_online = (struct vmf_told_number){0};
  VMF_TRY(xapi_number(reading, platform, "cores-per-socket", VMF_MACHINE_CPUS, &cores, error));
  if (!cores.told || cores.value == 0)
    return VMF_OK;
  if (machine->vcpus.value % cores.value != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: cores-per-socket is %llu, which %llu processors (VCPUs_max) are no "
                    "multiple of",
                    reading->file, cores.line, (unsigned long long)cores.value,
                    (unsigned long long)machine->vcpus.value);
  machine->cores = cores;
  machine->sockets = vmf_told(machine->vcpus.value / cores.value, cores.line);
  return VMF_OK;
}

/* ---- platform ---- */

static enum vmf_code read_clock(struct xapi_reading *reading, const xmlNode *platform,
                                struct vmf_error *error)
{
  struct vmf_told_text offset = {0};
  char *end;

  VMF_TRY(xapi_text(reading, platform, "timeoffset", &offset, error));
  if (!offset.text)
    return VMF_OK;
  long long seconds = strtoll(offset.text, &end, 10);
  if (*end != '\0' || end == offset.text)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: timeoffset is \"%.40s\", expected seconds",
                    reading->file, offset.line, offset.text);
  if (seconds != 0)
    reading->machine->clock_offset = vmf_told((uint64_t)seconds, offset.line);
  return VMF_OK;
}

static enum vmf_code read_video(struct xapi_reading *reading, const xmlNode *platform,
                                struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text video = {0};

  VMF_TRY(xapi_text(reading, platform, "vga", &video, error));
  if (video.text && vmf_text_equal_nocase(video.text, "std"))
    video.text = "vga";
  if (video.text)
    VMF_TRY(vmf_machine_text(machine, video.text, video.line, &machine->video, error));
  VMF_TRY(xapi_number(reading, platform, "videoram", 1 << 20, &machine->video_memory, error));
  machine->video_memory.value <<= 20;
  return VMF_OK;
}

static enum vmf_code read_platform(struct xapi_reading *reading, const xmlNode *platform,
                                   struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text secure = {0};
  bool nested, older, tpm;

  VMF_TRY(read_clock(reading, platform, error));
  VMF_TRY(read_video(reading, platform, error));
  VMF_TRY(xapi_text(reading, platform, "secureboot", &secure, error));
  if (secure.text && vmf_text_equal_nocase(secure.text, "true"))
    machine->secure_boot = vmf_told(VMF_SECURE_BOOT_ON, secure.line);
  else if (secure.text && vmf_text_equal_nocase(secure.text, "false"))
    machine->secure_boot = vmf_told(VMF_SECURE_BOOT_OFF, secure.line);
  else if (secure.text && secure.text[0]) /* "auto": as the pool has it */
    VMF_TRY(vmf_machine_add_extra(machine, XAPI_NAME, XAPI_SECURE_BOOT, secure.text, secure.line,
                                  true, error));
  VMF_TRY(xapi_flag(platform, "nested-virt", &nested, error));
  VMF_TRY(xapi_flag(platform, "exp-nested-hvm", &older, error));
  VMF_TRY(xapi_flag(platform, "vtpm", &tpm, error));
  if (nested || older)
    machine->nested = vmf_told(1, vmf_xml_line(platform));
  if (tpm)
    machine->tpm = vmf_told(VMF_TPM_2_0, vmf_xml_line(platform));
  return xapi_keep(reading, platform, "VM.platform", platform_members, error);
}

/* ---- how it starts ---- */

static enum vmf_code read_order(struct xapi_reading *reading, const char *order, unsigned line,
                                struct vmf_error *error)
{
  static const struct {
    char letter;
    const char *class;
  } classes[] = {{'c', "disk"}, {'d', "cdrom"}, {'n', "network"}, {'a', "floppy"}};
  char text[64] = "";

  for (const char *at = order; *at && strlen(text) < sizeof text - sizeof ",network"; at++)
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
      if ((*at | 0x20) == classes[i].letter && !strstr(text, classes[i].class)) {
        strcat(text, text[0] ? "," : "");
        strcat(text, classes[i].class);
      }
  return text[0] ? vmf_machine_text(reading->machine, text, line, &reading->machine->boot, error)
                 : VMF_OK;
}

static enum vmf_code read_boot(struct xapi_reading *reading, const xmlNode *boot,
                               struct vmf_error *error)
{
  struct vmf_told_text firmware = {0}, order = {0};

  VMF_TRY(xapi_text(reading, boot, "firmware", &firmware, error));
  VMF_TRY(xapi_text(reading, boot, "order", &order, error));
  if (firmware.text && vmf_text_equal_nocase(firmware.text, "uefi"))
    reading->machine->firmware = vmf_told(VMF_FIRMWARE_EFI, firmware.line);
  else if (firmware.text && vmf_text_equal_nocase(firmware.text, "bios"))
    reading->machine->firmware = vmf_told(VMF_FIRMWARE_BIOS, firmware.line);
  else if (firmware.text)
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: firmware is \"%.40s\", expected bios or uefi",
                    reading->file, firmware.line, firmware.text);
  if (order.text)
    VMF_TRY(read_order(reading, order.text, order.line, error));
  return xapi_keep(reading, boot, "VM.HVM_boot_params", boot_members, error);
}

/* ---- who it is ---- */

static enum vmf_code read_identity(struct xapi_reading *reading, const xmlNode *vm,
                                   struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text uuid = {0}, label = {0};

  machine->arch = vmf_told(VMF_ARCH_X86_64, vmf_xml_line(vm)); /* of all hosts */
  VMF_TRY(xapi_text(reading, vm, "name_label", &machine->name, error));
  VMF_TRY(xapi_text(reading, vm, "name_description", &machine->description, error));
  VMF_TRY(xapi_text(reading, vm, "uuid", &uuid, error));
  if (uuid.text) {
    machine->uuid.line = uuid.line;
    machine->uuid.told = vmf_guid_parse(uuid.text, machine->uuid.bytes);
    if (!machine->uuid.told)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s:%u: uuid is \"%.60s\", expected 8-4-4-4-12 hexadecimal digits",
                      reading->file, uuid.line, uuid.text);
  }
  VMF_TRY(xapi_text(reading, vm, "reference_label", &label, error));
  return label.text ? vmf_machine_set_os(machine, vmf_guest_os_by_xapi(label.text), label.text,
                                         label.line, error)
                    : VMF_OK;
}

static enum vmf_code read_state(struct xapi_reading *reading, const xmlNode *vm,
                                const xmlNode *config, struct vmf_error *error)
{
  struct vmf_machine *machine = reading->machine;
  struct vmf_told_text state = {0}, memory = {0};
  xmlNode *tpms;
  bool starts;

  VMF_TRY(xapi_text(reading, vm, "power_state", &state, error));
  VMF_TRY(xapi_text(reading, vm, "suspend_VDI", &memory, error));
  if ((state.text && vmf_text_equal_nocase(state.text, "suspended")) ||
      xapi_object(reading, "VDI", memory.text))
    machine->suspended = vmf_told(1, state.text ? state.line : memory.line);
  VMF_TRY(vmf_rpc_member(vm, "VTPMs", &tpms, error));
  if (vmf_rpc_next_item(tpms, NULL))
    machine->tpm = vmf_told(VMF_TPM_2_0, vmf_xml_line(tpms));
  VMF_TRY(xapi_flag(config, "auto_poweron", &starts, error));
  if (starts)
    machine->autostart = vmf_told(1, vmf_xml_line(config));
  VMF_TRY(xapi_number(reading, vm, "order", INT32_MAX, &machine->start_order, error));
  if (machine->start_order.value == 0)
    machine->start_order = (struct vmf_told_number){0};
  return xapi_keep(reading, config, "VM.other_config", config_members, error);
}

enum vmf_code xapi_read_system(struct xapi_reading *reading, const struct xapi_object *object,
                               struct vmf_error *error)
{
  const xmlNode *vm = object->record;
  xmlNode *platform, *boot, *config;

  VMF_TRY(vmf_rpc_member(vm, "platform", &platform, error));
  VMF_TRY(vmf_rpc_member(vm, "HVM_boot_params", &boot, error));
  VMF_TRY(vmf_rpc_member(vm, "other_config", &config, error));
  VMF_TRY(read_identity(reading, vm, error));
  VMF_TRY(read_memory(reading, vm, error));
  VMF_TRY(read_processors(reading, vm, platform, error));
  VMF_TRY(read_platform(reading, platform, error));
  VMF_TRY(read_boot(reading, boot, error));
  VMF_TRY(read_state(reading, vm, config, error));
  return xapi_keep(reading, vm, "VM", vm_members, error);
}
