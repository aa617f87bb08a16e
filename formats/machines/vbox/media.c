/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * <MediaRegistry>: where the images are. A differencing disk stands inside of the one that it was
 * made on. Their chain is followed by the ids in the images themselves: what the registry says of
 * it decides only which image is meant. */
#include <stdlib.h>
#include <string.h>

#include "guid.h"
#include "list.h"
#include "memory.h"
#include "vbox.h"

/* The registry's formats that are files, and their names here. */
static const struct vmf_vendor_name formats[] = {
    {"VDI", "vdi"}, {"VMDK", "vmdk"}, {"VHD", "vpc"}, {"RAW", "raw"}, {NULL, NULL}};

/* ---- the list ---- */

/* Whether it has a <Property name="CRYPT/KeyId"/>. */
static enum vmf_code find_encryption(const struct vmf_taking *taking, struct vbox_medium *medium,
                                     struct vmf_error *error)
{
  for (const xmlNode *property = vmf_vbox_child(medium->element, "Property"); property;
       property = vmf_vbox_next(property)) {
    struct vmf_told_text name;
    VMF_TRY(vmf_taking_peek(taking, property, "name", &name, error));
    medium->encrypted |= name.text && strncmp(name.text, "CRYPT/", 6) == 0;
  }
  return VMF_OK;
}

static enum vmf_code add_medium(struct vbox_reader *reader, const xmlNode *element,
                                struct vmf_error *error)
{
  const struct vmf_taking *taking = &reader->reading.taking;
  struct vmf_told_id uuid;

  VMF_TRY(vmf_vbox_uuid(taking, element, "uuid", &uuid, error));
  if (!uuid.told)
    return VMF_OK;
  vmf_taking_take(taking, element);
  VMF_TRY(VMF_LIST_ROOM(reader->media, reader->medium_count, reader->medium_room, "images", error));
  struct vbox_medium *medium = &reader->media[reader->medium_count++];
  *medium = (struct vbox_medium){.element = element};
  memcpy(medium->uuid, uuid.bytes, sizeof medium->uuid);
  return find_encryption(taking, medium, error);
}

/* Elements of a kind in a part of the registry, however deep. */
static enum vmf_code add_media(struct vbox_reader *reader, const xmlNode *part, const char *kind,
                               struct vmf_error *error)
{
  const struct vmf_xml *xml = reader->reading.taking.xml;

  if (!part)
    return VMF_OK;
  size_t first = vmf_xml_index(part), end = xml->spans[first].end;
  for (size_t i = first + 1; i < xml->count && xml->spans[i].start < end; i++)
    if (vmf_vbox_is(xml->elements[i], kind))
      VMF_TRY(add_medium(reader, xml->elements[i], error));
  return VMF_OK;
}

static int by_uuid(const void *one, const void *other)
{
  const struct vbox_medium *const *a = one, *const *b = other;

  return memcmp((*a)->uuid, (*b)->uuid, sizeof(*a)->uuid);
}

/* Elements follow each other in the document, so that the one around another is before it. */
static void find_parents(struct vbox_reader *reader)
{
  const struct vbox_medium *last = NULL;

  for (size_t i = 0; i < reader->medium_count; i++) {
    struct vbox_medium *medium = &reader->media[i];
    while (last && last->element != medium->element->parent)
      last = last->parent;
    medium->parent = last;
    medium->encrypted |= last && last->encrypted;
    last = medium;
  }
}

static enum vmf_code sort_media(struct vbox_reader *reader, struct vmf_error *error)
{
  const struct vmf_taking *taking = &reader->reading.taking;
  void *memory = NULL;

  VMF_TRY(vmf_alloc(reader->medium_count * sizeof *reader->by_uuid, &memory, error));
  reader->by_uuid = memory;
  for (size_t i = 0; i < reader->medium_count; i++)
    reader->by_uuid[i] = &reader->media[i];
  qsort(reader->by_uuid, reader->medium_count, sizeof *reader->by_uuid, by_uuid);
  for (size_t i = 1; i < reader->medium_count; i++)
    if (by_uuid(&reader->by_uuid[i - 1], &reader->by_uuid[i]) == 0)
      vmf_report_add(taking->report, VMF_SEVERITY_WARNING, "vbox-medium-twice", taking->name,
                     vmf_xml_line(reader->by_uuid[i]->element),
                     "the registry has an image of the same uuid on line %u",
                     vmf_xml_line(reader->by_uuid[i - 1]->element));
  return VMF_OK;
}

