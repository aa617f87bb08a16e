/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing VHD. The creator is "win ", for which every reader takes current_size and not the
 * geometry, so that the size of the disk is kept to the sector. A dynamic disk: footer copy,
 * dynamic header, BAT, blocks in guest order, footer; on a file its head is written last. */
#include <stddef.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vhd.h"

enum {
  BLOCK_SIZE = 2 << 20,
  FIXED_UNIT = 1 << 20,
  HEADER_OFFSET = VHD_FOOTER_SIZE,
  TABLE_OFFSET = HEADER_OFFSET + VHD_HEADER_SIZE,
  BITMAP_SIZE = 512,
};

enum subformat { SUBFORMAT_DYNAMIC, SUBFORMAT_FIXED };

struct vhd_options {
  unsigned subformat;
  bool force_size;
};

struct writer_state {
  uint64_t size;   /* of the guest disk, whole sectors */
  uint32_t blocks; /* entries of the BAT */
  uint8_t *table;  /* dynamic: the BAT as it is stored, padded to sectors */
  size_t table_size;
  uint64_t end;                    /* where the next block goes */
  uint8_t footer[VHD_FOOTER_SIZE]; /* made once: it has a random id */
};

static uint64_t whole_sectors(uint64_t size)
{
  return vmf_align_up(size, VHD_SECTOR);
}

static uint64_t table_bytes(uint64_t guest_size)
{
  return vmf_align_up(4 * vmf_div_up(guest_size, BLOCK_SIZE), VHD_SECTOR);
}

static enum vmf_code vhd_shape(const void *values, uint64_t guest_size, bool compress, bool backing,
                               struct vmf_shape *shape, struct vmf_error *error)
{
  const struct vhd_options *options = values;
  bool fixed = options->subformat == SUBFORMAT_FIXED;

  if (compress)
    return vmf_fail(error, VMF_USAGE, "format vhd has no compression");
  if (backing)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "differencing VHDs are not written; qcow2 has overlays");
  if (guest_size == 0 || guest_size > VHD_SIZE_MAX)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "format vhd cannot hold a disk of %llu bytes: 1 to %llu (2040 GiB) are "
                    "possible; qcow2 and raw have no such limit",
                    (unsigned long long)guest_size, (unsigned long long)VHD_SIZE_MAX);
  *shape = (struct vmf_shape){.layout = fixed ? VMF_FIXED : VMF_PLANNED,
                              .unit = fixed ? FIXED_UNIT : BLOCK_SIZE,
                              .any_order = !fixed,
                              .head_bytes = fixed ? 0 : BITMAP_SIZE};
  return VMF_OK;
}

static enum vmf_code vhd_measure(const void *values, const struct vmf_shape *shape,
                                 uint64_t guest_size, const struct vmf_plan *plan, uint64_t *bytes,
                                 struct vmf_error *error)
{
  const struct vhd_options *options = values;
  uint64_t blocks = vmf_div_up(guest_size, BLOCK_SIZE);

  (void)shape;
  *bytes = whole_sectors(guest_size) + VHD_FOOTER_SIZE;
  if (options->subformat == SUBFORMAT_FIXED)
    return VMF_OK;
  if (plan)
    VMF_TRY(vmf_plan_count(plan, BLOCK_SIZE, &blocks, error));
  *bytes = TABLE_OFFSET + table_bytes(guest_size) + blocks * (BITMAP_SIZE + BLOCK_SIZE) +
           VHD_FOOTER_SIZE;
  return VMF_OK;
}

static enum vmf_code make_footer(struct vmf_target *target, struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint8_t *raw = state->footer;
  bool fixed = state->table == NULL;
  int64_t time = target->identity->time - VHD_EPOCH;
  uint16_t cylinders;

  memcpy(raw, "conectix", 8);
  put_be32(raw + 8, 2); /* features: this bit is always set */
  put_be32(raw + 12, VHD_VERSION);
  put_be64(raw + 16, fixed ? VHD_NO_HEADER : HEADER_OFFSET);
  put_be32(raw + 24, time < 0 ? 0 : (uint32_t)vmf_min((uint64_t)time, UINT32_MAX));
  memcpy(raw + 28, "win ", 4);
  put_be32(raw + 32, 0x000a0000);
  memcpy(raw + 36, "Wi2k", 4);
  put_be64(raw + 40, state->size);
  put_be64(raw + 48, state->size);
  vhd_geometry(state->size / VHD_SECTOR, &cylinders, &raw[58], &raw[59]);
  put_be16(raw + 56, cylinders);
  put_be32(raw + 60, fixed ? VHD_FIXED : VHD_DYNAMIC);
  VMF_TRY(vmf_identity_guid(target->identity, "vhd", raw + 68, error));
  put_be32(raw + 64, vhd_sum(raw, VHD_FOOTER_SIZE, 64));
  return VMF_OK;
}

static void make_header(const struct writer_state *state, uint8_t raw[VHD_HEADER_SIZE])
{
  memset(raw, 0, VHD_HEADER_SIZE);
  memcpy(raw, "cxsparse", 8);
  put_be64(
      raw + 8,
      UINT64_MAX); /* no further header; all 64 bits, whatever the specification's figure says */
  put_be64(raw + 16, TABLE_OFFSET);
  put_be32(raw + 24, VHD_VERSION);
  put_be32(raw + 28, state->blocks);
  put_be32(raw + 32, BLOCK_SIZE);
  put_be32(raw + 36, vhd_sum(raw, VHD_HEADER_SIZE, 36));
}

