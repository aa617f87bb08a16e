/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * RFC 8878. */
#include <zstd.h>
#include <zstd_errors.h>

#include "packing.h"

enum { WINDOW_LOG_MAX = 27 /* of VMF_WINDOW_MAX */ };

struct zstd {
  ZSTD_DCtx *context;
};

static const uint32_t magic = ZSTD_MAGICNUMBER;

static bool zstd_file_begins(const uint8_t *head, size_t length)
{
  return vmf_frames_begin(head, length, magic);
}

static bool zstd_member_begins(const uint8_t *head, size_t length)
{
  return vmf_frame_begins(head, length, magic);
}

static enum vmf_code zstd_begin(void *state, const uint8_t *head, size_t length,
                                struct vmf_error *error)
{
  struct zstd *zstd = state;
  (void)head;
  (void)length;
  if (!zstd->context)
    zstd->context = ZSTD_createDCtx();
  if (!zstd->context || ZSTD_isError(ZSTD_DCtx_reset(zstd->context, ZSTD_reset_session_only)) ||
      ZSTD_isError(ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  return VMF_OK;
}

static enum vmf_code zstd_fail(size_t result, struct vmf_error *error)
{
  switch (ZSTD_getErrorCode(result)) {
  case ZSTD_error_memory_allocation:
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  case ZSTD_error_frameParameter_windowTooLarge:
    return vmf_fail(error, VMF_LIMIT,
                    "its window is larger than 128 MiB, which is the most memory that is given "
                    "(zstd -dc --long=31 takes any)");
  case ZSTD_error_dictionary_wrong:
    return vmf_fail(error, VMF_UNSUPPORTED, "it needs a dictionary, which no option can give");
  default:
    return vmf_fail(error, VMF_CORRUPT, "%s", ZSTD_getErrorName(result));
  }
}

static enum vmf_code zstd_step(void *state, struct vmf_unpack_step *step, struct vmf_error *error)
{
  struct zstd *zstd = state;
  ZSTD_inBuffer in = {.src = step->in, .size = step->in_length};
  ZSTD_outBuffer out = {.dst = step->out, .size = step->out_length};
  size_t result = ZSTD_decompressStream(zstd->context, &out, &in);
  if (ZSTD_isError(result))
    return zstd_fail(result, error);
  step->in += in.pos;
  step->in_length -= in.pos;
  step->out += out.pos;
  step->out_length -= out.pos;
  step->ended = result == 0;
  return VMF_OK;
}

static void zstd_end(void *state)
{
  ZSTD_freeDCtx(((struct zstd *)state)->context);
}

static const char *const suffixes[] = {"zst", "zstd", "tzst", NULL};

const struct vmf_packing vmf_packing_zstd = {
    .name = "zstd",
    .suffixes = suffixes,
    .command = "zstd -dc",
    .state_size = sizeof(struct zstd),
    .file_begins = zstd_file_begins,
    .member_begins = zstd_member_begins,
    .begin = zstd_begin,
    .step = zstd_step,
    .end = zstd_end,
};
