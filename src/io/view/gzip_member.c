/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors */
#ifdef VMF_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#include "checked.h"
#include "gzip_member.h"
#include "memory.h"

struct vmf_gzip_member {
#ifdef VMF_HAVE_ISAL
  struct inflate_state state; /* nothing in it points into it: it can be copied as it is */
  unsigned seen; /* bytes of the header up to its flags, at which ISA-L does not look */
#else
  z_stream z;
#endif
};

#ifdef VMF_HAVE_ISAL
/* ---- ISA-L ---- */

enum { FLAGS_AT = 3, FLAGS_RESERVED = 0xe0 /* RFC 1952, 2.3.1.2: must be zero */ };

static enum vmf_code new_member(struct vmf_gzip_member **member, struct vmf_error *error)
{
  void *memory;
  VMF_TRY(vmf_alloc(sizeof **member, &memory, error));
  *member = memory;
  return VMF_OK;
}

enum vmf_code vmf_gzip_new(struct vmf_gzip_member **member, struct vmf_error *error)
{
  VMF_TRY(new_member(member, error));
  return vmf_gzip_begin(*member, error);
}

enum vmf_code vmf_gzip_copy(const struct vmf_gzip_member *member, struct vmf_gzip_member **copy,
                            struct vmf_error *error)
{
  VMF_TRY(new_member(copy, error));
  **copy = *member;
  return VMF_OK;
}

enum vmf_code vmf_gzip_begin(struct vmf_gzip_member *member, struct vmf_error *error)
{
  (void)error;
  isal_inflate_init(&member->state);
  member->state.crc_flag = ISAL_GZIP;
  member->seen = 0;
  return VMF_OK;
}

void vmf_gzip_free(struct vmf_gzip_member *member)
{
  vmf_free(member);
}

static enum vmf_code isal_fail(const struct vmf_gzip_member *member, int result,
                               struct vmf_error *error)
{
  switch (result) {
  case ISAL_INVALID_BLOCK:
    return vmf_fail(error, VMF_CORRUPT, "invalid block");
  case ISAL_INVALID_SYMBOL:
    return vmf_fail(error, VMF_CORRUPT, "invalid symbol");
  case ISAL_INVALID_LOOKBACK:
    return vmf_fail(error, VMF_CORRUPT, "it refers to bytes before its first one");
  case ISAL_INCORRECT_CHECKSUM:
    return vmf_fail(error, VMF_CORRUPT, "%s",
                    member->state.bfinal /* behind the last block */
                        ? "incorrect data check or length check"
                        : "header crc mismatch");
  default:
    return vmf_fail(error, VMF_CORRUPT, "it cannot be unpacked");
  }
}

static enum vmf_code check_header(struct vmf_gzip_member *member,
                                  const struct vmf_unpack_step *step, struct vmf_error *error)
{
  for (size_t i = 0; i < step->in_length && member->seen <= FLAGS_AT; i++, member->seen++)
    if (member->seen == FLAGS_AT && step->in[i] & FLAGS_RESERVED)
      return vmf_fail(error, VMF_CORRUPT, "unknown header flags set (0x%02x)", step->in[i]);
  return VMF_OK;
}

/* ISA-L has been seen to return without an error, and without an end to it, from damaged data. */
enum vmf_code vmf_gzip_step(struct vmf_gzip_member *member, struct vmf_unpack_step *step,
                            struct vmf_error *error)
{
  struct inflate_state *state = &member->state;
  uint32_t in = (uint32_t)vmf_min(step->in_length, INT32_MAX);
  uint32_t out = (uint32_t)vmf_min(step->out_length, INT32_MAX);

  VMF_TRY(check_header(member, step, error));
  state->next_in = (uint8_t *)(uintptr_t)step->in;
  state->avail_in = in;
  state->next_out = step->out;
  state->avail_out = out;
  int result = isal_inflate(state);
  if (result < 0)
    return isal_fail(member, result, error);
  step->ended = state->block_state == ISAL_BLOCK_FINISH;
  if (!step->ended && in > 0 && out > 0 && state->avail_in == in && state->avail_out == out)
    return vmf_fail(error, VMF_CORRUPT, "it cannot be unpacked");
  step->in += in - state->avail_in;
  step->in_length -= in - state->avail_in;
  step->out += out - state->avail_out;
  step->out_length -= out - state->avail_out;
  return VMF_OK;
}

#else
/* ---- zlib ---- */

enum { GZIP = 15 + 16 /* zlib's windowBits */ };

static enum vmf_code zlib_fail(int result, const char *text, struct vmf_error *error)
{
  if (result == Z_MEM_ERROR)
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  return vmf_fail(error, VMF_CORRUPT, "%s", text ? text : "it cannot be unpacked");
}

/* From where `source` stands or, where that is NULL, at the first byte of a member. */
static enum vmf_code make(const struct vmf_gzip_member *source, struct vmf_gzip_member **member,
                          struct vmf_error *error)
{
  VMF_AUTO_FREE void *memory = NULL;
  VMF_TRY(vmf_alloc(sizeof **member, &memory, error));
  struct vmf_gzip_member *made = memory;
  int result = source ? inflateCopy(&made->z, (z_stream *)(uintptr_t)&source->z)
                      : inflateInit2(&made->z, GZIP);
  if (result != Z_OK)
    return zlib_fail(result, made->z.msg, error);
  *member = made;
  memory = NULL;
  return VMF_OK;
}

enum vmf_code vmf_gzip_new(struct vmf_gzip_member **member, struct vmf_error *error)
{
  return make(NULL, member, error);
}

enum vmf_code vmf_gzip_copy(const struct vmf_gzip_member *member, struct vmf_gzip_member **copy,
                            struct vmf_error *error)
{
  return make(member, copy, error);
}

enum vmf_code vmf_gzip_begin(struct vmf_gzip_member *member, struct vmf_error *error)
{
  int result = inflateReset(&member->z);
  return result == Z_OK ? VMF_OK : zlib_fail(result, member->z.msg, error);
}

void vmf_gzip_free(struct vmf_gzip_member *member)
{
  if (member)
    inflateEnd(&member->z);
  vmf_free(member);
}

enum vmf_code vmf_gzip_step(struct vmf_gzip_member *member, struct vmf_unpack_step *step,
                            struct vmf_error *error)
{
  z_stream *z = &member->z;
  unsigned in = (unsigned)vmf_min(step->in_length, UINT32_MAX);
  unsigned out = (unsigned)vmf_min(step->out_length, UINT32_MAX);
  z->next_in = (uint8_t *)(uintptr_t)step->in;
  z->avail_in = in;
  z->next_out = step->out;
  z->avail_out = out;
  int result = inflate(z, Z_NO_FLUSH);
  step->in += in - z->avail_in;
  step->in_length -= in - z->avail_in;
  step->out += out - z->avail_out;
  step->out_length -= out - z->avail_out;
  step->ended = result == Z_STREAM_END;
  if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
    return VMF_OK;
  return zlib_fail(result, z->msg, error);
}
#endif
