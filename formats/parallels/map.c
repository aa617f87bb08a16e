/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the guest bytes are: the BAT of the newest file that stores them, read in pieces through
 * the page cache. No lock, any thread. */
#include <inttypes.h>

#include "bytes.h"
#include "checked.h"
#include "parallels.h"

enum vmf_code parallels_read_entries(struct vmf_image *image, const struct parallels_extent *extent,
                                     uint32_t first, uint32_t *entries, uint32_t count,
                                     struct vmf_error *error)
{
  uint8_t raw[PARALLELS_ENTRY * PARALLELS_ENTRIES];

  VMF_TRY(vmf_page_cache_pread(image->cache, extent->io, raw, PARALLELS_ENTRY * (size_t)count,
                               PARALLELS_HEADER + PARALLELS_ENTRY * (uint64_t)first, error));
  for (uint32_t i = 0; i < count; i++)
    entries[i] =
        extent->header.flags & PARALLELS_EMPTY ? 0 : get_le32(raw + PARALLELS_ENTRY * (size_t)i);
  return VMF_OK;
}

uint32_t parallels_entries_in_hole(const struct vmf_image *image,
                                   const struct parallels_extent *extent, uint32_t first)
{
  uint64_t at = PARALLELS_HEADER + PARALLELS_ENTRY * (uint64_t)first;
  uint32_t rest = extent->header.entries - first;

  if (extent->header.flags & PARALLELS_EMPTY)
    return rest;
  return (uint32_t)vmf_entries_in_hole(image, extent->io, at, rest, PARALLELS_ENTRY);
}

enum vmf_code parallels_place(const struct parallels_extent *extent, uint32_t number,
                              uint32_t entry, uint64_t *host, struct vmf_error *error)
{
  uint64_t start = number * extent->cluster;
  uint64_t length = start < extent->length ? vmf_min(extent->cluster, extent->length - start) : 0;

  *host = entry * (extent->header.ext ? extent->cluster : PARALLELS_SECTOR);
  if (*host < extent->data_start || !vmf_range_within(*host, length, extent->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: BAT entry %" PRIu32 ": a cluster at byte %" PRIu64
                    ", expected between byte %" PRIu64 " and the end of the file (%" PRIu64
                    " bytes)",
                    extent->io->name, number, *host, extent->data_start, extent->io->size);
  return VMF_OK;
}

/* The run in one extent that holds byte `at` of it. *host: where it stands; 0: it is not stored. */
static enum vmf_code map_extent(struct vmf_image *image, const struct parallels_extent *extent,
                                uint64_t at, uint64_t *start, uint64_t *length, uint64_t *host,
                                struct vmf_error *error)
{
  uint32_t entries[PARALLELS_ENTRIES] = {0}, first = (uint32_t)(at / extent->cluster), like = 1;
  uint64_t used = vmf_div_up(extent->length, extent->cluster); /* at most the BAT's entries */
  uint32_t count = (uint32_t)vmf_min(PARALLELS_ENTRIES, used - first);
  struct vmf_error ignored;
  uint64_t next;

  VMF_TRY(parallels_read_entries(image, extent, first, entries, count, error));
  *host = 0;
  if (entries[0] != 0)
    VMF_TRY(parallels_place(extent, first, entries[0], host, error));
  while (like < count && (entries[0] == 0 ? entries[like] == 0
                                          : entries[like] != 0 &&
                                                parallels_place(extent, first + like, entries[like],
                                                                &next, &ignored) == VMF_OK &&
                                                next == *host + like * extent->cluster))
    like++; /* a bad entry is told of when it is mapped itself */
  if (like == count && entries[0] == 0)
    like += parallels_entries_in_hole(image, extent, first + like);
  *start = first * extent->cluster;
  *length = vmf_min(like * extent->cluster, extent->length - *start);
  return VMF_OK;
}

/* The extent of a layer that holds a byte of the disk. */
static const struct parallels_extent *find_extent(const struct parallels_layer *layer,
                                                  uint64_t guest)
{
  size_t low = 0, high = layer->count;

  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (layer->extents[middle].start <= guest)
      low = middle;
    else
      high = middle;
  }
  return &layer->extents[low];
}

/* From the newest layer down; what the newer ones do not store bounds the run. */
enum vmf_code parallels_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                            struct vmf_error *error)
{
  const struct parallels_state *state = image->state;
  uint64_t from = 0, end = image->size;

  for (size_t i = 0; i < state->layer_count; i++) {
    const struct parallels_extent *extent = find_extent(&state->layers[i], guest);
    uint64_t start = 0, length = extent->length, host = 0;

    if (!extent->plain)
      VMF_TRY(map_extent(image, extent, guest - extent->start, &start, &length, &host, error));
    start += extent->start;
    uint64_t first = vmf_max(from, start);
    end = vmf_min(end, start + length);
    if (extent->plain || host != 0) {
      *run = (struct vmf_run){.guest = first,
                              .length = end - first,
                              .kind = VMF_RUN_PLAIN,
                              .io = extent->io,
                              .offset = host + (first - start)};
      return VMF_OK;
    }
    from = first;
  }
  *run = (struct vmf_run){.guest = from, .length = end - from, .kind = VMF_RUN_PARENT};
  return VMF_OK;
}
