/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Who wrote a descriptor: by the namespaces that are used, not those that are only declared, and by
 * the hardware families. */
#include <string.h>

#include "reader.h"

static const struct {
  const char *start;
  enum vmf_ovf_dialect dialect;
} vendors[] = {
    {"http://www.ovirt.org/", VMF_DIALECT_OVIRT},
    {"http://www.virtualbox.org/", VMF_DIALECT_VIRTUALBOX},
    {"http://www.citrix.com/", VMF_DIALECT_XENSERVER},
    {"http://schemas.citrix.com/", VMF_DIALECT_XENSERVER},
    {"http://www.vmware.com/", VMF_DIALECT_VMWARE},
    {"http://schemas.dmtf.org/", VMF_DIALECT_STANDARD},
    {"http://www.w3.org/", VMF_DIALECT_STANDARD},
};

static const struct {
  const char *start;
  enum vmf_ovf_dialect dialect;
} families[] = {
    {"virtualbox", VMF_DIALECT_VIRTUALBOX},
    {"vmx-", VMF_DIALECT_VMWARE},
    {"xen", VMF_DIALECT_XENSERVER},
    {"hvm-3.0", VMF_DIALECT_XENSERVER},
};

static enum vmf_ovf_dialect dialect_of_namespace(const xmlNs *ns)
{
  if (vmf_reader_is_envelope(ns))
    return VMF_DIALECT_STANDARD;
  for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++)
    if (strncmp((const char *)ns->href, vendors[i].start, strlen(vendors[i].start)) == 0)
      return vendors[i].dialect;
  return VMF_DIALECT_OTHER;
}

/* What has been met; the namespace that was looked at last is mostly the next one, too. */
struct met {
  bool dialects[VMF_DIALECT_OTHER + 1];
  const xmlNs *last;
};

static void meet(struct met *met, const xmlNs *ns)
{
  if (!ns || ns == met->last)
    return;
  met->last = ns;
  met->dialects[dialect_of_namespace(ns)] = true;
}

static void meet_families(struct met *met, const char *text)
{
  for (const char *at = text; at && *at; at += strcspn(at, " ,\t\n")) {
    at += strspn(at, " ,\t\n");
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
      if (strncmp(at, families[i].start, strlen(families[i].start)) == 0)
        met->dialects[families[i].dialect] = true;
  }
}

enum vmf_ovf_dialect vmf_reader_dialect(const struct vmf_ovf *ovf)
{
  static const enum vmf_ovf_dialect ranks[] = {VMF_DIALECT_OVIRT, VMF_DIALECT_VIRTUALBOX,
                                               VMF_DIALECT_XENSERVER, VMF_DIALECT_VMWARE,
                                               VMF_DIALECT_OTHER};
  struct met met = {0};

  for (size_t i = 0; i < ovf->xml->count; i++) {
    const xmlNode *element = ovf->xml->elements[i];
    meet(&met, element->ns);
    struct vmf_xml_attribute attribute = {0};
    while (vmf_xml_attribute_next(element, &attribute))
      meet(&met, vmf_xml_attribute_namespace(element, &attribute));
  }
  for (size_t i = 0; i < ovf->system_count; i++)
    meet_families(&met, ovf->systems[i].families);
  if (strcmp(ovf->uri, "http://schemas.dmtf.org/ovf/envelope/1/") == 0)
    return VMF_DIALECT_OVIRT;
  for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++)
    if (met.dialects[ranks[i]])
      return ranks[i];
  return VMF_DIALECT_STANDARD;
}
