/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * Persistent bitmaps of a QCOW2 source, copied (spec: "Bitmaps"). They stand behind the L1 table:
 * directory | tables, one behind the other, each at a cluster | clusters of bits. What takes a
 * cluster is found in begin, so that the place of all is known before the first byte. */
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "memory.h"
#include "qcow2_reader.h"
#include "qcow2_write.h"
#include "zero.h"

#define BITS_MAX (UINT64_C(512) << 20) /* bytes of all bitmaps; QEMU takes so many of one */

/* One bitmap on its way. */
struct qcow2_bitmap_copy {
  char *name;
  uint32_t flags;
  uint8_t granularity_bits;
  uint64_t source_table; /* host offset in the source */
  uint64_t length;       /* bytes of bits */
  uint64_t *table;       /* owned; a cluster of bits each: 0, QCOW2_BITMAP_ENTRY_ONES, or the
                          * number of its cluster among all that are stored, times two, plus two */
  uint64_t entries;
};

static uint64_t directory_entry(const struct qcow2_bitmap_copy *copy)
{
  return vmf_align_up(QCOW2_BITMAP_FIXED + strlen(copy->name), 8);
}

/* ---- the source's bits ---- */

/* The bits of entry `index` of the target's table, zeros behind their end. */
static enum vmf_code read_cluster(struct vmf_image *source, const struct qcow2_bitmap_copy *copy,
                                  uint64_t index, uint8_t *out, uint32_t cluster_size,
                                  struct vmf_error *error)
{
  const struct qcow2_state *state = source->state;
  uint64_t start = index * cluster_size, end = vmf_min(start + cluster_size, copy->length), step;

  memset(out, 0, cluster_size);
  for (uint64_t at = start; at < end; at += step) {
    step = vmf_min(end - at, state->cluster_size - at % state->cluster_size);
    VMF_TRY(qcow2_read_bits(source, copy->name, copy->source_table, at, out + (at - start),
                            (size_t)step, error));
  }
  return VMF_OK;
}

/* ---- what there is to be copied ---- */

struct taking {
  struct vmf_target *target;
  uint64_t bytes; /* of bits, so far */
};

/* Its table: which clusters are stored. */
static enum vmf_code take_table(struct vmf_target *target, struct qcow2_bitmap_copy *copy,
                                struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  void *table;

  copy->entries = vmf_div_up(copy->length, g->cluster_size);
  VMF_TRY(
      vmf_alloc_table(copy->entries, sizeof *copy->table, BITS_MAX, "bitmap table", &table, error));
  copy->table = table;
  for (uint64_t i = 0; i < copy->entries; i++) {
    uint8_t *bits = build->l2; /* is free before the first table */
    VMF_TRY(read_cluster(target->bitmaps, copy, i, bits, g->cluster_size, error));
    bool zeros = vmf_is_zero(bits, g->cluster_size);
    bool ones = bits[0] == 0xff && memcmp(bits, bits + 1, g->cluster_size - 1) == 0;
    copy->table[i] = zeros ? 0 : ones ? QCOW2_BITMAP_ENTRY_ONES : 2 * build->bitmaps.stored++ + 2;
  }
  memset(build->l2, 0, g->cluster_size);
  return VMF_OK;
}

static enum vmf_code check_usable(const struct taking *taking, const struct qcow2_bitmap *bitmap,
                                  uint64_t length, struct vmf_error *error)
{
  const struct vmf_image *source = taking->target->bitmaps;

  VMF_TRY(qcow2_check_bitmap(source, bitmap, error));
  if (length > BITS_MAX - taking->bytes)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: bitmap \"%s\": more than %" PRIu64 " bytes of bitmaps are not copied",
                    source->io->name, bitmap->name, BITS_MAX);
  return VMF_OK;
}

static enum vmf_code take_bitmap(void *context, const struct qcow2_bitmap *bitmap,
                                 struct vmf_error *error)
{
  struct taking *taking = context;
  struct vmf_target *target = taking->target;
  struct qcow2_bitmaps *bitmaps = &((struct qcow2_build *)target->state)->bitmaps;
  const struct vmf_image *source = target->bitmaps;
  uint64_t bits = qcow2_bits(source, bitmap->granularity_bits);

