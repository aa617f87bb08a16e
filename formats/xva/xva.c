/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One disk of an XVA in a file: where each chunk is, by one pass over the headers. */
#include "xva.h"

#include <inttypes.h>
#include <string.h>

#include "checked.h"
#include "list.h"
#include "memory.h"
#include "tar_extra.h"

/* Chunks that follow each other in the disk and, at the same distance, in the file. */
struct series {
  uint64_t guest;  /* of the first */
  uint64_t header; /* of the first, in the file */
  uint32_t count, length, tail;
  uint32_t stride; /* from one header to the next, bytes; with more than one */
};

struct xva_index {
  struct series *list; /* in guest order */
  size_t count, capacity;
  uint32_t unit; /* the longest chunk, bytes */
};

struct xva {
  struct xva_ova ova;
  struct vmf_contents contents;
  struct xva_walk walk;
  unsigned disk;
  struct xva_index own;
  struct xva_index *all;         /* of ova.disks; NULL: not asked for */
  const struct xva_index *index; /* of the disk: its own, or one of the sibling's */
};

/* ---- what it is ---- */

/* ova.xml comes first, but for the empty members that xva-img makes of folders, and for what tar
 * says of it in an extended header. */
int xva_probe(const struct vmf_probe *probe)
{
  struct vmf_tar_header header;

  for (size_t at = 0; at + XVA_BLOCK <= probe->head_length; at += XVA_BLOCK) {
    if (!vmf_tar_sum_is_right(probe->head + at) ||
        vmf_tar_parse_header("", at, probe->head + at, &header, NULL) != VMF_OK)
      return 0;
    const char *name = vmf_tar_strip(header.name);
    if (strcmp(name, "ova.xml") == 0)
      return 100;
    if (vmf_tar_is_extra(header.type))
      at += (size_t)vmf_align_up(vmf_min(header.size, VMF_PROBE_BYTES), XVA_BLOCK);
    else if (header.size > 0 || strncmp(name, "Ref:", 4) != 0)
      return 0;
  }
  return 0;
}

static enum vmf_code xva_open(struct vmf_image *image, const struct vmf_open_args *args,
                              struct vmf_error *error)
{
  struct xva *xva = image->state;

  (void)args;
  VMF_TRY(xva_walk_start(&xva->walk, image->io, image->log, &xva->ova, error));
  xva->contents = xva_ova_contents(&xva->ova);
  image->contents = &xva->contents;
  return VMF_OK;
}

static void free_all(struct xva_index *all, unsigned count)
{
  for (unsigned i = 0; all && i < count; i++)
    vmf_free(all[i].list);
  vmf_free(all);
}

static void xva_close(struct vmf_image *image)
{
  struct xva *xva = image->state;

  free_all(xva->all, xva->ova.count);
  xva_walk_stop(&xva->walk);
  xva_ova_free(&xva->ova);
  vmf_free(xva->own.list);
}

/* ---- where its chunks are ---- */

/* Whether the chunk is the next one of the series, whose second one tells how far apart they are.
 */
static bool continues(struct series *series, const struct xva_chunk *chunk)
{
  uint64_t behind = chunk->header - series->header;

  if (chunk->length != series->length || chunk->tail != series->tail ||
      series->count == UINT32_MAX ||
      chunk->guest != series->guest + (uint64_t)series->count * series->length)
    return false;
  if (series->count == 1 && behind <= UINT32_MAX)
    series->stride = (uint32_t)behind;
  return behind == (uint64_t)series->count * series->stride;
}

static enum vmf_code add_chunk(const struct vmf_image *image, const struct xva_chunk *chunk,
                               struct xva_index *index, struct vmf_error *error)
{
  const struct xva *xva = image->state;
  struct series *last = index->count > 0 ? &index->list[index->count - 1] : NULL;

  index->unit = (uint32_t)vmf_max(index->unit, chunk->length);
  if (last && continues(last, chunk)) {
    last->count++;
    return VMF_OK;
  }
  if (index->count >= image->limits->table_bytes / sizeof *index->list)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: disk %s is in %zu pieces, more than are kept: convert all of it from a "
                    "pipe (vmferry convert -::%s TARGET < FILE)",
                    image->io->name, xva->ova.disks[chunk->disk].id, index->count,
                    xva->ova.disks[chunk->disk].id);
  VMF_TRY(VMF_LIST_ROOM(index->list, index->count, index->capacity, "chunks", error));
  index->list[index->count++] = (struct series){.guest = chunk->guest,
                                                .header = chunk->header,
                                                .count = 1,
                                                .length = chunk->length,
                                                .tail = chunk->tail};
  return VMF_OK;
}

