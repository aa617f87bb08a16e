/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "cluster_use.h"

#include "checked.h"
#include "memory.h"

enum { CLUSTERS_MAX = 256 << 20 }; /* 32 MiB of bits */

enum vmf_code vmf_cluster_use_begin(struct vmf_cluster_use *use, const struct vmf_io *io,
                                    uint64_t base, uint64_t size, struct vmf_findings *findings,
                                    struct vmf_error *error)
{
  uint64_t file = io->size;
  void *memory;

  *use = (struct vmf_cluster_use){.io = io, .findings = findings, .base = base, .size = size};
  use->count = file > base ? vmf_div_up(file - base, size) : 0;
  if (use->count > CLUSTERS_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: a file of %llu clusters of %llu bytes: more than %d are not examined",
                    io->name, (unsigned long long)use->count, (unsigned long long)size,
                    CLUSTERS_MAX);
  VMF_TRY(vmf_alloc(use->count / 8 + 1, &memory, error));
  use->used = memory;
  return VMF_OK;
}

void vmf_cluster_use_free(struct vmf_cluster_use *use)
{
  vmf_free(use->used);
}

bool vmf_cluster_use_told(struct vmf_cluster_use *use)
{
  return vmf_corruption_told(use->io, use->findings);
}

/* Marks a range; how many of its clusters were marked before. */
static uint64_t mark(struct vmf_cluster_use *use, uint64_t offset, uint64_t length)
{
  uint64_t before = 0;

  if (length == 0 || offset + length <= use->base)
    return 0;
  uint64_t from = offset > use->base ? (offset - use->base) / use->size : 0;
  uint64_t end = vmf_min(vmf_div_up(offset + length - use->base, use->size), use->count);
  for (uint64_t i = from; i < end; i++) {
    before += use->used[i / 8] >> i % 8 & 1;
    use->used[i / 8] |= (uint8_t)(1u << i % 8);
  }
  return before;
}

bool vmf_cluster_use_take(struct vmf_cluster_use *use, uint64_t offset, uint64_t length,
                          const char *what)
{
  if (mark(use, offset, length) == 0)
    return true;
  if (vmf_cluster_use_told(use))
    vmf_finding(use->findings, "%s: %s at byte %llu: something else is there as well",
                use->io->name, what, (unsigned long long)offset);
  return false;
}

void vmf_cluster_use_reserve(struct vmf_cluster_use *use, uint64_t offset, uint64_t length)
{
  mark(use, offset, length);
}

void vmf_cluster_use_pack(struct vmf_cluster_use *use, uint64_t offset, uint64_t length)
{
  mark(use, offset, length);
  use->findings->allocated_clusters++;
  use->findings->compressed_clusters++;
}

bool vmf_cluster_use_data(struct vmf_cluster_use *use, uint64_t offset, const char *what)
{
  bool alone = vmf_cluster_use_take(use, offset, use->size, what);

  use->findings->allocated_clusters++;
  if (use->last != 0 && use->last + use->size != offset)
    use->findings->fragmented_clusters++;
  use->last = offset;
  return alone;
}

void vmf_cluster_use_end(struct vmf_cluster_use *use)
{
  uint64_t leaks = 0;

  for (uint64_t i = 0; i < use->count; i++)
    leaks += !(use->used[i / 8] >> i % 8 & 1);
  use->findings->leaks += leaks;
  if (leaks > 0)
    vmf_finding(use->findings, "%s: %llu clusters of the file belong to nothing", use->io->name,
                (unsigned long long)leaks);
}
