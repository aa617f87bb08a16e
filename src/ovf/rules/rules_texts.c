/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Rules about products and their properties, deployment options, the order of starting, and files
 * that other elements than disks lead to. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "memory.h"
#include "rules_parts.h"

/* ---- properties ---- */

static enum vmf_severity type_severity(const char *type)
{
  static const char *const types[] = {"uint8",  "sint8",  "uint16", "sint16",  "uint32", "sint32",
                                      "uint64", "sint64", "string", "boolean", "real32", "real64"};

  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (strcmp(types[i], type) == 0)
      return VMF_SEVERITY_NOTE;
  /* VMware's own: int, ip, ip:Network, string[a,b], String, password(...) */
  if (strcmp(type, "int") == 0 || strncmp(type, "ip", 2) == 0 ||
      strncasecmp(type, "string", 6) == 0 || strncmp(type, "password", 8) == 0 ||
      strncmp(type, "real", 4) == 0 || strcmp(type, "expression") == 0)
    return VMF_SEVERITY_WARNING;
  return VMF_SEVERITY_VIOLATION;
}

static enum vmf_code check_configurations(struct vmf_rules *rules, const xmlNode *element,
                                          struct vmf_error *error)
{
  VMF_AUTO_FREE char *ids = NULL;
  char *rest;

  VMF_TRY(vmf_rules_attribute(rules, element, "configuration", &ids, error));
  if (!ids)
    return VMF_OK;
  for (char *id = strtok_r(ids, " \t\r\n", &rest); id; id = strtok_r(NULL, " \t\r\n", &rest))
    if (!vmf_names_find(&rules->configurations, id))
      vmf_rules_add(rules, VMF_SEVERITY_WARNING, "configuration-unknown", element,
                    "a value is for the configuration \"%s\", which the DeploymentOptionSection "
                    "does not have",
                    id);
  return VMF_OK;
}

static enum vmf_code check_property(struct vmf_rules *rules, const xmlNode *property,
                                    struct vmf_names *keys, struct vmf_error *error)
{
  VMF_AUTO_FREE char *key = NULL;
  VMF_AUTO_FREE char *type = NULL;

  VMF_TRY(vmf_rules_attribute(rules, property, "key", &key, error));
  VMF_TRY(vmf_rules_attribute(rules, property, "type", &type, error));
  if (type && type[0] && type_severity(type) != VMF_SEVERITY_NOTE)
    vmf_rules_add(rules, type_severity(type), "property-type", property,
                  "the property \"%s\" is of type \"%s\", expected one of uint8 to uint64, sint8 "
                  "to sint64, string, boolean, real32, real64",
                  key ? key : "", type);
  if (key && strpbrk(key, ".:") && !rules->property_key_told) {
    rules->property_key_told = true;
    vmf_rules_add(
        rules, VMF_SEVERITY_NOTE, "property-key", property,
        "the property key \"%s\" has a '.' or ':', which the standard keeps for class and "
        "instance",
        key);
  }
  for (const xmlNode *value = xmlFirstElementChild((xmlNode *)property); value;
       value = xmlNextElementSibling((xmlNode *)value))
    if (vmf_rules_own(rules, value) && strcmp((const char *)value->name, "Value") == 0)
      VMF_TRY(check_configurations(rules, value, error));
  return vmf_names_add(keys, key, vmf_xml_line(property), error);
}

static void tell_repeats(struct vmf_rules *rules, const struct vmf_names *names, const char *rule,
                         const char *what)
{
  for (size_t i = 1; i < names->count; i++)
    if (vmf_names_repeats(names, i))
      vmf_report_add(rules->report, VMF_SEVERITY_VIOLATION, rule, rules->ovf->name,
                     names->entries[i].line, "%s \"%s\" is there twice (first in line %u)", what,
                     names->entries[i].text, names->entries[i - 1].line);
}

static enum vmf_code check_file_ref(struct vmf_rules *rules, const xmlNode *element,
                                    struct vmf_error *error)
{
  VMF_AUTO_FREE char *file = NULL;

  VMF_TRY(vmf_rules_attribute(rules, element, "fileRef", &file, error));
  if (file && file[0] && !vmf_names_find(&rules->files, file))
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "file-unknown", element,
                  "%s leads to the file \"%s\", which References does not have",
                  (const char *)element->name, file);
  return VMF_OK;
}

static enum vmf_code check_product(struct vmf_rules *rules, const xmlNode *product,
                                   struct vmf_error *error)
{
  struct vmf_names keys = {0};
  enum vmf_code code = VMF_OK;

  for (const xmlNode *child = xmlFirstElementChild((xmlNode *)product); child && code == VMF_OK;
       child = xmlNextElementSibling((xmlNode *)child)) {
    if (!vmf_rules_own(rules, child))
      continue;
    if (strcmp((const char *)child->name, "Property") == 0)
      code = check_property(rules, child, &keys, error);
    else if (strcmp((const char *)child->name, "Icon") == 0)
      code = check_file_ref(rules, child, error);
  }
  vmf_names_sort(&keys);
  if (code == VMF_OK)
    tell_repeats(rules, &keys, "property-key-duplicate", "the property");
  vmf_names_clear(&keys);
  return code;
}

