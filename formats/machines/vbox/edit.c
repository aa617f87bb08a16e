/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A .vbox that is changed where it is: splices of its XML. What is edited is the machine as it is
 * now; its snapshots keep what they have. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_os.h"
#include "machine_edits.h"
#include "memory.h"
#include "vbox_editor.h"
#include "vbox_hardware.h"

#define EDITED                                                                                     \
  (VMF_EDIT_NAME | VMF_EDIT_CPUS | VMF_EDIT_MEMORY | VMF_EDIT_NETWORKS | VMF_EDIT_NICS |           \
   VMF_EDIT_OS | VMF_EDIT_FIRMWARE | VMF_EDIT_ANNOTATION | VMF_EDIT_DRIVES)

enum { CPUS = 64, LEAST_MEBIBYTES = 4, MOST_MEBIBYTES = 2097152 };

static enum vmf_code refuse(const struct vmf_editing *editor, const xmlNode *element,
                            const char *why)
{
  return vmf_fail(editor->error, VMF_UNSUPPORTED, "%s:%u: %s", editor->name, vmf_xml_line(element),
                  why);
}

/* ---- texts ---- */

static enum vmf_code edit_note(struct vmf_editing *editor, const char *note)
{
  const xmlNode *there = vmf_vbox_child(editor->root, "Description");

  if (*note)
    return vmf_editing_leaf(editor, editor->root, "Description", note);
  return vmf_editing_remove(editor, there);
}

/* The name is that of a folder, too, and VirtualBox takes none that is a path. */
static enum vmf_code edit_texts(struct vmf_editing *editor)
{
  const char *name = editor->edits->name, *note = editor->edits->annotation;

  if (name && (strpbrk(name, "/\\") || name[0] == '.'))
    return vmf_fail(editor->error, VMF_USAGE,
                    "the name \"%.80s\": VirtualBox makes a folder of it, and takes no \"/\" or "
                    "\"\\\" in it, and no \".\" at its start",
                    name);
  if (name)
    VMF_TRY(vmf_editing_attribute(editor, editor->root, "name", name));
  return note ? edit_note(editor, note) : VMF_OK;
}

static enum vmf_code edit_os(struct vmf_editing *editor)
{
  const struct vmf_guest_os *os = editor->edits->os ? vmf_guest_os_find(editor->edits->os) : NULL;

  if (!os)
    return VMF_OK;
  if (!os->vbox)
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s: VirtualBox has no name for the guest system \"%s\"", editor->name,
                    os->name);
  return vmf_editing_attribute(editor, editor->root, "OSType", os->vbox);
}

/* ---- processors and memory ---- */

/* More than one processor needs it; newer settings say it in <Firmware>. */
static enum vmf_code switch_apic(struct vmf_editing *editor, const xmlNode *hardware)
{
  const xmlNode *bios = vmf_vbox_child(hardware, "BIOS");
  const xmlNode *parent = bios ? bios : vmf_vbox_child(hardware, "Firmware");
  const xmlNode *apic = vmf_vbox_child(parent, "IOAPIC");
  VMF_AUTO_FREE char *enabled = NULL;

  if (apic)
    VMF_TRY(vmf_xml_attribute(apic, NULL, "enabled", &enabled, editor->error));
  if (!apic || (enabled && (strcmp(enabled, "true") == 0 || strcmp(enabled, "1") == 0)))
    return VMF_OK;
  vmf_editing_tell(editor, "edit-apic", apic,
                   "several processors need the I/O APIC, which is on now: an old guest that was "
                   "installed without it may not start");
  return vmf_editing_attribute(editor, apic, "enabled", "true");
}

static enum vmf_code edit_cpus(struct vmf_editing *editor, const xmlNode *hardware)
{
  const xmlNode *platform = vmf_vbox_child(editor->root, "Platform");
  unsigned cpus = editor->edits->cpus;
  char text[16];

  if (cpus == 0 || vmf_told_or(editor->machine->vcpus, 1) == cpus)
    return VMF_OK;
  if (cpus > CPUS)
    return vmf_fail(editor->error, VMF_USAGE, "%s: VirtualBox has at most %d processors",
                    editor->name, CPUS);
  if (!platform)
    platform = vmf_vbox_child(hardware, "Platform");
  platform = platform ? platform : hardware;
  const xmlNode *tree = vmf_vbox_child(vmf_vbox_child(platform, "CPU"), "CpuTree");
  if (tree)
    return refuse(editor, tree,
                  "<CpuTree> says one by one which processors are plugged in: change it by hand, "
                  "or take it away");
  snprintf(text, sizeof text, "%u", cpus);
  VMF_TRY(vmf_editing_simple(editor, platform, "CPU", "count", text));
  return cpus > 1 ? switch_apic(editor, hardware) : VMF_OK;
}

static enum vmf_code edit_memory(struct vmf_editing *editor, const xmlNode *hardware)
{
  uint64_t memory = editor->edits->memory, mebibytes = memory >> 20;
  char text[24];

