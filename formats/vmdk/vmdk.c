/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The VMDK reader: which of its shapes a file has, the link to a parent, and the way from a guest
 * offset to an extent. */
#include "vmdk.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "extent.h"
#include "memory.h"
#include "text.h"
#include "zero.h"

/* ---- what a file is ---- */

enum vmdk_shape { VMDK_SHAPE_TEXT, VMDK_SHAPE_SPARSE, VMDK_SHAPE_COWD, VMDK_SHAPE_SESPARSE };

static enum vmdk_shape vmdk_shape_of(const uint8_t *head, size_t length)
{
  if (length >= 8 && get_le32(head) == VMDK_SPARSE_MAGIC)
    return VMDK_SHAPE_SPARSE;
  if (length >= 8 && get_le32(head) == VMDK_COWD_MAGIC)
    return VMDK_SHAPE_COWD;
  if (length >= 16 && get_le64(head) == VMDK_SESPARSE_MAGIC)
    return VMDK_SHAPE_SESPARSE;
  return VMDK_SHAPE_TEXT;
}

/* A version that is not known is still a VMDK, and refused by name when it is opened. */
static int vmdk_probe(const struct vmf_probe *probe)
{
  switch (vmdk_shape_of(probe->head, probe->head_length)) {
  case VMDK_SHAPE_SPARSE:
  case VMDK_SHAPE_COWD:
    return get_le32(probe->head + VMDK_SPARSE_VERSION_AT) < 256 ? 100 : 0;
  case VMDK_SHAPE_SESPARSE:
    return get_le64(probe->head + VMDK_SESPARSE_VERSION_AT) == VMDK_SESPARSE_VERSION ? 100 : 0;
  case VMDK_SHAPE_TEXT:
    break;
  }
  return vmdk_descriptor_probe(probe->head, probe->head_length) ? 100 : 0;
}

/* ---- open ---- */

static enum vmf_code vmdk_read_descriptor(struct vmf_image *image, uint64_t offset, uint64_t length,
                                          uint8_t **bytes, struct vmf_error *error)
{
  void *block;
  if (length > image->limits->descriptor)
    return vmf_fail(error, VMF_LIMIT, "%s: descriptor of %" PRIu64 " bytes, accepted are %" PRIu32,
                    image->io->name, length, image->limits->descriptor);
  if (!vmf_range_within(offset, length, image->io->size))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: descriptor of %" PRIu64 " bytes at byte %" PRIu64
                    " reaches beyond the end of the file, %" PRIu64,
                    image->io->name, length, offset, image->io->size);
  VMF_TRY(vmf_alloc((size_t)length, &block, error));
  *bytes = block;
  return vmf_io_pread(image->io, block, (size_t)length, offset, error);
}

/* Disks on raw devices; every other createType says nothing that the extents do not say. */
static enum vmf_code vmdk_check_type(const char *name, const struct vmdk_descriptor *descriptor,
                                     struct vmf_error *error)
{
  static const char *const devices[] = {
      "fullDevice",       "partitionedDevice",          "vmfsRaw", "vmfsRDM", "vmfsRDMP",
      "vmfsRawDeviceMap", "vmfsPassthroughRawDeviceMap"};
  for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
    if (descriptor->create_type != NULL &&
        vmf_text_equal_nocase(descriptor->create_type, devices[i]))
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "%s: createType \"%s\": its data is on a raw device, not in a file", name,
                      descriptor->create_type);
  }
  return VMF_OK;
}

/* The hint may be a path of another machine. */
static enum vmf_code vmdk_set_parent(struct vmf_image *image,
                                     const struct vmdk_descriptor *descriptor,
                                     struct vmf_error *error)
{
  struct vmf_parent_link *link = &image->parent_link;
  bool hint = descriptor->parent_hint != NULL && descriptor->parent_hint[0] != '\0';
  if (descriptor->parent_cid == VMDK_CID_NONE && !hint)
    return VMF_OK;
  if (descriptor->parent_cid == VMDK_CID_NONE)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: descriptor: parentFileNameHint=\"%s\" without a parentCID",
                    image->io->name, descriptor->parent_hint);
  if (!hint)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: descriptor: parentCID=%08" PRIx32 ", but no parentFileNameHint says which "
                    "file the parent is",
                    image->io->name, descriptor->parent_cid);
  VMF_TRY(vmf_copy_text("vmdk", &link->format, error));
  VMF_TRY(vmf_copy_text(descriptor->parent_hint, &link->names[0], error));
  link->count = 1;
  for (char *c = link->names[0]; *c != '\0'; c++) {
    if (*c == '\\')
      *c = '/';
  }
  return VMF_OK;
}

