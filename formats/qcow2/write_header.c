/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The first cluster of a QCOW2 file that is being written: header, extensions, backing name. */
#include "qcow2_write.h"

#include <string.h>

#include "bytes.h"
#include "checked.h"

/* The names under which programs show features that they do not know. */
static const struct feature {
  enum qcow2_feature_kind kind;
  uint8_t bit;
  const char *name;
} features[] = {
    {QCOW2_FEATURE_INCOMPATIBLE, 0, "dirty bit"},
    {QCOW2_FEATURE_INCOMPATIBLE, 1, "corrupt bit"},
    {QCOW2_FEATURE_INCOMPATIBLE, 2, "external data file"},
    {QCOW2_FEATURE_INCOMPATIBLE, 3, "compression type"},
    {QCOW2_FEATURE_INCOMPATIBLE, 4, "extended L2 entries"},
    {QCOW2_FEATURE_COMPATIBLE, 0, "lazy refcounts"},
    {QCOW2_FEATURE_AUTOCLEAR, 0, "bitmaps"},
    {QCOW2_FEATURE_AUTOCLEAR, 1, "raw external data"},
};
enum { FEATURE_COUNT = sizeof features / sizeof *features };

static size_t extension_size(size_t length)
{
  return QCOW2_EXTENSION_HEADER + vmf_align_up(length, 8);
}

/* Returns where the extension's data stands. */
static uint8_t *put_extension(uint8_t *header, size_t *used, uint32_t type, size_t length)
{
  uint8_t *at = header + *used;

  put_be32(at, type);
  put_be32(at + 4, (uint32_t)length);
  *used += extension_size(length);
  return at + QCOW2_EXTENSION_HEADER;
}

static void put_features(uint8_t *header, size_t *used)
{
  uint8_t *at = put_extension(header, used, QCOW2_EXTENSION_FEATURE_NAMES,
                              FEATURE_COUNT * QCOW2_FEATURE_ENTRY);
  unsigned i;

  for (i = 0; i < FEATURE_COUNT; i++, at += QCOW2_FEATURE_ENTRY) {
    at[QCOW2_FEATURE_KIND_AT] = (uint8_t)features[i].kind;
    at[QCOW2_FEATURE_BIT_AT] = features[i].bit;
    memcpy(at + QCOW2_FEATURE_NAME_AT, features[i].name, strlen(features[i].name));
  }
}

/* Persistent bitmaps that were copied. */
static void put_bitmaps(const struct qcow2_build *build, uint8_t *header, size_t *used)
{
  uint8_t *at = put_extension(header, used, QCOW2_EXTENSION_BITMAPS, QCOW2_BITMAPS_EXTENSION);

  put_be64(header + QCOW2_AUTOCLEAR_AT, QCOW2_AUTOCLEAR_BITMAPS);
  put_be32(at + QCOW2_BITMAPS_COUNT_AT, (uint32_t)build->bitmaps.count);
  put_be64(at + QCOW2_BITMAPS_DIRECTORY_SIZE_AT, build->bitmaps.directory);
  put_be64(at + QCOW2_BITMAPS_DIRECTORY_OFFSET_AT, qcow2_bitmaps_cluster(build)
                                                       << build->geometry.cluster_bits);
}

static void put_crypt(const struct vmf_target *target, uint8_t *header, size_t *used)
{
  uint8_t *at = put_extension(header, used, QCOW2_EXTENSION_CRYPT_HEADER, QCOW2_CRYPT_EXTENSION);

  put_be32(header + QCOW2_CRYPT_METHOD_AT, QCOW2_CRYPT_LUKS);
  put_be64(at + QCOW2_CRYPT_OFFSET_AT, qcow2_crypt_offset(target->state));
  put_be64(at + QCOW2_CRYPT_LENGTH_AT, qcow2_crypt_bytes(target->options));
}

