/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The VMDK writer: its options, what each kind of VMDK asks of the engine, how large it gets, and
 * the files of the output. The layout of an extent is in write_flat.c, write_sparse.c and
 * write_stream.c. */
#include "vmdk_write.h"

#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "guid.h"
#include "memory.h"

enum { FLAT_UNIT = 1024 * 1024 /* divides an extent of a split disk */ };

#define FILES_BYTES (VMDK_SPLIT_FILES_MAX * VMDK_SPLIT_SECTORS * VMDK_SECTOR)
#define SPARSE_BYTES (UINT64_C(64) << 40) /* its grain directory has 8 MiB */
#define FLAT_BYTES (UINT64_C(1) << 62)

static const struct vmdk_placer *const placers[] = {
    [VMDK_MONOLITHIC_SPARSE] = &vmdk_sparse_placer,
    [VMDK_MONOLITHIC_FLAT] = &vmdk_flat_placer,
    [VMDK_SPLIT_SPARSE] = &vmdk_sparse_placer,
    [VMDK_SPLIT_FLAT] = &vmdk_flat_placer,
    [VMDK_VMFS] = &vmdk_flat_placer,
    [VMDK_STREAM] = &vmdk_stream_placer,
};

#define FIELD(name) offsetof(struct vmdk_write_options, name)

static const struct vmf_option option_table[] = {
    {.name = "subformat",
     .help = "kind of VMDK; streamOptimized is the compressed one for OVF, OVA and ESXi; vmfs is "
             "a flat file with a descriptor for an ESXi datastore",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(subformat),
     .choices = vmdk_subformat_names,
     .initial = "monolithicSparse"},
    {.name = "adapter_type",
     .help = "controller that the disk is made for; decides the geometry",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(adapter),
     .choices = vmdk_adapter_names,
     .initial = "ide"},
    {.name = "hwversion",
     .help = "virtual hardware version in the descriptor; without it 10 (ESXi 5.5 and later)",
     .type = VMF_OPTION_UINT,
     .offset = FIELD(hwversion),
     .min = 3,
     .max = 99},
    {.name = "compat6",
     .help = "the same as hwversion=6",
     .type = VMF_OPTION_BOOL,
     .offset = FIELD(compat6),
     .initial = "off"},
    {.name = "toolsversion",
     .help = "version of VMware Tools in the descriptor; 2147483647 is unknown",
     .type = VMF_OPTION_UINT,
     .offset = FIELD(toolsversion),
     .min = 0,
     .max = UINT32_MAX,
     .initial = "2147483647"},
    {.name = "zeroed_grain",
     .help = "grains of zeros over a backing file take no space (version 2 of the header)",
     .type = VMF_OPTION_BOOL,
     .offset = FIELD(zeroed_grain),
     .initial = "off"},
    {.name = "compression_level",
     .help = "1 fastest to 12 smallest; subformat=streamOptimized only",
     .type = VMF_OPTION_UINT,
     .offset = FIELD(compression_level),
     .min = 1,
     .max = 12},
};

void vmdk_encode_header(uint8_t header[VMDK_SECTOR], uint32_t version, uint32_t flags,
                        uint64_t capacity)
{
  memset(header, 0, VMDK_SECTOR);
  put_le32(header + VMDK_SPARSE_MAGIC_AT, VMDK_SPARSE_MAGIC);
  put_le32(header + VMDK_SPARSE_VERSION_AT, version);
  put_le32(header + VMDK_SPARSE_FLAGS_AT, flags);
  put_le64(header + VMDK_SPARSE_CAPACITY_AT, capacity);
  put_le64(header + VMDK_SPARSE_GRAIN_SIZE_AT, VMDK_GRAIN_DEFAULT);
  put_le32(header + VMDK_SPARSE_GTES_PER_GT_AT, VMDK_GTES_PER_GT);
  memcpy(header + VMDK_SPARSE_NEWLINES_AT, VMDK_SPARSE_NEWLINES, 4);
}

static enum vmf_code check_options(const struct vmdk_write_options *options, bool compress,
                                   bool backing, struct vmf_error *error)
{
  bool sparse = vmdk_is_hosted_sparse(options->subformat);
  if (backing && !sparse)
    return vmf_fail(error, VMF_USAGE,
                    "vmdk: a backing file needs subformat=monolithicSparse or "
                    "twoGbMaxExtentSparse, not %s",
                    vmdk_subformat_names[options->subformat]);
  if (options->zeroed_grain && !sparse)
    return vmf_fail(error, VMF_USAGE,
                    "vmdk: zeroed_grain needs subformat=monolithicSparse or twoGbMaxExtentSparse, "
                    "not %s",
                    vmdk_subformat_names[options->subformat]);
  if (compress && options->subformat != VMDK_STREAM)
    return vmf_fail(error, VMF_USAGE, "vmdk: compression needs subformat=streamOptimized, not %s",
                    vmdk_subformat_names[options->subformat]);
  if (options->compression_level != 0 && options->subformat != VMDK_STREAM)
    return vmf_fail(error, VMF_USAGE,
                    "vmdk: compression_level needs subformat=streamOptimized, not %s",
                    vmdk_subformat_names[options->subformat]);
  if (options->compat6 && options->hwversion != 0)
    return vmf_fail(error, VMF_USAGE, "vmdk: give compat6 or hwversion, not both");
  return VMF_OK;
}

