/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Elements of a domain, set and added as they would have been written there. */
#include <string.h>

#include "libvirt_editor.h"
#include "memory.h"

void libvirt_edit_tell(const struct libvirt_editor *editor, const char *rule,
                       const xmlNode *element, const char *why)
{
  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, rule, editor->name,
                 element ? vmf_xml_line(element) : 0, "%s", why);
}

enum vmf_code libvirt_edit_remove(struct libvirt_editor *editor, const xmlNode *element)
{
  return element ? vmf_xml_edit_remove(editor->edit, vmf_xml_index(element), editor->error)
                 : VMF_OK;
}

enum vmf_code libvirt_edit_attribute(struct libvirt_editor *editor, const xmlNode *element,
                                     const char *name, const char *value)
{
  return vmf_xml_edit_attribute(editor->edit, vmf_xml_index(element), NULL, name, value,
                                editor->error);
}

enum vmf_code libvirt_edit_text(struct libvirt_editor *editor, const xmlNode *element,
                                const char *text)
{
  return vmf_xml_edit_text(editor->edit, vmf_xml_index(element), text, editor->error);
}

/* ---- what is added ---- */

/* The blanks that the line of an element begins with; none where something else does. */
static size_t indent_of(const struct vmf_xml *xml, const xmlNode *element)
{
  size_t start = xml->spans[vmf_xml_index(element)].start, at = start;

  while (at > 0 && (xml->text[at - 1] == ' ' || xml->text[at - 1] == '\t'))
    at--;
  return at > 0 && xml->text[at - 1] == '\n' ? start - at : 0;
}

/* Of all kinds; NULL: it has none. */
static const xmlNode *last_child(const xmlNode *parent)
{
  const xmlNode *last = NULL;

  for (const xmlNode *node = parent->children; node; node = node->next)
    if (node->type == XML_ELEMENT_NODE)
      last = node;
  return last;
}

struct vmf_markup libvirt_edit_markup(const struct libvirt_editor *editor, const xmlNode *parent)
{
  const xmlNode *last = last_child(parent);
  size_t indent = last ? indent_of(editor->xml, last) : indent_of(editor->xml, parent) + 2;

  return (struct vmf_markup){.fragment = true, .depth = (unsigned)(indent / 2)};
}

enum vmf_code libvirt_edit_append(struct libvirt_editor *editor, const xmlNode *parent,
                                  struct vmf_markup *markup)
{
  const struct vmf_xml *xml = editor->xml;
  const xmlNode *last = last_child(parent);
  VMF_AUTO_FREE char *text = NULL, *whole = NULL;

  VMF_TRY(vmf_markup_take(markup, &text, editor->error));
  size_t length = strlen(text);
  while (length > 0 && text[length - 1] == '\n')
    text[--length] = '\0';
  if (!last) {
    VMF_TRY(
        vmf_format(&whole, editor->error, "\n%s\n%.*s", text, (int)indent_of(xml, parent),
                   xml->text + xml->spans[vmf_xml_index(parent)].start - indent_of(xml, parent)));
    return vmf_xml_edit_append(editor->edit, vmf_xml_index(parent), whole, editor->error);
  }
  VMF_TRY(vmf_format(&whole, editor->error, "\n%s", text));
  return vmf_xml_edit_behind(editor->edit, vmf_xml_index(last), whole, editor->error);
}

enum vmf_code libvirt_edit_simple(struct libvirt_editor *editor, const xmlNode *parent,
                                  const char *name, const char *attribute, const char *value)
{
  const xmlNode *element = libvirt_child(parent, name);

  if (element)
    return libvirt_edit_attribute(editor, element, attribute, value);
  struct vmf_markup markup = libvirt_edit_markup(editor, parent);
  vmf_markup_start(&markup, name);
  vmf_markup_attribute(&markup, attribute, "%s", value);
  vmf_markup_end(&markup);
  return libvirt_edit_append(editor, parent, &markup);
}

enum vmf_code libvirt_edit_leaf(struct libvirt_editor *editor, const xmlNode *parent,
                                const char *name, const char *text)
{
  const xmlNode *element = libvirt_child(parent, name);

  if (element)
    return libvirt_edit_text(editor, element, text);
  struct vmf_markup markup = libvirt_edit_markup(editor, parent);
  vmf_markup_leaf(&markup, name, "%s", text);
  return libvirt_edit_append(editor, parent, &markup);
}
