/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vdi.h"

#include <string.h>

#include "bytes.h"

static int vdi_probe(const struct vmf_probe *probe)
{
  return probe->head_length >= VDI_HEADER_OFFSET &&
                 get_le32(probe->head + VDI_SIGNATURE_OFFSET) == VDI_SIGNATURE
             ? 100
             : 0;
}

static enum vmf_code vdi_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  (void)args;
  return vdi_load(image, error);
}

static void vdi_close(struct vmf_image *image)
{
  (void)image;
}

static enum vmf_code vdi_check_parent(const struct vmf_image *image, const struct vmf_image *parent,
                                      struct vmf_error *error)
{
  const struct vdi_header *child = &((const struct vdi_state *)image->state)->header;
  const struct vdi_header *found = &((const struct vdi_state *)parent->state)->header;
  char expected[VMF_GUID_TEXT], is[VMF_GUID_TEXT];

  if (parent->format != &vmf_format_vdi)
    return vmf_fail(error, VMF_CORRUPT, "%s: the parent of a differencing VDI is no VDI",
                    parent->io->name);
  if (memcmp(child->parent_uuid, found->uuid, VMF_GUID_SIZE) != 0) {
    vmf_guid_text(child->parent_uuid, expected);
    vmf_guid_text(found->uuid, is);
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: was made on the disk with UUID %s, but its parent %s has UUID %s",
                    image->io->name, expected, parent->io->name, is);
  }
  if (memcmp(child->parent_modified, found->modified, VMF_GUID_SIZE) != 0)
    return vmf_fail(error, VMF_CHANGED,
                    "%s: its parent %s was written to since (their modification UUIDs differ)",
                    image->io->name, parent->io->name);
  return VMF_OK;
}

static enum vmf_code add_uuid(struct vmf_value *data, const char *key,
                              const uint8_t uuid[VMF_GUID_SIZE], struct vmf_error *error)
{
  char text[VMF_GUID_TEXT];
  vmf_guid_text(uuid, text);
  return vmf_value_text(data, key, text, error);
}

static enum vmf_code vdi_info(struct vmf_image *image, struct vmf_value *summary,
                              struct vmf_value *data, struct vmf_error *error)
{
  static const char *const types[] = {[VDI_NORMAL] = "dynamic",
                                      [VDI_FIXED] = "fixed",
                                      [VDI_UNDO] = "undo",
                                      [VDI_DIFFERENCING] = "differencing"};
  const struct vdi_state *state = image->state;
  const struct vdi_header *header = &state->header;

  (void)summary;
  VMF_TRY(vmf_value_text(data, "subformat", types[header->type], error));
  VMF_TRY(vmf_value_uint(data, "blocks-allocated", header->blocks_allocated, error));
  VMF_TRY(add_uuid(data, "uuid", header->uuid, error));
  return state->has_parent ? add_uuid(data, "parent-uuid", header->parent_uuid, error) : VMF_OK;
}

static const struct vmf_reader vdi_reader = {
    .state_size = sizeof(struct vdi_state),
    .probe = vdi_probe,
    .open = vdi_open,
    .close = vdi_close,
    .map = vdi_map,
    .check_parent = vdi_check_parent,
    .info = vdi_info,
    .check = vdi_check,
};

static const char *const vdi_suffixes[] = {"vdi", NULL};

const struct vmf_format vmf_format_vdi = {
    .name = "vdi",
    .summary = "VirtualBox: dynamic, fixed, differencing",
    .suffixes = vdi_suffixes,
    .reader = &vdi_reader,
    .writer = &vdi_writer,
    .updater = &vdi_updater,
};
