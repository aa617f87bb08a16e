/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Where a guest offset of a sparse extent is stored: grain directory -> grain table -> grain, the
 * same for all kinds of sparse extents. Tables are read through the page cache, never held whole,
 * and every place that they name is checked against the file. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "extent.h"
#include "zero.h"

/* How far one call looks for the end of a hole: directory entries (512 GiB of guest disk with the
 * usual grain tables), and tables that have to be looked into. */
enum { SCAN_ENTRIES = 32 * VMDK_ENTRIES_AT_ONCE, SCAN_TABLES = 16 };

/* A packed grain is looked up alone; so many entries behind it tell where the next one stands. */
enum { LOOK_AHEAD = 16 };

/* What is fetched of a packed grain whose end is not known: as much as it can hardly exceed. */
enum { PACKED_SLACK = 1024 };

enum vmf_code vmdk_grains_check(const struct vmdk_extent *extent, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t needed = vmf_div_up(grains->capacity, vmdk_grains_coverage(grains));
  if (grains->gd_entries < needed)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain directory has %" PRIu64 " entries, its capacity of %" PRIu64
                    " bytes needs %" PRIu64,
                    extent->io->name, grains->gd_entries, grains->capacity, needed);
  if (!vmf_range_within(grains->gd_offset, needed * grains->entry_size, extent->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain directory of %" PRIu64 " entries at byte %" PRIu64
                    " reaches beyond the end of the file, %" PRIu64,
                    extent->io->name, needed, grains->gd_offset, extent->io->size);
  return VMF_OK;
}

bool vmdk_grains_decode_sectors(const struct vmdk_grains *grains, enum vmdk_level level,
                                uint64_t raw, struct vmdk_entry *entry)
{
  (void)level;
  *entry = (struct vmdk_entry){.kind = VMDK_ENTRY_AT, .host = raw * VMDK_SECTOR};
  if (raw == VMDK_GTE_UNALLOCATED)
    entry->kind = VMDK_ENTRY_ABSENT;
  else if (raw == VMDK_GTE_ZERO)
    entry->kind = VMDK_ENTRY_ZERO;
  return raw != VMDK_GTE_ZERO || grains->zeroed;
}

uint32_t vmdk_grains_entries(const struct vmdk_grains *grains, uint64_t index)
{
  uint64_t rest = grains->capacity - index * vmdk_grains_coverage(grains);
  return (uint32_t)vmf_min(grains->gtes, vmf_div_up(rest, grains->grain));
}

enum vmf_code vmdk_grains_load(const struct vmdk_extent *extent, struct vmf_page_cache *cache,
                               uint64_t host, uint64_t first, unsigned count, uint64_t *entries,
                               struct vmf_error *error)
{
  uint8_t bytes[VMDK_ENTRIES_AT_ONCE * 8];
  uint32_t size = extent->grains.entry_size;
  VMF_TRY(vmf_page_cache_pread(cache, extent->io, bytes, (size_t)count * size, host + first * size,
                               error));
  for (unsigned i = 0; i < count; i++)
    entries[i] = size == 8 ? get_le64(bytes + 8 * i) : get_le32(bytes + 4 * i);
  return VMF_OK;
}

/* ---- directory ---- */

/* What an entry is that cannot be decoded. */
static const char unknown_entry[] = "is neither a place in the file nor a mark that is valid here";

static enum vmf_code vmdk_bad_entry(const struct vmdk_extent *extent, enum vmdk_level level,
                                    uint64_t host, uint64_t raw, const char *what,
                                    struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT, "%s: grain %s entry at byte %" PRIu64 ": 0x%" PRIx64 " %s",
                  extent->io->name, level == VMDK_LEVEL_DIRECTORY ? "directory" : "table", host,
                  raw, what);
}

