/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The metadata region ([MS-VHDX] 2.6): a table of items, each with an id, and what they say. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vhdx.h"
#include "zero.h"

enum {
  ENTRY_SIZE = 32,
  ENTRIES_AT = 32,
  FLAG_USER = 1,
  FLAG_REQUIRED = 4,
  FLAGS = 7,
  USER_ITEMS_MAX = 1024,
  SYSTEM_ITEMS_MAX = 1023,
  PARAM_FIXED = 1,
  PARAM_PARENT = 2,
};

struct item {
  uint8_t guid[VMF_GUID_SIZE];
  uint32_t offset, length, flags, reserved; /* offset: in the region */
};

enum known { PARAMETERS, SIZE, PAGE83, LOGICAL, PHYSICAL, LOCATOR, CHS, PMEM, INCOMPLETE, KNOWN };

/* length 0: any. */
static const struct {
  uint8_t guid[VMF_GUID_SIZE];
  const char *name;
  uint32_t length;
  bool needed;
} known_items[KNOWN] = {
    [PARAMETERS] = {{0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa,
                     0x44, 0xe7, 0x6b},
                    "file parameters",
                    8,
                    true},
    [SIZE] = {{0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b,
               0xf4, 0xb8},
              "virtual disk size",
              8,
              true},
    [PAGE83] = {{0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00,
                 0xc7, 0x46},
                "page 83 data",
                16,
                true},
    [LOGICAL] = {{0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8,
                  0xfa, 0xab, 0x5f},
                 "logical sector size",
                 4,
                 true},
    [PHYSICAL] = {{0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9, 0x88, 0x52,
                   0x51, 0xc5, 0x56},
                  "physical sector size",
                  4,
                  true},
    [LOCATOR] = {{0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48,
                  0x34, 0xab, 0x0c},
                 "parent locator",
                 0,
                 false},
    [CHS] = {{0xbc, 0xd7, 0x02, 0xda, 0x3a, 0x3d, 0x3c, 0x42, 0xac, 0x88, 0x2a, 0x36, 0xab, 0x21,
              0x47, 0x9b},
             "geometry",
             0,
             false},
    [PMEM] = {{0x8a, 0xae, 0xe1, 0x10, 0x7e, 0x4b, 0x69, 0x41, 0xa4, 0x0f, 0xcd, 0x70, 0xde, 0x92,
               0x83, 0x93},
              "persistent memory labels",
              0,
              false},
    [INCOMPLETE] = {{0xf0, 0x85, 0xcc, 0x71, 0x69, 0x1b, 0x28, 0x4e, 0x95, 0x58, 0xc3, 0xbf, 0x83,
                     0xae, 0x75, 0xd3},
                    "incomplete file",
                    0,
                    false},
};

static struct item decode_item(const uint8_t *table, unsigned number)
{
  const uint8_t *raw = table + ENTRIES_AT + ENTRY_SIZE * number;
  struct item item;

  memcpy(item.guid, raw, VMF_GUID_SIZE);
  item.offset = get_le32(raw + 16);
  item.length = get_le32(raw + 20);
  item.flags = get_le32(raw + 24);
  item.reserved = get_le32(raw + 28);
  return item;
}

static enum known find_known(const struct item *item)
{
  unsigned i = 0;
  while (i < KNOWN &&
         (item->flags & FLAG_USER || memcmp(item->guid, known_items[i].guid, VMF_GUID_SIZE) != 0))
    i++;
  return i;
}

static struct vhdx_range item_range(const struct item *item)
{
  return (struct vhdx_range){item->offset, item->length};
}

static enum vmf_code check_item(const struct vmf_image *image, unsigned number,
                                const struct item *item, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  bool both = item->flags & FLAG_USER && item->flags & FLAG_REQUIRED;

  if (item->flags & ~(uint32_t)FLAGS || item->reserved != 0 || both ||
      vmf_is_zero(item->guid, VMF_GUID_SIZE))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX metadata table entry %u: flags 0x%x with reserved field 0x%x, "
                    "expected an id, flags of 1 (user's), 2, or 4 (required, not user's), and 0",
                    image->io->name, number, item->flags, item->reserved);
  if (item->length == 0 && item->offset == 0)
    return VMF_OK;
  if (item->length == 0 || item->length > VHDX_ITEM_MAX || item->offset < VHDX_TABLE_SIZE ||
      !vmf_range_within(item->offset, item->length, state->metadata_region.length))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX metadata table entry %u: %u bytes at byte %u of a region of %llu "
                    "bytes, expected 1 to %u behind the table",
                    image->io->name, number, item->length, item->offset,
                    (unsigned long long)state->metadata_region.length, VHDX_ITEM_MAX);
  return VMF_OK;
}

