/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An archive in a file: where the clusters of one of its disks stand is told by a pass over the
 * headers of its extents. */
#include "vma.h"

#include <inttypes.h>

#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "index.h"
#include "memory.h"

/* The state of the image. */
struct vma_state {
  struct vma_archive archive;
  unsigned device; /* the one that is read */
  struct vma_index own;
  struct vma_index *all;         /* of VMA_DEVICES; NULL: not asked for */
  const struct vma_index *index; /* of the device: its own, or one of the sibling's */
};

static int vma_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= sizeof(VMA_MAGIC) &&
                 memcmp(probe->head, VMA_MAGIC, sizeof(VMA_MAGIC)) == 0
             ? 100
             : 0;
}

/* ---- open ---- */

/* So many can be listed in a file of that size. */
static uint64_t clusters_most(const struct vmf_image *image)
{
  const struct vma_archive *archive = &((const struct vma_state *)image->state)->archive;
  return (image->io->size - archive->header_size) / VMA_EXTENT_HEADER * VMA_SLOTS;
}

/* An archive lists all clusters of all devices. */
static enum vmf_code check_room(const struct vmf_image *image, struct vmf_error *error)
{
  const struct vma_archive *archive = &((const struct vma_state *)image->state)->archive;
  uint64_t clusters = 0;

  for (unsigned i = 0; i < VMA_DEVICES; i++)
    if (archive->devices[i].name && !archive->devices[i].memory)
      clusters += vmf_div_up(archive->devices[i].size, VMA_CLUSTER);
  if (clusters > clusters_most(image))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: its disks have %" PRIu64 " clusters, which a file of %" PRIu64
                    " bytes cannot list: it was cut short",
                    archive->name, clusters, image->io->size);
  return VMF_OK;
}

/* Notes the clusters of the device that is read, or of all disks. */
static enum vmf_code index_clusters(struct vma_state *state, const struct vma_extent *extent,
                                    struct vma_index *all, struct vmf_error *error)
{
  const struct vma_archive *archive = &state->archive;

  for (unsigned i = 0; i < VMA_DEVICES; i++) {
    struct vma_index *index = all ? &all[i] : i == state->device ? &state->own : NULL;
    if (!index || !index->pages)
      continue;
    if (vma_index_add(index, extent, i, error) != VMF_OK)
      return vmf_while(error, "%s: %s", archive->name, archive->devices[i].name);
  }
  return VMF_OK;
}

/* Takes the extent at *offset, and goes to the next. */
static enum vmf_code index_extent(struct vmf_image *image, uint64_t *offset, struct vma_index *all,
                                  struct vmf_error *error)
{
  struct vma_state *state = image->state;
  uint8_t raw[VMA_EXTENT_HEADER];
  struct vma_extent extent;
  const char *name = image->io->name;

  if (image->io->size - *offset < sizeof(raw))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ends at byte %" PRIu64 ", in the header of an extent: it was cut short",
                    name, image->io->size);
  VMF_TRY(vmf_io_pread(image->io, raw, sizeof(raw), *offset, error));
  VMF_TRY(vma_extent_take(&state->archive, raw, *offset, &extent, error));
  if (vma_extent_end(&extent) > image->io->size)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extent at byte %" PRIu64 ": its %u blocks go beyond the end of the file "
                    "(%" PRIu64 " bytes): it was cut short",
                    name, *offset, extent.blocks, image->io->size);
  VMF_TRY(index_clusters(state, &extent, all, error));
  *offset = vma_extent_end(&extent);
  return VMF_OK;
}

static enum vmf_code vma_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  struct vma_state *state = image->state;

  (void)args;
  VMF_TRY(vma_archive_open(&state->archive, image->io, image->io->size, error));
  image->contents = &state->archive.contents;
  return VMF_OK;
}

static enum vmf_code init_index(struct vmf_image *image, unsigned device, struct vma_index *index,
                                struct vmf_error *error)
{
  const struct vma_state *state = image->state;
  uint64_t clusters = vmf_div_up(state->archive.devices[device].size, VMA_CLUSTER);

  return vma_index_init(index, vmf_min(clusters, clusters_most(image)), error);
}

static enum vmf_code index_extents(struct vmf_image *image, struct vma_index *all,
                                   struct vmf_error *error)
{
  struct vma_state *state = image->state;
  uint64_t offset = state->archive.header_size;

  while (offset < image->io->size)
    VMF_TRY(index_extent(image, &offset, all, error));
  return vma_check_complete(&state->archive, offset, error);
}

static void free_all(struct vma_index *all)
{
  for (unsigned i = 0; all && i < VMA_DEVICES; i++)
    vma_index_free(&all[i]);
  vmf_free(all);
}

/* Of all disks; the state of a machine is none. */
static enum vmf_code index_all(struct vmf_image *image, struct vma_index *all,
                               struct vmf_error *error)
{
  const struct vma_archive *archive = &((const struct vma_state *)image->state)->archive;

