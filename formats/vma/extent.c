/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Extents: what each lists, and that together they list every cluster once. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "sums.h"
#include "vma.h"
#include "zero.h"

enum { BLOCKS_AT = 6, UUID_AT = 8, MD5_AT = 24, SLOTS_AT = 40, SLOT = 8 };

static enum vmf_code check_front(const struct vma_archive *archive, const uint8_t *raw,
                                 uint64_t offset, struct vmf_error *error)
{
  uint8_t digest[VMF_MD5_SUM];

  if (memcmp(raw, VMA_EXTENT_MAGIC, 4) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: byte %" PRIu64
                    ": found %02x %02x %02x %02x, expected an extent of the archive (56 4d 41 45) "
                    "or the end of the file",
                    archive->name, offset, raw[0], raw[1], raw[2], raw[3]);
  vmf_md5(raw, VMA_EXTENT_HEADER, MD5_AT, digest);
  if (memcmp(raw + MD5_AT, digest, sizeof(digest)) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64
                    ": its MD5 is not that of its %d bytes: they were damaged",
                    archive->name, offset, VMA_EXTENT_HEADER);
  if (memcmp(raw + UUID_AT, archive->uuid, VMA_UUID_SIZE) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64 ": its UUID is that of another archive",
                    archive->name, offset);
  if (get_be16(raw + 4) != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: extent at byte %" PRIu64 ": reserved bytes are %u, expected 0",
                    archive->name, offset, get_be16(raw + 4));
  return VMF_OK;
}

static unsigned stored_blocks(uint16_t mask)
{
  unsigned count = 0;

  for (; mask != 0; mask = (uint16_t)(mask & (mask - 1)))
    count++;
  return count;
}

/* Blocks of a cluster that the device reaches into. */
static unsigned blocks_there(const struct vma_device *device, uint32_t cluster)
{
  uint64_t left = device->size - (uint64_t)cluster * VMA_CLUSTER;
  return left < VMA_CLUSTER ? (unsigned)vmf_div_up(left, VMA_BLOCK) : VMA_BLOCKS;
}

static enum vmf_code check_slot(const struct vma_archive *archive, const struct vma_slot *slot,
                                uint64_t offset, struct vmf_error *error)
{
  const struct vma_device *device = &archive->devices[slot->device];

  if (!device->name)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64
                    ": a cluster of device %u, which the header does not have",
                    archive->name, offset, slot->device);
  if (slot->cluster >= vmf_div_up(device->size, VMA_CLUSTER))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64 ": cluster %" PRIu32 " of %s, which has %" PRIu64
                    " bytes (clusters 0 to %" PRIu64 ")",
                    archive->name, offset, slot->cluster, device->name, device->size,
                    vmf_div_up(device->size, VMA_CLUSTER) - 1);
  if (slot->mask >> blocks_there(device, slot->cluster) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64 ": cluster %" PRIu32
                    " of %s: blocks 0x%04x are stored, but the disk ends in block %u of it",
                    archive->name, offset, slot->cluster, device->name, slot->mask,
                    blocks_there(device, slot->cluster) - 1);
  return VMF_OK;
}

/* Empty slots may stand anywhere, and are left out. */
enum vmf_code vma_extent_decode(const struct vma_archive *archive,
                                const uint8_t raw[VMA_EXTENT_HEADER], uint64_t offset,
                                struct vma_extent *extent, struct vmf_error *error)
{
  *extent = (struct vma_extent){.offset = offset};
  for (unsigned i = 0; i < VMA_SLOTS; i++) {
    const uint8_t *at = raw + SLOTS_AT + SLOT * (size_t)i;
    struct vma_slot *slot = &extent->slots[extent->count];
    *slot = (struct vma_slot){.mask = get_be16(at), .device = at[3], .cluster = get_be32(at + 4)};
    if (vmf_is_zero(at, SLOT))
      continue;
    if (at[2] != 0 || slot->device == 0)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: extent at byte %" PRIu64
                      ": entry %u: device %u, reserved byte %u; expected a device from 1 on, and 0",
                      archive->name, extent->offset, i, slot->device, at[2]);
    VMF_TRY(check_slot(archive, slot, extent->offset, error));
    extent->blocks += stored_blocks(slot->mask);
    extent->count++;
  }
  if (extent->blocks != get_be16(raw + BLOCKS_AT) || extent->count == 0)
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: extent at byte %" PRIu64 ": %u blocks are said to follow, but its %u clusters have %u",
        archive->name, extent->offset, get_be16(raw + BLOCKS_AT), extent->count, extent->blocks);
  return VMF_OK;
}