  if ((bitmap->flags & QCOW2_BITMAP_IN_USE) != 0 && target->skip_broken_bitmaps) {
    vmf_warn(target->log, "%s: bitmap \"%s\" is inconsistent and stays behind", source->io->name,
             bitmap->name);
    return VMF_OK;
  }
  if ((bitmap->flags & QCOW2_BITMAP_IN_USE) != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: bitmap \"%s\" is inconsistent: the program that had it in use did not "
                    "save it; --skip-broken-bitmaps leaves it behind",
                    source->io->name, bitmap->name);
  VMF_TRY(check_usable(taking, bitmap, vmf_div_up(bits, 8), error));
  struct qcow2_bitmap_copy *copy = &bitmaps->list[bitmaps->count];
  *copy = (struct qcow2_bitmap_copy){.flags = bitmap->flags & QCOW2_BITMAP_AUTO,
                                     .granularity_bits = bitmap->granularity_bits,
                                     .source_table = bitmap->table_offset,
                                     .length = vmf_div_up(bits, 8)};
  VMF_TRY(vmf_copy_text(bitmap->name, &copy->name, error));
  bitmaps->count++;
  taking->bytes += copy->length;
  bitmaps->directory += directory_entry(copy);
  return take_table(target, copy, error);
}

enum vmf_code qcow2_take_bitmaps(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  struct qcow2_geometry *g = &build->geometry;
  struct qcow2_bitmaps *bitmaps = &build->bitmaps;
  struct taking taking = {.target = target};

  if (!target->bitmaps)
    return VMF_OK;
  if (target->bitmaps->format->reader != &qcow2_reader)
    return vmf_fail(error, VMF_USAGE,
                    "%s: is %s and has no bitmaps to be copied; only QCOW2 has them",
                    target->bitmaps->io->name, target->bitmaps->format->name);
  const struct qcow2_state *state = target->bitmaps->state;
  void *list;
  VMF_TRY(vmf_alloc_table(state->extensions.bitmap_count, sizeof *bitmaps->list,
                          QCOW2_BITMAPS_MAX * sizeof *bitmaps->list, "bitmaps", &list, error));
  bitmaps->list = list;
  VMF_TRY(qcow2_walk_bitmaps(target->bitmaps, take_bitmap, &taking, error));
  if (bitmaps->count > 0 && g->version < 3)
    return vmf_fail(error, VMF_USAGE, "qcow2: bitmaps need compat=1.1");
  g->bitmap_clusters = vmf_div_up(bitmaps->directory, g->cluster_size) + bitmaps->stored;
  for (size_t i = 0; i < bitmaps->count; i++)
    g->bitmap_clusters +=
        vmf_div_up(bitmaps->list[i].entries * QCOW2_BITMAP_ENTRY, g->cluster_size);
  return VMF_OK;
}

/* ---- how much room they take ---- */

struct measuring {
  const struct vmf_image *source;
  const struct qcow2_geometry *geometry; /* of the target */
  uint64_t clusters, directory;          /* bytes of the directory */
};

/* As if all of its bits were stored; one that is inconsistent is not copied. */
static enum vmf_code measure_bitmap(void *context, const struct qcow2_bitmap *bitmap,
                                    struct vmf_error *error)
{
  struct measuring *measuring = context;
  const struct qcow2_geometry *g = measuring->geometry;
  uint64_t bits = vmf_div_up(measuring->source->size, UINT64_C(1) << bitmap->granularity_bits);
  uint64_t entries = vmf_div_up(vmf_div_up(bits, 8), g->cluster_size);
  const struct qcow2_bitmap_copy copy = {.name = (char *)bitmap->name};

  (void)error;
  if ((bitmap->flags & QCOW2_BITMAP_IN_USE) != 0)
    return VMF_OK;
  measuring->clusters += entries + vmf_div_up(entries * QCOW2_BITMAP_ENTRY, g->cluster_size);
  measuring->directory += directory_entry(&copy);
  return VMF_OK;
}

enum vmf_code qcow2_measure_bitmaps(const void *options, struct vmf_image *source, bool *told,
                                    uint64_t *bytes, struct vmf_error *error)
{
  struct qcow2_geometry geometry;
  struct measuring measuring = {.source = source, .geometry = &geometry};

  if (source->format->reader != &qcow2_reader)
    return VMF_OK;
  const struct qcow2_state *state = source->state;
  qcow2_geometry_fill(options, source->size, &geometry);
  *told = state->header.version >= 3 && geometry.version >= 3;
  if (!*told)
    return VMF_OK;
  VMF_TRY(qcow2_walk_bitmaps(source, measure_bitmap, &measuring, error));
  measuring.clusters += vmf_div_up(measuring.directory, geometry.cluster_size);
  *bytes = measuring.clusters << geometry.cluster_bits;
  return VMF_OK;
}

void qcow2_release_bitmaps(struct qcow2_bitmaps *bitmaps)
{
  for (size_t i = 0; i < bitmaps->count; i++) {
    vmf_free(bitmaps->list[i].name);
    vmf_free(bitmaps->list[i].table);
  }
  vmf_free(bitmaps->list);
}