/* Class and instance tell the products of one system apart. */
static enum vmf_code add_product(struct vmf_rules *rules, const xmlNode *product,
                                 struct vmf_names *products, struct vmf_error *error)
{
  VMF_AUTO_FREE char *class_id = NULL;
  VMF_AUTO_FREE char *instance = NULL;
  VMF_AUTO_FREE char *both = NULL;

  VMF_TRY(vmf_rules_attribute(rules, product, "class", &class_id, error));
  VMF_TRY(vmf_rules_attribute(rules, product, "instance", &instance, error));
  if (!class_id && !instance)
    return VMF_OK;
  VMF_TRY(vmf_format(&both, error, "%s.%s", class_id ? class_id : "", instance ? instance : ""));
  return vmf_names_add(products, both, vmf_xml_line(product), error);
}

/* ---- systems and collections ---- */

static enum vmf_code check_startup(struct vmf_rules *rules, const xmlNode *section,
                                   struct vmf_error *error)
{
  for (const xmlNode *item = xmlFirstElementChild((xmlNode *)section); item;
       item = xmlNextElementSibling((xmlNode *)item)) {
    VMF_AUTO_FREE char *id = NULL;
    if (!vmf_rules_own(rules, item) || strcmp((const char *)item->name, "Item") != 0)
      continue;
    VMF_TRY(vmf_rules_attribute(rules, item, "id", &id, error));
    if (id && id[0] && !vmf_names_find(&rules->systems, id))
      vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "startup-unknown", item,
                    "the order of starting names \"%s\", which is no system of the package", id);
  }
  return VMF_OK;
}

static enum vmf_code check_content(struct vmf_rules *rules, const xmlNode *content,
                                   struct vmf_names *products, struct vmf_error *error)
{
  for (const xmlNode *child = xmlFirstElementChild((xmlNode *)content); child;
       child = xmlNextElementSibling((xmlNode *)child)) {
    VMF_AUTO_FREE char *kind = NULL;
    if (!vmf_rules_own(rules, child))
      continue;
    VMF_TRY(vmf_rules_kind(rules, child, &kind, error));
    if (strcmp(kind, "ProductSection") == 0) {
      VMF_TRY(check_product(rules, child, error));
      VMF_TRY(add_product(rules, child, products, error));
    } else if (strcmp(kind, "StartupSection") == 0) {
      VMF_TRY(check_startup(rules, child, error));
    } else if (strcmp(kind, "EnvironmentFilesSection") == 0) {
      VMF_TRY(vmf_rules_visit(rules, child, "File", check_file_ref, error));
    }
  }
  return VMF_OK;
}

static enum vmf_code system_content(struct vmf_rules *rules, const xmlNode *content,
                                    struct vmf_error *error)
{
  struct vmf_names products = {0};
  enum vmf_code code = check_content(rules, content, &products, error);

  vmf_names_sort(&products);
  if (code == VMF_OK)
    tell_repeats(rules, &products, "product-duplicate", "a ProductSection with class.instance");
  vmf_names_clear(&products);
  return code;
}

/* Systems and collections among the children of `parent`, and what is in them. */
static enum vmf_code check_contents(struct vmf_rules *rules, const xmlNode *parent,
                                    struct vmf_error *error)
{
  for (const xmlNode *child = xmlFirstElementChild((xmlNode *)parent); child;
       child = xmlNextElementSibling((xmlNode *)child)) {
    VMF_AUTO_FREE char *kind = NULL;
    VMF_TRY(vmf_rules_kind(rules, child, &kind, error));
    if (strcmp(kind, "Strings") == 0)
      VMF_TRY(check_file_ref(rules, child, error));
    if (!vmf_rules_own(rules, child) || strncmp(kind, "VirtualSystem", 13) != 0)
      continue;
    VMF_TRY(system_content(rules, child, error));
    if (strcmp(kind, "VirtualSystemCollection") == 0)
      VMF_TRY(check_contents(rules, child, error));
  }
  return VMF_OK;
}

/* ---- the envelope ---- */

static void check_defaults(struct vmf_rules *rules)
{
  unsigned defaults = 0;

  for (size_t i = 0; i < rules->ovf->configuration_count; i++)
    defaults += rules->ovf->configurations[i].is_default;
  if (defaults > 1)
    vmf_report_add(rules->report, VMF_SEVERITY_WARNING, "configuration-defaults", rules->ovf->name,
                   0, "%u configurations are the default, expected one", defaults);
}

enum vmf_code vmf_rules_texts(struct vmf_rules *rules, struct vmf_error *error)
{
  check_defaults(rules);
  return check_contents(rules, xmlDocGetRootElement(rules->ovf->xml->doc), error);
}
