/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The growing disk of Bochs (its development guide, "Harddisk Images based on redologs"). All
 * numbers are little-endian. A header, a catalog of one entry an extent, and the extents in any
 * order, each behind a bitmap of its sectors that were written. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "cluster_use.h"
#include "format.h"

enum {
  HEADER = 96, /* bytes that mean something; the rest of its 512 is zeros */
  SECTOR = 512,
  ENTRY = 4,
  ENTRIES_AT_ONCE = 1024,
  BITMAP_AT_ONCE = 512, /* bytes */
  EXTENT_MAX = 1 << 30, /* bytes; Bochs itself makes them of 4 KiB to some MiB */
};

#define MAGIC "Bochs Virtual HD Image"
#define FREE UINT32_MAX
#define VERSION_1 0x00010000u
#define VERSION_2 0x00020000u

struct bochs_header {
  char type[17], subtype[17];
  uint32_t version, header_bytes, entries, bitmap_bytes, extent_bytes;
  uint64_t disk_size; /* bytes */
};

struct bochs_state {
  struct bochs_header header;
  uint64_t data_start, bitmap_room, stride; /* bytes; of an extent with its bitmap */
};

extern const struct vmf_format vmf_format_bochs;

/* Version 2 has the time of the last change in front of the size. */
static void decode_header(const uint8_t raw[HEADER], struct bochs_header *header)
{
  memcpy(header->type, raw + 32, 16);
  memcpy(header->subtype, raw + 48, 16);
  header->version = get_le32(raw + 64);
  header->header_bytes = get_le32(raw + 68);
  header->entries = get_le32(raw + 72);
  header->bitmap_bytes = get_le32(raw + 76);
  header->extent_bytes = get_le32(raw + 80);
  header->disk_size = get_le64(raw + (header->version == VERSION_1 ? 84 : 88));
}

static enum vmf_code check_kind(const struct vmf_image *image, struct vmf_error *error)
{
  const struct bochs_header *header = &((const struct bochs_state *)image->state)->header;
  const char *name = image->io->name;

  if (header->version != VERSION_1 && header->version != VERSION_2)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Bochs header: version 0x%08" PRIx32 ", expected 0x%08x or 0x%08x", name,
                    header->version, VERSION_1, VERSION_2);
  if (strcmp(header->type, "Redolog") != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Bochs header: an image of another type than \"Redolog\"", name);
  if (strcmp(header->subtype, "Undoable") == 0 || strcmp(header->subtype, "Volatile") == 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: an %s of Bochs: what changed of a disk that it does not name; bximage "
                    "commits it to that disk, which is read then",
                    name, header->subtype[0] == 'U' ? "undoable redolog" : "unfinished redolog");
  if (strcmp(header->subtype, "Growing") != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: Bochs header: a redolog of another kind than \"Growing\"", name);
  return VMF_OK;
}

static enum vmf_code check_sizes(const struct vmf_image *image, struct vmf_error *error)
{
  const struct bochs_header *header = &((const struct bochs_state *)image->state)->header;
  const char *name = image->io->name;

  if (header->extent_bytes == 0 || header->extent_bytes % SECTOR != 0 ||
      header->extent_bytes > EXTENT_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Bochs header: extents of %" PRIu32
                    " bytes, expected a multiple of %d up to %d",
                    name, header->extent_bytes, SECTOR, EXTENT_MAX);
  if (8 * (uint64_t)header->bitmap_bytes < header->extent_bytes / SECTOR ||
      header->bitmap_bytes > EXTENT_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Bochs header: bitmaps of %" PRIu32 " bytes for extents of %" PRIu32
                    " sectors, expected a bit for each, and %d bytes at most",
                    name, header->bitmap_bytes, header->extent_bytes / SECTOR, EXTENT_MAX);
  if (header->disk_size < SECTOR || header->disk_size > image->limits->guest_size ||
      vmf_div_up(header->disk_size, header->extent_bytes) > header->entries)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Bochs header: %" PRIu32 " extents of %" PRIu32
                    " bytes for a disk of %" PRIu64
                    " bytes; it needs a sector at least, and extents for all of it",
                    name, header->entries, header->extent_bytes, header->disk_size);
  return VMF_OK;
}

static enum vmf_code check_places(const struct vmf_image *image, struct vmf_error *error)
{
  struct bochs_state *state = image->state;
  const struct bochs_header *header = &state->header;

