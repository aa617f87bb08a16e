/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Hosted sparse extents: header, descriptor, redundant grain directory with its tables, grain
 * directory with its tables, grains as they come (spec: "Hosted Sparse Extents"). All tables have
 * their place whether they are used or not, as in VMware's files; an unused one stays a hole. */
#include "vmdk_write.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"

enum { DIRECTORY_CHUNK = 1024 /* entries written at once */ };

struct vmdk_sparse_layout vmdk_lay_out_sparse(uint64_t capacity, uint64_t descriptor_sectors)
{
  struct vmdk_sparse_layout layout = {.capacity = capacity, .descriptor = descriptor_sectors};
  layout.tables = vmf_div_up(capacity, VMDK_TABLE_SPAN);
  uint64_t directory_sectors = vmf_div_up(layout.tables * VMDK_GTE_SIZE, VMDK_SECTOR);
  uint64_t table_sectors = layout.tables * VMDK_TABLE_SECTORS;
  layout.redundant_directory = 1 + descriptor_sectors;
  layout.redundant_tables = layout.redundant_directory + directory_sectors;
  layout.directory = layout.redundant_tables + table_sectors;
  layout.first_table = layout.directory + directory_sectors;
  layout.grains = vmf_align_up(layout.first_table + table_sectors, VMDK_GRAIN_DEFAULT);
  return layout;
}

static enum vmf_code write_head(struct vmf_io *io, const struct vmdk_sparse_layout *layout,
                                const struct vmdk_write_state *state, struct vmf_error *error)
{
  uint8_t header[VMDK_SECTOR];
  uint32_t flags = VMDK_FLAG_NEWLINES | VMDK_FLAG_REDUNDANT;
  vmdk_encode_header(header, state->zeroed ? 2 : 1,
                     state->zeroed ? flags | VMDK_FLAG_ZEROED_GRAIN : flags, layout->capacity);
  put_le64(header + VMDK_SPARSE_DESCRIPTOR_OFFSET_AT, layout->descriptor != 0 ? 1 : 0);
  put_le64(header + VMDK_SPARSE_DESCRIPTOR_SIZE_AT, layout->descriptor);
  put_le64(header + VMDK_SPARSE_RGD_OFFSET_AT, layout->redundant_directory);
  put_le64(header + VMDK_SPARSE_GD_OFFSET_AT, layout->directory);
  put_le64(header + VMDK_SPARSE_OVERHEAD_AT, layout->grains);
  VMF_TRY(vmf_io_pwrite(io, header, sizeof header, 0, error));
  if (layout->descriptor == 0)
    return VMF_OK;
  return vmf_io_pwrite(io, state->descriptor, state->descriptor_length, VMDK_SECTOR, error);
}

static enum vmf_code write_directory(struct vmf_io *io, const struct vmdk_sparse_layout *layout,
                                     uint64_t directory, uint64_t first_table,
                                     struct vmf_error *error)
{
  uint8_t chunk[DIRECTORY_CHUNK * VMDK_GTE_SIZE];
  for (uint64_t done = 0; done < layout->tables; done += DIRECTORY_CHUNK) {
    uint64_t count = vmf_min(layout->tables - done, DIRECTORY_CHUNK);
    for (uint64_t i = 0; i < count; i++)
      put_le32(chunk + i * VMDK_GTE_SIZE,
               (uint32_t)(first_table + (done + i) * VMDK_TABLE_SECTORS));
    VMF_TRY(vmf_io_pwrite(io, chunk, count * VMDK_GTE_SIZE,
                          directory * VMDK_SECTOR + done * VMDK_GTE_SIZE, error));
  }
  return VMF_OK;
}

/* Where the tables that are being filled go: both copies, or one when begin writes them in order.
 */
struct table_sink {
  struct vmf_io *io;
  struct vmdk_grain_table *table;
  uint64_t copies[2]; /* sector of table 0; 0: no second copy */
};

static enum vmf_code write_table(const struct table_sink *sink, struct vmf_error *error)
{
  struct vmdk_grain_table *table = sink->table;
  if (!table->used)
    return VMF_OK;
  for (unsigned i = 0; i < 2 && sink->copies[i] != 0; i++) {
    uint64_t sector = sink->copies[i] + table->index * VMDK_TABLE_SECTORS;
    VMF_TRY(vmf_io_pwrite(sink->io, table->entries, VMDK_TABLE_BYTES, sector * VMDK_SECTOR, error));
  }
  memset(table->entries, 0, sizeof table->entries);
  table->used = false;
  return VMF_OK;
}

static enum vmf_code no_room(const struct vmf_io *io, uint64_t guest, struct vmf_error *error)
{
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: a sparse VMDK file ends at 2 TiB, so the grain at guest byte %" PRIu64
                  " has no place; use subformat=twoGbMaxExtentSparse or monolithicFlat",
                  io->name, guest);
}

