/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * RFC 8878. */
#include <zstd.h>
#include <zstd_errors.h>

#include "bytes.h"
#include "checked.h"
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

/* RFC 8878, 3.1.1.2: the blocks of a frame, from frame->stored on; *most: bytes that they hold.
 * largest: bytes that one may have, packed and unpacked, to which libzstd does not look always. */
static enum vmf_code zstd_blocks(struct vmf_io *packed, uint64_t at, uint64_t largest,
                                 struct vmf_frame *frame, uint64_t *most, struct vmf_error *error)
{
  enum { RLE = 1, PACKED = 2, WRONG = 3 };
  uint8_t block[3];
  *most = 0;
  for (unsigned last = 0; !last; frame->stored += sizeof block) {
    VMF_TRY(vmf_frame_read(packed, at + frame->stored, block, sizeof block, error));
    unsigned kind = block[0] >> 1 & 3;
    uint32_t size = (uint32_t)(block[0] | block[1] << 8 | block[2] << 16) >> 3;
    last = block[0] & 1;
    if (kind == WRONG || size > largest || frame->stored > frame->most)
      return vmf_fail(error, VMF_UNSUPPORTED,
                      "a block of no known kind, or too long, or too many of them");
    frame->stored += kind == RLE ? 1 : size;
    *most += kind == PACKED ? largest : size;
  }
  return VMF_OK;
}

/* RFC 8878, 3.1.1.1.2: the window, by its descriptor. */
static uint64_t zstd_window(uint8_t descriptor)
{
  uint64_t base = UINT64_C(1) << (10 + (descriptor >> 3));
  return base + base / 8 * (descriptor & 7);
}

/* RFC 8878, 3.1.1: a frame, by its header and those of its blocks. */
static enum vmf_code zstd_frame(struct vmf_io *packed, uint64_t at, struct vmf_frame *frame,
                                struct vmf_error *error)
{
  enum { SINGLE_SEGMENT = 0x20, CHECKSUM = 4, DICTIONARY = 3, SIZE_SHIFT = 6, BLOCK = 128 << 10 };
  static const unsigned sizes[] = {0, 2, 4, 8};
  uint8_t head[6 + 8];
  uint64_t most;
  VMF_TRY(vmf_frame_read(packed, at, head, 6, error)); /* no frame is shorter */
  unsigned flags = head[4], place = 5 + !(flags & SINGLE_SEGMENT);
  unsigned width =
      flags & SINGLE_SEGMENT && !(flags >> SIZE_SHIFT) ? 1 : sizes[flags >> SIZE_SHIFT];
  if (flags & DICTIONARY)
    return vmf_fail(error, VMF_UNSUPPORTED, "the frame needs a dictionary");
  VMF_TRY(vmf_frame_read(packed, at, head, place + width, error));
  frame->sized = width > 0;
  frame->length = width == 0   ? 0
                  : width == 1 ? head[place]
                  : width == 2 ? 256u + get_le16(head + place)
                  : width == 4 ? get_le32(head + place)
                               : get_le64(head + place);
  frame->stored = place + width;
  uint64_t window = flags & SINGLE_SEGMENT ? frame->length : zstd_window(head[5]);
  if (window > VMF_WINDOW_MAX)
    return vmf_fail(error, VMF_UNSUPPORTED, "its window takes too much memory");
  VMF_TRY(zstd_blocks(packed, at, vmf_min(window, BLOCK), frame, &most, error));
  if (!frame->sized)
    frame->length = most;
  frame->stored += flags & CHECKSUM ? 4 : 0;
  return VMF_OK;
}

static enum vmf_code zstd_list(struct vmf_io *packed, struct vmf_packed_pieces *pieces,
                               struct vmf_error *error)
{
  return vmf_frames_list(packed, magic, zstd_frame, pieces, error);
}

static enum vmf_code zstd_unpack(void *state, const struct vmf_packed_piece *piece,
                                 const uint8_t *stored, uint8_t *out, size_t *made,
                                 struct vmf_error *error)
{
  struct zstd *zstd = state;
  VMF_TRY(zstd_begin(state, stored, piece->stored, error));
  *made = ZSTD_decompressDCtx(zstd->context, out, piece->length, stored, piece->stored);
  return ZSTD_isError(*made) ? zstd_fail(*made, error) : VMF_OK;
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
    .magic = "\x28\xb5\x2f\xfd",
    .magic_length = 4,
    .state_size = sizeof(struct zstd),
    .file_begins = zstd_file_begins,
    .member_begins = zstd_member_begins,
    .begin = zstd_begin,
    .step = zstd_step,
    .end = zstd_end,
    .list = zstd_list,
    .unpack = zstd_unpack,
};
