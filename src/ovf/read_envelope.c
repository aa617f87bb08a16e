/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * From the envelope down: which section goes where. Versions differ in how a section is named
 * (vmf_reader_kind) and in little else. */
#include <string.h>

#include "choice.h"
#include "extension.h"
#include "memory.h"
#include "reader.h"

/* Sections of the standard, up to 2.1, that the model has no room for, at least where they stand:
 * they are kept as they are, and every consumer knows them. */
static const char *const standard_sections[] = {
    "AnnotationSection",       "EulaSection",
    "OperatingSystemSection",  "ProductSection",
    "VirtualHardwareSection",  "BootDeviceSection",
    "CpuCompatibilitySection", "EnvironmentFilesSection",
    "InstallSection",          "PlacementGroupSection",
    "PlacementSection",        "ResourceAllocationSection",
    "ScaleOutSection",         "StartupSection",
};

static bool is_kind(const char *kind, size_t length, const char *name)
{
  return strlen(name) == length && memcmp(kind, name, length) == 0;
}

static bool ends_in_section(const char *kind, size_t length)
{
  return length >= 7 && memcmp(kind + length - 7, "Section", 7) == 0;
}

/* A section that no rule above wanted, or an extension. */
static enum vmf_code read_other(struct vmf_ovf_reader *reader, const xmlNode *node,
                                const char *kind, size_t length, bool own)
{
  bool standard = false;

  if (own && !ends_in_section(kind, length))
    return VMF_OK; /* Info, Name, and what oVirt puts there */
  for (size_t i = 0; own && i < sizeof standard_sections / sizeof standard_sections[0]; i++)
    standard = standard || is_kind(kind, length, standard_sections[i]);
  if (own && is_kind(kind, length, "EncryptionSection"))
    reader->ovf->encrypted = true;
  VMF_TRY(vmf_reader_unknown(reader, node, true));
  if (standard) {
    struct vmf_ovf_unknown *unknown = &reader->ovf->unknown[reader->ovf->unknown_count - 1];
    unknown->required = unknown->refused = false;
  }
  return VMF_OK;
}

/* What may stand at the envelope as well as in a system. */
static enum vmf_code read_shared_section(struct vmf_ovf_reader *reader, const xmlNode *node,
                                         const char *kind, size_t length, bool *done)
{
  *done = true;
  if (is_kind(kind, length, "DiskSection") || is_kind(kind, length, "SharedDiskSection"))
    return vmf_read_disks(reader, node);
  if (is_kind(kind, length, "NetworkSection"))
    return vmf_read_networks(reader, node);
  *done = false;
  return VMF_OK;
}

static enum vmf_code read_system_section(struct vmf_ovf_reader *reader, const xmlNode *node,
                                         const char *kind, size_t length,
                                         struct vmf_ovf_system *system, bool *done)
{
  *done = true;
  if (is_kind(kind, length, "OperatingSystemSection"))
    return vmf_read_os(reader, node, system);
  if (is_kind(kind, length, "ProductSection") || is_kind(kind, length, "PropertySection"))
    return vmf_read_product(reader, node, system);
  if (is_kind(kind, length, "EulaSection"))
    return vmf_read_eula(reader, node, system);
  if (is_kind(kind, length, "AnnotationSection"))
    return vmf_read_annotation(reader, node, system);
  if (is_kind(kind, length, "VirtualHardwareSection"))
    return VMF_OK; /* vmf_read_hardware chooses one */
  *done = false;
  return VMF_OK;
}

static bool is_collection(const char *kind, size_t length)
{
  return is_kind(kind, length, "VirtualSystemCollection");
}

static bool is_content(const xmlNode *node, const char *kind, size_t length)
{
  return is_kind(kind, length, "VirtualSystem") || is_collection(kind, length) ||
         strcmp((const char *)node->name, "Content") == 0;
}

/* oVirt: 3 and 4 are UEFI, 4 with secure boot. */
static enum vmf_code read_bios_type(struct vmf_ovf_reader *reader, const xmlNode *node,
                                    struct vmf_ovf_system *system)
{
  VMF_AUTO_FREE char *text = NULL;
  uint64_t type;

  VMF_TRY(vmf_xml_text(node, &text, reader->error));
  if (system->firmware || !vmf_reader_number(text, &type) || type == 0 || type > 4)
    return VMF_OK;
  system->secure_boot = type == 4;
  return vmf_copy_text(type < 3 ? "bios" : "efi", &system->firmware, reader->error);
}

/* VirtualBox: <vbox:Machine><Hardware><Firmware type="EFI"/>. */
static enum vmf_code read_vbox_machine(struct vmf_ovf_reader *reader, const xmlNode *machine,
                                       struct vmf_ovf_system *system)
{
  VMF_AUTO_FREE char *type = NULL;
  const xmlNode *hardware = vmf_xml_child(machine, NULL, "Hardware");
  const xmlNode *firmware = hardware ? vmf_xml_child(hardware, NULL, "Firmware") : NULL;

