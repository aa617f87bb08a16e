/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Tables of chunks: looked through once, so that their checksum and the order of their entries are
 * known to be right; what a chunk needs of them is then read through the page cache. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "ewf.h"
#include "list.h"
#include "row.h"
#include "sums.h"

enum { ENTRIES_AT_ONCE = 2048 };

/* The order of entries, while they are looked through. */
struct order {
  uint64_t before; /* the offset of the last one */
  uint64_t first;  /* where the chunk of the first one stands */
  bool any;
};

/* Offset of an entry, from the base. */
static uint32_t offset_of(uint32_t entry, bool wide)
{
  return wide ? entry : entry & ~EWF_PACKED;
}

static enum vmf_code check_entry(const struct ewf_walk *walk, struct ewf_table *table,
                                 uint32_t index, uint32_t entry, struct order *order,
                                 struct vmf_error *error)
{
  uint64_t offset = offset_of(entry, index >= table->wide);

  /* What falls, and does not with its highest bit: EnCase 6.7 has written on beyond 2 GiB. */
  if (order->any && offset <= order->before && index < table->wide && entry > order->before &&
      (entry & EWF_PACKED)) {
    table->wide = index;
    offset = entry;
  }
  if ((order->any && offset <= order->before) || table->base + offset < walk->data ||
      table->base + offset >= walk->data_end)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: table of byte %" PRIu64 ": chunk %" PRIu64 " at byte %" PRIu64
                    ", expected behind the one before and in the sectors (byte %" PRIu64
                    " to %" PRIu64 ")",
                    walk->io->name, table->entries - EWF_TABLE - EWF_SECTION, table->first + index,
                    table->base + offset, walk->data, walk->data_end);
  if (!order->any)
    order->first = table->base + offset;
  order->before = offset;
  order->any = true;
  return VMF_OK;
}

static enum vmf_code check_entries(const struct ewf_walk *walk, const struct ewf_section *section,
                                   struct ewf_table *table, struct vmf_error *error)
{
  uint8_t raw[EWF_ENTRY * ENTRIES_AT_ONCE];
  struct order order = {0};
  uint64_t at = table->entries;
  uint32_t sum = 1, part;

  for (uint32_t done = 0; done < table->count; done += part) {
    part = (uint32_t)vmf_min(ENTRIES_AT_ONCE, table->count - done);
    VMF_TRY(vmf_io_pread(walk->io, raw, EWF_ENTRY * (size_t)part, at, error));
    sum = vmf_adler32(sum, raw, EWF_ENTRY * (size_t)part);
    for (uint32_t i = 0; i < part; i++)
      VMF_TRY(
          check_entry(walk, table, done + i, get_le32(raw + EWF_ENTRY * (size_t)i), &order, error));
    at += EWF_ENTRY * (uint64_t)part;
  }
  if (section->next - at < EWF_SUM || (!walk->sectors && order.first == at)) /* SMART has none */
    return VMF_OK;
  VMF_TRY(vmf_io_pread(walk->io, raw, EWF_SUM, at, error));
  if (get_le32(raw) != sum)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: table at byte %" PRIu64 ": the checksum of its entries is wrong",
                    walk->io->name, section->at);
  return VMF_OK;
}

static enum vmf_code read_table(struct ewf_walk *walk, const struct ewf_section *section,
                                struct ewf_table *table, struct vmf_error *error)
{
  uint8_t raw[EWF_TABLE];
  uint64_t room = section->size - EWF_SECTION;

  if (room < EWF_TABLE)
    return vmf_fail(error, VMF_CORRUPT, "%s: table at byte %" PRIu64 ": %" PRIu64 " bytes",
                    walk->io->name, section->at, section->size);
  VMF_TRY(vmf_io_pread(walk->io, raw, sizeof raw, section->at + EWF_SECTION, error));
  if (vmf_adler32(1, raw, 20) != get_le32(raw + 20))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: table at byte %" PRIu64 ": the checksum of its header is wrong",
                    walk->io->name, section->at);
  table->count = table->wide = get_le32(raw);
  table->base = get_le64(raw + 8);
  table->entries = section->at + EWF_SECTION + EWF_TABLE;
  if (table->count > (room - EWF_TABLE) / EWF_ENTRY || table->base > walk->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: table at byte %" PRIu64 ": %" PRIu32 " entries from byte %" PRIu64
                    " on, beyond its %" PRIu64 " bytes or those of the file",
                    walk->io->name, section->at, table->count, table->base, section->size);
  if (!walk->sectors) {
    walk->data = table->entries + EWF_ENTRY * (uint64_t)table->count;
    walk->data_end = section->next;
  }
  table->data_end = walk->data_end;
  return check_entries(walk, section, table, error);
}

