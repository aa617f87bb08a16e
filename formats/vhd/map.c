/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the guest bytes are: the BAT, and in a differencing disk the bitmap before each block. In a
 * dynamic disk the block is read whole: readers disagree about sectors that the bitmap does not
 * mark (data in some, zeros in others), and what is stored is never lost this way; check tells of
 * them. */
#include "bytes.h"
#include "checked.h"
#include "vhd.h"

enum { ENTRIES_AT_ONCE = 1024 };

enum vmf_code vhd_read_bat(struct vmf_image *image, uint32_t block, uint32_t *entries,
                           uint32_t count, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  uint8_t raw[4 * ENTRIES_AT_ONCE];

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, 4 * (size_t)count,
                               state->header.table_offset + 4 * (uint64_t)block, error));
  for (uint32_t i = 0; i < count; i++)
    entries[i] = get_be32(raw + 4 * (size_t)i);
  return VMF_OK;
}

enum vmf_code vhd_block_place(const struct vmf_image *image, uint32_t block, uint32_t entry,
                              uint64_t *host, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  const struct vhd_header *header = &state->header;
  uint64_t start = (uint64_t)block * header->block_size;
  uint64_t length = state->bitmap_size + vmf_min(header->block_size, image->size - start);

  *host = (uint64_t)entry * VHD_SECTOR;
  if (!vmf_range_within(*host, length, state->data_end))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block allocation table entry %u: block at byte %llu goes beyond the end "
                    "of the file's data (%llu bytes)",
                    image->io->name, block, (unsigned long long)*host,
                    (unsigned long long)state->data_end);
  if (*host < VHD_FOOTER_SIZE ||
      vmf_ranges_overlap(*host, length, state->footer.data_offset, VHD_HEADER_SIZE) ||
      vmf_ranges_overlap(*host, length, header->table_offset, 4 * (uint64_t)header->table_entries))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block allocation table entry %u: block at byte %llu lies over the header "
                    "or the table itself",
                    image->io->name, block, (unsigned long long)*host);
  return VMF_OK;
}

bool vhd_bit(const uint8_t *bitmap, uint32_t sector)
{
  return bitmap[sector / 8] & 0x80 >> sector % 8;
}

/* In a differencing disk a set bit means: this sector is the child's. */
static enum vmf_code map_sectors(struct vmf_image *image, uint64_t bitmap_host, uint64_t guest,
                                 struct vmf_run *run, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  uint8_t bitmap[512];
  uint64_t start = vmf_align_down(guest, state->header.block_size);
  uint32_t sector = (uint32_t)((guest - start) / VHD_SECTOR), window = sector / (8 * 512);
  uint32_t sectors = (uint32_t)vmf_min(
      8 * sizeof(bitmap), vmf_div_up(image->size - start, VHD_SECTOR) - window * 8 * 512);
  uint32_t block_sectors = state->header.block_size / VHD_SECTOR;
  uint32_t first = sector - window * 8 * 512, last = first;

  sectors = (uint32_t)vmf_min(sectors, block_sectors - window * 8 * 512);
  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, bitmap, sizeof(bitmap),
                               bitmap_host + window * 512, error));
  bool own = vhd_bit(bitmap, first);
  while (first > 0 && vhd_bit(bitmap, first - 1) == own)
    first--;
  while (last + 1 < sectors && vhd_bit(bitmap, last + 1) == own)
    last++;
  run->guest = start + (uint64_t)(window * 8 * 512 + first) * VHD_SECTOR;
  run->length = vmf_min((uint64_t)(last - first + 1) * VHD_SECTOR, image->size - run->guest);
  run->kind = own ? VMF_RUN_PLAIN : VMF_RUN_PARENT;
  run->io = image->io;
  run->offset = bitmap_host + state->bitmap_size + (run->guest - start);
  return VMF_OK;
}

static enum vmf_code map_block(struct vmf_image *image, uint64_t guest, uint32_t entry,
                               struct vmf_run *run, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  uint32_t block_size = state->header.block_size;
  uint64_t host, start = vmf_align_down(guest, block_size);

  VMF_TRY(vhd_block_place(image, (uint32_t)(guest / block_size), entry, &host, error));
  if (state->footer.type == VHD_DIFFERENCING)
    return map_sectors(image, host, guest, run, error);
  *run = (struct vmf_run){.guest = start,
                          .length = vmf_min(block_size, image->size - start),
                          .kind = VMF_RUN_PLAIN,
                          .io = image->io,
                          .offset = host + state->bitmap_size};
  return VMF_OK;
}

enum vmf_code vhd_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  uint32_t entries[ENTRIES_AT_ONCE], count, absent = 0;

  if (state->footer.type == VHD_FIXED) {
    *run = (struct vmf_run){.length = image->size, .kind = VMF_RUN_PLAIN, .io = image->io};
    return VMF_OK;
  }
  uint32_t block_size = state->header.block_size, block = (uint32_t)(guest / block_size);
  uint64_t blocks = vmf_div_up(image->size, block_size);
  count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, blocks - block);
  VMF_TRY(vhd_read_bat(image, block, entries, count, error));
  while (absent < count && entries[absent] == VHD_UNALLOCATED)
    absent++;
  if (absent == 0)
    return map_block(image, guest, entries[0], run, error);
  run->guest = vmf_align_down(guest, block_size);
  run->length = vmf_min((uint64_t)absent * block_size, image->size - run->guest);
  run->kind = state->footer.type == VHD_DIFFERENCING ? VMF_RUN_PARENT : VMF_RUN_ZERO;
  return VMF_OK;
}
