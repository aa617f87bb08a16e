/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Flat extents: guest bytes as they are, in one file or in files of 2047 MiB. */
#include "vmdk_write.h"

static enum vmf_code flat_begin(struct vmf_target *target, const struct vmf_plan *plan,
                                struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  (void)plan;
  for (unsigned i = 0; i < state->file_count; i++)
    VMF_TRY(vmf_io_resize(state->files[i].io, state->files[i].sectors * VMDK_SECTOR, error));
  return VMF_OK;
}

static enum vmf_code flat_place(struct vmf_target *target, struct vmf_block *block,
                                struct vmf_error *error)
{
  const struct vmdk_write_state *state = target->state;
  uint64_t file_bytes = state->files[0].sectors * VMDK_SECTOR; /* all but the last are as large */
  (void)error;
  block->io = state->files[block->guest / file_bytes].io;
  block->host = block->guest % file_bytes;
  return VMF_OK;
}

static enum vmf_code flat_finish(struct vmf_target *target, struct vmf_error *error)
{
  const struct vmdk_write_state *state = target->state;
  return vmf_io_pwrite(target->io, state->descriptor, state->descriptor_length, 0, error);
}

const struct vmdk_placer vmdk_flat_placer = {
    .begin = flat_begin,
    .place = flat_place,
    .finish = flat_finish,
};
