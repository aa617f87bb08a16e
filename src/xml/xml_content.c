/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Attributes and character data, read from the source text, which the parser has found to be
 * well-formed. Line ends, references and white space in values become what XML 1.0 says (sections
 * 2.11, 3.3.3, 4.1 and 4.6). */
#include <libxml/parserInternals.h>
#include <string.h>

#include "memory.h"
#include "xml.h"
#include "xml_source.h"

static const struct vmf_xml *xml_of(const xmlNode *element)
{
  return element->doc->_private;
}

static const struct vmf_xml_span *span_of(const xmlNode *element)
{
  return element->_private;
}

/* ---- attributes ---- */

static bool ends_name(char c)
{
  return vmf_xml_is_space(c) || c == '=' || c == '/' || c == '>';
}

size_t vmf_xml_behind_name(const char *text, size_t start)
{
  size_t at = start + 1;

  while (!ends_name(text[at]))
    at++;
  return at;
}

/* The next name="value" behind `start`. */
static bool next_place(const char *text, size_t start, struct vmf_xml_attribute *place)
{
  size_t i = start;

  while (vmf_xml_is_space(text[i]))
    i++;
  place->start = start;
  if (text[i] == '>' || text[i] == '/')
    return false;
  *place = (struct vmf_xml_attribute){.start = start, .name = text + i};
  for (; !ends_name(text[i]); i++)
    if (text[i] == ':') {
      place->prefix = place->name;
      place->prefix_length = (size_t)(text + i - place->name);
      place->name = text + i + 1;
    }
  place->name_length = (size_t)(text + i - place->name);
  while (text[i] != '"' && text[i] != '\'')
    i++;
  place->value = i + 1;
  place->value_end = (size_t)(strchr(text + i + 1, text[i]) - text);
  return true;
}

static bool declares_namespace(const struct vmf_xml_attribute *place)
{
  return place->prefix ? place->prefix_length == 5 && memcmp(place->prefix, "xmlns", 5) == 0
                       : place->name_length == 5 && memcmp(place->name, "xmlns", 5) == 0;
}

bool vmf_xml_attribute_next(const xmlNode *element, struct vmf_xml_attribute *attribute)
{
  const char *text = xml_of(element)->text;
  size_t at = attribute->name ? attribute->value_end + 1
                              : vmf_xml_behind_name(text, span_of(element)->start);

  while (next_place(text, at, attribute)) {
    if (!declares_namespace(attribute))
      return true;
    at = attribute->value_end + 1;
  }
  return false;
}

bool vmf_xml_attribute_is(const struct vmf_xml_attribute *attribute, const char *name)
{
  return strlen(name) == attribute->name_length &&
         memcmp(attribute->name, name, attribute->name_length) == 0;
}

const xmlNs *vmf_xml_attribute_namespace(const xmlNode *element,
                                         const struct vmf_xml_attribute *attribute)
{
  size_t length = attribute->prefix_length;

  if (!attribute->prefix)
    return NULL;
  for (const xmlNode *node = element; node && node->type == XML_ELEMENT_NODE; node = node->parent)
    for (const xmlNs *ns = node->nsDef; ns; ns = ns->next)
      if (ns->prefix && strncmp((const char *)ns->prefix, attribute->prefix, length) == 0 &&
          ns->prefix[length] == '\0')
        return ns;
  if (length == 3 && memcmp(attribute->prefix, "xml", 3) == 0)
    return xmlSearchNs(element->doc, (xmlNode *)(uintptr_t)element, (const xmlChar *)"xml");
  return NULL;
}

/* ---- references ---- */

/* From '&' to behind ';'. */
static const char *decode_reference(const char *at, char **out)
{
  static const struct {
    const char *name;
    char meaning;
  } entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  bool hex = at[1] == '#' && at[2] == 'x';

  if (at[1] == '#') {
    unsigned long point = strtoul(at + (hex ? 3 : 2), NULL, hex ? 16 : 10);
    *out += xmlCopyCharMultiByte((xmlChar *)*out, (int)point);
  }
  for (size_t i = 0; at[1] != '#' && i < sizeof entities / sizeof *entities; i++)
    if (strncmp(at, entities[i].name, strlen(entities[i].name)) == 0)
      *(*out)++ = entities[i].meaning;
  return strchr(at, ';') + 1;
}

