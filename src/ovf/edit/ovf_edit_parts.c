/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Elements of a descriptor, set and added as they would have been written there. */
#include <string.h>

#include "editor.h"
#include "entity.h"
#include "memory.h"

enum vmf_code vmf_editor_attribute(struct vmf_ovf_editor *editor, const xmlNode *element,
                                   const char *name, const char *value)
{
  return vmf_xml_edit_attribute(editor->edit, vmf_xml_index(element), editor->ovf->uri, name, value,
                                editor->error);
}

enum vmf_code vmf_editor_text(struct vmf_ovf_editor *editor, const xmlNode *element,
                              const char *text)
{
  VMF_TRY(vmf_editor_attribute(editor, element, "msgid", NULL));
  return vmf_xml_edit_text(editor->edit, vmf_xml_index(element), text, editor->error);
}

enum vmf_code vmf_editor_remove(struct vmf_ovf_editor *editor, const xmlNode *element)
{
  return vmf_xml_edit_remove(editor->edit, vmf_xml_index(element), editor->error);
}

const xmlNode *vmf_editor_section(const struct vmf_ovf_editor *editor, const char *kind)
{
  const xmlNode *found = NULL;

  for (const xmlNode *node = vmf_reader_first(editor->content); node;
       node = vmf_reader_next(node)) {
    size_t length;
    bool own;
    const char *name = vmf_reader_kind(node, &length, &own);
    if (own && length == strlen(kind) && memcmp(name, kind, length) == 0)
      found = node;
  }
  return found;
}

/* The blanks of the line that an element begins; 0 where something else stands before it. */
static size_t indent_of(const struct vmf_xml *xml, const xmlNode *element)
{
  size_t start = xml->spans[vmf_xml_index(element)].start, at = start;

  while (at > 0 && (xml->text[at - 1] == ' ' || xml->text[at - 1] == '\t'))
    at--;
  return at > 0 && xml->text[at - 1] == '\n' ? start - at : 0;
}

struct vmf_markup vmf_editor_markup(const struct vmf_ovf_editor *editor, const xmlNode *sibling)
{
  return (struct vmf_markup){.fragment = true,
                             .depth = (unsigned)(indent_of(editor->ovf->xml, sibling) / 2)};
}

enum vmf_code vmf_editor_name(struct vmf_ovf_editor *editor, const xmlNode *like, const char *name,
                              char **qualified)
{
  const char *prefix = like->ns ? (const char *)like->ns->prefix : NULL;

  return vmf_format(qualified, editor->error, "%s%s%s", prefix ? prefix : "", prefix ? ":" : "",
                    name);
}

const char *vmf_editor_prefix(const xmlNode *element, const char *uri, const char *otherwise,
                              bool *declare)
{
  const char *prefix = vmf_xml_prefix(element, uri);

  *declare = !prefix;
  return prefix ? prefix : otherwise;
}

/* ---- what is inserted ---- */

/* The text without the blanks before it and the line feed behind it. */
static enum vmf_code take_text(struct vmf_ovf_editor *editor, struct vmf_markup *markup,
                               char **text)
{
  size_t blanks;

  VMF_TRY(vmf_markup_take(markup, text, editor->error));
  blanks = strspn(*text, " ");
  size_t length = strlen(*text) - blanks;
  memmove(*text, *text + blanks, length + 1);
  while (length > 0 && (*text)[length - 1] == '\n')
    (*text)[--length] = '\0';
  return VMF_OK;
}

/* "\n    ", what stands before an element. */
static enum vmf_code line_of(struct vmf_ovf_editor *editor, const xmlNode *element, char **line)
{
  const struct vmf_xml *xml = editor->ovf->xml;
  size_t start = xml->spans[vmf_xml_index(element)].start, length = indent_of(xml, element);

  return vmf_format(line, editor->error, "\n%.*s", (int)length, xml->text + start - length);
}

enum vmf_code vmf_editor_behind(struct vmf_ovf_editor *editor, const xmlNode *sibling,
                                struct vmf_markup *markup)
{
  VMF_AUTO_FREE char *text = NULL, *line = NULL, *whole = NULL;

  VMF_TRY(take_text(editor, markup, &text));
  VMF_TRY(line_of(editor, sibling, &line));
  VMF_TRY(vmf_format(&whole, editor->error, "%s%s", line, text));
  return vmf_xml_edit_behind(editor->edit, vmf_xml_index(sibling), whole, editor->error);
}

enum vmf_code vmf_editor_before(struct vmf_ovf_editor *editor, const xmlNode *sibling,
                                struct vmf_markup *markup)
{
  VMF_AUTO_FREE char *text = NULL, *line = NULL, *whole = NULL;

  VMF_TRY(take_text(editor, markup, &text));
  VMF_TRY(line_of(editor, sibling, &line));
  VMF_TRY(vmf_format(&whole, editor->error, "%s%s", text, line));
  return vmf_xml_edit_before(editor->edit, vmf_xml_index(sibling), whole, editor->error);
}

/* ---- the fields of an item ---- */

static enum vmf_code add_field(struct vmf_ovf_editor *editor, const xmlNode *item, const char *name,
                               const char *text)
{
  const xmlNode *first = vmf_reader_first(item), *behind = NULL;
  VMF_AUTO_FREE char *qualified = NULL;

  if (!first)
    return vmf_fail(editor->error, VMF_UNSUPPORTED, "%s:%u: an empty item cannot be edited",
                    editor->ovf->name, vmf_xml_line(item));
  for (const xmlNode *node = first; node; node = vmf_reader_next(node))
    if (node->ns == first->ns && strcmp((const char *)node->name, name) < 0)
      behind = node;
  struct vmf_markup markup = vmf_editor_markup(editor, first);
  VMF_TRY(vmf_editor_name(editor, first, name, &qualified));
  vmf_markup_leaf(&markup, qualified, "%s", text);
  return behind ? vmf_editor_behind(editor, behind, &markup)
                : vmf_editor_before(editor, first, &markup);
}

enum vmf_code vmf_editor_field(struct vmf_ovf_editor *editor, const xmlNode *item, const char *name,
                               const char *text)
{
  const xmlNode *field = vmf_xml_child(item, NULL, name);

  if (field)
    return text ? vmf_editor_text(editor, field, text) : vmf_editor_remove(editor, field);
  return text ? add_field(editor, item, name, text) : VMF_OK;
}

/* ---- sections ---- */

enum vmf_code vmf_editor_section_begin(struct vmf_ovf_editor *editor, const char *kind,
                                       struct vmf_markup *markup, const xmlNode **behind)
{
  VMF_AUTO_FREE char *qualified = NULL;
  const xmlNode *last = vmf_editor_section(editor, kind);

  *behind = last ? last : editor->hardware ? editor->hardware : NULL;
  if (editor->ovf->version == VMF_OVF_0_9)
    return vmf_fail(editor->error, VMF_UNSUPPORTED,
                    "%s: is of the preview 0.9 of the standard; no section is added there",
                    editor->ovf->name);
  for (const xmlNode *node = vmf_reader_first(editor->content); node && !*behind;
       node = vmf_reader_next(node))
    if (!vmf_reader_next(node))
      *behind = node;
  if (!*behind)
    return vmf_fail(editor->error, VMF_UNSUPPORTED, "%s:%u: an empty machine cannot be edited",
                    editor->ovf->name, editor->system->line);
  *markup = vmf_editor_markup(editor, *behind);
  VMF_TRY(vmf_editor_name(editor, editor->content, kind, &qualified));
  vmf_markup_start(markup, qualified);
  return VMF_OK;
}
