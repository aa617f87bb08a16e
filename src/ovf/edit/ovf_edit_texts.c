/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The name, the guest system, notes, licences and properties. */
#include <stdio.h>
#include <string.h>

#include "editor.h"
#include "guest_os.h"
#include "memory.h"
#include "property.h"

/* ---- the name ---- */

/* <StartupSection><Item ovf:id="..."/> and whatever else refers to it. */
static enum vmf_code rename_items(struct vmf_ovf_editor *editor, const xmlNode *section,
                                  const char *from, const char *to)
{
  struct vmf_ovf_reader reader = {.error = editor->error};

  for (const xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
    VMF_AUTO_FREE char *id = NULL;
    if (!vmf_reader_is(node, "Item"))
      continue;
    VMF_TRY(vmf_reader_attribute(&reader, node, "id", &id));
    if (id && strcmp(id, from) == 0)
      VMF_TRY(vmf_editor_attribute(editor, node, "id", to));
  }
  return VMF_OK;
}

/* The id is what VirtualBox and VMware take for the name where there is none; it is one of those of
 * all systems. */
static enum vmf_code rename_id(struct vmf_ovf_editor *editor, const char *to)
{
  const struct vmf_ovf *ovf = editor->ovf;
  const struct vmf_ovf_system *system = editor->system;
  const struct vmf_ovf_system *around = &ovf->systems[system->parent];

  for (size_t i = 0; i < ovf->system_count; i++)
    if (&ovf->systems[i] != system && ovf->systems[i].id && strcmp(ovf->systems[i].id, to) == 0)
      return vmf_fail(editor->error, VMF_USAGE, "%s: another machine has the id \"%s\" already",
                      ovf->name, to);
  VMF_TRY(vmf_editor_attribute(editor, editor->content, "id", to));
  if (around == system)
    return VMF_OK;
  const xmlNode *content = ovf->xml->elements[around->element];
  for (const xmlNode *node = vmf_reader_first(content); node; node = vmf_reader_next(node)) {
    size_t length;
    bool own;
    const char *kind = vmf_reader_kind(node, &length, &own);
    if (own && length == 14 && memcmp(kind, "StartupSection", 14) == 0)
      VMF_TRY(rename_items(editor, node, system->id, to));
  }
  return VMF_OK;
}

static enum vmf_code add_behind_info(struct vmf_ovf_editor *editor, const xmlNode *parent,
                                     const char *name, const char *text)
{
  const xmlNode *info = vmf_xml_child(parent, NULL, "Info");
  VMF_AUTO_FREE char *element = NULL;

  if (!info)
    return VMF_OK;
  struct vmf_markup markup = vmf_editor_markup(editor, info);
  VMF_TRY(vmf_editor_name(editor, info, name, &element));
  vmf_markup_leaf(&markup, element, "%s", text);
  return vmf_editor_behind(editor, info, &markup);
}

enum vmf_code vmf_editor_names(struct vmf_ovf_editor *editor)
{
  const struct vmf_ovf_system *system = editor->system;
  const char *name = editor->edits->name;
  const char *old = system->name && *system->name ? system->name : system->identifier;

  if (!name)
    return VMF_OK;
  const xmlNode *element = vmf_xml_child(editor->content, NULL, "Name");
  const xmlNode *settings =
      editor->hardware ? vmf_xml_child(editor->hardware, NULL, "System") : NULL;
  const xmlNode *identifier =
      settings ? vmf_xml_child(settings, NULL, "VirtualSystemIdentifier") : NULL;
  VMF_TRY(element ? vmf_editor_text(editor, element, name)
                  : add_behind_info(editor, editor->content, "Name", name));
  if (identifier)
    VMF_TRY(vmf_editor_text(editor, identifier, name));
  if (system->id && (!old || strcmp(system->id, old) == 0) && strcmp(system->id, name) != 0)
    return rename_id(editor, name);
  return VMF_OK;
}

/* ---- the guest system ---- */

static enum vmf_code fill_os(struct vmf_ovf_editor *editor, const xmlNode *section,
                             const struct vmf_guest_os *os)
{
  const xmlNode *description = vmf_xml_child(section, NULL, "Description");
  const xmlNode *type = vmf_xml_child(section, VMF_NS_VBOX, "OSType");
  size_t element = vmf_xml_index(section);
  char number[16];

  snprintf(number, sizeof number, "%u", os->cim);
  VMF_TRY(vmf_editor_attribute(editor, section, "id", number));
  VMF_TRY(vmf_editor_attribute(editor, section, "version", NULL));
  if (!os->vmware || vmf_xml_prefix(section, VMF_NS_VMW))
    VMF_TRY(vmf_xml_edit_attribute(editor->edit, element, VMF_NS_VMW, "osType", os->vmware,
                                   editor->error));
  VMF_TRY(description ? vmf_editor_text(editor, description, os->name)
                      : add_behind_info(editor, section, "Description", os->name));
  if (type)
    return os->vbox ? vmf_editor_text(editor, type, os->vbox) : vmf_editor_remove(editor, type);
  return VMF_OK;
}

/* Where the descriptor says nothing of it. */
static enum vmf_code add_os(struct vmf_ovf_editor *editor, const struct vmf_guest_os *os)
{
  static const char kind[] = "OperatingSystemSection";
  const char *vmw = os->vmware ? vmf_xml_prefix(editor->content, VMF_NS_VMW) : NULL;
  VMF_AUTO_FREE char *section = NULL, *info = NULL, *description = NULL;
  struct vmf_markup markup;
  const xmlNode *behind;
  char attribute[80];
  bool declare;

