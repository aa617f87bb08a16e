/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * bzip2: "BZh", the size of blocks in 100 kB, and the first block, or the end where there is none.
 */
#include <string.h>

#include "checked.h"
#include "packing.h"

#define MAGIC "BZh"
enum { MAGIC_LENGTH = 3 };

static bool bzip2_begins(const uint8_t *head, size_t length)
{
  return length >= 10 && memcmp(head, MAGIC, MAGIC_LENGTH) == 0 && head[3] >= '1' &&
         head[3] <= '9' &&
         (memcmp(head + 4, "1AY&SY", 6) == 0 || memcmp(head + 4, "\x17rE8P\x90", 6) == 0);
}

#ifdef VMF_HAVE_BZIP2
#include <bzlib.h>

struct bzip2 {
  bz_stream stream;
  bool open;
};

static void bzip2_end(void *state)
{
  struct bzip2 *bzip2 = state;
  if (bzip2->open)
    BZ2_bzDecompressEnd(&bzip2->stream);
  bzip2->open = false;
}

static enum vmf_code bzip2_begin(void *state, const uint8_t *head, size_t length,
                                 struct vmf_error *error)
{
  struct bzip2 *bzip2 = state;
  (void)head;
  (void)length;
  bzip2_end(bzip2);
  bzip2->stream = (bz_stream){.bzalloc = NULL};
  if (BZ2_bzDecompressInit(&bzip2->stream, 0, 0) != BZ_OK)
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  bzip2->open = true;
  return VMF_OK;
}

static enum vmf_code bzip2_step(void *state, struct vmf_unpack_step *step, struct vmf_error *error)
{
  struct bzip2 *bzip2 = state;
  unsigned in = (unsigned)vmf_min(step->in_length, UINT32_MAX);
  unsigned out = (unsigned)vmf_min(step->out_length, UINT32_MAX);
  bzip2->stream.next_in = (char *)(uintptr_t)step->in;
  bzip2->stream.avail_in = in;
  bzip2->stream.next_out = (char *)step->out;
  bzip2->stream.avail_out = out;
  int result = BZ2_bzDecompress(&bzip2->stream);
  step->in += in - bzip2->stream.avail_in;
  step->in_length -= in - bzip2->stream.avail_in;
  step->out += out - bzip2->stream.avail_out;
  step->out_length -= out - bzip2->stream.avail_out;
  step->ended = result == BZ_STREAM_END;
  if (result == BZ_OK || result == BZ_STREAM_END)
    return VMF_OK;
  if (result == BZ_MEM_ERROR)
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  return vmf_fail(error, VMF_CORRUPT, "the data, or a checksum of it, is wrong");
}
#endif

static const char *const suffixes[] = {"bz2", "bzip2", "tbz", "tbz2", NULL};

const struct vmf_packing vmf_packing_bzip2 = {
    .name = "bzip2",
    .suffixes = suffixes,
    .command = "bzip2 -dc",
    .magic = MAGIC,
    .magic_length = MAGIC_LENGTH,
    .file_begins = bzip2_begins,
    .member_begins = bzip2_begins,
#ifdef VMF_HAVE_BZIP2
    .state_size = sizeof(struct bzip2),
    .begin = bzip2_begin,
    .step = bzip2_step,
    .end = bzip2_end,
#else
    .library = "libbz2",
#endif
};