/* ---- writing ---- */

uint64_t qcow2_bitmaps_cluster(const struct qcow2_build *build)
{
  return build->tail.l1 + build->geometry.l1_clusters;
}

/* The directory, and where each table is; *cluster: the first behind the tables. */
static enum vmf_code write_directory(struct vmf_target *target, uint64_t *cluster,
                                     struct vmf_error *error)
{
  const struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  const struct qcow2_bitmaps *bitmaps = &build->bitmaps;
  uint64_t size = vmf_align_up(bitmaps->directory, g->cluster_size), used = 0;
  VMF_AUTO_FREE uint8_t *directory = NULL;
  void *memory;

  VMF_TRY(vmf_alloc((size_t)size, &memory, error));
  directory = memory;
  *cluster = qcow2_bitmaps_cluster(build) + (size >> g->cluster_bits);
  for (size_t i = 0; i < bitmaps->count; i++) {
    const struct qcow2_bitmap_copy *copy = &bitmaps->list[i];
    uint8_t *at = directory + used;

    put_be64(at + QCOW2_BITMAP_TABLE_OFFSET_AT, *cluster << g->cluster_bits);
    put_be32(at + QCOW2_BITMAP_TABLE_SIZE_AT, (uint32_t)copy->entries);
    put_be32(at + QCOW2_BITMAP_FLAGS_AT, copy->flags);
    at[QCOW2_BITMAP_TYPE_AT] = QCOW2_BITMAP_DIRTY;
    at[QCOW2_BITMAP_GRANULARITY_AT] = copy->granularity_bits;
    put_be16(at + QCOW2_BITMAP_NAME_LENGTH_AT, (uint16_t)strlen(copy->name));
    memcpy(at + QCOW2_BITMAP_FIXED, copy->name, strlen(copy->name));
    used += directory_entry(copy);
    *cluster += vmf_div_up(copy->entries * QCOW2_BITMAP_ENTRY, g->cluster_size);
  }
  return vmf_io_pwrite(target->io, directory, (size_t)size,
                       qcow2_bitmaps_cluster(build) << g->cluster_bits, error);
}

/* From host offset *at on, which moves to the cluster behind. data: cluster of the first bits. */
static enum vmf_code write_table(struct vmf_target *target, const struct qcow2_bitmap_copy *copy,
                                 uint64_t data, uint64_t *at, struct vmf_error *error)
{
  struct qcow2_build *build = target->state;
  const struct qcow2_geometry *g = &build->geometry;
  uint64_t in_cluster = g->cluster_size / QCOW2_BITMAP_ENTRY;

  for (uint64_t done = 0; done < copy->entries; done += in_cluster, *at += g->cluster_size) {
    memset(build->l2, 0, g->cluster_size);
    for (uint64_t i = 0; i < vmf_min(in_cluster, copy->entries - done); i++) {
      uint64_t entry = copy->table[done + i];
      put_be64(build->l2 + i * QCOW2_BITMAP_ENTRY,
               entry > QCOW2_BITMAP_ENTRY_ONES ? (data + entry / 2 - 1) << g->cluster_bits : entry);
    }
    VMF_TRY(vmf_io_pwrite(target->io, build->l2, g->cluster_size, *at, error));
  }
  return VMF_OK;
}

enum vmf_code qcow2_write_bitmaps(struct vmf_target *target, struct vmf_error *error)
{
  struct qcow2_build *build = target->state; /* its L2 tables are all written */
  const struct qcow2_geometry *g = &build->geometry;
  const struct qcow2_bitmaps *bitmaps = &build->bitmaps;
  uint64_t data = 0, at;

  if (bitmaps->count == 0)
    return VMF_OK;
  VMF_TRY(write_directory(target, &data, error));
  at = (qcow2_bitmaps_cluster(build) << g->cluster_bits) +
       vmf_align_up(bitmaps->directory, g->cluster_size);
  for (size_t i = 0; i < bitmaps->count; i++)
    VMF_TRY(write_table(target, &bitmaps->list[i], data, &at, error));
  for (size_t i = 0; i < bitmaps->count; i++) {
    const struct qcow2_bitmap_copy *copy = &bitmaps->list[i];
    for (uint64_t k = 0; k < copy->entries; k++) {
      if (copy->table[k] <= QCOW2_BITMAP_ENTRY_ONES)
        continue;
      VMF_TRY(read_cluster(target->bitmaps, copy, k, build->l2, g->cluster_size, error));
      VMF_TRY(vmf_io_pwrite(target->io, build->l2, g->cluster_size, at, error));
      at += g->cluster_size;
    }
  }
  return VMF_OK;
}
