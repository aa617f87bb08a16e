/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The LZ4 frame format 1.6.x. Frames of the legacy format are no frames here. */
#include <lz4frame.h>
#include <string.h>

#include "bytes.h"
#include "packing.h"

enum {
  FLAGS = 4, /* byte of the header */
  FLAG_DICTIONARY = 1
};

struct lz4 {
  LZ4F_dctx *context;
};

static const uint32_t magic = 0x184d2204;

static bool lz4_file_begins(const uint8_t *head, size_t length)
{
  return vmf_frames_begin(head, length, magic);
}

static bool lz4_member_begins(const uint8_t *head, size_t length)
{
  return vmf_frame_begins(head, length, magic);
}

static enum vmf_code lz4_begin(void *state, const uint8_t *head, size_t length,
                               struct vmf_error *error)
{
  struct lz4 *lz4 = state;
  if (length > FLAGS && get_le32(head) == magic && (head[FLAGS] & FLAG_DICTIONARY))
    return vmf_fail(error, VMF_UNSUPPORTED, "it needs a dictionary, which no option can give");
  if (lz4->context)
    LZ4F_resetDecompressionContext(lz4->context);
  else if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4->context, LZ4F_VERSION)))
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  return VMF_OK;
}

/* The codes of errors are no part of liblz4's stable interface, their names are. */
static enum vmf_code lz4_fail(const char *name, struct vmf_error *error)
{
  if (strcmp(name, "ERROR_allocation_failed") == 0)
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  return vmf_fail(error, VMF_CORRUPT, "%s", name);
}

static enum vmf_code lz4_step(void *state, struct vmf_unpack_step *step, struct vmf_error *error)
{
  struct lz4 *lz4 = state;
  size_t in = step->in_length, out = step->out_length;
  size_t result = LZ4F_decompress(lz4->context, step->out, &out, step->in, &in, NULL);
  if (LZ4F_isError(result))
    return lz4_fail(LZ4F_getErrorName(result), error);
  step->in += in;
  step->in_length -= in;
  step->out += out;
  step->out_length -= out;
  step->ended = result == 0;
  return VMF_OK;
}

static void lz4_end(void *state)
{
  LZ4F_freeDecompressionContext(((struct lz4 *)state)->context);
}

static const char *const suffixes[] = {"lz4", NULL};

const struct vmf_packing vmf_packing_lz4 = {
    .name = "lz4",
    .suffixes = suffixes,
    .command = "lz4 -dc",
    .state_size = sizeof(struct lz4),
    .file_begins = lz4_file_begins,
    .member_begins = lz4_member_begins,
    .begin = lz4_begin,
    .step = lz4_step,
    .end = lz4_end,
};
