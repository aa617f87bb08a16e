/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * One member behind the other, as a stream. */
#include <inttypes.h>

#include "cancel.h"
#include "checked.h"
#include "memory.h"
#include "packing.h"
#include "unpack.h"

struct unpack {
  const struct vmf_packing *packing;
  struct vmf_io *packed; /* a stream, owned */
  void *decoder;         /* packing->state_size bytes, owned */
  bool inside;           /* a member has begun, and not ended */
  uint64_t unpacked;
  struct vmf_unpack_options options;
};

static enum vmf_code unpack_failed(const struct unpack *unpack, struct vmf_error *error)
{
  return vmf_while(error, "%s: the %s data at byte %" PRIu64, unpack->packed->name,
                   unpack->packing->name, vmf_stream_position(unpack->packed));
}

static enum vmf_code unpack_cut(const struct unpack *unpack, struct vmf_error *error)
{
  return vmf_fail(error, VMF_CORRUPT,
                  "%s: the %s data ends at byte %" PRIu64
                  ", before it is complete: what wrote it ended too early, or it was cut short on "
                  "its way",
                  unpack->packed->name, unpack->packing->name, vmf_stream_position(unpack->packed));
}

/* ---- between members ---- */

/* Takes zeros, from `start` on; *have bytes of what stands behind them. */
static enum vmf_code skip_zeros(struct unpack *unpack, const uint8_t **bytes, size_t *have,
                                uint64_t *zeros, struct vmf_error *error)
{
  uint64_t start = vmf_stream_position(unpack->packed);
  for (;;) {
    size_t count = 0;
    VMF_TRY(vmf_cancelled(unpack->options.cancel, error));
    VMF_TRY(vmf_stream_peek(unpack->packed, VMF_STREAM_AHEAD, bytes, have, error));
    while (count < *have && (*bytes)[count] == 0)
      count++;
    uint64_t at = vmf_stream_position(unpack->packed);
    *zeros = at + count - start;
    if (count == 0)
      return VMF_OK;
    VMF_TRY(vmf_stream_skip(unpack->packed, at + count, error));
    if (count == *have)
      vmf_stream_pass_hole(unpack->packed);
  }
}

/* The next member, if there is one. */
static enum vmf_code next_member(struct unpack *unpack, struct vmf_error *error)
{
  const struct vmf_packing *packing = unpack->packing;
  const uint8_t *bytes;
  uint64_t zeros = 0;
  size_t have;

  VMF_TRY(vmf_stream_peek(unpack->packed, VMF_STREAM_AHEAD, &bytes, &have, error));
  if (packing->zeros_behind > 0 && have > 0 && bytes[0] == 0)
    VMF_TRY(skip_zeros(unpack, &bytes, &have, &zeros, error));
  if (zeros > 0 && zeros % packing->zeros_behind != 0)
    return vmf_fail(error, VMF_CORRUPT,
                    "%s: %" PRIu64 " zeros before byte %" PRIu64
                    " behind %s data, accepted are multiples of %u",
                    unpack->packed->name, zeros, vmf_stream_position(unpack->packed), packing->name,
                    packing->zeros_behind);
  if (have == 0)
    return VMF_OK;
  if (!packing->member_begins(bytes, have) || (zeros > 0 && packing->zeros_last))
    return vmf_fail(
        error, VMF_CORRUPT,
        "%s: 0x%02x at byte %" PRIu64
        " behind the %s data, which is complete; accepted are more of it%s, and the end",
        unpack->packed->name, bytes[0], vmf_stream_position(unpack->packed), packing->name,
        packing->zeros_behind > 0 ? ", zeros" : "");
  if (packing->begin(unpack->decoder, bytes, have, error) != VMF_OK)
    return unpack_failed(unpack, error);
  unpack->inside = true;
  return VMF_OK;
}

/* ---- in a member ---- */

