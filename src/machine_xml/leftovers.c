/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What was not taken becomes extras; see vmf_taking_leftovers. */
#include <stdio.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "taking.h"
#include "xml_source.h"

enum {
  SIBLINGS = 512, /* names of children that are told apart by an index; of
                     further ones all have 0 */
};

/* ---- paths ---- */

/* "devices" and "disk[0]" to "devices/disk[0]"; of the root's children their
 * own name. */
static enum vmf_code join(const char *path, const char *label, char **joined,
                          struct vmf_error *error)
{
  return path[0] ? vmf_format(joined, error, "%s/%s", path, label)
                 : vmf_copy_text(label, joined, error);
}

static enum vmf_code name_of(const xmlNode *element, size_t index, char **name,
                             struct vmf_error *error)
{
  const char *prefix = element->ns ? (const char *)element->ns->prefix : NULL;
  char number[24] = "";

  if (index > 0)
    snprintf(number, sizeof number, "[%zu]", index);
  return vmf_format(name, error, "%s%s%s%s", prefix ? prefix : "", prefix ? ":" : "",
                    (const char *)element->name, number);
}

/* ---- the XML of an element ---- */

/* A stretch of the source text. */
struct cut {
  size_t start, end;
};

struct excerpt {
  struct vmf_taking *taking;
  const xmlNode *element;
  const char *path; /* of the element */
  struct cut *cuts;
  size_t count, room;
  const xmlNs *declarations[VMF_XML_NAMESPACES]; /* that stand outside of the element */
  size_t declaration_count;
};

static enum vmf_code cut(struct excerpt *excerpt, size_t start, size_t end, struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(excerpt->cuts, excerpt->count, excerpt->room, "parts", error));
  excerpt->cuts[excerpt->count++] = (struct cut){.start = start, .end = end};
  return VMF_OK;
}

/* Whether the declaration of a prefix stands above the element. */
static bool is_declared_above(const xmlNs *ns, const xmlNode *element)
{
  for (const xmlNode *node = element->parent; node && node->type == XML_ELEMENT_NODE;
       node = node->parent)
    for (const xmlNs *other = node->nsDef; other; other = other->next)
      if (other == ns)
        return true;
  return false;
}

/* That of the whole file, without a prefix, is that of the file that is written, too. */
static bool is_of_root(const struct excerpt *excerpt, const xmlNs *ns)
{
  return !ns->prefix && ns == excerpt->taking->xml->elements[0]->ns;
}

static void note_namespace(struct excerpt *excerpt, const xmlNs *ns)
{
  if (!ns || is_of_root(excerpt, ns))
    return;
  for (size_t i = 0; i < excerpt->declaration_count; i++)
    if (excerpt->declarations[i] == ns)
      return;
  if (excerpt->declaration_count < VMF_XML_NAMESPACES && is_declared_above(ns, excerpt->element))
    excerpt->declarations[excerpt->declaration_count++] = ns;
}

static enum vmf_code add(const struct vmf_taking *taking, const char *key, const char *value,
                         const xmlNode *element, bool known, bool secret, struct vmf_error *error)
{
  struct vmf_machine *machine = taking->machine;

  VMF_TRY(vmf_machine_add_extra(machine, taking->vocabulary->vendor, key, value,
                                vmf_xml_line(element), known, error));
  machine->extras[machine->extra_count - 1].secret = secret;
  return VMF_OK;
}

static enum vmf_code keep_attribute(const struct vmf_taking *taking, const xmlNode *element,
                                    const struct vmf_xml_attribute *attribute, const char *path,
                                    struct vmf_error *error)
{
  VMF_AUTO_FREE char *key = NULL, *value = NULL;

