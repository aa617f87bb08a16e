/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Footer and dynamic header: decoded, checked whole, and the size of the disk that they mean. */
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "vhd.h"

enum { FOOTER_SUM = 64, HEADER_SUM = 36 };

uint32_t vhd_sum(const uint8_t *bytes, size_t length, size_t at)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < length; i++)
    if (i < at || i >= at + 4)
      sum += bytes[i];
  return ~sum;
}

static void decode_footer(const uint8_t raw[VHD_FOOTER_SIZE], struct vhd_footer *footer)
{
  footer->features = get_be32(raw + 8);
  footer->version = get_be32(raw + 12);
  footer->data_offset = get_be64(raw + 16);
  footer->timestamp = get_be32(raw + 24);
  memcpy(footer->creator, raw + 28, 4);
  footer->original_size = get_be64(raw + 40);
  footer->current_size = get_be64(raw + 48);
  footer->cylinders = get_be16(raw + 56);
  footer->heads = raw[58];
  footer->sectors_per_track = raw[59];
  footer->type = get_be32(raw + 60);
  memcpy(footer->uuid, raw + 68, VMF_GUID_SIZE);
  footer->saved_state = raw[84] != 0;
}

static void decode_header(const uint8_t raw[VHD_HEADER_SIZE], struct vhd_header *header)
{
  header->table_offset = get_be64(raw + 16);
  header->version = get_be32(raw + 24);
  header->table_entries = get_be32(raw + 28);
  header->block_size = get_be32(raw + 32);
  memcpy(header->parent_uuid, raw + 40, VMF_GUID_SIZE);
  header->parent_timestamp = get_be32(raw + 56);
  memcpy(header->parent_name, raw + 64, sizeof(header->parent_name));
  for (int i = 0; i < VHD_LOCATORS; i++) {
    const uint8_t *locator = raw + 576 + 24 * i;
    header->locators[i] = (struct vhd_locator){.code = get_be32(locator),
                                               .length = get_be32(locator + 8),
                                               .offset = get_be64(locator + 16)};
  }
}

/* Whether a footer stands there, with a right checksum; the old form has 511 bytes, its last one
 * counts as zero. */
static bool is_footer(const uint8_t *raw)
{
  return memcmp(raw, "conectix", 8) == 0 &&
         get_be32(raw + FOOTER_SUM) == vhd_sum(raw, VHD_FOOTER_SIZE, FOOTER_SUM);
}

/* Finds the trailing footer, of 512 or 511 bytes; *at = io->size when there is none. */
static enum vmf_code read_trailing(struct vmf_io *io, uint8_t raw[VHD_FOOTER_SIZE], uint64_t *at,
                                   struct vmf_error *error)
{
  *at = io->size;
  if (io->size < VHD_OLD_FOOTER_SIZE)
    return VMF_OK;
  if (io->size >= VHD_FOOTER_SIZE) {
    VMF_TRY(vmf_io_pread(io, raw, VHD_FOOTER_SIZE, io->size - VHD_FOOTER_SIZE, error));
    if (is_footer(raw)) {
      *at = io->size - VHD_FOOTER_SIZE;
      return VMF_OK;
    }
  }
  raw[VHD_OLD_FOOTER_SIZE] = 0;
  VMF_TRY(vmf_io_pread(io, raw, VHD_OLD_FOOTER_SIZE, io->size - VHD_OLD_FOOTER_SIZE, error));
  if (is_footer(raw))
    *at = io->size - VHD_OLD_FOOTER_SIZE;
  return VMF_OK;
}

/* Copies that mean different disks: the one at the end counts, as the specification has it, but
 * some readers go by the other. */
static void warn_of_difference(const struct vmf_image *image,
                               const uint8_t leading[VHD_FOOTER_SIZE])
{
  const struct vhd_footer *used = &((const struct vhd_state *)image->state)->footer;
  struct vhd_footer copy;

  decode_footer(leading, &copy);
  if (copy.type != used->type || copy.current_size != used->current_size ||
      copy.data_offset != used->data_offset)
    vmf_warn(image->log,
             "%s: the footer (disk type %u, %llu bytes) and its copy at the start (disk type %u, "
             "%llu bytes) differ; the one at the end is used",
             image->io->name, used->type, (unsigned long long)used->current_size, copy.type,
             (unsigned long long)copy.current_size);
}

/* One good copy is enough; a fixed disk has only the trailing one, what stands at its start is the
 * guest's. */
