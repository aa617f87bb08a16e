/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Rules about References and the DiskSection: names, sizes, what a disk leads to. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "disk_format.h"
#include "href.h"
#include "memory.h"
#include "rules_parts.h"
#include "text.h"

static void tell(struct vmf_rules *rules, enum vmf_severity severity, const char *rule,
                 unsigned line, const char *format, ...) __attribute__((format(printf, 5, 6)));

static void tell(struct vmf_rules *rules, enum vmf_severity severity, const char *rule,
                 unsigned line, const char *format, ...)
{
  char buffer[1024];
  va_list values;

  va_start(values, format);
  vsnprintf(buffer, sizeof buffer, format, values);
  va_end(values);
  vmf_report_add(rules->report, severity, rule, rules->ovf->name, line, "%s", buffer);
}

/* ---- References/File ---- */

/* What Proxmox takes in ids and names: RFC 3986's unreserved characters, and '/' and ' ' in names.
 */
static bool plain(const char *text, const char *also)
{
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && !strchr("-._~", c) && !strchr(also, c))
      return false;
  }
  return true;
}

static enum vmf_code check_href(struct vmf_rules *rules, const struct vmf_ovf_file *file,
                                struct vmf_error *error)
{
  const char *href = file->href;
  const char *path = strncasecmp(href, "file://", 7) == 0 ? href + 7 : href;
  VMF_AUTO_FREE char *name = NULL;

  VMF_TRY(vmf_copy_text(path, &name, error));
  vmf_ovf_decode_href(name);
  const char *fault = vmf_href_fault(name, strlen(name));
  if (!*href)
    return VMF_OK; /* told as an attribute without a value */
  if (vmf_href_is_remote(href))
    tell(rules, VMF_SEVERITY_WARNING, "file-href-network", file->line,
         "the file \"%s\" is at %s, expected a file of the package: few products fetch it",
         file->id ? file->id : "", href);
  else if (fault)
    tell(rules, VMF_SEVERITY_WARNING, "file-href-outside", file->line,
         "the file \"%s\" is at %s, which %s; expected a file of the package",
         file->id ? file->id : "", href, fault);
  else if (!plain(href, "/ %"))
    tell(rules, VMF_SEVERITY_WARNING, "name-characters", file->line,
         "the file name \"%s\" has characters beyond letters, digits, '-', '.', '_' and '~', "
         "which Proxmox refuses",
         href);
  return VMF_OK;
}

static void check_compression(struct vmf_rules *rules, const struct vmf_ovf_file *file)
{
  const char *method = file->compression ? file->compression : "";

  if (strcasecmp(method, "gzip") == 0)
    tell(rules, VMF_SEVERITY_WARNING, "file-compressed", file->line,
         "the file \"%s\" is packed by gzip, which ESXi and vSphere refuse",
         file->href ? file->href : "");
  else if (method[0] != '\0' && strcasecmp(method, "identity") != 0)
    tell(rules, VMF_SEVERITY_VIOLATION, "file-compression", file->line,
         "the file \"%s\" is packed by \"%s\", expected gzip or nothing",
         file->href ? file->href : "", method);
}

/* An optional minus and digits. */
static bool whole_number(const char *text)
{
  uint64_t number;
  return vmf_decimal(text[0] == '-' ? text + 1 : text, &number);
}

static enum vmf_code check_file_numbers(struct vmf_rules *rules, const xmlNode *element,
                                        struct vmf_error *error)
{
  VMF_AUTO_FREE char *size = NULL;
  VMF_AUTO_FREE char *chunk = NULL;
  uint64_t number;

  VMF_TRY(vmf_rules_attribute(rules, element, "size", &size, error));
  VMF_TRY(vmf_rules_attribute(rules, element, "chunkSize", &chunk, error));
  if (size && !whole_number(size))
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "file-size-form", element,
                  "a file of size \"%s\", expected a number of bytes", size);
  else if (size && (!vmf_decimal(size, &number) || number == 0))
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "file-size-form", element,
                  "a file of size %s, expected its bytes or no size at all", size);
  if (!chunk)
    return VMF_OK;
  if (!vmf_decimal(chunk, &number) || number == 0)
    vmf_rules_add(rules, VMF_SEVERITY_VIOLATION, "file-chunk-size", element,
                  "a file in chunks of \"%s\", expected a number of bytes above 0", chunk);
  else
    vmf_rules_add(rules, VMF_SEVERITY_WARNING, "file-chunked", element,
                  "a file is cut into chunks, which VirtualBox does not read");
  return VMF_OK;
}

