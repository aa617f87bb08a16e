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

/* ---- network cards: <Adapter slot="0" enabled="true" MACAddress="0800272AFB4E" type="82540EM"> */

/* The n-th that is enabled, from 1 on; NULL: there is none. */
static enum vmf_code find_adapter(struct vmf_ovf_editor *editor, const xmlNode *network,
                                  size_t number, const xmlNode **adapter)
{
  *adapter = NULL;
  for (const xmlNode *node = network ? vmf_reader_first(network) : NULL; node && !*adapter;
       node = vmf_reader_next(node)) {
    VMF_AUTO_FREE char *enabled = NULL;
    VMF_TRY(vmf_xml_attribute(node, NULL, "enabled", &enabled, editor->error));
    if (enabled && strcmp(enabled, "true") == 0 && --number == 0)
      *adapter = node;
  }
  return VMF_OK;
}

/* "08:00:27:2a:fb:4e" */
static enum vmf_code set_address(struct vmf_ovf_editor *editor, const xmlNode *adapter,
                                 const char *mac)
{
  char text[13];
  size_t length = 0;

  for (; *mac && length < sizeof text - 1; mac++)
    if (*mac != ':')
      text[length++] = (char)(*mac >= 'a' && *mac <= 'f' ? *mac - 0x20 : *mac);
  text[length] = '\0';
  return set(editor, adapter, "MACAddress", length > 0 ? text : NULL);
}

static const char *adapter_type(const char *model)
{
  static const struct {
    const char *model, *type;
  } rows[] = {{"e1000", "82540EM"}, {"pcnet32", "Am79C973"}, {"virtio", "virtio"}};

  for (size_t i = 0; model && i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i].model, model) == 0)
      return rows[i].type;
  return NULL;
}

/* VirtualBox has other networks than a package, and not all cards. */
static enum vmf_code edit_card(struct vmf_ovf_editor *editor, const xmlNode *hardware,
                               const struct vmf_nic_edit *nic)
{
  const char *type = adapter_type(nic->model);
  const xmlNode *adapter = NULL;

  if (nic->number > 0)
    VMF_TRY(find_adapter(editor, child(hardware, "Network"), nic->number, &adapter));
  if (!adapter || nic->network || (nic->model && !type))
    tell_left(editor, "network cards");
  if (!adapter)
    return VMF_OK;
  if (nic->remove)
    return set(editor, adapter, "enabled", "false");
  if (type)
    VMF_TRY(set(editor, adapter, "type", type));
  return nic->mac ? set_address(editor, adapter, nic->mac) : VMF_OK;
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
  for (size_t i = 0; i < edits->nic_count; i++)
    VMF_TRY(edit_card(editor, hardware, &edits->nics[i]));
  return VMF_OK;
}
