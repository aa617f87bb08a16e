/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A .vmx that is changed where it is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "machine_edits.h"
#include "memory.h"
#include "vmx_edit.h"

static enum vmf_code set_number(struct vmx_editor *editor, const char *key, uint64_t number,
                                struct vmf_error *error)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, number);
  return vmx_splice_set(&editor->splice, error, text, "%s", key);
}

static enum vmf_code edit_name(struct vmx_editor *editor, struct vmf_error *error)
{
  const char *name = editor->edits->name;
  char escaped[VMX_DISPLAY_NAME];

  if (!name)
    return VMF_OK;
  if (strlen(name) > VMX_NAME_BYTES)
    return vmf_fail(error, VMF_USAGE, "the name has %zu bytes; VMware takes %d at most",
                    strlen(name), VMX_NAME_BYTES);
  vmx_display_name(name, strlen(name), escaped);
  return vmx_splice_set(&editor->splice, error, escaped, "displayName");
}

/* ---- processors and memory ---- */

/* Cores a socket that the processors are no multiple of start no machine. */
static enum vmf_code edit_cpus(struct vmx_editor *editor, struct vmf_error *error)
{
  const struct vmx_text *text = &editor->splice.text;
  const struct vmx_setting *cores = vmx_find(text, "cpuid.coresPerSocket");
  unsigned cpus = editor->edits->cpus;
  uint64_t per_socket;

  if (cpus == 0)
    return VMF_OK;
  if (cpus > VMX_CPUS)
    return vmf_fail(error, VMF_USAGE, "%u processors: VMware has machines of 1 to %d", cpus,
                    VMX_CPUS);
  VMF_TRY(set_number(editor, "numvcpus", cpus, error));
  if (!cores || !vmx_digits(cores->value, VMF_MACHINE_CPUS, &per_socket) || per_socket == 0 ||
      cpus % per_socket == 0)
    return VMF_OK;
  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-cores", text->name, cores->line,
                 "%" PRIu64 " cores a socket do not go into %u processors, and are not said any "
                 "longer",
                 per_socket, cpus);
  vmx_splice_drop(&editor->splice, "cpuid.coresPerSocket");
  return VMF_OK;
}

/* ---- guest system and firmware ---- */

/* A SCSI controller that is not named is the one that VMware takes for the guest: it stays what it
 * is. */
static enum vmf_code keep_controllers(struct vmx_editor *editor, struct vmf_error *error)
{
  const struct vmf_machine *machine = editor->machine;

  for (size_t i = 0; i < machine->controller_count; i++) {
    const struct vmf_machine_controller *controller = &machine->controllers[i];
    unsigned index = (unsigned)controller->index.value;
    if (controller->bus.value == VMF_BUS_SCSI && controller->model.text &&
        !vmx_find(&editor->splice.text, "scsi%u.virtualDev", index))
      VMF_TRY(vmx_splice_set(&editor->splice, error, controller->model.text, "scsi%u.virtualDev",
                             index));
  }
  return VMF_OK;
}

static enum vmf_code edit_os(struct vmx_editor *editor, struct vmf_error *error)
{
  const struct vmf_guest_os *os = editor->edits->os ? vmf_guest_os_find(editor->edits->os) : NULL;
  bool arm = vmf_told_or(editor->machine->arch, VMF_ARCH_X86_64) == VMF_ARCH_AARCH64;
  char name[VMF_GUEST_OS_TEXT], guest[VMF_GUEST_OS_TEXT + 8];

  if (!os)
    return VMF_OK;
  vmf_guest_os_vmx(os, name);
  if (vmf_guest_os_by_vmx(name) != os)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: VMware has no name for the guest system \"%s\"; the nearest is \"%s\"",
                    editor->splice.text.name, os->name, name);
  snprintf(guest, sizeof guest, "%s%s", arm ? "arm-" : "", name);
  VMF_TRY(keep_controllers(editor, error));
  return vmx_splice_set(&editor->splice, error, guest, "guestOS");
}

