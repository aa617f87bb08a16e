/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The text descriptor of a VMDK that is being written, and the names of its files. */
#include "vmdk_write.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "text.h"

enum {
  HWVERSION = 10,        /* ESXi 5.5, Workstation 10 and later; 4 is refused by newer products */
  HWVERSION_COMPAT6 = 6, /* what qemu's compat6 means */
  FIXED_TEXT = 1024,     /* bound on all but the extent lines */
  EXTENT_TEXT = 64,      /* bound on an extent line without its name */
};

/* The options' values and the descriptor's createType and adapterType alike. */
const char *const vmdk_subformat_names[] = {
    [VMDK_MONOLITHIC_SPARSE] = "monolithicSparse",
    [VMDK_MONOLITHIC_FLAT] = "monolithicFlat",
    [VMDK_SPLIT_SPARSE] = "twoGbMaxExtentSparse",
    [VMDK_SPLIT_FLAT] = "twoGbMaxExtentFlat",
    [VMDK_VMFS] = "vmfs",
    [VMDK_STREAM] = "streamOptimized",
    NULL,
};

const char *const vmdk_adapter_names[] = {
    [VMDK_ADAPTER_IDE] = "ide",
    [VMDK_ADAPTER_BUSLOGIC] = "buslogic",
    [VMDK_ADAPTER_LSILOGIC] = "lsilogic",
    [VMDK_ADAPTER_LEGACY_ESX] = "legacyESX",
    NULL,
};

bool vmdk_has_one_file(enum vmdk_subformat subformat)
{
  return subformat == VMDK_MONOLITHIC_SPARSE || subformat == VMDK_STREAM;
}

bool vmdk_is_hosted_sparse(enum vmdk_subformat subformat)
{
  return subformat == VMDK_MONOLITHIC_SPARSE || subformat == VMDK_SPLIT_SPARSE;
}

unsigned vmdk_file_count(enum vmdk_subformat subformat, uint64_t capacity)
{
  if (subformat == VMDK_SPLIT_SPARSE || subformat == VMDK_SPLIT_FLAT)
    return (unsigned)vmf_div_up(capacity, VMDK_SPLIT_SECTORS);
  return 1;
}

uint64_t vmdk_file_sectors(enum vmdk_subformat subformat, uint64_t capacity, unsigned index)
{
  if (subformat != VMDK_SPLIT_SPARSE && subformat != VMDK_SPLIT_FLAT)
    return capacity;
  return vmf_min(capacity - index * VMDK_SPLIT_SECTORS, VMDK_SPLIT_SECTORS);
}

enum vmf_code vmdk_name_file(const struct vmdk_description *description, unsigned index,
                             char **name, struct vmf_error *error)
{
  switch (description->options->subformat) {
  case VMDK_MONOLITHIC_FLAT:
  case VMDK_VMFS:
    return vmf_format(name, error, "%s-flat.vmdk", description->stem);
  case VMDK_SPLIT_FLAT:
    return vmf_format(name, error, "%s-f%03u.vmdk", description->stem, index + 1);
  case VMDK_SPLIT_SPARSE:
    return vmf_format(name, error, "%s-s%03u.vmdk", description->stem, index + 1);
  case VMDK_STREAM: /* travels under other names; the bytes are the same whatever the file is called
                     */
    return vmf_copy_text("disk.vmdk", name, error);
  default: /* the data is in the main file */
    return vmf_copy_text(strcmp(description->name, "-") == 0 ? "disk.vmdk" : description->name,
                         name, error);
  }
}

/* A descriptor has no way to write a quote or a control character in a name. */
static enum vmf_code check_name(const char *name, struct vmf_error *error)
{
  VMF_AUTO_FREE char *utf8 = NULL;
  for (const char *c = name; *c != '\0'; c++) {
    if (*c == '"' || (unsigned char)*c < 0x20 || *c == 0x7f)
      return vmf_fail(error, VMF_USAGE,
                      "%s: character 0x%02x in the file's name: a VMDK descriptor cannot hold "
                      "quotes and control characters",
                      name, (unsigned char)*c);
  }
  enum vmf_code code = vmf_text_to_utf8("UTF-8", name, strlen(name), &utf8, error);
  if (code == VMF_CORRUPT)
    return vmf_fail(error, VMF_USAGE,
                    "%s: the file's name is not valid UTF-8, which a VMDK descriptor needs", name);
  return code;
}

/* Readers, ours among them, take what stands before a colon for a protocol or a drive. */
static enum vmf_code check_reference(const struct vmdk_description *description,
                                     struct vmf_error *error)
{
  enum vmdk_subformat subformat = description->options->subformat;
  if (description->parent && strchr(description->parent, '\\'))
    return vmf_fail(error, VMF_USAGE,
                    "%s: a backslash in the backing file's name: readers of a VMDK descriptor take "
                    "it for a slash",
                    description->parent);
  if (subformat == VMDK_MONOLITHIC_SPARSE || subformat == VMDK_STREAM ||
      !strchr(description->stem, ':'))
    return VMF_OK;
  return vmf_fail(error, VMF_USAGE,
                  "%s: a colon in the file's name: a VMDK descriptor cannot name files like that; "
                  "subformat=monolithicSparse can",
                  description->name);
}

/* Text that grows in a buffer of known size. */
struct writing {
  char *text;
  size_t length, size;
};

