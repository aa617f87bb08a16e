/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The QCOW2 writer: its options, what they ask of the engine, and the order of the steps. How the
 * file is laid out stands in write.h. */
#include "qcow2_write.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "memory.h"

static const char *const compat_choices[] = {"0.10", "1.1", "v2", "v3", NULL};
static const char *const compression_choices[] = {"zlib", "zstd", NULL};
static const char *const preallocation_choices[] = {"off", "metadata", "falloc", "full", NULL};

#define FIELD(name) offsetof(struct qcow2_write_options, name)
static const struct vmf_option options_table[] = {
    {.name = "compat",
     .help = "version of the format: 0.10 (v2) for programs from before 2012, 1.1 (v3)",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(compat),
     .choices = compat_choices,
     .initial = "1.1"},
    {.name = "cluster_size",
     .help = "unit of allocation, a power of two",
     .type = VMF_OPTION_SIZE,
     .offset = FIELD(cluster_size),
     .min = 1 << QCOW2_CLUSTER_BITS_MIN,
     .max = 1 << QCOW2_CLUSTER_BITS_MAX,
     .initial = "64k"},
    {.name = "compression_type",
     .help = "how clusters are compressed with -c",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(compression_type),
     .choices = compression_choices,
     .initial = "zlib"},
    {.name = "compression_level",
     .help = "with -c: 1 fastest to 12 smallest",
     .type = VMF_OPTION_UINT,
     .offset = FIELD(compression_level),
     .min = 1,
     .max = 12},
    {.name = "refcount_bits",
     .help = "width of a reference count: 1, 2, 4, 8, 16, 32 or 64",
     .type = VMF_OPTION_UINT,
     .offset = FIELD(refcount_bits),
     .min = 1,
     .max = 64,
     .initial = "16"},
    {.name = "extended_l2",
     .help = "allocation in 32 subclusters of each cluster, for cluster_size=16k and more",
     .type = VMF_OPTION_BOOL,
     .offset = FIELD(extended_l2),
     .initial = "off"},
    {.name = "preallocation",
     .help =
         "metadata: all tables are written; falloc: also the space is reserved; full: and filled",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(preallocation),
     .choices = preallocation_choices,
     .initial = "off"},
    {.name = "lazy_refcounts",
     .help = "let a virtual machine postpone updates of the reference counts",
     .type = VMF_OPTION_BOOL,
     .offset = FIELD(lazy_refcounts),
     .initial = "off"},
    {.name = "encrypt.format",
     .help = "encrypt the disk; its secret is in --target-secret-file",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(encrypt_format),
     .choices = qcow2_encrypt_choices,
     .initial = "off"},
    {.name = "encrypt.cipher-alg",
     .help = "cipher",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(encrypt_cipher),
     .choices = qcow2_cipher_choices,
     .initial = "aes-256"},
    {.name = "encrypt.cipher-mode",
     .help = "mode of the cipher",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(encrypt_mode),
     .choices = qcow2_mode_choices,
     .initial = "xts"},
    {.name = "encrypt.ivgen-alg",
     .help = "what sectors are told from each other by",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(encrypt_iv),
     .choices = qcow2_iv_choices,
     .initial = "plain64"},
    {.name = "encrypt.ivgen-hash-alg",
     .help = "digest of ivgen-alg=essiv",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(encrypt_iv_hash),
     .choices = qcow2_iv_hash_choices,
     .initial = "sha256"},
    {.name = "encrypt.hash-alg",
     .help = "digest that keys are derived by",
     .type = VMF_OPTION_CHOICE,
     .offset = FIELD(encrypt_hash),
     .choices = qcow2_hash_choices,
     .initial = "sha256"},
    {.name = "encrypt.iter-time",
     .help = "milliseconds that trying one secret is to take",
     .type = VMF_OPTION_UINT,
     .offset = FIELD(encrypt_time),
     .min = 1,
     .max = 60000,
     .initial = "2000"},
};

/* What version 2 does not have. */
static enum vmf_code check_version_2(const struct qcow2_write_options *options,
                                     struct vmf_error *error)
{
  const char *what = NULL;

