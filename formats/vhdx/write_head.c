/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What stands in front of the BAT of a new VHDX: identifier, two headers, two region tables, the
 * items of metadata in the order in which Windows has them. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vhdx_write.h"
#include "zero.h"

enum {
  ENTRY_SIZE = 32,
  REQUIRED_REGION = 1,
  ITEM_DISK = 6, /* flags: of the virtual disk, required */
  ITEM_FILE = 4, /* required */
  PHYSICAL_SECTOR = 4096,
  HAS_PARENT = 2,
  ITEM_BYTES = 64, /* room for the items of fixed length */
};

static const uint8_t item_guids[][VMF_GUID_SIZE] = {
    {0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7,
     0x6b}, /* file parameters */
    {0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4,
     0xb8}, /* virtual disk size */
    {0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab,
     0x5f}, /* logical sector size */
    {0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5,
     0x56}, /* physical sector size */
    {0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7,
     0x46}, /* page 83 data */
    {0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab,
     0x0c}, /* parent locator */
};

static enum vmf_code make_guid(const struct vmf_target *target, const char *purpose,
                               uint8_t guid[VMF_GUID_SIZE], struct vmf_error *error)
{
  uint8_t network[VMF_GUID_SIZE];

  VMF_TRY(vmf_identity_guid(target->identity, purpose, network, error));
  vmf_guid_swap(network, guid);
  return VMF_OK;
}

static enum vmf_code take_from_backing(struct vmf_target *target, struct vmf_error *error)
{
  struct vhdx_build *build = target->state;
  const struct vmf_image *backing = target->backing;

  if (backing->format != &vmf_format_vhdx)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the backing file of a VHDX has to be a VHDX; qcow2 takes others",
                    backing->io->name);
  const struct vhdx_state *state = backing->state;
  if (vmf_is_zero(state->header.data_write_guid, VMF_GUID_SIZE))
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: has no id of its data, by which a child would know it; convert it first",
                    backing->io->name);
  if (state->metadata.logical_sector != build->layout.logical_sector)
    return vmf_fail(
        error, VMF_USAGE, "%s: has logical sectors of %u bytes: say logical_sector_size=%u",
        backing->io->name, state->metadata.logical_sector, state->metadata.logical_sector);
  memcpy(build->parent_guid, state->header.data_write_guid, VMF_GUID_SIZE);
  memcpy(build->page83, state->metadata.page83, VMF_GUID_SIZE);
  return VMF_OK;
}

enum vmf_code vhdx_make_ids(struct vmf_target *target, struct vmf_error *error)
{
  struct vhdx_build *build = target->state;

  VMF_TRY(make_guid(target, "vhdx-file", build->file_guid, error));
  VMF_TRY(make_guid(target, "vhdx-data", build->data_guid, error));
  VMF_TRY(make_guid(target, "vhdx-page83", build->page83, error));
  return target->backing ? take_from_backing(target, error) : VMF_OK;
}

static void make_header(const struct vhdx_build *build, uint64_t sequence, uint8_t *raw)
{
  memset(raw, 0, VHDX_HEADER_SIZE);
  memcpy(raw, "head", 4);
  put_le64(raw + 8, sequence);
  memcpy(raw + 16, build->file_guid, VMF_GUID_SIZE);
  memcpy(raw + 32, build->data_guid, VMF_GUID_SIZE);
  put_le16(raw + 66, 1); /* version */
  put_le32(raw + 68, VHDX_MIB);
  put_le64(raw + 72, VHDX_LOG_AT);
  put_le32(raw + VHDX_SUM, vhdx_sum(raw, VHDX_HEADER_SIZE));
}

static void put_region(uint8_t *raw, const uint8_t guid[VMF_GUID_SIZE], uint64_t offset,
                       uint64_t length)
{
  memcpy(raw, guid, VMF_GUID_SIZE);
  put_le64(raw + 16, offset);
  put_le32(raw + 24, (uint32_t)length);
  put_le32(raw + 28, REQUIRED_REGION);
}

