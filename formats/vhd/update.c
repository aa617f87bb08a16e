/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing into a VHD that is there: a fixed one as it stands; of a dynamic one, blocks that it
 * lacks are made where the footer is, which moves behind them. All sectors of what is written to
 * are marked in its bitmap: its check has found zeros in those that were not. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vhd.h"

enum { ENTRY = 4 };

struct vhd_update {
  uint64_t end;    /* of the blocks: where the footer stands */
  uint8_t *marked; /* dynamic: a bitmap, all ones, behind what was found of another */
};

/* Of the last block only what the disk has of it need be there: what is made stands behind all of
 * it. */
static enum vmf_code find_end(const struct vmf_update *update, uint64_t *end,
                              struct vmf_error *error)
{
  const struct vhd_state *state = update->image->state;
  const struct vhd_header *header = &state->header;
  uint8_t raw[ENTRY];
  uint64_t size = update->image->size, last = (size - 1) / header->block_size;

  *end = vmf_align_up(state->data_end, VHD_SECTOR);
  if (size == 0)
    return VMF_OK;
  VMF_TRY(vmf_io_pread(update->io, raw, sizeof raw, header->table_offset + ENTRY * last, error));
  uint32_t entry = get_be32(raw);
  if (entry != VHD_UNALLOCATED)
    *end = vmf_max(*end, (uint64_t)entry * VHD_SECTOR + state->bitmap_size + header->block_size);
  return VMF_OK;
}

/* A vmf_updater.obstacle. */
static const char *obstacle(const struct vmf_image *image)
{
  const struct vhd_footer *footer = &((const struct vhd_state *)image->state)->footer;

  if (footer->type == VHD_DIFFERENCING)
    return "a parent";
  return footer->saved_state ? "the mark of a machine that was saved while it ran" : NULL;
}

static enum vmf_code begin(struct vmf_update *update, struct vmf_error *error)
{
  const struct vhd_state *state = update->image->state;
  struct vhd_update *own = update->state;
  void *memory;

  if (state->footer.type == VHD_FIXED)
    return VMF_OK;
  VMF_TRY(vmf_alloc(2 * (size_t)state->bitmap_size, &memory, error));
  own->marked = memory;
  memset(own->marked, 0xff, state->bitmap_size);
  return find_end(update, &own->end, error);
}

/* The block whose entry stands at `slot`. */
static enum vmf_code make_block(struct vmf_update *update, uint64_t slot, uint64_t *host,
                                struct vmf_error *error)
{
  const struct vhd_state *state = update->image->state;
  struct vhd_update *own = update->state;
  uint8_t raw[ENTRY], footer[VHD_FOOTER_SIZE];

  *host = own->end;
  if (*host / VHD_SECTOR >= VHD_UNALLOCATED)
    return vmf_fail(error, VMF_LIMIT, "%s: has no room for another block", update->image->io->name);
  own->end += state->bitmap_size + state->header.block_size;
  VMF_TRY(vmf_io_pread(update->io, footer, sizeof footer, 0, error)); /* its copy */
  VMF_TRY(vmf_io_pwrite(update->io, footer, sizeof footer, own->end, error));
  VMF_TRY(vmf_io_pwrite(update->io, own->marked, state->bitmap_size, *host, error));
  put_be32(raw, (uint32_t)(*host / VHD_SECTOR));
  return vmf_io_pwrite(update->io, raw, sizeof raw, slot, error);
}

static enum vmf_code mark(struct vmf_update *update, uint64_t host, struct vmf_error *error)
{
  const struct vhd_state *state = update->image->state;
  struct vhd_update *own = update->state;
  uint8_t *found = own->marked + state->bitmap_size;

  VMF_TRY(vmf_io_pread(update->io, found, state->bitmap_size, host, error));
  return memcmp(found, own->marked, state->bitmap_size) == 0
             ? VMF_OK
             : vmf_io_pwrite(update->io, own->marked, state->bitmap_size, host, error);
}

/* A vmf_updater.place. */
static enum vmf_code place(struct vmf_update *update, uint64_t guest, uint64_t *host, bool *fresh,
                           struct vmf_error *error)
{
  const struct vhd_state *state = update->image->state;
  const struct vhd_header *header = &state->header;
  uint8_t raw[ENTRY];

  *host = guest;
  *fresh = false;
  if (state->footer.type == VHD_FIXED)
    return VMF_OK;
  uint64_t slot = header->table_offset + ENTRY * (guest / header->block_size);
  VMF_TRY(vmf_io_pread(update->io, raw, sizeof raw, slot, error));
  uint32_t entry = get_be32(raw);
  *fresh = entry == VHD_UNALLOCATED;
  *host = (uint64_t)entry * VHD_SECTOR;
  VMF_TRY(*fresh ? make_block(update, slot, host, error) : mark(update, *host, error));
  *host += state->bitmap_size;
  return VMF_OK;
}

static void release(struct vmf_update *update)
{
  vmf_free(((struct vhd_update *)update->state)->marked);
}

const struct vmf_updater vhd_updater = {
    .state_size = sizeof(struct vhd_update),
    .obstacle = obstacle,
    .begin = begin,
    .place = place,
    .release = release,
};
