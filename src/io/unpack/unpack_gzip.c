/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * RFC 1952. zlib checks the header, the CRC-32 and the length behind the data. */
#include <zlib.h>

#include "checked.h"
#include "packing.h"

enum { GZIP = 15 + 16 /* zlib's windowBits */ };

struct gzip {
  z_stream z;
  bool open;
};

static bool gzip_begins(const uint8_t *head, size_t length)
{
  return length >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == Z_DEFLATED;
}

static enum vmf_code gzip_fail(const struct gzip *gzip, int result, struct vmf_error *error)
{
  if (result == Z_MEM_ERROR)
    return vmf_fail(error, VMF_NOMEM, "no memory to unpack it");
  return vmf_fail(error, VMF_CORRUPT, "%s", gzip->z.msg ? gzip->z.msg : "it cannot be unpacked");
}

static enum vmf_code gzip_begin(void *state, const uint8_t *head, size_t length,
                                struct vmf_error *error)
{
  struct gzip *gzip = state;
  int result = gzip->open ? inflateReset(&gzip->z) : inflateInit2(&gzip->z, GZIP);
  (void)head;
  (void)length;
  if (result != Z_OK)
    return gzip_fail(gzip, result, error);
  gzip->open = true;
  return VMF_OK;
}

static enum vmf_code gzip_step(void *state, struct vmf_unpack_step *step, struct vmf_error *error)
{
  struct gzip *gzip = state;
  unsigned in = (unsigned)vmf_min(step->in_length, UINT32_MAX);
  unsigned out = (unsigned)vmf_min(step->out_length, UINT32_MAX);
  gzip->z.next_in = (uint8_t *)(uintptr_t)step->in;
  gzip->z.avail_in = in;
  gzip->z.next_out = step->out;
  gzip->z.avail_out = out;
  int result = inflate(&gzip->z, Z_NO_FLUSH);
  step->in += in - gzip->z.avail_in;
  step->in_length -= in - gzip->z.avail_in;
  step->out += out - gzip->z.avail_out;
  step->out_length -= out - gzip->z.avail_out;
  step->ended = result == Z_STREAM_END;
  if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
    return VMF_OK;
  return gzip_fail(gzip, result, error);
}

static void gzip_end(void *state)
{
  struct gzip *gzip = state;
  if (gzip->open)
    inflateEnd(&gzip->z);
}

static const char *const suffixes[] = {"gz", "gzip", "tgz", NULL};

const struct vmf_packing vmf_packing_gzip = {
    .name = "gzip",
    .suffixes = suffixes,
    .command = "gzip -dc",
    .zeros_between = 1,
    .state_size = sizeof(struct gzip),
    .file_begins = gzip_begins,
    .member_begins = gzip_begins,
    .begin = gzip_begin,
    .step = gzip_step,
    .end = gzip_end,
};