static enum vmf_code read_footer(struct vmf_image *image, struct vmf_error *error)
{
  struct vhd_state *state = image->state;
  struct vmf_io *io = image->io;
  uint8_t leading[VHD_FOOTER_SIZE] = {0}, trailing[VHD_FOOTER_SIZE] = {0};

  VMF_TRY(read_trailing(io, trailing, &state->data_end, error));
  if (io->size >= VHD_FOOTER_SIZE)
    VMF_TRY(vmf_io_pread(io, leading, VHD_FOOTER_SIZE, 0, error));
  bool has_leading = is_footer(leading), has_trailing = state->data_end < io->size;
  if (!has_leading && !has_trailing)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: no VHD footer with a right checksum, neither in the first 512 bytes nor "
                    "in the last",
                    io->name);
  decode_footer(has_trailing ? trailing : leading, &state->footer);
  bool fixed = state->footer.type == VHD_FIXED;
  if (!has_trailing && fixed)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: a footer of a fixed VHD at byte 0, expected in the last 512 bytes",
                    io->name);
  if (!has_trailing)
    vmf_warn(image->log,
             "%s: the footer at the end is damaged or missing; the copy at the start is used",
             io->name);
  else if (!has_leading && !fixed)
    vmf_warn(image->log,
             "%s: the footer's copy at the start is damaged; the one at the end is used", io->name);
  else if (!fixed)
    warn_of_difference(image, leading);
  return VMF_OK;
}

static enum vmf_code check_footer(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  const struct vhd_footer *footer = &state->footer;
  const char *name = image->io->name;

  if (footer->version >> 16 != VHD_VERSION >> 16)
    return vmf_fail(error, VMF_UNSUPPORTED, "%s: VHD footer version 0x%08x, expected 0x%08x", name,
                    footer->version, VHD_VERSION);
  if (footer->type < VHD_FIXED || footer->type > VHD_DIFFERENCING)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHD footer: disk type %u, expected 2 (fixed), 3 (dynamic) or 4 "
                    "(differencing)",
                    name, footer->type);
  if (footer->type != VHD_FIXED && footer->current_size > VHD_SIZE_MAX)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: VHD footer: a disk of %llu bytes, at most %llu are possible", name,
                    (unsigned long long)footer->current_size, (unsigned long long)VHD_SIZE_MAX);
  if (footer->saved_state)
    vmf_warn(image->log, "%s: the machine was saved while running; the disk is as it was then",
             name);
  return VMF_OK;
}

/* Which of the two sizes a disk has depends on who made it: Virtual PC and qemu go by the geometry,
 * all others by current_size; a geometry at its end says nothing. The person may know better. */
static uint64_t disk_size(const struct vhd_footer *footer, unsigned size_calc)
{
  uint64_t sectors = (uint64_t)footer->cylinders * footer->heads * footer->sectors_per_track;
  bool by_geometry =
      memcmp(footer->creator, "vpc ", 4) == 0 || memcmp(footer->creator, "qemu", 4) == 0;

  if (size_calc != VHD_SIZE_AUTO)
    by_geometry = size_calc == VHD_SIZE_GEOMETRY;

  if (!by_geometry || sectors == 0 || sectors == 65535ull * 16 * 255)
    return footer->current_size;
  return sectors * VHD_SECTOR;
}

/* Hyper-V leaves the creator of a disk that it shows in its full size, and writes to, as it was. */
static void warn_of_size(const struct vmf_image *image, unsigned size_calc)
{
  const struct vhd_footer *footer = &((const struct vhd_state *)image->state)->footer;

  if (size_calc == VHD_SIZE_AUTO && image->size < footer->current_size)
    vmf_warn(image->log,
             "%s: the disk ends with its geometry, at byte %llu, as in the program that made it; "
             "current_size is %llu: where another one has used it, --image-opts "
             "driver=vpc,force_size_calc=current_size,file.filename=... reads all",
             image->io->name, (unsigned long long)image->size,
             (unsigned long long)footer->current_size);
}

