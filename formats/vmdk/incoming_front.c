/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * A stream whose directory and grain tables stand before its grains, as those of qemu-img and
 * open-vmdk do. The tables say which grains come and where, and are kept; markers are held against
 * them. What is not as simple as that is left to map, which needs a file. */
#include <inttypes.h>

#include "bytes.h"
#include "checked.h"
#include "incoming.h"
#include "memory.h"

enum { FRONT_MOST = 8 << 20 }; /* bytes from the directory to the first grain: 120 GiB of disk */

bool vmdk_front_fits(const struct vmdk_header *header)
{
  uint64_t text = header->descriptor_offset, start = header->gd_offset, end = header->overhead;
  return start != 0 && vmf_add(text, header->descriptor_size, &text) && text <= start &&
         start < end && end - start <= FRONT_MOST / VMDK_SECTOR &&
         end <= VMF_STREAM_KEPT / VMDK_SECTOR;
}

/* The `count` entries at `host`; NULL: not among what is kept. */
static const uint8_t *kept_at(const struct vmdk_front *front, uint64_t host, uint64_t count)
{
  if (host < front->start ||
      !vmf_range_within(host - front->start, count * VMDK_GTE_SIZE, front->length))
    return NULL;
  return front->bytes + (host - front->start);
}

/* The first grain at or behind `from` that comes, *grain, and where; *grain is that of the disk's
 * end when none does. false: an entry is invalid, or its table is elsewhere. */
static bool find_grain(const struct vmdk_incoming *incoming, uint64_t from, uint64_t *grain,
                       uint64_t *host)
{
  const struct vmdk_grains *grains = &incoming->grains;
  const uint8_t *directory = kept_at(&incoming->front, grains->gd_offset, grains->gd_entries);
  uint64_t end = vmf_div_up(incoming->disk.size, grains->grain);
  struct vmdk_entry entry;
  *grain = from;
  while (directory && *grain < end) {
    uint64_t index = *grain / grains->gtes, next = vmf_min((index + 1) * grains->gtes, end);
    uint32_t raw = get_le32(directory + index * VMDK_GTE_SIZE);
    if (!vmdk_grains_decode_sectors(grains, VMDK_LEVEL_DIRECTORY, raw, &entry))
      return false;
    const uint8_t *table = NULL;
    if (entry.kind == VMDK_ENTRY_AT) {
      table = kept_at(&incoming->front, entry.host, vmdk_grains_entries(grains, index));
      if (!table)
        return false;
    }
    for (; table && *grain < next; (*grain)++) {
      raw = get_le32(table + *grain % grains->gtes * VMDK_GTE_SIZE);
      if (!vmdk_grains_decode_sectors(grains, VMDK_LEVEL_TABLE, raw, &entry))
        return false;
      *host = entry.host;
      if (entry.kind == VMDK_ENTRY_AT)
        return true;
    }
    *grain = next;
  }
  return directory != NULL;
}

/* Whether the grains stand in the order of the disk, behind the tables. */
static bool in_order(const struct vmdk_incoming *incoming)
{
  uint64_t end = vmf_div_up(incoming->disk.size, incoming->grains.grain);
  uint64_t grain = 0, host = 0, free = incoming->front.start + incoming->front.length;
  for (uint64_t from = 0; find_grain(incoming, from, &grain, &host); from = grain + 1) {
    if (grain >= end)
      return true;
    if (host < free)
      return false;
    free = host + VMDK_SECTOR;
  }
  return false;
}

enum vmf_code vmdk_front_take(struct vmf_container *container, struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  struct vmdk_front *front = &incoming->front;
  void *memory;
  incoming->grains.gd_offset = front->start = incoming->header.gd_offset * VMDK_SECTOR;
  front->length = (size_t)(incoming->header.overhead * VMDK_SECTOR - front->start);
  VMF_TRY(vmf_alloc(front->length, &memory, error));
  front->bytes = memory;
  VMF_TRY(vmf_io_pread(container->io, front->bytes, front->length, front->start, error));
  container->stored = !in_order(incoming);
  return VMF_OK;
}

/* Map does not look at what comes behind the last grain either. */
static enum vmf_code take_rest(struct vmf_io *io, struct vmf_error *error)
{
  const uint8_t *bytes;
  size_t have = 1;
  while (have > 0) {
    VMF_TRY(vmf_stream_peek(io, VMF_STREAM_AHEAD, &bytes, &have, error));
    VMF_TRY(vmf_stream_skip(io, vmf_stream_position(io) + have, error));
  }
  return VMF_OK;
}

enum vmf_code vmdk_front_next(struct vmf_container *container, uint64_t *guest, bool *end,
                              struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  const struct vmdk_grains *grains = &incoming->grains;
  uint64_t grain = 0;
  (void)find_grain(incoming, incoming->front.grain, &grain, &incoming->at);
  *end = grain >= vmf_div_up(incoming->disk.size, grains->grain);
  *guest = grain * grains->grain;
  incoming->front.grain = grain + 1;
  return *end ? take_rest(container->io, error) : VMF_OK;
}

void vmdk_front_release(struct vmdk_front *front)
{
  vmf_free(front->bytes);
}
