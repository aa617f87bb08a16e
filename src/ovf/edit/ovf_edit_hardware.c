/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Processors, memory, firmware, and the drives that go. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "editor.h"
#include "memory.h"
#include "text.h"

#define MIB (UINT64_C(1) << 20)

static const struct vmf_ovf_item *usual_item(const struct vmf_ovf_editor *editor, unsigned type)
{
  const struct vmf_ovf_system *system = editor->system;

  for (size_t i = 0; i < system->item_count; i++)
    if (system->items[i].type == type && vmf_ovf_is_usual(editor->ovf, &system->items[i]))
      return &system->items[i];
  return NULL;
}

static const xmlNode *node_of(const struct vmf_ovf_editor *editor, size_t element)
{
  return editor->ovf->xml->elements[element];
}

/* "2 virtual CPU(s)" tells the number, too. unit: what is said behind it; NULL: as before. */
static enum vmf_code renumber(struct vmf_ovf_editor *editor, const xmlNode *item, const char *name,
                              uint64_t from, uint64_t to, const char *unit)
{
  const xmlNode *field = vmf_xml_child(item, NULL, name);
  VMF_AUTO_FREE char *text = NULL, *changed = NULL;
  char old[24];

  if (!field)
    return VMF_OK;
  VMF_TRY(vmf_xml_text(field, &text, editor->error));
  size_t length = (size_t)snprintf(old, sizeof old, "%" PRIu64, from);
  if (strncmp(text, old, length) != 0 || !text[length] || strchr("0123456789.,", text[length]))
    return VMF_OK;
  VMF_TRY(vmf_format(&changed, editor->error, "%" PRIu64 "%s", to, unit ? unit : text + length));
  return vmf_editor_text(editor, field, changed);
}

/* Bytes that an item of memory counts in. */
static uint64_t unit_of(const struct vmf_ovf_item *item)
{
  uint64_t unit;

  return item->units && vmf_units_bytes(item->units, &unit) ? unit : MIB;
}

/* Of memory in bytes, whatever unit an item has. */
static uint64_t amount_of(const struct vmf_ovf_item *item)
{
  return item->type == VMF_RESOURCE_MEMORY ? vmf_ovf_memory_bytes(item) : item->quantity;
}

/* Limits that the descriptor has for the same: <Item ovf:bound="max">. unit: of the quantity. */
static void tell_bounds(struct vmf_ovf_editor *editor, unsigned type, uint64_t quantity,
                        uint64_t unit)
{
  const struct vmf_ovf_system *system = editor->system;

  for (size_t i = 0; i < system->item_count; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    if (item->type != type || !item->bound || !item->quantity_known)
      continue;
    if ((vmf_text_equal_nocase(item->bound, "min") && quantity * unit < amount_of(item)) ||
        (vmf_text_equal_nocase(item->bound, "max") && quantity * unit > amount_of(item)))
      vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-beyond-bound", editor->ovf->name,
                     item->line,
                     "%" PRIu64 " is beyond the %s that the descriptor allows, %" PRIu64, quantity,
                     item->bound, amount_of(item) / unit);
  }
}

static enum vmf_code set_quantity(struct vmf_ovf_editor *editor, const struct vmf_ovf_item *item,
                                  uint64_t quantity, uint64_t unit)
{
  static const char *const telling[] = {"Caption", "Description", "ElementName"};
  const xmlNode *node = node_of(editor, item->element);
  bool recounted = item->type == VMF_RESOURCE_MEMORY && unit != unit_of(item);
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, quantity);
  VMF_TRY(vmf_editor_field(editor, node, "VirtualQuantity", text));
  for (size_t i = 0; item->quantity_known && i < sizeof telling / sizeof telling[0]; i++)
    VMF_TRY(renumber(editor, node, telling[i], item->quantity, quantity,
                     recounted ? " MiB of memory" : NULL));
  tell_bounds(editor, item->type, quantity, unit);
  return VMF_OK;
}

static enum vmf_code needs_item(struct vmf_ovf_editor *editor, const struct vmf_ovf_item *item,
                                const char *what)
{
  if (item)
    return VMF_OK;
  return vmf_fail(editor->error, VMF_UNSUPPORTED,
                  "%s:%u: the machine \"%s\" has no item for its %s that could be edited",
                  editor->ovf->name, editor->system->line,
                  editor->system->id ? editor->system->id : "", what);
}

