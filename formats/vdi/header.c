/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header: decoded, checked whole, and the size of the disk that it means. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "vdi.h"
#include "zero.h"

enum {
  FLAGS_KNOWN = 1, /* "zero expand": how VirtualBox filled it, nothing for a reader */
  ENTRY = 4,       /* bytes of the table a block */
};

/* Offsets in the file, those of version 1.1. */
static void decode_header(const uint8_t raw[VDI_HEADER_OFFSET + VDI_HEADER_MIN],
                          struct vdi_header *header)
{
  header->version = get_le32(raw + 68);
  header->header_size = get_le32(raw + 72);
  header->type = get_le32(raw + 76);
  header->flags = get_le32(raw + 80);
  header->table_offset = get_le32(raw + 340);
  header->data_offset = get_le32(raw + 344);
  header->disk_size = get_le64(raw + 368);
  header->block_size = get_le32(raw + 376);
  header->block_extra = get_le32(raw + 380);
  header->blocks = get_le32(raw + 384);
  header->blocks_allocated = get_le32(raw + 388);
  vmf_guid_swap(raw + 392, header->uuid);
  vmf_guid_swap(raw + 408, header->modified);
  vmf_guid_swap(raw + 424, header->parent_uuid);
  vmf_guid_swap(raw + 440, header->parent_modified);
}

/* What decides how the rest of the header is read. */
static enum vmf_code check_kind(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vdi_header *header = &((const struct vdi_state *)image->state)->header;
  const char *name = image->io->name;

  if (header->version >> 16 != VDI_VERSION >> 16)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: VDI version %u.%u, expected 1.1; VBoxManage clonemedium makes such a "
                    "one of it",
                    name, header->version >> 16, header->version & 0xffff);
  if (header->header_size < VDI_HEADER_MIN)
    return vmf_fail(error, VMF_CORRUPT, "%s: VDI header: a size of %u bytes, expected %d at least",
                    name, header->header_size, VDI_HEADER_MIN);
  if (header->type < VDI_NORMAL || header->type > VDI_DIFFERENCING)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VDI header: image type %u, expected 1 (normal), 2 (fixed), 3 (undo) or 4 "
                    "(differencing)",
                    name, header->type);
  if (header->flags & ~(uint32_t)FLAGS_KNOWN)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: VDI header: image flags 0x%x, only 0x%x is known",
                    name, header->flags, FLAGS_KNOWN);
  return VMF_OK;
}

static enum vmf_code check_blocks(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vdi_header *header = &((const struct vdi_state *)image->state)->header;
  const char *name = image->io->name;

  if (!vmf_is_power_of_two(header->block_size) || header->block_size < VDI_BLOCK_MIN ||
      header->block_size > VDI_BLOCK_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VDI header: blocks of %u bytes, expected a power of two from %d to %d",
                    name, header->block_size, VDI_BLOCK_MIN, VDI_BLOCK_MAX);
  if (header->block_extra && !vmf_is_power_of_two(header->block_extra))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VDI header: %u extra bytes before each block, expected 0 or a power of "
                    "two",
                    name, header->block_extra);
  if (header->disk_size < VDI_SECTOR ||
      vmf_div_up(header->disk_size, header->block_size) > header->blocks)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VDI header: %u blocks of %u bytes for a disk of %llu bytes; it needs a "
                    "sector at least, and blocks for all of it",
                    name, header->blocks, header->block_size,
                    (unsigned long long)header->disk_size);
  if (header->blocks_allocated > header->blocks)
    return vmf_fail(error, VMF_CORRUPT, "%s: VDI header: %u blocks allocated of %u", name,
                    header->blocks_allocated, header->blocks);
  return VMF_OK;
}

static enum vmf_code check_places(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vdi_header *header = &((const struct vdi_state *)image->state)->header;
  uint64_t header_end = VDI_HEADER_OFFSET + (uint64_t)header->header_size;
  uint64_t table_end = header->table_offset + (uint64_t)ENTRY * header->blocks;

  if (header->table_offset < header_end || table_end > image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VDI header: the block table of %u entries at byte %u does not lie between "
                    "the header's end (byte %llu) and the end of the file (%llu bytes)",
                    image->io->name, header->blocks, header->table_offset,
                    (unsigned long long)header_end, (unsigned long long)image->io->size);
  if (header->data_offset < table_end)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VDI header: blocks from byte %u on lie over the block table, which ends "
                    "at byte %llu",
                    image->io->name, header->data_offset, (unsigned long long)table_end);
  return VMF_OK;
}

/* VirtualBox, too, rounds an odd size down (an old version of its user interface made such ones);
 * qemu-img 7.2 rounds it up. */
static void set_size(struct vmf_image *image)
{
  uint64_t size = ((const struct vdi_state *)image->state)->header.disk_size;

  image->size = vmf_align_down(size, VDI_SECTOR);
  if (image->size != size)
    vmf_warn(image->log,
             "%s: a disk of %llu bytes, no whole sectors: it ends at %llu, as in "
             "VirtualBox",
             image->io->name, (unsigned long long)size, (unsigned long long)image->size);
}

/* No path is stored, VirtualBox keeps it in its registry: the parent is found by its id. */
static enum vmf_code find_parent(struct vmf_image *image, struct vmf_error *error)
{
  struct vdi_state *state = image->state;
  const struct vdi_header *header = &state->header;
  bool named = !vmf_is_zero(header->parent_uuid, VMF_GUID_SIZE);

  state->has_parent = header->type == VDI_UNDO || header->type == VDI_DIFFERENCING;
  image->parent_link.by_id = state->has_parent;
  if (state->has_parent && !named)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VDI header: image type %u has a parent, but its UUID is zero",
                    image->io->name, header->type);
  if (!state->has_parent && named)
    vmf_warn(image->log,
             "%s: the header names a parent by its UUID, but its type %u has none: it is read "
             "without",
             image->io->name, header->type);
  return VMF_OK;
}

enum vmf_code vdi_load(struct vmf_image *image, struct vmf_error *error)
{
  struct vdi_state *state = image->state;
  uint8_t raw[VDI_HEADER_OFFSET + VDI_HEADER_MIN];

  if (image->io->size < sizeof(raw))
    return vmf_fail(error, VMF_CORRUPT, "%s: %llu bytes, a VDI header ends at byte %zu",
                    image->io->name, (unsigned long long)image->io->size, sizeof(raw));
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof(raw), 0, error));
  if (get_le32(raw + VDI_SIGNATURE_OFFSET) != VDI_SIGNATURE)
    return vmf_fail(error, VMF_CORRUPT, "%s: no VDI signature (7f 10 da be) at byte %d",
                    image->io->name, VDI_SIGNATURE_OFFSET);
  decode_header(raw, &state->header);
  VMF_TRY(check_kind(image, error));
  VMF_TRY(check_blocks(image, error));
  VMF_TRY(check_places(image, error));
  if (vmf_is_zero(state->header.uuid, VMF_GUID_SIZE) ||
      vmf_is_zero(state->header.modified, VMF_GUID_SIZE))
    vmf_warn(image->log, "%s: the disk's UUID is zero: VirtualBox does not open it",
             image->io->name);
  set_size(image);
  image->unit = state->header.block_size;
  return find_parent(image, error);
}