/* Has the table in memory. In guest order each is there once; in any other the file tells what it
 * held: up to the last one that was written, what was not written is a hole. */
static enum vmf_code go_to_table(const struct table_sink *sink, uint64_t index,
                                 struct vmf_error *error)
{
  struct vmdk_grain_table *table = sink->table;
  uint64_t sector = sink->copies[0] + index * VMDK_TABLE_SECTORS;
  if (table->index == index)
    return VMF_OK;
  VMF_TRY(write_table(sink, error));
  table->index = index;
  if (index <= table->last)
    return vmf_io_pread(sink->io, table->entries, VMDK_TABLE_BYTES, sector * VMDK_SECTOR, error);
  memset(table->entries, 0, sizeof table->entries);
  table->last = index;
  return VMF_OK;
}

/* The table entry of the grain at `guest` (bytes in the extent). */
static enum vmf_code find_entry(const struct table_sink *sink, uint64_t guest, uint8_t **entry,
                                struct vmf_error *error)
{
  uint64_t grain = guest / VMDK_GRAIN_BYTES;
  VMF_TRY(go_to_table(sink, grain / VMDK_GTES_PER_GT, error));
  *entry = sink->table->entries + grain % VMDK_GTES_PER_GT * VMDK_GTE_SIZE;
  return VMF_OK;
}

/* Gives the grain the next place, unless it has one: *sector. */
static enum vmf_code note_grain(const struct table_sink *sink, uint64_t guest,
                                uint64_t *next_sector, uint64_t *sector, struct vmf_error *error)
{
  uint8_t *entry;
  VMF_TRY(find_entry(sink, guest, &entry, error));
  *sector = get_le32(entry);
  if (*sector > VMDK_GTE_ZERO)
    return VMF_OK;
  if (*next_sector > UINT32_MAX - VMDK_GRAIN_DEFAULT)
    return no_room(sink->io, guest, error);
  put_le32(entry, (uint32_t)*next_sector);
  sink->table->used = true;
  *sector = *next_sector;
  *next_sector += VMDK_GRAIN_DEFAULT;
  return VMF_OK;
}

/* A grain of zeros over a backing file: an entry alone. Over a backing file nothing comes twice. */
static enum vmf_code note_zeros(const struct table_sink *sink, struct vmf_block *block,
                                uint64_t guest, struct vmf_error *error)
{
  uint8_t *entry;
  VMF_TRY(find_entry(sink, guest, &entry, error));
  put_le32(entry, VMDK_GTE_ZERO);
  sink->table->used = true;
  block->zeros = 0;
  return VMF_OK;
}

static struct table_sink both_copies(struct vmdk_write_state *state)
{
  return (struct table_sink){
      .io = state->files[state->current].io,
      .table = &state->table,
      .copies = {state->layout.redundant_tables, state->layout.first_table},
  };
}

static void start_file(struct vmdk_write_state *state, enum vmdk_subformat subformat,
                       unsigned index)
{
  uint64_t descriptor = subformat == VMDK_MONOLITHIC_SPARSE ? VMDK_DESCRIPTOR_SECTORS : 0;
  state->current = index;
  state->layout = vmdk_lay_out_sparse(state->files[index].sectors, descriptor);
  state->next_sector = state->layout.grains;
  state->table.index = state->table.last = 0;
}

/* Everything of the current file but its grains, which other threads may still be writing. */
static enum vmf_code end_file(struct vmdk_write_state *state, struct vmf_error *error)
{
  const struct vmdk_sparse_layout *layout = &state->layout;
  struct vmf_io *io = state->files[state->current].io;
  struct table_sink sink = both_copies(state);
  VMF_TRY(write_table(&sink, error));
  VMF_TRY(
      write_directory(io, layout, layout->redundant_directory, layout->redundant_tables, error));
  VMF_TRY(write_directory(io, layout, layout->directory, layout->first_table, error));
  VMF_TRY(write_head(io, layout, state, error));
  state->files[state->current].end = state->next_sector;
  return VMF_OK;
}

/* The grain tables of one directory from the plan. */
static enum vmf_code write_planned_tables(struct vmf_target *target, const struct vmf_plan *plan,
                                          uint64_t first_table, struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  struct table_sink sink = {.io = target->io, .table = &state->table, .copies = {first_table}};
  uint64_t start = 0, end = 0, next_sector = state->layout.grains, sector;
  state->table.index = state->table.last = 0;
  for (uint64_t guest = 0; guest < target->guest_size; guest = end) {
    VMF_TRY(vmf_plan_next(plan, guest, &start, &end, error));
    if (start >= target->guest_size)
      break;
    for (uint64_t grain = start; grain < end; grain += VMDK_GRAIN_BYTES)
      VMF_TRY(note_grain(&sink, grain, &next_sector, &sector, error));
  }
  return write_table(&sink, error);
}

