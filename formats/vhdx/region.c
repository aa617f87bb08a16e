/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The region table, twice in the file ([MS-VHDX] 2.2.3): where the BAT and the metadata are. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vhdx.h"

const uint8_t vhdx_bat_guid[VMF_GUID_SIZE] = {0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
                                              0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08};
const uint8_t vhdx_metadata_guid[VMF_GUID_SIZE] = {0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
                                                   0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e};

enum { ENTRY_SIZE = 32, ENTRIES_AT = 16, REQUIRED = 1 };

static struct vhdx_range entry_range(const uint8_t *entry)
{
  return (struct vhdx_range){get_le64(entry + 16), get_le32(entry + 24)};
}

static enum vmf_code check_place(const struct vmf_image *image, unsigned number,
                                 struct vhdx_range range, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;

  if (range.offset < VHDX_MIB || range.offset % VHDX_MIB != 0 || range.length % VHDX_MIB != 0 ||
      range.length == 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX region table entry %u: %llu bytes at byte %llu, expected whole MiB "
                    "behind the first one",
                    image->io->name, number, (unsigned long long)range.length,
                    (unsigned long long)range.offset);
  if (!vmf_range_within(range.offset, range.length, state->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX region table entry %u: %llu bytes at byte %llu go beyond the end of "
                    "the file (%llu bytes)",
                    image->io->name, number, (unsigned long long)range.length,
                    (unsigned long long)range.offset, (unsigned long long)state->io->size);
  if (vhdx_overlaps(range, (struct vhdx_range){state->header.log_offset, state->header.log_length}))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX region table entry %u: the region at byte %llu lies over the log",
                    image->io->name, number, (unsigned long long)range.offset);
  return VMF_OK;
}

/* Against those before it. */
static enum vmf_code check_others(const struct vmf_image *image, const uint8_t *table,
                                  unsigned number, struct vmf_error *error)
{
  const uint8_t *entry = table + ENTRIES_AT + ENTRY_SIZE * number;

  for (unsigned i = 0; i < number; i++) {
    const uint8_t *other = table + ENTRIES_AT + ENTRY_SIZE * i;
    if (memcmp(entry, other, VMF_GUID_SIZE) == 0)
      return vmf_fail(error, VMF_CORRUPT, "%s: VHDX region table: entries %u and %u have one id",
                      image->io->name, i, number);
    if (vhdx_overlaps(entry_range(entry), entry_range(other)))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: VHDX region table: the regions of entries %u and %u overlap",
                      image->io->name, i, number);
  }
  return VMF_OK;
}

static enum vmf_code take_entry(struct vmf_image *image, const uint8_t *table, unsigned number,
                                struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  const uint8_t *entry = table + ENTRIES_AT + ENTRY_SIZE * number;
  struct vhdx_range range = entry_range(entry);
  char guid[VMF_GUID_TEXT];

  VMF_TRY(check_place(image, number, range, error));
  VMF_TRY(check_others(image, table, number, error));
  if (memcmp(entry, vhdx_bat_guid, VMF_GUID_SIZE) == 0) {
    state->bat = range;
  } else if (memcmp(entry, vhdx_metadata_guid, VMF_GUID_SIZE) == 0) {
    state->metadata_region = range;
  } else if (get_le32(entry + 28) & REQUIRED) {
    vhdx_guid_text(entry, guid);
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: VHDX region table entry %u: the region %s has to be understood, and is "
                    "not known",
                    image->io->name, number, guid);
  }
  return VMF_OK;
}

static enum vmf_code take_entries(struct vmf_image *image, const uint8_t *table,
                                  struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  uint32_t count = get_le32(table + 8), reserved = get_le32(table + 12);

  if (count > VHDX_REGIONS_MAX || reserved != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX region table: %u entries and a reserved field of 0x%x, expected at "
                    "most %u and 0",
                    image->io->name, count, reserved, VHDX_REGIONS_MAX);
  for (uint32_t i = 0; i < count; i++)
    VMF_TRY(take_entry(image, table, i, error));
  if (state->bat.length == 0 || state->metadata_region.length == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: VHDX region table: no entry for the %s",
                    image->io->name,
                    state->bat.length == 0 ? "block allocation table" : "metadata");
  return VMF_OK;
}

static bool is_table(const uint8_t *table)
{
  return memcmp(table, "regi", 4) == 0 &&
         get_le32(table + VHDX_SUM) == vhdx_sum(table, VHDX_TABLE_SIZE);
}

/* The first one counts; the second one where that is damaged. */
enum vmf_code vhdx_load_regions(struct vmf_image *image, struct vmf_error *error)
{
  struct vhdx_state *state = image->state;
  VMF_AUTO_FREE void *block = NULL;

  VMF_TRY(vmf_alloc(2 * (size_t)VHDX_TABLE_SIZE, &block, error));
  uint8_t *tables = block;
  VMF_TRY(
      vmf_io_pread(state->io, tables, 2 * (size_t)VHDX_TABLE_SIZE, VHDX_REGION_TABLES_AT, error));
  for (unsigned i = 0; i < 2; i++)
    state->tables_valid[i] = is_table(tables + i * (size_t)VHDX_TABLE_SIZE);
  if (!state->tables_valid[0] && !state->tables_valid[1])
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: no VHDX region table (\"regi\") with a right checksum, neither at byte %u "
                    "nor at byte %u",
                    image->io->name, VHDX_REGION_TABLES_AT,
                    VHDX_REGION_TABLES_AT + VHDX_COPIES_APART);
  for (unsigned i = 0; i < 2; i++)
    if (!state->tables_valid[i])
      vmf_warn(image->log,
               "%s: the VHDX region table at byte %u is damaged; its copy at byte %u is used",
               image->io->name, VHDX_REGION_TABLES_AT + i * VHDX_COPIES_APART,
               VHDX_REGION_TABLES_AT + !i * VHDX_COPIES_APART);
  return take_entries(image, state->tables_valid[0] ? tables : tables + VHDX_TABLE_SIZE, error);
}
