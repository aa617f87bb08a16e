/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing VHDX as Hyper-V lays it out: headers, an empty log at 1 MiB, metadata at 2 MiB, the BAT
 * at 3 MiB, behind it the blocks as they come, each whole. Blocks of an overlay are stored whole
 * or not at all, so that it needs no bitmaps. On a file the headers are written last. */
#include <stddef.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "vhdx_write.h"

enum { FIXED_UNIT = 1 << 20, WINDOW_ENTRIES = VHDX_BAT_WINDOW / VHDX_ENTRY_SIZE };

static uint32_t sector_of(const struct vhdx_options *options)
{
  return options->logical_sector == VHDX_SECTOR_4096 ? 4096 : 512;
}

static uint64_t bat_bytes(const struct vhdx_layout *layout)
{
  return vmf_align_up(layout->entries * VHDX_ENTRY_SIZE, VHDX_MIB);
}

void vhdx_layout_fill(const struct vhdx_options *options, uint64_t guest_size, bool backing,
                      struct vhdx_layout *layout)
{
  uint32_t sector = sector_of(options);
  uint32_t block = (uint32_t)options->block_size;
  uint64_t ratio = VHDX_CHUNK_SECTORS * sector / block;

  *layout = (struct vhdx_layout){.size = vmf_align_up(guest_size, sector),
                                 .block_size = block,
                                 .logical_sector = sector,
                                 .chunk_ratio = ratio,
                                 .fixed = options->subformat == VHDX_FIXED};
  layout->blocks = vmf_div_up(layout->size, block);
  layout->entries = backing ? vmf_div_up(layout->blocks, ratio) * (ratio + 1)
                            : layout->blocks + (layout->blocks - 1) / ratio;
  layout->bat_length = bat_bytes(layout);
  layout->data = VHDX_BAT_AT + layout->bat_length;
}

static enum vmf_code vhdx_shape(const void *values, uint64_t guest_size, bool compress,
                                bool backing, struct vmf_shape *shape, struct vmf_error *error)
{
  const struct vhdx_options *options = values;
  bool fixed = options->subformat == VHDX_FIXED;

  if (compress)
    return vmf_fail(error, VMF_USAGE, "format vhdx has no compression");
  if (backing && fixed)
    return vmf_fail(error, VMF_USAGE,
                    "vhdx: subformat=fixed and a backing file exclude each other");
  if (!vmf_is_power_of_two(options->block_size))
    return vmf_fail(error, VMF_USAGE,
                    "vhdx: block_size=%llu: a power of two from 1M to 256M is accepted",
                    (unsigned long long)options->block_size);
  if (guest_size == 0 || guest_size > VHDX_SIZE_MAX)
    return vmf_fail(
        error, VMF_UNSUPPORTED,
        "format vhdx cannot hold a disk of %llu bytes: 1 to %llu (64 TiB) are possible; "
        "qcow2 and raw have no such limit",
        (unsigned long long)guest_size, (unsigned long long)VHDX_SIZE_MAX);
  *shape = (struct vmf_shape){.layout = fixed ? VMF_FIXED : VMF_PLANNED,
                              .unit = fixed ? FIXED_UNIT : (uint32_t)options->block_size,
                              .any_order = !fixed && !backing,
                              .sector = sector_of(options)};
  return VMF_OK;
}

static enum vmf_code vhdx_measure(const void *values, const struct vmf_shape *shape,
                                  uint64_t guest_size, const struct vmf_plan *plan, uint64_t *bytes,
                                  struct vmf_error *error)
{
  struct vhdx_layout layout;
  uint64_t blocks;

  (void)shape;
  vhdx_layout_fill(values, guest_size, false, &layout);
  blocks = layout.blocks;
  if (plan && !layout.fixed)
    VMF_TRY(vmf_plan_count(plan, layout.block_size, &blocks, error));
  *bytes = layout.data + blocks * layout.block_size;
  return VMF_OK;
}

/* ---- the BAT: a window of it in memory; guest order needs each window once, any other order reads
 * some again ---- */

