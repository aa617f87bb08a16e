/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "gpt.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"

enum {
  /* in the header (UEFI 2.10, table 5.5) */
  SIGNATURE_BYTES = 8,
  HEADER_SIZE = 12,
  HEADER_CRC = 16,
  MY_LBA = 24,
  ALTERNATE_LBA = 32,
  FIRST_USABLE = 40,
  LAST_USABLE = 48,
  ENTRY_LBA = 72,
  ENTRY_COUNT = 80,
  ENTRY_SIZE = 84,
  ENTRY_CRC = 88,
  HEADER_LEAST = 92,
  /* in an entry (table 5.6) */
  TYPE_BYTES = 16,
  START_LBA = 32,
  END_LBA = 40,
  ATTRIBUTES = 48,
  ENTRY_LEAST = 128,
  TABLE_MOST = 1 << 20, /* bytes: 8192 entries; the usual is 128 */
};

static const uint8_t unused[TYPE_BYTES];

static uint32_t checksum(const uint8_t *bytes, size_t length)
{
  return (uint32_t)crc32(0, bytes, (uInt)length);
}

/* With its own field zero. */
static uint32_t header_checksum(const uint8_t *header, uint32_t length)
{
  uint8_t copy[VMF_GPT_SECTOR_MOST];

  memcpy(copy, header, length);
  put_le32(copy + HEADER_CRC, 0);
  return checksum(copy, length);
}

static enum vmf_code wrong(const struct vmf_image *image, const char *what, uint64_t value,
                           struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: its GUID partition table is wrong: %s (%" PRIu64
                  "); mend it first (gdisk, sgdisk --verify)",
                  image->io->name, what, value);
}

static enum vmf_code check_header(const struct vmf_image *image, struct vmf_gpt *gpt,
                                  struct vmf_error *error)
{
  const uint8_t *header = gpt->header;
  uint32_t count = get_le32(header + ENTRY_COUNT), size = get_le32(header + ENTRY_SIZE);
  uint64_t bytes = (uint64_t)count * size, last_usable = get_le64(header + LAST_USABLE);

  gpt->header_bytes = get_le32(header + HEADER_SIZE);
  if (gpt->header_bytes < HEADER_LEAST || gpt->header_bytes > gpt->sector)
    return wrong(image, "size of the header", gpt->header_bytes, error);
  if (header_checksum(header, gpt->header_bytes) != get_le32(header + HEADER_CRC))
    return wrong(image, "checksum of the header", get_le32(header + HEADER_CRC), error);
  if (get_le64(header + MY_LBA) != 1)
    return wrong(image, "sector that the first header says it is in", get_le64(header + MY_LBA),
                 error);
  if (size < ENTRY_LEAST || count == 0 || bytes > TABLE_MOST)
    return wrong(image, "bytes of its entries", bytes, error);
  if (get_le64(header + FIRST_USABLE) > last_usable)
    return wrong(image, "last sector that can be used", last_usable, error);
  gpt->table_bytes = (uint32_t)bytes;
  gpt->table_sectors = vmf_div_up(bytes, gpt->sector);
  return VMF_OK;
}

static enum vmf_code check_table(const struct vmf_image *image, struct vmf_gpt *gpt,
                                 struct vmf_error *error)
{
  uint32_t size = get_le32(gpt->header + ENTRY_SIZE);

  if (checksum(gpt->table, gpt->table_bytes) != get_le32(gpt->header + ENTRY_CRC))
    return wrong(image, "checksum of the entries", get_le32(gpt->header + ENTRY_CRC), error);
  for (uint32_t at = 0; at + size <= gpt->table_bytes; at += size) {
    const uint8_t *entry = gpt->table + at;
    uint64_t start = get_le64(entry + START_LBA), end = get_le64(entry + END_LBA);

    if (memcmp(entry, unused, TYPE_BYTES) == 0)
      continue;
    if (start > end)
      return wrong(image, "end of a partition", end, error);
    gpt->last_used = end > gpt->last_used ? end : gpt->last_used;
  }
  return VMF_OK;
}

static enum vmf_code read_table(struct vmf_image *image, struct vmf_gpt *gpt,
                                struct vmf_error *error)
{
  uint64_t first = get_le64(gpt->header + ENTRY_LBA), start;
  void *memory;

