/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Which entries of the log count ([MS-VHDX] 2.3.2). Those left over from earlier turns of the ring
 * and those that were not written to their end are normal: they are no error, but end a sequence. A
 * sequence is entries side by side in the ring whose numbers grow by one, and counts when the tail
 * of its last one is one of them: it is written back from there. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "list.h"
#include "memory.h"
#include "vhdx_log.h"

struct found {
  struct vhdx_log_entry entry;
  size_t last; /* index of the entry that its sequence ends with */
};

struct finder {
  struct vmf_image *image;
  struct found *list; /* by place in the ring */
  size_t count, capacity;
};

/* Of an entry being read: what its sectors have told so far. */
struct reading {
  struct vhdx_log_entry entry;
  uint32_t crc, done; /* done: descriptors */
  uint32_t data;      /* sectors of data that they ask for */
  bool valid;
};

static bool decode_entry(const struct vhdx_header *header, const uint8_t *raw, uint32_t at,
                         struct vhdx_log_entry *entry)
{
  *entry = (struct vhdx_log_entry){.at = at,
                                   .length = get_le32(raw + 8),
                                   .tail = get_le32(raw + 12),
                                   .sequence = get_le64(raw + 16),
                                   .descriptors = get_le32(raw + 24),
                                   .flushed = get_le64(raw + 48),
                                   .last = get_le64(raw + 56)};
  return memcmp(raw, "loge", 4) == 0 && entry->length >= LOG_SECTOR &&
         entry->length % LOG_SECTOR == 0 && entry->length < header->log_length &&
         entry->tail % LOG_SECTOR == 0 && entry->tail < header->log_length && entry->sequence > 0 &&
         memcmp(raw + 32, header->log_guid, VMF_GUID_SIZE) == 0 &&
         vhdx_log_head_sectors(entry) <= entry->length / LOG_SECTOR;
}

static bool take_descriptors(struct reading *reading, const uint8_t *raw, uint32_t sector)
{
  const struct vhdx_log_entry *entry = &reading->entry;

  for (uint32_t at = sector == 0 ? LOG_HEADER : 0;
       at < LOG_SECTOR && reading->done < entry->descriptors; at += LOG_DESCRIPTOR) {
    bool data = memcmp(raw + at, "desc", 4) == 0;
    if ((!data && memcmp(raw + at, "zero", 4) != 0) || get_le64(raw + at + 24) != entry->sequence)
      return false;
    reading->data += data;
    reading->done++;
  }
  return true;
}

static bool is_data(const struct vhdx_log_entry *entry, const uint8_t *raw)
{
  return memcmp(raw, "data", 4) == 0 && get_le32(raw + 4) == (uint32_t)(entry->sequence >> 32) &&
         get_le32(raw + LOG_SECTOR - 4) == (uint32_t)entry->sequence;
}

static bool take_sector(struct reading *reading, uint8_t *raw, uint32_t sector)
{
  if (sector == 0)
    memset(raw + VHDX_SUM, 0, 4);
  reading->crc = vhdx_crc32c(reading->crc, raw, LOG_SECTOR);
  return sector < vhdx_log_head_sectors(&reading->entry) ? take_descriptors(reading, raw, sector)
                                                         : is_data(&reading->entry, raw);
}

/* Reads the entry that starts with `raw`, to its end or to the first sector that cannot be its: the
 * start of another one is none, so that no sector is read more than twice. */
static enum vmf_code read_entry(struct finder *finder, uint8_t raw[LOG_SECTOR],
                                struct reading *reading, struct vmf_error *error)
{
  struct vmf_image *image = finder->image;
  const struct vhdx_header *header = &((const struct vhdx_state *)image->state)->header;
  uint32_t sectors = reading->entry.length / LOG_SECTOR, stored = get_le32(raw + VHDX_SUM);

  for (uint32_t i = 0; i < sectors; i++) {
    if (i > 0)
      VMF_TRY(vmf_io_pread(image->io, raw, LOG_SECTOR, vhdx_log_place(header, &reading->entry, i),
                           error));
    if (!take_sector(reading, raw, i))
      return VMF_OK;
  }
  reading->valid = reading->crc == stored &&
                   vhdx_log_head_sectors(&reading->entry) + (uint64_t)reading->data == sectors;
  return VMF_OK;
}

static enum vmf_code find_entries(struct finder *finder, struct vmf_error *error)
{
  struct vmf_image *image = finder->image;
  const struct vhdx_header *header = &((const struct vhdx_state *)image->state)->header;
  uint8_t raw[LOG_SECTOR];