static size_t window_bytes(const struct vhdx_build *build)
{
  uint64_t left = build->layout.entries - build->window_first;
  return (size_t)(VHDX_ENTRY_SIZE * vmf_min(WINDOW_ENTRIES, left));
}

static uint64_t window_place(const struct vhdx_build *build)
{
  return VHDX_BAT_AT + VHDX_ENTRY_SIZE * build->window_first;
}

static enum vmf_code flush_window(struct vmf_target *target, struct vmf_error *error)
{
  struct vhdx_build *build = target->state;

  if (!build->window_used)
    return VMF_OK;
  build->window_used = false;
  build->windows_end = vmf_max(build->windows_end, build->window_first + WINDOW_ENTRIES);
  return vmf_io_pwrite(target->io, build->window, window_bytes(build), window_place(build), error);
}

/* Has the window from entry `first` on. */
static enum vmf_code go_to_window(struct vmf_target *target, uint64_t first,
                                  struct vmf_error *error)
{
  struct vhdx_build *build = target->state;

  if (first == build->window_first)
    return VMF_OK;
  VMF_TRY(flush_window(target, error));
  build->window_first = first;
  if (first < build->windows_end)
    return vmf_io_pread(target->io, build->window, window_bytes(build), window_place(build), error);
  memset(build->window, 0, VHDX_BAT_WINDOW);
  return VMF_OK;
}

/* The entry of a block, in the window. */
static enum vmf_code find_entry(struct vmf_target *target, uint64_t block, uint8_t **entry,
                                struct vmf_error *error)
{
  struct vhdx_build *build = target->state;
  uint64_t index = block + block / build->layout.chunk_ratio;

  VMF_TRY(go_to_window(target, vmf_align_down(index, WINDOW_ENTRIES), error));
  *entry = build->window + VHDX_ENTRY_SIZE * (index - build->window_first);
  return VMF_OK;
}

static enum vmf_code put_entry(struct vmf_target *target, uint64_t block, uint64_t value,
                               struct vmf_error *error)
{
  uint8_t *entry;

  VMF_TRY(find_entry(target, block, &entry, error));
  put_le64(entry, value);
  ((struct vhdx_build *)target->state)->window_used = true;
  return VMF_OK;
}

/* Gives a block the next place, unless it has one. */
static enum vmf_code take_block(struct vmf_target *target, uint64_t block, uint64_t *host,
                                bool *again, struct vmf_error *error)
{
  struct vhdx_build *build = target->state;
  uint8_t *entry;

  VMF_TRY(find_entry(target, block, &entry, error));
  uint64_t value = get_le64(entry);
  *again = value != 0;
  *host = *again ? value - VHDX_PRESENT : build->end;
  if (*again)
    return VMF_OK;
  build->end += build->layout.block_size;
  return put_entry(target, block, *host | VHDX_PRESENT, error);
}

/* All tables of a disk whose blocks are known: all of them, or those of the plan. */
static enum vmf_code write_bat(struct vmf_target *target, const struct vmf_plan *plan,
                               struct vmf_error *error)
{
  struct vhdx_build *build = target->state;
  uint32_t block_size = build->layout.block_size;
  uint64_t start = 0, end = build->layout.blocks * block_size, host;
  bool again;

  for (uint64_t guest = 0; guest < target->guest_size; guest = end) {
    if (plan)
      VMF_TRY(vmf_plan_next(plan, guest, &start, &end, error));
    for (uint64_t at = start; at < end; at += block_size)
      VMF_TRY(take_block(target, at / block_size, &host, &again, error));
  }
  return flush_window(target, error);
}

/* ---- begin, place, finish ---- */

static enum vmf_code vhdx_begin(struct vmf_target *target, const struct vmf_plan *plan,
                                struct vmf_error *error)
{
  struct vhdx_build *build = target->state;
  struct vmf_io *io = target->io;
  void *window;