static enum vmf_code check_size(enum vmdk_subformat subformat, uint64_t guest_size,
                                struct vmf_error *error)
{
  bool split = subformat == VMDK_SPLIT_SPARSE || subformat == VMDK_SPLIT_FLAT;
  bool flat = subformat == VMDK_MONOLITHIC_FLAT || subformat == VMDK_VMFS;
  uint64_t most = split ? FILES_BYTES : flat ? FLAT_BYTES : SPARSE_BYTES;
  if (guest_size == 0)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "vmdk: a disk of 0 bytes: other programs cannot open such a VMDK");
  if (guest_size > most)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "vmdk: a disk of %" PRIu64 " bytes with subformat=%s: at most %" PRIu64
                    " bytes%s",
                    guest_size, vmdk_subformat_names[subformat], most,
                    flat ? "" : "; subformat=monolithicFlat holds more");
  return VMF_OK;
}

static enum vmf_code vmdk_shape(const void *values, uint64_t guest_size, bool compress,
                                bool backing, struct vmf_shape *shape, struct vmf_error *error)
{
  const struct vmdk_write_options *options = values;
  VMF_TRY(check_options(options, compress, backing, error));
  VMF_TRY(check_size(options->subformat, guest_size, error));
  shape->several_files = !vmdk_has_one_file(options->subformat);
  switch (options->subformat) {
  case VMDK_STREAM:
    shape->layout = VMF_ORDERED;
    shape->unit = VMDK_GRAIN_BYTES;
    shape->head_bytes = VMDK_GRAIN_MARKER;
    shape->codec = VMF_CODEC_ZLIB;
    shape->level = (int)options->compression_level;
    shape->must_pack = true;
    break;
  case VMDK_MONOLITHIC_SPARSE:
  case VMDK_SPLIT_SPARSE:
    shape->layout = VMF_PLANNED;
    shape->unit = VMDK_GRAIN_BYTES;
    shape->any_order = options->subformat == VMDK_MONOLITHIC_SPARSE && !backing;
    break;
  default:
    shape->layout = VMF_FIXED;
    shape->unit = FLAT_UNIT;
  }
  return VMF_OK;
}

static enum vmf_code count_grains(uint64_t guest_size, const struct vmf_plan *plan,
                                  uint64_t *grains, struct vmf_error *error)
{
  *grains = vmf_div_up(guest_size, VMDK_GRAIN_BYTES);
  return plan ? vmf_plan_count(plan, VMDK_GRAIN_BYTES, grains, error) : VMF_OK;
}

/* What stands in front of the grains in all files. */
static uint64_t measure_sparse_tables(enum vmdk_subformat subformat, uint64_t capacity)
{
  if (subformat == VMDK_MONOLITHIC_SPARSE)
    return vmdk_lay_out_sparse(capacity, VMDK_DESCRIPTOR_SECTORS).grains * VMDK_SECTOR;
  unsigned last = vmdk_file_count(subformat, capacity) - 1;
  uint64_t sectors = vmdk_lay_out_sparse(VMDK_SPLIT_SECTORS, 0).grains * last +
                     vmdk_lay_out_sparse(vmdk_file_sectors(subformat, capacity, last), 0).grains;
  return sectors * VMDK_SECTOR;
}

static enum vmf_code vmdk_measure(const void *values, const struct vmf_shape *shape,
                                  uint64_t guest_size, const struct vmf_plan *plan, uint64_t *bytes,
                                  struct vmf_error *error)
{
  const struct vmdk_write_options *options = values;
  uint64_t capacity = vmf_div_up(guest_size, VMDK_SECTOR), grains = 0, descriptor = 0;
  if (shape->layout != VMF_FIXED)
    VMF_TRY(count_grains(guest_size, plan, &grains, error));
  if (options->subformat == VMDK_STREAM) {
    *bytes = vmdk_measure_stream(capacity, grains);
    return VMF_OK;
  }
  if (options->subformat != VMDK_MONOLITHIC_SPARSE)
    VMF_TRY(vmdk_measure_descriptor(options, capacity, &descriptor, error));
  if (shape->layout == VMF_FIXED)
    *bytes = capacity * VMDK_SECTOR + descriptor;
  else
    *bytes = measure_sparse_tables(options->subformat, capacity) + grains * VMDK_GRAIN_BYTES +
             descriptor;
  return VMF_OK;
}

