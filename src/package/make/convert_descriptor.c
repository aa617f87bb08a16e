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

  if (converted->resized)
    VMF_TRY(set_number(conversion, element, "size", converted->right_size, error));
  if (!converted->rewritten)
    return VMF_OK;
  VMF_TRY(set_href(conversion, element, file->name, error));
  /* what has only moved is one whole file, which may have been the only chunk */
  VMF_TRY(set_text(conversion, element, "chunkSize", NULL, error));
  if (!converted->image && !converted->content)
    return VMF_OK;
  VMF_TRY(set_text(conversion, element, "compression", NULL, error));
  if (how != VMF_DESCRIBE_EARLY)
    return set_number(conversion, element, "size", known(file->size, how), error);
  if (converted->image)
    return set_text(conversion, element, "size", NULL, error);
  return set_number(conversion, element, "size", file->io->size, error);
}

/* Sizes are whole sectors in every form but raw. */
static uint64_t capacity_of(const struct vmf_conversion *conversion, uint64_t size)
{
  return strcmp(conversion->form->format, "raw") == 0 ? size : vmf_div_up(size, 512) * 512;
}

/* A capacity that the image does not fit into. A larger one is meant: the machine may grow its
 * disk; but not where a template is given another disk, and platforms ask for the same size. */
static enum vmf_code edit_capacity(struct vmf_conversion *conversion,
                                   const struct vmf_ovf_disk *disk, uint64_t size,
                                   struct vmf_error *error)
{
  uint64_t capacity = capacity_of(conversion, size);

  if (!disk->capacity_known || disk->capacity == capacity ||
      (disk->capacity > capacity && !conversion->disks && !conversion->platform) ||
      (disk->capacity_text && strstr(disk->capacity_text, "${")))
    return VMF_OK;
  VMF_TRY(set_number(conversion, disk->element, "capacity", capacity, error));
  return set_text(conversion, disk->element, "capacityAllocationUnits", "byte", error);
}

static enum vmf_code edit_disk(struct vmf_conversion *conversion, const struct vmf_ovf_disk *disk,
                               const struct vmf_converted_file *converted, enum vmf_describe how,
                               struct vmf_error *error)
{
  const struct vmf_assembly_file *file = &conversion->assembly.files[converted->index];
  size_t element = disk->element;

  /* other words for the same form stay */
  if (converted->image || !disk->format || vmf_disk_format_of_uri(disk->format) != conversion->form)
    VMF_TRY(set_text(conversion, element, "format", conversion->form->uri, error));
  VMF_TRY(edit_capacity(conversion, disk, converted->virtual_size, error));
  if (!converted->image)
    return VMF_OK;
  VMF_TRY(set_text(conversion, element, "parentRef", NULL, error));
  if (how == VMF_DESCRIBE_EARLY)
    return set_text(conversion, element, "populatedSize", NULL, error);
  return set_number(conversion, element, "populatedSize", known(file->data_bytes, how), error);
}

/* The disks in a file. In oVirt's dialect they name it, not its id. */
static enum vmf_code edit_disks(struct vmf_conversion *conversion,
                                const struct vmf_converted_file *converted, enum vmf_describe how,
                                struct vmf_error *error)
{
  const struct vmf_ovf *ovf = conversion->package->ovf;
  const struct vmf_ovf_file *file = converted->file;

  for (size_t i = 0; i < ovf->disk_count; i++) {
    const struct vmf_ovf_disk *disk = &ovf->disks[i];
    if (!disk->file_ref || vmf_ovf_file(ovf, disk->file_ref) != file)
      continue;
    if (converted->rewritten && (!file->id || strcmp(disk->file_ref, file->id) != 0))
      VMF_TRY(set_text(conversion, disk->element, "fileRef",
                       conversion->assembly.files[converted->index].name, error));
    if (converted->is_disk)
      VMF_TRY(edit_disk(conversion, disk, converted, how, error));
  }
  return VMF_OK;
}

/* More than a disk can hold is nonsense that nobody asked to keep: VMware refuses it. What a new
 * image holds is set later. */
static enum vmf_code drop_populated(struct vmf_conversion *conversion,
                                    const struct vmf_ovf_disk *disk, struct vmf_error *error)
{
  if (!conversion->form || !disk->populated_known || !disk->capacity_known ||
      disk->populated <= disk->capacity)
    return VMF_OK;
  return set_text(conversion, disk->element, "populatedSize", NULL, error);
}

enum vmf_code vmf_conversion_describe(void *data, enum vmf_describe how, char **text,
                                      size_t *length, struct vmf_error *error)
{
  struct vmf_conversion *conversion = data;
  const struct vmf_ovf *ovf = conversion->package->ovf;

  for (size_t i = 0; i < ovf->disk_count; i++)
    VMF_TRY(drop_populated(conversion, &ovf->disks[i], error));
  for (size_t i = 0; i < ovf->file_count; i++) {
    const struct vmf_converted_file *converted = &conversion->files[i];
    if (!converted->rewritten && !converted->resized && !converted->is_disk)
      continue;
    VMF_TRY(edit_file(conversion, converted, how, error));
    VMF_TRY(edit_disks(conversion, converted, how, error));
  }
  return vmf_xml_edit_apply(conversion->edit, text, length, error);
}
