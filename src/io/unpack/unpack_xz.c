/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * The .xz file format 1.2.0. liblzma checks every block, the index and the footer. */
#include <string.h>

#include "packing.h"

static bool xz_begins(const uint8_t *head, size_t length)
{
  static const uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0};
  return length >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

#ifdef VMF_HAVE_LZMA
#include <lzma.h>

static enum vmf_code xz_fail(lzma_ret result, struct vmf_error *error)
{
  static const struct {
    lzma_ret result;
    enum vmf_code code;
    const char *text;
  } known[] = {
      {LZMA_MEM_ERROR, VMF_NOMEM, "no memory to unpack it"},
      {LZMA_MEMLIMIT_ERROR, VMF_LIMIT,
       "unpacking it takes more than 128 MiB of memory, which is "
       "the most that is given (xz -dc takes any amount)"},
      {LZMA_FORMAT_ERROR, VMF_CORRUPT, "the header of a stream is damaged"},
      {LZMA_OPTIONS_ERROR, VMF_UNSUPPORTED, "it is packed by a filter that is not known"},
      {LZMA_UNSUPPORTED_CHECK, VMF_UNSUPPORTED, "its checksums are of a kind that is not known"},
      {LZMA_DATA_ERROR, VMF_CORRUPT, "the data, or a checksum of it, is wrong"},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].result == result)
      return vmf_fail(error, known[i].code, "%s", known[i].text);
  return vmf_fail(error, VMF_CORRUPT, "it cannot be unpacked (liblzma's error %d)", (int)result);
}

static enum vmf_code xz_begin(void *state, const uint8_t *head, size_t length,
                              struct vmf_error *error)
{
  lzma_ret result = lzma_stream_decoder(state, VMF_WINDOW_MAX, LZMA_TELL_UNSUPPORTED_CHECK);
  (void)head;
  (void)length;
  return result == LZMA_OK ? VMF_OK : xz_fail(result, error);
}

static enum vmf_code xz_step(void *state, struct vmf_unpack_step *step, struct vmf_error *error)
{
  lzma_stream *stream = state;
  stream->next_in = step->in;
  stream->avail_in = step->in_length;
  stream->next_out = step->out;
  stream->avail_out = step->out_length;
  lzma_ret result = lzma_code(stream, LZMA_RUN);
  step->in = stream->next_in;
  step->in_length = stream->avail_in;
  step->out = stream->next_out;
  step->out_length = stream->avail_out;
  step->ended = result == LZMA_STREAM_END;
  if (result == LZMA_OK || result == LZMA_STREAM_END || result == LZMA_BUF_ERROR)
    return VMF_OK;
  return xz_fail(result, error);
}

static void xz_end(void *state)
{
  lzma_end(state);
}
#endif

static const char *const suffixes[] = {"xz", "txz", NULL};

const struct vmf_packing vmf_packing_xz = {
    .name = "xz",
    .suffixes = suffixes,
    .command = "xz -dc",
    .zeros_between = 4,
    .file_begins = xz_begins,
    .member_begins = xz_begins,
#ifdef VMF_HAVE_LZMA
    .state_size = sizeof(lzma_stream),
    .begin = xz_begin,
    .step = xz_step,
    .end = xz_end,
#else
    .library = "liblzma",
#endif
};
