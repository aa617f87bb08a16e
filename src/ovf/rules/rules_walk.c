/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Walks a descriptor along the table of rules_table.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extension.h"
#include "memory.h"
#include "rules_parts.h"
#include "rules_table.h"
#include "text.h"

enum { CHILDREN_MAX = 16, DEPTH_MAX = VMF_XML_DEPTH };

static unsigned version_of(const struct vmf_rules *rules)
{
  switch (rules->ovf->version) {
  case VMF_OVF_0_9:
    return VMF_RULE_0_9;
  case VMF_OVF_1:
    return VMF_RULE_1;
  default:
    return VMF_RULE_2;
  }
}

/* ---- attributes ---- */

static bool fits(enum vmf_rule_value kind, const char *value, const char **expected)
{
  uint64_t number;

  switch (kind) {
  case VMF_RULE_TEXT:
    return true;
  case VMF_RULE_WORD:
    *expected = "a text";
    return value[0] != '\0';
  case VMF_RULE_BOOLEAN:
    *expected = "true or false";
    return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 || strcmp(value, "1") == 0 ||
           strcmp(value, "0") == 0;
  case VMF_RULE_SHORT:
    *expected = "a number from 0 to 65535";
    return vmf_decimal(value, &number) && number <= UINT16_MAX;
  default:
    *expected = "a number";
    return vmf_decimal(value, &number);
  }
}

static bool is_qualified(const struct vmf_rules *rules, const xmlNode *element, const char *name)
{
  struct vmf_xml_attribute attribute = {0};

  while (vmf_xml_attribute_next(element, &attribute)) {
    if (!vmf_xml_attribute_is(&attribute, name))
      continue;
    const xmlNs *ns = vmf_xml_attribute_namespace(element, &attribute);
    if (ns && strcmp((const char *)ns->href, rules->uri) == 0)
      return true;
  }
  return false;
}

static enum vmf_code check_attribute(struct vmf_rules *rules, const xmlNode *element,
                                     const struct vmf_rule_attribute *row, struct vmf_error *error)
{
  VMF_AUTO_FREE char *found = NULL;
  const char *expected = "";

  VMF_TRY(vmf_rules_attribute(rules, element, row->name, &found, error));
  if (!found) {
    if (row->missing != VMF_SEVERITY_NOTE)
      vmf_rules_add(rules, row->missing, "attribute-missing", element, "%s has no attribute %s",
                    (const char *)element->name, row->name);
    return VMF_OK;
  }
  if (!rules->unqualified_told && !is_qualified(rules, element, row->name)) {
    rules->unqualified_told = true;
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "attribute-unqualified", element,
                  "%s has the attribute %s without a prefix, expected ovf:%s",
                  (const char *)element->name, row->name, row->name);
  }
  if (!fits(row->value, found, &expected))
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "attribute-value", element,
                  "%s has %s=\"%s\", expected %s", (const char *)element->name, row->name, found,
                  expected);
  return VMF_OK;
}

/* ---- children ---- */

/* What has been seen so far of the children of one element. */
struct walk {
  const struct vmf_rule_element *spec;
  const xmlNode *parent;
  unsigned depth;
  unsigned last_rank;
  const char *last_name;
  bool order_told;
  unsigned counts[CHILDREN_MAX];
  unsigned contents;
  struct vmf_names once; /* sections that may stand here once */
};

static enum vmf_code check_element(struct vmf_rules *rules, const xmlNode *element,
                                   const struct vmf_rule_element *spec, unsigned depth,
                                   struct vmf_error *error);

/* In the envelope readers go by the order; further in they do not. */
static void check_order(struct vmf_rules *rules, struct walk *walk, const xmlNode *child,
                        unsigned rank)
{
  if (rank < walk->last_rank && !walk->order_told) {
    walk->order_told = true;
    vmf_rules_add(rules,
                  walk->spec == &vmf_rule_envelope ? VMF_SEVERITY_VIOLATION : VMF_SEVERITY_WARNING,
                  "element-order", child, "%s stands behind %s in %s, expected before it",
                  (const char *)child->name, walk->last_name, (const char *)walk->parent->name);
  }
  if (rank >= walk->last_rank) {
    walk->last_rank = rank;
    walk->last_name = (const char *)child->name;
  }
}