  state->data_start = header->header_bytes + ENTRY * (uint64_t)header->entries;
  if (header->header_bytes < HEADER || state->data_start > image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Bochs header: a header of %" PRIu32 " bytes and a catalog of %" PRIu32
                    " entries, expected %d bytes at least, and both before the end of the file "
                    "(%" PRIu64 " bytes)",
                    image->io->name, header->header_bytes, header->entries, HEADER,
                    image->io->size);
  state->bitmap_room = SECTOR * vmf_div_up(header->bitmap_bytes, SECTOR);
  state->stride = state->bitmap_room + header->extent_bytes;
  return VMF_OK;
}

static enum vmf_code bochs_open(struct vmf_image *image, const struct vmf_open_args *args,
                                struct vmf_error *error)
{
  struct bochs_state *state = image->state;
  uint8_t raw[HEADER];

  (void)args;
  if (image->io->size < HEADER)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, the header of a Bochs disk has %d",
                    image->io->name, image->io->size, HEADER);
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof raw, 0, error));
  if (memcmp(raw, MAGIC, sizeof MAGIC) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no \"" MAGIC "\" at byte 0", image->io->name);
  decode_header(raw, &state->header);
  VMF_TRY(check_kind(image, error));
  VMF_TRY(check_sizes(image, error));
  VMF_TRY(check_places(image, error));
  image->unit = state->header.extent_bytes;
  image->size = vmf_align_down(state->header.disk_size, SECTOR);
  if (image->size != state->header.disk_size)
    vmf_warn(image->log, "%s: a disk of %" PRIu64 " bytes, no whole sectors: it ends at %" PRIu64,
             image->io->name, state->header.disk_size, image->size);
  return VMF_OK;
}

static void bochs_close(struct vmf_image *image)
{
  (void)image;
}

/* ---- where the guest bytes are ---- */

static enum vmf_code read_catalog(struct vmf_image *image, uint32_t first, uint32_t *entries,
                                  uint32_t count, struct vmf_error *error)
{
  const struct bochs_header *header = &((const struct bochs_state *)image->state)->header;
  uint8_t raw[ENTRY * ENTRIES_AT_ONCE];

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, ENTRY * (size_t)count,
                               header->header_bytes + ENTRY * (uint64_t)first, error));
  for (uint32_t i = 0; i < count; i++)
    entries[i] = get_le32(raw + ENTRY * (size_t)i);
  return VMF_OK;
}

/* Where the bitmap of extent `number` stands, which its sectors follow; it lies in the file. */
static enum vmf_code extent_place(const struct vmf_image *image, uint32_t number, uint32_t entry,
                                  uint64_t *host, struct vmf_error *error)
{
  const struct bochs_state *state = image->state;

  *host = state->data_start + entry * state->stride;
  if (!vmf_range_within(*host, state->bitmap_room, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: catalog entry %" PRIu32 ": extent %" PRIu32 ", at byte %" PRIu64
                    ", lies beyond the end of the file (%" PRIu64 " bytes)",
                    image->io->name, number, entry, *host, image->io->size);
  return VMF_OK;
}

/* Extents that the file does not have, from `number` on. */
static enum vmf_code map_nothing(struct vmf_image *image, uint32_t number, struct vmf_run *run,
                                 struct vmf_error *error)
{
  const struct bochs_header *header = &((const struct bochs_state *)image->state)->header;
  uint64_t used = vmf_div_up(image->size, header->extent_bytes);
  uint32_t entries[ENTRIES_AT_ONCE], count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, used - number);
  uint32_t like = 1;

  VMF_TRY(read_catalog(image, number, entries, count, error));
  while (like < count && entries[like] == FREE)
    like++;
  run->kind = VMF_RUN_PARENT;
  run->guest = number * (uint64_t)header->extent_bytes;
  run->length = vmf_min(like * (uint64_t)header->extent_bytes, image->size - run->guest);
  return VMF_OK;
}

/* Sectors from `first` on that are written, or not, as that one is; up to `end`. */
static enum vmf_code count_like(struct vmf_image *image, uint64_t bitmap, uint32_t first,
                                uint32_t end, bool *written, uint32_t *count,
                                struct vmf_error *error)
{
  uint8_t bits[BITMAP_AT_ONCE] = {0};
  uint32_t from = first / 8, length = (uint32_t)vmf_min(sizeof bits, vmf_div_up(end, 8) - from);

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, bits, length, bitmap + from, error));
  *written = bits[0] >> first % 8 & 1;
  *count = 1;
  for (uint32_t i = first + 1; i < end && i / 8 - from < length; i++, ++*count)
    if ((bits[i / 8 - from] >> i % 8 & 1) != *written)
      break;
  return VMF_OK;
}

