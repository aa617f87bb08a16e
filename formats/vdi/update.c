/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing into a VDI that is there: blocks that it lacks are made where VirtualBox would, at the
 * index that the header's count tells, which its check has found right. A child knows by the
 * modification UUID that its parent is another one now. */
#include "bytes.h"
#include "vdi.h"

enum { ALLOCATED_AT = 388, MODIFIED_AT = 408, ENTRY = 4 };

struct vdi_update {
  uint32_t allocated;
};

/* A vmf_updater.obstacle. */
static const char *obstacle(const struct vmf_image *image)
{
  return ((const struct vdi_state *)image->state)->has_parent ? "a parent" : NULL;
}

static enum vmf_code begin(struct vmf_update *update, struct vmf_error *error)
{
  const struct vdi_state *state = update->image->state;
  const struct vmf_identity random = {.derived = false};
  struct vdi_update *own = update->state;
  uint8_t id[VMF_GUID_SIZE], stored[VMF_GUID_SIZE];

  own->allocated = state->header.blocks_allocated;
  VMF_TRY(vmf_identity_guid(&random, "modified", id, error));
  vmf_guid_swap(id, stored);
  return vmf_io_pwrite(update->io, stored, sizeof stored, MODIFIED_AT, error);
}

static enum vmf_code put_number(const struct vmf_update *update, uint64_t at, uint32_t number,
                                struct vmf_error *error)
{
  uint8_t raw[ENTRY];

  put_le32(raw, number);
  return vmf_io_pwrite(update->io, raw, sizeof raw, at, error);
}

/* A vmf_updater.place. */
static enum vmf_code place(struct vmf_update *update, uint64_t guest, uint64_t *host, bool *fresh,
                           struct vmf_error *error)
{
  const struct vdi_header *header = &((const struct vdi_state *)update->image->state)->header;
  struct vdi_update *own = update->state;
  uint64_t stride = (uint64_t)header->block_size + header->block_extra;
  uint64_t slot = header->table_offset + ENTRY * (guest / header->block_size);
  uint8_t raw[ENTRY];

  VMF_TRY(vmf_io_pread(update->io, raw, sizeof raw, slot, error));
  uint32_t index = get_le32(raw);
  *fresh = index == VDI_FREE || index == VDI_ZERO;
  if (*fresh)
    index = own->allocated;
  *host = header->data_offset + header->block_extra + index * stride;
  if (!*fresh)
    return VMF_OK;
  VMF_TRY(vmf_io_resize(update->io, *host + header->block_size, error));
  VMF_TRY(put_number(update, slot, index, error));
  return put_number(update, ALLOCATED_AT, ++own->allocated, error);
}

const struct vmf_updater vdi_updater = {
    .state_size = sizeof(struct vdi_update),
    .obstacle = obstacle,
    .begin = begin,
    .place = place,
};