/* Footer copy, dynamic header and BAT: all that stands before the blocks. */
static enum vmf_code write_head(struct vmf_target *target, struct vmf_error *error)
{
  const struct writer_state *state = target->state;
  uint8_t header[VHD_HEADER_SIZE];
  const struct vmf_piece pieces[] = {{state->footer, sizeof(state->footer)},
                                     {header, sizeof(header)},
                                     {state->table, state->table_size}};

  make_header(state, header);
  return vmf_io_pwrite_pieces(target->io, pieces, 3, 0, error);
}

static uint64_t next_place(struct writer_state *state, uint64_t guest)
{
  uint64_t host = state->end;
  put_be32(state->table + 4 * (guest / BLOCK_SIZE), (uint32_t)(host / VHD_SECTOR));
  state->end += BITMAP_SIZE + BLOCK_SIZE;
  return host;
}

/* On a pipe every block that the plan names gets its place before the first one comes. */
static enum vmf_code begin_pipe(struct vmf_target *target, const struct vmf_plan *plan,
                                struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint64_t first = state->end, start, end;

  for (uint64_t guest = 0; guest < target->guest_size; guest = end) {
    VMF_TRY(vmf_plan_next(plan, guest, &start, &end, error));
    for (uint64_t block = start; block < end; block += BLOCK_SIZE)
      next_place(state, block);
  }
  state->end = first;
  return write_head(target, error);
}

static enum vmf_code vhd_begin(struct vmf_target *target, const struct vmf_plan *plan,
                               struct vmf_error *error)
{
  const struct vhd_options *options = target->options;
  struct writer_state *state = target->state;
  void *table;

  state->size = whole_sectors(target->guest_size);
  if (state->size != target->guest_size)
    vmf_warn(target->log, "%s: %llu bytes are no whole sectors: zeros are added up to %llu",
             target->name, (unsigned long long)target->guest_size, (unsigned long long)state->size);
  if (options->subformat == SUBFORMAT_FIXED)
    return make_footer(target, error);
  state->blocks = (uint32_t)vmf_div_up(state->size, BLOCK_SIZE);
  state->table_size = (size_t)table_bytes(state->size);
  VMF_TRY(vmf_alloc(state->table_size, &table, error));
  state->table = table;
  memset(state->table, 0xff, state->table_size);
  state->end = TABLE_OFFSET + state->table_size;
  VMF_TRY(make_footer(target, error));
  return plan ? begin_pipe(target, plan, error) : VMF_OK;
}

static enum vmf_code vhd_wrap(const struct vmf_target *target, struct vmf_block *block,
                              struct vmf_error *error)
{
  const struct writer_state *state = target->state;
  (void)error;
  if (!state->table)
    return VMF_OK;
  memset(block->head, 0xff, BITMAP_SIZE);
  block->head_length = BITMAP_SIZE;
  block->zeros = (uint32_t)(BLOCK_SIZE - block->data_length);
  return VMF_OK;
}

/* Whether the block has been placed already, and where. What a pipe was promised stands where the
 * next block goes, or behind that. */
static bool has_place(const struct writer_state *state, uint64_t guest, uint64_t *host)
{
  uint32_t entry =
      state->table ? get_be32(state->table + 4 * (guest / BLOCK_SIZE)) : VHD_UNALLOCATED;

  *host = (uint64_t)entry * VHD_SECTOR;
  return entry != VHD_UNALLOCATED && *host < state->end;
}

static enum vmf_code vhd_place(struct vmf_target *target, struct vmf_block *block,
                               struct vmf_error *error)
{
  struct writer_state *state = target->state;
  (void)error;
  block->again = has_place(state, block->guest, &block->host);
  if (block->again)
    return VMF_OK;
  block->host = state->table ? next_place(state, block->guest) : block->guest;
  return VMF_OK;
}

static enum vmf_code vhd_finish(struct vmf_target *target, struct vmf_error *error)
{
  const struct writer_state *state = target->state;

  VMF_TRY(vmf_io_pwrite(target->io, state->footer, sizeof(state->footer),
                        state->table ? state->end : state->size, error));
  return state->table && !target->io->sequential ? write_head(target, error) : VMF_OK;
}

static void vhd_release(struct vmf_target *target)
{
  struct writer_state *state = target->state;
  vmf_free(state->table);
}

static const char *const subformats[] = {"dynamic", "fixed", NULL};

static const struct vmf_option vhd_option_table[] = {
    {.name = "subformat",
     .help = "dynamic: blocks of 2 MiB as they hold data; fixed: the whole disk and a footer",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct vhd_options, subformat),
     .choices = subformats,
     .initial = "dynamic"},
    {.name = "force_size",
     .help = "accepted for qemu-img's sake: the size is always kept exactly",
     .type = VMF_OPTION_BOOL,
     .offset = offsetof(struct vhd_options, force_size),
     .initial = "on"},
};

const struct vmf_writer vhd_writer = {
    .options = {vhd_option_table, 2, sizeof(struct vhd_options)},
    .state_size = sizeof(struct writer_state),
    .shape = vhd_shape,
    .measure = vhd_measure,
    .begin = vhd_begin,
    .wrap = vhd_wrap,
    .place = vhd_place,
    .finish = vhd_finish,
    .release = vhd_release,
};
