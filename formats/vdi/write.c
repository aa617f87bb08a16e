/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing VDI as VirtualBox lays it out: the header in the first MiB, the table from the second on,
 * the blocks of 1 MiB from the next whole MiB on, as they come and without a gap between them. Of
 * the table, which has one entry a block of the disk, a window is kept: guest order fills it from
 * front to back, and in any other order windows that were written are read again. */
#include <stddef.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vdi.h"

enum {
  BLOCK_SIZE = 1 << 20,
  ALIGNMENT = 1 << 20,
  TABLE_OFFSET = ALIGNMENT,
  WINDOW = 16384, /* entries */
  ENTRY = 4,
};

/* Far more than VirtualBox makes; the fields that hold offsets reach twice as far. */
#define SIZE_MAX_BYTES (UINT64_C(512) << 40)

enum subformat { SUBFORMAT_DYNAMIC, SUBFORMAT_FIXED };

struct vdi_options {
  unsigned subformat;
  bool is_static;
  char *uuid;
};

struct writer_state {
  uint64_t size; /* of the guest disk, whole sectors */
  bool fixed;
  uint32_t blocks;
  uint32_t allocated;    /* blocks placed so far: the index of the next one */
  uint32_t window_start; /* the block of the window's first entry; a multiple of WINDOW */
  uint32_t written;      /* entries at the front of the table that are in the file */
  uint8_t uuid[VMF_GUID_SIZE], modified[VMF_GUID_SIZE];
  uint8_t window[ENTRY * WINDOW]; /* as it is stored */
};

static uint64_t whole_sectors(uint64_t size)
{
  return vmf_align_up(size, VDI_SECTOR);
}

static uint64_t data_offset(uint64_t guest_size)
{
  return TABLE_OFFSET + vmf_align_up(ENTRY * vmf_div_up(guest_size, BLOCK_SIZE), ALIGNMENT);
}

static bool is_fixed(const struct vdi_options *options)
{
  return options->is_static || options->subformat == SUBFORMAT_FIXED;
}

static enum vmf_code vdi_shape(const void *values, uint64_t guest_size, bool compress, bool backing,
                               struct vmf_shape *shape, struct vmf_error *error)
{
  const struct vdi_options *options = values;
  uint8_t uuid[VMF_GUID_SIZE];

  if (compress)
    return vmf_fail(error, VMF_USAGE, "format vdi has no compression");
  if (backing)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "differencing VDIs are not written; qcow2 has overlays");
  if (options->uuid && !vmf_guid_parse(options->uuid, uuid))
    return vmf_fail(error, VMF_USAGE,
                    "format vdi: uuid=%.80s: 32 hexadecimal digits in the form "
                    "6ba7b810-9dad-11d1-80b4-00c04fd430c8 are accepted",
                    options->uuid);
  if (guest_size == 0 || guest_size > SIZE_MAX_BYTES)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "format vdi cannot hold a disk of %llu bytes: 1 to %llu (512 TiB) are "
                    "possible; qcow2 and raw have no such limit",
                    (unsigned long long)guest_size, (unsigned long long)SIZE_MAX_BYTES);
  *shape = (struct vmf_shape){.layout = is_fixed(options) ? VMF_FIXED : VMF_PLANNED,
                              .unit = BLOCK_SIZE,
                              .any_order = !is_fixed(options)};
  return VMF_OK;
}

static enum vmf_code vdi_measure(const void *values, const struct vmf_shape *shape,
                                 uint64_t guest_size, const struct vmf_plan *plan, uint64_t *bytes,
                                 struct vmf_error *error)
{
  uint64_t blocks = vmf_div_up(guest_size, BLOCK_SIZE);

  (void)shape;
  if (plan && !is_fixed(values))
    VMF_TRY(vmf_plan_count(plan, BLOCK_SIZE, &blocks, error));
  *bytes = data_offset(guest_size) + blocks * BLOCK_SIZE;
  return VMF_OK;
}