/* Against those before it. */
static enum vmf_code check_others(const struct vmf_image *image, const uint8_t *table,
                                  unsigned number, const struct item *item, struct vmf_error *error)
{
  for (unsigned i = 0; i < number; i++) {
    struct item other = decode_item(table, i);
    if (memcmp(item->guid, other.guid, VMF_GUID_SIZE) == 0 &&
        (item->flags & FLAG_USER) == (other.flags & FLAG_USER))
      return vmf_fail(error, VMF_CORRUPT, "%s: VHDX metadata table: entries %u and %u have one id",
                      image->io->name, i, number);
    if (item->length > 0 && other.length > 0 && vhdx_overlaps(item_range(item), item_range(&other)))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: VHDX metadata table: the items of entries %u and %u overlap",
                      image->io->name, i, number);
  }
  return VMF_OK;
}

static enum vmf_code take_item(struct vmf_image *image, unsigned number, const struct item *item,
                               struct item found[KNOWN], struct vmf_error *error)
{
  enum known kind = find_known(item);
  char guid[VMF_GUID_TEXT];

  if (kind == INCOMPLETE)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX metadata: marked as incomplete: its creation did not end",
                    image->io->name);
  if (kind == PMEM && item->length > 0)
    vmf_warn(image->log,
             "%s: has labels of persistent memory, which are not content of the disk and are left "
             "out",
             image->io->name);
  if (kind == KNOWN) {
    vhdx_guid_text(item->guid, guid);
    if (item->flags & FLAG_REQUIRED)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "%s: VHDX metadata table entry %u: the item %s has to be understood, and is "
                      "not known",
                      image->io->name, number, guid);
    return VMF_OK;
  }
  if (known_items[kind].length > 0 && item->length != known_items[kind].length)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX metadata table entry %u (%s): %u bytes, expected %u", image->io->name,
                    number, known_items[kind].name, item->length, known_items[kind].length);
  found[kind] = *item;
  return VMF_OK;
}

/* users: of the `count` items, those that are the user's. */
static enum vmf_code check_counts(const struct vmf_image *image, unsigned count, unsigned users,
                                  struct vmf_error *error)
{
  if (users <= USER_ITEMS_MAX && count - users <= SYSTEM_ITEMS_MAX)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: VHDX metadata table: %u items of users and %u items of the system, expected "
                  "at most %u and %u",
                  image->io->name, users, count - users, USER_ITEMS_MAX, SYSTEM_ITEMS_MAX);
}

static enum vmf_code take_items(struct vmf_image *image, struct item found[KNOWN],
                                struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  VMF_AUTO_FREE void *table = NULL;
  unsigned users = 0;

  VMF_TRY(vmf_alloc(VHDX_TABLE_SIZE, &table, error));
  VMF_TRY(vmf_io_pread(state->io, table, VHDX_TABLE_SIZE, state->metadata_region.offset, error));
  unsigned count = get_le16((const uint8_t *)table + 10);
  if (memcmp(table, "metadata", 8) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no VHDX metadata table at byte %llu (\"metadata\")",
                    image->io->name, (unsigned long long)state->metadata_region.offset);
  if (count > VHDX_ITEMS_MAX || get_le16((const uint8_t *)table + 8) != 0 ||
      !vmf_is_zero((const uint8_t *)table + 12, 20))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX metadata table: %u entries, expected at most %u, and reserved fields "
                    "of zeros",
                    image->io->name, count, VHDX_ITEMS_MAX);
  for (unsigned i = 0; i < count; i++) {
    struct item item = decode_item(table, i);
    VMF_TRY(check_item(image, i, &item, error));
    VMF_TRY(check_others(image, table, i, &item, error));
    VMF_TRY(take_item(image, i, &item, found, error));
    users += (item.flags & FLAG_USER) != 0;
  }
  VMF_TRY(check_counts(image, count, users, error));
  for (unsigned i = 0; i < KNOWN; i++)
    if (known_items[i].needed && found[i].length == 0)
      return vmf_fail(error, VMF_CORRUPT, "%s: VHDX metadata table: no item for the %s",
                      image->io->name, known_items[i].name);
  return VMF_OK;
}

