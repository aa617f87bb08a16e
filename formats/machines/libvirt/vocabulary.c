/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which elements and attributes are libvirt's. */
#include <string.h>

#include "reading.h"

#define LIBVIRT_URI "http://libvirt.org/schemas/domain/"

/* ---- looking ---- */

static bool is_own(const xmlNode *element, const char *name)
{
  return !element->ns && strcmp((const char *)element->name, name) == 0;
}

static xmlNode *own_from(xmlNode *element, const char *name)
{
  for (; element; element = element->next)
    if (is_own(element, name))
      return element;
  return NULL;
}

xmlNode *libvirt_child(const xmlNode *parent, const char *name)
{
  return parent ? own_from(parent->children, name) : NULL;
}

xmlNode *libvirt_next(const xmlNode *element)
{
  return own_from(element->next, (const char *)element->name);
}

/* ---- known or not ---- */

static bool is_libvirts(const xmlNs *ns)
{
  return ns && strncmp((const char *)ns->href, LIBVIRT_URI, strlen(LIBVIRT_URI)) == 0;
}

static bool knows_element(const xmlNode *element)
{
  return element->ns ? is_libvirts(element->ns)
                     : libvirt_knows_element((const char *)element->name);
}

static bool knows_attribute(const xmlNode *element, const struct vmf_xml_attribute *attribute)
{
  if (attribute->prefix)
    return is_libvirts(vmf_xml_attribute_namespace(element, attribute));
  return (element->ns && is_libvirts(element->ns)) ||
         libvirt_knows_attribute(attribute->name, attribute->name_length);
}

static bool is_secret(const xmlNode *element, const struct vmf_xml_attribute *attribute)
{
  (void)element;
  return vmf_xml_attribute_is(attribute, "passwd");
}

/* Of a web server that a disk is read from. */
static bool is_secret_element(const xmlNode *element)
{
  return is_own(element, "cookies");
}

const struct vmf_vocabulary libvirt_vocabulary = {
    .vendor = "libvirt",
    .knows_element = knows_element,
    .knows_attribute = knows_attribute,
    .is_secret = is_secret,
    .is_secret_element = is_secret_element,
    .foreign = "metadata",
};
