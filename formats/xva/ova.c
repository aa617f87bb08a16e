/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The disks that ova.xml tells of: an XML-RPC value of a version and of objects (machines, disks,
 * what ties them), which name each other by their ids. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "rpc.h"
#include "text.h"
#include "xva.h"

enum { ID_MOST = 64, NO_PLACE = INT32_MAX };

struct object {
  char *class, *id;
  xmlNode *record;
  /* of a VDI */
  bool attached;  /* as a disk, to a machine */
  bool snapshot;  /* of a machine: to nothing else */
  uint32_t place; /* in the machine, the lowest */
};

struct objects {
  struct object *list; /* by id */
  size_t count, capacity;
};

static void free_objects(struct objects *objects)
{
  for (size_t i = 0; i < objects->count; i++) {
    vmf_free(objects->list[i].class);
    vmf_free(objects->list[i].id);
  }
  vmf_free(objects->list);
}

/* ---- objects ---- */

static int compare_ids(const void *a, const void *b)
{
  return strcmp(((const struct object *)a)->id, ((const struct object *)b)->id);
}

static struct object *find(const struct objects *objects, const char *id, const char *class)
{
  struct object key = {.id = (char *)(uintptr_t)id};
  struct object *found = id && objects->count > 0
                             ? bsearch(&key, objects->list, objects->count, sizeof key, compare_ids)
                             : NULL;

  return found && strcmp(found->class, class) == 0 ? found : NULL;
}

static enum vmf_code add_object(const char *archive, struct objects *objects, const xmlNode *value,
                                struct vmf_error *error)
{
  VMF_TRY(VMF_LIST_ROOM(objects->list, objects->count, objects->capacity, "objects", error));
  struct object *object = &objects->list[objects->count++];
  *object = (struct object){.place = NO_PLACE};
  VMF_TRY(vmf_rpc_member_text(value, "class", &object->class, error));
  VMF_TRY(vmf_rpc_member_text(value, "id", &object->id, error));
  VMF_TRY(vmf_rpc_member(value, "snapshot", &object->record, error));
  if (object->class && object->id && object->record)
    return VMF_OK;
  objects->count--;
  vmf_free(object->class);
  vmf_free(object->id);
  return vmf_fail(error, VMF_CORRUPT, "%s: ova.xml:%u: an object without its class, id or snapshot",
                  archive, vmf_xml_line(value));
}

static enum vmf_code read_objects(const char *archive, const xmlNode *root, struct objects *objects,
                                  struct vmf_error *error)
{
  xmlNode *array;

  VMF_TRY(vmf_rpc_member(root, "objects", &array, error));
  for (xmlNode *item = NULL; (item = vmf_rpc_next_item(array, item)) != NULL;)
    VMF_TRY(add_object(archive, objects, item, error));
  if (objects->count == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: ova.xml tells of no objects, expected a machine",
                    archive);
  qsort(objects->list, objects->count, sizeof *objects->list, compare_ids);
  for (size_t i = 1; i < objects->count; i++)
    if (strcmp(objects->list[i - 1].id, objects->list[i].id) == 0)
      return vmf_fail(error, VMF_CORRUPT, "%s: ova.xml: two objects have the id \"%.64s\"", archive,
                      objects->list[i].id);
  return VMF_OK;
}

/* ---- what is attached to machines ---- */

static enum vmf_code member_is(const xmlNode *record, const char *name, const char *expected,
                               bool *same, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;

  VMF_TRY(vmf_rpc_member_text(record, name, &text, error));
  *same = text && vmf_text_equal_nocase(text, expected);
  return VMF_OK;
}

static enum vmf_code belongs_to_snapshot(const struct objects *objects, const xmlNode *vbd,
                                         bool *snapshot, struct vmf_error *error)
{
  VMF_AUTO_FREE char *id = NULL;

  *snapshot = false;
  VMF_TRY(vmf_rpc_member_text(vbd, "VM", &id, error));
  const struct object *machine = find(objects, id, "VM");
  if (machine)
    VMF_TRY(member_is(machine->record, "is_a_snapshot", "1", snapshot, error));
  if (machine && !*snapshot)
    VMF_TRY(member_is(machine->record, "is_a_snapshot", "true", snapshot, error));
  return VMF_OK;
}

static uint32_t place_of(const char *device)
{
  uint64_t place = 0;

  if (!device || device[0] == '\0' || strlen(device) > 6)
    return NO_PLACE - 1;
  for (; *device; device++) {
    if (*device < '0' || *device > '9')
      return NO_PLACE - 1;
    place = place * 10 + (uint64_t)(*device - '0');
  }
  return (uint32_t)place;
}

