/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#include "hash_io.h"

#include "checked.h"
#include "lane.h"

enum vmf_code vmf_hash_work(void *digest, const uint8_t *bytes, uint64_t length,
                            struct vmf_error *error)
{
  static const uint8_t zeros[64 * 1024];

  if (bytes)
    return vmf_digest_update(digest, bytes, (size_t)length, error);
  for (uint64_t step; length > 0; length -= step) {
    step = vmf_min(length, sizeof zeros);
    VMF_TRY(vmf_digest_update(digest, zeros, (size_t)step, error));
  }
  return VMF_OK;
}

static enum vmf_code read_all(struct vmf_lane *lane, struct vmf_io *io,
                              const struct vmf_cancel *cancel, struct vmf_error *error)
{
  for (uint64_t at = 0; at < io->size; at += VMF_LANE_BYTES) {
    size_t step = (size_t)vmf_min(VMF_LANE_BYTES, io->size - at);
    uint8_t *buffer = vmf_lane_buffer(lane);
    if (vmf_cancel_requested(cancel))
      return vmf_fail(error, VMF_CANCELLED, "interrupted");
    VMF_TRY(vmf_io_pread(io, buffer, step, at, error));
    vmf_lane_push(lane, step, buffer);
  }
  return vmf_lane_finish(lane, error);
}

enum vmf_code vmf_hash_io(struct vmf_crew *crew, struct vmf_io *io, enum vmf_digest_kind kind,
                          const struct vmf_cancel *cancel, uint8_t result[VMF_DIGEST_MAX],
                          struct vmf_error *error)
{
  struct vmf_lane *lane = NULL;
  struct vmf_digest *digest;

  VMF_TRY(vmf_digest_new(kind, &digest, error));
  enum vmf_code code = vmf_lane_new(crew, vmf_hash_work, digest, &lane, error);
  if (code == VMF_OK)
    code = read_all(lane, io, cancel, error);
  vmf_lane_free(lane); /* before the digest that it works on */
  if (code == VMF_OK)
    code = vmf_digest_final(digest, result, error);
  vmf_digest_free(digest);
  return code;
}
