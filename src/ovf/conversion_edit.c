/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The edits that a conversion makes in the descriptor: the attributes of the File and Disk elements
 * whose files are new. All else stays byte for byte. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "conversion.h"
#include "memory.h"

static enum vmf_code set_text(struct vmf_conversion *conversion, size_t element, const char *name,
                              const char *value, struct vmf_error *error)
{
  return vmf_xml_edit_attribute(conversion->edit, element, conversion->package->ovf->uri, name,
                                value, error);
}

static enum vmf_code set_number(struct vmf_conversion *conversion, size_t element, const char *name,
                                uint64_t value, struct vmf_error *error)
{
  char text[24];

  snprintf(text, sizeof text, "%" PRIu64, value);
  return set_text(conversion, element, name, text, error);
}

/* A name as a URI reference (RFC 3986): '%' would be read as an escape. */
static enum vmf_code set_href(struct vmf_conversion *conversion, size_t element, const char *name,
                              struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  size_t length = 0;

  VMF_TRY(vmf_alloc(3 * strlen(name) + 1, &memory, error));
  char *escaped = memory;
  for (const char *c = name; *c; c++)
    if (*c == '%')
      length += (size_t)sprintf(escaped + length, "%%25");
    else
      escaped[length++] = *c;
  return set_text(conversion, element, "href", escaped, error);
}

/* What a number is as long as it is not known. */
static uint64_t known(uint64_t value, enum vmf_describe how)
{
  return how == VMF_DESCRIBE_WIDEST ? UINT64_MAX : value;
}

static enum vmf_code edit_file(struct vmf_conversion *conversion,
                               const struct vmf_converted_file *converted, enum vmf_describe how,
                               struct vmf_error *error)
{
  const struct vmf_assembly_file *file = &conversion->assembly.files[converted->index];
  size_t element = converted->file->element;

  if (converted->right_size > 0)
    VMF_TRY(set_number(conversion, element, "size", converted->right_size, error));
  if (!converted->rewritten)
    return VMF_OK;
  VMF_TRY(set_href(conversion, element, file->name, error));
  if (!converted->image && !converted->content) /* it has only moved */
    return VMF_OK;
  VMF_TRY(set_text(conversion, element, "compression", NULL, error));
  VMF_TRY(set_text(conversion, element, "chunkSize", NULL, error));
  if (how != VMF_DESCRIBE_EARLY)
    return set_number(conversion, element, "size", known(file->size, how), error);
  if (converted->image)
    return set_text(conversion, element, "size", NULL, error);
  return set_number(conversion, element, "size", file->io->size, error);
}

/* Sizes are whole sectors in every form but raw. */
static uint64_t capacity_of(const struct vmf_conversion *conversion, const struct vmf_image *image)
{
  uint64_t size = vmf_image_size(image);
  return strcmp(conversion->form->format, "raw") == 0 ? size : vmf_div_up(size, 512) * 512;
}

static enum vmf_code edit_disk(struct vmf_conversion *conversion, const struct vmf_ovf_disk *disk,
                               const struct vmf_converted_file *converted, enum vmf_describe how,
                               struct vmf_error *error)
{
  const struct vmf_assembly_file *file = &conversion->assembly.files[converted->index];
  size_t element = disk->element;

  VMF_TRY(set_text(conversion, element, "format", conversion->form->uri, error));
  if (!converted->image)
    return VMF_OK;
  VMF_TRY(set_text(conversion, element, "parentRef", NULL, error));
  uint64_t capacity = capacity_of(conversion, converted->image);
  /* a larger capacity is meant: the machine may grow its disk */
  if (disk->capacity_known && disk->capacity < capacity &&
      !(disk->capacity_text && strstr(disk->capacity_text, "${"))) {
    VMF_TRY(set_number(conversion, element, "capacity", capacity, error));
    VMF_TRY(set_text(conversion, element, "capacityAllocationUnits", "byte", error));
  }
  if (how == VMF_DESCRIBE_EARLY)
    return set_text(conversion, element, "populatedSize", NULL, error);
  return set_number(conversion, element, "populatedSize", known(file->data_bytes, how), error);
}

enum vmf_code vmf_conversion_describe(void *data, enum vmf_describe how, char **text,
                                      size_t *length, struct vmf_error *error)
{
  struct vmf_conversion *conversion = data;
  const struct vmf_ovf *ovf = conversion->package->ovf;

  for (size_t i = 0; i < ovf->file_count; i++) {
    const struct vmf_converted_file *converted = &conversion->files[i];
    if (!converted->rewritten && converted->right_size == 0)
      continue;
    VMF_TRY(edit_file(conversion, converted, how, error));
    for (size_t j = 0; j < ovf->disk_count && (converted->image || converted->content); j++) {
      const char *reference = ovf->disks[j].file_ref;
      if (reference && converted->file->id && strcmp(reference, converted->file->id) == 0)
        VMF_TRY(edit_disk(conversion, &ovf->disks[j], converted, how, error));
    }
  }
  return vmf_xml_edit_apply(conversion->edit, text, length, error);
}
