/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of a hosted sparse extent ("KDMV"), plain or stream-optimized. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "extent.h"

void vmdk_sparse_header_decode(const uint8_t raw[VMDK_SECTOR], struct vmdk_header *header)
{
  header->magic = get_le32(raw + VMDK_SPARSE_MAGIC_AT);
  header->version = get_le32(raw + VMDK_SPARSE_VERSION_AT);
  header->flags = get_le32(raw + VMDK_SPARSE_FLAGS_AT);
  header->capacity = get_le64(raw + VMDK_SPARSE_CAPACITY_AT);
  header->grain_size = get_le64(raw + VMDK_SPARSE_GRAIN_SIZE_AT);
  header->descriptor_offset = get_le64(raw + VMDK_SPARSE_DESCRIPTOR_OFFSET_AT);
  header->descriptor_size = get_le64(raw + VMDK_SPARSE_DESCRIPTOR_SIZE_AT);
  header->gtes_per_gt = get_le32(raw + VMDK_SPARSE_GTES_PER_GT_AT);
  header->rgd_offset = get_le64(raw + VMDK_SPARSE_RGD_OFFSET_AT);
  header->gd_offset = get_le64(raw + VMDK_SPARSE_GD_OFFSET_AT);
  header->overhead = get_le64(raw + VMDK_SPARSE_OVERHEAD_AT);
  header->unclean = raw[VMDK_SPARSE_UNCLEAN_AT];
  memcpy(header->newlines, raw + VMDK_SPARSE_NEWLINES_AT, sizeof header->newlines);
  header->compression = get_le16(raw + VMDK_SPARSE_COMPRESSION_AT);
}

static enum vmf_code vmdk_check_identity(const char *name, const struct vmdk_header *header,
                                         struct vmf_error *error)
{
  if (header->magic != VMDK_SPARSE_MAGIC)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: magic 0x%08" PRIx32 ", expected \"KDMV\"", name,
                    header->magic);
  if (header->version < 1 || header->version > VMDK_SPARSE_VERSION_MAX)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: sparse header: version %" PRIu32 ", accepted are 1 to %d", name,
                    header->version, VMDK_SPARSE_VERSION_MAX);
  if ((header->flags & VMDK_FLAG_NEWLINES) != 0 &&
      memcmp(header->newlines, VMDK_SPARSE_NEWLINES, sizeof header->newlines) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: newline bytes at 73 are %02x %02x %02x %02x, expected 0a "
                    "20 0d 0a: the file was damaged by a transfer in text mode",
                    name, header->newlines[0], header->newlines[1], header->newlines[2],
                    header->newlines[3]);
  return VMF_OK;
}

static enum vmf_code vmdk_check_geometry(const char *name, const struct vmdk_header *header,
                                         struct vmf_error *error)
{
  if (header->capacity > INT64_MAX / VMDK_SECTOR)
    return vmf_fail(error, VMF_LIMIT, "%s: sparse header: capacity of %" PRIu64 " sectors", name,
                    header->capacity);
  if (!vmf_is_power_of_two(header->grain_size) || header->grain_size > VMDK_GRAIN_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: grain size of %" PRIu64
                    " sectors, accepted are powers of two up to %d",
                    name, header->grain_size, VMDK_GRAIN_MAX);
  if (!vmf_is_power_of_two(header->gtes_per_gt) || header->gtes_per_gt > VMDK_GTES_PER_GT)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: %" PRIu32
                    " entries in a grain table, accepted are powers of two up to %d",
                    name, header->gtes_per_gt, VMDK_GTES_PER_GT);
  return VMF_OK;
}

/* Compression is in three fields that must agree. */
static enum vmf_code vmdk_check_packing(const char *name, const struct vmdk_header *header,
                                        struct vmf_error *error)
{
  bool packed = (header->flags & VMDK_FLAG_COMPRESSED) != 0;
  bool markers = (header->flags & VMDK_FLAG_MARKERS) != 0;
  if (header->compression > VMDK_COMPRESSION_DEFLATE)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: sparse header: compression algorithm %u, accepted are 0 and 1", name,
                    header->compression);
  if (packed != (header->compression == VMDK_COMPRESSION_DEFLATE))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: flags 0x%" PRIx32 " and compression algorithm %u disagree",
                    name, header->flags, header->compression);
  if (packed && !markers)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: sparse header: flags 0x%" PRIx32 ": compressed grains without markers",
                    name, header->flags);
  return VMF_OK;
}

