/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of one file: decoded, and checked whole. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "log.h"
#include "parallels.h"

/* Heads and cylinders, at bytes 20 and 24, say nothing. */
static void decode_header(const uint8_t raw[PARALLELS_HEADER], struct parallels_header *header)
{
  header->ext = memcmp(raw, PARALLELS_EXT, PARALLELS_MAGIC) == 0;
  header->version = get_le32(raw + 16);
  header->cluster_sectors = get_le32(raw + 28);
  header->entries = get_le32(raw + 32);
  header->sectors = get_le64(raw + 36);
  header->in_use = get_le32(raw + 44);
  header->data_start_sectors = get_le32(raw + 48);
  header->flags = get_le32(raw + 52);
  header->extension_sectors = get_le64(raw + 56);
  if (header->ext)
    return;
  header->sectors &= UINT32_MAX; /* what stands above is not the size's in this version */
  header->extension_sectors = 0;
}

static enum vmf_code check_size(const struct vmf_image *image,
                                const struct parallels_extent *extent, struct vmf_error *error)
{
  const struct parallels_header *header = &extent->header;
  const char *name = extent->io->name;

  if (header->version != 2)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: Parallels header: version %" PRIu32 ", expected 2",
                    name, header->version);
  if (header->cluster_sectors == 0 || header->cluster_sectors > PARALLELS_CLUSTER_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Parallels header: clusters of %" PRIu32 " sectors, expected 1 to %d", name,
                    header->cluster_sectors, PARALLELS_CLUSTER_MAX);
  if (header->sectors > image->limits->guest_size / PARALLELS_SECTOR)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: Parallels header: a disk of %" PRIu64 " sectors; at most %" PRIu64
                    " are possible",
                    name, header->sectors, image->limits->guest_size / PARALLELS_SECTOR);
  if (vmf_div_up(header->sectors, header->cluster_sectors) > header->entries)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Parallels header: %" PRIu32 " entries of %" PRIu32
                    " sectors for a disk of %" PRIu64 " sectors: they are too few",
                    name, header->entries, header->cluster_sectors, header->sectors);
  return VMF_OK;
}

static enum vmf_code check_places(struct parallels_extent *extent, struct vmf_error *error)
{
  const struct parallels_header *header = &extent->header;
  uint64_t table_end = PARALLELS_HEADER + (uint64_t)PARALLELS_ENTRY * header->entries;
  const char *name = extent->io->name;

  if (table_end > extent->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Parallels header: a BAT of %" PRIu32 " entries ends at byte %" PRIu64
                    ", beyond the end of the file (%" PRIu64 " bytes)",
                    name, header->entries, table_end, extent->io->size);
  extent->cluster = (uint64_t)header->cluster_sectors * PARALLELS_SECTOR;
  extent->data_start = (uint64_t)header->data_start_sectors * PARALLELS_SECTOR;
  if (extent->data_start == 0)
    extent->data_start = vmf_align_up(table_end, PARALLELS_SECTOR);
  if (extent->data_start < table_end)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Parallels header: data from byte %" PRIu64
                    " on lies over the BAT, which ends at byte %" PRIu64,
                    name, extent->data_start, table_end);
  return VMF_OK;
}

enum vmf_code parallels_read_header(const struct vmf_image *image, struct parallels_extent *extent,
                                    struct vmf_error *error)
{
  struct vmf_io *io = extent->io;
  uint8_t raw[PARALLELS_HEADER];

  if (io->size < PARALLELS_HEADER)
    return vmf_fail(error, VMF_CORRUPT, "%s: %" PRIu64 " bytes, a Parallels header has %d",
                    io->name, io->size, PARALLELS_HEADER);
  VMF_TRY(vmf_io_pread(io, raw, sizeof raw, 0, error));
  if (memcmp(raw, PARALLELS_OLD, PARALLELS_MAGIC) != 0 &&
      memcmp(raw, PARALLELS_EXT, PARALLELS_MAGIC) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: neither \"" PARALLELS_OLD "\" nor \"" PARALLELS_EXT "\" at byte 0",
                    io->name);
  decode_header(raw, &extent->header);
  VMF_TRY(check_size(image, extent, error));
  extent->length = extent->header.sectors * PARALLELS_SECTOR;
  VMF_TRY(check_places(extent, error));
  if (extent->header.flags & PARALLELS_EMPTY && io->size > extent->data_start)
    vmf_warn(
        image->log,
        "%s: Parallels header: flag 1 says that nothing is stored: what the file holds, %" PRIu64
        " bytes, is not read",
        io->name, io->size - extent->data_start);
  return VMF_OK;
}
