/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * ova.xml: which of its machines is meant, and what else is in it. */
#include <string.h>

#include "memory.h"
#include "xapi.h"

static const struct xapi_member top_members[] = {
    {"version", NULL}, {"objects", NULL}, {NULL, NULL}};

static const struct xapi_member version_members[] = {
    {"hostname", NULL},      {"date", NULL},         {"product_version", NULL},
    {"product_brand", NULL}, {"build_number", NULL}, {"xapi_major", NULL},
    {"xapi_minor", NULL},    {"export_vsn", NULL},   {NULL, NULL}};

/* Classes that say something of the host, or of what was measured there. */
static bool is_of_host(const char *class)
{
  static const char *const classes[] = {
      "host",       "VM_metrics", "VM_guest_metrics", "SR",          "network",
      "VDI",        "GPU_group",  "VGPU_type",        "PVS_proxy",   "PVS_site",
      "PVS_server", "VTPM",       "VDI_metrics",      "VM_appliance"};

  for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
    if (strcmp(class, classes[i]) == 0)
      return true;
  return false;
}

/* The machine itself: neither what it was, nor one to be made more of. */
static enum vmf_code find_machine(struct xapi_reading *reading, struct xapi_object **found,
                                  struct vmf_error *error)
{
  struct xapi_object *template = NULL;

  *found = NULL;
  for (size_t i = 0; i < reading->count && !*found; i++) {
    struct xapi_object *object = &reading->objects[i];
    bool is_template, is_snapshot, is_domain;
    if (strcmp(object->class, "VM") != 0)
      continue;
    VMF_TRY(xapi_flag(object->record, "is_a_snapshot", &is_snapshot, error));
    VMF_TRY(xapi_flag(object->record, "is_a_template", &is_template, error));
    VMF_TRY(xapi_flag(object->record, "is_control_domain", &is_domain, error));
    if (!is_snapshot && !is_template && !is_domain)
      *found = object;
    else if (is_template && !is_snapshot && !template)
      template = object;
  }
  if (!*found)
    *found = template;
  if (*found)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "%s: has no object of the class VM, expected a machine",
                  reading->file);
}

static enum vmf_code read_snapshot(struct xapi_reading *reading, const struct xapi_object *object,
                                   struct vmf_error *error)
{
  struct vmf_machine_snapshot *snapshot;

  VMF_TRY(vmf_machine_add_snapshot(reading->machine, &snapshot, error));
  VMF_TRY(vmf_machine_text(reading->machine, object->id, vmf_xml_line(object->record),
                           &snapshot->id, error));
  VMF_TRY(xapi_text(reading, object->record, "name_label", &snapshot->name, error));
  return xapi_text(reading, object->record, "name_description", &snapshot->description, error);
}

/* What does not belong to the machine: its snapshots, and others that nobody asked for. */
static enum vmf_code read_rest(struct xapi_reading *reading, struct vmf_error *error)
{
  for (size_t i = 0; i < reading->count; i++) {
    const struct xapi_object *object = &reading->objects[i];
    VMF_AUTO_FREE char *key = NULL, *name = NULL;
    bool snapshot = false, part;
    if (object->used || is_of_host(object->class))
      continue;
    if (strcmp(object->class, "VM") == 0)
      VMF_TRY(xapi_flag(object->record, "is_a_snapshot", &snapshot, error));
    if (snapshot) {
      VMF_TRY(read_snapshot(reading, object, error));
      continue;
    }
    /* drives and cards of snapshots */
    part = strcmp(object->class, "VBD") == 0 || strcmp(object->class, "VIF") == 0;
    VMF_TRY(vmf_format(&key, error, "objects.%s[%s]", object->class, object->id));
    VMF_TRY(vmf_rpc_member_text(object->record, "name_label", &name, error));
    if (!part)
      VMF_TRY(vmf_machine_add_extra(reading->machine, XAPI_NAME, key, name ? name : "",
                                    vmf_xml_line(object->record), false, error));
  }
  return VMF_OK;
}

static enum vmf_code read_all(struct xapi_reading *reading, struct vmf_error *error)
{
  const xmlNode *root = reading->xml->elements[0];
  struct xapi_object *vm;
  xmlNode *version;

  if (vmf_xml_is(root, NULL, "appliance"))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is of an appliance of the old form (Xen 0.1, before 2010), which is not "
                    "read",
                    reading->file);
  if (!vmf_xml_is(root, NULL, "value"))
    return vmf_fail(error, VMF_CORRUPT, "%s: starts with the element \"%.40s\", expected \"value\"",
                    reading->file, (const char *)root->name);
  VMF_TRY(xapi_keep(reading, root, "ova", top_members, error));
  VMF_TRY(vmf_rpc_member(root, "version", &version, error));
  VMF_TRY(xapi_keep(reading, version, "version", version_members, error));
  VMF_TRY(xapi_objects_read(reading, error));
  VMF_TRY(find_machine(reading, &vm, error));
  vm->used = true;
  VMF_TRY(xapi_read_system(reading, vm, error));
  VMF_TRY(xapi_read_devices(reading, vm, error));
  return read_rest(reading, error);
}

enum vmf_code xapi_read(const struct vmf_machine_source *source, struct vmf_machine *machine,
                        struct vmf_report *report, struct vmf_error *error)
{
  struct xapi_reading reading = {.file = source->name, .machine = machine};

  if (source->snapshot)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the machine as it was at a snapshot is not read; its disks can be, as "
                    "FILE::DISK",
                    source->name);
  VMF_TRY(vmf_xml_parse(source->name, source->bytes, source->length, report, &reading.xml, error));
  enum vmf_code code = read_all(&reading, error);
  xapi_objects_free(&reading);
  vmf_xml_free(reading.xml);
  return code;
}

static bool holds(const uint8_t *head, size_t length, const char *text)
{
  return memmem(head, length, text, strlen(text)) != NULL;
}

/* An XML-RPC value with what all exports start with. */
static int xapi_probe(const uint8_t *head, size_t length)
{
  if (!holds(head, length, "<value>") || !holds(head, length, "<struct>"))
    return 0;
  return holds(head, length, "export_vsn") || holds(head, length, "product_brand") ? 100 : 0;
}

static const char *const suffixes[] = {"xml", NULL};

extern const struct vmf_machine_format vmf_machine_format_xapi;
const struct vmf_machine_format vmf_machine_format_xapi = {
    .name = XAPI_NAME,
    .summary = "XenServer and XCP-ng (ova.xml, in an .xva)",
    .suffixes = suffixes,
    .probe = xapi_probe,
    .read = xapi_read,
    .write = xapi_write,
    .container = "xva",
    .text_name = "ova.xml",
    .disk_name = xapi_disk_name,
};
