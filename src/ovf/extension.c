/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "extension.h"

#include <string.h>

/* Extensions that their vendor's and most other products cope with, and that stay meaningful when
 * nothing in them is touched. */
static bool is_of_vendor(const xmlNode *element)
{
  static const char *const starts[] = {"http://www.vmware.com/", VMF_NS_VBOX,
                                       "http://www.citrix.com/xenserver",
                                       "http://schemas.citrix.com/", "http://www.ovirt.org/"};
  const char *uri = element->ns ? (const char *)element->ns->href : "";

  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
    if (strncmp(uri, starts[i], strlen(starts[i])) == 0)
      return true;
  return false;
}

enum vmf_severity vmf_extension_severity(const xmlNode *element, bool own, bool among_sections,
                                         bool required)
{
  bool anywhere = !own && !among_sections; /* xs:any, ##other, lax */
  bool vendor = is_of_vendor(element);

  if (!required || (anywhere && vendor))
    return VMF_SEVERITY_NOTE;
  return anywhere || vendor ? VMF_SEVERITY_WARNING : VMF_SEVERITY_VIOLATION;
}

bool vmf_extension_is_bundle(const xmlNode *element)
{
  const char *name = (const char *)element->name;
  const char *colon = element->ns ? NULL : strchr(name, ':'); /* a prefix that is not declared */
  const char *local = colon ? colon + 1 : name;

  if (strcmp(local, "Msg") == 0)
    return element->parent && element->parent->type == XML_ELEMENT_NODE &&
           vmf_extension_is_bundle(element->parent);
  return strcmp(local, "Strings") == 0;
}