static enum vmf_code add_table(struct ewf_walk *walk, struct ewf_table *table,
                               struct vmf_error *error)
{
  struct ewf_state *state = walk->image->state;

  walk->bad_table = false;
  if (table->count == 0)
    return VMF_OK;
  if ((state->table_count + 1) * sizeof *table > walk->image->limits->table_bytes)
    return vmf_fail(error, VMF_LIMIT, "%s: more than %zu tables", walk->image->io->name,
                    state->table_count);
  VMF_TRY(VMF_LIST_ROOM(state->tables, state->table_count, state->table_room, "tables", error));
  state->tables[state->table_count++] = *table;
  state->chunks += table->count;
  return VMF_OK;
}

enum vmf_code ewf_take_table(struct ewf_walk *walk, const struct ewf_section *section,
                             struct vmf_error *error)
{
  const struct ewf_state *state = walk->image->state;
  struct ewf_table table = {.first = state->chunks, .io = walk->io};
  bool mirror = strcmp(section->type, "table2") == 0;
  struct vmf_error found = {0};

  if (mirror && !walk->bad_table)
    return VMF_OK;
  if (!state->has_volume)
    return vmf_fail(error, VMF_CORRUPT, "%s: table at byte %" PRIu64 " without a volume before it",
                    walk->io->name, section->at);
  enum vmf_code code = read_table(walk, section, &table, mirror ? error : &found);
  if (code == VMF_OK)
    return add_table(walk, &table, error);
  if (code != VMF_CORRUPT || mirror)
    return mirror ? code : vmf_fail(error, code, "%s", found.text);
  vmf_warn(walk->image->log, "%s: its copy is read instead", found.text);
  walk->bad_table = true;
  return VMF_OK;
}

/* ---- chunks ---- */

/* The offset of an entry, from the start of the file. */
static uint64_t place_of(const struct ewf_table *table, uint32_t index, uint32_t entry)
{
  return table->base + offset_of(entry, index >= table->wide);
}

enum vmf_code ewf_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                      struct vmf_error *error)
{
  const struct ewf_state *state = image->state;
  uint64_t chunk = guest / state->chunk, start = chunk * state->chunk;
  const struct ewf_table *table =
      &state->tables[vmf_row_find(state->tables, state->table_count, sizeof *state->tables, chunk)];
  uint32_t index = (uint32_t)(chunk - table->first);
  bool last = index + 1 == table->count;
  uint8_t raw[2 * EWF_ENTRY];

  VMF_TRY(vmf_page_cache_pread(image->cache, table->io, raw, last ? EWF_ENTRY : sizeof raw,
                               table->entries + EWF_ENTRY * (uint64_t)index, error));
  uint32_t entry = get_le32(raw);
  uint64_t at = place_of(table, index, entry);
  uint64_t end = last ? table->data_end : place_of(table, index + 1, get_le32(raw + EWF_ENTRY));
  bool packed = index < table->wide && (entry & EWF_PACKED);
  uint64_t length = vmf_min(state->chunk, image->size - start);
  uint64_t least = packed ? 1 : length + EWF_SUM;
  uint64_t most = packed ? 2 * (uint64_t)state->chunk + 4096 : state->chunk + (uint64_t)EWF_SUM;

  if (end < at + least || end - at > most)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: chunk %" PRIu64 " from byte %" PRIu64 " to %" PRIu64 ", expected %" PRIu64
                    " to %" PRIu64 " bytes",
                    table->io->name, chunk, at, end, least, most);
  *run = (struct vmf_run){.guest = start,
                          .length = length,
                          .kind = VMF_RUN_PACKED,
                          .io = table->io,
                          .offset = at,
                          .codec = packed ? VMF_CODEC_ZLIB : VMF_CODEC_NONE,
                          .unit = state->chunk,
                          .stored = (uint32_t)(end - at)};
  return VMF_OK;
}

/* One that is not packed has its checksum behind it; that of a packed one is in its stream. */
enum vmf_code ewf_unwrap(const struct vmf_image *image, const struct vmf_run *run,
                         const uint8_t *stored, size_t length, struct vmf_payload *payload,
                         struct vmf_error *error)
{
  (void)image;
  payload->length = (uint32_t)length;
  if (run->codec != VMF_CODEC_NONE)
    return VMF_OK;
  payload->length -= EWF_SUM;
  if (vmf_adler32(1, stored, payload->length) == get_le32(stored + payload->length))
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the chunk of guest byte %" PRIu64 " at byte %" PRIu64
                  " is damaged: its checksum is %08" PRIx32
                  ", the one that is stored with it %08" PRIx32,
                  run->io->name, run->guest, run->offset, vmf_adler32(1, stored, payload->length),
                  get_le32(stored + payload->length));
}