/* Directory entry `index`; the table that it names lies in the file. */
static enum vmf_code vmdk_directory_entry(const struct vmdk_extent *extent,
                                          struct vmf_page_cache *cache, uint64_t index,
                                          struct vmdk_entry *entry, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t raw, place = grains->gd_offset + index * grains->entry_size;
  VMF_TRY(vmdk_grains_load(extent, cache, grains->gd_offset, index, 1, &raw, error));
  if (!grains->decode(grains, VMDK_LEVEL_DIRECTORY, raw, entry))
    return vmdk_bad_entry(extent, VMDK_LEVEL_DIRECTORY, place, raw, unknown_entry, error);
  uint64_t length = (uint64_t)vmdk_grains_entries(grains, index) * grains->entry_size;
  if (entry->kind != VMDK_ENTRY_AT)
    return VMF_OK;
  if (entry->host < grains->least_host)
    return vmdk_bad_entry(extent, VMDK_LEVEL_DIRECTORY, place, raw,
                          "names a grain table inside the header", error);
  if (!vmf_range_within(entry->host, length, extent->io->size))
    return vmdk_bad_entry(extent, VMDK_LEVEL_DIRECTORY, place, raw,
                          "names a grain table beyond the end of the file", error);
  return VMF_OK;
}

/* ---- tables ---- */

/* A grain table while a run in it is looked for. */
struct table {
  uint64_t host;     /* of the table */
  uint64_t guest;    /* of its first grain */
  uint32_t count;    /* entries */
  uint32_t loaded;   /* number of entries[0] */
  unsigned in_batch; /* entries that are loaded */
  uint64_t entries[VMDK_ENTRIES_AT_ONCE];
};

/* Entry `number`, with `ahead` entries behind it where the table has them. */
static enum vmf_code vmdk_table_raw(const struct vmdk_extent *extent, struct vmf_page_cache *cache,
                                    struct table *table, uint32_t number, unsigned ahead,
                                    uint64_t *raw, struct vmf_error *error)
{
  if (number < table->loaded || number - table->loaded >= table->in_batch) {
    table->in_batch = 0;
    unsigned batch = (unsigned)vmf_min(ahead, table->count - number);
    VMF_TRY(vmdk_grains_load(extent, cache, table->host, number, batch, table->entries, error));
    table->loaded = number;
    table->in_batch = batch;
  }
  *raw = table->entries[number - table->loaded];
  return VMF_OK;
}

/* Why the grain cannot be where its entry says; NULL: it can. `length`: of the grain that the disk
 * has. */
static const char *vmdk_grain_fault(const struct vmdk_extent *extent,
                                    const struct vmdk_entry *entry, uint64_t length)
{
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t least = grains->packed ? VMDK_GRAIN_MARKER + 1 : length;
  if (entry->host < grains->least_host)
    return "names a grain inside the header";
  if (!vmf_range_within(entry->host, least, extent->io->size))
    return "names a grain beyond the end of the file";
  return NULL;
}

/* Bytes of grain `number` that belong to the disk: the last one may be cut. */
static uint64_t vmdk_grain_length(const struct vmdk_grains *grains, const struct table *table,
                                  uint32_t number)
{
  uint64_t guest = table->guest + (uint64_t)number * grains->grain;
  return vmf_min(grains->grain, grains->capacity - guest);
}

/* A good guess of what the packed grain takes: up to where the next one stands. */
static uint32_t vmdk_packed_guess(const struct vmdk_extent *extent, const struct table *table,
                                  uint32_t number, uint64_t host)
{
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t guess = (uint64_t)grains->grain + PACKED_SLACK;
  for (uint32_t i = number + 1 - table->loaded; i < table->in_batch; i++) {
    struct vmdk_entry next;
    if (!grains->decode(grains, VMDK_LEVEL_TABLE, table->entries[i], &next) ||
        next.kind != VMDK_ENTRY_AT)
      continue;
    if (next.host > host)
      guess = vmf_min(guess, next.host - host);
    break;
  }
  return (uint32_t)vmf_min(guess, extent->io->size - host);
}