/* all: of every disk; NULL: of the one that is chosen. */
static enum vmf_code take_chunks(struct vmf_image *image, struct xva_index *all,
                                 struct vmf_error *error)
{
  struct xva *xva = image->state;
  struct xva_chunk chunk;
  bool end;

  for (;;) {
    VMF_TRY(xva_walk_next(&xva->walk, &chunk, &end, error));
    if (end)
      return VMF_OK;
    if (all || chunk.disk == xva->disk)
      VMF_TRY(add_chunk(image, &chunk, all ? &all[chunk.disk] : &xva->own, error));
  }
}

static enum vmf_code xva_index(struct vmf_image *image, struct vmf_error *error)
{
  struct xva *xva = image->state;
  void *memory;

  if (xva->all)
    return VMF_OK;
  VMF_TRY(vmf_alloc(xva->ova.count * sizeof *xva->all, &memory, error));
  enum vmf_code code = take_chunks(image, memory, error);
  if (code == VMF_OK)
    xva->all = memory;
  else
    free_all(memory, xva->ova.count);
  return code;
}

static enum vmf_code xva_choose(struct vmf_image *image, unsigned disk, struct vmf_error *error)
{
  const struct xva *sibling = image->sibling ? image->sibling->state : NULL;
  struct xva *xva = image->state;

  xva->disk = disk;
  if (sibling && sibling->all && disk < sibling->ova.count) {
    VMF_TRY(xva_walk_came(&sibling->walk, disk, error));
    xva->index = &sibling->all[disk];
  } else if (sibling && sibling->index && sibling->disk == disk) {
    xva->index = sibling->index;
  } else {
    VMF_TRY(take_chunks(image, NULL, error));
    VMF_TRY(xva_walk_came(&xva->walk, disk, error));
    xva->index = &xva->own;
  }
  image->unit = xva->index->unit;
  image->size = xva->ova.disks[disk].size;
  return VMF_OK;
}

/* The series that starts last at or before `guest`; there is one at 0. */
static size_t series_at(const struct xva_index *index, uint64_t guest)
{
  size_t low = 0, high = index->count;

  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (index->list[middle].guest <= guest)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static enum vmf_code xva_map(struct vmf_image *image, uint64_t guest, struct vmf_run *run,
                             struct vmf_error *error)
{
  const struct xva *xva = image->state;
  const struct xva_index *all = xva->index;
  size_t index = series_at(all, guest);
  const struct series *series = &all->list[index];
  uint64_t inside = (guest - series->guest) / series->length;
  uint64_t end = series->guest + (uint64_t)series->count * series->length;

  (void)error;
  if (inside >= series->count) {
    uint64_t next = index + 1 < all->count ? all->list[index + 1].guest : image->size;
    *run = (struct vmf_run){.guest = end, .length = next - end, .kind = VMF_RUN_ZERO};
    return VMF_OK;
  }
  const struct xva_chunk chunk = {.disk = xva->disk,
                                  .guest = series->guest + inside * series->length,
                                  .header = series->header + inside * series->stride,
                                  .length = series->length,
                                  .tail = series->tail};
  xva_chunk_run(&xva->walk, &chunk, series->length, run);
  return VMF_OK;
}

static enum vmf_code xva_unwrap(const struct vmf_image *image, const struct vmf_run *run,
                                const uint8_t *stored, size_t length, struct vmf_payload *payload,
                                struct vmf_error *error)
{
  return xva_chunk_unwrap(image->io->name, image->log, run, stored, length, payload, error);
}

/* ---- what is told of it ---- */

static enum vmf_code xva_info(struct vmf_image *image, struct vmf_value *summary,
                              struct vmf_value *data, struct vmf_error *error)
{
  const struct xva *xva = image->state;

  (void)summary;
  VMF_TRY(vmf_value_uint(data, "export-version", xva->ova.export_version, error));
  if (xva->ova.product)
    VMF_TRY(vmf_value_text(data, "product", xva->ova.product, error));
  return xva->ova.host ? vmf_value_text(data, "host", xva->ova.host, error) : VMF_OK;
}

static const struct vmf_reader xva_reader = {
    .packs = true,
    .state_size = sizeof(struct xva),
    .probe = xva_probe,
    .open = xva_open,
    .close = xva_close,
    .choose = xva_choose,
    .index = xva_index,
    .map = xva_map,
    .unwrap = xva_unwrap,
    .info = xva_info,
};

static const char *const aliases[] = {NULL};
static const char *const suffixes[] = {"xva", NULL};

extern const struct vmf_format vmf_format_xva;
const struct vmf_format vmf_format_xva = {
    .name = "xva",
    .summary = "XenServer and XCP-ng: a machine with its disks, written from a machine",
    .aliases = aliases,
    .suffixes = suffixes,
    .reader = &xva_reader,
    .writer = &xva_writer,
    .container = &xva_container,
    .container_writer = &xva_container_writer,
};
