/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * References, disks, networks, deployment options, and the sections of a system but its hardware.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "checked.h"
#include "memory.h"
#include "reader.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static enum vmf_code read_file(struct vmf_ovf_reader *reader, const xmlNode *element)
{
  static const struct vmf_reader_field fields[] = {
      {"id", offsetof(struct vmf_ovf_file, id)},
      {"href", offsetof(struct vmf_ovf_file, href)},
      {"compression", offsetof(struct vmf_ovf_file, compression)},
  };
  struct vmf_ovf *ovf = reader->ovf;
  VMF_AUTO_FREE char *size = NULL, *chunk = NULL;
  void *slot = NULL;

  VMF_TRY(vmf_reader_append(reader, &ovf->files, &ovf->file_count, sizeof *ovf->files, &slot));
  struct vmf_ovf_file *file = slot;
  file->element = vmf_xml_index(element);
  file->line = vmf_xml_line(element);
  VMF_TRY(vmf_reader_attributes(reader, element, fields, COUNT(fields), file));
  VMF_TRY(vmf_reader_attribute(reader, element, "size", &size));
  VMF_TRY(vmf_reader_attribute(reader, element, "chunkSize", &chunk));
  file->size_known = size && vmf_reader_number(size, &file->size) && file->size > 0;
  if (!file->size_known)
    file->size = 0;
  if (!chunk || !vmf_reader_number(chunk, &file->chunk_size))
    file->chunk_size = 0;
  return VMF_OK;
}

enum vmf_code vmf_read_references(struct vmf_ovf_reader *reader, const xmlNode *section)
{
  if (reader->ovf->references_element == SIZE_MAX)
    reader->ovf->references_element = vmf_xml_index(section);
  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node))
    if (vmf_reader_is(node, "File"))
      VMF_TRY(read_file(reader, node));
  return VMF_OK;
}

static void drop_empty(char **text)
{
  if (!*text || **text)
    return;
  vmf_free(*text);
  *text = NULL;
}

static enum vmf_code read_disk(struct vmf_ovf_reader *reader, const xmlNode *element)
{
  static const struct vmf_reader_field fields[] = {
      {"diskId", offsetof(struct vmf_ovf_disk, id)},
      {"fileRef", offsetof(struct vmf_ovf_disk, file_ref)},
      {"format", offsetof(struct vmf_ovf_disk, format)},
      {"parentRef", offsetof(struct vmf_ovf_disk, parent_ref)},
      {"volume-format", offsetof(struct vmf_ovf_disk, volume_format)},
      {"capacity", offsetof(struct vmf_ovf_disk, capacity_text)},
      {"capacityAllocationUnits", offsetof(struct vmf_ovf_disk, capacity_units)},
  };
  struct vmf_ovf *ovf = reader->ovf;
  VMF_AUTO_FREE char *populated = NULL;
  void *slot = NULL;

  VMF_TRY(vmf_reader_append(reader, &ovf->disks, &ovf->disk_count, sizeof *ovf->disks, &slot));
  struct vmf_ovf_disk *disk = slot;
  disk->element = vmf_xml_index(element);
  disk->line = vmf_xml_line(element);
  VMF_TRY(vmf_reader_attributes(reader, element, fields, COUNT(fields), disk));
  drop_empty(&disk->parent_ref); /* oVirt writes it so */
  drop_empty(&disk->file_ref);   /* VMware's builders do, for a disk without a file */
  VMF_TRY(vmf_reader_attribute(reader, element, "populatedSize", &populated));
  disk->populated_known = populated && vmf_reader_number(populated, &disk->populated);
  if (!disk->populated_known)
    disk->populated = 0;
  return VMF_OK;
}

enum vmf_code vmf_read_disks(struct vmf_ovf_reader *reader, const xmlNode *section)
{
  if (reader->ovf->disk_section_element == SIZE_MAX)
    reader->ovf->disk_section_element = vmf_xml_index(section);
  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node))
    if (vmf_reader_is(node, "Disk") || vmf_reader_is(node, "SharedDisk"))
      VMF_TRY(read_disk(reader, node));
  return VMF_OK;
}

static void read_capacity(struct vmf_ovf_reader *reader, struct vmf_ovf_disk *disk)
{
  const struct vmf_ovf *ovf = reader->ovf;
  const char *id = disk->id ? disk->id : "";
  const char *text = vmf_ovf_resolve(ovf, disk->capacity_text);
  const char *units = vmf_ovf_resolve(ovf, disk->capacity_units);
  uint64_t number, unit = 1;

  if (!disk->capacity_text || (!text && disk->capacity_text[0] == '$'))
    return; /* missing: a rule tells it; a property without a default: to be asked for */
  if (!text || !vmf_reader_number(text, &number)) {
    vmf_report_add(reader->report, VMF_SEVERITY_WARNING, "descriptor-capacity", ovf->name,
                   disk->line, "disk \"%s\": capacity \"%s\" is no number of 64 bits", id,
                   text ? text : "");
    return;
  }
  if (units && *units && !vmf_units_bytes(units, &unit)) {
    vmf_report_add(reader->report, VMF_SEVERITY_WARNING, "descriptor-capacity", ovf->name,
                   disk->line, "disk \"%s\": capacityAllocationUnits \"%s\" is no unit of bytes",
                   id, units);
    return;
  }
  if (!vmf_mul(number, unit, &number)) {
    vmf_report_add(reader->report, VMF_SEVERITY_VIOLATION, "descriptor-capacity", ovf->name,
                   disk->line, "disk \"%s\": capacity %s * %" PRIu64 " is beyond 64 bits", id, text,
                   unit);
    return;
  }
  disk->capacity_known = true;
  disk->capacity = number;
}