static enum vmf_code vmdk_parse(struct vmf_image *image, const uint8_t *bytes, size_t length,
                                struct vmf_error *error)
{
  struct vmdk_disk *disk = image->state;
  VMF_TRY(vmdk_descriptor_parse(image->io->name, bytes, length, image->limits, &disk->descriptor,
                                error));
  VMF_TRY(vmdk_check_type(image->io->name, &disk->descriptor, error));
  return vmdk_set_parent(image, &disk->descriptor, error);
}

/* Zeros may fill its file up; anything else behind them may be extents. */
static void vmdk_warn_behind(const struct vmf_image *image, const uint8_t *bytes, size_t length)
{
  const uint8_t *end = length > 0 ? memchr(bytes, '\0', length) : NULL;
  size_t at = end != NULL ? (size_t)(end - bytes) : length;
  if (!vmf_is_zero(bytes + at, length - at))
    vmf_warn(image->log, "%s: descriptor: a NUL at byte %zu ends it: what comes behind is not read",
             image->io->name, at);
}

static enum vmf_code vmdk_open_text(struct vmf_image *image, struct vmf_error *error)
{
  VMF_AUTO_FREE uint8_t *head = NULL, *bytes = NULL;
  uint64_t length = vmf_min(image->io->size, VMF_PROBE_BYTES);
  VMF_TRY(vmdk_read_descriptor(image, 0, length, &head, error));
  if (!vmdk_descriptor_probe(head, (size_t)length))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: neither a sparse header nor a descriptor (\"%s\") at the start",
                    image->io->name, VMDK_DESCRIPTOR_FIRST_LINE);
  VMF_TRY(vmdk_read_descriptor(image, 0, image->io->size, &bytes, error));
  vmdk_warn_behind(image, bytes, (size_t)image->io->size);
  VMF_TRY(vmdk_parse(image, bytes, (size_t)image->io->size, error));
  return vmdk_extents_open(image, error);
}

/* An extent without its descriptor: nobody knows whether it has a parent. */
static enum vmf_code vmdk_open_bare(struct vmf_image *image, const struct vmf_open_args *args,
                                    enum vmdk_extent_type type, struct vmf_error *error)
{
  struct vmdk_disk *disk = image->state;
  disk->descriptor.parent_cid = VMDK_CID_NONE;
  if (!args->bare && !args->has_parent)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: a %s extent alone: its descriptor is missing, the small .vmdk file that "
                    "names it, the disk's other extents, and the parent of a snapshot; open that "
                    "one, or use --bare to take this extent for a whole disk",
                    image->io->name, vmdk_type_name(type));
  if (!args->has_parent)
    vmf_warn(image->log,
             "%s: a %s extent without its descriptor is taken for a whole disk: other extents are "
             "left out, and what a parent holds reads as zeros",
             image->io->name, vmdk_type_name(type));
  return vmdk_extents_single(image, type, NULL, error);
}

enum vmf_code vmdk_embedded_place(const char *name, const struct vmdk_header *header,
                                  uint64_t *offset, uint64_t *length, struct vmf_error *error)
{
  if (!vmf_mul(header->descriptor_offset, VMDK_SECTOR, offset) ||
      !vmf_mul(header->descriptor_size, VMDK_SECTOR, length))
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: sparse header: descriptor of %" PRIu64 " sectors at sector %" PRIu64, name,
                    header->descriptor_size, header->descriptor_offset);
  return VMF_OK;
}

/* Its descriptor names the file itself, under the name that it had when it was made. */
enum vmf_code vmdk_embedded_check(const char *name, const struct vmdk_descriptor *descriptor,
                                  struct vmf_error *error)
{
  VMF_TRY(vmdk_check_type(name, descriptor, error));
  if (descriptor->extent_count != 1 || descriptor->extents[0].type != VMDK_TYPE_SPARSE)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: embedded descriptor: %u extents, the first %s; expected one SPARSE extent",
                    name, descriptor->extent_count, vmdk_type_name(descriptor->extents[0].type));
  return VMF_OK;
}

