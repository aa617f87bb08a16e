/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "parallels.h"

#include <string.h>

#include "checked.h"
#include "memory.h"

static int parallels_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= PARALLELS_MAGIC &&
                 (memcmp(probe->head, PARALLELS_OLD, PARALLELS_MAGIC) == 0 ||
                  memcmp(probe->head, PARALLELS_EXT, PARALLELS_MAGIC) == 0)
             ? 100
             : 0;
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

  VMF_TRY(open_file(image, error));
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

  for (size_t i = 0; i < state->layer_count; i++)
    vmf_free(state->layers[i].extents);
  vmf_free(state->layers);
}

/* Of all files; one whose extension is damaged counts none. */
static unsigned count_bitmaps(const struct parallels_state *state)
{
  unsigned all = 0, bitmaps;
  struct vmf_error ignored;

  for (size_t i = 0; i < state->layer_count; i++)
    for (size_t k = 0; k < state->layers[i].count; k++)
      if (parallels_read_extension(&state->layers[i].extents[k], &bitmaps, NULL, &ignored) ==
          VMF_OK)
        all += bitmaps;
  return all;
}

static enum vmf_code parallels_info(struct vmf_image *image, struct vmf_value *summary,
                                    struct vmf_value *data, struct vmf_error *error)
{
  const struct parallels_state *state = image->state;
  const struct parallels_header *header = &state->layers->extents->header;
  unsigned bitmaps = count_bitmaps(state);

  VMF_TRY(vmf_value_bool(summary, "dirty-flag", state->in_use, error));
  VMF_TRY(vmf_value_text(data, "subformat", header->ext ? "extended" : "expanding", error));
  return bitmaps == 0 ? VMF_OK : vmf_value_uint(data, "bitmap-count", bitmaps, error);
}

static enum vmf_code parallels_losses(struct vmf_image *image, struct vmf_report *report,
                                      struct vmf_error *error)
{
  unsigned bitmaps = count_bitmaps(image->state);

  (void)error;
  if (bitmaps > 0)
    vmf_report_add(report, VMF_SEVERITY_LOSS, "loss-bitmaps", image->io->name, 0,
                   "bitmaps of changed blocks stay behind: %u", bitmaps);
  return VMF_OK;
}

static const struct vmf_reader parallels_reader = {
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
    .summary = "Parallels: expanding disks",
    .suffixes = suffixes,
    .reader = &parallels_reader,
};
