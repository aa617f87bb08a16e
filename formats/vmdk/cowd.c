/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The header of an ESX Server sparse extent ("COWD"), the redo log of early ESX: vmfsSparse. */
#include <inttypes.h>

#include "bytes.h"
#include "checked.h"
#include "extent.h"

struct cowd_header {
  uint32_t magic, version, flags, capacity, grain_size, gd_offset, gd_entries, unclean;
};

static void vmdk_cowd_decode(const uint8_t raw[VMDK_COWD_HEADER], struct cowd_header *header)
{
  header->magic = get_le32(raw + VMDK_COWD_MAGIC_AT);
  header->version = get_le32(raw + VMDK_COWD_VERSION_AT);
  header->flags = get_le32(raw + VMDK_COWD_FLAGS_AT);
  header->capacity = get_le32(raw + VMDK_COWD_CAPACITY_AT);
  header->grain_size = get_le32(raw + VMDK_COWD_GRAIN_SIZE_AT);
  header->gd_offset = get_le32(raw + VMDK_COWD_GD_OFFSET_AT);
  header->gd_entries = get_le32(raw + VMDK_COWD_GDES_AT);
  header->unclean = get_le32(raw + VMDK_COWD_UNCLEAN_AT);
}

static enum vmf_code vmdk_cowd_check(const char *name, const struct cowd_header *header,
                                     struct vmf_error *error)
{
  if (header->magic != VMDK_COWD_MAGIC)
    return vmf_fail(error, VMF_CORRUPT, "%s: COWD header: magic 0x%08" PRIx32 ", expected \"COWD\"",
                    name, header->magic);
  if (header->version != 1)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: COWD header: version %" PRIu32 ", accepted is 1",
                    name, header->version);
  if (!vmf_is_power_of_two(header->grain_size) || header->grain_size > VMDK_GRAIN_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: COWD header: grain size of %" PRIu32
                    " sectors, accepted are powers of two up to %d",
                    name, header->grain_size, VMDK_GRAIN_MAX);
  if (header->gd_offset < VMDK_COWD_HEADER / VMDK_SECTOR)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: COWD header: grain directory at sector %" PRIu32 ", accepted from %d",
                    name, header->gd_offset, VMDK_COWD_HEADER / VMDK_SECTOR);
  return VMF_OK;
}

enum vmf_code vmdk_cowd_open(const struct vmf_image *image, struct vmdk_extent *extent,
                             struct vmf_error *error)
{
  struct vmdk_grains *grains = &extent->grains;
  struct cowd_header header;
  uint8_t raw[VMDK_COWD_HEADER];
  if (extent->io->size < sizeof raw)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes, too short for the %zu bytes of a COWD header",
                    extent->io->name, extent->io->size, sizeof raw);
  VMF_TRY(vmf_io_pread(extent->io, raw, sizeof raw, 0, error));
  vmdk_cowd_decode(raw, &header);
  VMF_TRY(vmdk_cowd_check(extent->io->name, &header, error));
  extent->unclean = header.unclean != 0;
  if (extent->unclean)
    vmf_warn(image->log, "%s: was not closed cleanly: its last writes may be missing",
             extent->io->name);
  grains->capacity = (uint64_t)header.capacity * VMDK_SECTOR;
  grains->grain = header.grain_size * VMDK_SECTOR;
  grains->gtes = VMDK_COWD_GTES_PER_GT;
  grains->entry_size = VMDK_GTE_SIZE;
  grains->least_host = VMDK_COWD_HEADER;
  grains->decode = vmdk_grains_decode_sectors;
  grains->gd_offset = (uint64_t)header.gd_offset * VMDK_SECTOR;
  grains->gd_entries = header.gd_entries;
  return vmdk_grains_check(extent, error);
}
