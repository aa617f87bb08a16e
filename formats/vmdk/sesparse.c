/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The headers and table entries of a seSparse extent (ESXi snapshots since 6.5, VMFS 6). Entries
 * are 64 bits: the top four say what it is, the rest number a grain table or a grain. */
#include <inttypes.h>

#include "bytes.h"
#include "checked.h"
#include "extent.h"

enum { ENTRY_KIND_SHIFT = 60 };
enum { DIRECTORY_ABSENT = 0, DIRECTORY_TABLE = 1 };
enum { TABLE_ABSENT = 0, TABLE_UNMAPPED = 1, TABLE_ZERO = 2, TABLE_GRAIN = 3 };

/* In sectors. */
struct sesparse_area {
  uint64_t offset, length;
};

struct sesparse_header {
  uint64_t magic, version, capacity, grain_size, gt_size, flags;
  struct sesparse_area volatile_header, journal_header, journal, directory, tables, free_bitmap,
      backmap, grains;
};

static struct sesparse_area vmdk_sesparse_area(const uint8_t *raw)
{
  return (struct sesparse_area){get_le64(raw), get_le64(raw + 8)};
}

static void vmdk_sesparse_decode(const uint8_t raw[VMDK_SECTOR], struct sesparse_header *header)
{
  header->magic = get_le64(raw + VMDK_SESPARSE_MAGIC_AT);
  header->version = get_le64(raw + VMDK_SESPARSE_VERSION_AT);
  header->capacity = get_le64(raw + VMDK_SESPARSE_CAPACITY_AT);
  header->grain_size = get_le64(raw + VMDK_SESPARSE_GRAIN_SIZE_AT);
  header->gt_size = get_le64(raw + VMDK_SESPARSE_GT_SIZE_AT);
  header->flags = get_le64(raw + VMDK_SESPARSE_FLAGS_AT);
  header->volatile_header = vmdk_sesparse_area(raw + VMDK_SESPARSE_VOLATILE_AT);
  header->journal_header = vmdk_sesparse_area(raw + VMDK_SESPARSE_JOURNAL_HEADER_AT);
  header->journal = vmdk_sesparse_area(raw + VMDK_SESPARSE_JOURNAL_AT);
  header->directory = vmdk_sesparse_area(raw + VMDK_SESPARSE_GD_AT);
  header->tables = vmdk_sesparse_area(raw + VMDK_SESPARSE_GT_AT);
  header->free_bitmap = vmdk_sesparse_area(raw + VMDK_SESPARSE_FREE_BITMAP_AT);
  header->backmap = vmdk_sesparse_area(raw + VMDK_SESPARSE_BACKMAP_AT);
  header->grains = vmdk_sesparse_area(raw + VMDK_SESPARSE_GRAINS_AT);
}

static enum vmf_code vmdk_sesparse_identity(const char *name, const struct sesparse_header *header,
                                            struct vmf_error *error)
{
  if (header->magic != VMDK_SESPARSE_MAGIC)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: seSparse header: magic 0x%" PRIx64 ", expected 0x%" PRIx64, name,
                    header->magic, VMDK_SESPARSE_MAGIC);
  if (header->version != VMDK_SESPARSE_VERSION)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: seSparse header: version 0x%" PRIx64 ", accepted is 0x%" PRIx64, name,
                    header->version, VMDK_SESPARSE_VERSION);
  if (header->flags != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: seSparse header: flags 0x%" PRIx64 ", none are known", name,
                    header->flags);
  if (header->grain_size != VMDK_SESPARSE_GRAIN)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: seSparse header: grain size of %" PRIu64 " sectors, accepted is %d", name,
                    header->grain_size, VMDK_SESPARSE_GRAIN);
  if (header->gt_size != VMDK_SESPARSE_GT)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: seSparse header: grain tables of %" PRIu64 " sectors, accepted is %d",
                    name, header->gt_size, VMDK_SESPARSE_GT);
  if (header->capacity > INT64_MAX / VMDK_SECTOR)
    return vmf_fail(error, VMF_LIMIT, "%s: seSparse header: capacity of %" PRIu64 " sectors", name,
                    header->capacity);
  return VMF_OK;
}

/* `within`: how many sectors of it must be in the file; the grains' area may reach beyond. */
static enum vmf_code vmdk_sesparse_within(const struct vmf_io *io, const char *what,
                                          const struct sesparse_area *area, bool whole,
                                          struct vmf_error *error)
{
  uint64_t end, sectors = io->size / VMDK_SECTOR;
  if (!vmf_add(area->offset, area->length, &end) || area->offset == 0 || area->offset > sectors ||
      (whole && end > sectors))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: seSparse header: %s at sector %" PRIu64 ", %" PRIu64
                    " long, the file has %" PRIu64,
                    io->name, what, area->offset, area->length, sectors);
  return VMF_OK;
}

