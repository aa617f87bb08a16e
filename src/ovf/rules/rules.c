/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The rule checker as a whole, and what its parts have in common. */
#include "rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "rules_parts.h"

void vmf_rules_add(struct vmf_rules *rules, enum vmf_severity severity, const char *rule,
                   const xmlNode *element, const char *format, ...)
{
  char text[1024];
  va_list values;

  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  vmf_report_add(rules->report, severity, rule, rules->ovf->name,
                 element ? vmf_xml_line(element) : 0, "%s", text);
}

enum vmf_code vmf_rules_attribute(const struct vmf_rules *rules, const xmlNode *element,
                                  const char *name, char **value, struct vmf_error *error)
{
  return vmf_xml_attribute(element, rules->uri, name, value, error);
}

bool vmf_rules_own(const struct vmf_rules *rules, const xmlNode *element)
{
  if (!element->ns) /* unless its prefix is not declared */
    return !strchr((const char *)element->name, ':');
  return strcmp((const char *)element->ns->href, rules->uri) == 0;
}

enum vmf_code vmf_rules_kind(const struct vmf_rules *rules, const xmlNode *element, char **kind,
                             struct vmf_error *error)
{
  static const char tail[] = "_Type";
  const char *name = (const char *)element->name;
  VMF_AUTO_FREE char *type = NULL;

  if (strcmp(name, "Section") == 0 || strcmp(name, "Content") == 0) {
    VMF_TRY(vmf_xml_attribute(element, VMF_NS_XSI, "type", &type, error));
    if (!type && rules->ovf->version == VMF_OVF_0_9 &&
        strcmp(rules->uri, VMF_NS_OVF_0_9) != 0) /* drafts */
      VMF_TRY(vmf_xml_attribute(element, "http://www.w3.org/2001/XMLSchema", "name", &type, error));
  }
  if (!type)
    return vmf_copy_text(name, kind, error);
  const char *colon = strchr(type, ':');
  const char *start = colon ? colon + 1 : type;
  size_t length = strlen(start);
  if (length > sizeof tail - 1 && strcmp(start + length - (sizeof tail - 1), tail) == 0)
    length -= sizeof tail - 1;
  return vmf_copy_bytes(start, length, kind, error);
}

enum vmf_code vmf_rules_dispensable(const struct vmf_rules *rules, const xmlNode *element,
                                    bool *dispensable, struct vmf_error *error)
{
  VMF_AUTO_FREE char *required = NULL;

  VMF_TRY(vmf_rules_attribute(rules, element, "required", &required, error));
  *dispensable = required && (strcmp(required, "false") == 0 || strcmp(required, "0") == 0);
  return VMF_OK;
}

enum vmf_code vmf_rules_visit(struct vmf_rules *rules, const xmlNode *top, const char *kind,
                              vmf_rules_visitor *visitor, struct vmf_error *error)
{
  for (const xmlNode *child = xmlFirstElementChild((xmlNode *)top); child;
       child = xmlNextElementSibling((xmlNode *)child)) {
    VMF_AUTO_FREE char *found = NULL;
    if (!vmf_rules_own(rules, child))
      continue;
    VMF_TRY(vmf_rules_kind(rules, child, &found, error));
    if (strcmp(found, kind) == 0)
      VMF_TRY(visitor(rules, child, error));
    else
      VMF_TRY(vmf_rules_visit(rules, child, kind, visitor, error));
  }
  return VMF_OK;
}

/* ---- what names lead to ---- */

static enum vmf_code collect(struct vmf_rules *rules, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = rules->ovf;

  for (size_t i = 0; i < ovf->file_count; i++)
    VMF_TRY(vmf_names_add(&rules->files, ovf->files[i].id, ovf->files[i].line, error));
  for (size_t i = 0; i < ovf->disk_count; i++)
    VMF_TRY(vmf_names_add(&rules->disks, ovf->disks[i].id, ovf->disks[i].line, error));
  for (size_t i = 0; i < ovf->network_count; i++)
    VMF_TRY(vmf_names_add(&rules->networks, ovf->networks[i].name, ovf->networks[i].line, error));
  for (size_t i = 0; i < ovf->configuration_count; i++)
    VMF_TRY(vmf_names_add(&rules->configurations, ovf->configurations[i].id, 0, error));
  for (size_t i = 0; i < ovf->system_count; i++)
    VMF_TRY(vmf_names_add(&rules->systems, ovf->systems[i].id, ovf->systems[i].line, error));
  struct vmf_names *all[] = {&rules->files, &rules->disks, &rules->networks, &rules->configurations,
                             &rules->systems};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    vmf_names_sort(all[i]);
  return VMF_OK;
}

