/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "bundle.h"

#include <inttypes.h>
#include <string.h>

#include "list.h"
#include "memory.h"
#include "text.h"

#define TOP "{5fbaabe3-6958-40ff-92a7-860e329aab41}"
#define NO_GUID "{00000000-0000-0000-0000-000000000000}"

/* The text of a child; a fresh string. */
static enum vmf_code child_text(const struct vmf_image *image, const xmlNode *parent,
                                const char *name, char **text, struct vmf_error *error)
{
  const xmlNode *child = vmf_xml_child(parent, NULL, name);

  if (!child)
    return vmf_fail(error, VMF_CORRUPT, "%s: line %u: %s without a %s", image->io->name,
                    vmf_xml_line(parent), (const char *)parent->name, name);
  return vmf_xml_text(child, text, error);
}

static enum vmf_code child_number(const struct vmf_image *image, const xmlNode *parent,
                                  const char *name, uint64_t *number, struct vmf_error *error)
{
  VMF_AUTO_FREE char *text = NULL;
  size_t digits;

  VMF_TRY(child_text(image, parent, name, &text, error));
  digits = strspn(text, "0123456789");
  *number = 0;
  for (size_t i = 0; i < digits && digits <= 18; i++)
    *number = *number * 10 + (uint64_t)(text[i] - '0');
  if (digits == 0 || digits > 18 || text[digits] != '\0')
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: line %u: a %s of \"%s\", expected a number of sectors of 18 digits at most",
        image->io->name, vmf_xml_line(parent), name, text);
  return VMF_OK;
}

static bool same_guid(const char *a, const char *b)
{
  size_t a_length, b_length;

  a += *a == '{';
  b += *b == '{';
  a_length = strcspn(a, "}");
  b_length = strcspn(b, "}");
  if (a_length != b_length)
    return false;
  for (size_t i = 0; i < a_length; i++)
    if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] | 0x20 : a[i]) !=
        (b[i] >= 'A' && b[i] <= 'Z' ? b[i] | 0x20 : b[i]))
      return false;
  return true;
}

static enum vmf_code read_parameters(const struct vmf_image *image, const xmlNode *root,
                                     struct parallels_bundle *bundle, struct vmf_error *error)
{
  const xmlNode *parameters = vmf_xml_child(root, NULL, "Disk_Parameters");
  const xmlNode *encryption = parameters ? vmf_xml_child(parameters, NULL, "Encryption") : NULL;
  VMF_AUTO_FREE char *engine = NULL;
  uint64_t sector;

  if (!parameters)
    return vmf_fail(error, VMF_CORRUPT, "%s: no Disk_Parameters", image->io->name);
  VMF_TRY(child_number(image, parameters, "Disk_size", &bundle->sectors, error));
  if (bundle->sectors == 0 || bundle->sectors > image->limits->guest_size / PARALLELS_SECTOR)
    return vmf_fail(error, VMF_CORRUPT, "%s: a disk of %" PRIu64 " sectors", image->io->name,
                    bundle->sectors);
  if (vmf_xml_child(parameters, NULL, "LogicSectorSize")) {
    VMF_TRY(child_number(image, parameters, "LogicSectorSize", &sector, error));
    if (sector != PARALLELS_SECTOR)
      return vmf_fail(error, VMF_UNSUPPORTED, "%s: sectors of %" PRIu64 " bytes, expected %d",
                      image->io->name, sector, PARALLELS_SECTOR);
  }
  if (!encryption || !vmf_xml_child(encryption, NULL, "Engine"))
    return VMF_OK;
  VMF_TRY(child_text(image, encryption, "Engine", &engine, error));
  if (engine[0] != '\0' && !same_guid(engine, NO_GUID))
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: the disk is encrypted (engine %s)",
                    image->io->name, engine);
  return VMF_OK;
}

static enum vmf_code read_storages(const struct vmf_image *image, const xmlNode *root,
                                   struct parallels_bundle *bundle, struct vmf_error *error)
{
  const xmlNode *data = vmf_xml_child(root, NULL, "StorageData");
  xmlNode *storage = data ? vmf_xml_child(data, NULL, "Storage") : NULL;
  uint64_t expected = 0, start, end;

  for (; storage; storage = vmf_xml_find(storage->next, NULL, "Storage")) {
    VMF_TRY(parallels_bundle_range(image, storage, &start, &end, error));
    if (start != expected || end <= start || end > bundle->sectors)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: line %u: a Storage from sector %" PRIu64 " to %" PRIu64
                      ", expected one that begins at %" PRIu64 " and ends before %" PRIu64,
                      image->io->name, vmf_xml_line(storage), start, end, expected,
                      bundle->sectors + 1);
    expected = end;
    VMF_TRY(VMF_LIST_ROOM(bundle->storages, bundle->storage_count, bundle->storage_room, "storages",
                          error));
    bundle->storages[bundle->storage_count++] = storage;
  }
  if (expected != bundle->sectors)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: the Storages end at sector %" PRIu64 ", the disk at %" PRIu64,
                    image->io->name, expected, bundle->sectors);
  return VMF_OK;
}

static enum vmf_code read_shots(const struct vmf_image *image, const xmlNode *root,
                                struct parallels_bundle *bundle, struct vmf_error *error)
{
  const xmlNode *snapshots = vmf_xml_child(root, NULL, "Snapshots");
  xmlNode *shot = snapshots ? vmf_xml_child(snapshots, NULL, "Shot") : NULL;

