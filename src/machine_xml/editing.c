/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "editing.h"

#include <string.h>

#include "machine_edits.h"
#include "memory.h"

enum vmf_code vmf_editing_begin(struct vmf_editing *editor, const struct vmf_machine_source *source,
                                unsigned parts)
{
  struct vmf_error *error = editor->error;

  editor->name = source->name;
  VMF_TRY(vmf_machine_edits_fit(editor->edits, parts, source->name, error));
  VMF_TRY(vmf_machine_edits_find(editor->machine, editor->edits, source->name, error));
  VMF_TRY(vmf_xml_parse(source->name, source->bytes, source->length, NULL, &editor->xml, error));
  editor->root = editor->xml->elements[0];
  enum vmf_code code = vmf_xml_edit_new(editor->xml, &editor->edit, error);
  if (code != VMF_OK)
    vmf_xml_free(editor->xml);
  return code;
}

enum vmf_code vmf_editing_end(struct vmf_editing *editor, enum vmf_code code, char **text,
                              size_t *length)
{
  if (code == VMF_OK)
    code = vmf_xml_edit_apply(editor->edit, text, length, editor->error);
  vmf_xml_edit_free(editor->edit);
  vmf_xml_free(editor->xml);
  return code;
}

void vmf_editing_tell(const struct vmf_editing *editor, const char *rule, const xmlNode *element,
                      const char *why)
{
  vmf_report_add(editor->report, VMF_SEVERITY_WARNING, rule, editor->name,
                 element ? vmf_xml_line(element) : 0, "%s", why);
}

enum vmf_code vmf_editing_remove(struct vmf_editing *editor, const xmlNode *element)
{
  return element ? vmf_xml_edit_remove(editor->edit, vmf_xml_index(element), editor->error)
                 : VMF_OK;
}

enum vmf_code vmf_editing_attribute(struct vmf_editing *editor, const xmlNode *element,
                                    const char *name, const char *value)
{
  return vmf_xml_edit_attribute(editor->edit, vmf_xml_index(element), NULL, name, value,
                                editor->error);
}

enum vmf_code vmf_editing_text(struct vmf_editing *editor, const xmlNode *element, const char *text)
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

struct vmf_markup vmf_editing_markup(const struct vmf_editing *editor, const xmlNode *parent)
{
  const xmlNode *last = last_child(parent);
  size_t indent = last ? indent_of(editor->xml, last) : indent_of(editor->xml, parent) + 2;

  return (struct vmf_markup){.fragment = true, .depth = (unsigned)(indent / 2)};
}

enum vmf_code vmf_editing_append(struct vmf_editing *editor, const xmlNode *parent,
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

/* With the prefix that its parent has. */
static enum vmf_code name_in(const struct vmf_editing *editor, const xmlNode *parent,
                             const char *name, char **full)
{
  const char *prefix = parent->ns ? (const char *)parent->ns->prefix : NULL;

  return vmf_format(full, editor->error, "%s%s%s", prefix ? prefix : "", prefix ? ":" : "", name);
}

enum vmf_code vmf_editing_simple(struct vmf_editing *editor, const xmlNode *parent,
                                 const char *name, const char *attribute, const char *value)
{
  const xmlNode *element = vmf_xml_child(parent, NULL, name);
  VMF_AUTO_FREE char *full = NULL;

  if (element)
    return vmf_editing_attribute(editor, element, attribute, value);
  VMF_TRY(name_in(editor, parent, name, &full));
  struct vmf_markup markup = vmf_editing_markup(editor, parent);
  vmf_markup_start(&markup, full);
  vmf_markup_attribute(&markup, attribute, "%s", value);
  vmf_markup_end(&markup);
  return vmf_editing_append(editor, parent, &markup);
}

enum vmf_code vmf_editing_leaf(struct vmf_editing *editor, const xmlNode *parent, const char *name,
                               const char *text)
{
  const xmlNode *element = vmf_xml_child(parent, NULL, name);
  VMF_AUTO_FREE char *full = NULL;

  if (element)
    return vmf_editing_text(editor, element, text);
  VMF_TRY(name_in(editor, parent, name, &full));
  struct vmf_markup markup = vmf_editing_markup(editor, parent);
  vmf_markup_leaf(&markup, full, "%s", text);
  return vmf_editing_append(editor, parent, &markup);
}