__attribute__((format(printf, 2, 3))) static void append(struct writing *out, const char *format,
                                                         ...)
{
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(out->text + out->length, out->size - out->length, format, arguments);
  va_end(arguments);
  if (length > 0)
    out->length = vmf_min(out->length + (size_t)length, out->size - 1);
}

static void append_head(struct writing *out, const struct vmdk_description *description)
{
  const uint8_t *id = description->content_id;
  append(out, "%s\nversion=1\nencoding=\"UTF-8\"\n", VMDK_DESCRIPTOR_FIRST_LINE);
  append(out, "CID=%02x%02x%02x%02x\nparentCID=%08" PRIx32 "\n", id[12], id[13], id[14], id[15],
         description->parent_cid);
  append(out, "createType=\"%s\"\n", vmdk_subformat_names[description->options->subformat]);
  if (description->parent)
    append(out, "parentFileNameHint=\"%s\"\n", description->parent);
  append(out, "\n# Extent description\n");
}

/* Sectors per track are 63; IDE has at most 16383 cylinders of 16 heads, SCSI 65535 of 255. */
static void append_disk_data_base(struct writing *out, const struct vmdk_description *description)
{
  const struct vmdk_write_options *options = description->options;
  bool ide = options->adapter == VMDK_ADAPTER_IDE;
  unsigned heads = ide ? 16 : 255;
  uint64_t cylinders = vmf_min(description->capacity / (heads * 63), ide ? 16383 : 65535);
  uint64_t hwversion = options->hwversion != 0 ? options->hwversion
                       : options->compat6      ? HWVERSION_COMPAT6
                                               : HWVERSION;
  append(out, "\n# The Disk Data Base\n#DDB\n\n");
  append(out, "ddb.adapterType = \"%s\"\n", vmdk_adapter_names[options->adapter]);
  append(out, "ddb.geometry.cylinders = \"%" PRIu64 "\"\n", vmf_max(cylinders, 1));
  append(out, "ddb.geometry.heads = \"%u\"\nddb.geometry.sectors = \"63\"\n", heads);
  append(out, "ddb.longContentID = \"");
  for (size_t i = 0; i < sizeof description->content_id; i++)
    append(out, "%02x", description->content_id[i]);
  append(out, "\"\nddb.toolsVersion = \"%" PRIu64 "\"\n", options->toolsversion);
  append(out, "ddb.virtualHWVersion = \"%" PRIu64 "\"\n", hwversion);
}

static enum vmf_code append_extent(struct writing *out, const struct vmdk_description *description,
                                   unsigned index, struct vmf_error *error)
{
  enum vmdk_subformat subformat = description->options->subformat;
  VMF_AUTO_FREE char *name = NULL;
  VMF_TRY(vmdk_name_file(description, index, &name, error));
  bool flat = subformat == VMDK_MONOLITHIC_FLAT || subformat == VMDK_SPLIT_FLAT;
  const char *type = flat ? "FLAT" : subformat == VMDK_VMFS ? "VMFS" : "SPARSE";
  append(out, "RW %" PRIu64 " %s \"%s\"%s\n",
         vmdk_file_sectors(subformat, description->capacity, index), type, name, flat ? " 0" : "");
  return VMF_OK;
}

enum vmf_code vmdk_describe(const struct vmdk_description *description, char **text, size_t *length,
                            struct vmf_error *error)
{
  unsigned count = vmdk_file_count(description->options->subformat, description->capacity);
  size_t name_length = vmf_max(strlen(description->name), strlen(description->stem));
  const char *parent = description->parent ? description->parent : "";
  struct writing out = {.size = FIXED_TEXT + strlen(parent) + count * (EXTENT_TEXT + name_length)};
  VMF_TRY(check_name(description->name, error));
  VMF_TRY(check_name(description->stem, error));
  VMF_TRY(check_name(parent, error));
  VMF_TRY(check_reference(description, error));
  void *buffer = NULL;
  VMF_TRY(vmf_alloc(out.size, &buffer, error));
  out.text = buffer;
  *text = out.text; /* the caller's from here on */

  append_head(&out, description);
  for (unsigned i = 0; i < count; i++)
    VMF_TRY(append_extent(&out, description, i, error));
  append_disk_data_base(&out, description);
  *length = out.length;
  size_t most = vmdk_has_one_file(description->options->subformat)
                    ? VMDK_DESCRIPTOR_SECTORS * VMDK_SECTOR
                    : VMDK_DESCRIPTOR_MAX - 1;
  if (out.length > most)
    return vmf_fail(error, VMF_USAGE,
                    "%s: the descriptor with %u file names would have %zu bytes, at most %zu are "
                    "possible: choose a shorter name",
                    description->name, count, out.length, most);
  return VMF_OK;
}

enum vmf_code vmdk_measure_descriptor(const struct vmdk_write_options *options, uint64_t capacity,
                                      uint64_t *bytes, struct vmf_error *error)
{
  struct vmdk_description description = {
      .options = options, .capacity = capacity, .name = "", .stem = ""};
  VMF_AUTO_FREE char *text = NULL;
  size_t length = 0;
  VMF_TRY(vmdk_describe(&description, &text, &length, error));
  *bytes = length + (uint64_t)vmdk_file_count(options->subformat, capacity) * NAME_MAX;
  return VMF_OK;
}
