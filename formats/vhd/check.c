/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What open and map leave unseen: blocks that share space, the two copies of the footer, and data
 * that the bitmaps of a dynamic disk do not mark. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "vhd.h"
#include "zero.h"

enum {
  ENTRIES_AT_ONCE = 1024,
  BLOCKS_MAX = 4 << 20, /* kept at most: 32 MiB; a full disk has 1 Mi of the usual size */
};

/* The BAT as it was found: sorted, so that neighbours that overlap stand side by side. The file
 * bounds it: every block that counts lies inside, so there are no more than file size / block size
 * of them, and some to spare. */
struct placed {
  uint64_t *hosts;
  size_t count, capacity;
  bool full; /* there were more blocks */
};

static int compare_hosts(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Whether one of the sectors that a window of the bitmap (512 bytes) leaves unmarked has data.
 * Holes of the file are passed over. */
static enum vmf_code find_unmarked(struct vmf_image *image, const uint8_t bitmap[VHD_SECTOR],
                                   uint64_t data_host, uint64_t length, bool *found,
                                   struct vmf_error *error)
{
  uint8_t data[VHD_SECTOR];
  uint64_t start, end = data_host;

  for (uint64_t at = 0; at < length && !*found; at += VHD_SECTOR) {
    uint64_t part = vmf_min(VHD_SECTOR, length - at), host = data_host + at;
    if (vhd_bit(bitmap, (uint32_t)(at / VHD_SECTOR)))
      continue;
    if (host >= end) {
      VMF_TRY(vmf_io_next_data(image->io, host, &start, &end, error));
      if (start >= data_host + length)
        return VMF_OK;
      at = vmf_max(at, vmf_align_down(start - data_host, VHD_SECTOR));
      part = vmf_min(VHD_SECTOR, length - at);
      if (vhd_bit(bitmap, (uint32_t)(at / VHD_SECTOR)))
        continue;
    }
    VMF_TRY(vmf_io_pread(image->io, data, (size_t)part, data_host + at, error));
    *found = !vmf_is_zero(data, (size_t)part);
  }
  return VMF_OK;
}

static enum vmf_code check_bitmap(struct vmf_image *image, uint64_t block, uint64_t host,
                                  struct vmf_findings *findings, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  const uint64_t window = 8 * VHD_SECTOR * (uint64_t)VHD_SECTOR; /* guest bytes of 512 of bitmap */
  uint64_t start = block * state->header.block_size;
  uint64_t length = vmf_min(state->header.block_size, image->size - start);
  uint8_t bitmap[VHD_SECTOR];
  bool found = false;

  for (uint64_t at = 0; at < length && !found; at += window) {
    VMF_TRY(vmf_page_cache_pread(image->cache, image->io, bitmap, sizeof(bitmap),
                                 host + at / window * VHD_SECTOR, error));
    VMF_TRY(find_unmarked(image, bitmap, host + state->bitmap_size + at,
                          vmf_min(window, length - at), &found, error));
  }
  if (!found)
    return VMF_OK;
  findings->corruptions++;
  vmf_finding(findings,
              "%s: block %llu at byte %llu has data in sectors that its bitmap does not mark: they "
              "are read as they are, some other readers take zeros",
              image->io->name, (unsigned long long)block, (unsigned long long)host);
  return VMF_OK;
}

static enum vmf_code note_place(struct vmf_image *image, uint64_t block, uint64_t host,
                                struct placed *placed, struct vmf_findings *findings,
                                struct vmf_error *error)
{
  if (placed->count < placed->capacity) {
    placed->hosts[placed->count++] = host;
    return VMF_OK;
  }
  if (placed->capacity == BLOCKS_MAX)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %u blocks: not examined for overlaps",
                    image->io->name, BLOCKS_MAX);
  placed->full = true;
  findings->corruptions++;
  vmf_finding(findings,
              "%s: block allocation table entry %llu: more blocks than the file has room for",
              image->io->name, (unsigned long long)block);
  return VMF_OK;
}

/* One entry: in the first pass its place, in the second what the bitmap says. */
static enum vmf_code check_entry(struct vmf_image *image, uint64_t block, uint32_t entry,
                                 struct placed *placed, struct vmf_findings *findings,
                                 struct vmf_error *error)
{
  struct vmf_error found;
  uint64_t host;
  enum vmf_code code = vhd_block_place(image, (uint32_t)block, entry, &host, &found);