/* Without the setting it is a BIOS, which has no secure boot. */
static enum vmf_code edit_firmware(struct vmx_editor *editor, struct vmf_error *error)
{
  const struct vmx_text *text = &editor->splice.text;
  const struct vmx_setting *secure = vmx_find(text, "uefi.secureBoot.enabled");
  const char *firmware = editor->edits->firmware;

  if (!firmware)
    return VMF_OK;
  bool efi = strcmp(firmware, "efi") == 0;
  if (efi || vmx_find(text, "firmware"))
    VMF_TRY(vmx_splice_set(&editor->splice, error, firmware, "firmware"));
  if (efi || !secure)
    return VMF_OK;
  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-secure-boot", text->name, secure->line,
                 "a BIOS has no secure boot: it is not said any longer");
  vmx_splice_drop(&editor->splice, "uefi.secureBoot.enabled");
  return VMF_OK;
}

/* ---- the rest ---- */

static enum vmf_code edit_annotation(struct vmx_editor *editor, struct vmf_error *error)
{
  const char *note = editor->edits->annotation;

  if (note && *note)
    return vmx_splice_set(&editor->splice, error, note, "annotation");
  if (note)
    vmx_splice_drop(&editor->splice, "annotation");
  return VMF_OK;
}

static void remove_drives(struct vmx_editor *editor)
{
  const struct vmf_machine *machine = editor->machine;
  char device[32];

  for (size_t i = 0; editor->edits->remove_cd && i < machine->disk_count; i++) {
    const struct vmf_machine_disk *drive = &machine->disks[i];
    const struct vmx_bus *bus = vmx_buses;
    while (bus->name && bus->bus != drive->bus.value)
      bus++;
    if (drive->medium.value != VMF_MEDIUM_CDROM || !bus->name)
      continue;
    snprintf(device, sizeof device, "%s%u:%u", bus->name, (unsigned)drive->controller.value,
             (unsigned)drive->unit.value);
    vmx_splice_drop_device(&editor->splice, device);
  }
}

/* A saved state fits the machine that it was saved of. */
static enum vmf_code check_state(const struct vmx_editor *editor, struct vmf_error *error)
{
  struct vmf_machine_edits hardware = *editor->edits;

  hardware.name = hardware.annotation = NULL;
  if (!editor->machine->suspended.told || vmf_machine_edits_fit(&hardware, 0, "", NULL) == VMF_OK)
    return VMF_OK;
  return vmf_fail(error, VMF_REFUSED,
                  "%s:%u: the machine is suspended, and goes on only as what it is; shut it down "
                  "in VMware first",
                  editor->splice.text.name, editor->machine->suspended.line);
}

static enum vmf_code edit_all(struct vmx_editor *editor, struct vmf_error *error)
{
  VMF_TRY(check_state(editor, error));
  VMF_TRY(edit_name(editor, error));
  VMF_TRY(edit_cpus(editor, error));
  if (editor->edits->memory > 0)
    VMF_TRY(set_number(editor, "memsize", editor->edits->memory >> 20, error));
  VMF_TRY(edit_os(editor, error));
  VMF_TRY(edit_firmware(editor, error));
  VMF_TRY(edit_annotation(editor, error));
  VMF_TRY(vmx_edit_cards(editor, error));
  remove_drives(editor);
  return VMF_OK;
}

enum vmf_code vmx_edit(const struct vmf_machine_source *source, const struct vmf_machine *machine,
                       const struct vmf_machine_edits *edits, struct vmf_report *report,
                       char **text, size_t *length, struct vmf_error *error)
{
  struct vmx_editor editor = {.machine = machine, .edits = edits, .report = report};

  VMF_TRY(vmf_machine_edits_fit(edits, VMX_EDITED, source->name, error));
  VMF_TRY(vmf_machine_edits_find(machine, edits, source->name, error));
  enum vmf_code code =
      vmx_splice_begin(&editor.splice, source->name, source->bytes, source->length, error);
  if (code == VMF_OK)
    code = edit_all(&editor, error);
  if (code == VMF_OK)
    code = vmx_splice_apply(&editor.splice, text, length, error);
  vmx_splice_clear(&editor.splice);
  return code;
}