static enum vmf_code check_header(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  const struct vhd_header *header = &state->header;
  const char *name = image->io->name;

  if (header->version >> 16 != VHD_VERSION >> 16)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: VHD dynamic header version 0x%08x, expected 0x%08x", name, header->version,
                    VHD_VERSION);
  if (!vmf_is_power_of_two(header->block_size) || header->block_size < VHD_SECTOR ||
      header->block_size > VHD_BLOCK_MAX)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHD dynamic header: block size %u, expected a power of two from 512 to %u",
                    name, header->block_size, VHD_BLOCK_MAX);
  if (header->table_entries < vmf_div_up(image->size, header->block_size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHD dynamic header: %u table entries of %u bytes each are too few for a "
                    "disk of %llu bytes",
                    name, header->table_entries, header->block_size,
                    (unsigned long long)image->size);
  if (!vmf_range_within(header->table_offset, 4 * (uint64_t)header->table_entries, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHD dynamic header: a block allocation table of %u entries at byte %llu "
                    "goes beyond the end of the file (%llu bytes)",
                    name, header->table_entries, (unsigned long long)header->table_offset,
                    (unsigned long long)image->io->size);
  uint64_t table_bytes = 4 * (uint64_t)header->table_entries;
  if (header->table_offset < VHD_FOOTER_SIZE ||
      !vmf_range_within(header->table_offset, table_bytes, state->data_end) ||
      vmf_ranges_overlap(header->table_offset, table_bytes, state->footer.data_offset,
                         VHD_HEADER_SIZE))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHD dynamic header: the block allocation table at byte %llu (%llu bytes) "
                    "lies over a footer or the header",
                    name, (unsigned long long)header->table_offset,
                    (unsigned long long)table_bytes);
  return VMF_OK;
}

static enum vmf_code load_header(struct vmf_image *image, struct vmf_error *error)
{
  struct vhd_state *state = image->state;
  uint64_t offset = state->footer.data_offset;
  uint8_t raw[VHD_HEADER_SIZE];

  if (!vmf_range_within(offset, VHD_HEADER_SIZE, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHD footer: the dynamic header at byte %llu is beyond the end of the file "
                    "(%llu bytes)",
                    image->io->name, (unsigned long long)offset,
                    (unsigned long long)image->io->size);
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof(raw), offset, error));
  if (memcmp(raw, "cxsparse", 8) != 0)
    return vmf_fail(error, VMF_CORRUPT, "%s: no VHD dynamic header at byte %llu (\"cxsparse\")",
                    image->io->name, (unsigned long long)offset);
  uint32_t stored = get_be32(raw + HEADER_SUM), sum = vhd_sum(raw, sizeof(raw), HEADER_SUM);
  if (stored != sum)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: VHD dynamic header at byte %llu: checksum 0x%08x, its bytes give 0x%08x",
                    image->io->name, (unsigned long long)offset, stored, sum);
  decode_header(raw, &state->header);
  VMF_TRY(check_header(image, error));
  state->bitmap_size =
      (uint32_t)vmf_align_up(vmf_div_up(state->header.block_size / VHD_SECTOR, 8), VHD_SECTOR);
  image->unit = state->header.block_size;
  return VMF_OK;
}

enum vmf_code vhd_load(struct vmf_image *image, const struct vhd_reading *options,
                       struct vmf_error *error)
{
  struct vhd_state *state = image->state;

  VMF_TRY(read_footer(image, error));
  VMF_TRY(check_footer(image, error));
  image->size = disk_size(&state->footer, options->size_calc);
  warn_of_size(image, options->size_calc);
  if (state->footer.type != VHD_FIXED)
    return load_header(image, error);
  if (image->size > state->data_end)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: a fixed VHD of %llu bytes, but only %llu stand before its footer: the "
                    "file is truncated",
                    image->io->name, (unsigned long long)image->size,
                    (unsigned long long)state->data_end);
  return VMF_OK;
}

void vhd_geometry(uint64_t sectors, uint16_t *cylinders, uint8_t *heads, uint8_t *per_track)
{
  uint64_t total = vmf_min(sectors, 65535ull * 16 * 255), times_heads;

  if (total >= 65535ull * 16 * 63) {
    *per_track = 255;
    *heads = 16;
    times_heads = total / *per_track;
  } else {
    *per_track = 17;
    times_heads = total / *per_track;
    *heads = (uint8_t)vmf_max((times_heads + 1023) / 1024, 4);
    if (times_heads >= *heads * 1024ull || *heads > 16) {
      *per_track = 31;
      *heads = 16;
      times_heads = total / *per_track;
    }
    if (times_heads >= *heads * 1024ull) {
      *per_track = 63;
      *heads = 16;
      times_heads = total / *per_track;
    }
  }
  *cylinders = (uint16_t)(times_heads / *heads);
}
