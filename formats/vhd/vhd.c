/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "vhd.h"

#include <stddef.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"

static bool ends_with_footer(const struct vmf_probe *probe, size_t length)
{
  uint8_t raw[VHD_FOOTER_SIZE] = {0};
  if (probe->tail_length < length)
    return false;
  memcpy(raw, probe->tail + probe->tail_length - length, length);
  return memcmp(raw, "conectix", 8) == 0 && get_be32(raw + 64) == vhd_sum(raw, sizeof(raw), 64);
}

static int vhd_probe(const struct vmf_probe *probe)
{
  bool starts = probe->head_length >= 8 && memcmp(probe->head, "conectix", 8) == 0;
  return starts || ends_with_footer(probe, VHD_FOOTER_SIZE) ||
                 ends_with_footer(probe, VHD_OLD_FOOTER_SIZE)
             ? 100
             : 0;
}

static enum vmf_code vhd_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  const struct vhd_state *state = image->state;
  VMF_TRY(vhd_load(image, args->options, error));
  return state->footer.type == VHD_DIFFERENCING ? vhd_find_parent(image, error) : VMF_OK;
}

static void vhd_close(struct vmf_image *image)
{
  (void)image;
}

static enum vmf_code vhd_check_parent(const struct vmf_image *image, const struct vmf_image *parent,
                                      struct vmf_error *error)
{
  const struct vhd_state *child = image->state, *state = parent->state;
  char expected[VMF_GUID_TEXT], found[VMF_GUID_TEXT];

  if (parent->format != &vmf_format_vhd)
    return vmf_fail(error, VMF_CORRUPT, "%s: the parent of a differencing VHD is no VHD",
                    parent->io->name);
  vmf_guid_text(child->header.parent_uuid, expected);
  vmf_guid_text(state->footer.uuid, found);
  if (memcmp(child->header.parent_uuid, state->footer.uuid, VMF_GUID_SIZE) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: was made on the disk with UUID %s, but its parent %s has UUID %s",
                    image->io->name, expected, parent->io->name, found);
  return VMF_OK;
}

static enum vmf_code vhd_info(struct vmf_image *image, struct vmf_value *summary,
                              struct vmf_value *data, struct vmf_error *error)
{
  static const char *const types[] = {
      [VHD_FIXED] = "fixed", [VHD_DYNAMIC] = "dynamic", [VHD_DIFFERENCING] = "differencing"};
  const struct vhd_footer *footer = &((const struct vhd_state *)image->state)->footer;
  char uuid[VMF_GUID_TEXT], creator[5] = {0};

  (void)summary;
  for (int i = 0; i < 4; i++)
    creator[i] = footer->creator[i] > ' ' && footer->creator[i] < 127 ? footer->creator[i] : ' ';
  for (int i = 3; i >= 0 && creator[i] == ' '; i--)
    creator[i] = '\0';
  vmf_guid_text(footer->uuid, uuid);
  VMF_TRY(vmf_value_text(data, "subformat", types[footer->type], error));
  VMF_TRY(vmf_value_text(data, "creator", creator, error));
  return vmf_value_text(data, "uuid", uuid, error);
}

static const char *const size_calcs[] = {
    [VHD_SIZE_AUTO] = "auto",
    [VHD_SIZE_GEOMETRY] = "chs",
    [VHD_SIZE_CURRENT] = "current_size",
    NULL,
};

static const struct vmf_option vhd_reading_table[] = {
    {.name = "force_size_calc",
     .help = "which of the footer's sizes the disk has; auto: by the program that made it",
     .type = VMF_OPTION_CHOICE,
     .offset = offsetof(struct vhd_reading, size_calc),
     .choices = size_calcs,
     .initial = "auto"},
};

static const struct vmf_reader vhd_reader = {
    .ends_in_footer = true,
    .options = {vhd_reading_table, 1, sizeof(struct vhd_reading)},
    .state_size = sizeof(struct vhd_state),
    .probe = vhd_probe,
    .open = vhd_open,
    .close = vhd_close,
    .map = vhd_map,
    .check_parent = vhd_check_parent,
    .info = vhd_info,
    .check = vhd_check,
};

static const char *const vhd_aliases[] = {"vhd", NULL};
static const char *const vhd_suffixes[] = {"vhd", "vpc", NULL};

const struct vmf_format vmf_format_vhd = {
    .name = "vpc", /* what qemu-img calls it */
    .seed_name = "vhd",
    .summary = "Virtual PC, Hyper-V, Azure, XenServer: fixed, dynamic, differencing",
    .aliases = vhd_aliases,
    .suffixes = vhd_suffixes,
    .reader = &vhd_reader,
    .writer = &vhd_writer,
    .updater = &vhd_updater,
};