  VMF_TRY(vmf_xml_attribute_value(element, attribute, &value, error));
  VMF_TRY(vmf_format(&key, error, "%s@%.*s%s%.*s", path, (int)attribute->prefix_length,
                     attribute->prefix ? attribute->prefix : "", attribute->prefix ? ":" : "",
                     (int)attribute->name_length, attribute->name));
  return add(taking, key, value, element, taking->vocabulary->knows_attribute(element, attribute),
             taking->vocabulary->is_secret(element, attribute), error);
}

/* The path of a part of the excerpt: "devices/hostdev//driver", if it stands
 * deeper than a child. */
static enum vmf_code path_below(const struct excerpt *excerpt, const xmlNode *element, char **path,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;

  if (element == excerpt->element)
    return vmf_copy_text(excerpt->path, path, error);
  VMF_TRY(name_of(element, 0, &name, error));
  return vmf_format(path, error, "%s%s%s", excerpt->path,
                    element->parent == excerpt->element ? "/" : "//", name);
}

static enum vmf_code cut_attributes(struct excerpt *excerpt, const xmlNode *element,
                                    struct vmf_error *error)
{
  const struct vmf_vocabulary *vocabulary = excerpt->taking->vocabulary;
  struct vmf_xml_attribute attribute = {0};

  while (vmf_xml_attribute_next(element, &attribute)) {
    VMF_AUTO_FREE char *path = NULL;
    note_namespace(excerpt, vmf_xml_attribute_namespace(element, &attribute));
    if (vocabulary->knows_attribute(element, &attribute) &&
        !vocabulary->is_secret(element, &attribute))
      continue;
    VMF_TRY(path_below(excerpt, element, &path, error));
    VMF_TRY(keep_attribute(excerpt->taking, element, &attribute, path, error));
    VMF_TRY(cut(excerpt, attribute.start, attribute.value_end + 1, error));
  }
  return VMF_OK;
}

/* Whether a secret stands in the element, or somewhere below it. */
static bool has_secret(const struct vmf_taking *taking, const xmlNode *element)
{
  const struct vmf_vocabulary *vocabulary = taking->vocabulary;
  const struct vmf_xml *xml = taking->xml;
  size_t first = vmf_xml_index(element), end = xml->spans[first].end;

  for (size_t i = first; i < xml->count && xml->spans[i].start < end; i++) {
    struct vmf_xml_attribute attribute = {0};
    if (vocabulary->is_secret_element(xml->elements[i]))
      return true;
    while (vmf_xml_attribute_next(xml->elements[i], &attribute))
      if (vocabulary->is_secret(xml->elements[i], &attribute))
        return true;
  }
  return false;
}

/* A part that nobody knows, or may see: as it stands. */
static enum vmf_code cut_element(struct excerpt *excerpt, const xmlNode *element, bool known,
                                 struct vmf_error *error)
{
  const struct vmf_xml *xml = excerpt->taking->xml;
  const struct vmf_xml_span *span = &xml->spans[vmf_xml_index(element)];
  VMF_AUTO_FREE char *path = NULL, *text = NULL;

  VMF_TRY(path_below(excerpt, element, &path, error));
  VMF_TRY(vmf_copy_bytes(xml->text + span->start, span->end - span->start, &text, error));
  VMF_TRY(add(excerpt->taking, path, text, element, known, has_secret(excerpt->taking, element),
              error));
  return cut(excerpt, span->start, span->end, error);
}

/* Elements follow each other in the text as they are numbered. */
static enum vmf_code find_cuts(struct excerpt *excerpt, struct vmf_error *error)
{
  const struct vmf_vocabulary *vocabulary = excerpt->taking->vocabulary;
  const struct vmf_xml *xml = excerpt->taking->xml;
  size_t first = vmf_xml_index(excerpt->element), end = xml->spans[first].end;
  bool foreign = vocabulary->foreign && strcmp(excerpt->path, vocabulary->foreign) == 0;