  vhdx_layout_fill(target->options, target->guest_size, target->backing != NULL, &build->layout);
  if (build->layout.size != target->guest_size)
    vmf_warn(target->log, "%s: %llu bytes are no whole sectors: zeros are added up to %llu",
             target->name, (unsigned long long)target->guest_size,
             (unsigned long long)build->layout.size);
  VMF_TRY(vhdx_make_ids(target, error));
  VMF_TRY(vmf_alloc(VHDX_BAT_WINDOW, &window, error));
  build->window = window;
  build->end = build->next = build->layout.data;
  if (!io->sequential && !io->reads_as_zero)
    VMF_TRY(vmf_io_zero(io, 0, build->layout.data, false, error));
  if (!io->sequential)
    return build->layout.fixed ? write_bat(target, NULL, error) : VMF_OK;
  VMF_TRY(vhdx_write_head(target, error));
  VMF_TRY(write_bat(target, plan, error));
  build->promised = !build->layout.fixed;
  return VMF_OK;
}

/* On a pipe the BAT is written, and every block that it names comes. */
static enum vmf_code place_dynamic(struct vmf_target *target, struct vmf_block *block,
                                   struct vmf_error *error)
{
  struct vhdx_build *build = target->state;
  uint64_t number = block->guest / build->layout.block_size;

  if (block->zero && target->backing && !target->shape.keep_zeros)
    return put_entry(target, number, VHDX_ZERO, error);
  /* a block that is never written reads as zeros by itself, on a pipe gaps are zeros */
  if (block->data_length == 0 && !target->io->reads_as_zero && !target->io->sequential)
    block->zeros = build->layout.block_size;
  if (!build->promised)
    return take_block(target, number, &block->host, &block->again, error);
  block->host = build->next;
  build->next += build->layout.block_size;
  return VMF_OK;
}

static enum vmf_code vhdx_place(struct vmf_target *target, struct vmf_block *block,
                                struct vmf_error *error)
{
  const struct vhdx_build *build = target->state;

  if (!build->layout.fixed)
    return place_dynamic(target, block, error);
  block->host = build->layout.data + block->guest;
  return VMF_OK;
}

/* The file ends with a whole block. */
static enum vmf_code reach_end(struct vmf_io *io, uint64_t end, struct vmf_error *error)
{
  if (io->size >= end)
    return VMF_OK;
  return io->sequential || !io->reads_as_zero
             ? vmf_io_zero(io, io->size, end - io->size, false, error)
             : vmf_io_resize(io, end, error);
}

static enum vmf_code vhdx_finish(struct vmf_target *target, struct vmf_error *error)
{
  struct vhdx_build *build = target->state;

  if (!target->io->sequential)
    VMF_TRY(flush_window(target, error));
  VMF_TRY(reach_end(target->io, build->end, error));
  return target->io->sequential ? VMF_OK : vhdx_write_head(target, error);
}

static void vhdx_release(struct vmf_target *target)
{
  struct vhdx_build *build = target->state;
  vmf_free(build->window);
}

static const char *const subformats[] = {"dynamic", "fixed", NULL};
static const char *const sector_sizes[] = {"512", "4096", NULL};

static const struct vmf_option vhdx_option_table[] = {
    {.name = "subformat",
     .help = "dynamic: blocks as they hold data; fixed: the whole disk",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct vhdx_options, subformat),
     .choices = subformats,
     .initial = "dynamic"},
    {.name = "block_size",
     .help = "unit of allocation, a power of two; 32M is Hyper-V's own",
     .type = VMF_OPTION_SIZE,
     .offset = offsetof(struct vhdx_options, block_size),
     .min = VHDX_BLOCK_MIN,
     .max = VHDX_BLOCK_MAX,
     .initial = "2M"},
    {.name = "logical_sector_size",
     .help = "what the guest sees; 4096 changes how it reads its partitions",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct vhdx_options, logical_sector),
     .choices = sector_sizes,
     .initial = "512"},
};

const struct vmf_writer vhdx_writer = {
    .options = {vhdx_option_table, sizeof(vhdx_option_table) / sizeof(*vhdx_option_table),
                sizeof(struct vhdx_options)},
    .state_size = sizeof(struct vhdx_build),
    .shape = vhdx_shape,
    .measure = vhdx_measure,
    .begin = vhdx_begin,
    .place = vhdx_place,
    .finish = vhdx_finish,
    .release = vhdx_release,
};