/* How far the run of entry `first` goes on in the table. */
static enum vmf_code vmdk_table_extend(const struct vmdk_extent *extent,
                                       struct vmf_page_cache *cache, struct table *table,
                                       uint32_t first, const struct vmdk_entry *start,
                                       struct vmf_run *run, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &extent->grains;
  for (uint32_t number = first + 1; number < table->count; number++) {
    uint64_t raw, length = vmdk_grain_length(grains, table, number);
    struct vmdk_entry entry;
    VMF_TRY(vmdk_table_raw(extent, cache, table, number, VMDK_ENTRIES_AT_ONCE, &raw, error));
    if (!grains->decode(grains, VMDK_LEVEL_TABLE, raw, &entry) || entry.kind != start->kind)
      break;
    if (entry.kind == VMDK_ENTRY_AT && (entry.host != start->host + run->length ||
                                        !vmf_range_within(entry.host, length, extent->io->size)))
      break;
    run->length += length;
  }
  return VMF_OK;
}

static enum vmf_code vmdk_table_run(const struct vmdk_extent *extent, struct vmf_page_cache *cache,
                                    struct table *table, uint32_t number, struct vmf_run *run,
                                    struct vmf_error *error)
{
  const struct vmdk_grains *grains = &extent->grains;
  struct vmdk_entry entry;
  uint64_t raw, place = table->host + (uint64_t)number * grains->entry_size;
  unsigned ahead = grains->packed ? LOOK_AHEAD : VMDK_ENTRIES_AT_ONCE;
  VMF_TRY(vmdk_table_raw(extent, cache, table, number, ahead, &raw, error));
  if (!grains->decode(grains, VMDK_LEVEL_TABLE, raw, &entry))
    return vmdk_bad_entry(extent, VMDK_LEVEL_TABLE, place, raw, unknown_entry, error);
  run->guest = table->guest + (uint64_t)number * grains->grain;
  run->length = vmdk_grain_length(grains, table, number);
  if (entry.kind != VMDK_ENTRY_AT) {
    run->kind = entry.kind == VMDK_ENTRY_ABSENT ? VMF_RUN_PARENT : VMF_RUN_ZERO;
    return vmdk_table_extend(extent, cache, table, number, &entry, run, error);
  }
  const char *fault = vmdk_grain_fault(extent, &entry, run->length);
  if (fault != NULL)
    return vmdk_bad_entry(extent, VMDK_LEVEL_TABLE, place, raw, fault, error);
  run->io = extent->io;
  run->offset = entry.host;
  if (!grains->packed) {
    run->kind = VMF_RUN_PLAIN;
    return vmdk_table_extend(extent, cache, table, number, &entry, run, error);
  }
  run->kind = VMF_RUN_PACKED;
  run->codec = VMF_CODEC_ZLIB;
  run->unit = grains->grain;
  run->stored = vmdk_packed_guess(extent, table, number, entry.host);
  return VMF_OK;
}

/* ---- holes over several tables ---- */

/* As vmf_io_hole_end, where holes are trusted. */
static uint64_t vmdk_hole_end(const struct vmdk_extent *extent, uint64_t host)
{
  return extent->trust_holes ? vmf_io_hole_end(extent->io, host) : host;
}

uint64_t vmdk_grains_hole(const struct vmdk_extent *extent, uint64_t directory, uint64_t index,
                          uint64_t count)
{
  uint64_t at = directory + index * extent->grains.entry_size;
  return vmf_min((vmdk_hole_end(extent, at) - at) / extent->grains.entry_size, count);
}

/* The search for the end of a hole. */
struct scan {
  uint64_t hole, hole_end; /* a hole of the file: tables in it have no entries */
  unsigned looks;          /* tables that were looked into */
};

/* Whether the table at `host` is known to have no grains. Some writers reserve all tables, so those
 * of a large disk are mostly holes of the file. */