enum vmf_code vbox_read_media(struct vbox_reader *reader, const xmlNode *machine,
                              struct vmf_error *error)
{
  const xmlNode *registry = vmf_vbox_child(machine, "MediaRegistry");

  vmf_taking_take(&reader->reading.taking, registry);
  VMF_TRY(add_media(reader, vmf_vbox_child(registry, "HardDisks"), "HardDisk", error));
  find_parents(reader);
  VMF_TRY(add_media(reader, vmf_vbox_child(registry, "DVDImages"), "Image", error));
  VMF_TRY(add_media(reader, vmf_vbox_child(registry, "FloppyImages"), "Image", error));
  for (size_t i = 0; i < reader->medium_count; i++) {
    const xmlNode *element = reader->media[i].element;
    vmf_taking_mark(&reader->reading.taking, element, "location");
    vmf_taking_mark(&reader->reading.taking, element, "format");
    vmf_taking_mark(&reader->reading.taking, element, "type");
    vmf_taking_mark(&reader->reading.taking, element, "autoReset");
  }
  return sort_media(reader, error);
}

void vbox_clear_media(struct vbox_reader *reader)
{
  vmf_free(reader->media);
  vmf_free(reader->by_uuid);
}

/* ---- one ---- */

/* *medium: NULL where there is none. Of two of one uuid nobody knows which is meant. */
static enum vmf_code find_medium(const struct vbox_reader *reader,
                                 const uint8_t uuid[VMF_GUID_SIZE],
                                 const struct vbox_medium **medium, struct vmf_error *error)
{
  struct vbox_medium wanted;
  struct vbox_medium *key = &wanted, **end = reader->by_uuid + reader->medium_count;

  memcpy(wanted.uuid, uuid, sizeof wanted.uuid);
  struct vbox_medium **found =
      reader->medium_count == 0
          ? NULL
          : bsearch(&key, reader->by_uuid, reader->medium_count, sizeof key, by_uuid);
  *medium = found ? *found : NULL;
  if (!found)
    return VMF_OK;
  struct vbox_medium **twin = found + 1 < end && by_uuid(found, found + 1) == 0 ? found + 1 : NULL;
  if (found > reader->by_uuid && by_uuid(found, found - 1) == 0)
    twin = found - 1;
  if (!twin)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s:%u: a drive has the image of a uuid that the registry has twice, on this "
                  "line and on line %u",
                  reader->reading.taking.name, vmf_xml_line((*found)->element),
                  vmf_xml_line((*twin)->element));
}

/* The content of the drive is not here: told, and why. */
static enum vmf_code put_elsewhere(const struct vbox_reader *reader,
                                   const struct vmf_told_text *uuid, const char *what,
                                   const char *name, struct vmf_machine_disk *disk,
                                   struct vmf_error *error)
{
  const struct vmf_taking *taking = &reader->reading.taking;

  VMF_TRY(vmf_machine_format_text(taking->machine, uuid->line, &disk->elsewhere, error, "%s: %s",
                                  what, name));
  vmf_report_add(taking->report, VMF_SEVERITY_LOSS, "disk-elsewhere", taking->name, uuid->line,
                 "the content of a drive is not in a file that can be read here: %s",
                 disk->elsewhere.text);
  return VMF_OK;
}

/* What writes become, by the type of the first image of the chain. */
static enum vmf_code read_type(const struct vmf_taking *taking, const struct vbox_medium *medium,
                               struct vmf_machine_disk *disk, struct vmf_error *error)
{
  struct vmf_told_text type;