  for (size_t i = first; i < xml->count && xml->spans[i].start < end; i++) {
    const xmlNode *element = xml->elements[i];
    bool secret = !foreign && vocabulary->is_secret_element(element);
    note_namespace(excerpt, element->ns);
    if (foreign || (vocabulary->knows_element(element) && !secret)) {
      if (!foreign)
        VMF_TRY(cut_attributes(excerpt, element, error));
      continue;
    }
    VMF_TRY(cut_element(excerpt, element, secret, error));
    size_t behind = xml->spans[i].end;
    while (i + 1 < xml->count && xml->spans[i + 1].start < behind)
      i++;
  }
  return VMF_OK;
}

/* How long a declaration is; libxml2 keeps references in the name as they stand. The declarations
 * that stand elsewhere in the file are repeated: bounded, since a file could say a long one once
 * and use it everywhere. */
static enum vmf_code measure_declaration(struct excerpt *excerpt, const xmlNs *ns, size_t *length,
                                         struct vmf_error *error)
{
  const char *prefix = ns->prefix ? (const char *)ns->prefix : "", *uri = (const char *)ns->href;

  *length += strlen(" xmlns:=\"\"") + strlen(prefix) + strlen(uri);
  excerpt->taking->inserted += strlen(uri);
  if (excerpt->taking->inserted > VMF_MACHINE_SOURCE)
    return vmf_fail(error, VMF_LIMIT, "%s:%u: long names of namespaces are used too often",
                    excerpt->taking->name, vmf_xml_line(excerpt->element));
  if (strchr(uri, '"'))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: the name of the namespace %.40s has a quotation mark",
                    excerpt->taking->name, vmf_xml_line(excerpt->element), prefix);
  return VMF_OK;
}

static enum vmf_code put_declarations(struct excerpt *excerpt, char **text, struct vmf_error *error)
{
  size_t size = 1, used = 0;
  void *memory = NULL;

  for (size_t i = 0; i < excerpt->declaration_count; i++)
    VMF_TRY(measure_declaration(excerpt, excerpt->declarations[i], &size, error));
  VMF_TRY(vmf_alloc(size, &memory, error));
  *text = memory;
  for (size_t i = 0; i < excerpt->declaration_count; i++) {
    const char *prefix = (const char *)excerpt->declarations[i]->prefix;
    used += (size_t)snprintf(*text + used, size - used, " xmlns%s%s=\"%s\"", prefix ? ":" : "",
                             prefix ? prefix : "", (const char *)excerpt->declarations[i]->href);
  }
  return VMF_OK;
}

/* The element without its cuts, and with the declarations that it needs. */
static enum vmf_code put_excerpt(const struct excerpt *excerpt, const char *declarations,
                                 char **text, struct vmf_error *error)
{
  const struct vmf_xml *xml = excerpt->taking->xml;
  const struct vmf_xml_span *span = &xml->spans[vmf_xml_index(excerpt->element)];
  size_t at = vmf_xml_behind_name(xml->text, span->start), length = at - span->start;
  void *memory = NULL;

  VMF_TRY(vmf_alloc(span->end - span->start + strlen(declarations) + 1, &memory, error));
  *text = memory;
  memcpy(*text, xml->text + span->start, length);
  memcpy(*text + length, declarations, strlen(declarations));
  length += strlen(declarations);
  for (size_t i = 0; i <= excerpt->count; i++) {
    size_t end = i < excerpt->count ? excerpt->cuts[i].start : span->end;
    memcpy(*text + length, xml->text + at, end - at);
    length += end - at;
    at = i < excerpt->count ? excerpt->cuts[i].end : end;
  }
  return VMF_OK;
}

static size_t whole_length(const struct excerpt *excerpt)
{
  const struct vmf_xml_span *span = &excerpt->taking->xml->spans[vmf_xml_index(excerpt->element)];

  return span->end - span->start;
}

static enum vmf_code keep_excerpt(struct excerpt *excerpt, struct vmf_error *error)
{
  VMF_AUTO_FREE char *declarations = NULL, *text = NULL;