/* The pre-header and the header; VirtualBox works the geometries out when they say nothing. */
static void make_header(const struct writer_state *state, uint32_t allocated,
                        uint8_t raw[VDI_HEADER_OFFSET + VDI_HEADER_SIZE])
{
  memset(raw, 0, VDI_HEADER_OFFSET + VDI_HEADER_SIZE);
  memcpy(raw, "<<< vmferry Disk Image >>>\n", 27);
  put_le32(raw + 64, VDI_SIGNATURE);
  put_le32(raw + 68, VDI_VERSION);
  put_le32(raw + 72, VDI_HEADER_SIZE);
  put_le32(raw + 76, state->fixed ? VDI_FIXED : VDI_NORMAL);
  put_le32(raw + 340, TABLE_OFFSET);
  put_le32(raw + 344, (uint32_t)data_offset(state->size));
  put_le32(raw + 360, VDI_SECTOR);
  put_le64(raw + 368, state->size);
  put_le32(raw + 376, BLOCK_SIZE);
  put_le32(raw + 384, state->blocks);
  put_le32(raw + 388, allocated);
  vmf_guid_swap(state->uuid, raw + 392);
  vmf_guid_swap(state->modified, raw + 408);
  put_le32(raw + 468, VDI_SECTOR);
}

static enum vmf_code write_header(struct vmf_target *target, uint32_t allocated,
                                  struct vmf_error *error)
{
  uint8_t raw[VDI_HEADER_OFFSET + VDI_HEADER_SIZE];
  const struct vmf_piece pieces[] = {{raw, sizeof(raw)}, {NULL, TABLE_OFFSET - sizeof(raw)}};

  make_header(target->state, allocated, raw);
  return vmf_io_pwrite_pieces(target->io, pieces, 2, 0, error);
}

/* ---- the table ---- */

static uint32_t window_entries(const struct writer_state *state)
{
  return (uint32_t)vmf_min(WINDOW, state->blocks - state->window_start);
}

static uint64_t window_offset(const struct writer_state *state)
{
  return TABLE_OFFSET + (uint64_t)ENTRY * state->window_start;
}

/* Writes the window; the one behind it is in its place, and free. */
static enum vmf_code next_window(struct vmf_target *target, struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint32_t entries = window_entries(state);

  VMF_TRY(vmf_io_pwrite(target->io, state->window, ENTRY * (size_t)entries, window_offset(state),
                        error));
  memset(state->window, 0xff, sizeof(state->window)); /* VDI_FREE */
  state->window_start += entries;
  state->written = (uint32_t)vmf_max(state->written, state->window_start);
  return VMF_OK;
}

/* Has the entry of a block in the window. */
static enum vmf_code go_to_window(struct vmf_target *target, uint32_t block,
                                  struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint32_t start = (uint32_t)vmf_align_down(block, WINDOW);

  if (start == state->window_start)
    return VMF_OK;
  VMF_TRY(next_window(target, error));
  state->window_start = state->written;
  while (state->written < start)
    VMF_TRY(next_window(target, error));
  state->window_start = start;
  if (start == state->written)
    return VMF_OK;
  return vmf_io_pread(target->io, state->window, ENTRY * (size_t)window_entries(state),
                      window_offset(state), error);
}

/* Gives a block the next place in the file, unless it has one: *index, in blocks. */
static enum vmf_code enter(struct vmf_target *target, uint64_t guest, uint32_t *index, bool *again,
                           struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint32_t block = (uint32_t)(guest / BLOCK_SIZE);

  VMF_TRY(go_to_window(target, block, error));
  uint8_t *entry = state->window + ENTRY * (size_t)(block - state->window_start);
  *index = get_le32(entry);
  *again = *index != VDI_FREE;
  if (*again)
    return VMF_OK;
  *index = state->allocated++;
  put_le32(entry, *index);
  return VMF_OK;
}

/* What is left of the table, and zeros up to the first block. */
static enum vmf_code end_table(struct vmf_target *target, struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint64_t end = TABLE_OFFSET + (uint64_t)ENTRY * state->blocks;
  const struct vmf_piece rest = {NULL, (size_t)(data_offset(state->size) - end)};

  VMF_TRY(next_window(target, error));
  state->window_start = state->written;
  while (state->window_start < state->blocks)
    VMF_TRY(next_window(target, error));
  return rest.length > 0 ? vmf_io_pwrite_pieces(target->io, &rest, 1, end, error) : VMF_OK;
}

/* On a pipe every block that the plan names gets its place before the first one comes. */
static enum vmf_code begin_pipe(struct vmf_target *target, const struct vmf_plan *plan,
                                struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint64_t blocks, start, end;
  uint32_t index;
  bool again;

  VMF_TRY(vmf_plan_count(plan, BLOCK_SIZE, &blocks, error));
  VMF_TRY(write_header(target, (uint32_t)blocks, error));
  for (uint64_t guest = 0; guest < target->guest_size; guest = end) {
    VMF_TRY(vmf_plan_next(plan, guest, &start, &end, error));
    for (uint64_t block = start; block < end; block += BLOCK_SIZE)
      VMF_TRY(enter(target, block, &index, &again, error));
  }
  VMF_TRY(end_table(target, error));
  state->allocated = 0;
  return VMF_OK;
}

