/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The format extension: a cluster of features, of which dirty bitmaps alone are known. Reading the
 * disk needs none of it. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "checked.h"
#include "memory.h"
#include "parallels.h"
#include "sums.h"

enum {
  SUM_AT = 8,
  HEAD = 24,        /* a magic number and the MD5 of what follows in the cluster */
  FEATURE = 24,     /* the head of each */
  BITMAP_HEAD = 32, /* size, id, granularity, number of entries */
  BITMAP_ENTRY = 8, /* sectors; 0 and 1: all bits are so */
};

#define EXTENSION_MAGIC UINT64_C(0xab234cef23dcea87)
#define FEATURE_BITMAP UINT64_C(0x20385fae252cb34a)

static enum vmf_code take_bitmap(const struct parallels_extent *extent, const uint8_t *data,
                                 size_t length, struct vmf_cluster_use *use,
                                 struct vmf_error *error)
{
  uint64_t entries = length < BITMAP_HEAD ? 0 : get_le32(data + 28);

  if (length < BITMAP_HEAD || entries > (length - BITMAP_HEAD) / BITMAP_ENTRY)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extension: a dirty bitmap of %" PRIu64 " clusters in %zu bytes",
                    extent->io->name, entries, length);
  for (uint64_t i = 0; use && i < entries; i++) {
    uint64_t at = get_le64(data + BITMAP_HEAD + BITMAP_ENTRY * i);
    if (at > 1 && vmf_mul(at, PARALLELS_SECTOR, &at) &&
        vmf_range_within(at, extent->cluster, extent->io->size))
      vmf_cluster_use_take(use, at, extent->cluster, "a dirty bitmap");
  }
  return VMF_OK;
}

static enum vmf_code take_features(const struct parallels_extent *extent, const uint8_t *bytes,
                                   size_t length, unsigned *bitmaps, struct vmf_cluster_use *use,
                                   struct vmf_error *error)
{
  size_t at = HEAD;

  while (length - at >= FEATURE) {
    uint64_t magic = get_le64(bytes + at);
    size_t size = get_le32(bytes + at + 16);
    at += FEATURE;
    if (magic == 0)
      return VMF_OK;
    if (size > length - at)
      return vmf_fail(error, VMF_CORRUPT,
                      "%s: extension: a feature of %zu bytes at byte %zu, beyond its end",
                      extent->io->name, size, at);
    if (magic == FEATURE_BITMAP) {
      VMF_TRY(take_bitmap(extent, bytes + at, size, use, error));
      ++*bitmaps;
    }
    at += vmf_min(vmf_align_up(size, 8), length - at);
  }
  return VMF_OK;
}

static enum vmf_code check_head(const struct parallels_extent *extent, const uint8_t *bytes,
                                size_t length, uint64_t at, struct vmf_error *error)
{
  uint8_t sum[VMF_MD5_SUM];

  if (get_le64(bytes) != EXTENSION_MAGIC)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: extension at byte %" PRIu64 ": it does not begin as one", extent->io->name,
                    at);
  if (length < extent->cluster)
    return VMF_OK;
  vmf_md5(bytes + HEAD, length - HEAD, length - HEAD, sum);
  return memcmp(bytes + SUM_AT, sum, sizeof sum) == 0
             ? VMF_OK
             : vmf_fail(error, VMF_CORRUPT,
                        "%s: extension at byte %" PRIu64
                        ": its MD5 is not that of the cluster behind it: it is damaged",
                        extent->io->name, at);
}

enum vmf_code parallels_read_extension(const struct parallels_extent *extent, unsigned *bitmaps,
                                       struct vmf_cluster_use *use, struct vmf_error *error)
{
  size_t length = (size_t)vmf_min(extent->cluster, PARALLELS_EXTENSION_MAX);
  VMF_AUTO_FREE void *bytes = NULL;
  uint64_t at;

  *bitmaps = 0;
  if (extent->header.extension_sectors == 0)
    return VMF_OK;
  if (!vmf_mul(extent->header.extension_sectors, PARALLELS_SECTOR, &at) ||
      at < extent->data_start || !vmf_range_within(at, extent->cluster, extent->io->size) ||
      length < HEAD)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: Parallels header: an extension at sector %" PRIu64
                    ", expected behind the BAT and before the end of the file (%" PRIu64 " bytes)",
                    extent->io->name, extent->header.extension_sectors, extent->io->size);
  VMF_TRY(vmf_alloc(length, &bytes, error));
  VMF_TRY(vmf_io_pread(extent->io, bytes, length, at, error));
  VMF_TRY(check_head(extent, bytes, length, at, error));
  if (use)
    vmf_cluster_use_take(use, at, extent->cluster, "the extension");
  return take_features(extent, bytes, length, bitmaps, use, error);
}
