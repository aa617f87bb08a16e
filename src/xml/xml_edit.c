/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Edits are splices of the source text, put together when the whole text is asked for. */
#include <string.h>

#include "entity.h"
#include "list.h"
#include "memory.h"
#include "xml.h"
#include "xml_source.h"

/* What is written in place of [from, to). */
struct splice {
  size_t from, to;
  size_t order; /* of splices at one place the earlier note comes first */
  char *text;   /* owned */
  char *key;    /* owned; of an attribute: its qualified name, by which later changes replace it; of
                 * an element's text: TEXT_KEY */
  size_t element;
  size_t previous; /* splice of the same element, plus 1; 0: none */
  bool inside;     /* to be put into an element that is empty ("<a/>") */
  bool replaced;   /* a later change of the same attribute counts */
};

#define TEXT_KEY "#text" /* no name of an attribute */

struct vmf_xml_edit {
  const struct vmf_xml *xml;
  struct splice *splices;
  size_t count, room;
  size_t *last; /* for each element the last of its splices, plus 1 */
};

enum vmf_code vmf_xml_edit_new(const struct vmf_xml *xml, struct vmf_xml_edit **edit,
                               struct vmf_error *error)
{
  void *memory = NULL;

  *edit = NULL;
  VMF_TRY(vmf_alloc(sizeof **edit, &memory, error));
  struct vmf_xml_edit *fresh = memory;
  fresh->xml = xml;
  enum vmf_code code = vmf_alloc(xml->count * sizeof *fresh->last, &memory, error);
  if (code != VMF_OK) {
    vmf_free(fresh);
    return code;
  }
  fresh->last = memory;
  *edit = fresh;
  return VMF_OK;
}

static void clear_splice(struct splice *splice)
{
  vmf_free(splice->text);
  vmf_free(splice->key);
}

void vmf_xml_edit_free(struct vmf_xml_edit *edit)
{
  if (!edit)
    return;
  for (size_t i = 0; i < edit->count; i++)
    clear_splice(&edit->splices[i]);
  vmf_free(edit->splices);
  vmf_free(edit->last);
  vmf_free(edit);
}

static enum vmf_code check_element(const struct vmf_xml_edit *edit, size_t element,
                                   struct vmf_error *error)
{
  if (element < edit->xml->count)
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE, "element %zu is to be edited, the descriptor has %zu", element,
                  edit->xml->count);
}

/* Takes text and key over, also on failure. */
static enum vmf_code add_splice(struct vmf_xml_edit *edit, struct splice splice,
                                struct vmf_error *error)
{
  enum vmf_code code = VMF_LIST_ROOM(edit->splices, edit->count, edit->room, "edits", error);

  if (code != VMF_OK) {
    clear_splice(&splice);
    return code;
  }
  splice.order = edit->count;
  splice.previous = edit->last[splice.element];
  edit->splices[edit->count++] = splice;
  edit->last[splice.element] = edit->count;
  return VMF_OK;
}

/* ---- attributes ---- */

/* `before` value `after`, the value escaped; quote 0: it is text. */
static enum vmf_code write_value(const char *before, const char *value, char quote,
                                 const char *after, char **text, struct vmf_error *error)
{
  size_t length = strlen(before) + strlen(after);
  void *memory = NULL;

  for (const char *c = value; *c; c++) {
    const char *escape = vmf_xml_entity(*c, quote);
    if (!escape && (unsigned char)*c < ' ' && (quote || (*c != '\n' && *c != '\t')))
      return vmf_fail(error, VMF_USAGE, "byte 0x%02x of a value cannot stand in XML",
                      (unsigned char)*c);
    length += escape ? strlen(escape) : 1;
  }
  if (!xmlCheckUTF8((const unsigned char *)value))
    return vmf_fail(error, VMF_USAGE, "a value is not UTF-8");
  VMF_TRY(vmf_alloc(length + 1, &memory, error));
  *text = memory;
  char *out = stpcpy(*text, before);
  for (const char *c = value; *c; c++) {
    const char *escape = vmf_xml_entity(*c, quote);
    if (escape)
      out = stpcpy(out, escape);
    else
      *out++ = *c;
  }
  stpcpy(out, after);
  return VMF_OK;
}