enum vmf_code vmf_read_capacities(struct vmf_ovf_reader *reader)
{
  for (size_t i = 0; i < reader->ovf->disk_count; i++)
    read_capacity(reader, &reader->ovf->disks[i]);
  return VMF_OK;
}

enum vmf_code vmf_read_networks(struct vmf_ovf_reader *reader, const xmlNode *section)
{
  struct vmf_ovf *ovf = reader->ovf;

  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
    void *slot = NULL;
    if (!vmf_reader_is(node, "Network"))
      continue;
    VMF_TRY(vmf_reader_append(reader, &ovf->networks, &ovf->network_count, sizeof *ovf->networks,
                              &slot));
    struct vmf_ovf_network *network = slot;
    network->element = vmf_xml_index(node);
    network->line = vmf_xml_line(node);
    VMF_TRY(vmf_reader_attribute(reader, node, "name", &network->name));
    for (xmlNode *child = vmf_reader_first(node); child; child = vmf_reader_next(child))
      if (vmf_reader_is(child, "Description"))
        VMF_TRY(vmf_reader_text(reader, child, &network->description));
  }
  return VMF_OK;
}

enum vmf_code vmf_read_options(struct vmf_ovf_reader *reader, const xmlNode *section)
{
  static const struct vmf_reader_field fields[] = {
      {"Label", offsetof(struct vmf_ovf_configuration, label)},
      {"Description", offsetof(struct vmf_ovf_configuration, description)},
  };
  struct vmf_ovf *ovf = reader->ovf;

  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
    void *slot = NULL;
    bool found;
    if (!vmf_reader_is(node, "Configuration"))
      continue;
    VMF_TRY(vmf_reader_append(reader, &ovf->configurations, &ovf->configuration_count,
                              sizeof *ovf->configurations, &slot));
    struct vmf_ovf_configuration *option = slot;
    VMF_TRY(vmf_reader_attribute(reader, node, "id", &option->id));
    VMF_TRY(vmf_reader_flag(reader, node, "default", false, &option->is_default));
    for (xmlNode *child = vmf_reader_first(node); child; child = vmf_reader_next(child))
      if (vmf_reader_is(child, NULL))
        VMF_TRY(vmf_reader_child(reader, child, fields, COUNT(fields), option, &found));
  }
  return VMF_OK;
}

enum vmf_code vmf_read_os(struct vmf_ovf_reader *reader, const xmlNode *section,
                          struct vmf_ovf_system *system)
{
  VMF_AUTO_FREE char *id = NULL;
  uint64_t number;

  VMF_TRY(vmf_reader_attribute(reader, section, "id", &id));
  if (!system->os_known && id && vmf_reader_number(id, &number) && number <= UINT16_MAX) {
    system->os_known = true;
    system->os_id = (unsigned)number;
  }
  if (!system->os_version)
    VMF_TRY(vmf_reader_attribute(reader, section, "version", &system->os_version));
  if (!system->vmw_os)
    VMF_TRY(vmf_xml_attribute(section, VMF_NS_VMW, "osType", &system->vmw_os, reader->error));
  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
    if (vmf_reader_is(node, "Description"))
      VMF_TRY(vmf_reader_text(reader, node, &system->os_name));
    else if (vmf_xml_is(node, VMF_NS_VBOX, "OSType"))
      VMF_TRY(vmf_reader_text(reader, node, &system->vbox_os));
    else if (!vmf_reader_is_envelope(node->ns))
      VMF_TRY(vmf_reader_unknown(reader, node, false));
  }
  return VMF_OK;
}

/* <Value ovf:value="..." ovf:configuration="...">: the value in one deployment option. */
static enum vmf_code read_value(struct vmf_ovf_reader *reader, const xmlNode *element,
                                struct vmf_ovf_property *property)
{
  VMF_AUTO_FREE char *configuration = NULL;
  char *value = NULL;

  VMF_TRY(vmf_reader_attribute(reader, element, "configuration", &configuration));
  bool chosen =
      configuration && reader->configuration && strcmp(configuration, reader->configuration) == 0;
  if (!chosen && (property->value || configuration))
    return VMF_OK;
  VMF_TRY(vmf_reader_attribute(reader, element, "value", &value));
  if (!value)
    return VMF_OK;
  vmf_free(property->value);
  property->value = value;
  return VMF_OK;
}

