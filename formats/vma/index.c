/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "index.h"

#include <string.h>

#include "checked.h"
#include "list.h"
#include "memory.h"

enum {
  CLUSTERS = 128, /* a page */
  NONE = 0xff,    /* zeros */
  FAR = 0xfe,
  MEMORY_MAX = 40 << 20,   /* bytes: about 2 TiB of data as Proxmox VE writes it */
  PAGES_AT_ONCE = 1 << 16, /* that are looked at for the end of zeros */
};

struct vma_page {
  uint32_t first;           /* number of the first extent that lists one of its clusters */
  uint8_t behind[CLUSTERS]; /* so many extents behind that one */
  uint32_t *far;            /* the numbers of those further behind, one a cluster; or NULL */
};

enum vmf_code vma_index_init(struct vma_index *index, uint64_t clusters, struct vmf_error *error)
{
  void *memory;

  index->page_count = (size_t)vmf_div_up(clusters, CLUSTERS);
  VMF_TRY(vmf_alloc(index->page_count * sizeof(struct vma_page *), &memory, error));
  index->pages = memory;
  return VMF_OK;
}

void vma_index_free(struct vma_index *index)
{
  for (size_t i = 0; index->pages && i < index->page_count; i++) {
    if (index->pages[i])
      vmf_free(index->pages[i]->far);
    vmf_free(index->pages[i]);
  }
  vmf_free(index->pages);
  vmf_free(index->extents);
}

/* `size` more bytes of the index. */
static enum vmf_code take_memory(struct vma_index *index, size_t size, void **memory,
                                 struct vmf_error *error)
{
  index->memory += size;
  if (index->memory > MEMORY_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "an index of its clusters takes more than %d MiB: give the archive to "
                    "vmferry's standard input, which reads it as it comes",
                    MEMORY_MAX >> 20);
  return vmf_alloc(size, memory, error);
}

static enum vmf_code set_far(struct vma_index *index, struct vma_page *page, unsigned place,
                             uint32_t extent, struct vmf_error *error)
{
  void *memory = page->far;

  if (!memory)
    VMF_TRY(take_memory(index, CLUSTERS * sizeof(*page->far), &memory, error));
  page->far = memory;
  page->far[place] = extent;
  page->behind[place] = FAR;
  return VMF_OK;
}

static enum vmf_code set(struct vma_index *index, uint32_t cluster, uint32_t extent,
                         struct vmf_error *error)
{
  struct vma_page **page = &index->pages[cluster / CLUSTERS];
  void *memory;

  if (!*page) {
    VMF_TRY(take_memory(index, sizeof(**page), &memory, error));
    *page = memory;
    (*page)->first = extent;
    memset((*page)->behind, NONE, CLUSTERS);
  }
  if (extent - (*page)->first >= FAR)
    return set_far(index, *page, cluster % CLUSTERS, extent, error);
  (*page)->behind[cluster % CLUSTERS] = (uint8_t)(extent - (*page)->first);
  return VMF_OK;
}

enum vmf_code vma_index_add(struct vma_index *index, const struct vma_extent *extent,
                            unsigned device, struct vmf_error *error)
{
  bool holds = false;

  for (unsigned i = 0; i < extent->count; i++) {
    const struct vma_slot *slot = &extent->slots[i];
    if (slot->device != device || slot->mask == 0)
      continue;
    VMF_TRY(set(index, slot->cluster, (uint32_t)index->extent_count, error));
    holds = true;
  }
  if (!holds)
    return VMF_OK;
  VMF_TRY(VMF_LIST_ROOM(index->extents, index->extent_count, index->extent_room, "extents", error));
  index->extents[index->extent_count++] = extent->offset;
  index->memory += sizeof(*index->extents);
  return VMF_OK;
}

bool vma_index_find(const struct vma_index *index, uint64_t cluster, uint64_t *extent,
                    uint64_t *next)
{
  size_t first = (size_t)(cluster / CLUSTERS), place = cluster % CLUSTERS;

  *next = UINT32_MAX + UINT64_C(1); /* behind all that are listed: no cluster has data */
  for (size_t i = first; i < index->page_count && i - first < PAGES_AT_ONCE; i++, place = 0) {
    const struct vma_page *page = index->pages[i];
    while (page && place < CLUSTERS && page->behind[place] == NONE)
      place++;
    *next = page ? i * CLUSTERS + place : (i + 1) * (uint64_t)CLUSTERS;
    if (!page || place == CLUSTERS)
      continue;
    if (*next != cluster)
      return false;
    uint8_t behind = page->behind[place];
    *extent = index->extents[behind == FAR ? page->far[place] : page->first + behind];
    return true;
  }
  return false;
}