/* Finds an attribute in the namespace, or else in none. *end: where one can be added. */
static bool find_attribute(const xmlNode *element, const char *uri, const char *name,
                           struct vmf_xml_attribute *found, size_t *end)
{
  struct vmf_xml_attribute attribute = {0};
  bool any = false;

  while (vmf_xml_attribute_next(element, &attribute)) {
    if (!vmf_xml_attribute_is(&attribute, name))
      continue;
    const xmlNs *ns = uri ? vmf_xml_attribute_namespace(element, &attribute) : NULL;
    if ((!attribute.prefix && !any) || (ns && strcmp((const char *)ns->href, uri) == 0)) {
      *found = attribute;
      any = true;
    }
  }
  *end = attribute.start;
  return any;
}

/* The prefix that another attribute of the element has for `uri`; NULL: none has. */
static const char *prefix_beside(const xmlNode *element, const char *uri)
{
  struct vmf_xml_attribute attribute = {0};

  while (vmf_xml_attribute_next(element, &attribute)) {
    const xmlNs *ns = vmf_xml_attribute_namespace(element, &attribute);
    if (ns && ns->href && strcmp((const char *)ns->href, uri) == 0)
      return (const char *)ns->prefix;
  }
  return NULL;
}

/* A prefix that stands for `uri` at the element, if there are several that of its other attributes;
 * NULL: none. */
static const char *prefix_for(const xmlNode *element, const char *uri)
{
  const char *beside = prefix_beside(element, uri);
  if (beside)
    return beside;
  for (const xmlNode *node = element; node && node->type == XML_ELEMENT_NODE; node = node->parent)
    for (const xmlNs *ns = node->nsDef; ns; ns = ns->next) {
      if (!ns->prefix || !ns->href || strcmp((const char *)ns->href, uri) != 0)
        continue;
      if (xmlSearchNs(element->doc, (xmlNode *)(uintptr_t)element, ns->prefix) == ns)
        return (const char *)ns->prefix;
    }
  return NULL;
}

const char *vmf_xml_prefix(const xmlNode *element, const char *uri)
{
  return prefix_for(element, uri);
}

/* The qualified name that is, or would be, in the source text; NULL: no prefix can be given. */
static enum vmf_code qualified_name(const struct vmf_xml *xml, size_t element, const char *uri,
                                    const char *name, const struct vmf_xml_attribute *there,
                                    char **qualified, struct vmf_error *error)
{
  if (there) {
    const char *start = there->prefix ? there->prefix : there->name;
    return vmf_copy_bytes(start, (size_t)(there->name + there->name_length - start), qualified,
                          error);
  }
  const char *prefix = uri ? prefix_for(xml->elements[element], uri) : NULL;
  if (uri && !prefix)
    return VMF_OK;
  return vmf_format(qualified, error, "%s%s%s", prefix ? prefix : "", prefix ? ":" : "", name);
}

/* The earlier change of the attribute counts no more. */
static void forget(struct vmf_xml_edit *edit, size_t element, const char *key)
{
  for (size_t i = edit->last[element]; i != 0; i = edit->splices[i - 1].previous) {
    struct splice *splice = &edit->splices[i - 1];
    if (splice->key && !splice->replaced && strcmp(splice->key, key) == 0)
      splice->replaced = true;
  }
}

/* What is to be written where, to change, remove or add the attribute. */
static enum vmf_code splice_attribute(const struct vmf_xml *xml,
                                      const struct vmf_xml_attribute *there, size_t end,
                                      const char *qualified, const char *value,
                                      struct splice *splice, struct vmf_error *error)
{
  VMF_AUTO_FREE char *before = NULL;