  if (options->refcount_bits != 1 << QCOW2_V2_REFCOUNT_ORDER)
    what = "refcount_bits other than 16";
  else if (options->compression_type != QCOW2_COMPRESSION_ZLIB)
    what = "compression_type=zstd";
  else if (options->extended_l2)
    what = "extended_l2=on";
  else if (options->lazy_refcounts)
    what = "lazy_refcounts=on";
  if (what)
    return vmf_fail(error, VMF_USAGE, "qcow2: %s needs compat=1.1", what);
  return VMF_OK;
}

static enum vmf_code check_options(const struct qcow2_write_options *options, bool compress,
                                   bool backing, struct vmf_error *error)
{
  if (!vmf_is_power_of_two(options->cluster_size))
    return vmf_fail(error, VMF_USAGE,
                    "qcow2: cluster_size=%" PRIu64 ": a power of two from 512 to 2M is accepted",
                    options->cluster_size);
  if (!vmf_is_power_of_two(options->refcount_bits))
    return vmf_fail(error, VMF_USAGE,
                    "qcow2: refcount_bits=%" PRIu64 ": 1, 2, 4, 8, 16, 32 or 64 is accepted",
                    options->refcount_bits);
  VMF_TRY(qcow2_check_encryption(options, compress, error));
  if (options->compat == QCOW2_COMPAT_0_10 || options->compat == QCOW2_COMPAT_V2)
    VMF_TRY(check_version_2(options, error));
  if (options->extended_l2 && options->cluster_size < 1 << QCOW2_CLUSTER_BITS_MIN_EXTENDED)
    return vmf_fail(error, VMF_USAGE,
                    "qcow2: extended_l2=on with cluster_size=%" PRIu64 ": at least 16k is needed",
                    options->cluster_size);
  if (options->preallocation != QCOW2_PREALLOCATION_OFF && compress)
    return vmf_fail(error, VMF_USAGE, "qcow2: preallocation and -c exclude each other");
  if (options->preallocation != QCOW2_PREALLOCATION_OFF && backing)
    return vmf_fail(error, VMF_USAGE, "qcow2: preallocation and a backing file exclude each other");
  return VMF_OK;
}

/* The largest disk whose L1 table QEMU accepts. */
static uint64_t largest_size(const struct qcow2_geometry *geometry, unsigned cluster_bits)
{
  uint64_t cluster_size = UINT64_C(1) << cluster_bits;
  uint64_t entry = geometry->extended ? QCOW2_L2_EXTENDED_ENTRY : QCOW2_L2_ENTRY;

  return QCOW2_L1_BYTES_MAX / QCOW2_L1_ENTRY * (cluster_size / entry) * cluster_size;
}

static enum vmf_code check_size(const struct qcow2_geometry *geometry, uint64_t guest_size,
                                struct vmf_error *error)
{
  unsigned bits = geometry->cluster_bits;
  uint64_t largest = largest_size(geometry, bits);
  struct qcow2_tail tail;

  while (bits < QCOW2_CLUSTER_BITS_MAX && largest_size(geometry, bits) < guest_size)
    bits++;
  if (guest_size > largest)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "qcow2: a disk of %" PRIu64 " bytes with cluster_size=%u: the largest is "
                    "%" PRIu64 "; cluster_size=%u holds %" PRIu64,
                    guest_size, geometry->cluster_size, largest, 1U << bits,
                    largest_size(geometry, bits));
  if (!geometry->fill)
    return VMF_OK;
  qcow2_tail_fill(
      geometry, qcow2_stream_end(geometry, geometry->guest_clusters + geometry->l1_entries), &tail);
  return qcow2_check_clusters("qcow2", geometry, tail.end, error);
}

static enum vmf_code qcow2_shape(const void *options, uint64_t guest_size, bool compress,
                                 bool backing, struct vmf_shape *shape, struct vmf_error *error)
{
  const struct qcow2_write_options *o = options;
  struct qcow2_geometry geometry;

  VMF_TRY(check_options(o, compress, backing, error));
  qcow2_geometry_fill(o, guest_size, &geometry);
  VMF_TRY(check_size(&geometry, guest_size, error));
  *shape = (struct vmf_shape){
      .layout = compress ? VMF_ORDERED : VMF_PLANNED,
      .unit = geometry.cluster_size,
      /* the header names tables that stand behind data whose length only packing tells, or only
       * the comparison with the backing file */
      .patches_start = compress || backing || qcow2_encrypts(o),
      .encrypts = qcow2_encrypts(o),
      .keep_zeros = o->preallocation == QCOW2_PREALLOCATION_FULL,
      .tables_grow = o->preallocation <= QCOW2_PREALLOCATION_METADATA,
      .any_order = !compress && !backing && !qcow2_encrypts(o) &&
                   o->preallocation == QCOW2_PREALLOCATION_OFF,
  };
  if (compress) {
    shape->codec =
        o->compression_type == QCOW2_COMPRESSION_ZSTD ? VMF_CODEC_ZSTD : VMF_CODEC_DEFLATE_4K;
    shape->level = (int)o->compression_level;
  }
  return VMF_OK;
}