static void put_version_3(const struct qcow2_write_options *options,
                          const struct qcow2_geometry *geometry, uint8_t *header)
{
  uint64_t incompatible = 0;

  if (options->compression_type != QCOW2_COMPRESSION_ZLIB)
    incompatible |= QCOW2_INCOMPATIBLE_COMPRESSION;
  if (geometry->extended)
    incompatible |= QCOW2_INCOMPATIBLE_EXTENDED_L2;
  put_be64(header + QCOW2_INCOMPATIBLE_AT, incompatible);
  put_be64(header + QCOW2_COMPATIBLE_AT,
           options->lazy_refcounts ? QCOW2_COMPATIBLE_LAZY_REFCOUNTS : 0);
  put_be32(header + QCOW2_REFCOUNT_ORDER_AT, geometry->refcount_order);
  put_be32(header + QCOW2_HEADER_LENGTH_AT, QCOW2_HEADER_WRITTEN);
  header[QCOW2_COMPRESSION_TYPE_AT] = (uint8_t)options->compression_type;
}

static void put_fixed(const struct vmf_target *target, uint8_t *header)
{
  const struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  const struct qcow2_tail *tail = &build->tail;

  put_be32(header + QCOW2_MAGIC_AT, QCOW2_MAGIC);
  put_be32(header + QCOW2_VERSION_AT, g->version);
  put_be32(header + QCOW2_CLUSTER_BITS_AT, g->cluster_bits);
  put_be64(header + QCOW2_SIZE_AT, vmf_align_up(target->guest_size, QCOW2_SECTOR));
  put_be32(header + QCOW2_L1_SIZE_AT, (uint32_t)g->l1_entries);
  put_be64(header + QCOW2_L1_OFFSET_AT, g->l1_entries > 0 ? tail->l1 << g->cluster_bits : 0);
  put_be64(header + QCOW2_REFTABLE_OFFSET_AT, tail->reftable << g->cluster_bits);
  put_be32(header + QCOW2_REFTABLE_CLUSTERS_AT, (uint32_t)tail->reftable_clusters);
  if (g->version > 2)
    put_version_3(target->options, g, header);
}

enum vmf_code qcow2_build_header(const struct vmf_target *target, uint8_t *header,
                                 struct vmf_error *error)
{
  const struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  const char *name = target->backing_name, *format = target->backing_format;
  size_t name_length = name ? strlen(name) : 0, format_length = name && format ? strlen(format) : 0;
  size_t used = g->version > 2 ? QCOW2_HEADER_WRITTEN : QCOW2_HEADER_V2;
  size_t need = used + (format_length ? extension_size(format_length) : 0) +
                (build->crypt_head ? extension_size(QCOW2_CRYPT_EXTENSION) : 0) +
                (build->bitmaps.count > 0 ? extension_size(QCOW2_BITMAPS_EXTENSION) : 0) +
                QCOW2_EXTENSION_HEADER + name_length;

  if (name_length > QCOW2_BACKING_NAME_MAX || need > g->cluster_size)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: the backing file's name has %zu bytes: at most %zu fit in the header with "
                    "cluster_size=%u",
                    target->io->name, name_length,
                    (size_t)vmf_min(QCOW2_BACKING_NAME_MAX, g->cluster_size - (need - name_length)),
                    g->cluster_size);
  put_fixed(target, header);
  if (format_length > 0)
    memcpy(put_extension(header, &used, QCOW2_EXTENSION_BACKING_FORMAT, format_length), format,
           format_length);
  if (build->crypt_head)
    put_crypt(target, header, &used);
  if (build->bitmaps.count > 0)
    put_bitmaps(build, header, &used);
  if (g->version > 2 &&
      need + extension_size(FEATURE_COUNT * QCOW2_FEATURE_ENTRY) <= g->cluster_size)
    put_features(header, &used);
  put_extension(header, &used, QCOW2_EXTENSION_END, 0);
  if (name_length > 0) {
    put_be64(header + QCOW2_BACKING_OFFSET_AT, used);
    put_be32(header + QCOW2_BACKING_SIZE_AT, (uint32_t)name_length);
    memcpy(header + used, name, name_length);
  }
  return VMF_OK;
}