static void tell_progress(const struct unpack *unpack)
{
  const struct vmf_unpack_options *options = &unpack->options;
  if (options->progress && options->packed_size > 0)
    options->progress(options->progress_data, vmf_stream_position(unpack->packed),
                      options->packed_size);
}

static enum vmf_code unpack_some(struct unpack *unpack, uint8_t *buffer, size_t length, size_t *got,
                                 struct vmf_error *error)
{
  struct vmf_unpack_step step = {.out = buffer, .out_length = length};
  size_t have;

  VMF_TRY(vmf_cancelled(unpack->options.cancel, error));
  VMF_TRY(vmf_stream_peek(unpack->packed, VMF_STREAM_AHEAD, &step.in, &have, error));
  step.in_length = have;
  if (unpack->packing->step(unpack->decoder, &step, error) != VMF_OK)
    return unpack_failed(unpack, error);
  size_t taken = have - step.in_length;
  *got = length - step.out_length;
  unpack->inside = !step.ended;
  VMF_TRY(vmf_stream_skip(unpack->packed, vmf_stream_position(unpack->packed) + taken, error));
  tell_progress(unpack);
  return taken > 0 || *got > 0 || step.ended ? VMF_OK : unpack_cut(unpack, error);
}

static enum vmf_code unpack_read(void *state, const char *name, uint64_t position, uint8_t *buffer,
                                 size_t length, size_t *got, struct vmf_error *error)
{
  struct unpack *unpack = state;

  for (*got = 0; *got == 0;) {
    if (!unpack->inside)
      VMF_TRY(next_member(unpack, error));
    if (!unpack->inside)
      return VMF_OK;
    VMF_TRY(unpack_some(unpack, buffer, length, got, error));
  }
  unpack->unpacked = position + *got;
  if (unpack->options.max_bytes > 0 && unpack->unpacked > unpack->options.max_bytes)
    return vmf_fail(error, VMF_LIMIT,
                    "%s: unpacks to more than the %" PRIu64 " bytes that are allowed (--max-size)",
                    name, unpack->options.max_bytes);
  return VMF_OK;
}

static struct vmf_io *unpack_below(const void *state)
{
  return ((const struct unpack *)state)->packed;
}

static void unpack_close(void *state)
{
  struct unpack *unpack = state;
  if (unpack->decoder)
    unpack->packing->end(unpack->decoder);
  vmf_free(unpack->decoder);
  vmf_io_close(unpack->packed);
  vmf_free(unpack);
}

static const struct vmf_stream_source unpack_source = {
    .read = unpack_read, .below = unpack_below, .close = unpack_close};

/* Takes `packed` over only on success. */
static enum vmf_code unpack_new(struct vmf_io *packed, const struct vmf_packing *packing,
                                const struct vmf_unpack_options *options, struct unpack **unpack,
                                struct vmf_error *error)
{
  VMF_AUTO_FREE void *decoder = NULL;
  void *memory;
  if (packing->library)
    return vmf_fail(error, VMF_UNSUPPORTED,
                    "%s: is packed by %s, which this build cannot unpack: it was made without %s; "
                    "unpack it first (%s)",
                    packed->name, packing->name, packing->library, packing->command);
  VMF_TRY(vmf_alloc(packing->state_size, &decoder, error));
  VMF_TRY(vmf_alloc(sizeof **unpack, &memory, error));
  *unpack = memory;
  **unpack = (struct unpack){
      .packing = packing, .packed = packed, .decoder = decoder, .options = *options};
  decoder = NULL;
  return VMF_OK;
}

enum vmf_code vmf_unpack_stream(struct vmf_io *packed, const struct vmf_packing *packing,
                                const struct vmf_unpack_options *options, struct vmf_io **io,
                                struct vmf_error *error)
{
  struct unpack *unpack = NULL;
  enum vmf_code code = unpack_new(packed, packing, options, &unpack, error);
  if (code != VMF_OK) {
    vmf_io_close(packed);
    return code;
  }
  vmf_stream_settle(packed);
  return vmf_stream_new(&unpack_source, unpack, packed->name, io, error);
}
