/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vhdx.h"

#include <string.h>

#include "memory.h"
#include "zero.h"

static int vhdx_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= 8 && memcmp(probe->head, "vhdxfile", 8) == 0 ? 100 : 0;
}

static enum vmf_code load_log(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  struct vhdx_state *state = image->state;

  state->io = image->io;
  state->log_dirty = !vmf_is_zero(state->header.log_guid, VMF_GUID_SIZE);
  if (!state->log_dirty)
    return VMF_OK;
  if (args->no_replay)
    return vmf_fail(error, VMF_REFUSED,
                    "%s: was not closed: its log has to be written back first, which --no-replay "
                    "forbids; without it that is done in memory, and the file stays as it is",
                    image->io->name);
  return vhdx_replay(image, error);
}

static enum vmf_code vhdx_open(struct vmf_image *image, const struct vmf_open_args *args,
                               struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;

  VMF_TRY(vhdx_load_headers(image, error));
  VMF_TRY(load_log(image, args, error));
  VMF_TRY(vhdx_load_regions(image, error));
  VMF_TRY(vhdx_load_metadata(image, error));
  return state->metadata.has_parent ? vhdx_find_parent(image, error) : VMF_OK;
}

static void vhdx_close(struct vmf_image *image)
{
  struct vhdx_state *state = image->state;

  if (state->patched)
    vmf_page_cache_drop(image->cache, state->patched);
  vmf_io_close(state->patched);
}

static enum vmf_code vhdx_check_parent(const struct vmf_image *image,
                                       const struct vmf_image *parent, struct vmf_error *error)
{
  const struct vhdx_state *child = image->state, *state = parent->state;
  const uint8_t *id = state->header.data_write_guid;
  char expected[VMF_GUID_TEXT], found[VMF_GUID_TEXT];

  if (parent->format != &vmf_format_vhdx)
    return vmf_fail(error, VMF_CORRUPT, "%s: the parent of a differencing VHDX is no VHDX",
                    parent->io->name);
  vhdx_guid_text(child->linkage, expected);
  vhdx_guid_text(id, found);
  if (vmf_is_zero(id, VMF_GUID_SIZE) || (memcmp(child->linkage, id, VMF_GUID_SIZE) != 0 &&
                                         memcmp(child->linkage2, id, VMF_GUID_SIZE) != 0))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: was made on the data with id %s, but its parent %s has id %s",
                    image->io->name, expected, parent->io->name, found);
  if (child->metadata.logical_sector != state->metadata.logical_sector)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: has logical sectors of %u bytes, but its parent %s has such of %u",
                    image->io->name, child->metadata.logical_sector, parent->io->name,
                    state->metadata.logical_sector);
  return VMF_OK;
}

static enum vmf_code add_guid(struct vmf_value *data, const char *key,
                              const uint8_t guid[VMF_GUID_SIZE], struct vmf_error *error)
{
  char text[VMF_GUID_TEXT];

  if (vmf_is_zero(guid, VMF_GUID_SIZE))
    return VMF_OK;
  vhdx_guid_text(guid, text);
  return vmf_value_text(data, key, text, error);
}

static enum vmf_code vhdx_info(struct vmf_image *image, struct vmf_value *summary,
                               struct vmf_value *data, struct vmf_error *error)
{
  const struct vhdx_state *state = image->state;
  const struct vhdx_metadata *metadata = &state->metadata;
  const char *subformat = metadata->has_parent ? "differencing"
                          : metadata->fixed    ? "fixed"
                                               : "dynamic";

  VMF_TRY(vmf_value_bool(summary, "dirty-flag", state->log_dirty, error));
  VMF_TRY(vmf_value_text(data, "subformat", subformat, error));
  VMF_TRY(vmf_value_uint(data, "block-size", metadata->block_size, error));
  VMF_TRY(vmf_value_uint(data, "logical-sector-size", metadata->logical_sector, error));
  VMF_TRY(vmf_value_uint(data, "physical-sector-size", metadata->physical_sector, error));
  VMF_TRY(vmf_value_uint(data, "log-size", state->header.log_length, error));
  if (state->log_dirty)
    VMF_TRY(vmf_value_uint(data, "log-entries", state->log_entries, error));
  VMF_TRY(add_guid(data, "page83", metadata->page83, error));
  VMF_TRY(add_guid(data, "data-write-guid", state->header.data_write_guid, error));
  VMF_TRY(add_guid(data, "parent-linkage", state->linkage, error));
  return VMF_OK;
}

static const struct vmf_reader vhdx_reader = {
    .state_size = sizeof(struct vhdx_state),
    .probe = vhdx_probe,
    .open = vhdx_open,
    .close = vhdx_close,
    .map = vhdx_map,
    .check_parent = vhdx_check_parent,
    .info = vhdx_info,
    .check = vhdx_check,
};

static const char *const vhdx_aliases[] = {NULL};
static const char *const vhdx_suffixes[] = {"vhdx", "avhdx", NULL};

const struct vmf_format vmf_format_vhdx = {
    .name = "vhdx",
    .summary = "Hyper-V, Azure Stack, WSL: fixed, dynamic, differencing",
    .aliases = vhdx_aliases,
    .suffixes = vhdx_suffixes,
    .reader = &vhdx_reader,
    .writer = &vhdx_writer,
    .updater = &vhdx_updater,
};