  VMF_TRY(vmf_reader_unknown(reader, machine, true));
  if (firmware && !system->firmware)
    VMF_TRY(vmf_xml_attribute(firmware, NULL, "type", &type, reader->error));
  if (!type)
    return VMF_OK;
  return vmf_copy_text(strncmp(type, "EFI", 3) == 0 ? "efi" : "bios", &system->firmware,
                       reader->error);
}

static enum vmf_code read_system_child(struct vmf_ovf_reader *reader, const xmlNode *node,
                                       struct vmf_ovf_system *system)
{
  size_t length;
  bool own, done = false;
  const char *kind = vmf_reader_kind(node, &length, &own);

  if (vmf_xml_is(node, VMF_NS_VBOX, "Machine"))
    return read_vbox_machine(reader, node, system);
  if (own && is_content(node, kind, length))
    return VMF_OK; /* its turn comes when this system is complete */
  if (vmf_reader_is(node, "Info"))
    return vmf_reader_text(reader, node, &system->info);
  if (vmf_reader_is(node, "Name"))
    return vmf_reader_text(reader, node, &system->name);
  if (vmf_reader_is(node, "Description")) /* oVirt, which has no AnnotationSection */
    return vmf_reader_text(reader, node, &system->annotation);
  if (vmf_reader_is(node, "BiosType"))
    return read_bios_type(reader, node, system);
  if (own)
    VMF_TRY(read_shared_section(reader, node, kind, length, &done));
  if (own && !done)
    VMF_TRY(read_system_section(reader, node, kind, length, system, &done));
  return done ? VMF_OK : read_other(reader, node, kind, length, own);
}

/* A system with all that is in it. The depth of the recursion is that of the elements. */
static enum vmf_code read_content(struct vmf_ovf_reader *reader, const xmlNode *content,
                                  size_t parent)
{
  struct vmf_ovf *ovf = reader->ovf;
  size_t length, place = ovf->system_count;
  bool own;
  void *slot = NULL;
  const char *kind = vmf_reader_kind(content, &length, &own);

  VMF_TRY(
      vmf_reader_append(reader, &ovf->systems, &ovf->system_count, sizeof *ovf->systems, &slot));
  struct vmf_ovf_system *system = slot;
  system->collection = is_collection(kind, length);
  system->parent = parent == SIZE_MAX ? place : parent;
  system->element = vmf_xml_index(content);
  system->line = vmf_xml_line(content);
  VMF_TRY(vmf_reader_attribute(reader, content, "id", &system->id));
  VMF_TRY(vmf_read_hardware(reader, content, system));
  for (xmlNode *node = vmf_reader_first(content); node; node = vmf_reader_next(node))
    VMF_TRY(read_system_child(reader, node, system));
  for (xmlNode *node = vmf_reader_first(content); node; node = vmf_reader_next(node)) {
    kind = vmf_reader_kind(node, &length, &own);
    if (own && is_content(node, kind, length))
      VMF_TRY(read_content(reader, node, place)); /* `system` may move */
  }
  return VMF_OK;
}

/* Sections that everything else needs, wherever they stand. */
static enum vmf_code read_envelope_first(struct vmf_ovf_reader *reader, const xmlNode *root)
{
  struct vmf_ovf *ovf = reader->ovf;
  size_t length;
  bool own;

  for (xmlNode *node = vmf_reader_first(root); node; node = vmf_reader_next(node)) {
    const char *kind = vmf_reader_kind(node, &length, &own);
    if (own && is_kind(kind, length, "References"))
      VMF_TRY(vmf_read_references(reader, node));
  }
  VMF_TRY(vmf_read_bundles(reader, root));
  for (xmlNode *node = vmf_reader_first(root); node; node = vmf_reader_next(node)) {
    const char *kind = vmf_reader_kind(node, &length, &own);
    if (own && is_kind(kind, length, "DeploymentOptionSection"))
      VMF_TRY(vmf_read_options(reader, node));
  }
  if (reader->asked && reader->asked->install)
    VMF_TRY(vmf_ovf_choose_option(ovf, reader->asked->install, reader->error));
  reader->configuration = vmf_ovf_usual(ovf);
  return VMF_OK;
}

/* Sections at the envelope that belong to a system go to the first. */
static enum vmf_code read_envelope_rest(struct vmf_ovf_reader *reader, const xmlNode *root)
{
  struct vmf_ovf *ovf = reader->ovf;
  size_t length;