/* Cores a socket that the processors are no multiple of start no machine. */
static enum vmf_code edit_cpus(struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf_item *item = usual_item(editor, VMF_RESOURCE_CPU);
  unsigned cpus = editor->edits->cpus;

  if (cpus == 0)
    return VMF_OK;
  VMF_TRY(needs_item(editor, item, "processors"));
  VMF_TRY(set_quantity(editor, item, cpus, 1));
  const xmlNode *cores =
      vmf_xml_child(node_of(editor, item->element), VMF_NS_VMW, "CoresPerSocket");
  if (!cores || item->cores_per_socket == 0 || cpus % item->cores_per_socket == 0)
    return VMF_OK;
  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-cores", editor->ovf->name,
                 vmf_xml_line(cores),
                 "%" PRIu64 " cores a socket do not go into %u processors, and are not said any "
                 "longer",
                 item->cores_per_socket, cpus);
  return vmf_editor_remove(editor, cores);
}

/* Limit and Reservation are in the unit of the quantity. */
enum vmf_code vmf_editor_count_in_mebibytes(struct vmf_ovf_editor *editor,
                                            const struct vmf_ovf_item *item)
{
  static const char *const others[] = {"Limit", "Reservation"};
  const xmlNode *node = node_of(editor, item->element);
  uint64_t unit = unit_of(item), number;

  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    const xmlNode *field = vmf_xml_child(node, NULL, others[i]);
    VMF_AUTO_FREE char *text = NULL;
    char changed[24];
    if (field)
      VMF_TRY(vmf_xml_text(field, &text, editor->error));
    if (!text || !vmf_reader_number(text, &number) || !vmf_mul(number, unit, &number))
      continue;
    snprintf(changed, sizeof changed, "%" PRIu64, vmf_div_up(number, MIB));
    VMF_TRY(vmf_editor_text(editor, field, changed));
  }
  return vmf_editor_field(editor, node, "AllocationUnits", "byte * 2^20");
}

/* In the unit that is there, or in MiB, which all consumers understand. */
static enum vmf_code edit_memory(struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf_item *item = usual_item(editor, VMF_RESOURCE_MEMORY);
  uint64_t memory = editor->edits->memory, unit;

  if (memory == 0)
    return VMF_OK;
  VMF_TRY(needs_item(editor, item, "memory"));
  unit = unit_of(item);
  if (memory % unit == 0)
    return set_quantity(editor, item, memory / unit, unit);
  VMF_TRY(vmf_editor_count_in_mebibytes(editor, item));
  return set_quantity(editor, item, memory / MIB, MIB);
}

enum vmf_code vmf_editor_size(struct vmf_ovf_editor *editor)
{
  VMF_TRY(edit_cpus(editor));
  return edit_memory(editor);
}

/* ---- firmware ---- */

enum vmf_code vmf_editor_setting(struct vmf_ovf_editor *editor, const char *key,
                                 const xmlNode **found)
{
  *found = NULL;
  for (const xmlNode *node = vmf_reader_first(editor->hardware); node;
       node = vmf_reader_next(node)) {
    VMF_AUTO_FREE char *text = NULL;
    if (!vmf_xml_is(node, VMF_NS_VMW, "Config"))
      continue;
    VMF_TRY(vmf_xml_attribute(node, VMF_NS_VMW, "key", &text, editor->error));
    if (text && strcmp(text, key) == 0)
      *found = node;
  }
  return VMF_OK;
}

static enum vmf_code add_setting(struct vmf_ovf_editor *editor, const char *key, const char *value)
{
  const xmlNode *last = NULL;
  bool declare_vmw, declare_ovf;
  VMF_AUTO_FREE char *name = NULL;
  char attribute[80];

  for (const xmlNode *node = vmf_reader_first(editor->hardware); node; node = vmf_reader_next(node))
    last = node;
  if (!last)
    return needs_item(editor, NULL, "firmware");
  const char *vmw = vmf_editor_prefix(last, VMF_NS_VMW, "vmw", &declare_vmw);
  const char *ovf = vmf_editor_prefix(last, editor->ovf->uri, "ovf", &declare_ovf);
  struct vmf_markup markup = vmf_editor_markup(editor, last);
  VMF_TRY(vmf_format(&name, editor->error, "%s:Config", vmw));
  vmf_markup_start(&markup, name);
  if (declare_vmw)
    vmf_markup_attribute(&markup, "xmlns:vmw", "%s", VMF_NS_VMW);
  if (declare_ovf)
    vmf_markup_attribute(&markup, "xmlns:ovf", "%s", editor->ovf->uri);
  snprintf(attribute, sizeof attribute, "%.60s:required", ovf);
  vmf_markup_attribute(&markup, attribute, "false");
  snprintf(attribute, sizeof attribute, "%.60s:key", vmw);
  vmf_markup_attribute(&markup, attribute, "%s", key);
  snprintf(attribute, sizeof attribute, "%.60s:value", vmw);
  vmf_markup_attribute(&markup, attribute, "%s", value);
  vmf_markup_end(&markup);
  return vmf_editor_behind(editor, last, &markup);
}