static enum vmf_code read_property(struct vmf_ovf_reader *reader, const xmlNode *element,
                                   struct vmf_ovf_product *product)
{
  static const struct vmf_reader_field attributes[] = {
      {"key", offsetof(struct vmf_ovf_property, key)},
      {"type", offsetof(struct vmf_ovf_property, type)},
      {"value", offsetof(struct vmf_ovf_property, value)},
      {"qualifiers", offsetof(struct vmf_ovf_property, qualifiers)},
  };
  static const struct vmf_reader_field children[] = {
      {"Label", offsetof(struct vmf_ovf_property, label)},
      {"Description", offsetof(struct vmf_ovf_property, description)},
  };
  void *slot = NULL;
  bool found, older;

  VMF_TRY(vmf_reader_append(reader, &product->properties, &product->property_count,
                            sizeof *product->properties, &slot));
  struct vmf_ovf_property *property = slot;
  property->element = vmf_xml_index(element);
  if (product->category_count > 0)
    property->category = product->categories[product->category_count - 1];
  VMF_TRY(vmf_reader_attributes(reader, element, attributes, COUNT(attributes), property));
  VMF_TRY(vmf_xml_attribute(element, VMF_NS_VMW, "qualifiers", &property->vmw_qualifiers,
                            reader->error));
  VMF_TRY(vmf_reader_flag(reader, element, "configurableByUser", false, &older));
  VMF_TRY(
      vmf_reader_flag(reader, element, "userConfigurable", older, &property->user_configurable));
  VMF_TRY(vmf_reader_flag(reader, element, "password",
                          property->type && strncasecmp(property->type, "password", 8) == 0,
                          &property->password));
  for (xmlNode *node = vmf_reader_first(element); node; node = vmf_reader_next(node)) {
    if (!vmf_reader_is(node, NULL))
      continue;
    VMF_TRY(vmf_reader_child(reader, node, children, COUNT(children), property, &found));
    if (!found && vmf_reader_is(node, "Value"))
      VMF_TRY(read_value(reader, node, property));
  }
  return VMF_OK;
}

/* Of all properties up to the next one. */
static enum vmf_code read_category(struct vmf_ovf_reader *reader, const xmlNode *element,
                                   struct vmf_ovf_product *product)
{
  void *slot = NULL;

  VMF_TRY(vmf_reader_append(reader, &product->categories, &product->category_count,
                            sizeof *product->categories, &slot));
  return vmf_reader_text(reader, element, slot);
}

enum vmf_code vmf_read_product(struct vmf_ovf_reader *reader, const xmlNode *section,
                               struct vmf_ovf_system *system)
{
  static const struct vmf_reader_field attributes[] = {
      {"class", offsetof(struct vmf_ovf_product, class_id)},
      {"instance", offsetof(struct vmf_ovf_product, instance_id)},
  };
  static const struct vmf_reader_field children[] = {
      {"Product", offsetof(struct vmf_ovf_product, name)},
      {"Vendor", offsetof(struct vmf_ovf_product, vendor)},
      {"Version", offsetof(struct vmf_ovf_product, version)},
      {"FullVersion", offsetof(struct vmf_ovf_product, full_version)},
      {"ProductUrl", offsetof(struct vmf_ovf_product, url)},
      {"VendorUrl", offsetof(struct vmf_ovf_product, vendor_url)},
  };
  void *slot = NULL;
  bool found;

  VMF_TRY(vmf_reader_append(reader, &system->products, &system->product_count,
                            sizeof *system->products, &slot));
  struct vmf_ovf_product *product = slot;
  VMF_TRY(vmf_reader_attributes(reader, section, attributes, COUNT(attributes), product));
  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
    if (!vmf_reader_is(node, NULL)) {
      VMF_TRY(vmf_reader_unknown(reader, node, false));
      continue;
    }
    VMF_TRY(vmf_reader_child(reader, node, children, COUNT(children), product, &found));
    if (vmf_reader_is(node, "Property"))
      VMF_TRY(read_property(reader, node, product));
    else if (vmf_reader_is(node, "Category"))
      VMF_TRY(read_category(reader, node, product));
  }
  return VMF_OK;
}

enum vmf_code vmf_read_eula(struct vmf_ovf_reader *reader, const xmlNode *section,
                            struct vmf_ovf_system *system)
{
  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node)) {
    void *slot = NULL;
    if (!vmf_reader_is(node, "License"))
      continue;
    VMF_TRY(vmf_reader_append(reader, &system->eulas, &system->eula_count, sizeof *system->eulas,
                              &slot));
    VMF_TRY(vmf_reader_text(reader, node, slot));
  }
  return VMF_OK;
}

enum vmf_code vmf_read_annotation(struct vmf_ovf_reader *reader, const xmlNode *section,
                                  struct vmf_ovf_system *system)
{
  for (xmlNode *node = vmf_reader_first(section); node; node = vmf_reader_next(node))
    if (vmf_reader_is(node, "Annotation"))
      VMF_TRY(vmf_reader_text(reader, node, &system->annotation));
  return VMF_OK;
}