static enum vmf_code check_version(struct vmf_rules *rules, const xmlNode *child, const char *kind,
                                   unsigned versions, struct vmf_error *error)
{
  bool dispensable;

  if (versions == 0 || (versions & version_of(rules)))
    return VMF_OK;
  VMF_TRY(vmf_rules_dispensable(rules, child, &dispensable, error));
  vmf_rules_add(rules, dispensable ? VMF_SEVERITY_WARNING : VMF_SEVERITY_VIOLATION,
                "element-version", child, "%s belongs to OVF 2, the descriptor is OVF %s", kind,
                rules->ovf->version == VMF_OVF_1 ? "1" : "0.9");
  return VMF_OK;
}

static enum vmf_code known_child(struct vmf_rules *rules, struct walk *walk, const xmlNode *child,
                                 size_t index, struct vmf_error *error)
{
  const struct vmf_rule_child *row = &walk->spec->children[index];

  check_order(rules, walk, child, row->rank);
  walk->counts[index]++;
  if (row->max && walk->counts[index] == row->max + 1)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "element-repeated", child,
                  "%s has more than one %s", (const char *)walk->parent->name, row->name);
  VMF_TRY(check_version(rules, child, row->name, row->versions, error));
  return row->element ? check_element(rules, child, row->element, walk->depth + 1, error) : VMF_OK;
}

static enum vmf_code content_child(struct vmf_rules *rules, struct walk *walk, const xmlNode *child,
                                   const char *kind, struct vmf_error *error)
{
  if (walk->spec->content_rank == 0) {
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "element-misplaced", child,
                  "%s in %s, expected in the envelope or a collection", kind,
                  (const char *)walk->parent->name);
    return VMF_OK;
  }
  check_order(rules, walk, child, walk->spec->content_rank);
  if (++walk->contents == 2 && walk->spec->one_content)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "content-repeated", child,
                  "a second %s in the envelope, expected exactly one VirtualSystem or "
                  "VirtualSystemCollection",
                  kind);
  return check_element(rules, child,
                       strcmp(kind, "VirtualSystem") == 0 ? &vmf_rule_system : &vmf_rule_collection,
                       walk->depth + 1, error);
}

static const char *place_name(unsigned places)
{
  if (places & VMF_RULE_IN_ENVELOPE)
    return "the envelope";
  if (places & VMF_RULE_IN_SYSTEM)
    return "a VirtualSystem";
  return "a VirtualSystemCollection";
}

static enum vmf_code section_child(struct vmf_rules *rules, struct walk *walk, const xmlNode *child,
                                   const struct vmf_rule_section *section, struct vmf_error *error)
{
  if (walk->spec->place)
    check_order(rules, walk, child, walk->spec->section_rank);
  if (!(walk->spec->place & section->places))
    vmf_rules_add(rules,
                  section->loose && rules->ovf->version == VMF_OVF_0_9 ? VMF_SEVERITY_WARNING
                                                                       : VMF_SEVERITY_VIOLATION,
                  "element-misplaced", child, "%s in %s, expected in %s", section->name,
                  (const char *)walk->parent->name, place_name(section->places));
  else if (section->once && vmf_names_find(&walk->once, section->name))
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "element-repeated", child,
                  "%s has more than one %s", (const char *)walk->parent->name, section->name);
  if (section->once && !vmf_names_find(&walk->once, section->name)) {
    VMF_TRY(vmf_names_add(&walk->once, section->name, 0, error));
    vmf_names_sort(&walk->once); /* a handful at most */
  }
  VMF_TRY(check_version(rules, child, section->name, section->versions, error));
  return section->element ? check_element(rules, child, section->element, walk->depth + 1, error)
                          : VMF_OK;
}

/* Nobody knows it: that is a reason to refuse the package, unless it says that it is dispensable.
 */
