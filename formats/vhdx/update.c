/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing into a VHDX that is there: blocks that it lacks are made at the end of the file. New ids
 * in both headers tell that the file, and the data in it, are others now ([MS-VHDX] 2.2.2): a child
 * knows its parent no more. The log is empty, and stays so. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vhdx.h"

enum { SEQUENCE_AT = 8, FILE_ID_AT = 16, DATA_ID_AT = 32 };

struct vhdx_update {
  uint64_t end; /* of the file: where the next block is made */
};

static enum vmf_code read_entry(const struct vmf_update *update, uint64_t slot, uint64_t *entry,
                                struct vmf_error *error)
{
  uint8_t raw[VHDX_ENTRY_SIZE];

  VMF_TRY(vmf_io_pread(update->io, raw, sizeof raw, slot, error));
  *entry = get_le64(raw);
  return VMF_OK;
}

static uint64_t slot_of(const struct vhdx_state *state, uint64_t block)
{
  return state->bat.offset + VHDX_ENTRY_SIZE * vhdx_block_index(state, block);
}

/* A block that is written to, as the check has left it: PARTIAL is none of a disk without parent.
 */
static bool has_place(uint64_t entry)
{
  return (entry & VHDX_STATE_MASK) == VHDX_PRESENT;
}

static uint64_t place_of(uint64_t entry)
{
  return entry >> 20 << 20;
}

/* Both headers as the one that counts, with new ids and the numbers behind its own. */
static enum vmf_code renew_headers(const struct vmf_update *update, uint8_t *raw,
                                   struct vmf_error *error)
{
  const struct vmf_identity random = {.derived = false};
  const uint64_t second = VHDX_HEADERS_AT + (uint64_t)VHDX_COPIES_APART;
  uint8_t other[SEQUENCE_AT + 8];

  VMF_TRY(vmf_io_pread(update->io, raw, VHDX_HEADER_SIZE, VHDX_HEADERS_AT, error));
  VMF_TRY(vmf_io_pread(update->io, other, sizeof other, second, error));
  bool second_counts = get_le64(other + SEQUENCE_AT) > get_le64(raw + SEQUENCE_AT);
  if (second_counts)
    VMF_TRY(vmf_io_pread(update->io, raw, VHDX_HEADER_SIZE, second, error));
  VMF_TRY(vmf_identity_guid(&random, "file", raw + FILE_ID_AT, error));
  VMF_TRY(vmf_identity_guid(&random, "data", raw + DATA_ID_AT, error));
  for (unsigned i = 0; i < 2; i++) {
    put_le64(raw + SEQUENCE_AT, get_le64(raw + SEQUENCE_AT) + 1);
    put_le32(raw + VHDX_SUM, vhdx_sum(raw, VHDX_HEADER_SIZE));
    VMF_TRY(vmf_io_pwrite(update->io, raw, VHDX_HEADER_SIZE,
                          (i == 0) == second_counts ? VHDX_HEADERS_AT : second, error));
  }
  return VMF_OK;
}

/* Of the last block only what the disk has of it need be there: what is made stands behind all of
 * it. */
static enum vmf_code find_end(struct vmf_update *update, struct vmf_error *error)
{
  const struct vhdx_state *state = update->image->state;
  struct vhdx_update *own = update->state;
  uint64_t entry;

  own->end = vmf_align_up(update->io->size, VHDX_MIB);
  VMF_TRY(read_entry(update, slot_of(state, state->blocks - 1), &entry, error));
  if (has_place(entry))
    own->end = vmf_max(own->end, place_of(entry) + state->metadata.block_size);
  return VMF_OK;
}

/* A vmf_updater.obstacle. */
static const char *obstacle(const struct vmf_image *image)
{
  const struct vhdx_state *state = image->state;

  if (state->metadata.has_parent)
    return "a parent";
  if (state->log_dirty)
    return "a log that has to be written back";
  return state->header.sequence > UINT64_MAX - 2 ? "no sequence number left" : NULL;
}

static enum vmf_code begin(struct vmf_update *update, struct vmf_error *error)
{
  VMF_AUTO_FREE void *raw = NULL;

  VMF_TRY(vmf_alloc(VHDX_HEADER_SIZE, &raw, error));
  VMF_TRY(find_end(update, error));
  return renew_headers(update, raw, error);
}

/* A vmf_updater.place. */
static enum vmf_code place(struct vmf_update *update, uint64_t guest, uint64_t *host, bool *fresh,
                           struct vmf_error *error)
{
  const struct vhdx_state *state = update->image->state;
  struct vhdx_update *own = update->state;
  uint32_t block_size = state->metadata.block_size;
  uint64_t slot = slot_of(state, guest / block_size), entry;
  uint8_t raw[VHDX_ENTRY_SIZE];

  VMF_TRY(read_entry(update, slot, &entry, error));
  *fresh = !has_place(entry);
  *host = place_of(entry);
  if (!*fresh)
    return VMF_OK;
  *host = own->end;
  own->end += block_size;
  VMF_TRY(vmf_io_resize(update->io, own->end, error));
  put_le64(raw, *host | VHDX_PRESENT);
  return vmf_io_pwrite(update->io, raw, sizeof raw, slot, error);
}

const struct vmf_updater vhdx_updater = {
    .state_size = sizeof(struct vhdx_update),
    .obstacle = obstacle,
    .begin = begin,
    .place = place,
};