static void check_unique(struct vmf_rules *rules, const struct vmf_names *names, const char *rule,
                         enum vmf_severity severity, const char *what)
{
  for (size_t i = 1; i < names->count; i++)
    if (vmf_names_repeats(names, i))
      vmf_report_add(rules->report, severity, rule, rules->ovf->name, names->entries[i].line,
                     "%s \"%s\" is there twice (first in line %u)", what, names->entries[i].text,
                     names->entries[i - 1].line);
}

/* ---- the descriptor as a whole ---- */

static enum vmf_code check_version(struct vmf_rules *rules, struct vmf_error *error)
{
  const xmlNode *root = xmlDocGetRootElement(rules->ovf->xml->doc);
  VMF_AUTO_FREE char *version = NULL;

  VMF_TRY(vmf_rules_attribute(rules, root, "version", &version, error));
  if (rules->ovf->version == VMF_OVF_0_9 && strcmp(rules->uri, VMF_NS_OVF_0_9) != 0) {
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "envelope-draft", root,
                  "the envelope is in the namespace %s of a draft older than OVF 0.9", rules->uri);
    return VMF_OK;
  }
  if (rules->ovf->version == VMF_OVF_0_9) {
    if (!version || strncmp(version, "0.9", 3) != 0)
      vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "envelope-version", root,
                    "the envelope is of OVF 0.9 and has version \"%s\", expected \"0.9\"",
                    version ? version : "");
    return VMF_OK;
  }
  if (rules->ovf->version == VMF_OVF_2)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "version-readers", root,
                  "OVF 2 is not read by VMware's products, virt-v2v and Proxmox; OVF 1.1 is");
  if (version && strcmp(version, "1.0") != 0 && strcmp(version, "1.1") != 0 &&
      strncmp(version, "1.1.", 4) != 0 && strncmp(version, "1.0.", 4) != 0 &&
      strncmp(version, "2.", 2) != 0)
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "envelope-version", root,
                  "the envelope has version \"%s\", expected none, 1.0, 1.1 or 2.x", version);
  return VMF_OK;
}

static enum vmf_code check_all(struct vmf_rules *rules, struct vmf_error *error)
{
  const xmlNode *root = xmlDocGetRootElement(rules->ovf->xml->doc);

  if (rules->ovf->encrypted)
    vmf_rules_add(rules, VMF_SEVERITY_FAILURE, "package-encrypted", root,
                  "parts of the package are encrypted, which is not supported");
  if (rules->ovf->dialect == VMF_DIALECT_OVIRT) {
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "dialect-ovirt", root,
                  "the descriptor is in oVirt's own dialect, which only oVirt imports");
    return VMF_OK;
  }
  VMF_TRY(collect(rules, error));
  VMF_TRY(check_version(rules, error));
  VMF_TRY(vmf_rules_structure(rules, error));
  check_unique(rules, &rules->files, "file-id-duplicate", VMF_SEVERITY_VIOLATION, "the file id");
  check_unique(rules, &rules->disks, "disk-id-duplicate", VMF_SEVERITY_VIOLATION, "the disk id");
  check_unique(rules, &rules->networks, "network-name-duplicate", VMF_SEVERITY_VIOLATION,
               "the network");
  check_unique(rules, &rules->configurations, "configuration-id-duplicate", VMF_SEVERITY_VIOLATION,
               "the configuration");
  check_unique(rules, &rules->systems, "system-id-duplicate", VMF_SEVERITY_VIOLATION,
               "the system id");
  VMF_TRY(vmf_rules_files(rules, error));
  VMF_TRY(vmf_rules_disks(rules, error));
  VMF_TRY(vmf_rules_hardware(rules, error));
  VMF_TRY(vmf_rules_machine(rules, error));
  return vmf_rules_texts(rules, error);
}

enum vmf_code vmf_rules_check(const struct vmf_ovf *ovf, struct vmf_report *report,
                              struct vmf_error *error)
{
  const xmlNode *root = xmlDocGetRootElement(ovf->xml->doc);
  struct vmf_rules rules = {
      .ovf = ovf,
      .report = report,
      .uri = root && root->ns ? (const char *)root->ns->href : "",
  };
  enum vmf_code code = check_all(&rules, error);

  vmf_names_clear(&rules.files);
  vmf_names_clear(&rules.disks);
  vmf_names_clear(&rules.networks);
  vmf_names_clear(&rules.configurations);
  vmf_names_clear(&rules.systems);
  return code;
}