static enum vmf_code attach(const struct objects *objects, const xmlNode *vbd,
                            struct vmf_error *error)
{
  VMF_AUTO_FREE char *id = NULL, *device = NULL;
  bool drive, snapshot;

  VMF_TRY(member_is(vbd, "type", "CD", &drive, error));
  VMF_TRY(vmf_rpc_member_text(vbd, "VDI", &id, error));
  struct object *disk = find(objects, id, "VDI");
  if (drive || !disk)
    return VMF_OK;
  VMF_TRY(vmf_rpc_member_text(vbd, "userdevice", &device, error));
  VMF_TRY(belongs_to_snapshot(objects, vbd, &snapshot, error));
  disk->snapshot = snapshot && (disk->snapshot || !disk->attached);
  disk->attached = true;
  if (place_of(device) < disk->place)
    disk->place = place_of(device);
  return VMF_OK;
}

/* Not a disk of a folder of installation media. */
static enum vmf_code is_exported(const struct objects *objects, const struct object *disk,
                                 const char **kind, bool *exported, struct vmf_error *error)
{
  VMF_AUTO_FREE char *store = NULL;
  bool media = false, memory;

  *exported = false;
  VMF_TRY(member_is(disk->record, "type", "suspend", &memory, error));
  VMF_TRY(vmf_rpc_member_text(disk->record, "SR", &store, error));
  const struct object *found = find(objects, store, "SR");
  if (found)
    VMF_TRY(member_is(found->record, "content_type", "iso", &media, error));
  *kind = memory ? "memory" : disk->snapshot ? "snapshot" : NULL;
  *exported = memory || (disk->attached && !media);
  return VMF_OK;
}

/* ---- disks ---- */

/* It is the name of a folder in the archive. */
bool xva_is_id(const char *id)
{
  size_t length = strlen(id);

  for (const char *at = id; *at; at++)
    if ((unsigned char)*at <= ' ' || *at == '/' || *at == '\\' || *at == 0x7f)
      return false;
  return length > 0 && length <= ID_MOST && id[0] != '.';
}

static enum vmf_code read_size(const char *archive, const struct object *disk, uint64_t *size,
                               struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;
  char *end = NULL;

  VMF_TRY(vmf_rpc_member_text(disk->record, "virtual_size", &text, error));
  const char *digits = text ? text : "";
  if (strspn(digits, "0123456789") == strlen(digits) && strlen(digits) <= 19)
    *size = strtoull(digits, &end, 10);
  if (end && end != digits && *size > 0)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: ova.xml:%u: disk %s: virtual_size is \"%.40s\", expected bytes as a decimal "
                  "number, at least 1",
                  archive, vmf_xml_line(disk->record), disk->id, digits);
}

static enum vmf_code add_disk(const char *archive, const struct object *object, const char *kind,
                              struct xva_ova *ova, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL, *id = NULL;
  uint64_t size = 0;

  if (!xva_is_id(object->id))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ova.xml:%u: a disk has the id \"%.70s\", which can be no name of a folder "
                    "in the archive",
                    archive, vmf_xml_line(object->record), object->id);
  VMF_TRY(read_size(archive, object, &size, error));
  VMF_TRY(vmf_rpc_member_text(object->record, "name_label", &name, error));
  VMF_TRY(vmf_copy_text(object->id, &id, error));
  VMF_TRY(VMF_LIST_ROOM(ova->disks, ova->count, ova->capacity, "disks", error));
  ova->disks[ova->count++] = (struct vmf_container_disk){.id = id,
                                                         .name = name && name[0] ? name : NULL,
                                                         .kind = kind,
                                                         .size = size,
                                                         .unit = XVA_CHUNK};
  id = NULL;
  if (name && name[0])
    name = NULL;
  return VMF_OK;
}

static int compare_places(const void *a, const void *b)
{
  const struct object *one = a, *other = b;

  if (one->place != other->place)
    return one->place < other->place ? -1 : 1;
  return strcmp(one->id, other->id);
}

/* Disks first, then what is none. */
static enum vmf_code add_disks(const char *archive, const struct objects *objects, bool others,
                               struct xva_ova *ova, struct vmf_error *error)
{
  struct objects sorted = {.count = objects->count};
  const char *kind;
  bool exported;
  void *memory;

