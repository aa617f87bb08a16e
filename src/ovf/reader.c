/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "reader.h"

#include <string.h>

#include "checked.h"
#include "extension.h"
#include "memory.h"
#include "text.h"

#define NS_XML_SCHEMA "http://www.w3.org/2001/XMLSchema"

/* The envelope's namespace in all versions; the last two: before 0.9, and oVirt's. */
static const char *const envelopes[] = {VMF_NS_OVF_1, VMF_NS_OVF_2, VMF_NS_OVF_0_9,
                                        "http://schemas.dmtf.org/ovf/envelope",
                                        "http://schemas.dmtf.org/ovf/envelope/1/"};

bool vmf_reader_is_envelope_uri(const char *uri, size_t length)
{
  for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++)
    if (strlen(envelopes[i]) == length && memcmp(uri, envelopes[i], length) == 0)
      return true;
  return false;
}

bool vmf_reader_is_envelope(const xmlNs *ns)
{
  return !ns || vmf_reader_is_envelope_uri((const char *)ns->href, strlen((const char *)ns->href));
}

bool vmf_reader_is_cim(const xmlNode *element, const char *class_name)
{
  const char *uri = element->ns ? (const char *)element->ns->href : "";
  const char *slash = strrchr(uri, '/');
  size_t length = strlen(class_name);

  if (strncmp(uri, "http://schemas.dmtf.org/", 24) != 0 || !slash)
    return false;
  return strncmp(slash + 1, class_name, length) == 0 &&
         (slash[1 + length] == '\0' || strcmp(slash + 1 + length, ".xsd") == 0);
}

bool vmf_reader_is(const xmlNode *element, const char *name)
{
  return vmf_xml_is(element, NULL, name) && vmf_reader_is_envelope(element->ns);
}

/* The attribute that says what a <Section> is: xsi:type, or xs:name in the oldest. */
static bool find_type(const xmlNode *element, struct vmf_xml_attribute *type)
{
  *type = (struct vmf_xml_attribute){0};
  while (vmf_xml_attribute_next(element, type)) {
    bool is_type = vmf_xml_attribute_is(type, "type");
    if (!is_type && !vmf_xml_attribute_is(type, "name"))
      continue;
    const xmlNs *ns = vmf_xml_attribute_namespace(element, type);
    if (ns && strcmp((const char *)ns->href, is_type ? VMF_NS_XSI : NS_XML_SCHEMA) == 0)
      return true;
  }
  return false;
}

/* Whether the prefix before the colon of a type is one of the envelope's namespaces. */
static bool is_own_prefix(const xmlNode *element, const char *type, const char *colon)
{
  const struct vmf_xml_attribute qualified = {.prefix = type,
                                              .prefix_length = (size_t)(colon - type)};

  return vmf_reader_is_envelope(vmf_xml_attribute_namespace(element, &qualified));
}

const char *vmf_reader_kind(const xmlNode *element, size_t *length, bool *own)
{
  const struct vmf_xml *xml = element->doc->_private;
  const char *name = (const char *)element->name;
  struct vmf_xml_attribute type;

  *own = vmf_reader_is_envelope(element->ns) &&
         (element->ns || !strchr(name, ':')); /* a prefix that is not declared */
  *length = strlen(name);
  if (!*own || (strcmp(name, "Section") != 0 && strcmp(name, "Content") != 0) ||
      !find_type(element, &type))
    return name;
  const char *text = xml->text + type.value;
  *length = type.value_end - type.value;
  const char *colon = memchr(text, ':', *length);
  if (colon) {
    *own = is_own_prefix(element, text, colon);
    *length -= (size_t)(colon + 1 - text);
    text = colon + 1;
  }
  if (*length > 5 && memcmp(text + *length - 5, "_Type", 5) == 0)
    *length -= 5;
  return text;
}

/* The parser says that a prefix is not declared; the name counts all the same. */
enum vmf_code vmf_reader_attribute(struct vmf_ovf_reader *reader, const xmlNode *element,
                                   const char *name, char **value)
{
  struct vmf_xml_attribute attribute = {0}, found = {0};
  bool qualified = false;

  *value = NULL;
  while (!qualified && vmf_xml_attribute_next(element, &attribute)) {
    if (!vmf_xml_attribute_is(&attribute, name))
      continue;
    const xmlNs *ns = vmf_xml_attribute_namespace(element, &attribute);
    qualified = ns && vmf_reader_is_envelope(ns);
    if (qualified || (!ns && !found.name))
      found = attribute;
  }
  if (!found.name)
    return VMF_OK;
  return vmf_xml_attribute_value(element, &found, value, reader->error);
}