/* The state of a machine comes in order; all else in any, but once. */
static enum vmf_code note_slot(struct vma_archive *archive, const struct vma_slot *slot,
                               uint64_t offset, struct vmf_error *error)
{
  struct vma_device *device = &archive->devices[slot->device];
  bool twice = false;

  if (device->memory && slot->cluster != device->came)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64 ": cluster %" PRIu32 " of %s, expected %" PRIu64,
                    archive->name, offset, slot->cluster, device->name, device->came);
  device->came++;
  if (!device->memory && vmf_coverage_add(&device->listed, (uint64_t)slot->cluster * VMA_CLUSTER, 1,
                                          &twice, error) != VMF_OK)
    return vmf_while(error, "%s: %s", archive->name, device->name);
  if (twice)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64 ": cluster %" PRIu32
                    " of %s is listed a second time",
                    archive->name, offset, slot->cluster, device->name);
  return VMF_OK;
}

enum vmf_code vma_extent_take(struct vma_archive *archive, const uint8_t raw[VMA_EXTENT_HEADER],
                              uint64_t offset, struct vma_extent *extent, struct vmf_error *error)
{
  VMF_TRY(check_front(archive, raw, offset, error));
  VMF_TRY(vma_extent_decode(archive, raw, offset, extent, error));
  for (unsigned i = 0; i < extent->count; i++)
    VMF_TRY(note_slot(archive, &extent->slots[i], offset, error));
  return VMF_OK;
}

enum vmf_code vma_check_complete(const struct vma_archive *archive, uint64_t offset,
                                 struct vmf_error *error)
{
  for (unsigned i = 0; i < VMA_DEVICES; i++) {
    const struct vma_device *device = &archive->devices[i];
    uint64_t start, end, clusters = vmf_div_up(device->size, VMA_CLUSTER);
    if (!device->name || device->memory || device->came == clusters)
      continue;
    vmf_coverage_missing(&device->listed, 0, &start, &end);
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ends at byte %" PRIu64 ", and %" PRIu64 " clusters of %s are missing (of "
                    "%" PRIu64 "; the first is %" PRIu64 "): it was cut short",
                    archive->name, offset, clusters - device->came, device->name, clusters,
                    start / VMA_CLUSTER);
  }
  return VMF_OK;
}

void vma_extent_encode(const uint8_t uuid[VMA_UUID_SIZE], const struct vma_slot *slots,
                       unsigned count, uint8_t raw[VMA_EXTENT_HEADER])
{
  unsigned blocks = 0;

  memset(raw, 0, VMA_EXTENT_HEADER);
  memcpy(raw, VMA_EXTENT_MAGIC, 4);
  memcpy(raw + UUID_AT, uuid, VMA_UUID_SIZE);
  for (unsigned i = 0; i < count; i++) {
    uint8_t *at = raw + SLOTS_AT + SLOT * (size_t)i;
    put_be16(at, slots[i].mask);
    at[3] = slots[i].device;
    put_be32(at + 4, slots[i].cluster);
    blocks += stored_blocks(slots[i].mask);
  }
  put_be16(raw + BLOCKS_AT, (uint16_t)blocks);
  vmf_md5(raw, VMA_EXTENT_HEADER, MD5_AT, raw + MD5_AT);
}

/* ---- runs ---- */

/* Goes to the next block of the extent; whether it goes on at the next guest byte of its device. */
static bool advance(const struct vma_archive *archive, const struct vma_extent *extent,
                    struct vma_cursor *cursor)
{
  const struct vma_slot *slot = &extent->slots[cursor->slot];

  cursor->stored += slot->mask >> cursor->block & 1u;
  cursor->block++;
  if (cursor->block < blocks_there(&archive->devices[slot->device], slot->cluster))
    return true;
  cursor->block = 0;
  cursor->slot++;
  return cursor->slot < extent->count && slot[1].device == slot->device &&
         slot[1].cluster == slot->cluster + 1;
}

bool vma_extent_run(const struct vma_archive *archive, const struct vma_extent *extent,
                    struct vma_cursor *cursor, unsigned *device, struct vmf_run *run)
{
  if (cursor->slot >= extent->count)
    return false;
  const struct vma_slot *slot = &extent->slots[cursor->slot];
  bool stored = slot->mask >> cursor->block & 1u, goes_on;
  uint64_t blocks = 0, left;

  *run = (struct vmf_run){
      .guest = (uint64_t)slot->cluster * VMA_CLUSTER + (uint64_t)cursor->block * VMA_BLOCK,
      .kind = stored ? VMF_RUN_PLAIN : VMF_RUN_ZERO,
      .offset = extent->offset + VMA_EXTENT_HEADER + (uint64_t)VMA_BLOCK * cursor->stored};
  *device = slot->device;
  do {
    blocks++;
    goes_on = advance(archive, extent, cursor);
  } while (goes_on && (extent->slots[cursor->slot].mask >> cursor->block & 1u) == stored);
  left = archive->devices[*device].size - run->guest;
  run->length = vmf_min(blocks * VMA_BLOCK, left);
  return true;
}