/* Packed units share clusters but never take more of them than unpacked ones. */
static enum vmf_code qcow2_measure(const void *options, const struct vmf_shape *shape,
                                   uint64_t guest_size, const struct vmf_plan *plan,
                                   uint64_t *bytes, struct vmf_error *error)
{
  struct qcow2_geometry geometry;
  struct qcow2_tail tail;
  uint64_t clusters;

  qcow2_geometry_fill(options, guest_size, &geometry);
  VMF_TRY(qcow2_count_stream(&geometry, !plan || geometry.fill || shape->keep_zeros, plan,
                             &clusters, error));
  qcow2_tail_fill(&geometry, qcow2_stream_end(&geometry, clusters), &tail);
  *bytes = tail.end << geometry.cluster_bits;
  return VMF_OK;
}

static enum vmf_code write_header(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  uint8_t *header = build->refcounts; /* is free before the first and after the last block */

  memset(header, 0, build->geometry.cluster_size);
  VMF_TRY(qcow2_build_header(target, header, error));
  return vmf_io_pwrite(target->io, header, build->geometry.cluster_size, 0, error);
}

static enum vmf_code allocate(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  void *l1, *l2, *refcounts;

  VMF_TRY(vmf_alloc((size_t)(g->l1_clusters << g->cluster_bits), &l1, error));
  build->l1 = l1;
  VMF_TRY(vmf_alloc(g->cluster_size, &l2, error));
  build->l2 = l2;
  VMF_TRY(vmf_alloc(g->cluster_size, &refcounts, error));
  build->refcounts = refcounts;
  return VMF_OK;
}

/* What can be known of the file before the first block: its tables on a pipe, and its space when
 * all of it is to be allocated. */
static enum vmf_code plan_file(struct vmf_target *target, const struct vmf_plan *plan,
                               struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  const struct qcow2_write_options *options = target->options;
  bool every = g->fill || (target->shape.keep_zeros && !target->backing_name);
  bool reserve = target->shape.keep_zeros || options->preallocation == QCOW2_PREALLOCATION_FALLOC;
  uint64_t clusters;

  if (target->shape.layout != VMF_PLANNED || (!every && !plan))
    return VMF_OK;
  VMF_TRY(qcow2_count_stream(g, every, plan, &clusters, error));
  qcow2_tail_fill(g, qcow2_stream_end(g, clusters), &build->tail);
  VMF_TRY(qcow2_check_clusters(target->io->name, g, build->tail.end, error));
  build->promised = target->io->sequential;
  /* a device still holds what was there, also in the clusters that are only mapped */
  if (!build->promised && (reserve || !target->io->reads_as_zero))
    return vmf_io_zero(target->io, 0, build->tail.end << g->cluster_bits, reserve, error);
  return VMF_OK;
}

/* What was on the device before may have had its mark at the end, as a fixed VHD has: with it the
 * content would be two formats. */
static enum vmf_code clear_device(const struct vmf_target *target, struct vmf_error *error)
{
  struct vmf_io *io = target->io;
  uint64_t length = vmf_min(io->size, QCOW2_SECTOR);

  if (!io->device)
    return VMF_OK;
  if (!target->shape.keep_zeros)
    VMF_TRY(vmf_io_clear(io, io->size, error));
  return io->reads_as_zero ? VMF_OK : vmf_io_zero(io, io->size - length, length, false, error);
}

static enum vmf_code qcow2_begin(struct vmf_target *target, const struct vmf_plan *plan,
                                 struct vmf_error *error)
{
  struct qcow2_build *build = target->state;