/* A disk in one file. */
static enum vmf_code vmdk_open_sparse(struct vmf_image *image, const struct vmf_open_args *args,
                                      struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  const struct vmdk_descriptor *descriptor = &disk->descriptor;
  struct vmdk_header header;
  VMF_AUTO_FREE uint8_t *bytes = NULL;
  uint64_t offset = 0, length = 0;
  VMF_TRY(vmdk_sparse_header_read(image->io, &header, error));
  VMF_TRY(vmdk_embedded_place(image->io->name, &header, &offset, &length, error));
  if (offset != 0)
    VMF_TRY(vmdk_read_descriptor(image, offset, length, &bytes, error));
  if (offset == 0 || vmdk_descriptor_empty(bytes, (size_t)length))
    return vmdk_open_bare(image, args, VMDK_TYPE_SPARSE, error);
  VMF_TRY(vmdk_parse(image, bytes, (size_t)length, error));
  VMF_TRY(vmdk_embedded_check(image->io->name, descriptor, error));
  return vmdk_extents_single(image, VMDK_TYPE_SPARSE, &descriptor->extents[0], error);
}

static enum vmf_code vmdk_open_shape(struct vmf_image *image, const struct vmf_open_args *args,
                                     struct vmf_error *error)
{
  uint8_t head[16];
  size_t length = (size_t)vmf_min(sizeof head, image->io->size);
  if (args->snapshot != NULL)
    return vmf_fail(error, VMF_USAGE, "%s: a VMDK has no internal snapshots", image->io->name);
  VMF_TRY(vmf_io_pread(image->io, head, length, 0, error));
  switch (vmdk_shape_of(head, length)) {
  case VMDK_SHAPE_SPARSE:
    return vmdk_open_sparse(image, args, error);
  case VMDK_SHAPE_COWD:
    return vmdk_open_bare(image, args, VMDK_TYPE_VMFSSPARSE, error);
  case VMDK_SHAPE_SESPARSE: /* neither has a descriptor inside */
    return vmdk_open_bare(image, args, VMDK_TYPE_SESPARSE, error);
  case VMDK_SHAPE_TEXT:
    break;
  }
  return vmdk_open_text(image, error);
}

static enum vmf_code vmdk_open(struct vmf_image *image, const struct vmf_open_args *args,
                               struct vmf_error *error)
{
  struct vmdk_disk *disk = image->state;
  VMF_TRY(vmdk_open_shape(image, args, error));
  disk->whole = true;
  return VMF_OK;
}

static void vmdk_close(struct vmf_image *image)
{
  struct vmdk_disk *disk = image->state;
  vmdk_extents_close(image);
  vmdk_descriptor_release(&disk->descriptor);
}

/* ---- map, parent, info ---- */

enum { RUNS_LOOKED_AT = 4 << 20 };

static enum vmf_code vmdk_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                              struct vmf_error *error)
{
  const struct vmdk_extent *extent = vmdk_extent_at(image->state, guest);
  *run = (struct vmf_run){.guest = extent->guest, .length = extent->length, .kind = VMF_RUN_ZERO};
  if (extent->kind == VMDK_EXTENT_ZERO)
    return VMF_OK;
  if (extent->kind == VMDK_EXTENT_FLAT) {
    run->kind = VMF_RUN_PLAIN;
    run->io = extent->io;
    run->offset = extent->host;
    return VMF_OK;
  }
  VMF_TRY(vmdk_grains_map(extent, image->cache, guest - extent->guest, run, error));
  run->length = vmf_min(run->length, extent->length - run->guest);
  run->guest += extent->guest;
  return VMF_OK;
}

bool vmdk_content_id(const struct vmf_image *image, uint32_t *cid)
{
  const struct vmdk_disk *disk = image->state;
  if (image->format->reader != &vmdk_reader || disk->descriptor.extent_count == 0 ||
      disk->descriptor.cid == VMDK_CID_NONE)
    return false;
  *cid = disk->descriptor.cid;
  return true;
}

static enum vmf_code vmdk_check_parent(const struct vmf_image *image,
                                       const struct vmf_image *parent, struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  if (parent->format->reader != &vmdk_reader)
    return vmf_fail(error, VMF_CORRUPT, "%s: parent %s is %s, expected vmdk", image->io->name,
                    parent->io->name, parent->format->name);
  const struct vmdk_disk *below = parent->state;
  if (below->descriptor.cid != disk->descriptor.parent_cid)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: parentCID=%08" PRIx32 ", but the parent %s has CID=%08" PRIx32
                    ": it was changed since, or is another disk",
                    image->io->name, disk->descriptor.parent_cid, parent->io->name,
                    below->descriptor.cid);
  return VMF_OK;
}

