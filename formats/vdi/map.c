/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where the guest bytes are: the table. */
#include "bytes.h"
#include "checked.h"
#include "vdi.h"

enum { ENTRIES_AT_ONCE = 1024 };

enum vmf_code vdi_read_table(struct vmf_image *image, uint32_t block, uint32_t *entries,
                             uint32_t count, struct vmf_error *error)
{
  const struct vdi_header *header = &((const struct vdi_state *)image->state)->header;
  uint8_t raw[4 * ENTRIES_AT_ONCE];

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, 4 * (size_t)count,
                               header->table_offset + 4 * (uint64_t)block, error));
  for (uint32_t i = 0; i < count; i++)
    entries[i] = get_le32(raw + 4 * (size_t)i);
  return VMF_OK;
}

enum vmf_code vdi_block_place(const struct vmf_image *image, uint32_t block, uint32_t entry,
                              uint64_t *host, struct vmf_error *error)
{
  const struct vdi_header *header = &((const struct vdi_state *)image->state)->header;
  uint64_t start = (uint64_t)block * header->block_size;
  uint64_t length = start < image->size ? vmf_min(header->block_size, image->size - start) : 0;

  if (entry >= header->blocks)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block table entry %u: index %u, but the disk has %u blocks",
                    image->io->name, block, entry, header->blocks);
  *host = (uint64_t)header->data_offset + header->block_extra +
          entry * ((uint64_t)header->block_size + header->block_extra);
  if (!vmf_range_within(*host, length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: block table entry %u: block %u, at byte %llu, goes beyond the end of the "
                    "file (%llu bytes)",
                    image->io->name, block, entry, (unsigned long long)*host,
                    (unsigned long long)image->io->size);
  return VMF_OK;
}

static enum vmf_run_kind kind_of(const struct vdi_state *state, uint32_t entry)
{
  if (entry == VDI_FREE)
    return state->has_parent ? VMF_RUN_PARENT : VMF_RUN_ZERO;
  return entry == VDI_ZERO ? VMF_RUN_ZERO : VMF_RUN_PLAIN;
}

/* Whether entry i stores what follows entry i - 1 on the disk: nothing, or right behind it. One
 * that is not sound is left to be told of when it is mapped. */
static bool continues(const struct vmf_image *image, uint32_t block, const uint32_t *entries,
                      uint32_t i)
{
  const struct vdi_state *state = image->state;
  enum vmf_run_kind kind = kind_of(state, entries[0]);
  struct vmf_error ignored;
  uint64_t host;

  if (kind_of(state, entries[i]) != kind || kind != VMF_RUN_PLAIN)
    return kind_of(state, entries[i]) == kind;
  return state->header.block_extra == 0 && entries[i] == entries[i - 1] + 1 &&
         vdi_block_place(image, block + i, entries[i], &host, &ignored) == VMF_OK;
}

enum vmf_code vdi_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error)
{
  const struct vdi_state *state = image->state;
  uint32_t block_size = state->header.block_size, block = (uint32_t)(guest / block_size);
  uint32_t entries[ENTRIES_AT_ONCE], like = 1;
  uint32_t count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, vmf_div_up(image->size, block_size) - block);

  VMF_TRY(vdi_read_table(image, block, entries, count, error));
  *run =
      (struct vmf_run){.guest = (uint64_t)block * block_size, .kind = kind_of(state, entries[0])};
  if (run->kind == VMF_RUN_PLAIN) {
    run->io = image->io;
    VMF_TRY(vdi_block_place(image, block, entries[0], &run->offset, error));
  }
  while (like < count && continues(image, block, entries, like))
    like++;
  run->length = vmf_min((uint64_t)like * block_size, image->size - run->guest);
  return VMF_OK;
}