  for (uint32_t at = 0; at < header->log_length; at += LOG_SECTOR) {
    struct reading reading = {0};
    VMF_TRY(vmf_io_pread(image->io, raw, LOG_SECTOR, header->log_offset + at, error));
    if (!decode_entry(header, raw, at, &reading.entry))
      continue;
    VMF_TRY(read_entry(finder, raw, &reading, error));
    if (!reading.valid)
      continue;
    VMF_TRY(VMF_LIST_ROOM(finder->list, finder->count, finder->capacity, "log entries", error));
    finder->list[finder->count++] = (struct found){.entry = reading.entry};
  }
  return VMF_OK;
}

/* The index of the entry at a place of the ring; count: none. */
static size_t entry_at(const struct finder *finder, uint32_t at)
{
  size_t low = 0, high = finder->count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (finder->list[middle].entry.at < at)
      low = middle + 1;
    else
      high = middle;
  }
  return low < finder->count && finder->list[low].entry.at == at ? low : finder->count;
}

/* The one that follows in the ring and in number; count: none. */
static size_t next_entry(const struct finder *finder, size_t index)
{
  const struct vhdx_state *state = finder->image->state;
  const struct vhdx_log_entry *entry = &finder->list[index].entry;
  uint64_t end = ((uint64_t)entry->at + entry->length) % state->header.log_length;
  size_t next = entry_at(finder, (uint32_t)end);

  return next < finder->count && finder->list[next].entry.sequence == entry->sequence + 1
             ? next
             : finder->count;
}

struct numbered {
  uint64_t sequence;
  size_t index;
};

static int compare_numbered(const void *a, const void *b)
{
  uint64_t x = ((const struct numbered *)a)->sequence, y = ((const struct numbered *)b)->sequence;
  return (x < y) - (x > y);
}

/* From the highest number down, so that what follows an entry is known before it. */
static void follow(struct finder *finder, const struct numbered *order)
{
  for (size_t i = 0; i < finder->count; i++) {
    struct found *found = &finder->list[order[i].index];
    size_t next = next_entry(finder, order[i].index);
    bool ends = next == finder->count;
    found->last = ends ? order[i].index : finder->list[next].last;
  }
}

/* Whether a sequence ends with this entry, and counts; *first is where it starts. */
static bool is_end(const struct finder *finder, size_t index, size_t *first)
{
  const struct found *found = &finder->list[index];

  if (found->last != index)
    return false;
  *first = entry_at(finder, found->entry.tail);
  return *first < finder->count && finder->list[*first].last == index;
}

static enum vmf_code choose(const struct finder *finder, const struct numbered *order,
                            size_t *first, struct vmf_error *error)
{
  const char *name = finder->image->io->name;
  size_t i = 0, other;

  while (i < finder->count && !is_end(finder, order[i].index, first))
    i++;
  if (i == finder->count)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHDX log: the header says that it has to be written back, but of its %zu "
                    "valid entries none ends a whole sequence",
                    name, finder->count);
  uint64_t sequence = order[i].sequence;
  for (i++; i < finder->count && order[i].sequence == sequence; i++)
    if (is_end(finder, order[i].index, &other))
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: VHDX log: two sequences end with number %llu: which one counts cannot "
                      "be told",
                      name, (unsigned long long)sequence);
  return VMF_OK;
}

/* The entries of the sequence that counts, from `first` on. */
static enum vmf_code copy_out(const struct finder *finder, size_t first,
                              struct vhdx_log_entry **entries, size_t *count,
                              struct vmf_error *error)
{
  size_t last = finder->list[first].last;
  void *block;

  *count = (size_t)(finder->list[last].entry.sequence - finder->list[first].entry.sequence) + 1;
  VMF_TRY(vmf_alloc(*count * sizeof(**entries), &block, error));
  *entries = block;
  for (size_t i = 0, at = first; i < *count; i++, at = next_entry(finder, at))
    (*entries)[i] = finder->list[at].entry;
  return VMF_OK;
}

static enum vmf_code find_sequence(struct finder *finder, struct vhdx_log_entry **entries,
                                   size_t *count, struct vmf_error *error)
{
  VMF_AUTO_FREE void *block = NULL;
  size_t first = 0;

  VMF_TRY(find_entries(finder, error));
  VMF_TRY(vmf_alloc(finder->count * sizeof(struct numbered), &block, error));
  struct numbered *order = block;
  for (size_t i = 0; i < finder->count; i++)
    order[i] = (struct numbered){finder->list[i].entry.sequence, i};
  if (finder->count > 0)
    qsort(order, finder->count, sizeof(*order), compare_numbered);
  follow(finder, order);
  VMF_TRY(choose(finder, order, &first, error));
  return copy_out(finder, first, entries, count, error);
}

enum vmf_code vhdx_log_find(struct vmf_image *image, struct vhdx_log_entry **entries, size_t *count,
                            struct vmf_error *error)
{
  struct finder finder = {.image = image};
  enum vmf_code code = find_sequence(&finder, entries, count, error);

  vmf_free(finder.list);
  return code;
}
