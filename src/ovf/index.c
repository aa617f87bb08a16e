/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Sorted lists, so that a descriptor with a hundred thousand references is no slower than long. */
#include <string.h>

#include "memory.h"
#include "reader.h"

enum vmf_code vmf_ovf_index_add(struct vmf_ovf_reader *reader, struct vmf_ovf_index *index,
                                const char *key, const void *value)
{
  void *slot = NULL;

  VMF_TRY(vmf_reader_append(reader, &index->entries, &index->count, sizeof *index->entries, &slot));
  struct vmf_ovf_entry *entry = slot;
  *entry = (struct vmf_ovf_entry){key, value, index->count};
  return VMF_OK;
}

static int compare(const void *a, const void *b)
{
  const struct vmf_ovf_entry *left = a, *right = b;
  int order = strcmp(left->key, right->key);

  if (order != 0)
    return order;
  return left->place < right->place ? -1 : left->place > right->place;
}

void vmf_ovf_index_sort(struct vmf_ovf_index *index)
{
  if (index->count > 1)
    qsort(index->entries, index->count, sizeof *index->entries, compare);
}

const void *vmf_ovf_index_find(const struct vmf_ovf_index *index, const char *key)
{
  size_t low = 0, high = index ? index->count : 0;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(index->entries[middle].key, key) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  if (!index || low == index->count || strcmp(index->entries[low].key, key) != 0)
    return NULL;
  return index->entries[low].value;
}

void vmf_ovf_index_clear(struct vmf_ovf_index *index)
{
  for (size_t i = 0; i < index->text_count; i++)
    vmf_free(index->texts[i]);
  vmf_free(index->texts);
  vmf_free(index->entries);
}

static enum vmf_code make(struct vmf_ovf_index **index, struct vmf_error *error)
{
  void *memory = NULL;

  VMF_TRY(vmf_alloc(sizeof **index, &memory, error));
  *index = memory;
  return VMF_OK;
}

enum vmf_code vmf_ovf_index_ids(struct vmf_ovf_reader *reader)
{
  struct vmf_ovf *ovf = reader->ovf;

  bool ovirt = ovf->dialect == VMF_DIALECT_OVIRT; /* refers to files by href */

  VMF_TRY(make(&ovf->files_by_id, reader->error));
  for (size_t i = 0; i < ovf->file_count; i++)
    if (ovf->files[i].id)
      VMF_TRY(vmf_ovf_index_add(reader, ovf->files_by_id, ovf->files[i].id, &ovf->files[i]));
  for (size_t i = 0; i < ovf->file_count && ovirt; i++)
    if (ovf->files[i].href)
      VMF_TRY(vmf_ovf_index_add(reader, ovf->files_by_id, ovf->files[i].href, &ovf->files[i]));
  vmf_ovf_index_sort(ovf->files_by_id);
  VMF_TRY(make(&ovf->disks_by_id, reader->error));
  for (size_t i = 0; i < ovf->disk_count; i++)
    if (ovf->disks[i].id)
      VMF_TRY(vmf_ovf_index_add(reader, ovf->disks_by_id, ovf->disks[i].id, &ovf->disks[i]));
  for (size_t i = 0; i < ovf->disk_count && ovirt; i++)
    if (ovf->disks[i].file_ref)
      VMF_TRY(vmf_ovf_index_add(reader, ovf->disks_by_id, ovf->disks[i].file_ref, &ovf->disks[i]));
  vmf_ovf_index_sort(ovf->disks_by_id);
  return VMF_OK;
}

/* "class.key.instance", as an environment names a property (DSP0243, ProductSection). */
static enum vmf_code add_full_key(struct vmf_ovf_reader *reader,
                                  const struct vmf_ovf_product *product,
                                  const struct vmf_ovf_property *property)
{
  struct vmf_ovf_index *index = reader->ovf->properties_by_key;
  const char *class_id = product->class_id ? product->class_id : "";
  const char *instance = product->instance_id ? product->instance_id : "";
  void *slot = NULL;

  if (!*class_id && !*instance)
    return VMF_OK;
  VMF_TRY(
      vmf_reader_append(reader, &index->texts, &index->text_count, sizeof *index->texts, &slot));
  char **text = slot;
  VMF_TRY(vmf_format(text, reader->error, "%s%s%s%s%s", class_id, *class_id ? "." : "",
                     property->key, *instance ? "." : "", instance));
  return vmf_ovf_index_add(reader, index, *text, property->value);
}

enum vmf_code vmf_ovf_index_properties(struct vmf_ovf_reader *reader)
{
  struct vmf_ovf *ovf = reader->ovf;

  VMF_TRY(make(&ovf->properties_by_key, reader->error));
  for (size_t i = 0; i < ovf->system_count; i++)
    for (size_t j = 0; j < ovf->systems[i].product_count; j++) {
      const struct vmf_ovf_product *product = &ovf->systems[i].products[j];
      for (size_t k = 0; k < product->property_count; k++) {
        const struct vmf_ovf_property *property = &product->properties[k];
        if (!property->key || !property->value)
          continue;
        VMF_TRY(vmf_ovf_index_add(reader, ovf->properties_by_key, property->key, property->value));
        VMF_TRY(add_full_key(reader, product, property));
      }
    }
  vmf_ovf_index_sort(ovf->properties_by_key);
  return VMF_OK;
}