  VMF_TRY(check_room(image, error));
  for (unsigned i = 0; i < VMA_DEVICES; i++)
    if (archive->devices[i].name && !archive->devices[i].memory)
      VMF_TRY(init_index(image, i, &all[i], error));
  return index_extents(image, all, error);
}

static enum vmf_code vma_index_disks(struct vmf_image *image, struct vmf_error *error)
{
  struct vma_state *state = image->state;
  void *memory;

  if (state->all)
    return VMF_OK;
  VMF_TRY(vmf_alloc(VMA_DEVICES * sizeof *state->all, &memory, error));
  enum vmf_code code = index_all(image, memory, error);
  if (code == VMF_OK)
    state->all = memory;
  else
    free_all(memory);
  return code;
}

static enum vmf_code vma_choose(struct vmf_image *image, unsigned disk, struct vmf_error *error)
{
  const struct vma_state *sibling = image->sibling ? image->sibling->state : NULL;
  struct vma_state *state = image->state;

  state->device = state->archive.device_of[disk];
  image->size = state->archive.devices[state->device].size;
  if (sibling && sibling->all && sibling->all[state->device].pages) {
    state->index = &sibling->all[state->device];
    return VMF_OK;
  }
  if (sibling && sibling->index && sibling->device == state->device) {
    state->index = sibling->index;
    return VMF_OK;
  }
  state->index = &state->own;
  VMF_TRY(check_room(image, error));
  VMF_TRY(init_index(image, state->device, &state->own, error));
  return index_extents(image, NULL, error);
}

static void vma_close(struct vmf_image *image)
{
  struct vma_state *state = image->state;

  free_all(state->all);
  vma_archive_close(&state->archive);
  vma_index_free(&state->own);
}

/* ---- map ---- */

/* The run of the extent at `offset` that holds `guest`. */
static enum vmf_code map_extent(struct vmf_image *image, uint64_t offset, uint64_t guest,
                                struct vmf_run *run, struct vmf_error *error)
{
  const struct vma_state *state = image->state;
  uint8_t raw[VMA_EXTENT_HEADER];
  struct vma_extent extent;
  struct vma_cursor cursor = {0};
  unsigned device;

  VMF_TRY(vmf_page_cache_pread(image->cache, image->io, raw, sizeof(raw), offset, error));
  VMF_TRY(vma_extent_decode(&state->archive, raw, offset, &extent, error));
  while (vma_extent_run(&state->archive, &extent, &cursor, &device, run))
    if (device == state->device && vmf_range_within(guest, 1, run->guest + run->length) &&
        guest >= run->guest)
      return VMF_OK;
  return vmf_fail(error, VMF_CHANGED,
                  "%s: extent at byte %" PRIu64 " does not list cluster %" PRIu64
                  " of %s any more: the file was changed while it was read",
                  image->io->name, offset, guest / VMA_CLUSTER,
                  state->archive.devices[state->device].name);
}

static enum vmf_code vma_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                             struct vmf_error *error)
{
  const struct vma_state *state = image->state;
  uint64_t cluster = guest / VMA_CLUSTER, extent, next;

  if (vma_index_find(state->index, cluster, &extent, &next)) {
    VMF_TRY(map_extent(image, extent, guest, run, error));
    run->io = run->kind == VMF_RUN_PLAIN ? image->io : NULL;
    return VMF_OK;
  }
  *run =
      (struct vmf_run){.guest = cluster * VMA_CLUSTER,
                       .length = vmf_min(next * VMA_CLUSTER, image->size) - cluster * VMA_CLUSTER,
                       .kind = VMF_RUN_ZERO};
  return VMF_OK;
}

/* ---- what it tells ---- */

static enum vmf_code vma_info(struct vmf_image *image, struct vmf_value *summary,
                              struct vmf_value *data, struct vmf_error *error)
{
  const struct vma_state *state = image->state;
  char uuid[VMF_GUID_TEXT];

  (void)summary;
  vmf_guid_text(state->archive.uuid, uuid);
  VMF_TRY(vmf_value_text(data, "archive-uuid", uuid, error));
  return vmf_value_uint(data, "archive-time", state->archive.time, error);
}

/* What there is to be examined was, before the disk was there: see vma_choose. */
static enum vmf_code vma_check(struct vmf_image *image, struct vmf_findings *findings,
                               struct vmf_error *error)
{
  (void)image;
  (void)findings;
  (void)error;
  return VMF_OK;
}

static const struct vmf_reader vma_reader = {
    .state_size = sizeof(struct vma_state),
    .probe = vma_probe,
    .open = vma_open,
    .close = vma_close,
    .choose = vma_choose,
    .index = vma_index_disks,
    .map = vma_map,
    .info = vma_info,
    .check = vma_check,
};

static const char *const vma_suffixes[] = {"vma", NULL};

const struct vmf_format vmf_format_vma = {
    .name = "vma",
    .summary = "Proxmox VE: a backup with its disks",
    .suffixes = vma_suffixes,
    .reader = &vma_reader,
    .writer = &vma_writer,
    .container = &vma_container,
    .container_writer = &vma_container_writer,
};
