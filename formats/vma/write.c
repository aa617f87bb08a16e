/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Writing the extents of one disk, in its order: an extent for each 2 MiB that hold data, without
 * their blocks of zeros, and between them extents that list clusters of zeros. With the header of
 * an archive before them, unless there is one already. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "checked.h"
#include "vma_header.h"

enum {
  UNIT = 2 << 20,
  CLUSTERS = UNIT / VMA_CLUSTER,
  EXTENTS_AT_ONCE = 64, /* of zeros */
};

struct vma_options {
  uint64_t device;
  char *archive;
};

struct writer_state {
  uint8_t uuid[VMA_UUID_SIZE];
  uint8_t device;
  uint64_t at;      /* in the file: where the next extent goes */
  uint64_t cluster; /* the first that is not listed yet */
};

static enum vmf_code vma_shape(const void *values, uint64_t guest_size, bool compress, bool backing,
                               struct vmf_shape *shape, struct vmf_error *error)
{
  const struct vma_options *options = values;
  uint8_t uuid[VMA_UUID_SIZE];

  if (compress)
    return vmf_fail(error, VMF_USAGE,
                    "format vma has no compression; zstd packs all of it, as Proxmox VE does");
  if (backing)
    return vmf_fail(error, VMF_UNSUPPORTED, "a VMA has no backing file; qcow2 has overlays");
  if (options->archive && !vmf_guid_parse(options->archive, uuid))
    return vmf_fail(error, VMF_USAGE, "format vma: archive=%.80s is no UUID", options->archive);
  if (guest_size == 0 || guest_size > VMA_DEVICE_SIZE_MAX)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "format vma cannot hold a disk of %" PRIu64 " bytes: 1 to %" PRIu64
                    " (256 TiB) are possible",
                    guest_size, VMA_DEVICE_SIZE_MAX);
  *shape = (struct vmf_shape){
      .layout = VMF_ORDERED, .unit = UNIT, .hole = VMA_BLOCK, .head_bytes = VMA_EXTENT_HEADER};
  return VMF_OK;
}

/* As if no block of a unit were zeros; before each may stand an extent of zeros that is not full.
 */
static enum vmf_code vma_measure(const void *values, const struct vmf_shape *shape,
                                 uint64_t guest_size, const struct vmf_plan *plan, uint64_t *bytes,
                                 struct vmf_error *error)
{
  uint64_t units = vmf_div_up(guest_size, UNIT), clusters = vmf_div_up(guest_size, VMA_CLUSTER);

  (void)values;
  (void)shape;
  if (plan)
    VMF_TRY(vmf_plan_count(plan, UNIT, &units, error));
  *bytes = VMA_HEADER_MIN + 2 * VMA_EXTENT_HEADER + units * (UNIT + 2 * VMA_EXTENT_HEADER) +
           (clusters / VMA_SLOTS_WRITTEN + 1) * VMA_EXTENT_HEADER;
  return VMF_OK;
}

/* An archive of its own: the machine has Proxmox's defaults, and this disk. */
static enum vmf_code write_header(struct vmf_target *target, struct vmf_error *error)
{
  struct writer_state *state = target->state;
  const struct vmf_container_disk disk = {.id = "drive-scsi0", .size = target->guest_size};
  char text[256];
  uint32_t length;
  int used = snprintf(text, sizeof(text),
                      "cores: 1\nmemory: 512\nscsi0: local:100/vm-100-disk-0.raw,size=%" PRIu64
                      "\nscsihw: virtio-scsi-pci\nsockets: 1\n"
                      "#qmdump#map:scsi0:drive-scsi0:local:raw:\n",
                      target->guest_size);
  const struct vmf_contents contents = {.disks = &disk,
                                        .disk_count = 1,
                                        .text_name = "qemu-server.conf",
                                        .text = text,
                                        .text_length = (size_t)used};

  VMF_TRY(vmf_identity_guid(target->identity, "vma", state->uuid, error));
  VMF_TRY(
      vma_write_header(target->io, &contents, state->uuid, target->identity->time, &length, error));
  state->device = 1;
  state->at = length;
  return VMF_OK;
}

