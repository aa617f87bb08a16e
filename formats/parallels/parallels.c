/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "bundle.h"

#include <string.h>

#include "checked.h"
#include "memory.h"

/* A descriptor: its root element in the first bytes, whatever declaration or comment is before. */
static bool is_descriptor(const struct vmf_probe *probe)
{
  static const char root[] = "<" PARALLELS_ROOT;
  size_t at = probe->head_length >= 3 && memcmp(probe->head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

  while (at < probe->head_length && strchr(" \t\r\n", probe->head[at]) && probe->head[at])
    at++;
  if (at == probe->head_length || probe->head[at] != '<')
    return false;
  for (; probe->head_length - at >= sizeof root - 1; at++)
    if (memcmp(probe->head + at, root, sizeof root - 1) == 0)
      return true;
  return false;
}

static bool is_file(const uint8_t *head, size_t length)
{
  return length >= PARALLELS_MAGIC && (memcmp(head, PARALLELS_OLD, PARALLELS_MAGIC) == 0 ||
                                       memcmp(head, PARALLELS_EXT, PARALLELS_MAGIC) == 0);
}

static int parallels_probe(const struct vmf_probe *probe)
{
  return is_file(probe->head, probe->head_length) || is_descriptor(probe) ? 100 : 0;
}

/* A file that is the whole disk. */
static enum vmf_code open_file(struct vmf_image *image, struct vmf_error *error)
{
  struct parallels_state *state = image->state;
  void *memory;

  VMF_TRY(vmf_alloc(sizeof(struct parallels_layer), &memory, error));
  state->layers = memory;
  state->layer_count = 1;
  VMF_TRY(vmf_alloc(sizeof(struct parallels_extent), &memory, error));
  state->layers->extents = memory;
  state->layers->count = 1;
  struct parallels_extent *extent = state->layers->extents;
  extent->io = image->io;
  VMF_TRY(parallels_read_header(image, extent, error));
  state->in_use = extent->header.in_use == PARALLELS_IN_USE;
  image->size = extent->length;
  image->unit = (uint32_t)extent->cluster;
  return VMF_OK;
}

static enum vmf_code parallels_open(struct vmf_image *image, const struct vmf_open_args *args,
                                    struct vmf_error *error)
{
  const struct parallels_state *state = image->state;
  uint8_t first = 0;

  if (image->io->size > 0)
    VMF_TRY(vmf_io_pread(image->io, &first, 1, 0, error));
  bool text = first != '\0' && strchr("<\xef \t\r\n", first);
  if (!text && args->snapshot)
    return vmf_fail(error, VMF_USAGE,
                    "%s: snapshots are of a bundle: name its " PARALLELS_DESCRIPTOR,
                    image->io->name);
  if (!text && !args->bare)
    VMF_TRY(parallels_check_alone(image, error));
  VMF_TRY(text ? parallels_open_bundle(image, args->snapshot, error) : open_file(image, error));
  if (!state->in_use)
    return VMF_OK;
  if (!args->tolerate_dirty)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: the Parallels disk is in use, or was not closed: shut the machine down; "
                    "-U reads it as it is",
                    image->io->name);
  vmf_warn(image->log,
           "%s: the Parallels disk is in use, or was not closed: it is read as it is now",
           image->io->name);
  return VMF_OK;
}

static void parallels_close(struct vmf_image *image)
{
  struct parallels_state *state = image->state;

  for (size_t i = 0; i < state->layer_count; i++) {
    for (size_t k = 0; k < state->layers[i].count; k++) {
      struct vmf_io *io = state->layers[i].extents[k].io;
      if (!io || io == image->io)
        continue;
      vmf_page_cache_drop(image->cache, io);
      vmf_io_close(io);
    }
    vmf_free(state->layers[i].extents);
  }
  vmf_free(state->layers);
  vmf_io_close(state->descriptor);
}

/* Of all files; one whose extension is damaged counts none. */
static enum vmf_code count_bitmaps(const struct parallels_state *state, unsigned *all,
                                   struct vmf_error *error)
{
  *all = 0;
  for (size_t i = 0; i < state->layer_count; i++)
    for (size_t k = 0; k < state->layers[i].count; k++) {
      const struct parallels_extent *extent = &state->layers[i].extents[k];
      unsigned bitmaps = 0;

      if (!extent->io || extent->plain)
        continue;
      enum vmf_code code = parallels_read_extension(extent, &bitmaps, NULL, error);
      if (code != VMF_OK && code != VMF_CORRUPT)
        return code;
      *all += code == VMF_OK ? bitmaps : 0;
    }
  return VMF_OK;
}

static enum vmf_code parallels_info(struct vmf_image *image, struct vmf_value *summary,
                                    struct vmf_value *data, struct vmf_error *error)
{
  const struct parallels_state *state = image->state;
  unsigned bitmaps;

  VMF_TRY(count_bitmaps(state, &bitmaps, error));
  VMF_TRY(vmf_value_bool(summary, "dirty-flag", state->in_use, error));
  if (state->layer_count == 0) /* a bundle whose files could not be opened */
    return VMF_OK;
  VMF_TRY(vmf_value_text(data, "subformat",
                         state->bundle                        ? "bundle"
                         : state->layers->extents->header.ext ? "extended"
                                                              : "expanding",
                         error));
  if (state->bundle) {
    VMF_TRY(vmf_value_uint(data, "files", state->layer_count * state->layers->count, error));
    VMF_TRY(vmf_value_uint(data, "snapshots-below", state->layer_count - 1, error));
  }
  return bitmaps == 0 ? VMF_OK : vmf_value_uint(data, "bitmap-count", bitmaps, error);
}

static enum vmf_code parallels_losses(struct vmf_image *image, struct vmf_report *report,
                                      struct vmf_error *error)
{
  const struct parallels_state *state = image->state;
  unsigned bitmaps;

  VMF_TRY(count_bitmaps(state, &bitmaps, error));
  if (state->snapshots_left > 0)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-snapshots", image->io->name, 0,
                   "internal snapshots stay behind: %u; -l reads one of them",
                   state->snapshots_left);
  if (bitmaps > 0)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-bitmaps", image->io->name, 0,
                   "bitmaps of changed blocks stay behind: %u", bitmaps);
  return VMF_OK;
}

static const struct vmf_reader parallels_reader = {
    .snapshots = true,
    .state_size = sizeof(struct parallels_state),
    .probe = parallels_probe,
    .open = parallels_open,
    .close = parallels_close,
    .map = parallels_map,
    .info = parallels_info,
    .losses = parallels_losses,
    .check = parallels_check,
};

static const char *const suffixes[] = {"hds", NULL};

const struct vmf_format vmf_format_parallels = {
    .name = "parallels",
    .summary = "Parallels: expanding disks, bundles, snapshots",
    .suffixes = suffixes,
    .reader = &parallels_reader,
};