static enum vmf_code vmdk_sesparse_areas(const struct vmf_io *io,
                                         const struct sesparse_header *header,
                                         struct vmf_error *error)
{
  VMF_TRY(vmdk_sesparse_within(io, "volatile header", &header->volatile_header, true, error));
  VMF_TRY(vmdk_sesparse_within(io, "journal header", &header->journal_header, true, error));
  VMF_TRY(vmdk_sesparse_within(io, "journal", &header->journal, true, error));
  VMF_TRY(vmdk_sesparse_within(io, "grain directory", &header->directory, true, error));
  VMF_TRY(vmdk_sesparse_within(io, "grain tables", &header->tables, true, error));
  VMF_TRY(vmdk_sesparse_within(io, "free bitmap", &header->free_bitmap, true, error));
  VMF_TRY(vmdk_sesparse_within(io, "backmap", &header->backmap, true, error));
  return vmdk_sesparse_within(io, "grains", &header->grains, false, error);
}

static enum vmf_code vmdk_sesparse_volatile(struct vmf_io *io, const struct sesparse_header *header,
                                            struct vmf_error *error)
{
  uint8_t raw[VMDK_SECTOR];
  VMF_TRY(vmf_io_pread(io, raw, sizeof raw, header->volatile_header.offset * VMDK_SECTOR, error));
  uint64_t magic = get_le64(raw);
  if (magic != VMDK_SESPARSE_VOLATILE_MAGIC)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: seSparse volatile header: magic 0x%" PRIx64 ", expected 0x%" PRIx64,
                    io->name, magic, VMDK_SESPARSE_VOLATILE_MAGIC);
  if (get_le64(raw + VMDK_SESPARSE_REPLAY_AT) != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: seSparse volatile header: the journal has to be replayed first; close the "
                    "disk cleanly on ESXi",
                    io->name);
  return VMF_OK;
}

static bool vmdk_sesparse_directory(const struct vmdk_grains *grains, uint64_t raw,
                                    struct vmdk_entry *entry)
{
  uint64_t kind = raw >> ENTRY_KIND_SHIFT, number = raw & ~(UINT64_C(15) << ENTRY_KIND_SHIFT);
  uint64_t table = (uint64_t)VMDK_SESPARSE_GT * VMDK_SECTOR;
  *entry = (struct vmdk_entry){.kind = VMDK_ENTRY_ABSENT};
  if (kind == DIRECTORY_ABSENT)
    return number == 0;
  entry->kind = VMDK_ENTRY_AT;
  entry->host = grains->gt_base + (number & UINT32_MAX) * table;
  return kind == DIRECTORY_TABLE && number < grains->gt_length / table;
}

static bool vmdk_sesparse_table(const struct vmdk_grains *grains, uint64_t raw,
                                struct vmdk_entry *entry)
{
  *entry = (struct vmdk_entry){.kind = VMDK_ENTRY_ABSENT};
  switch (raw >> ENTRY_KIND_SHIFT) {
  case TABLE_ABSENT:
    return raw == 0;
  case TABLE_UNMAPPED: /* its number is that of a grain to be reclaimed */
  case TABLE_ZERO:
    entry->kind = VMDK_ENTRY_ZERO;
    return true;
  case TABLE_GRAIN:
    entry->kind = VMDK_ENTRY_AT;
    break;
  default:
    return false;
  }
  /* The low 12 bits of the grain's number stand above its upper 48. */
  uint64_t number = (raw >> 48 & 0xfff) | (raw & UINT64_C(0xffffffffffff)) << 12;
  uint64_t offset;
  return vmf_mul(number, grains->grain, &offset) &&
         vmf_add(grains->grain_base, offset, &entry->host);
}

static bool vmdk_sesparse_entry(const struct vmdk_grains *grains, enum vmdk_level level,
                                uint64_t raw, struct vmdk_entry *entry)
{
  return level == VMDK_LEVEL_DIRECTORY ? vmdk_sesparse_directory(grains, raw, entry)
                                       : vmdk_sesparse_table(grains, raw, entry);
}

enum vmf_code vmdk_sesparse_open(const struct vmf_image *image, struct vmdk_extent *extent,
                                 struct vmf_error *error)
{
  struct vmdk_grains *grains = &extent->grains;
  struct sesparse_header header;
  uint8_t raw[VMDK_SECTOR];
  (void)image;
  if (extent->io->size < sizeof raw)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes, too short for the %zu bytes of a seSparse header",
                    extent->io->name, extent->io->size, sizeof raw);
  VMF_TRY(vmf_io_pread(extent->io, raw, sizeof raw, 0, error));
  vmdk_sesparse_decode(raw, &header);
  VMF_TRY(vmdk_sesparse_identity(extent->io->name, &header, error));
  VMF_TRY(vmdk_sesparse_areas(extent->io, &header, error));
  VMF_TRY(vmdk_sesparse_volatile(extent->io, &header, error));
  grains->capacity = header.capacity * VMDK_SECTOR;
  grains->grain = VMDK_SESPARSE_GRAIN * VMDK_SECTOR;
  grains->entry_size = 8;
  grains->gtes = VMDK_SESPARSE_GT * VMDK_SECTOR / grains->entry_size;
  grains->gd_offset = header.directory.offset * VMDK_SECTOR;
  grains->gd_entries = header.directory.length * VMDK_SECTOR / grains->entry_size;
  grains->gt_base = header.tables.offset * VMDK_SECTOR;
  grains->gt_length = header.tables.length * VMDK_SECTOR;
  grains->grain_base = header.grains.offset * VMDK_SECTOR;
  grains->least_host = VMDK_SECTOR;
  grains->decode = vmdk_sesparse_entry;
  return vmdk_grains_check(extent, error);
}