  for (; shot; shot = vmf_xml_find(shot->next, NULL, "Shot")) {
    VMF_TRY(
        VMF_LIST_ROOM(bundle->shots, bundle->shot_count, bundle->shot_room, "snapshots", error));
    struct parallels_shot *made = &bundle->shots[bundle->shot_count];
    *made = (struct parallels_shot){0};
    bundle->shot_count++; /* its strings are freed from here on */
    VMF_TRY(child_text(image, shot, "GUID", &made->guid, error));
    VMF_TRY(child_text(image, shot, "ParentGUID", &made->parent, error));
    for (size_t i = 0; i + 1 < bundle->shot_count; i++)
      if (same_guid(bundle->shots[i].guid, made->guid))
        return vmf_fail(error, VMF_CORRUPT, "%s: line %u: a second Shot %s", image->io->name,
                        vmf_xml_line(shot), made->guid);
    if (bundle->shot_count > image->limits->snapshots)
      return vmf_fail(error, VMF_LIMIT, "%s: more than %" PRIu32 " snapshots", image->io->name,
                      image->limits->snapshots);
  }
  if (snapshots && vmf_xml_child(snapshots, NULL, "TopGUID"))
    return child_text(image, snapshots, "TopGUID", &bundle->top, error);
  return vmf_copy_text(TOP, &bundle->top, error);
}

static enum vmf_code parse(const struct vmf_image *image, struct parallels_bundle *bundle,
                           struct vmf_error *error)
{
  VMF_AUTO_FREE void *text = NULL;
  size_t length = (size_t)image->io->size;

  if (image->io->size > image->limits->descriptor)
    return vmf_fail(error, VMF_LIMIT, "%s: a descriptor of %" PRIu64 " bytes, at most %" PRIu32,
                    image->io->name, image->io->size, image->limits->descriptor);
  VMF_TRY(vmf_alloc(length, &text, error));
  VMF_TRY(vmf_io_pread(image->io, text, length, 0, error));
  return vmf_xml_parse(image->io->name, text, length, NULL, &bundle->xml, error);
}

enum vmf_code parallels_bundle_read(const struct vmf_image *image, struct parallels_bundle *bundle,
                                    struct vmf_error *error)
{
  VMF_TRY(parse(image, bundle, error));
  const xmlNode *root = bundle->xml->elements[0];
  if (!vmf_xml_is(root, NULL, PARALLELS_ROOT))
    return vmf_fail(error, VMF_CORRUPT, "%s: the root element is %s, expected " PARALLELS_ROOT,
                    image->io->name, (const char *)root->name);
  VMF_TRY(read_parameters(image, root, bundle, error));
  VMF_TRY(read_storages(image, root, bundle, error));
  return read_shots(image, root, bundle, error);
}

void parallels_bundle_free(struct parallels_bundle *bundle)
{
  for (size_t i = 0; i < bundle->shot_count; i++) {
    vmf_free(bundle->shots[i].guid);
    vmf_free(bundle->shots[i].parent);
  }
  vmf_free(bundle->shots);
  vmf_free((void *)bundle->storages);
  vmf_free(bundle->top);
  vmf_xml_free(bundle->xml);
}

enum vmf_code parallels_bundle_range(const struct vmf_image *image, const xmlNode *storage,
                                     uint64_t *start, uint64_t *end, struct vmf_error *error)
{
  VMF_TRY(child_number(image, storage, "Start", start, error));
  return child_number(image, storage, "End", end, error);
}

/* The only Image of a storage with that id. */
static enum vmf_code find_image(const struct vmf_image *image, const xmlNode *storage,
                                const char *guid, const xmlNode **found, struct vmf_error *error)
{
  xmlNode *node = vmf_xml_child(storage, NULL, "Image");

  *found = NULL;
  for (; node; node = vmf_xml_find(node->next, NULL, "Image")) {
    VMF_AUTO_FREE char *is = NULL;
    VMF_TRY(child_text(image, node, "GUID", &is, error));
    if (!same_guid(is, guid))
      continue;
    if (*found)
      return vmf_fail(error, VMF_CORRUPT, "%s: line %u: a second Image %s of one Storage",
                      image->io->name, vmf_xml_line(node), guid);
    *found = node;
  }
  if (!*found)
    return vmf_fail(error, VMF_CORRUPT, "%s: line %u: a Storage without an Image %s",
                    image->io->name, vmf_xml_line(storage), guid);
  return VMF_OK;
}

enum vmf_code parallels_bundle_file(const struct vmf_image *image, const xmlNode *storage,
                                    const char *guid, char **name, bool *plain,
                                    struct vmf_error *error)
{
  VMF_AUTO_FREE char *type = NULL;
  const xmlNode *node;

  VMF_TRY(find_image(image, storage, guid, &node, error));
  VMF_TRY(child_text(image, node, "Type", &type, error));
  *plain = strcmp(type, "Plain") == 0;
  if (!*plain && strcmp(type, "Compressed") != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: line %u: an Image of type \"%s\", expected Compressed or Plain",
                    image->io->name, vmf_xml_line(node), type);
  return child_text(image, node, "File", name, error);
}

const struct parallels_shot *parallels_bundle_shot(const struct parallels_bundle *bundle,
                                                   const char *guid)
{
  for (size_t i = 0; i < bundle->shot_count; i++)
    if (same_guid(bundle->shots[i].guid, guid))
      return &bundle->shots[i];
  return NULL;
}

bool parallels_bundle_is_base(const struct parallels_shot *shot)
{
  return same_guid(shot->parent, NO_GUID);
}