enum vmf_code vmf_reader_flag(struct vmf_ovf_reader *reader, const xmlNode *element,
                              const char *name, bool otherwise, bool *flag)
{
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(vmf_reader_attribute(reader, element, name, &text));
  if (!text)
    *flag = otherwise;
  else if (vmf_text_equal_nocase(text, "true") || strcmp(text, "1") == 0)
    *flag = true;
  else if (vmf_text_equal_nocase(text, "false") || strcmp(text, "0") == 0)
    *flag = false;
  else
    *flag = otherwise;
  return VMF_OK;
}

static const char *skip_blanks(const char *text)
{
  return text + strspn(text, " \t\r\n");
}

bool vmf_reader_number(const char *text, uint64_t *number)
{
  const char *at = skip_blanks(text);

  return vmf_take_decimal(&at, number) && *skip_blanks(at) == '\0';
}

enum vmf_code vmf_reader_attributes(struct vmf_ovf_reader *reader, const xmlNode *element,
                                    const struct vmf_reader_field *fields, size_t count,
                                    void *structure)
{
  for (size_t i = 0; i < count; i++) {
    char **field = (char **)(void *)((char *)structure + fields[i].offset);
    VMF_TRY(vmf_reader_attribute(reader, element, fields[i].name, field));
  }
  return VMF_OK;
}

enum vmf_code vmf_reader_child(struct vmf_ovf_reader *reader, const xmlNode *child,
                               const struct vmf_reader_field *fields, size_t count, void *structure,
                               bool *found)
{
  *found = false;
  for (size_t i = 0; i < count; i++) {
    if (strcmp((const char *)child->name, fields[i].name) != 0)
      continue;
    *found = true;
    return vmf_reader_text(reader, child, (char **)(void *)((char *)structure + fields[i].offset));
  }
  return VMF_OK;
}

enum vmf_code vmf_reader_append(struct vmf_ovf_reader *reader, void *list, size_t *count,
                                size_t size, void **slot)
{
  void *old;

  memcpy(&old, list, sizeof old);
  if (*count == 0 || vmf_is_power_of_two(*count)) { /* full */
    void *larger = NULL;
    VMF_TRY(vmf_alloc((*count ? *count * 2 : 1) * size, &larger, reader->error));
    if (old)
      memcpy(larger, old, *count * size);
    vmf_free(old);
    memcpy(list, &larger, sizeof larger);
    old = larger;
  }
  *slot = (char *)old + (*count)++ * size;
  return VMF_OK;
}

enum vmf_code vmf_reader_unknown(struct vmf_ovf_reader *reader, const xmlNode *element,
                                 bool among_sections)
{
  struct vmf_ovf *ovf = reader->ovf;
  VMF_AUTO_FREE char *key = NULL;
  void *slot = NULL;
  size_t length;
  bool own;

  VMF_TRY(
      vmf_reader_append(reader, &ovf->unknown, &ovf->unknown_count, sizeof *ovf->unknown, &slot));
  struct vmf_ovf_unknown *unknown = slot;
  unknown->line = vmf_xml_line(element);
  VMF_TRY(vmf_reader_flag(reader, element, "required", true, &unknown->required));
  const char *kind = vmf_reader_kind(element, &length, &own);
  unknown->refused = vmf_extension_severity(element, own, among_sections, unknown->required) ==
                     VMF_SEVERITY_VIOLATION;
  if (kind != (const char *)element->name)
    return vmf_format(&unknown->name, reader->error, "%.*s", (int)length, kind);
  VMF_TRY(vmf_xml_attribute(element, VMF_NS_VMW, "key", &key, reader->error));
  const char *prefix = element->ns ? (const char *)element->ns->prefix : NULL;
  return vmf_format(&unknown->name, reader->error, "%s%s%s%s%s", prefix ? prefix : "",
                    prefix ? ":" : "", kind, key && !own ? " " : "", key && !own ? key : "");
}

xmlNode *vmf_reader_first(const xmlNode *parent)
{
  return vmf_xml_find(parent->children, NULL, NULL);
}

xmlNode *vmf_reader_next(const xmlNode *node)
{
  return vmf_xml_find(node->next, NULL, NULL);
}
