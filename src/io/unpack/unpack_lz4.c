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

/* "LZ4 Frame Format Description" 1.6.x: the blocks of a frame, from frame->stored on; *most: bytes
 * that they hold, each at most `largest`. */
static enum vmf_code lz4_blocks(struct vmf_io *packed, uint64_t at, uint64_t largest,
                                unsigned sum_bytes, struct vmf_frame *frame, uint64_t *most,
                                struct vmf_error *error)
{
  const uint32_t plain = UINT32_C(1) << 31;
  uint8_t bytes[4];
  *most = 0;
  for (uint32_t block = 1; block != 0;) {
    VMF_TRY(vmf_frame_read(packed, at + frame->stored, bytes, sizeof bytes, error));
    block = get_le32(bytes);
    if (frame->stored > frame->most)
      return vmf_fail(error, VMF_UNSUPPORTED, "too many blocks");
    frame->stored += sizeof bytes + (block & ~plain);
    frame->stored += block != 0 ? sum_bytes : 0;
    *most += block == 0 ? 0 : block & plain ? block & ~plain : largest;
  }
  return VMF_OK;
}

static enum vmf_code lz4_frame(struct vmf_io *packed, uint64_t at, struct vmf_frame *frame,
                               struct vmf_error *error)
{
  enum { BLOCK_SUMS = 0x10, SIZED = 8, CONTENT_SUM = 4, HEAD = 7, SIZE = 8, LARGEST = 7 };
  uint8_t head[HEAD + SIZE];
  uint64_t most;
  VMF_TRY(vmf_frame_read(packed, at, head, HEAD, error));
  unsigned flags = head[FLAGS];
  if (flags & FLAG_DICTIONARY)
    return vmf_fail(error, VMF_UNSUPPORTED, "the frame needs a dictionary");
  frame->sized = flags & SIZED;
  frame->stored = frame->sized ? HEAD + SIZE : HEAD;
  VMF_TRY(vmf_frame_read(packed, at, head, (size_t)frame->stored, error));
  frame->length = frame->sized ? get_le64(head + FLAGS + 2) : 0;
  uint64_t largest = UINT64_C(1) << (8 + 2 * (head[FLAGS + 1] >> 4 & LARGEST));
  VMF_TRY(lz4_blocks(packed, at, largest, flags & BLOCK_SUMS ? 4 : 0, frame, &most, error));
  if (!frame->sized)
    frame->length = most;
  frame->stored += flags & CONTENT_SUM ? 4 : 0;
  return VMF_OK;
}

static enum vmf_code lz4_list(struct vmf_io *packed, struct vmf_packed_pieces *pieces,
                              struct vmf_error *error)
{
  return vmf_frames_list(packed, magic, lz4_frame, pieces, error);
}

static enum vmf_code lz4_unpack(void *state, const struct vmf_packed_piece *piece,
                                const uint8_t *stored, uint8_t *out, size_t *made,
                                struct vmf_error *error)
{
  struct vmf_unpack_step step = {
      .in = stored, .in_length = piece->stored, .out = out, .out_length = piece->length};
  size_t before;
  VMF_TRY(lz4_begin(state, stored, piece->stored, error));
  do {
    before = step.in_length + step.out_length;
    VMF_TRY(lz4_step(state, &step, error));
  } while (!step.ended && step.in_length + step.out_length < before);
  *made = piece->length - step.out_length;
  if (step.ended && step.in_length == 0)
    return VMF_OK;
  return vmf_fail(error, VMF_CORRUPT, "the frame has another size than its headers say");
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
    .magic = "\x04\x22\x4d\x18",
    .magic_length = 4,
    .state_size = sizeof(struct lz4),
    .file_begins = lz4_file_begins,
    .member_begins = lz4_member_begins,
    .begin = lz4_begin,
    .step = lz4_step,
    .end = lz4_end,
    .list = lz4_list,
    .unpack = lz4_unpack,
};
