/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 the vmferry authors
 *
 * RFC 1952. */
#include <string.h>

#include "gzip_member.h"
#include "packing.h"

struct gzip {
  struct vmf_gzip_member *member; /* NULL: none has begun */
};

#define MAGIC "\x1f\x8b\x08" /* with the method, deflate */
enum { MAGIC_LENGTH = 3 };

static bool gzip_begins(const uint8_t *head, size_t length)
{
  return length >= MAGIC_LENGTH && memcmp(head, MAGIC, MAGIC_LENGTH) == 0;
}

static enum vmf_code gzip_begin(void *state, const uint8_t *head, size_t length,
                                struct vmf_error *error)
{
  struct gzip *gzip = state;
  (void)head;
  (void)length;
  return gzip->member ? vmf_gzip_begin(gzip->member, error) : vmf_gzip_new(&gzip->member, error);
}

static enum vmf_code gzip_step(void *state, struct vmf_unpack_step *step, struct vmf_error *error)
{
  return vmf_gzip_step(((struct gzip *)state)->member, step, error);
}

static void gzip_end(void *state)
{
  vmf_gzip_free(((struct gzip *)state)->member);
}

static const char *const suffixes[] = {"gz", "gzip", "tgz", NULL};

const struct vmf_packing vmf_packing_gzip = {
    .name = "gzip",
    .suffixes = suffixes,
    .command = "gzip -dc",
    .magic = MAGIC,
    .magic_length = MAGIC_LENGTH,
    .zeros_behind = 1,
    .zeros_last = true, /* gzip takes what follows for garbage */
    .state_size = sizeof(struct gzip),
    .file_begins = gzip_begins,
    .member_begins = gzip_begins,
    .begin = gzip_begin,
    .step = gzip_step,
    .end = gzip_end,
};