  VMF_TRY(find_cuts(excerpt, error));
  if (excerpt->count == 1 && excerpt->cuts[0].end - excerpt->cuts[0].start == whole_length(excerpt))
    return VMF_OK; /* it is not known itself */
  VMF_TRY(put_declarations(excerpt, &declarations, error));
  VMF_TRY(put_excerpt(excerpt, declarations, &text, error));
  return add(excerpt->taking, excerpt->path, text, excerpt->element, true, false, error);
}

static enum vmf_code keep_element(struct vmf_taking *taking, const xmlNode *element,
                                  const char *path, struct vmf_error *error)
{
  struct excerpt excerpt = {.taking = taking, .element = element, .path = path};
  enum vmf_code code = keep_excerpt(&excerpt, error);

  vmf_free(excerpt.cuts);
  return code;
}

/* ---- the walk ---- */

/* How many children of each name came before; those that have a label do not count, since they are
 * written in another order. */
struct siblings {
  const xmlNode *first[SIBLINGS];
  size_t seen[SIBLINGS];
  size_t count;
};

static size_t index_among(struct siblings *siblings, const xmlNode *element)
{
  for (size_t i = 0; i < siblings->count; i++)
    if (siblings->first[i]->ns == element->ns &&
        xmlStrEqual(siblings->first[i]->name, element->name))
      return ++siblings->seen[i];
  if (siblings->count < SIBLINGS)
    siblings->first[siblings->count++] = element;
  return 0;
}

static enum vmf_code keep_attributes(const struct vmf_taking *taking, const xmlNode *element,
                                     const char *path, struct vmf_error *error)
{
  struct vmf_xml_attribute attribute = {0};
  uint64_t taken = taking->taken[vmf_xml_index(element)];

  for (unsigned place = 0; vmf_xml_attribute_next(element, &attribute); place++)
    if (place >= VMF_TAKING_ELEMENT || !(taken >> place & 1))
      VMF_TRY(keep_attribute(taking, element, &attribute, path, error));
  return VMF_OK;
}

static enum vmf_code walk(struct vmf_taking *taking, const xmlNode *element, const char *path,
                          struct vmf_error *error);

static enum vmf_code walk_child(struct vmf_taking *taking, const xmlNode *child, const char *above,
                                struct siblings *siblings, struct vmf_error *error)
{
  size_t number = vmf_xml_index(child);
  VMF_AUTO_FREE char *name = NULL, *path = NULL;

  if (taking->labels[number])
    VMF_TRY(vmf_copy_text(taking->labels[number], &name, error));
  else
    VMF_TRY(name_of(child, index_among(siblings, child), &name, error));
  VMF_TRY(join(above, name, &path, error));
  return taking->taken[number] ? walk(taking, child, path, error)
                               : keep_element(taking, child, path, error);
}

/* Something was taken of the element, or below it: as deep as the parts of
 * the reader goes. */
static enum vmf_code walk(struct vmf_taking *taking, const xmlNode *element, const char *path,
                          struct vmf_error *error)
{
  void *siblings = NULL;

  VMF_TRY(keep_attributes(taking, element, path, error));
  VMF_TRY(vmf_alloc(sizeof(struct siblings), &siblings, error));
  enum vmf_code code = VMF_OK;
  for (const xmlNode *child = element->children; child && code == VMF_OK; child = child->next)
    code = walk_child(taking, child, path, siblings, error);
  vmf_free(siblings);
  return code;
}

enum vmf_code vmf_taking_leftovers(struct vmf_taking *taking, const xmlNode *root,
                                   struct vmf_error *error)
{
  const struct vmf_xml *xml = taking->xml;

  vmf_taking_take(taking, root);
  for (size_t i = xml->count; i-- > 1;) /* children stand behind their parents */
    if (taking->taken[i])
      vmf_taking_take(taking, xml->elements[i]->parent);
  return walk(taking, root, "", error);
}