static enum vmf_code begin_fixed(struct vmf_target *target, struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint32_t index;
  bool again;

  VMF_TRY(write_header(target, state->blocks, error));
  for (uint64_t guest = 0; guest < target->guest_size; guest += BLOCK_SIZE)
    VMF_TRY(enter(target, guest, &index, &again, error));
  VMF_TRY(end_table(target, error));
  return target->io->sequential
             ? VMF_OK
             : vmf_io_resize(target->io,
                             data_offset(state->size) + (uint64_t)state->blocks * BLOCK_SIZE,
                             error);
}

/* ---- the disk ---- */

static enum vmf_code choose_uuids(struct vmf_target *target, struct vmf_error *error)
{
  const struct vdi_options *options = target->options;
  struct writer_state *state = target->state;

  VMF_TRY(vmf_identity_guid(target->identity, "vdi-modified", state->modified, error));
  if (options->uuid && vmf_guid_parse(options->uuid, state->uuid))
    return VMF_OK;
  return vmf_identity_guid(target->identity, "vdi", state->uuid, error);
}

static enum vmf_code vdi_begin(struct vmf_target *target, const struct vmf_plan *plan,
                               struct vmf_error *error)
{
  struct writer_state *state = target->state;

  state->fixed = is_fixed(target->options);
  state->size = whole_sectors(target->guest_size);
  state->blocks = (uint32_t)vmf_div_up(state->size, BLOCK_SIZE);
  memset(state->window, 0xff, sizeof(state->window));
  if (state->size != target->guest_size)
    vmf_warn(target->log, "%s: %llu bytes are no whole sectors: zeros are added up to %llu",
             target->name, (unsigned long long)target->guest_size, (unsigned long long)state->size);
  VMF_TRY(choose_uuids(target, error));
  if (state->fixed)
    return begin_fixed(target, error);
  return plan ? begin_pipe(target, plan, error) : VMF_OK;
}

static enum vmf_code vdi_place(struct vmf_target *target, struct vmf_block *block,
                               struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint64_t first = data_offset(state->size);
  uint32_t index = state->allocated;

  if (state->fixed) {
    block->host = first + block->guest;
    return VMF_OK;
  }
  if (target->io->sequential)
    state->allocated++;
  else
    VMF_TRY(enter(target, block->guest, &index, &block->again, error));
  block->host = first + (uint64_t)index * BLOCK_SIZE;
  return VMF_OK;
}

static enum vmf_code vdi_finish(struct vmf_target *target, struct vmf_error *error)
{
  struct writer_state *state = target->state;

  if (state->fixed && target->io->sequential) /* zeros at the end have not been written yet */
    return vmf_io_zero(target->io, target->io->size,
                       data_offset(state->size) + (uint64_t)state->blocks * BLOCK_SIZE -
                           target->io->size,
                       false, error);
  if (state->fixed || target->io->sequential)
    return VMF_OK;
  VMF_TRY(end_table(target, error));
  return write_header(target, state->allocated, error);
}

static void vdi_release(struct vmf_target *target)
{
  (void)target;
}

static const char *const subformats[] = {"dynamic", "fixed", NULL};

static const struct vmf_option vdi_option_table[] = {
    {.name = "subformat",
     .help = "dynamic: blocks of 1 MiB as they hold data; fixed: all of them",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct vdi_options, subformat),
     .choices = subformats,
     .initial = "dynamic"},
    {.name = "static",
     .help = "on: qemu-img's word for subformat=fixed",
     .type = VMF_OPTION_BOOL,
     .offset = offsetof(struct vdi_options, is_static),
     .initial = "off"},
    {.name = "uuid",
     .help = "of the disk, as VirtualBox's registry has it; otherwise a new one",
     .type = VMF_OPTION_TEXT,
     .offset = offsetof(struct vdi_options, uuid)},
};

const struct vmf_writer vdi_writer = {
    .options = {vdi_option_table, 3, sizeof(struct vdi_options)},
    .state_size = sizeof(struct writer_state),
    .shape = vdi_shape,
    .measure = vdi_measure,
    .begin = vdi_begin,
    .place = vdi_place,
    .finish = vdi_finish,
    .release = vdi_release,
};
