/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "data_sharing.h"

#include "checked.h"
#include "clone.h"
#include "file.h"

enum { SHARE_AT_ONCE = 256 << 20 }; /* one can stop between */

bool vmf_copy_may_share(const struct vmf_copy *copy)
{
  const struct vmf_target *target = copy->target;

  return target && copy->source && target->shape.layout == VMF_FIXED && !target->shape.keep_zeros &&
         !target->shape.reserves && !copy->backing && !copy->checksum && !copy->salvage &&
         !copy->units && !vmf_image_streams(copy->source);
}

static bool is_elsewhere(const struct vmf_io *io, void *data)
{
  const struct stat *target = data;
  struct stat status;

  return !vmf_io_stat(io, &status) || status.st_dev != target->st_dev;
}

bool vmf_copy_on_one_system(const struct vmf_copy *copy)
{
  struct stat target;

  return vmf_io_stat(copy->target->io, &target) &&
         !vmf_image_visit_files(copy->source, is_elsewhere, &target);
}

/* Where `length` bytes from `guest` on go to, as far as they lie behind each other in one file. */
static enum vmf_code place_run(const struct vmf_copy *copy, uint64_t guest, uint64_t *length,
                               struct vmf_io **io, uint64_t *host, struct vmf_error *error)
{
  struct vmf_target *target = copy->target;
  uint32_t unit = target->shape.unit;
  uint64_t done = 0;

  while (done < *length) {
    uint64_t at = guest + done;
    struct vmf_block block = {.guest = at};
    block.length = (uint32_t)vmf_min(unit - at % unit, *length - done);
    block.data_length = block.length;
    VMF_TRY(target->format->writer->place(target, &block, error));
    struct vmf_io *its_io = block.io ? block.io : target->io;
    if (done == 0) {
      *io = its_io;
      *host = block.host;
    } else if (its_io != *io || block.host != *host + done) {
      break;
    }
    done += block.length;
  }
  *length = done;
  return VMF_OK;
}

enum vmf_code vmf_copy_share(const struct vmf_copy *copy, const struct vmf_span *span,
                             uint64_t *length, bool *refused, struct vmf_error *error)
{
  uint64_t shared = vmf_align_down(vmf_min(span->length, SHARE_AT_ONCE), VMF_CLONE_ALIGNMENT);
  struct vmf_io *io = NULL;
  uint64_t host = 0;

  *length = 0;
  *refused = false;
  if (span->kind != VMF_RUN_PLAIN || span->run.cipher || span->offset % VMF_CLONE_ALIGNMENT != 0 ||
      shared == 0)
    return VMF_OK;
  VMF_TRY(place_run(copy, span->guest, &shared, &io, &host, error));
  shared = vmf_align_down(shared, VMF_CLONE_ALIGNMENT);
  if (host % VMF_CLONE_ALIGNMENT != 0 || shared == 0)
    return VMF_OK;
  *refused = !vmf_io_clone(io, host, span->io, span->offset, shared);
  *length = *refused ? 0 : shared;
  return VMF_OK;
}