/* On a pipe: all that stands in front of the grains, in the order of the file. */
static enum vmf_code write_tables_first(struct vmf_target *target, const struct vmf_plan *plan,
                                        struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  const struct vmdk_sparse_layout *layout = &state->layout;
  VMF_TRY(write_head(target->io, layout, state, error));
  VMF_TRY(write_directory(target->io, layout, layout->redundant_directory, layout->redundant_tables,
                          error));
  VMF_TRY(write_planned_tables(target, plan, layout->redundant_tables, error));
  VMF_TRY(write_directory(target->io, layout, layout->directory, layout->first_table, error));
  VMF_TRY(write_planned_tables(target, plan, layout->first_table, error));
  state->tables_first = true;
  return VMF_OK;
}

static enum vmf_code sparse_begin(struct vmf_target *target, const struct vmf_plan *plan,
                                  struct vmf_error *error)
{
  const struct vmdk_write_options *options = target->options;
  struct vmdk_write_state *state = target->state;
  state->zeroed = options->zeroed_grain;
  start_file(state, options->subformat, 0);
  uint64_t most = (UINT32_MAX - state->layout.grains) / VMDK_GRAIN_DEFAULT * VMDK_GRAIN_DEFAULT;
  if (target->shape.keep_zeros && state->layout.capacity > most)
    return no_room(target->io, most * VMDK_SECTOR, error);
  return plan != NULL ? write_tables_first(target, plan, error) : VMF_OK;
}

static enum vmf_code sparse_wrap(const struct vmf_target *target, struct vmf_block *block,
                                 struct vmf_error *error)
{
  (void)target;
  (void)error;
  block->zeros = (uint32_t)(VMDK_GRAIN_BYTES - block->data_length);
  return VMF_OK;
}

static enum vmf_code sparse_place(struct vmf_target *target, struct vmf_block *block,
                                  struct vmf_error *error)
{
  const struct vmdk_write_options *options = target->options;
  struct vmdk_write_state *state = target->state;
  uint64_t file_bytes = state->files[0].sectors * VMDK_SECTOR; /* all but the last are as large */
  while (block->guest / file_bytes > state->current) {
    VMF_TRY(end_file(state, error));
    start_file(state, options->subformat, state->current + 1);
  }
  uint64_t next = state->next_sector, sector = next;
  block->io = state->files[state->current].io;
  struct table_sink sink = both_copies(state);
  if (block->zero && target->backing && state->zeroed)
    return note_zeros(&sink, block, block->guest % file_bytes, error);
  if (state->tables_first)
    state->next_sector += VMDK_GRAIN_DEFAULT;
  else
    VMF_TRY(note_grain(&sink, block->guest % file_bytes, &state->next_sector, &sector, error));
  block->again = sector != next;
  block->host = sector * VMDK_SECTOR;
  return VMF_OK;
}

/* On a pipe the tables are out already, and a disk without data still has to reach the place where
 * grains would start. */
static enum vmf_code finish_pipe(struct vmf_target *target, struct vmf_error *error)
{
  const struct vmdk_write_state *state = target->state;
  const struct vmdk_sparse_layout *layout = &state->layout;
  if (state->next_sector > layout->grains)
    return VMF_OK;
  static const uint8_t zeros[VMDK_SECTOR];
  return vmf_io_pwrite(target->io, zeros, sizeof zeros, (layout->grains - 1) * VMDK_SECTOR, error);
}

static enum vmf_code sparse_finish(struct vmf_target *target, struct vmf_error *error)
{
  const struct vmdk_write_options *options = target->options;
  struct vmdk_write_state *state = target->state;
  if (state->tables_first)
    return finish_pipe(target, error);
  VMF_TRY(end_file(state, error));
  while (state->current + 1 < state->file_count) {
    start_file(state, options->subformat, state->current + 1);
    VMF_TRY(end_file(state, error));
  }
  for (unsigned i = 0; i < state->file_count; i++) {
    struct vmdk_written_file *file = &state->files[i];
    if (file->io->size < file->end * VMDK_SECTOR)
      VMF_TRY(vmf_io_resize(file->io, file->end * VMDK_SECTOR, error));
  }
  if (options->subformat == VMDK_SPLIT_SPARSE)
    return vmf_io_pwrite(target->io, state->descriptor, state->descriptor_length, 0, error);
  return VMF_OK;
}

const struct vmdk_placer vmdk_sparse_placer = {
    .begin = sparse_begin,
    .wrap = sparse_wrap,
    .place = sparse_place,
    .finish = sparse_finish,
};