  if (there && value) {
    splice->from = there->value;
    splice->to = there->value_end;
    return write_value("", value, xml->text[there->value_end], "", &splice->text, error);
  }
  if (there) {
    splice->from = there->start;
    splice->to = there->value_end + 1;
    return VMF_OK;
  }
  splice->from = splice->to = end;
  VMF_TRY(vmf_format(&before, error, " %s=\"", qualified));
  return write_value(before, value, '"', "\"", &splice->text, error);
}

enum vmf_code vmf_xml_edit_attribute(struct vmf_xml_edit *edit, size_t element, const char *uri,
                                     const char *name, const char *value, struct vmf_error *error)
{
  const struct vmf_xml *xml = edit->xml;
  struct splice splice = {.element = element};
  VMF_AUTO_FREE char *qualified = NULL;
  struct vmf_xml_attribute place = {0};
  size_t end;

  VMF_TRY(check_element(edit, element, error));
  bool there = find_attribute(xml->elements[element], uri, name, &place, &end);
  VMF_TRY(qualified_name(xml, element, uri, name, there ? &place : NULL, &qualified, error));
  if (!qualified && !value)
    return VMF_OK;
  if (!qualified)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "line %u: attribute \"%s\" cannot be added: no prefix stands for \"%s\" there",
                    xml->spans[element].line, name, uri);
  if (there || value)
    VMF_TRY(splice_attribute(xml, there ? &place : NULL, end, qualified, value, &splice, error));
  forget(edit, element, qualified);
  if (!there && !value)
    return VMF_OK;
  splice.key = qualified;
  qualified = NULL;
  return add_splice(edit, splice, error);
}

/* ---- elements ---- */

enum vmf_code vmf_xml_edit_remove(struct vmf_xml_edit *edit, size_t element,
                                  struct vmf_error *error)
{
  VMF_TRY(check_element(edit, element, error));
  const struct vmf_xml_span *span = &edit->xml->spans[element];
  struct splice splice = {.from = span->start, .to = span->end, .element = element};
  while (splice.from > 0 && vmf_xml_is_space(edit->xml->text[splice.from - 1]))
    splice.from--;
  return add_splice(edit, splice, error);
}

enum vmf_code vmf_xml_edit_behind(struct vmf_xml_edit *edit, size_t element, const char *text,
                                  struct vmf_error *error)
{
  VMF_TRY(check_element(edit, element, error));
  size_t end = edit->xml->spans[element].end;
  struct splice splice = {.from = end, .to = end, .element = element};
  VMF_TRY(vmf_copy_text(text, &splice.text, error));
  return add_splice(edit, splice, error);
}

enum vmf_code vmf_xml_edit_before(struct vmf_xml_edit *edit, size_t element, const char *text,
                                  struct vmf_error *error)
{
  VMF_TRY(check_element(edit, element, error));
  size_t start = edit->xml->spans[element].start;
  struct splice splice = {.from = start, .to = start, .element = element};
  VMF_TRY(vmf_copy_text(text, &splice.text, error));
  return add_splice(edit, splice, error);
}

enum vmf_code vmf_xml_edit_text(struct vmf_xml_edit *edit, size_t element, const char *value,
                                struct vmf_error *error)
{
  VMF_TRY(check_element(edit, element, error));
  const struct vmf_xml_span *span = &edit->xml->spans[element];
  struct splice splice = {.from = span->tag_end, .to = span->content_end, .element = element};
  if (span->tag_end == span->end) {
    splice.from = span->end - 2; /* "/>" */
    splice.to = span->end;
    splice.inside = true;
  }
  forget(edit, element, TEXT_KEY);
  VMF_TRY(vmf_copy_text(TEXT_KEY, &splice.key, error));
  enum vmf_code code = write_value("", value, 0, "", &splice.text, error);
  if (code == VMF_OK)
    return add_splice(edit, splice, error);
  clear_splice(&splice);
  return code;
}