/* A bios has no secure boot. VirtualBox's own description is edited apart. */
enum vmf_code vmf_editor_firmware(struct vmf_ovf_editor *editor)
{
  const char *firmware = editor->edits->firmware;
  const xmlNode *setting, *secure;

  if (!firmware)
    return VMF_OK;
  if (!editor->hardware)
    return needs_item(editor, NULL, "firmware");
  VMF_TRY(vmf_editor_setting(editor, "firmware", &setting));
  VMF_TRY(vmf_editor_setting(editor, "bootOptions.efiSecureBootEnabled", &secure));
  if (secure && strcmp(firmware, "bios") == 0) {
    VMF_TRY(vmf_editor_remove(editor, secure));
    vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-secure-boot", editor->ovf->name,
                   vmf_xml_line(secure), "a BIOS has no secure boot: it is not said any longer");
  }
  if (setting)
    return vmf_xml_edit_attribute(editor->edit, vmf_xml_index(setting), VMF_NS_VMW, "value",
                                  firmware, editor->error);
  return editor->vbox ? VMF_OK : add_setting(editor, "firmware", firmware);
}

/* ---- drives ---- */

/* Whether anything that stays names the file, or the disk, in it. */
static bool is_needed(const struct vmf_ovf_editor *editor, const char *id, bool is_file)
{
  const struct vmf_ovf *ovf = editor->ovf;

  for (size_t s = 0; s < ovf->system_count; s++)
    for (size_t i = 0; i < ovf->systems[s].item_count; i++) {
      const struct vmf_ovf_item *item = &ovf->systems[s].items[i];
      bool of_file;
      const char *named =
          item->host_resource ? vmf_ovf_host_resource(item->host_resource, &of_file) : NULL;
      bool gone = &ovf->systems[s] == editor->system && editor->removed[i];
      if (named && !gone && of_file == is_file && strcmp(named, id) == 0)
        return true;
    }
  for (size_t i = 0; is_file && i < ovf->disk_count; i++)
    if (ovf->disks[i].file_ref && strcmp(ovf->disks[i].file_ref, id) == 0)
      return true;
  return false;
}

static enum vmf_code remove_file(struct vmf_ovf_editor *editor, const char *id)
{
  const struct vmf_ovf *ovf = editor->ovf;
  const struct vmf_ovf_file *file = vmf_ovf_file(ovf, id);

  if (!file || is_needed(editor, id, true) || editor->edited->gone[file - ovf->files])
    return VMF_OK;
  editor->edited->gone[file - ovf->files] = true;
  return vmf_editor_remove(editor, node_of(editor, file->element));
}

/* What is in a drive goes with it: a File. One that is described as a Disk stays, and is told. */
static enum vmf_code remove_medium(struct vmf_ovf_editor *editor, const struct vmf_ovf_item *item)
{
  bool is_file;
  const char *id =
      item->host_resource ? vmf_ovf_host_resource(item->host_resource, &is_file) : NULL;

  if (!id)
    return VMF_OK;
  if (is_file)
    return remove_file(editor, id);
  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, "edit-medium-stays", editor->ovf->name,
                 item->line, "the medium \"%s\" of the drive that is removed stays in the package",
                 id);
  return VMF_OK;
}

enum vmf_code vmf_editor_drives(struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf_system *system = editor->system;

  for (size_t i = 0; editor->edits->remove_cd && i < system->item_count; i++) {
    const struct vmf_ovf_item *item = &system->items[i];
    editor->removed[i] = item->type == VMF_RESOURCE_CD || item->type == VMF_RESOURCE_DVD;
  }
  for (size_t i = 0; editor->edits->remove_cd && i < system->item_count; i++)
    if (editor->removed[i]) {
      VMF_TRY(vmf_editor_remove(editor, node_of(editor, system->items[i].element)));
      VMF_TRY(remove_medium(editor, &system->items[i]));
    }
  return VMF_OK;
}
