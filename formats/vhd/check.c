/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * What open and map leave unseen: blocks that share space, and the two copies of the footer. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "memory.h"
#include "vhd.h"

enum { ENTRIES_AT_ONCE = 1024 };

/* The BAT as it was found: sorted, so that neighbours that overlap stand side by side. The file
 * bounds it: every block that counts lies inside, so there are no more than file size / block size
 * of them, and some to spare. */
struct placed {
  uint64_t *hosts;
  size_t count, capacity;
};

static int compare_hosts(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static enum vmf_code collect(struct vmf_image *image, struct placed *placed,
                             struct vmf_findings *findings, struct vmf_error *error)
{
  uint32_t entries[ENTRIES_AT_ONCE];
  struct vmf_error found;

  for (uint64_t block = 0; block < findings->total_clusters; block += ENTRIES_AT_ONCE) {
    uint32_t count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, findings->total_clusters - block);
    VMF_TRY(vhd_read_bat(image, (uint32_t)block, entries, count, error));
    for (uint32_t i = 0; i < count; i++) {
      uint64_t host;
      if (entries[i] == VHD_UNALLOCATED)
        continue;
      findings->allocated_clusters++;
      if (vhd_block_place(image, (uint32_t)block + i, entries[i], &host, &found) != VMF_OK) {
        findings->corruptions++;
        vmf_finding(findings, "%s", found.text);
      } else if (placed->count < placed->capacity) {
        placed->hosts[placed->count++] = host;
      } else {
        findings->corruptions++;
        vmf_finding(findings,
                    "%s: block allocation table entry %llu: more blocks than the file has room for",
                    image->io->name, (unsigned long long)block + i);
        return VMF_OK;
      }
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
    if (placed->hosts[i] - placed->hosts[i - 1] < length) {
      findings->corruptions++;
      vmf_finding(findings, "%s: the blocks at bytes %llu and %llu overlap", image->io->name,
                  (unsigned long long)placed->hosts[i - 1], (unsigned long long)placed->hosts[i]);
    }
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
  struct placed placed = {
      .capacity = (size_t)vmf_min(findings->total_clusters,
                                  image->io->size / state->header.block_size + ENTRIES_AT_ONCE)};
  VMF_TRY(vmf_alloc(placed.capacity * sizeof(uint64_t), &hosts, error));
  placed.hosts = hosts;
  VMF_TRY(collect(image, &placed, findings, error));
  check_overlaps(image, &placed, findings);
  return VMF_OK;
}