  if (memory == 0 || vmf_told_or(editor->machine->memory, 0) == memory)
    return VMF_OK;
  if (memory % (1 << 20) != 0 || mebibytes < LEAST_MEBIBYTES || mebibytes > MOST_MEBIBYTES)
    return vmf_fail(editor->error, VMF_USAGE,
                    "%s: VirtualBox has whole MiB of memory, from %d MiB to 2 TiB", editor->name,
                    LEAST_MEBIBYTES);
  snprintf(text, sizeof text, "%" PRIu64, mebibytes);
  return vmf_editing_simple(editor, hardware, "Memory", "RAMSize", text);
}

/* ---- firmware and drives ---- */

static enum vmf_code edit_firmware(struct vmf_editing *editor, const xmlNode *hardware)
{
  const char *firmware = editor->edits->firmware;
  bool efi = firmware && strcmp(firmware, "efi") == 0;
  uint64_t is = vmf_told_or(editor->machine->firmware, VMF_FIRMWARE_BIOS);

  if (!firmware || is == (efi ? VMF_FIRMWARE_EFI : VMF_FIRMWARE_BIOS))
    return VMF_OK;
  return vmf_editing_simple(editor, hardware, "Firmware", "type", efi ? "EFI" : "BIOS");
}

/* <AttachedDevice type="DVD"> of every controller; what was in it stays registered. */
static enum vmf_code remove_drives(struct vmf_editing *editor, const xmlNode *controllers)
{
  const xmlNode *controller = vmf_vbox_child(controllers, "StorageController");

  for (; controller; controller = vmf_vbox_next(controller))
    for (const xmlNode *drive = vmf_vbox_child(controller, "AttachedDevice"); drive;
         drive = vmf_vbox_next(drive)) {
      VMF_AUTO_FREE char *type = NULL;
      VMF_TRY(vmf_xml_attribute(drive, NULL, "type", &type, editor->error));
      if (type && strcmp(type, "DVD") == 0)
        VMF_TRY(vmf_editing_remove(editor, drive));
    }
  return VMF_OK;
}

static enum vmf_code edit_drives(struct vmf_editing *editor, const xmlNode *hardware)
{
  if (!editor->edits->remove_cd)
    return VMF_OK;
  VMF_TRY(remove_drives(editor, vmf_vbox_child(hardware, "StorageControllers")));
  return remove_drives(editor, vmf_vbox_child(editor->root, "StorageControllers"));
}

/* ---- all of it ---- */

/* What a machine that is saved while it runs wakes up with is what it was saved with. */
static enum vmf_code check_state(struct vmf_editing *editor)
{
  const struct vmf_machine_edits *edits = editor->edits;
  bool hardware = edits->cpus || edits->memory || (edits->networks && edits->networks[0]) ||
                  edits->nic_count > 0 || edits->os || edits->firmware || edits->remove_cd;

  if (!hardware)
    return VMF_OK;
  if (editor->machine->suspended.value)
    return refuse(editor, editor->root,
                  "the machine is saved while it runs (stateFile), and goes on with the hardware "
                  "that it has: only its name and annotation can be changed; start it and shut it "
                  "down, or VBoxManage discardstate");
  if (editor->machine->snapshot_count > 0)
    vmf_editing_tell(editor, "edit-snapshots", vmf_vbox_child(editor->root, "Snapshot"),
                     "the machine as it is now is changed: its snapshots keep what they have");
  return VMF_OK;
}

static enum vmf_code edit_all(struct vmf_editing *editor)
{
  const xmlNode *hardware = vmf_vbox_child(editor->root, "Hardware");
  unsigned major, minor;

  if (sscanf(editor->machine->hw_version.text, "%3u.%3u", &major, &minor) != 2)
    minor = 0; /* its reader has refused it */
  if (editor->xml->recoded)
    vmf_editing_tell(editor, "edit-encoding", NULL,
                     "was in another encoding than it said, or than UTF-8, and is in UTF-8 now");
  VMF_TRY(check_state(editor));
  VMF_TRY(edit_texts(editor));
  VMF_TRY(edit_os(editor));
  VMF_TRY(edit_cpus(editor, hardware));
  VMF_TRY(edit_memory(editor, hardware));
  VMF_TRY(edit_firmware(editor, hardware));
  VMF_TRY(vbox_edit_cards(editor, hardware, minor));
  return edit_drives(editor, hardware);
}

enum vmf_code vbox_edit(const struct vmf_machine_source *source, const struct vmf_machine *machine,
                        const struct vmf_machine_edits *edits, struct vmf_report *report,
                        char **text, size_t *length, struct vmf_error *error)
{
  struct vmf_editing editor = {
      .machine = machine, .edits = edits, .report = report, .error = error};

  if (machine->encrypted.value)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the machine is encrypted, and only VirtualBox can change it",
                    source->name);
  VMF_TRY(vmf_editing_begin(&editor, source, EDITED));
  editor.root = vmf_vbox_child(editor.root, "Machine");
  return vmf_editing_end(&editor, edit_all(&editor), text, length);
}
