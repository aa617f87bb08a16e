/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The files of a bundle, opened: a layer for each snapshot from the state that is read down to the
 * first. */
#include <inttypes.h>

#include "bundle.h"
#include "checked.h"
#include "list.h"
#include "memory.h"

struct chain {
  const struct parallels_shot **shots; /* the newest first */
  size_t count, room;
};

static enum vmf_code find_chain(const struct vmf_image *image,
                                const struct parallels_bundle *bundle, const char *snapshot,
                                struct chain *chain, struct vmf_error *error)
{
  const char *guid = snapshot ? snapshot : bundle->top;
  const struct parallels_shot *shot = NULL;

  do {
    shot = parallels_bundle_shot(bundle, guid);
    if (!shot)
      return vmf_fail(error, snapshot && chain->count == 0 ? VMF_USAGE : VMF_CORRUPT,
                      "%s: no snapshot (Shot) %s", image->io->name, guid);
    if (chain->count == bundle->shot_count || chain->count == image->limits->depth)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: snapshots that are each other's parents, or more than %" PRIu32
                      " behind each other",
                      image->io->name, image->limits->depth);
    VMF_TRY(VMF_LIST_ROOM(chain->shots, chain->count, chain->room, "snapshots", error));
    chain->shots[chain->count++] = shot;
    guid = shot->parent;
  } while (!parallels_bundle_is_base(shot));
  return VMF_OK;
}

/* Its range of the disk must be in the file. */
static enum vmf_code check_length(const struct vmf_image *image, struct parallels_extent *extent,
                                  uint64_t length, struct vmf_error *error)
{
  uint64_t there = extent->plain ? extent->io->size : extent->length;

  if (there < length)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " bytes of the disk, the descriptor says %" PRIu64,
                    extent->io->name, there, length);
  if (there - length >= (extent->plain ? PARALLELS_SECTOR : extent->cluster))
    vmf_warn(image->log,
             "%s: the descriptor takes %" PRIu64 " of its %" PRIu64
             " bytes: what is behind them is not part of the disk",
             extent->io->name, length, there);
  extent->length = length;
  return VMF_OK;
}

static enum vmf_code open_extent(struct vmf_image *image, const xmlNode *storage, const char *guid,
                                 struct parallels_extent *extent, struct vmf_error *error)
{
  struct parallels_state *state = image->state;
  VMF_AUTO_FREE char *name = NULL;
  uint64_t start, end;

  VMF_TRY(parallels_bundle_file(image, storage, guid, &name, &extent->plain, error));
  VMF_TRY(parallels_bundle_range(image, storage, &start, &end, error));
  VMF_TRY(image->opener->open(image->opener, name, VMF_REFERENCE_EXTENT, &extent->io, error));
  if (!extent->plain) {
    VMF_TRY(parallels_read_header(image, extent, error));
    state->in_use |= extent->header.in_use == PARALLELS_IN_USE;
    image->unit = (uint32_t)vmf_max(image->unit, extent->cluster);
  }
  extent->start = start * PARALLELS_SECTOR;
  return check_length(image, extent, (end - start) * PARALLELS_SECTOR, error);
}

static enum vmf_code open_layer(struct vmf_image *image, const struct parallels_bundle *bundle,
                                const char *guid, struct parallels_layer *layer,
                                struct vmf_error *error)
{
  void *memory;

  VMF_TRY(vmf_alloc(bundle->storage_count * sizeof *layer->extents, &memory, error));
  layer->extents = memory;
  for (size_t i = 0; i < bundle->storage_count; i++) {
    layer->count = i + 1;
    VMF_TRY(open_extent(image, bundle->storages[i], guid, &layer->extents[i], error));
  }
  return VMF_OK;
}

static enum vmf_code open_chain(struct vmf_image *image, const struct parallels_bundle *bundle,
                                const struct chain *chain, struct vmf_error *error)
{
  struct parallels_state *state = image->state;
  void *memory;

  if (chain->count * bundle->storage_count > image->limits->extents)
    return vmf_fail(error, VMF_LIMIT, "%s: %zu files, at most %" PRIu32 " are opened",
                    image->io->name, chain->count * bundle->storage_count, image->limits->extents);
  VMF_TRY(vmf_alloc(chain->count * sizeof *state->layers, &memory, error));
  state->layers = memory;
  state->layer_count = chain->count;
  for (size_t i = 0; i < chain->count; i++)
    VMF_TRY(open_layer(image, bundle, chain->shots[i]->guid, &state->layers[i], error));
  return VMF_OK;
}

static enum vmf_code open_all(struct vmf_image *image, struct parallels_bundle *bundle,
                              struct chain *chain, const char *snapshot, struct vmf_error *error)
{
  struct parallels_state *state = image->state;

  state->bundle = true;
  VMF_TRY(parallels_bundle_read(image, bundle, error));
  image->size = bundle->sectors * PARALLELS_SECTOR;
  VMF_TRY(find_chain(image, bundle, snapshot, chain, error));
  VMF_TRY(open_chain(image, bundle, chain, error));
  state->snapshots_left = snapshot ? 0 : (unsigned)(bundle->shot_count - 1);
  return VMF_OK;
}

/* The files of the bundle whose descriptor is io; 0: it is none. */
static enum vmf_code count_files(const struct vmf_image *image, struct vmf_io *io, size_t *files,
                                 struct vmf_error *error)
{
  struct vmf_image described = *image;
  struct parallels_bundle bundle = {0};

  described.io = io;
  enum vmf_code code = parallels_bundle_read(&described, &bundle, error);
  *files = code == VMF_OK ? bundle.storage_count * bundle.shot_count : 0;
  parallels_bundle_free(&bundle);
  return code;
}

enum vmf_code parallels_check_alone(struct vmf_image *image, struct vmf_error *error)
{
  struct parallels_state *state = image->state;
  struct vmf_error found = {0};
  size_t files = 0;

  enum vmf_code code = image->opener->open(image->opener, PARALLELS_DESCRIPTOR, VMF_REFERENCE_PIECE,
                                           &state->descriptor, &found);
  if (code == VMF_OK)
    code = count_files(image, state->descriptor, &files, &found);
  if (code == VMF_NOMEM || code == VMF_CANCELLED)
    return vmf_fail_again(&found, error);
  if (files <= 1)
    return VMF_OK;
  return vmf_fail(
      error, VMF_REFUSED,
      "%s: is one of the %zu files of a bundle, a part of its disk or what one snapshot "
      "changed: name the folder, or " PARALLELS_DESCRIPTOR
      " in it; --bare takes the file for a whole disk",
      image->io->name, files);
}

enum vmf_code parallels_open_bundle(struct vmf_image *image, const char *snapshot,
                                    struct vmf_error *error)
{
  struct parallels_bundle bundle = {0};
  struct chain chain = {0};

  enum vmf_code code = open_all(image, &bundle, &chain, snapshot, error);
  parallels_bundle_free(&bundle);
  vmf_free((void *)chain.shots);
  return code;
}
