/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <vbox:Machine>: VirtualBox reads it instead of the standard's hardware. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "editor.h"
#include "guest_os.h"
#include "memory.h"

static const xmlNode *child(const xmlNode *parent, const char *name)
{
  return parent ? vmf_xml_child(parent, NULL, name) : NULL;
}

static enum vmf_code set(struct vmf_ovf_editor *editor, const xmlNode *element, const char *name,
                         const char *value)
{
  return vmf_xml_edit_attribute(editor->edit, vmf_xml_index(element), NULL, name, value,
                                editor->error);
}

/* What could not be changed there says something else than the standard's elements now. */
static void tell_left(struct vmf_ovf_editor *editor, const char *what)
{
  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-vbox-stays", editor->ovf->name,
                 vmf_xml_line(editor->vbox),
                 "%s: VirtualBox's own description of the machine, which it reads instead, says "
                 "what it said before",
                 what);
}

static enum vmf_code set_number(struct vmf_ovf_editor *editor, const xmlNode *element,
                                const char *name, uint64_t number, const char *what)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, number);
  if (element)
    return set(editor, element, name, text);
  tell_left(editor, what);
  return VMF_OK;
}

static enum vmf_code edit_firmware(struct vmf_ovf_editor *editor, const xmlNode *hardware)
{
  const char *type = strcmp(editor->edits->firmware, "efi") == 0 ? "EFI" : "BIOS";
  const xmlNode *firmware = child(hardware, "Firmware");
  const xmlNode *memory = child(hardware, "Memory");
  VMF_AUTO_FREE char *name = NULL;

  if (firmware)
    return set(editor, firmware, "type", type);
  if (!memory || type[0] == 'B') { /* without the element it is a BIOS */
    if (!memory)
      tell_left(editor, "firmware");
    return VMF_OK;
  }
  struct vmf_markup markup = vmf_editor_markup(editor, memory);
  VMF_TRY(vmf_editor_name(editor, memory, "Firmware", &name));
  vmf_markup_start(&markup, name);
  vmf_markup_attribute(&markup, "type", "%s", type);
  vmf_markup_end(&markup);
  return vmf_editor_behind(editor, memory, &markup);
}

static enum vmf_code edit_note(struct vmf_ovf_editor *editor)
{
  const xmlNode *note = child(editor->vbox, "Description");
  const char *text = editor->edits->annotation;

  if (note)
    return *text ? vmf_xml_edit_text(editor->edit, vmf_xml_index(note), text, editor->error)
                 : vmf_editor_remove(editor, note);
  return VMF_OK;
}

/* <AttachedDevice type="DVD"> of every controller. */
static enum vmf_code remove_drives(struct vmf_ovf_editor *editor, const xmlNode *controllers)
{
  const xmlNode *controller = controllers ? vmf_reader_first(controllers) : NULL;

  for (; controller; controller = vmf_reader_next(controller))
    for (const xmlNode *node = vmf_reader_first(controller); node; node = vmf_reader_next(node)) {
      VMF_AUTO_FREE char *type = NULL;
      VMF_TRY(vmf_xml_attribute(node, NULL, "type", &type, editor->error));
      if (type && strcmp(type, "DVD") == 0)
        VMF_TRY(vmf_editor_remove(editor, node));
    }
  return VMF_OK;
}

static enum vmf_code edit_drives(struct vmf_ovf_editor *editor, const xmlNode *hardware)
{
  VMF_TRY(remove_drives(editor, child(hardware, "StorageControllers")));
  return remove_drives(editor, child(editor->vbox, "StorageControllers"));
}

enum vmf_code vmf_editor_vbox(struct vmf_ovf_editor *editor)
{
  const struct vmf_machine_edits *edits = editor->edits;
  const xmlNode *hardware = child(editor->vbox, "Hardware");
  const xmlNode *platform = child(hardware, "Platform");
  const xmlNode *cpu = child(hardware, "CPU") ? child(hardware, "CPU") : child(platform, "CPU");
  const struct vmf_guest_os *os = edits->os ? vmf_guest_os_find(edits->os) : NULL;

  if (!editor->vbox)
    return VMF_OK;
  if (edits->name)
    VMF_TRY(set(editor, editor->vbox, "name", edits->name));
  if (os && os->vbox)
    VMF_TRY(set(editor, editor->vbox, "OSType", os->vbox));
  if (edits->annotation)
    VMF_TRY(edit_note(editor));
  if (edits->cpus > 0)
    VMF_TRY(set_number(editor, cpu, "count", edits->cpus, "processors"));
  if (edits->memory > 0)
    VMF_TRY(
        set_number(editor, child(hardware, "Memory"), "RAMSize", edits->memory >> 20, "memory"));
  if (edits->firmware)
    VMF_TRY(edit_firmware(editor, hardware));
  if (edits->remove_cd)
    VMF_TRY(edit_drives(editor, hardware));
  if (edits->nic_count > 0)
    tell_left(editor, "network cards");
  return VMF_OK;
}
