/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "model.h"

#include <string.h>
#include <strings.h>

#include "checked.h"
#include "memory.h"
#include "reader.h"

static void free_product(struct vmf_ovf_product *product)
{
  for (size_t i = 0; i < product->property_count; i++) {
    struct vmf_ovf_property *property = &product->properties[i];
    vmf_free(property->key);
    vmf_free(property->type);
    vmf_free(property->value);
    vmf_free(property->label);
    vmf_free(property->description);
    vmf_free(property->qualifiers);
    vmf_free(property->vmw_qualifiers);
  }
  vmf_free(product->properties);
  for (size_t i = 0; i < product->category_count; i++)
    vmf_free(product->categories[i]);
  vmf_free(product->categories);
  vmf_free(product->class_id);
  vmf_free(product->instance_id);
  vmf_free(product->name);
  vmf_free(product->vendor);
  vmf_free(product->version);
  vmf_free(product->full_version);
  vmf_free(product->url);
  vmf_free(product->vendor_url);
}

static void free_item(struct vmf_ovf_item *item)
{
  vmf_free(item->instance);
  vmf_free(item->parent);
  vmf_free(item->name);
  vmf_free(item->description);
  vmf_free(item->subtype);
  vmf_free(item->address);
  vmf_free(item->address_on_parent);
  vmf_free(item->connection);
  vmf_free(item->automatic);
  vmf_free(item->host_resource);
  vmf_free(item->configurations);
  vmf_free(item->bound);
  vmf_free(item->units);
}

static void free_system(struct vmf_ovf_system *system)
{
  for (size_t i = 0; i < system->item_count; i++)
    free_item(&system->items[i]);
  vmf_free(system->items);
  for (size_t i = 0; i < system->product_count; i++)
    free_product(&system->products[i]);
  vmf_free(system->products);
  for (size_t i = 0; i < system->eula_count; i++)
    vmf_free(system->eulas[i]);
  vmf_free(system->eulas);
  vmf_free(system->id);
  vmf_free(system->name);
  vmf_free(system->info);
  vmf_free(system->os_name);
  vmf_free(system->os_version);
  vmf_free(system->vmw_os);
  vmf_free(system->vbox_os);
  vmf_free(system->families);
  vmf_free(system->identifier);
  vmf_free(system->firmware);
  vmf_free(system->transport);
  vmf_free(system->annotation);
}

static void free_storage(struct vmf_ovf *ovf)
{
  for (size_t i = 0; i < ovf->file_count; i++) {
    vmf_free(ovf->files[i].id);
    vmf_free(ovf->files[i].href);
    vmf_free(ovf->files[i].compression);
  }
  vmf_free(ovf->files);
  for (size_t i = 0; i < ovf->disk_count; i++) {
    struct vmf_ovf_disk *disk = &ovf->disks[i];
    vmf_free(disk->id);
    vmf_free(disk->file_ref);
    vmf_free(disk->volume_format);
    vmf_free(disk->format);
    vmf_free(disk->parent_ref);
    vmf_free(disk->capacity_text);
    vmf_free(disk->capacity_units);
  }
  vmf_free(ovf->disks);
}

static void free_index(struct vmf_ovf_index *index)
{
  if (index)
    vmf_ovf_index_clear(index);
  vmf_free(index);
}

void vmf_ovf_free(struct vmf_ovf *ovf)
{
  if (!ovf)
    return;
  free_storage(ovf);
  for (size_t i = 0; i < ovf->network_count; i++) {
    vmf_free(ovf->networks[i].name);
    vmf_free(ovf->networks[i].description);
  }
  vmf_free(ovf->networks);
  for (size_t i = 0; i < ovf->configuration_count; i++) {
    vmf_free(ovf->configurations[i].id);
    vmf_free(ovf->configurations[i].label);
    vmf_free(ovf->configurations[i].description);
  }
  vmf_free(ovf->configurations);
  for (size_t i = 0; i < ovf->system_count; i++)
    free_system(&ovf->systems[i]);
  vmf_free(ovf->systems);
  for (size_t i = 0; i < ovf->unknown_count; i++)
    vmf_free(ovf->unknown[i].name);
  vmf_free(ovf->unknown);
  free_index(ovf->files_by_id);
  free_index(ovf->disks_by_id);
  free_index(ovf->properties_by_key);
  vmf_xml_free(ovf->xml);
  vmf_free(ovf->language);
  vmf_free(ovf->name);
  vmf_free(ovf);
}

const struct vmf_ovf_file *vmf_ovf_file(const struct vmf_ovf *ovf, const char *id)
{
  return id ? vmf_ovf_index_find(ovf->files_by_id, id) : NULL;
}

const struct vmf_ovf_disk *vmf_ovf_disk(const struct vmf_ovf *ovf, const char *id)
{
  return id ? vmf_ovf_index_find(ovf->disks_by_id, id) : NULL;
}

const char *vmf_ovf_host_resource(const char *resource, bool *is_file)
{
  const char *at = resource;

  *is_file = false;
  if (strncmp(at, "ovf:", 4) == 0)
    at += 4;
  bool path = *at == '/';
  at += strspn(at, "/");
  if (path && (strncmp(at, "disk/", 5) == 0 || strncmp(at, "file/", 5) == 0)) {
    *is_file = *at == 'f';
    at += 5;
  } else if (at != resource) {
    return NULL;
  }
  return *at ? at : NULL;
}

const char *vmf_ovf_resolve(const struct vmf_ovf *ovf, const char *text)
{
  VMF_AUTO_FREE char *key = NULL;
  size_t length = text ? strlen(text) : 0;

  if (length < 3 || text[0] != '$' || text[1] != '{' || text[length - 1] != '}')
    return text;
  if (vmf_copy_bytes(text + 2, length - 3, &key, NULL) != VMF_OK)
    return NULL;
  return vmf_ovf_index_find(ovf->properties_by_key, key);
}

static int hex_value(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void vmf_ovf_decode_href(char *name)
{
  char *out = name;

  for (const char *in = name; *in; in++) {
    int high = *in == '%' ? hex_value(in[1]) : -1;
    int low = high >= 0 ? hex_value(in[2]) : -1;
    *out++ = low >= 0 && high + low > 0 ? (char)(high * 16 + low) : *in;
    in += low >= 0 && high + low > 0 ? 2 : 0;
  }
  *out = '\0';
}

const char *vmf_ovf_usual(const struct vmf_ovf *ovf)
{
  if (ovf->chosen)
    return ovf->chosen;
  for (size_t i = 0; i < ovf->configuration_count; i++)
    if (ovf->configurations[i].is_default)
      return ovf->configurations[i].id;
  return ovf->configuration_count > 0 ? ovf->configurations[0].id : NULL;
}

bool vmf_ovf_is_usual(const struct vmf_ovf *ovf, const struct vmf_ovf_item *item)
{
  const char *usual = vmf_ovf_usual(ovf);
  const char *list = item->configurations;

  if (item->bound && strcasecmp(item->bound, "normal") != 0)
    return false;
  if (!list || !usual)
    return true;
  for (size_t length = strlen(usual); *list; list += strspn(list, " \t\r\n")) {
    size_t word = strcspn(list, " \t\r\n");
    if (word == length && strncmp(list, usual, length) == 0)
      return true;
    list += word;
  }
  return false;
}

uint64_t vmf_ovf_memory_bytes(const struct vmf_ovf_item *item)
{
  uint64_t unit, bytes;

  if (!item->units || !vmf_units_bytes(item->units, &unit))
    unit = 1u << 20;
  return vmf_mul(item->quantity, unit, &bytes) ? bytes : UINT64_MAX;
}