static void make_regions(const struct vhdx_build *build, uint8_t *raw)
{
  memset(raw, 0, VHDX_TABLE_SIZE);
  memcpy(raw, "regi", 4);
  put_le32(raw + 8, 2);
  put_region(raw + 16, vhdx_bat_guid, VHDX_BAT_AT, build->layout.bat_length);
  put_region(raw + 16 + ENTRY_SIZE, vhdx_metadata_guid, VHDX_METADATA_AT, VHDX_MIB);
  put_le32(raw + VHDX_SUM, vhdx_sum(raw, VHDX_TABLE_SIZE));
}

/* Adds the next item: its entry, and its place behind those before it. */
static void put_item(uint8_t *table, uint32_t length, uint32_t flags, uint32_t *at)
{
  uint16_t number = get_le16(table + 10);
  uint8_t *entry = table + ENTRY_SIZE * (1 + (size_t)number);

  memcpy(entry, item_guids[number], VMF_GUID_SIZE);
  put_le32(entry + 16, *at);
  put_le32(entry + 20, length);
  put_le32(entry + 24, flags);
  put_le16(table + 10, (uint16_t)(number + 1));
  *at += length;
}

/* raw: a table of VHDX_TABLE_SIZE bytes, and behind it room for the items; *length: of both. */
static enum vmf_code make_metadata(const struct vmf_target *target, uint8_t *raw, size_t *length,
                                   struct vmf_error *error)
{
  const struct vhdx_build *build = target->state;
  const struct vhdx_layout *layout = &build->layout;
  uint32_t at = VHDX_TABLE_SIZE;
  size_t locator;

  memcpy(raw, "metadata", 8);
  put_le32(raw + at, layout->block_size);
  put_le32(raw + at + 4, (layout->fixed ? 1 : 0) | (target->backing ? HAS_PARENT : 0));
  put_item(raw, 8, ITEM_FILE, &at);
  put_le64(raw + at, layout->size);
  put_item(raw, 8, ITEM_DISK, &at);
  put_le32(raw + at, layout->logical_sector);
  put_item(raw, 4, ITEM_DISK, &at);
  put_le32(raw + at, PHYSICAL_SECTOR);
  put_item(raw, 4, ITEM_DISK, &at);
  memcpy(raw + at, build->page83, VMF_GUID_SIZE);
  put_item(raw, VMF_GUID_SIZE, ITEM_DISK, &at);
  if (target->backing) {
    VMF_TRY(vhdx_build_locator(target, raw + at, &locator, error));
    put_item(raw, (uint32_t)locator, ITEM_FILE, &at);
  }
  *length = at;
  return VMF_OK;
}

static enum vmf_code write_tables(struct vmf_target *target, uint8_t *scratch,
                                  struct vmf_error *error)
{
  static const char creator[] = "vhdxfilev\0m\0f\0e\0r\0r\0y\0";
  const struct vhdx_build *build = target->state;
  struct vmf_io *io = target->io;
  size_t length;

  VMF_TRY(vmf_io_pwrite(io, creator, sizeof(creator), 0, error));
  for (unsigned i = 0; i < 2; i++) {
    make_header(build, i + 1, scratch);
    VMF_TRY(vmf_io_pwrite(io, scratch, VHDX_HEADER_SIZE,
                          VHDX_HEADERS_AT + i * (uint64_t)VHDX_COPIES_APART, error));
  }
  make_regions(build, scratch);
  for (unsigned i = 0; i < 2; i++)
    VMF_TRY(vmf_io_pwrite(io, scratch, VHDX_TABLE_SIZE,
                          VHDX_REGION_TABLES_AT + i * (uint64_t)VHDX_COPIES_APART, error));
  memset(scratch, 0, VHDX_TABLE_SIZE);
  VMF_TRY(make_metadata(target, scratch, &length, error));
  return vmf_io_pwrite(io, scratch, length, VHDX_METADATA_AT, error);
}

enum vmf_code vhdx_write_head(struct vmf_target *target, struct vmf_error *error)
{
  VMF_AUTO_FREE void *scratch = NULL;

  VMF_TRY(vmf_alloc(VHDX_TABLE_SIZE + ITEM_BYTES + VHDX_LOCATOR_MAX, &scratch, error));
  return write_tables(target, scratch, error);
}