  if (!vmf_mul(first, gpt->sector, &start) || first < 2 ||
      !vmf_range_within(start, gpt->table_bytes, image->size))
    return wrong(image, "sector of the entries", first, error);
  VMF_TRY(vmf_alloc(gpt->table_bytes, &memory, error));
  gpt->table = memory;
  VMF_TRY(vmf_image_pread(image, gpt->table, gpt->table_bytes, start, error));
  return check_table(image, gpt, error);
}

static enum vmf_code read_header(struct vmf_image *image, struct vmf_gpt *gpt, bool *found,
                                 struct vmf_error *error)
{
  for (gpt->sector = 512; gpt->sector <= VMF_GPT_SECTOR_MOST; gpt->sector *= 8) {
    if (image->size < 2 * (uint64_t)gpt->sector)
      return VMF_OK;
    VMF_TRY(vmf_image_pread(image, gpt->header, gpt->sector, gpt->sector, error));
    *found = memcmp(gpt->header, "EFI PART", SIGNATURE_BYTES) == 0;
    if (*found)
      return VMF_OK;
  }
  return VMF_OK;
}

enum vmf_code vmf_gpt_read(struct vmf_image *image, struct vmf_gpt *gpt, bool *found,
                           struct vmf_error *error)
{
  *gpt = (struct vmf_gpt){0};
  *found = false;
  VMF_TRY(read_header(image, gpt, found, error));
  if (!*found)
    return VMF_OK;
  enum vmf_code code = check_header(image, gpt, error);
  if (code == VMF_OK)
    code = read_table(image, gpt, error);
  if (code != VMF_OK)
    vmf_gpt_free(gpt);
  return code;
}

void vmf_gpt_free(struct vmf_gpt *gpt)
{
  vmf_free(gpt->table);
  gpt->table = NULL;
}

const uint8_t *vmf_gpt_entry(const struct vmf_gpt *gpt, size_t index, uint64_t *attributes)
{
  uint32_t size = get_le32(gpt->header + ENTRY_SIZE);

  if (index >= gpt->table_bytes / size)
    return NULL;
  *attributes = get_le64(gpt->table + index * size + ATTRIBUTES);
  return gpt->table + index * size;
}

uint64_t vmf_gpt_start(const struct vmf_gpt *gpt, const uint8_t *entry)
{
  uint64_t start;

  return vmf_mul(get_le64(entry + START_LBA), gpt->sector, &start) ? start : 0;
}

uint64_t vmf_gpt_second(const struct vmf_gpt *gpt)
{
  return get_le64(gpt->header + ALTERNATE_LBA);
}

bool vmf_gpt_in_front(const struct vmf_gpt *gpt)
{
  uint64_t first = get_le64(gpt->header + ENTRY_LBA), usable = get_le64(gpt->header + FIRST_USABLE);

  return first <= usable && gpt->table_sectors <= usable - first;
}

bool vmf_gpt_end(const struct vmf_gpt *gpt, uint64_t size, struct vmf_gpt_end *end)
{
  uint64_t sectors = size / gpt->sector;

  if (sectors < gpt->table_sectors + 2 ||
      sectors - 2 - gpt->table_sectors < get_le64(gpt->header + FIRST_USABLE))
    return false;
  end->header = sectors - 1;
  end->table = end->header - gpt->table_sectors;
  end->last_usable = end->table - 1;
  return true;
}

void vmf_gpt_headers(const struct vmf_gpt *gpt, const struct vmf_gpt_end *end,
                     uint8_t first[VMF_GPT_SECTOR_MOST], uint8_t second[VMF_GPT_SECTOR_MOST])
{
  memcpy(first, gpt->header, gpt->sector);
  put_le64(first + ALTERNATE_LBA, end->header);
  put_le64(first + LAST_USABLE, end->last_usable);
  memcpy(second, first, gpt->sector);
  put_le64(second + MY_LBA, end->header);
  put_le64(second + ALTERNATE_LBA, 1);
  put_le64(second + ENTRY_LBA, end->table);
  put_le32(first + HEADER_CRC, header_checksum(first, gpt->header_bytes));
  put_le32(second + HEADER_CRC, header_checksum(second, gpt->header_bytes));
}