  qcow2_geometry_fill(target->options, target->guest_size, &build->geometry);
  VMF_TRY(allocate(target, error));
  VMF_TRY(qcow2_take_bitmaps(target, error));
  if (target->guest_size % QCOW2_SECTOR != 0)
    vmf_warn(target->log,
             "%s: %" PRIu64 " bytes are no whole sectors: zeros are added, or QEMU would not show "
             "the last %" PRIu64 " bytes",
             target->io->name, target->guest_size, target->guest_size % QCOW2_SECTOR);
  VMF_TRY(qcow2_begin_encryption(target, error));
  VMF_TRY(qcow2_build_header(target, build->refcounts, error)); /* refuses early */
  VMF_TRY(clear_device(target, error));
  VMF_TRY(plan_file(target, plan, error));
  if (build->promised)
    VMF_TRY(write_header(target, error));
  return qcow2_begin_refcounts(target, error);
}

/* Allocates a plain cluster for a unit, unless it has one. */
static enum vmf_code map_unit(struct vmf_target *target, uint64_t unit, uint64_t *host, bool *again,
                              struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  uint64_t cluster;

  VMF_TRY(qcow2_open_table(target, unit, error));
  *host = qcow2_mapped_data(build, unit);
  *again = *host > 0;
  if (*again)
    return VMF_OK;
  VMF_TRY(qcow2_take_cluster(target, &cluster, error));
  *host = cluster << build->geometry.cluster_bits;
  qcow2_map_data(build, unit, *host);
  return VMF_OK;
}

/* Preallocation: maps the units before `end` that the engine passed over, since they are zero. */
static enum vmf_code fill_until(struct vmf_target *target, uint64_t end, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  uint64_t host;
  bool again;

  while (build->geometry.fill && build->next_guest < end)
    VMF_TRY(map_unit(target, build->next_guest++, &host, &again, error));
  return VMF_OK;
}

static enum vmf_code place_packed(struct vmf_target *target, struct vmf_block *block, uint64_t unit,
                                  struct vmf_error *error)
{
  VMF_TRY(qcow2_open_table(target, unit, error));
  VMF_TRY(qcow2_take_bytes(target, block->data_length, &block->host, error));
  return qcow2_map_packed(target, unit, block->host, block->data_length, error);
}

static enum vmf_code qcow2_place(struct vmf_target *target, struct vmf_block *block,
                                 struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t unit = block->guest >> g->cluster_bits;

  VMF_TRY(fill_until(target, unit, error));
  build->next_guest = unit + 1;
  if (block->packed)
    return place_packed(target, block, unit, error);
  if (block->zero && target->backing_name && g->version > 2 && !target->shape.keep_zeros) {
    VMF_TRY(qcow2_open_table(target, unit, error));
    qcow2_map_zero(build, unit);
    return VMF_OK;
  }
  /* a cluster that is never written reads as zeros by itself, on a pipe gaps are zeros */
  if (block->data_length == 0 && !target->io->reads_as_zero && !target->io->sequential)
    block->zeros = g->cluster_size;
  VMF_TRY(map_unit(target, unit, &block->host, &block->again, error));
  block->place = block->host;
  return VMF_OK;
}

static enum vmf_code qcow2_finish(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;

  VMF_TRY(fill_until(target, build->geometry.guest_clusters, error));
  VMF_TRY(qcow2_close_table(target, error));
  VMF_TRY(qcow2_end_stream(target, error));
  VMF_TRY(qcow2_write_l1(target, error));
  VMF_TRY(qcow2_write_bitmaps(target, error));
  VMF_TRY(qcow2_write_encryption(target, error));
  VMF_TRY(qcow2_write_refcounts(target, error));
  return build->promised ? VMF_OK : write_header(target, error);
}

static void qcow2_release(struct vmf_target *target)
{
  struct qcow2_build *build = target->state;

  vmf_free(build->l1);
  vmf_free(build->l2);
  vmf_free(build->refcounts);
  qcow2_release_bitmaps(&build->bitmaps);
  qcow2_release_encryption(build);
  *build = (struct qcow2_build){0};
}

const struct vmf_writer qcow2_writer = {
    .options = {options_table, sizeof options_table / sizeof *options_table,
                sizeof(struct qcow2_write_options)},
    .measure_bitmaps = qcow2_measure_bitmaps,
    .state_size = sizeof(struct qcow2_build),
    .shape = qcow2_shape,
    .measure = qcow2_measure,
    .begin = qcow2_begin,
    .place = qcow2_place,
    .finish = qcow2_finish,
    .release = qcow2_release,
    .on_devices = true,
};
