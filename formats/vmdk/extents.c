/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * From the lines of a descriptor to open extents, one behind the other. */
#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "extent.h"
#include "memory.h"
#include "row.h"

struct vmdk_extent *vmdk_extent_at(const struct vmdk_disk *disk, uint64_t guest)
{
  return &disk->extents[vmf_row_find(disk->extents, disk->extent_count, sizeof *disk->extents,
                                     guest)];
}

enum vmf_code vmdk_check_length(const char *name, uint64_t length, uint64_t capacity,
                                struct vmf_error *error)
{
  if (length <= capacity)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the descriptor says %" PRIu64 " sectors, the extent's header only %" PRIu64,
                  name, length / VMDK_SECTOR, capacity / VMDK_SECTOR);
}

void vmdk_warn_length(const struct vmf_log *log, const char *name, uint64_t length,
                      uint64_t capacity)
{
  if (length != capacity)
    vmf_warn(log,
             "%s: the descriptor says %" PRIu64 " sectors, the header %" PRIu64
             ": the descriptor's count is the disk's size",
             name, length / VMDK_SECTOR, capacity / VMDK_SECTOR);
}

static enum vmf_code vmdk_open_grains(const struct vmf_image *image, enum vmdk_extent_type type,
                                      struct vmdk_extent *extent, struct vmf_error *error)
{
  extent->kind = VMDK_EXTENT_GRAINS;
  if (type == VMDK_TYPE_VMFSSPARSE)
    VMF_TRY(vmdk_cowd_open(image, extent, error));
  else if (type == VMDK_TYPE_SESPARSE)
    VMF_TRY(vmdk_sesparse_open(image, extent, error));
  else
    VMF_TRY(vmdk_sparse_open(image, extent, error));
  return vmdk_check_length(extent->io->name, extent->length, extent->grains.capacity, error);
}

static enum vmf_code vmdk_open_flat(const struct vmdk_extent_line *line, struct vmdk_extent *extent,
                                    struct vmf_error *error)
{
  extent->kind = VMDK_EXTENT_FLAT;
  extent->host = line->offset_sectors * VMDK_SECTOR;
  if (!vmf_range_within(extent->host, extent->length, extent->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes, but the descriptor (line %u) says %" PRIu64
                    " sectors from sector %" PRIu64,
                    extent->io->name, extent->io->size, line->line, line->sectors,
                    line->offset_sectors);
  return VMF_OK;
}

/* Guest data behind what the descriptor takes of a file, which other lines may take. */
static void vmdk_warn_cut(const struct vmf_image *image, unsigned index)
{
  const struct vmdk_disk *disk = image->state;
  const struct vmdk_extent *extent = &disk->extents[index];
  bool flat = extent->kind == VMDK_EXTENT_FLAT;
  uint64_t taken = 0, there = flat ? extent->io->size : extent->grains.capacity;
  for (unsigned i = 0; i < disk->extent_count; i++)
    if (disk->extents[i].io == extent->io)
      taken = vmf_max(taken, disk->extents[i].host + disk->extents[i].length);
  if (taken != extent->host + extent->length || there < taken ||
      there - taken < (flat ? VMDK_SECTOR : extent->grains.grain))
    return;
  vmf_warn(image->log,
           "%s: the descriptor (line %u) takes %" PRIu64 " of its %" PRIu64
           " bytes: what is behind them is not part of the disk",
           extent->io->name, disk->descriptor.extents[index].line, taken, there);
}

/* The extent's file: one that is open already when an earlier line names it, too. */
static enum vmf_code vmdk_open_file(struct vmf_image *image, unsigned index, struct vmf_io **io,
                                    bool *owns_io, struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  const struct vmdk_extent_line *lines = disk->descriptor.extents;
  if (lines[index].name[0] == '\0')
    return vmf_fail(error, VMF_CORRUPT, "%s: descriptor line %u: %s extent without a file name",
                    image->io->name, lines[index].line, vmdk_type_name(lines[index].type));
  for (unsigned i = 0; i < index; i++) {
    if (lines[i].name != NULL && strcmp(lines[i].name, lines[index].name) == 0) {
      *io = disk->extents[i].io;
      return VMF_OK;
    }
  }
  VMF_TRY(image->opener->open(image->opener, lines[index].name, VMF_REFERENCE_EXTENT, io, error));
  *owns_io = true;
  return VMF_OK;
}

/* What is refused before any file is touched. */
enum vmf_code vmdk_refuse_line(const char *name, const struct vmdk_extent_line *line,
                               struct vmf_error *error)
{
  if (line->type == VMDK_TYPE_VMFSRDM || line->type == VMDK_TYPE_VMFSRAW)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: descriptor line %u: %s extent: its data is on a raw device, not in a file",
                    name, line->line, vmdk_type_name(line->type));
  if (line->access == VMDK_ACCESS_NOACCESS && line->type != VMDK_TYPE_ZERO)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: descriptor line %u: NOACCESS extent \"%s\": the disk's owner does not let "
                    "it be read",
                    name, line->line, line->name);
  return VMF_OK;
}