static enum vmf_code vmdk_check_flags(const char *name, const struct vmdk_header *header,
                                      struct vmf_error *error)
{
  const uint32_t known = VMDK_FLAG_NEWLINES | VMDK_FLAG_REDUNDANT | VMDK_FLAG_ZEROED_GRAIN |
                         VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS;
  if ((header->flags & ~known) != 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: sparse header: flags 0x%" PRIx32 ", known are 0x%" PRIx32, name,
                    header->flags, known);
  return VMF_OK;
}

enum vmf_code vmdk_sparse_header_check(const char *name, const struct vmdk_header *header,
                                       struct vmf_error *error)
{
  VMF_TRY(vmdk_check_identity(name, header, error));
  VMF_TRY(vmdk_check_flags(name, header, error));
  VMF_TRY(vmdk_check_geometry(name, header, error));
  return vmdk_check_packing(name, header, error);
}

enum vmf_code vmdk_sparse_header_read(struct vmf_io *io, struct vmdk_header *header,
                                      struct vmf_error *error)
{
  uint8_t raw[VMDK_SECTOR];
  if (io->size < sizeof raw)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes, too short for the %zu bytes of a sparse header",
                    io->name, io->size, sizeof raw);
  VMF_TRY(vmf_io_pread(io, raw, sizeof raw, 0, error));
  vmdk_sparse_header_decode(raw, header);
  return vmdk_sparse_header_check(io->name, header, error);
}

/* The directory's place in bytes, from the header or the footer; the redundant one where there is
 * no other. */
static enum vmf_code vmdk_sparse_directory(struct vmf_io *io, const struct vmdk_header *header,
                                           struct vmdk_grains *grains, struct vmf_error *error)
{
  uint64_t redundant = (header->flags & VMDK_FLAG_REDUNDANT) != 0 ? header->rgd_offset : 0;
  uint64_t gd = header->gd_offset != 0 ? header->gd_offset : redundant;
  if (gd == 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: sparse header: no grain directory", io->name);
  if (!vmf_mul(gd, VMDK_SECTOR, &grains->gd_offset))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: grain directory at sector %" PRIu64
                    ", the file has %" PRIu64,
                    io->name, gd, io->size / VMDK_SECTOR);
  if (redundant != gd && !vmf_mul(redundant, VMDK_SECTOR, &grains->rgd_offset))
    grains->rgd_offset = UINT64_MAX; /* told by check */
  return VMF_OK;
}

enum vmf_code vmdk_sparse_open(const struct vmf_image *image, struct vmdk_extent *extent,
                               struct vmf_error *error)
{
  struct vmdk_grains *grains = &extent->grains;
  struct vmdk_header header, footer;
  VMF_TRY(vmdk_sparse_header_read(extent->io, &header, error));
  extent->unclean = header.unclean != 0;
  if (extent->unclean)
    vmf_warn(image->log, "%s: was not closed cleanly: its last writes may be missing",
             extent->io->name);
  if (header.gd_offset == VMDK_GD_AT_END) {
    VMF_TRY(vmdk_stream_footer(extent->io, &header, &footer, error));
    header.gd_offset = footer.gd_offset;
    header.rgd_offset = footer.rgd_offset;
    header.flags = footer.flags;
  }
  grains->capacity = header.capacity * VMDK_SECTOR;
  grains->grain = (uint32_t)header.grain_size * VMDK_SECTOR;
  grains->gtes = header.gtes_per_gt;
  grains->entry_size = VMDK_GTE_SIZE;
  grains->packed = (header.flags & VMDK_FLAG_COMPRESSED) != 0;
  grains->zeroed = header.version >= 2 && (header.flags & VMDK_FLAG_ZEROED_GRAIN) != 0;
  grains->least_host = VMDK_SECTOR;
  grains->decode = vmdk_grains_decode_sectors;
  grains->gd_entries = vmf_div_up(grains->capacity, vmdk_grains_coverage(grains));
  if (grains->packed && grains->grain > image->limits->packed_unit)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: compressed grains of %" PRIu32 " bytes, at most %" PRIu32,
                    extent->io->name, grains->grain, image->limits->packed_unit);
  VMF_TRY(vmdk_sparse_directory(extent->io, &header, grains, error));
  return vmdk_grains_check(extent, error);
}