static enum vmf_code vma_begin(struct vmf_target *target, const struct vmf_plan *plan,
                               struct vmf_error *error)
{
  const struct vma_options *options = target->options;
  struct writer_state *state = target->state;

  (void)plan;
  if (!options->archive || !vmf_guid_parse(options->archive, state->uuid))
    return write_header(target, error);
  state->device = (uint8_t)options->device;
  return VMF_OK;
}

static enum vmf_code vma_wrap(const struct vmf_target *target, struct vmf_block *block,
                              struct vmf_error *error)
{
  const struct writer_state *state = target->state;
  struct vma_slot slots[CLUSTERS];
  unsigned count = (unsigned)vmf_div_up(block->length, VMA_CLUSTER);

  (void)error;
  for (unsigned i = 0; i < count; i++) {
    const uint8_t *bits = block->stored + 2 * (size_t)i;
    slots[i] = (struct vma_slot){.device = state->device,
                                 .mask = (uint16_t)(bits[0] | bits[1] << 8),
                                 .cluster = (uint32_t)(block->guest / VMA_CLUSTER + i)};
  }
  vma_extent_encode(state->uuid, slots, count, block->head);
  block->head_length = VMA_EXTENT_HEADER;
  return VMF_OK;
}

/* An extent that lists clusters of zeros, up to `end` if it holds so many. */
static void list_zeros(struct writer_state *state, uint64_t end, uint8_t raw[VMA_EXTENT_HEADER])
{
  struct vma_slot slots[VMA_SLOTS_WRITTEN];
  unsigned count = 0;

  for (; count < VMA_SLOTS_WRITTEN && state->cluster < end; count++, state->cluster++)
    slots[count] = (struct vma_slot){.device = state->device, .cluster = (uint32_t)state->cluster};
  vma_extent_encode(state->uuid, slots, count, raw);
}

static enum vmf_code write_zeros(struct vmf_target *target, uint64_t end, struct vmf_error *error)
{
  struct writer_state *state = target->state;
  uint8_t raw[EXTENTS_AT_ONCE * VMA_EXTENT_HEADER];

  while (state->cluster < end) {
    size_t length = 0;
    for (; length < sizeof(raw) && state->cluster < end; length += VMA_EXTENT_HEADER)
      list_zeros(state, end, raw + length);
    VMF_TRY(vmf_io_pwrite(target->io, raw, length, state->at, error));
    state->at += length;
  }
  return VMF_OK;
}

static enum vmf_code vma_place(struct vmf_target *target, struct vmf_block *block,
                               struct vmf_error *error)
{
  struct writer_state *state = target->state;

  VMF_TRY(write_zeros(target, block->guest / VMA_CLUSTER, error));
  block->host = state->at;
  state->at += block->head_length + block->data_length;
  state->cluster += vmf_div_up(block->length, VMA_CLUSTER);
  return VMF_OK;
}

static enum vmf_code vma_finish(struct vmf_target *target, struct vmf_error *error)
{
  return write_zeros(target, vmf_div_up(target->guest_size, VMA_CLUSTER), error);
}

static void vma_release(struct vmf_target *target)
{
  (void)target;
}

static const struct vmf_option vma_option_table[] = {
    {.name = "device",
     .help = "number of the disk in the archive",
     .type = VMF_OPTION_UINT,
     .offset = offsetof(struct vma_options, device),
     .initial = "1",
     .min = 1,
     .max = VMA_DEVICES - 1},
    {.name = "archive",
     .help = "its UUID, where its header was written before: only the data of the disk is written",
     .type = VMF_OPTION_TEXT,
     .offset = offsetof(struct vma_options, archive)},
};

const struct vmf_writer vma_writer = {
    .options = {vma_option_table, 2, sizeof(struct vma_options)},
    .state_size = sizeof(struct writer_state),
    .shape = vma_shape,
    .measure = vma_measure,
    .begin = vma_begin,
    .wrap = vma_wrap,
    .place = vma_place,
    .finish = vma_finish,
    .release = vma_release,
};