enum vmf_code vmf_xml_edit_append(struct vmf_xml_edit *edit, size_t element, const char *text,
                                  struct vmf_error *error)
{
  VMF_TRY(check_element(edit, element, error));
  const struct vmf_xml_span *span = &edit->xml->spans[element];
  bool empty = span->tag_end == span->end;
  struct splice splice = {.from = span->content_end, .to = span->content_end, .element = element};
  if (empty) {
    splice.from = span->end - 2; /* "/>" */
    splice.to = span->end;
    splice.inside = true;
  }
  VMF_TRY(vmf_copy_text(text, &splice.text, error));
  return add_splice(edit, splice, error);
}

/* ---- the whole ---- */

static int compare_splices(const void *a, const void *b)
{
  const struct splice *left = a, *right = b;

  if (left->from != right->from)
    return left->from < right->from ? -1 : 1;
  bool left_inserts = left->from == left->to, right_inserts = right->from == right->to;
  if (left_inserts != right_inserts)
    return left_inserts ? -1 : 1;
  if (!left->inside && !right->inside && left->to != right->to)
    return left->to > right->to ? -1 : 1; /* the removal of the outer element */
  return left->order < right->order ? -1 : left->order > right->order;
}

struct output {
  char *text; /* NULL: only counting */
  size_t length;
};

static void put(struct output *output, const char *text, size_t length)
{
  if (output->text && length > 0)
    memcpy(output->text + output->length, text, length);
  output->length += length;
}

/* "<a/>" becomes "<a>", all that is appended, "</a>"; returns the splice behind. */
static size_t put_inside(const struct vmf_xml *xml, const struct splice *splices, size_t at,
                         size_t count, struct output *output)
{
  const struct vmf_xml_span *span = &xml->spans[splices[at].element];
  size_t name_end = vmf_xml_behind_name(xml->text, span->start);
  size_t element = splices[at].element;

  put(output, ">", 1);
  for (; at < count && splices[at].inside && splices[at].element == element; at++)
    if (!splices[at].replaced)
      put(output, splices[at].text, strlen(splices[at].text));
  put(output, "</", 2);
  put(output, xml->text + span->start + 1, name_end - span->start - 1);
  put(output, ">", 1);
  return at;
}

static void put_all(const struct vmf_xml *xml, const struct splice *splices, size_t count,
                    struct output *output)
{
  size_t done = 0;

  for (size_t i = 0; i < count;) {
    const struct splice *splice = &splices[i];
    if (splice->replaced || splice->from < done) { /* done: within what is removed */
      i++;
      continue;
    }
    put(output, xml->text + done, splice->from - done);
    done = splice->to;
    if (splice->inside) {
      i = put_inside(xml, splices, i, count, output);
      continue;
    }
    if (splice->text)
      put(output, splice->text, strlen(splice->text));
    i++;
  }
  put(output, xml->text + done, xml->length - done);
}

enum vmf_code vmf_xml_edit_apply(const struct vmf_xml_edit *edit, char **text, size_t *length,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE void *sorted = NULL;
  struct output output = {0};
  void *memory = NULL;

  *text = NULL;
  VMF_TRY(vmf_alloc(edit->count * sizeof *edit->splices, &sorted, error));
  if (edit->count > 0)
    memcpy(sorted, edit->splices, edit->count * sizeof *edit->splices);
  qsort(sorted, edit->count, sizeof *edit->splices, compare_splices);
  put_all(edit->xml, sorted, edit->count, &output);
  VMF_TRY(vmf_alloc(output.length + 1, &memory, error));
  *length = output.length;
  output = (struct output){.text = memory};
  put_all(edit->xml, sorted, edit->count, &output);
  *text = output.text;
  return VMF_OK;
}
