/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The keys of a configuration in XML, as Hyper-V wrote it from 2008 to 2012 R2: an element is a
 * key, its text the value, its attribute `type` how the value is stored. */
#include <string.h>

#include "hyperv.h"
#include "memory.h"
#include "xml.h"

static enum vmf_code add_attributes(const xmlNode *element, struct hyperv_tree *tree, size_t parent,
                                    bool *typed, struct vmf_error *error)
{
  struct vmf_xml_attribute attribute = {0};

  *typed = false;
  while (vmf_xml_attribute_next(element, &attribute)) {
    VMF_AUTO_FREE char *value = NULL, *name = NULL;
    size_t index;
    if (!attribute.prefix && vmf_xml_attribute_is(&attribute, "type")) {
      *typed = true;
      continue;
    }
    VMF_TRY(vmf_xml_attribute_value(element, &attribute, &value, error));
    VMF_TRY(vmf_format(&name, error, "@%.*s", (int)attribute.name_length, attribute.name));
    const struct hyperv_key key = {
        .parent = parent, .name = name, .value = value, .line = vmf_xml_line(element)};
    VMF_TRY(hyperv_tree_add(tree, &key, &index, error));
  }
  return VMF_OK;
}

static enum vmf_code add_element(const xmlNode *element, struct hyperv_tree *tree, size_t *indices,
                                 struct vmf_error *error)
{
  bool root = !element->parent || element->parent->type != XML_ELEMENT_NODE, typed;
  const struct hyperv_key key = {.parent =
                                     root ? HYPERV_ROOT : indices[vmf_xml_index(element->parent)],
                                 .name = (char *)element->name,
                                 .order = (uint32_t)vmf_xml_index(element),
                                 .line = vmf_xml_line(element)};
  VMF_AUTO_FREE char *text = NULL;
  size_t index;

  VMF_TRY(hyperv_tree_add(tree, &key, &index, error));
  indices[vmf_xml_index(element)] = index;
  VMF_TRY(add_attributes(element, tree, index, &typed, error));
  if (vmf_xml_find(element->children, NULL, NULL))
    return VMF_OK;
  VMF_TRY(vmf_xml_text(element, &text, error));
  return typed || *text ? vmf_copy_text(text, &tree->keys[index].value, error) : VMF_OK;
}

static enum vmf_code add_elements(const struct vmf_xml *xml, struct hyperv_tree *tree,
                                  struct vmf_error *error)
{
  VMF_AUTO_FREE void *indices = NULL;

  VMF_TRY(vmf_alloc(xml->count * sizeof(size_t), &indices, error));
  for (size_t i = 0; i < xml->count; i++)
    VMF_TRY(add_element(xml->elements[i], tree, indices, error));
  return VMF_OK;
}

enum vmf_code hyperv_xml_keys(const struct vmf_machine_source *source, struct vmf_report *report,
                              struct hyperv_tree *tree, struct vmf_error *error)
{
  struct vmf_xml *xml = NULL;

  VMF_TRY(vmf_xml_parse(source->name, source->bytes, source->length, report, &xml, error));
  enum vmf_code code = add_elements(xml, tree, error);
  vmf_xml_free(xml);
  return code;
}