static enum vmf_code bochs_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                               struct vmf_error *error)
{
  const struct bochs_state *state = image->state;
  uint32_t extent_bytes = state->header.extent_bytes, number = (uint32_t)(guest / extent_bytes);
  uint64_t start = number * (uint64_t)extent_bytes, host;
  uint32_t first = (uint32_t)((guest - start) / SECTOR), entry, count;
  uint32_t end = (uint32_t)(vmf_min(extent_bytes, image->size - start) / SECTOR);
  bool written;

  *run = (struct vmf_run){0};
  VMF_TRY(read_catalog(image, number, &entry, 1, error));
  if (entry == FREE)
    return map_nothing(image, number, run, error);
  VMF_TRY(extent_place(image, number, entry, &host, error));
  VMF_TRY(count_like(image, host, first, end, &written, &count, error));
  *run = (struct vmf_run){.guest = start + (uint64_t)first * SECTOR,
                          .length = (uint64_t)count * SECTOR,
                          .kind = written ? VMF_RUN_PLAIN : VMF_RUN_PARENT};
  if (!written)
    return VMF_OK;
  run->io = image->io;
  run->offset = host + state->bitmap_room + (uint64_t)first * SECTOR;
  if (!vmf_range_within(run->offset, run->length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: catalog entry %" PRIu32 ": sectors at byte %" PRIu64
                    " lie beyond the end of the file (%" PRIu64 " bytes)",
                    image->io->name, number, run->offset, image->io->size);
  return VMF_OK;
}

/* ---- the rest ---- */

/* That its sectors are in the file, too, as far as they are written. Of one that is another entry's
 * as well that is known: a small file may have many. */
static enum vmf_code examine_extent(struct vmf_image *image, uint32_t number, uint32_t entry,
                                    struct vmf_cluster_use *use, struct vmf_error *error)
{
  const struct bochs_header *header = &((const struct bochs_state *)image->state)->header;
  uint64_t guest = number * (uint64_t)header->extent_bytes, host;
  uint64_t end = vmf_min(image->size, guest + header->extent_bytes);
  struct vmf_error found = {0};
  struct vmf_run run;
  enum vmf_code code = extent_place(image, number, entry, &host, &found);

  if (code == VMF_OK && !vmf_cluster_use_data(use, host, "an extent"))
    return VMF_OK;
  for (; code == VMF_OK && guest < end; guest = run.guest + run.length)
    code = bochs_map(image, guest, &run, &found);
  if (code != VMF_OK && code != VMF_CORRUPT)
    return vmf_fail(error, code, "%s", found.text);
  if (code == VMF_CORRUPT && vmf_cluster_use_told(use))
    vmf_finding(use->findings, "%s", found.text);
  return VMF_OK;
}

static enum vmf_code examine(struct vmf_image *image, struct vmf_cluster_use *use,
                             struct vmf_error *error)
{
  const struct bochs_header *header = &((const struct bochs_state *)image->state)->header;
  uint32_t entries[ENTRIES_AT_ONCE], count;

  for (uint32_t first = 0; first < header->entries; first += count) {
    count = (uint32_t)vmf_min(ENTRIES_AT_ONCE, header->entries - first);
    VMF_TRY(read_catalog(image, first, entries, count, error));
    for (uint32_t i = 0; i < count; i++) {
      if (entries[i] != FREE)
        VMF_TRY(examine_extent(image, first + i, entries[i], use, error));
      if (vmf_corruptions_suffice(image->io, use->findings, "catalog"))
        return VMF_OK;
    }
  }
  vmf_cluster_use_end(use);
  return VMF_OK;
}

static enum vmf_code bochs_check(struct vmf_image *image, struct vmf_findings *findings,
                                 struct vmf_error *error)
{
  const struct bochs_state *state = image->state;
  struct vmf_cluster_use use;

  findings->image_end_offset = image->io->size;
  findings->total_clusters = state->header.entries;
  enum vmf_code code =
      vmf_cluster_use_begin(&use, image->io, state->data_start, state->stride, findings, error);
  if (code == VMF_OK)
    code = examine(image, &use, error);
  vmf_cluster_use_free(&use);
  return code;
}

static int bochs_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= sizeof MAGIC && memcmp(probe->head, MAGIC, sizeof MAGIC) == 0 ? 100
                                                                                             : 0;
}

static const struct vmf_reader bochs_reader = {
    .state_size = sizeof(struct bochs_state),
    .probe = bochs_probe,
    .open = bochs_open,
    .close = bochs_close,
    .map = bochs_map,
    .check = bochs_check,
};

const struct vmf_format vmf_format_bochs = {
    .name = "bochs",
    .summary = "Bochs: growing disks",
    .reader = &bochs_reader,
};