static enum vmf_code check_references(struct vmf_rules *rules, const xmlNode *element,
                                      struct vmf_error *error)
{
  return vmf_rules_visit(rules, element, "File", check_file_numbers, error);
}

static enum vmf_code check_hrefs_unique(struct vmf_rules *rules, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = rules->ovf;
  struct vmf_names hrefs = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < ovf->file_count && code == VMF_OK; i++) {
    VMF_AUTO_FREE char *href = NULL;
    if (!ovf->files[i].href)
      continue;
    code = vmf_copy_text(ovf->files[i].href, &href, error);
    if (code == VMF_OK) {
      vmf_ovf_decode_href(href);
      code = vmf_names_add(&hrefs, href, ovf->files[i].line, error);
    }
  }
  vmf_names_sort(&hrefs);
  for (size_t i = 1; i < hrefs.count; i++)
    if (vmf_names_repeats(&hrefs, i))
      tell(rules, VMF_SEVERITY_VIOLATION, "file-href-duplicate", hrefs.entries[i].line,
           "\"%s\" is referred to twice (first in line %u)", hrefs.entries[i].text,
           hrefs.entries[i - 1].line);
  vmf_names_clear(&hrefs);
  return code;
}

enum vmf_code vmf_rules_files(struct vmf_rules *rules, struct vmf_error *error)
{
  const struct vmf_ovf *ovf = rules->ovf;

  for (size_t i = 0; i < ovf->file_count; i++) {
    const struct vmf_ovf_file *file = &ovf->files[i];
    if (file->href)
      VMF_TRY(check_href(rules, file, error));
    if (file->id && !plain(file->id, ""))
      tell(rules, VMF_SEVERITY_WARNING, "name-characters", file->line,
           "the file id \"%s\" has characters beyond letters, digits, '-', '.', '_' and '~', "
           "which Proxmox refuses",
           file->id);
    check_compression(rules, file);
  }
  VMF_TRY(vmf_rules_visit(rules, xmlDocGetRootElement(ovf->xml->doc), "References",
                          check_references, error));
  return check_hrefs_unique(rules, error);
}

/* ---- DiskSection/Disk ---- */

static void check_capacity(struct vmf_rules *rules, const struct vmf_ovf_disk *disk)
{
  const char *text = disk->capacity_text, *units = disk->capacity_units;
  uint64_t number, bytes;

  if (units && !vmf_units_bytes(units, &bytes))
    tell(rules, VMF_SEVERITY_VIOLATION, "disk-capacity-unit", disk->line,
         "the disk \"%s\" has the capacity unit \"%s\", expected one like \"byte * 2^30\"",
         disk->id ? disk->id : "", units);
  if (!text || text[0] == '\0')
    return; /* told by the table */
  if (strncmp(text, "${", 2) == 0) {
    if (!disk->capacity_known)
      tell(rules, VMF_SEVERITY_VIOLATION, "disk-capacity", disk->line,
           "the disk \"%s\" has the capacity %s, expected a property with a number as default",
           disk->id ? disk->id : "", text);
    return;
  }
  if (!vmf_decimal(text, &number) || number == 0)
    tell(rules, VMF_SEVERITY_VIOLATION, "disk-capacity", disk->line,
         "the disk \"%s\" has the capacity \"%s\", expected a number above 0",
         disk->id ? disk->id : "", text);
  if (!disk->file_ref && units && vmf_units_bytes(units, &bytes) && bytes != 1)
    tell(rules, VMF_SEVERITY_WARNING, "disk-capacity-unit", disk->line,
         "the empty disk \"%s\" has its capacity in \"%s\", which VirtualBox takes for bytes",
         disk->id ? disk->id : "", units);
}