static enum vmf_code vmdk_table_absent(const struct vmdk_extent *extent,
                                       struct vmf_page_cache *cache, uint64_t index, uint64_t host,
                                       struct scan *scan, bool *absent, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t entries[VMDK_ENTRIES_AT_ONCE];
  uint32_t count = vmdk_grains_entries(grains, index);
  uint64_t length = (uint64_t)count * grains->entry_size;
  *absent = host >= scan->hole && vmf_range_within(host, length, scan->hole_end);
  if (*absent || host < grains->least_host || !vmf_range_within(host, length, extent->io->size) ||
      scan->looks++ >= SCAN_TABLES)
    return VMF_OK;
  uint64_t end = vmdk_hole_end(extent, host);
  if (end >= host + length) {
    scan->hole = host;
    scan->hole_end = end;
    *absent = true;
    return VMF_OK;
  }
  for (uint32_t first = 0; first < count; first += VMDK_ENTRIES_AT_ONCE) {
    unsigned batch = (unsigned)vmf_min(VMDK_ENTRIES_AT_ONCE, count - first);
    VMF_TRY(vmdk_grains_load(extent, cache, host, first, batch, entries, error));
    if (!vmf_is_zero(entries, batch * sizeof entries[0]))
      return VMF_OK;
  }
  *absent = true;
  return VMF_OK;
}

/* Lengthens a PARENT run that ends with a table over the entries of the directory behind it. */
static enum vmf_code vmdk_extend_hole(const struct vmdk_extent *extent,
                                      struct vmf_page_cache *cache, uint64_t index,
                                      struct vmf_run *run, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t entries[VMDK_ENTRIES_AT_ONCE], coverage = vmdk_grains_coverage(grains);
  uint64_t count = vmf_div_up(grains->capacity, coverage);
  uint64_t limit = vmf_min(count, index + SCAN_ENTRIES);
  struct scan scan = {0};
  bool absent = true;
  while (absent && index < limit) {
    unsigned batch = (unsigned)vmf_min(VMDK_ENTRIES_AT_ONCE, limit - index);
    VMF_TRY(vmdk_grains_load(extent, cache, grains->gd_offset, index, batch, entries, error));
    for (unsigned i = 0; i < batch && absent; i++) {
      struct vmdk_entry entry;
      absent = grains->decode(grains, VMDK_LEVEL_DIRECTORY, entries[i], &entry) &&
               entry.kind != VMDK_ENTRY_ZERO;
      if (absent && entry.kind == VMDK_ENTRY_AT)
        VMF_TRY(vmdk_table_absent(extent, cache, index, entry.host, &scan, &absent, error));
      index += absent;
    }
    if (vmf_is_zero(entries, batch * sizeof entries[0]) && index < count)
      index += vmdk_grains_hole(extent, grains->gd_offset, index, count - index);
  }
  run->length = vmf_min(index * coverage, grains->capacity) - run->guest;
  return VMF_OK;
}

enum vmf_code vmdk_grains_map(const struct vmdk_extent *extent, struct vmf_page_cache *cache,
                              uint64_t guest, struct vmf_run *run, struct vmf_error *error)
{
  const struct vmdk_grains *grains = &extent->grains;
  uint64_t coverage = vmdk_grains_coverage(grains), index = guest / coverage;
  uint64_t end = vmf_min((index + 1) * coverage, grains->capacity);
  struct vmdk_entry entry;
  struct table table; /* its entries are filled as needed */
  VMF_TRY(vmdk_directory_entry(extent, cache, index, &entry, error));
  run->kind = entry.kind == VMDK_ENTRY_ZERO ? VMF_RUN_ZERO : VMF_RUN_PARENT;
  run->guest = index * coverage;
  run->length = end - run->guest;
  if (entry.kind == VMDK_ENTRY_AT) {
    table.host = entry.host;
    table.guest = index * coverage;
    table.count = vmdk_grains_entries(grains, index);
    table.loaded = 0;
    table.in_batch = 0;
    VMF_TRY(vmdk_table_run(extent, cache, &table, (uint32_t)(guest % coverage / grains->grain), run,
                           error));
  }
  if (run->kind == VMF_RUN_PARENT && run->guest + run->length == end)
    return vmdk_extend_hole(extent, cache, index + 1, run, error);
  return VMF_OK;
}
