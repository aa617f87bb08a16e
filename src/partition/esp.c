/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "esp.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"

/* FAT: General Overview of On-Disk Format, 1.03. */
enum {
  HEAD = 512,
  SECTOR_BYTES = 11,
  CLUSTER_SECTORS = 13,
  RESERVED_SECTORS = 14,
  TABLES = 16,
  ROOT_ENTRIES = 17,
  ALL_SECTORS_16 = 19,
  TABLE_SECTORS_16 = 22,
  ALL_SECTORS_32 = 32,
  TABLE_SECTORS_32 = 36,
  ROOT_CLUSTER = 44,
  SIGNATURE = 510,
  CLUSTERS_12 = 4085,  /* fewer: entries of 12 bits */
  CLUSTERS_16 = 65525, /* fewer: of 16 bits */
  /* in an entry of a directory */
  ENTRY = 32,
  NAME_BYTES = 11, /* 8 and 3, with blanks */
  ATTRIBUTES = 11,
  FIRST_HIGH = 20,
  FIRST_LOW = 26,
  IS_VOLUME = 0x08, /* a label, or a part of a long name */
  IS_DIRECTORY = 0x10,
  DIRECTORY_MOST = 65536, /* entries */
};

struct fat {
  struct vmf_image *image;
  uint64_t table, root, data; /* bytes of the disk; root: of 12 and 16 bits */
  uint32_t root_entries;      /* 0: the root is clusters, from root_cluster on */
  uint32_t root_cluster, cluster_bytes, clusters;
};

static bool parse(const uint8_t *head, uint64_t start, struct fat *fat)
{
  uint64_t sector = get_le16(head + SECTOR_BYTES), cluster = head[CLUSTER_SECTORS];
  uint64_t reserved = get_le16(head + RESERVED_SECTORS), entries = get_le16(head + ROOT_ENTRIES);
  uint64_t all = get_le16(head + ALL_SECTORS_16), each = get_le16(head + TABLE_SECTORS_16);

  all = all ? all : get_le32(head + ALL_SECTORS_32);
  each = each ? each : get_le32(head + TABLE_SECTORS_32);
  if (head[SIGNATURE] != 0x55 || head[SIGNATURE + 1] != 0xaa || sector < HEAD || sector > 4096 ||
      (sector & (sector - 1)) || cluster == 0 || (cluster & (cluster - 1)) || reserved == 0 ||
      head[TABLES] == 0 || each == 0)
    return false;
  uint64_t root = reserved + head[TABLES] * each, data = root + vmf_div_up(entries * ENTRY, sector);
  if (data >= all || start > UINT64_MAX - all * sector || start + all * sector > fat->image->size)
    return false;
  fat->table = start + reserved * sector;
  fat->root = start + root * sector;
  fat->data = start + data * sector;
  fat->root_entries = (uint32_t)entries;
  fat->root_cluster = entries ? 0 : get_le32(head + ROOT_CLUSTER);
  fat->cluster_bytes = (uint32_t)(cluster * sector);
  fat->clusters = (uint32_t)((all - data) / cluster);
  return true;
}

static bool is_cluster(const struct fat *fat, uint32_t cluster)
{
  return cluster >= 2 && cluster - 2 < fat->clusters;
}

/* The cluster behind it; what is none ends the chain. */
static enum vmf_code next_cluster(const struct fat *fat, uint32_t *cluster, struct vmf_error *error)
{
  uint64_t index = *cluster;
  uint8_t entry[4] = {0};

  if (fat->clusters < CLUSTERS_12) {
    VMF_TRY(vmf_image_pread(fat->image, entry, 2, fat->table + index + index / 2, error));
    *cluster = index % 2 ? get_le16(entry) >> 4 : get_le16(entry) & 0xfff;
  } else if (fat->clusters < CLUSTERS_16) {
    VMF_TRY(vmf_image_pread(fat->image, entry, 2, fat->table + index * 2, error));
    *cluster = get_le16(entry);
  } else {
    VMF_TRY(vmf_image_pread(fat->image, entry, 4, fat->table + index * 4, error));
    *cluster = get_le32(entry) & 0x0fffffff;
  }
  return VMF_OK;
}

/* "BOOTX64 EFI"; pattern: '?' is any letter. */
static bool is_named(const uint8_t *entry, const char *pattern)
{
  for (size_t i = 0; i < NAME_BYTES; i++)
    if (pattern[i] != '?' && entry[i] != (uint8_t)pattern[i])
      return false;
  return true;
}

/* Looks through `length` bytes of a directory. *end: there is no more of it. *first: the cluster of
 * what was looked for. */
static bool look(const uint8_t *bytes, size_t length, const char *pattern, unsigned attribute,
                 bool *end, uint32_t *first)
{
  for (size_t at = 0; at + ENTRY <= length; at += ENTRY) {
    const uint8_t *entry = bytes + at;
    *end = entry[0] == 0;
    if (*end)
      return false;
    if ((entry[ATTRIBUTES] & (IS_VOLUME | IS_DIRECTORY)) != attribute || !is_named(entry, pattern))
      continue;
    *first = (uint32_t)get_le16(entry + FIRST_HIGH) << 16 | get_le16(entry + FIRST_LOW);
    return true;
  }
  return false;
}

/* *directory is a cluster, 0 the root of 12 and 16 bits; it becomes that of what has the name in
 * it. *found false: nothing has. */
static enum vmf_code find(const struct fat *fat, uint32_t *directory, const char *pattern,
                          unsigned attribute, bool *found, struct vmf_error *error)
{
  uint8_t bytes[HEAD];
  uint32_t cluster = *directory, at = 0;
  bool fixed = cluster == 0, end = false;
  uint32_t left = fixed ? fat->root_entries : DIRECTORY_MOST;

  *found = false;
  while (left > 0 && !end && (fixed || is_cluster(fat, cluster))) {
    uint64_t place =
        fixed ? fat->root + at : fat->data + (uint64_t)(cluster - 2) * fat->cluster_bytes + at;
    uint32_t entries = left < HEAD / ENTRY ? left : HEAD / ENTRY;
    VMF_TRY(vmf_image_pread(fat->image, bytes, entries * ENTRY, place, error));
    *found = look(bytes, entries * ENTRY, pattern, attribute, &end, directory);
    if (*found)
      return VMF_OK;
    left -= entries;
    at += HEAD;
    if (fixed || at < fat->cluster_bytes)
      continue;
    at = 0;
    VMF_TRY(next_cluster(fat, &cluster, error));
  }
  return VMF_OK;
}

enum vmf_code vmf_esp_read(struct vmf_image *image, uint64_t start, enum vmf_esp *esp,
                           struct vmf_error *error)
{
  static const struct {
    const char *name;
    unsigned attribute;
  } path[] = {{"EFI        ", IS_DIRECTORY}, {"BOOT       ", IS_DIRECTORY}, {"BOOT????EFI", 0}};
  struct fat fat = {.image = image};
  uint8_t head[HEAD];
  bool found = true;

  *esp = VMF_ESP_UNKNOWN;
  if (!vmf_range_within(start, HEAD, image->size))
    return VMF_OK;
  VMF_TRY(vmf_image_pread(image, head, HEAD, start, error));
  if (!parse(head, start, &fat))
    return VMF_OK;
  uint32_t at = fat.root_cluster;
  for (size_t i = 0; found && i < sizeof path / sizeof path[0]; i++)
    VMF_TRY(find(&fat, &at, path[i].name, path[i].attribute, &found, error));
  *esp = found ? VMF_ESP_WITH_LOADER : VMF_ESP_WITHOUT_LOADER;
  return VMF_OK;
}