static void check_format(struct vmf_rules *rules, const struct vmf_ovf_disk *disk)
{
  if (!disk->format || disk->format[0] == '\0')
    tell(rules, disk->file_ref ? VMF_SEVERITY_VIOLATION : VMF_SEVERITY_WARNING,
         "disk-format-missing", disk->line,
         "the disk \"%s\" has no format, which VirtualBox and VMware's products need",
         disk->id ? disk->id : "");
  else if (!vmf_disk_format_of_uri(disk->format))
    tell(rules, VMF_SEVERITY_WARNING, "disk-format-unknown", disk->line,
         "the disk \"%s\" has the format \"%s\", which is none of the known ones",
         disk->id ? disk->id : "", disk->format);
}

static void check_parent(struct vmf_rules *rules, size_t index)
{
  const struct vmf_ovf_disk *disk = &rules->ovf->disks[index];
  const struct vmf_name *found = vmf_names_find(&rules->disks, disk->parent_ref);
  const struct vmf_ovf_disk *parent;

  if (!found) {
    tell(rules, VMF_SEVERITY_VIOLATION, "disk-parent-unknown", disk->line,
         "the disk \"%s\" is a delta to \"%s\", which is no disk", disk->id ? disk->id : "",
         disk->parent_ref);
    return;
  }
  parent = &rules->ovf->disks[found->number];
  if (parent >= disk)
    tell(rules, VMF_SEVERITY_VIOLATION, "disk-parent-order", disk->line,
         "the disk \"%s\" stands before its parent \"%s\", expected behind it",
         disk->id ? disk->id : "", disk->parent_ref);
  if (parent->capacity_known && disk->capacity_known && disk->capacity > 0 &&
      parent->capacity > 0 && parent->capacity != disk->capacity)
    tell(rules, VMF_SEVERITY_WARNING, "disk-parent-capacity", disk->line,
         "the disk \"%s\" has a capacity of %" PRIu64 " bytes, its parent of %" PRIu64
         ", expected equal ones",
         disk->id ? disk->id : "", disk->capacity, parent->capacity);
}

static enum vmf_code check_disk(struct vmf_rules *rules, size_t index, struct vmf_names *used,
                                struct vmf_error *error)
{
  const struct vmf_ovf_disk *disk = &rules->ovf->disks[index];

  check_capacity(rules, disk);
  check_format(rules, disk);
  if (disk->id && !plain(disk->id, ""))
    tell(rules, VMF_SEVERITY_WARNING, "name-characters", disk->line,
         "the disk id \"%s\" has characters beyond letters, digits, '-', '.', '_' and '~', which "
         "Proxmox refuses",
         disk->id);
  if (disk->populated_known && disk->capacity_known && disk->capacity > 0 &&
      disk->populated > disk->capacity)
    tell(rules, VMF_SEVERITY_VIOLATION, "disk-populated", disk->line,
         "the disk \"%s\" has a populated size of %" PRIu64 " bytes, its capacity is %" PRIu64,
         disk->id ? disk->id : "", disk->populated, disk->capacity);
  if (disk->parent_ref)
    check_parent(rules, index);
  if (!disk->file_ref)
    return VMF_OK;
  if (!vmf_names_find(&rules->files, disk->file_ref))
    tell(rules, VMF_SEVERITY_VIOLATION, "disk-file-unknown", disk->line,
         "the disk \"%s\" is in the file \"%s\", which References does not have",
         disk->id ? disk->id : "", disk->file_ref);
  return vmf_names_add(used, disk->file_ref, disk->line, error);
}

enum vmf_code vmf_rules_disks(struct vmf_rules *rules, struct vmf_error *error)
{
  struct vmf_names used = {0};
  enum vmf_code code = VMF_OK;

  for (size_t i = 0; i < rules->ovf->disk_count && code == VMF_OK; i++)
    code = check_disk(rules, i, &used, error);
  vmf_names_sort(&used);
  for (size_t i = 1; i < used.count; i++)
    if (vmf_names_repeats(&used, i))
      /* disks of different configurations may be */
      tell(rules, rules->ovf->configuration_count ? VMF_SEVERITY_WARNING : VMF_SEVERITY_VIOLATION,
           "disk-file-shared", used.entries[i].line,
           "two disks are in the file \"%s\" (the first in line %u), expected one file each",
           used.entries[i].text, used.entries[i - 1].line);
  vmf_names_clear(&used);
  return code;
}