/* One character of data: what CR LF and CR become is one, too. */
static const char *decode_plain(const char *at, char **out)
{
  *(*out)++ = *at == '\r' ? '\n' : *at;
  return at + (at[0] == '\r' && at[1] == '\n' ? 2 : 1);
}

enum vmf_code vmf_xml_attribute_value(const xmlNode *element,
                                      const struct vmf_xml_attribute *attribute, char **value,
                                      struct vmf_error *error)
{
  const char *text = xml_of(element)->text;
  const char *at = text + attribute->value, *end = text + attribute->value_end;
  void *memory = NULL;

  VMF_TRY(vmf_alloc((size_t)(end - at) + 1, &memory, error));
  char *out = memory;
  *value = out;
  while (at < end) {
    if (*at == '&') {
      at = decode_reference(at, &out);
      continue;
    }
    at = decode_plain(at, &out);
    if (vmf_xml_is_space(out[-1]))
      out[-1] = ' ';
  }
  return VMF_OK;
}

enum vmf_code vmf_xml_attribute(const xmlNode *element, const char *uri, const char *name,
                                char **value, struct vmf_error *error)
{
  struct vmf_xml_attribute attribute = {0}, found = {0};

  *value = NULL;
  while (vmf_xml_attribute_next(element, &attribute)) {
    if (!vmf_xml_attribute_is(&attribute, name))
      continue;
    const xmlNs *ns = uri ? vmf_xml_attribute_namespace(element, &attribute) : NULL;
    if (ns && strcmp((const char *)ns->href, uri) == 0)
      return vmf_xml_attribute_value(element, &attribute, value, error);
    if (!attribute.prefix)
      found = attribute;
  }
  return found.name ? vmf_xml_attribute_value(element, &found, value, error) : VMF_OK;
}

/* ---- character data ---- */

static const char *behind(const char *at, const char *close)
{
  return strstr(at, close) + strlen(close);
}

/* Behind a tag: a '>' may stand in a value. */
static const char *behind_tag(const char *at)
{
  while (*at != '>') {
    if (*at == '"' || *at == '\'')
      at = strchr(at + 1, *at);
    at++;
  }
  return at + 1;
}

static const char *decode_markup(const char *at, char **out)
{
  if (strncmp(at, "<!--", 4) == 0)
    return behind(at + 4, "-->");
  if (strncmp(at, "<?", 2) == 0)
    return behind(at, "?>");
  if (strncmp(at, "<![CDATA[", 9) != 0)
    return behind_tag(at);
  for (at += 9; strncmp(at, "]]>", 3) != 0;)
    at = decode_plain(at, out);
  return at + 3;
}

static void trim(char *text, const char *end)
{
  const char *start = text;

  while (start < end && vmf_xml_is_space(*start))
    start++;
  while (end > start && vmf_xml_is_space(end[-1]))
    end--;
  memmove(text, start, (size_t)(end - start));
  text[end - start] = '\0';
}

enum vmf_code vmf_xml_text(const xmlNode *element, char **text, struct vmf_error *error)
{
  const struct vmf_xml_span *span = span_of(element);
  const char *at = xml_of(element)->text + span->tag_end;
  const char *end = xml_of(element)->text + span->content_end;
  void *memory = NULL;

  *text = NULL;
  VMF_TRY(vmf_alloc((size_t)(end - at) + 1, &memory, error));
  char *out = memory;
  *text = out;
  while (at < end) {
    if (*at == '<')
      at = decode_markup(at, &out);
    else if (*at == '&')
      at = decode_reference(at, &out);
    else
      at = decode_plain(at, &out);
  }
  trim(*text, out);
  return VMF_OK;
}
