/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An archive that comes on a pipe: one extent after the other. */
#include <inttypes.h>

#include "vma.h"

/* The state of the container. */
struct incoming {
  struct vma_archive archive;
  struct vma_extent extent; /* the one that has come; none at first */
  struct vma_cursor cursor;
  uint64_t at; /* in the stream: where the next extent is */
};

static int incoming_probe(const struct vmf_probe *probe)
{
  return vmf_format_vma.reader->probe(probe);
}

static enum vmf_code incoming_open(struct vmf_container *container, struct vmf_error *error)
{
  struct incoming *incoming = container->state;

  VMF_TRY(vma_archive_open(&incoming->archive, container->io, UINT64_MAX, error));
  container->contents = incoming->archive.contents;
  incoming->at = incoming->archive.header_size;
  return VMF_OK;
}

static void incoming_close(struct vmf_container *container)
{
  vma_archive_close(&((struct incoming *)container->state)->archive);
}

/* The header of the extent at incoming->at, or the end. */
static enum vmf_code next_extent(struct vmf_container *container, bool *end,
                                 struct vmf_error *error)
{
  struct incoming *incoming = container->state;
  const uint8_t *raw;
  size_t have;

  VMF_TRY(vmf_stream_skip(container->io, incoming->at, error));
  VMF_TRY(vmf_stream_peek(container->io, VMA_EXTENT_HEADER, &raw, &have, error));
  *end = have == 0;
  if (*end)
    return vma_check_complete(&incoming->archive, incoming->at, error);
  if (have < VMA_EXTENT_HEADER)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: ends at byte %" PRIu64 ", in the header of an extent: it was cut short",
                    container->io->name, incoming->at + have);
  incoming->cursor = (struct vma_cursor){0};
  VMF_TRY(vma_extent_take(&incoming->archive, raw, incoming->at, &incoming->extent, error));
  incoming->at = vma_extent_end(&incoming->extent);
  return VMF_OK;
}

static enum vmf_code incoming_next(struct vmf_container *container, unsigned *disk,
                                   struct vmf_run *run, bool *end, struct vmf_error *error)
{
  struct incoming *incoming = container->state;
  unsigned device = 0;

  *end = false;
  while (!*end &&
         !vma_extent_run(&incoming->archive, &incoming->extent, &incoming->cursor, &device, run))
    VMF_TRY(next_extent(container, end, error));
  *disk = incoming->archive.disk_of[device];
  return VMF_OK;
}

const struct vmf_container_reader vma_container = {
    .several = true,
    .state_size = sizeof(struct incoming),
    .probe = incoming_probe,
    .open = incoming_open,
    .close = incoming_close,
    .next = incoming_next,
};