/* Where the lines lie in the disk, and what is refused of them; no file is touched. */
static enum vmf_code vmdk_place_lines(struct vmf_image *image, struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  uint64_t size = 0;
  for (unsigned i = 0; i < disk->extent_count; i++) {
    const struct vmdk_extent_line *line = &disk->descriptor.extents[i];
    struct vmdk_extent *extent = &disk->extents[i];
    VMF_TRY(vmdk_refuse_line(image->io->name, line, error));
    extent->type = vmdk_type_name(line->type);
    extent->guest = size;
    if (!vmf_mul(line->sectors, VMDK_SECTOR, &extent->length) ||
        !vmf_add(size, extent->length, &size) || size > image->limits->guest_size)
      return vmf_fail(error, VMF_LIMIT,
                      "%s: descriptor line %u: the disk is larger than %" PRIu64 " bytes",
                      image->io->name, line->line, image->limits->guest_size);
  }
  image->size = size;
  return VMF_OK;
}

static enum vmf_code vmdk_open_line(struct vmf_image *image, unsigned index,
                                    struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  const struct vmdk_extent_line *line = &disk->descriptor.extents[index];
  struct vmdk_extent *extent = &disk->extents[index];
  if (line->type == VMDK_TYPE_ZERO)
    return VMF_OK;
  VMF_TRY(vmdk_open_file(image, index, &extent->io, &extent->owns_io, error));
  if (line->type == VMDK_TYPE_FLAT || line->type == VMDK_TYPE_VMFS)
    return vmdk_open_flat(line, extent, error);
  return vmdk_open_grains(image, line->type, extent, error);
}

static enum vmf_code vmdk_new_extents(struct vmf_image *image, unsigned count,
                                      struct vmf_error *error)
{
  struct vmdk_disk *disk = image->state;
  void *extents;
  VMF_TRY(vmf_alloc(count * sizeof *disk->extents, &extents, error));
  disk->extents = extents;
  disk->extent_count = count;
  for (unsigned i = 0; i < count; i++)
    disk->extents[i].trust_holes = image->trust_holes;
  return VMF_OK;
}

enum vmf_code vmdk_extents_open(struct vmf_image *image, struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  VMF_TRY(vmdk_new_extents(image, disk->descriptor.extent_count, error));
  VMF_TRY(vmdk_place_lines(image, error));
  for (unsigned i = 0; i < disk->extent_count; i++) {
    VMF_TRY(vmdk_open_line(image, i, error));
    if (disk->extents[i].kind == VMDK_EXTENT_GRAINS)
      image->unit = (uint32_t)vmf_max(image->unit, disk->extents[i].grains.grain);
  }
  for (unsigned i = 0; i < disk->extent_count; i++)
    if (disk->extents[i].kind != VMDK_EXTENT_ZERO)
      vmdk_warn_cut(image, i);
  return VMF_OK;
}

enum vmf_code vmdk_extents_single(struct vmf_image *image, enum vmdk_extent_type type,
                                  const struct vmdk_extent_line *line, struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  VMF_TRY(vmdk_new_extents(image, 1, error));
  struct vmdk_extent *extent = disk->extents;
  extent->type = line != NULL ? "" : vmdk_type_name(type);
  extent->io = image->io;
  if (line != NULL) {
    VMF_TRY(vmdk_refuse_line(image->io->name, line, error));
    extent->length = image->size = line->sectors * VMDK_SECTOR;
  }
  VMF_TRY(vmdk_open_grains(image, type, extent, error));
  if (line == NULL)
    extent->length = extent->grains.capacity;
  else
    vmdk_warn_length(image->log, image->io->name, extent->length, extent->grains.capacity);
  image->size = extent->length;
  image->unit = extent->grains.grain;
  if (image->size > image->limits->guest_size)
    return vmf_fail(error, VMF_LIMIT, "%s: capacity of %" PRIu64 " bytes, at most %" PRIu64,
                    image->io->name, image->size, image->limits->guest_size);
  return VMF_OK;
}

void vmdk_extents_close(struct vmf_image *image)
{
  struct vmdk_disk *disk = image->state;
  for (unsigned i = 0; i < disk->extent_count; i++) {
    if (!disk->extents[i].owns_io)
      continue;
    vmf_page_cache_drop(image->cache, disk->extents[i].io);
    vmf_io_close(disk->extents[i].io);
  }
  vmf_free(disk->extents);
  disk->extents = NULL;
  disk->extent_count = 0;
}