  while (medium->parent)
    medium = medium->parent;
  VMF_TRY(vmf_taking_peek(taking, medium->element, "type", &type, error));
  const char *word = type.text ? type.text : "";
  if (strcmp(word, "Writethrough") == 0 || strcmp(word, "Shareable") == 0)
    disk->mode = vmf_told(VMF_MODE_INDEPENDENT, type.line);
  if (strcmp(word, "Shareable") == 0)
    disk->shared = vmf_told(1, type.line);
  if (strcmp(word, "Readonly") == 0 && disk->medium.value == VMF_MEDIUM_DISK)
    disk->read_only = vmf_told(1, type.line);
  if (strcmp(word, "Immutable") == 0)
    disk->mode = vmf_told(VMF_MODE_TRANSIENT, type.line);
  return VMF_OK;
}

/* A differencing disk that is emptied at each start: the machine starts with what it was made on.
 */
static enum vmf_code skip_reset(const struct vmf_taking *taking, const struct vbox_medium **medium,
                                struct vmf_error *error)
{
  struct vmf_told_text location;
  bool reset;

  VMF_TRY(vmf_vbox_flag(taking, (*medium)->element, "autoReset", false, &reset, error));
  if (!reset || !(*medium)->parent)
    return VMF_OK;
  VMF_TRY(vmf_taking_peek(taking, (*medium)->element, "location", &location, error));
  vmf_report_add(taking->report, VMF_SEVERITY_WARNING, "vbox-auto-reset", taking->name,
                 location.line,
                 "what was written to an immutable disk is forgotten at the next start: it is "
                 "taken as it is then; \"%.120s\" holds it as it is now",
                 location.text ? location.text : "");
  *medium = (*medium)->parent;
  return VMF_OK;
}

static enum vmf_code take_medium(const struct vbox_reader *reader, const struct vbox_medium *medium,
                                 const struct vmf_told_text *uuid, struct vmf_machine_disk *disk,
                                 struct vmf_error *error)
{
  const struct vmf_taking *taking = &reader->reading.taking;
  struct vmf_told_text location, format;

  VMF_TRY(read_type(taking, medium, disk, error));
  VMF_TRY(skip_reset(taking, &medium, error));
  VMF_TRY(vmf_taking_peek(taking, medium->element, "location", &location, error));
  VMF_TRY(vmf_taking_peek(taking, medium->element, "format", &format, error));
  const char *name = location.text ? location.text : "";
  if (medium->encrypted)
    return put_elsewhere(reader, uuid, "encrypted (VBoxManage encryptmedium takes that away)", name,
                         disk, error);
  if (format.text && strcmp(format.text, "iSCSI") == 0)
    return put_elsewhere(reader, uuid, "iSCSI", name, disk, error);
  if (!name[0])
    return vmf_fail(error, VMF_CORRUPT, "%s:%u: an image of the registry has no location",
                    taking->name, vmf_xml_line(medium->element));
  const char *known = format.text ? vmf_vendor_neutral(formats, format.text) : NULL;
  disk->image = location;
  return disk->medium.value == VMF_MEDIUM_DISK
             ? vmf_machine_text(taking->machine, known, format.line, &disk->image_format, error)
             : VMF_OK;
}

enum vmf_code vbox_find_image(void *data, const struct vmf_told_text *uuid,
                              struct vmf_machine_disk *disk, struct vmf_error *error)
{
  const struct vbox_reader *reader = data;
  char plain[VMF_GUID_TEXT] = "";
  uint8_t bytes[VMF_GUID_SIZE];

  if (strlen(uuid->text) == VMF_GUID_TEXT + 1 && uuid->text[0] == '{')
    memcpy(plain, uuid->text + 1, VMF_GUID_TEXT - 1);
  if (!vmf_guid_parse(plain[0] ? plain : uuid->text, bytes))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s:%u: uuid of <Image> is \"%.60s\": accepted is a UUID: "
                    "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
                    reader->reading.taking.name, uuid->line, uuid->text);
  const struct vbox_medium *medium;
  VMF_TRY(find_medium(reader, bytes, &medium, error));
  if (!medium)
    return put_elsewhere(reader, uuid,
                         "not in this file's registry, but in the VirtualBox.xml of its host",
                         uuid->text, disk, error);
  return take_medium(reader, medium, uuid, disk, error);
}