  VMF_TRY(vmf_editor_name(editor, editor->content, kind, &section));
  VMF_TRY(vmf_editor_name(editor, editor->content, "Info", &info));
  VMF_TRY(vmf_editor_name(editor, editor->content, "Description", &description));
  VMF_TRY(vmf_editor_section_begin(editor, kind, &markup, &behind));
  const char *ovf = vmf_editor_prefix(editor->content, editor->ovf->uri, "ovf", &declare);
  if (declare)
    vmf_markup_attribute(&markup, "xmlns:ovf", "%s", editor->ovf->uri);
  snprintf(attribute, sizeof attribute, "%.60s:id", ovf);
  vmf_markup_attribute(&markup, attribute, "%u", os->cim);
  snprintf(attribute, sizeof attribute, "%.60s:osType", vmw ? vmw : "");
  if (vmw)
    vmf_markup_attribute(&markup, attribute, "%s", os->vmware);
  vmf_markup_enter(&markup);
  vmf_markup_leaf(&markup, info, "The guest operating system");
  vmf_markup_leaf(&markup, description, "%s", os->name);
  vmf_markup_leave(&markup, section);
  return vmf_editor_behind(editor, behind, &markup);
}

static enum vmf_code edit_os(struct vmf_ovf_editor *editor)
{
  const struct vmf_guest_os *os = editor->edits->os ? vmf_guest_os_find(editor->edits->os) : NULL;
  const xmlNode *section = vmf_editor_section(editor, "OperatingSystemSection");

  if (!os)
    return VMF_OK;
  return section ? fill_os(editor, section, os) : add_os(editor, os);
}

/* ---- notes and licences ---- */

/* <KindSection><Info>...</Info><Name>...</Name></KindSection> */
static enum vmf_code add_text_section(struct vmf_ovf_editor *editor, const char *kind,
                                      const char *info, const char *name, const char *text)
{
  struct vmf_markup markup;
  const xmlNode *behind;
  VMF_AUTO_FREE char *section = NULL, *first = NULL, *second = NULL;

  VMF_TRY(vmf_editor_name(editor, editor->content, kind, &section));
  VMF_TRY(vmf_editor_name(editor, editor->content, "Info", &first));
  VMF_TRY(vmf_editor_name(editor, editor->content, name, &second));
  VMF_TRY(vmf_editor_section_begin(editor, kind, &markup, &behind));
  vmf_markup_enter(&markup);
  vmf_markup_leaf(&markup, first, "%s", info);
  vmf_markup_leaf(&markup, second, "%s", text);
  vmf_markup_leave(&markup, section);
  return vmf_editor_behind(editor, behind, &markup);
}

static enum vmf_code edit_annotation(struct vmf_ovf_editor *editor)
{
  const char *note = editor->edits->annotation;
  const xmlNode *section = vmf_editor_section(editor, "AnnotationSection");
  const xmlNode *text = section ? vmf_xml_child(section, NULL, "Annotation") : NULL;

  if (!note)
    return VMF_OK;
  if (!*note)
    return section ? vmf_editor_remove(editor, section) : VMF_OK;
  if (text)
    return vmf_editor_text(editor, text, note);
  return add_text_section(editor, "AnnotationSection", "A note on the virtual machine",
                          "Annotation", note);
}

enum vmf_code vmf_editor_texts(struct vmf_ovf_editor *editor)
{
  VMF_TRY(edit_os(editor));
  VMF_TRY(edit_annotation(editor));
  for (size_t i = 0; i < editor->edits->eula_count; i++)
    VMF_TRY(add_text_section(editor, "EulaSection", "An end-user licence agreement", "License",
                             editor->edits->eulas[i]));
  return VMF_OK;
}

/* ---- properties ---- */

/* <Value ovf:configuration="..."/>: the value in the deployment option that is usual. */
static enum vmf_code set_usual_value(struct vmf_ovf_editor *editor, const xmlNode *element,
                                     const char *value)
{
  struct vmf_ovf_reader reader = {.error = editor->error};
  const char *usual = vmf_ovf_usual(editor->ovf);

  for (const xmlNode *node = vmf_reader_first(element); node; node = vmf_reader_next(node)) {
    VMF_AUTO_FREE char *configuration = NULL;
    if (!vmf_reader_is(node, "Value"))
      continue;
    VMF_TRY(vmf_reader_attribute(&reader, node, "configuration", &configuration));
    if (!configuration || (usual && strcmp(configuration, usual) == 0))
      VMF_TRY(vmf_editor_attribute(editor, node, "value", value));
  }
  return VMF_OK;
}

enum vmf_code vmf_editor_properties(struct vmf_ovf_editor *editor)
{
  const size_t system = (size_t)(editor->system - editor->ovf->systems);

  for (size_t i = 0; i < editor->edits->property_count; i++) {
    const struct vmf_property_options *given = &editor->edits->properties[i];
    const struct vmf_ovf_property *property;
    VMF_TRY(vmf_ovf_property_find(editor->ovf, system, given->key, &property, editor->error));
    VMF_TRY(vmf_ovf_property_check(property, given->key, given->value, editor->error));
    const xmlNode *element = editor->ovf->xml->elements[property->element];
    VMF_TRY(vmf_editor_attribute(editor, element, "value", given->value));
    VMF_TRY(set_usual_value(editor, element, given->value));
  }
  return VMF_OK;
}
