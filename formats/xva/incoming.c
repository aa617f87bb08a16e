/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * An XVA as it comes: one chunk after the other. */
#include <inttypes.h>

#include "checked.h"
#include "xva.h"

enum { UNIT_LEAST = 4096 };

struct xva_incoming {
  struct xva_ova ova;
  struct xva_walk walk;
};

static bool is_unit(uint64_t length)
{
  return vmf_is_power_of_two(length) && length >= UNIT_LEAST && length <= XVA_CHUNK;
}

/* Chunks of another length than writers make, and what tar made anew with extended headers, are
 * stored first. */
static enum vmf_code incoming_open(struct vmf_container *container, struct vmf_error *error)
{
  struct xva_incoming *incoming = container->state;
  struct vmf_tar_header header;
  bool found;

  VMF_TRY(xva_walk_start(&incoming->walk, container->io, container->log, &incoming->ova, error));
  container->contents = xva_ova_contents(&incoming->ova);
  VMF_TRY(xva_walk_look(&incoming->walk, &header, &found, error));
  container->stored = incoming->walk.extended || (found && header.size > XVA_CHUNK);
  return VMF_OK;
}

static void incoming_close(struct vmf_container *container)
{
  struct xva_incoming *incoming = container->state;

  xva_walk_stop(&incoming->walk);
  xva_ova_free(&incoming->ova);
}

/* Chunks as all writers make them: each at a multiple of its length, the last one at the disk's
 * end. */
static enum vmf_code check_whole(const struct vmf_container *container,
                                 const struct xva_chunk *chunk, const struct vmf_run *run,
                                 uint64_t size, struct vmf_error *error)
{
  if (chunk->length <= run->unit && run->guest % run->unit == 0 &&
      run->length == vmf_min(run->unit, size - run->guest))
    return VMF_OK;
  return vmf_fail(error, VMF_UNSUPPORTED,
                  "%s: the chunk at byte %" PRIu64 " has %" PRIu32 " bytes for guest byte %" PRIu64
                  ": from a pipe only chunks are read that are "
                  "all as long, a power of two up to %d bytes; store it in a file first",
                  container->io->name, chunk->header, chunk->length, chunk->guest, XVA_CHUNK);
}

static enum vmf_code incoming_next(struct vmf_container *container, unsigned *disk,
                                   struct vmf_run *run, bool *end, struct vmf_error *error)
{
  struct xva_incoming *incoming = container->state;
  const struct xva_walk *walk = &incoming->walk;
  struct xva_chunk chunk;

  VMF_TRY(xva_walk_next(&incoming->walk, &chunk, end, error));
  for (unsigned i = 0; *end && i < incoming->ova.count; i++)
    if (container->wanted[i])
      VMF_TRY(xva_walk_came(walk, i, error));
  if (*end)
    return VMF_OK;
  *disk = chunk.disk;
  xva_chunk_run(walk, &chunk, is_unit(walk->first) ? walk->first : XVA_CHUNK, run);
  return check_whole(container, &chunk, run, incoming->ova.disks[chunk.disk].size, error);
}

static enum vmf_code incoming_unwrap(const struct vmf_container *container,
                                     const struct vmf_run *run, const uint8_t *stored,
                                     size_t length, struct vmf_payload *payload,
                                     struct vmf_error *error)
{
  return xva_chunk_unwrap(container->io->name, container->log, run, stored, length, payload, error);
}

const struct vmf_container_reader xva_container = {
    .several = true,
    .state_size = sizeof(struct xva_incoming),
    .probe = xva_probe,
    .open = incoming_open,
    .close = incoming_close,
    .next = incoming_next,
    .unwrap = incoming_unwrap,
};