  for (xmlNode *node = vmf_reader_first(root); node; node = vmf_reader_next(node)) {
    bool own, done = false;
    const char *kind = vmf_reader_kind(node, &length, &own);
    if (own && (is_content(node, kind, length) || is_kind(kind, length, "References") ||
                is_kind(kind, length, "DeploymentOptionSection")))
      continue;
    if (vmf_extension_is_bundle(node))
      continue;
    if (own)
      VMF_TRY(read_shared_section(reader, node, kind, length, &done));
    if (own && !done && ovf->system_count > 0)
      VMF_TRY(read_system_section(reader, node, kind, length, &ovf->systems[0], &done));
    if (!done)
      VMF_TRY(read_other(reader, node, kind, length, own));
  }
  return VMF_OK;
}

static enum vmf_code read_root(struct vmf_ovf_reader *reader, const xmlNode *root)
{
  struct vmf_ovf *ovf = reader->ovf;
  const char *uri = root->ns ? (const char *)root->ns->href : "";

  if (strcmp((const char *)root->name, "Envelope") != 0)
    return vmf_fail(reader->error, VMF_CORRUPT,
                    "%s:%u: the root element is \"%s\", an OVF descriptor has \"Envelope\"",
                    ovf->name, vmf_xml_line(root), (const char *)root->name);
  if (!root->ns || !vmf_reader_is_envelope(root->ns))
    return vmf_fail(reader->error, VMF_UNSUPPORTED,
                    "%s:%u: the envelope's namespace is \"%s\", accepted are \"%s\", \"%s\" and "
                    "\"%s\"",
                    ovf->name, vmf_xml_line(root), uri, VMF_NS_OVF_0_9, VMF_NS_OVF_1, VMF_NS_OVF_2);
  ovf->uri = uri;
  if (strcmp(uri, VMF_NS_OVF_2) == 0)
    ovf->version = VMF_OVF_2;
  else if (strncmp(uri, VMF_NS_OVF_1, strlen(VMF_NS_OVF_1)) == 0)
    ovf->version = VMF_OVF_1;
  else
    ovf->version = VMF_OVF_0_9;
  return VMF_OK;
}

/* XenCenter encrypts with XML Encryption, in sections of its own. */
static void look_for_encryption(struct vmf_ovf *ovf)
{
  for (size_t i = 0; i < ovf->xml->count && !ovf->encrypted; i++) {
    const xmlNs *ns = ovf->xml->elements[i]->ns;
    const char *uri = ns ? (const char *)ns->href : "";
    ovf->encrypted = strcmp(uri, "http://www.w3.org/2001/04/xmlenc#") == 0 ||
                     strcmp(uri, "http://www.w3.org/2009/xmlenc11#") == 0;
  }
}

static enum vmf_code read_all(struct vmf_ovf_reader *reader)
{
  struct vmf_ovf *ovf = reader->ovf;
  const xmlNode *root = ovf->xml->elements[0];
  size_t length;
  bool own;

  VMF_TRY(read_root(reader, root));
  VMF_TRY(read_envelope_first(reader, root));
  for (xmlNode *node = vmf_reader_first(root); node; node = vmf_reader_next(node)) {
    const char *kind = vmf_reader_kind(node, &length, &own);
    if (own && is_content(node, kind, length))
      VMF_TRY(read_content(reader, node, SIZE_MAX));
  }
  VMF_TRY(read_envelope_rest(reader, root));
  if (reader->asked && reader->asked->install)
    VMF_TRY(vmf_ovf_choose_values(ovf, reader->asked->install, reader->error));
  VMF_TRY(vmf_ovf_index_properties(reader));
  VMF_TRY(vmf_read_capacities(reader));
  look_for_encryption(ovf);
  ovf->dialect = vmf_reader_dialect(ovf);
  VMF_TRY(vmf_ovf_index_ids(reader));
  return VMF_OK;
}

enum vmf_code vmf_ovf_read(const char *name, const void *bytes, size_t length,
                           struct vmf_report *report, struct vmf_ovf **ovf, struct vmf_error *error)
{
  return vmf_ovf_read_for(name, bytes, length, NULL, report, ovf, error);
}

enum vmf_code vmf_ovf_read_for(const char *name, const void *bytes, size_t length,
                               const struct vmf_ovf_asked *asked, struct vmf_report *report,
                               struct vmf_ovf **ovf, struct vmf_error *error)
{
  void *memory = NULL;

  *ovf = NULL;
  VMF_TRY(vmf_alloc(sizeof(struct vmf_ovf), &memory, error));
  struct vmf_ovf *fresh = memory;
  struct vmf_ovf_reader reader = {.ovf = fresh, .report = report, .asked = asked, .error = error};
  fresh->references_element = SIZE_MAX;
  fresh->disk_section_element = SIZE_MAX;
  enum vmf_code code = vmf_copy_text(name, &fresh->name, error);
  if (code == VMF_OK)
    code = vmf_xml_parse(name, bytes, length, report, &fresh->xml, error);
  if (code == VMF_OK)
    code = read_all(&reader);
  vmf_read_bundles_end(&reader);
  if (code != VMF_OK) {
    vmf_ovf_free(fresh);
    return code;
  }
  *ovf = fresh;
  return VMF_OK;
}
