/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The tables of a stream, held against its grains. A table is kept until the stream's own comes,
 * which those who write streams put right behind its grains; of that one only the place is kept,
 * until the directory comes. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "incoming.h"
#include "memory.h"

enum { WAITING_MOST = 4096 }; /* tables: 8 MiB */

struct vmdk_incoming_table {
  struct vmdk_incoming_table *next;
  uint64_t index;
  uint32_t entries[VMDK_GTES_PER_GT];
};

static enum vmf_code add_table(struct vmf_container *container, uint64_t index,
                               struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  struct vmdk_incoming_tables *tables = &incoming->tables;
  void *memory;
  if (tables->waiting == WAITING_MOST)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: %u grain tables of grains that came have not come themselves; store the "
                    "disk in a file first",
                    container->io->name, tables->waiting);
  VMF_TRY(vmf_alloc(sizeof *tables->last, &memory, error));
  if (tables->last)
    tables->last->next = memory;
  else
    tables->first = memory;
  tables->last = memory;
  tables->last->index = index;
  tables->waiting++;
  return VMF_OK;
}

enum vmf_code vmdk_incoming_grain(struct vmf_container *container, uint64_t grain, uint64_t host,
                                  struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  uint32_t gtes = incoming->grains.gtes;
  uint64_t index = grain / gtes;
  if (host / VMDK_SECTOR > UINT32_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain marker at byte %" PRIu64 ": no grain table can name that place",
                    container->io->name, host);
  if (!incoming->tables.last || incoming->tables.last->index != index)
    VMF_TRY(add_table(container, index, error));
  incoming->tables.last->entries[grain % gtes] = (uint32_t)(host / VMDK_SECTOR);
  return VMF_OK;
}

/* ---- a grain table ---- */

static enum vmf_code add_place(struct vmf_container *container, uint64_t index, uint64_t host,
                               struct vmf_error *error)
{
  struct vmdk_incoming_tables *tables = &((struct vmdk_incoming *)container->state)->tables;
  if (tables->count == tables->room) {
    size_t room = 2 * tables->room + 64;
    void *memory;
    VMF_TRY(vmf_alloc_table(room, sizeof *tables->places, container->limits->table_bytes,
                            "grain tables that came", &memory, error));
    if (tables->count > 0)
      memcpy(memory, tables->places, tables->count * sizeof *tables->places);
    vmf_free(tables->places);
    tables->places = memory;
    tables->room = room;
  }
  tables->places[tables->count++] =
      (struct vmdk_incoming_place){.index = index, .sector = (uint32_t)(host / VMDK_SECTOR)};
  return VMF_OK;
}

/* Entry `raw` of a table, where a grain came at sector `expected` (0: none came). */
static bool fits(const struct vmdk_grains *grains, uint32_t raw, uint32_t expected)
{
  return raw == expected || (raw == VMDK_GTE_ZERO && expected == 0 && grains->zeroed);
}

static enum vmf_code check_table(const struct vmf_container *container, const uint8_t *bytes,
                                 struct vmf_error *error)
{
  const struct vmdk_incoming *incoming = container->state;
  const struct vmdk_incoming_table *table = incoming->tables.first;
  uint32_t count = vmdk_grains_entries(&incoming->grains, table->index);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t raw = get_le32(bytes + (size_t)i * VMDK_GTE_SIZE);
    if (!fits(&incoming->grains, raw, table->entries[i]))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: grain table at byte %" PRIu64 ": entry %" PRIu32 " is %" PRIu32
                      ", but the grain of guest byte %" PRIu64 " came at sector %" PRIu32
                      " (0: did not come)",
                      container->io->name, incoming->at, i, raw,
                      table->index * vmdk_grains_coverage(&incoming->grains) +
                          (uint64_t)i * incoming->grains.grain,
                      table->entries[i]);
  }
  return VMF_OK;
}