static enum vmf_code read_item(const struct vmf_image *image, const struct item *item, uint8_t *raw,
                               struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  return vmf_io_pread(state->io, raw, item->length, state->metadata_region.offset + item->offset,
                      error);
}

static enum vmf_code read_items(struct vmf_image *image, const struct item found[KNOWN],
                                uint32_t *flags, struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  struct vhdx_metadata *metadata = &state->metadata;
  uint8_t raw[8];

  VMF_TRY(read_item(image, &found[PARAMETERS], raw, error));
  metadata->block_size = get_le32(raw);
  *flags = get_le32(raw + 4);
  metadata->fixed = *flags & PARAM_FIXED;
  metadata->has_parent = *flags & PARAM_PARENT;
  VMF_TRY(read_item(image, &found[SIZE], raw, error));
  metadata->size = get_le64(raw);
  VMF_TRY(read_item(image, &found[LOGICAL], raw, error));
  metadata->logical_sector = get_le32(raw);
  VMF_TRY(read_item(image, &found[PHYSICAL], raw, error));
  metadata->physical_sector = get_le32(raw);
  if (found[LOCATOR].length > 0)
    metadata->locator = (struct vhdx_range){state->metadata_region.offset + found[LOCATOR].offset,
                                            found[LOCATOR].length};
  return read_item(image, &found[PAGE83], metadata->page83, error);
}

static enum vmf_code check_values(const struct vmf_image *image, uint32_t flags,
                                  struct vmf_error *error)
{
  const struct vhdx_metadata *metadata = &((const struct vhdx_state *)image->state)->metadata;
  const char *name = image->io->name;

  if (!vmf_is_power_of_two(metadata->block_size) || metadata->block_size < VHDX_BLOCK_MIN ||
      metadata->block_size > VHDX_BLOCK_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX file parameters: block size %u, expected a power of two from %u to "
                    "%u",
                    name, metadata->block_size, VHDX_BLOCK_MIN, VHDX_BLOCK_MAX);
  if (flags & ~(uint32_t)(PARAM_FIXED | PARAM_PARENT))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: VHDX file parameters: flags 0x%x, of which 1 (fixed) and 2 (has a parent) "
                    "are known",
                    name, flags);
  if ((metadata->logical_sector != 512 && metadata->logical_sector != 4096) ||
      (metadata->physical_sector != 512 && metadata->physical_sector != 4096))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX metadata: logical sectors of %u and physical ones of %u bytes, "
                    "expected 512 or 4096",
                    name, metadata->logical_sector, metadata->physical_sector);
  if (metadata->size == 0 || metadata->size > VHDX_SIZE_MAX ||
      metadata->size % metadata->logical_sector != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX metadata: a disk of %llu bytes, expected whole sectors of %u bytes, "
                    "at most 64 TiB",
                    name, (unsigned long long)metadata->size, metadata->logical_sector);
  return VMF_OK;
}

enum vmf_code vhdx_load_metadata(struct vmf_image *image, struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  struct item found[KNOWN] = {0};
  uint32_t flags;

  VMF_TRY(take_items(image, found, error));
  VMF_TRY(read_items(image, found, &flags, error));
  VMF_TRY(check_values(image, flags, error));
  const struct vhdx_metadata *metadata = &state->metadata;
  state->chunk_ratio = VHDX_CHUNK_SECTORS * metadata->logical_sector / metadata->block_size;
  state->blocks = vmf_div_up(metadata->size, metadata->block_size);
  uint64_t last = state->blocks - 1;
  uint64_t entries =
      1 + (metadata->has_parent ? vhdx_bitmap_index(state, last) : vhdx_block_index(state, last));
  if (entries > state->bat.length / VHDX_ENTRY_SIZE)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX region table: a block allocation table of %llu bytes, but a disk of "
                    "%llu bytes in blocks of %u needs %llu entries of %u bytes",
                    image->io->name, (unsigned long long)state->bat.length,
                    (unsigned long long)metadata->size, metadata->block_size,
                    (unsigned long long)entries, VHDX_ENTRY_SIZE);
  image->size = metadata->size;
  image->unit = metadata->block_size;
  return VMF_OK;
}