/* The files with guest data: the main file, or files of their own beside it. */
static enum vmf_code create_files(struct vmf_target *target,
                                  const struct vmdk_description *description,
                                  struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  enum vmdk_subformat subformat = description->options->subformat;
  unsigned count = vmdk_file_count(subformat, state->capacity);
  bool single = vmdk_has_one_file(subformat);
  if (!single && target->creator == NULL)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: subformat=%s has %u files, there is place for one here; "
                    "subformat=streamOptimized and monolithicSparse have one",
                    target->io->name, vmdk_subformat_names[subformat], count + 1);
  void *files = NULL;
  VMF_TRY(vmf_alloc_table(count, sizeof *state->files, VMDK_SPLIT_FILES_MAX * sizeof *state->files,
                          "list of files", &files, error));
  state->files = files;
  state->file_count = count;
  for (unsigned i = 0; i < count; i++) {
    state->files[i].io = target->io;
    state->files[i].sectors = vmdk_file_sectors(subformat, state->capacity, i);
    if (single)
      continue;
    VMF_AUTO_FREE char *name = NULL;
    VMF_TRY(vmdk_name_file(description, i, &name, error));
    VMF_TRY(target->creator->create(target->creator, name, &state->files[i].io, error));
  }
  return VMF_OK;
}

/* The last four bytes are the CID; all ones and the value below mean "none". */
static enum vmf_code make_content_id(const struct vmf_target *target, uint8_t id[16],
                                     struct vmf_error *error)
{
  VMF_TRY(vmf_identity_bytes(target->identity, "cid", id, 16, error));
  if (get_be32(id + 12) >= VMDK_CID_NONE - 1)
    id[12] = 0x7f;
  return VMF_OK;
}

/* The CID by which a child knows the image below it. */
static enum vmf_code take_parent(const struct vmf_target *target,
                                 struct vmdk_description *description, struct vmf_error *error)
{
  const struct vmf_image *parent = target->backing;
  description->parent_cid = VMDK_CID_NONE;
  description->parent = target->backing_name;
  if (parent == NULL)
    return VMF_OK;
  if (!vmdk_content_id(parent, &description->parent_cid))
    return vmf_fail(error, VMF_USAGE,
                    "%s: the backing file %s is %s without a content id (CID), by which a VMDK "
                    "names a VMDK below it; qcow2 can have one of any format",
                    target->name, parent->io->name, parent->format->name);
  if (vmf_div_up(parent->size, VMDK_SECTOR) != description->capacity)
    vmf_warn(target->log,
             "%s: %" PRIu64 " bytes, and its backing file has %" PRIu64
             ": VMware's products want both alike",
             target->io->name, target->guest_size, parent->size);
  return VMF_OK;
}

static enum vmf_code vmdk_begin(struct vmf_target *target, const struct vmf_plan *plan,
                                struct vmf_error *error)
{
  struct vmdk_write_state *state = target->state;
  struct vmdk_description description = {
      .options = target->options, .name = target->name, .stem = target->stem};
  state->capacity = vmf_div_up(target->guest_size, VMDK_SECTOR);
  description.capacity = state->capacity;
  if (target->guest_size % VMDK_SECTOR != 0)
    vmf_warn(target->log,
             "%s: the disk grows from %" PRIu64 " to %" PRIu64
             " bytes: VMDK has whole sectors of 512 bytes; the new bytes are zeros",
             target->io->name, target->guest_size, state->capacity * VMDK_SECTOR);
  VMF_TRY(take_parent(target, &description, error));
  VMF_TRY(make_content_id(target, description.content_id, error));
  VMF_TRY(vmdk_describe(&description, &state->descriptor, &state->descriptor_length, error));
  VMF_TRY(create_files(target, &description, error));
  return placers[description.options->subformat]->begin(target, plan, error);
}

static const struct vmdk_placer *placer_of(const struct vmf_target *target)
{
  const struct vmdk_write_options *options = target->options;
  return placers[options->subformat];
}

static enum vmf_code vmdk_wrap(const struct vmf_target *target, struct vmf_block *block,
                               struct vmf_error *error)
{
  const struct vmdk_placer *placer = placer_of(target);
  return placer->wrap != NULL ? placer->wrap(target, block, error) : VMF_OK;
}

static enum vmf_code vmdk_place(struct vmf_target *target, struct vmf_block *block,
                                struct vmf_error *error)
{
  return placer_of(target)->place(target, block, error);
}

static enum vmf_code vmdk_finish(struct vmf_target *target, struct vmf_error *error)
{
  return placer_of(target)->finish(target, error);
}

static void vmdk_release(struct vmf_target *target)
{
  struct vmdk_write_state *state = target->state;
  vmf_free(state->files);
  vmf_free(state->descriptor);
  vmf_free(state->directory);
  memset(state, 0, sizeof *state);
}

const struct vmf_writer vmdk_writer = {
    .options = {.table = option_table,
                .count = sizeof option_table / sizeof option_table[0],
                .size = sizeof(struct vmdk_write_options)},
    .state_size = sizeof(struct vmdk_write_state),
    .shape = vmdk_shape,
    .measure = vmdk_measure,
    .begin = vmdk_begin,
    .wrap = vmdk_wrap,
    .place = vmdk_place,
    .finish = vmdk_finish,
    .release = vmdk_release,
};