enum vmf_code vmdk_incoming_take_table(struct vmf_container *container, uint64_t sectors,
                                       struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  struct vmdk_incoming_tables *tables = &incoming->tables;
  struct vmdk_incoming_table *table = tables->first;
  uint8_t bytes[VMDK_GTES_PER_GT * VMDK_GTE_SIZE];
  size_t length = (size_t)incoming->grains.gtes * VMDK_GTE_SIZE;
  if (!table)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain table at byte %" PRIu64
                    ": no grains came that it could tell of; store the disk in a file first, where "
                    "its tables are what counts",
                    container->io->name, incoming->at);
  if (sectors != vmf_div_up(length, VMDK_SECTOR))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain table at byte %" PRIu64 ": %" PRIu64
                    " sectors, expected the %" PRIu64 " of %" PRIu32 " entries",
                    container->io->name, incoming->at, sectors, vmf_div_up(length, VMDK_SECTOR),
                    incoming->grains.gtes);
  VMF_TRY(vmf_io_pread(container->io, bytes, length, incoming->at, error));
  VMF_TRY(check_table(container, bytes, error));
  VMF_TRY(add_place(container, table->index, incoming->at, error));
  tables->first = table->next;
  if (!tables->first)
    tables->last = NULL;
  tables->waiting--;
  vmf_free(table);
  incoming->at += sectors * VMDK_SECTOR;
  return VMF_OK;
}

/* ---- the grain directory ---- */

/* Entries number `from` on, in one sector; *place: the next table that came. */
static enum vmf_code check_entries(const struct vmf_container *container,
                                   const uint8_t bytes[VMDK_SECTOR], uint64_t from, size_t *place,
                                   struct vmf_error *error)
{
  const struct vmdk_incoming *incoming = container->state;
  const struct vmdk_incoming_tables *tables = &incoming->tables;
  for (unsigned i = 0; i < VMDK_SECTOR / VMDK_GTE_SIZE; i++) {
    bool came = *place < tables->count && tables->places[*place].index == from + i;
    uint32_t expected = came ? tables->places[*place].sector : 0;
    uint32_t raw = get_le32(bytes + (size_t)i * VMDK_GTE_SIZE);
    if (from + i < incoming->grains.gd_entries && !fits(&incoming->grains, raw, expected))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: grain directory at byte %" PRIu64 ": entry %" PRIu64 " is %" PRIu32
                      ", but that grain table came at sector %" PRIu32 " (0: did not come)",
                      container->io->name, incoming->at, from + i, raw, expected);
    *place += came;
  }
  return VMF_OK;
}

enum vmf_code vmdk_incoming_take_directory(struct vmf_container *container, uint64_t sectors,
                                           struct vmf_error *error)
{
  struct vmdk_incoming *incoming = container->state;
  uint64_t per_sector = VMDK_SECTOR / VMDK_GTE_SIZE;
  uint64_t needed = vmf_div_up(incoming->grains.gd_entries, per_sector), end;
  uint8_t bytes[VMDK_SECTOR];
  size_t place = 0;
  if (incoming->tables.first)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain directory at byte %" PRIu64
                    ": the grain table of guest byte %" PRIu64 " did not come before it",
                    container->io->name, incoming->at,
                    incoming->tables.first->index * vmdk_grains_coverage(&incoming->grains));
  if (incoming->directory_sector != 0 || sectors < needed || !vmf_mul(sectors, VMDK_SECTOR, &end) ||
      !vmf_add(end, incoming->at, &end))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: grain directory at byte %" PRIu64 ": %" PRIu64
                    " sectors, expected one directory of %" PRIu64,
                    container->io->name, incoming->at, sectors, needed);
  for (uint64_t i = 0; i < needed; i++) {
    uint64_t host = incoming->at + i * VMDK_SECTOR;
    VMF_TRY(vmf_io_pread(container->io, bytes, sizeof bytes, host, error));
    VMF_TRY(check_entries(container, bytes, i * per_sector, &place, error));
  }
  incoming->directory_sector = incoming->at / VMDK_SECTOR;
  incoming->at = end;
  return VMF_OK;
}

void vmdk_incoming_release(struct vmdk_incoming_tables *tables)
{
  for (struct vmdk_incoming_table *table = tables->first, *next; table; table = next) {
    next = table->next;
    vmf_free(table);
  }
  vmf_free(tables->places);
}