  if (!placed && code != VMF_OK)
    return vmf_fail(error, code, "%s", found.text);
  if (!placed)
    return check_bitmap(image, block, host, findings, error);
  findings->allocated_clusters++;
  if (code == VMF_OK)
    return note_place(image, block, host, placed, findings, error);
  findings->corruptions++;
  vmf_finding(findings, "%s", found.text);
  return VMF_OK;
}

static enum vmf_code walk(struct vmf_image *image, struct placed *placed,
                          struct vmf_findings *findings, struct vmf_error *error)
{
  uint32_t entries[ENTRIES_AT_ONCE];

  for (uint64_t block = 0; block < findings->total_clusters; block += ENTRIES_AT_ONCE) {
    uint32_t count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, findings->total_clusters - block);
    VMF_TRY(vhd_read_bat(image, (uint32_t)block, entries, count, error));
    for (uint32_t i = 0; i < count; i++) {
      if (entries[i] == VHD_UNALLOCATED)
        continue;
      VMF_TRY(check_entry(image, block + i, entries[i], placed, findings, error));
      if ((placed && placed->full) ||
          vmf_corruptions_suffice(image->io, findings, "block allocation table"))
        return VMF_OK;
    }
  }
  return VMF_OK;
}

static void check_overlaps(const struct vmf_image *image, struct placed *placed,
                           struct vmf_findings *findings)
{
  const struct vhd_state *state = image->state;
  uint64_t length = state->bitmap_size + (uint64_t)state->header.block_size;

  qsort(placed->hosts, placed->count, sizeof(uint64_t), compare_hosts);
  for (size_t i = 1; i < placed->count; i++)
    if (placed->hosts[i] - placed->hosts[i - 1] < length &&
        vmf_corruption_told(image->io, findings))
      vmf_finding(findings, "%s: the blocks at bytes %llu and %llu overlap", image->io->name,
                  (unsigned long long)placed->hosts[i - 1], (unsigned long long)placed->hosts[i]);
}

static enum vmf_code check_copies(struct vmf_image *image, struct vmf_findings *findings,
                                  struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  uint8_t leading[VHD_FOOTER_SIZE], trailing[VHD_FOOTER_SIZE];

  if (image->io->size - state->data_end != VHD_FOOTER_SIZE) {
    findings->corruptions++;
    vmf_finding(findings, "%s: the footer at the end is damaged or missing", image->io->name);
    return VMF_OK;
  }
  VMF_TRY(vmf_io_pread(image->io, leading, sizeof(leading), 0, error));
  VMF_TRY(vmf_io_pread(image->io, trailing, sizeof(trailing), state->data_end, error));
  if (memcmp(leading, trailing, sizeof(leading)) == 0)
    return VMF_OK;
  findings->corruptions++;
  vmf_finding(findings, "%s: the footer at the end and its copy at the start differ",
              image->io->name);
  return VMF_OK;
}

enum vmf_code vhd_check(struct vmf_image *image, struct vmf_findings *findings,
                        struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  VMF_AUTO_FREE void *hosts = NULL;

  findings->image_end_offset = image->io->size;
  if (state->footer.type == VHD_FIXED)
    return VMF_OK;
  VMF_TRY(check_copies(image, findings, error));
  findings->total_clusters = vmf_div_up(image->size, state->header.block_size);
  /* Blocks do not overlap in a sound file; a few more are kept to tell of those that do. */
  uint64_t room = image->io->size / state->header.block_size + ENTRIES_AT_ONCE;
  struct placed placed = {.capacity =
                              (size_t)vmf_min(vmf_min(findings->total_clusters, room), BLOCKS_MAX)};
  VMF_TRY(vmf_alloc(placed.capacity * sizeof(uint64_t), &hosts, error));
  placed.hosts = hosts;
  uint64_t before = findings->corruptions;
  VMF_TRY(walk(image, &placed, findings, error));
  check_overlaps(image, &placed, findings);
  /* Only when each block has its own place: then this reads no more than the file. */
  if (state->footer.type != VHD_DYNAMIC || findings->corruptions > before)
    return VMF_OK;
  return walk(image, NULL, findings, error);
}