  VMF_TRY(vmf_alloc(objects->count * sizeof *objects->list, &memory, error));
  VMF_AUTO_FREE void *own = memory;
  sorted.list = own;
  memcpy(own, objects->list, objects->count * sizeof *objects->list);
  qsort(sorted.list, sorted.count, sizeof *sorted.list, compare_places);
  for (size_t i = 0; i < sorted.count; i++) {
    if (strcmp(sorted.list[i].class, "VDI") != 0)
      continue;
    VMF_TRY(is_exported(objects, &sorted.list[i], &kind, &exported, error));
    if (exported && (kind != NULL) == others)
      VMF_TRY(add_disk(archive, &sorted.list[i], kind, ova, error));
  }
  return VMF_OK;
}

/* ---- all of it ---- */

static enum vmf_code join(const xmlNode *version, const char *first, const char *second,
                          char **joined, struct vmf_error *error)
{
  VMF_AUTO_FREE char *one = NULL, *other = NULL;

  VMF_TRY(vmf_rpc_member_text(version, first, &one, error));
  VMF_TRY(vmf_rpc_member_text(version, second, &other, error));
  if (!one && !other)
    return VMF_OK;
  return vmf_format(joined, error, "%s%s%s", one ? one : "", one && other ? " " : "",
                    other ? other : "");
}

static enum vmf_code read_version(const char *archive, const xmlNode *root, struct xva_ova *ova,
                                  struct vmf_error *error)
{
  VMF_AUTO_FREE char *export = NULL;
  xmlNode *version;

  VMF_TRY(vmf_rpc_member(root, "version", &version, error));
  VMF_TRY(vmf_rpc_member_text(version, "export_vsn", &export, error));
  VMF_TRY(join(version, "product_brand", "product_version", &ova->product, error));
  VMF_TRY(vmf_rpc_member_text(version, "hostname", &ova->host, error));
  if (export && (strcmp(export, "1") == 0 || strcmp(export, "2") == 0)) {
    ova->export_version = (unsigned)(export[0] - '0');
    return VMF_OK;
  }
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: ova.xml: export_vsn is \"%.40s\", expected 1 or 2 (XenServer from 4.1 on): "
                  "others have no checksums with their data",
                  archive, export ? export : "");
}

static enum vmf_code read_tree(const char *archive, const struct vmf_xml *xml, struct xva_ova *ova,
                               struct objects *objects, struct vmf_error *error)
{
  const xmlNode *root = xml->elements[0];

  if (vmf_xml_is(root, NULL, "appliance"))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: ova.xml is of an appliance of the old form (Xen 0.1, before 2010), which "
                    "is not read",
                    archive);
  if (!vmf_xml_is(root, NULL, "value"))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ova.xml starts with the element \"%.40s\", expected \"value\"", archive,
                    (const char *)root->name);
  VMF_TRY(read_version(archive, root, ova, error));
  VMF_TRY(read_objects(archive, root, objects, error));
  for (size_t i = 0; i < objects->count; i++)
    if (strcmp(objects->list[i].class, "VBD") == 0)
      VMF_TRY(attach(objects, objects->list[i].record, error));
  VMF_TRY(add_disks(archive, objects, false, ova, error));
  return add_disks(archive, objects, true, ova, error);
}

enum vmf_code xva_ova_read(const char *archive, struct xva_ova *ova, struct vmf_error *error)
{
  VMF_AUTO_FREE char *name = NULL;
  struct objects objects = {.list = NULL};
  struct vmf_xml *xml;

  VMF_TRY(vmf_format(&name, error, "%s: ova.xml", archive));
  VMF_TRY(vmf_xml_parse(name, ova->text, ova->length, NULL, &xml, error));
  enum vmf_code code = read_tree(archive, xml, ova, &objects, error);
  free_objects(&objects);
  vmf_xml_free(xml);
  return code;
}

void xva_ova_free(struct xva_ova *ova)
{
  for (unsigned i = 0; i < ova->count; i++) {
    vmf_free((char *)(uintptr_t)ova->disks[i].id);
    vmf_free((char *)(uintptr_t)ova->disks[i].name);
  }
  vmf_free(ova->disks);
  vmf_free(ova->product);
  vmf_free(ova->host);
  vmf_free(ova->text);
  *ova = (struct xva_ova){.text = NULL};
}

struct vmf_contents xva_ova_contents(const struct xva_ova *ova)
{
  return (struct vmf_contents){.disks = ova->disks,
                               .disk_count = ova->count,
                               .machine = "xapi",
                               .text_name = "ova.xml",
                               .text = ova->text,
                               .text_length = ova->length};
}