static enum vmf_code unknown_child(struct vmf_rules *rules, const struct walk *walk,
                                   const xmlNode *child, const char *kind, struct vmf_error *error)
{
  bool dispensable;

  VMF_TRY(vmf_rules_dispensable(rules, child, &dispensable, error));
  enum vmf_severity severity = vmf_extension_severity(child, vmf_rules_own(rules, child),
                                                      walk->spec->place != 0, !dispensable);
  if (severity == VMF_SEVERITY_NOTE)
    return VMF_OK;
  vmf_rules_add(rules, severity, "element-unknown", child,
                "%s in %s is no part of the standard and does not say ovf:required=\"false\": "
                "products that do not know it have to refuse the package",
                kind, (const char *)walk->parent->name);
  return VMF_OK;
}

/* OVF 0.9's form in a later envelope; once is enough. */
static void check_form(struct vmf_rules *rules, const xmlNode *child, const char *kind)
{
  const char *name = (const char *)child->name;

  if (rules->mixed_told || rules->ovf->version == VMF_OVF_0_9 ||
      (child->ns && strcmp(name, kind) == 0))
    return;
  rules->mixed_told = true;
  vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "envelope-mixed", child,
                "%s %s, in the form of OVF 0.9, in an envelope of the namespace %s, as "
                "VirtualCenter wrote it in 2008: other products do not find it",
                kind, child->ns ? "is a Section or Content with a type" : "is in no namespace",
                rules->uri);
}

static bool is_content(const char *kind)
{
  return strcmp(kind, "VirtualSystem") == 0 || strcmp(kind, "VirtualSystemCollection") == 0;
}

static enum vmf_code check_child(struct vmf_rules *rules, struct walk *walk, const xmlNode *child,
                                 struct vmf_error *error)
{
  VMF_AUTO_FREE char *kind = NULL;
  const struct vmf_rule_section *section;
  bool own = vmf_rules_own(rules, child), bundle = vmf_extension_is_bundle(child);

  VMF_TRY(vmf_rules_kind(rules, child, &kind, error));
  const char *colon = bundle ? strchr(kind, ':') : NULL;
  const char *name = colon ? colon + 1 : kind;
  if (own)
    check_form(rules, child, kind);
  for (size_t i = 0; walk->spec->children && walk->spec->children[i].name; i++)
    if (strcmp(walk->spec->children[i].name, name) == 0 && (own || bundle))
      return known_child(rules, walk, child, i, error);
  if (own && is_content(kind))
    return content_child(rules, walk, child, kind, error);
  if (own && (section = vmf_rule_section(kind)))
    return section_child(rules, walk, child, section, error);
  return unknown_child(rules, walk, child, kind, error);
}

static void check_missing(struct vmf_rules *rules, const struct walk *walk)
{
  const struct vmf_rule_element *spec = walk->spec;

  for (size_t i = 0; spec->children && spec->children[i].name; i++)
    if (walk->counts[i] == 0 && spec->children[i].missing != VMF_SEVERITY_NOTE)
      vmf_rules_add(rules, spec->children[i].missing, "element-missing", walk->parent,
                    "%s has no %s", (const char *)walk->parent->name, spec->children[i].name);
  if (spec->one_content && walk->contents == 0)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "content-missing", walk->parent,
                  "the envelope describes no VirtualSystem and no VirtualSystemCollection");
}

static enum vmf_code check_element(struct vmf_rules *rules, const xmlNode *element,
                                   const struct vmf_rule_element *spec, unsigned depth,
                                   struct vmf_error *error)
{
  struct walk walk = {.spec = spec, .parent = element, .depth = depth, .last_name = ""};
  enum vmf_code code = VMF_OK;

  if (depth > DEPTH_MAX)
    return VMF_OK; /* the reader has a bound, too */
  for (const struct vmf_rule_attribute *row = spec->attributes; row && row->name; row++)
    VMF_TRY(check_attribute(rules, element, row, error));
  for (const xmlNode *child = xmlFirstElementChild((xmlNode *)element); child && code == VMF_OK;
       child = xmlNextElementSibling((xmlNode *)child))
    code = check_child(rules, &walk, child, error);
  vmf_names_clear(&walk.once);
  if (code == VMF_OK)
    check_missing(rules, &walk);
  return code;
}

enum vmf_code vmf_rules_structure(struct vmf_rules *rules, struct vmf_error *error)
{
  return check_element(rules, xmlDocGetRootElement(rules->ovf->xml->doc), &vmf_rule_envelope, 0,
                       error);
}