/* name: as the descriptor has it, for one that is not open; or NULL. */
static enum vmf_code vmdk_info_extent(const struct vmdk_extent *extent, const char *name,
                                      struct vmf_value *list, struct vmf_error *error)
{
  struct vmf_value *item;
  VMF_TRY(vmf_value_add(list, VMF_VALUE_OBJECT, NULL, &item, error));
  VMF_TRY(vmf_value_uint(item, "virtual-size", extent->length, error));
  if (extent->io != NULL)
    VMF_TRY(vmf_value_text(item, "filename", extent->io->name, error));
  else if (name != NULL)
    VMF_TRY(vmf_value_text(item, "filename", name, error));
  if (extent->kind == VMDK_EXTENT_GRAINS)
    VMF_TRY(vmf_value_uint(item, "cluster-size", extent->grains.grain, error));
  VMF_TRY(vmf_value_text(item, "format", extent->type, error));
  if (extent->kind == VMDK_EXTENT_GRAINS && extent->grains.packed)
    VMF_TRY(vmf_value_bool(item, "compressed", true, error));
  return VMF_OK;
}

/* All that the tables name lies in the file: one that was cut short is told here, not only when it
 * is read. A packed extent has a footer for that. A directory may name one table a million times:
 * *runs are those that were looked at, of all extents. */
static enum vmf_code vmdk_check_whole(const struct vmf_image *image,
                                      const struct vmdk_extent *extent, uint32_t *runs,
                                      struct vmf_error *error)
{
  uint64_t guest = 0;
  while (extent->kind == VMDK_EXTENT_GRAINS && !extent->grains.packed && guest < extent->length &&
         *runs < RUNS_LOOKED_AT) {
    struct vmf_run run = {0};
    if (++*runs == RUNS_LOOKED_AT)
      vmf_warn(image->log,
               "%s: is in more than %d pieces: its tables were not looked at to their end, check "
               "does that",
               image->io->name, RUNS_LOOKED_AT);
    VMF_TRY(vmdk_grains_map(extent, image->cache, guest, &run, error));
    guest = run.guest + run.length;
  }
  return VMF_OK;
}

static enum vmf_code vmdk_info(struct vmf_image *image, struct vmf_value *summary,
                               struct vmf_value *data, struct vmf_error *error)
{
  const struct vmdk_disk *disk = image->state;
  const struct vmdk_descriptor *descriptor = &disk->descriptor;
  struct vmf_value *list;
  bool unclean = false;
  uint32_t runs = 0;
  for (unsigned i = 0; i < disk->extent_count; i++) {
    if (disk->whole)
      VMF_TRY(vmdk_check_whole(image, &disk->extents[i], &runs, error));
    unclean = unclean || disk->extents[i].unclean;
  }
  VMF_TRY(vmf_value_bool(summary, "dirty-flag", unclean, error));
  VMF_TRY(vmf_value_uint(data, "cid", descriptor->cid, error));
  VMF_TRY(vmf_value_uint(data, "parent-cid", descriptor->parent_cid, error));
  VMF_TRY(vmf_value_text(data, "create-type",
                         descriptor->create_type != NULL ? descriptor->create_type : "", error));
  VMF_TRY(vmf_value_add(data, VMF_VALUE_LIST, "extents", &list, error));
  for (unsigned i = 0; i < disk->extent_count; i++) {
    const char *name = i < descriptor->extent_count ? descriptor->extents[i].name : NULL;
    VMF_TRY(vmdk_info_extent(&disk->extents[i], name, list, error));
  }
  return VMF_OK;
}

const struct vmf_reader vmdk_reader = {
    .packs = true,
    .state_size = sizeof(struct vmdk_disk),
    .probe = vmdk_probe,
    .open = vmdk_open,
    .close = vmdk_close,
    .map = vmdk_map,
    .unwrap = vmdk_stream_unwrap,
    .check_parent = vmdk_check_parent,
    .info = vmdk_info,
    .check = vmdk_audit,
};

static const char *const suffixes[] = {"vmdk", NULL};
static const char *const aliases[] = {NULL};

extern const struct vmf_format vmf_format_vmdk;
const struct vmf_format vmf_format_vmdk = {
    .name = "vmdk",
    .summary = "VMware disk: hosted (sparse, flat, split), streamOptimized, and ESXi's vmfs, "
               "vmfsSparse and seSparse",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &vmdk_reader,
    .writer = &vmdk_writer,
    .container = &vmdk_container,
};
